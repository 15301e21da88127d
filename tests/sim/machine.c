/* SPDX-License-Identifier: ISC */

/*
 * Simulator: what stands behind an elector, by the rules of the actuator
 * (vrrpd/actuator/orders.c), the kernel (leases lapse late, never early, as
 * measured), the keeper and a service.
 */
#include <assert.h>

#include "sim.h"

#define ADOPT_NS	(200 * MS)
#define FAREWELL_LATE_NS (250 * MS)

bool
actuator_runs(const struct node *n)
{
	return n->powered && n->paused == 0 && n->actuator &&
	    n->stop_actuator == 0;
}

/* In a kernel that runs: a stopped machine answers nobody. */
void
kernel_set(struct world *w, struct node *n, bool present)
{
	const uint8_t bit = (uint8_t)(1u << n->id), had = w->holders;

	n->kernel.present = present;
	if (!present) {
		n->kernel.lapse = FAR;
		check_gone(w, n);
	}
	if (present && n->powered && n->paused == 0)
		w->holders |= bit;
	else
		w->holders &= (uint8_t)~bit;
	if ((w->holders & ~had) != 0)
		check_holds(w, n);
	if (w->holders != had)
		TELL(w, n->id, "address is %s", (w->holders & bit) != 0 ?
		    "in the kernel" : "gone");
}

/* Median 0.06-0.2 s, worst 0.68 s for 2 s and 0.96 s for 3 s (design 3). */
static int64_t
lateness(struct world *w, const struct node *n)
{
	const int64_t worst = n->cfg.lease_s >= 3 ? 960 * MS :
	    n->cfg.lease_s == 2 ? 680 * MS : 960 * MS;

	if (w->sc.lapse_worst)
		return worst;
	if (prng_percent(&w->rng, 80))
		return prng_range(&w->rng, 0, 200 * MS);
	return prng_range(&w->rng, 0, worst);
}

static void
lease_from_now(struct world *w, struct node *n, const struct order *o)
{
	const int64_t end = local_of(n, w->now) + o->lease_s * S +
	    lateness(w, n);

	n->kernel.lapse = true_of(n, end);
	n->kernel.advert = o->left;
	check_lease(w, n);
}

static void
answer(struct world *w, struct node *n, const struct order *o, bool ok,
    bool missing)
{
	const struct event ev = {
		.type = EVENT_HELD,
		.held = {
			.ok = ok,
			.renew = o->type == ELECTION_RENEW,
			.missing = missing,
			.advert = o->advert,
		},
	};

	elector_tell(w, n, &ev, 0);
}

static void
tell_released(struct world *w, struct node *n, bool ordered)
{
	const struct event ev = {
		.type = EVENT_RELEASED,
		.released = { .ordered = ordered },
	};

	elector_tell(w, n, &ev, 0);
}

static void
say_farewell(struct world *w, struct node *n)
{
	struct wire x;

	if (!n->has_farewell)
		return;
	TELL(w, n->id, "last words, term %u", n->farewell_term);
	check_farewell(w, n);
	elector_farewell(n, n->farewell_term, n->farewell_number, &x);
	x.sent = w->now;
	net_send(w, n, &x);
}

static void
let_go(struct world *w, struct node *n, bool farewell)
{
	n->held = false;
	n->lease_timer = FAR;
	kernel_set(w, n, false);
	if (farewell)
		say_farewell(w, n);
	n->has_farewell = false;
}

