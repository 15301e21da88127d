/* SPDX-License-Identifier: ISC */

/*
 * What an advert is to the election, and which of two active nodes stays.
 * Runs in the elector and in the simulator.  The advert has passed the
 * codec's judgement, the floors and the authentication mode before.
 */
#include <assert.h>
#include <string.h>

#include "election_internal.h"

/* Above 0: the first epoch is the higher one.  The lower id wins a tie. */
int
el_epoch_compare(uint32_t term, uint8_t node, uint32_t than, uint8_t than_node)
{
	if (term != than)
		return term > than ? 1 : -1;
	if (node != than_node)
		return node < than_node ? 1 : -1;
	return 0;
}

/*
 * Terms only grow.  A jump is refused, except by a node that knows nothing
 * yet: a new disk must not keep it out of an old pair.
 */
bool
el_learn_term(struct step *s, uint32_t term, uint8_t node)
{
	struct election *e = s->e;

	if (term > TERM_TOP || (e->term != 0 && term > e->term &&
	    term - e->term > ELECTION_TERM_JUMP_MAX)) {
		e->alarms |= ALARM_TERM_JUMP;
		e->jump = s->now;
		return false;
	}
	if (term > e->term) {
		e->term = term;
		e->term_node = node;
		e->term_durable = false;
		el_emit_keep_term(s, term);
	}
	return true;
}

static uint16_t
rank_of(const struct election_config *cfg, const struct advert *a)
{
	if (is_carp(cfg))
		return (uint16_t)(a->carp_base << 8 | a->carp_skew);
	return a->priority;
}

static bool
resigns(const struct election_config *cfg, const struct advert *a)
{
	if (is_carp(cfg))
		return a->carp_base == 255 && a->carp_skew == 255;
	return a->priority == 0;
}

/* Who resigns is active no longer, in whatever epoch it was. */
static void
note_gone(struct election *e, uint8_t node)
{
	if (node == e->heard_node)
		e->heard_gone = true;
	if (node == e->other_node)
		e->other = MONO_NEVER;
}

/* False when the advert is refused: it then has touched no timer. */
bool
el_hear(struct step *s, struct heard *h)
{
	const struct advert *a = s->ev->advert.advert;
	uint8_t node = s->ev->advert.node;

	assert(a != NULL);
	assert(node == ELECTION_NODE_NONE || node < s->cfg->nnodes);
	if (node == s->cfg->self) {
		el_emit_refused(s, ADVERT_OWN);		/* 2.15 */
		return false;
	}
	memset(h, 0, sizeof(*h));
	h->a = a;
	h->foreign = node == ELECTION_NODE_NONE ||
	    s->cfg->node[node].foreign;
	h->authentic = !h->foreign && a->auth == AUTH_GOOD &&
	    a->trailer.type == TRAILER_OWN;
	h->epochs = h->authentic && s->cfg->signs;
	h->resigns = resigns(s->cfg, a);
	h->soft = h->authentic && (a->trailer.flags & TRAILER_SOFT) != 0;
	h->go_now = h->authentic && h->resigns &&
	    (a->trailer.flags & TRAILER_GO_NOW) != 0;
	h->rank = rank_of(s->cfg, a);
	if (h->authentic &&
	    !el_learn_term(s, a->trailer.term, a->trailer.node)) {
		el_emit_refused(s, ADVERT_EPOCH);
		return false;
	}
	if (h->resigns)
		note_gone(s->e, node);
	return true;
}

static bool
is_recent(const struct step *s, mono_t heard)
{
	return mono_is_set(heard) &&
	    mono_span_ns(heard, s->now) < election_down_ns(s->e, s->cfg);
}

static bool
is_heard(const struct step *s)
{
	return s->e->heard_node != ELECTION_NODE_NONE &&
	    !s->e->heard_gone && is_recent(s, s->e->heard);
}

bool
el_is_heard_beside(const struct step *s, uint8_t node)
{
	const struct election *e = s->e;

	if (e->heard_node != node && is_heard(s))
		return true;
	return e->other_node != node && is_recent(s, e->other);
}

/* Somebody is active: remember who, and what it announces. */
void
el_heard_active(struct step *s, const struct heard *h)
{
	struct election *e = s->e;
	int64_t age_ns = s->ev->advert.age_ns;

	assert(!h->resigns);
	assert(!h->soft);
	if (e->heard_node != s->ev->advert.node && is_heard(s)) {
		e->other_node = e->heard_node;
		e->other = e->heard;
	}
	e->heard_node = s->ev->advert.node;
	e->heard_gone = false;
	e->heard_term = h->authentic ? h->a->trailer.term : 0;
	e->heard_term_node = h->a->trailer.node;
	e->heard = age_ns > 0 && age_ns < s->now.ns ?
	    mono_after(s->now, -age_ns) : s->now;
	e->heard_rank = h->rank;
	e->hold_off = false;
	if (s->cfg->protocol == PROTOCOL_VRRP3)
		e->learned_ns = h->a->interval_ms * NS_PER_MS;
	e->alarms &= ~(uint32_t)(ALARM_HEARTBEAT_BLOCKED | ALARM_SEND_FAILS);
}

int
el_rank_compare(const struct election_config *cfg, const struct heard *h)
{
	const struct election_node *n = own_node(cfg);
	int own, his = h->rank;

	if (is_carp(cfg)) {
		/* Fewer is faster, faster is better (5.10). */
		own = (int)(cfg->interval_ns / NS_PER_S * 256 + n->skew);
		return (his < own) - (his > own);
	}
	own = n->priority;
	return (his > own) - (his < own);
}

/* Equal rank, both active: unsigned, in network byte order. */
static bool
address_yields(const struct step *s)
{
	const struct conf_addr *own = &own_node(s->cfg)->address;
	const struct conf_addr *his = &s->ev->advert.src;
	int order;

	if (own->family != his->family)
		return false;
	order = memcmp(his->byte, own->byte, own->family == 4 ? 4 : 16);
	if (is_carp(s->cfg))
		return order < 0;	/* 5.12, as ucarp does it */
	return order > 0;		/* 3.12 */
}

bool
el_must_yield(const struct step *s, const struct heard *h)
{
	const struct election *e = s->e;
	int order;

	if (h->epochs) {
		order = el_epoch_compare(h->a->trailer.term, h->a->trailer.node,
		    e->own_term, own_node(s->cfg)->id);
		if (order != 0)
			return order > 0;
	}
	/* 5.13: the count comes before the speed. */
	if (is_carp(s->cfg) && h->foreign &&
	    h->a->carp_demote != (e->demoted ? 1 : 0))
		return h->a->carp_demote < (e->demoted ? 1 : 0);
	order = el_rank_compare(s->cfg, h);
	if (order != 0)
		return order > 0;
	return address_yields(s);
}

/* By the configuration, not by what the advert announces. */
bool
el_sender_is_lower_id(const struct step *s)
{
	uint8_t node = s->ev->advert.node;

	return node != ELECTION_NODE_NONE &&
	    s->cfg->node[node].id < own_node(s->cfg)->id;
}
