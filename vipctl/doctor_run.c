/* SPDX-License-Identifier: ISC */

/*
 * vipctl: runs one program with fixed arguments and without a shell, and
 * keeps the beginning of what it prints.
 */
#include <sys/wait.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "doctor.h"
#include "mono.h"

_Noreturn static void
child(const char *const *argv, const struct passwd *as, int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)dup2(null, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(as != NULL ? out : null, STDERR_FILENO);
	(void)close_range(3, ~0u, 0);
	if (as != NULL && (setgroups(0, NULL) == -1 ||
	    setgid(as->pw_gid) == -1 || setuid(as->pw_uid) == -1))
		_exit(126);
	(void)execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void
read_all(int fd, char *out, size_t size, mono_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char waste[4096];
	size_t have = 0;
	int64_t left;
	ssize_t n;

	for (;;) {
		left = mono_span_ns(mono_now(), deadline);
		if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) != 1)
			break;
		n = have + 1 < size ? read(fd, out + have, size - 1 - have) :
		    read(fd, waste, sizeof(waste));
		if (n <= 0)
			break;
		if (have + 1 < size)
			have += (size_t)n;
	}
	out[have] = '\0';
}

int
doctor_run(const char *const *argv, const struct passwd *as, char *out,
    size_t size, int timeout_ms)
{
	const mono_t deadline = mono_after(mono_now(),
	    timeout_ms * NS_PER_MS);
	int from[2], status = -1;
	pid_t pid;

	out[0] = '\0';
	if (access(argv[0], X_OK) == -1 || pipe2(from, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		child(argv, as, from[1]);
	(void)close(from[1]);
	if (pid != -1) {
		read_all(from[0], out, size, deadline);
		if (mono_reached(mono_now(), deadline))
			(void)kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
			status = -1;
		else
			status = WEXITSTATUS(status);
	}
	(void)close(from[0]);
	return status;
}
