/* SPDX-License-Identifier: ISC */

/*
 * Time since boot, as a type of its own so that it cannot be mixed with a
 * length of time or with the wall clock.  Every room may use it; the core
 * gets its times with the events and never asks a clock.
 *
 * A point in time is a mono_t.  A length of time is a plain int64_t of
 * nanoseconds whose name ends in _ns (or _ms, _s where it says so).
 */
#ifndef VIPAIR_MONO_H
#define VIPAIR_MONO_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US	INT64_C(1000)
#define NS_PER_MS	INT64_C(1000000)
#define NS_PER_S	INT64_C(1000000000)

typedef struct mono {
	int64_t ns;		/* CLOCK_BOOTTIME; 0 means never */
} mono_t;

#define MONO_NEVER	((mono_t){ 0 })

static inline bool
mono_is_set(mono_t t)
{
	return t.ns != 0;
}

static inline mono_t
mono_after(mono_t t, int64_t span_ns)
{
	return (mono_t){ t.ns + span_ns };
}

/* Length of time from a to b; negative when b is the earlier one. */
static inline int64_t
mono_span_ns(mono_t a, mono_t b)
{
	return b.ns - a.ns;
}

/* True when deadline is set and now has reached it. */
static inline bool
mono_reached(mono_t now, mono_t deadline)
{
	return deadline.ns != 0 && now.ns >= deadline.ns;
}

/* The earlier of two deadlines, of which either may be unset. */
static inline mono_t
mono_first(mono_t a, mono_t b)
{
	if (a.ns == 0)
		return b;
	if (b.ns == 0)
		return a;
	return a.ns < b.ns ? a : b;
}

/* CLOCK_BOOTTIME; in mono.c, for the rooms only. */
mono_t	mono_now(void);

#endif
