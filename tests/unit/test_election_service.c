/* SPDX-License-Identifier: ISC */

/*
 * The service, durable terms, handing over, the flap limit.
 */
#include "test_election_trace.h"

#define SIGNED	.protocol = PROTOCOL_CARP
#define SERVICE	SIGNED, .service = true
#define GO_NOW	.resigns = true, .flags = TRAILER_GO_NOW

static void
released(struct world *w, bool ordered)
{
	feed(w, (struct event){ .type = EVENT_RELEASED,
	    .released = { .ordered = ordered } });
}

START_TEST(service_starts_when_held_and_durable)
{
	struct world *w = boot(SERVICE);

	w->mute_actuator = true;
	w->mute_keeper = true;
	until(w, 3100);
	forget(w);
	feed(w, (struct event){ .type = EVENT_HELD,
	    .held = { .ok = true, .advert = w->now } });
	saw(w, "");
	feed(w, (struct event){ .type = EVENT_KEPT,
	    .kept = { .term = 1, .ok = true } });
	saw(w, "3100 service run term 1\n");
	free(w);
}
END_TEST

START_TEST(service_starts_with_an_alarm_when_not_durable)
{
	struct world *w = boot(SERVICE);

	w->keeper_fails = true;
	until(w, 3100);
	ck_assert(has(w, "service run term 1"));
	ck_assert_uint_eq(w->e.alarms, ALARM_NOT_DURABLE);
	ck_assert(!w->e.term_durable);
	free(w);
}
END_TEST

START_TEST(silent_keeper_delays_the_service_for_five_seconds)
{
	struct world *w = boot(SERVICE);

	w->mute_keeper = true;
	w->show_keep = true;
	until(w, 8059);
	ck_assert(!has(w, "service run"));
	forget(w);
	until(w, 8060);
	ck_assert(has(w, "8060 keep term 1\n8060 service run term 1\n"));
	ck_assert_uint_eq(w->e.alarms, ALARM_NOT_DURABLE);
	free(w);
}
END_TEST

START_TEST(start_stops_a_service_left_running)
{
	struct world *w = boot_silent((struct setup){ SERVICE,
	    .restarted = true });

	saw(w, "0 service stop term 0\n"
	    "0 starting -> starting, elector-restarted, term 0\n");
	free(w);
}
END_TEST

START_TEST(handover_stops_service_then_address_then_resigns)
{
	struct world *w = active(SERVICE);

	w->mute_stop = true;
	w->mute_release = true;
	w->show_renew = true;
	until(w, 3500);
	forget(w);
	event(w, EVENT_HANDOVER);
	saw(w, "3500 service stop term 1\n");
	/* Adverts and renewals go on meanwhile. */
	until(w, 5100);
	saw(w, "4060 send 1/0 term 1\n4060 renew\n"
	    "5060 send 1/0 term 1\n5060 renew\n");
	service(w, SERVICE_STOPPED);
	saw(w, "5100 release\n");
	at(w, 5102);
	released(w, true);
	saw(w, "5102 active -> standby, handover, term 1\n"
	    "5102 send 255/255 term 1 go-now\n");
	free(w);
}
END_TEST

START_TEST(handover_waits_two_down_intervals_for_the_other)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	event(w, EVENT_HANDOVER);
	forget(w);
	until(w, 9499);
	saw(w, "");
	until(w, 9500);
	saw(w, "9500 send 1/0 term 1 soft\n");
	free(w);
}
END_TEST

START_TEST(handover_is_not_preempted_back)
{
	struct world *w = active(SIGNED, .preempt = true);
	int i;

	until(w, 3500);
	event(w, EVENT_HANDOVER);
	forget(w);
	for (i = 4; i < 30; i++) {
		until(w, i * 1000);
		hear(w, .node = 1, .term = 2);
	}
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(handover_is_ended_by_a_higher_epoch)
{
	struct world *w = active(SERVICE);

	w->mute_stop = true;
	until(w, 3500);
	event(w, EVENT_HANDOVER);
	forget(w);
	hear(w, .node = 1, .term = 2);
	saw(w, "3500 release\n"
	    "3500 active -> standby, higher-epoch, term 2\n"
	    "3500 send 255/255 term 1\n");
	free(w);
}
END_TEST

START_TEST(leave_of_an_active_with_service)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	forget(w);
	event(w, EVENT_LEAVE);
	saw(w, "3500 service stop term 1\n"
	    "3500 release\n"
	    "3500 active -> standby, leave, term 1\n"
	    "3500 send 255/255 term 1 go-now\n"
	    "3500 left\n");
	free(w);
}
END_TEST

START_TEST(failed_service_hands_over_once)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	forget(w);
	service(w, SERVICE_FAILED);
	saw(w, "3500 service stop term 1\n"
	    "3500 release\n"
	    "3500 active -> faulted, service-failed, term 1\n"
	    "3500 send 255/255 term 1 go-now\n");
	free(w);
}
END_TEST

START_TEST(failed_service_stays_with_a_partner_unable)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	forget(w);
	partner_says(w, .role = ROLE_STANDBY, .healthy = false, .ready = true);
	service(w, SERVICE_FAILED);
	saw(w, "3500 active -> active, service-failed, term 1\n");
	until(w, 3600);
	partner_says(w, .role = ROLE_STANDBY, .healthy = true, .ready = true);
	ck_assert(has(w, "active -> faulted, service-failed"));
	free(w);
}
END_TEST

