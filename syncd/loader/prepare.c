/* SPDX-License-Identifier: ISC */

/*
 * Loader: .vipair/next becomes the generation wanted.  From the one that is
 * there by what changed: manifests are deltas, so one change costs one.
 *
 * The record says from which generation next can be brought along.  It is
 * marked incomplete before next changes; who finds it so does all changes
 * since that generation again, which is harmless, and all times of
 * directories, which only a whole tree knows.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader.h"

#define DELTAS_MAX	4096	/* more: the whole trees are compared */

struct job {
	struct loader	*l;
	struct mark	from;		/* what next is */
	struct delta	*delta;		/* what makes it what is wanted */
	struct tree	*tree;		/* the wanted one, where needed */
	bool		times;		/* of all directories */
	bool		scratch;	/* next begins empty */
};

static struct tree *
load_tree(struct loader *l, const struct position *p)
{
	return l->source->tree(l->source->arg, p->generation, &p->head);
}

static const char *
add_changes(struct delta *to, const struct delta *d)
{
	const char *wrong = NULL;
	struct change c;
	size_t i;

	for (i = 0; wrong == NULL && i < delta_count(d); i++) {
		c = delta_at(d, i);
		wrong = c.drop ? delta_drop(to, c.entry->path) :
		    delta_put(to, c.entry);
	}
	return wrong;
}

/* One manifest on top of *head; false: not a delta, or not the next. */
static bool
add_manifest(struct job *j, uint64_t generation, struct hash *head)
{
	const struct source *s = j->l->source;
	char error[MANIFEST_ERROR_MAX];
	struct manifest_header h;
	struct tree *t = NULL;
	struct delta *d = NULL;
	uint64_t size = 0;
	bool good = false;
	void *text;
	int fd;

	fd = s->manifest(s->arg, generation, &size);
	if (fd == -1)
		return false;
	text = size == 0 || size > MANIFEST_TEXT_MAX ? MAP_FAILED :
	    mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (text == MAP_FAILED)
		return false;
	if (manifest_read(text, size, &h, &t, &d, NULL, error) &&
	    d != NULL && h.generation == generation &&
	    hash_equal(&h.previous, head)) {
		hash_chain(head, text, size, head);
		good = add_changes(j->delta, d) == NULL;
	}
	(void)munmap(text, size);
	tree_free(t);
	delta_free(d);
	return good;
}

/* Follows the chain from what next is; the head proves every byte of it. */
static bool
collect_deltas(struct job *j)
{
	const struct position *to = &j->l->source->position;
	struct hash head = j->from.position.head;
	uint64_t g = j->from.position.generation;

	if (g > to->generation || to->generation - g > DELTAS_MAX)
		return false;
	while (g < to->generation)
		if (!add_manifest(j, ++g, &head))
			return false;
	return hash_equal(&head, &to->head);
}

static bool
any_hard_link(const struct delta *d)
{
	size_t i;

	for (i = 0; i < delta_count(d); i++)
		if (!delta_at(d, i).drop && delta_at(d, i).entry->link != 0)
			return true;
	return false;
}

/* All names of a file are made anew together, changed or not. */
static int
add_groups(struct job *j)
{
	const size_t n = tree_count(j->tree);
	const struct entry *e;
	const char *wrong = NULL;
	size_t i;

	for (i = 0; wrong == NULL && i < n; i++) {
		e = tree_at(j->tree, i);
		if (e->link != 0)
			wrong = delta_put(j->delta, e);
	}
	return wrong == NULL ? 0 :
	    loader_fail(j->l, LOADER_FAILED, "changes: %s", wrong);
}

static int
need_tree(struct job *j)
{
	if (j->tree == NULL)
		j->tree = load_tree(j->l, &j->l->source->position);
	if (j->tree == NULL)
		return loader_fail(j->l, LOADER_DAMAGED, "generation %llu "
		    "cannot be read", (unsigned long long)
		    j->l->source->position.generation);
	return 0;
}

/* Without a record nobody trusts what is in next. */
static int
forget(struct loader *l)
{
	if ((unlinkat(l->own, "prepared", 0) == -1 && errno != ENOENT) ||
	    fsync(l->own) == -1)
		return loader_error(l, "%s/prepared", LOADER_DIR);
	return 0;
}

