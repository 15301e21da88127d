/* SPDX-License-Identifier: ISC */

/*
 * The election between our own signed nodes, and what a node does with its
 * lease, service and operator: the rules of design.md section 2 and 3.
 * Node 0 is the better ranked one.
 */
#include "test_election_trace.h"

#define SIGNED	.protocol = PROTOCOL_CARP
#define V3	.protocol = PROTOCOL_VRRP3
#define SERVICE	SIGNED, .service = true
#define GO_NOW	.resigns = true, .flags = TRAILER_GO_NOW

static void
released(struct world *w, bool ordered)
{
	feed(w, (struct event){ .type = EVENT_RELEASED,
	    .released = { .ordered = ordered } });
}

static void
lost(struct world *w)
{
	event(w, EVENT_ADDR_LOST);
}

/* ---- Claim before hold ------------------------------------------------ */

START_TEST(claim_has_two_soft_one_earnest_and_a_fourth)
{
	struct world *w = standby(SIGNED);

	w->show_keep = true;
	until(w, 4100);
	saw(w, "4000 send 1/2 term 7 soft\n"
	    "4020 send 1/2 term 7 soft\n"
	    "4040 keep term 8\n"
	    "4040 send 1/0 term 8\n"
	    "4060 send 1/0 term 8\n"
	    "4060 hold\n"
	    "4060 standby -> active, silence, term 8\n");
	ck_assert_uint_eq(w->e.own_term, 8);
	ck_assert(w->e.term_durable);
	free(w);
}
END_TEST

START_TEST(claim_ends_with_the_advert_of_a_living_active)
{
	struct world *w = standby(SIGNED);

	until(w, 4005);
	hear(w, .node = 1, .term = 7);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	forget(w);
	until(w, 7004);
	saw(w, "");
	ck_assert_uint_eq(w->e.term, 7);
	free(w);
}
END_TEST

START_TEST(claim_ends_when_an_advert_did_not_leave)
{
	int step;

	for (step = 0; step < 4; step++) {
		struct world *w = standby(SIGNED);

		until(w, 3990 + step * 20);
		forget(w);
		w->sends_fail = true;
		until(w, 4100);
		ck_assert(!has(w, "hold"));
		ck_assert(has(w, "standby -> standby, send-failed"));
		ck_assert_int_eq(w->e.state, STATE_STANDBY);
		ck_assert(!w->e.holding);
		free(w);
	}
}
END_TEST

