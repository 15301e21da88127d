/* SPDX-License-Identifier: ISC */

/* log.c: formatter, lines on the descriptor, limits. */

#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"

static int far;			/* the supervisor's end of the log socket */
static char line[LOG_LINE_MAX + 64];

static void
setup(void)
{
	int fds[2];

	/* Blocking: it must not matter what the descriptor is like. */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
	    0, fds), 0);
	far = fds[0];
	log_to(NULL);
	log_init(fds[1], LOG_LEVEL_INFO);
}

static const char *
next_line(void)
{
	ssize_t n = recv(far, line, sizeof(line) - 1, MSG_DONTWAIT);

	if (n == -1)
		return "";
	line[n] = '\0';
	return line;
}

/* Ours and libc's must agree in text and length. */
#define SAME(...) do {							\
	char a[128], b[128];						\
	size_t n = fmt_into(a, sizeof(a), __VA_ARGS__);			\
	(void)snprintf(b, sizeof(b), __VA_ARGS__);			\
	ck_assert_str_eq(a, b);						\
	ck_assert_uint_eq(n, strlen(b));				\
} while (0)

START_TEST(test_format)
{
	SAME("plain");
	SAME("%s and %s", "one", "two");
	SAME("%10s|%2s|", "right", "longer");
	SAME("%d %d %d", 0, -1, 2147483647);
	SAME("%d", (int)-2147483647 - 1);
	SAME("%u %x", 4294967295u, 0xdeadbeefu);
	SAME("%02x:%02x %08x", 10u, 255u, 0xabcu);
	SAME("%5d|%05d|%05d", -42, -42, 42);
	SAME("%lld %llu", -9223372036854775807LL - 1, 18446744073709551615ULL);
	SAME("%llx", 0x0123456789abcdefULL);
	SAME("%ld %lu %zu", -5L, 7UL, (size_t)99);
	SAME("%c%c", 'a', 'z');
	SAME("100%%");
	SAME("%.*s|", 3, "abcdef");
	SAME("%.*s|", 9, "abc");
}
END_TEST

START_TEST(test_format_bounds)
{
	char buf[8] = "xxxxxxx";
	static const char text[3] = { 'a', 'b', 'c' };	/* no NUL */

	ck_assert_uint_eq(fmt_into(buf, 4, "%s", "abcdef"), 3);
	ck_assert_str_eq(buf, "abc");
	ck_assert_int_eq(buf[4], 'x');
	ck_assert_uint_eq(fmt_into(buf, 1, "%d", 12345), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_uint_eq(fmt_into(buf, sizeof(buf), "%.*s", 3, text), 3);
	ck_assert_str_eq(buf, "abc");
}
END_TEST

START_TEST(test_line)
{
	setup();
	log_info("vpn: %s -> %s", "standby", "active");
	ck_assert_str_eq(next_line(), "2vpn: standby -> active");
	errno = ENOENT;
	log_warn("numbers");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(next_line(), "1numbers: No such file or directory");
	errno = 98765;
	log_warn("odd");
	ck_assert_str_eq(next_line(), "1odd: error 98765");
	log_debug("not wanted");
	ck_assert_str_eq(next_line(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("wanted");
	ck_assert_str_eq(next_line(), "3wanted");
	log_warnx("two\nlines\x1b[2J");
	ck_assert_str_eq(next_line(), "1two?lines?[2J");
}
END_TEST

START_TEST(test_long_line)
{
	char text[1000];

	setup();
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	errno = EPERM;
	log_warn("%s", text);
	ck_assert_uint_eq(strlen(next_line()), LOG_LINE_MAX - 1);
}
END_TEST

START_TEST(test_never_blocks)
{
	int i;

	setup();
	for (i = 0; i < 5000; i++)
		log_info("line %d", i);
	ck_assert_uint_gt(log_dropped(), 0);
	ck_assert_uint_lt(log_dropped(), 5000);
	errno = ENOENT;
	log_info("one more");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(next_line(), "2line 0");
	(void)close(far);
	log_info("nobody reads");
	ck_assert_uint_gt(log_dropped(), 0);
}
END_TEST

START_TEST(test_fatal)
{
	int status;
	pid_t pid;

	setup();
	pid = fork();
	if (pid == 0) {
		errno = EACCES;
		fatal("room");
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	ck_assert_str_eq(next_line(), "0room: Permission denied");
}
END_TEST

static void
sink(enum log_level level, const char *text, size_t len)
{
	ck_assert_int_eq(level, LOG_LEVEL_WARN);
	ck_assert_uint_eq(len, strlen(text));
	(void)snprintf(line, sizeof(line), "sunk %s", text);
}

START_TEST(test_sink)
{
	setup();
	log_to(sink);
	log_warnx("here");
	ck_assert_str_eq(line, "sunk here");
	log_to(NULL);
}
END_TEST

START_TEST(test_allowed)
{
	struct log_limit l = { 0 };
	const int64_t t = 5 * NS_PER_S;
	int i, n = 0;

	for (i = 0; i < 10; i++)
		n += log_allowed(&l, t + i, 3);
	ck_assert_int_eq(n, 3);
	ck_assert_uint_eq(l.skipped, 7);
	ck_assert(!log_allowed(&l, t + 59 * NS_PER_S, 3));
	ck_assert(log_allowed(&l, t + 60 * NS_PER_S, 3));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_format);
	tcase_add_test(t, test_format_bounds);
	tcase_add_test(t, test_line);
	tcase_add_test(t, test_long_line);
	tcase_add_test(t, test_never_blocks);
	tcase_add_test(t, test_fatal);
	tcase_add_test(t, test_sink);
	tcase_add_test(t, test_allowed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