/* The service is still stopping for another reason when it says so. */
START_TEST(partner_that_is_able_too_late_changes_nothing)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	partner_says(w, .role = ROLE_STANDBY, .healthy = false, .ready = true);
	service(w, SERVICE_FAILED);
	w->mute_stop = true;
	event(w, EVENT_HANDOVER);
	ck_assert_int_eq(w->e.state, STATE_LEAVING);
	forget(w);
	partner_says(w, .role = ROLE_STANDBY, .healthy = true, .ready = true);
	saw(w, "");
	ck_assert_int_eq(w->e.state, STATE_LEAVING);
	service(w, SERVICE_STOPPED);
	ck_assert(has(w, "active -> standby, handover"));
	free(w);
}
END_TEST

START_TEST(faulted_claims_only_when_nobody_is_heard)
{
	struct world *w = active(SERVICE);
	int i;

	until(w, 3500);
	service(w, SERVICE_FAILED);
	forget(w);
	for (i = 4; i < 40; i++) {
		until(w, i * 1000);
		hear(w, .node = 1, .term = 2);
		hear(w, .node = 1, .term = 2, .flags = TRAILER_SOFT);
	}
	hear(w, .node = 1, .term = 2, GO_NOW);
	saw(w, "");
	ck_assert_int_eq(election_role(&w->e), ROLE_FAULTED);
	until(w, 39000 + 8999);
	saw(w, "");
	until(w, 39000 + 9100);
	ck_assert(has(w, "faulted -> active, retry, term 3"));
	free(w);
}
END_TEST

START_TEST(flap_limit_ends_the_retries)
{
	struct world *w = active(SERVICE, .flap_limit = 3);
	int i;

	for (i = 0; i < 3; i++) {
		until(w, 3500 + i * 20000);
		ck_assert_int_eq(w->e.state, STATE_ACTIVE);
		service(w, SERVICE_FAILED);
	}
	forget(w);
	until(w, 600000);
	ck_assert(has(w, "faulted -> faulted, flap-limit"));
	ck_assert(!has(w, "hold"));
	ck_assert_uint_eq(w->e.alarms & ALARM_FLAPPING, ALARM_FLAPPING);
	/* Room again in the window. */
	until(w, 604000);
	ck_assert(has(w, "faulted -> active, retry"));
	ck_assert_uint_eq(w->e.alarms & ALARM_FLAPPING, 0);
	free(w);
}
END_TEST

START_TEST(flap_limit_is_lifted_by_maintenance_off)
{
	struct world *w = active(SERVICE, .flap_limit = 1);

	until(w, 3500);
	service(w, SERVICE_FAILED);
	until(w, 30000);
	ck_assert_uint_eq(w->e.alarms & ALARM_FLAPPING, ALARM_FLAPPING);
	maintenance(w, false);
	until(w, 33100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	ck_assert_uint_eq(w->e.alarms & ALARM_FLAPPING, 0);
	free(w);
}
END_TEST

START_TEST(handover_waits_no_longer_once_the_other_was_heard)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	event(w, EVENT_HANDOVER);
	until(w, 3600);
	hear(w, .node = 1, .term = 2);
	forget(w);
	until(w, 6599);
	saw(w, "");
	until(w, 6600);
	saw(w, "6600 send 1/2 term 2 soft\n");
	free(w);
}
END_TEST

START_TEST(durable_before_held_starts_nothing)
{
	struct world *w = boot(SERVICE);

	w->mute_actuator = true;
	w->mute_keeper = true;
	until(w, 3100);
	forget(w);
	feed(w, (struct event){ .type = EVENT_KEPT,
	    .kept = { .term = 1, .ok = true } });
	saw(w, "");
	feed(w, (struct event){ .type = EVENT_HELD,
	    .held = { .ok = true, .advert = w->now } });
	saw(w, "3100 service run term 1\n");
	free(w);
}
END_TEST

START_TEST(flap_limit_suspends_preemption)
{
	struct world *w = boot(SIGNED, .preempt = true, .flap_limit = 1);
	int i;

	for (i = 1; i < 5; i++) {
		until(w, i * 1000);
		hear(w, .node = 1, .term = 7);
	}
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	hear(w, .node = 1, .term = 9);
	forget(w);
	for (i = 5; i < 20; i++) {
		until(w, i * 1000);
		hear(w, .node = 1, .term = 9);
	}
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(service_waits_for_the_address_as_well)
{
	struct world *w = boot(SERVICE);

	w->mute_actuator = true;
	until(w, 3100);
	ck_assert(w->e.kept);
	ck_assert(!has(w, "service run"));
	feed(w, (struct event){ .type = EVENT_HELD,
	    .held = { .ok = true, .advert = w->now } });
	ck_assert(has(w, "3100 service run term 1\n"));
	free(w);
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		service_starts_when_held_and_durable,
		service_starts_with_an_alarm_when_not_durable,
		silent_keeper_delays_the_service_for_five_seconds,
		start_stops_a_service_left_running,
		handover_stops_service_then_address_then_resigns,
		handover_waits_two_down_intervals_for_the_other,
		handover_is_not_preempted_back,
		handover_is_ended_by_a_higher_epoch,
		leave_of_an_active_with_service,
		failed_service_hands_over_once,
		failed_service_stays_with_a_partner_unable,
		partner_that_is_able_too_late_changes_nothing,
		faulted_claims_only_when_nobody_is_heard,
		flap_limit_ends_the_retries,
		flap_limit_is_lifted_by_maintenance_off,
		handover_waits_no_longer_once_the_other_was_heard,
		durable_before_held_starts_nothing,
		flap_limit_suspends_preemption,
		service_waits_for_the_address_as_well,
	};

	return run_cases("election: service", list,
	    sizeof(list) / sizeof(list[0]));
}
