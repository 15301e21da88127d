/* SPDX-License-Identifier: ISC */

/*
 * Active: adverts at the own pace, a renewal after each that left, the
 * service once the address and the term are safe.  Leaving is the same with
 * the service on its way out.  Runs in the elector and in the simulator.
 */
#include <assert.h>

#include "election_internal.h"

/* From here on a lease might live until the standby acts. */
static mono_t
rearm_last(const struct step *s)
{
	return mono_after(s->e->sent, 3 * s->cfg->interval_ns -
	    s->cfg->lease_longest_ns);
}

/*
 * After an advert that left.  A long interval outlives the lease, so it is
 * re-armed each second in between, with the time of the re-arming as the
 * order's time (the actuator refuses what is older than 20 ms), up to the
 * last moment from which the lease surely ends before the standby may act.
 */
static void
arm_rearm(struct step *s)
{
	struct election *e = s->e;
	mono_t next = mono_after(e->alive, REARM_NS);
	mono_t last = rearm_last(s);

	e->rearm_at = MONO_NEVER;
	if (el_own_pace_ns(s->cfg) <= s->cfg->lease_s * NS_PER_S * 5 / 8)
		return;
	next = mono_first(next, last);
	/* One wake-up for both when the next advert is that near. */
	if (next.ns < e->send_at.ns &&
	    mono_span_ns(next, e->send_at) < REARM_NEAR_NS)
		next = e->send_at;
	if (next.ns > e->alive.ns)
		e->rearm_at = next;
}

/*
 * Design 2, sleep: from the smaller of the lease and 2.5 intervals on neither
 * the address nor the role is certain any more; for long intervals a
 * re-arming counts for the lease.
 */
static void
watch_sleep(struct step *s)
{
	struct election *e = s->e;

	e->sleep_at = mono_first(
	    mono_after(e->alive, s->cfg->lease_s * NS_PER_S),
	    mono_after(e->sent, 5 * s->cfg->interval_ns / 2));
}

/* HOLD or RENEW. */
static void
order(struct step *s, enum action_type type, mono_t advert)
{
	el_emit_hold(s, type, advert);
	watch_sleep(s);
	arm_rearm(s);
}

/*
 * Address after an advert: HOLD the first time and after a loss.  Of adverts
 * that are milliseconds apart only the last one within the first quarter of
 * the lease renews it.
 */
static void
confirm(struct step *s)
{
	struct election *e = s->e;

	e->sent = e->asked_at;
	if (e->want_hold)
		order(s, ELECTION_HOLD, e->sent);
	else if (mono_span_ns(e->alive, e->sent) + el_own_pace_ns(s->cfg) >
	    s->cfg->lease_s * NS_PER_S / 4)
		order(s, ELECTION_RENEW, e->sent);
	else
		watch_sleep(s);
}

/* Right after the fourth advert of the claim left. */
void
el_enter_active(struct step *s)
{
	struct election *e = s->e;

	assert(mono_is_set(e->sent));
	assert(mono_is_set(e->asked_at));
	assert(e->claim_open);
	e->learned_ns = 0;		/* 4.4: the own interval from now on */
	e->faulted = false;
	e->held = false;
	e->hold_error = false;
	e->hand_over_due = false;
	e->fails = 0;
	e->flap_counted = false;
	if (e->claim_reason == REASON_PREEMPT ||
	    e->claim_reason == REASON_RETRY)
		el_flap_count(s);
	e->send_at = mono_after(s->now, el_own_pace_ns(s->cfg));
	e->ack_at = mono_after(e->asked_at, s->cfg->lease_longest_ns);
	e->keep_at = e->kept ? MONO_NEVER : mono_after(s->now, KEEP_WAIT_NS);
	e->extra_at = MONO_NEVER;
	e->announced = s->now;		/* HOLD announces by itself */
	e->rival = MONO_NEVER;
	e->want_hold = true;
	confirm(s);
}

static void
start_service(struct step *s)
{
	struct election *e = s->e;

	if (e->state != STATE_ACTIVE || !s->cfg->has_service ||
	    e->service_run || !e->held || !e->kept)
		return;
	el_emit_service(s, true);
}

static void
send_now(struct step *s)
{
	struct election *e = s->e;

	/* An outcome is awaited: then this advert is already on its way. */
	if (e->sending != SENDING_NONE)
		return;
	e->send_at = mono_after(s->now, el_own_pace_ns(s->cfg));
	el_emit_send(s, SENDING_ADVERT);
}

/* Out of turn, but never twice within limit_ns.  False: not now. */
static bool
send_extra(struct step *s, int64_t limit_ns)
{
	struct election *e = s->e;

	if (mono_is_set(e->extra_at) &&
	    mono_span_ns(e->extra_at, s->now) < limit_ns)
		return false;
	/* What brings a HOLD waits for the timer: then all has been read. */
	if (e->want_hold) {
		e->send_at = mono_first(e->send_at, s->now);
		return true;
	}
	e->extra_at = s->now;
	send_now(s);
	return true;
}