static void
hold(struct world *w, struct node *n, const struct order *o)
{
	const bool add = o->type == ELECTION_HOLD;
	const int64_t age = local_of(n, w->now) - o->advert.ns;

	/* Its last words are said: it will be killed and comes back anew. */
	if (n->spoke && n->spoke_life == n->elector_life) {
		answer(w, n, o, false, true);
		return;
	}
	if (age < 0 || age > ELECTION_LATE_ORDER_NS || (!add && !n->held)) {
		TELL(w, n->id, "actuator refuses an order %lld us old",
		    (long long)(age / NS_PER_US));
		answer(w, n, o, false, true);
		return;
	}
	if (add && n->hold_fails == 0) {
		n->kernel.resumed = false;
		n->kernel.advert = o->left;
		kernel_set(w, n, true);
	}
	if (n->kernel.present && n->hold_fails == 0)
		lease_from_now(w, n, o);
	n->held = true;
	n->lease_end = mono_after(o->advert, o->lease_s * S);
	n->lease_timer = true_of(n, n->lease_end.ns) + NS_PER_US +
	    prng_below(&w->rng, w->sc.sched_us) * NS_PER_US;
	n->farewell_term = o->term;
	n->farewell_number = o->number;
	n->has_farewell = true;
	answer(w, n, o, n->kernel.present && n->hold_fails == 0,
	    !n->kernel.present);
}

static void
order_now(struct world *w, struct node *n, const struct msg *m)
{
	switch (m->order.type) {
	case ELECTION_HOLD:
	case ELECTION_RENEW:
		if (m->n == n->elector_life && n->elector)
			hold(w, n, &m->order);
		break;
	case ELECTION_RELEASE:
		let_go(w, n, false);
		tell_released(w, n, true);
		break;
	case 0:				/* end-of-file from the elector */
		/* Long over: the words would no longer be the last ones. */
		if (n->held)
			let_go(w, n, local_of(n, w->now) - n->lease_end.ns <
			    FAREWELL_LATE_NS);
		break;
	}
}

void
actuator_take(struct world *w, struct node *n, const struct msg *m)
{
	if (!n->actuator || m->life != n->actuator_life)
		return;
	if (actuator_runs(n)) {
		order_now(w, n, m);
		return;
	}
	if (n->norders < INBOX_MAX)
		n->orders[n->norders++] = *m;
}

/* Orders first, then timers, as its loop does. */
void
actuator_thaw(struct world *w, struct node *n)
{
	const struct event lost = { .type = EVENT_ADDR_LOST };
	uint32_t i;

	if (!actuator_runs(n))
		return;
	if (n->lapse_unseen)
		elector_tell(w, n, &lost, 0);
	n->lapse_unseen = false;
	for (i = 0; i < n->norders; i++)
		order_now(w, n, &n->orders[i]);
	n->norders = 0;
	if (n->lease_timer <= w->now)
		actuator_lease(w, n);
}

/* No renewal within the lease; the supervisor then kills the elector. */
void
actuator_lease(struct world *w, struct node *n)
{
	const int64_t late = local_of(n, w->now) - n->lease_end.ns;
	struct msg *m;

	n->lease_timer = FAR;
	if (!n->held)
		return;
	TELL(w, n->id, "no renewal within the lease");
	n->spoke = late < FAREWELL_LATE_NS && n->has_farewell;
	n->spoke_life = n->elector_life;
	let_go(w, n, late < FAREWELL_LATE_NS);
	tell_released(w, n, false);
	m = queue_add(w, w->now + prng_range(&w->rng, 200 * NS_PER_US,
	    5 * MS), MSG_STALLED, n->id);
	m->life = n->elector_life;
}

void
actuator_eof(struct world *w, struct node *n)
{
	struct msg *m;

	if (!n->actuator)
		return;
	m = queue_add(w, w->now + prng_range(&w->rng, 20 * NS_PER_US, MS),
	    MSG_ORDER, n->id);
	if (m->at <= n->ordered_at)
		m->at = n->ordered_at + 1;
	m->life = n->actuator_life;
	m->order = (struct order){ .type = 0 };
}

/* The address stays in the kernel as long as its lease. */
void
actuator_kill(struct world *w, struct node *n, bool back)
{
	if (!n->actuator)
		return;
	TELL(w, n->id, "actuator is gone");
	n->actuator = false;
	n->held = false;
	n->has_farewell = false;
	n->lease_timer = FAR;
	n->norders = 0;
	n->lapse_unseen = false;
	if (back)
		queue_add(w, w->now + prng_range(&w->rng, 2 * MS, 20 * MS),
		    MSG_ACTUATOR_NEW, n->id);
}

