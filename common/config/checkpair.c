/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: one pair by itself.  Gives each of
 * its words a value, or complains and goes on; what is missing in a pair
 * that lost a line to a syntax error is not mentioned.
 */
#include <assert.h>
#include <string.h>

#include "ast.h"

#define IFACE_LEN_MAX	15		/* IFNAMSIZ - 1 */

/*
 * Below 1 s no lease is short enough: the shortest is 1 s and the kernel may
 * let it lapse up to a second late.
 */
#define FROZEN_ANSWERS_S	2

static void
check_name(struct config_file *f, struct word *w, const char *what)
{
	char text[SHOWN_MAX];

	if (w->bad)
		return;
	if (w->len == 0)
		config_error(f, w->at, NULL, "%s: expected a name", what);
	else if (w->len > CONF_NAME_MAX)
		config_error(f, w->at, NULL, "%s \"%s\": expected at most %u "
		    "letters", what, shown(w, text), CONF_NAME_MAX);
	else if (!value_name_ok(w))
		config_error(f, w->at, NULL, "%s \"%s\": expected letters, "
		    "digits, \"_\", \".\" and \"-\"", what, shown(w, text));
	else
		return;
	w->bad = true;
}

static void
check_interface(struct config_file *f, struct word *w)
{
	char text[SHOWN_MAX];

	if (!is_set(w) || w->bad)
		return;
	if (w->len > 0 && w->len <= IFACE_LEN_MAX &&
	    strpbrk(w->s, "/ :%") == NULL && strcmp(w->s, ".") != 0 &&
	    strcmp(w->s, "..") != 0)
		return;
	w->bad = true;
	config_error(f, w->at, "ip link shows the names", "interface \"%s\": "
	    "expected a name of 1 to %u letters without \"/\", \":\", \"%%\" "
	    "or blank", shown(w, text), IFACE_LEN_MAX);
}

/* NULL, or why no machine on a LAN has this address. */
static const char *
unusable(const struct conf_addr *a)
{
	const uint8_t *b = a->byte;

	if (b[0] == 0)
		return "means \"this network\"";
	if (b[0] == 127)
		return "is a loopback address";
	if (b[0] >= 224 && b[0] < 240)
		return "is a multicast address";
	if (b[0] >= 240)
		return "is reserved";
	return NULL;
}

static void
check_addr(struct config_file *f, struct word *w, struct conf_addr *a,
    const char *what)
{
	char text[SHOWN_MAX];
	const char *why;

	if (w->bad)
		return;
	w->bad = true;
	if (!value_addr(w, a)) {
		config_error(f, w->at, strchr(w->s, '/') == NULL ? NULL :
		    "write it without \"/\" and prefix length",
		    "%s %s: expected an IPv4 address such as 192.168.70.222",
		    what, shown(w, text));
	} else if (a->family == 6) {
		config_error(f, w->at, NULL, "%s %s: IPv6 is not available "
		    "in this version", what, shown(w, text));
		memset(a, 0, sizeof(*a));
	} else if ((why = unusable(a)) != NULL) {
		config_error(f, w->at, NULL, "%s %s %s: expected an address "
		    "of the LAN", what, shown(w, text), why);
		memset(a, 0, sizeof(*a));
	} else {
		w->bad = false;
	}
}

static void
check_addr_list(struct config_file *f, struct ast_pair *p)
{
	struct ast_addr *a;

	for (a = p->addr; a != NULL; a = a->next)
		check_addr(f, &a->w, &a->value, "virtual address");
	if (p->addr == NULL && !p->broken)
		config_error(f, p->at, "add: virtual address A",
		    "pair without virtual address");
}

/* The same name or address, or a second `prefer`, in one pair. */
static void
check_node_twice(struct config_file *f, const struct ast_node *a,
    const struct ast_node *b)
{
	char hint[64], text[SHOWN_MAX];

	snprintf(hint, sizeof(hint), "first given in line %u", a->at.line);
	if (!b->name.bad && strcmp(a->name.s, b->name.s) == 0)
		config_error(f, b->name.at, hint, "node \"%s\" is given "
		    "twice", shown(&b->name, text));
	if (b->addr.family != 0 && conf_addr_equal(&a->addr, &b->addr))
		config_error(f, b->address.at, hint, "node address %s is "
		    "given twice", shown(&b->address, text));
	if (place_is_set(a->prefer) && place_is_set(b->prefer))
		config_error(f, b->prefer, hint, "two nodes marked "
		    "\"prefer\": expected one at most");
}

