/* SPDX-License-Identifier: ISC */

/*
 * What the fuzz targets share.  A target is one file fuzz_NAME.c with
 * LLVMFuzzerTestOneInput() and a first line `FUZZ: sources` below its head
 * comment; ./run finds it, builds it and feeds it.  Input is always a frame
 * from the link header on, as the captures that seed it have them.
 */
#ifndef VIPAIR_FUZZ_H
#define VIPAIR_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advert.h"

#define FUZZ_ETHER	14

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Not assert: it says which oracle it was, and stays in every build. */
#define FUZZ_MUST(fact)							\
	do {								\
		if (!(fact)) {						\
			fprintf(stderr, "%s:%d: violated: %s\n",	\
			    __FILE__, __LINE__, #fact);			\
			abort();					\
		}							\
	} while (0)

/*
 * Stands in for HMAC: quick, and a fuzzer finds its way through it.  Every
 * byte and every piece counts.
 */
static inline void
fuzz_hmac(enum hmac_hash hash, const uint8_t *key, size_t keylen,
    const struct piece *piece, size_t npieces, uint8_t *out)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < keylen; i++)
		sum = (sum ^ key[i]) * 16777619u;
	for (size_t i = 0; i < npieces; i++)
		for (size_t k = 0; k < piece[i].len; k++)
			sum = (sum ^ ((const uint8_t *)piece[i].at)[k]) *
			    16777619u;
	for (size_t i = 0; i < hash; i++)
		out[i] = (uint8_t)(sum >> i % 4 * 8);
}

/* The packet of a frame; a copy of exact size, so that overreads are seen. */
static inline uint8_t *
fuzz_packet(const uint8_t *data, size_t len, struct packet *p)
{
	uint8_t *ip;

	if (len < FUZZ_ETHER)
		return NULL;
	len -= FUZZ_ETHER;
	ip = malloc(len == 0 ? 1 : len);
	if (ip == NULL)
		abort();
	memcpy(ip, data + FUZZ_ETHER, len);
	if (packet_parse(ip, len, p) == ADVERT_OK)
		return ip;
	free(ip);
	return NULL;
}

#endif
