/* SPDX-License-Identifier: ISC */

/*
 * The election's VRRP rules, protocol checklist sections 3 and 4.  Tests of
 * the protocols themselves run unsigned (`plain`): what our own trailer adds
 * is in test_election_own.c.
 */
#include "test_election_trace.h"

#define V2	.protocol = PROTOCOL_VRRP2, .plain = true
#define V3	.protocol = PROTOCOL_VRRP3, .plain = true

/* 3.2: Backup with the full down interval, nothing is sent before. */
START_TEST(c3_2_start_is_silent_for_the_down_interval)
{
	struct world *w = boot_silent((struct setup){ V3 });

	saw(w, "0 starting -> starting, start, term 0\n");
	ck_assert_int_eq(election_role(&w->e), ROLE_STARTING);
	link_is(w, true);
	until(w, 3007.812);
	saw(w, "");
	ck_assert_int_eq(election_role(&w->e), ROLE_STARTING);
	/* Skew of priority 254: 2/256 s; then the claim, own rank. */
	until(w, 3008);
	saw(w, "3007.812 starting -> standby, silence, term 0\n"
	    "3007.812 send 254 term 0 soft\n");
	until(w, 3068);
	saw(w, "3027.812 send 254 term 0 soft\n"
	    "3047.812 send 254 term 1\n"
	    "3067.812 send 254 term 1\n"
	    "3067.812 hold\n"
	    "3067.812 standby -> active, silence, term 1\n");
	free(w);
}
END_TEST

START_TEST(c3_2_starting_ends_when_an_active_is_heard)
{
	struct world *w = boot(V3);

	until(w, 500);
	hear(w, .node = 1);
	saw(w, "500 starting -> standby, heard-active, term 0\n");
	free(w);
}
END_TEST

/* 3.5: priority 0 sets the timer to the skew, not to zero, not to all. */
START_TEST(c3_5_resignation_shortens_to_the_skew)
{
	struct world *w = standby(V2, .rank = { 100 });

	until(w, 1500);
	hear(w, .node = 1, .resigns = true);
	saw(w, "");
	/* 156/256 s = 609.375 ms */
	until(w, 2109.374);
	saw(w, "");
	until(w, 2110);
	saw(w, "2109.375 send 100 term 0 soft\n");
	until(w, 2200);
	ck_assert(has(w, "standby -> active, resigned"));
	free(w);
}
END_TEST

START_TEST(c3_5_resignation_does_not_shorten_the_silent_start)
{
	struct world *w = boot(V2);

	until(w, 500);
	hear(w, .node = 1, .resigns = true);
	until(w, 3007);
	saw(w, "");
	free(w);
}
END_TEST

/* 3.6: preemption off: any advert of an active resets, whatever its rank. */
START_TEST(c3_6_without_preemption_every_rank_resets)
{
	struct world *w = standby(V3);
	int i;

	for (i = 1; i < 20; i++) {
		until(w, 1000 + i * 2900);
		hear(w, .node = 1, .rank = (uint8_t)(i % 2 ? 1 : 254));
	}
	saw(w, "");
	free(w);
}
END_TEST

/* 3.6: equal rank in Backup always resets, also from a smaller address. */
START_TEST(c3_6_equal_rank_resets_whatever_the_address)
{
	struct world *w = standby(V3, .preempt = true, .self = 1,
	    .rank = { 100, 100 });

	until(w, 4000);
	hear(w, .node = 0, .rank = 100);
	until(w, 7600);
	saw(w, "");
	free(w);
}
END_TEST

/* 3.7: ignored, the timer keeps running, no jump before it ends. */
START_TEST(c3_7_preemption_ignores_worse_adverts)
{
	struct world *w = boot(V2, .preempt = true);

	until(w, 500);
	hear(w, .node = 1);
	until(w, 1500);
	hear(w, .node = 1);
	until(w, 2500);
	hear(w, .node = 1);
	saw(w, "500 starting -> standby, heard-active, term 0\n");
	until(w, 3007);
	saw(w, "");
	/* Against a living one no soft claim: it is meant. */
	until(w, 3030);
	saw(w, "3007.812 send 254 term 1\n"
	    "3027.812 send 254 term 1\n"
	    "3027.812 hold\n"
	    "3027.812 standby -> active, preempt, term 1\n");
	free(w);
}
END_TEST

