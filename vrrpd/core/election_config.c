/* SPDX-License-Identifier: ISC */

/*
 * What the election needs of the configuration, and an advert's values from
 * an action.  Runs in the elector and in the simulator; the blob was
 * verified before (conf_verify).
 */
#include <assert.h>
#include <string.h>

#include "election_internal.h"

/*
 * A lease counts whole seconds and lapses late; the worst lateness measured
 * was 0.96 s for 3 s and 0.68 s for 2 s.  It begins when the actuator does
 * the order, which may be as old as that one accepts.  It has to end before
 * the standby may act, last advert + 3 intervals: 3 s from 2 s on, 2 s at
 * 1 s.  Below that no whole second is short enough: the shortest that still
 * lives for two adverts.
 */
static void
choose_lease(struct election_config *cfg)
{
	if (cfg->interval_ns >= 2 * NS_PER_S) {
		cfg->lease_s = 3;
		cfg->lease_longest_ns = 3960 * NS_PER_MS;
	} else if (cfg->interval_ns > NS_PER_S / 2) {
		cfg->lease_s = 2;
		cfg->lease_longest_ns = 2680 * NS_PER_MS;
	} else {
		cfg->lease_s = 1;
		cfg->lease_longest_ns = 1960 * NS_PER_MS;
	}
	cfg->lease_longest_ns += ELECTION_LATE_ORDER_NS;
}

/* The blob's layout (conf.h): pairs, then addresses, then nodes. */
static const struct conf_node *
nodes_of(const struct conf *c, const struct conf_pair *p)
{
	const unsigned char *at = (const unsigned char *)c + sizeof(*c) +
	    c->npairs * sizeof(struct conf_pair) +
	    c->naddrs * sizeof(struct conf_addr);

	assert(p->first_node + p->nnodes <= c->nnodes);
	return (const struct conf_node *)(const void *)at + p->first_node;
}

static void
choose_signing(struct election_config *cfg, const struct conf_pair *p)
{
	cfg->signs = p->has_keys && p->auth_mode != AUTH_RECEIVE_ONLY;
	/* A foreign VRRP peer drops what has a trailer it does not know. */
	if (cfg->any_foreign && p->protocol != PROTOCOL_CARP)
		cfg->signs = false;
}

void
election_configure(struct election_config *cfg, const struct conf *c,
    const struct conf_pair *p, uint8_t self)
{
	const struct conf_node *n = nodes_of(c, p);
	uint32_t i;

	assert(p->nnodes >= 1);
	assert(p->nnodes <= CONF_NODES_PER_PAIR_MAX);
	assert(self < p->nnodes);
	memset(cfg, 0, sizeof(*cfg));
	cfg->protocol = p->protocol;
	cfg->family = n[self].address.family;
	cfg->self = self;
	cfg->nnodes = (uint8_t)p->nnodes;
	for (i = 0; i < p->nnodes; i++) {
		cfg->node[i] = (struct election_node){
			.address = n[i].address,
			.id = n[i].rank,
			.priority = n[i].priority,
			.skew = n[i].skew,
			.foreign = n[i].foreign,
		};
		cfg->any_foreign |= n[i].foreign;
	}
	cfg->preempt = p->preempt;
	/* Data are begun and ended as a service is started and stopped. */
	cfg->has_service = p->service.kind != SERVICE_NONE || p->has_sync;
	cfg->flap_limit = p->flap_limit < ELECTION_FLAPS_MAX ?
	    p->flap_limit : ELECTION_FLAPS_MAX;
	cfg->flap_window_ns = p->flap_window_ms * NS_PER_MS;
	cfg->interval_ns = p->interval_ms * NS_PER_MS;
	cfg->claim_spacing_ns = p->claim_spacing_ms * NS_PER_MS;
	choose_signing(cfg, p);
	choose_lease(cfg);
}

void
election_fill_advert(const struct election_config *cfg,
    const struct action *send, uint8_t vhid, struct advert *a)
{
	assert(send->type == ELECTION_SEND);
	memset(a, 0, sizeof(*a));
	a->protocol = cfg->protocol;
	a->family = cfg->family;
	a->vhid = vhid;
	a->priority = send->send.priority;
	a->carp_base = send->send.carp_base;
	a->carp_skew = send->send.carp_skew;
	a->carp_demote = send->send.carp_demote;
	a->interval_ms = (uint32_t)(cfg->interval_ns / NS_PER_MS);
	if (!cfg->signs)
		return;
	/* Key and sequence are the signer's. */
	a->trailer.type = TRAILER_OWN;
	a->trailer.node = send->send.term_node;
	a->trailer.flags = send->send.flags;
	a->trailer.term = send->send.term;
}
