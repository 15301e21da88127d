/* SPDX-License-Identifier: ISC */

/*
 * Garbage collection by mark, in small steps.  Mirror and receiver, under
 * the lock.  An object goes only when no complete generation, no branch and
 * nothing put since names it, and it has been here for an hour: a dead
 * writer's objects are still good for the next one.
 */

#include <sys/stat.h>

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "retain.h"

#define GRACE_S		3600

void
upkeep_reset(struct store *s)
{
	s->phase = UPKEEP_THIN;
	marks_free(&s->marks);
	s->mark_at = 0;
	s->mark_branch = 0;
	s->sweep_at = 0;
}

/* Nine tenths. */
static bool
nearly_full(const struct store *s)
{
	return s->limits.bytes != 0 && s->usage_known &&
	    s->used_bytes >= s->limits.bytes - s->limits.bytes / 10;
}

static enum store_result
step_thin(struct store *s, const struct store_retention *r,
    struct store_upkeep *u)
{
	struct retain retain = { .age_ns = age_now(s),
	    .keep = r->keep == 0 ? 24 : r->keep, .tight = nearly_full(s),
	    .rule = SIZE_MAX };
	enum store_result result;
	struct store_branch wish;

	/* Of a branch it is one too many, never one too few. */
	if (store_adopting(s, &wish) == STORE_OK)
		retain.wished = wish.position.generation;
	result = retain_thin(s, &retain, u);
	if (result == STORE_DAMAGED)
		return recover_chain(s);	/* thinned in the next round */
	if (result == STORE_OK)
		result = retain_branches(s, r->diverged_days == 0 ? 30 :
		    r->diverged_days, retain.age_ns, &u->branches);
	if (result != STORE_OK)
		return result;
	upkeep_reset(s);
	s->phase = UPKEEP_MARK;
	return STORE_OK;
}

/* ---- mark ---------------------------------------------------------------- */

static bool
mark_entry(struct store *s, const struct entry *e)
{
	return !entry_has_object(e) || marks_add(&s->marks, &e->object);
}

static bool
mark_tree(struct store *s, const struct tree *t)
{
	size_t i;

	for (i = 0; i < tree_count(t); i++)
		if (!mark_entry(s, tree_at(t, i)))
			return false;
	return true;
}

/*
 * The chain is a full one and deltas.  What a delta brought is marked with
 * the next complete generation in which it is still there.
 */
struct segment {
	struct store	*s;
	int		dir;
	struct tree	*tree;
	bool		marked;		/* the tree once, as a whole */
	struct delta	**waits;	/* since the last complete one */
	size_t		n;
};

static bool
mark_waits(struct segment *g)
{
	const struct entry *e;
	struct change c;
	size_t i, k;

	for (i = 0; i < g->n; i++)
		for (k = 0; k < delta_count(g->waits[i]); k++) {
			c = delta_at(g->waits[i], k);
			e = tree_find(g->tree, c.entry->path);
			if (e != NULL && !mark_entry(g->s, e))
				return false;
		}
	return true;
}

static void
drop_waits(struct segment *g)
{
	while (g->n > 0)
		delta_free(g->waits[--g->n]);
}

static enum store_result
mark_step(struct segment *g, const struct link *l)
{
	struct delta **grown, *d = NULL;
	enum store_result r;
	bool good;

	r = load_step(g->s, g->dir, l, &g->tree, &d);
	if (r == STORE_OK && d != NULL && g->marked) {
		grown = reallocarray(g->waits, g->n + 1, sizeof(*grown));
		if (grown == NULL) {
			delta_free(d);
			return fail_errno(g->s, "no memory to mark");
		}
		g->waits = grown;
		g->waits[g->n++] = d;
	} else
		delta_free(d);
	if (r != STORE_OK || (l->flags & LINK_COMPLETE) == 0)
		return r;
	good = g->marked ? mark_waits(g) : mark_tree(g->s, g->tree);
	g->marked = true;
	drop_waits(g);
	return good ? STORE_OK : fail_errno(g->s, "no memory to mark");
}

/* The last complete one of the segment that begins at i; false: none. */
static bool
segment_end(const struct chain *c, uint64_t i, uint64_t *last,
    uint64_t *next)
{
	bool found = false;
	struct link l;
	uint64_t at;

	for (at = i; at < c->n && chain_read(c, at, &l); at++) {
		if (at > i && ((l.flags & LINK_FULL) != 0 ||
		    (l.flags & LINK_MANIFEST) == 0))
			break;
		if ((l.flags & LINK_COMPLETE) != 0) {
			*last = at;
			found = true;
		}
	}
	*next = at > i ? at : i + 1;
	return found;
}

/*
 * The last one ends the chain: what is committed from then on was marked
 * when it was looked for, and begins with a delta that leads nowhere alone.
 */
