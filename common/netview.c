/* SPDX-License-Identifier: ISC */

/* Supervisor, actuator, vipctl: judges a pair by the host's interfaces. */

#include <linux/if.h>

#include <string.h>

#include "netview.h"

void
netview_clear(struct netview *v)
{
	if (v->nforeign > 0)
		memset(v->foreign, 0, sizeof(v->foreign));
	v->nlinks = v->nnets = v->nforeign = 0;
}

const struct netview_link *
netview_link_by_index(const struct netview *v, uint32_t ifindex)
{
	for (uint32_t i = 0; i < v->nlinks; i++)
		if (v->link[i].ifindex == ifindex)
			return &v->link[i];
	return NULL;
}

const struct netview_link *
netview_link_by_name(const struct netview *v, const char *name)
{
	for (uint32_t i = 0; i < v->nlinks; i++)
		if (strcmp(v->link[i].name, name) == 0)
			return &v->link[i];
	return NULL;
}

void
netview_add_net(struct netview *v, uint32_t ifindex, uint8_t prefix,
    const struct conf_addr *a)
{
	if (v->nnets < NETVIEW_NETS_MAX)
		v->net[v->nnets++] = (struct netview_net){ ifindex, prefix,
		    *a };
}

bool
netview_foreign(struct netview *v, uint32_t vip, uint32_t ifindex, bool there)
{
	if (there == (v->foreign[vip] != 0) ||
	    (!there && v->foreign[vip] != ifindex))
		return false;
	v->foreign[vip] = there ? ifindex : 0;
	v->nforeign += there ? 1 : UINT32_MAX;
	return true;
}

/* 1 + index within the pair of the first such address, or 0. */
static uint16_t
first_foreign(const struct netview *v, const struct conf_pair *p)
{
	for (uint32_t i = 0; v->nforeign > 0 && i < p->naddrs; i++)
		if (v->foreign[p->first_addr + i] != 0)
			return (uint16_t)(i + 1);
	return 0;
}

static bool
in_net(const struct netview_net *n, const struct conf_addr *a)
{
	unsigned whole = n->prefix / 8, bits = n->prefix % 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	return n->address.family == a->family && n->prefix > 0 &&
	    memcmp(n->address.byte, a->byte, whole) == 0 &&
	    (bits == 0 ||
	    ((n->address.byte[whole] ^ a->byte[whole]) & mask) == 0);
}

static bool
vips_fit(const struct netview *v, const struct conf *c,
    const struct conf_pair *p, uint32_t ifindex)
{
	for (uint32_t i = 0; i < p->naddrs; i++) {
		const struct conf_addr *a = conf_pair_addr(c, p, i);
		bool inside = false;

		for (uint32_t k = 0; k < v->nnets && !inside; k++)
			inside = v->net[k].ifindex == ifindex &&
			    in_net(&v->net[k], a);
		if (!inside)
			return false;
	}
	return true;
}

/* The interface that carries the node's address; `want` when it is named. */
static const struct netview_link *
carrier_of(const struct netview *v, const struct conf_node *n,
    const char *want)
{
	for (uint32_t k = 0; k < v->nnets; k++) {
		const struct netview_link *l;

		if (!conf_addr_equal(&v->net[k].address, &n->address))
			continue;
		l = netview_link_by_index(v, v->net[k].ifindex);
		if (l != NULL && (*want == '\0' || strcmp(l->name, want) == 0))
			return l;
	}
	return NULL;
}

/*
 * Finds us among the nodes.  Where the named interface exists but has no
 * node's address, it alone is reported, so that the operator can be told.
 */
static const struct netview_link *
find_self(const struct netview *v, const struct conf *c,
    const struct conf_pair *p, uint8_t *self)
{
	const struct netview_link *named = NULL;

	*self = LINK_SELF_NONE;
	for (uint32_t i = 0; i < p->nnodes; i++) {
		const struct conf_node *n = conf_pair_node(c, p, i);
		const char *want = conf_string(c,
		    n->interface ? n->interface : p->interface);
		const struct netview_link *l = carrier_of(v, n, want);

		if (l != NULL) {
			*self = (uint8_t)i;
			return l;
		}
		if (*want != '\0' && named == NULL)
			named = netview_link_by_name(v, want);
	}
	return named;
}

void
netview_judge(const struct netview *v, const struct conf *c, uint32_t pair,
    struct msg_link *m)
{
	const struct conf_pair *p = conf_pair(c, pair);
	const struct msg_head head = m->head;
	const struct netview_link *l;

	*m = (struct msg_link){
		.head = head,
		.unmarked = first_foreign(v, p),
	};
	l = find_self(v, c, p, &m->self);
	for (unsigned i = 0; i < p->ntracks; i++) {
		const struct netview_link *t = netview_link_by_name(v,
		    conf_string(c, p->track[i]));

		if (t == NULL || !(t->flags & IFF_LOWER_UP))
			m->tracked_down |= (uint8_t)(1u << i);
	}
	if (l == NULL)
		return;
	m->ifindex = l->ifindex;
	m->up = (l->flags & IFF_UP) != 0;
	m->carrier = (l->flags & IFF_LOWER_UP) != 0;
	m->mtu = l->mtu;
	memcpy(m->mac, l->mac, sizeof(m->mac));
	m->prefix_ok = vips_fit(v, c, p, l->ifindex);
}
