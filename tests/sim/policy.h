/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the elector's own policies of service and data (service.o and
 * data.o of vrrpd/elector), behind names that do not meet the simulator's.
 */
#ifndef VIPAIR_SIM_POLICY_H
#define VIPAIR_SIM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "mono.h"

enum work {
	WORK_NONE = 0,
	WORK_QUERY,		/* does the service run? */
	WORK_STOP,
	WORK_START,
	WORK_CHECK,
	WORK_BEGIN,		/* of the capture: the epoch is raised */
	WORK_LOAD,
	WORK_WRITE,		/* live data are ours from here on */
	WORK_END,		/* captured to the end */
	WORK_PREPARE,
	WORK_SETTLE,		/* live data follow the head, on a standby */
	WORK_COUNT
};

struct work_ask {
	uint8_t		work;
	uint32_t	term;	/* comes back with the answer */
};

enum work_result { WORK_OK, WORK_FAILED, WORK_SUPERSEDED };

struct policy {
	_Alignas(16) uint8_t service[192];
	_Alignas(16) uint8_t plan[128];
};

void	policy_start(struct policy *p);
/* Each returns what is to be done now, or WORK_NONE. */
struct work_ask	policy_want(struct policy *p, bool run, uint32_t term,
		    mono_t now);
struct work_ask	policy_done(struct policy *p, struct work_ask of,
		    enum work_result r, bool check, mono_t now);
struct work_ask	policy_timer(struct policy *p, mono_t now);
struct work_ask	policy_head(struct policy *p, uint64_t generation, bool holds,
		    mono_t now);
/* It could not be handed on. */
void	policy_unsent(struct policy *p, struct work_ask of, mono_t now);
mono_t	policy_due(const struct policy *p);
uint8_t	policy_state(const struct policy *p);	/* enum service_state */
/* Nothing runs that this elector did not start. */
bool	policy_known(const struct policy *p);

#endif
