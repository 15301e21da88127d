/* SPDX-License-Identifier: ISC */

/*
 * The capture room: BEGIN, WRITE and END, in which a node takes over and
 * gives away.  Each may be asked again and does no harm then.
 */

#include "pairs.h"

#define LOCK_NS		(4 * NS_PER_S)	/* receivers let go within 2 s */
#define CAPTURED_NS	(10 * NS_PER_S)	/* live data that a load covers */
#define HELD_NS		(4 * NS_PER_S)	/* a last pass that is held back */

static void
done(struct pair *p, enum store_result r, bool check, mono_t now)
{
	const union msg m = { .job_done = {
		.head = {
			.type = MSG_JOB_DONE, .pair = p->index,
			.serial = room.conf.serial,
		},
		.kind = p->job.kind,
		.result = r == STORE_OK ? JOB_OK : JOB_FAILED,
		.term = p->job.term,
		.took_ms = (uint32_t)(mono_span_ns(p->job_came, now) /
		    NS_PER_MS),
		.check = check,
		.exit_status = r,
	} };

	if (r != STORE_OK)
		log_warnx("%s: job %u of term %u: %s: %s", p->name,
		    p->job.kind, p->job.term, store_word(r),
		    p->store != NULL ? store_why(p->store) : "no store");
	/* A queue of a megabyte that is full: it hangs and is replaced. */
	(void)talk_mirror(&room, &m);
	p->job_waits = false;
	p->show = true;
}

static bool
waited(const struct pair *p, int64_t ns, mono_t now)
{
	return mono_span_ns(p->job_came, now) >= ns;
}

/* ---- BEGIN --------------------------------------------------------------- */

/*
 * F1.  Where the live data go on being ours LIVE is raised first: at no
 * moment may a death make them look like nobody's.
 */
static enum store_result
raise_epoch(struct pair *p, const struct epoch *e, bool keeps_live)
{
	struct epoch known, live = { .term = 0 };
	enum store_result r;

	r = store_epoch(p->store, &known);
	if (r != STORE_OK)
		return r;
	if (!keeps_live || epoch_cmp(e, &known) <= 0 ||
	    !epoch_believable(e, known.term))
		return store_epoch_raise(p->store, e);
	(void)store_live_get(p->store, &live);
	r = store_live_set(p->store, e);
	if (r != STORE_OK)
		return r;
	r = store_epoch_raise(p->store, e);
	if (r != STORE_OK)
		(void)store_live_set(p->store, &live);
	return r;
}

/*
 * What a wish is loaded over is nobody's until WRITE, in the same term too:
 * a load that dies half-way must not be captured as if it were ours.
 */
static enum store_result
give_live(struct pair *p)
{
	const struct epoch nobodys = { .term = 0 };

	return store_live_set(p->store, &nobodys);
}

static void
take_over(struct pair *p, bool ours, bool wish, mono_t now)
{
	const struct epoch e = {
		.term = p->job.term, .node = p->word.self_id,
	};
	const bool empty = store_head(p->store)->position.generation == 0;
	const bool load = !empty && (!ours || wish);
	enum store_result r;

	r = raise_epoch(p, &e, ours && !wish);
	if (r == STORE_OK && ours && load)
		r = give_live(p);
	if (r != STORE_OK) {
		done(p, r, false, now);
		(void)pair_unlock(p);
		return;
	}
	p->epoch = e;
	pair_stage(p, STAGE_BEGUN);
	p->trust = load && !wish;
	done(p, STORE_OK, load, now);
}

/* True when it has been answered. */
static bool
begin(struct pair *p, mono_t now)
{
	struct store_branch b;
	struct epoch stored;
	bool ours, wish;

	if (!p->has_word || !pair_lock(p)) {
		if (!waited(p, LOCK_NS, now) && !p->damaged)
			return false;
		done(p, p->damaged ? STORE_DAMAGED : STORE_BUSY, false, now);
		return true;
	}
	ours = pair_live_is_ours(p, &stored);
	wish = store_adopting(p->store, &b) == STORE_OK;
	/* F5: what a load will cover is captured first. */
	if (ours && wish && p->stage != STAGE_SETTLED) {
		if (p->stage != STAGE_LAST)
			pair_settle(p);
		if (!waited(p, CAPTURED_NS, now))
			return false;
		done(p, STORE_BUSY, false, now);
		return true;
	}
	take_over(p, ours, wish, now);
	return true;
}

/* ---- WRITE --------------------------------------------------------------- */

/*
 * A wish that was granted ends first: granted a second time it would undo
 * what is newer.  Where the live data were ours all the time nothing was
 * loaded: they could not be captured, and the wish was not granted.
 */
static enum store_result
mark_live(struct pair *p)
{
	enum store_result r = STORE_OK;
	struct epoch stored;

	if (!pair_live_is_ours(p, &stored))
		r = store_adopt(p->store, NULL);
	return r == STORE_OK ? store_live_set(p->store, &p->epoch) : r;
}

static bool
write_live(struct pair *p, mono_t now)
{
	struct epoch is;
	enum store_result r;

	if (p->stage == STAGE_WRITING && p->job.term == p->epoch.term) {
		done(p, STORE_OK, false, now);
		return true;
	}
	if (!p->has_word || !pair_lock(p)) {
		if (!waited(p, LOCK_NS, now))
			return false;
		done(p, STORE_BUSY, false, now);
		return true;
	}
	r = store_epoch(p->store, &is);
	if (r == STORE_OK && (is.term != p->job.term ||
	    is.node != p->word.self_id))
		r = STORE_STALE;
	if (r == STORE_OK) {
		p->epoch = is;
		r = mark_live(p);
	}
	if (r == STORE_OK) {
		p->capture_again = MONO_NEVER;
		/* Watched before the service may write. */
		(void)work_open(p, now);
		pair_stage(p, STAGE_WRITING);
	}
	done(p, r, false, now);
	(void)pair_unlock(p);
	return true;
}

/* ---- END ----------------------------------------------------------------- */

static bool
end(struct pair *p, mono_t now)
{
	if (p->stage == STAGE_SETTLED) {
		done(p, STORE_OK, false, now);
		return true;
	}
	if (!p->has_word) {
		if (!waited(p, LOCK_NS, now))
			return false;
		done(p, STORE_REFUSED, false, now);
		return true;
	}
	if (p->stage != STAGE_LAST) {
		pair_settle(p);
		return true;
	}
	if (!work_held(p) || p->fill != FILL_NONE ||
	    !waited(p, HELD_NS, now))
		return false;
	done(p, STORE_BUSY, false, now);
	return true;
}

void
jobs_no_store(struct pair *p, mono_t now)
{
	if (p->job_waits)
		done(p, STORE_ERROR, false, now);
}

bool
jobs_step(struct pair *p, mono_t now)
{
	if (!p->job_waits)
		return false;
	switch (p->job.kind) {
	case JOB_BEGIN:
		return begin(p, now);
	case JOB_WRITE:
		return write_live(p, now);
	default:
		return end(p, now);
	}
}
