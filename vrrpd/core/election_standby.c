/* SPDX-License-Identifier: ISC */

/*
 * The states that listen: standby, faulted, maintenance, and waiting for
 * the link.  Runs in the elector and in the simulator.  Nothing is sent
 * from here; the down timer leads to a claim.
 */
#include <assert.h>
#include <string.h>

#include "election_internal.h"

/* 3.2, 5.17: silent for the full down interval, whatever came before. */
void
el_enter_standby(struct step *s)
{
	struct election *e = s->e;

	e->down_at = mono_after(s->now, election_down_ns(e, s->cfg));
	e->down_reason = REASON_SILENCE;
	e->preempting = false;
	e->hold_off = false;
	if (!e->settled)
		e->silent_until = e->down_at;
}

void
el_enter_faulted(struct step *s)
{
	/* Its link is new: once helped, it listens before it speaks (3.2). */
	s->e->retry_at = mono_after(s->now,
	    3 * election_down_ns(s->e, s->cfg));
}

/* Slept, or about to take over in doubt: begin to listen anew. */
void
el_listen_again(struct step *s)
{
	struct election *e = s->e;

	assert(e->state == STATE_STANDBY || e->state == STATE_CLAIM ||
	    e->state == STATE_FAULTED);
	el_change(s, el_home(e), REASON_SLEPT);
	e->wary_until = mono_after(s->now, election_down_ns(e, s->cfg));
	e->silent_until = e->wary_until;
}

/* Preemption is wanted, and nothing speaks against it. */
static bool
may_preempt(const struct step *s)
{
	return s->cfg->preempt && !s->e->no_preempt && s->e->data_ready &&
	    !el_flap_full(s);
}

/*
 * CARP knows three reasons to take over from an active that is heard, each
 * without waiting.  REASON_NONE: none of them.
 */
static enum reason
carp_at_once(const struct step *s, const struct heard *h)
{
	if (!is_carp(s->cfg) || !s->e->data_ready)
		return REASON_NONE;
	/* 5.13: even without preemption; our own nodes hand over instead. */
	if (h->foreign && h->a->carp_demote > (s->e->demoted ? 1 : 0))
		return REASON_DEMOTED_PEER;
	if (h->foreign && h->a->carp_demote < (s->e->demoted ? 1 : 0))
		return REASON_NONE;
	/* 5.15: it announces an interval longer than we would wait. */
	if (h->rank * NS_PER_S / 256 > 3 * s->cfg->interval_ns)
		return REASON_GUARANTEED_TIMEOUT;
	/* 5.14 */
	if (may_preempt(s) && el_rank_compare(s->cfg, h) < 0)
		return REASON_PREEMPT;
	return REASON_NONE;
}

/*
 * Slept, but an active speaks by now: its go-now will be of now as well.
 * Not at once: what lay in queues while we slept comes in one burst.
 */
static void
end_wariness(struct step *s, const struct heard *h)
{
	struct election *e = s->e;
	int64_t burst_ns = s->cfg->interval_ns / 2;
	mono_t woke = mono_after(e->wary_until,
	    -election_down_ns(e, s->cfg));

	if (!mono_is_set(e->wary_until) || !h->epochs ||
	    h->a->trailer.term < e->term ||
	    s->ev->advert.age_ns > s->cfg->interval_ns / 4 ||
	    mono_span_ns(woke, s->now) < burst_ns)
		return;
	e->wary_until = MONO_NEVER;
}

static void
standby_advert(struct step *s)
{
	struct election *e = s->e;
	struct heard h;
	enum reason at_once;
	bool ignored;

	if (!el_hear(s, &h))
		return;
	if (h.resigns) {
		el_resigned(s, &h);
		return;
	}
	/* A soft claim resets nothing. */
	if (h.soft)
		return;
	el_heard_active(s, &h);
	end_wariness(s, &h);
	at_once = carp_at_once(s, &h);
	if (at_once != REASON_NONE && s->now.ns >= e->silent_until.ns) {
		e->settled = true;
		el_claim(s, at_once, CLAIM_EARNEST);
		return;
	}
	/* 3.7: the timer keeps running; 3.6: else it begins anew. */
	ignored = at_once != REASON_NONE ||
	    (may_preempt(s) && el_rank_compare(s->cfg, &h) < 0);
	e->preempting = ignored;
	if (!ignored) {
		e->down_at = mono_after(s->now, election_down_ns(e, s->cfg));
		e->down_reason = REASON_SILENCE;
	}
	if (!e->settled) {
		e->settled = true;
		el_note(s, REASON_HEARD_ACTIVE);
	}
}

