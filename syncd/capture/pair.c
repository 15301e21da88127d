/* SPDX-License-Identifier: ISC */

/*
 * The capture room: one pair with a sync block, and what its live data are
 * to us (sync.md, F1 to F5).
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "election.h"
#include "pairs.h"

#define RESERVE		(UINT64_C(64) << 20)	/* of disk, left free */
#define STORE_LINES	3		/* a minute, of one trouble */
#define PATH_SIZE	(CONF_PATTERN_MAX + CONF_NAME_MAX + 64)

void
pair_open(struct pair *p, const struct conf *c, uint32_t index)
{
	const struct conf_pair *conf = conf_pair(c, index);

	*p = (struct pair){
		.index = (uint16_t)index,
		.name = conf_string(c, conf->name),
		.conf = conf,
		.snap.fd = -1,
		.tell = true,
		.show = true,
		.count_branches = true,
	};
	if (!pattern_from_conf(&p->want, p->entry, c, conf))
		fatalx("capture: %s: too many entries", p->name);
}

void
pair_changed(struct pair *p)
{
	p->tell = p->show = true;
}

/* ---- store --------------------------------------------------------------- */

static void
cannot_open(struct pair *p, const char *what)
{
	if (!p->damaged)
		log_warnx("%s: store: %s", p->name, what);
	store_close(p->store);
	p->store = NULL;
	p->damaged = true;
	pair_changed(p);
}

bool
pair_store(struct pair *p, mono_t now)
{
	const struct store_limits limits = {
		.bytes = p->conf->sync.store_max_bytes, .reserve = RESERVE,
	};
	char path[PATH_SIZE];
	enum store_result r;
	int dir;

	if (p->store != NULL)
		return true;
	if (mono_is_set(p->store_again) && !mono_reached(now, p->store_again))
		return false;
	p->store_again = mono_after(now, capture_times.retry_ns);
	(void)fmt_into(path, sizeof(path), "%s/store/%s",
	    conf_string(&room.conf, room.conf.state_dir), p->name);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1) {
		cannot_open(p, strerror(errno));
		return false;
	}
	r = store_open(&p->store, dir, p->name, true);
	(void)close(dir);
	if (r != STORE_OK && r != STORE_DAMAGED) {
		cannot_open(p, p->store == NULL ? strerror(errno) :
		    store_why(p->store));
		return false;
	}
	store_set_limits(p->store, &limits);
	p->damaged = false;
	/* What a dead writer left is finished, what is damaged repaired. */
	if (pair_lock(p))
		store_unlock(p->store);
	pair_changed(p);
	return true;
}

bool
pair_repair(struct pair *p)
{
	uint64_t lost;

	log_warnx("%s: store: %s: repairing it", p->name,
	    store_why(p->store));
	if (store_repair(p->store, &lost) != STORE_OK) {
		log_warnx("%s: store cannot be repaired: %s", p->name,
		    store_why(p->store));
		p->damaged = true;
		pair_changed(p);
		return false;
	}
	log_warnx("%s: store repaired, at generation %llu, %llu lost",
	    p->name, (unsigned long long)
	    store_head(p->store)->position.generation,
	    (unsigned long long)lost);
	p->damaged = false;
	pair_changed(p);
	return true;
}

bool
pair_lock(struct pair *p)
{
	enum store_result r;

	if (store_locked(p->store))
		return true;
	r = store_lock(p->store);
	if (r == STORE_DAMAGED && !p->damaged && pair_repair(p))
		r = STORE_OK;
	if (r == STORE_OK)
		return true;
	if (r != STORE_BUSY && r != STORE_DAMAGED &&
	    log_allowed(&p->store_limit, mono_now().ns, STORE_LINES))
		log_warnx("%s: store: %s", p->name, store_why(p->store));
	store_unlock(p->store);
	return false;
}

/* While live data are ours the lock is kept. */
bool
pair_unlock(struct pair *p)
{
	if (p->stage != STAGE_SETTLED && p->stage != STAGE_START)
		return false;
	store_unlock(p->store);
	return true;
}

/* ---- stages -------------------------------------------------------------- */

static const char *
stage_word(enum stage stage)
{
	static const char *const word[] = {
		[STAGE_START] = "waits for this node's role",
		[STAGE_LAST] = "live data are captured once more",
		[STAGE_SETTLED] = "settled, the partner may write",
		[STAGE_BEGUN] = "the epoch is ours",
		[STAGE_WRITING] = "live data are captured",
	};

	return word[stage];
}

