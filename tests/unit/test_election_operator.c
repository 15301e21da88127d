/* SPDX-License-Identifier: ISC */

/*
 * Operator, data, link, the partner's word, reload and export; checklist 9.10.
 */
#include "test_election_trace.h"

#define SIGNED	.protocol = PROTOCOL_CARP
#define V3	.protocol = PROTOCOL_VRRP3
#define SERVICE	SIGNED, .service = true

START_TEST(maintenance_of_the_active_hands_over)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	maintenance(w, true);
	saw(w, "3500 release\n"
	    "3500 active -> maintenance, maintenance-on, term 1\n"
	    "3500 send 255/255 term 1 go-now\n");
	until(w, 100000);
	saw(w, "");
	maintenance(w, false);
	saw(w, "100000 maintenance -> standby, maintenance-off, term 1\n");
	until(w, 102999);
	saw(w, "");
	free(w);
}
END_TEST

/* Started a moment ago: it may be meant for one that knows more. */
START_TEST(maintenance_that_ends_early_leaves_the_silent_start)
{
	struct world *w = boot(SIGNED, .self = 1, .term = 7);

	until(w, 500);
	maintenance(w, true);
	until(w, 600);
	maintenance(w, false);
	forget(w);
	until(w, 700);
	hear(w, .node = 0, .term = 7, .resigns = true,
	    .flags = TRAILER_GO_NOW);
	until(w, 3599);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(maintenance_survives_a_restart)
{
	struct world *w = boot(SIGNED, .maintenance = true);

	ck_assert_int_eq(election_role(&w->e), ROLE_MAINTENANCE);
	until(w, 100000);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(data_not_ready_does_not_claim)
{
	struct world *w = standby(SIGNED);

	data(w, false);
	until(w, 60000);
	saw(w, "4000 standby -> standby, data-not-ready, term 7\n");
	data(w, true);
	until(w, 61100);
	ck_assert(has(w, "standby -> active, silence, term 8"));
	free(w);
	w = active(SIGNED);
	data(w, false);
	until(w, 10000);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	ck_assert_uint_eq(w->out.trailer.flags & TRAILER_DATA_READY, 0);
	free(w);
}
END_TEST

START_TEST(link_down_of_the_active)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	forget(w);
	link_is(w, false);
	saw(w, "3500 release\n"
	    "3500 service stop term 1\n"
	    "3500 active -> faulted, link-down, term 1\n");
	until(w, 60000);
	saw(w, "");
	link_is(w, true);
	saw(w, "60000 faulted -> starting, link-up, term 1\n");
	until(w, 62999);
	saw(w, "");
	free(w);
}
END_TEST

/* A tracked interface: adverts still pass, so it leaves in order. */
START_TEST(link_about_to_go_hands_over)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	forget(w);
	feed(w, (struct event){ .type = EVENT_LINK,
	    .link = { .hand_over = true } });
	saw(w, "3500 service stop term 1\n"
	    "3500 release\n"
	    "3500 active -> standby, link-down, term 1\n"
	    "3500 send 255/255 term 1 go-now\n");
	link_is(w, false);
	saw(w, "3500 standby -> faulted, link-down, term 1\n");
	free(w);
}
END_TEST

