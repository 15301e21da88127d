/* SPDX-License-Identifier: ISC */

/*
 * What runner and checker are told: the pair, the configuration, the limit.
 */
#ifndef VIPAIR_JOB_H
#define VIPAIR_JOB_H

#include <stdint.h>

#include "conf.h"
#include "mono.h"
#include "words.h"

#define JOB_ENV_MAX	8

struct job_args {
	const struct conf	*conf;
	const struct conf_pair	*pair;
	const char		*verb;
	const char		*role, *old_role;	/* their words */
	uint32_t		term;
	mono_t			deadline;
	char			*env[JOB_ENV_MAX];
};

/* From room_enter()'s argv on; ends the process when it is malformed. */
void	job_read(struct job_args *j, int argc, char **argv);

/*
 * Splits a configured command, judges its path, runs it with the job's
 * environment; the exit status, or as run_program().  extra: NULL-ended
 * words behind the configured ones, or NULL.
 */
int	job_command(const struct job_args *j, const char *command,
	    char *const *extra);

/* systemctl VERB -- UNIT of the pair's service; exit status as above. */
int	job_systemctl(const struct job_args *j, const char *verb);

#endif
