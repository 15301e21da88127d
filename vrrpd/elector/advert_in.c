/* SPDX-License-Identifier: ISC */

/*
 * Elector: adverts from the network: read, decoded, judged, told to the
 * election of their pair.  What is refused touches nothing but counters.
 * Must never be fatal, and must never read for so long that our own adverts
 * come late: the caller says how many frames.
 */

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "elector.h"
#include "hmac.h"
#include "receive.h"

#define FLOOD_FRAMES	1000	/* refused in one second */

struct advert_context
pair_context(const struct elector *el, const struct pair *p)
{
	const struct conf_pair *cp = pair_conf(el, p);

	return (struct advert_context){
		.protocol = cp->protocol,
		.vhid = cp->vhid,
		.interval_ms = cp->interval_ms,
		.secret = pair_secret(el, p),
		.vip = conf_pair_addr(el->conf, cp, 0),
		.nvips = cp->naddrs,
		.hmac = hmac_of,
	};
}

uint8_t
pair_node_of(const struct elector *el, const struct pair *p,
    const struct conf_addr *src)
{
	const struct conf_pair *cp = pair_conf(el, p);
	uint8_t i;

	for (i = 0; i < cp->nnodes; i++)
		if (conf_addr_equal(&conf_pair_node(el->conf, cp, i)->address,
		    src))
			return i;
	return ELECTION_NODE_NONE;
}

static void
count_flood(struct elector *el, struct port *port)
{
	if (!mono_is_set(port->rate_start) ||
	    mono_span_ns(port->rate_start, el->now) > NS_PER_S) {
		port->rate_start = el->now;
		port->rate_n = 0;
	}
	if (++port->rate_n == FLOOD_FRAMES)
		recent_note(&port->flood, el->now);
}

static bool
is_a_collision(const struct elector *el, const struct pair *p,
    enum verdict v, const struct conf_addr *src)
{
	if (src->family == 0 || v == ADVERT_OWN)
		return false;
	return pair_node_of(el, p, src) == ELECTION_NODE_NONE;
}

void
advert_dropped(struct elector *el, struct port *port, struct pair *p,
    enum verdict v, const struct conf_addr *src)
{
	assert(v > ADVERT_OK);
	assert(v < ADVERT_VERDICTS);
	count_flood(el, port);
	if (p == NULL) {
		port->other_vhid++;
		return;
	}
	p->dropped[v]++;
	recent_note(&p->drop[v], el->now);
	p->drop[v].src = *src;
	if (is_a_collision(el, p, v, src)) {
		recent_note(&p->collision, el->now);
		p->collision.src = *src;
	}
	if (log_allowed(&p->lines, el->now.ns, 6))
		log_info("pair %s: advert from %u.%u.%u.%u refused: %s",
		    conf_string(el->conf, pair_conf(el, p)->name),
		    src->byte[0], src->byte[1], src->byte[2], src->byte[3],
		    verdict_name(v));
}

/* Everything but floors: shape, sender, protocol, digest and tag. */
static enum verdict
judge(const struct elector *el, const struct pair *p,
    const struct packet *pk, struct advert *a, uint8_t node)
{
	const struct conf_pair *cp = pair_conf(el, p);
	const struct advert_context cx = pair_context(el, p);
	const struct conf_addr group = advert_group(pk->family);
	const struct auth_rule rule = {
		.mode = cp->auth_mode,
		.protocol = cp->protocol,
		.has_keys = cx.secret->nkeys > 0,
		.unicast = cp->unicast,
	};
	const struct auth_sender from = {
		.known = node != ELECTION_NODE_NONE,
		.self = p->configured && node == p->self,
		.foreign = node != ELECTION_NODE_NONE &&
		    conf_pair_node(el->conf, cp, node)->foreign,
		.to_group = conf_addr_equal(&pk->dst, &group),
	};
	enum verdict v;

	/* Another protocol on our id is named as such, whoever sends it. */
	if (a->protocol == cp->protocol) {
		v = auth_judge(&rule, &from, a);
		if (v != ADVERT_OK)
			return v;
	}
	return advert_judge(pk, a, &cx);
}

/* The other node lists other addresses than we do (7.2: told, not refused). */
static bool
lists_others(const struct advert_context *cx, const struct advert *a)
{
	const size_t each = a->family == 4 ? 4 : 16;
	uint32_t i, k, ours = 0;

	if (a->protocol == PROTOCOL_CARP)
		return false;
	for (i = 0; i < cx->nvips; i++)
		ours += cx->vip[i].family == a->family;
	if (ours <= ADVERT_ADDRS_SENT_MAX && ours != a->naddrs)
		return true;
	for (i = 0; i < a->naddrs; i++) {
		for (k = 0; k < cx->nvips; k++)
			if (cx->vip[k].family == a->family &&
			    memcmp(cx->vip[k].byte, a->addrs + i * each,
			    each) == 0)
				break;
		if (k == cx->nvips)
			return true;
	}
	return false;
}

