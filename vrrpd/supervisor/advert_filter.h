/* SPDX-License-Identifier: ISC */

/*
 * The classic BPF programs of the two sockets per interface: one passes the
 * adverts that may be valid, the other one every other packet of protocol
 * 112.  Pure.
 */
#ifndef VIPAIR_ADVERT_FILTER_H
#define VIPAIR_ADVERT_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc.h"

#define ADVERT_FILTER_MAX	64
/* VRRPv3 with one address ... VRRPv2 with 255 and a trailer. */
#define ADVERT_PAYLOAD_MIN	12
#define ADVERT_PAYLOAD_MAX	1100

struct vhid_set {
	uint32_t	word[8];	/* bit v % 32 of word v / 32 */
};

static inline void
vhid_set_add(struct vhid_set *set, uint8_t vhid)
{
	set->word[vhid / 32] |= UINT32_C(1) << (vhid % 32);
}

/*
 * Builds the program for IPv4 packets as a raw socket sees them, from the IP
 * header on.  Returns the number of instructions, ADVERT_FILTER_MAX at most.
 */
size_t	advert_filter(struct sock_filter prog[ADVERT_FILTER_MAX],
	    const struct vhid_set *set, enum socket_kind kind);

#endif
