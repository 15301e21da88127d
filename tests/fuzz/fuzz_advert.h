/* SPDX-License-Identifier: ISC */

/*
 * The oracle for adverts of one protocol: what decodes and is canonical
 * encodes to the same bytes; what is judged good really has digest and tag;
 * what is refused is refused again.
 */
#ifndef VIPAIR_FUZZ_ADVERT_H
#define VIPAIR_FUZZ_ADVERT_H

#include "fuzz.h"

static const struct pair_secret fuzz_secret = { .carp_key = "OpenVPN-94",
    .has_carp = true, .active = 1, .nkeys = 1, .key = { { .id = 1,
    .len = 32, .byte = { 0, 1, 2, 3, 4, 5, 6, 7 } } } };
static const struct conf_addr fuzz_vip[2] = {
	{ .family = 4, .byte = { 10, 94, 100, 1 } },
	{ .family = 6, .byte = { 0xfe, 0x80, [15] = 0x5e } },
};

/*
 * Makes checksum, digest, filler and tag right: else the fuzzer would see
 * nothing but wrong checksums.  What can not be made right stays.
 */
static void
fuzz_repair(const struct packet *p, uint8_t *payload,
    const struct advert_context *cx)
{
	uint8_t out[ADVERT_MAX];
	struct advert a;
	size_t n;

	if (advert_decode(p, &a) != ADVERT_CHECKSUM)
		return;
	n = advert_encode(&a, cx, &p->src, &p->dst, out, sizeof(out));
	if (n == p->len)
		memcpy(payload, out, n);
}

/* Not canonical: what we read and would not write (4.6, RFC 1071). */
static bool
fuzz_canonical(const struct packet *p, const struct advert *a)
{
	if (a->vhid == 0 || a->naddrs > ADVERT_ADDRS_SENT_MAX)
		return false;
	if (a->protocol != PROTOCOL_CARP && a->interval_ms == 0)
		return false;
	if (a->protocol == PROTOCOL_VRRP3 && p->payload[4] >> 4 != 0)
		return false;
	return p->payload[6] != 0xff || p->payload[7] != 0xff;
}

static void
fuzz_round_trip(const struct packet *p, const struct advert *a,
    const struct advert_context *cx)
{
	uint8_t out[ADVERT_MAX];
	size_t n;

	/* A tag can only be made again when it was right. */
	if (!fuzz_canonical(p, a) ||
	    (a->trailer.type != 0 && a->auth != AUTH_GOOD))
		return;
	if (a->protocol == PROTOCOL_CARP && a->trailer.type == 0)
		cx = NULL;			/* keeps its digest */
	n = advert_encode(a, cx, &p->src, &p->dst, out, sizeof(out));
	FUZZ_MUST(n == p->len);
	FUZZ_MUST(memcmp(out, p->payload, n) == 0);
}

static void
fuzz_judge(const struct packet *p, struct advert *a, uint8_t protocol,
    const struct advert_context *cx)
{
	struct advert again;
	enum verdict v = advert_judge(p, a, cx);

	FUZZ_MUST(v < ADVERT_VERDICTS);
	FUZZ_MUST(strcmp(verdict_name(v), "?") != 0);
	if (v == ADVERT_OK) {
		FUZZ_MUST(p->ttl == ADVERT_TTL);
		FUZZ_MUST(a->vhid == cx->vhid);
		FUZZ_MUST(a->protocol == protocol);
		FUZZ_MUST(a->checksum != CHECKSUM_BAD);
		FUZZ_MUST(a->trailer.type == 0 || a->auth == AUTH_GOOD);
		FUZZ_MUST(protocol != PROTOCOL_CARP || a->auth == AUTH_GOOD);
	}
	FUZZ_MUST(advert_decode(p, &again) == ADVERT_OK);
	FUZZ_MUST(advert_judge(p, &again, cx) == v);
}

static int
fuzz_advert(const uint8_t *data, size_t len, uint8_t protocol)
{
	struct packet p;
	struct advert a;
	uint8_t *ip = fuzz_packet(data, len, &p);
	struct advert_context cx = { .protocol = protocol,
	    .interval_ms = 1000, .secret = &fuzz_secret, .vip = fuzz_vip,
	    .nvips = 2, .hmac = fuzz_hmac };

	if (ip == NULL)
		return 0;
	cx.vhid = p.len > 1 ? p.payload[1] : 0;
	if (len % 4 != 0)			/* some are left as they are */
		fuzz_repair(&p, ip + (p.payload - ip), &cx);
	if (advert_decode(&p, &a) == ADVERT_OK) {
		FUZZ_MUST(a.message_len <= p.len);
		FUZZ_MUST(a.naddrs == 0 || a.addrs > p.payload);
		fuzz_judge(&p, &a, protocol, &cx);
		fuzz_round_trip(&p, &a, &cx);
	}
	free(ip);
	return 0;
}

#endif