static bool
both_given(const struct word *a, const struct word *b)
{
	return is_set(a) && !a->bad && is_set(b) && !b->bad;
}

static void
check_same_rank(struct config_file *f, const struct ast_node *a,
    const struct ast_node *b)
{
	char hint[80];

	snprintf(hint, sizeof(hint), "line %u has the same; two equal nodes "
	    "could take the address at once", a->at.line);
	if (both_given(&a->priority, &b->priority) &&
	    a->priority_value == b->priority_value)
		config_error(f, b->priority.at, hint, "two nodes with "
		    "priority %u: expected different ones",
		    b->priority_value);
	if (both_given(&a->skew, &b->skew) && a->skew_value == b->skew_value)
		config_error(f, b->skew.at, hint, "two nodes with skew %u: "
		    "expected different ones", b->skew_value);
}

static void
check_priority(struct config_file *f, struct ast_node *n)
{
	if (!is_set(&n->priority))
		return;
	if (value_number(&n->priority, &n->priority_value) &&
	    (n->priority_value == 255 || n->priority_value == 0)) {
		n->priority.bad = true;
		config_error(f, n->priority.at, n->priority_value == 0 ?
		    "0 says \"I resign\" in an advert" :
		    "255 is for a router that owns the address",
		    "priority %u: expected a number from 1 to 254",
		    n->priority_value);
	}
	check_number(f, &n->priority, DEFAULT_COUNT, "priority", 1, 254,
	    &n->priority_value);
}

static void
check_node(struct config_file *f, const struct ast_pair *p,
    struct ast_node *n)
{
	check_name(f, &n->name, "node");
	check_addr(f, &n->address, &n->addr, "node address");
	check_priority(f, n);
	if (is_set(&n->skew))
		check_number(f, &n->skew, DEFAULT_COUNT, "skew", 0, 254,
		    &n->skew_value);
	check_interface(f, &n->interface);
	if (p->protocol_value == PROTOCOL_CARP && is_set(&n->priority) &&
	    !n->priority.bad)
		config_warn(f, n->priority.at, "carp ranks nodes by \"skew\", "
		    "0 is the best", "priority has no effect with carp");
	if (p->protocol_value != PROTOCOL_CARP && is_set(&n->skew) &&
	    !n->skew.bad)
		config_warn(f, n->skew.at, "vrrp ranks nodes by \"priority\", "
		    "254 is the best", "skew has no effect with vrrp");
}

/* How far a node's own word puts it from the best: 0 to 254; or -1. */
static int
given_distance(const struct ast_pair *p, const struct ast_node *n)
{
	if (p->protocol_value == PROTOCOL_CARP)
		return is_set(&n->skew) && !n->skew.bad ?
		    (int)n->skew_value : -1;
	return is_set(&n->priority) && !n->priority.bad ?
	    254 - (int)n->priority_value : -1;
}

static const struct ast_node *
preferred(const struct ast_pair *p)
{
	const struct ast_node *n;

	for (n = p->node; n != NULL; n = n->next)
		if (place_is_set(n->prefer))
			return n;
	return NULL;
}

/*
 * Distances from the best for the nodes that gave none: the preferred node's
 * first, then by place in the file, each the smallest that is free; behind
 * the preferred one in any case.
 */
static void
spread(const struct ast_pair *p, int distance[CONF_NODES_PER_PAIR_MAX])
{
	bool used[256] = { false };
	const struct ast_node *n, *first = preferred(p);
	int i, d = 0, floor = 0;
	int most = p->protocol_value == PROTOCOL_CARP ? 254 : 253;

	for (i = 0, n = p->node; n != NULL; n = n->next, i++)
		if ((distance[i] = given_distance(p, n)) >= 0)
			used[distance[i]] = true;
	for (i = 0, n = p->node; n != NULL && first != NULL;
	    n = n->next, i++) {
		if (n != first)
			continue;
		for (d = 0; distance[i] < 0 && used[d]; d++)
			;
		if (distance[i] < 0)
			used[distance[i] = d] = true;
		floor = distance[i];
	}
	for (i = 0, n = p->node; n != NULL; n = n->next, i++) {
		if (distance[i] >= 0)
			continue;
		for (d = floor; d < most && used[d]; d++)
			;
		/* None behind it is free: take what is. */
		for (; d > 0 && used[d]; d--)
			;
		used[distance[i] = d] = true;
	}
}