/* What an accepted advert says about its sender, for status and problems. */
static void
note_sender(struct elector *el, struct pair *p, const struct advert *a,
    uint8_t node, const struct conf_addr *src)
{
	const struct advert_context cx = pair_context(el, p);

	if (cx.secret->nkeys > 0 && a->trailer.type == 0 &&
	    node != ELECTION_NODE_NONE && !p->cfg.node[node].foreign)
		recent_note(&p->unsigned_partner, el->now);
	if (a->protocol == PROTOCOL_VRRP3 && a->interval_ms != cx.interval_ms) {
		recent_note(&p->other_interval, el->now);
		p->other_interval_ms = a->interval_ms;
	}
	if (lists_others(&cx, a))
		recent_note(&p->other_list, el->now);
	if (node == ELECTION_NODE_NONE) {
		recent_note(&p->collision, el->now);
		p->collision.src = *src;
		return;
	}
	if (advert_resigns(a)) {
		p->node_since[node] = el->now;
		p->node_heard[node] = MONO_NEVER;
		return;
	}
	if (!mono_is_set(p->node_heard[node]) ||
	    mono_span_ns(p->node_heard[node], el->now) >
	    election_down_ns(&p->election, &p->cfg))
		p->node_since[node] = el->now;
	p->node_heard[node] = el->now;
}

static enum verdict
tell_election(struct elector *el, struct pair *p, const struct packet *pk,
    const struct advert *a, uint8_t node, int64_t age_ns)
{
	struct event ev = {
		.type = EVENT_ADVERT,
		.advert = {
			.advert = a,
			.node = node,
			.src = pk->src,
			.age_ns = age_ns,
		},
	};

	p->refused = ADVERT_OK;
	pair_step(el, p, &ev);
	return (enum verdict)p->refused;
}

static enum verdict
judge_floor(struct elector *el, struct pair *p, const struct advert *a,
    uint8_t node)
{
	enum verdict v;

	if (a->trailer.type == 0 || node == ELECTION_NODE_NONE)
		return ADVERT_OK;
	v = seq_judge(&p->floor[node], a->trailer.seq);
	if (v == ADVERT_OK) {
		p->floors_changed |= 1u << node;
		keep_floors(el, p, advert_resigns(a) ||
		    a->trailer.term > p->election.term);
	}
	return v;
}

static enum verdict
take(struct elector *el, struct pair *p, const struct packet *pk,
    struct advert *a, int64_t age_ns)
{
	uint8_t node = pair_node_of(el, p, &pk->src);
	enum verdict v;

	v = judge(el, p, pk, a, node);
	if (v != ADVERT_OK || !p->started)
		return v;
	v = judge_floor(el, p, a, node);
	if (v != ADVERT_OK)
		return v;
	v = tell_election(el, p, pk, a, node, age_ns);
	if (v == ADVERT_OK) {
		p->accepted++;
		note_sender(el, p, a, node, &pk->src);
	}
	return v;
}

void
advert_take(struct elector *el, struct port *port, const struct arrival *in)
{
	struct packet pk = { .family = 0 };
	struct advert a = { .protocol = 0 };
	struct pair *p = NULL;
	enum verdict v;

	v = packet_parse(in->ip, in->len, &pk);
	if (v == ADVERT_OK && pk.len >= 2 && port->by_vhid[pk.payload[1]] != 0)
		p = pair_at(el, port->by_vhid[pk.payload[1]] - 1u);
	if (v == ADVERT_OK)
		v = advert_decode(&pk, &a);
	if (v == ADVERT_OK && p == NULL)
		v = ADVERT_OTHER_VHID;
	if (v == ADVERT_OK)
		v = take(el, p, &pk, &a, in->age_ns);
	if (p != NULL && (v == ADVERT_OTHER_PROTOCOL || v == ADVERT_VERSION))
		p->other_protocol = a.protocol;
	if (v != ADVERT_OK)
		advert_dropped(el, port, p, v, &pk.src);
	control_advert(el, port, in, v, a.auth);
}

bool
advert_read(struct elector *el, struct port *port, uint32_t most)
{
	uint8_t buf[RECEIVE_MAX];
	struct arrival in;
	uint32_t i;

	for (i = 0; i < most; i++) {
		if (port->advert == -1)
			return false;
		if (!receive(el, port, port->advert, buf, &in)) {
			port->emptied = el->now;
			return false;
		}
		advert_take(el, port, &in);
	}
	return true;
}
