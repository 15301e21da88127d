/* SPDX-License-Identifier: ISC */

/*
 * Claim before hold: adverts first, the address only right after one that
 * left, and only when no living active answered.  Runs in the elector and
 * in the simulator.
 *
 * Two soft adverts (old term, soft flag, a rank nobody yields to), one in
 * earnest (the new epoch), and one spacing later a fourth, after which the
 * address is taken.  A claim that is meant against a node that is heard
 * (preemption, CARP 5.13 to 5.15) begins with the earnest one, a signed
 * go-now with the fourth.
 */
#include <assert.h>

#include "election_internal.h"

/* Highest term seen + 1; adverts do not wait for the disk. */
static void
open_epoch(struct step *s)
{
	struct election *e = s->e;

	e->claim_open = true;
	if (e->term < UINT32_MAX)
		e->term++;
	e->term_node = own_node(s->cfg)->id;
	e->own_term = e->term;
	e->term_durable = false;
	e->kept = false;
	el_emit_keep_term(s, e->own_term);
}

static void
claim_send(struct step *s)
{
	struct election *e = s->e;

	assert(e->state == STATE_CLAIM);
	assert(e->claim_step < CLAIM_ADVERTS);
	if (!e->claim_open && (!e->claim_soft ||
	    e->claim_step >= CLAIM_EARNEST))
		open_epoch(s);
	/* Also the time by which its outcome is to be known. */
	e->send_at = mono_after(s->now, s->cfg->claim_spacing_ns);
	el_emit_send(s, SENDING_CLAIM);
}

/* first: the advert to begin with, 0 to 3. */
void
el_claim(struct step *s, enum reason why, unsigned first)
{
	struct election *e = s->e;

	assert(e->data_ready);
	assert(!e->maintenance);
	assert(!e->holding);
	assert(first < CLAIM_ADVERTS);
	e->settled = true;
	e->claim_reason = (uint8_t)why;
	e->claim_step = (uint8_t)first;
	e->claim_open = false;
	/* A preempting CARP backup jumps at a soft one. */
	e->claim_soft = !(is_carp(s->cfg) && s->cfg->any_foreign);
	/* Still a standby; one that was starting becomes it here. */
	el_change(s, STATE_CLAIM, e->shown == ROLE_STARTING ? why :
	    REASON_NONE);
	claim_send(s);
}

/*
 * Of several that hear a go-now only the best ranked goes at once; the
 * others would open an epoch of their own beside it.
 */
static bool
first_in_line(const struct step *s)
{
	uint8_t i;

	/* A foreign node has no go-now, but jumps at once as well (5.16). */
	if (s->cfg->any_foreign)
		return false;
	for (i = 0; i < s->cfg->nnodes; i++)
		if (i != s->cfg->self && i != s->ev->advert.node &&
		    s->cfg->node[i].id < own_node(s->cfg)->id)
			return false;
	return true;
}

/* True when the resignation does not come from an epoch already over. */
static bool
current_epoch(const struct step *s, const struct heard *h)
{
	const struct trailer *t = &h->a->trailer;

	if (!h->epochs || s->e->heard_term == 0)
		return true;
	return el_epoch_compare(t->term, t->node, s->e->heard_term,
	    s->e->heard_term_node) >= 0;
}

static void
go_now(struct step *s)
{
	struct election *e = s->e;

	if (e->state == STATE_CLAIM) {
		/* Its earnest advert and the fourth follow on their own. */
		if (e->claim_open)
			return;
		e->claim_reason = REASON_GO_NOW;
		e->claim_step = CLAIM_ADVERTS - 1;
		claim_send(s);
		return;
	}
	el_claim(s, REASON_GO_NOW, CLAIM_ADVERTS - 1);
}

/* The active resigned: 3.5, 5.15, 5.16, and the signed go-now. */
void
el_resigned(struct step *s, const struct heard *h)
{
	struct election *e = s->e;
	int64_t age_ns = s->ev->advert.age_ns;
	bool late = age_ns > s->cfg->interval_ns / 4;

	assert(h->resigns);
	/* Third nodes are about to end a claim of their own. */
	if (s->cfg->nnodes > 2 && age_ns > s->cfg->claim_spacing_ns)
		late = true;
	if (!current_epoch(s, h))
		return;
	e->word_active = false;
	/*
	 * Another is active as well (3.5 knows one only), so the timer is that
	 * one's: if it dies now, its lease still has to run out.
	 */
	if (el_is_heard_beside(s, s->ev->advert.node))
		return;
	if (e->state == STATE_STANDBY && (!e->settled || !e->data_ready))
		return;
	if (late || s->now.ns < e->wary_until.ns) {
		if (e->state == STATE_STANDBY)
			el_enter_standby(s);
		return;
	}
	/*
	 * Of the newest epoch we know: else it may be an old one, replayed.
	 * Of the one that was heard: else another may be active as well, and
	 * answers a claim.
	 */
	if (h->go_now && h->epochs && h->a->trailer.term >= e->term &&
	    s->ev->advert.node == e->heard_node && first_in_line(s)) {
		go_now(s);
		return;
	}
	if (e->state == STATE_CLAIM)
		return;
	e->preempting = false;
	if (is_carp(s->cfg)) {
		el_claim(s, REASON_RESIGNED, 0);
		return;
	}
	e->down_reason = REASON_RESIGNED;
	e->down_at = mono_after(s->now, el_skew_ns(e, s->cfg));
}

