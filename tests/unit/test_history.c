/* SPDX-License-Identifier: ISC */

/* history.c: appended, bounded, there after kill -9 and damage. */

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history.h"
#include "log.h"

#define KILLS	60
#define ENTRY	sizeof(struct history_entry)

static char dir_name[] = "/tmp/vipair-history-XXXXXX";
static int dir;
static struct history history;

static void
setup(void)
{
	(void)strcpy(dir_name + strlen(dir_name) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_name));
	dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
teardown(void)
{
	(void)nftw(dir_name, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)close(dir);
}

static void
reopen(void)
{
	if (history.fd > 0)
		(void)close(history.fd);
	memset(&history, 0, sizeof(history));
	history_init(&history, dir);
	ck_assert_int_eq(history_open(&history), 0);
}

static int
append(uint32_t term)
{
	struct history_entry e = {
		.wall_s = 1700000000 + term, .term = term,
		.pair = "vpn", .from = "alpha", .to = "beta",
	};

	return history_append(&history, &e);
}

static uint32_t
term_of(uint32_t i)
{
	struct history_entry e;

	return history_read(&history, i, &e) ? e.term : 0;
}

START_TEST(test_append)
{
	struct history_entry e;
	uint32_t i;

	reopen();
	ck_assert_uint_eq(history.n, 0);
	for (i = 1; i <= 5; i++)
		ck_assert_int_eq(append(i), 0);
	reopen();
	ck_assert_uint_eq(history.n, 5);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(term_of(i), i + 1);
	ck_assert(history_read(&history, 4, &e));
	ck_assert_str_eq(e.pair, "vpn");
	ck_assert_str_eq(e.to, "beta");
	ck_assert(!history_read(&history, 5, &e));
}
END_TEST

START_TEST(test_bounded)
{
	struct stat st;
	uint32_t i;

	reopen();
	for (i = 1; i <= 2 * HISTORY_REWRITE; i++) {
		ck_assert_int_eq(append(i), 0);
		ck_assert_uint_le(history.n, HISTORY_REWRITE);
	}
	ck_assert_int_eq(fstat(history.fd, &st), 0);
	ck_assert_int_le(st.st_size, (off_t)(HISTORY_REWRITE * ENTRY));
	reopen();
	ck_assert_uint_ge(history.n, HISTORY_KEEP);
	for (i = 0; i < HISTORY_KEEP; i++)
		ck_assert_uint_eq(term_of(history.n - 1 - i),
		    2 * HISTORY_REWRITE - i);
	ck_assert_int_eq(faccessat(dir, HISTORY_TEMP, F_OK, 0), -1);
}
END_TEST

START_TEST(test_torn_and_damaged)
{
	uint32_t i;
	int fd;

	reopen();
	for (i = 1; i <= 5; i++)
		ck_assert_int_eq(append(i), 0);
	fd = openat(dir, HISTORY_FILE, O_RDWR);
	/* The last append did not get through. */
	ck_assert_int_eq(ftruncate(fd, (off_t)(5 * ENTRY - 9)), 0);
	reopen();
	ck_assert_uint_eq(history.n, 4);
	ck_assert_int_eq(faccessat(dir, HISTORY_ASIDE, F_OK, 0), -1);
	ck_assert_int_eq(append(6), 0);
	reopen();
	ck_assert_uint_eq(term_of(3), 4);
	ck_assert_uint_eq(term_of(4), 6);
	/* A bit falls over in the middle. */
	ck_assert_int_eq(pwrite(fd, "\x7f", 1, (off_t)(ENTRY + 17)), 1);
	(void)close(fd);
	reopen();
	ck_assert_uint_eq(history.n, 4);
	ck_assert_uint_eq(term_of(0), 1);
	ck_assert_uint_eq(term_of(1), 3);
	ck_assert_uint_eq(term_of(3), 6);
	ck_assert_int_eq(faccessat(dir, HISTORY_ASIDE, F_OK, 0), 0);
}
END_TEST

START_TEST(test_kill)
{
	volatile uint32_t *done = mmap(NULL, sizeof(*done),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = 94;
	uint32_t last = 0, i;
	int round, status;
	pid_t pid;

	for (round = 0; round < KILLS; round++) {
		pid = fork();
		if (pid == 0) {
			reopen();
			for (i = last + 1;; i++) {
				if (append(i) != 0)
					_exit(1);
				*done = i;
			}
		}
		/* Any moment will do, so this is no wait for an event. */
		(void)usleep((useconds_t)(rand_r(&seed) % 5000));
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		reopen();
		last = history.n > 0 ? term_of(history.n - 1) : 0;
		ck_assert_uint_ge(last, *done);
		for (i = 0; i < history.n && i < HISTORY_KEEP; i++)
			ck_assert_uint_eq(term_of(history.n - 1 - i),
			    last - i);
	}
	ck_assert_uint_gt(last, 0);
}
END_TEST

/* A child of its own: the limit would hit the test's own files, too. */
static _Noreturn void
append_under_limit(void)
{
	struct rlimit none = { 2 * ENTRY + 10, RLIM_INFINITY };
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	reopen();
	if (append(1) != 0 || append(2) != 0)
		_exit(1);
	if (setrlimit(RLIMIT_FSIZE, &none) == -1)
		_exit(2);
	if (append(3) != EFBIG)
		_exit(3);
	if (setrlimit(RLIMIT_FSIZE, &all) == -1)
		_exit(4);
	_exit(append(4));
}

START_TEST(test_disk_error)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		append_under_limit();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	reopen();
	ck_assert_uint_eq(history.n, 3);
	ck_assert_uint_eq(term_of(2), 4);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history");
	SRunner *r;
	int failed;

	log_init(-1, LOG_LEVEL_ERROR);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_append);
	tcase_add_test(t, test_bounded);
	tcase_add_test(t, test_torn_and_damaged);
	tcase_add_test(t, test_kill);
	tcase_add_test(t, test_disk_error);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
