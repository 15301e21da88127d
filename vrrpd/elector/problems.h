/* SPDX-License-Identifier: ISC */

/*
 * Elector: what is wrong with a pair, derived from its state when somebody
 * asks.  Reads only; a problem goes by itself when its cause is gone.
 */
#ifndef VIPAIR_ELECTOR_PROBLEMS_H
#define VIPAIR_ELECTOR_PROBLEMS_H

#include "elector.h"

#define PROBLEMS_MAX	PROBLEM_COUNT

struct problems {
	uint32_t	n;
	struct ctl_problem p[PROBLEMS_MAX];
};

void	problems_of(const struct elector *el, const struct pair *p,
	    struct problems *out);

#endif
