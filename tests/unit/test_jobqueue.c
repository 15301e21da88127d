/* SPDX-License-Identifier: ISC */

/* jobqueue.c: last state wins, never two at once, one answer per job. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "jobqueue.h"

static struct jobqueue q;
static struct job_answer out[JOBQUEUE_ANSWERS_MAX];

static void
setup(void)
{
	memset(&q, 0, sizeof(q));
	memset(out, 0xff, sizeof(out));
}

static size_t
add(enum job_kind kind, uint32_t term)
{
	const struct job j = { .kind = kind, .term = term, .answer = true };

	return jobqueue_add(&q, &j, out);
}

static uint32_t
next(enum lane lane)
{
	struct job j;

	return jobqueue_next(&q, lane, &j) ? j.term : 0;
}

START_TEST(test_last_state_wins)
{
	ck_assert_uint_eq(add(JOB_START, 1), 0);
	ck_assert_uint_eq(add(JOB_STOP, 2), 1);
	ck_assert_uint_eq(out[0].job.term, 1);
	ck_assert_uint_eq(out[0].result, JOB_SUPERSEDED);
	ck_assert_uint_eq(add(JOB_START, 3), 1);
	ck_assert_uint_eq(out[0].job.term, 2);
	ck_assert_uint_eq(next(LANE_SERVICE), 3);
}
END_TEST

START_TEST(test_never_two_at_once)
{
	(void)add(JOB_START, 1);
	ck_assert_uint_eq(next(LANE_SERVICE), 1);
	ck_assert_uint_eq(add(JOB_STOP, 2), 0);
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	ck_assert_uint_eq(jobqueue_done(&q, LANE_SERVICE, JOB_OK, out), 1);
	ck_assert_uint_eq(out[0].job.term, 1);
	ck_assert(out[0].ran);
	ck_assert_uint_eq(next(LANE_SERVICE), 2);
}
END_TEST

START_TEST(test_waiting_twin_shares_the_success)
{
	(void)add(JOB_START, 1);
	(void)next(LANE_SERVICE);
	(void)add(JOB_STOP, 2);
	(void)add(JOB_START, 3);
	ck_assert_uint_eq(jobqueue_done(&q, LANE_SERVICE, JOB_OK, out), 2);
	ck_assert_uint_eq(out[1].job.term, 3);
	ck_assert_uint_eq(out[1].result, JOB_OK);
	ck_assert(!out[1].ran);
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
}
END_TEST

START_TEST(test_waiting_twin_runs_after_a_failure)
{
	(void)add(JOB_START, 1);
	(void)next(LANE_SERVICE);
	(void)add(JOB_START, 2);
	ck_assert_uint_eq(jobqueue_done(&q, LANE_SERVICE, JOB_FAILED, out),
	    1);
	ck_assert_uint_eq(next(LANE_SERVICE), 2);
}
END_TEST

START_TEST(test_query_waits_behind_state)
{
	(void)add(JOB_QUERY, 1);
	(void)add(JOB_STOP, 2);
	ck_assert_uint_eq(next(LANE_SERVICE), 2);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_SERVICE), 1);
}
END_TEST

START_TEST(test_one_check)
{
	ck_assert_uint_eq(add(JOB_CHECK, 1), 0);
	ck_assert_uint_eq(add(JOB_CHECK, 2), 1);
	ck_assert_uint_eq(out[0].job.term, 2);
	ck_assert_uint_eq(out[0].result, JOB_SUPERSEDED);
	ck_assert_uint_eq(next(LANE_CHECK), 1);
	ck_assert_uint_eq(add(JOB_CHECK, 3), 1);
	(void)jobqueue_done(&q, LANE_CHECK, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_CHECK), 0);
}
END_TEST

START_TEST(test_lanes_run_beside_each_other)
{
	(void)add(JOB_START, 1);
	(void)add(JOB_CHECK, 2);
	(void)add(JOB_NOTIFY, 3);
	ck_assert_uint_eq(next(LANE_SERVICE), 1);
	ck_assert_uint_eq(next(LANE_CHECK), 2);
	ck_assert_uint_eq(next(LANE_NOTIFY), 3);
}
END_TEST

START_TEST(test_notify_in_order_and_bounded)
{
	uint32_t i;

	for (i = 1; i <= JOBQUEUE_NOTIFY_MAX; i++)
		ck_assert_uint_eq(add(JOB_NOTIFY, i), 0);
	ck_assert_uint_eq(add(JOB_NOTIFY, i), 1);
	ck_assert_uint_eq(out[0].job.term, 1);
	ck_assert_uint_eq(out[0].result, JOB_SUPERSEDED);
	for (i = 2; i <= JOBQUEUE_NOTIFY_MAX + 1; i++) {
		ck_assert_uint_eq(next(LANE_NOTIFY), i);
		ck_assert_uint_eq(next(LANE_NOTIFY), 0);
		(void)jobqueue_done(&q, LANE_NOTIFY, JOB_FAILED, out);
	}
	ck_assert(jobqueue_idle(&q));
}
END_TEST

START_TEST(test_forget)
{
	struct job j;

	(void)add(JOB_START, 1);
	(void)next(LANE_SERVICE);
	(void)add(JOB_START, 2);
	(void)add(JOB_CHECK, 3);
	(void)add(JOB_NOTIFY, 4);
	jobqueue_forget(&q);
	ck_assert_uint_eq(jobqueue_done(&q, LANE_SERVICE, JOB_OK, out), 1);
	ck_assert(!out[0].job.answer);
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	ck_assert_uint_eq(next(LANE_CHECK), 0);
	ck_assert(jobqueue_next(&q, LANE_NOTIFY, &j));
	ck_assert(!j.answer);
}
END_TEST

/* Stop, load, start, in whatever order they were asked for. */
START_TEST(test_a_load_is_between_stop_and_start)
{
	(void)add(JOB_LOAD, 2);
	(void)add(JOB_START, 3);
	ck_assert_uint_eq(next(LANE_SERVICE), 2);
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_SERVICE), 3);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	(void)add(JOB_STOP, 4);
	(void)add(JOB_LOAD, 5);
	ck_assert_uint_eq(next(LANE_SERVICE), 4);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_SERVICE), 5);
}
END_TEST