/*
 * The value of the protocol in use is the distance; of the other protocol,
 * whose word has no effect, the rank.  The rank is the node's number in an
 * epoch: the preferred node's is 0.
 */
static void
rank_nodes(struct config_file *f, struct ast_pair *p)
{
	int distance[CONF_NODES_PER_PAIR_MAX], i, j;
	bool carp = p->protocol_value == PROTOCOL_CARP;
	const struct ast_node *best = preferred(p), *m;
	struct ast_node *n;

	spread(p, distance);
	for (i = 0, n = p->node; n != NULL; n = n->next, i++) {
		n->rank = 0;
		for (j = 0, m = p->node; m != NULL; m = m->next, j++)
			if (m != n && n != best && (m == best ||
			    distance[j] < distance[i] ||
			    (distance[j] == distance[i] && j < i)))
				n->rank++;
		n->skew_value = carp ? (uint32_t)distance[i] : n->rank;
		n->priority_value = 254 - (carp ? n->rank :
		    (uint32_t)distance[i]);
	}
	for (i = 0, m = p->node; best != NULL && m != NULL; m = m->next, i++)
		if (carp ? m->skew_value < best->skew_value :
		    m->priority_value > best->priority_value)
			break;
	if (best != NULL && m != NULL)
		config_warn(f, best->prefer, "give the preferred node the "
		    "best rank, or none to any", "the preferred node has a "
		    "worse rank than the node of line %u", m->at.line);
}

static void
check_node_count(struct config_file *f, const struct ast_pair *p)
{
	const struct ast_node *n;
	uint32_t own = 0;

	for (n = p->node; n != NULL; n = n->next)
		own += !place_is_set(n->foreign);
	if (p->nnodes == 0)
		config_error(f, p->at, "add: node \"name\" address A",
		    "pair without node: expected two");
	else if (own == 0)
		config_error(f, p->at, "take \"foreign\" off the nodes that "
		    "run vipair", "every node is foreign: expected one that "
		    "is not");
	else if (p->nnodes == 1)
		config_warn(f, p->node->at, "add a second: node \"name\" "
		    "address A", "one node only: nobody takes over when it "
		    "dies");
}

/* 5.5: ucarp's digest covers one address, OpenBSD's all. */
static void
warn_digest(struct config_file *f, const struct ast_pair *p)
{
	const struct ast_node *n;

	if (p->protocol_value != PROTOCOL_CARP || p->naddrs < 2)
		return;
	for (n = p->node; n != NULL; n = n->next)
		if (place_is_set(n->foreign))
			config_warn(f, n->foreign, "for ucarp give each "
			    "address a pair of its own", "carp with %u "
			    "virtual addresses: OpenBSD understands it, "
			    "ucarp does not", p->naddrs);
}

static void
check_nodes(struct config_file *f, struct ast_pair *p)
{
	struct ast_node *n, *m;

	/* Too many were named as an error; the rest is not worth a look. */
	if (p->nnodes > CONF_NODES_PER_PAIR_MAX)
		return;
	for (n = p->node; n != NULL; n = n->next) {
		check_node(f, p, n);
		for (m = p->node; m != n; m = m->next) {
			check_node_twice(f, m, n);
			check_same_rank(f, m, n);
		}
	}
	if (!p->broken)
		check_node_count(f, p);
	warn_digest(f, p);
	rank_nodes(f, p);
}

static void
check_protocol(struct config_file *f, struct ast_pair *p)
{
	char text[SHOWN_MAX];
	uint32_t version = 0;

	p->protocol_value = PROTOCOL_CARP;
	if (!is_set(&p->protocol) || strcmp(p->protocol.s, "carp") == 0)
		return;
	p->protocol_value = PROTOCOL_VRRP3;
	if (p->version.bad)
		return;
	value_number(&p->version, &version);
	if (version == 2) {
		p->protocol_value = PROTOCOL_VRRP2;
	} else if (version != 3) {
		p->version.bad = true;
		config_error(f, p->version.at, NULL, "protocol vrrp %s: "
		    "expected 2 or 3", shown(&p->version, text));
	}
}

