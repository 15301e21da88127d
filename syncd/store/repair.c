/* SPDX-License-Identifier: ISC */

/*
 * When our own files do not verify: back to the newest generation that does.
 * By hand or by the mirror's decision, under the lock.  Must never go on
 * from something it did not read whole.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

static bool
objects_good(struct store *s, const struct tree *t)
{
	const struct entry *e;
	size_t i;

	for (i = 0; i < tree_count(t); i++) {
		e = tree_at(t, i);
		if (entry_has_object(e) &&
		    store_verify(s, &e->object) != STORE_OK)
			return false;
	}
	return true;
}

/* Its manifests verify up to a full one; whole: so do all objects. */
static bool
is_good(struct store *s, const struct chain *c, uint64_t at, bool whole)
{
	struct tree *t = NULL;
	bool good;

	good = load_chain(s, s->dir[DIR_MANIFESTS], c, at, &t) == STORE_OK &&
	    (!whole || objects_good(s, t));
	tree_free(t);
	return good;
}

/* Pretends that it is the head, makes its chain, loads and reads all. */
static bool
try_head(struct store *s, uint64_t generation, const struct hash *head,
    bool whole)
{
	struct chain c = { .fd = -1 };
	bool good = false;
	struct link l;
	uint64_t at;

	s->head.h.position.generation = generation;
	s->head.h.position.head = *head;
	if (recover_chain(s) != STORE_OK)
		return false;
	if (chain_open(&c, s->dir[DIR_ROOT], "chain", false) == 0 &&
	    chain_find(&c, generation, &at) && chain_read(&c, at, &l) &&
	    is_good(s, &c, at, whole)) {
		s->head = head_from(s, &l);
		good = true;
	}
	chain_close(&c);
	return good;
}

/* As far as the chain tells: each record that begins a new epoch. */
static bool
make_history(struct store *s, struct history_list *h)
{
	struct history_item item;
	struct chain c;
	struct link l;
	uint64_t i;
	bool good;

	h->n = 0;
	good = chain_open(&c, s->dir[DIR_ROOT], "chain", false) == 0;
	for (i = 0; i < c.n && good; i++) {
		good = chain_read(&c, i, &l);
		if (!good || (h->n > 0 &&
		    epoch_cmp(&h->item[h->n - 1].epoch, &l.epoch) == 0))
			continue;
		item = (struct history_item){ l.epoch, l.generation,
		    l.previous };
		good = history_add(h, &item);
	}
	chain_close(&c);
	return good;
}

/* The file itself if it verifies, for it knows what the chain forgot. */
static enum store_result
repair_history(struct store *s)
{
	struct history_list h;

	if (history_read(s) == STORE_OK) {
		h = s->history;
		return s->history_cut ? history_write(s, &h) : STORE_OK;
	}
	if (!make_history(s, &h))
		return fail(s, STORE_DAMAGED, "history cannot be made anew");
	return history_write(s, &h);
}

static enum store_result
repair_epoch(struct store *s)
{
	struct epoch e;
	char body[64];

	if (epoch_read(s, &e) != STORE_DAMAGED)
		return STORE_OK;
	e = s->head.h.position.epoch;
	(void)fmt_into(body, sizeof(body), "term %u\nnode %u\n", e.term,
	    e.node);
	if (record_write(s->dir[DIR_ROOT], "EPOCH", "vipair epoch 1", body,
	    "epoch") == -1)
		return fail_errno(s, "EPOCH");
	return STORE_OK;
}

static enum store_result
settle(struct store *s)
{
	struct head_file f = s->head;
	enum store_result r = head_publish(s, &f);

	if (r == STORE_OK)
		r = repair_history(s);
	if (r == STORE_OK)
		r = repair_epoch(s);
	drop_tree(s);
	s->damaged = r != STORE_OK;
	return r == STORE_OK ? recover(s) : r;
}

/* From the newest down; false: none. */
static bool
find_head(struct store *s, char **list, size_t n, bool whole)
{
	uint64_t generation;
	struct hash head;

	while (n-- > 0)
		if (manifest_parse_name(list[n], &generation, &head) &&
		    try_head(s, generation, &head, whole))
			return true;
	return false;
}

/*
 * Nothing is dropped because HEAD is lost: what is not under the new one is
 * set aside.  I3: its epoch has written that far.
 */
static enum store_result
leave_above(struct store *s, char **list, size_t n, uint64_t *newest)
{
	const struct position *p = &s->head.h.position;
	struct store_branch b;
	uint64_t generation;
	struct hash head;
	size_t cursor = 0;
	struct link l;

	*newest = p->generation;
	while (n-- > 0) {
		if (!manifest_parse_name(list[n], &generation, &head))
			continue;
		if (generation <= p->generation)
			break;
		if (generation > *newest)
			*newest = generation;
		if (read_link(s, list[n], &l))
			head_spend(&s->head, &l.epoch, generation);
		if (aside_put(s, s->dir[DIR_MANIFESTS], list[n]) == -1)
			return fail_errno(s, "manifest");
	}
	while (store_branches(s, &cursor, &b))
		head_spend(&s->head, &b.position.epoch,
		    b.position.generation);
	return STORE_OK;
}

enum store_result
store_repair(struct store *s, uint64_t *lost)
{
	struct head_file was = s->head;
	enum store_result r = STORE_OK;
	uint64_t newest = 0;
	char **list;
	size_t n;

	assert(s->locked);
	upkeep_reset(s);
	list = file_list(s->dir[DIR_MANIFESTS], &n);
	if (list == NULL)
		return fail_errno(s, "manifests");
	if (!find_head(s, list, n, true)) {
		if (find_head(s, list, n, false))
			r = lost_mark(s);
		else
			s->head = (struct head_file){ .spent = was.spent,
			    .spent_generation = was.spent_generation };
	}
	if (r == STORE_OK)
		r = leave_above(s, list, n, &newest);
	free(list);
	if (r == STORE_OK && s->head.h.position.generation == 0)
		r = recover_chain(s);
	if (r != STORE_OK)
		return r;
	*lost = newest - s->head.h.position.generation;
	return settle(s);
}
