/* SPDX-License-Identifier: ISC */

/*
 * Elector: the policy of the service and of the data it works on.  Pure:
 * what is wanted, what jobs answered and the time go in; the next job to ask
 * for and the state to report come out.  Runs nothing itself.
 *
 * A pair with data, into the role: BEGIN, LOAD if need be, WRITE, START; out
 * of it: STOP, END.  Within one term the service is restarted on the same
 * data, without those steps.
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
/* The capture ends a pass that is under way before it begins. */
/* Longer than a mirror that hangs lives: its successor is asked again. */
#define SERVICE_BEGIN_NS	(45 * NS_PER_S)
#define SERVICE_WRITE_NS	(45 * NS_PER_S)
/* With no mirror to take them, BEGIN and WRITE have failed after this. */
#define SERVICE_NOBODY_NS	(5 * NS_PER_S)
/* The loader has a limit of its own; this is for a lost answer. */
#define SERVICE_LOAD_NS		(3600 * NS_PER_S)
/* A handover waits no longer for the last sync. */
#define SERVICE_END_NS		(15 * NS_PER_S)
/* Stopped, but not all was captured: asked again this often. */
#define SERVICE_END_AGAIN_NS	(10 * NS_PER_S)

struct service_config {
	bool		exists;		/* a service, data, or both */
	bool		data;		/* a sync block is there */
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
	bool		known;		/* nothing runs that we did not start */
	bool		ended;		/* END was answered: all is captured */
	bool		end_late;	/* the last END was given up */
	bool		synced;		/* and the partner had it all */
	bool		reloading;	/* stop, END, then BEGIN again */
	bool		loaded;		/* this term's data came by a load */
	uint8_t		failed_step;	/* enum job_kind of BEGIN, LOAD,
					   WRITE that failed last, or 0 */
	uint32_t	failed_status;	/* its exit status */
	bool		failed_late;	/* it was not answered at all */
	uint8_t		stops;		/* tried in a row */
	uint16_t	fails;		/* checks in a row */
	uint32_t	term;		/* of what is wanted */
	uint32_t	job_term;	/* of the job awaited */
	uint32_t	data_term;	/* live data are ours to write; 0 no */
	mono_t		give_up;	/* its answer is not awaited longer */
	mono_t		nobody;		/* nor somebody to take it */
	mono_t		due;		/* next check, resend or time limit */
	mono_t		healthy;	/* last good check or start */
	mono_t		trouble;	/* last failure */
	int64_t		start_took_ns;	/* last start, -1 unknown */
	uint32_t	failed_check;	/* line of the last bad check */
	uint32_t	load_took_ms;	/* last load; UINT32_MAX unknown */
};

void		service_config(struct service_config *cfg,
		    const struct conf_service *s, bool has_sync);
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

/* Live data anew: stop, END, BEGIN in the same term, LOAD, WRITE, start. */
enum job_kind	service_reload(struct service *s,
		    const struct service_config *cfg, mono_t now);
/* The configuration is another one. */
enum job_kind	service_reconfigured(struct service *s,
		    const struct service_config *cfg, mono_t now);

/* The job could not be handed on: it is asked for again a little later. */
void		service_unsent(struct service *s, mono_t now);
/* The mirror is another one: what the last one was to do is asked anew. */
void		service_lost(struct service *s, mono_t now);

/* A job the mirror answers; the supervisor answers the others. */
bool		service_is_mirrors(uint32_t kind);
/* Stopped, captured, nothing under way: a loader may change live data. */
bool		service_rests(const struct service *s);

#endif
