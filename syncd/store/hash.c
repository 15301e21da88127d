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

const struct hash hash_zero;

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

bool
hash_equal(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, HASH_LEN) == 0;
}

int
hash_cmp(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, HASH_LEN);
}

bool
hash_is_zero(const struct hash *h)
{
	return hash_equal(h, &hash_zero);
}

char *
hash_hex(const struct hash *h, char buf[HASH_HEX + 1])
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < HASH_LEN; i++) {
		buf[2 * i] = digit[h->b[i] >> 4];
		buf[2 * i + 1] = digit[h->b[i] & 15];
	}
	buf[HASH_HEX] = '\0';
	return buf;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
hash_parse(const char *text, size_t len, struct hash *h)
{
	struct hash out;
	int high, low;
	size_t i;

	if (len != HASH_HEX)
		return false;
	for (i = 0; i < HASH_LEN; i++) {
		high = digit_value(text[2 * i]);
		low = digit_value(text[2 * i + 1]);
		if (high == -1 || low == -1)
			return false;
		out.b[i] = (uint8_t)(high << 4 | low);
	}
	*h = out;
	return true;
}
