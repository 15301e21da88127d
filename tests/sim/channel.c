/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the held channel between two stores, by the rules of
 * syncd/mirror/ship_talk.c and syncd/receiver/verbs.c; where two histories
 * part is syncd's own word (position_kin).  What cannot pass is lost, and the
 * ship asks again.
 */
#include "sim.h"

#define ANSWER_NS	(2 * S)
#define AGAIN_NS	S
#define HELD_NS		(5 * S)

static struct node *
partner(struct world *w, const struct node *n)
{
	return &w->node[1 - n->id];
}

/* Where the live data may still change, what is made is sent. */
bool
channel_ships(const struct node *n)
{
	const struct half *h = &n->half;

	return h->up && (h->stage == STAGE_WRITING || h->stage == STAGE_LAST ||
	    h->job.work == WORK_END) && h->epoch.term != 0;
}

/* One after the other: ssh keeps the order. */
static struct half_msg *
say_to(struct world *w, struct node *n, enum half_op op, uint32_t serial)
{
	struct node *to = partner(w, n);
	int64_t at = w->now + prng_range(&w->rng, MS, 10 * MS);
	struct msg *m;

	if (n->cut_word > 0 || to->cut_word > 0 || !to->powered)
		return NULL;
	if (at <= n->half.said)
		at = n->half.said + 1;
	n->half.said = at;
	m = queue_add(w, at, MSG_HALF, to->id);
	m->half = (struct half_msg){ .op = (uint8_t)op, .serial = serial };
	return &m->half;
}

static void
again(struct world *w, struct node *n, enum shipping step, int64_t after_ns)
{
	n->half.step = (uint8_t)step;
	half_later(w, n, OP_SHIP, after_ns)->serial = ++n->half.serial;
}

/* A question to the partner; unanswered, everything begins anew. */
static struct half_msg *
question(struct world *w, struct node *n, enum half_op op, enum shipping step)
{
	struct half *h = &n->half;
	struct half_msg *m = say_to(w, n, op, ++h->serial);

	h->step = (uint8_t)step;
	h->wait_until = w->now + ANSWER_NS;
	if (!h->waiting)
		half_later(w, n, OP_WAIT, ANSWER_NS);
	h->waiting = true;
	if (m != NULL)
		m->epoch = h->epoch;
	return m;
}

void
channel_kick(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (channel_ships(n) && (h->step == SHIP_DOWN ||
	    h->step == SHIP_LEVEL))
		again(w, n, (enum shipping)h->step, NS_PER_US);
}

/* ---- Histories ---------------------------------------------------------- */

static void
place(const struct world *w, uint8_t g, struct position *p)
{
	*p = (struct position){ .generation = w->generation[g].number };
	if (g == 0)
		return;
	p->epoch = w->generation[g].epoch;
	p->head.b[0] = g;
	p->head.b[1] = 1;
}

static void
history(const struct world *w, uint8_t g, struct history_list *h)
{
	struct position p;
	uint8_t first[GENERATIONS_MAX];
	uint32_t n = 0;

	h->n = 0;
	for (; g != 0; g = w->generation[g].parent) {
		const struct generation *is = &w->generation[g];
		const struct generation *was = &w->generation[is->parent];

		/* What was removed has no place in a history. */
		if (is->gone)
			break;
		if (is->parent == 0 || was->gone ||
		    epoch_cmp(&is->epoch, &was->epoch) != 0)
			first[n++] = g;
	}
	while (n-- > 0) {
		struct history_item *i = &h->item[h->n++];

		place(w, w->generation[first[n]].parent, &p);
		*i = (struct history_item){
			.epoch = w->generation[first[n]].epoch,
			.first = w->generation[first[n]].number,
			.parent = p.head,
		};
	}
}

/* ---- The sending side --------------------------------------------------- */

static void
commit_next(struct world *w, struct node *n)
{
	struct half *h = &n->half;
	struct half_msg *m;
	uint8_t g = h->copy.head;

	while (g != 0 && w->generation[g].parent != h->theirs)
		g = w->generation[g].parent;
	if (g == 0) {
		/* The end of our own chain, or nothing more. */
		h->step = SHIP_LEVEL;
		if (h->theirs != h->copy.head)
			again(w, n, SHIP_DOWN, AGAIN_NS);
		return;
	}
	m = question(w, n, OP_COMMIT, SHIP_COMMIT);
	h->asked = g;
	if (m != NULL)
		m->head = g;
}

static void
ship(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (!channel_ships(n))
		h->step = SHIP_DOWN;
	else if (h->step == SHIP_DOWN || h->step == SHIP_HELD)
		(void)question(w, n, OP_HELLO, SHIP_HELLO);
	else if (h->step == SHIP_LEVEL)
		commit_next(w, n);
}

static void
welcome(struct world *w, struct node *n, uint8_t theirs)
{
	static struct history_list mine_h, theirs_h;
	struct position mine, their;
	struct half_msg *m;
	uint64_t fork;

	n->half.theirs = theirs;
	place(w, n->half.copy.head, &mine);
	place(w, theirs, &their);
	history(w, n->half.copy.head, &mine_h);
	history(w, theirs, &theirs_h);
	if (n->half.copy.head == 0) {
		n->half.step = SHIP_LEVEL;
		return;
	}
	switch (position_kin(&mine, &mine_h, &their, &theirs_h, &fork)) {
	case KIN_SAME:
	case KIN_AHEAD:
		commit_next(w, n);
		return;
	case KIN_BEHIND:
		fork = mine.generation;
		break;
	case KIN_FORKED:
		break;
	case KIN_STRANGERS:
		fork = 0;
		break;
	}
	m = question(w, n, OP_BACK, SHIP_FORK);
	if (m != NULL)
		m->number = (uint32_t)fork;
}