/* Two whole trees; without the old one next begins empty. */
static int
compare_trees(struct job *j, bool have)
{
	struct tree *old = have ? load_tree(j->l, &j->from.position) : NULL;

	if (need_tree(j) == -1) {
		tree_free(old);
		return -1;
	}
	if (old == NULL) {
		j->times = j->scratch = true;
		if (forget(j->l) == -1 ||
		    below_remove(j->l, j->l->own, "next") == -1)
			return -1;
		old = tree_new();
	}
	delta_free(j->delta);
	j->delta = old == NULL ? NULL : tree_diff(old, j->tree);
	tree_free(old);
	return j->delta == NULL ?
	    loader_fail(j->l, LOADER_FAILED, "out of memory") : 0;
}

static int
find_changes(struct job *j, bool have)
{
	j->delta = delta_new();
	if (j->delta == NULL)
		return loader_fail(j->l, LOADER_FAILED, "out of memory");
	if (!have || !collect_deltas(j))
		if (compare_trees(j, have) == -1)
			return -1;
	if (any_hard_link(j->delta) &&
	    (need_tree(j) == -1 || add_groups(j) == -1))
		return -1;
	return j->times ? need_tree(j) : 0;
}

static int
set_times(struct job *j, struct build *b)
{
	size_t i;
	struct change c;

	if (j->times) {
		for (i = tree_count(j->tree); i-- > 0; )
			if (build_times(b, tree_at(j->tree, i)) == -1)
				return -1;
		return 0;
	}
	for (i = delta_count(j->delta); i-- > 0; ) {
		c = delta_at(j->delta, i);
		if (!c.drop && build_times(b, c.entry) == -1)
			return -1;
	}
	return 0;
}

/* Drops first: a name may come back as something else. */
static int
apply(struct job *j, struct build *b)
{
	const size_t n = delta_count(j->delta);
	struct change c;
	size_t i;

	for (i = 0; i < n; i++) {
		c = delta_at(j->delta, i);
		if (c.drop && build_drop(b, c.entry->path) == -1)
			return -1;
	}
	for (i = 0; i < n; i++) {
		c = delta_at(j->delta, i);
		if (!c.drop && build_entry(b, c.entry) == -1)
			return -1;
	}
	return set_times(j, b);
}

static int
build_next(struct job *j)
{
	struct loader *l = j->l;
	struct build b = { .l = l, .own = l->own };
	int rc;

	if (mkdirat(l->own, "next", 0700) == -1 && errno != EEXIST)
		return loader_error(l, "%s/next", LOADER_DIR);
	b.root = below_dir(l->own, "next");
	b.ngroups = j->tree == NULL ? 0 : tree_count(j->tree);
	b.group = calloc(b.ngroups + 1, sizeof(*b.group));
	rc = b.root == -1 || b.group == NULL ?
	    loader_error(l, "%s/next", LOADER_DIR) : apply(j, &b);
	loader_step("built");
	/* Thousands of files at once: one call instead of one for each. */
	if (rc == 0 && syncfs(b.root) == -1)
		rc = loader_error(l, "sync");
	if (b.root != -1)
		(void)close(b.root);
	free(b.group);
	return rc;
}

/* How far next is brought along: nothing of it counts in between. */
static int
run_job(struct job *j, bool have)
{
	struct mark r = j->from;

	if (find_changes(j, have) == -1)
		return -1;
	r.complete = false;
	if (!j->scratch && mark_write(j->l, "prepared", &r) == -1)
		return -1;
	if (build_next(j) == -1)
		return -1;
	r.position = j->l->source->position;
	r.complete = true;
	return mark_write(j->l, "prepared", &r);
}

int
loader_prepare(struct loader *l)
{
	struct job j = { .l = l };
	bool have = mark_read(l, "prepared", &j.from);
	struct stat st;
	int rc;

	if (have && fstatat(l->own, "next", &st, AT_SYMLINK_NOFOLLOW) == -1)
		have = false;
	if (have && j.from.complete && position_equal(&j.from.position,
	    &l->source->position))
		return 0;
	j.times = !have || !j.from.complete;
	rc = run_job(&j, have);
	delta_free(j.delta);
	tree_free(j.tree);
	return rc;
}

int
loader_restore(struct loader *l, int dir, const struct tree *t)
{
	const size_t n = tree_count(t);
	struct build b = { .l = l, .root = dir, .own = l->own,
	    .ngroups = n };
	size_t i;
	int rc = 0;

	b.group = calloc(n + 1, sizeof(*b.group));
	if (b.group == NULL)
		return loader_fail(l, LOADER_FAILED, "out of memory");
	for (i = 0; rc == 0 && i < n; i++)
		rc = build_entry(&b, tree_at(t, i));
	for (i = n; rc == 0 && i-- > 0; )
		rc = build_times(&b, tree_at(t, i));
	if (rc == 0 && syncfs(dir) == -1)
		rc = loader_error(l, "sync");
	free(b.group);
	return rc;
}
