/* SPDX-License-Identifier: ISC */

/*
 * ARP and neighbour discovery frames, made and read.  Pure: the actuator
 * makes them, the elector reads those of strangers.
 */
#include <assert.h>
#include <string.h>

#include "advert.h"
#include "neigh.h"
#include "wire.h"

#define ETHER_LEN	14
#define ETHERTYPE_AT	12
#define TYPE_ARP	0x0806
#define TYPE_IPV6	0x86dd
#define ARP_AT		ETHER_LEN
#define ARP_REQUEST	1
#define ARP_REPLY	2
#define IP6_AT		ETHER_LEN
#define IP6_LEN		40
#define IPPROTO_ICMP6	58
#define ICMP_AT		(IP6_AT + IP6_LEN)
#define ICMP_NS		135
#define ICMP_NA		136
#define ICMP_LEN	24	/* head, flags, target */
#define NA_ROUTER	0x80
#define NA_SOLICITED	0x40
#define NA_OVERRIDE	0x20
#define OPTION_SOURCE	1
#define OPTION_TARGET	2

static_assert(ARP_FRAME_LEN == ARP_AT + 28, "ARP");
static_assert(NA_FRAME_LEN == ICMP_AT + ICMP_LEN + 8, "NA");

static const uint8_t zero[16];

size_t
arp_announce(const uint8_t mac[6], const struct conf_addr *addr, bool reply,
    uint8_t *buf, size_t cap)
{
	/* Ethernet, IPv4, lengths of their addresses. */
	static const uint8_t head[6] = { 0, 1, 0x08, 0x00, 6, 4 };

	if (addr->family != 4 || cap < ARP_FRAME_LEN)
		return 0;
	memset(buf, 0xff, 6);
	memcpy(buf + 6, mac, 6);
	put16(buf + ETHERTYPE_AT, TYPE_ARP);
	memcpy(buf + ARP_AT, head, sizeof(head));
	put16(buf + ARP_AT + 6, reply ? ARP_REPLY : ARP_REQUEST);
	memcpy(buf + ARP_AT + 8, mac, 6);
	memcpy(buf + ARP_AT + 14, addr->byte, 4);
	if (reply)
		memcpy(buf + ARP_AT + 18, mac, 6);
	else
		memset(buf + ARP_AT + 18, 0xff, 6);
	memcpy(buf + ARP_AT + 24, addr->byte, 4);
	return ARP_FRAME_LEN;
}

/* RFC 4443 2.3: over the IPv6 pseudo-header; 0 when the field is right. */
static uint16_t
icmp6_checksum(const uint8_t *ip, const uint8_t *icmp, size_t len)
{
	uint8_t tail[4] = { 0, 0, 0, IPPROTO_ICMP6 };
	const struct piece piece[3] = {
		{ ip + 8, 32 }, { tail, sizeof(tail) }, { icmp, len },
	};

	put16(tail, (uint16_t)len);
	return checksum_of(piece, 3);
}

size_t
na_announce(const uint8_t mac[6], const struct conf_addr *addr, bool router,
    uint8_t *buf, size_t cap)
{
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t *ip = buf + IP6_AT, *icmp = buf + ICMP_AT;

	if (addr->family != 6 || cap < NA_FRAME_LEN)
		return 0;
	memset(buf, 0, NA_FRAME_LEN);
	memcpy(buf, all_nodes_mac, 6);
	memcpy(buf + 6, mac, 6);
	put16(buf + ETHERTYPE_AT, TYPE_IPV6);
	ip[0] = 0x60;
	put16(ip + 4, NA_FRAME_LEN - ICMP_AT);
	ip[6] = IPPROTO_ICMP6;
	ip[7] = 255;				/* RFC 4861 7.1.2 */
	memcpy(ip + 8, addr->byte, 16);
	ip[24] = 0xff;				/* ff02::1 */
	ip[25] = 0x02;
	ip[39] = 0x01;
	icmp[0] = ICMP_NA;
	icmp[4] = NA_OVERRIDE | (router ? NA_ROUTER : 0);
	memcpy(icmp + 8, addr->byte, 16);
	icmp[24] = OPTION_TARGET;
	icmp[25] = 1;				/* in units of 8 bytes */
	memcpy(icmp + 26, mac, 6);
	put16(icmp + 2, icmp6_checksum(ip, icmp, NA_FRAME_LEN - ICMP_AT));
	return NA_FRAME_LEN;
}

/* No station has an empty or a group address. */
static bool
mac_is_station(const uint8_t *mac)
{
	return (mac[0] & 1) == 0 && memcmp(mac, zero, 6) != 0;
}

