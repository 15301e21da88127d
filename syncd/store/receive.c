/* SPDX-License-Identifier: ISC */

/*
 * What a partner sent becomes ours: receiver, under the lock.  The text is
 * hostile until it was read, applied and hashed; nothing of it is on disk
 * before the commit.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"

void
store_receive_abort(struct store *s)
{
	if (s->nwaiting > 0)
		drop_tree(s);
	while (s->nwaiting > 0) {
		s->nwaiting--;
		free(s->waiting[s->nwaiting].text);
		delta_free(s->waiting[s->nwaiting].delta);
	}
	free(s->waiting);
	s->waiting = NULL;
	s->jump = false;
}

/* The head the next manifest must follow. */
static struct position
tip(const struct store *s)
{
	const struct waiting *w;

	if (s->nwaiting == 0)
		return s->head.h.position;
	w = &s->waiting[s->nwaiting - 1];
	return (struct position){ w->header.epoch, w->header.generation,
	    w->head };
}

/* F4, and that terms never fall along a chain. */
static enum store_result
check_follows(struct store *s, const struct manifest_header *h, bool jump)
{
	struct position p = tip(s);

	if (strcmp(h->pair, s->pair) != 0)
		return fail(s, STORE_REFUSED, "manifest is of another pair");
	if (epoch_cmp(&h->epoch, &p.epoch) < 0)
		return fail(s, STORE_STALE, "manifest has a term below the "
		    "head's");
	if (jump)
		return h->full && h->generation > p.generation ? STORE_OK :
		    fail(s, STORE_REFUSED, "only a full manifest of a higher "
		    "generation can jump");
	if (h->generation != p.generation + 1 ||
	    !hash_equal(&h->previous, &p.head))
		return fail(s, STORE_FORK, "manifest follows another head "
		    "than ours, generation %llu",
		    (unsigned long long)p.generation);
	if (p.generation == 0 && !h->full)
		return fail(s, STORE_REFUSED, "first manifest must be full");
	return STORE_OK;
}

static enum store_result
apply(struct store *s, const struct manifest_header *h, struct tree **full,
    const struct delta *d)
{
	const char *wrong;

	if (*full != NULL) {
		drop_tree(s);
		s->tree = *full;
		*full = NULL;
		return STORE_OK;
	}
	if (s->nwaiting == 0 && store_tree(s) == NULL)
		return STORE_DAMAGED;
	if (s->tree == NULL)
		return fail(s, STORE_REFUSED, "nothing to apply it to");
	wrong = tree_apply(s->tree, d);
	if (wrong == NULL && (tree_count(s->tree) != h->entries ||
	    tree_bytes(s->tree) != h->bytes))
		wrong = "sums are not what the header says";
	if (wrong == NULL)
		return STORE_OK;
	drop_tree(s);
	return fail(s, STORE_REFUSED, "manifest: %s", wrong);
}

static enum store_result
keep(struct store *s, const struct manifest_header *h, const void *text,
    size_t len, struct delta *d)
{
	struct waiting *grown, w = { .header = *h, .len = len, .delta = d };

	grown = s->nwaiting >= WAITING_MAX ? NULL :
	    reallocarray(s->waiting, s->nwaiting + 1, sizeof(*grown));
	if (grown != NULL)
		s->waiting = grown;
	w.text = grown == NULL ? NULL : malloc(len);
	if (w.text == NULL) {
		delta_free(d);
		return fail(s, STORE_REFUSED, "too many manifests wait for "
		    "their commit");
	}
	memcpy(w.text, text, len);
	hash_chain(&h->previous, text, len, &w.head);
	s->waiting[s->nwaiting++] = w;
	s->tree_head = w.head;
	return STORE_OK;
}

