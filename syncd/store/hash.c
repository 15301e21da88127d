/* SPDX-License-Identifier: ISC */

/*
 * SHA-256, in every room of syncd.  The low-level functions: the sum lives on
 * the stack, nothing is fetched or allocated, and a small object costs a
 * third of what EVP takes.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>
#include <openssl/sha.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"

static_assert(sizeof(SHA256_CTX) <= sizeof(struct hash_sum), "it fits");
static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct hash_sum), "aligned");
static_assert(SHA256_DIGEST_LENGTH == HASH_LEN, "a hash is a digest");

static SHA256_CTX *
state_of(struct hash_sum *s)
{
	return (void *)s->state;
}

void
hash_init(struct hash_sum *s)
{
	(void)SHA256_Init(state_of(s));
}

void
hash_add(struct hash_sum *s, const void *buf, size_t len)
{
	(void)SHA256_Update(state_of(s), buf, len);
}

void
hash_end(struct hash_sum *s, struct hash *h)
{
	(void)SHA256_Final(h->b, state_of(s));
}

void
hash_of(const void *buf, size_t len, struct hash *h)
{
	struct hash_sum s;

	hash_init(&s);
	hash_add(&s, buf, len);
	hash_end(&s, h);
}

int
hash_fd(int fd, struct hash *h, uint64_t *len)
{
	struct hash_sum s;
	char buf[64 * 1024];
	uint64_t total = 0;
	ssize_t n;

	hash_init(&s);
	for (;;) {
		n = read(fd, buf, sizeof(buf));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		hash_add(&s, buf, (size_t)n);
		total += (uint64_t)n;
	}
	hash_end(&s, h);
	if (len != NULL)
		*len = total;
	return 0;
}

void
hash_chain(const struct hash *prev, const void *manifest, size_t len,
    struct hash *head)
{
	struct hash_sum s;

	hash_init(&s);
	hash_add(&s, prev->b, HASH_LEN);
	hash_add(&s, manifest, len);
	hash_end(&s, head);
}
