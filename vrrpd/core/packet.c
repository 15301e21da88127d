/* SPDX-License-Identifier: ISC */

/*
 * The IP packet around an advert, taken apart and put together.  Pure: bytes
 * in, struct and verdict out; the elector, the simulator and vipctl.  It
 * must never read a byte behind the IP length: what follows is padding (2.9).
 */
#include <assert.h>
#include <string.h>

#include "advert.h"
#include "wire.h"

#define IP4_HEAD_MIN	20
#define IP4_FRAGMENT	0x3fff	/* more fragments, or an offset */
#define IP4_DONT_FRAGMENT 0x4000
#define IP6_HEAD	40
#define IP6_EXTENSIONS_MAX 4
#define IP6_HOP_BY_HOP	0
#define IP6_ROUTING	43
#define IP6_DESTINATION	60

static void
addr_set(struct conf_addr *a, uint8_t family, const uint8_t *bytes)
{
	*a = (struct conf_addr){ .family = family };
	memcpy(a->byte, bytes, family == 4 ? 4 : 16);
}

static enum verdict
packet_parse4(const uint8_t *ip, size_t len, struct packet *p)
{
	size_t head, total;

	if (len < IP4_HEAD_MIN)
		return ADVERT_LENGTH;
	p->family = 4;
	p->ttl = ip[8];
	addr_set(&p->src, 4, ip + 12);
	addr_set(&p->dst, 4, ip + 16);
	head = (size_t)(ip[0] & 0x0f) * 4;
	total = get16(ip + 2);
	if (head < IP4_HEAD_MIN || total < head)
		return ADVERT_LENGTH;
	if (ip[9] != ADVERT_IPPROTO)		/* 2.3 */
		return ADVERT_TYPE;
	if (total > len)
		return ADVERT_LENGTH;
	if ((get16(ip + 6) & IP4_FRAGMENT) != 0)
		return ADVERT_LENGTH;
	p->payload = ip + head;
	p->len = total - head;
	return ADVERT_OK;
}

static enum verdict
packet_parse6(const uint8_t *ip, size_t len, struct packet *p)
{
	size_t at = IP6_HEAD, end, extension;
	uint8_t next;

	if (len < IP6_HEAD)
		return ADVERT_LENGTH;
	p->family = 6;
	p->ttl = ip[7];
	addr_set(&p->src, 6, ip + 8);
	addr_set(&p->dst, 6, ip + 24);
	end = (size_t)IP6_HEAD + get16(ip + 4);
	next = ip[6];
	for (int i = 0; next == IP6_HOP_BY_HOP || next == IP6_ROUTING ||
	    next == IP6_DESTINATION; i++) {
		if (i == IP6_EXTENSIONS_MAX || end > len || end - at < 8)
			return ADVERT_LENGTH;
		next = ip[at];
		extension = ((size_t)ip[at + 1] + 1) * 8;
		if (extension > end - at)
			return ADVERT_LENGTH;
		at += extension;
	}
	if (next != ADVERT_IPPROTO)		/* fragments end here as well */
		return ADVERT_TYPE;
	if (end > len)
		return ADVERT_LENGTH;
	p->payload = ip + at;
	p->len = end - at;
	return ADVERT_OK;
}

enum verdict
packet_parse(const uint8_t *ip, size_t len, struct packet *p)
{
	*p = (struct packet){ 0 };
	if (len == 0)
		return ADVERT_LENGTH;
	switch (ip[0] >> 4) {
	case 4:
		return packet_parse4(ip, len, p);
	case 6:
		return packet_parse6(ip, len, p);
	default:
		return ADVERT_TYPE;
	}
}

size_t
ipv4_wrap(const struct conf_addr *src, const struct conf_addr *dst,
    uint8_t tos, const uint8_t *payload, size_t len, uint8_t *buf, size_t cap)
{
	size_t total = IP4_HEAD_MIN + len;

	if (src->family != 4 || dst->family != 4)
		return 0;
	if (len > UINT16_MAX - IP4_HEAD_MIN || total > cap)
		return 0;
	memset(buf, 0, IP4_HEAD_MIN);
	buf[0] = 0x45;
	buf[1] = tos;
	put16(buf + 2, (uint16_t)total);
	put16(buf + 6, IP4_DONT_FRAGMENT);	/* so the id may stay zero */
	buf[8] = ADVERT_TTL;			/* 2.1 */
	buf[9] = ADVERT_IPPROTO;
	memcpy(buf + 12, src->byte, 4);
	memcpy(buf + 16, dst->byte, 4);
	put16(buf + 10, checksum_of(&(struct piece){ buf, IP4_HEAD_MIN }, 1));
	memcpy(buf + IP4_HEAD_MIN, payload, len);
	return total;
}

/* 2.4 */
struct conf_addr
advert_group(uint8_t family)
{
	assert(family == 4 || family == 6);
	if (family == 4)
		return (struct conf_addr){ .family = 4,
		    .byte = { 224, 0, 0, 18 } };
	return (struct conf_addr){ .family = 6,
	    .byte = { [0] = 0xff, [1] = 0x02, [15] = 0x12 } };
}
