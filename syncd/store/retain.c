/* SPDX-License-Identifier: ISC */

/*
 * Which generations stay: by age, never by count alone, or who can push many
 * could push the good ones out.  Ages are by the store's own count (age.c),
 * never by a wall clock or by what a partner wrote.
 */

#include <sys/stat.h>

#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "branch.h"
#include "retain.h"

#define CHAIN_MAX	(UINT64_C(1) << 20)	/* 256 MB of records */
#define NS		INT64_C(1000000000)
#define MINUTE		(60 * NS)
#define HOUR		(60 * MINUTE)
#define DAY		(24 * HOUR)

struct retain_rule {
	int64_t		age, every;	/* up to that age one per that time */
};

/* The second table is for a store that is nearly full. */
static const struct retain_rule rules[2][3] = {
	{ { HOUR, 0 }, { DAY, MINUTE }, { 7 * DAY, HOUR } },
	{ { HOUR, MINUTE }, { DAY, HOUR }, { 7 * DAY, DAY } },
};

bool
retain_keeps(struct retain *r, int64_t kept_ns)
{
	const struct retain_rule *rule = rules[r->tight ? 1 : 0];
	int64_t age = r->age_ns - kept_ns;
	size_t i;

	if (r->seen++ < r->keep)
		return true;
	for (i = 0; i < 3; i++) {
		if (age >= rule[i].age)
			continue;
		/* From the newest down: the first in each slot of time. */
		if (rule[i].every != 0 && r->rule == i &&
		    r->slot == kept_ns / rule[i].every)
			return false;
		r->rule = i;
		r->slot = rule[i].every == 0 ? 0 : kept_ns / rule[i].every;
		return true;
	}
	return false;
}

/* Clears what makes a generation complete; durable before anything goes. */
static enum store_result
thin(struct store *s, struct chain *c, struct retain *r, uint64_t *thinned)
{
	struct link l;
	uint64_t i;

	*thinned = 0;
	for (i = c->n; i-- > 0;) {
		if (!chain_read(c, i, &l))
			return fail(s, STORE_DAMAGED, "chain is damaged");
		if ((l.flags & LINK_COMPLETE) == 0 ||
		    retain_keeps(r, l.kept_ns) || l.generation == r->wished)
			continue;
		l.flags &= ~LINK_COMPLETE;
		if (chain_write(c, i, &l) == -1)
			return fail_errno(s, "chain");
		*thinned += 1;
		crash_point("thin-written");
	}
	if (*thinned > 0 && chain_sync(c) == -1)
		return fail_errno(s, "chain");
	crash_point("thin-durable");
	return STORE_OK;
}

static void
drop_text(struct store *s, const struct link *l)
{
	char name[NAME_SIZE];

	manifest_name(l->generation, &l->head, name);
	(void)unlinkat(s->dir[DIR_MANIFESTS], name, 0);
	crash_point("thin-dropped");
}

/*
 * Texts between a generation that is complete and the next full one lead
 * nowhere: their records stay, they go.  From the top down, so that what is
 * left can always be loaded.
 */
static enum store_result
drop_texts(struct store *s, struct chain *c, uint64_t *dropped)
{
	bool needed = false;
	struct link l;
	uint64_t i;

	*dropped = 0;
	for (i = c->n; i-- > 0;) {
		if (!chain_read(c, i, &l))
			return fail(s, STORE_DAMAGED, "chain is damaged");
		if ((l.flags & LINK_COMPLETE) != 0)
			needed = true;
		if ((l.flags & LINK_MANIFEST) == 0)
			continue;
		if (!needed) {
			l.flags &= ~LINK_MANIFEST;
			if (chain_write(c, i, &l) == -1)
				return fail_errno(s, "chain");
			drop_text(s, &l);
			*dropped += 1;
		}
		if ((l.flags & LINK_FULL) != 0)
			needed = false;
	}
	return STORE_OK;
}