void
pair_stage(struct pair *p, enum stage stage)
{
	if (p->stage == stage)
		return;
	p->stage = stage;
	p->trust = p->trust && stage == STAGE_BEGUN;
	p->fill_failed = false;
	if (stage != STAGE_LAST && stage != STAGE_WRITING)
		work_close(p);
	if (stage == STAGE_SETTLED)
		store_unlock(p->store);
	log_info("%s: %s", p->name, stage_word(stage));
	pair_changed(p);
}

/*
 * A higher LIVE is what BEGIN leaves when it dies between the two files.  A
 * damaged one is taken for ours: rather captured for nothing than not.
 */
bool
pair_live_is_ours(struct pair *p, struct epoch *stored)
{
	struct epoch live;
	enum store_result r;

	if (store_epoch(p->store, stored) != STORE_OK)
		return false;
	r = store_live_get(p->store, &live);
	if (r == STORE_DAMAGED)
		live = *stored;
	if (live.term == 0 || live.node != p->word.self_id ||
	    stored->node != p->word.self_id)
		return false;
	return epoch_cmp(&live, stored) >= 0;
}

void
pair_settle(struct pair *p)
{
	struct epoch stored;

	if (!pair_live_is_ours(p, &stored)) {
		pair_stage(p, STAGE_SETTLED);
		return;
	}
	p->epoch = stored;
	p->capture_again = MONO_NEVER;
	if (p->stage != STAGE_WRITING && p->stage != STAGE_LAST)
		work_close(p);
	if (p->capture != NULL)
		capture_ask(p->capture, mono_now());
	p->passes_before = work_passes(p);
	pair_stage(p, STAGE_LAST);
}

/* After a death of ours in the middle of it. */
static bool
was_writing(struct pair *p)
{
	struct epoch stored;

	if (!pair_live_is_ours(p, &stored) || stored.term != p->word.term ||
	    !pair_lock(p))
		return false;
	p->epoch = stored;
	return true;
}

/* Active without a mark: a takeover is under way, or the mark was lost. */
static void
start(struct pair *p)
{
	if (p->word.role != ROLE_ACTIVE)
		pair_settle(p);
	else if (was_writing(p) || (p->word.writing && anew_take_up(p)))
		pair_stage(p, STAGE_WRITING);
}

/* The whole pass is over and nothing of it is held back. */
static void
end_last(struct pair *p)
{
	bool gone = p->capture == NULL && (p->open_error == ENOENT ||
	    p->open_error == ENOTDIR);
	struct epoch is;

	if (store_epoch(p->store, &is) == STORE_OK &&
	    epoch_cmp(&is, &p->epoch) != 0) {
		log_warnx("%s: term %u of node %u is known meanwhile: live "
		    "data of term %u stay where they are", p->name, is.term,
		    is.node, p->epoch.term);
		gone = true;
	}
	if (gone || (p->capture != NULL && !work_held(p) &&
	    work_passes(p) > p->passes_before))
		pair_stage(p, STAGE_SETTLED);
}

static bool
stage_step(struct pair *p, mono_t now)
{
	bool busy;

	switch (p->stage) {
	case STAGE_START:
		if (p->has_word)
			start(p);
		return false;
	case STAGE_SETTLED:
	case STAGE_BEGUN:
		return false;
	case STAGE_LAST:
	case STAGE_WRITING:
		break;
	}
	busy = work_step(p, now);
	if (p->stage == STAGE_LAST)
		end_last(p);
	return busy;
}

bool
pair_step(struct pair *p, mono_t now)
{
	bool busy = false;

	if (anew_step(p, now)) {
		busy = jobs_step(p, now);
		busy |= stage_step(p, now);
		busy |= asks_step(p, now);
		/* What it was waiting for may be done now. */
		busy |= jobs_step(p, now);
		anew_note(p);
	} else if (p->store == NULL && !room.leaving) {
		jobs_no_store(p, now);
		asks_no_store(p);
	}
	state_step(p, mono_now());
	return busy;
}

mono_t
pair_deadline(const struct pair *p)
{
	mono_t t = state_deadline(p);

	if (p->store == NULL)
		return mono_first(t, p->store_again);
	t = mono_first(t, anew_deadline(p));
	/* Mostly for the store's lock, which tells nobody when it is free. */
	if (p->job_waits || p->nasks > 0)
		t = mono_first(t, mono_after(mono_now(), 5 * NS_PER_MS));
	return mono_first(t, work_deadline(p));
}

bool
pair_is_idle(const struct pair *p, mono_t now)
{
	return p->store == NULL || (!p->job_waits && p->nasks == 0 &&
	    !p->sync_asked && p->stage != STAGE_LAST &&
	    p->fill == FILL_NONE && !p->snap.waiting &&
	    !mono_reached(now, work_deadline(p)));
}
