/* SPDX-License-Identifier: ISC */

/*
 * Elector: protocol 112 that cannot be an advert of ours, for diagnosis:
 * wrong TTL, other ids, other shapes.  Looked at in small batches, at most
 * ten times a second; what does not fit the socket meanwhile is lost.
 * Nothing here ever reaches the election.
 */

#include "elector.h"
#include "receive.h"

#define STRAY_BATCH	64
#define STRAY_EVERY_NS	(100 * NS_PER_MS)

static enum verdict
judge(struct elector *el, struct port *port, const struct arrival *in,
    struct pair **p, struct packet *pk, struct advert *a)
{
	struct advert_context cx;
	enum verdict v;

	v = packet_parse(in->ip, in->len, pk);
	if (v != ADVERT_OK)
		return v;
	if (pk->len >= 2 && port->by_vhid[pk->payload[1]] != 0)
		*p = pair_at(el, port->by_vhid[pk->payload[1]] - 1u);
	if (*p == NULL)
		return ADVERT_OTHER_VHID;
	v = advert_decode(pk, a);
	if (v != ADVERT_OK)
		return v;
	if (pair_node_of(el, *p, &pk->src) == (*p)->self)
		return ADVERT_OWN;
	cx = pair_context(el, *p);
	v = advert_judge(pk, a, &cx);
	/* The filter thought it no advert of ours, so it is none. */
	return v == ADVERT_OK ? ADVERT_LENGTH : v;
}

static void
take(struct elector *el, struct port *port, const struct arrival *in)
{
	struct packet pk = { .family = 0 };
	struct advert a = { .protocol = 0 };
	struct pair *p = NULL;
	enum verdict v;

	v = judge(el, port, in, &p, &pk, &a);
	if (v == ADVERT_OTHER_VHID)
		p = NULL;
	advert_dropped(el, port, p, v, &pk.src);
	control_advert(el, port, in, v, a.auth);
}

void
stray_read(struct elector *el, struct port *port)
{
	uint8_t buf[RECEIVE_MAX];
	struct arrival in;
	uint32_t i;

	port->stray_next = mono_after(el->now, STRAY_EVERY_NS);
	for (i = 0; i < STRAY_BATCH && port->stray != -1; i++) {
		if (!receive(el, port, port->stray, buf, &in))
			return;
		take(el, port, &in);
	}
}
