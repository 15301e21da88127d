/* SPDX-License-Identifier: ISC */

/*
 * Simulator: a peer that is not vipair.  CARP by ucarp's rules (equal speed:
 * the lower address stays; no resignation, no lease) and, while it is
 * demoted, by OpenBSD's (the count comes before the speed); it may be set to
 * a longer interval than ours.  VRRP by keepalived's (priority 0 waits for
 * the skew).  It preempts when the pair is told to.  Its address is no
 * concern of the checks: it has no lease.
 */
#include "sim.h"

static bool
is_carp(const struct world *w)
{
	return w->sc.protocol == PROTOCOL_CARP;
}

static uint32_t
base(const struct world *w)
{
	return w->sc.interval_ms / 1000 * (w->sc.slow > 1 ? w->sc.slow : 1);
}

static int64_t
interval_ns(const struct world *w, const struct node *n)
{
	return is_carp(w) ? base(w) * S : n->cfg.interval_ns;
}

static uint32_t
speed(const struct world *w, const struct node *n)
{
	return base(w) * 256 + n->cfg.node[n->id].skew;
}

static int64_t
skew_ns(const struct world *w, const struct node *n)
{
	const struct election_node *own = &n->cfg.node[n->id];

	if (is_carp(w))
		return own->skew * S / 256;
	if (w->sc.protocol == PROTOCOL_VRRP3)
		return (256 - own->priority) * n->cfg.interval_ns / 256;
	return (256 - own->priority) * S / 256;
}

static void
arm(struct world *w, struct node *n, int64_t ns)
{
	queue_add(w, w->now + ns + prng_below(&w->rng, 2000) * NS_PER_US,
	    MSG_FOREIGN, n->id)->n = ++n->f_gen;
}

static void
listen_again(struct world *w, struct node *n)
{
	n->f_active = false;
	arm(w, n, 3 * interval_ns(w, n) + skew_ns(w, n));
}

void
foreign_start(struct world *w, struct node *n)
{
	listen_again(w, n);
}

static void
advertise(struct world *w, struct node *n)
{
	const struct wire x = {
		.from = n->id,
		.priority = n->cfg.node[n->id].priority,
		.skew = n->cfg.node[n->id].skew,
		.base = (uint8_t)base(w),
		.demote = n->f_demote,
		.sent = w->now,
	};

	net_send(w, n, &x);
}

void
foreign_timer(struct world *w, struct node *n, uint32_t gen)
{
	if (gen != n->f_gen || !n->powered)
		return;
	if (n->paused > 0) {
		arm(w, n, 100 * MS);
		return;
	}
	if (!n->f_active) {
		TELL(w, n->id, "foreign: active");
		w->last_move = w->now;
	}
	n->f_active = true;
	advertise(w, n);
	arm(w, n, interval_ns(w, n) + (is_carp(w) ? skew_ns(w, n) : 0));
}

/* Above 0: the sender is better. */
static int
compare(const struct world *w, const struct node *n, const struct wire *x)
{
	uint32_t his, own = speed(w, n);

	if (!is_carp(w)) {
		const uint8_t prio = n->cfg.node[n->id].priority;

		if (x->priority != prio)
			return x->priority > prio ? 1 : -1;
		return x->from > n->id ? 1 : -1;
	}
	if (x->demote != n->f_demote)
		return x->demote < n->f_demote ? 1 : -1;
	his = (uint32_t)x->base << 8 | x->skew;
	if (his != own)
		return his < own ? 1 : -1;
	return x->from < n->id ? 1 : -1;
}

void
foreign_hear(struct world *w, struct node *n, const struct wire *x)
{
	if (!n->powered || n->paused > 0 || x->forged)
		return;
	if (n->f_active) {
		if (x->resigns || compare(w, n, x) < 0)
			return;
		if (is_carp(w))
			advertise(w, n);
		TELL(w, n->id, "foreign: standby");
		listen_again(w, n);
		return;
	}
	/* CARP hears 255/255 as an interval too long to wait for. */
	if (x->resigns) {
		arm(w, n, is_carp(w) ? 0 : skew_ns(w, n));
		return;
	}
	/* 5.13 at any time, 5.14 when told to; 3.7: its timer goes on. */
	if (is_carp(w) && (x->demote > n->f_demote || (w->sc.preempt &&
	    compare(w, n, x) < 0))) {
		arm(w, n, 0);
		return;
	}
	if (!is_carp(w) && w->sc.preempt && compare(w, n, x) < 0)
		return;
	listen_again(w, n);
}
