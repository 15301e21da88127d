/* SPDX-License-Identifier: ISC */

/* The capture room: how often what nobody waits for is done. */

#include "pairs.h"

const struct capture_times capture_times = {
	.upkeep_every_ns = 600 * NS_PER_S,
	.upkeep_step_ns = 50 * NS_PER_MS,
	.scrub_every_ns = INT64_C(24) * 3600 * NS_PER_S,
	.scrub_step_ns = 100 * NS_PER_MS,
	.retry_ns = 5 * NS_PER_S,
};