/* Texts that no record names: a commit that failed half-way. */
static enum store_result
drop_strays(struct store *s, struct chain *c)
{
	uint64_t at, generation;
	struct hash head;
	struct link l;
	char **list;
	size_t i, n;

	list = file_list(s->dir[DIR_MANIFESTS], &n);
	if (list == NULL)
		return fail_errno(s, "manifests");
	for (i = 0; i < n; i++) {
		if (manifest_parse_name(list[i], &generation, &head) &&
		    chain_find(c, generation, &at) && chain_read(c, at, &l) &&
		    (l.flags & LINK_MANIFEST) != 0 &&
		    hash_equal(&l.head, &head))
			continue;
		(void)unlinkat(s->dir[DIR_MANIFESTS], list[i], 0);
	}
	free(list);
	return STORE_OK;
}

/* Newest records, and those whose text is here. */
static bool
copy_records(const struct chain *from, struct chain *to, uint64_t keep)
{
	struct link l;
	uint64_t i;

	for (i = 0; i < from->n; i++) {
		if (!chain_read(from, i, &l))
			return false;
		if (i + keep < from->n && (l.flags & LINK_MANIFEST) == 0)
			continue;
		if (chain_write(to, to->n, &l) == -1)
			return false;
	}
	return chain_sync(to) == 0;
}

/*
 * A change a second for weeks: the oldest records without a text go.  A
 * death in between leaves the old file.
 */
enum store_result
retain_compact(struct store *s, struct chain *c, uint64_t keep)
{
	int root = s->dir[DIR_ROOT];
	struct chain to;
	bool good;

	(void)unlinkat(root, "chain.new", 0);
	good = chain_open(&to, root, "chain.new", true) == 0 &&
	    fchmod(to.fd, 0660) == 0 && copy_records(c, &to, keep);
	crash_point("chain-copied");
	chain_close(&to);
	if (!good || renameat(root, "chain.new", root, "chain") == -1)
		return fail_errno(s, "chain");
	crash_point("chain-renamed");
	return file_sync_dir(root) == 0 ? STORE_OK : fail_errno(s, "chain");
}

enum store_result
retain_thin(struct store *s, struct retain *r, struct store_upkeep *u)
{
	enum store_result result;
	struct chain c;

	if (chain_open(&c, s->dir[DIR_ROOT], "chain", true) == -1) {
		result = fail_errno(s, "chain");
		chain_close(&c);
		return result;
	}
	result = thin(s, &c, r, &u->thinned);
	if (result == STORE_OK)
		result = drop_texts(s, &c, &u->manifests);
	if (result == STORE_OK)
		result = drop_strays(s, &c);
	if (result == STORE_OK && c.n > CHAIN_MAX)
		result = retain_compact(s, &c, CHAIN_MAX / 2);
	chain_close(&c);
	return result;
}

/* One of before there were ages begins with being seen. */
static void
stamp(struct store *s, struct store_branch *b, int64_t age_ns)
{
	int dir = branch_open(s, b->name);

	b->kept_ns = age_ns;
	if (dir == -1)
		return;
	(void)branch_write(dir, b);
	(void)close(dir);
}

enum store_result
retain_branches(struct store *s, uint32_t days, int64_t age_ns,
    uint64_t *gone)
{
	struct store_branch b, wish;
	size_t cursor = 0;
	bool adopting = store_adopting(s, &wish) == STORE_OK;

	while (store_branches(s, &cursor, &b)) {
		if (b.kept_ns == 0)
			stamp(s, &b, age_ns);
		if (age_ns - b.kept_ns < (int64_t)days * DAY ||
		    (adopting && strcmp(wish.name, b.name) == 0))
			continue;
		if (store_dismiss(s, b.name) == STORE_OK) {
			*gone += 1;
			cursor--;
		}
	}
	(void)file_empty_dir(s->dir[DIR_GONE]);
	return STORE_OK;
}
