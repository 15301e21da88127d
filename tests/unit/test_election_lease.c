/* SPDX-License-Identifier: ISC */

/*
 * What the election does when it slept, and how it keeps its lease: design.md
 * sections 2 and 3.
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

/*
 * Adverts that are milliseconds apart: the lease is renewed when a quarter
 * of it is about to be gone, always behind an advert, and in time.
 */
START_TEST(short_intervals_renew_by_the_quarter)
{
	struct { uint32_t ms, renewals, adverts; } is[] = {
		{ 10, 40, 1000 }, { 100, 50, 100 }, { 200, 50, 50 },
		{ 250, 40, 40 }, { 500, 20, 20 }, { 1000, 10, 10 },
	};
	size_t i;

	for (i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		struct world *w = active(V3, .interval_ms = is[i].ms);
		mono_t renewed = w->e.alive;
		uint32_t k, n = 0;

		for (k = 0; k < is[i].adverts; k++) {
			w->now = election_deadline(&w->e);
			forget(w);
			event(w, EVENT_TIMER);
			ck_assert_int_eq(w->e.state, STATE_ACTIVE);
			ck_assert_int_eq(w->e.sent.ns, w->now.ns);
			if (w->e.alive.ns == renewed.ns)
				continue;
			ck_assert_int_eq(w->e.alive.ns, w->e.sent.ns);
			renewed = w->e.alive;
			n++;
			feed(w, (struct event){ .type = EVENT_HELD,
			    .held = { .ok = true, .renew = true,
			    .advert = renewed } });
		}
		ck_assert_uint_eq(n, is[i].renewals);
		free(w);
	}
}
END_TEST

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
	ck_assert(has(w, "6344.375 renew\n8036.562 send 1/254 term 1\n"));
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(lost_address_comes_back_by_advert_and_hold)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	lost(w);
	/* Only when all that came has been read: with the timer. */
	saw(w, "");
	until(w, 3500);
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
	until(w, 4100);
	saw(w, "4100 send 1/0 term 1\n4100 hold\n");
	free(w);
}
END_TEST

/* Stripped while it was frozen, and a newer active has spoken meanwhile. */
START_TEST(newer_active_is_read_before_the_hold)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	lost(w);
	ck_assert(election_wants_hold(&w->e));
	hear(w, .node = 1, .term = 2);
	ck_assert(has(w, "release"));
	ck_assert(!has(w, "send 1/0"));
	until(w, 3800);
	ck_assert(!has(w, "hold"));
	ck_assert(!election_wants_hold(&w->e));
	free(w);
}
END_TEST

/* A soft claim is answered by that same advert, not by one before it. */
START_TEST(answer_and_hold_are_one_advert)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	lost(w);
	hear(w, .node = 1, .term = 1, .flags = TRAILER_SOFT);
	saw(w, "");
	until(w, 3500);
	saw(w, "3500 send 1/0 term 1\n3500 hold\n");
	free(w);
}
END_TEST

/* A new configuration is no reason to put it back unread either. */
START_TEST(reload_leaves_the_hold_to_the_timer)
{
	struct world *w = active(SIGNED);

	until(w, 3500);
	lost(w);
	event(w, EVENT_CONFIG);
	saw(w, "");
	until(w, 3500);
	saw(w, "3500 send 1/0 term 1\n3500 hold\n");
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

/* Its last order may still succeed: its answer comes first. */
START_TEST(actuator_that_refuses_is_waited_for)
{
	struct world *w = active(SIGNED);

	until(w, 4200);
	w->holds_fail = true;
	w->mute_release = true;
	until(w, 6900);
	ck_assert(has(w, "release"));
	ck_assert(!has(w, "go-now"));
	ck_assert_int_eq(w->e.state, STATE_RELEASING);
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
	until(w, 6759);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	forget(w);
	until(w, 6800);
	saw(w, "6760 release\n"
	    "6760 service stop term 1\n"
	    "6760 active -> standby, lease-lost, term 1\n"
	    "6760 send 255/255 term 1 go-now\n");
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
	until(w, 6759);
	saw(w, "4500 release\n");
	ck_assert_int_eq(election_role(&w->e), ROLE_ACTIVE);
	until(w, 6761);
	saw(w, "6760 active -> standby, handover, term 1\n"
	    "6760 send 255/255 term 1 go-now\n");
	free(w);
}
END_TEST

START_TEST(freeze_around_the_sending_makes_the_order_late)
{
	struct world *w = active(SIGNED);
	struct event ev = { .type = EVENT_TIMER, .now = { time_ns(4060) } };
	struct actions out;

	at(w, 4000);
	election_step(&w->e, &w->cfg, &ev, &out);
	ck_assert_int_eq(out.a[out.n - 1].type, ELECTION_SEND);
	ev = (struct event){ .type = EVENT_SENT,
	    .now = { time_ns(4760) }, .sent = { .ok = true } };
	election_step(&w->e, &w->cfg, &ev, &out);
	/* Older than 20 ms: the actuator refuses it. */
	ck_assert_int_eq(out.a[0].type, ELECTION_RENEW);
	ck_assert_int_eq(out.a[0].hold.advert.ns, time_ns(4060));
	free(w);
}
END_TEST

START_TEST(active_that_slept_is_not_hurried_by_a_go_now)
{
	struct world *w = active(SIGNED);

	at(w, 6000);
	event(w, EVENT_TIMER);
	forget(w);
	at(w, 6100);
	hear(w, .node = 1, .term = 2, GO_NOW);
	until(w, 9099);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(sleep_while_releasing_forgets_the_resignation)
{
	struct world *w = active(SIGNED);

	w->mute_release = true;
	until(w, 3500);
	event(w, EVENT_HANDOVER);
	forget(w);
	at(w, 60000);
	released(w, true);
	saw(w, "60000 active -> standby, handover, term 1\n");
	free(w);
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		standby_whose_timer_is_late_listens,
		claimant_whose_timer_is_late_listens,
		active_that_slept_releases_stops_and_listens,
		sleep_is_noticed_by_any_event,
		sleep_limit_is_two_and_a_half_short_intervals,
		sleep_during_a_claim_send_holds_nothing,
		lease_by_interval,
		short_intervals_renew_by_the_quarter,
		renewal_only_after_an_advert_that_left,
		active_that_cannot_send_lets_go,
		long_intervals_are_rearmed_each_second,
		rearming_ends_before_the_standby_may_act,
		large_skew_is_rearmed_early,
		lost_address_comes_back_by_advert_and_hold,
		missing_at_renewal_is_healed,
		newer_active_is_read_before_the_hold,
		answer_and_hold_are_one_advert,
		reload_leaves_the_hold_to_the_timer,
		hold_that_fails_is_tried_again_then_resigned,
		actuator_that_refuses_is_waited_for,
		silent_actuator_is_resigned_for,
		actuator_that_let_go_means_listen,
		address_that_turns_up_later_goes,
		release_without_answer_ends_with_the_lease,
		freeze_around_the_sending_makes_the_order_late,
		active_that_slept_is_not_hurried_by_a_go_now,
		sleep_while_releasing_forgets_the_resignation,
	};

	return run_cases("election: lease", list,
	    sizeof(list) / sizeof(list[0]));
}
