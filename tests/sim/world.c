/* SPDX-License-Identifier: ISC */

/*
 * Simulator: one run.  Virtual time jumps from one thing to the next; after
 * each the checks look.  No allocation; the world is one struct.
 */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "sim.h"

#define BASE_NS		(1000 * S)	/* boot time when a run begins */
#define STEPS_MAX	(1u << 22)	/* then something spins */

static const char *const names[SIM_NODES_MAX] = {
	"alpha", "beta", "gamma", "delta", "epsilon",
};

const char *
node_name(uint8_t node)
{
	return node < SIM_NODES_MAX ? names[node] : "-";
}

void
say(struct world *w, int node, const char *fmt, ...)
{
	va_list ap;

	fprintf(w->out, "%12.6f  %-8s", (double)w->now / 1e9,
	    node >= 0 ? node_name((uint8_t)node) : "");
	va_start(ap, fmt);
	vfprintf(w->out, fmt, ap);
	va_end(ap);
	fputc('\n', w->out);
}

/* The earliest true time at which the clock shows at least that. */
int64_t
true_of(const struct node *n, int64_t local)
{
	int64_t span = local - n->base, t;

	if (n->ppm == 0)
		return span;
	/* As good as exact; the rest is found by trying. */
	t = span - (int64_t)((double)span * n->slower);
	while (local_of(n, t) < local)
		t++;
	while (local_of(n, t - 1) >= local)
		t--;
	return t;
}

static void
fill_conf(struct scenario_conf *b, const struct scenario *sc)
{
	memset(b, 0, sizeof(*b));
	b->c.npairs = 1;
	b->c.naddrs = 1;
	b->c.nnodes = sc->nodes;
	b->p.naddrs = 1;
	b->p.nnodes = sc->nodes;
	b->p.interval_ms = sc->interval_ms;
	b->p.claim_spacing_ms = sc->spacing_ms;
	b->p.flap_window_ms = 600000;
	b->p.flap_limit = sc->flap_limit;
	b->p.protocol = sc->protocol;
	b->p.vhid = 94;
	b->p.preempt = sc->preempt;
	b->p.has_keys = sc->is_signed;
	b->p.service.kind = sc->service ? SERVICE_UNIT : SERVICE_NONE;
	b->p.has_sync = sc->data;
	for (uint8_t i = 0; i < sc->nodes; i++)
		b->n[i] = (struct conf_node){
			.address = { .family = 4,
			    .byte = { 192, 168, 70, (uint8_t)(i + 1) } },
			.rank = i,
			.foreign = (sc->foreign >> i & 1) != 0,
			.priority = (uint8_t)(254 - i),
			.skew = i,
		};
}

static void
start_node(struct world *w, uint8_t i, const struct scenario_conf *b)
{
	struct node *n = &w->node[i];
	const int32_t wild = w->sc.clocks_wild ? 5000 : 200;

	memset(n, 0, offsetof(struct node, todo));
	n->id = i;
	n->foreign = (w->sc.foreign >> i & 1) != 0;
	n->powered = true;
	n->base = BASE_NS + i * 77 * S;
	n->ppm = (int32_t)prng_range(&w->rng, -wild, wild);
	n->slower = (double)n->ppm / (1000000 + n->ppm);
	n->wall = INT64_C(1700000000) * S + prng_range(&w->rng, -S, S);
	n->timer = n->lease_timer = n->kernel.lapse = n->f_timer = FAR;
	n->must_by = FAR;
	n->disk.there = true;
	n->trouble = n->left = n->entered = n->fooled = -3600 * S;
	n->quiet_until = FAR;
	election_configure(&n->cfg, &b->c, &b->p, i);
	if (n->foreign)
		foreign_start(w, n);
	else
		queue_add(w, prng_range(&w->rng, 0, w->sc.interval_ms * MS),
		    MSG_BOOT, i);
}

static void
world_start(struct world *w, const struct scenario *sc, struct stats *st,
    FILE *trace)
{
	struct scenario_conf b;
	const int64_t unit = (sc->interval_ms > 1000 ? sc->interval_ms :
	    1000) * MS;

	memset(w, 0, offsetof(struct world, node));
	w->sc = *sc;
	w->st = st;
	w->trace = trace != NULL;
	w->out = trace;
	w->n = sc->nodes;
	w->loss = sc->loss;
	w->quiet = 38 * unit;
	w->end = 60 * unit;
	w->last_active = SIM_ACTIVE;
	w->must_first = FAR;
	w->global_trouble = -3600 * S;
	prng_seed(&w->rng, sc->seed);
	queue_init(&w->q);
	fill_conf(&b, sc);
	for (uint8_t i = 0; i < SIM_NODES_MAX * SIM_NODES_MAX; i++)
		w->link[i / SIM_NODES_MAX][i % SIM_NODES_MAX] = (struct link){
		    .lost = -1, .came_sent = -1, .word_lost = -1,
		    .came_opened = -1, .came_from = -1, .came_to = -1 };
	for (uint8_t i = 0; i < w->n; i++)
		start_node(w, i, &b);
	for (uint32_t i = 0; i < sc->nfaults; i++) {
		if (sc->fault[i].off)
			continue;
		if (sc->fault[i].kind == FAULT_REPLAY)
			w->hostile_listens = true;
		queue_add(w, sc->fault[i].at, MSG_FAULT, 0)->n = i;
	}
}

