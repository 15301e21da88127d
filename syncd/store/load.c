/* SPDX-License-Identifier: ISC */

/*
 * From manifests to trees: the last full one, then its deltas, every head
 * computed anew on the way.  Must never return a tree that does not verify
 * (I1, I6).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

void
manifest_name(uint64_t generation, const struct hash *head,
    char name[NAME_SIZE])
{
	char hex[HASH_HEX + 1], digit[21];
	size_t n;

	/* Of one width, so that names sort as numbers. */
	n = fmt_into(digit, sizeof(digit), "%llu",
	    (unsigned long long)generation);
	memset(name, '0', 20);
	memcpy(name + 20 - n, digit, n);
	name[20] = '.';
	memcpy(name + 21, hash_hex(head, hex), HASH_HEX + 1);
}

bool
manifest_parse_name(const char *name, uint64_t *generation,
    struct hash *head)
{
	size_t i;

	if (strlen(name) != NAME_SIZE - 1 || name[20] != '.' ||
	    !hash_parse(name + 21, HASH_HEX, head))
		return false;
	*generation = 0;
	for (i = 0; i < 20; i++) {
		if (name[i] < '0' || name[i] > '9' ||
		    *generation > INT64_MAX / 10)
			return false;
		*generation = *generation * 10 + (uint64_t)(name[i] - '0');
	}
	return *generation > 0;
}

char *
manifest_text_of(struct store *s, int dir, const struct link *l, size_t *len)
{
	char *text, name[NAME_SIZE];
	struct hash head;

	manifest_name(l->generation, &l->head, name);
	text = file_read(dir, name, MANIFEST_TEXT_MAX, len);
	if (text == NULL) {
		(void)fail_errno(s, "manifest");
		return NULL;
	}
	hash_chain(&l->previous, text, *len, &head);
	if (hash_equal(&head, &l->head))
		return text;
	free(text);
	(void)fail(s, STORE_DAMAGED, "manifest of generation %llu does not "
	    "verify", (unsigned long long)l->generation);
	return NULL;
}

/* Header and record must tell the same. */
static bool
fits(const struct store *s, const struct link *l,
    const struct manifest_header *h)
{
	return strcmp(h->pair, s->pair) == 0 &&
	    h->generation == l->generation &&
	    hash_equal(&h->previous, &l->previous) &&
	    epoch_cmp(&h->epoch, &l->epoch) == 0;
}

static enum store_result
step_apply(struct store *s, const struct link *l,
    const struct manifest_header *h, struct tree **t, struct tree *full,
    const struct delta *d)
{
	const char *wrong;

	if (full != NULL) {
		tree_free(*t);
		*t = full;
		return STORE_OK;
	}
	if (*t == NULL)
		return fail(s, STORE_DAMAGED, "delta without its full "
		    "manifest");
	wrong = tree_apply(*t, d);
	if (wrong == NULL && (tree_count(*t) != h->entries ||
	    tree_bytes(*t) != h->bytes))
		wrong = "sums are not what the header says";
	return wrong == NULL ? STORE_OK : fail(s, STORE_DAMAGED,
	    "generation %llu: %s", (unsigned long long)l->generation, wrong);
}

enum store_result
load_step(struct store *s, int dir, const struct link *l, struct tree **t,
    struct delta **dp)
{
	char error[MANIFEST_ERROR_MAX];
	struct manifest_header h;
	struct delta *d;
	struct tree *full;
	enum store_result r;
	size_t len;
	char *text = manifest_text_of(s, dir, l, &len);
	bool good;

	if (text == NULL)
		return STORE_DAMAGED;
	good = manifest_read(text, len, &h, &full, &d, NULL, error);
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED, "generation %llu: %s",
		    (unsigned long long)l->generation, error);
	if (!fits(s, l, &h)) {
		tree_free(full);
		delta_free(d);
		return fail(s, STORE_DAMAGED, "generation %llu is not what "
		    "the chain says", (unsigned long long)l->generation);
	}
	r = step_apply(s, l, &h, t, full, d);
	if (dp != NULL)
		*dp = d;
	else
		delta_free(d);
	return r;
}

bool
load_base(const struct chain *c, uint64_t i, uint64_t *base)
{
	struct link l;

	for (*base = i;; *base -= 1) {
		if (!chain_read(c, *base, &l) ||
		    (l.flags & LINK_MANIFEST) == 0)
			return false;
		if ((l.flags & LINK_FULL) != 0)
			return true;
		if (*base == 0)
			return false;
	}
}

/* Deltas must follow one another. */
static bool
follows(const struct link *a, const struct link *b)
{
	return b->generation == a->generation + 1 &&
	    hash_equal(&b->previous, &a->head);
}