/* 3.9: shutdown of a Backup transmits nothing. */
START_TEST(c3_9_backup_leaves_silently)
{
	struct world *w = standby(V3);

	event(w, EVENT_LEAVE);
	saw(w, "1000 standby -> standby, leave, term 0\n1000 left\n");
	until(w, 20000);
	saw(w, "");
	free(w);
}
END_TEST

/* 3.10: no drift over many periods, also when each one is a bit late. */
START_TEST(c3_10_adverts_do_not_drift)
{
	struct world *w = active(V3, .interval_ms = 100);
	mono_t first = w->e.send_at;
	int i;

	for (i = 0; i < 1000; i++) {
		w->now = mono_after(election_deadline(&w->e), 3 * NS_PER_MS);
		forget(w);
		event(w, EVENT_TIMER);
		ck_assert(has(w, "send 254"));
	}
	ck_assert_int_eq(mono_span_ns(first, w->e.send_at),
	    1000 * 100 * NS_PER_MS);
	free(w);
}
END_TEST

/* 3.11: priority 0 heard by the Master: send at once, rearm. */
START_TEST(c3_11_master_answers_a_resignation)
{
	struct world *w = active(V2, .rank = { 100 });

	until(w, 4100);
	forget(w);
	hear(w, .node = 1, .resigns = true);
	saw(w, "4100 send 100 term 1\n");
	until(w, 5099);
	saw(w, "");
	until(w, 5100);
	saw(w, "5100 send 100 term 1\n");
	free(w);
}
END_TEST

/* 3.12 */
START_TEST(c3_12_master_yields_to_higher_priority)
{
	struct world *w = active(V3, .rank = { 100 });

	until(w, 3800);
	hear(w, .node = 1, .rank = 101);
	saw(w, "3800 release\n"
	    "3800 active -> standby, higher-rank, term 1\n");
	/* A full down interval from there: 3.609375 s, claim with 100. */
	until(w, 7409.374);
	saw(w, "");
	until(w, 7410);
	saw(w, "7409.375 send 100 term 1 soft\n");
	free(w);
}
END_TEST

START_TEST(c3_12_master_yields_to_greater_address_at_equal_rank)
{
	struct world *w = active(V3, .rank = { 100 });

	until(w, 3800);
	hear(w, .node = 1, .rank = 100);
	saw(w, "3800 release\n"
	    "3800 active -> standby, higher-rank, term 1\n");
	free(w);
}
END_TEST

/* 3.12: unsigned, in network byte order: .200 is greater than .2. */
START_TEST(c3_12_address_tie_is_unsigned)
{
	struct world *w = active(V3, .self = 1, .rank = { 100, 100 });

	until(w, 3800);
	hear(w, .node = 0, .rank = 100, .last_byte = 200);
	ck_assert(has(w, "active -> standby, higher-rank"));
	free(w);
}
END_TEST

START_TEST(c3_12_255_beats_everything)
{
	struct world *w = active(V2, .foreign = { false, true });

	until(w, 3800);
	hear(w, .node = 1, .rank = 255);
	ck_assert(has(w, "active -> standby, higher-rank"));
	free(w);
}
END_TEST

/* 3.13: 9568 6.4.3: discard and send at once; 6.6: announce again. */
START_TEST(c3_13_master_answers_lower_priority_at_once)
{
	struct world *w = active(V3);

	until(w, 4500);
	forget(w);
	hear(w, .node = 1, .rank = 100);
	saw(w, "4500 announce\n4500 send 254 term 1\n");
	ck_assert_uint_eq(w->e.alarms, ALARM_DUAL_ACTIVE);
	/* At most one extra in a quarter interval. */
	until(w, 4749);
	hear(w, .node = 1, .rank = 100);
	saw(w, "");
	at(w, 4750);
	hear(w, .node = 1, .rank = 100);
	saw(w, "4750 send 254 term 1\n");
	/* Three intervals of silence end the alarm. */
	until(w, 7749);
	ck_assert_uint_eq(w->e.alarms, ALARM_DUAL_ACTIVE);
	until(w, 8751);
	ck_assert_uint_eq(w->e.alarms, 0);
	free(w);
}
END_TEST

