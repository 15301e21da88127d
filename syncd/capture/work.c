/* SPDX-License-Identifier: ISC */

/*
 * The capture room: has the library take what is due and publish it.
 */

#include <errno.h>

#include "pairs.h"

static void
inotify_ready(int fd, short revents, void *arg)
{
	struct pair *p = arg;

	(void)fd;
	(void)revents;
	if (p->capture != NULL)
		capture_events(p->capture, mono_now());
}

uint64_t
work_passes(const struct pair *p)
{
	struct capture_stats s;

	if (p->capture == NULL)
		return 0;
	capture_get_stats(p->capture, &s);
	return s.passes;
}

void
work_close(struct pair *p)
{
	struct capture_stats s;

	if (p->capture == NULL)
		return;
	capture_get_stats(p->capture, &s);
	p->read_bytes += s.read_bytes;
	p->snapshots += s.snapshots;
	if (p->conf->sync.on_change && capture_fd(p->capture) != -1)
		loop_del(&room.loop, capture_fd(p->capture));
	capture_close(p->capture);
	p->capture = NULL;
	p->held = false;
	p->held_since = MONO_NEVER;
	p->passes_before = 0;
	p->sync_passes = 0;
}

bool
work_open(struct pair *p, mono_t now)
{
	const struct capture_hooks hooks = { .snapshot = snap_take, .arg = p };
	const char *wrong;

	if (p->capture != NULL)
		return true;
	if (mono_is_set(p->capture_again) &&
	    !mono_reached(now, p->capture_again))
		return false;
	p->capture_again = mono_after(now, capture_times.retry_ns);
	errno = 0;
	wrong = capture_open(&p->capture, &p->want, p->store, &hooks,
	    (int64_t)p->conf->sync.every_ms * NS_PER_MS, now);
	if (wrong != NULL) {
		if (p->open_error != errno)
			log_warn("%s: %s: %s", p->name, wrong, p->want.base);
		p->open_error = errno;
		if (!mono_is_set(p->held_since))
			p->held_since = now;
		pair_changed(p);
		return false;
	}
	p->open_error = 0;
	p->passes_before = p->sync_passes = 0;
	if (p->trust)
		capture_trust(p->capture);
	/* Else passes alone tell what has changed. */
	if (p->conf->sync.on_change && capture_fd(p->capture) != -1 &&
	    !loop_add(&room.loop, capture_fd(p->capture), POLLIN,
	    inotify_ready, p))
		fatalx("capture: no place for inotify");
	return true;
}

static bool
any_holds(const struct pair *p, bool *full)
{
	const struct capture_problem *q;
	bool holds = false;
	uint32_t i;

	*full = false;
	for (i = 0; (q = capture_problem(p->capture, i)) != NULL; i++) {
		holds |= q->holds;
		*full |= q->fault == FAULT_STORE && q->code == STORE_SPACE;
	}
	return holds;
}

static void
note_outcome(struct pair *p, enum capture_outcome out)
{
	bool full = false, held = any_holds(p, &full);

	if (out == CAPTURE_PUBLISHED) {
		p->generations++;
		p->published = true;
	}
	if (held != p->held || full != p->store_full ||
	    out != CAPTURE_NOTHING)
		pair_changed(p);
	if (held && !p->held)
		p->held_since = mono_now();
	if (!held)
		p->held_since = MONO_NEVER;
	p->held = held;
	p->store_full = full;
}

bool
work_held(const struct pair *p)
{
	return p->held || p->fill_failed || p->capture == NULL;
}

/* True when something was done, however little. */
static bool
run(struct pair *p, mono_t now)
{
	const uint64_t before = work_passes(p);
	struct store_commit out;
	enum capture_outcome r;

	if (!mono_reached(now, capture_deadline(p->capture)))
		return false;
	r = capture_run(p->capture, &p->epoch, now, &out);
	note_outcome(p, r);
	if (work_passes(p) == before)
		return true;
	p->passed = mono_now();
	p->fill = FILL_NONE;
	p->show = true;
	return true;
}

bool
work_step(struct pair *p, mono_t now)
{
	(void)fill_late(p, now);
	if (!pair_lock(p) || !work_open(p, now) || p->fill == FILL_ASKED)
		return false;
	/* What came in the meantime belongs to what is taken now. */
	if (p->conf->sync.on_change)
		capture_events(p->capture, now);
	if (fill_wanted(p, now))
		return false;
	return run(p, now);
}

mono_t
work_deadline(const struct pair *p)
{
	if (p->stage != STAGE_LAST && p->stage != STAGE_WRITING)
		return MONO_NEVER;
	if (p->store == NULL || !store_locked(p->store))
		return mono_after(mono_now(), 10 * NS_PER_MS);
	if (p->capture == NULL)
		return p->capture_again;
	if (p->fill == FILL_ASKED || p->fill_failed)
		return p->fill_due;
	return capture_deadline(p->capture);
}