/* The address is not in place: an advert and a HOLD, as soon as allowed. */
static void
heal(struct step *s)
{
	struct election *e = s->e;
	int64_t limit_ns = s->cfg->interval_ns / 4;

	e->want_hold = true;
	if (!send_extra(s, limit_ns))
		e->send_at = mono_first(e->send_at,
		    mono_after(e->extra_at, limit_ns));
}

/* 3.10: no drift, unless a whole interval was missed. */
static void
send_in_turn(struct step *s)
{
	struct election *e = s->e;
	mono_t next = mono_after(e->send_at, el_own_pace_ns(s->cfg));

	if (e->want_hold)
		e->extra_at = s->now;
	send_now(s);
	if (next.ns > s->now.ns)
		e->send_at = next;
}

static void
active_timer(struct step *s)
{
	struct election *e = s->e;

	if (mono_reached(s->now, e->ack_at)) {
		/* Nobody confirmed it for as long as a lease can live. */
		if (e->hold_error)
			/* It lives, and may be about to do our last order. */
			el_release(s, REASON_HOLD_FAILED, true);
		else
			el_release_unanswered(s, REASON_LEASE_LOST, true);
		return;
	}
	if (mono_reached(s->now, e->keep_at)) {
		e->keep_at = MONO_NEVER;
		e->alarms |= ALARM_NOT_DURABLE;
		e->kept = true;
		el_emit_keep_term(s, e->own_term);
		start_service(s);
	}
	if (mono_reached(s->now, e->send_at)) {
		send_in_turn(s);
		return;
	}
	if (mono_reached(s->now, e->rearm_at)) {
		e->rearm_at = MONO_NEVER;
		if (s->now.ns <= rearm_last(s).ns && !e->want_hold)
			order(s, ELECTION_RENEW, s->now);
	}
}

/* Another one is active as well. */
static void
rival(struct step *s, const struct heard *h)
{
	struct election *e = s->e;

	if (el_must_yield(s, h)) {
		el_heard_active(s, h);
		/* 6.6: who stays may not have heard us; it is to announce. */
		el_release(s, h->epochs ? REASON_HIGHER_EPOCH :
		    REASON_HIGHER_RANK, h->epochs);
		return;
	}
	e->alarms |= ALARM_DUAL_ACTIVE;
	e->rival = s->now;
	/* 5.11, 6.6: its last announcement may be the newest one. */
	el_announce(s);
	/* 3.13: 9568 6.4.3. */
	send_extra(s, s->cfg->interval_ns / 4);
}

static void
active_advert(struct step *s)
{
	struct heard h;

	if (!el_hear(s, &h))
		return;
	if (h.resigns) {
		/* It was active until now: 6.6, and 3.11. */
		el_announce(s);
		send_extra(s, s->cfg->interval_ns / 4);
	} else if (h.soft)
		/* Each one of a claim is answered: adverts get lost. */
		send_extra(s, s->cfg->claim_spacing_ns / 2);
	else
		rival(s, &h);
}

/* CARP 5.18: demoted after three failures, until three successes. */
void
el_count_send(struct step *s, bool ok)
{
	struct election *e = s->e;

	if (ok) {
		e->fails = 0;
		e->alarms &= ~(uint32_t)ALARM_SEND_FAILS;
		if (e->oks < SENDS_IN_A_ROW)
			e->oks++;
		if (e->oks == SENDS_IN_A_ROW)
			e->demoted = false;
		return;
	}
	e->oks = 0;
	e->alarms |= ALARM_SEND_FAILS;
	if (e->fails < SENDS_IN_A_ROW)
		e->fails++;
	if (e->fails == SENDS_IN_A_ROW)
		e->demoted = true;
}

static void
active_sent(struct step *s)
{
	struct election *e = s->e;
	enum sending what = (enum sending)e->sending;
	int64_t retry_ns = s->cfg->interval_ns / 4;

	e->sending = SENDING_NONE;
	if (what != SENDING_ADVERT)
		return;
	el_count_send(s, s->ev->sent.ok);
	if (s->ev->sent.ok) {
		confirm(s);
		return;
	}
	/* Not sent, so not renewed; once more before the turn is over. */
	if (retry_ns > REARM_NS)
		retry_ns = REARM_NS;
	e->send_at = mono_first(e->send_at, mono_after(s->now, retry_ns));
}

static void
active_held(struct step *s)
{
	struct election *e = s->e;

	if (!s->ev->held.ok) {
		e->hold_error = true;
		heal(s);
		return;
	}
	e->held = true;
	e->hold_error = false;
	e->ack_at = mono_last(e->ack_at, mono_after(s->ev->held.advert,
	    s->cfg->lease_longest_ns));
	start_service(s);
}

