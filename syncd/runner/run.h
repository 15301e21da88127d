/* SPDX-License-Identifier: ISC */

/*
 * Runs one program and waits for it.
 */
#ifndef VIPAIR_RUN_H
#define VIPAIR_RUN_H

#include "mono.h"

/* argv[0] is the program's path; env: the whole environment. */
struct run {
	char *const	*argv;
	char *const	*env;
	mono_t		deadline;
};

/*
 * The exit status; 128 + signal; JOB_EXIT_TIMEOUT when the deadline passed
 * (it was ended then); JOB_EXIT_REFUSED when it could not be started.
 */
int	run_program(const struct run *r);

#endif
