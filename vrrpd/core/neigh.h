/* SPDX-License-Identifier: ISC */

/*
 * ARP (RFC 826, RFC 5227) and neighbour advertisements (RFC 4861) as the
 * actuator sends them and the elector reads them.  Pure.
 */
#ifndef VIPAIR_NEIGH_H
#define VIPAIR_NEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define ARP_FRAME_LEN	42
#define NA_FRAME_LEN	86	/* with the target link-layer option */

/*
 * A gratuitous ARP frame (checklist 6.1): broadcast, sender = target = addr,
 * sender MAC = mac; request form has target MAC all ones, reply form mac.
 */
size_t	arp_announce(const uint8_t mac[6], const struct conf_addr *addr,
	    bool reply, uint8_t *buf, size_t cap);

/* An unsolicited NA frame (6.2) to ff02::1: override set, solicited clear. */
size_t	na_announce(const uint8_t mac[6], const struct conf_addr *addr,
	    bool router, uint8_t *buf, size_t cap);

/*
 * The forms in which an address is announced, one after the other: ARP as
 * request and as reply, or one NA.  0 when there is no form of that number.
 */
size_t	neigh_announce(const uint8_t mac[6], const struct conf_addr *addr,
	    unsigned form, uint8_t *buf, size_t cap);

/* Who a frame says owns which address. */
struct neigh_claim {
	struct conf_addr addr;
	uint8_t		mac[6];		/* sender's hardware address */
	bool		claims;		/* it says "addr is at mac" */
	bool		probe;		/* RFC 5227 probe: asks, claims not */
};

/* From the link header on; false when it is no ARP or NA/NS we understand. */
bool	neigh_parse(const uint8_t *frame, size_t len, struct neigh_claim *c);

#endif
