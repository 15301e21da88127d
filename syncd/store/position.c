/* SPDX-License-Identifier: ISC */

/*
 * Epochs, positions, histories: comparing what two nodes know.  Pure; called
 * by every room of syncd.  Must never call two branches one.
 */

#include <string.h>

#include "position.h"

int
epoch_cmp(const struct epoch *a, const struct epoch *b)
{
	if (a->term != b->term)
		return a->term < b->term ? -1 : 1;
	/* The better rank, the lower id, is the higher epoch. */
	if (a->node != b->node)
		return a->node > b->node ? -1 : 1;
	return 0;
}

bool
epoch_believable(const struct epoch *e, uint32_t known_term)
{
	if (e->term == 0 || e->term > INT32_MAX || e->node > EPOCH_NODE_MAX)
		return false;
	return e->term <= known_term || e->term - known_term <= EPOCH_LEAP_MAX;
}

bool
position_equal(const struct position *a, const struct position *b)
{
	return epoch_cmp(&a->epoch, &b->epoch) == 0 &&
	    a->generation == b->generation && hash_equal(&a->head, &b->head);
}

static bool
item_equal(const struct history_item *a, const struct history_item *b)
{
	return epoch_cmp(&a->epoch, &b->epoch) == 0 && a->first == b->first &&
	    hash_equal(&a->parent, &b->parent);
}

/* NULL when b may come after a; a NULL: b is the first. */
static const char *
item_check(const struct history_item *a, const struct history_item *b)
{
	if (b->epoch.term == 0 || b->epoch.term > INT32_MAX)
		return "history has a term out of range";
	if (b->epoch.node > EPOCH_NODE_MAX)
		return "history has a node out of range";
	if (b->first == 0)
		return "history has an epoch that begins at generation 0";
	if ((b->first == 1) != hash_is_zero(&b->parent))
		return "history has a parent that does not fit its generation";
	if (a == NULL)
		return NULL;
	if (epoch_cmp(&a->epoch, &b->epoch) >= 0)
		return "history has an epoch that does not rise";
	if (a->first >= b->first)
		return "history has a generation that does not rise";
	return NULL;
}

const char *
history_check(const struct history_list *h)
{
	const char *wrong;
	uint32_t i;

	if (h->n > HISTORY_ITEMS_MAX)
		return "history has too many epochs";
	for (i = 0; i < h->n; i++) {
		wrong = item_check(i == 0 ? NULL : &h->item[i - 1],
		    &h->item[i]);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

bool
history_add(struct history_list *h, const struct history_item *i)
{
	if (item_check(h->n == 0 ? NULL : &h->item[h->n - 1], i) != NULL)
		return false;
	if (h->n == HISTORY_ITEMS_MAX) {
		memmove(&h->item[0], &h->item[1],
		    (HISTORY_ITEMS_MAX - 1) * sizeof(h->item[0]));
		h->n--;
	}
	h->item[h->n++] = *i;
	return true;
}

void
history_cut(struct history_list *h, uint64_t generation)
{
	while (h->n > 0 && h->item[h->n - 1].first > generation)
		h->n--;
}

const struct history_item *
history_at(const struct history_list *h, uint64_t generation)
{
	uint32_t i;

	for (i = h->n; i > 0; i--)
		if (h->item[i - 1].first <= generation)
			return &h->item[i - 1];
	return NULL;
}

/* The last generation of item i, given the head's. */
static uint64_t
item_end(const struct history_list *h, uint32_t i, uint64_t head)
{
	return i + 1 < h->n ? h->item[i + 1].first - 1 : head;
}

/* The newest item both have; false: none. */
static bool
common_item(const struct history_list *a, const struct history_list *b,
    uint32_t *i, uint32_t *j)
{
	for (*i = a->n; (*i)-- > 0;)
		for (*j = b->n; (*j)-- > 0;)
			if (item_equal(&a->item[*i], &b->item[*j]))
				return true;
	return false;
}

enum kinship
position_kin(const struct position *mine, const struct history_list *mine_h,
    const struct position *theirs, const struct history_list *theirs_h,
    uint64_t *fork)
{
	uint64_t end, their_end;
	uint32_t i, j;

	*fork = 0;
	if (mine->generation == theirs->generation &&
	    hash_equal(&mine->head, &theirs->head)) {
		*fork = mine->generation;
		return KIN_SAME;
	}
	if (mine->generation == 0)
		return KIN_BEHIND;
	if (theirs->generation == 0)
		return KIN_AHEAD;
	if (!common_item(mine_h, theirs_h, &i, &j))
		return KIN_STRANGERS;
	end = item_end(mine_h, i, mine->generation);
	their_end = item_end(theirs_h, j, theirs->generation);
	*fork = end < their_end ? end : their_end;
	if (*fork == mine->generation && *fork == theirs->generation) {
		/* One epoch, one generation, two heads: I3 was broken. */
		*fork = mine_h->item[i].first - 1;
		return *fork == 0 ? KIN_STRANGERS : KIN_FORKED;
	}
	if (*fork == mine->generation)
		return KIN_BEHIND;
	return *fork == theirs->generation ? KIN_AHEAD : KIN_FORKED;
}
