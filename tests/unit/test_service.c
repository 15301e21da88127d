/* SPDX-License-Identifier: ISC */

/* service.c: run when wanted, stopped when not, one restart, then failed. */
#include <check.h>
#include <stdlib.h>

#include "service.h"

static const struct service_config cfg = {
	.exists = true, .can_query = true, .checks = true,
	.give_up_after = 3,
	.check_every_ns = 5 * NS_PER_S,
	.start_limit_ns = 90 * NS_PER_S,
	.stop_limit_ns = 30 * NS_PER_S,
};
static struct service s;
static mono_t now;

static enum job_kind
answer(enum job_kind kind, enum job_result result)
{
	const struct msg_job_done done = {
		.kind = kind, .result = result, .term = s.job_term,
		.took_ms = 1500,
	};

	return service_done(&s, &cfg, &done, now);
}

static enum job_kind
want(bool run)
{
	return service_want(&s, &cfg, run, run ? 7 : 6, now);
}

static enum job_kind
pass(int64_t ns)
{
	now = mono_after(now, ns);
	return service_timer(&s, &cfg, now);
}

static void
setup(void)
{
	now = (mono_t){ NS_PER_S };
	service_init(&s);
}

/* A running service, from nothing. */
static void
running(void)
{
	setup();
	ck_assert_int_eq(want(false), JOB_QUERY);
	ck_assert_int_eq(answer(JOB_QUERY, JOB_FAILED), 0);
	ck_assert_int_eq(want(true), JOB_START);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
}

START_TEST(test_start_up_stops_what_runs)
{
	ck_assert_int_eq(want(false), JOB_QUERY);
	ck_assert_int_eq(s.state, SERVICE_UNKNOWN);
	ck_assert_int_eq(answer(JOB_QUERY, JOB_OK), JOB_STOP);
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	/* Said again, nothing is to be done. */
	ck_assert_int_eq(want(false), 0);
}
END_TEST

START_TEST(test_start_up_of_what_is_stopped)
{
	ck_assert_int_eq(want(false), JOB_QUERY);
	ck_assert_int_eq(answer(JOB_QUERY, JOB_FAILED), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
}
END_TEST

START_TEST(test_no_query_means_stop)
{
	struct service_config blind = cfg;

	blind.can_query = false;
	ck_assert_int_eq(service_want(&s, &blind, false, 1, now), JOB_STOP);
}
END_TEST

START_TEST(test_wanted_while_still_asking)
{
	ck_assert_int_eq(want(false), JOB_QUERY);
	ck_assert_int_eq(want(true), JOB_START);
	/* The question's answer no longer matters. */
	ck_assert_int_eq(answer(JOB_QUERY, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
}
END_TEST

START_TEST(test_runs_and_is_checked)
{
	running();
	ck_assert_int_eq(s.start_took_ns, 1500 * NS_PER_MS);
	ck_assert_int_eq(pass(4 * NS_PER_S), 0);
	ck_assert_int_eq(pass(NS_PER_S), JOB_CHECK);
	/* At most one at a time. */
	ck_assert_int_eq(pass(NS_PER_S), 0);
	ck_assert_int_eq(answer(JOB_CHECK, JOB_OK), 0);
	ck_assert_int_eq(s.healthy.ns, now.ns);
	ck_assert_int_eq(pass(5 * NS_PER_S), JOB_CHECK);
}
END_TEST

/* Bad checks until something happens; returns what. */
static enum job_kind
bad_checks(int n)
{
	enum job_kind job = 0;

	while (n-- > 0) {
		ck_assert_int_eq(job, 0);
		ck_assert_int_eq(pass(5 * NS_PER_S), JOB_CHECK);
		job = answer(JOB_CHECK, JOB_FAILED);
	}
	return job;
}

START_TEST(test_one_restart_then_failed)
{
	running();
	ck_assert_int_eq(bad_checks(2), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
	ck_assert_int_eq(bad_checks(1), JOB_STOP);
	ck_assert_int_eq(s.state, SERVICE_UNHEALTHY);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_START);
	ck_assert_int_eq(s.state, SERVICE_UNHEALTHY);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
	ck_assert_int_eq(bad_checks(3), 0);
	ck_assert_int_eq(s.state, SERVICE_FAILED);
	/* It is stopped when the role goes, and may be tried again. */
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), 0);
	ck_assert_int_eq(want(true), JOB_START);
}
END_TEST

START_TEST(test_a_good_check_in_between)
{
	running();
	ck_assert_int_eq(bad_checks(2), 0);
	ck_assert_int_eq(pass(5 * NS_PER_S), JOB_CHECK);
	ck_assert_int_eq(answer(JOB_CHECK, JOB_OK), 0);
	ck_assert_int_eq(bad_checks(2), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
}
END_TEST

START_TEST(test_forgiven_after_ten_minutes)
{
	int i;

	running();
	ck_assert_int_eq(bad_checks(3), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	for (i = 0; i < 120; i++) {
		ck_assert_int_eq(pass(5 * NS_PER_S), JOB_CHECK);
		ck_assert_int_eq(answer(JOB_CHECK, JOB_OK), 0);
	}
	ck_assert_int_eq(bad_checks(3), JOB_STOP);
	ck_assert_int_eq(s.state, SERVICE_UNHEALTHY);
}
END_TEST

START_TEST(test_start_fails_twice)
{
	setup();
	(void)want(false);
	(void)answer(JOB_QUERY, JOB_FAILED);
	ck_assert_int_eq(want(true), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_TIMEOUT), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_FAILED), 0);
	ck_assert_int_eq(s.state, SERVICE_FAILED);
}
END_TEST

START_TEST(test_role_lost_while_starting)
{
	setup();
	(void)want(false);
	(void)answer(JOB_QUERY, JOB_FAILED);
	ck_assert_int_eq(want(true), JOB_START);
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	/* The start's late answer, whatever it is. */
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
}
END_TEST

START_TEST(test_role_back_while_stopping)
{
	running();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(want(true), JOB_START);
	ck_assert_int_eq(answer(JOB_STOP, JOB_SUPERSEDED), 0);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
}
END_TEST

START_TEST(test_stop_that_fails)
{
	running();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_TIMEOUT), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_FAILED), 0);
	/* The address must not wait for ever; the problem is shown. */
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(s.stop_failed);
}
END_TEST