START_TEST(test_a_stop_makes_loads_obsolete)
{
	(void)add(JOB_LOAD, 1);
	(void)next(LANE_SERVICE);
	(void)add(JOB_LOAD, 2);
	(void)add(JOB_SETTLE, 3);
	(void)add(JOB_START, 4);
	ck_assert_uint_eq(add(JOB_STOP, 5), 3);
	ck_assert_uint_eq(out[0].job.term, 4);
	ck_assert_uint_eq(out[1].job.term, 2);
	ck_assert_uint_eq(out[2].job.term, 3);
	ck_assert_uint_eq(out[2].result, JOB_SUPERSEDED);
	/* What runs is waited for. */
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_SERVICE), 5);
}
END_TEST

START_TEST(test_a_load_ends_a_prepare)
{
	(void)add(JOB_PREPARE, 1);
	ck_assert_uint_eq(next(LANE_PREPARE), 1);
	(void)add(JOB_PREPARE, 2);
	ck_assert(!jobqueue_ends_prepare(&q));
	ck_assert_uint_eq(add(JOB_LOAD, 3), 1);
	ck_assert_uint_eq(out[0].job.term, 2);
	ck_assert(jobqueue_ends_prepare(&q));
	/* Not beside it: one loader at a time. */
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	(void)jobqueue_done(&q, LANE_PREPARE, JOB_SUPERSEDED, out);
	ck_assert(!jobqueue_ends_prepare(&q));
	ck_assert_uint_eq(next(LANE_SERVICE), 3);
	(void)add(JOB_PREPARE, 4);
	ck_assert_uint_eq(next(LANE_PREPARE), 0);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_PREPARE), 4);
}
END_TEST

START_TEST(test_a_stop_does_not_wait_for_a_prepare)
{
	(void)add(JOB_PREPARE, 1);
	(void)next(LANE_PREPARE);
	(void)add(JOB_STOP, 2);
	(void)add(JOB_SETTLE, 3);
	ck_assert_uint_eq(next(LANE_SERVICE), 2);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	(void)jobqueue_done(&q, LANE_PREPARE, JOB_SUPERSEDED, out);
	ck_assert_uint_eq(next(LANE_SERVICE), 3);
}
END_TEST

START_TEST(test_nothing_is_loaded_below_a_service)
{
	ck_assert(jobqueue_refuses(&q, JOB_SETTLE, true));
	ck_assert(!jobqueue_refuses(&q, JOB_SETTLE, false));
	ck_assert(!jobqueue_refuses(&q, JOB_LOAD, true));
	(void)add(JOB_START, 1);
	(void)next(LANE_SERVICE);
	ck_assert(jobqueue_refuses(&q, JOB_LOAD, true));
	/* A start that failed may have left something running. */
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_FAILED, out);
	ck_assert(jobqueue_refuses(&q, JOB_SETTLE, false));
	(void)add(JOB_STOP, 2);
	(void)next(LANE_SERVICE);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_FAILED, out);
	ck_assert(jobqueue_refuses(&q, JOB_LOAD, false));
	(void)add(JOB_STOP, 3);
	(void)next(LANE_SERVICE);
	(void)jobqueue_done(&q, LANE_SERVICE, JOB_OK, out);
	ck_assert(!jobqueue_refuses(&q, JOB_LOAD, false));
	ck_assert(!jobqueue_refuses(&q, JOB_SETTLE, false));
}
END_TEST

