/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the invariants of the data (design.md 6 and 7, sync.md I1 to
 * I6), looked at after every change of a store or of live data.
 */
#include "judge.h"

/* A head once committed stays reachable: from the head, or from a branch. */
static void
check_reachable(struct world *w, const struct node *n)
{
	const struct copy *c = &n->half.copy;
	uint64_t seen[GENERATIONS_MAX / 64] = { 0 };

	for (uint32_t i = 0; i <= c->nbranches; i++) {
		uint8_t g = i < c->nbranches ? c->branch[i] : c->head;

		for (; g != 0 && (seen[g / 64] >> g % 64 & 1) == 0;
		    g = w->generation[g].parent)
			seen[g / 64] |= UINT64_C(1) << g % 64;
	}
	for (uint32_t i = 0; i < GENERATIONS_MAX / 64; i++)
		if ((c->have[i] & ~seen[i]) != 0)
			check_wrong(w, V_DATA_LOST, "%s: %s",
			    node_name(n->id), "neither head nor branch");
}

void
check_copy(struct world *w, struct node *n, const struct copy *was)
{
	const struct copy *c = &n->half.copy;
	const struct generation *is = &w->generation[c->head];

	if (epoch_cmp(&c->known, &was->known) < 0)
		check_wrong(w, V_DATA_LOWER, "%s: term %u after %u",
		    node_name(n->id), c->known.term, was->known.term);
	if (c->head != was->head && c->head != 0 &&
	    is->parent == was->head &&
	    (epoch_cmp(&is->epoch, &w->generation[was->head].epoch) < 0 ||
	    epoch_cmp(&is->epoch, &c->known) > 0))
		check_wrong(w, V_DATA_LOWER, "%s: generation %u of term %u "
		    "over one of %u", node_name(n->id), is->number,
		    is->epoch.term, w->generation[was->head].epoch.term);
	/* Nobody else changes a store while its service may run. */
	if (n->half.running && c->known.node != n->id)
		check_wrong(w, V_DATA_SERVICE, "%s: term %u of %s beside the "
		    "service", node_name(n->id), c->known.term,
		    node_name((uint8_t)c->known.node));
	check_reachable(w, n);
}

/* F5: what is live is in a generation of this store, whole. */
void
check_overwrites(struct world *w, struct node *n)
{
	const struct copy *c = &n->half.copy;

	if (n->half.running)
		check_wrong(w, V_DATA_LIVE, "%s: below a running service",
		    node_name(n->id));
	if (c->live_write == 0)
		return;
	for (uint32_t g = 1; g <= w->ngenerations; g++)
		if ((c->have[g / 64] >> g % 64 & 1) != 0 &&
		    w->generation[g].write == c->live_write)
			return;
	check_wrong(w, V_DATA_LIVE, "%s: write %u", node_name(n->id),
	    c->live_write);
}

/* What the service writes must be seen as ours after any death. */
void
check_runs(struct world *w, struct node *n)
{
	const struct copy *c = &n->half.copy;

	if (c->live.node != n->id || epoch_cmp(&c->live, &c->known) < 0 ||
	    c->known.node != n->id)
		check_wrong(w, V_DATA_SERVICE, "%s: live data of term %u, "
		    "known is %u of %s", node_name(n->id), c->live.term,
		    c->known.term, node_name((uint8_t)c->known.node));
}

/* I6, F4: on the head, whole, or on what went on from it here. */
void
check_starts(struct world *w, struct node *n)
{
	const struct copy *c = &n->half.copy;

	if (c->live_of != c->head)
		check_wrong(w, V_DATA_SERVICE, "%s: starts on generation %u, "
		    "the head is %u", node_name(n->id),
		    w->generation[c->live_of].number,
		    w->generation[c->head].number);
}

/* I3.  A disk that is another one knows nothing of what was written. */
void
check_made(struct world *w, uint8_t made)
{
	const struct generation *m = &w->generation[made];

	for (uint32_t g = 1; g < w->ngenerations; g++) {
		const struct generation *is = &w->generation[g];

		if (g == made || is->gone || is->number != m->number ||
		    epoch_cmp(&is->epoch, &m->epoch) != 0 ||
		    w->node[m->epoch.node].half.disks > 0)
			continue;
		check_wrong(w, V_DATA_TWICE, "%s: generation %u of term %u",
		    node_name((uint8_t)m->epoch.node), m->number,
		    m->epoch.term);
	}
}

/* Quiet for long: the standby has what the active node made. */
static void
check_level(struct world *w, const struct node *a, const struct node *b)
{
	const struct copy *c = &a->half.copy;
	uint8_t g = c->head;
	uint64_t have;

	while (g != 0 && w->generation[g].made > w->end - 12 * S)
		g = w->generation[g].parent;
	if (g == 0 || w->generation[g].gone || b->half.copy.nbranches ==
	    BRANCHES_MAX)
		return;
	have = b->half.copy.have[g / 64] >> g % 64 & 1;
	if (have == 0)
		check_wrong(w, V_DATA_BEHIND, "%s lacks generation %u of "
		    "term %u", node_name(b->id), w->generation[g].number,
		    w->generation[g].epoch.term);
}

void
check_data_end(struct world *w)
{
	const struct node *a = &w->node[0], *b = &w->node[1];

	for (uint32_t g = 1; g <= w->ngenerations; g++) {
		const struct generation *is = &w->generation[g];

		if (!is->acked || a->half.disks > 0 || b->half.disks > 0)
			continue;
		if ((a->half.copy.have[g / 64] & b->half.copy.have[g / 64] &
		    UINT64_C(1) << g % 64) == 0)
			check_wrong(w, V_DATA_LOST, "generation %u of term "
			    "%u was acknowledged", is->number,
			    is->epoch.term);
	}
	/*
	 * Who lost its disk may have opened an epoch a second time: then two
	 * histories tell no difference (I3), until the next term.
	 */
	if (w->last_move > w->end - 15 * S || a->half.disks > 0 ||
	    b->half.disks > 0)
		return;
	if (a->half.stage == STAGE_WRITING && is_holding(a) && b->started &&
	    b->half.up && !is_holding(b))
		check_level(w, a, b);
	else if (b->half.stage == STAGE_WRITING && is_holding(b) &&
	    a->started && a->half.up && !is_holding(a))
		check_level(w, b, a);
}
