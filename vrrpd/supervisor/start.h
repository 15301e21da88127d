/* SPDX-License-Identifier: ISC */

/*
 * What must hold before the first room is started.  Each function ends the
 * process with a line that says what to do when it does not.
 */
#ifndef VIPAIR_START_H
#define VIPAIR_START_H

struct supervisor;

void	start_privileged(void);
void	start_users(struct supervisor *s);
/* Run directory, its empty directory, state directory, the lock. */
void	start_directories(struct supervisor *s);
/* Puts our process id into the lock file. */
void	start_write_pid(const struct supervisor *s);
/* Detaches; the caller's process waits for start_ready(). */
void	start_daemon(struct supervisor *s);
void	start_ready(struct supervisor *s);

#endif
