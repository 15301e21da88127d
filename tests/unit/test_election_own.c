/* SPDX-License-Identifier: ISC */

/*
 * The election between our own signed nodes: claims, epochs, go-now: what
 * design.md section 2 adds to the protocols.  Node 0 is the better ranked.
 */
#include "test_election_trace.h"

#define SIGNED	.protocol = PROTOCOL_CARP
#define V3	.protocol = PROTOCOL_VRRP3
#define GO_NOW	.resigns = true, .flags = TRAILER_GO_NOW

static void
released(struct world *w, bool ordered)
{
	feed(w, (struct event){ .type = EVENT_RELEASED,
	    .released = { .ordered = ordered } });
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

static void
sent_late(struct world *w, double asked_ms, double left_ms)
{
	struct event ev = { .type = EVENT_TIMER };
	struct actions out;

	at(w, asked_ms);
	ev.now = w->now;
	election_step(&w->e, &w->cfg, &ev, &out);
	ck_assert_int_eq(out.a[out.n - 1].type, ELECTION_SEND);
	at(w, left_ms);
	ev = (struct event){ .type = EVENT_SENT, .now = w->now,
	    .sent = { .ok = true } };
	election_step(&w->e, &w->cfg, &ev, &out);
	ck_assert_uint_eq(out.n, 0);
}

/* Frozen for less than the sleep rule sees: no two adverts side by side. */
START_TEST(advert_of_a_claim_that_left_late_is_given_its_spacing)
{
	struct world *w = standby(SIGNED);

	until(w, 4039);
	forget(w);
	sent_late(w, 4040, 4200);
	until(w, 4219);
	saw(w, "");
	until(w, 4220);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
	/* The last one: the actuator would refuse the order. */
	w = standby(SIGNED);
	until(w, 4059);
	forget(w);
	sent_late(w, 4060, 4100);
	until(w, 4119);
	saw(w, "");
	until(w, 4120);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(who_yields_speaks_for_nobody)
{
	struct world *w = standby(SIGNED, .nodes = 3);

	until(w, 1500);
	hear(w, .node = 2, .term = 8);
	hear(w, .node = 1, .term = 7);
	hear(w, .node = 1, .term = 7, .resigns = true);
	until(w, 4499);
	saw(w, "");
	free(w);
}
END_TEST

/* Both were active once, and their timers run out at the same moment. */
START_TEST(unsigned_claimants_do_not_stop_each_other_for_ever)
{
	struct world *w = standby(SIGNED, .plain = true);

	until(w, 4005);
	hear(w, .node = 1);
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	/* Nobody is active: what was heard was another claim. */
	until(w, 7010);
	ck_assert_int_eq(w->e.state, STATE_CLAIM);
	hear(w, .node = 1);
	until(w, 7100);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
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
	/* Says so, for the other one to announce; but nobody is to go now. */
	saw(w, "3801 active -> standby, higher-epoch, term 2\n"
	    "3801 send 255/255 term 1\n");
	until(w, 6800);
	saw(w, "");
	free(w);
}
END_TEST

/* 6.6: the one that yielded may have announced last. */
START_TEST(active_announces_when_another_resigns)
{
	struct world *w = active(SIGNED, .term = 7);

	until(w, 4900);
	forget(w);
	hear(w, .node = 1, .term = 7, .resigns = true);
	saw(w, "4900 announce\n4900 send 1/0 term 8\n");
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

/* A foreign VRRP node would drop what has a trailer. */
START_TEST(no_trailer_towards_foreign_vrrp)
{
	struct world *w = active(V3, .foreign = { false, true });

	ck_assert_uint_eq(w->out.trailer.type, 0);
	free(w);
	w = active(SIGNED, .foreign = { false, true });
	ck_assert_uint_eq(w->out.trailer.type, TRAILER_OWN);
	free(w);
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		claim_has_two_soft_one_earnest_and_a_fourth,
		claim_ends_with_the_advert_of_a_living_active,
		claim_ends_when_an_advert_did_not_leave,
		advert_of_a_claim_that_left_late_is_given_its_spacing,
		who_yields_speaks_for_nobody,
		unsigned_claimants_do_not_stop_each_other_for_ever,
		better_claimant_ignores_soft_claims,
		worse_claimant_listens_to_soft_claims,
		after_the_earnest_advert_epochs_decide,
		soft_claim_resets_no_standby,
		active_answers_each_soft_claim_and_stays,
		unsigned_claimants_the_better_goes_on,
		config_change_ends_a_claim,
		active_yields_to_a_higher_epoch_of_a_worse_rank,
		active_announces_when_another_resigns,
		active_stays_against_a_lower_epoch_of_a_better_rank,
		tie_of_terms_goes_to_the_lower_id,
		receive_only_goes_by_rank,
		higher_term_is_learned_and_kept,
		term_jump_is_refused_and_touches_no_timer,
		node_that_knows_nothing_takes_any_term,
		own_advert_is_refused,
		no_trailer_towards_foreign_vrrp,
	};

	return run_cases("election: own", list,
	    sizeof(list) / sizeof(list[0]));
}
