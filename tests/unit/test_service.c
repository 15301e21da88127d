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
static const struct service_config data_cfg = {
	.exists = true, .data = true, .can_query = true, .checks = true,
	.give_up_after = 3,
	.check_every_ns = 5 * NS_PER_S,
	.start_limit_ns = 90 * NS_PER_S,
	.stop_limit_ns = 30 * NS_PER_S,
};
static const struct service_config *use = &cfg;
static struct service s;
static mono_t now;

static enum job_kind
answer_check(enum job_kind kind, enum job_result result, uint32_t check)
{
	const struct msg_job_done done = {
		.kind = kind, .result = result, .term = s.job_term,
		.took_ms = 1500, .check = check, .exit_status = 3,
	};

	return service_done(&s, use, &done, now);
}

static enum job_kind
answer(enum job_kind kind, enum job_result result)
{
	return answer_check(kind, result, 0);
}

static enum job_kind
want(bool run)
{
	return service_want(&s, use, run, run ? 7 : 6, now);
}

static enum job_kind
pass(int64_t ns)
{
	now = mono_after(now, ns);
	return service_timer(&s, use, now);
}

static void
setup(void)
{
	use = &cfg;
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

/* A standby with data, whose earlier life was captured. */
static void
rests(void)
{
	setup();
	use = &data_cfg;
	ck_assert_int_eq(want(false), JOB_QUERY);
	ck_assert(!s.known);
	ck_assert_int_eq(answer(JOB_QUERY, JOB_FAILED), JOB_END);
	ck_assert(s.known);
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	ck_assert(!service_rests(&s));
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(service_rests(&s));
	ck_assert(!mono_is_set(s.due));
}

/* Active, data written under term 7. */
static void
running_on_data(void)
{
	rests();
	ck_assert_int_eq(want(true), JOB_BEGIN);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert(!service_rests(&s));
	ck_assert_int_eq(answer(JOB_BEGIN, JOB_OK), JOB_WRITE);
	ck_assert_uint_eq(s.data_term, 0);
	ck_assert_int_eq(answer(JOB_WRITE, JOB_OK), JOB_START);
	ck_assert_uint_eq(s.data_term, 7);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
	ck_assert(!s.loaded);
}

START_TEST(test_data_without_load)
{
	running_on_data();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	/* The core resigns at "stopped": not before the last sync. */
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	ck_assert_int_eq(answer_check(JOB_END, JOB_OK, 1), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(s.synced);
	ck_assert(service_rests(&s));
	ck_assert_uint_eq(s.data_term, 0);
}
END_TEST

START_TEST(test_data_with_load)
{
	rests();
	ck_assert_int_eq(want(true), JOB_BEGIN);
	ck_assert_int_eq(answer_check(JOB_BEGIN, JOB_OK, 1), JOB_LOAD);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(answer(JOB_LOAD, JOB_OK), JOB_WRITE);
	ck_assert(s.loaded);
	ck_assert_uint_eq(s.load_took_ms, 1500);
	ck_assert_int_eq(answer(JOB_WRITE, JOB_OK), JOB_START);
	ck_assert_uint_eq(s.job_term, 7);
}
END_TEST

START_TEST(test_data_restart_in_a_term)
{
	running_on_data();
	ck_assert_int_eq(bad_checks(3), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
	ck_assert_uint_eq(s.data_term, 7);
}
END_TEST

static const enum job_kind steps[] = { JOB_BEGIN, JOB_LOAD, JOB_WRITE };

/* On the way into the role, right after it asked for that step. */
static void
at_step(enum job_kind step)
{
	rests();
	ck_assert_int_eq(want(true), JOB_BEGIN);
	if (step == JOB_BEGIN)
		return;
	ck_assert_int_eq(answer_check(JOB_BEGIN, JOB_OK, 1), JOB_LOAD);
	if (step == JOB_WRITE)
		ck_assert_int_eq(answer(JOB_LOAD, JOB_OK), JOB_WRITE);
}

START_TEST(test_data_step_fails)
{
	const enum job_kind step = steps[_i];

	at_step(step);
	ck_assert_int_eq(answer(step, JOB_FAILED), 0);
	ck_assert_int_eq(s.state, SERVICE_FAILED);
	ck_assert_int_eq(s.failed_step, step);
	ck_assert_uint_eq(s.failed_status, 3);
	ck_assert(!mono_is_set(s.due));
	/* The core hands over. */
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_int_eq(s.failed_step, step);
	ck_assert_int_eq(service_want(&s, use, true, 9, now), JOB_BEGIN);
	ck_assert_int_eq(s.failed_step, 0);
	ck_assert_uint_eq(s.job_term, 9);
}
END_TEST

START_TEST(test_data_step_without_answer)
{
	static const int64_t limit[] = {
		SERVICE_BEGIN_NS, SERVICE_LOAD_NS + SERVICE_ANSWER_NS,
		SERVICE_WRITE_NS,
	};

	at_step(steps[_i]);
	ck_assert_int_eq(pass(limit[_i] - 1), 0);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(pass(1), 0);
	ck_assert_int_eq(s.state, SERVICE_FAILED);
	ck_assert(s.failed_late);
}
END_TEST

START_TEST(test_data_step_loses_the_role)
{
	const enum job_kind step = steps[_i];

	at_step(step);
	ck_assert_int_eq(want(false), JOB_STOP);
	/* Its answer is too late, whatever it is. */
	ck_assert_int_eq(answer(step, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_uint_eq(s.data_term, 0);
	ck_assert(service_rests(&s));
}
END_TEST

START_TEST(test_nobody_takes_begin)
{
	int i;

	rests();
	ck_assert_int_eq(want(true), JOB_BEGIN);
	service_unsent(&s, now);
	for (i = 1; i < 50; i++) {
		ck_assert_int_eq(pass(SERVICE_RESEND_NS - 1), 0);
		ck_assert_int_eq(pass(1), JOB_BEGIN);
		service_unsent(&s, now);
	}
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(pass(SERVICE_RESEND_NS), 0);
	ck_assert_int_eq(s.state, SERVICE_FAILED);
	ck_assert_int_eq(s.failed_step, JOB_BEGIN);
}
END_TEST

START_TEST(test_mirror_is_replaced)
{
	rests();
	ck_assert_int_eq(want(true), JOB_BEGIN);
	service_unsent(&s, now);
	ck_assert_int_eq(pass(SERVICE_RESEND_NS), JOB_BEGIN);
	/* It left; far behind five seconds the mirror goes. */
	ck_assert_int_eq(pass(10 * NS_PER_S), 0);
	service_lost(&s, now);
	ck_assert_int_eq(pass(0), JOB_BEGIN);
	service_unsent(&s, now);
	ck_assert_int_eq(pass(SERVICE_NOBODY_NS - 1), JOB_BEGIN);
	/* The next one has a limit of its own. */
	ck_assert_int_eq(pass(SERVICE_BEGIN_NS - 1), 0);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(answer(JOB_BEGIN, JOB_OK), JOB_WRITE);
	service_unsent(&s, now);
	ck_assert_int_eq(pass(SERVICE_NOBODY_NS - 1), JOB_WRITE);
	/* A job of the supervisor's is not touched. */
	ck_assert_int_eq(answer(JOB_WRITE, JOB_OK), JOB_START);
	service_lost(&s, now);
	ck_assert_int_eq(pass(0), 0);
}
END_TEST

START_TEST(test_superseded_step_is_asked_again)
{
	rests();
	ck_assert_int_eq(want(true), JOB_BEGIN);
	ck_assert_int_eq(answer(JOB_BEGIN, JOB_SUPERSEDED), 0);
	ck_assert_int_eq(pass(SERVICE_RESEND_NS), JOB_BEGIN);
	ck_assert_int_eq(answer_check(JOB_BEGIN, JOB_OK, 1), JOB_LOAD);
	ck_assert_int_eq(answer(JOB_LOAD, JOB_SUPERSEDED), JOB_LOAD);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
}
END_TEST

START_TEST(test_end_without_mirror)
{
	running_on_data();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	service_unsent(&s, now);
	/* It is sent at last, and not answered: the whole is what counts. */
	ck_assert_int_eq(pass(10 * NS_PER_S), JOB_END);
	ck_assert_int_eq(pass(SERVICE_END_NS - 10 * NS_PER_S - 1), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPING);
	ck_assert_int_eq(pass(1), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(s.end_late);
	/* No loader here before all is captured; that is asked again. */
	ck_assert(!service_rests(&s));
	ck_assert_int_eq(pass(SERVICE_END_AGAIN_NS), JOB_END);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert(service_rests(&s));
	ck_assert(!s.end_late);
}
END_TEST

START_TEST(test_end_held_back)
{
	running_on_data();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_FAILED), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(!service_rests(&s));
	ck_assert_int_eq(pass(SERVICE_END_AGAIN_NS), JOB_END);
	service_unsent(&s, now);
	ck_assert_int_eq(pass(SERVICE_END_NS), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(s.end_late);
}
END_TEST

START_TEST(test_role_back_while_ending)
{
	running_on_data();
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(service_want(&s, use, true, 8, now), JOB_BEGIN);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(answer(JOB_BEGIN, JOB_OK), JOB_WRITE);
	ck_assert_uint_eq(s.job_term, 8);
}
END_TEST

START_TEST(test_role_back_while_stopping_on_data)
{
	running_on_data();
	ck_assert_int_eq(want(false), JOB_STOP);
	/* The same term: they are ours to write all the time. */
	ck_assert_int_eq(want(true), JOB_START);
	ck_assert_int_eq(want(false), JOB_STOP);
	/* Another term: the data steps, though END was never asked. */
	ck_assert_int_eq(service_want(&s, use, true, 8, now), JOB_BEGIN);
	ck_assert_uint_eq(s.data_term, 0);
}
END_TEST

START_TEST(test_reload)
{
	running_on_data();
	ck_assert_int_eq(service_reload(&s, use, now), JOB_STOP);
	ck_assert_int_eq(service_reload(&s, use, now), 0);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), JOB_BEGIN);
	ck_assert_uint_eq(s.job_term, 7);
	ck_assert_int_eq(s.state, SERVICE_STARTING);
	ck_assert_int_eq(answer_check(JOB_BEGIN, JOB_OK, 1), JOB_LOAD);
	ck_assert_int_eq(answer(JOB_LOAD, JOB_OK), JOB_WRITE);
	ck_assert_int_eq(answer(JOB_WRITE, JOB_OK), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
	ck_assert_uint_eq(s.data_term, 7);
}
END_TEST

START_TEST(test_reload_with_what_is_not_captured)
{
	running_on_data();
	ck_assert_int_eq(service_reload(&s, use, now), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	/* Nothing is loaded over it: on as before. */
	ck_assert_int_eq(answer(JOB_END, JOB_FAILED), JOB_WRITE);
	ck_assert_int_eq(answer(JOB_WRITE, JOB_OK), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
}
END_TEST

START_TEST(test_reload_of_what_does_not_stop)
{
	running_on_data();
	ck_assert_int_eq(service_reload(&s, use, now), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_FAILED), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_FAILED), 0);
	ck_assert_int_eq(s.state, SERVICE_FAILED);
	ck_assert(s.stop_failed);
}
END_TEST

START_TEST(test_reload_loses_the_role)
{
	running_on_data();
	ck_assert_int_eq(service_reload(&s, use, now), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	/* Not active: nothing to load. */
	ck_assert_int_eq(service_reload(&s, use, now), 0);
}
END_TEST

START_TEST(test_data_without_service)
{
	struct conf_service none = { .kind = SERVICE_NONE };
	struct service_config alone;

	service_config(&alone, &none, true);
	ck_assert(alone.exists && alone.data && !alone.can_query);
	ck_assert(!alone.checks);
	use = &alone;
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), 0);
	ck_assert_int_eq(want(true), JOB_BEGIN);
	ck_assert_int_eq(answer(JOB_BEGIN, JOB_OK), JOB_WRITE);
	ck_assert_int_eq(answer(JOB_WRITE, JOB_OK), JOB_START);
	ck_assert_int_eq(answer(JOB_START, JOB_OK), 0);
	ck_assert_int_eq(s.state, SERVICE_RUNNING);
	ck_assert(!mono_is_set(s.due));
	service_config(&alone, &none, false);
	ck_assert(!alone.exists);
}
END_TEST

START_TEST(test_data_come_with_a_reload)
{
	running();
	use = &data_cfg;
	ck_assert_int_eq(service_reconfigured(&s, use, now), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	ck_assert_int_eq(answer(JOB_END, JOB_OK), JOB_BEGIN);
	/* On the standby, nothing but to capture what there is. */
	running();
	(void)want(false);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), 0);
	use = &data_cfg;
	ck_assert_int_eq(service_reconfigured(&s, use, now), JOB_END);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	/* And with neither before, both. */
	setup();
	use = &data_cfg;
	ck_assert_int_eq(service_reconfigured(&s, use, now), JOB_QUERY);
}
END_TEST

START_TEST(test_data_go_with_a_reload)
{
	running_on_data();
	use = &cfg;
	ck_assert_int_eq(service_reconfigured(&s, use, now), 0);
	ck_assert_int_eq(want(false), JOB_STOP);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), 0);
	/* In the middle of a step: the service goes on without them. */
	at_step(JOB_LOAD);
	use = &cfg;
	ck_assert_int_eq(service_reconfigured(&s, use, now), JOB_START);
	running_on_data();
	(void)want(false);
	ck_assert_int_eq(answer(JOB_STOP, JOB_OK), JOB_END);
	use = &cfg;
	ck_assert_int_eq(service_reconfigured(&s, use, now), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
	ck_assert(!mono_is_set(s.due));
}
END_TEST

/* A handover must not wait for what is configured no longer. */
START_TEST(test_service_goes_with_a_reload)
{
	const struct service_config none = { .exists = false };

	running();
	ck_assert_int_eq(service_reconfigured(&s, &none, now), 0);
	ck_assert_int_eq(service_want(&s, &none, false, 7, now), 0);
	ck_assert_int_eq(s.state, SERVICE_STOPPED);
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
	tcase_add_test(t, test_data_without_load);
	tcase_add_test(t, test_data_with_load);
	tcase_add_test(t, test_data_restart_in_a_term);
	tcase_add_loop_test(t, test_data_step_fails, 0, 3);
	tcase_add_loop_test(t, test_data_step_without_answer, 0, 3);
	tcase_add_loop_test(t, test_data_step_loses_the_role, 0, 3);
	tcase_add_test(t, test_nobody_takes_begin);
	tcase_add_test(t, test_mirror_is_replaced);
	tcase_add_test(t, test_superseded_step_is_asked_again);
	tcase_add_test(t, test_end_without_mirror);
	tcase_add_test(t, test_end_held_back);
	tcase_add_test(t, test_role_back_while_ending);
	tcase_add_test(t, test_role_back_while_stopping_on_data);
	tcase_add_test(t, test_reload);
	tcase_add_test(t, test_reload_with_what_is_not_captured);
	tcase_add_test(t, test_reload_of_what_does_not_stop);
	tcase_add_test(t, test_reload_loses_the_role);
	tcase_add_test(t, test_data_without_service);
	tcase_add_test(t, test_data_come_with_a_reload);
	tcase_add_test(t, test_data_go_with_a_reload);
	tcase_add_test(t, test_service_goes_with_a_reload);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
