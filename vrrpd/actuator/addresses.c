/* SPDX-License-Identifier: ISC */

/*
 * Actuator: leased addresses by rtnetlink.  Each is a /32 (/128) with a
 * finite lifetime, so that the kernel removes it when nobody renews it, and
 * with our protocol mark.  The kernel has done a request when send returns;
 * what is read then up to its answer is errors, echoes, and whatever others
 * changed before it: of each order it is known what was removed before the
 * last one, or before this turn.
 */

#include <errno.h>

#include "actuator.h"

static uint8_t batch[CONF_ADDRS_PER_PAIR_MAX * RTNL_REQUEST_MAX]
    __attribute__((aligned(NLMSG_ALIGNTO)));

/* Sends the batch; its last request asks for an answer. */
static int
send_batch(const uint8_t *end, struct nlmsghdr *last)
{
	if (last == NULL)
		return 0;
	last->nlmsg_flags |= NLM_F_ACK;
	ac.request_error = 0;
	if (mnl_socket_sendto(ac.nl, batch, (size_t)(end - batch)) == -1)
		return errno;
	netlink_drain(true);
	return ac.request_error;
}

int
addresses_hold(uint32_t pair, uint32_t lease_s, bool add)
{
	const struct conf_pair *p = conf_pair(&ac.conf, pair);
	const uint32_t ifindex = ac.pair[pair].link.ifindex;
	struct nlmsghdr *nh = NULL;
	uint8_t *end = batch;
	int error;

	if (ifindex == 0)
		return ENODEV;
	ac.seq++;
	for (uint32_t i = 0; i < p->naddrs; i++) {
		if (!add && ac.on[p->first_addr + i] != ifindex)
			continue;
		nh = rtnl_put_address(end, ac.seq, ifindex,
		    conf_pair_addr(&ac.conf, p, i), lease_s);
		end += nh->nlmsg_len;
	}
	error = send_batch(end, nh);
	for (uint32_t i = 0; add && error == 0 && i < p->naddrs; i++)
		ac.on[p->first_addr + i] = ifindex;
	return error;
}

/* Removes what is there of the pair; from here on its absence is no news. */
void
addresses_remove(uint32_t pair)
{
	const struct conf_pair *p = conf_pair(&ac.conf, pair);
	struct nlmsghdr *nh = NULL;
	uint8_t *end = batch;

	ac.seq++;
	for (uint32_t i = 0; i < p->naddrs; i++) {
		uint32_t *on = &ac.on[p->first_addr + i];

		if (*on == 0)
			continue;
		nh = rtnl_put_address(end, ac.seq, *on,
		    conf_pair_addr(&ac.conf, p, i), 0);
		end += nh->nlmsg_len;
		*on = 0;
	}
	/* EADDRNOTAVAIL: it lapsed, or somebody was faster. */
	(void)send_batch(end, nh);
}

void
address_remove_stray(const struct rtnl_address *a)
{
	struct nlmsghdr *nh = rtnl_put_address(batch, 0, a->ifindex,
	    &a->address, 0);

	if (mnl_socket_sendto(ac.nl, batch, nh->nlmsg_len) == -1)
		log_warn("removing an address that is left over");
}

uint32_t
addresses_present(uint32_t pair)
{
	const struct conf_pair *p = conf_pair(&ac.conf, pair);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->naddrs; i++)
		n += ac.on[p->first_addr + i] != 0;
	return n;
}