START_TEST(c3_13_smaller_address_at_equal_rank_is_answered)
{
	struct world *w = active(V2, .self = 1, .rank = { 100, 100 });

	until(w, 4900);
	forget(w);
	hear(w, .node = 0, .rank = 100);
	saw(w, "4900 announce\n4900 send 100 term 1\n");
	free(w);
}
END_TEST

/* 3.14: one advert with priority 0, after the address is gone. */
START_TEST(c3_14_master_leaves_with_a_resignation)
{
	struct world *w = active(V2);

	w->mute_release = true;
	until(w, 3500);
	event(w, EVENT_LEAVE);
	saw(w, "3500 release\n");
	ck_assert_int_eq(election_role(&w->e), ROLE_ACTIVE);
	at(w, 3502);
	feed(w, (struct event){ .type = EVENT_RELEASED,
	    .released = { .ordered = true } });
	saw(w, "3502 active -> standby, leave, term 1\n"
	    "3502 send 0 term 1 go-now\n"
	    "3502 left\n");
	until(w, 20000);
	saw(w, "");
	free(w);
}
END_TEST

/* 3.18 with 3.19: a master without preemption yields all the same. */
START_TEST(c3_19_no_preemption_is_local)
{
	struct world *w = active(V3, .rank = { 10 }, .preempt = false);

	hear(w, .node = 1, .rank = 200);
	ck_assert(has(w, "active -> standby, higher-rank"));
	free(w);
}
END_TEST

static double
down_ms(struct setup u)
{
	struct world *w = boot_world(u);
	double ms = (double)election_down_ns(&w->e, &w->cfg) / 1e6;

	free(w);
	return ms;
}

/* 4.1 and the numbers for tests. */
START_TEST(c4_1_v2_down_interval)
{
	ck_assert_double_eq_tol(down_ms((struct setup){ V2,
	    .rank = { 100 } }), 3609.375, 0.001);
	ck_assert_double_eq_tol(down_ms((struct setup){ V2,
	    .rank = { 150 } }), 3414.0625, 0.001);
	ck_assert_double_eq_tol(down_ms((struct setup){ V2,
	    .rank = { 254 } }), 3007.8125, 0.001);
	/* Skew does not depend on the interval. */
	ck_assert_double_eq_tol(down_ms((struct setup){ V2,
	    .rank = { 100 }, .interval_ms = 5000 }), 15609.375, 0.001);
}
END_TEST

/* 4.2 and the numbers for tests. */
START_TEST(c4_2_v3_down_interval)
{
	ck_assert_double_eq_tol(down_ms((struct setup){ V3,
	    .rank = { 100 } }), 3609.375, 0.001);
	ck_assert_double_eq_tol(down_ms((struct setup){ V3,
	    .rank = { 200 }, .interval_ms = 100 }), 321.875, 0.001);
	ck_assert_double_eq_tol(down_ms((struct setup){ V3,
	    .rank = { 100 }, .interval_ms = 5000 }), 18046.875, 0.001);
}
END_TEST

/* 4.4: the Master's interval is learned, skew and all. */
START_TEST(c4_4_v3_interval_is_learned)
{
	struct world *w = standby(V3, .rank = { 100 });

	until(w, 2000);
	hear(w, .node = 1, .interval_ms = 5000);
	ck_assert_int_eq(election_down_ns(&w->e, &w->cfg),
	    18046875 * NS_PER_US);
	until(w, 20046.874);
	saw(w, "");
	until(w, 20200);
	ck_assert(has(w, "20046.875 send 100"));
	ck_assert(has(w, "standby -> active"));
	forget(w);
	/* As the active it sends at its own interval again. */
	until(w, 21200);
	saw(w, "21106.875 send 100 term 1\n");
	ck_assert_int_eq(election_down_ns(&w->e, &w->cfg),
	    3609375 * NS_PER_US);
	free(w);
}
END_TEST

