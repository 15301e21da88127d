/* SPDX-License-Identifier: ISC */

/*
 * Simulator: what is under way, in the order of its arrival.  A binary heap
 * of small entries over a fixed pool; of two at the same time the one that
 * was sent first comes first, so that a seed gives one order only.
 */
#include <assert.h>
#include <string.h>

#include "sim.h"

void
queue_init(struct queue *q)
{
	q->n = 0;
	q->pushed = 0;
	q->nfree = HEAP_MAX;
	for (uint32_t i = 0; i < HEAP_MAX; i++)
		q->free[i] = HEAP_MAX - 1 - i;
}

static inline bool
before(const struct heap_entry *a, const struct heap_entry *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->order < b->order;
}

/* The caller fills the rest of the message. */
struct msg *
queue_add(struct world *w, int64_t at, enum msg_kind kind, uint8_t node)
{
	struct queue *q = &w->q;
	struct heap_entry e;
	struct msg *m;
	uint32_t i;

	assert(at >= w->now);
	assert(q->nfree > 0);
	e = (struct heap_entry){ at, q->pushed++, q->free[--q->nfree] };
	for (i = q->n++; i > 0; i = (i - 1) / 2) {
		if (!before(&e, &q->heap[(i - 1) / 2]))
			break;
		q->heap[i] = q->heap[(i - 1) / 2];
	}
	q->heap[i] = e;
	m = &q->pool[e.slot];
	m->at = at;
	m->kind = (uint8_t)kind;
	m->node = node;
	m->life = 0;
	m->n = 0;
	return m;
}

const struct heap_entry *
queue_top(const struct queue *q)
{
	return q->n == 0 ? NULL : &q->heap[0];
}

/* Out of the heap; it stays in the pool until queue_free(). */
const struct msg *
queue_take(struct queue *q)
{
	const struct msg *m;
	struct heap_entry last;
	uint32_t i = 0, child;

	assert(q->n > 0);
	m = &q->pool[q->heap[0].slot];
	last = q->heap[--q->n];
	for (;;) {
		child = 2 * i + 1;
		if (child >= q->n)
			break;
		if (child + 1 < q->n &&
		    before(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!before(&q->heap[child], &last))
			break;
		q->heap[i] = q->heap[child];
		i = child;
	}
	q->heap[i] = last;
	return m;
}

void
queue_free(struct queue *q, const struct msg *m)
{
	q->free[q->nfree++] = (uint32_t)(m - q->pool);
}
