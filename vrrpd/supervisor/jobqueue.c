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

size_t
jobqueue_add(struct jobqueue *q, const struct job *j,
    struct job_answer out[JOBQUEUE_ANSWERS_MAX])
{
	assert(j->kind >= JOB_START);
	assert(j->kind <= JOB_QUERY);

	switch (j->kind) {
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
		return replace(&q->state, j, out);
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

bool
jobqueue_next(struct jobqueue *q, enum lane lane, struct job *out)
{
	struct job *running;

	running = &q->running[lane];
	if (running->kind != 0)
		return false;
	switch (lane) {
	case LANE_SERVICE:
		return take(&q->state, running, out) ||
		    take(&q->query, running, out);
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
		q->running[i].answer = false;
	q->state = (struct job){ 0 };
	q->query = (struct job){ 0 };
	q->check = (struct job){ 0 };
}

bool
jobqueue_idle(const struct jobqueue *q)
{
	return q->running[LANE_SERVICE].kind == 0 && q->state.kind == 0 &&
	    q->running[LANE_NOTIFY].kind == 0 && q->nnotify == 0;
}
