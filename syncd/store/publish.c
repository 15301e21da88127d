/* SPDX-License-Identifier: ISC */

/*
 * The active node's next generation.  Called by the mirror, under the lock.
 * Must never write one (term, node, generation) twice (I3).
 */

#include <assert.h>
#include <string.h>

#include "commit.h"

/*
 * I3: not where this epoch wrote before it was parked.  An empty store goes
 * on above that, and in no history is one the continuation of the other.
 */
static enum store_result
check_spent(struct store *s, const struct epoch *e)
{
	const struct epoch *head = &s->head.h.position.epoch;

	if (epoch_cmp(e, head) < 0)
		return fail(s, STORE_STALE, "term %u of node %u is below the "
		    "head's", e->term, e->node);
	if (s->head.h.position.generation == 0 &&
	    epoch_cmp(e, &s->head.spent) == 0)
		return STORE_OK;
	if (s->head.spent_generation > s->head.h.position.generation &&
	    epoch_cmp(e, &s->head.spent) <= 0)
		return fail(s, STORE_STALE, "term %u of node %u wrote "
		    "generations that are parked: take a new term", e->term,
		    e->node);
	return STORE_OK;
}

/* Only what really changes. */
static struct delta *
changes(const struct tree *old, const struct delta *d)
{
	struct delta *to = delta_new();
	const char *wrong = NULL;
	const struct entry *is;
	struct change c;
	size_t i;

	for (i = 0; to != NULL && wrong == NULL && i < delta_count(d); i++) {
		c = delta_at(d, i);
		is = tree_find(old, c.entry->path);
		if (c.drop && is != NULL)
			wrong = delta_drop(to, c.entry->path);
		else if (!c.drop && (is == NULL ||
		    !entry_equal(is, c.entry)))
			wrong = delta_put(to, c.entry);
	}
	if (wrong == NULL)
		return to;
	delta_free(to);
	return NULL;
}

static bool
want_full(const struct store *s, const struct delta *d)
{
	const struct head_file *f = &s->head;

	return f->h.full == 0 ||
	    f->h.position.generation + 1 - f->h.full >= FULL_EVERY ||
	    f->delta_size > f->full_size + 65536 ||
	    delta_count(d) > tree_count(s->tree);
}

static bool
write_text(struct store *s, struct manifest_header *h, const struct delta *d)
{
	h->full = want_full(s, d);
	h->entries = tree_count(s->tree);
	h->bytes = tree_bytes(s->tree);
	if (h->full)
		return manifest_write_full(&s->text, h, s->tree);
	return manifest_write_delta(&s->text, h, s->tree, d);
}

static enum store_result
write_generation(struct store *s, struct manifest_header *h,
    const struct delta *d, struct store_commit *c)
{
	struct history_list history = s->history;
	struct generation g = { .header = h, .complete = true };
	struct history_item item = { h->epoch, h->generation, h->previous };
	enum store_result r;

	if (!write_text(s, h, d))
		return fail(s, STORE_ERROR, "no memory for a manifest");
	g.text = s->text.text;
	g.len = s->text.len;
	hash_chain(&h->previous, g.text, g.len, &g.head);
	if (epoch_cmp(&h->epoch, &s->head.h.position.epoch) != 0 &&
	    !history_add(&history, &item))
		return fail(s, STORE_REFUSED, "history cannot go on with "
		    "this term");
	r = commit_write(s, &g, 1, &history);
	if (r != STORE_OK)
		return r;
	s->tree_head = g.head;
	*c = (struct store_commit){ .position = s->head.h.position,
	    .text = g.text, .len = g.len, .full = h->full };
	return STORE_OK;
}

/* s->tree has been brought along already; the caller drops it on failure. */
static enum store_result
publish(struct store *s, const struct epoch *e, int64_t time_ns,
    const struct delta *d, struct store_commit *c)
{
	const struct position *p = &s->head.h.position;
	struct manifest_header h = { .epoch = *e,
	    .generation = p->generation + 1, .previous = p->head,
	    .time_ns = time_ns < 0 ? 0 : time_ns };
	enum store_result r;
	int fd;

	(void)gone_first(s, e, &h.generation, &h.previous);
	memcpy(h.pair, s->pair, sizeof(h.pair));
	r = commit_objects(s, s->tree, d);
	if (r != STORE_OK)
		return r;
	fd = epoch_hold(s, false);
	if (fd == -1)
		return fail_errno(s, "epoch.lock");
	r = commit_epoch(s, e);
	if (r == STORE_OK)
		r = write_generation(s, &h, d, c);
	epoch_let_go(fd);
	return r;
}

static enum store_result
publish_changes(struct store *s, const struct epoch *e, int64_t time_ns,
    const struct delta *d, struct store_commit *c)
{
	enum store_result r;
	const char *wrong;

	if (delta_count(d) == 0 && s->head.h.position.generation > 0) {
		*c = (struct store_commit){ .position = s->head.h.position };
		return STORE_OK;
	}
	wrong = tree_apply(s->tree, d);
	if (wrong != NULL)
		return fail(s, STORE_REFUSED, "%s", wrong);
	r = publish(s, e, time_ns, d, c);
	if (r != STORE_OK) {
		/* HEAD may be new though its directory failed to sync. */
		drop_tree(s);
		if ((r == STORE_ERROR || r == STORE_SPACE) &&
		    head_read(s) == STORE_OK)
			(void)history_read(s);
	}
	return r;
}

enum store_result
store_publish(struct store *s, const struct epoch *e, int64_t time_ns,
    const struct delta *d, const struct tree *t, struct store_commit *c)
{
	enum store_result r;
	struct delta *change;
	const char *wrong;

	assert(s->locked);
	assert((d == NULL) != (t == NULL));
	*c = (struct store_commit){ .len = 0 };
	if (s->damaged)
		return fail(s, STORE_DAMAGED, "store must be repaired first");
	r = check_spent(s, e);
	if (r != STORE_OK)
		return r;
	if (store_tree(s) == NULL)
		return STORE_DAMAGED;
	wrong = t != NULL ? tree_check(t) : NULL;
	if (wrong != NULL)
		return fail(s, STORE_REFUSED, "%s", wrong);
	store_receive_abort(s);
	change = t != NULL ? tree_diff(s->tree, t) : changes(s->tree, d);
	if (change == NULL)
		return fail(s, STORE_ERROR, "no memory for a delta");
	r = publish_changes(s, e, time_ns, change, c);
	delta_free(change);
	return r;
}
