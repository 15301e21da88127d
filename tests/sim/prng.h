/* SPDX-License-Identifier: ISC */

/*
 * Simulator: random numbers, the same from the same seed on every machine
 * and compiler.  xoshiro256++ by Blackman and Vigna, seeded by splitmix64.
 */
#ifndef VIPAIR_SIM_PRNG_H
#define VIPAIR_SIM_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
	uint64_t	s[4];
};

static inline void
prng_seed(struct prng *r, uint64_t seed)
{
	uint64_t z;

	for (int i = 0; i < 4; i++) {
		seed += UINT64_C(0x9e3779b97f4a7c15);
		z = seed;
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		r->s[i] = z ^ z >> 31;
	}
}

static inline uint64_t
prng_rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static inline uint64_t
prng_next(struct prng *r)
{
	uint64_t *s = r->s;
	uint64_t result = prng_rotl(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = prng_rotl(s[3], 45);
	return result;
}

/* 0 <= result < n; n below 2^32, its bias does not matter here. */
static inline uint32_t
prng_below(struct prng *r, uint32_t n)
{
	return (uint32_t)((prng_next(r) >> 32) * n >> 32);
}

/* lo <= result <= hi; no more than 2^62 apart. */
static inline int64_t
prng_range(struct prng *r, int64_t lo, int64_t hi)
{
	if (hi <= lo)
		return lo;
	return lo + (int64_t)(prng_next(r) % (uint64_t)(hi - lo + 1));
}

static inline bool
prng_percent(struct prng *r, uint32_t percent)
{
	return percent != 0 && prng_below(r, 100) < percent;
}

#endif