START_TEST(link_down_before_it_ever_was_up)
{
	struct world *w = boot_silent((struct setup){ SIGNED });

	forget(w);
	until(w, 100000);
	link_is(w, false);
	ck_assert_int_eq(election_role(&w->e), ROLE_STARTING);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(link_down_ends_a_claim)
{
	struct world *w = standby(SIGNED);

	until(w, 4050);
	forget(w);
	link_is(w, false);
	saw(w, "4050 standby -> faulted, link-down, term 8\n");
	free(w);
}
END_TEST

START_TEST(word_of_an_active_holds_back)
{
	struct world *w = standby(SIGNED);
	int i;

	for (i = 0; i < 20; i++) {
		until(w, 3000 + i * 1000);
		partner_says(w, .role = ROLE_ACTIVE, .term = 7,
		    .term_node = 1, .age_ns = 100 * NS_PER_MS);
	}
	saw(w, "");
	ck_assert_uint_eq(w->e.alarms, ALARM_HEARTBEAT_BLOCKED);
	/* 22000 + 3 s - 0.1 s of age */
	until(w, 24899);
	saw(w, "");
	until(w, 25000);
	ck_assert(has(w, "standby -> active, silence, term 8"));
	ck_assert_uint_eq(w->e.alarms, 0);
	free(w);
}
END_TEST

START_TEST(word_that_is_old_holds_nothing_back)
{
	struct world *w = standby(SIGNED);

	until(w, 3900);
	partner_says(w, .role = ROLE_ACTIVE, .term = 7, .term_node = 1,
	    .age_ns = 3 * NS_PER_S);
	until(w, 4100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(word_that_is_no_longer_active_ends_the_holding_back)
{
	struct world *w = standby(SIGNED);

	until(w, 3900);
	partner_says(w, .role = ROLE_ACTIVE, .term = 7, .term_node = 1);
	until(w, 4500);
	saw(w, "");
	partner_says(w, .role = ROLE_STANDBY, .term = 7, .term_node = 1);
	until(w, 4600);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(word_of_an_active_ends_a_claim)
{
	struct world *w = standby(SIGNED);

	until(w, 4030);
	partner_says(w, .role = ROLE_ACTIVE, .term = 7, .term_node = 1);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	ck_assert_uint_eq(w->e.alarms, ALARM_HEARTBEAT_BLOCKED);
	free(w);
}
END_TEST

/* Preemption was asked for: that the other is active is no news. */
START_TEST(word_of_one_that_is_heard_holds_no_preemption_back)
{
	struct world *w = boot(.protocol = PROTOCOL_VRRP2, .preempt = true);
	int i;

	for (i = 0; i < 40 && w->e.state != STATE_ACTIVE; i++) {
		until(w, i * 100);
		if (i % 10 == 5)
			hear(w, .node = 1, .term = 7);
		partner_says(w, .role = ROLE_ACTIVE, .term = 7,
		    .term_node = 1);
	}
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	ck_assert_uint_eq(w->e.alarms & ALARM_HEARTBEAT_BLOCKED, 0);
	free(w);
}
END_TEST

START_TEST(active_yields_to_a_word_of_a_higher_epoch)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	partner_says(w, .role = ROLE_ACTIVE, .term = 1, .term_node = 1);
	saw(w, "");
	partner_says(w, .role = ROLE_ACTIVE, .term = 2, .term_node = 1);
	saw(w, "3500 release\n"
	    "3500 active -> standby, word-higher-epoch, term 2\n");
	free(w);
}
END_TEST

START_TEST(conflict_is_announced_against_at_a_limited_rate)
{
	struct world *w = active(SIGNED);

	until(w, 4900);
	forget(w);
	event(w, EVENT_CONFLICT);
	event(w, EVENT_CONFLICT);
	saw(w, "4900 announce\n");
	ck_assert_uint_eq(w->e.alarms, ALARM_CONFLICT);
	until(w, 36000);
	ck_assert_uint_eq(w->e.alarms, 0);
	free(w);
}
END_TEST

/* 9.10: a new interval moves nothing, in either direction. */
START_TEST(c9_10_reload_keeps_the_active)
{
	uint32_t change[][2] = { { 10000, 100 }, { 100, 10000 },
	    { 1000, 1000 } };
	int i;

	for (i = 0; i < 3; i++) {
		struct world *w = active(V3, .interval_ms = change[i][0]);

		until(w, now_ms(w) + change[i][0] / 2);
		w->setup.interval_ms = change[i][1];
		configure(w);
		event(w, EVENT_CONFIG);
		forget(w);
		until(w, now_ms(w) + 20000);
		ck_assert_int_eq(w->e.state, STATE_ACTIVE);
		ck_assert(!has(w, "hold"));
		ck_assert(!has(w, "->"));
		free(w);
	}
}
END_TEST

START_TEST(c9_10_reload_keeps_the_standby)
{
	struct world *w = standby(SIGNED);

	until(w, 3900);
	event(w, EVENT_CONFIG);
	until(w, 6899);
	saw(w, "");
	free(w);
}
END_TEST

/* A copy of the bytes goes on where the original stood (SIGUSR2). */
START_TEST(copied_bytes_go_on)
{
	struct world *w = active(SIGNED);
	struct election copy;

	until(w, 3500);
	memcpy(&copy, &w->e, sizeof(copy));
	memset(&w->e, 0xa5, sizeof(w->e));
	memcpy(&w->e, &copy, sizeof(copy));
	until(w, 4100);
	saw(w, "4060 send 1/0 term 1\n");
	free(w);
}
END_TEST

START_TEST(takeover_times_of_both_views)
{
	struct world *w = standby(SIGNED, .self = 1);
	int64_t least, most;

	election_takeover_ns(&w->e, &w->cfg, &least, &most);
	/* Down interval, claim, and a twentieth of an interval. */
	ck_assert_int_eq(most, 3003906250 + 60 * NS_PER_MS + 50 * NS_PER_MS);
	ck_assert_int_eq(least, 2003906250 + 60 * NS_PER_MS);
	free(w);
	/* The active speaks of its partner, which has skew 1. */
	w = active(SIGNED);
	election_takeover_ns(&w->e, &w->cfg, &least, &most);
	/* Down interval, claim, and a twentieth of an interval. */
	ck_assert_int_eq(most, 3003906250 + 60 * NS_PER_MS + 50 * NS_PER_MS);
	ck_assert_int_eq(least, 2003906250 + 60 * NS_PER_MS);
	free(w);
}
END_TEST

START_TEST(every_word_has_a_name)
{
	int i;

	for (i = 0; i < ROLE_COUNT; i++)
		ck_assert_str_ne(role_name((enum role)i), "?");
	for (i = 0; i < STATE_COUNT; i++)
		ck_assert_str_ne(state_name((enum state)i), "?");
	for (i = 0; i < REASON_COUNT; i++) {
		ck_assert_str_ne(reason_name((enum reason)i), "?");
		ck_assert_str_ne(reason_text((enum reason)i), "?");
	}
	ck_assert_str_eq(role_name(ROLE_COUNT), "?");
	ck_assert_str_eq(reason_name(REASON_COUNT), "?");
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		maintenance_of_the_active_hands_over,
		maintenance_that_ends_early_leaves_the_silent_start,
		maintenance_survives_a_restart,
		data_not_ready_does_not_claim,
		link_down_of_the_active,
		link_about_to_go_hands_over,
		link_down_before_it_ever_was_up,
		link_down_ends_a_claim,
		word_of_an_active_holds_back,
		word_that_is_old_holds_nothing_back,
		word_that_is_no_longer_active_ends_the_holding_back,
		word_of_an_active_ends_a_claim,
		word_of_one_that_is_heard_holds_no_preemption_back,
		active_yields_to_a_word_of_a_higher_epoch,
		conflict_is_announced_against_at_a_limited_rate,
		c9_10_reload_keeps_the_active,
		c9_10_reload_keeps_the_standby,
		copied_bytes_go_on,
		takeover_times_of_both_views,
		every_word_has_a_name,
	};

	return run_cases("election: operator", list,
	    sizeof(list) / sizeof(list[0]));
}