void
actuator_new(struct world *w, struct node *n)
{
	struct event lost = { .type = EVENT_ADDR_LOST };
	struct msg *m;

	if (n->actuator || !n->powered)
		return;
	n->actuator = true;
	n->actuator_life++;
	m = queue_add(w, w->now + ADOPT_NS, MSG_ADOPT, n->id);
	m->life = n->actuator_life;
	/* vrrpd/elector: an active one orders its hold anew. */
	if (!n->elector || !n->started)
		return;
	if (n->e.state == STATE_ACTIVE || n->e.state == STATE_LEAVING) {
		elector_tell(w, n, &lost, 0);
		return;
	}
	m = queue_add(w, w->now + MS, MSG_ORDER, n->id);
	m->life = n->actuator_life;
	m->order = (struct order){ .type = ELECTION_RELEASE };
}

/* What nobody claimed is removed. */
void
actuator_adopt(struct world *w, struct node *n)
{
	bool news;

	if (!actuator_runs(n) || n->held || !n->kernel.present)
		return;
	TELL(w, n->id, "actuator removes what is left over");
	news = n->e.present;
	let_go(w, n, false);
	if (n->elector && n->started && news)
		tell_released(w, n, false);
}

/* By itself; a running actuator tells what it saw. */
void
kernel_lapse(struct world *w, struct node *n)
{
	const struct event lost = { .type = EVENT_ADDR_LOST };

	TELL(w, n->id, "the kernel's lease lapses");
	kernel_set(w, n, false);
	if (actuator_runs(n))
		elector_tell(w, n, &lost, 0);
	else
		n->lapse_unseen = n->actuator;
}

void
keeper_write(struct world *w, struct node *n, uint32_t term)
{
	int64_t ns = prng_range(&w->rng, MS, 30 * MS);

	if (n->keeper_slow > 0)
		ns = prng_range(&w->rng, S, 8 * S);
	queue_add(w, w->now + ns, MSG_WRITTEN, n->id)->n = term;
}

/* On the disk from here on; the answer may still get lost. */
void
keeper_written(struct world *w, struct node *n, uint32_t term)
{
	const bool ok = n->keeper_fails == 0;
	const struct event ev = {
		.type = EVENT_KEPT,
		.kept = { .term = term, .ok = ok },
	};

	if (!n->powered)
		return;
	if (ok && term > n->disk.term) {
		n->disk.term = term;
		n->disk.term_node = n->e.term_node;
	}
	if (!ok)
		n->keeper_failed = true;
	elector_tell(w, n, &ev, 0);
}

/* Asked behind an advert; its answer is taken to be quick. */
void
keeper_ceiling(struct world *w, struct node *n)
{
	uint64_t ceiling;

	if (!n->cfg.signs || n->keeper_fails > 0 || !seq_wants(&n->seq,
	    n->wall + w->now, n->cfg.interval_ns, &ceiling))
		return;
	seq_asked(&n->seq, ceiling);
	seq_answered(&n->seq);
	n->disk.ceiling = ceiling;
}

static void
service_says(struct world *w, struct node *n, enum service_state state,
    int64_t after_ns)
{
	const struct event ev = {
		.type = EVENT_SERVICE,
		.service = { state },
	};
	struct msg *m;

	if (!n->elector)
		return;
	m = queue_add(w, w->now + after_ns, MSG_EVENT, n->id);
	m->life = n->elector_life;
	m->n = n->service_job;
	m->event = ev;
}

void
service_order(struct world *w, struct node *n, bool run)
{
	int64_t ns = prng_range(&w->rng, 5 * MS, 300 * MS);

	/* Some take their time to stop. */
	if (!run && prng_percent(&w->rng, 20))
		ns *= 20;
	TELL(w, n->id, "service %s", run ? "starts" : "stops");
	n->service_job++;
	n->service_run = run;
	service_says(w, n, run ? SERVICE_STARTING : SERVICE_STOPPING, 1000);
	if (run && n->service_breaks > 0) {
		n->service_breaks--;
		n->service_failed = true;
		service_says(w, n, SERVICE_FAILED, ns);
		return;
	}
	service_says(w, n, run ? SERVICE_RUNNING : SERVICE_STOPPED, ns);
}
