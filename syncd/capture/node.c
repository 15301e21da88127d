/* SPDX-License-Identifier: ISC */

/*
 * Capture: keeps a node, the counters that hang on it and the generation to
 * come in step.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "take.h"

static void
set_rule(struct capture *c, struct node *n, uint32_t rule, bool counted)
{
	if (n->counted)
		c->matched[n->rule]--;
	n->rule = rule;
	n->counted = counted && rule != RULE_NONE;
	if (n->counted)
		c->matched[n->rule]++;
}

/* Live, of this type; what it was before is forgotten if it was another. */
struct node *
node_for(struct capture *c, const struct found *f, enum entry_type type)
{
	const size_t len = strlen(f->name);
	struct node *n;

	n = known_child(&c->known, f->parent, f->name, len);
	if (n != NULL && !n->gone && n->type != type) {
		node_forget(c, n);
		n = known_child(&c->known, f->parent, f->name, len);
	}
	if (n == NULL)
		n = known_add(&c->known, f->parent, f->name, len);
	if (n == NULL) {
		problem_here(c, FAULT_MEMORY, 0, RULE_NONE);
		return NULL;
	}
	n->gone = false;
	n->type = type;
	n->seen = c->pass;
	set_rule(c, n, f->rule, f->counted);
	return n;
}

static void
show_parent(struct node *n)
{
	n->shown = true;
	n->parent->nshown++;
}

void
node_show(struct capture *c, struct node *n, const struct entry *e)
{
	const struct entry *old = tree_find(c->tree, e->path);
	const char *wrong;
	struct entry *copy;

	wrong = entry_check(e);
	if (wrong != NULL) {
		problem_here(c, FAULT_NAME, 0, n->rule);
		return;
	}
	if (old != NULL && entry_equal(old, e)) {
		known_unpend(&c->known, n);
	} else {
		copy = entry_copy(e);
		if (copy == NULL) {
			problem_here(c, FAULT_MEMORY, 0, RULE_NONE);
			return;
		}
		known_pend(&c->known, n, copy);
	}
	if (!n->shown)
		show_parent(n);
}

/* Has no entry any more, though it may still be there. */
void
node_hide(struct capture *c, struct node *n)
{
	char path[MANIFEST_PATH_MAX + 1];

	if (n->shown) {
		n->shown = false;
		n->parent->nshown--;
	}
	if (known_path(n, path) && tree_find(c->tree, path) != NULL)
		known_pend(&c->known, n, NULL);
	else
		known_unpend(&c->known, n);
}

/* Out of memory, unless its end must still be published. */
static void
let_go(struct capture *c, struct node *n)
{
	struct node *parent;

	while (n->gone && n->child == NULL && !n->pending) {
		parent = n->parent;
		known_remove(&c->known, n);
		n = parent;
	}
}

void
node_forget(struct capture *c, struct node *n)
{
	struct node *child, *next;

	assert(n->parent != NULL);
	if (n->gone)
		return;
	for (child = n->child; child != NULL; child = next) {
		next = child->next;
		node_forget(c, child);
	}
	watch_drop(c, n);
	group_lost_name(c, n);
	group_leave(c, n);
	set_rule(c, n, RULE_NONE, false);
	node_hide(c, n);
	n->in_tree = n->blurred = false;
	n->gone = true;
	let_go(c, n);
}

void
node_published(struct capture *c, struct node *n)
{
	known_unpend(&c->known, n);
	let_go(c, n);
}

void
node_entry(struct capture *c, const struct statx *st, enum entry_type type,
    struct entry *e)
{
	*e = (struct entry){
		.type = type,
		.mode = st->stx_mode & 07777,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.mtime_ns = st->stx_mtime.tv_sec * NS_PER_S +
		    st->stx_mtime.tv_nsec,
		.path = c->path,
		.user = names_user(c->names, st->stx_uid),
		.group = names_group(c->names, st->stx_gid),
		.target = "",
		.nxattrs = c->xattrs.n,
		.xattrs = c->xattrs.x,
	};
	if (c->xattrs.lost)
		problem_here(c, FAULT_ATTRIBUTES, 0, RULE_NONE);
}