enum store_result
load_chain(struct store *s, int dir, const struct chain *c, uint64_t i,
    struct tree **t)
{
	enum store_result r = STORE_OK;
	struct link last, l;
	uint64_t at, base;

	*t = NULL;
	if (!load_base(c, i, &base))
		return fail(s, STORE_NOTHING,
		    "manifests of this generation are gone");
	for (at = base; at <= i && r == STORE_OK; at++) {
		if (!chain_read(c, at, &l) ||
		    (at > base && !follows(&last, &l)))
			r = fail(s, STORE_DAMAGED, "chain is broken");
		else
			r = load_step(s, dir, &l, t, NULL);
		last = l;
	}
	if (r != STORE_OK) {
		tree_free(*t);
		*t = NULL;
	}
	return r;
}

enum store_result
store_load_tree(struct store *s, uint64_t generation, struct tree **t)
{
	enum store_result r;
	struct chain c;
	uint64_t i;

	*t = NULL;
	if (generation == 0 ||
	    generation > s->head.h.position.generation)
		return fail(s, STORE_NOTHING, "no such generation");
	if (chain_open(&c, s->dir[DIR_ROOT], "chain", false) == -1) {
		r = fail_errno(s, "chain");
	} else if (!chain_find(&c, generation, &i)) {
		r = fail(s, STORE_NOTHING, "no such generation");
	} else
		r = load_chain(s, s->dir[DIR_MANIFESTS], &c, i, t);
	chain_close(&c);
	return r;
}

const struct tree *
store_tree(struct store *s)
{
	const struct position *p = &s->head.h.position;
	enum store_result r;

	store_receive_abort(s);
	if (s->tree != NULL && hash_equal(&s->tree_head, &p->head))
		return s->tree;
	drop_tree(s);
	if (p->generation == 0) {
		s->tree = tree_new();
		if (s->tree == NULL)
			(void)fail_errno(s, "tree");
	} else {
		r = store_load_tree(s, p->generation, &s->tree);
		if (r != STORE_OK)
			return NULL;
	}
	s->tree_head = p->head;
	return s->tree;
}

static void
generation_of(const struct link *l, struct store_generation *g)
{
	*g = (struct store_generation){ .generation = l->generation,
	    .head = l->head, .epoch = l->epoch, .time_ns = l->time_ns,
	    .entries = l->entries, .bytes = l->bytes,
	    .full = (l->flags & LINK_FULL) != 0,
	    .manifest = (l->flags & LINK_MANIFEST) != 0,
	    .complete = (l->flags & LINK_COMPLETE) != 0 };
}

/* The newest record at or below a generation. */
static bool
newest_below(struct store *s, uint64_t generation, struct link *l)
{
	struct chain c;
	uint64_t i;
	bool found = false;

	if (chain_open(&c, s->dir[DIR_ROOT], "chain", false) == -1)
		return false;
	if (chain_find(&c, generation, &i))
		found = chain_read(&c, i, l);
	else if (i > 0 && i <= c.n)
		found = chain_read(&c, i - 1, l) &&
		    l->generation < generation;
	chain_close(&c);
	return found;
}

/* *cursor: 1 above the next generation to show. */
bool
store_list(struct store *s, uint64_t *cursor, struct store_generation *g)
{
	struct link l;

	if (*cursor == 0)
		*cursor = s->head.h.position.generation + 1;
	if (*cursor <= 1 || !newest_below(s, *cursor - 1, &l)) {
		*cursor = 1;
		return false;
	}
	*cursor = l.generation;
	generation_of(&l, g);
	return true;
}

bool
store_find(struct store *s, uint64_t generation, struct store_generation *g)
{
	struct link l;

	if (generation == 0 || generation > s->head.h.position.generation ||
	    !newest_below(s, generation, &l) || l.generation != generation)
		return false;
	generation_of(&l, g);
	return true;
}

int
store_manifest(struct store *s, uint64_t generation, uint64_t *size)
{
	struct store_generation g;
	char name[NAME_SIZE];
	off_t end;
	int fd;

	if (!store_find(s, generation, &g)) {
		errno = ENOENT;
		return -1;
	}
	manifest_name(generation, &g.head, name);
	fd = file_open(s->dir[DIR_MANIFESTS], name, O_RDONLY, 0);
	if (fd == -1 || size == NULL)
		return fd;
	end = lseek(fd, 0, SEEK_END);
	(void)lseek(fd, 0, SEEK_SET);
	*size = end < 0 ? 0 : (uint64_t)end;
	return fd;
}