START_TEST(better_claimant_ignores_soft_claims)
{
	struct world *w = standby(SIGNED);

	until(w, 4005);
	hear(w, .node = 1, .term = 7, .flags = TRAILER_SOFT);
	until(w, 4100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(worse_claimant_listens_to_soft_claims)
{
	struct world *w = standby(SIGNED, .self = 1);

	until(w, 4010);
	forget(w);
	hear(w, .node = 0, .term = 7, .flags = TRAILER_SOFT);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	until(w, 7013);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(after_the_earnest_advert_epochs_decide)
{
	struct world *w = standby(SIGNED, .self = 1);

	/* An older active goes on until it hears us: no reason to stop. */
	until(w, 4050);
	hear(w, .node = 0, .term = 7);
	until(w, 4100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
	/* The same term from the better id: that one is the higher epoch. */
	w = standby(SIGNED, .self = 1);
	until(w, 4050);
	hear(w, .node = 0, .term = 8);
	until(w, 4100);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
	/* Soft ones no longer count. */
	w = standby(SIGNED, .self = 1);
	until(w, 4050);
	hear(w, .node = 0, .term = 7, .flags = TRAILER_SOFT);
	until(w, 4100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(soft_claim_resets_no_standby)
{
	struct world *w = standby(SIGNED, .self = 1);

	until(w, 3900);
	hear(w, .node = 0, .term = 7, .flags = TRAILER_SOFT);
	until(w, 4004);
	saw(w, "4003.906 send 1/1 term 7 soft\n");
	free(w);
}
END_TEST

START_TEST(active_answers_each_soft_claim_and_stays)
{
	struct world *w = active(SIGNED, .self = 1);

	until(w, 3800);
	hear(w, .node = 0, .term = 1, .flags = TRAILER_SOFT);
	at(w, 3820);
	hear(w, .node = 0, .term = 1, .flags = TRAILER_SOFT);
	saw(w, "3800 send 1/1 term 1\n3820 send 1/1 term 1\n");
	ck_assert_uint_eq(w->e.alarms, 0);
	free(w);
}
END_TEST

START_TEST(unsigned_claimants_the_better_goes_on)
{
	struct world *w = boot(SIGNED, .plain = true);

	until(w, 3005);
	hear(w, .node = 1);
	until(w, 3100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
	w = boot(SIGNED, .plain = true, .self = 1);
	until(w, 3010);
	hear(w, .node = 0);
	until(w, 3100);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

START_TEST(config_change_ends_a_claim)
{
	struct world *w = standby(SIGNED);

	until(w, 4030);
	event(w, EVENT_CONFIG);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

/* ---- Epochs ----------------------------------------------------------- */

START_TEST(active_yields_to_a_higher_epoch_of_a_worse_rank)
{
	struct world *w = active(SIGNED);

	w->mute_release = true;
	until(w, 3800);
	hear(w, .node = 1, .term = 2);
	saw(w, "3800 release\n");
	ck_assert_int_eq(election_role(&w->e), ROLE_ACTIVE);
	at(w, 3801);
	released(w, true);
	saw(w, "3801 active -> standby, higher-epoch, term 2\n");
	until(w, 6800);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(active_stays_against_a_lower_epoch_of_a_better_rank)
{
	struct world *w = active(SIGNED, .self = 1, .term = 7);

	until(w, 4900);
	forget(w);
	hear(w, .node = 0, .term = 7);
	saw(w, "4900 announce\n4900 send 1/1 term 8\n");
	ck_assert_uint_eq(w->e.alarms, ALARM_DUAL_ACTIVE);
	free(w);
}
END_TEST

START_TEST(tie_of_terms_goes_to_the_lower_id)
{
	struct world *w = active(SIGNED, .term = 7);

	until(w, 4900);
	hear(w, .node = 1, .term = 8);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
	w = active(SIGNED, .self = 1, .term = 7);
	until(w, 4900);
	hear(w, .node = 0, .term = 8);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

/* Who does not sign has no epoch in the partner's eyes: ranks decide. */
START_TEST(receive_only_goes_by_rank)
{
	struct world *w = active(SIGNED, .receive_only = true);

	until(w, 4900);
	hear(w, .node = 1, .term = 9);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	ck_assert_uint_eq(w->out.trailer.type, 0);
	free(w);
}
END_TEST

START_TEST(higher_term_is_learned_and_kept)
{
	struct world *w = standby(SIGNED);

	w->show_keep = true;
	until(w, 2000);
	hear(w, .node = 1, .term = 1007);
	saw(w, "2000 keep term 1007\n");
	ck_assert_uint_eq(w->e.term, 1007);
	ck_assert(w->e.term_durable);
	free(w);
}
END_TEST

START_TEST(term_jump_is_refused_and_touches_no_timer)
{
	struct world *w = standby(SIGNED);
	struct election before;

	until(w, 3900);
	before = w->e;
	hear(w, .node = 1, .term = 1008);
	saw(w, "3900 refused 17\n");
	ck_assert_int_eq(ADVERT_EPOCH, 17);
	ck_assert_uint_eq(w->e.alarms, ALARM_TERM_JUMP);
	before.alarms = w->e.alarms;
	before.jump = w->e.jump;
	ck_assert_mem_eq(&before, &w->e, sizeof(before));
	free(w);
}
END_TEST

START_TEST(node_that_knows_nothing_takes_any_term)
{
	struct world *w = boot(SIGNED);

	until(w, 1000);
	hear(w, .node = 1, .term = 5000);
	ck_assert_uint_eq(w->e.term, 5000);
	ck_assert_uint_eq(w->e.alarms, 0);
	free(w);
}
END_TEST

/* 2.15: our own source address, however it comes. */
START_TEST(own_advert_is_refused)
{
	struct world *w = active(SIGNED);

	hear(w, .node = 0, .term = 100);
	ck_assert(has(w, "refused"));
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	ck_assert_uint_eq(w->e.term, 1);
	free(w);
}
END_TEST

/* ---- Go now ----------------------------------------------------------- */

START_TEST(go_now_is_obeyed_with_one_advert)
{
	struct world *w = standby(SIGNED);

	w->show_keep = true;
	until(w, 1500);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "1500 keep term 8\n"
	    "1500 send 1/0 term 8\n"
	    "1500 hold\n"
	    "1500 standby -> active, go-now, term 8\n");
	free(w);
}
END_TEST

START_TEST(go_now_that_does_not_leave_holds_nothing)
{
	struct world *w = standby(SIGNED);

	until(w, 1500);
	w->sends_fail = true;
	hear(w, .node = 1, .term = 7, GO_NOW);
	ck_assert(!has(w, "hold"));
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

START_TEST(go_now_read_late_means_listen)
{
	struct world *w = standby(SIGNED);

	until(w, 1500);
	hear(w, .node = 1, .term = 7, GO_NOW, .age_ms = 251);
	until(w, 4499);
	saw(w, "");
	until(w, 4500);
	saw(w, "4500 send 1/2 term 7 soft\n");
	free(w);
}
END_TEST

START_TEST(go_now_after_sleep_means_listen)
{
	struct world *w = standby(SIGNED);

	at(w, 4251);
	hear(w, .node = 1, .term = 7);
	forget(w);
	at(w, 4300);
	hear(w, .node = 1, .term = 7, GO_NOW);
	until(w, 7299);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(go_now_of_an_epoch_already_over_is_ignored)
{
	struct world *w = standby(SIGNED, .nodes = 3);

	until(w, 1500);
	hear(w, .node = 2, .term = 6, GO_NOW);
	saw(w, "");
	until(w, 3999);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(go_now_is_for_the_next_in_line_only)
{
	struct world *w = standby(V3, .nodes = 3, .self = 2);

	until(w, 1500);
	hear(w, .node = 0, .term = 7, GO_NOW);
	saw(w, "");
	/* The others wait for their skew, as the protocol says (3.5). */
	until(w, 1600);
	ck_assert(has(w, "1515.625 send 252 term 7 soft"));
	free(w);
}
END_TEST

START_TEST(go_now_needs_a_signature)
{
	struct world *w = standby(V3);

	until(w, 1500);
	hear(w, .node = 1, GO_NOW, .plain = true);
	saw(w, "");
	until(w, 1600);
	ck_assert(has(w, "1507.812 send 252 term 7 soft"));
	free(w);
}
END_TEST

START_TEST(go_now_is_not_obeyed_by_who_must_not)
{
	struct world *w = standby(SIGNED);

	data(w, false);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "");
	maintenance(w, true);
	forget(w);
	data(w, true);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "");
	free(w);
	w = boot(SIGNED);
	until(w, 100);
	hear(w, .node = 1, .term = 7, GO_NOW);
	until(w, 2999);
	saw(w, "");
	free(w);
}
END_TEST

/* ---- Sleep ------------------------------------------------------------ */

START_TEST(standby_whose_timer_is_late_listens)
{
	struct world *w = standby(SIGNED);

	at(w, 4251);
	event(w, EVENT_TIMER);
	saw(w, "4251 standby -> standby, slept, term 7\n");
	until(w, 7250);
	saw(w, "");
	until(w, 7251);
	saw(w, "7251 send 1/2 term 7 soft\n");
	free(w);
	/* Up to a quarter interval is the scheduler's. */
	w = standby(SIGNED);
	at(w, 4250);
	event(w, EVENT_TIMER);
	saw(w, "4250 send 1/2 term 7 soft\n");
	free(w);
}
END_TEST

START_TEST(claimant_whose_timer_is_late_listens)
{
	struct world *w = standby(SIGNED);

	until(w, 4045);
	at(w, 4060 + 251);
	event(w, EVENT_TIMER);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	ck_assert(!w->e.holding);
	free(w);
}
END_TEST

START_TEST(active_that_slept_releases_stops_and_listens)
{
	struct world *w = active(SERVICE);

	until(w, 3100);
	forget(w);
	at(w, 3060 + 2001);
	event(w, EVENT_TIMER);
	saw(w, "5061 release\n"
	    "5061 service stop term 1\n"
	    "5061 active -> standby, slept, term 1\n");
	until(w, 8060);
	saw(w, "");
	free(w);
	w = active(SERVICE);
	at(w, 3060 + 2000);
	event(w, EVENT_TIMER);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(sleep_is_noticed_by_any_event)
{
	struct world *w = active(SIGNED);

	at(w, 3060 + 2001);
	hear(w, .node = 1, .term = 1);
	ck_assert(has(w, "active -> standby, slept"));
	free(w);
}
END_TEST

START_TEST(sleep_limit_is_two_and_a_half_short_intervals)
{
	struct world *w = active(V3, .interval_ms = 100);
	mono_t sent = w->e.sent;

	w->now = mono_after(sent, 250 * NS_PER_MS);
	event(w, EVENT_TIMER);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	w->now = mono_after(w->e.sent, 250 * NS_PER_MS + 1);
	event(w, EVENT_TIMER);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

START_TEST(sleep_during_a_claim_send_holds_nothing)
{
	struct world *w = standby(SIGNED);
	struct actions out;
	struct event ev = { .type = EVENT_TIMER };

	until(w, 4050);
	w->now.ns += 10 * NS_PER_MS;
	ev.now = w->now;
	election_step(&w->e, &w->cfg, &ev, &out);
	ck_assert_int_eq(out.a[out.n - 1].type, ELECTION_SEND);
	ev.type = EVENT_SENT;
	ev.sent.ok = true;
	ev.now = mono_after(w->now, 271 * NS_PER_MS);
	election_step(&w->e, &w->cfg, &ev, &out);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	ck_assert(!w->e.holding);
	free(w);
}
END_TEST

/* ---- Lease ------------------------------------------------------------ */

START_TEST(lease_by_interval)
{
	struct { uint32_t ms, lease_s; } is[] = {
		{ 10, 1 }, { 500, 1 }, { 501, 2 }, { 1000, 2 },
		{ 1999, 2 }, { 2000, 3 }, { 40950, 3 },
	};
	size_t i;

	for (i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		struct world *w = boot(V3, .interval_ms = is[i].ms);

		ck_assert_uint_eq(w->cfg.lease_s, is[i].lease_s);
		/* From 1 s on it ends before the standby may act. */
		if (is[i].ms >= 1000)
			ck_assert_int_lt(w->cfg.lease_longest_ns,
			    3 * w->cfg.interval_ns);
		free(w);
	}
}
END_TEST

START_TEST(renewal_only_after_an_advert_that_left)
{
	struct world *w = active(SIGNED);

	w->show_renew = true;
	until(w, 4100);
	saw(w, "4060 send 1/0 term 1\n4060 renew\n");
	w->sends_fail = true;
	until(w, 5100);
	saw(w, "5060 send 1/0 term 1\n");
	w->sends_fail = false;
	until(w, 5400);
	saw(w, "5310 send 1/0 term 1\n5310 renew\n");
	free(w);
}
END_TEST

START_TEST(active_that_cannot_send_lets_go)
{
	struct world *w = active(SIGNED);

	w->sends_fail = true;
	until(w, 6000);
	ck_assert(has(w, "5310 release\n"
	    "5310 active -> standby, send-failed, term 1\n"));
	ck_assert(!has(w, "go-now"));
	free(w);
}
END_TEST

START_TEST(long_intervals_are_rearmed_each_second)
{
	struct world *w = active(V3, .interval_ms = 5000);

	w->show_renew = true;
	until(w, 20200);
	ck_assert(has(w, "renew"));
	forget(w);
	until(w, 25200);
	/* Taken at 15039.062 + 60. */
	saw(w, "21099.062 renew\n22099.062 renew\n23099.062 renew\n"
	    "24099.062 renew\n25099.062 send 254 term 1\n"
	    "25099.062 renew\n");
	free(w);
}
END_TEST

START_TEST(rearming_ends_before_the_standby_may_act)
{
	struct world *w = active(V3, .interval_ms = 5000);
	int64_t last_ns = 0;
	mono_t sent;
	int i;

	until(w, 15200);
	sent = w->e.sent;
	w->sends_fail = true;
	for (i = 0; i < 20000 && w->e.state == STATE_ACTIVE; i++) {
		until(w, 15200 + i);
		last_ns = mono_span_ns(sent, w->e.alive);
	}
	/* A transient failure costs nothing; a lasting one ends in time. */
	ck_assert_int_ne(w->e.state, STATE_ACTIVE);
	ck_assert_int_eq(last_ns, 15 * NS_PER_S - w->cfg.lease_longest_ns);
	free(w);
}
END_TEST

/* CARP at 1/254 sends each 1.99 s but the standby waits 3 s. */
START_TEST(large_skew_is_rearmed_early)
{
	struct world *w = active(SIGNED, .rank = { 254 });

	w->show_renew = true;
	until(w, 4053 + 1993);
	forget(w);
	until(w, 4053 + 2 * 1993);
	ck_assert(has(w, "6364.375 renew\n8036.562 send 1/254 term 1\n"));
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(lost_address_comes_back_by_advert_and_hold)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	lost(w);
	saw(w, "3500 send 1/0 term 1\n3500 hold\n");
	ck_assert(w->e.present);
	/* Not faster than each quarter interval. */
	until(w, 3510);
	lost(w);
	ck_assert(!w->e.present);
	until(w, 3749);
	saw(w, "");
	until(w, 3800);
	saw(w, "3750 send 1/0 term 1\n3750 hold\n");
	free(w);
}
END_TEST

START_TEST(missing_at_renewal_is_healed)
{
	struct world *w = active(SIGNED);

	until(w, 4100);
	forget(w);
	feed(w, (struct event){ .type = EVENT_HELD, .held = {
	    .renew = true, .missing = true, .advert = w->now } });
	saw(w, "4100 send 1/0 term 1\n4100 hold\n");
	free(w);
}
END_TEST

START_TEST(hold_that_fails_is_tried_again_then_resigned)
{
	struct world *w = active(SIGNED);

	until(w, 3100);
	w->holds_fail = true;
	lost(w);
	until(w, 7000);
	ck_assert(has(w, "active -> standby, hold-failed, term 1\n"));
	ck_assert(has(w, "send 255/255 term 1 go-now"));
	free(w);
}
END_TEST

START_TEST(silent_actuator_is_resigned_for)
{
	struct world *w = active(SERVICE);

	until(w, 4100);
	forget(w);
	w->mute_actuator = true;
	w->mute_release = true;
	/* The last confirmation was for the advert of 4060. */
	until(w, 6739);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	forget(w);
	until(w, 6800);
	saw(w, "6740 release\n"
	    "6740 service stop term 1\n"
	    "6740 active -> standby, lease-lost, term 1\n"
	    "6740 send 255/255 term 1 go-now\n");
	/* When it thaws it answers; nothing follows from that. */
	released(w, true);
	until(w, 9700);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(actuator_that_let_go_means_listen)
{
	struct world *w = active(SERVICE);

	until(w, 3500);
	forget(w);
	released(w, false);
	saw(w, "3500 service stop term 1\n"
	    "3500 active -> standby, lease-lost, term 1\n");
	until(w, 6499);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(address_that_turns_up_later_goes)
{
	struct world *w = standby(SIGNED);

	feed(w, (struct event){ .type = EVENT_HELD,
	    .held = { .ok = true, .advert = w->now } });
	saw(w, "1000 release\n");
	ck_assert(!w->e.present);
	free(w);
}
END_TEST

START_TEST(release_without_answer_ends_with_the_lease)
{
	struct world *w = active(SIGNED);

	w->mute_release = true;
	until(w, 4500);
	forget(w);
	event(w, EVENT_HANDOVER);
	until(w, 6739);
	saw(w, "4500 release\n");
	ck_assert_int_eq(election_role(&w->e), ROLE_ACTIVE);
	until(w, 6741);
	saw(w, "6740 active -> standby, handover, term 1\n"
	    "6740 send 255/255 term 1 go-now\n");
	free(w);
}
END_TEST

/* ---- Service, keeper -------------------------------------------------- */

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
	    "3500 active -> standby, higher-epoch, term 2\n");
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

/* ---- Operator, data, link, word --------------------------------------- */

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
	ck_assert_int_eq(most, 3003906250 + 60 * NS_PER_MS);
	ck_assert_int_eq(least, most - NS_PER_S);
	free(w);
	/* The active speaks of its partner, which has skew 1. */
	w = active(SIGNED);
	election_takeover_ns(&w->e, &w->cfg, &least, &most);
	ck_assert_int_eq(most, 3003906250 + 60 * NS_PER_MS);
	ck_assert_int_eq(least, most - NS_PER_S);
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
		claim_has_two_soft_one_earnest_and_a_fourth,
		claim_ends_with_the_advert_of_a_living_active,
		claim_ends_when_an_advert_did_not_leave,
		better_claimant_ignores_soft_claims,
		worse_claimant_listens_to_soft_claims,
		after_the_earnest_advert_epochs_decide,
		soft_claim_resets_no_standby,
		active_answers_each_soft_claim_and_stays,
		unsigned_claimants_the_better_goes_on,
		config_change_ends_a_claim,
		active_yields_to_a_higher_epoch_of_a_worse_rank,
		active_stays_against_a_lower_epoch_of_a_better_rank,
		tie_of_terms_goes_to_the_lower_id,
		receive_only_goes_by_rank,
		higher_term_is_learned_and_kept,
		term_jump_is_refused_and_touches_no_timer,
		node_that_knows_nothing_takes_any_term,
		own_advert_is_refused,
		go_now_is_obeyed_with_one_advert,
		go_now_that_does_not_leave_holds_nothing,
		go_now_read_late_means_listen,
		go_now_after_sleep_means_listen,
		go_now_of_an_epoch_already_over_is_ignored,
		go_now_is_for_the_next_in_line_only,
		go_now_needs_a_signature,
		go_now_is_not_obeyed_by_who_must_not,
		standby_whose_timer_is_late_listens,
		claimant_whose_timer_is_late_listens,
		active_that_slept_releases_stops_and_listens,
		sleep_is_noticed_by_any_event,
		sleep_limit_is_two_and_a_half_short_intervals,
		sleep_during_a_claim_send_holds_nothing,
		lease_by_interval,
		renewal_only_after_an_advert_that_left,
		active_that_cannot_send_lets_go,
		long_intervals_are_rearmed_each_second,
		rearming_ends_before_the_standby_may_act,
		large_skew_is_rearmed_early,
		lost_address_comes_back_by_advert_and_hold,
		missing_at_renewal_is_healed,
		hold_that_fails_is_tried_again_then_resigned,
		silent_actuator_is_resigned_for,
		actuator_that_let_go_means_listen,
		address_that_turns_up_later_goes,
		release_without_answer_ends_with_the_lease,
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
		faulted_claims_only_when_nobody_is_heard,
		flap_limit_ends_the_retries,
		flap_limit_is_lifted_by_maintenance_off,
		maintenance_of_the_active_hands_over,
		maintenance_survives_a_restart,
		data_not_ready_does_not_claim,
		link_down_of_the_active,
		link_down_before_it_ever_was_up,
		link_down_ends_a_claim,
		word_of_an_active_holds_back,
		word_that_is_old_holds_nothing_back,
		word_that_is_no_longer_active_ends_the_holding_back,
		word_of_an_active_ends_a_claim,
		active_yields_to_a_word_of_a_higher_epoch,
		conflict_is_announced_against_at_a_limited_rate,
		c9_10_reload_keeps_the_active,
		c9_10_reload_keeps_the_standby,
		copied_bytes_go_on,
		takeover_times_of_both_views,
		every_word_has_a_name,
	};

	return run_cases("election: own", list,
	    sizeof(list) / sizeof(list[0]));
}
