/* SPDX-License-Identifier: ISC */

/*
 * vipctl pair: the programs it runs (ssh, ssh-keygen, ssh-keyscan), with
 * fixed arguments and without a shell; and the administrator's login at the
 * partner, which lives in a control socket until this command ends.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"

#define SSH		"/usr/bin/ssh"
#define REMOTE_WORDS	400

static void
become_sync(const struct pairing *p)
{
	if (setgroups(0, NULL) == -1 || setgid(p->gid) == -1 ||
	    setuid(p->uid) == -1)
		_exit(126);
}

_Noreturn static void
child(const struct pairing *p, const char *const *argv, int in, int out,
    bool as_sync)
{
	int null;

	if (in != -1)
		(void)dup2(in, STDIN_FILENO);
	else if (as_sync) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(null, STDIN_FILENO);
	}
	if (out != -1)
		(void)dup2(out, STDOUT_FILENO);
	if (out != -1 && as_sync)
		(void)dup2(out, STDERR_FILENO);
	(void)close_range(3, ~0u, 0);
	if (as_sync)
		become_sync(p);
	(void)execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Both ways at once: neither side waits for a full pipe of the other. */
static void
talk(int in, const char *text, int out, char *buf, size_t size)
{
	size_t left = text != NULL ? strlen(text) : 0, have = 0;
	struct pollfd fd[2];
	char waste[512];
	ssize_t n;

	while (in != -1 || out != -1) {
		fd[0] = (struct pollfd){ .fd = in, .events = POLLOUT };
		fd[1] = (struct pollfd){ .fd = out, .events = POLLIN };
		if (poll(fd, 2, -1) == -1 && errno != EINTR)
			break;
		if (in != -1 && fd[0].revents != 0) {
			n = left > 0 ? write(in, text, left) : 0;
			if (n > 0) {
				text += n;
				left -= (size_t)n;
			}
			if (n == -1 || left == 0) {
				(void)close(in);
				in = -1;
			}
		}
		if (out != -1 && fd[1].revents != 0) {
			n = have + 1 < size ?
			    read(out, buf + have, size - 1 - have) :
			    read(out, waste, sizeof(waste));
			if (n > 0 && have + 1 < size)
				have += (size_t)n;
			if (n <= 0) {
				(void)close(out);
				out = -1;
			}
		}
	}
	if (size > 0)
		buf[have] = '\0';
}

