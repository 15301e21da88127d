/* SPDX-License-Identifier: ISC */

/*
 * room.c for real: a child with the descriptor table of a room enters it,
 * drops its rights and looks at what is left.  Needs root.
 */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "room.h"
#include "version.h"

#define DONE	17
#define CAPS	((UINT64_C(1) << CAP_NET_ADMIN) | (UINT64_C(1) << CAP_NET_RAW))

static char empty[] = "/tmp/vipair-room-XXXXXX";
static int log_fd;
static char last_line[LOG_LINE_MAX + 1];

static const struct room_rights actuator_rights = {
	.caps = CAPS,
	.chroot_empty = true,
	.realtime = true,
	.lock_memory = true,
	.files_max = 32,
};
static const struct room_rights no_rights = {
	.chroot_empty = true,
	.files_max = 16,
};

static void
setup(void)
{
	(void)strcpy(empty + strlen(empty) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(empty));
	ck_assert_int_eq(chmod(empty, 0755), 0);
}

static void
teardown(void)
{
	(void)rmdir(empty);
}

/* In the child; all descriptors of 0-9 there but those in `without`. */
static void
make_table(int log, unsigned without)
{
	int fd;

	(void)dup2(log, 20);
	for (fd = 0; fd < ROOM_FD_FIRST_FREE; fd++)
		if (fd > 2)
			(void)dup2(open("/dev/null", O_RDWR), fd);
	(void)dup2(20, ROOM_FD_LOG);
	for (fd = 0; fd < ROOM_FD_FIRST_FREE; fd++)
		if ((without & (1u << fd)) != 0)
			(void)close(fd);
	if (chdir(empty) == -1)
		_exit(96);
}

struct entry {
	enum room	room;
	const char	*name, *uid, *gid, *extra;
	unsigned	without;
};

static const struct entry usual = {
	ROOM_ACTUATOR, "actuator", "64001", "64002", NULL, 0,
};

static void
enter(const struct entry *e)
{
	char name[32], uid[32], gid[32], extra[32];
	char *argv[] = { name, uid, gid, NULL, NULL };

	(void)snprintf(name, sizeof(name), "%s", e->name);
	(void)snprintf(uid, sizeof(uid), "%s", e->uid);
	(void)snprintf(gid, sizeof(gid), "%s", e->gid);
	(void)snprintf(extra, sizeof(extra), "%s", e->extra ? e->extra : "");
	if (e->extra != NULL)
		argv[3] = extra;
	room_enter(e->room, e->extra != NULL ? 4 : 3, argv);
}

/* Runs `body` in a room; its exit status, or minus the signal. */
static int
run(const struct entry *e, void (*body)(void))
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
	    0, fds), 0);
	log_fd = fds[0];
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		make_table(fds[1], e->without);
		enter(e);
		if (body != NULL)
			body();
		_exit(DONE);
	}
	(void)close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	last_line[0] = '\0';
	while ((n = recv(log_fd, last_line, sizeof(last_line) - 1,
	    MSG_DONTWAIT)) > 0)
		last_line[n] = '\0';
	(void)close(log_fd);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Within a room there is no libcheck: the line goes to its log. */
#define MUST(fact) do {							\
	if (!(fact))							\
		fatalx("line %d: %s", __LINE__, #fact);			\
} while (0)

static void
expect_done(const struct entry *e, void (*body)(void))
{
	int status = run(e, body);

	ck_assert_msg(status == DONE, "%d: %s", status, last_line);
}

static void
expect_refused(const struct entry *e, void (*body)(void), const char *text)
{
	int status = run(e, body);

	ck_assert_msg(status == 1, "%d: %s", status, last_line);
	ck_assert_msg(strstr(last_line, text) != NULL, "%s", last_line);
}

