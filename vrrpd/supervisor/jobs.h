/* SPDX-License-Identifier: ISC */

/*
 * Runs the jobs of the pairs' queues: runner, checker and loader processes.
 */
#ifndef VIPAIR_JOBS_H
#define VIPAIR_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobqueue.h"
#include "mono.h"

#define JOBS_RUNNING_MAX	64

struct supervisor;

/* A process at work. */
struct job_slot {
	pid_t		pid;		/* 0: free; also the process group */
	uint32_t	pair;		/* JOB_PAIR_GONE: not of this conf */
	uint8_t		lane;
	bool		killed;		/* at its limit */
	bool		obsolete;	/* ended for what comes behind it */
	uint8_t		room;		/* what was started */
	mono_t		started, kill_at;
};

#define JOB_PAIR_GONE	UINT32_MAX

/* Plain data: it moves to another process by its bytes (SIGUSR2). */
struct jobs {
	bool		pending;	/* something may be startable */
	struct job_slot	slot[JOBS_RUNNING_MAX];
	struct jobqueue	queue[CONF_PAIRS_MAX];
};

void	jobs_open(struct supervisor *s);

/*
 * The elector asks, or (JOB_FILL) the capture; the message was checked.
 */
void	jobs_add(struct supervisor *s, const struct msg_job *m);
/* Not done, and not to be done. */
void	jobs_refuse(struct supervisor *s, const struct msg_job *m);

/*
 * The elector is gone and with it what it knew: services of pairs that are
 * or were to become active are stopped, nobody is answered.
 */
void	jobs_elector_died(struct supervisor *s);
/* Its command runs on; the next capture's waits for its end. */
void	jobs_capture_died(struct supervisor *s);

/*
 * What a job left behind in its process group is ended, before the number
 * of the group can be anybody else's.
 */
void	jobs_before_reap(struct supervisor *s, pid_t pid, bool failed);

/* False when no job has this process id. */
bool	jobs_reap(struct supervisor *s, pid_t pid, int status);

/* Starts what can be started, kills what is over its limit. */
void	jobs_run(struct supervisor *s, mono_t now, mono_t *deadline);

/* Nothing but checks, prepare and fill runs or waits. */
bool	jobs_idle(const struct supervisor *s);
void	jobs_kill_all(struct supervisor *s);

/*
 * `next` is about to replace s->conf: queues go with their pair's name;
 * services of pairs that are gone are stopped by the old configuration.
 */
void	jobs_remap(struct supervisor *s, const struct conf *next);

/* Sum over the pairs of the longest stop and last sync, ms. */
int64_t	jobs_stop_limit_ms(const struct supervisor *s);

#endif