static void
check_interval(struct config_file *f, struct ast_pair *p)
{
	struct word *w = &p->interval;
	char text[SHOWN_MAX];
	uint32_t *ms = &p->interval_ms, step = 1000;
	const char *expected = "whole seconds with carp and vrrp 2";

	if (p->protocol_value == PROTOCOL_CARP) {
		if (!check_duration(f, w, DEFAULT_INTERVAL, "advertise every",
		    1000, 254000, ms))
			return;
	} else if (p->protocol_value == PROTOCOL_VRRP2) {
		if (!check_duration(f, w, DEFAULT_INTERVAL, "advertise every",
		    1000, 255000, ms))
			return;
	} else {
		step = 10;
		expected = "whole hundredths of a second with vrrp 3";
		if (!check_duration(f, w, DEFAULT_INTERVAL, "advertise every",
		    10, 40950, ms))
			return;
	}
	if (*ms % step != 0) {
		w->bad = true;
		config_error(f, w->at, NULL, "advertise every %s: expected "
		    "%s", shown(w, text), expected);
	} else if (*ms < 1000) {
		config_warn(f, w->at, "adverts of 1s close it: the address "
		    "is then gone before another node takes it",
		    "below 1s a frozen node may keep answering for up to "
		    "%u s", FROZEN_ANSWERS_S);
	}
}

/* A quarter of the interval, but not more than the default. */
static void
check_spacing(struct config_file *f, struct ast_pair *p)
{
	uint32_t most = p->interval_ms;

	if (most == 0 || p->interval.bad)
		return;
	if (is_set(&p->spacing)) {
		check_duration(f, &p->spacing, DEFAULT_COUNT, "claim spacing",
		    1, most > 1000 ? 1000 : most, &p->spacing_ms);
		return;
	}
	check_duration(f, &p->spacing, DEFAULT_SPACING, "claim spacing", 1,
	    1000, &p->spacing_ms);
	if (p->spacing_ms > most / 4)
		p->spacing_ms = most / 4;
}

static void
check_auth(struct config_file *f, struct ast_pair *p)
{
	struct word w = is_set(&p->auth) ? p->auth :
	    default_word(DEFAULT_AUTH);

	if (strcmp(w.s, "enforce") == 0)
		p->auth_value = AUTH_ENFORCE;
	else if (strcmp(w.s, "permissive") == 0)
		p->auth_value = AUTH_PERMISSIVE;
	else
		p->auth_value = AUTH_RECEIVE_ONLY;
	if (is_set(&p->auth) && !is_set(&p->secret_file) && !p->broken)
		config_warn(f, p->auth.at, "add: secret file \"/path\"",
		    "authentication has no effect without a secret file");
}

static void
check_path(struct config_file *f, struct word *w, const char *what)
{
	char text[SHOWN_MAX];
	const char *wrong;

	if (!is_set(w) || w->bad || (wrong = value_path_wrong(w)) == NULL)
		return;
	w->bad = true;
	config_error(f, w->at, NULL, "%s \"%s\": %s", what, shown(w, text),
	    wrong);
}

static void
check_tracks(struct config_file *f, struct ast_pair *p)
{
	struct word_list *t, *u;
	char text[SHOWN_MAX];

	for (t = p->track; t != NULL; t = t->next) {
		check_interface(f, &t->w);
		for (u = p->track; u != t; u = u->next)
			if (strcmp(u->w.s, t->w.s) == 0 && !t->w.bad)
				config_error(f, t->w.at, NULL, "interface "
				    "\"%s\" is tracked twice",
				    shown(&t->w, text));
	}
}

static void
check_flaps(struct config_file *f, struct ast_pair *p)
{
	check_number(f, &p->flap_limit, DEFAULT_FLAP_LIMIT, "flap limit", 1,
	    1000, &p->flap_limit_value);
	check_duration(f, &p->flap_window, DEFAULT_FLAP_WINDOW,
	    "takeovers in", 1000, 7 * 86400000u, &p->flap_window_ms);
}

void
check_pair(struct config_file *f, struct ast_pair *p)
{
	check_name(f, &p->name, "pair");
	check_protocol(f, p);
	check_addr_list(f, p);
	check_nodes(f, p);
	check_interface(f, &p->interface);
	check_number(f, &p->vhid, DEFAULT_VHID, "vhid", 1, 255,
	    &p->vhid_value);
	check_interval(f, p);
	check_spacing(f, p);
	check_path(f, &p->secret_file, "secret file");
	check_auth(f, p);
	check_number(f, &p->ssh_port, DEFAULT_SSH_PORT, "partner ssh port",
	    1, 65535, &p->port_value);
	check_path(f, &p->notify, "notify exec");
	check_tracks(f, p);
	check_flaps(f, p);
	check_service(f, p);
	check_sync(f, p);
	check_secret(f, p);
}
