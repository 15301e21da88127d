/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: which job of a pair runs next.  Pure, so that the policy can
 * be tested without a process; it never learns what a job does.
 */

#include <assert.h>
#include <string.h>

#include "jobqueue.h"

enum lane
jobqueue_lane(uint32_t kind)
{
	switch (kind) {
	case JOB_CHECK:
		return LANE_CHECK;
	case JOB_NOTIFY:
		return LANE_NOTIFY;
	case JOB_PREPARE:
		return LANE_PREPARE;
	case JOB_FILL:
		return LANE_FILL;
	default:
		return LANE_SERVICE;
	}
}

static size_t
answer(struct job_answer *out, const struct job *j, uint32_t result, bool ran)
{
	*out = (struct job_answer){ .job = *j, .result = result, .ran = ran };
	return 1;
}

/* The waiting job in *slot makes room for j. */
static size_t
replace(struct job *slot, const struct job *j, struct job_answer *out)
{
	size_t n;

	n = 0;
	if (slot->kind != 0)
		n = answer(out, slot, JOB_SUPERSEDED, false);
	*slot = *j;
	return n;
}

static size_t
add_notify(struct jobqueue *q, const struct job *j, struct job_answer *out)
{
	size_t n;

	n = 0;
	if (q->nnotify == JOBQUEUE_NOTIFY_MAX) {
		/* The oldest change is the one nobody needs to hear of. */
		n = answer(out, &q->notify[0], JOB_SUPERSEDED, false);
		memmove(&q->notify[0], &q->notify[1],
		    (JOBQUEUE_NOTIFY_MAX - 1) * sizeof(q->notify[0]));
		q->nnotify--;
	}
	q->notify[q->nnotify++] = *j;
	return n;
}

/* What waits in *slot is obsolete. */
static size_t
obsolete(struct job *slot, struct job_answer *out)
{
	const struct job none = { .kind = 0 };

	return replace(slot, &none, out);
}

static size_t
add_state(struct jobqueue *q, const struct job *j, struct job_answer *out)
{
	size_t n;

	n = replace(&q->state, j, out);
	if (j->kind != JOB_STOP)
		return n;
	n += obsolete(&q->load, &out[n]);
	return n + obsolete(&q->settle, &out[n]);
}

static size_t
add_load(struct jobqueue *q, const struct job *j, struct job_answer *out)
{
	size_t n;

	n = replace(&q->load, j, out);
	n += obsolete(&q->settle, &out[n]);
	return n + obsolete(&q->prepare, &out[n]);
}

static size_t
add_settle(struct jobqueue *q, const struct job *j, struct job_answer *out)
{
	size_t n;

	n = replace(&q->settle, j, out);
	return n + obsolete(&q->prepare, &out[n]);
}

size_t
jobqueue_add(struct jobqueue *q, const struct job *j,
    struct job_answer out[JOBQUEUE_ANSWERS_MAX])
{
	switch (j->kind) {
	case JOB_START:
	case JOB_STOP:
		return add_state(q, j, out);
	case JOB_LOAD:
		return add_load(q, j, out);
	case JOB_SETTLE:
		return add_settle(q, j, out);
	case JOB_PREPARE:
		return replace(&q->prepare, j, out);
	case JOB_FILL:
		return replace(&q->fill, j, out);
	case JOB_NOTIFY:
		return add_notify(q, j, out);
	case JOB_CHECK:
		if (q->running[LANE_CHECK].kind != 0 || q->check.kind != 0)
			return answer(out, j, JOB_SUPERSEDED, false);
		q->check = *j;
		return 0;
	case JOB_QUERY:
		return replace(&q->query, j, out);
	default:
		assert(false);
		return 0;
	}
}

static bool
take(struct job *slot, struct job *running, struct job *out)
{
	if (slot->kind == 0)
		return false;
	*running = *slot;
	*out = *slot;
	*slot = (struct job){ 0 };
	return true;
}