/* Released by itself: the lease ran out there.  Ordered: an old answer. */
static void
active_released(struct step *s)
{
	if (s->ev->released.ordered)
		heal(s);
	else
		el_came_off(s, REASON_LEASE_LOST);
}

/* Hand over once, unless the partner is known to be unable. */
static void
service_failed(struct step *s)
{
	struct election *e = s->e;

	if (s->now.ns < e->word_until.ns && !e->word_able) {
		e->hand_over_due = true;
		el_note(s, REASON_SERVICE_FAILED);
		return;
	}
	e->faulted = true;
	e->hand_over_due = false;
	el_flap_count(s);
	el_hand_over(s, REASON_SERVICE_FAILED);
}

static void
active_service(struct step *s)
{
	if (s->ev->service.state == SERVICE_RUNNING)
		s->e->hand_over_due = false;
	if (s->ev->service.state == SERVICE_FAILED && s->e->service_run)
		service_failed(s);
}

static void
active_word(struct step *s)
{
	struct election *e = s->e;

	if (e->word_active && s->now.ns < e->word_until.ns &&
	    el_epoch_compare(s->ev->word.term, s->ev->word.term_node,
	    e->own_term, own_node(s->cfg)->id) > 0) {
		el_release(s, REASON_WORD_HIGHER_EPOCH, false);
		return;
	}
	if (e->hand_over_due && e->word_able)
		service_failed(s);
}

/* The role stays; what was armed with the old numbers is armed anew. */
static void
active_config(struct step *s)
{
	struct election *e = s->e;

	e->heard_node = ELECTION_NODE_NONE;
	e->ack_at = mono_after(s->now, s->cfg->lease_longest_ns);
	start_service(s);
	if (e->want_hold)
		e->send_at = s->now;
	else
		send_now(s);
}

/* What active and leaving have in common. */
static void
step_holding(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_TIMER:
		active_timer(s);
		break;
	case EVENT_ADVERT:
		active_advert(s);
		break;
	case EVENT_SENT:
		active_sent(s);
		break;
	case EVENT_HELD:
		active_held(s);
		break;
	case EVENT_RELEASED:
		active_released(s);
		break;
	case EVENT_ADDR_LOST:
		heal(s);
		break;
	case EVENT_KEPT:
		start_service(s);
		break;
	case EVENT_WORD:
		active_word(s);
		break;
	case EVENT_CONFLICT:
		el_announce(s);
		break;
	case EVENT_LINK:
		if (!s->e->up)
			el_release(s, REASON_LINK_DOWN, false);
		break;
	case EVENT_CONFIG:
		active_config(s);
		break;
	case EVENT_START:
	case EVENT_SERVICE:
	case EVENT_DATA:
	case EVENT_HANDOVER:
	case EVENT_MAINTENANCE:
	case EVENT_LEAVE:
	case EVENT_TYPES:
		break;
	}
}

void
el_step_active(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_SERVICE:
		active_service(s);
		break;
	case EVENT_HANDOVER:
		el_hand_over(s, REASON_HANDOVER);
		break;
	case EVENT_MAINTENANCE:
		if (s->e->maintenance)
			el_hand_over(s, REASON_MAINTENANCE_ON);
		break;
	case EVENT_LEAVE:
		el_hand_over(s, REASON_LEAVE);
		break;
	case EVENT_LINK:
		if (s->ev->link.hand_over)
			el_hand_over(s, REASON_LINK_DOWN);
		else
			step_holding(s);
		break;
	case EVENT_START:
	case EVENT_DATA:
		break;
	case EVENT_TIMER:
	case EVENT_ADVERT:
	case EVENT_SENT:
	case EVENT_HELD:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_WORD:
	case EVENT_CONFLICT:
	case EVENT_CONFIG:
	case EVENT_TYPES:
		step_holding(s);
		break;
	}
}

/* Adverts and renewals go on until the service is down. */
void
el_step_leaving(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_SERVICE:
		if (s->ev->service.state == SERVICE_STOPPED ||
		    s->ev->service.state == SERVICE_FAILED)
			el_release(s, (enum reason)s->e->release_reason, true);
		break;
	case EVENT_START:
	case EVENT_DATA:
	case EVENT_HANDOVER:
	case EVENT_MAINTENANCE:
	case EVENT_LEAVE:
		break;
	case EVENT_LINK:
	case EVENT_TIMER:
	case EVENT_ADVERT:
	case EVENT_SENT:
	case EVENT_HELD:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_WORD:
	case EVENT_CONFLICT:
	case EVENT_CONFIG:
	case EVENT_TYPES:
		step_holding(s);
		break;
	}
}
