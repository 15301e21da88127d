/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: what was heard on an interface, judged for each pair on it:
 * who else uses our number, who answers for our address, whose clock is
 * another, and whether this host's own packet filter is in the way.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "mono.h"
#include "text.h"

#define CLOCK_NS	(5 * NS_PER_S)	/* numbers may be 3 s ahead */

/* The node of the pair with this address, or NULL. */
static const struct ctl_peer *
node_of(const struct view_pair *vp, const struct conf_addr *a)
{
	uint32_t i;

	for (i = 0; i < vp->npeers; i++)
		if (conf_addr_equal(&vp->peer[i].address, a))
			return &vp->peer[i];
	return NULL;
}

/* The next number that nobody was heard to use, and no pair of ours has. */
static unsigned
free_vhid(const struct doctor *d, const struct patient *p,
    const struct listening *l)
{
	bool used[256] = { true };
	uint32_t i;
	unsigned n;

	for (i = 0; i < l->nsenders; i++)
		used[l->sender[i].vhid] = true;
	for (i = 0; i < d->npatients; i++)
		used[d->patient[i].vp->p.vhid] = true;
	for (n = 1; n < 256; n++)
		if (!used[(p->vp->p.vhid + n) % 256])
			return (p->vp->p.vhid + n) % 256;
	return 0;
}

/* Somebody with our number: named once. */
static void
judge_sender(struct doctor *d, const struct patient *p,
    const struct sender *s)
{
	const enum problem number = s->protocol == p->vp->p.protocol ?
	    PROBLEM_VHID_COLLISION : PROBLEM_OTHER_PROTOCOL;
	const bool ours = node_of(p->vp, &s->src) != NULL;
	struct finding *f;

	if (s->vhid != p->vp->p.vhid ||
	    (ours && number == PROBLEM_VHID_COLLISION))
		return;
	f = doctor_found(d, p, number);
	if (f == NULL) {
		f = doctor_find(d, p, number);
		f->problem.address = s->src;
		f->problem.value[1] = s->protocol;
		memcpy(f->problem.mac, s->mac, sizeof(s->mac));
	}
}

/* Whoever collides may move to a number that nobody was heard to use. */
static void
propose(struct doctor *d, const struct patient *p, const struct listening *l)
{
	const unsigned n = free_vhid(d, p, l);
	struct finding *f;

	f = doctor_found(d, p, PROBLEM_VHID_COLLISION);
	if (f != NULL && n != 0)
		doctor_word(f->free, "%u", n);
	f = doctor_found(d, p, PROBLEM_OTHER_PROTOCOL);
	if (f != NULL && n != 0)
		doctor_word(f->free, "%u", n);
}

static void
judge_clock(struct doctor *d, const struct patient *p,
    const struct sender *s)
{
	const struct ctl_peer *n = node_of(p->vp, &s->src);
	int64_t off = s->ahead_ns;
	struct finding *f;
	char age[32];

	if (n == NULL || n->self != 0 || !s->signed_ ||
	    s->vhid != p->vp->p.vhid || (off < CLOCK_NS && off > -CLOCK_NS) ||
	    doctor_found(d, p, PROBLEM_CLOCK) != NULL)
		return;
	age_text(off < 0 ? -off : off, age, sizeof(age));
	f = doctor_find(d, p, PROBLEM_CLOCK);
	doctor_word(f->detail, "the clock of %s is %s %s this node's",
	    n->name, age, off < 0 ? "behind" : "ahead of");
}

/* A hardware address that a node of the pair is known to have. */
static bool
is_nodes(const struct patient *p, const struct listening *l,
    const uint8_t *mac)
{
	static const uint8_t virtual[] = { 0, 0, 0x5e, 0, 1 };
	uint32_t i;

	if (memcmp(mac, virtual, sizeof(virtual)) == 0 &&
	    mac[5] == p->vp->p.vhid)
		return true;
	for (i = 0; i < l->nanswers; i++)
		if (memcmp(l->answer[i].mac, mac, 6) == 0 &&
		    node_of(p->vp, &l->answer[i].address) != NULL)
			return true;
	for (i = 0; i < l->nsenders; i++)
		if (memcmp(l->sender[i].mac, mac, 6) == 0 &&
		    node_of(p->vp, &l->sender[i].src) != NULL)
			return true;
	return false;
}