static void
acked(struct world *w, struct node *n, uint8_t head)
{
	struct half *h = &n->half;

	h->theirs = head;
	if (h->step == SHIP_COMMIT && head == h->asked) {
		TELL(w, n->id, "generation %u is acknowledged",
		    w->generation[head].number);
		w->generation[head].acked = true;
		w->st->acked++;
	}
	commit_next(w, n);
}

/* STALE and DUAL: which term it has seen is the election's to know. */
static void
fenced(struct world *w, struct node *n, const struct half_msg *m)
{
	const struct event ev = {
		.type = EVENT_WORD,
		.word = {
			.role = ROLE_ACTIVE, .healthy = true, .ready = true,
			.term = m->epoch.term,
			.term_node = (uint8_t)m->epoch.node,
		},
	};

	w->st->fenced++;
	if (m->result != HALF_DUAL && !n->half.word_active)
		return;
	n->word_from = partner(w, n)->id;
	/* A newer epoch than ours was served: who is fenced is to go. */
	if (m->result == HALF_STALE)
		w->global_trouble = w->now;
	if (n->started)
		elector_tell(w, n, &ev, 0);
}

static void
refused(struct world *w, struct node *n, const struct half_msg *m)
{
	TELL(w, n->id, "refused: %s", m->result == HALF_STALE ? "stale" :
	    m->result == HALF_DUAL ? "dual" : m->result == HALF_BUSY ?
	    "busy" : "forked");
	if (m->result == HALF_STALE || m->result == HALF_DUAL) {
		fenced(w, n, m);
		again(w, n, SHIP_HELD, HELD_NS);
	} else
		again(w, n, SHIP_DOWN, AGAIN_NS);
}

/* ---- The receiver: runs as long as the machine does --------------------- */

/* F3, F5: the mirror's word says whether somebody may write here. */
static bool
may_receive(const struct half *h, enum half_nak *nak)
{
	*nak = h->word_there && h->word_shuts ? HALF_DUAL : HALF_BUSY;
	return h->word_there && !h->word_shuts && h->word_open;
}

static void
answer(struct world *w, struct node *n, const struct half_msg *to,
    enum half_op op, enum half_nak nak)
{
	struct half_msg *m = say_to(w, n, op, to->serial);

	if (m == NULL)
		return;
	m->head = n->half.copy.head;
	m->epoch = n->half.copy.known;
	m->result = (uint8_t)nak;
}

static void
hear_hello(struct world *w, struct node *n, const struct half_msg *m)
{
	struct half *h = &n->half;
	enum half_nak nak = HALF_STALE;
	const struct copy was = h->copy;

	h->session = (struct epoch){ .term = 0 };
	if (epoch_cmp(&m->epoch, &h->copy.known) < 0 ||
	    !may_receive(h, &nak)) {
		answer(w, n, m, OP_NAK, nak);
		return;
	}
	h->copy.known = h->session = m->epoch;
	check_copy(w, n, &was);
	if (h->up)
		half_later(w, n, OP_TELL, prng_range(&w->rng, MS, 40 * MS));
	answer(w, n, m, OP_WELCOME, HALF_BUSY);
}

static void
hear_write(struct world *w, struct node *n, const struct half_msg *m)
{
	struct half *h = &n->half;
	enum half_nak nak = HALF_STALE;
	bool good;

	good = epoch_cmp(&m->epoch, &h->session) == 0 &&
	    epoch_cmp(&m->epoch, &h->copy.known) == 0 &&
	    may_receive(h, &nak);
	if (good) {
		nak = HALF_FORKED;
		good = m->op == OP_BACK ? copy_back(w, n, m->number) :
		    copy_commit(w, n, m->head, &m->epoch);
	}
	answer(w, n, m, good ? OP_ACK : OP_NAK, nak);
}

static void
wait_over(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	h->waiting = false;
	if (h->step != SHIP_HELLO && h->step != SHIP_FORK &&
	    h->step != SHIP_COMMIT)
		return;
	if (w->now < h->wait_until) {
		half_later(w, n, OP_WAIT, h->wait_until - w->now);
		h->waiting = true;
		return;
	}
	again(w, n, SHIP_DOWN, AGAIN_NS);
}

void
channel_take(struct world *w, struct node *n, const struct msg *m)
{
	const struct half_msg *h = &m->half;

	if (h->op == OP_HELLO) {
		hear_hello(w, n, h);
		return;
	}
	if (h->op == OP_BACK || h->op == OP_COMMIT) {
		hear_write(w, n, h);
		return;
	}
	if (h->op == OP_WAIT) {
		if (m->life == n->half.life)
			wait_over(w, n);
		return;
	}
	/* An answer to what is no longer asked. */
	if (!n->half.up || h->serial != n->half.serial)
		return;
	switch ((enum half_op)h->op) {
	case OP_SHIP:
		ship(w, n);
		break;
	case OP_WELCOME:
		if (channel_ships(n))
			welcome(w, n, h->head);
		else
			n->half.step = SHIP_DOWN;
		break;
	case OP_ACK:
		acked(w, n, h->head);
		break;
	case OP_NAK:
		refused(w, n, h);
		break;
	default:
		break;
	}
}
