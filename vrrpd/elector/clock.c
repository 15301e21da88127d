/* SPDX-License-Identifier: ISC */

/*
 * Elector: the two clocks.  All timers run on boot time; the wall clock only
 * numbers adverts, dates records, and tells how long a frame lay in a socket.
 */

#include <time.h>

#include "elector.h"

#define STEP_NS		(5 * NS_PER_MS)

void
clock_read(struct elector *el)
{
	struct timespec ts;
	int64_t offset;

	el->now = mono_now();
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	el->wall_ns = ts.tv_sec * NS_PER_S + ts.tv_nsec;
	offset = el->wall_ns - el->now.ns;
	/* Both run at one rate: only a step moves them apart. */
	if (offset - el->wall_offset > STEP_NS ||
	    el->wall_offset - offset > STEP_NS)
		el->wall_stepped = true;
	el->wall_offset = offset;
}
