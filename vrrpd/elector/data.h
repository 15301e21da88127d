/* SPDX-License-Identifier: ISC */

/*
 * Elector: the policy of a standby's live data.  Pure: which generation the
 * store has, whether a loader may work, what jobs answered and the time go
 * in; the next job to ask for comes out.
 *
 * PREPARE after each new generation, at most one a second; SETTLE when the
 * head stood still for two seconds behind one, or every half minute while it
 * never does.
 */
#ifndef VIPAIR_ELECTOR_DATA_H
#define VIPAIR_ELECTOR_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc.h"
#include "mono.h"

#define DATA_PREPARE_NS		(1 * NS_PER_S)	/* from one to the next */
#define DATA_STILL_NS		(2 * NS_PER_S)
#define DATA_RESTLESS_NS	(30 * NS_PER_S)
#define DATA_RETRY_NS		(30 * NS_PER_S)	/* after a failure */
#define DATA_RESEND_NS		(100 * NS_PER_MS)
/* The loader has a limit of its own; this is for a lost answer. */
#define DATA_ANSWER_NS		(3630 * NS_PER_S)

struct data_plan {
	uint64_t	head;		/* generation in the store, 0 none */
	uint64_t	prepared;	/* beside the live data */
	uint64_t	live;		/* loaded, or written here */
	uint64_t	asked;		/* generation of the job awaited */
	uint8_t		job;		/* JOB_PREPARE, JOB_SETTLE or 0 */
	bool		unsent;		/* it did not leave yet */
	bool		may;		/* a loader may work now */
	uint8_t		failed;		/* kind of the last failure, or 0 */
	uint16_t	fails;		/* in a row */
	uint32_t	status;		/* exit status of the last failure */
	uint32_t	number;		/* of the job; comes back as term */
	mono_t		changed;	/* the head, last */
	mono_t		behind;		/* since when live is not the head */
	mono_t		prepare_at;	/* the last PREPARE began */
	mono_t		ready_at;	/* the last PREPARE ended well */
	mono_t		rest;		/* after a failure, until then */
	mono_t		due;		/* look again */
};

void		data_init(struct data_plan *d);

/*
 * Each returns the job to ask for now, or 0.  What the store has and whether
 * a loader may work is told again whenever it may have changed.
 */
enum job_kind	data_head(struct data_plan *d, uint64_t generation,
		    bool may, mono_t now);
enum job_kind	data_done(struct data_plan *d,
		    const struct msg_job_done *done, mono_t now);
enum job_kind	data_timer(struct data_plan *d, mono_t now);

/* Live data are the head already: written here and captured. */
void		data_is_live(struct data_plan *d);
/* The job could not be handed on: it is asked for again a little later. */
void		data_unsent(struct data_plan *d, mono_t now);

#endif