static void
arrive(struct world *w, struct node *n, const struct msg *m)
{
	struct link *l = &w->link[m->wire.from][n->id];

	if (!n->powered)
		return;
	/* Cut while it was on its way, or no room in a paused machine. */
	if (n->cut_in > 0 || n->carrier_down > 0 ||
	    (n->paused > 0 && n->pause_loses)) {
		l->lost = w->now;
		return;
	}
	if (!m->wire.forged && m->wire.sent > l->came_sent)
		l->came_sent = m->wire.sent;
	if (n->foreign)
		foreign_hear(w, n, &m->wire);
	else
		elector_take(w, n, m);
}

static void
boot(struct world *w, struct node *n, const struct msg *m)
{
	if (m->n != n->boots)
		return;
	elector_boot(w, n);
}

static void
deliver(struct world *w, const struct msg *m)
{
	struct node *n = &w->node[m->node];

	switch ((enum msg_kind)m->kind) {
	case MSG_ADVERT:
		arrive(w, n, m);
		break;
	case MSG_WORD:
	case MSG_EVENT:
		elector_take(w, n, m);
		break;
	case MSG_ORDER:
		actuator_take(w, n, m);
		break;
	case MSG_WRITTEN:
		keeper_written(w, n, m->n);
		break;
	case MSG_BOOT:
		boot(w, n, m);
		break;
	case MSG_ADOPT:
		if (m->life == n->actuator_life)
			actuator_adopt(w, n);
		break;
	case MSG_ACTUATOR_NEW:
		actuator_new(w, n);
		break;
	case MSG_STALLED:
		if (m->life == n->elector_life)
			elector_kill(w, n, prng_range(&w->rng, 10 * MS,
			    200 * MS));
		break;
	case MSG_FAULT:
		fault_begin(w, m->n);
		break;
	case MSG_FAULT_END:
		fault_end(w, m->n);
		break;
	case MSG_HOSTILE:
		hostile_send(w, m);
		break;
	case MSG_FOREIGN:
		foreign_timer(w, n, m->n);
		break;
	case MSG_HALF:
		half_take(w, n, m);
		break;
	case MSG_NONE:
	case MSG_THAW:
		assert(false);
		break;
	}
}

enum timer { TIMER_ELECTOR, TIMER_ACTUATOR, TIMER_KERNEL };

/* The first of the nodes' own timers; a stopped process has none. */
static int64_t
first_timer(struct world *w, struct node **who, enum timer *which)
{
	int64_t at = FAR;

	for (uint8_t i = 0; i < w->n; i++) {
		struct node *n = &w->node[i];

		if (n->timer < at) {
			at = n->timer;
			*who = n;
			*which = TIMER_ELECTOR;
		}
		if (n->paused > 0)
			continue;
		if (n->lease_timer < at && n->stop_actuator == 0) {
			at = n->lease_timer;
			*who = n;
			*which = TIMER_ACTUATOR;
		}
		if (n->kernel.lapse < at) {
			at = n->kernel.lapse;
			*who = n;
			*which = TIMER_KERNEL;
		}
	}
	return at;
}

static void
fire(struct world *w, struct node *n, enum timer which)
{
	switch (which) {
	case TIMER_ELECTOR:
		elector_timer(w, n);
		break;
	case TIMER_ACTUATOR:
		actuator_lease(w, n);
		break;
	case TIMER_KERNEL:
		kernel_lapse(w, n);
		break;
	}
}

void
world_play(struct world *w, const struct scenario *sc, struct stats *st,
    FILE *trace)
{
	const struct heap_entry *top;
	struct node *who = NULL;
	enum timer which = TIMER_ELECTOR;
	uint32_t steps = 0;
	const struct msg *m;
	int64_t at;

	world_start(w, sc, st, trace);
	while (w->wrong == V_NONE) {
		at = first_timer(w, &who, &which);
		top = queue_top(&w->q);
		if (top == NULL || at < top->at) {
			if (at > w->end)
				break;
			w->now = at > w->now ? at : w->now;
			fire(w, who, which);
		} else {
			if (top->at > w->end)
				break;
			m = queue_take(&w->q);
			w->now = m->at;
			deliver(w, m);
			queue_free(&w->q, m);
		}
		check_clock(w);
		assert(++steps < STEPS_MAX);
	}
	if (w->wrong == V_NONE) {
		w->now = w->end;
		check_clock(w);
		check_end(w);
	}
	st->runs++;
	st->steps += steps;
	st->virtual_ns += (uint64_t)w->now;
}
