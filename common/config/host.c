/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor at start and in vipctl validate: does the
 * configuration fit this host?  Only looks.  What may still come up (a link,
 * an address) is a warning: the daemon waits for it.
 */
#include <sys/socket.h>

#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "ast.h"

#define IFACES_MAX	4096

/* What host_check() looks at while it walks. */
struct view {
	struct config_file *f;
	const struct host_iface *iface;
	size_t		n;
};

static bool
iface_exists(const struct view *v, const struct word *name)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (strcmp(v->iface[i].name, name->s) == 0)
			return true;
	return false;
}

/* The interface that carries the address, or NULL. */
static const struct host_iface *
carrier_of(const struct view *v, const struct conf_addr *a)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (a->family != 0 && conf_addr_equal(&v->iface[i].addr, a))
			return &v->iface[i];
	return NULL;
}

static uint32_t
bits_of(const struct conf_addr *a)
{
	return (uint32_t)a->byte[0] << 24 | (uint32_t)a->byte[1] << 16 |
	    (uint32_t)a->byte[2] << 8 | a->byte[3];
}

static uint32_t
mask_of(uint8_t prefix)
{
	return prefix == 0 ? 0 : ~UINT32_C(0) << (32 - prefix);
}

static void
check_word(const struct view *v, const struct word *w, const char *hint)
{
	char name[SHOWN_MAX];

	if (is_set(w) && !w->bad && !iface_exists(v, w))
		config_warn(v->f, w->at, hint,
		    "interface \"%s\" does not exist on this host",
		    shown(w, name));
}

/* The network of the named interface that the address is inside of. */
static const struct host_iface *
network_of(const struct view *v, const char *name, const struct conf_addr *a)
{
	const struct host_iface *i;
	uint32_t mask;

	for (i = v->iface; i < v->iface + v->n; i++) {
		if (i->addr.family != 4 || strcmp(i->name, name) != 0)
			continue;
		/* A host route tells nothing about the network. */
		if (i->prefix >= 31)
			continue;
		mask = mask_of(i->prefix);
		if (((bits_of(a) ^ bits_of(&i->addr)) & mask) == 0)
			return i;
	}
	return NULL;
}

static void
check_vip(const struct view *v, const struct ast_addr *a,
    const struct host_iface *own)
{
	char text[ADDR_TEXT_MAX], net[ADDR_TEXT_MAX];
	const struct host_iface *on = carrier_of(v, &a->value);
	const struct host_iface *in = network_of(v, own->name, &a->value);
	uint32_t mask = in != NULL ? mask_of(in->prefix) : 0;
	uint32_t bits = bits_of(&a->value) & ~mask;

	if (on != NULL && on->prefix != 32)
		config_warn(v->f, a->w.at, "take it off there: vipair puts "
		    "it up on the active node only", "virtual address %s is "
		    "configured on %s", addr_text(&a->value, text), on->name);
	if (own->prefix >= 31)
		return;
	if (in == NULL)
		config_error(v->f, a->w.at, NULL, "virtual address %s is "
		    "outside the network of %s: expected one like %s/%u",
		    addr_text(&a->value, text), own->name,
		    addr_text(&own->addr, net), own->prefix);
	else if (bits == 0 || bits == ~mask)
		config_error(v->f, a->w.at, NULL, "virtual address %s is "
		    "the %s address of the network of %s",
		    addr_text(&a->value, text), bits == 0 ?
		    "first, unusable" : "broadcast", own->name);
}

/* The node that is this host: its address is on an interface here. */
static const struct ast_node *
find_self(const struct view *v, const struct ast_pair *p)
{
	const struct ast_node *n, *self = NULL;
	char name[SHOWN_MAX];

	for (n = p->node; n != NULL; n = n->next) {
		if (carrier_of(v, &n->addr) == NULL ||
		    place_is_set(n->foreign))
			continue;
		if (self != NULL)
			config_error(v->f, n->address.at, "a pair needs two "
			    "machines", "node \"%s\" is this host, and so is "
			    "the node of line %u", shown(&n->name, name),
			    self->at.line);
		self = n;
	}
	if (self == NULL && p->node != NULL)
		config_warn(v->f, p->at, "a node knows itself by its "
		    "address; adverts wait until one is there",
		    "no node of this pair is this host");
	return self;
}

static void
check_pair_here(const struct view *v, const struct ast_pair *p)
{
	const struct ast_node *self = find_self(v, p);
	const struct host_iface *own;
	const struct word_list *t;
	const struct ast_addr *a;
	const struct word *w = &p->interface;
	static const char waits[] = "adverts wait until it is there";

	for (t = p->track; t != NULL; t = t->next)
		check_word(v, &t->w, "it counts as down until it is there");
	if (self == NULL) {
		check_word(v, w, waits);
		return;
	}
	if (is_set(&self->interface))
		w = &self->interface;
	own = carrier_of(v, &self->addr);
	check_word(v, w, waits);
	if (is_set(w) && strcmp(w->s, own->name) != 0 && iface_exists(v, w))
		config_warn(v->f, w->at, NULL, "this node's address is on "
		    "%s, not on the interface named here", own->name);
	for (a = p->addr; a != NULL; a = a->next)
		if (a->value.family == 4)
			check_vip(v, a, own);
}

uint32_t
host_check(struct config_file *f, const struct host_iface *iface, size_t n)
{
	struct view v = { .f = f, .iface = iface, .n = n };
	uint32_t errors = f->c->nerrors;
	const struct ast_pair *p;

	for (p = f->pair; p != NULL; p = p->next)
		check_pair_here(&v, p);
	problems_sort(f->c);
	return f->c->nerrors - errors;
}

static uint8_t
prefix_of(const struct sockaddr *mask)
{
	struct sockaddr_in in;

	if (mask == NULL)
		return 32;
	memcpy(&in, mask, sizeof(in));
	return (uint8_t)__builtin_popcount(in.sin_addr.s_addr);
}

/* One entry per interface, and one more per IPv4 address of it. */
static bool
read_iface(const struct ifaddrs *i, struct host_iface *out)
{
	struct sockaddr_in in;

	*out = (struct host_iface){ .up = (i->ifa_flags & IFF_UP) != 0 };
	snprintf(out->name, sizeof(out->name), "%s", i->ifa_name);
	if (i->ifa_addr == NULL || i->ifa_addr->sa_family == AF_PACKET)
		return true;
	if (i->ifa_addr->sa_family != AF_INET)
		return false;
	memcpy(&in, i->ifa_addr, sizeof(in));
	out->addr.family = 4;
	memcpy(out->addr.byte, &in.sin_addr, 4);
	out->prefix = prefix_of(i->ifa_netmask);
	return true;
}

uint32_t
config_check_host(struct config *c)
{
	struct config_file *f = c->file;
	struct ifaddrs *list, *i;
	struct host_iface *iface;
	size_t n = 0;

	if (getifaddrs(&list) == -1) {
		config_warn(f, PLACE_FILE, NULL, "this host's interfaces: %s",
		    strerror(errno));
		return 0;
	}
	iface = arena_alloc(f, IFACES_MAX * sizeof(*iface));
	for (i = list; i != NULL && n < IFACES_MAX; i = i->ifa_next)
		n += read_iface(i, &iface[n]);
	freeifaddrs(list);
	return host_check(f, iface, n);
}
