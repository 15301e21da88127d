/* SPDX-License-Identifier: ISC */

/*
 * A job as a process.
 */
#ifndef VIPAIR_JOBSPAWN_H
#define VIPAIR_JOBSPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "jobqueue.h"
#include "spawn.h"

struct supervisor;

const char *jobs_verb(uint32_t kind);
int64_t	jobs_limit_ms(const struct supervisor *s, uint32_t pair,
	    uint32_t kind);

/* Runner, checker or loader. */
enum room jobs_room(const struct supervisor *s, uint32_t pair, uint32_t kind);

/* The process id, also of its group, or -1. */
pid_t	jobs_spawn(const struct supervisor *s, uint32_t pair,
	    const struct job *j, int64_t limit_ms, enum room room);

/* What all short-lived programs get: log, configuration, nothing else. */
void	jobs_table(const struct supervisor *s, struct spawn *sp);

#endif
