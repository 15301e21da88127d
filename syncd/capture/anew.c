/* SPDX-License-Identifier: ISC */

/*
 * The capture room: a store, or its two marks EPOCH and LIVE, that somebody
 * removed below a running pair.  What the pair was is known here, so it is
 * written down again; the history is gone, and the partner gets all of the
 * live data anew.  Must never make live data ours that are not.
 */

#include "pairs.h"

#define LOOK_EVERY_NS	(500 * NS_PER_MS)
#define STATE_OLD	1000	/* generations that a state file may lack */

/* Between BEGIN and END this node's own epoch is the store's. */
static bool
is_ours(const struct pair *p)
{
	return p->stage == STAGE_LAST || p->stage == STAGE_BEGUN ||
	    p->stage == STAGE_WRITING;
}

void
anew_note(struct pair *p)
{
	const struct position *h = &store_head(p->store)->position;
	const int order = epoch_cmp(&h->epoch, &p->wrote.epoch);

	if (h->generation == 0 || (!p->recalled && (order < 0 ||
	    (order == 0 && h->generation <= p->wrote.generation))))
		return;
	p->wrote = *h;
	p->recalled = false;
}

void
anew_recall(struct pair *p)
{
	static struct sync_capture_state s;

	if (syncstate_read(room.sync_dir, p->name, SYNCSTATE_CAPTURE, &s,
	    sizeof(s)) == -1 || s.written_term > INT32_MAX ||
	    s.written_node > EPOCH_NODE_MAX)
		return;
	p->removed.ns = s.removed_ns;
	if (s.written > 0 && s.written <= INT64_MAX - STATE_OLD)
		p->wrote = (struct position){
			.epoch = { s.written_term, s.written_node },
			.generation = s.written + STATE_OLD,
		};
	p->recalled = true;
}

/* F1, I3: e is this node's own, and was durable before. */
static enum store_result
write_marks(struct pair *p, const struct epoch *e, bool live)
{
	enum store_result r = store_epoch_raise(p->store, e);

	if (r == STORE_OK && live)
		r = store_live_set(p->store, e);
	if (r == STORE_OK &&
	    store_head(p->store)->position.generation == 0 &&
	    epoch_cmp(e, &p->wrote.epoch) == 0)
		r = store_spend(p->store, e, p->wrote.generation);
	return r;
}

bool
anew_take_up(struct pair *p)
{
	const struct epoch e = {
		.term = p->word.term, .node = p->word.self_id,
	};
	enum store_result r;

	if (p->job_waits || !pair_lock(p))
		return false;
	r = write_marks(p, &e, true);
	if (r == STORE_OK) {
		log_warnx("%s: the store does not say whose the live data "
		    "are: the service writes them in term %u, so they are "
		    "captured", p->name, e.term);
		p->epoch = e;
		p->marks_error = STORE_OK;
		return true;
	}
	if (p->marks_error != r)
		log_warnx("%s: the service runs in term %u, but the store "
		    "does not take it: %s", p->name, e.term,
		    store_why(p->store));
	if (!mono_is_set(p->held_since))
		p->held_since = mono_now();
	if (p->marks_error != r)
		pair_changed(p);
	p->marks_error = r;
	(void)pair_unlock(p);
	return false;
}

/* ---- a store that was removed -------------------------------------------- */

static void
again(struct pair *p, enum store_gone gone, mono_t now)
{
	log_warnx("%s: the store was removed below us: %s", p->name,
	    gone == STORE_GONE_ROOT ? "starting anew" : "making it again");
	p->removed = now;
	p->anew = true;
	pair_changed(p);
	work_close(p);
	p->held_since = MONO_NEVER;
	p->idle.held = false;
	store_close(p->store);
	p->store = NULL;
	p->store_again = MONO_NEVER;
	/* Only root can make the directory, and only a new process use it. */
	if (gone == STORE_GONE_ROOT) {
		p->shown = MONO_NEVER;
		state_step(p, now);
		room.leaving = true;
	}
}

/* A standby as well believes no epoch below what it knew (F2). */
static void
restore(struct pair *p)
{
	enum store_result r = STORE_OK;

	if (!pair_lock(p))
		return;
	if (is_ours(p))
		r = write_marks(p, &p->epoch, p->stage != STAGE_BEGUN);
	else if (p->known.term != 0)
		r = store_epoch_raise(p->store, &p->known);
	if (r == STORE_OK || r == STORE_STALE)
		p->anew = false;
	else if (log_allowed(&p->store_limit, mono_now().ns, 3))
		log_warnx("%s: store: %s", p->name, store_why(p->store));
	p->capture_again = MONO_NEVER;
	(void)pair_unlock(p);
}

/* ---- EPOCH or LIVE that was removed -------------------------------------- */

static bool
marks_are_there(struct pair *p)
{
	struct epoch live;

	if (!is_ours(p) || !store_locked(p->store))
		return true;
	if (epoch_cmp(&p->known, &p->epoch) < 0)
		return false;
	if (p->stage == STAGE_BEGUN)
		return true;
	return store_live_get(p->store, &live) == STORE_OK &&
	    live.term != 0;
}

/* With the lock we know it; else nobody writes, and it can be found. */
static void
look_at_head(struct pair *p)
{
	enum store_result r;

	if (!store_locked(p->store)) {
		if (!store_head_there(p->store) && pair_lock(p))
			(void)pair_unlock(p);
		return;
	}
	r = store_head_keep(p->store);
	if (r != STORE_OK && log_allowed(&p->store_limit, mono_now().ns, 3))
		log_warnx("%s: store: %s", p->name, store_why(p->store));
}

static void
look(struct pair *p)
{
	struct epoch e;
	enum store_result r;

	look_at_head(p);
	r = store_epoch(p->store, &e);

	if (r == STORE_DAMAGED && store_locked(p->store) &&
	    pair_repair(p))
		r = store_epoch(p->store, &e);
	if (r != STORE_OK)
		return;
	p->known = e;
	if (marks_are_there(p))
		return;
	log_warnx("%s: the store has lost whose the live data are: written "
	    "again, term %u", p->name, p->epoch.term);
	p->anew = true;
}

bool
anew_step(struct pair *p, mono_t now)
{
	enum store_gone gone;

	if (p->store != NULL && (!mono_is_set(p->looked) ||
	    mono_span_ns(p->looked, now) >= LOOK_EVERY_NS)) {
		p->looked = now;
		gone = store_gone(p->store);
		if (gone != STORE_HERE)
			again(p, gone, now);
		else if (!p->anew)
			look(p);
	}
	if (room.leaving || !pair_store(p, now))
		return false;
	if (p->anew)
		restore(p);
	return !p->anew;
}

mono_t
anew_deadline(const struct pair *p)
{
	return mono_after(p->looked, p->anew ? 20 * NS_PER_MS :
	    LOOK_EVERY_NS);
}
