/* SPDX-License-Identifier: ISC */

/*
 * The mirror: starts and ends ssh and rsync.  Must never leave them one of
 * our descriptors, a capability, or a chance to ask a person anything.
 */

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ssh.h"

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { { .effective = 0 } };

	/* ssh would inherit the ambient ones through rsync, measured. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &h, d) == -1)
		_exit(126);
}

static void
reset_signals(void)
{
	sigset_t none;
	int s;

	for (s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: three descriptors and nothing else of ours. */
static _Noreturn void
become(const char *program, const char *const *argv, const int fd[3],
    const char *dir, pid_t parent)
{
	char path[] = "PATH=/usr/bin:/bin", lang[] = "LC_ALL=C",
	    home[] = "HOME=/nonexistent";
	char *const env[] = { path, lang, home, NULL };
	int i, high[3];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(126);	/* it has ended in between */
	(void)setpgid(0, 0);
	for (i = 0; i < 3; i++) {
		high[i] = fcntl(fd[i], F_DUPFD, 3);
		if (high[i] == -1)
			_exit(126);
	}
	for (i = 0; i < 3; i++)
		if (dup2(high[i], i) == -1)
			_exit(126);
	if (close_range(3, ~0u, 0) == -1)
		_exit(126);
	drop_capabilities();
	reset_signals();
	(void)umask(0077);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    chdir(dir) == -1)
		_exit(126);
	(void)execve(program, (char *const *)(uintptr_t)argv, env);
	_exit(127);
}

static void
close_all(int *fd, size_t n)
{
	const int error = errno;
	size_t i;

	for (i = 0; i < n; i++)
		if (fd[i] != -1)
			(void)close(fd[i]);
	errno = error;
}

/* in: what the child reads, or -1 for a pipe of ours. */
static int
start(struct ssh_child *c, const char *program, const char *const *argv,
    int in, const char *dir)
{
	int p[6] = { -1, -1, -1, -1, -1, -1 };
	const pid_t self = getpid();
	pid_t pid;

	if ((in == -1 && pipe2(p, O_CLOEXEC) == -1) ||
	    pipe2(p + 2, O_CLOEXEC) == -1 || pipe2(p + 4, O_CLOEXEC) == -1) {
		close_all(p, 6);
		return -1;
	}
	pid = fork();
	if (pid == -1) {
		close_all(p, 6);
		return -1;
	}
	if (pid == 0)
		become(program, argv, (const int[3]){
		    in == -1 ? p[0] : in, p[3], p[5] }, dir, self);
	close_all((int[3]){ p[0], p[3], p[5] }, 3);
	*c = (struct ssh_child){
		.pid = pid, .in = p[1], .out = p[2], .err = p[4],
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
	};
	if (c->pidfd == -1) {
		(void)ssh_end(c);
		return -1;
	}
	(void)fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	if (c->in != -1)
		(void)fcntl(c->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(c->out, F_SETFL, O_NONBLOCK);
	(void)fcntl(c->err, F_SETFL, O_NONBLOCK);
	return 0;
}

int
ssh_start(struct ssh_child *c, const struct ssh_place *p)
{
	const char *argv[SSH_ARGV_MAX];

	/* A killed master leaves its socket, and ssh would not replace it. */
	if (unlink(p->control) == -1 && errno != ENOENT)
		return -1;
	ssh_argv(argv, p->ssh, p->config, p->control, true, "channel");
	return start(c, p->ssh, argv, -1, "/");
}

int
ssh_start_rsync(struct ssh_child *c, const struct ssh_place *p, int list)
{
	char shell[SSH_PATH_MAX * 3 + 16], limit[48];
	const char *argv[24];
	size_t n = 0;

	if (fmt_into(shell, sizeof(shell), "%s %s %s %s", p->carrier,
	    p->ssh, p->config, p->control) >= sizeof(shell) - 1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	argv[n++] = "rsync";
	argv[n++] = "-W";
	argv[n++] = "--files-from=-";
	argv[n++] = "--from0";
	argv[n++] = "--no-relative";
	argv[n++] = "--no-dirs";
	argv[n++] = "--no-implied-dirs";
	argv[n++] = "--ignore-existing";
	argv[n++] = "--timeout=60";
	argv[n++] = "--info=progress2";
	argv[n++] = "--no-human-readable";
	argv[n++] = "--outbuf=L";
	if (p->bandwidth > 0) {
		(void)fmt_into(limit, sizeof(limit), "--bwlimit=%llu",
		    (unsigned long long)(p->bandwidth + 1023) / 1024);
		argv[n++] = limit;
	}
	argv[n++] = "-e";
	argv[n++] = shell;
	argv[n++] = "--";
	argv[n++] = ".";
	argv[n++] = SSH_HOST ":.";
	argv[n] = NULL;
	return start(c, p->rsync, argv, list, p->objects);
}

/* Printable bytes only: it goes into a log line and into status. */
static void
keep_line(struct ssh_child *c, const char *buf, size_t len)
{
	static const char end = '\n';
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == end || buf[i] == '\r')
			continue;
		if (i == 0 || buf[i - 1] == end)
			c->text_len = 0;
		if (c->text_len < sizeof(c->text) - 1)
			c->text[c->text_len++] = buf[i] >= ' ' &&
			    buf[i] <= '~' ? buf[i] : '?';
	}
	c->text[c->text_len] = '\0';
}

bool
ssh_read_err(struct ssh_child *c)
{
	char buf[1024];
	ssize_t n;

	while ((n = read(c->err, buf, sizeof(buf))) > 0)
		keep_line(c, buf, (size_t)n);
	return n == -1 && errno == EAGAIN;
}

int
ssh_end(struct ssh_child *c)
{
	int status = 0;

	if (c->err != -1)
		(void)ssh_read_err(c);
	if (c->pid > 0) {
		/* Its group: rsync has an ssh of its own. */
		(void)kill(-c->pid, SIGKILL);
		(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
			continue;
	}
	close_all((int[4]){ c->pidfd, c->in, c->out, c->err }, 4);
	c->pid = 0;
	c->pidfd = c->in = c->out = c->err = -1;
	return status;
}

const char *
ssh_reason(const struct ssh_child *c)
{
	static const struct {
		const char *part, *word;
	} known[] = {
		{ "HOST IDENTIFICATION HAS CHANGED", "host-key-changed" },
		{ "Host key verification failed", "host-key-changed" },
		{ "Permission denied", "key-refused" },
		{ "Connection refused", "refused" },
		{ "timed out", "unreachable" },
		{ "No route to host", "unreachable" },
		{ "Network is unreachable", "unreachable" },
		{ "this key is for vipair only", "partner-setup" },
		{ "receiver: ", "partner-setup" },
		{ "bad permissions", "key-file" },
		{ "no such identity", "key-file" },
		{ "Can't open user config file", "ssh-config" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(c->text, known[i].part) != NULL)
			return known[i].word;
	return "lost";
}
