/* SPDX-License-Identifier: ISC */

/*
 * Capture: hard links.  Files with more than one name carry a number in the
 * manifest; names with the same number are one file.  Numbers stay what they
 * were, so that a change of one file does not renumber the others.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "take.h"

static bool
make_room(struct groups *g, uint32_t number)
{
	uint32_t size = g->size != 0 ? g->size : 64;
	struct group *p;

	if (number < g->size)
		return true;
	while (size <= number)
		size *= 2;
	p = reallocarray(g->at, size, sizeof(*p));
	if (p == NULL)
		return false;
	(void)memset(p + g->size, 0, (size - g->size) * sizeof(*p));
	g->at = p;
	g->size = size;
	return true;
}

static bool
usable(const struct groups *g, uint32_t number, const struct identity *id)
{
	const struct group *p;

	if (number >= g->size)
		return true;
	p = &g->at[number];
	return p->count == 0 || (p->ino == id->ino && p->dev == id->dev);
}

/* The number it has in the last generation, if nobody else has it now. */
static uint32_t
published(struct capture *c, const struct node *n)
{
	const struct entry *e;

	e = tree_find(c->tree, c->path);
	return e != NULL && e->link != 0 && e->link < KNOWN_NODES_MAX &&
	    usable(&c->groups, e->link, &n->id) ? e->link : 0;
}

static uint32_t
free_number(struct groups *g)
{
	uint32_t i = g->lowest_free != 0 ? g->lowest_free : 1;

	while (i < g->size && g->at[i].count != 0)
		i++;
	g->lowest_free = i;
	return i;
}

/*
 * The other names of the file must tell the same: they are taken again.
 * Returns the number that one of them has, or 0.
 */
static uint32_t
wake_others(struct capture *c, const struct node *n, bool all)
{
	char path[MANIFEST_PATH_MAX + 1];
	const struct node *o = NULL;
	uint32_t number = 0;

	while ((o = known_inode(&c->known, n->id.dev, n->id.ino, o)) !=
	    NULL) {
		if (o == n)
			continue;
		if (o->group != 0)
			number = o->group;
		if ((all || !identity_equal(&o->id, &n->id)) &&
		    known_path(o, path) && !dirty_add(&c->dirty, path))
			policy_lost(&c->policy, (mono_t){ 1 });
	}
	return number;
}

void
group_join(struct capture *c, struct node *n)
{
	uint32_t number;

	assert(n->group == 0);
	known_list_inode(&c->known, n);
	number = wake_others(c, n, false);
	if (n->id.nlink < 2)
		return;
	if (number == 0)
		number = published(c, n);
	if (number == 0)
		number = free_number(&c->groups);
	if (!make_room(&c->groups, number)) {
		problem_here(c, FAULT_MEMORY, 0, RULE_NONE);
		return;
	}
	c->groups.at[number].dev = n->id.dev;
	c->groups.at[number].ino = n->id.ino;
	c->groups.at[number].count++;
	n->group = number;
}

void
group_leave(struct capture *c, struct node *n)
{
	struct groups *g = &c->groups;

	if (n->group != 0) {
		assert(g->at[n->group].count > 0);
		if (--g->at[n->group].count == 0 && n->group < g->lowest_free)
			g->lowest_free = n->group;
		n->group = 0;
	}
	known_unlist_inode(&c->known, n);
}

void
group_lost_name(struct capture *c, const struct node *n)
{
	if (n->group != 0)
		(void)wake_others(c, n, true);
}

const struct node *
group_twin(struct capture *c, const struct found *f)
{
	const struct node *o = NULL;

	if (f->id.nlink < 2)
		return NULL;
	while ((o = known_inode(&c->known, f->id.dev, f->id.ino, o)) != NULL)
		if (o->type == ENTRY_FILE && identity_equal(&o->id, &f->id))
			return o;
	return NULL;
}