/* It was heard all the time, and is to be preempted now (3.7). */
static bool
preempts(const struct step *s)
{
	const struct election *e = s->e;

	return e->preempting && mono_span_ns(e->heard, s->now) <
	    election_down_ns(e, s->cfg);
}

/* A fresh word of the partner's (a pair with data has two nodes). */
bool
el_word_says_active(const struct step *s)
{
	return s->e->word_active && s->now.ns < s->e->word_until.ns;
}

/*
 * The timer ran out; may this node claim now?  That the partner's word says
 * active is no news of one that is heard.
 */
static bool
held_back(struct step *s)
{
	struct election *e = s->e;

	if (el_word_says_active(s) && !preempts(s)) {
		e->alarms |= ALARM_HEARTBEAT_BLOCKED;
		e->down_at = e->word_until;
		return true;
	}
	e->alarms &= ~(uint32_t)ALARM_HEARTBEAT_BLOCKED;
	if (e->hold_off) {
		e->hold_off = false;
		e->down_at = mono_after(s->now, election_down_ns(e, s->cfg));
		return true;
	}
	if (!e->data_ready) {
		/* Asked again soon: the silence itself has been waited. */
		e->settled = true;
		e->down_at = mono_after(s->now, s->cfg->interval_ns);
		el_note(s, REASON_DATA_NOT_READY);
		return true;
	}
	return false;
}

/* 3.8 */
static void
down_timer(struct step *s)
{
	struct election *e = s->e;

	if (!mono_reached(s->now, e->down_at) || held_back(s))
		return;
	e->no_preempt = false;
	if (preempts(s)) {
		el_claim(s, REASON_PREEMPT, CLAIM_EARNEST);
		return;
	}
	el_claim(s, (enum reason)e->down_reason, 0);
}

/* The partner's word no longer says active: no reason to hold back. */
static void
standby_word(struct step *s)
{
	struct election *e = s->e;

	if ((e->alarms & ALARM_HEARTBEAT_BLOCKED) == 0)
		return;
	if (!e->word_active)
		e->down_at = s->now;
}

/* An address that turns up while we are not active goes at once. */
static void
stray_hold(struct step *s)
{
	if (s->ev->held.ok)
		el_emit_plain(s, ELECTION_RELEASE);
}

/* The configuration is another one: nothing learned holds any more. */
static void
forget_heard(struct step *s)
{
	s->e->heard_node = ELECTION_NODE_NONE;
	s->e->other_node = ELECTION_NODE_NONE;
	s->e->other = MONO_NEVER;
	s->e->learned_ns = 0;
}

/* Home may be elsewhere now: link, maintenance, leaving. */
static void
go_home(struct step *s, enum reason why)
{
	if (el_home(s->e) == s->e->state)
		return;
	el_change(s, el_home(s->e), why);
	if (s->e->state == STATE_LEFT)
		el_emit_plain(s, ELECTION_LEFT);
}

void
el_step_standby(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_TIMER:
		down_timer(s);
		break;
	case EVENT_ADVERT:
		standby_advert(s);
		break;
	case EVENT_WORD:
		standby_word(s);
		break;
	case EVENT_HELD:
		stray_hold(s);
		break;
	case EVENT_LINK:
		go_home(s, REASON_LINK_DOWN);
		break;
	case EVENT_MAINTENANCE:
		go_home(s, REASON_MAINTENANCE_ON);
		break;
	case EVENT_LEAVE:
		go_home(s, REASON_LEAVE);
		break;
	case EVENT_CONFIG:
		forget_heard(s);
		el_enter_standby(s);
		break;
	case EVENT_SENT:
		s->e->sending = SENDING_NONE;
		break;
	case EVENT_START:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_SERVICE:
	case EVENT_DATA:
	case EVENT_HANDOVER:
	case EVENT_CONFLICT:
	case EVENT_TYPES:
		break;
	}
}

