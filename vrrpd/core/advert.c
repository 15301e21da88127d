/* SPDX-License-Identifier: ISC */

/*
 * Adverts of any protocol: which codec a packet is for, checksums, and what
 * all protocols have in common.  Pure; the elector, the simulator and vipctl.
 * It must never look at a byte before the length was checked.
 */
#include <assert.h>
#include <string.h>

#include "codec.h"
#include "wire.h"

static_assert(MESSAGE_HEAD_LEN + ADVERT_ADDRS_SENT_MAX * 16 +
    VRRP2_AUTH_LEN + TRAILER_OWN_LEN <= ADVERT_MAX, "encode's buffer");

bool
tag_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

/*
 * CARP and VRRPv2 sum the bytes themselves (5.9, 3768 5.3.8).  VRRPv3 puts a
 * pseudo-header before them: always in IPv6 (7.5), in IPv4 as RFC 5798 5.2.8
 * is read by most but not as RFC 9568 5.2.8 has it (7.4).
 */
uint16_t
message_checksum(const struct advert *a, enum checksum_form form,
    const struct conf_addr *src, const struct conf_addr *dst,
    const uint8_t *msg, size_t len)
{
	uint8_t tail[4] = { 0, ADVERT_IPPROTO };
	const struct piece piece[4] = {
		{ msg, len },
		{ src->byte, addr_len(a->family) },
		{ dst->byte, addr_len(a->family) },
		{ tail, sizeof(tail) },
	};

	put16(tail + 2, (uint16_t)len);
	if (a->protocol == PROTOCOL_VRRP3 && form == CHECKSUM_GOOD)
		return checksum_of(piece, 4);
	return checksum_of(piece, 1);
}

/*
 * The draft leaves the checksum of IPv6 to the kernel, which sums over all
 * that is sent; elsewhere a trailer is not under it.  Ours sums to nothing.
 */
static size_t
checksum_covers(const struct advert *a, size_t message_len, size_t len)
{
	return a->protocol == PROTOCOL_VRRP3 && a->family == 6 ? len :
	    message_len;
}

/* VRRPv3 in IPv4 has two good forms (7.4): either will do. */
static enum checksum_form
checksum_check(const struct packet *p, const struct advert *a)
{
	size_t len = checksum_covers(a, a->message_len, p->len);

	if (message_checksum(a, CHECKSUM_GOOD, &p->src, &p->dst, p->payload,
	    len) == 0)
		return CHECKSUM_GOOD;
	if (a->protocol == PROTOCOL_VRRP3 && a->family == 4 &&
	    message_checksum(a, CHECKSUM_GOOD_9568, &p->src, &p->dst,
	    p->payload, len) == 0)
		return CHECKSUM_GOOD_9568;
	return CHECKSUM_BAD;
}

static enum verdict
message_decode(const uint8_t *msg, size_t len, struct advert *a)
{
	if (len == 0)
		return ADVERT_LENGTH;
	if (msg[0] >> 4 != 2 && msg[0] >> 4 != 3)	/* 2.8, 5.8 */
		return ADVERT_VERSION;
	if ((msg[0] & 0x0f) != ADVERT_TYPE_BYTE)	/* 2.7 */
		return ADVERT_TYPE;
	if (msg[0] >> 4 == 3)
		return vrrp3_decode(msg, len, a);
	if (carp_recognise(a->family, msg, len))
		return carp_decode(msg, len, a);
	return vrrp2_decode(msg, len, a);
}

enum verdict
advert_decode(const struct packet *p, struct advert *a)
{
	enum verdict v;
	size_t behind;

	assert(p->family == 4 || p->family == 6);
	*a = (struct advert){ .family = p->family };
	v = message_decode(p->payload, p->len, a);
	if (v != ADVERT_OK)
		return v;
	assert(a->message_len <= p->len);
	behind = p->len - a->message_len;
	if (behind > 0)
		v = trailer_decode(p->payload + a->message_len, behind, a);
	if (v != ADVERT_OK)
		return v;
	a->checksum = checksum_check(p, a);
	if (!trailer_filler_good(p->payload + a->message_len, a))
		a->checksum = CHECKSUM_BAD;
	return a->checksum == CHECKSUM_BAD ? ADVERT_CHECKSUM : ADVERT_OK;
}

/* Version 2 is two protocols: 7.9 wants the other one named. */
static enum verdict
protocol_judge(uint8_t heard, uint8_t configured)
{
	if (heard == configured)
		return ADVERT_OK;
	if (heard == PROTOCOL_VRRP3 || configured == PROTOCOL_VRRP3)
		return ADVERT_VERSION;		/* 2.8, 5.8 */
	return ADVERT_OTHER_PROTOCOL;
}