static enum store_result
receive(struct store *s, const void *text, size_t len, bool jump)
{
	char error[MANIFEST_ERROR_MAX];
	struct manifest_header h;
	enum store_result r;
	struct delta *d;
	struct hash head;
	struct tree *full;

	if (!manifest_read(text, len, &h, &full, &d, NULL, error))
		return fail(s, STORE_REFUSED, "%s", error);
	hash_chain(&h.previous, text, len, &head);
	if (s->nwaiting == 0 && hash_equal(&head, &s->head.h.position.head))
		r = STORE_OK;		/* idempotent: we have it */
	else {
		r = check_follows(s, &h, jump);
		if (r == STORE_OK)
			r = apply(s, &h, &full, d);
		if (r == STORE_OK) {
			r = keep(s, &h, text, len, d);
			d = NULL;
		}
	}
	tree_free(full);
	delta_free(d);
	return r;
}

enum store_result
store_receive(struct store *s, const void *text, size_t len)
{
	enum store_result r;

	assert(s->locked);
	if (s->damaged)
		return fail(s, STORE_DAMAGED, "store must be repaired first");
	r = receive(s, text, len, false);
	if (r != STORE_OK)
		store_receive_abort(s);
	return r;
}

/* Is our head in the partner's past? */
static enum store_result
check_past(struct store *s, const struct history_list *theirs,
    const struct manifest_header *h)
{
	const struct position *p = &s->head.h.position;
	const struct history_item *ours, *same, *last;
	const char *wrong = history_check(theirs);

	if (wrong != NULL)
		return fail(s, STORE_REFUSED, "%s", wrong);
	last = history_at(theirs, h->generation);
	if (last == NULL || epoch_cmp(&last->epoch, &h->epoch) != 0 ||
	    (last->first == h->generation &&
	    !hash_equal(&last->parent, &h->previous)))
		return fail(s, STORE_REFUSED, "manifest and history are not "
		    "of one chain");
	if (p->generation == 0)
		return STORE_OK;
	ours = history_at(&s->history, p->generation);
	same = history_at(theirs, p->generation);
	if (ours == NULL || same == NULL || ours->first != same->first ||
	    epoch_cmp(&ours->epoch, &same->epoch) != 0 ||
	    !hash_equal(&ours->parent, &same->parent))
		return fail(s, STORE_FORK, "our head is not in the partner's "
		    "past: park it first");
	return STORE_OK;
}

enum store_result
store_receive_jump(struct store *s, const void *text, size_t len,
    const struct history_list *theirs)
{
	enum store_result r;

	assert(s->locked);
	store_receive_abort(s);
	if (s->damaged)
		return fail(s, STORE_DAMAGED, "store must be repaired first");
	r = receive(s, text, len, true);
	if (r == STORE_OK && s->nwaiting == 1) {
		s->jump = true;
		s->jump_history = *theirs;
		history_cut(&s->jump_history,
		    s->waiting[0].header.generation);
		r = check_past(s, theirs, &s->waiting[0].header);
	}
	if (r != STORE_OK)
		store_receive_abort(s);
	return r;
}

/* The last generation is complete only if all its objects are here. */
static enum store_result
check_objects(struct store *s)
{
	if (s->nwaiting == 1 && s->waiting[0].delta != NULL &&
	    !s->lost)
		return commit_objects(s, s->tree, s->waiting[0].delta);
	return commit_objects(s, s->tree, NULL);
}

static enum store_result
next_history(struct store *s, struct history_list *h)
{
	struct epoch last = s->head.h.position.epoch;
	const struct manifest_header *m;
	size_t i;

	/* The first of a jump is in their history already. */
	*h = s->jump ? s->jump_history : s->history;
	if (s->jump)
		last = s->waiting[0].header.epoch;
	for (i = s->jump ? 1 : 0; i < s->nwaiting; i++) {
		m = &s->waiting[i].header;
		if (epoch_cmp(&m->epoch, &last) != 0 && !history_add(h,
		    &(struct history_item){ m->epoch, m->generation,
		    m->previous }))
			return fail(s, STORE_REFUSED, "history cannot go on "
			    "with this term");
		last = m->epoch;
	}
	return STORE_OK;
}

