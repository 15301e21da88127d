/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: one turn after the other.  Descriptors first, then children,
 * then what is due.  Must never block anywhere else.
 */

#include <assert.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "leave.h"
#include "notify.h"
#include "reexec.h"
#include "reload.h"
#include "rooms.h"
#include "snaps.h"
#include "supervise.h"
#include "supervisor.h"

static void
reap(struct supervisor *s)
{
	siginfo_t si;
	int status;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    si.si_pid == 0)
			return;
		jobs_before_reap(s, si.si_pid,
		    si.si_code != CLD_EXITED || si.si_status != 0);
		if (waitpid(si.si_pid, &status, 0) != si.si_pid)
			return;
		if (!rooms_reap(s, si.si_pid, status) &&
		    !jobs_reap(s, si.si_pid, status) &&
		    !snaps_reap(s, si.si_pid, status) &&
		    !reexec_reap(s, si.si_pid, status))
			log_debug("process %d ended", (int)si.si_pid);
	}
}

static void
signalled(int fd, short revents, void *arg)
{
	struct supervisor *s = arg;
	struct signalfd_siginfo si;

	(void)revents;
	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			leave_begin(s);
			break;
		case SIGHUP:
			reload_begin(s);
			break;
		case SIGUSR2:
			reexec_begin(s);
			break;
		default:
			break;		/* SIGCHLD: every turn looks */
		}
	}
}

void
supervise_signals(struct supervisor *s)
{
	sigset_t set;
	bool ok;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		fatal("signal mask");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd == -1)
		fatal("signalfd");
	ok = loop_add(&s->loop, s->signal_fd, POLLIN, signalled, s);
	assert(ok);
}

void
supervise(struct supervisor *s)
{
	mono_t now, deadline;

	for (;;) {
		reap(s);
		now = mono_now();
		deadline = MONO_NEVER;
		reload_timers(s, now, &deadline);
		reexec_timers(s, now, &deadline);
		jobs_run(s, now, &deadline);
		snaps_timers(s, now, &deadline);
		rooms_timers(s, now, &deadline);
		if (leave_timers(s, now, &deadline))
			return;
		sooner(&deadline, notify_watchdog(now));
		/* Something of this turn made work for the next one. */
		if (s->jobs->pending)
			sooner(&deadline, now);
		loop_turn(&s->loop, deadline);
	}
}
