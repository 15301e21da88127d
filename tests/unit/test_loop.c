/* SPDX-License-Identifier: ISC */

/* loop.c: order, deadline, descriptors that come and go in between. */

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"

#define N	4

static struct loop loop;
static int pipes[N][2];
static char served[64];		/* one letter per call, in order */
static int victim;		/* taken out by the first function */

static void
note(int fd, short revents, void *arg)
{
	char text[2] = { (char)('a' + (int)(intptr_t)arg), '\0' };

	ck_assert_int_ne(revents, 0);
	ck_assert_int_eq(fd, pipes[(intptr_t)arg][0]);
	(void)strncat(served, text, sizeof(served) - strlen(served) - 1);
	if (victim != -1)
		loop_del(&loop, victim);
	victim = -1;
}

static void
setup(void)
{
	intptr_t i;

	memset(&loop, 0, sizeof(loop));
	served[0] = '\0';
	victim = -1;
	for (i = 0; i < N; i++) {
		ck_assert_int_eq(pipe(pipes[i]), 0);
		ck_assert(loop_add(&loop, pipes[i][0], POLLIN, note,
		    (void *)i));
	}
}

static void
ready(int i)
{
	ck_assert_int_eq(write(pipes[i][1], "x", 1), 1);
}

START_TEST(test_order)
{
	setup();
	ready(3);
	ready(0);
	ready(2);
	loop_turn(&loop, MONO_NEVER);
	ck_assert_str_eq(served, "acd");
}
END_TEST

START_TEST(test_deadline)
{
	mono_t begin = mono_now();
	int64_t took;

	setup();
	loop_turn(&loop, mono_after(begin, 30 * NS_PER_MS));
	took = mono_span_ns(begin, mono_now());
	ck_assert_int_ge(took, 30 * NS_PER_MS);
	ck_assert_int_lt(took, 2 * NS_PER_S);
	ck_assert_str_eq(served, "");
	/* One that is past: what is readable comes first all the same. */
	ready(1);
	loop_turn(&loop, begin);
	ck_assert_str_eq(served, "b");
}
END_TEST

START_TEST(test_mute)
{
	setup();
	ready(0);
	ready(1);
	loop_mute(&loop, pipes[0][0], true);
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "b");
	loop_mute(&loop, pipes[0][0], false);
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "bab");
	loop_events(&loop, pipes[1][0], 0);
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "baba");
	/* Muted, even the end of the other side wakes nobody. */
	loop_mute(&loop, pipes[3][0], true);
	(void)close(pipes[3][1]);
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "babaa");
	loop_del(&loop, pipes[3][0]);
}
END_TEST

START_TEST(test_taken_out_in_turn)
{
	setup();
	ready(0);
	ready(1);
	ready(2);
	victim = pipes[1][0];
	loop_turn(&loop, MONO_NEVER);
	ck_assert_str_eq(served, "ac");
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "acac");
	ck_assert_uint_eq(loop.n, N - 1);
	victim = pipes[0][0];
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "acacac");
	ck_assert(loop_add(&loop, pipes[1][0], POLLIN, note,
	    (void *)(intptr_t)1));
	loop_turn(&loop, mono_now());
	ck_assert_str_eq(served, "acacaccb");
}
END_TEST

START_TEST(test_full)
{
	int fd, i, n = 0;

	setup();
	for (i = 0; i < LOOP_FDS_MAX + 1 - N; i++) {
		fd = dup(pipes[0][0]);
		ck_assert_int_ne(fd, -1);
		n += loop_add(&loop, fd, POLLIN, note, NULL);
	}
	ck_assert_int_eq(n, LOOP_FDS_MAX - N);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_order);
	tcase_add_test(t, test_deadline);
	tcase_add_test(t, test_mute);
	tcase_add_test(t, test_taken_out_in_turn);
	tcase_add_test(t, test_full);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
