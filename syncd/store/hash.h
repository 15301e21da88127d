/* SPDX-License-Identifier: ISC */

/*
 * SHA-256 and how it is written: 64 lower-case hex digits.  Used by every
 * room of syncd and by vipctl.  Allocates nothing.
 */
#ifndef VIPAIR_HASH_H
#define VIPAIR_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_LEN	32
#define HASH_HEX	64

struct hash {
	uint8_t		b[HASH_LEN];
};

/* A running sum; what is inside is hash.c's business. */
struct hash_sum {
	_Alignas(8) uint8_t state[128];
};

extern const struct hash hash_zero;	/* all zero: no head yet */

void	hash_init(struct hash_sum *s);
void	hash_add(struct hash_sum *s, const void *buf, size_t len);
void	hash_end(struct hash_sum *s, struct hash *h);

void	hash_of(const void *buf, size_t len, struct hash *h);
/* The rest of a file from its offset; 0, or -1 with errno. */
int	hash_fd(int fd, struct hash *h, uint64_t *len);
/* head(n) = SHA-256(head(n - 1) || bytes of manifest n as sent). */
void	hash_chain(const struct hash *prev, const void *manifest, size_t len,
	    struct hash *head);

bool	hash_equal(const struct hash *a, const struct hash *b);
int	hash_cmp(const struct hash *a, const struct hash *b);
bool	hash_is_zero(const struct hash *h);
/* Writes 64 digits and NUL; returns buf. */
char	*hash_hex(const struct hash *h, char buf[HASH_HEX + 1]);
/* Exactly 64 digits, lower case only. */
bool	hash_parse(const char *text, size_t len, struct hash *h);

#endif
