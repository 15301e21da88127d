/* SPDX-License-Identifier: ISC */

/*
 * Elector: the actuator's messages: what became of the addresses, of the
 * interface, and who else claims an address of ours.
 */

#include <errno.h>
#include <string.h>

#include "elector.h"
#include "neigh.h"

static bool
holds(const struct pair *p)
{
	return p->election.state == STATE_ACTIVE ||
	    p->election.state == STATE_LEAVING;
}

static void
set_all_present(struct elector *el, struct pair *p, bool present)
{
	const uint32_t n = pair_conf(el, p)->naddrs;

	memset(p->addr_present, present ? 0xff : 0, sizeof(p->addr_present));
	p->naddrs_present = present ? n : 0;
	p->addr_known = true;
}

static void
held(struct elector *el, struct pair *p, const struct msg_held *m)
{
	struct event ev = {
		.type = EVENT_HELD,
		.held = {
			.ok = m->ok != 0,
			.renew = m->order == MSG_RENEW,
			.missing = m->missing != 0,
			.advert = { m->advert_ns },
		},
	};

	if (m->order != MSG_HOLD && m->order != MSG_RENEW)
		fatalx("actuator: answer to order %u", m->order);
	if (m->ok) {
		set_all_present(el, p, true);
		p->lease_end = mono_after((mono_t){ m->advert_ns },
		    p->cfg.lease_s * NS_PER_S);
		p->hold_error = 0;
	} else {
		p->hold_error = m->refused_late ? ETIMEDOUT : m->error;
		if (m->order == MSG_HOLD || m->error != 0)
			recent_note(&p->hold_failed, el->now);
		log_debug("pair %u: order refused, late %u missing %u error "
		    "%d", p->index, m->refused_late, m->missing, m->error);
	}
	if (!p->started)
		return;
	pair_step(el, p, &ev);
	if (m->ok)
		history_held(el, p);
}

static void
note_address(struct elector *el, struct pair *p, bool up, uint32_t cause)
{
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_ADDR,
		.new_ = up,
		.reason = (uint8_t)cause,
	});
}

static void
released(struct elector *el, struct pair *p, const struct msg_released *m)
{
	struct event ev = {
		.type = EVENT_RELEASED,
		.released.ordered = m->cause == RELEASE_ORDERED,
	};
	bool was;

	was = p->naddrs_present > 0;
	set_all_present(el, p, false);
	p->lease_end = MONO_NEVER;
	if (was)
		note_address(el, p, false, m->cause);
	/* Leftovers of an earlier life are no news to the election. */
	if (!p->started || (m->cause == RELEASE_START && !p->election.present))
		return;
	pair_step(el, p, &ev);
}

static void
addr_lost(struct elector *el, struct pair *p, const struct msg_addr *m)
{
	struct event ev = { .type = EVENT_ADDR_LOST };
	uint8_t *byte = &p->addr_present[m->addr / 8];
	const uint8_t bit = (uint8_t)(1u << m->addr % 8);
	const bool lapsed = mono_reached(el->now, p->lease_end);

	if (m->addr >= pair_conf(el, p)->naddrs)
		fatalx("actuator: address %u of pair %u", m->addr, p->index);
	if ((*byte & bit) != 0 && p->naddrs_present > 0)
		p->naddrs_present--;
	*byte &= (uint8_t)~bit;
	note_address(el, p, false, 0);
	if (p->started)
		pair_step(el, p, &ev);
	/* Its lease ran out while we slept: then nobody took it away. */
	if (lapsed || !holds(p))
		return;
	recent_note(&p->stripped, el->now);
	log_warnx("pair %s: somebody removed an address",
	    conf_string(el->conf, pair_conf(el, p)->name));
}

static bool
is_ours(const struct elector *el, const struct pair *p,
    const struct conf_addr *a)
{
	const struct conf_pair *cp = pair_conf(el, p);
	uint32_t i;

	for (i = 0; i < cp->naddrs; i++)
		if (conf_addr_equal(conf_pair_addr(el->conf, cp, i), a))
			return true;
	return false;
}

/* Somebody else says that our address is at its card. */
static void
neigh_frame(struct elector *el, struct pair *p, const struct msg_frame *m)
{
	struct event ev = { .type = EVENT_CONFLICT };
	struct neigh_claim c;

	if (m->len > NEIGH_FRAME_MAX)
		fatalx("actuator: frame of %u bytes", m->len);
	if (!holds(p) || !neigh_parse(m->byte, m->len, &c) || !c.claims ||
	    !is_ours(el, p, &c.addr) ||
	    memcmp(c.mac, p->link.mac, sizeof(c.mac)) == 0)
		return;
	p->arp_conflicts++;
	recent_note(&p->arp_conflict, el->now);
	p->arp_conflict.src = c.addr;
	memcpy(p->conflict_mac, c.mac, sizeof(c.mac));
	if (log_allowed(&p->lines, el->now.ns, 6))
		log_warnx("pair %s: %02x:%02x:%02x:%02x:%02x:%02x claims our "
		    "address", conf_string(el->conf, pair_conf(el, p)->name),
		    c.mac[0], c.mac[1], c.mac[2], c.mac[3], c.mac[4],
		    c.mac[5]);
	if (p->started)
		pair_step(el, p, &ev);
}

static void
log_unmarked(const struct elector *el, const struct pair *p, uint16_t found)
{
	if (found == 0 || found == p->link.unmarked || pair_holds(p))
		return;
	log_warnx("pair %s: somebody else configured a virtual address on "
	    "this node", conf_string(el->conf, pair_conf(el, p)->name));
}

void
from_actuator(struct elector *el, const union msg *m)
{
	struct pair *p = pair_at(el, m->head.pair);

	switch (m->head.type) {
	case MSG_HELD:
		held(el, p, &m->held);
		break;
	case MSG_RELEASED:
		released(el, p, &m->released);
		break;
	case MSG_LINK:
		if (m->link.self != LINK_SELF_NONE &&
		    m->link.self >= pair_conf(el, p)->nnodes)
			fatalx("actuator: we are node %u", m->link.self);
		if (m->link.unmarked > pair_conf(el, p)->naddrs)
			fatalx("actuator: address %u of pair %u",
			    m->link.unmarked, p->index);
		log_unmarked(el, p, m->link.unmarked);
		pair_link(el, p, &m->link);
		break;
	case MSG_ADDR_LOST:
		addr_lost(el, p, &m->addr);
		break;
	case MSG_NEIGH_FRAME:
		neigh_frame(el, p, &m->frame);
		break;
	default:
		fatalx("actuator: %s not expected", ipc_name(m->head.type));
	}
}

/*
 * It knows nothing of what the last one held: an active pair orders its hold
 * anew, behind a fresh advert, as if somebody had removed the address.
 */
void
actuator_new(struct elector *el)
{
	struct event lost = { .type = EVENT_ADDR_LOST };
	uint32_t i;

	for (i = 0; i < el->conf->npairs; i++) {
		struct pair *p = pair_at(el, i);
		union msg m = { .head = head_for(el, MSG_RELEASE, p) };

		if (!p->started)
			continue;
		if (holds(p))
			pair_step(el, p, &lost);
		else
			(void)tell(el, &el->actuator, &m);
	}
}
