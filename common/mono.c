/* SPDX-License-Identifier: ISC */

/* Every room: the one place that reads CLOCK_BOOTTIME. */

#include <time.h>

#include "mono.h"

mono_t
mono_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (mono_t){ ts.tv_sec * NS_PER_S + ts.tv_nsec };
}