/* Stop, load, start: a service never sees data being exchanged. */
static bool
next_service(struct jobqueue *q, struct job *running, struct job *out)
{
	if (q->state.kind == JOB_STOP)
		return take(&q->state, running, out);
	if (q->load.kind != 0)
		return q->running[LANE_PREPARE].kind == 0 &&
		    take(&q->load, running, out);
	if (take(&q->state, running, out)) {
		q->up = true;
		return true;
	}
	return take(&q->query, running, out) ||
	    (q->running[LANE_PREPARE].kind == 0 &&
	    take(&q->settle, running, out));
}

static bool
next_prepare(struct jobqueue *q, struct job *running, struct job *out)
{
	const uint32_t kind = q->running[LANE_SERVICE].kind;

	return q->load.kind == 0 && q->settle.kind == 0 &&
	    kind != JOB_LOAD && kind != JOB_SETTLE &&
	    take(&q->prepare, running, out);
}

bool
jobqueue_next(struct jobqueue *q, enum lane lane, struct job *out)
{
	struct job *running;

	running = &q->running[lane];
	if (running->kind != 0)
		return false;
	switch (lane) {
	case LANE_SERVICE:
		return next_service(q, running, out);
	case LANE_PREPARE:
		return next_prepare(q, running, out);
	case LANE_FILL:
		return take(&q->fill, running, out);
	case LANE_CHECK:
		return take(&q->check, running, out);
	case LANE_NOTIFY:
		if (!take(&q->notify[0], running, out))
			return false;
		q->nnotify--;
		memmove(&q->notify[0], &q->notify[1],
		    q->nnotify * sizeof(q->notify[0]));
		q->notify[q->nnotify] = (struct job){ 0 };
		return true;
	default:
		return false;
	}
}

size_t
jobqueue_done(struct jobqueue *q, enum lane lane, uint32_t result,
    struct job_answer out[JOBQUEUE_ANSWERS_MAX])
{
	struct job ran;
	size_t n;

	ran = q->running[lane];
	q->running[lane] = (struct job){ 0 };
	if (ran.kind == 0)
		return 0;
	n = answer(&out[0], &ran, result, true);
	if (ran.kind == JOB_STOP && result == JOB_OK)
		q->up = false;
	/*
	 * What waits asks for the state just reached: done as well.  After a
	 * failure it is tried, a later wish is worth a second attempt.
	 */
	if (lane == LANE_SERVICE && result == JOB_OK &&
	    q->state.kind == ran.kind) {
		n += answer(&out[n], &q->state, result, false);
		q->state = (struct job){ 0 };
	}
	return n;
}

void
jobqueue_forget(struct jobqueue *q)
{
	size_t i;

	/* A change of role that happened is told to the hooks all the same. */
	for (i = 0; i < q->nnotify; i++)
		q->notify[i].answer = false;
	for (i = 0; i < LANE_COUNT; i++)
		if (i != LANE_FILL)
			q->running[i].answer = false;
	q->state = (struct job){ 0 };
	q->query = (struct job){ 0 };
	q->check = (struct job){ 0 };
	q->load = (struct job){ 0 };
	q->settle = (struct job){ 0 };
	q->prepare = (struct job){ 0 };
}

void
jobqueue_forget_fill(struct jobqueue *q)
{
	q->running[LANE_FILL].answer = false;
	q->fill = (struct job){ 0 };
}

bool
jobqueue_refuses(const struct jobqueue *q, uint32_t kind, bool active)
{
	switch (kind) {
	case JOB_LOAD:
		return q->up;
	case JOB_SETTLE:
		return q->up || active;
	default:
		return false;
	}
}

bool
jobqueue_ends_prepare(const struct jobqueue *q)
{
	return q->running[LANE_PREPARE].kind != 0 &&
	    (q->load.kind != 0 || q->settle.kind != 0);
}

bool
jobqueue_idle(const struct jobqueue *q)
{
	return q->running[LANE_SERVICE].kind == 0 && q->state.kind == 0 &&
	    q->load.kind == 0 && q->settle.kind == 0 &&
	    q->running[LANE_NOTIFY].kind == 0 && q->nnotify == 0;
}