static bool
arp_parse(const uint8_t *arp, struct neigh_claim *c)
{
	static const uint8_t head[6] = { 0, 1, 0x08, 0x00, 6, 4 };
	uint16_t op = get16(arp + 6);
	const uint8_t *sender = arp + 14, *target = arp + 24;

	if (memcmp(arp, head, sizeof(head)) != 0)
		return false;
	if (op != ARP_REQUEST && op != ARP_REPLY)
		return false;
	if (!mac_is_station(arp + 8))
		return false;
	memcpy(c->mac, arp + 8, 6);
	/* RFC 5227 1.1: a probe has no sender address. */
	c->probe = memcmp(sender, zero, 4) == 0;
	c->claims = !c->probe;
	c->addr.family = 4;
	memcpy(c->addr.byte, c->probe ? target : sender, 4);
	return !c->probe || op == ARP_REQUEST;
}

/*
 * Looks for a link-layer address among the options.  False when they are
 * malformed (RFC 4861 4.6); *found stays NULL when there is none.
 */
static bool
option_find(const uint8_t *at, size_t len, uint8_t type, const uint8_t **found)
{
	size_t size;

	for (; len > 0; at += size, len -= size) {
		if (len < 8)
			return false;
		size = (size_t)at[1] * 8;
		if (size == 0 || size > len)
			return false;
		if (at[0] == type && size == 8)
			*found = at + 2;
	}
	return true;
}

/* RFC 4861 7.1.1 and 7.1.2: what makes a message valid. */
static bool
nd_valid(const uint8_t *ip, const uint8_t *icmp, size_t len)
{
	if (ip[7] != 255 || icmp[1] != 0)
		return false;
	if (icmp[8] == 0xff)			/* target is a group */
		return false;
	if (icmp[0] == ICMP_NA && ip[24] == 0xff &&
	    (icmp[4] & NA_SOLICITED) != 0)
		return false;
	return icmp6_checksum(ip, icmp, len) == 0;
}

static bool
nd_parse(const uint8_t *frame, size_t len, struct neigh_claim *c)
{
	const uint8_t *ip = frame + IP6_AT, *icmp = frame + ICMP_AT;
	const uint8_t *mac = NULL;
	size_t icmp_len;
	bool advertises;

	if (len < ICMP_AT + ICMP_LEN || ip[0] >> 4 != 6 ||
	    ip[6] != IPPROTO_ICMP6)
		return false;
	icmp_len = get16(ip + 4);
	if (icmp_len < ICMP_LEN || icmp_len > len - ICMP_AT)
		return false;
	if (icmp[0] != ICMP_NS && icmp[0] != ICMP_NA)
		return false;
	if (!nd_valid(ip, icmp, icmp_len))
		return false;
	advertises = icmp[0] == ICMP_NA;
	if (!option_find(icmp + ICMP_LEN, icmp_len - ICMP_LEN,
	    advertises ? OPTION_TARGET : OPTION_SOURCE, &mac))
		return false;
	/* RFC 4862 5.4.3: duplicate address detection has no source. */
	c->probe = !advertises && memcmp(ip + 8, zero, 16) == 0;
	/* An answer may leave the option out: then the frame's sender is it. */
	c->claims = advertises || (!c->probe && mac != NULL);
	c->addr.family = 6;
	memcpy(c->addr.byte, advertises || c->probe ? icmp + 8 : ip + 8, 16);
	memcpy(c->mac, mac != NULL ? mac : frame + 6, 6);
	return mac_is_station(c->mac);
}

size_t
neigh_announce(const uint8_t mac[6], const struct conf_addr *addr,
    unsigned form, uint8_t *buf, size_t cap)
{
	if (addr->family == 4)
		return form < 2 ? arp_announce(mac, addr, form == 1, buf, cap) :
		    0;
	return form < 1 ? na_announce(mac, addr, false, buf, cap) : 0;
}

bool
neigh_parse(const uint8_t *frame, size_t len, struct neigh_claim *c)
{
	struct neigh_claim seen = { 0 };
	bool understood = false;

	*c = seen;
	if (len < ETHER_LEN)
		return false;
	switch (get16(frame + ETHERTYPE_AT)) {
	case TYPE_ARP:
		if (len >= ARP_FRAME_LEN)
			understood = arp_parse(frame + ARP_AT, &seen);
		break;
	case TYPE_IPV6:
		understood = nd_parse(frame, len, &seen);
		break;
	}
	if (understood)
		*c = seen;
	return understood;
}
