/* SPDX-License-Identifier: ISC */

/*
 * rtnetlink messages as values and back: what the actuator reads and sends.
 * Pure (libmnl's macros only); every attribute's length is checked.
 */
#ifndef VIPAIR_RTNL_H
#define VIPAIR_RTNL_H

#include <linux/netlink.h>

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "netview.h"

#define RTNL_MARK	112	/* IFA_PROTO of the addresses we add */

struct rtnl_address {
	uint32_t	ifindex;
	uint8_t		prefix;
	bool		marked;		/* one of ours */
	struct conf_addr address;	/* the local one */
};

/* RTM_NEWLINK, RTM_DELLINK; false when it is malformed. */
bool	rtnl_get_link(const struct nlmsghdr *nh, struct netview_link *l);
/* RTM_NEWADDR, RTM_DELADDR; false: malformed, or no address in it. */
bool	rtnl_get_address(const struct nlmsghdr *nh, struct rtnl_address *a);

/*
 * Writes a request at `at` (at least RTNL_REQUEST_MAX bytes) that adds or
 * renews the address as /32 or /128 for lease_s seconds, or removes it
 * (lease_s 0).  IPv6 without duplicate detection (RFC 9568 would wait), and
 * deprecated, so that it is never a source of the host's own traffic.
 */
#define RTNL_REQUEST_MAX	92	/* of IPv6 */
struct nlmsghdr	*rtnl_put_address(void *at, uint32_t seq, uint32_t ifindex,
		    const struct conf_addr *a, uint32_t lease_s);

struct mnl_socket;

/*
 * A non-blocking rtnetlink socket that hears of links and addresses, with
 * room for the echoes of a thousand addresses; NULL with errno.
 */
struct mnl_socket	*rtnl_open(void);
/*
 * Reads once and gives each message to news; false: nothing was there, with
 * errno (ENOBUFS: something was, and is lost).
 */
bool	rtnl_read(struct mnl_socket *nl,
	    void (*news)(const struct nlmsghdr *nh));
/* Asks for all of RTM_GETLINK or RTM_GETADDR; false with errno. */
bool	rtnl_dump(struct mnl_socket *nl, uint16_t type);

#endif
