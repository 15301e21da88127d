/* SPDX-License-Identifier: ISC */

/*
 * The election's CARP rules, protocol checklist section 5.  Node 0 is we;
 * node 1 is our own, unsigned, unless `.foreign` says ucarp or OpenBSD.
 */
#include "test_election_trace.h"

#define OWN	.protocol = PROTOCOL_CARP, .plain = true
#define FOREIGN	.protocol = PROTOCOL_CARP, .foreign = { false, true }

/* 5.2: sends each advbase + advskew/256 seconds. */
/* 5.18: it may never get as far as active while it is demoted. */
START_TEST(c5_18_adverts_of_claims_undo_the_demotion)
{
	struct world *w = boot(.protocol = PROTOCOL_CARP,
	    .foreign = { false, true });

	w->e.demoted = true;
	until(w, 4000);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	ck_assert(!w->e.demoted);
	free(w);
}
END_TEST

START_TEST(c5_2_sending_interval)
{
	struct world *w = active(OWN, .rank = { 100 });

	/* Active since 3390.625 + 60 ms. */
	until(w, 6300);
	saw(w, "4841.250 send 1/100 term 1\n"
	    "6231.875 send 1/100 term 1\n");
	free(w);
}
END_TEST

/* 5.3: waits 3 x advbase + advskew/256, the skew not multiplied. */
START_TEST(c5_3_down_interval)
{
	struct world *w = standby(OWN, .rank = { 100 }, .interval_ms = 2000);

	ck_assert_int_eq(election_down_ns(&w->e, &w->cfg),
	    6390625 * NS_PER_US);
	until(w, 7390.624);
	saw(w, "");
	until(w, 7391);
	saw(w, "7390.625 send 2/100 term 0 soft\n");
	free(w);
}
END_TEST

START_TEST(c5_3_numbers)
{
	struct world *w = boot(OWN);

	ck_assert_int_eq(election_down_ns(&w->e, &w->cfg), 3 * NS_PER_S);
	free(w);
	w = boot(OWN, .rank = { 100 });
	ck_assert_int_eq(election_down_ns(&w->e, &w->cfg),
	    3390625 * NS_PER_US);
	free(w);
}
END_TEST

/* 5.10: a faster advertiser wins. */
START_TEST(c5_10_master_yields_to_a_faster_one)
{
	struct world *w = active(OWN, .rank = { 100 });

	until(w, 3800);
	hear(w, .node = 1, .rank = 99);
	saw(w, "3800 release\n"
	    "3800 active -> standby, higher-rank, term 1\n");
	free(w);
}
END_TEST

