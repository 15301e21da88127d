/* SPDX-License-Identifier: ISC */

/*
 * HMAC (RFC 2104) for the codecs, with the hashes of libcrypto.
 */
#ifndef VIPAIR_HMAC_H
#define VIPAIR_HMAC_H

#include "advert.h"

/*
 * Proves itself with known answers and touches all it will need.  Call it
 * before the filter; it never comes back with a wrong result (assert).
 */
void	hmac_start(void);

/* An hmac_fn: no allocation, no system call, keys of any length. */
void	hmac_of(enum hmac_hash hash, const uint8_t *key, size_t keylen,
	    const struct piece *piece, size_t npieces, uint8_t *out);

#endif
