/* SPDX-License-Identifier: ISC */

/*
 * Capture: a large database that is written without a pause would be copied
 * without a pause.  After each reading it is left alone for a few times as
 * long as that took, the waiting for the disk not counted; the last change is
 * never forgotten.
 */

#include <stdlib.h>

#include "take.h"

/* True: the path being taken has changed, but its turn comes later. */
bool
rest_wanted(struct capture *c, const struct node *n)
{
	if (c->urgent || !mono_is_set(n->rest) ||
	    mono_reached(mono_now(), n->rest) ||
	    !dirty_add(&c->resting, c->path))
		return false;
	c->rest_over = mono_first(c->rest_over, n->rest);
	return true;
}

void
rest_after(struct capture *c, struct node *n)
{
	int64_t rest_ns = c->spent_ns * REST_FACTOR;

	if (rest_ns > REST_MAX_NS)
		rest_ns = REST_MAX_NS;
	n->rest = rest_ns < REST_FROM_NS * REST_FACTOR ? MONO_NEVER :
	    mono_after(mono_now(), rest_ns);
}

void
rest_again(struct capture *c, int64_t delay_ns)
{
	const mono_t now = mono_now();

	if (dirty_add(&c->resting, c->path))
		c->rest_over = mono_first(c->rest_over,
		    mono_after(now, delay_ns));
	else
		policy_lost(&c->policy, now);
}

void
rest_end(struct capture *c, mono_t now)
{
	struct dirty_path *p;

	if (!mono_reached(now, c->rest_over))
		return;
	c->rest_over = MONO_NEVER;
	while ((p = dirty_take(&c->resting)) != NULL) {
		if (!dirty_add(&c->dirty, p->path))
			policy_lost(&c->policy, now);
		free(p);
	}
	policy_ready(&c->policy, now);
}
