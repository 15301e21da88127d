/* SPDX-License-Identifier: ISC */

/*
 * The capture room: what nobody waits for.  Retention and collection, and
 * reading again what is stored; in small steps, after everybody else.
 *
 * While the partner may write, its receivers have the store: the lock is
 * tried, and kept for a while only where a round would never end otherwise.
 * Each time it goes from hand to hand costs the other side a count of all
 * objects, so there the steps are few and large.
 */

#include <sys/syscall.h>

#include <time.h>
#include <unistd.h>

#include "pairs.h"

#define UPKEEP_WORK	500			/* files looked at in a step */
#define SCRUB_BYTES	(UINT64_C(2) << 20)
#define BESIDE		16			/* steps in one */
#define PATIENCE_MIN_NS	(1 * NS_PER_S)		/* receivers wait 2 s */
#define PATIENCE_MAX_NS	(20 * NS_PER_S)
#define IOPRIO_SELF	1			/* IOPRIO_WHO_PROCESS */
#define IOPRIO_IDLE	(3 << 13)		/* IOPRIO_CLASS_IDLE */

static void
io_priority(int priority)
{
	(void)syscall(SYS_ioprio_set, IOPRIO_SELF, 0, priority);
}

static void
let_go(struct pair *p)
{
	p->idle.held = false;
	(void)pair_unlock(p);
}

/* ---- upkeep -------------------------------------------------------------- */

static void
tell_upkeep(struct pair *p, const struct store_upkeep *u)
{
	if (u->objects + u->branches + u->thinned == 0)
		return;
	log_debug("%s: upkeep: %llu generations thinned, %llu objects and "
	    "%llu branches gone", p->name, (unsigned long long)u->thinned,
	    (unsigned long long)u->objects, (unsigned long long)u->branches);
	p->show = true;
	p->count_branches |= u->branches > 0;
}

static void
end_round(struct pair *p, const struct store_upkeep *u, mono_t now)
{
	const bool over = u->over || p->store_full;

	p->idle.upkeep = mono_after(now, over ?
	    capture_times.upkeep_every_ns / 10 :
	    capture_times.upkeep_every_ns);
	p->idle.patience_ns = PATIENCE_MIN_NS;
	p->show = true;
	let_go(p);
}

static bool
out_of_patience(struct pair *p, mono_t now)
{
	struct idle *i = &p->idle;

	if (p->stage != STAGE_SETTLED ||
	    mono_span_ns(i->round, now) < i->patience_ns)
		return false;
	i->patience_ns *= 2;
	if (i->patience_ns > PATIENCE_MAX_NS)
		i->patience_ns = PATIENCE_MAX_NS;
	return true;
}

static void
upkeep(struct pair *p, mono_t now)
{
	const struct store_retention keep = {
		.keep = p->conf->sync.keep_generations,
	};
	struct store_upkeep u;
	enum store_result r;
	struct timespec t;

	if (!p->idle.held)
		p->idle.round = now;
	p->idle.held = true;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	io_priority(IOPRIO_IDLE);
	r = store_upkeep(p->store, &keep, t.tv_sec * NS_PER_S + t.tv_nsec,
	    UPKEEP_WORK, &u);
	io_priority(0);
	if (r != STORE_OK)
		log_warnx("%s: upkeep: %s", p->name, store_why(p->store));
	else
		tell_upkeep(p, &u);
	if (r != STORE_OK || u.done) {
		end_round(p, &u, now);
		return;
	}
	p->idle.upkeep = p->stage == STAGE_SETTLED ? now :
	    mono_after(now, capture_times.upkeep_step_ns);
	if (out_of_patience(p, mono_now())) {
		let_go(p);
		p->idle.upkeep = mono_after(now,
		    BESIDE * capture_times.upkeep_step_ns);
	}
}

/* ---- scrub --------------------------------------------------------------- */

static void
found_bad(struct pair *p, const struct store_scrub *s, mono_t now)
{
	uint32_t again = 0;

	p->idle.bad_objects += s->nbad;
	p->show = true;
	if (p->capture != NULL && p->stage == STAGE_WRITING)
		again = capture_lost(p->capture, s->bad, s->nbad, now);
	log_warnx("%s: %u stored objects were damaged and are set aside, %u "
	    "files are read again", p->name, s->nbad, again);
}

static void
scrub(struct pair *p, mono_t now)
{
	const int64_t times = p->stage == STAGE_SETTLED ? BESIDE : 1;
	struct store_scrub s;
	enum store_result r;

	io_priority(IOPRIO_IDLE);
	r = store_scrub(p->store, SCRUB_BYTES * (uint64_t)times, &s);
	io_priority(0);
	if (s.nbad > 0)
		found_bad(p, &s, now);
	if (r != STORE_OK)
		log_warnx("%s: scrub: %s", p->name, store_why(p->store));
	p->idle.scrub = mono_after(now, r != STORE_OK || s.done ?
	    capture_times.scrub_every_ns :
	    2 * times * capture_times.scrub_step_ns);
	if (r == STORE_OK && s.done) {
		p->idle.scrubbed = mono_now();
		p->show = true;
		(void)store_lost_check(p->store);
	}
	if (!p->idle.held)
		let_go(p);
}

/* ---- when ---------------------------------------------------------------- */

static void
plan(struct idle *i, mono_t now)
{
	if (!mono_is_set(i->upkeep))
		i->upkeep = mono_after(now,
		    capture_times.upkeep_every_ns / 10);
	if (!mono_is_set(i->scrub))
		i->scrub = mono_after(now,
		    capture_times.scrub_every_ns / 100);
	if (i->patience_ns == 0)
		i->patience_ns = PATIENCE_MIN_NS;
}

bool
idle_step(struct pair *p, mono_t now)
{
	struct idle *i = &p->idle;
	mono_t *due;

	if (p->store == NULL || p->damaged ||
	    (p->stage != STAGE_SETTLED && p->stage != STAGE_WRITING))
		return false;
	plan(i, now);
	if (mono_reached(now, i->upkeep))
		due = &i->upkeep;
	else if (mono_reached(now, i->scrub))
		due = &i->scrub;
	else
		return false;
	if (!pair_lock(p)) {
		*due = mono_after(now, 2 * capture_times.scrub_step_ns);
		return false;
	}
	if (due == &i->upkeep)
		upkeep(p, now);
	else
		scrub(p, now);
	return true;
}

mono_t
idle_deadline(const struct pair *p)
{
	if (p->store == NULL || p->damaged ||
	    (p->stage != STAGE_SETTLED && p->stage != STAGE_WRITING))
		return MONO_NEVER;
	if (!mono_is_set(p->idle.upkeep))
		return mono_after(mono_now(), 1);
	return mono_first(p->idle.upkeep, p->idle.scrub);
}
