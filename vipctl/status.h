/* SPDX-License-Identifier: ISC */

/*
 * The status as JSON, schema 1: keys are only ever added.
 */
#ifndef VIPAIR_VIPCTL_STATUS_H
#define VIPAIR_VIPCTL_STATUS_H

#include <stdio.h>

#include "view.h"

#define STATUS_SCHEMA	1

/* One line; only one pair when vp is not NULL. */
void	status_json(FILE *f, const struct view *w, const struct view_pair *vp);
/* The same shape with nothing known: no daemon answered. */
void	status_json_unknown(FILE *f, const char *why);

/* The names under "dropped"; each verdict counts under exactly one. */
enum dropped {
	DROPPED_TTL = 0,
	DROPPED_CHECKSUM,
	DROPPED_AUTH,
	DROPPED_REPLAY,
	DROPPED_LENGTH,
	DROPPED_VERSION,
	DROPPED_INTERVAL,
	DROPPED_OTHER_VHID,
	DROPPED_OWN,
	DROPPED_COUNT
};
extern const char *const	dropped_names[DROPPED_COUNT];
void	dropped_sum(const struct ctl_pair *p, uint64_t sum[DROPPED_COUNT]);

#endif