static void
look_at_entry(void)
{
	struct sigaction sa;
	struct rlimit l;
	char name[16];
	int fd;

	MUST(sigaction(SIGTERM, NULL, &sa) == 0);
	MUST(sa.sa_handler == SIG_IGN);
	MUST(sigaction(SIGPIPE, NULL, &sa) == 0);
	MUST(sa.sa_handler == SIG_IGN);
	MUST(getrlimit(RLIMIT_CORE, &l) == 0);
	MUST(l.rlim_max == 0);
	MUST(VIPAIR_SANITIZED || prctl(PR_GET_DUMPABLE) == 0);
	MUST(prctl(PR_GET_NAME, name) == 0);
	MUST(strcmp(name, "actuator") == 0);
	/* The actuator has no business with 6, 7 and 9. */
	for (fd = 0; fd < 64; fd++)
		MUST((fcntl(fd, F_GETFD) != -1) ==
		    (fd <= ROOM_FD_PEER || fd == ROOM_FD_CONF));
	MUST((fcntl(ROOM_FD_PEER, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
look_at_checker(void)
{
	struct sigaction sa;

	MUST(sigaction(SIGTERM, NULL, &sa) == 0);
	MUST(sa.sa_handler == SIG_DFL);
	MUST(fcntl(ROOM_FD_SECRETS, F_GETFD) != -1);
	room_drop(&no_rights);
	MUST(geteuid() == 64001);
}

START_TEST(test_enter)
{
	static const struct entry checker = {
		ROOM_CHECKER, "checker", "64001", "64001", "arg", 0,
	};

	expect_done(&usual, look_at_entry);
	expect_done(&checker, look_at_checker);
}
END_TEST

START_TEST(test_enter_refused)
{
	struct entry e = usual;

	e.uid = "0";
	expect_refused(&e, NULL, "refuses to run as root");
	e.uid = "12x";
	expect_refused(&e, NULL, "bad id");
	e.uid = "-1";
	expect_refused(&e, NULL, "bad id");
	e.uid = "4294967295";
	expect_refused(&e, NULL, "bad id");
	e.uid = "";
	expect_refused(&e, NULL, "bad id");
	e = usual;
	e.name = "elector";
	expect_refused(&e, NULL, "another name");
	e = usual;
	e.extra = "-x";
	expect_refused(&e, NULL, "unknown argument");
	e = usual;
	e.without = 1u << ROOM_FD_CONF;
	expect_refused(&e, NULL, "descriptor 8 is missing");
	e.without = 1u << 0;
	expect_refused(&e, NULL, "descriptor 0 is missing");
	e = usual;
	e.room = ROOM_KEEPER;
	e.name = "keeper";
	e.without = 1u << ROOM_FD_STATE;
	expect_refused(&e, NULL, "descriptor 7 is missing");
}
END_TEST

static uint64_t
caps_now(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2];

	MUST(syscall(SYS_capget, &h, d) == 0);
	MUST(d[0].permitted == d[0].effective);
	MUST(d[0].inheritable == 0);
	return d[0].effective | (uint64_t)d[1].effective << 32;
}

static void
look_at_actuator(void)
{
	struct rlimit l;
	int cap;

	room_drop(&actuator_rights);
	MUST(getuid() == 64001);
	MUST(getgid() == 64002);
	MUST(caps_now() == CAPS);
	MUST(setuid(0) == -1);
	MUST(getgroups(0, NULL) == 0);
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		MUST(prctl(PR_CAPBSET_READ, cap) == 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(VIPAIR_SANITIZED || prctl(PR_GET_DUMPABLE) == 0);
	MUST(open("/etc/passwd", O_RDONLY) == -1);
	MUST(errno == ENOENT);
	MUST(open("/x", O_RDWR | O_CREAT, 0600) == -1);
	MUST(fork() == -1);
	MUST(getrlimit(RLIMIT_NOFILE, &l) == 0);
	MUST(l.rlim_max == actuator_rights.files_max);
	MUST(room_is_realtime() ==
	    (sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK)));
	/* Two capabilities are there to be used. */
	MUST(socket(AF_PACKET, SOCK_RAW, 0) != -1);
}

static void
look_at_nothing(void)
{
	room_drop(&no_rights);
	MUST(caps_now() == 0);
	MUST(!room_is_realtime());
	MUST(socket(AF_PACKET, SOCK_RAW, 0) == -1);
	MUST(chroot(".") == -1);
}

START_TEST(test_drop)
{
	expect_done(&usual, look_at_actuator);
	expect_done(&usual, look_at_nothing);
}
END_TEST

static void
drop_in_strange_directory(void)
{
	if (chdir("/tmp") == -1)
		_exit(95);
	room_drop(&no_rights);
}

static void
drop_twice(void)
{
	room_drop(&no_rights);
	room_drop(&no_rights);
}

START_TEST(test_drop_refused)
{
	expect_refused(&usual, drop_in_strange_directory, "writable");
	expect_refused(&usual, drop_twice, "");
}
END_TEST

/* Locked memory and no core: the stack must still grow. */
static void
use_stack(void)
{
	volatile char big[1 << 20];
	size_t i;

	room_drop(&actuator_rights);
	for (i = 0; i < sizeof(big); i += 4096)
		big[i] = 1;
	MUST(malloc(8 << 20) != NULL);
}

START_TEST(test_memory)
{
	expect_done(&usual, use_stack);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("room");
	TCase *t = tcase_create("room");
	SRunner *r;
	int failed;

	if (geteuid() != 0)
		return 77;		/* skipped: needs root */
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_enter);
	tcase_add_test(t, test_enter_refused);
	tcase_add_test(t, test_drop);
	tcase_add_test(t, test_drop_refused);
	tcase_add_test(t, test_memory);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
