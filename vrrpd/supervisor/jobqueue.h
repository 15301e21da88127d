/* SPDX-License-Identifier: ISC */

/*
 * The ordered job queue of one pair.  Pure: no process, no clock, no log.
 * jobs.c runs what comes out of it.
 *
 * Five lanes run beside each other, each one job at a time:
 *	service	start, stop, query, load, settle.  Of the starts and stops
 *		that wait only the last stays: last state wins.  What runs is
 *		waited for.  A stop goes before a load, a start behind it, and
 *		a stop or a load makes what waits to be loaded obsolete.
 *	check	one; another one asked for meanwhile is superseded.
 *	notify	first in, first out.
 *	prepare	one, never beside a load or settle: these end it, and do not
 *		begin before it has ended.
 *	fill	one, asked for by the capture; the last one waits.
 *
 * Every job that is added gets exactly one answer.
 */
#ifndef VIPAIR_JOBQUEUE_H
#define VIPAIR_JOBQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc.h"

#define JOBQUEUE_NOTIFY_MAX	8
#define JOBQUEUE_ANSWERS_MAX	4

enum lane {
	LANE_SERVICE = 0,
	LANE_CHECK,
	LANE_NOTIFY,
	LANE_PREPARE,
	LANE_FILL,
	LANE_COUNT
};

struct job {
	uint32_t	kind;		/* enum job_kind; 0: none */
	uint32_t	role, old_role, term;
	bool		answer;		/* who asked waits for the result */
};

struct job_answer {
	struct job	job;
	uint32_t	result;		/* enum job_result */
	bool		ran;		/* it is the one that ran just now */
};

struct jobqueue {
	struct job	running[LANE_COUNT];
	struct job	state;		/* start or stop that waits */
	struct job	query;		/* behind it */
	struct job	load, settle;	/* wait */
	struct job	prepare, fill;
	struct job	check;		/* waits for a process slot */
	struct job	notify[JOBQUEUE_NOTIFY_MAX];
	uint32_t	nnotify;
	bool		up;		/* started, and not stopped since */
};

enum lane	jobqueue_lane(uint32_t kind);

/* Adds a job; returns how many answers are due at once. */
size_t	jobqueue_add(struct jobqueue *q, const struct job *j,
	    struct job_answer out[JOBQUEUE_ANSWERS_MAX]);

/* The job to run now on a free lane, marked as running; or false. */
bool	jobqueue_next(struct jobqueue *q, enum lane lane, struct job *out);

/* The running job of the lane has ended; returns the answers due. */
size_t	jobqueue_done(struct jobqueue *q, enum lane lane, uint32_t result,
	    struct job_answer out[JOBQUEUE_ANSWERS_MAX]);

/*
 * What is live may not be exchanged now: a service may have it open.  active:
 * the role of the pair, which a settle is not for.
 */
bool	jobqueue_refuses(const struct jobqueue *q, uint32_t kind,
	    bool active);

/* The prepare that runs is in the way of what waits: to be ended. */
bool	jobqueue_ends_prepare(const struct jobqueue *q);

/* The elector is gone: what it asked for and waits is forgotten unrun. */
void	jobqueue_forget(struct jobqueue *q);

/* The same of the capture. */
void	jobqueue_forget_fill(struct jobqueue *q);

/* Nothing but checks, prepare and fill runs or waits. */
bool	jobqueue_idle(const struct jobqueue *q);

#endif