START_TEST(c4_4_v3_a_faster_interval_is_learned)
{
	struct world *w = standby(V3, .rank = { 100 });

	until(w, 2000);
	hear(w, .node = 1, .interval_ms = 100);
	until(w, 2361);
	ck_assert(has(w, "2360.937 send 100"));
	free(w);
}
END_TEST

/* 4.3: v2 never learns: the codec drops another interval. */
START_TEST(c4_3_v2_interval_is_not_learned)
{
	struct world *w = standby(V2, .rank = { 100 });

	until(w, 2000);
	hear(w, .node = 1, .interval_ms = 5000);
	until(w, 5609);
	saw(w, "");
	until(w, 5610);
	saw(w, "5609.375 send 100 term 0 soft\n");
	free(w);
}
END_TEST

/* 4.7: 10 ms and 40.95 s. */
START_TEST(c4_7_shortest_and_longest_interval)
{
	struct world *w = active(V3, .interval_ms = 10);

	until(w, 1000);
	ck_assert(has(w, "send 254"));
	ck_assert_int_eq(election_role(&w->e), ROLE_ACTIVE);
	free(w);
	w = active(V3, .interval_ms = 40950);
	until(w, 400000);
	ck_assert_int_eq(election_role(&w->e), ROLE_ACTIVE);
	ck_assert(!has(w, "hold"));
	free(w);
}
END_TEST

/* 9.1: soft claims by rank alone: unsigned pairs, and foreign VRRP. */
START_TEST(soft_claim_is_just_worse_than_the_silent_one)
{
	struct world *w = standby(V3, .rank = { 200, 150 });

	until(w, 4218);
	saw(w, "");
	until(w, 4320);
	saw(w, "4218.750 send 149 term 0 soft\n"
	    "4238.750 send 149 term 0 soft\n"
	    "4258.750 send 200 term 1\n"
	    "4278.750 send 200 term 1\n"
	    "4278.750 hold\n"
	    "4278.750 standby -> active, silence, term 1\n");
	free(w);
}
END_TEST

START_TEST(soft_claim_is_never_better_than_the_own_rank)
{
	struct world *w = standby(V3, .rank = { 100, 150 });

	until(w, 4610);
	saw(w, "4609.375 send 100 term 0 soft\n");
	free(w);
}
END_TEST

/* A living foreign active ends a claim, whatever its rank. */
START_TEST(foreign_advert_ends_a_soft_claim)
{
	struct world *w = standby(V3, .foreign = { false, true });

	until(w, 4010);
	forget(w);
	hear(w, .node = 1, .rank = 1);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	until(w, 7017);
	saw(w, "");
	free(w);
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		c3_2_start_is_silent_for_the_down_interval,
		c3_2_starting_ends_when_an_active_is_heard,
		c3_5_resignation_shortens_to_the_skew,
		c3_5_resignation_does_not_shorten_the_silent_start,
		c3_6_without_preemption_every_rank_resets,
		c3_6_equal_rank_resets_whatever_the_address,
		c3_7_preemption_ignores_worse_adverts,
		c3_9_backup_leaves_silently,
		c3_10_adverts_do_not_drift,
		c3_11_master_answers_a_resignation,
		c3_12_master_yields_to_higher_priority,
		c3_12_master_yields_to_greater_address_at_equal_rank,
		c3_12_address_tie_is_unsigned,
		c3_12_255_beats_everything,
		c3_13_master_answers_lower_priority_at_once,
		c3_13_smaller_address_at_equal_rank_is_answered,
		c3_14_master_leaves_with_a_resignation,
		c3_19_no_preemption_is_local,
		c4_1_v2_down_interval,
		c4_2_v3_down_interval,
		c4_3_v2_interval_is_not_learned,
		c4_4_v3_interval_is_learned,
		c4_4_v3_a_faster_interval_is_learned,
		c4_7_shortest_and_longest_interval,
		soft_claim_is_just_worse_than_the_silent_one,
		soft_claim_is_never_better_than_the_own_rank,
		foreign_advert_ends_a_soft_claim,
	};

	return run_cases("election: vrrp", list,
	    sizeof(list) / sizeof(list[0]));
}
