/* SPDX-License-Identifier: ISC */

/* seq.c: no number twice, whatever clock, keeper and restarts do. */
#include <check.h>
#include <stdlib.h>

#include "mono.h"
#include "seq.h"

#define NOON	(INT64_C(1790000000) * NS_PER_S)

START_TEST(test_clock_form)
{
	ck_assert_uint_eq(seq_of_clock(NOON), UINT64_C(1790000000) << 32);
	ck_assert_uint_eq(seq_of_clock(NOON + NS_PER_S / 2),
	    (UINT64_C(1790000000) << 32) + (UINT64_C(1) << 31));
	ck_assert_uint_eq(seq_of_clock(-1), 0);
	/* Behind 2106: grows no more by the clock, but is no small number. */
	ck_assert_uint_ge(seq_of_clock(INT64_C(5000000000) * NS_PER_S),
	    UINT64_C(0xffffffff) << 32);
}
END_TEST

START_TEST(test_follows_the_clock)
{
	struct seq s = { .ceiling = seq_of_clock(NOON) + SEQ_AHEAD };
	uint64_t n;

	ck_assert(seq_next(&s, NOON, &n));
	ck_assert_uint_eq(n, seq_of_clock(NOON));
	/* The one behind it is the farewell's: the next advert skips it. */
	ck_assert(seq_next(&s, NOON, &n));
	ck_assert_uint_eq(n, seq_of_clock(NOON) + 2);
	/* A clock set back does not take the number along. */
	ck_assert(seq_next(&s, NOON - 3600 * NS_PER_S, &n));
	ck_assert_uint_eq(n, seq_of_clock(NOON) + 4);
}
END_TEST

START_TEST(test_never_above_the_ceiling)
{
	struct seq s = { .ceiling = seq_of_clock(NOON) + SEQ_AHEAD };
	uint64_t n, last = 0;
	int i;

	/* The keeper is slow and the clock jumps an hour ahead. */
	for (i = 0; i < 100000; i++) {
		ck_assert(seq_next(&s, NOON + 3600 * NS_PER_S, &n));
		ck_assert_uint_gt(n, last);
		ck_assert_uint_lt(n, s.ceiling);
		last = n;
	}
}
END_TEST

START_TEST(test_keeper_fails)
{
	struct seq s = { .last = 0 };
	uint64_t n;

	/* No ceiling at all: the clock, so that no receiver refuses it. */
	ck_assert(!seq_next(&s, NOON, &n));
	ck_assert_uint_eq(n, seq_of_clock(NOON));
	ck_assert(!seq_next(&s, 0, &n));
	ck_assert_uint_eq(n, seq_of_clock(NOON) + 2);
}
END_TEST

START_TEST(test_restart_begins_above)
{
	struct seq before = { .last = 0 }, after = { .last = 0 };
	uint64_t ask, n, last;

	ck_assert(seq_wants(&before, NOON, NS_PER_S, &ask));
	seq_asked(&before, ask);
	seq_answered(&before);
	ck_assert(seq_next(&before, NOON, &last));
	/* The machine comes back with its clock a year behind. */
	seq_restore(&after, ask);
	ck_assert(!seq_next(&after, NOON - 31536000 * NS_PER_S, &n));
	ck_assert_uint_gt(n, last + 1);
	ck_assert_uint_gt(n, ask);
}
END_TEST

/* Of fast adverts as well: the second restart must not find the first's. */
START_TEST(test_restart_asks_anew)
{
	const int64_t clock = NOON - 3600 * NS_PER_S;
	struct seq s = { .last = 0 };
	uint64_t n, ask;
	int i;

	seq_restore(&s, seq_of_clock(NOON));
	(void)seq_next(&s, clock, &n);
	ck_assert(seq_wants(&s, clock, 100 * NS_PER_MS, &ask));
	seq_asked(&s, ask);
	seq_answered(&s);
	for (i = 0; i < 100000; i++) {
		ck_assert(seq_next(&s, clock, &n));
		ck_assert_uint_le(n, s.ceiling);
		ck_assert(!seq_wants(&s, clock, 100 * NS_PER_MS, &ask));
	}
}
END_TEST

/* A minute of adverts; returns how often the keeper was asked. */
static int
minute(int64_t interval_ns, int64_t jitter_ns)
{
	struct seq s = { .last = 0 };
	uint64_t ask, n, prev = 0;
	int64_t t;
	int asked = 0;

	for (t = NOON; t < NOON + 60 * NS_PER_S; t += interval_ns) {
		if (seq_wants(&s, t, interval_ns, &ask)) {
			ck_assert_uint_le(ask, seq_of_clock(t) + SEQ_AHEAD);
			seq_asked(&s, ask);
			seq_answered(&s);
			asked++;
		}
		ck_assert(seq_next(&s, t + jitter_ns, &n));
		ck_assert_uint_gt(n, prev);
		prev = n + 1;
	}
	return asked;
}

START_TEST(test_asks_seldom)
{
	ck_assert_int_le(minute(NS_PER_S, 500 * NS_PER_US), 20);
	ck_assert_int_le(minute(10 * NS_PER_MS, 0), 20);
	ck_assert_int_le(minute(20 * NS_PER_S, 0), 4);
}
END_TEST

START_TEST(test_one_question_at_a_time)
{
	struct seq s = { .last = 0 };
	uint64_t ask;

	ck_assert(seq_wants(&s, NOON, NS_PER_S, &ask));
	seq_asked(&s, ask);
	ck_assert(!seq_wants(&s, NOON, NS_PER_S, &ask));
	ck_assert_uint_eq(s.ceiling, 0);
	seq_answered(&s);
	ck_assert_uint_eq(s.ceiling, ask);
	/* An answer that nobody waits for changes nothing. */
	seq_answered(&s);
	ck_assert_uint_eq(s.ceiling, ask);
}
END_TEST

START_TEST(test_floor)
{
	uint64_t floor = 100;

	ck_assert_int_eq(seq_judge(&floor, 100), ADVERT_REPLAY);
	ck_assert_int_eq(seq_judge(&floor, 99), ADVERT_REPLAY);
	ck_assert_uint_eq(floor, 100);
	ck_assert_int_eq(seq_judge(&floor, 101), ADVERT_OK);
	ck_assert_uint_eq(floor, 101);
	ck_assert_int_eq(seq_judge(&floor, 101), ADVERT_REPLAY);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("seq");
	TCase *t = tcase_create("seq");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_clock_form);
	tcase_add_test(t, test_follows_the_clock);
	tcase_add_test(t, test_never_above_the_ceiling);
	tcase_add_test(t, test_keeper_fails);
	tcase_add_test(t, test_restart_begins_above);
	tcase_add_test(t, test_restart_asks_anew);
	tcase_add_test(t, test_asks_seldom);
	tcase_add_test(t, test_one_question_at_a_time);
	tcase_add_test(t, test_floor);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
