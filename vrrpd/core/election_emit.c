/* SPDX-License-Identifier: ISC */

/*
 * The election's actions, one function each: nothing else fills struct
 * actions.  Runs in the elector and in the simulator; decides nothing.
 */
#include <assert.h>

#include "election_internal.h"

static void
emit(struct step *s, struct action a)
{
	assert(s->out->n < ELECTION_ACTIONS_MAX);
	/* EVENT_SENT is fed at once: nothing may wait behind a SEND. */
	assert(s->out->n == 0 ||
	    s->out->a[s->out->n - 1].type != ELECTION_SEND);
	s->out->a[s->out->n++] = a;
}

static uint8_t
trailer_flags(const struct step *s)
{
	const struct election *e = s->e;
	uint8_t flags = 0;

	if (!s->cfg->has_service || e->service == SERVICE_RUNNING)
		flags |= TRAILER_HEALTHY;
	if (e->data_ready)
		flags |= TRAILER_DATA_READY;
	return flags;
}

/*
 * The rank of a soft claim: just worse than the silent one's last, never
 * better than our own; our own on a cold start.
 */
static uint16_t
soft_rank(const struct step *s)
{
	const struct election_node *n = own_node(s->cfg);
	uint16_t own, last = s->e->heard_rank;

	if (is_carp(s->cfg)) {
		own = (uint16_t)(s->cfg->interval_ns / NS_PER_S * 256 +
		    n->skew);
		if (!mono_is_set(s->e->heard) || last >= 0xfefe)
			return own;
		last++;
		/* 255 in the skew stays clear of "I resign" (5.16). */
		if ((last & 0xff) == 0xff)
			last++;
		return own > last ? own : last;
	}
	own = n->priority;
	if (!mono_is_set(s->e->heard) || last <= 1)
		return own;
	return own < last - 1 ? own : (uint16_t)(last - 1);
}

void
el_emit_send(struct step *s, enum sending what)
{
	struct election *e = s->e;
	const struct election_node *n = own_node(s->cfg);
	struct action a = { .type = ELECTION_SEND };
	bool soft;
	uint16_t rank;

	assert(e->sending == SENDING_NONE);
	assert(what == SENDING_ADVERT || what == SENDING_CLAIM);
	soft = what == SENDING_CLAIM && !e->claim_open;
	rank = soft ? soft_rank(s) : n->priority;
	if (is_carp(s->cfg)) {
		if (!soft)
			rank = (uint16_t)(s->cfg->interval_ns / NS_PER_S *
			    256 + n->skew);
		a.send.carp_base = (uint8_t)(rank >> 8);
		a.send.carp_skew = (uint8_t)rank;
		a.send.carp_demote = e->demoted ? 1 : 0;	/* 5.18 */
	} else
		a.send.priority = (uint8_t)rank;
	/* The trailer names its sender; a soft claim has the old term. */
	a.send.term = soft ? e->term : e->own_term;
	a.send.term_node = n->id;
	a.send.flags = trailer_flags(s) | (soft ? TRAILER_SOFT : 0);
	e->sending = (uint8_t)what;
	e->asked_at = s->now;
	emit(s, a);
}

/* 3.14, 5.16: priority 0, or base and skew 255. */
void
el_emit_resign(struct step *s)
{
	struct action a = { .type = ELECTION_SEND };

	assert(s->e->sending == SENDING_NONE);
	assert(!s->e->holding);
	if (is_carp(s->cfg)) {
		a.send.carp_base = 255;
		a.send.carp_skew = 255;
	}
	a.send.term = s->e->own_term;
	a.send.term_node = own_node(s->cfg)->id;
	a.send.flags = trailer_flags(s);
	/* Who yields to another leaves nothing to take over. */
	if (s->e->release_reason != REASON_HIGHER_EPOCH)
		a.send.flags |= TRAILER_GO_NOW;
	s->e->sending = SENDING_RESIGN;
	emit(s, a);
}

/* HOLD or RENEW for an advert that left. */
void
el_emit_hold(struct step *s, enum action_type type, mono_t advert)
{
	assert(type == ELECTION_HOLD || type == ELECTION_RENEW);
	assert(mono_is_set(advert));
	assert(s->e->state == STATE_ACTIVE || s->e->state == STATE_LEAVING);
	if (type == ELECTION_HOLD) {
		s->e->holding = true;
		s->e->want_hold = false;
	}
	s->e->alive = advert;
	emit(s, (struct action){ .type = type,
	    .hold = { .advert = advert, .lease_s = s->cfg->lease_s } });
}

void
el_emit_plain(struct step *s, enum action_type type)
{
	assert(type == ELECTION_RELEASE || type == ELECTION_ANNOUNCE ||
	    type == ELECTION_LEFT);
	emit(s, (struct action){ .type = type });
}

void
el_emit_keep_term(struct step *s, uint32_t term)
{
	emit(s, (struct action){ .type = ELECTION_KEEP_TERM,
	    .keep = { .term = term } });
}

/* Says it once; a node that starts says "stopped" in any case. */
void
el_emit_service(struct step *s, bool run)
{
	if (!s->cfg->has_service && !s->e->service_run)
		return;
	s->e->service_run = run;
	emit(s, (struct action){ .type = ELECTION_SERVICE,
	    .service = { .run = run, .term = s->e->own_term } });
}

void
el_emit_role(struct step *s, enum role old)
{
	const struct election *e = s->e;
	int64_t silent_ns = 0;

	if (mono_is_set(e->heard))
		silent_ns = mono_span_ns(e->heard, s->now);
	emit(s, (struct action){ .type = ELECTION_ROLE, .role = {
	    .old_role = old, .new_role = election_role(e),
	    .reason = (enum reason)e->reason,
	    .term = e->state == STATE_ACTIVE ? e->own_term : e->term,
	    .silent_ns = silent_ns } });
}

void
el_emit_refused(struct step *s, enum verdict v)
{
	emit(s, (struct action){ .type = ELECTION_REFUSED,
	    .refused = { .verdict = v } });
}

/*
 * 5.11, 6.6: again, at most once in an interval.  The second burst of each
 * announcement, a second later, covers what was passed over.
 */
void
el_announce(struct step *s)
{
	struct election *e = s->e;
	int64_t limit_ns = s->cfg->interval_ns;

	if (limit_ns > NS_PER_S)
		limit_ns = NS_PER_S;
	if (mono_is_set(e->announced) &&
	    mono_span_ns(e->announced, s->now) < limit_ns)
		return;
	e->announced = s->now;
	el_emit_plain(s, ELECTION_ANNOUNCE);
}
