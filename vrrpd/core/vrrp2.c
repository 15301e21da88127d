/* SPDX-License-Identifier: ISC */

/*
 * VRRPv2's message (RFC 3768 section 5).  Pure; the elector, the simulator
 * and vipctl.  IPv4 only.
 */
#include <string.h>

#include "codec.h"
#include "wire.h"

static size_t
vrrp2_len(size_t naddrs)
{
	return MESSAGE_HEAD_LEN + 4 * naddrs + VRRP2_AUTH_LEN;
}

enum verdict
vrrp2_decode(const uint8_t *msg, size_t len, struct advert *a)
{
	a->protocol = PROTOCOL_VRRP2;
	if (len < MESSAGE_HEAD_LEN)
		return ADVERT_LENGTH;
	a->vhid = msg[1];
	a->priority = msg[2];
	a->naddrs = msg[3];
	a->auth_type = msg[4];
	a->interval_ms = msg[5] * 1000u;
	if (a->family != 4)			/* 7.3 */
		return ADVERT_VERSION;
	if (len < vrrp2_len(a->naddrs))		/* 2.9 */
		return ADVERT_LENGTH;
	if (a->naddrs == 0)			/* 7.6, for v2 as well */
		return ADVERT_COUNT;
	a->addrs = msg + MESSAGE_HEAD_LEN;
	memcpy(a->auth_data, msg + MESSAGE_HEAD_LEN + 4 * a->naddrs,
	    VRRP2_AUTH_LEN);
	a->message_len = (uint16_t)vrrp2_len(a->naddrs);
	return ADVERT_OK;
}

enum verdict
vrrp2_judge(const struct advert *a, const struct advert_context *cx)
{
	/* RFC 3768 5.3.6 and 7.1 MUST: only type 0 is configured (7.1). */
	if (a->auth_type != 0)
		return ADVERT_AUTH_TYPE;
	/* RFC 3768 7.1 MUST (4.3); zero never matches. */
	if (a->interval_ms == 0 || a->interval_ms != cx->interval_ms)
		return ADVERT_INTERVAL;
	return ADVERT_OK;
}

size_t
vrrp2_encode(const struct advert *a, uint8_t *msg)
{
	uint32_t interval_s = a->interval_ms / 1000;

	if (a->family != 4 || a->naddrs == 0 ||
	    a->naddrs > ADVERT_ADDRS_SENT_MAX)
		return 0;
	if (a->interval_ms % 1000 != 0 || interval_s < 1 || interval_s > 255)
		return 0;			/* 4.8 */
	msg[0] = 0x21;
	msg[1] = a->vhid;
	msg[2] = a->priority;
	msg[3] = (uint8_t)a->naddrs;
	msg[4] = a->auth_type;
	msg[5] = (uint8_t)interval_s;
	put16(msg + CHECKSUM_AT, 0);
	memcpy(msg + MESSAGE_HEAD_LEN, a->addrs, 4 * (size_t)a->naddrs);
	memcpy(msg + MESSAGE_HEAD_LEN + 4 * a->naddrs, a->auth_data,
	    VRRP2_AUTH_LEN);
	return vrrp2_len(a->naddrs);
}