static bool
is_vip(const struct patient *p, const struct conf_addr *a)
{
	size_t i;

	for (i = 0; i < p->vp->naddrs; i++)
		if (conf_addr_equal(&p->vp->addr[i].address, a))
			return true;
	return false;
}

static void
judge_answer(struct doctor *d, const struct patient *p,
    const struct listening *l, const struct answer *a)
{
	struct finding *f;

	if (!is_vip(p, &a->address) || is_nodes(p, l, a->mac) ||
	    doctor_found(d, p, PROBLEM_ADDRESS_CONFLICT) != NULL)
		return;
	f = doctor_find(d, p, PROBLEM_ADDRESS_CONFLICT);
	f->problem.address = a->address;
	memcpy(f->problem.mac, a->mac, sizeof(a->mac));
}

void
doctor_wire(struct doctor *d, const struct patient *p,
    const struct listening *l)
{
	uint32_t i;

	d->nchecks += 4;
	for (i = 0; i < l->nsenders; i++) {
		judge_sender(d, p, &l->sender[i]);
		judge_clock(d, p, &l->sender[i]);
	}
	propose(d, p, l);
	for (i = 0; i < l->nanswers; i++)
		judge_answer(d, p, l, &l->answer[i]);
}

static void
judge_wall(struct doctor *d, const struct patient *p,
    const struct listening *l)
{
	d->nchecks += l->in != WALL_UNKNOWN;
	if (l->out == WALL_SHUT)
		doctor_firewall(doctor_find(d, p, PROBLEM_FIREWALL), "output",
		    p->interface);
	if (l->in == WALL_SHUT)
		doctor_firewall(doctor_find(d, p, PROBLEM_FIREWALL), "input",
		    p->interface);
	if (l->in == WALL_UNKNOWN && l->out == WALL_UNKNOWN)
		doctor_skip(d, "firewall", "no packet of protocol 112 could "
		    "be made on %s", p->interface);
}

/* Three adverts of the slowest pair on it, within what is bearable. */
static int
listen_ms(const struct doctor *d, uint32_t ifindex)
{
	int64_t ms = DOCTOR_LISTEN_MIN_MS;
	uint32_t i;

	for (i = 0; i < d->npatients; i++)
		if (d->patient[i].link.ifindex == ifindex &&
		    d->patient[i].vp->p.interval_ms * INT64_C(5) / 2 > ms)
			ms = d->patient[i].vp->p.interval_ms * INT64_C(5) / 2;
	return ms < DOCTOR_LISTEN_MAX_MS ? (int)ms : DOCTOR_LISTEN_MAX_MS;
}

static void
one_interface(struct doctor *d, struct patient *p, int *budget_ms)
{
	struct listening *l = calloc(1, sizeof(*l));
	int ms = listen_ms(d, p->link.ifindex);
	char why[128];
	uint32_t i;

	if (l == NULL)
		return;
	l->interface = p->interface;
	l->ifindex = p->link.ifindex;
	memcpy(l->mac, p->link.mac, sizeof(l->mac));
	if (ms > *budget_ms)
		doctor_skip(d, "network", "no time was left for %s",
		    p->interface);
	else if (!doctor_listen(d, l, ms, why, sizeof(why)))
		doctor_skip(d, "network", "%s: %.80s", p->interface, why);
	else {
		*budget_ms -= ms;
		for (i = 0; i < d->npatients; i++)
			if (d->patient[i].link.ifindex == l->ifindex)
				doctor_wire(d, &d->patient[i], l);
		judge_wall(d, p, l);
	}
	free(l);
}

void
doctor_network(struct doctor *d)
{
	int budget_ms = 2 * DOCTOR_LISTEN_MAX_MS;
	struct patient *p;
	uint32_t i, k;

	if (!d->root && d->npatients > 0) {
		doctor_skip(d, "network", "listening needs root");
		return;
	}
	for (i = 0; i < d->npatients; i++) {
		p = &d->patient[i];
		for (k = 0; k < i; k++)
			if (d->patient[k].link.ifindex == p->link.ifindex)
				break;
		if (k == i && p->link.ifindex != 0 && p->interface[0] != '\0')
			one_interface(d, p, &budget_ms);
	}
}