enum store_result
mark_segment(struct store *s, int dir, const struct chain *c, uint64_t *i,
    bool *end)
{
	struct segment g = { .s = s, .dir = dir };
	enum store_result r = STORE_OK;
	uint64_t at, last, next;
	struct link l;

	*end = *i >= c->n;
	if (*end)
		return STORE_OK;
	if (segment_end(c, *i, &last, &next))
		for (at = *i; at <= last && r == STORE_OK; at++)
			r = chain_read(c, at, &l) ? mark_step(&g, &l) :
			    fail(s, STORE_DAMAGED, "chain is damaged");
	*i = next;
	*end = next >= c->n;
	drop_waits(&g);
	free(g.waits);
	tree_free(g.tree);
	return r;
}

static enum store_result
mark_chain(struct store *s, int dir, int chain_dir, uint64_t *i, bool *end)
{
	enum store_result r;
	struct chain c;

	if (chain_open(&c, chain_dir, "chain", false) == -1)
		r = fail_errno(s, "chain");
	else
		r = mark_segment(s, dir, &c, i, end);
	chain_close(&c);
	return r;
}

/* A branch that does not load keeps everything: nothing may be lost. */
static enum store_result
mark_branch(struct store *s, bool *end)
{
	enum store_result r = STORE_OK;
	struct store_branch b;
	uint64_t i = 0;
	bool last = false;
	int dir;

	*end = !store_branches(s, &s->mark_branch, &b);
	if (*end)
		return STORE_OK;
	dir = branch_open(s, b.name);
	if (dir == -1)
		return fail_errno(s, "branch");
	while (!last && r == STORE_OK)
		r = mark_chain(s, dir, dir, &i, &last);
	(void)close(dir);
	return r;
}

static enum store_result
step_mark(struct store *s)
{
	enum store_result r;
	bool end;

	if (s->mark_at != UINT64_MAX) {
		r = mark_chain(s, s->dir[DIR_MANIFESTS], s->dir[DIR_ROOT],
		    &s->mark_at, &end);
		if (r == STORE_OK && end)
			s->mark_at = UINT64_MAX;
		return r;
	}
	r = mark_branch(s, &end);
	if (r == STORE_OK && end)
		s->phase = UPKEEP_SWEEP;
	return r;
}

/* ---- sweep --------------------------------------------------------------- */

static void
sweep_file(struct store *s, int dir, const char *name, int64_t now_ns,
    struct store_upkeep *u)
{
	struct stat st;
	struct hash h;

	if (!hash_parse(name, strlen(name), &h) ||
	    marks_have(&s->marks, &h) || marks_have(&s->fresh, &h) ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	/* The clock may jump: a time to come is a fresh one. */
	if (now_ns / 1000000000 - st.st_ctim.tv_sec < GRACE_S)
		return;
	if (unlinkat(dir, name, 0) == -1)
		return;
	crash_point("sweep-dropped");
	usage_sub(s, (uint64_t)st.st_size);
	u->objects++;
	u->bytes += (uint64_t)st.st_size;
}

static enum store_result
sweep_dir(struct store *s, int64_t now_ns, struct store_upkeep *u, size_t *n)
{
	char name[3], **list;
	size_t i;
	int fd;

	(void)fmt_into(name, sizeof(name), "%02x",
	    (unsigned int)s->sweep_at);
	fd = file_open(s->dir[DIR_OBJECTS], name, O_RDONLY | O_DIRECTORY, 0);
	list = fd == -1 ? NULL : file_list(fd, n);
	if (list == NULL) {
		if (fd != -1)
			(void)close(fd);
		return fail_errno(s, "objects");
	}
	for (i = 0; i < *n; i++)
		sweep_file(s, fd, list[i], now_ns, u);
	free(list);
	(void)close(fd);
	s->sweep_at++;
	return STORE_OK;
}

static enum store_result
step_sweep(struct store *s, int64_t now_ns, uint32_t work,
    struct store_upkeep *u)
{
	enum store_result r = STORE_OK;
	size_t looked = 0, n = 0;

	while (s->sweep_at < AB_DIRS && looked < work && r == STORE_OK) {
		r = sweep_dir(s, now_ns, u, &n);
		looked += n + 1;
	}
	if (r != STORE_OK || s->sweep_at < AB_DIRS)
		return r;
	aside_sweep(s);
	upkeep_reset(s);
	u->done = true;
	u->over = nearly_full(s);
	return STORE_OK;
}

enum store_result
store_upkeep(struct store *s, const struct store_retention *r,
    int64_t now_ns, uint32_t work, struct store_upkeep *u)
{
	struct store_usage usage;
	enum store_result result = STORE_OK;

	assert(s->locked);
	*u = (struct store_upkeep){ .done = false };
	if (s->damaged)
		return fail(s, STORE_DAMAGED, "store must be repaired first");
	if (!s->usage_known && s->limits.bytes != 0)
		result = store_usage(s, &usage);
	if (result != STORE_OK)
		return result;
	switch (s->phase) {
	case UPKEEP_THIN:
		return step_thin(s, r, u);
	case UPKEEP_MARK:
		return step_mark(s);
	case UPKEEP_SWEEP:
		return step_sweep(s, now_ns, work, u);
	}
	return STORE_OK;
}
