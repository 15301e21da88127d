/* SPDX-License-Identifier: ISC */

/*
 * Actuator: rtnetlink news.  Addresses of ours that come and go are kept
 * track of one by one.  Any change of links or other addresses starts a
 * scan (links, then addresses), after which the elector is told what
 * differs.  Missing things are waited for, never fatal.
 */

#include <errno.h>
#include <string.h>

#include "actuator.h"

void
links_scan(void)
{
	if (ac.scan != SCAN_IDLE) {
		ac.scan_again = true;
		return;
	}
	ac.scan_again = false;
	ac.scan = SCAN_LINKS;
	netview_clear(&ac.view);
	memset(ac.seen, 0, sizeof(ac.seen[0]) * ac.conf.naddrs);
	(void)rtnl_dump(ac.nl, RTM_GETLINK);
}

/* Tells the elector what changed, or everything. */
void
links_tell(bool all)
{
	if (ac.scan != SCAN_IDLE)
		return;		/* at the end of the scan */
	for (uint32_t i = 0; i < ac.conf.npairs; i++) {
		struct pair_state *ps = &ac.pair[i];
		union msg m = { .head = { MSG_LINK, (uint16_t)i,
		    ac.conf.serial } };

		netview_judge(&ac.view, &ac.conf, i, &m.link);
		if (!all && ps->link_told &&
		    memcmp(&m.link, &ps->link, sizeof(m.link)) == 0)
			continue;
		ps->link = m.link;
		ps->link_told = true;
		tell(&m);
	}
}

/* A virtual address is gone; news when it was held. */
static void
address_gone(uint32_t addr)
{
	uint32_t pair = conf_addr_pair(&ac.conf, addr);
	union msg m = { .addr = {
		.head = { MSG_ADDR_LOST, (uint16_t)pair, ac.conf.serial },
	} };

	ac.on[addr] = 0;
	if (pair == ac.conf.npairs || !ac.pair[pair].held)
		return;
	m.addr.addr = addr - conf_pair(&ac.conf, pair)->first_addr;
	tell(&m);
}

/* The end of a dump: on to the next, and at the end of both, judge. */
static void
scan_next(void)
{
	if (ac.scan == SCAN_LINKS) {
		ac.scan = SCAN_ADDRS;
		(void)rtnl_dump(ac.nl, RTM_GETADDR);
		return;
	}
	ac.scan = SCAN_IDLE;
	for (uint32_t i = 0; i < ac.conf.naddrs; i++)
		if (ac.on[i] != 0 && !ac.seen[i])
			address_gone(i);
	links_tell(!ac.pair[0].link_told);
	if (ac.scan_again)
		links_scan();
}

static void
address_news(const struct nlmsghdr *nh)
{
	static uint32_t hint;
	const bool dumped = (nh->nlmsg_flags & NLM_F_MULTI) != 0;
	struct rtnl_address a;
	uint32_t vip;

	if (!rtnl_get_address(nh, &a))
		return;
	vip = conf_find_addr(&ac.conf, &a.address, &hint);
	if (vip == ac.conf.naddrs) {
		if (!dumped)
			links_scan();
		else if (a.marked)
			address_remove_stray(&a);
		else
			netview_add_net(&ac.view, a.ifindex, a.prefix,
			    &a.address);
	} else if (nh->nlmsg_type == RTM_NEWADDR && a.marked) {
		ac.on[vip] = a.ifindex;
		ac.seen[vip] = true;
		ac.marks = true;
	} else {
		/* One that we did not put up: not ours to take away. */
		if (!a.marked && netview_foreign(&ac.view, vip, a.ifindex,
		    nh->nlmsg_type == RTM_NEWADDR))
			links_tell(false);
		/* Without marks it may have been the one we leased. */
		if (nh->nlmsg_type == RTM_DELADDR &&
		    ac.on[vip] == a.ifindex && (a.marked || !ac.marks))
			address_gone(vip);
	}
}

static void
link_news(const struct nlmsghdr *nh)
{
	struct netview *v = &ac.view;

	if (!(nh->nlmsg_flags & NLM_F_MULTI))
		links_scan();
	else if (v->nlinks < NETVIEW_LINKS_MAX &&
	    rtnl_get_link(nh, &v->link[v->nlinks]))
		v->nlinks++;
}

static void
netlink_news(const struct nlmsghdr *nh)
{
	const struct nlmsgerr *e;

	switch (nh->nlmsg_type) {
	case NLMSG_ERROR:
		e = mnl_nlmsg_get_payload(nh);
		if (nh->nlmsg_seq != ac.seq)
			break;
		if (ac.request_error == 0)
			ac.request_error = -e->error;
		/* One that failed is named; the last one is always. */
		ac.answered = e->error == 0;
		break;
	case NLMSG_DONE:
		scan_next();
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_news(nh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		address_news(nh);
		break;
	}
}

void
netlink_drain(bool until_answer)
{
	ac.answered = false;
	while (!until_answer || !ac.answered) {
		if (rtnl_read(ac.nl, netlink_news))
			continue;
		if (errno != ENOBUFS)
			return;
		links_scan();	/* news were lost: look again */
	}
}
