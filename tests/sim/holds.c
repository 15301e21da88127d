/* SPDX-License-Identifier: ISC */

/*
 * Simulator: invariant 1 of design.md section 6, the address in two kernels,
 * and which of those double holds nobody could have prevented.
 */
#include "judge.h"

/* ---- Invariant 1: the address in two kernels -------------------------- */

/*
 * `taker` has put the address up while `other` has it.  Two nodes alone
 * cannot prevent that when, and only when:
 *
 * 1. the advert on which the other's lease rests did not reach the taker
 *    before it decided, and the network lost an advert on that way since
 *    the last that came (a delay alone, below the claim, is no excuse);
 * 2. no fresh word over ssh said active: then the taker has to hold back;
 * 3. and, when it took by a claim, the network also lost an advert of this
 *    claim or an answer to it, or the other could not answer at all
 *    (frozen, dead, or letting go already).
 *
 * A claim decides when it opens its epoch, whoever puts an address back when
 * it orders that: what comes between that and the address in the kernel is
 * too late to be known.
 *
 * From the earnest advert on the higher epoch wins, and the other one obeys it
 * when it arrives: there a lost advert of the claim itself is the cut, and one
 * that is struck since the claim began cannot obey.  When the claim is meant
 * against a node that is heard (preemption was asked for; CARP 5.13, 5.15), one
 * that dies or freezes between its last advert and the claim cannot obey it
 * either, and the round trip has to fit into the one spacing there is.
 *
 * Unsigned adverts have no epoch: an answer to a claim may be taken for
 * another claim, and the ranks decide.  There one that is struck after it
 * answered cannot obey.
 *
 * An address put back by a node that has long been active (3 does not
 * apply) is judged by 1 and 2 alone.  Beside a lower epoch the other obeys,
 * unless it was struck since it was last heard.
 *
 * Who takes because the newest active resigned does not wait for one that a
 * cut left behind in an epoch before that.
 *
 * A node whose floor was lost with its disk, or never heard an advert that
 * was recorded, believes it once when it is replayed.
 */
static bool
is_too_late(const struct world *w, const struct node *taker,
    const struct node *other)
{
	const struct link *to = &w->link[other->id][taker->id];
	const struct link *from = &w->link[taker->id][other->id];
	const bool took_now = w->now - taker->entered <= 100 * MS;

	/* No advert of the taker's epoch came, and one was lost. */
	if (from->lost >= taker->claim_opened &&
	    from->came_from < taker->claim_opened)
		return true;
	/* Puts it back, and the other took because it was cut off from us. */
	if (!took_now && from->lost > from->came_from &&
	    other->entered > from->came_from)
		return true;
	if (!took_now && w->sc.is_signed && epoch_compare(other->e.own_term,
	    other->id, taker->e.own_term, taker->id) < 0 &&
	    other->trouble >= to->came_to)
		return true;
	if (took_now && other->trouble >= taker->claim_first &&
	    (!w->sc.is_signed || (to->came_opened < other->kernel.advert &&
	    to->lost > to->came_opened)))
		return true;
	if (!is_earnest((enum reason)taker->why))
		return false;
	return other->trouble >= to->came_sent || !is_holding(other) ||
	    2 * w->sc.delay_us >= 1000 * w->sc.spacing_ms;
}

static bool
is_unpreventable(const struct world *w, const struct node *taker,
    const struct node *other)
{
	const struct link *to = &w->link[other->id][taker->id];
	const struct link *from = &w->link[taker->id][other->id];
	const int64_t decided = taker->entered;
	const bool took_now = w->now - decided <= 100 * MS;
	const int64_t came = took_now ? to->came_opened : to->came_to;

	if (taker->fooled > decided - down_ns(taker) ||
	    is_too_late(w, taker, other))
		return true;
	if ((taker->why == REASON_GO_NOW || taker->why == REASON_RESIGNED) &&
	    other->e.own_term + 1 < taker->e.own_term)
		return true;
	if (other->kernel.advert <= came || to->lost <= came)
		return false;
	if (taker->word_came < decided && taker->word_until > decided &&
	    taker->word_from == other->id)
		return false;
	if (!took_now)
		return true;
	/* Asked to go at once there is no claim that could be answered. */
	if (taker->why == REASON_GO_NOW)
		return true;
	/* An answer is not repeated within a quarter interval. */
	if (to->lost >= taker->claim_first - other->cfg.interval_ns / 4 ||
	    from->lost >= taker->claim_first)
		return true;
	return other->trouble >= taker->claim_first || !is_holding(other) ||
	    !elector_runs(other) ||
	    other->send_fails > 0;
}

/*
 * A machine that was stopped as a whole answered nobody; what its kernel
 * owes it does within a tick of the resume (fault.c).  Counted apart.
 */
static bool
is_blip(const struct node *a)
{
	return a->blip;
}

/* Neither the role nor the address any more: that double hold is over. */
void
check_gone(struct world *w, const struct node *n)
{
	if (n->kernel.present || is_holding(n))
		return;
	for (uint8_t i = 0; i < w->n; i++)
		w->link[n->id][i].excused = w->link[i][n->id].excused =
		    false;
}

/* An order to hold goes out: what the node and the others know by now. */
void
check_decides(struct world *w, const struct node *n)
{
	for (uint8_t i = 0; i < w->n; i++) {
		w->link[n->id][i].came_from = w->link[n->id][i].came_sent;
		w->link[i][n->id].came_to = w->link[i][n->id].came_sent;
	}
}

void
check_holds(struct world *w, struct node *n)
{
	for (uint8_t i = 0; i < w->n; i++) {
		struct node *o = &w->node[i];
		const struct node *taker = n, *other = o;

		if (i == n->id || (w->holders >> i & 1) == 0)
			continue;
		/* Below 1 s no whole-second lease is short enough. */
		if (w->sc.interval_ms < 1000 || o->foreign)
			continue;
		if (is_blip(n) || is_blip(o) || (o->kernel.resumed &&
		    o->kernel.lapse - w->now <= 4 * MS)) {
			w->st->blips++;
			continue;
		}
		/* Back after a pause: who took is who became active last. */
		if (n->kernel.resumed && o->entered > n->entered) {
			taker = o;
			other = n;
		}
		/* The same double hold as before. */
		if (w->link[n->id][i].excused)
			continue;
		if (is_unpreventable(w, taker, other)) {
			w->st->duals_exempt++;
			w->link[n->id][i].excused = true;
			w->link[i][n->id].excused = true;
			TELL(w, n->id, "two kernels, not preventable");
			continue;
		}
		check_wrong(w, V_DUAL, "%s took it while %s has it",
		    node_name(taker->id), node_name(other->id));
	}
}
