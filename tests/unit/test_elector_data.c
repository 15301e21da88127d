/* SPDX-License-Identifier: ISC */

/* data.c: when a standby prepares the head, and when it goes live. */
#include <check.h>
#include <stdlib.h>

#include "data.h"

static struct data_plan d;
static mono_t now;

static void
setup(void)
{
	now = (mono_t){ NS_PER_S };
	data_init(&d);
}

static enum job_kind
head(uint64_t generation)
{
	return data_head(&d, generation, true, now);
}

static enum job_kind
answer(enum job_kind kind, enum job_result result)
{
	const struct msg_job_done done = {
		.kind = kind, .result = result, .term = d.number,
		.exit_status = 5,
	};

	return data_done(&d, &done, now);
}

static enum job_kind
pass(int64_t ns)
{
	now = mono_after(now, ns);
	return data_timer(&d, now);
}

START_TEST(test_prepare_then_settle)
{
	ck_assert_int_eq(head(0), 0);
	ck_assert(!mono_is_set(d.due));
	ck_assert_int_eq(head(4), JOB_PREPARE);
	ck_assert_int_eq(head(4), 0);
	now = mono_after(now, NS_PER_S);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), 0);
	ck_assert_int_eq(pass(DATA_STILL_NS - 1), 0);
	ck_assert_int_eq(pass(1), JOB_SETTLE);
	ck_assert_int_eq(answer(JOB_SETTLE, JOB_OK), 0);
	ck_assert(!mono_is_set(d.due));
	ck_assert_int_eq(head(4), 0);
	ck_assert_int_eq(head(5), JOB_PREPARE);
}
END_TEST

START_TEST(test_one_prepare_a_second)
{
	ck_assert_int_eq(head(1), JOB_PREPARE);
	now = mono_after(now, 10 * NS_PER_MS);
	ck_assert_int_eq(head(2), 0);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), 0);
	ck_assert_int_eq(pass(DATA_PREPARE_NS - 10 * NS_PER_MS - 1), 0);
	ck_assert_int_eq(pass(1), JOB_PREPARE);
	ck_assert_uint_eq(d.asked, 2);
}
END_TEST

/* A new generation every 0.7 s, for as long as told; SETTLEs seen. */
static int
restless(int64_t ns)
{
	const mono_t end = mono_after(now, ns);
	uint64_t generation = d.head;
	int settles = 0;
	enum job_kind job;

	while (now.ns < end.ns) {
		job = head(++generation);
		if (job == 0)
			job = pass(0);
		if (job == JOB_PREPARE)
			job = answer(JOB_PREPARE, JOB_OK);
		if (job == JOB_SETTLE) {
			settles++;
			job = answer(JOB_SETTLE, JOB_OK);
		}
		now = mono_after(now, 700 * NS_PER_MS);
	}
	return settles;
}

START_TEST(test_settles_under_constant_change)
{
	ck_assert_int_eq(restless(DATA_RESTLESS_NS - NS_PER_S), 0);
	ck_assert_int_eq(restless(3 * NS_PER_S), 1);
	ck_assert_int_eq(restless(10 * DATA_RESTLESS_NS), 9);
}
END_TEST

START_TEST(test_not_while_it_may_not)
{
	ck_assert_int_eq(data_head(&d, 3, false, now), 0);
	ck_assert_int_eq(pass(60 * NS_PER_S), 0);
	ck_assert(!mono_is_set(d.due));
	ck_assert_int_eq(data_head(&d, 3, true, now), JOB_PREPARE);
	/* Taken over in between: neither its answer nor a SETTLE counts. */
	ck_assert_int_eq(data_head(&d, 3, false, now), 0);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), 0);
	ck_assert_int_eq(pass(10 * NS_PER_S), 0);
	/* Standby again: live data may be anything now. */
	ck_assert_int_eq(data_head(&d, 3, true, now), JOB_PREPARE);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), 0);
	ck_assert_int_eq(pass(DATA_STILL_NS), JOB_SETTLE);
	ck_assert_int_eq(answer(JOB_SETTLE, JOB_OK), 0);
	ck_assert_int_eq(data_head(&d, 3, false, now), 0);
	ck_assert_int_eq(data_head(&d, 3, true, now), JOB_PREPARE);
}
END_TEST

