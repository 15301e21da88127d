/* SPDX-License-Identifier: ISC */

/* Hashes compared, written and read.  Pure: the codecs need no libcrypto. */

#include <string.h>

#include "hash.h"

const struct hash hash_zero;

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
