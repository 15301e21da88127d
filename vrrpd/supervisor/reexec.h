/* SPDX-License-Identifier: ISC */

/*
 * SIGUSR2: the programs on disk take over from the running ones, one after
 * the other, without moving the role.
 */
#ifndef VIPAIR_REEXEC_H
#define VIPAIR_REEXEC_H

#include <stdbool.h>
#include <sys/types.h>

#include "mono.h"

struct supervisor;

/* Lets the new program check the configuration, then becomes it. */
void	reexec_begin(struct supervisor *s);
/* False when it is not the check's process. */
bool	reexec_reap(struct supervisor *s, pid_t pid, int status);

/* In the new program: the old one's state; false: it cannot be used. */
bool	reexec_resume(struct supervisor *s);
/* And then: replaces the rooms. */
void	reexec_swap(struct supervisor *s);
/* The elector has ended; true when that was asked for. */
bool	reexec_elector_ended(struct supervisor *s, int status);
/* We are leaving: the program on disk has no part in that. */
void	reexec_cancel(struct supervisor *s);
/* No elector will come any more for the channels that wait for one. */
void	reexec_end(struct supervisor *s);
/* A sign of life of the elector. */
void	reexec_elector_alive(struct supervisor *s);
void	reexec_timers(struct supervisor *s, mono_t now, mono_t *deadline);

#endif
