/* SPDX-License-Identifier: ISC */

/*
 * Changes between two trees.  Applying one costs what it holds, not what the
 * tree holds.  Pure; must never leave a tree half changed.
 */

#include <stdlib.h>
#include <string.h>

#include "tree.h"

/* More comings and goings than this: one merge instead of memmoves. */
#define MOVES_MAX	64

struct step {
	bool		drop;
	struct entry	*entry;
};

struct delta {
	struct step	*at;
	size_t		n, size;
};

struct delta *
delta_new(void)
{
	return calloc(1, sizeof(struct delta));
}

void
delta_clear(struct delta *d)
{
	while (d->n > 0)
		free(d->at[--d->n].entry);
}

void
delta_free(struct delta *d)
{
	if (d == NULL)
		return;
	delta_clear(d);
	free(d->at);
	free(d);
}

size_t
delta_count(const struct delta *d)
{
	return d->n;
}

struct change
delta_at(const struct delta *d, size_t i)
{
	if (i >= d->n)
		return (struct change){ .entry = NULL };
	return (struct change){ .drop = d->at[i].drop,
	    .entry = d->at[i].entry };
}

static bool
search(const struct delta *d, const char *path, size_t *at)
{
	size_t low = 0, high = d->n, mid;
	int order;

	if (d->n > 0 && path_cmp(d->at[d->n - 1].entry->path, path) < 0)
		low = high;
	while (low < high) {
		mid = low + (high - low) / 2;
		order = path_cmp(d->at[mid].entry->path, path);
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

/* Takes e over, also when it fails. */
static const char *
add(struct delta *d, bool drop, struct entry *e)
{
	struct step *grown;
	size_t at, size;

	if (e == NULL)
		return "no memory for a change";
	if (search(d, e->path, &at)) {
		free(d->at[at].entry);
		d->at[at] = (struct step){ .drop = drop, .entry = e };
		return NULL;
	}
	if (d->n == d->size) {
		size = d->size == 0 ? 16 : 2 * d->size;
		grown = reallocarray(d->at, size, sizeof(*grown));
		if (grown == NULL) {
			free(e);
			return "no memory for a change";
		}
		d->at = grown;
		d->size = size;
	}
	memmove(&d->at[at + 1], &d->at[at], (d->n - at) * sizeof(d->at[0]));
	d->at[at] = (struct step){ .drop = drop, .entry = e };
	d->n++;
	return NULL;
}

const char *
delta_put(struct delta *d, const struct entry *e)
{
	const char *wrong = entry_check(e);

	return wrong != NULL ? wrong : add(d, false, entry_copy(e));
}

const char *
delta_drop(struct delta *d, const char *path)
{
	const char *wrong = path_check(path, strlen(path));

	return wrong != NULL ? wrong : add(d, true, entry_path_only(path));
}

struct delta *
tree_diff(const struct tree *old, const struct tree *new)
{
	struct delta *d = delta_new();
	const char *wrong = NULL;
	size_t i = 0, j = 0;
	int order;

	while (d != NULL && wrong == NULL && (i < old->n || j < new->n)) {
		if (i == old->n)
			order = 1;
		else if (j == new->n)
			order = -1;
		else
			order = path_cmp(old->at[i]->path, new->at[j]->path);
		if (order < 0)
			wrong = delta_drop(d, old->at[i++]->path);
		else if (order > 0 || !entry_equal(old->at[i], new->at[j]))
			wrong = delta_put(d, new->at[j]);
		if (order >= 0)
			j++;
		if (order == 0)
			i++;
	}
	if (wrong == NULL)
		return d;
	delta_free(d);
	return NULL;
}

/* What is at path once d is applied: 'd', another type, or 0. */
static int
type_after(const struct tree *t, const struct delta *d, const char *path)
{
	const struct entry *e;
	size_t at;

	if (search(d, path, &at))
		return d->at[at].drop ? 0 : (int)d->at[at].entry->type;
	e = tree_find(t, path);
	return e == NULL ? 0 : (int)e->type;
}

static const char *
check_parent(const struct tree *t, const struct delta *d, const char *path)
{
	char parent[MANIFEST_PATH_MAX + 1];
	size_t len = path_parent(path);

	if (len == 0)
		return NULL;
	memcpy(parent, path, len);
	parent[len] = '\0';
	if (type_after(t, d, parent) != ENTRY_DIR)
		return "path has a parent that is no directory";
	return NULL;
}

/* The directory at index i goes: so must everything below it. */
static const char *
check_below(const struct tree *t, const struct delta *d, size_t i)
{
	const char *dir = t->at[i]->path;
	size_t at, len = strlen(dir);

	for (i++; i < t->n && path_below(t->at[i]->path, dir, len); i++)
		if (!search(d, t->at[i]->path, &at) || !d->at[at].drop)
			return "directory goes but something below it stays";
	return NULL;
}

static const char *
check_step(const struct tree *t, const struct delta *d, const struct step *s)
{
	const char *wrong;
	size_t at;
	bool found = tree_search(t, s->entry->path, &at);

	if (s->drop && !found)
		return "path to drop is not there";
	if (!s->drop) {
		wrong = check_parent(t, d, s->entry->path);
		if (wrong != NULL)
			return wrong;
	}
	if (found && t->at[at]->type == ENTRY_DIR &&
	    (s->drop || s->entry->type != ENTRY_DIR))
		return check_below(t, d, at);
	return NULL;
}

/* Copies of what comes, before anything changes; NULL: no memory. */
static struct entry **
copy_entries(const struct delta *d)
{
	struct entry **copy = calloc(d->n + 1, sizeof(*copy));
	size_t i;

	for (i = 0; copy != NULL && i < d->n; i++) {
		if (d->at[i].drop)
			continue;
		copy[i] = entry_copy(d->at[i].entry);
		if (copy[i] != NULL)
			continue;
		while (i-- > 0)
			free(copy[i]);
		free(copy);
		return NULL;
	}
	return copy;
}

/* One pass over both into a new table. */
static bool
merge(struct tree *t, const struct delta *d, struct entry **copy)
{
	struct tree to = { .bytes = 0 };
	size_t i = 0, j = 0;
	int order;

	if (!tree_room(&to, t->n + d->n + 1))
		return false;
	while (i < t->n || j < d->n) {
		if (i == t->n)
			order = 1;
		else if (j == d->n)
			order = -1;
		else
			order = path_cmp(t->at[i]->path,
			    d->at[j].entry->path);
		if (order < 0) {
			to.at[to.n++] = t->at[i++];
		} else {
			if (copy[j] != NULL)
				to.at[to.n++] = copy[j];
			j++;
		}
		if (order == 0)
			free(t->at[i++]);
	}
	free(t->at);
	to.bytes = t->bytes;
	*t = to;
	return true;
}

static const char *
check_sums(const struct tree *t, const struct delta *d, uint64_t *bytes,
    size_t *moves)
{
	const struct entry *old;
	size_t i, n = t->n;

	*bytes = t->bytes;
	*moves = 0;
	for (i = 0; i < d->n; i++) {
		old = tree_find(t, d->at[i].entry->path);
		if (old != NULL)
			*bytes -= entry_bytes(old);
		if (!d->at[i].drop)
			*bytes += entry_bytes(d->at[i].entry);
		if ((old == NULL) != d->at[i].drop)
			*moves += 1;
		if (old == NULL)
			n++;
		if (*bytes >= ENTRY_BYTES_MAX)
			return "tree has an impossible size";
	}
	return n > MANIFEST_ENTRIES_MAX ? "tree has too many entries" : NULL;
}

const char *
tree_apply(struct tree *t, const struct delta *d)
{
	const char *wrong = NULL;
	struct entry **copy;
	uint64_t bytes;
	size_t i, moves;

	for (i = 0; i < d->n && wrong == NULL; i++)
		wrong = check_step(t, d, &d->at[i]);
	if (wrong == NULL)
		wrong = check_sums(t, d, &bytes, &moves);
	if (wrong != NULL)
		return wrong;
	copy = copy_entries(d);
	if (copy == NULL)
		return "no memory to apply a delta";
	if (moves > MOVES_MAX ? !merge(t, d, copy) :
	    !tree_room(t, t->n + d->n)) {
		for (i = 0; i < d->n; i++)
			free(copy[i]);
		free(copy);
		return "no memory to apply a delta";
	}
	for (i = 0; i < d->n && moves <= MOVES_MAX; i++) {
		if (copy[i] != NULL)
			tree_set(t, copy[i]);
		else
			(void)tree_drop(t, d->at[i].entry->path);
	}
	t->bytes = bytes;
	free(copy);
	return NULL;
}
