/* SPDX-License-Identifier: ISC */

/*
 * Elector: the policy of a standby's live data.  Pure; at most one of its
 * jobs is awaited at any time.  Nothing is asked for while the service may
 * run here or live data may hold what was never captured: then a loader
 * could take away what nobody else has.
 */

#include <assert.h>
#include <string.h>

#include "data.h"

void
data_init(struct data_plan *d)
{
	memset(d, 0, sizeof(*d));
}

static enum job_kind
ask(struct data_plan *d, enum job_kind kind, mono_t now)
{
	d->job = (uint8_t)kind;
	d->asked = d->head;
	d->number++;
	d->unsent = false;
	d->due = mono_after(now, DATA_ANSWER_NS);
	if (kind == JOB_PREPARE)
		d->prepare_at = now;
	return kind;
}

static mono_t
later(mono_t a, mono_t b)
{
	return a.ns > b.ns ? a : b;
}

/* When the head that was prepared may go live; unset: it is not prepared. */
static mono_t
settle_at(const struct data_plan *d)
{
	mono_t still;

	if (!mono_is_set(d->ready_at))
		return MONO_NEVER;
	still = mono_after(later(d->ready_at, d->changed), DATA_STILL_NS);
	if (d->prepared != d->head)
		still = MONO_NEVER;
	return mono_first(still, mono_after(d->behind, DATA_RESTLESS_NS));
}

/* The next job, or the time at which to look again. */
static enum job_kind
next(struct data_plan *d, mono_t now)
{
	mono_t settle, prepare;

	if (d->job != 0)
		return 0;
	d->due = MONO_NEVER;
	if (!d->may || d->head == 0 || d->live == d->head)
		return 0;
	if (mono_is_set(d->rest) && !mono_reached(now, d->rest)) {
		d->due = d->rest;
		return 0;
	}
	settle = settle_at(d);
	if (mono_reached(now, settle))
		return ask(d, JOB_SETTLE, now);
	d->due = settle;
	if (d->prepared == d->head)
		return 0;
	prepare = mono_is_set(d->prepare_at) ?
	    mono_after(d->prepare_at, DATA_PREPARE_NS) : now;
	if (mono_reached(now, prepare))
		return ask(d, JOB_PREPARE, now);
	d->due = mono_first(settle, prepare);
	return 0;
}

enum job_kind
data_head(struct data_plan *d, uint64_t generation, bool may, mono_t now)
{
	if (generation != d->head) {
		d->head = generation;
		d->changed = now;
		if (!mono_is_set(d->behind))
			d->behind = now;
	}
	/* What was live when the service began is not known afterwards. */
	if (d->may && !may) {
		d->live = d->prepared = 0;
		d->ready_at = MONO_NEVER;
		d->failed = 0;
		d->fails = 0;
		d->rest = MONO_NEVER;
	}
	if (!d->may && may)
		d->behind = now;
	d->may = may;
	return next(d, now);
}

static void
job_failed(struct data_plan *d, enum job_kind kind, uint32_t status,
    mono_t now)
{
	d->failed = (uint8_t)kind;
	d->status = status;
	if (d->fails < UINT16_MAX)
		d->fails++;
	/* Prepared it may be, but it does not load: from the beginning. */
	d->prepared = 0;
	d->ready_at = MONO_NEVER;
	d->rest = mono_after(now, DATA_RETRY_NS);
}

static void
job_ok(struct data_plan *d, enum job_kind kind, mono_t now)
{
	d->fails = 0;
	d->rest = MONO_NEVER;
	if (kind == JOB_PREPARE) {
		d->prepared = d->asked;
		d->ready_at = now;
		/* Only a load proves that a load works again. */
		if (d->failed == JOB_PREPARE)
			d->failed = 0;
		return;
	}
	d->failed = 0;
	d->live = d->asked;
	d->ready_at = MONO_NEVER;
	d->behind = d->head == d->live ? MONO_NEVER : now;
}

enum job_kind
data_done(struct data_plan *d, const struct msg_job_done *done, mono_t now)
{
	const enum job_kind kind = d->job;

	if (kind == 0 || done->kind != kind || done->term != d->number)
		return 0;
	d->job = 0;
	if (!d->may)
		return 0;	/* a takeover came in between */
	if (done->result == JOB_SUPERSEDED)
		d->rest = mono_after(now, DATA_PREPARE_NS);
	else if (done->result == JOB_OK)
		job_ok(d, kind, now);
	else
		job_failed(d, kind, done->exit_status, now);
	return next(d, now);
}

enum job_kind
data_timer(struct data_plan *d, mono_t now)
{
	const struct msg_job_done late = {
		.kind = d->job, .result = JOB_TIMEOUT, .term = d->number,
	};

	if (!mono_reached(now, d->due))
		return 0;
	if (d->job == 0)
		return next(d, now);
	if (!d->unsent)
		return data_done(d, &late, now);
	/* Never left, so nothing is under way: as things are now. */
	d->job = 0;
	return next(d, now);
}

void
data_is_live(struct data_plan *d)
{
	d->live = d->head;
	d->behind = MONO_NEVER;
}

void
data_unsent(struct data_plan *d, mono_t now)
{
	assert(d->job != 0);
	d->unsent = true;
	d->due = mono_after(now, DATA_RESEND_NS);
	/* The second between two of them counts from one that left. */
	if (d->job == JOB_PREPARE)
		d->prepare_at = MONO_NEVER;
}
