/* SPDX-License-Identifier: ISC */

/*
 * The real keeper, driven over its channels: what it has acknowledged is
 * there for the next one, whoever dies when.  Needs root.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"
#include "keeper_kit.h"
#include "mono.h"
#include "room.h"
#include "sealed.h"
#include "version.h"

static void
order_everything(void)
{
	union msg m;

	m = keep_term(0, 7, 1);
	order(&m);
	ck_assert_uint_eq(kept(MSG_KEEP_TERM).term, 7);
	m = keep_seq(MSG_KEEP_CEILING, 0, 1000, 0);
	order(&m);
	ck_assert_uint_eq(kept(MSG_KEEP_CEILING).seq, 1000);
	m = keep_seq(MSG_KEEP_FLOOR, 0, 600, 1);
	order(&m);
	ck_assert_uint_eq(kept(MSG_KEEP_FLOOR).node, 1);
	m = keep_history(0, 7);
	order(&m);
	ck_assert_int_eq(kept(MSG_KEEP_HISTORY).error, 0);
	m = keep_maint(1, "new disk");
	order(&m);
	ck_assert_int_eq(kept(MSG_KEEP_MAINT).error, 0);
}

START_TEST(test_kept_across_kill)
{
	struct msg_stored_pair p[BLOB_PAIRS];

	start_keeper();
	ck_assert_uint_eq(stored(p), 0);
	ck_assert_uint_eq(p[0].fresh, 1);
	order_everything();
	kill_keeper();

	start_keeper();
	ck_assert_uint_eq(stored(p), 1);
	ck_assert_uint_eq(p[0].fresh, 0);
	ck_assert_uint_eq(p[0].term, 7);
	ck_assert_uint_eq(p[0].term_node, 1);
	ck_assert_uint_eq(p[0].ceiling, 1000);
	ck_assert_uint_eq(p[0].floor[0], 0);
	ck_assert_uint_eq(p[0].floor[1], 600);
	ck_assert_uint_eq(p[0].maint_on, 0);
	ck_assert_uint_eq(p[1].maint_on, 1);
	ck_assert_str_eq(p[1].maint_reason, "new disk");
	ck_assert_uint_eq(p[2].fresh, 1);
}
END_TEST

static void
send_conf(void)
{
	union msg m = head(MSG_CONF, 0);
	int fd = sealed_make("conf", &blob, sizeof(blob));

	m.blob.size = sizeof(blob);
	ck_assert_int_eq(ipc_send(&sup, &m, fd), IPC_OK);
	(void)close(fd);
}

START_TEST(test_reload)
{
	static const char *const other[BLOB_PAIRS] = { "new", "vpn", "web" };
	struct msg_stored_pair p[BLOB_PAIRS];
	struct conf_node node;
	union msg m, late;

	start_keeper();
	stored(p);
	order_everything();
	late = keep_term(0, 8, 0);

	blob_make(&blob, 2, other);
	node = blob.n[2];		/* the nodes change places, too */
	blob.n[2] = blob.n[3];
	blob.n[3] = node;
	send_conf();
	ck_assert_uint_eq(next(&sup).head.type, MSG_CONF_OK);
	/* The elector has switched, the keeper has not: it knows already. */
	m = keep_seq(MSG_KEEP_CEILING, 1, 1001, 0);
	order(&m);
	ck_assert_uint_eq(kept(MSG_KEEP_CEILING).head.pair, 1);
	m = head(MSG_SWITCH, 0);
	ck_assert_int_eq(ipc_send(&sup, &m, -1), IPC_OK);
	ck_assert_uint_eq(stored(p), 0);
	ck_assert_uint_eq(p[0].fresh, 1);
	ck_assert_uint_eq(p[1].term, 7);
	ck_assert_uint_eq(p[1].ceiling, 1001);
	ck_assert_uint_eq(p[1].floor[0], 600);
	ck_assert_uint_eq(p[1].floor[1], 0);
	/* And one that was sent before the elector switched is not lost. */
	order(&late);
	ck_assert_uint_eq(kept(MSG_KEEP_TERM).term, 8);
	kill_keeper();
	start_keeper();
	ck_assert_uint_eq(stored(p), 1);
	ck_assert_uint_eq(p[1].term, 8);
}
END_TEST

START_TEST(test_bad_reload)
{
	struct msg_stored_pair p[BLOB_PAIRS];
	union msg m;

	start_keeper();
	stored(p);
	blob.c.serial = 2;
	blob.p[0].nnodes = 99;
	send_conf();
	m = head(MSG_SWITCH, 0);
	ck_assert_int_eq(ipc_send(&sup, &m, -1), IPC_OK);
	m = head(MSG_PING, 0);
	ck_assert_int_eq(ipc_send(&sup, &m, -1), IPC_OK);
	ck_assert_uint_eq(next(&sup).head.type, MSG_PONG);
	blob.c.serial = 1;
	m = keep_term(0, 7, 1);
	order(&m);
	ck_assert_uint_eq(kept(MSG_KEEP_TERM).term, 7);
}
END_TEST

