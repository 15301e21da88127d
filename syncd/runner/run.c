/* SPDX-License-Identifier: ISC */

/*
 * Runner and checker: fork, exec, wait until a deadline.  The program is in
 * our own process group, which the supervisor made: what it leaves running
 * after its time is ended with the group.
 *
 * Its standard output and error are the log socket, which neither blocks
 * nor kills who writes to it.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job_limits.h"
#include "log.h"
#include "run.h"

#define TERM_GRACE_NS	(NS_PER_S)

/* True when the process has ended by the deadline. */
static bool
await(int pidfd, mono_t deadline)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int64_t left_ms;
	int n;

	for (;;) {
		left_ms = mono_span_ns(mono_now(), deadline) / NS_PER_MS;
		if (left_ms < 0)
			left_ms = 0;
		if (left_ms > INT32_MAX)
			left_ms = INT32_MAX;
		n = poll(&pfd, 1, (int)left_ms);
		if (n > 0)
			return true;
		if (n == 0 && mono_reached(mono_now(), deadline))
			return false;
		if (n == -1 && errno != EINTR)
			return false;
	}
}

/* Politely first, and only what this program started. */
static void
end_program(pid_t pid, int pidfd)
{
	(void)kill(pid, SIGTERM);
	if (!await(pidfd, mono_after(mono_now(), TERM_GRACE_NS)))
		(void)kill(pid, SIGKILL);
}

static int
wait_for(pid_t pid, mono_t deadline)
{
	bool in_time;
	int pidfd, status;

	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd == -1) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		return JOB_EXIT_REFUSED;
	}
	in_time = await(pidfd, deadline);
	if (!in_time)
		end_program(pid, pidfd);
	(void)close(pidfd);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!in_time)
		return JOB_EXIT_TIMEOUT;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return 128 + WTERMSIG(status);
}

int
run_program(const struct run *r)
{
	pid_t pid;

	pid = fork();
	if (pid == -1) {
		log_warn("%s: cannot fork", r->argv[0]);
		return JOB_EXIT_REFUSED;
	}
	if (pid == 0) {
		if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == -1)
			_exit(JOB_EXIT_REFUSED);
		(void)execve(r->argv[0], r->argv, r->env);
		log_warn("%s: cannot be run", r->argv[0]);
		_exit(JOB_EXIT_REFUSED);
	}
	return wait_for(pid, r->deadline);
}
