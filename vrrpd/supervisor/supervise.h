/* SPDX-License-Identifier: ISC */

/*
 * The supervisor's loop: signals, children, timers.
 */
#ifndef VIPAIR_SUPERVISE_H
#define VIPAIR_SUPERVISE_H

struct supervisor;

/* Blocks the signals; from here on they are read, not handled. */
void	supervise_signals(struct supervisor *s);
/* Until everything is ended in order. */
void	supervise(struct supervisor *s);

#endif