/* The capture's is not the elector's to forget, nor the other way round. */
START_TEST(test_forget_loads_and_fills)
{
	(void)add(JOB_FILL, 1);
	(void)next(LANE_FILL);
	(void)add(JOB_FILL, 2);
	(void)add(JOB_LOAD, 3);
	(void)next(LANE_SERVICE);
	(void)add(JOB_LOAD, 4);
	(void)add(JOB_PREPARE, 5);
	jobqueue_forget(&q);
	ck_assert(q.running[LANE_FILL].answer);
	ck_assert(!jobqueue_idle(&q));
	/* What is under way goes to its end. */
	ck_assert_uint_eq(jobqueue_done(&q, LANE_SERVICE, JOB_OK, out), 1);
	ck_assert(!out[0].job.answer);
	ck_assert_uint_eq(next(LANE_SERVICE), 0);
	ck_assert_uint_eq(next(LANE_PREPARE), 0);
	ck_assert(jobqueue_idle(&q));
	jobqueue_forget_fill(&q);
	ck_assert(!q.running[LANE_FILL].answer);
	(void)jobqueue_done(&q, LANE_FILL, JOB_OK, out);
	ck_assert_uint_eq(next(LANE_FILL), 0);
}
END_TEST

START_TEST(test_done_without_a_job)
{
	ck_assert_uint_eq(jobqueue_done(&q, LANE_CHECK, JOB_OK, out), 0);
}
END_TEST

#define TURNS	20000
#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static const enum job_kind kinds[] = {
	JOB_START, JOB_STOP, JOB_CHECK, JOB_NOTIFY, JOB_QUERY, JOB_LOAD,
	JOB_PREPARE, JOB_SETTLE, JOB_FILL,
};

/* One loader at a time. */
static void
check_loader(void)
{
	const uint32_t kind = q.running[LANE_SERVICE].kind;

	if (kind == JOB_LOAD || kind == JOB_SETTLE)
		ck_assert_uint_eq(q.running[LANE_PREPARE].kind, 0);
}

static bool
empty(void)
{
	return jobqueue_idle(&q) && q.query.kind == 0 && q.check.kind == 0 &&
	    q.running[LANE_CHECK].kind == 0 && q.prepare.kind == 0 &&
	    q.running[LANE_PREPARE].kind == 0 && q.fill.kind == 0 &&
	    q.running[LANE_FILL].kind == 0;
}

/* Whatever is asked in whatever order: every job is answered once. */
START_TEST(test_every_job_is_answered_once)
{
	static uint8_t answers[TURNS + 1];
	uint32_t turn, added;
	size_t i, n;
	enum lane lane;

	srand((unsigned)_i);
	added = 0;
	memset(answers, 0, sizeof(answers));
	for (turn = 0; turn < TURNS || !empty(); turn++) {
		lane = (enum lane)(rand() % LANE_COUNT);
		n = 0;
		if (turn < TURNS && rand() % 3 == 0)
			n = add(kinds[(size_t)rand() % NKINDS], ++added);
		else if (rand() % 2 == 0)
			(void)next(lane);
		else
			n = jobqueue_done(&q, lane, rand() % 2 ? JOB_OK :
			    JOB_FAILED, out);
		ck_assert_uint_le(n, JOBQUEUE_ANSWERS_MAX);
		check_loader();
		for (i = 0; i < n; i++)
			answers[out[i].job.term]++;
	}
	ck_assert_uint_gt(added, TURNS / 6);
	for (i = 1; i <= added; i++)
		ck_assert_msg(answers[i] == 1, "seed %d: job %zu got %u",
		    _i, i, answers[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jobqueue");
	TCase *t = tcase_create("policy");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_last_state_wins);
	tcase_add_test(t, test_never_two_at_once);
	tcase_add_test(t, test_waiting_twin_shares_the_success);
	tcase_add_test(t, test_waiting_twin_runs_after_a_failure);
	tcase_add_test(t, test_query_waits_behind_state);
	tcase_add_test(t, test_one_check);
	tcase_add_test(t, test_lanes_run_beside_each_other);
	tcase_add_test(t, test_notify_in_order_and_bounded);
	tcase_add_test(t, test_a_load_is_between_stop_and_start);
	tcase_add_test(t, test_a_stop_makes_loads_obsolete);
	tcase_add_test(t, test_a_load_ends_a_prepare);
	tcase_add_test(t, test_a_stop_does_not_wait_for_a_prepare);
	tcase_add_test(t, test_nothing_is_loaded_below_a_service);
	tcase_add_test(t, test_forget_loads_and_fills);
	tcase_add_test(t, test_forget);
	tcase_add_test(t, test_done_without_a_job);
	tcase_add_loop_test(t, test_every_job_is_answered_once, 1, 6);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