enum verdict
advert_judge(const struct packet *p, struct advert *a,
    const struct advert_context *cx)
{
	enum verdict v;

	a->auth = AUTH_NONE;
	if (p->ttl != ADVERT_TTL)		/* 2.2, 5.8 */
		return ADVERT_TTL_LOW;
	if (a->vhid != cx->vhid)		/* 2.11, 5.8 */
		return ADVERT_OTHER_VHID;
	v = protocol_judge(a->protocol, cx->protocol);
	if (v != ADVERT_OK)
		return v;
	if (a->checksum == CHECKSUM_BAD)	/* 2.10, 5.8 */
		return ADVERT_CHECKSUM;
	switch (a->protocol) {
	case PROTOCOL_CARP:
		v = carp_judge(a, cx);
		break;
	case PROTOCOL_VRRP2:
		v = vrrp2_judge(a, cx);
		break;
	case PROTOCOL_VRRP3:
		v = vrrp3_judge(a);
		break;
	}
	if (v == ADVERT_OK && a->trailer.type != 0)
		v = trailer_judge(p, a, cx);
	return v;
}

/*
 * The addresses of the context for an advert that names none: those of its
 * family in their order, link-local ones first (5798/9568 5.2.9).
 */
static void
addrs_from_context(struct advert *a, const struct advert_context *cx,
    uint8_t *buf)
{
	size_t each = addr_len(a->family);

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < cx->nvips; i++) {
			const struct conf_addr *vip = &cx->vip[i];
			bool first = vip->family == 6 &&
			    addr6_is_link_local(vip->byte);

			if (vip->family != a->family || first != (pass == 0))
				continue;
			if (a->naddrs == ADVERT_ADDRS_SENT_MAX)
				return;
			memcpy(buf + a->naddrs++ * each, vip->byte, each);
		}
	}
}

static size_t
message_encode(const struct advert *a, const struct advert_context *cx,
    uint8_t *msg)
{
	switch (a->protocol) {
	case PROTOCOL_CARP:
		return carp_encode(a, cx, msg);
	case PROTOCOL_VRRP2:
		return vrrp2_encode(a, msg);
	case PROTOCOL_VRRP3:
		return vrrp3_encode(a, msg);
	default:
		return 0;
	}
}

/* CHECKSUM_GOOD_9568 asks for that form where it exists (7.4). */
static enum checksum_form
checksum_wanted(const struct advert *a)
{
	if (a->protocol == PROTOCOL_VRRP3 && a->family == 4 &&
	    a->checksum == CHECKSUM_GOOD_9568)
		return CHECKSUM_GOOD_9568;
	return CHECKSUM_GOOD;
}

size_t
advert_encode(const struct advert *wanted, const struct advert_context *cx,
    const struct conf_addr *src, const struct conf_addr *dst, uint8_t *buf,
    size_t cap)
{
	uint8_t addrs[ADVERT_ADDRS_SENT_MAX * 16];
	uint8_t out[ADVERT_MAX];
	struct advert a = *wanted;
	size_t message_len, len;

	if (a.vhid == 0 || a.family != src->family || a.family != dst->family)
		return 0;
	if (a.protocol == PROTOCOL_CARP && a.trailer.type == TRAILER_DRAFT)
		return 0;
	a.checksum = checksum_wanted(wanted);
	if (a.addrs == NULL) {
		a.naddrs = 0;
		a.addrs = addrs;
		if (cx != NULL)
			addrs_from_context(&a, cx, addrs);
	}
	message_len = len = message_encode(&a, cx, out);
	if (len == 0)
		return 0;
	if (a.trailer.type != 0)
		len += trailer_encode(&a, cx, src, out, len);
	if (len > cap)
		return 0;
	put16(out + CHECKSUM_AT, message_checksum(&a, a.checksum, src, dst,
	    out, checksum_covers(&a, message_len, len)));
	memcpy(buf, out, len);
	return len;
}

bool
advert_resigns(const struct advert *a)
{
	if (a->protocol == PROTOCOL_CARP)	/* 5.16 */
		return a->carp_base == 255 && a->carp_skew == 255;
	return a->priority == 0;		/* 2.12 */
}

const char *
verdict_name(enum verdict v)
{
	static const char *const name[ADVERT_VERDICTS] = {
		[ADVERT_OK] = "ok",
		[ADVERT_LENGTH] = "length",
		[ADVERT_TTL_LOW] = "ttl",
		[ADVERT_VERSION] = "version",
		[ADVERT_TYPE] = "type",
		[ADVERT_OTHER_PROTOCOL] = "other-protocol",
		[ADVERT_CHECKSUM] = "checksum",
		[ADVERT_OTHER_VHID] = "other-vhid",
		[ADVERT_INTERVAL] = "interval",
		[ADVERT_AUTH_TYPE] = "auth-type",
		[ADVERT_AUTH] = "auth",
		[ADVERT_KEY_UNKNOWN] = "key-unknown",
		[ADVERT_UNSIGNED] = "unsigned",
		[ADVERT_REPLAY] = "replay",
		[ADVERT_COUNT] = "count",
		[ADVERT_OWN] = "own",
		[ADVERT_STRANGER] = "stranger",
		[ADVERT_EPOCH] = "epoch",
	};

	if ((unsigned)v >= ADVERT_VERDICTS || name[v] == NULL)
		return "?";
	return name[v];
}
