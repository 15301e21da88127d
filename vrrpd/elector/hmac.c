/* SPDX-License-Identifier: ISC */

/*
 * HMAC for the elector, under its filter, and for vipctl monitor.  It must
 * never allocate or enter the kernel.
 *
 * libcrypto's EVP and HMAC calls look an algorithm up, which reads a
 * configuration file, loads a provider and allocates; each context allocates
 * again.  The hash functions themselves do none of that: their state is a
 * struct on our stack, and an advert costs 0.5 us instead of 3.2 (OpenSSL
 * 3.0).  They are marked deprecated in favour of EVP and are there in OpenSSL
 * 1.1, 3.x and LibreSSL alike.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <assert.h>
#include <string.h>

#include "hmac.h"

#define HMAC_BLOCK	64	/* of SHA-1 and of SHA-256 */
#define INNER_PAD	0x36
#define OUTER_PAD	0x5c

static_assert(HMAC_SHA1 == (int)SHA_DIGEST_LENGTH, "SHA-1");
static_assert(HMAC_SHA256 == (int)SHA256_DIGEST_LENGTH, "SHA-256");
static_assert(HMAC_BLOCK == SHA_CBLOCK, "SHA-1 block");
static_assert(HMAC_BLOCK == SHA256_CBLOCK, "SHA-256 block");

/* hash(first block || pieces); first may be NULL. */
static void
hash_of(enum hmac_hash hash, const uint8_t *first, const struct piece *piece,
    size_t npieces, uint8_t *out)
{
	union {
		SHA_CTX		sha1;
		SHA256_CTX	sha256;
	} u;

	if (hash == HMAC_SHA1) {
		SHA1_Init(&u.sha1);
		if (first != NULL)
			SHA1_Update(&u.sha1, first, HMAC_BLOCK);
		for (size_t i = 0; i < npieces; i++)
			SHA1_Update(&u.sha1, piece[i].at, piece[i].len);
		SHA1_Final(out, &u.sha1);
	} else {
		SHA256_Init(&u.sha256);
		if (first != NULL)
			SHA256_Update(&u.sha256, first, HMAC_BLOCK);
		for (size_t i = 0; i < npieces; i++)
			SHA256_Update(&u.sha256, piece[i].at, piece[i].len);
		SHA256_Final(out, &u.sha256);
	}
	OPENSSL_cleanse(&u, sizeof(u));
}

void
hmac_of(enum hmac_hash hash, const uint8_t *key, size_t keylen,
    const struct piece *piece, size_t npieces, uint8_t *out)
{
	uint8_t block[HMAC_BLOCK] = { 0 };
	uint8_t inner[HMAC_SHA256];

	assert(hash == HMAC_SHA1 || hash == HMAC_SHA256);
	if (keylen > HMAC_BLOCK)
		hash_of(hash, NULL, &(struct piece){ key, keylen }, 1, block);
	else
		memcpy(block, key, keylen);
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] ^= INNER_PAD;
	hash_of(hash, block, piece, npieces, inner);
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] ^= INNER_PAD ^ OUTER_PAD;
	hash_of(hash, block, &(struct piece){ inner, hash }, 1, out);
	OPENSSL_cleanse(block, sizeof(block));
}

void
hmac_start(void)
{
	/* RFC 2202 and RFC 4231, test case 2. */
	static const uint8_t sha1[HMAC_SHA1] = {
		0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2, 0xd2, 0x74,
		0x16, 0xd5, 0xf1, 0x84, 0xdf, 0x9c, 0x25, 0x9a, 0x7c, 0x79,
	};
	static const uint8_t sha256[HMAC_SHA256] = {
		0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
		0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
		0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
		0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
	};
	static const struct piece piece[2] = {
		{ "what do ya want ", 16 }, { "for nothing?", 12 },
	};
	uint8_t out[HMAC_SHA256];

	hmac_of(HMAC_SHA1, (const uint8_t *)"Jefe", 4, piece, 2, out);
	assert(memcmp(out, sha1, sizeof(sha1)) == 0);
	hmac_of(HMAC_SHA256, (const uint8_t *)"Jefe", 4, piece, 2, out);
	assert(memcmp(out, sha256, sizeof(sha256)) == 0);
}
