/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: what the file says as a whole.  The
 * directories, and what pairs do to each other; a pair by itself is
 * checkpair.c's.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ast.h"

bool
check_number(struct config_file *f, struct word *w, enum default_id id,
    const char *what, uint32_t least, uint32_t most, uint32_t *v)
{
	char text[SHOWN_MAX];
	struct word d;

	if (!is_set(w) && id < DEFAULT_COUNT) {
		d = default_word(id);
		return value_number(&d, v);
	}
	if (w->bad)
		return false;
	if (value_number(w, v) && *v >= least && *v <= most)
		return true;
	w->bad = true;
	config_error(f, w->at, NULL, "%s %s: expected a number from %u to %u",
	    what, shown(w, text), least, most);
	return false;
}

bool
check_duration(struct config_file *f, struct word *w, enum default_id id,
    const char *what, uint32_t least_ms, uint32_t most_ms, uint32_t *ms)
{
	char text[SHOWN_MAX];
	char a[DURATION_TEXT_MAX], b[DURATION_TEXT_MAX];
	const char *expected;
	struct word d;

	if (!is_set(w) && id < DEFAULT_COUNT) {
		d = default_word(id);
		return value_duration_ms(&d, ms, &expected);
	}
	if (w->bad)
		return false;
	if (!value_duration_ms(w, ms, &expected))
		config_error(f, w->at, NULL, "%s %s: expected %s", what,
		    shown(w, text), expected);
	else if (*ms < least_ms || *ms > most_ms)
		config_error(f, w->at, NULL, "%s %s: expected %s to %s", what,
		    shown(w, text), duration_text(least_ms, a),
		    duration_text(most_ms, b));
	else
		return true;
	w->bad = true;
	return false;
}

static void
check_directory(struct config_file *f, struct word *w, const char *what,
    uint32_t len_max)
{
	const char *wrong;

	if (!is_set(w) || w->bad)
		return;
	wrong = value_path_wrong(w);
	if (wrong == NULL && strspn(w->s, "/") == w->len)
		wrong = "expected a directory of its own";
	if (wrong != NULL)
		config_error(f, w->at, NULL, "%s: %s", what, wrong);
	else if (w->len > len_max)
		config_error(f, w->at, NULL, "%s: expected a path of at most "
		    "%u bytes", what, len_max);
	else
		return;
	w->bad = true;
}

static void
check_directories(struct config_file *f)
{
	struct word *run = &f->run_dir, *state = &f->state_dir;

	check_directory(f, run, "run directory", RUN_DIR_LEN_MAX);
	check_directory(f, state, "state directory", CONFIG_PATH_MAX);
	if (!is_set(run) || run->bad)
		*run = default_word(DEFAULT_RUN_DIR);
	if (!is_set(state) || state->bad)
		*state = default_word(DEFAULT_STATE_DIR);
	if (strcmp(run->s, state->s) == 0)
		config_error(f, state->at, "one is emptied by a reboot, the "
		    "other must not be", "run directory and state directory "
		    "are the same");
}

static void
check_pair_names(struct config_file *f)
{
	struct ast_pair *p, *q;
	char hint[64], text[SHOWN_MAX];

	for (p = f->pair; p != NULL; p = p->next) {
		for (q = f->pair; q != p; q = q->next)
			if (strcmp(p->name.s, q->name.s) == 0)
				break;
		if (q == p || p->name.bad)
			continue;
		snprintf(hint, sizeof(hint), "first given in line %u",
		    q->name.at.line);
		config_error(f, p->name.at, hint,
		    "pair \"%s\" is given twice", shown(&p->name, text));
	}
}

/* One address of the file, to find the equal ones by sorting. */
struct used_addr {
	struct conf_addr addr;
	struct place	at;
	const struct word *node;	/* its name, or NULL: a virtual one */
};

