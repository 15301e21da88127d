/* SPDX-License-Identifier: ISC */

/*
 * The capture room for tests: its own objects with shorter intervals, and a
 * death at the step of the store that the environment names (DIE_AT).
 */

#include <stdlib.h>
#include <unistd.h>

#include "pairs.h"

#define DIED	99

const struct capture_times capture_times = {
	.upkeep_every_ns = 2 * NS_PER_S,
	.upkeep_step_ns = 5 * NS_PER_MS,
	.scrub_every_ns = 1 * NS_PER_S,
	.scrub_step_ns = 5 * NS_PER_MS,
	.retry_ns = 200 * NS_PER_MS,
};

static int die_at, steps;

static void
step(const char *name)
{
	(void)name;
	if (++steps == die_at)
		_exit(DIED);
}

__attribute__((constructor))
static void
set_hook(void)
{
	const char *number = getenv("DIE_AT");

	if (number == NULL)
		return;
	die_at = atoi(number);
	store_crash_hook = step;
}
