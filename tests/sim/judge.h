/* SPDX-License-Identifier: ISC */

/* Simulator: what the files of the checks share. */
#ifndef VIPAIR_SIM_JUDGE_H
#define VIPAIR_SIM_JUDGE_H

#include "sim.h"

static inline bool
is_holding(const struct node *n)
{
	return n->e.state == STATE_ACTIVE || n->e.state == STATE_LEAVING;
}

static inline int64_t
down_ns(const struct node *n)
{
	return election_down_ns(&n->e, &n->cfg);
}

static inline bool
is_earnest(enum reason why)
{
	return why == REASON_PREEMPT || why == REASON_DEMOTED_PEER ||
	    why == REASON_GUARANTEED_TIMEOUT;
}

static inline int
epoch_compare(uint32_t term, uint8_t id, uint32_t than, uint8_t than_id)
{
	if (term != than)
		return term > than ? 1 : -1;
	return (id < than_id) - (id > than_id);
}

#endif
