/* SPDX-License-Identifier: ISC */

/*
 * Elector: the numbers in signed trailers.  Pure: no clock, no messages;
 * must never hand out a number twice, whatever the wall clock does.
 */

#include <assert.h>

#include "mono.h"
#include "seq.h"

static uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t
seq_of_clock(int64_t wall_ns)
{
	uint64_t s, frac;

	if (wall_ns <= 0)
		return 0;
	s = (uint64_t)wall_ns / (uint64_t)NS_PER_S;
	if (s > UINT32_MAX)
		s = UINT32_MAX;
	frac = (uint64_t)wall_ns % (uint64_t)NS_PER_S;
	frac = (frac << 16) / (uint64_t)NS_PER_S;
	return s << 32 | frac << 16;
}

void
seq_restore(struct seq *s, uint64_t ceiling)
{
	s->last = max_u64(s->last, ceiling);
	s->ceiling = max_u64(s->ceiling, ceiling);
}

bool
seq_next(struct seq *s, int64_t wall_ns, uint64_t *number)
{
	uint64_t clock = seq_of_clock(wall_ns), n;
	uint64_t top = s->ceiling > SEQ_RESERVE ? s->ceiling - SEQ_RESERVE : 0;

	/*
	 * Follow the clock up to a little below the ceiling; then step by
	 * one in the reserve, which no burst of adverts can use up.
	 */
	n = max_u64(clock < top ? clock : top, s->last + 1);
	if (n + 1 > s->ceiling)
		n = max_u64(clock, s->last + 1);	/* keeper fails */
	assert(n > s->last);
	s->last = n + 1;
	*number = n;
	return s->last <= s->ceiling;
}

bool
seq_wants(const struct seq *s, int64_t wall_ns, int64_t interval_ns,
    uint64_t *ceiling)
{
	uint64_t now = max_u64(seq_of_clock(wall_ns), s->last);
	uint64_t span = seq_of_clock(interval_ns);

	if (s->waiting)
		return false;
	/* An interval beyond the ceiling's reach: numbers lag, no harm. */
	if (span > 2 * SEQ_SECOND)
		span = 2 * SEQ_SECOND;
	/*
	 * Each question costs the disk a flush: the next advert may find
	 * the ceiling a little below the clock, and step in the reserve.  A
	 * restart has used that up, and a clock that is behind says nothing.
	 */
	if (now + span <= s->ceiling + SEQ_RESERVE / 2 &&
	    s->last + SEQ_RESERVE / 4 <= s->ceiling)
		return false;
	*ceiling = now + SEQ_AHEAD;
	return true;
}

void
seq_asked(struct seq *s, uint64_t ceiling)
{
	assert(ceiling > s->last);
	s->asked = ceiling;
	s->waiting = true;
}

void
seq_answered(struct seq *s)
{
	if (!s->waiting)
		return;
	s->waiting = false;
	s->ceiling = max_u64(s->ceiling, s->asked);
}

enum verdict
seq_judge(uint64_t *floor, uint64_t number)
{
	if (number <= *floor)
		return ADVERT_REPLAY;
	*floor = number;
	return ADVERT_OK;
}
