/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: the sync block of a pair.  What its
 * paths name on this host, mirror and loader find out; here they only must
 * be such that nothing they name can lie outside the base directory.
 */
#include <stdio.h>
#include <string.h>

#include "ast.h"
#include "syncstate.h"

#define DAY_MS		86400000u
#define KEEP_LEAST	2u		/* what is loaded, and what comes */
#define KEEP_MOST	1000000u
#define STORE_LEAST	(UINT64_C(1) << 20)
#define BANDWIDTH_LEAST	(UINT64_C(1) << 10)
#define SIZE_MOST	(UINT64_C(1) << 50)
#define OWN_NAME	".vipair"	/* the loader's, in base */

static void
check_size(struct config_file *f, struct word *w, enum default_id id,
    const char *what, uint64_t least, uint64_t *bytes)
{
	char text[SHOWN_MAX], a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	struct word d;

	if (!is_set(w)) {
		if (id < DEFAULT_COUNT) {
			d = default_word(id);
			(void)value_size(&d, bytes);
		}
		return;
	}
	if (w->bad)
		return;
	if (value_size(w, bytes) && *bytes >= least && *bytes <= SIZE_MOST)
		return;
	w->bad = true;
	config_error(f, w->at, NULL, "%s %s: expected a size such as 50M or "
	    "10G, from %s to %s", what, shown(w, text), size_text(least, a),
	    size_text(SIZE_MOST, b));
}