/* 5.10: base and skew count together: 2/0 is slower than 1/100. */
START_TEST(c5_10_base_counts_before_skew)
{
	struct world *w = active(OWN, .rank = { 100 });

	until(w, 3800);
	forget(w);
	hear(w, .node = 1, .base = 2, .rank = 1);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

/* 5.11: a slower one: stays, announces again; 9568's answer as well. */
START_TEST(c5_11_master_announces_again_to_a_slower_one)
{
	struct world *w = active(OWN);

	until(w, 4500);
	forget(w);
	hear(w, .node = 1, .rank = 50);
	saw(w, "4500 announce\n4500 send 1/0 term 1\n");
	free(w);
}
END_TEST

/* 5.12: equal speed: the lower address stays. */
START_TEST(c5_12_equal_speed_lower_address_stays)
{
	struct world *w = active(OWN, .rank = { 7 });

	until(w, 4900);
	hear(w, .node = 1, .rank = 7);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
	w = active(OWN, .self = 1, .rank = { 7, 7 });
	until(w, 4900);
	hear(w, .node = 0, .rank = 7);
	ck_assert(has(w, "active -> standby, higher-rank"));
	free(w);
}
END_TEST

/* 5.13: the demote count comes before the interval. */
START_TEST(c5_13_master_stays_against_a_demoted_faster_one)
{
	struct world *w = active(FOREIGN, .rank = { 100 });

	until(w, 4900);
	hear(w, .node = 1, .rank = 1, .demote = 1);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(c5_13_backup_takes_over_from_a_demoted_master)
{
	struct world *w = standby(FOREIGN, .rank = { 100, 1 });
	until(w, 3500);
	hear(w, .node = 1, .rank = 1);
	saw(w, "");
	until(w, 3600);
	hear(w, .node = 1, .rank = 1, .demote = 1);
	/* Without preemption, and although its interval is the shorter. */
	until(w, 3620);
	saw(w, "3600 send 1/100 term 1\n"
	    "3620 send 1/100 term 1\n"
	    "3620 hold\n"
	    "3620 standby -> active, demoted-peer, term 1\n");
	free(w);
}
END_TEST

START_TEST(c5_13_counts_only_towards_foreign_nodes)
{
	struct world *w = standby(OWN);

	until(w, 3500);
	hear(w, .node = 1, .demote = 1);
	until(w, 6000);
	saw(w, "");
	free(w);
}
END_TEST

/* 5.14: preemption off: never takes over from a slower live one. */
START_TEST(c5_14_backup_does_not_preempt_by_default)
{
	struct world *w = standby(OWN);
	int i;

	for (i = 2; i < 30; i++) {
		until(w, i * 1000);
		hear(w, .node = 1, .rank = 200);
	}
	saw(w, "");
	free(w);
}
END_TEST

/* 5.14: preemption on: at the first slower advert, without waiting. */
START_TEST(c5_14_backup_preempts_at_once)
{
	struct world *w = boot(OWN, .preempt = true, .self = 1);

	until(w, 1000);
	hear(w, .node = 0);
	until(w, 4000);
	hear(w, .node = 0);
	forget(w);
	until(w, 5000);
	hear(w, .node = 0, .rank = 200);
	until(w, 5020);
	saw(w, "5000 send 1/1 term 1\n"
	    "5020 send 1/1 term 1\n"
	    "5020 hold\n"
	    "5020 standby -> active, preempt, term 1\n");
	free(w);
}
END_TEST

/* 5.14 with 5.17: but the silent start is silent all the same. */
START_TEST(c5_14_not_during_the_silent_start)
{
	struct world *w = boot(OWN, .preempt = true);

	until(w, 1000);
	hear(w, .node = 1, .rank = 200);
	until(w, 2999);
	hear(w, .node = 1, .rank = 200);
	saw(w, "1000 starting -> standby, heard-active, term 0\n");
	until(w, 3000);
	saw(w, "3000 send 1/0 term 1\n");
	free(w);
}
END_TEST

/* 5.15 */
START_TEST(c5_15_guaranteed_to_time_out)
{
	struct world *w = standby(.protocol = PROTOCOL_CARP, .self = 1,
	    .foreign = { true });

	until(w, 3500);
	hear(w, .node = 0, .base = 3);
	saw(w, "");
	hear(w, .node = 0, .base = 3, .rank = 1);
	saw(w, "3500 send 1/1 term 1\n");
	free(w);
}
END_TEST

/* 5.16: obeyed at once; towards foreign nodes all adverts in earnest. */
START_TEST(c5_16_resignation_is_obeyed_at_once)
{
	struct world *w = standby(FOREIGN);

	until(w, 1500);
	hear(w, .node = 1, .resigns = true);
	until(w, 1560);
	saw(w, "1500 send 1/0 term 1\n"
	    "1520 send 1/0 term 1\n"
	    "1540 send 1/0 term 1\n"
	    "1560 send 1/0 term 1\n"
	    "1560 hold\n"
	    "1560 standby -> active, resigned, term 1\n");
	free(w);
}
END_TEST

/* 5.16: sent when leaving, 255/255. */
START_TEST(c5_16_resignation_is_sent)
{
	struct world *w = active(OWN);

	until(w, 3500);
	event(w, EVENT_HANDOVER);
	saw(w, "3500 release\n"
	    "3500 active -> standby, handover, term 1\n"
	    "3500 send 255/255 term 1 go-now\n");
	free(w);
}
END_TEST

/* 5.17 */
START_TEST(c5_17_start_is_silent)
{
	struct world *w = boot(OWN, .self = 1);

	until(w, 3003.906);
	saw(w, "");
	until(w, 3070);
	saw(w, "3003.906 starting -> standby, silence, term 0\n"
	    "3003.906 send 1/1 term 0 soft\n"
	    "3023.906 send 1/1 term 0 soft\n"
	    "3043.906 send 1/1 term 1\n"
	    "3063.906 send 1/1 term 1\n"
	    "3063.906 hold\n"
	    "3063.906 standby -> active, silence, term 1\n");
	free(w);
}
END_TEST

/* 5.18: three failed sends in a row demote, three good ones undo it. */
START_TEST(c5_18_failing_sends_demote)
{
	struct world *w = active(FOREIGN);

	until(w, 3900);
	forget(w);
	w->sends_fail = true;
	until(w, 4600);
	saw(w, "4060 send 1/0 term 1\n4310 send 1/0 term 1\n"
	    "4560 send 1/0 term 1\n");
	ck_assert_uint_eq(w->e.alarms, ALARM_SEND_FAILS);
	w->sends_fail = false;
	until(w, 7900);
	saw(w, "4810 send 1/0 demoted term 1\n"
	    "5810 send 1/0 demoted term 1\n"
	    "6810 send 1/0 demoted term 1\n"
	    "7810 send 1/0 term 1\n");
	ck_assert_uint_eq(w->e.alarms, 0);
	free(w);
}
END_TEST

/* Soft claims: one step slower than the silent one, never faster than we. */
START_TEST(soft_claim_is_just_slower_than_the_silent_one)
{
	struct world *w = standby(OWN, .rank = { 10, 50 });

	until(w, 4150);
	ck_assert(has(w, "4039.062 send 1/51 term 0 soft\n"
	    "4059.062 send 1/51 term 0 soft\n"
	    "4079.062 send 1/10 term 1\n"
	    "4099.062 send 1/10 term 1\n"));
	free(w);
	w = standby(OWN, .rank = { 10, 254 });
	until(w, 4150);
	/* Not 1/255: a skew of 255 stays with the resignation. */
	ck_assert(has(w, "send 2/0 term 0 soft"));
	free(w);
}
END_TEST

/* A foreign master that is slower yields to our earnest adverts. */
START_TEST(foreign_claims_go_on_against_slower_ones)
{
	struct world *w = standby(FOREIGN);

	until(w, 4005);
	hear(w, .node = 1, .rank = 100);
	until(w, 4100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
	w = standby(FOREIGN, .rank = { 100, 1 });
	until(w, 4400);
	hear(w, .node = 1, .rank = 1);
	until(w, 4600);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		c5_18_adverts_of_claims_undo_the_demotion,
		c5_2_sending_interval,
		c5_3_down_interval,
		c5_3_numbers,
		c5_10_master_yields_to_a_faster_one,
		c5_10_base_counts_before_skew,
		c5_11_master_announces_again_to_a_slower_one,
		c5_12_equal_speed_lower_address_stays,
		c5_13_master_stays_against_a_demoted_faster_one,
		c5_13_backup_takes_over_from_a_demoted_master,
		c5_13_counts_only_towards_foreign_nodes,
		c5_14_backup_does_not_preempt_by_default,
		c5_14_backup_preempts_at_once,
		c5_14_not_during_the_silent_start,
		c5_15_guaranteed_to_time_out,
		c5_16_resignation_is_obeyed_at_once,
		c5_16_resignation_is_sent,
		c5_17_start_is_silent,
		c5_18_failing_sends_demote,
		soft_claim_is_just_slower_than_the_silent_one,
		foreign_claims_go_on_against_slower_ones,
	};

	return run_cases("election: carp", list,
	    sizeof(list) / sizeof(list[0]));
}