/* Equal ones side by side, a node's before virtual ones, then by place. */
static int
used_addr_order(const void *va, const void *vb)
{
	const struct used_addr *a = va, *b = vb;
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	if (order != 0)
		return order;
	if ((a->node == NULL) != (b->node == NULL))
		return a->node == NULL ? 1 : -1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

static size_t
collect_addrs(const struct config_file *f, struct used_addr *used)
{
	const struct ast_pair *p;
	const struct ast_addr *a;
	const struct ast_node *n;
	size_t count = 0;

	for (p = f->pair; p != NULL; p = p->next) {
		for (a = p->addr; a != NULL; a = a->next, count++)
			if (used != NULL)
				used[count] = (struct used_addr){
				    a->value, a->w.at, NULL };
		for (n = p->node; n != NULL; n = n->next, count++)
			if (used != NULL)
				used[count] = (struct used_addr){
				    n->addr, n->address.at, &n->name };
	}
	return count;
}

static void
report_used(struct config_file *f, const struct used_addr *a,
    const struct used_addr *first)
{
	char text[ADDR_TEXT_MAX], name[SHOWN_MAX], hint[96];

	addr_text(&a->addr, text);
	if (first->node != NULL) {
		snprintf(hint, sizeof(hint), "take an address of the LAN "
		    "that no machine has; the node is in line %u",
		    first->at.line);
		config_error(f, a->at, hint, "virtual address %s is the "
		    "address of node \"%s\"", text, shown(first->node, name));
	} else {
		snprintf(hint, sizeof(hint), "first given in line %u",
		    first->at.line);
		config_error(f, a->at, hint,
		    "virtual address %s is given twice", text);
	}
}

static void
check_addrs(struct config_file *f)
{
	size_t n = collect_addrs(f, NULL), i, first = 0;
	struct used_addr *used;

	if (n == 0)
		return;
	used = arena_alloc(f, n * sizeof(*used));
	collect_addrs(f, used);
	qsort(used, n, sizeof(*used), used_addr_order);
	for (i = 1; i < n; i++) {
		if (!conf_addr_equal(&used[i].addr, &used[first].addr))
			first = i;
		else if (used[i].addr.family != 0 && used[i].node == NULL)
			report_used(f, &used[i], &used[first]);
	}
}

static const struct word *
interface_of(const struct ast_pair *p, const struct ast_node *n)
{
	return is_set(&n->interface) ? &n->interface : &p->interface;
}

/*
 * True when the two nodes' adverts meet on one interface: named alike, or,
 * where names do not tell them apart, in one network.  The file does not say
 * how large networks are; the first 24 bits are taken for one.
 */
static bool
nodes_meet(const struct ast_pair *p, const struct ast_node *a,
    const struct ast_pair *q, const struct ast_node *b)
{
	const struct word *i = interface_of(p, a), *j = interface_of(q, b);

	if (is_set(i) && is_set(j))
		return strcmp(i->s, j->s) == 0;
	return a->addr.family == 4 && b->addr.family == 4 &&
	    memcmp(a->addr.byte, b->addr.byte, 3) == 0;
}

static bool
pairs_meet(const struct ast_pair *p, const struct ast_pair *q)
{
	const struct ast_node *a, *b;

	for (a = p->node; a != NULL; a = a->next)
		for (b = q->node; b != NULL; b = b->next)
			if (nodes_meet(p, a, q, b))
				return true;
	return false;
}

static uint32_t
free_vhid(const struct config_file *f, uint32_t from)
{
	const struct ast_pair *p;
	bool used[256] = { [0] = true };
	uint32_t i;

	for (p = f->pair; p != NULL; p = p->next)
		used[p->vhid_value & 0xff] = true;
	for (i = from; i < from + 256; i++)
		if (!used[i & 0xff])
			return i & 0xff;
	return 0;
}

static struct place
vhid_place(const struct ast_pair *p)
{
	return is_set(&p->vhid) ? p->vhid.at : p->at;
}

static void
report_vhid(struct config_file *f, const struct ast_pair *p,
    const struct ast_pair *first)
{
	char name[SHOWN_MAX], hint[96];
	uint32_t other = free_vhid(f, p->vhid_value);

	if (other != 0)
		snprintf(hint, sizeof(hint), "vhid %u is free; CARP and VRRP "
		    "share the numbers of an interface", other);
	else
		snprintf(hint, sizeof(hint), "each pair on an interface "
		    "wants its own");
	config_error(f, vhid_place(p), hint, "vhid %u is already pair "
	    "\"%s\"'s on this interface, line %u%s", p->vhid_value,
	    shown(&first->name, name), vhid_place(first).line,
	    is_set(&p->vhid) ? "" : " (it is the default)");
}

static void
check_vhids(struct config_file *f)
{
	const struct ast_pair *p, *q;

	for (p = f->pair; p != NULL; p = p->next) {
		for (q = f->pair; q != p; q = q->next)
			if (p->vhid_value != 0 &&
			    p->vhid_value == q->vhid_value &&
			    pairs_meet(p, q))
				break;
		if (q != p)
			report_vhid(f, p, q);
	}
}

void
check_file(struct config_file *f)
{
	struct ast_pair *p;

	check_directories(f);
	if (f->pair == NULL && !f->broken && f->c->nerrors == 0)
		config_error(f, PLACE_FILE, "the shortest: pair \"vpn\" { "
		    "virtual address A, node \"a\" address B, node \"b\" "
		    "address C, a line each }", "no pair: expected at least "
		    "one");
	/* More would cost time that grows with the square. */
	if (f->npairs > CONF_PAIRS_MAX)
		return;
	for (p = f->pair; p != NULL; p = p->next)
		check_pair(f, p);
	check_pair_names(f);
	check_addrs(f);
	check_vhids(f);
	check_sync_bases(f);
	check_sync_pairs(f);
}
