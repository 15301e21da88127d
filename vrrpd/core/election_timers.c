/* SPDX-License-Identifier: ISC */

/*
 * How long to wait: the protocols' timers, the next deadline, the flap
 * limit, the time an alarm lasts.  Runs in the elector and in the
 * simulator; knows no clock, only the times that come with events.
 */
#include <assert.h>

#include "election_internal.h"

/* How often we send when active: CARP adds its skew (5.2). */
int64_t
el_own_pace_ns(const struct election_config *cfg)
{
	if (is_carp(cfg))
		return cfg->interval_ns +
		    own_node(cfg)->skew * NS_PER_S / 256;
	return cfg->interval_ns;
}

/* Skew_Time of a node: VRRPv2 4.1, VRRPv3 4.2, CARP 5.3. */
static int64_t
skew_of_ns(const struct election_config *cfg, uint8_t node,
    int64_t interval_ns)
{
	const struct election_node *n = &cfg->node[node];

	switch (cfg->protocol) {
	case PROTOCOL_VRRP2:
		return (256 - n->priority) * NS_PER_S / 256;
	case PROTOCOL_VRRP3:
		return (256 - n->priority) * interval_ns / 256;
	case PROTOCOL_CARP:
		/* Not multiplied by the interval. */
		return n->skew * NS_PER_S / 256;
	}
	assert(false);
	return 0;
}

int64_t
el_down_of_ns(const struct election_config *cfg, uint8_t node,
    int64_t interval_ns)
{
	return 3 * interval_ns + skew_of_ns(cfg, node, interval_ns);
}

/* 4.4: only VRRPv3 learns; v2 has dropped another interval (4.3). */
static int64_t
active_interval_ns(const struct election *e,
    const struct election_config *cfg)
{
	if (cfg->protocol == PROTOCOL_VRRP3 && e->learned_ns > 0)
		return e->learned_ns;
	return cfg->interval_ns;
}

int64_t
el_skew_ns(const struct election *e, const struct election_config *cfg)
{
	return skew_of_ns(cfg, cfg->self, active_interval_ns(e, cfg));
}

int64_t
election_down_ns(const struct election *e, const struct election_config *cfg)
{
	return el_down_of_ns(cfg, cfg->self, active_interval_ns(e, cfg));
}

/* The best of the others: it is the one that takes over from us. */
static uint8_t
successor(const struct election_config *cfg)
{
	uint8_t i, best = ELECTION_NODE_NONE;

	for (i = 0; i < cfg->nnodes; i++) {
		if (i == cfg->self)
			continue;
		if (best == ELECTION_NODE_NONE ||
		    cfg->node[i].id < cfg->node[best].id)
			best = i;
	}
	return best;
}

/*
 * The active dies between two adverts: one pace less than the down interval
 * at best, the whole of it at worst, and the claim on top.
 */
void
election_takeover_ns(const struct election *e,
    const struct election_config *cfg, int64_t *least, int64_t *most)
{
	uint8_t node = cfg->self;
	int64_t down_ns, pace_ns, claim_ns;

	if (election_role(e) == ROLE_ACTIVE && cfg->nnodes > 1) {
		node = successor(cfg);
		pace_ns = el_own_pace_ns(cfg);
		down_ns = el_down_of_ns(cfg, node, cfg->interval_ns);
	} else {
		pace_ns = active_interval_ns(e, cfg);
		if (is_carp(cfg) && mono_is_set(e->heard))
			pace_ns = e->heard_rank * NS_PER_S / 256;
		down_ns = election_down_ns(e, cfg);
	}
	claim_ns = (CLAIM_ADVERTS - 1) * cfg->claim_spacing_ns;
	if (cfg->node[node].foreign)
		claim_ns = 0;
	*least = (pace_ns < down_ns ? down_ns - pace_ns : 0) + claim_ns;
	/* No machine is punctual: a twentieth of an interval for it. */
	*most = down_ns + claim_ns + pace_ns / 20;
}

mono_t
election_deadline(const struct election *e)
{
	mono_t t;

	switch ((enum state)e->state) {
	case STATE_STANDBY:
		return e->down_at;
	case STATE_CLAIM:
		return e->send_at;
	case STATE_ACTIVE:
	case STATE_LEAVING:
		t = mono_first(e->send_at, e->rearm_at);
		t = mono_first(t, e->ack_at);
		return mono_first(t, e->keep_at);
	case STATE_RELEASING:
		return e->release_at;
	case STATE_FAULTED:
		return e->retry_at;
	case STATE_INIT:
	case STATE_MAINTENANCE:
	case STATE_LEFT:
	case STATE_COUNT:
		break;
	}
	return MONO_NEVER;
}

/*
 * The flap limit counts times of being active that ended by a failing
 * service, and those that were taken without need (preemption, a retry);
 * never one that followed a silence or a resignation: with nobody else
 * there, staying away would be the greater harm.
 */
static uint32_t
flaps(const struct step *s)
{
	uint32_t i, n = 0;

	for (i = 0; i < ELECTION_FLAPS_MAX; i++)
		if (mono_is_set(s->e->flap[i]) && mono_span_ns(s->e->flap[i],
		    s->now) < s->cfg->flap_window_ns)
			n++;
	return n;
}

bool
el_flap_full(const struct step *s)
{
	return s->cfg->flap_limit != 0 && flaps(s) >= s->cfg->flap_limit;
}

void
el_flap_count(struct step *s)
{
	struct election *e = s->e;

	if (e->flap_counted)
		return;
	e->flap_counted = true;
	assert(e->flap_next < ELECTION_FLAPS_MAX);
	e->flap[e->flap_next] = s->now;
	e->flap_next = (uint8_t)((e->flap_next + 1) % ELECTION_FLAPS_MAX);
}

/* When the oldest one that counts leaves the window. */
mono_t
el_flap_room_at(const struct step *s)
{
	mono_t first = MONO_NEVER;
	uint32_t i;

	for (i = 0; i < ELECTION_FLAPS_MAX; i++)
		if (mono_is_set(s->e->flap[i]) && mono_span_ns(s->e->flap[i],
		    s->now) < s->cfg->flap_window_ns)
			first = mono_first(first, s->e->flap[i]);
	assert(mono_is_set(first));
	return mono_after(first, s->cfg->flap_window_ns);
}

static void
expire(struct step *s, uint32_t alarm, mono_t fed, int64_t span_ns)
{
	if ((s->e->alarms & alarm) == 0)
		return;
	if (mono_span_ns(fed, s->now) > span_ns)
		s->e->alarms &= ~alarm;
}

/* With each step; an idle node has no events, but also no alarms to feed. */
void
el_expire_alarms(struct step *s)
{
	if (s->e->alarms == 0)
		return;
	expire(s, ALARM_DUAL_ACTIVE, s->e->rival, 3 * s->cfg->interval_ns);
	expire(s, ALARM_CONFLICT, s->e->conflict, CONFLICT_NS);
	expire(s, ALARM_TERM_JUMP, s->e->jump, JUMP_NS);
	if ((s->e->alarms & ALARM_FLAPPING) != 0 && !el_flap_full(s))
		s->e->alarms &= ~(uint32_t)ALARM_FLAPPING;
}