static enum store_result
write_waiting(struct store *s)
{
	struct generation *g = calloc(s->nwaiting, sizeof(*g));
	struct history_list history;
	enum store_result r;
	size_t i;

	if (g == NULL)
		return fail_errno(s, "commit");
	for (i = 0; i < s->nwaiting; i++)
		g[i] = (struct generation){ .header = &s->waiting[i].header,
		    .head = s->waiting[i].head, .text = s->waiting[i].text,
		    .len = s->waiting[i].len,
		    .complete = i + 1 == s->nwaiting };
	r = next_history(s, &history);
	if (r == STORE_OK)
		r = commit_write(s, g, s->nwaiting, &history);
	free(g);
	return r;
}

static enum store_result
commit_held(struct store *s, const struct epoch *e)
{
	const struct manifest_header *last;
	enum store_result r = commit_epoch(s, e);

	if (r != STORE_OK || s->nwaiting == 0)
		return r;
	last = &s->waiting[s->nwaiting - 1].header;
	if (epoch_cmp(&last->epoch, e) > 0)
		return fail(s, STORE_REFUSED, "manifest has a term above the "
		    "sender's");
	if (s->head.spent_generation >= last->generation &&
	    epoch_cmp(&last->epoch, &s->head.spent) == 0)
		return fail(s, STORE_REFUSED, "this term wrote a generation "
		    "%llu that is parked",
		    (unsigned long long)last->generation);
	r = check_objects(s);
	return r == STORE_OK ? write_waiting(s) : r;
}

/* Committed: the tree stays, the texts go. */
static void
settle(struct store *s, struct store_commit *c)
{
	struct tree *t = s->tree;

	*c = (struct store_commit){ .position = s->head.h.position };
	if (s->nwaiting == 0)
		return;
	s->tree = NULL;
	store_receive_abort(s);
	s->tree = t;
	s->tree_head = s->head.h.position.head;
}

enum store_result
store_commit(struct store *s, const struct epoch *e, struct store_commit *c)
{
	enum store_result r;
	int fd;

	assert(s->locked);
	*c = (struct store_commit){ .position = s->head.h.position };
	fd = epoch_hold(s, false);
	if (fd == -1)
		return fail_errno(s, "epoch.lock");
	r = commit_held(s, e);
	epoch_let_go(fd);
	if (r == STORE_OK) {
		settle(s, c);
		(void)store_lost_check(s);
		return r;
	}
	if (r == STORE_MISSING)
		return r;		/* what is missing may still come */
	store_receive_abort(s);
	if ((r == STORE_ERROR || r == STORE_SPACE) &&
	    head_read(s) == STORE_OK)
		(void)history_read(s);
	return r;
}

/* Entry i of what waits: a delta's change or an entry of the whole tree. */
static const struct entry *
needed(const struct store *s, size_t i, size_t *n)
{
	const struct delta *d;
	struct change c;

	if (s->nwaiting == 0) {
		*n = 0;
		return NULL;
	}
	d = s->nwaiting == 1 && !s->lost ? s->waiting[0].delta : NULL;
	*n = d != NULL ? delta_count(d) : tree_count(s->tree);
	if (i >= *n)
		return NULL;
	if (d == NULL)
		return tree_at(s->tree, i);
	c = delta_at(d, i);
	return c.drop ? NULL : c.entry;
}

bool
store_missing(struct store *s, size_t *i, struct hash *h, uint64_t *size)
{
	const struct entry *e;
	uint64_t is;
	size_t n;

	for (;;) {
		e = needed(s, *i, &n);
		if (*i >= n)
			return false;
		*i += 1;
		if (e == NULL || !entry_has_object(e) ||
		    object_stat(s, &e->object, &is) == STORE_OK)
			continue;
		*h = e->object;
		*size = e->size;
		return true;
	}
}