int
pair_run(const struct pairing *p, const char *const *argv, const char *in,
    char *out, size_t size, bool as_sync)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, status;
	pid_t pid;

	if (size > 0)
		out[0] = '\0';
	if ((in != NULL && pipe2(to, O_CLOEXEC) == -1) ||
	    (out != NULL && pipe2(from, O_CLOEXEC) == -1)) {
		complain(p->v, "pipe: %s", strerror(errno));
		return -1;
	}
	fflush(p->v->out);
	pid = fork();
	if (pid == 0)
		child(p, argv, to[0], from[1], as_sync);
	if (in != NULL)
		(void)close(to[0]);
	if (out != NULL)
		(void)close(from[1]);
	talk(to[1], in, from[0], out, size);
	if (pid == -1 || waitpid(pid, &status, 0) == -1) {
		complain(p->v, "%s: %s", argv[0], strerror(errno));
		return -1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		complain(p->v, "%s cannot be run: install openssh-client",
		    argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int
login_run(const struct pairing *p, struct login *l, const char *command,
    const char *in, char *out, size_t size)
{
	char control[96];
	const char *argv[] = { SSH, "-o", control, "-o", "ControlMaster=no",
	    "-p", l->port, "--", l->target, command, NULL };

	snprintf(control, sizeof(control), "ControlPath=%s/master", l->dir);
	return pair_run(p, argv, in, out, size, false);
}

/* sudo there, and whether it wants to be told a password. */
static bool
find_sudo(const struct pairing *p, struct login *l)
{
	char out[64], prompt[128];
	const char *typed;

	if (login_run(p, l, "id -u", "", out, sizeof(out)) == 0 &&
	    atoi(out) == 0 && out[0] == '0')
		return true;
	l->sudo = true;
	if (login_run(p, l, "sudo -n true 2>/dev/null", "", out,
	    sizeof(out)) == 0)
		return true;
	snprintf(prompt, sizeof(prompt), "[sudo] password at %s: ",
	    p->partner_address);
	typed = getpass(prompt);
	if (typed == NULL || strlen(typed) + 2 > sizeof(l->password)) {
		complain(p->v, "no password for sudo at %s: log in there as "
		    "somebody who may use sudo, or as root",
		    p->partner_address);
		return false;
	}
	snprintf(l->password, sizeof(l->password), "%s\n", typed);
	return true;
}

bool
login_open(const struct pairing *p, struct login *l, const char *user,
    uint64_t port)
{
	static char target[160];
	char control[96];
	const char *argv[] = { SSH, "-M", "-N", "-f", "-o", control, "-o",
	    "ControlPersist=no", "-o", "ConnectTimeout=10", "-p", l->port,
	    "--", target, NULL };

	memset(l, 0, sizeof(*l));
	snprintf(l->dir, sizeof(l->dir), "/tmp/vipair-pair.XXXXXX");
	if (mkdtemp(l->dir) == NULL) {
		complain(p->v, "%s: %s", l->dir, strerror(errno));
		l->dir[0] = '\0';
		return false;
	}
	snprintf(target, sizeof(target), "%s@%s", user, p->partner_address);
	l->target = target;
	snprintf(l->port, sizeof(l->port), "%u", (unsigned)port);
	snprintf(control, sizeof(control), "ControlPath=%s/master", l->dir);
	if (pair_run(p, argv, NULL, NULL, 0, false) != 0) {
		complain(p->v, "no login as %s: see above; another user is "
		    "given with --login, another port with --port; without "
		    "any login use 'vipctl pair --print' and '--accept'",
		    target);
		login_close(p, l);
		return false;
	}
	if (find_sudo(p, l))
		return true;
	login_close(p, l);
	return false;
}

int
login_vipctl(const struct pairing *p, struct login *l, const char *words,
    const char *in, char *out, size_t size)
{
	static char text[PAIR_SECRET_MAX * 2];
	char command[REMOTE_WORDS];
	int status;

	/* Installed elsewhere, perhaps; administrators have it in PATH. */
	snprintf(command, sizeof(command), "%sPATH=$PATH:/usr/local/bin:"
	    VIPAIR_BINDIR " vipctl %s", !l->sudo ? "" :
	    l->password[0] == '\0' ? "sudo -n env " :
	    "sudo -S -p '' env ", words);
	snprintf(text, sizeof(text), "%s%s", l->password,
	    in != NULL ? in : "");
	status = login_run(p, l, command, text, out, size);
	explicit_bzero(text, sizeof(text));
	return status;
}

void
login_close(const struct pairing *p, struct login *l)
{
	char control[96], path[96], waste[256];
	const char *argv[] = { SSH, "-q", "-o", control, "-O", "exit", "--",
	    l->target, NULL };

	explicit_bzero(l->password, sizeof(l->password));
	if (l->dir[0] == '\0')
		return;
	snprintf(control, sizeof(control), "ControlPath=%s/master", l->dir);
	snprintf(path, sizeof(path), "%s/master", l->dir);
	if (access(path, F_OK) == 0)
		(void)pair_run(p, argv, "", waste, sizeof(waste), false);
	(void)unlink(path);
	(void)rmdir(l->dir);
	l->dir[0] = '\0';
}

/*
 * The held channel's command with nothing to say: the receiver sees the end
 * and leaves with 0.  Everything else says what is not right.
 */
bool
pair_proves(const struct pairing *p, char *why, size_t size)
{
	char key[PAIR_PATH_MAX + 16], hosts[PAIR_PATH_MAX + 40];
	char alias[CONF_NAME_MAX + 20], port[8], target[80];
	const char *argv[] = { SSH, "-F", "none", "-i", key, "-o", hosts,
	    "-o", "GlobalKnownHostsFile=/dev/null", "-o", alias, "-o",
	    "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o",
	    "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o",
	    "ConnectTimeout=5", "-o", "LogLevel=ERROR", "-T", "-p", port,
	    "--", target, "channel", NULL };
	int status;

	snprintf(key, sizeof(key), "%s/id_ed25519", p->dir);
	snprintf(hosts, sizeof(hosts), "UserKnownHostsFile=%s/known_hosts",
	    p->dir);
	snprintf(alias, sizeof(alias), "HostKeyAlias=%s",
	    conf_string(p->conf, p->partner->name));
	snprintf(port, sizeof(port), "%u", p->pair->partner_ssh_port);
	snprintf(target, sizeof(target), "_syncr@%s", p->partner_address);
	status = pair_run(p, argv, "", why, size, true);
	why[strcspn(why, "\r\n")] = '\0';
	if (status != 0 && why[0] == '\0')
		snprintf(why, size, "exit status %d", status);
	return status == 0;
}
