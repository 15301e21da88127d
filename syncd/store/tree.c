/* SPDX-License-Identifier: ISC */

/*
 * The tree of a generation in memory: a sorted table of pointers, so that one
 * change among 100 000 entries is a search and at most one memmove.  Pure.
 */

#include <stdlib.h>
#include <string.h>

#include "tree.h"

struct tree *
tree_new(void)
{
	return calloc(1, sizeof(struct tree));
}

void
tree_free(struct tree *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		free(t->at[i]);
	free(t->at);
	free(t);
}

struct tree *
tree_copy(const struct tree *t)
{
	struct tree *to = tree_new();
	size_t i;

	if (to == NULL || !tree_room(to, t->n)) {
		tree_free(to);
		return NULL;
	}
	for (i = 0; i < t->n; i++) {
		to->at[i] = entry_copy(t->at[i]);
		if (to->at[i] == NULL) {
			tree_free(to);
			return NULL;
		}
		to->n++;
	}
	to->bytes = t->bytes;
	return to;
}

bool
tree_room(struct tree *t, size_t n)
{
	struct entry **at;
	size_t size = t->size == 0 ? 64 : t->size;

	if (n <= t->size)
		return true;
	while (size < n)
		size *= 2;
	at = reallocarray(t->at, size, sizeof(*at));
	if (at == NULL)
		return false;
	t->at = at;
	t->size = size;
	return true;
}

size_t
tree_count(const struct tree *t)
{
	return t->n;
}

uint64_t
tree_bytes(const struct tree *t)
{
	return t->bytes;
}

const struct entry *
tree_at(const struct tree *t, size_t i)
{
	return i < t->n ? t->at[i] : NULL;
}

bool
tree_search(const struct tree *t, const char *path, size_t *at)
{
	size_t low = 0, high = t->n, mid;
	int order;

	/* A sorted walk always adds at the end. */
	if (t->n > 0 && path_cmp(t->at[t->n - 1]->path, path) < 0)
		low = high;
	while (low < high) {
		mid = low + (high - low) / 2;
		order = path_cmp(t->at[mid]->path, path);
		if (order == 0) {
			*at = mid;
			return true;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return false;
}

const struct entry *
tree_find(const struct tree *t, const char *path)
{
	size_t at;

	return tree_search(t, path, &at) ? t->at[at] : NULL;
}

size_t
tree_lower(const struct tree *t, const char *path)
{
	size_t at;

	(void)tree_search(t, path, &at);
	return at;
}

void
tree_set(struct tree *t, struct entry *e)
{
	size_t at;

	if (tree_search(t, e->path, &at)) {
		t->bytes -= entry_bytes(t->at[at]);
		free(t->at[at]);
	} else {
		memmove(&t->at[at + 1], &t->at[at],
		    (t->n - at) * sizeof(t->at[0]));
		t->n++;
	}
	t->at[at] = e;
	t->bytes += entry_bytes(e);
}

const char *
tree_put(struct tree *t, const struct entry *e)
{
	const char *wrong = entry_check(e);
	struct entry *copy;

	if (wrong != NULL)
		return wrong;
	if (t->n >= MANIFEST_ENTRIES_MAX)
		return "tree has too many entries";
	if (t->bytes + entry_bytes(e) >= ENTRY_BYTES_MAX)
		return "tree has an impossible size";
	copy = entry_copy(e);
	if (copy == NULL || !tree_room(t, t->n + 1)) {
		free(copy);
		return "no memory for an entry";
	}
	tree_set(t, copy);
	return NULL;
}

bool
tree_drop(struct tree *t, const char *path)
{
	size_t at;

	if (!tree_search(t, path, &at))
		return false;
	t->bytes -= entry_bytes(t->at[at]);
	free(t->at[at]);
	t->n--;
	memmove(&t->at[at], &t->at[at + 1], (t->n - at) * sizeof(t->at[0]));
	return true;
}

const char *
tree_check(const struct tree *t)
{
	struct lineage *l = calloc(1, sizeof(*l));
	const char *wrong = NULL;
	size_t i;

	if (l == NULL)
		return "no memory to check a tree";
	for (i = 0; i < t->n && wrong == NULL; i++)
		wrong = lineage_next(l, t->at[i]);
	free(l);
	return wrong;
}