static void
give_up(struct step *s, enum reason why)
{
	el_change(s, el_home(s->e), why);
}

/*
 * Unsigned: another claimant or a living active?  The one that was active
 * last does not claim, so an own node that was not is a claimant.
 */
static bool
is_claimant(const struct step *s, const struct heard *h)
{
	return !h->foreign && s->ev->advert.node != s->e->heard_node;
}

/* True when an advert heard during a claim ends it. */
static bool
ends_claim(const struct step *s, const struct heard *h)
{
	const struct election *e = s->e;

	if (h->soft)
		/* Of two claimants the better ranked goes on. */
		return !e->claim_open && el_sender_is_lower_id(s);
	/* From the earnest advert on epochs decide, else the ranks. */
	if (e->claim_open)
		return el_must_yield(s, h);
	if (!h->epochs && is_claimant(s, h))
		return el_sender_is_lower_id(s);
	return true;
}

static void
claim_advert(struct step *s)
{
	struct heard h;

	if (!el_hear(s, &h))
		return;
	if (h.resigns) {
		el_resigned(s, &h);
		return;
	}
	if (!ends_claim(s, &h))
		return;
	if (!h.soft)
		el_heard_active(s, &h);
	/* Maybe only a claimant as well: its next advert tells. */
	if (!h.epochs && !h.foreign)
		s->e->heard_node = ELECTION_NODE_NONE;
	give_up(s, REASON_NONE);
}

static void
claim_sent(struct step *s)
{
	struct election *e = s->e;

	if (e->sending != SENDING_CLAIM)
		return;
	e->sending = SENDING_NONE;
	if (!s->ev->sent.ok) {
		e->alarms |= ALARM_SEND_FAILS;
		give_up(s, REASON_SEND_FAILED);
		return;
	}
	/* One that never gets as far as active is demoted no longer. */
	el_count_send(s, true);
	e->sent = e->asked_at;
	/* It may have left late: the others get the whole spacing to answer. */
	e->send_at = mono_after(s->now, s->cfg->claim_spacing_ns);
	/* So late that the actuator would refuse: once more, and listen. */
	if (e->claim_step == CLAIM_ADVERTS - 1 &&
	    mono_span_ns(e->asked_at, s->now) > ELECTION_LATE_ORDER_NS)
		return;
	e->claim_step++;
	if (e->claim_step == CLAIM_ADVERTS)
		el_change(s, STATE_ACTIVE, (enum reason)e->claim_reason);
}

static void
claim_timer(struct step *s)
{
	if (!mono_reached(s->now, s->e->send_at))
		return;
	if (s->e->sending == SENDING_NONE)
		claim_send(s);
}

/* Meant against a node that is heard: its word is no news. */
static bool
is_against_heard(enum reason why)
{
	return why == REASON_PREEMPT || why == REASON_DEMOTED_PEER ||
	    why == REASON_GUARANTEED_TIMEOUT;
}

/* The partner's word says that it is active: the heartbeat is blocked. */
static void
claim_word(struct step *s)
{
	struct election *e = s->e;

	if (is_against_heard((enum reason)e->claim_reason) ||
	    !el_word_says_active(s))
		return;
	e->alarms |= ALARM_HEARTBEAT_BLOCKED;
	give_up(s, REASON_NONE);
}

void
el_step_claim(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_TIMER:
		claim_timer(s);
		break;
	case EVENT_ADVERT:
		claim_advert(s);
		break;
	case EVENT_SENT:
		claim_sent(s);
		break;
	case EVENT_WORD:
		claim_word(s);
		break;
	case EVENT_DATA:
		if (!s->e->data_ready)
			give_up(s, REASON_DATA_NOT_READY);
		break;
	case EVENT_LINK:
		if (!s->e->up)
			give_up(s, REASON_LINK_DOWN);
		break;
	case EVENT_MAINTENANCE:
		if (s->e->maintenance)
			give_up(s, REASON_MAINTENANCE_ON);
		break;
	case EVENT_LEAVE:
		give_up(s, REASON_LEAVE);
		el_emit_plain(s, ELECTION_LEFT);
		break;
	case EVENT_CONFIG:
		give_up(s, REASON_NONE);
		break;
	case EVENT_HELD:
		if (s->ev->held.ok)
			el_emit_plain(s, ELECTION_RELEASE);
		break;
	case EVENT_START:
	case EVENT_RELEASED:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_SERVICE:
	case EVENT_HANDOVER:
	case EVENT_CONFLICT:
	case EVENT_TYPES:
		break;
	}
}
