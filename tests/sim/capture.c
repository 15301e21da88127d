/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the store of a node and the jobs that change who may write into
 * it, by the rules of syncd/capture/jobs.c and syncd/store.  BEGIN raises LIVE
 * and EPOCH one after the other, and the power may go in between.
 */
#include <assert.h>

#include "sim.h"

#define LAST_SYNC_NS	(10 * S)

static void
tell_soon(struct world *w, struct node *n)
{
	if (n->half.telling)
		return;
	n->half.telling = true;
	half_later(w, n, OP_TELL, prng_range(&w->rng, MS, 40 * MS));
}

static void
done(struct world *w, struct node *n, bool ok, bool check)
{
	struct half_msg *h = half_later(w, n, OP_DONE, 200 * NS_PER_US);

	h->serial = n->elector_life;
	h->ask = n->half.job;
	h->result = ok ? WORK_OK : WORK_FAILED;
	h->check = check;
	n->half.job.work = WORK_NONE;
}

static bool
live_is_ours(const struct node *n)
{
	const struct copy *c = &n->half.copy;

	return c->live.term != 0 && c->live.node == n->id &&
	    c->known.node == n->id && epoch_cmp(&c->live, &c->known) >= 0;
}

/* ---- The store ---------------------------------------------------------- */

static bool
raise_epoch(struct world *w, struct node *n, const struct epoch *e)
{
	const struct copy was = n->half.copy;

	if (epoch_cmp(e, &was.known) < 0 ||
	    !epoch_believable(e, was.known.term == 0 ? 1000000 :
	    was.known.term))
		return false;
	n->half.copy.known = *e;
	check_copy(w, n, &was);
	tell_soon(w, n);
	return true;
}

static bool
has(const struct copy *c, uint8_t g)
{
	return (c->have[g / 64] >> g % 64 & 1) != 0;
}

/* What follows the head, in no lower epoch than the store knows. */
bool
copy_commit(struct world *w, struct node *n, uint8_t g, const struct epoch *e)
{
	struct copy *c = &n->half.copy;
	const struct copy was = *c;

	if (epoch_cmp(e, &c->known) != 0)
		return false;
	if (g == c->head)
		return true;
	if (w->generation[g].parent != c->head)
		return false;
	c->head = g;
	c->have[g / 64] |= UINT64_C(1) << g % 64;
	check_copy(w, n, &was);
	tell_soon(w, n);
	return true;
}

/* Parks what is beyond the fork; 0: everything. */
bool
copy_back(struct world *w, struct node *n, uint32_t number)
{
	struct copy *c = &n->half.copy;
	const struct generation *at = &w->generation[c->head];
	const struct copy was = *c;
	int order;

	if (c->head == 0 || number >= at->number)
		return true;
	if (c->nbranches == BRANCHES_MAX)
		return false;
	order = epoch_cmp(&at->epoch, &c->spent);
	if (order > 0 || (order == 0 && at->number > c->spent_number)) {
		c->spent = at->epoch;
		c->spent_number = at->number;
	}
	c->branch[c->nbranches++] = c->head;
	w->st->parked++;
	while (c->head != 0 && (w->generation[c->head].gone ||
	    w->generation[c->head].number > number))
		c->head = w->generation[c->head].parent;
	TELL(w, n->id, "parks generation %u, goes back to %u", at->number,
	    w->generation[c->head].number);
	check_copy(w, n, &was);
	tell_soon(w, n);
	return true;
}

static uint8_t
make(struct world *w, const struct copy *c, const struct epoch *e)
{
	const uint8_t g = (uint8_t)++w->ngenerations;

	assert(w->ngenerations < GENERATIONS_MAX);
	w->generation[g] = (struct generation){
		.epoch = *e,
		.number = w->generation[c->head].number + 1,
		.write = c->live_write,
		.parent = c->head,
		.made = w->now,
	};
	return g;
}

/* I3: an empty store goes on above what its epoch wrote. */
static uint8_t
make_above(struct world *w, struct copy *c, const struct epoch *e)
{
	const uint8_t gone = make(w, c, e);

	w->generation[gone].gone = true;
	w->generation[gone].number = c->spent_number;
	c->head = gone;
	c->have[gone / 64] |= UINT64_C(1) << gone % 64;
	return make(w, c, e);
}

static bool
may_publish(const struct world *w, const struct copy *c, const struct epoch *e)
{
	const struct generation *at = &w->generation[c->head];

	if (epoch_cmp(e, &c->known) != 0 || epoch_cmp(e, &at->epoch) < 0)
		return false;
	if (c->head == 0 && epoch_cmp(e, &c->spent) == 0)
		return true;
	return c->spent_number <= at->number || epoch_cmp(e, &c->spent) > 0;
}

