/* SPDX-License-Identifier: ISC */

/*
 * VRRPv3's message for both families (RFC 5798 and RFC 9568 section 5).
 * Pure; the elector, the simulator and vipctl.
 */
#include <string.h>

#include "codec.h"
#include "wire.h"

#define INTERVAL_MASK	0x0fff	/* 4.6: the upper four bits are reserved */

enum verdict
vrrp3_decode(const uint8_t *msg, size_t len, struct advert *a)
{
	size_t want;

	a->protocol = PROTOCOL_VRRP3;
	if (len < MESSAGE_HEAD_LEN)
		return ADVERT_LENGTH;
	a->vhid = msg[1];
	a->priority = msg[2];
	a->naddrs = msg[3];
	/* 5798/9568 5.2.6 MUST: reserved bits are ignored (4.6). */
	a->interval_ms = (get16(msg + 4) & INTERVAL_MASK) * 10u;
	if (a->naddrs == 0)			/* 7.6, erratum 8299 */
		return ADVERT_COUNT;
	want = MESSAGE_HEAD_LEN + addr_len(a->family) * a->naddrs;
	/* 5798/9568 5.2.9: a list of IPv4 addresses in IPv6 (7.6). */
	if (a->family == 6 && len == MESSAGE_HEAD_LEN + 4u * a->naddrs)
		return ADVERT_COUNT;
	if (len < want)				/* 2.9 */
		return ADVERT_LENGTH;
	a->addrs = msg + MESSAGE_HEAD_LEN;
	/* 5798/9568 5.2.9, erratum 8300: link-local first (7.6). */
	if (a->family == 6 && !addr6_is_link_local(a->addrs))
		return ADVERT_COUNT;
	a->message_len = (uint16_t)want;
	return ADVERT_OK;
}

/* 4.5: an interval that is not ours is learned, not refused. */
enum verdict
vrrp3_judge(const struct advert *a)
{
	return a->interval_ms == 0 ? ADVERT_INTERVAL : ADVERT_OK; /* 4.7 */
}

size_t
vrrp3_encode(const struct advert *a, uint8_t *msg)
{
	uint32_t interval_cs = a->interval_ms / 10;
	size_t addrs_len = addr_len(a->family) * a->naddrs;

	if (a->naddrs == 0 || a->naddrs > ADVERT_ADDRS_SENT_MAX)
		return 0;
	if (a->interval_ms % 10 != 0 || interval_cs < 1 ||
	    interval_cs > INTERVAL_MASK)
		return 0;			/* 4.7 */
	if (a->family == 6 && !addr6_is_link_local(a->addrs))
		return 0;			/* 7.6 */
	msg[0] = 0x31;
	msg[1] = a->vhid;
	msg[2] = a->priority;
	msg[3] = (uint8_t)a->naddrs;
	put16(msg + 4, (uint16_t)interval_cs);
	put16(msg + CHECKSUM_AT, 0);
	memcpy(msg + MESSAGE_HEAD_LEN, a->addrs, addrs_len);
	return MESSAGE_HEAD_LEN + addrs_len;
}
