/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the network between the nodes, the ssh path of the partner's
 * word, the judge before the core, and a hostile sender who records and
 * replays and has no key.
 */
#include <string.h>

#include "sim.h"

/* How long ago a word may have been sent and still arrive. */
#define WORD_DELAY_NS	(5 * MS)

static int64_t
delay(struct world *w)
{
	const uint32_t most = w->sc.delay_us;

	return (most / 100 + prng_below(&w->rng, most) + 1) * NS_PER_US;
}

static bool
is_cut(const struct node *from, const struct node *to)
{
	return from->cut_out > 0 || to->cut_in > 0 ||
	    from->carrier_down > 0 || to->carrier_down > 0;
}

static void
put(struct world *w, const struct wire *x, uint8_t to)
{
	struct msg *m;

	if (w->q.nfree < HEAP_MAX / 4)
		return;
	m = queue_add(w, w->now + delay(w), MSG_ADVERT, to);
	m->wire = *x;
}

void
net_send(struct world *w, struct node *n, const struct wire *x)
{
	for (uint8_t i = 0; i < w->n; i++) {
		struct node *to = &w->node[i];

		if (i == n->id || !to->powered)
			continue;
		if (is_cut(n, to) || prng_percent(&w->rng, w->loss)) {
			w->link[n->id][i].lost = w->now;
			TELL(w, i, "  misses it");
			continue;
		}
		put(w, x, i);
		if (prng_percent(&w->rng, w->sc.dup))
			put(w, x, i);
	}
	if (w->hostile_listens)
		w->tape[w->ntape++ % TAPE_MAX] = *x;
}

/* Says active until the address is known to be gone (design 2). */
void
net_word(struct world *w, struct node *n)
{
	const enum role role = election_role(&n->e);
	const int64_t now = local_of(n, w->now);
	struct msg *m;

	for (uint8_t i = 0; i < w->n; i++) {
		struct node *to = &w->node[i];

		if (i == n->id || !to->powered || to->foreign)
			continue;
		if (n->cut_word > 0 || to->cut_word > 0 ||
		    w->q.nfree < HEAP_MAX / 4) {
			w->link[n->id][i].word_lost = w->now;
			continue;
		}
		m = queue_add(w, w->now + WORD_DELAY_NS + delay(w), MSG_WORD,
		    i);
		m->word = (struct word){
			.role = (uint8_t)role,
			.healthy = !w->sc.service || n->service_breaks == 0,
			.ready = n->e.data_ready,
			.term = role == ROLE_ACTIVE ? n->e.own_term :
			    n->e.term,
			.term_node = role == ROLE_ACTIVE ?
			    n->cfg.node[n->id].id : n->e.term_node,
			.age_ns = role == ROLE_ACTIVE ?
			    mono_span_ns(n->e.sent, (mono_t){ now }) : 0,
			.sent = w->now,
		};
		m->n = n->id;
	}
}

static void
keep_floor(struct world *w, struct node *n)
{
	/* Once a second, as the elector asks its keeper. */
	if (w->now - n->disk.floors_at < S || n->keeper_fails > 0)
		return;
	n->disk.floors_at = w->now;
	memcpy(n->disk.floor, n->floor, sizeof(n->floor));
}

/* By vrrpd/elector: who must sign, whose tag is wrong, what is a replay. */
enum verdict
net_judge(struct world *w, struct node *n, const struct wire *x)
{
	enum verdict v = ADVERT_OK;

	/* Looped back: the core is to know its own. */
	if (x->from == n->id)
		return ADVERT_OK;
	if (w->sc.is_signed && !w->node[x->from].foreign) {
		if (!x->is_signed)
			v = ADVERT_UNSIGNED;
		else if (x->forged)
			v = ADVERT_AUTH;
		else
			v = seq_judge(&n->floor[x->from], x->seq);
	}
	if (v != ADVERT_OK) {
		w->st->refused++;
		return v;
	}
	/* Recorded where this node did not hear it: no floor tells. */
	if (x->replayed) {
		w->st->replays_taken++;
		n->fooled = w->now;
		w->global_trouble = w->now;
	}
	if (x->is_signed)
		keep_floor(w, n);
	return ADVERT_OK;
}

static void
forge(struct world *w, struct wire *x)
{
	*x = (struct wire){
		.from = (uint8_t)prng_below(&w->rng, w->n),
		.resigns = prng_percent(&w->rng, 30),
		.is_signed = prng_percent(&w->rng, 50),
		.forged = true,
		.priority = 255,
		.base = 1,
		.flags = TRAILER_GO_NOW,
		.node_id = (uint8_t)prng_below(&w->rng, w->n),
		.term = prng_below(&w->rng, 2000),
		.seq = UINT64_MAX,
	};
	w->st->forged++;
}

/* One frame to everybody, and the next one a little later. */
void
hostile_send(struct world *w, const struct msg *m)
{
	const struct fault *f = &w->sc.fault[m->n];
	struct wire x;

	if (w->now >= f->at + f->span)
		return;
	if (f->kind == FAULT_FORGE)
		forge(w, &x);
	else if (w->ntape > 0)
		x = w->tape[prng_below(&w->rng, w->ntape < TAPE_MAX ?
		    w->ntape : TAPE_MAX)];
	else
		x = (struct wire){ .forged = true };
	x.replayed = true;
	/* To its sender as well, as by a loop of switches. */
	for (uint8_t i = 0; i < w->n; i++)
		if (w->node[i].powered && w->node[i].carrier_down == 0)
			put(w, &x, i);
	queue_add(w, w->now + prng_range(&w->rng, MS, 400 * MS), MSG_HOSTILE,
	    0)->n = m->n;
}
