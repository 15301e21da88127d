/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: starts a program of libexec.  Between fork and exec nothing
 * but system calls; the new process gets the table's descriptors, an empty
 * environment and nothing else of ours.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "spawn.h"
#include "version.h"

#define ABOVE_ALL	64	/* where descriptors wait while slots fill */

const char *
spawn_path(enum room room)
{
	static const char *const path[ROOM_COUNT] = {
		[ROOM_ELECTOR] = VIPAIR_LIBEXEC "/elector",
		[ROOM_ACTUATOR] = VIPAIR_LIBEXEC "/actuator",
		[ROOM_KEEPER] = VIPAIR_LIBEXEC "/keeper",
		[ROOM_RUNNER] = VIPAIR_LIBEXEC "/runner",
		[ROOM_CHECKER] = VIPAIR_LIBEXEC "/checker",
		[ROOM_MIRROR] = VIPAIR_LIBEXEC "/mirror",
		[ROOM_CAPTURE] = VIPAIR_LIBEXEC "/capture",
		[ROOM_LOADER] = VIPAIR_LIBEXEC "/loader",
		[ROOM_SQLSNAP] = VIPAIR_LIBEXEC "/sqlsnap",
	};

	assert(room > ROOM_SUPERVISOR);
	assert(room < ROOM_COUNT);
	return path[room];
}

static void
place_descriptors(const struct spawn *sp)
{
	int high[ROOM_FD_FIRST_FREE];
	int i;

	for (i = 0; i < ROOM_FD_FIRST_FREE; i++) {
		high[i] = -1;
		if (sp->fd[i] == -1)
			continue;
		high[i] = fcntl(sp->fd[i], F_DUPFD_CLOEXEC, ABOVE_ALL);
		if (high[i] == -1)
			_exit(126);
	}
	for (i = 0; i < ROOM_FD_FIRST_FREE; i++) {
		if (high[i] == -1)
			(void)close(i);
		else if (dup2(high[i], i) == -1)
			_exit(126);
	}
	if (close_range(ROOM_FD_FIRST_FREE, ~0u, 0) == -1)
		_exit(126);
}

_Noreturn static void
child(const struct spawn *sp, pid_t parent)
{
	char *const env[] = { NULL };
	const char *argv[SPAWN_ARGS_MAX + 2] = { room_name(sp->room) };
	sigset_t none;
	int i;

	for (i = 0; i < SPAWN_ARGS_MAX && sp->argv[i] != NULL; i++)
		argv[i + 1] = sp->argv[i];
	if (sp->own_group)
		(void)setpgid(0, 0);
	if (sp->dies_with_us) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != parent)
			_exit(126);
	}
	if (fchdir(sp->cwd_fd) == -1)
		_exit(126);
	place_descriptors(sp);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(spawn_path(sp->room), (char *const *)(uintptr_t)argv,
	    env);
	/* From here on our lines go the way of a room's. */
	log_to(NULL);
	log_init(ROOM_FD_LOG, LOG_LEVEL_INFO);
	log_warn("%s: cannot be run", spawn_path(sp->room));
	_exit(126);
}

pid_t
spawn(const struct spawn *sp)
{
	const pid_t self = getpid();
	pid_t pid;

	pid = fork();
	if (pid == 0)
		child(sp, self);
	/* Both sides set it: whoever is first, it holds before we kill. */
	if (pid > 0 && sp->own_group)
		(void)setpgid(pid, pid);
	return pid;
}