static bool
publish(struct world *w, struct node *n, const struct epoch *e)
{
	struct copy *c = &n->half.copy;
	uint8_t g;

	if (c->head != 0 && w->generation[c->head].write == c->live_write)
		return true;
	if (w->ngenerations > GENERATIONS_MAX - 4 || !may_publish(w, c, e))
		return false;
	g = c->head == 0 && c->spent_number > 0 &&
	    epoch_cmp(e, &c->spent) == 0 ? make_above(w, c, e) :
	    make(w, c, e);
	check_made(w, g);
	TELL(w, n->id, "generation %u of term %u", w->generation[g].number,
	    e->term);
	c->live_of = g;
	w->st->generations++;
	return copy_commit(w, n, g, e);
}

/* The loader: the head becomes the live data. */
bool
copy_load(struct world *w, struct node *n)
{
	struct copy *c = &n->half.copy;

	check_overwrites(w, n);
	TELL(w, n->id, "loads generation %u",
	    w->generation[c->head].number);
	c->live_write = w->generation[c->head].write;
	c->live_of = c->head;
	w->st->loads++;
	assert(c->head == 0 || has(c, c->head));
	return true;
}

/* ---- The capture -------------------------------------------------------- */

void
capture_changed(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (!h->up || h->passing ||
	    (h->stage != STAGE_WRITING && h->stage != STAGE_LAST))
		return;
	h->passing = true;
	half_later(w, n, OP_PASS, prng_range(&w->rng, 5 * MS, 60 * MS));
}

static void
settled(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	h->stage = STAGE_SETTLED;
	h->word_open = h->word_there && !h->word_active;
	if (h->job.work == WORK_END)
		capture_step(w, n);
}

/* F5: what is ours and was never captured becomes a generation first. */
static void
settle(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (!live_is_ours(n)) {
		settled(w, n);
		return;
	}
	h->epoch = h->copy.known;
	h->stage = STAGE_LAST;
	h->passing = true;
	half_later(w, n, OP_PASS, prng_range(&w->rng, 5 * MS, 200 * MS));
}

void
capture_pass(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	h->passing = false;
	if (h->stage != STAGE_WRITING && h->stage != STAGE_LAST)
		return;
	(void)publish(w, n, &h->epoch);
	channel_kick(w, n);
	if (h->stage == STAGE_LAST)
		settled(w, n);
}

static void
begin(struct world *w, struct node *n, bool second)
{
	const struct epoch e = { .term = n->half.job.term, .node = n->id };
	struct half *h = &n->half;
	const bool ours = live_is_ours(n);
	const bool load = h->copy.head != 0 && !ours;

	/* Where live data go on being ours LIVE is raised first. */
	if (ours && !second && epoch_cmp(&e, &h->copy.known) > 0 &&
	    epoch_believable(&e, h->copy.known.term)) {
		h->copy.live = e;
		half_later(w, n, OP_STEP, prng_range(&w->rng, MS, 5 * MS));
		return;
	}
	if (!raise_epoch(w, n, &e)) {
		done(w, n, false, false);
		return;
	}
	h->epoch = e;
	h->stage = STAGE_BEGUN;
	h->word_open = false;
	done(w, n, true, load);
}

static void
write_live(struct world *w, struct node *n)
{
	const struct epoch e = { .term = n->half.job.term, .node = n->id };
	struct half *h = &n->half;

	if (epoch_cmp(&h->copy.known, &e) != 0) {
		done(w, n, false, false);
		return;
	}
	h->epoch = e;
	h->copy.live = e;
	h->stage = STAGE_WRITING;
	done(w, n, true, false);
	capture_changed(w, n);
	channel_kick(w, n);
}

/* Settled; the partner is waited for while it takes what we send. */
static void
end(struct world *w, struct node *n)
{
	struct half *h = &n->half;
	const bool level = h->theirs == h->copy.head;

	if (level || !channel_ships(n) || h->step == SHIP_HELD ||
	    h->step == SHIP_DOWN || w->now - h->job_came > LAST_SYNC_NS) {
		done(w, n, true, level);
		return;
	}
	half_later(w, n, OP_STEP, 50 * MS);
}

void
capture_job(struct world *w, struct node *n)
{
	switch (n->half.job.work) {
	case WORK_BEGIN:
		begin(w, n, false);
		break;
	case WORK_WRITE:
		write_live(w, n);
		break;
	case WORK_END:
		if (n->half.stage == STAGE_SETTLED)
			done(w, n, true, false);
		else if (n->half.stage != STAGE_LAST)
			settle(w, n);
		break;
	default:
		break;
	}
}

void
capture_step(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (h->job.work == WORK_BEGIN)
		begin(w, n, true);
	else if (h->job.work == WORK_END && h->stage == STAGE_SETTLED)
		end(w, n);
	else if (h->stage == STAGE_START && !h->word_active)
		settle(w, n);
}
