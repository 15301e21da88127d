/* SPDX-License-Identifier: ISC */

/*
 * Elector: the policy of the service.  Pure: what is wanted, what jobs
 * answered and the time go in; the next job to ask for and the state to
 * report come out.  Runs nothing itself.
 */
#ifndef VIPAIR_ELECTOR_SERVICE_H
#define VIPAIR_ELECTOR_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "election.h"
#include "ipc.h"
#include "mono.h"

/* The one restart is given back after this long without a failure. */
#define SERVICE_FORGIVE_NS	(600 * NS_PER_S)
/* An answer that is this much over its own time limit does not come. */
#define SERVICE_ANSWER_NS	(30 * NS_PER_S)
#define SERVICE_RESEND_NS	(100 * NS_PER_MS)

struct service_config {
	bool		exists;
	bool		can_query;	/* somebody can say if it runs */
	bool		checks;
	uint16_t	give_up_after;
	int64_t		check_every_ns;
	int64_t		start_limit_ns;
	int64_t		stop_limit_ns;
};

struct service {
	uint8_t		state;		/* enum service_state */
	uint8_t		job;		/* enum job_kind awaited, or 0 */
	bool		unsent;		/* it did not leave yet */
	bool		run;		/* wanted */
	bool		restarting;	/* the one restart is under way */
	bool		restarted;	/* it was used up */
	bool		stop_failed;	/* could not be stopped, went on */
	uint8_t		stops;		/* tried in a row */
	uint16_t	fails;		/* checks in a row */
	uint32_t	term;		/* of what is wanted */
	uint32_t	job_term;	/* of the job awaited */
	mono_t		due;		/* next check, resend or time limit */
	mono_t		healthy;	/* last good check or start */
	mono_t		trouble;	/* last failure */
	int64_t		start_took_ns;	/* last start, -1 unknown */
	uint32_t	failed_check;	/* line of the last bad check */
};

void		service_config(struct service_config *cfg,
		    const struct conf_service *s);
void		service_init(struct service *s);

/*
 * Each returns the job to ask for now, or 0.  The caller compares s->state
 * before and after, and reports a change to the election.
 */
enum job_kind	service_want(struct service *s,
		    const struct service_config *cfg, bool run,
		    uint32_t term, mono_t now);
enum job_kind	service_done(struct service *s,
		    const struct service_config *cfg,
		    const struct msg_job_done *done, mono_t now);
enum job_kind	service_timer(struct service *s,
		    const struct service_config *cfg, mono_t now);

/* The job could not be handed on: it is asked for again a little later. */
void		service_unsent(struct service *s, mono_t now);

#endif
