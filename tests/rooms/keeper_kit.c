/* SPDX-License-Identifier: ISC */

/* The keeper's test: starts the real room, speaks both of its channels. */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper_kit.h"
#include "log.h"
#include "room.h"
#include "sealed.h"

#define ANY_UID		65534
#define FIRST_SPARE	40

const char *keeper_path;
static char base[] = "/tmp/vipair-keeper-XXXXXX";
static char empty[64];
char state_dir[64];
struct channel sup, el;
static int log_fd;
pid_t pid;
struct blob blob;
static const char *const names[BLOB_PAIRS] = { "vpn", "mail", "web" };

uid_t
keeper_uid(void)
{
	const struct passwd *pw = getpwnam(USER_ELECTOR);

	return pw != NULL ? pw->pw_uid : ANY_UID;
}

void
kit_setup(void)
{
	(void)strcpy(base + strlen(base) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	(void)snprintf(empty, sizeof(empty), "%s/empty", base);
	(void)snprintf(state_dir, sizeof(state_dir), "%s/state", base);
	ck_assert_int_eq(chmod(base, 0755), 0);
	ck_assert_int_eq(mkdir(empty, 0755), 0);
	ck_assert_int_eq(mkdir(state_dir, 0700), 0);
	ck_assert_int_eq(chown(state_dir, keeper_uid(), ANY_UID), 0);
	blob_make(&blob, 1, names);
	pid = 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void
kit_teardown(void)
{
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	(void)nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/*
 * In the child: the descriptor table of room.h.  No ck_ call here, its own
 * pipe may be what is replaced.
 */
static _Noreturn void
exec_keeper(const int *fds)
{
	static const int target[] = {
		ROOM_FD_LOG, ROOM_FD_SUPERVISOR, ROOM_FD_PEER, ROOM_FD_STATE,
		ROOM_FD_CONF,
	};
	char name[] = "keeper", verbose[] = "-v", uid[16], gid[16];
	char *argv[] = { name, uid, gid, verbose, NULL }, *envp[] = { NULL };
	size_t i;

	(void)snprintf(uid, sizeof(uid), "%u", keeper_uid());
	(void)snprintf(gid, sizeof(gid), "%u", ANY_UID);
	for (i = 0; i < 5; i++)
		if (dup2(fds[i], FIRST_SPARE + (int)i) == -1)
			_exit(96);
	for (i = 0; i < 5; i++)
		if (dup2(FIRST_SPARE + (int)i, target[i]) == -1)
			_exit(96);
	(void)close(ROOM_FD_KEEPER);
	(void)close_range(ROOM_FD_SECRETS, ~0U, 0);
	if (chdir(empty) == -1)
		_exit(98);
	(void)execve(keeper_path, argv, envp);
	_exit(97);
}

void
start_keeper(void)
{
	int s[2], e[2], l[2], fds[5];
	size_t i;

	ck_assert_int_eq(ipc_pair(s), 0);
	ck_assert_int_eq(ipc_pair(e), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, l), 0);
	fds[0] = l[1];
	fds[1] = s[1];
	fds[2] = e[1];
	fds[3] = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fds[4] = sealed_make("conf", &blob, sizeof(blob));
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		exec_keeper(fds);
	for (i = 0; i < 5; i++)
		(void)close(fds[i]);
	log_fd = l[0];
	sup = (struct channel){ s[0], ROOM_SUPERVISOR, ROOM_KEEPER };
	el = (struct channel){ e[0], ROOM_ELECTOR, ROOM_KEEPER };
}

static void
show_log(void)
{
	char line[LOG_LINE_MAX + 1];
	ssize_t n;

	while ((n = recv(log_fd, line, sizeof(line) - 1, MSG_DONTWAIT)) > 0)
		(void)fprintf(stderr, "keeper: %.*s\n", (int)n, line);
}

/* The next message; type MSG_NONE when the keeper closed the channel. */
union msg
next(const struct channel *ch)
{
	struct pollfd p = { ch->fd, POLLIN, 0 };
	enum ipc_status st;
	union msg m;
	int fd;

	if (poll(&p, 1, WAIT_MS) != 1)
		show_log();
	st = ipc_recv(ch, &m, &fd);
	ck_assert_msg(st == IPC_OK || st == IPC_CLOSED, "status %d", st);
	if (st == IPC_CLOSED)
		m.head.type = MSG_NONE;
	return m;
}

void
order(const union msg *m)
{
	ck_assert_int_eq(ipc_send(&el, m, -1), IPC_OK);
}

struct msg_kept
kept(unsigned what)
{
	union msg m = next(&el);

	ck_assert_uint_eq(m.head.type, MSG_KEPT);
	ck_assert_uint_eq(m.kept.what, what);
	return m.kept;
}

/* All of MSG_STORED_*; returns the number of history entries. */
unsigned
stored(struct msg_stored_pair pair[BLOB_PAIRS])
{
	unsigned i, n = 0;
	union msg m;

	for (i = 0; i < BLOB_PAIRS; i++) {
		m = next(&el);
		ck_assert_uint_eq(m.head.type, MSG_STORED_PAIR);
		ck_assert_uint_eq(m.head.pair, i);
		ck_assert_uint_eq(m.head.serial, blob.c.serial);
		pair[i] = m.stored_pair;
	}
	while ((m = next(&el)).head.type == MSG_STORED_HISTORY)
		n++;
	ck_assert_uint_eq(m.head.type, MSG_STORED_END);
	return n;
}

void
ends_with(int status_wanted)
{
	int status, i;
	pid_t done = 0;

	for (i = 0; i < WAIT_MS && done == 0; i++) {
		done = waitpid(pid, &status, WNOHANG);
		if (done == 0)
			(void)poll(NULL, 0, 1);
	}
	ck_assert_int_eq(done, pid);
	pid = 0;
	ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), status_wanted);
}

void
kill_keeper(void)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	pid = 0;
	(void)close(sup.fd);
	(void)close(el.fd);
}

union msg
head(unsigned type, uint16_t pair)
{
	return (union msg){ .head = {
		.type = (uint16_t)type, .pair = pair,
		.serial = blob.c.serial,
	} };
}

union msg
keep_term(uint16_t pair, uint32_t term, uint32_t node)
{
	union msg m = head(MSG_KEEP_TERM, pair);

	m.keep_term.term = term;
	m.keep_term.node = node;
	return m;
}

union msg
keep_seq(unsigned type, uint16_t pair, uint64_t seq, uint32_t node)
{
	union msg m = head(type, pair);

	m.keep_seq.seq = seq;
	m.keep_seq.node = node;
	return m;
}

union msg
keep_history(uint16_t pair, uint32_t term)
{
	union msg m = head(MSG_KEEP_HISTORY, pair);

	m.keep_history.term = term;
	m.keep_history.wall_s = 1700000000 + term;
	m.keep_history.from_node = 0xff;
	m.keep_history.to_node = 1;
	m.keep_history.outage_ms = UINT32_MAX;
	return m;
}

union msg
keep_maint(uint16_t pair, const char *reason)
{
	union msg m = head(MSG_KEEP_MAINT, pair);

	m.keep_maint.on = 1;
	m.keep_maint.until_wall_s = 0;
	(void)snprintf(m.keep_maint.reason, MAINT_REASON_MAX, "%s", reason);
	return m;
}
