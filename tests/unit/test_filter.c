/* SPDX-License-Identifier: ISC */

/* filter.c: what is in the list lives, what is not dies by SIGSYS. */

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "room.h"
#include "version.h"

#define ALIVE	17		/* exit status of a child that lives */

static const struct filter_rule rules[] = {
	{ SYS_exit_group, -1, 0, 0 },
	{ SYS_sendto, -1, 0, 0 },
	{ SYS_socket, 0, AF_UNIX, 0 },
	{ SYS_socket, 1, SOCK_RAW, 0xf },
	{ SYS_fcntl, 1, F_GETFD, 0 },
	{ SYS_getpid, -1, 0, 0 },
};

enum act {
	ACT_NOTHING,
	ACT_LAST_RULE,
	ACT_FORBIDDEN,
	ACT_ARGUMENT,
	ACT_SECOND_RULE,
	ACT_MASKED,
	ACT_MASKED_WRONG,
	ACT_ARGUMENT_WRONG,
	ACT_SECOND_ARGUMENT,
	ACT_SECOND_ARGUMENT_WRONG,
	ACT_X32,
};

static void
perform(enum act act)
{
	switch (act) {
	case ACT_NOTHING:
		break;
	case ACT_LAST_RULE:
		(void)syscall(SYS_getpid);
		break;
	case ACT_FORBIDDEN:
		(void)syscall(SYS_getppid);
		break;
	case ACT_ARGUMENT:
		(void)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
		break;
	case ACT_SECOND_RULE:
		(void)syscall(SYS_socket, AF_INET, SOCK_RAW, 0);
		break;
	case ACT_MASKED:
		(void)syscall(SYS_socket, AF_INET, SOCK_RAW | SOCK_CLOEXEC, 0);
		break;
	case ACT_MASKED_WRONG:
		(void)syscall(SYS_socket, AF_INET,
		    SOCK_DGRAM | SOCK_CLOEXEC, 0);
		break;
	case ACT_ARGUMENT_WRONG:
		(void)syscall(SYS_socket, AF_NETLINK, SOCK_DGRAM, 0);
		break;
	case ACT_SECOND_ARGUMENT:
		(void)syscall(SYS_fcntl, 0, F_GETFD);
		break;
	case ACT_SECOND_ARGUMENT_WRONG:
		(void)syscall(SYS_fcntl, 0, F_DUPFD, 100);
		break;
	case ACT_X32:
		(void)syscall(0x40000000 + SYS_getpid);
		break;
	}
}

static int
outcome(enum act act)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		room_filter(rules, sizeof(rules) / sizeof(rules[0]));
		perform(act);
		(void)syscall(SYS_exit_group, ALIVE);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
lives(enum act act)
{
	int status = outcome(act);

	ck_assert_msg(WIFEXITED(status), "act %d: signal %d", act,
	    WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), ALIVE);
}

static void
dies(enum act act)
{
	int status = outcome(act);

	ck_assert_msg(WIFSIGNALED(status), "act %d lives", act);
	ck_assert_int_eq(WTERMSIG(status), SIGSYS);
}

START_TEST(test_allowed)
{
	lives(ACT_NOTHING);
	lives(ACT_LAST_RULE);
	lives(ACT_ARGUMENT);
	lives(ACT_SECOND_RULE);
	lives(ACT_MASKED);
	lives(ACT_SECOND_ARGUMENT);
}
END_TEST

START_TEST(test_forbidden)
{
	if (VIPAIR_SANITIZED)
		return;
	dies(ACT_FORBIDDEN);
	dies(ACT_ARGUMENT_WRONG);
	dies(ACT_MASKED_WRONG);
	dies(ACT_SECOND_ARGUMENT_WRONG);
#ifdef __x86_64__
	dies(ACT_X32);
#endif
}
END_TEST

/* A build without a filter must say so. */
START_TEST(test_sanitized)
{
	char line[LOG_LINE_MAX] = "";
	int fds[2];

	if (!VIPAIR_SANITIZED)
		return;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	log_init(fds[1], LOG_LEVEL_INFO);
	room_filter(rules, sizeof(rules) / sizeof(rules[0]));
	ck_assert_int_gt(recv(fds[0], line, sizeof(line) - 1, MSG_DONTWAIT),
	    0);
	ck_assert_ptr_nonnull(strstr(line, "sanitizer"));
	lives(ACT_FORBIDDEN);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter");
	TCase *t = tcase_create("filter");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_allowed);
	tcase_add_test(t, test_forbidden);
	tcase_add_test(t, test_sanitized);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