/* A dead elector's last orders count; the next one gets all of it. */
START_TEST(test_new_elector)
{
	struct msg_stored_pair p[BLOB_PAIRS];
	union msg m;
	int fds[2], i;

	start_keeper();
	stored(p);
	for (i = 0; i < 700; i++) {
		m = keep_seq(MSG_KEEP_CEILING, 2, 5000 + (uint64_t)i, 0);
		order(&m);
	}
	m = keep_history(2, 1);
	order(&m);
	(void)close(el.fd);
	ck_assert_int_eq(ipc_pair(fds), 0);
	m = head(MSG_NEIGHBOUR, 0);
	m.neighbour.room = ROOM_ELECTOR;
	ck_assert_int_eq(ipc_send(&sup, &m, fds[1]), IPC_OK);
	(void)close(fds[1]);
	el.fd = fds[0];
	(void)stored(p);
	kill_keeper();
	start_keeper();
	ck_assert_uint_eq(stored(p), 1);
	ck_assert_uint_eq(p[2].ceiling, 5699);
}
END_TEST

START_TEST(test_burst)
{
	struct msg_stored_pair p[BLOB_PAIRS];
	uint64_t last = 0;
	union msg m;
	int sent = 0, got = 0, fd;

	start_keeper();
	stored(p);
	/* Nobody reads answers until the channel takes no more orders. */
	for (;;) {
		m = keep_seq(MSG_KEEP_CEILING, 0, 1 + (uint64_t)sent, 0);
		if (ipc_send(&el, &m, -1) != IPC_OK || sent == 50000)
			break;
		sent++;
	}
	while (got < sent) {
		struct pollfd poll_el = { el.fd, POLLIN, 0 };

		ck_assert_int_eq(poll(&poll_el, 1, WAIT_MS), 1);
		while (ipc_recv(&el, &m, &fd) == IPC_OK) {
			ck_assert_uint_eq(m.head.type, MSG_KEPT);
			ck_assert_uint_ge(m.kept.seq, last);
			last = m.kept.seq;
			got++;
		}
	}
	ck_assert_uint_eq(last, (uint64_t)sent);
}
END_TEST

START_TEST(test_leave)
{
	struct msg_stored_pair p[BLOB_PAIRS];
	union msg m;

	start_keeper();
	stored(p);
	m = head(MSG_LEAVE, 0);
	ck_assert_int_eq(ipc_send(&sup, &m, -1), IPC_OK);
	m = keep_term(0, 7, 1);
	order(&m);
	(void)close(el.fd);
	ck_assert_uint_eq(next(&sup).head.type, MSG_LEFT);
	ends_with(0);
	start_keeper();
	stored(p);
	ck_assert_uint_eq(p[0].term, 7);
	/* The supervisor is gone, and so is the elector. */
	(void)close(sup.fd);
	(void)close(el.fd);
	ends_with(0);
	/* The elector stays, whatever the reason: not for ever. */
	start_keeper();
	stored(p);
	(void)close(sup.fd);
	ends_with(0);
}
END_TEST

START_TEST(test_ignores_signals)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2 };
	struct msg_stored_pair p[BLOB_PAIRS];
	union msg m = head(MSG_PING, 0);
	size_t i;

	start_keeper();
	stored(p);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		ck_assert_int_eq(kill(pid, sigs[i]), 0);
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(ipc_send(&sup, &m, -1), IPC_OK);
	ck_assert_uint_eq(next(&sup).head.type, MSG_PONG);
}
END_TEST

START_TEST(test_disk_errors)
{
	struct msg_stored_pair p[BLOB_PAIRS];
	char path[128], hidden[128];
	union msg m;

	(void)snprintf(path, sizeof(path), "%s/%s", state_dir, NUMBERS_FILE);
	(void)snprintf(hidden, sizeof(hidden), "%s/hidden", state_dir);
	start_keeper();
	stored(p);
	order_everything();
	kill_keeper();
	ck_assert_int_eq(rename(path, hidden), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	start_keeper();
	stored(p);
	m = keep_seq(MSG_KEEP_CEILING, 0, 2000, 0);
	order(&m);
	ck_assert_int_eq(kept(MSG_KEEP_CEILING).error, EISDIR);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rename(hidden, path), 0);
	m = keep_seq(MSG_KEEP_CEILING, 0, 2001, 0);
	order(&m);
	ck_assert_int_eq(kept(MSG_KEEP_CEILING).error, 0);
	kill_keeper();
	start_keeper();
	stored(p);
	ck_assert_uint_eq(p[0].term, 7);
	ck_assert_uint_eq(p[0].ceiling, 2001);
}
END_TEST