/* Up again: silent for the full down interval, like after a start. */
static void
link_event(struct step *s)
{
	struct election *e = s->e;
	enum reason why = e->was_up ? REASON_LINK_UP : REASON_NONE;

	if (el_home(e) == STATE_INIT)
		return;
	forget_heard(s);
	e->was_up = true;
	el_change(s, el_home(e), why);
}

void
el_step_init(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_START:
	case EVENT_LINK:
		link_event(s);
		break;
	case EVENT_HELD:
		stray_hold(s);
		break;
	case EVENT_LEAVE:
		go_home(s, REASON_LEAVE);
		break;
	case EVENT_SENT:
		s->e->sending = SENDING_NONE;
		break;
	case EVENT_TIMER:
	case EVENT_ADVERT:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_SERVICE:
	case EVENT_DATA:
	case EVENT_WORD:
	case EVENT_HANDOVER:
	case EVENT_MAINTENANCE:
	case EVENT_CONFLICT:
	case EVENT_CONFIG:
	case EVENT_TYPES:
		break;
	}
}

/* Heard only to know terms and who is there. */
static void
bystander_advert(struct step *s)
{
	struct heard h;

	if (!el_hear(s, &h) || h.resigns || h.soft)
		return;
	el_heard_active(s, &h);
	s->e->settled = true;
	s->e->retry_at = mono_after(s->now,
	    3 * election_down_ns(s->e, s->cfg));
}

/* Nobody is active: better a node that failed than none. */
static void
retry_timer(struct step *s)
{
	struct election *e = s->e;

	if (!mono_reached(s->now, e->retry_at))
		return;
	if (el_flap_full(s)) {
		e->alarms |= ALARM_FLAPPING;
		e->retry_at = el_flap_room_at(s);
		el_note(s, REASON_FLAP_LIMIT);
		return;
	}
	if (el_word_says_active(s)) {
		e->alarms |= ALARM_HEARTBEAT_BLOCKED;
		el_enter_faulted(s);
		return;
	}
	if (!e->data_ready) {
		el_enter_faulted(s);
		return;
	}
	el_claim(s, REASON_RETRY, 0);
}

void
el_step_faulted(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_TIMER:
		retry_timer(s);
		break;
	case EVENT_ADVERT:
		bystander_advert(s);
		break;
	case EVENT_HELD:
		stray_hold(s);
		break;
	case EVENT_LINK:
		go_home(s, REASON_LINK_DOWN);
		break;
	case EVENT_MAINTENANCE:
		go_home(s, s->e->maintenance ? REASON_MAINTENANCE_ON :
		    REASON_MAINTENANCE_OFF);
		break;
	case EVENT_LEAVE:
		go_home(s, REASON_LEAVE);
		break;
	case EVENT_CONFIG:
		forget_heard(s);
		el_enter_faulted(s);
		break;
	case EVENT_SENT:
		s->e->sending = SENDING_NONE;
		break;
	case EVENT_START:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_SERVICE:
	case EVENT_DATA:
	case EVENT_WORD:
	case EVENT_HANDOVER:
	case EVENT_CONFLICT:
	case EVENT_TYPES:
		break;
	}
}

/* One that heard nobody since its start goes on listening (3.2). */
static void
end_maintenance(struct step *s)
{
	struct election *e = s->e;

	if (!e->maintenance && !e->settled) {
		e->wary_until = mono_after(s->now,
		    election_down_ns(e, s->cfg));
		e->silent_until = e->wary_until;
	}
	e->settled = true;
	go_home(s, REASON_MAINTENANCE_OFF);
}

void
el_step_maintenance(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_ADVERT:
		bystander_advert(s);
		break;
	case EVENT_HELD:
		stray_hold(s);
		break;
	case EVENT_LINK:
		go_home(s, REASON_LINK_DOWN);
		break;
	case EVENT_MAINTENANCE:
		end_maintenance(s);
		break;
	case EVENT_LEAVE:
		go_home(s, REASON_LEAVE);
		break;
	case EVENT_CONFIG:
		forget_heard(s);
		break;
	case EVENT_SENT:
		s->e->sending = SENDING_NONE;
		break;
	case EVENT_START:
	case EVENT_TIMER:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_SERVICE:
	case EVENT_DATA:
	case EVENT_WORD:
	case EVENT_HANDOVER:
	case EVENT_CONFLICT:
	case EVENT_TYPES:
		break;
	}
}