START_TEST(test_answer_that_never_comes)
{
	running();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(pass(149 * NS_PER_S), 0);
	ck_assert_int_eq(pass(2 * NS_PER_S), JOB_STOP);
}
END_TEST

START_TEST(test_unsent_is_sent_again)
{
	setup();
	ck_assert_int_eq(want(false), JOB_QUERY);
	service_unsent(&s, now);
	ck_assert_int_eq(pass(SERVICE_RESEND_NS - 1), 0);
	ck_assert_int_eq(pass(1), JOB_QUERY);
	ck_assert_int_eq(answer(JOB_QUERY, JOB_FAILED), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
}
END_TEST

START_TEST(test_answer_of_an_older_term)
{
	struct msg_job_done done = {
		.kind = JOB_START, .result = JOB_FAILED, .term = 1,
	};

	running();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(want(true), JOB_START);
	ck_assert_int_eq(service_done(&s, &cfg, &done, now), 0);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
}
END_TEST

START_TEST(test_no_service)
{
	const struct service_config none = { .exists = false };

	ck_assert_int_eq(service_want(&s, &none, true, 1, now), 0);
	ck_assert(!mono_is_set(s.due));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("service");
	TCase *t = tcase_create("service");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_start_up_stops_what_runs);
	tcase_add_test(t, test_start_up_of_what_is_stopped);
	tcase_add_test(t, test_no_query_means_stop);
	tcase_add_test(t, test_wanted_while_still_asking);
	tcase_add_test(t, test_runs_and_is_checked);
	tcase_add_test(t, test_one_restart_then_failed);
	tcase_add_test(t, test_a_good_check_in_between);
	tcase_add_test(t, test_forgiven_after_ten_minutes);
	tcase_add_test(t, test_start_fails_twice);
	tcase_add_test(t, test_role_lost_while_starting);
	tcase_add_test(t, test_role_back_while_stopping);
	tcase_add_test(t, test_stop_that_fails);
	tcase_add_test(t, test_answer_that_never_comes);
	tcase_add_test(t, test_unsent_is_sent_again);
	tcase_add_test(t, test_answer_of_an_older_term);
	tcase_add_test(t, test_no_service);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
