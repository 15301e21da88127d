/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: what parse.y does with a statement
 * once it has recognised it.  Only the tree grows here; what the words mean
 * is check.c's.
 */
#include <stdio.h>
#include <string.h>

#include "ast.h"

#define PAIR	(f->open)
#define NODE	(f->open->last_node)
#define SERVICE	(f->open->open_service)
#define SYNC	(f->open->open_sync)

/* What is missing in a pair or file that lost a line is no news. */
void
tree_line_lost(struct config_file *f)
{
	if (f->open != NULL)
		f->open->broken = true;
	else
		f->broken = true;
}

void
tree_pair_open(struct config_file *f, struct place at, struct word name)
{
	struct ast_pair *p = arena_alloc(f, sizeof(*p));

	p->at = at;
	p->name = name;
	if (++f->npairs == CONF_PAIRS_MAX + 1)
		config_error(f, at, NULL, "expected at most %u pairs",
		    CONF_PAIRS_MAX);
	*f->pair_end = p;
	f->pair_end = &p->next;
	f->open = p;
}

/* All errors of "given twice" say where the first one is. */
static void
given_twice(struct config_file *f, struct place at, const char *what,
    struct place first)
{
	char hint[64];

	snprintf(hint, sizeof(hint), "first given in line %u, column %u",
	    first.line, first.column);
	config_error(f, at, hint, "\"%s\" is given twice", what);
}

void
tree_set_once(struct config_file *f, struct word *slot, struct place at,
    const char *what, struct word value)
{
	if (is_set(slot))
		given_twice(f, at, what, slot->at);
	else
		*slot = value;
}

void
tree_set_flag(struct config_file *f, struct place *slot, struct place at,
    const char *what)
{
	if (place_is_set(*slot))
		given_twice(f, at, what, *slot);
	else
		*slot = at;
}

/* A word of the grammar whose feature this version does not have. */
void
tree_not_available(struct config_file *f, struct word key, const char *what)
{
	config_error(f, key.at, "take it out",
	    "\"%s\" is not available in this version", what);
}

void
tree_add_address(struct config_file *f, struct word w)
{
	struct ast_addr *a;

	if (++PAIR->naddrs > CONF_ADDRS_PER_PAIR_MAX) {
		if (PAIR->naddrs == CONF_ADDRS_PER_PAIR_MAX + 1)
			config_error(f, w.at, NULL, "expected at most %u "
			    "virtual addresses in a pair",
			    CONF_ADDRS_PER_PAIR_MAX);
		return;
	}
	a = arena_alloc(f, sizeof(*a));
	a->w = w;
	if (PAIR->last_addr == NULL)
		PAIR->addr = a;
	else
		PAIR->last_addr->next = a;
	PAIR->last_addr = a;
}

/* One too many is kept apart, so that its words have a place to go to. */
void
tree_add_node(struct config_file *f, struct word key, struct word name,
    struct word address)
{
	struct ast_node *n = arena_alloc(f, sizeof(*n));

	n->at = key.at;
	n->name = name;
	n->address = address;
	if (++PAIR->nnodes == CONF_NODES_PER_PAIR_MAX + 1)
		config_error(f, key.at, NULL, "expected at most %u nodes in "
		    "a pair", CONF_NODES_PER_PAIR_MAX);
	if (PAIR->node == NULL)
		PAIR->node = n;
	else if (PAIR->nnodes <= CONF_NODES_PER_PAIR_MAX)
		NODE->next = n;
	NODE = n;
}

struct word_list *
tree_cons(struct config_file *f, struct word w, struct word_list *rest)
{
	struct word_list *l = arena_alloc(f, sizeof(*l));

	l->w = w;
	l->next = rest;
	return l;
}

void
tree_add_track(struct config_file *f, struct word w)
{
	struct word_list **end = &PAIR->track;

	if (++PAIR->ntracks > CONF_TRACKS_MAX) {
		config_error(f, w.at, NULL, "expected at most %u tracked "
		    "interfaces", CONF_TRACKS_MAX);
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = tree_cons(f, w, NULL);
}

void
tree_add_health(struct config_file *f, struct word key,
    enum conf_health_kind kind, struct word arg, struct word status)
{
	struct ast_health *h, **end = &SERVICE->health;

	if (++SERVICE->nhealth > CONF_HEALTH_MAX) {
		config_error(f, key.at, NULL, "expected at most %u lines of "
		    "\"healthy when\"", CONF_HEALTH_MAX);
		return;
	}
	h = arena_alloc(f, sizeof(*h));
	h->kind = kind;
	h->at = key.at;
	h->arg = arg;
	h->status = status;
	while (*end != NULL)
		end = &(*end)->next;
	*end = h;
}

/* A second service goes to a place of its own, where nobody looks. */
void
tree_service_open(struct config_file *f, struct word key,
    enum conf_service_kind kind, struct word unit)
{
	SERVICE = &PAIR->service;
	if (SERVICE->kind != SERVICE_NONE) {
		given_twice(f, key.at, "service", SERVICE->at);
		SERVICE = arena_alloc(f, sizeof(*SERVICE));
	}
	SERVICE->kind = kind;
	SERVICE->at = key.at;
	SERVICE->unit = unit;
}

void
tree_sync_open(struct config_file *f, struct word key, bool on_change,
    struct word every)
{
	SYNC = &PAIR->sync;
	if (place_is_set(SYNC->at)) {
		given_twice(f, key.at, "sync", SYNC->at);
		SYNC = arena_alloc(f, sizeof(*SYNC));
	}
	SYNC->at = key.at;
	SYNC->on_change = on_change;
	SYNC->every = every;
}

static void
add_sync_entry(struct config_file *f, struct ast_sync_entry *e)
{
	if (++SYNC->nentries > CONF_SYNC_ENTRIES_MAX) {
		if (SYNC->nentries == CONF_SYNC_ENTRIES_MAX + 1)
			config_error(f, e->w.at, "a pattern or a tree takes "
			    "the place of many", "expected at most %u paths "
			    "in a sync block", CONF_SYNC_ENTRIES_MAX);
		return;
	}
	if (SYNC->last_entry == NULL)
		SYNC->entry = e;
	else
		SYNC->last_entry->next = e;
	SYNC->last_entry = e;
}

/* The list is the line from right to left. */
void
tree_sync_names(struct config_file *f, enum conf_sync_kind kind,
    struct word_list *l, bool optional)
{
	struct ast_sync_entry *line = NULL, *e, *next;

	for (; l != NULL; l = l->next) {
		e = arena_alloc(f, sizeof(*e));
		e->w = l->w;
		e->kind = kind;
		e->optional = optional;
		e->next = line;
		line = e;
	}
	for (e = line; e != NULL; e = next) {
		next = e->next;
		e->next = NULL;
		add_sync_entry(f, e);
	}
}