/* NULL, or what is wrong with a path below the base directory. */
static const char *
below_wrong(const struct word *w)
{
	const char *s;
	size_t n;

	if (w->len == 0 || w->s[0] == '/')
		return "expected a path below the base directory, without "
		    "\"/\" in front";
	if (w->len > CONF_PATTERN_MAX)
		return "expected a path of at most 255 bytes";
	for (s = w->s;; s += n + 1) {
		n = strcspn(s, "/");
		if (n == 0)
			return "expected no \"//\" and no \"/\" at the end";
		if (s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.')))
			return "expected a path without \".\" and \"..\"";
		if (s == w->s && n == strlen(OWN_NAME) &&
		    strncmp(s, OWN_NAME, n) == 0)
			return "this directory is vipair's own";
		if (s[n] == '\0')
			return NULL;
	}
}

static void
check_below(struct config_file *f, const struct ast_sync *sync,
    struct ast_sync_entry *e)
{
	const struct ast_sync_entry *first;
	char text[SHOWN_MAX], hint[64];
	const char *wrong;

	if (e->w.bad)
		return;
	/* The base itself. */
	if (e->kind == CONF_SYNC_TREE && strcmp(e->w.s, ".") == 0)
		wrong = NULL;
	else
		wrong = below_wrong(&e->w);
	if (wrong != NULL) {
		e->w.bad = true;
		config_error(f, e->w.at, NULL, "\"%s\": %s",
		    shown(&e->w, text), wrong);
		return;
	}
	for (first = sync->entry; first != e; first = first->next)
		if (!first->w.bad && strcmp(first->w.s, e->w.s) == 0)
			break;
	if (first == e)
		return;
	snprintf(hint, sizeof(hint), "first given in line %u",
	    first->w.at.line);
	config_error(f, e->w.at, hint, "\"%s\" is given twice",
	    shown(&e->w, text));
}

static void
check_base(struct config_file *f, struct ast_pair *p)
{
	struct word *base = &p->sync.base;
	const char *wrong;

	if (!is_set(base)) {
		if (!p->broken)
			config_error(f, p->sync.at, "add: base \"/path\"",
			    "sync without base");
		return;
	}
	if (base->bad)
		return;
	wrong = value_path_wrong(base);
	if (wrong == NULL && strspn(base->s, "/") == base->len)
		wrong = "expected a directory of its own";
	if (wrong == NULL)
		return;
	base->bad = true;
	config_error(f, base->at, NULL, "base: %s", wrong);
}

static void
check_entries(struct config_file *f, struct ast_pair *p)
{
	struct ast_sync_entry *e;
	bool any = false;

	for (e = p->sync.entry; e != NULL; e = e->next) {
		check_below(f, &p->sync, e);
		any |= e->kind != CONF_SYNC_NEVER;
	}
	if (!any && !p->broken)
		config_error(f, p->sync.at, "add: tree \"path\"",
		    "sync without anything to copy: expected sqlite, tree or "
		    "file");
}

/*
 * One copy at one partner: a third node would take over with nothing, and
 * somebody else's program with whatever it has.
 */
static void
check_partner(struct config_file *f, const struct ast_pair *p)
{
	const struct ast_node *n;

	for (n = p->node; n != NULL; n = n->next)
		if (place_is_set(n->foreign)) {
			config_error(f, n->foreign, "it would take over "
			    "without the data", "a pair with sync cannot "
			    "have a foreign node");
			return;
		}
	/* Without any that is an error of its own. */
	if (p->nnodes != 2 && p->nnodes != 0)
		config_error(f, p->sync.at, "data goes from one node to the "
		    "other", "sync in a pair of %u node%s: expected two",
		    p->nnodes, p->nnodes == 1 ? "" : "s");
}

/* It names files and directories. */
static void
check_own_name(struct config_file *f, const struct ast_pair *p)
{
	char text[SHOWN_MAX];

	if (!p->name.bad && p->name.s[0] == '.')
		config_error(f, p->name.at, NULL, "pair \"%s\": expected a "
		    "name that does not begin with a dot, for a pair with "
		    "sync", shown(&p->name, text));
}

void
check_sync(struct config_file *f, struct ast_pair *p)
{
	struct ast_sync *s = &p->sync;

	if (!place_is_set(s->at))
		return;
	check_partner(f, p);
	check_own_name(f, p);
	check_duration(f, &s->every, DEFAULT_SYNC_EVERY, "sync every", 1000,
	    DAY_MS, &s->every_ms);
	check_base(f, p);
	check_entries(f, p);
	check_command(f, &s->before, "before capture exec");
	check_number(f, &s->keep, DEFAULT_KEEP, "keep", KEEP_LEAST, KEEP_MOST,
	    &s->keep_value);
	check_size(f, &s->store, DEFAULT_STORE, "store at most", STORE_LEAST,
	    &s->store_bytes);
	check_size(f, &s->bandwidth, DEFAULT_COUNT, "bandwidth",
	    BANDWIDTH_LEAST, &s->bandwidth_bytes);
}

/* What is ours must not be copied, or each copy would hold the one before. */
static bool
check_own(struct config_file *f, const struct word *base)
{
	const char *what;

	if (path_within(base->s, f->run_dir.s))
		what = "run";
	else if (path_within(base->s, f->state_dir.s))
		what = "state";
	else
		return true;
	config_error(f, base->at, NULL, "base lies within the %s directory: "
	    "expected the service's data", what);
	return false;
}

static const struct word *
good_base(const struct ast_pair *p)
{
	const struct word *w = &p->sync.base;

	return place_is_set(p->sync.at) && is_set(w) && !w->bad ? w : NULL;
}

void
check_sync_pairs(struct config_file *f)
{
	const struct ast_pair *p;
	uint32_t n = 0;

	for (p = f->pair; p != NULL; p = p->next)
		if (place_is_set(p->sync.at) && ++n == SYNC_PAIRS_MAX + 1)
			config_error(f, p->sync.at, NULL, "expected at most "
			    "%u pairs with a sync block", SYNC_PAIRS_MAX);
}

/* Of two pairs that load the same file the last would win. */
void
check_sync_bases(struct config_file *f)
{
	const struct ast_pair *p, *q;
	const struct word *a, *b;
	char hint[64], text[SHOWN_MAX];

	for (p = f->pair; p != NULL; p = p->next) {
		if ((a = good_base(p)) == NULL || !check_own(f, a))
			continue;
		for (q = f->pair; q != p; q = q->next)
			if ((b = good_base(q)) != NULL &&
			    (path_within(a->s, b->s) ||
			    path_within(b->s, a->s)))
				break;
		if (q == p)
			continue;
		snprintf(hint, sizeof(hint), "the other is in line %u",
		    q->sync.base.at.line);
		config_error(f, a->at, hint, "base overlaps with the base of "
		    "pair \"%s\"", shown(&q->name, text));
	}
}