/* Sends bytes that are no order, on a fresh keeper: it must end with 1. */
static void
hostile(const void *bytes, size_t len)
{
	struct msg_stored_pair p[BLOB_PAIRS];

	start_keeper();
	stored(p);
	ck_assert_int_eq(send(el.fd, bytes, len, 0), (ssize_t)len);
	ends_with(1);
	(void)close(sup.fd);
	(void)close(el.fd);
}

START_TEST(test_hostile_elector)
{
	union msg m = keep_term(0, 1, 0);

	hostile(&m, sizeof(m.keep_term) - 1);
	m = keep_term(BLOB_PAIRS, 1, 0);
	hostile(&m, sizeof(m.keep_term));
	m = keep_term(0, 1, 2);
	hostile(&m, sizeof(m.keep_term));
	m = keep_seq(MSG_KEEP_FLOOR, 0, 1, 2);
	hostile(&m, sizeof(m.keep_seq));
	m = keep_history(0, 1);
	m.keep_history.to_node = 2;
	hostile(&m, sizeof(m.keep_history));
	m = keep_maint(0, "a\033b");
	hostile(&m, sizeof(m.keep_maint));
	m = keep_maint(0, "");
	memset(m.keep_maint.reason, 'a', MAINT_REASON_MAX);
	hostile(&m, sizeof(m.keep_maint));
	m = head(MSG_PING, 0);
	hostile(&m, sizeof(m.head));
}
END_TEST

static void
status_has(const char *line)
{
	char path[64], text[4096];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	(void)close(fd);
	ck_assert_msg(strstr(text, line) != NULL, "%s not in\n%s", line, text);
}

START_TEST(test_locked)
{
	struct msg_stored_pair p[BLOB_PAIRS];
	char want[64];

	start_keeper();
	stored(p);
	(void)snprintf(want, sizeof(want), "Uid:\t%u\t%u\t%u\t%u\n",
	    keeper_uid(), keeper_uid(), keeper_uid(), keeper_uid());
	status_has("Name:\tkeeper\n");
	status_has(want);
	status_has("Groups:\t \n");
	status_has("CapPrm:\t0000000000000000\n");
	status_has("CapEff:\t0000000000000000\n");
	status_has("CapBnd:\t0000000000000000\n");
	status_has("NoNewPrivs:\t1\n");
	if (!VIPAIR_SANITIZED)
		status_has("Seccomp:\t2\n");
}
END_TEST

static int
under_filter(int act)
{
	int status, dirfd = open(state_dir, O_PATH | O_DIRECTORY);
	pid_t child = fork();

	if (child == 0) {
		(void)dup2(dirfd, ROOM_FD_STATE);
		room_filter(keeper_calls, keeper_ncalls);
		if (act == 0)
			(void)openat(ROOM_FD_STATE, "x", O_RDWR | O_CREAT,
			    0600);
		if (act == 1)
			(void)openat(AT_FDCWD, "/etc/passwd", O_RDONLY);
		if (act == 2)
			(void)socket(AF_INET, SOCK_STREAM, 0);
		if (act == 3)
			(void)execl("/bin/true", "true", (char *)NULL);
		if (act == 4)
			(void)fork();
		if (act == 5)
			(void)fcntl(0, F_DUPFD, 9);
		(void)syscall(SYS_exit_group, 17);
	}
	(void)close(dirfd);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

START_TEST(test_filter)
{
	int act;

	if (VIPAIR_SANITIZED)
		return;
	ck_assert_int_eq(under_filter(0), 17);
	for (act = 1; act <= 5; act++)
		ck_assert_int_eq(under_filter(act), -SIGSYS);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("keeper");
	TCase *t = tcase_create("keeper");
	SRunner *r;
	int failed;

	if (argc != 2 || geteuid() != 0)
		return 77;		/* skipped: needs root */
	keeper_path = realpath(argv[1], NULL);	/* cwd changes */
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
	tcase_add_test(t, test_kept_across_kill);
	tcase_add_test(t, test_reload);
	tcase_add_test(t, test_bad_reload);
	tcase_add_test(t, test_new_elector);
	tcase_add_test(t, test_burst);
	tcase_add_test(t, test_leave);
	tcase_add_test(t, test_ignores_signals);
	tcase_add_test(t, test_disk_errors);
	tcase_add_test(t, test_hostile_elector);
	tcase_add_test(t, test_locked);
	tcase_add_test(t, test_filter);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