START_TEST(test_what_was_written_here)
{
	ck_assert_int_eq(data_head(&d, 7, false, now), 0);
	data_is_live(&d);
	ck_assert_int_eq(head(7), 0);
	ck_assert_int_eq(pass(60 * NS_PER_S), 0);
	ck_assert_int_eq(head(8), JOB_PREPARE);
}
END_TEST

START_TEST(test_failures_wait)
{
	ck_assert_int_eq(head(1), JOB_PREPARE);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_FAILED), 0);
	ck_assert_uint_eq(d.failed, JOB_PREPARE);
	ck_assert_uint_eq(d.status, 5);
	ck_assert_int_eq(head(2), 0);
	ck_assert_int_eq(pass(DATA_RETRY_NS - 1), 0);
	ck_assert_int_eq(pass(1), JOB_PREPARE);
	/* Half a minute behind by now: without a wait. */
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), JOB_SETTLE);
	ck_assert_uint_eq(d.failed, 0);
	ck_assert_int_eq(answer(JOB_SETTLE, JOB_FAILED), 0);
	ck_assert_uint_eq(d.failed, JOB_SETTLE);
	ck_assert_int_eq(pass(DATA_RETRY_NS), JOB_PREPARE);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), JOB_SETTLE);
	/* Not good again before it is live. */
	ck_assert_uint_eq(d.failed, JOB_SETTLE);
	ck_assert_int_eq(answer(JOB_SETTLE, JOB_OK), 0);
	ck_assert_uint_eq(d.failed, 0);
}
END_TEST

START_TEST(test_superseded_is_no_failure)
{
	ck_assert_int_eq(head(1), JOB_PREPARE);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_SUPERSEDED), 0);
	ck_assert_uint_eq(d.failed, 0);
	ck_assert_int_eq(pass(DATA_PREPARE_NS), JOB_PREPARE);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_OK), 0);
	/* Only what was prepared settles. */
	ck_assert_int_eq(head(2), 0);
	ck_assert_int_eq(pass(DATA_PREPARE_NS), JOB_PREPARE);
	ck_assert_int_eq(answer(JOB_PREPARE, JOB_SUPERSEDED), 0);
	ck_assert_int_eq(pass(DATA_STILL_NS), JOB_PREPARE);
}
END_TEST

START_TEST(test_unsent_and_unanswered)
{
	ck_assert_int_eq(head(1), JOB_PREPARE);
	data_unsent(&d, now);
	ck_assert_int_eq(pass(DATA_RESEND_NS - 1), 0);
	ck_assert_int_eq(pass(1), JOB_PREPARE);
	ck_assert_int_eq(pass(DATA_ANSWER_NS), 0);
	ck_assert_uint_eq(d.failed, JOB_PREPARE);
	ck_assert_int_eq(d.job, 0);
}
END_TEST

START_TEST(test_answer_of_another_job)
{
	struct msg_job_done done = { .kind = JOB_PREPARE, .result = JOB_OK };

	ck_assert_int_eq(head(1), JOB_PREPARE);
	done.term = d.number + 1;
	ck_assert_int_eq(data_done(&d, &done, now), 0);
	ck_assert_int_eq(answer(JOB_SETTLE, JOB_OK), 0);
	ck_assert_int_eq(d.job, JOB_PREPARE);
	ck_assert_uint_eq(d.live, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("elector_data");
	TCase *t = tcase_create("elector_data");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_prepare_then_settle);
	tcase_add_test(t, test_one_prepare_a_second);
	tcase_add_test(t, test_settles_under_constant_change);
	tcase_add_test(t, test_not_while_it_may_not);
	tcase_add_test(t, test_what_was_written_here);
	tcase_add_test(t, test_failures_wait);
	tcase_add_test(t, test_superseded_is_no_failure);
	tcase_add_test(t, test_unsent_and_unanswered);
	tcase_add_test(t, test_answer_of_another_job);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
