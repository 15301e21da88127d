/* SPDX-License-Identifier: ISC */

/*
 * Trailers: an advert of ours whose fields the input chooses is accepted,
 * and refused once a byte of it is changed where the input says.
 */
#include "fuzz_advert.h"

static void
choose(struct advert *a, const uint8_t *data)
{
	static const uint8_t addrs[16] = { 0xfe, 0x80, [15] = 9 };

	*a = (struct advert){ .protocol = (uint8_t)(1 + data[0] % 3),
	    .family = data[0] & 0x80 ? 6 : 4, .vhid = data[1] | 1,
	    .priority = data[2], .carp_skew = data[2], .carp_base = data[3],
	    .carp_demote = data[4], .naddrs = 1, .addrs = addrs,
	    .interval_ms = 1000, .checksum = data[0] & 0x40 ?
	    CHECKSUM_GOOD_9568 : CHECKSUM_GOOD, .trailer = {
	    .type = data[0] & 0x20 ? TRAILER_DRAFT : TRAILER_OWN,
	    .node = data[5], .flags = data[6], .term = data[7] * 0x01010101u } };
	memcpy(&a->carp_counter, data + 8, 8);
	memcpy(&a->trailer.seq, data + 16, 8);
	if (a->protocol == PROTOCOL_VRRP2)
		a->family = 4;
	if (a->protocol == PROTOCOL_CARP)
		a->trailer.type = TRAILER_OWN;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct advert_context cx = { .interval_ms = 1000,
	    .secret = &fuzz_secret, .vip = fuzz_vip, .nvips = 2,
	    .hmac = fuzz_hmac };
	uint8_t msg[ADVERT_MAX];
	struct packet p = { .ttl = ADVERT_TTL, .payload = msg };
	struct advert a, got;
	size_t at;

	if (len < 26)
		return 0;
	choose(&a, data);
	cx.protocol = a.protocol;
	cx.vhid = a.vhid;
	p.family = a.family;
	p.src = advert_group(a.family);
	p.dst = advert_group(a.family);
	p.len = advert_encode(&a, &cx, &p.src, &p.dst, msg, sizeof(msg));
	FUZZ_MUST(p.len > 0);
	FUZZ_MUST(advert_decode(&p, &got) == ADVERT_OK);
	FUZZ_MUST(advert_judge(&p, &got, &cx) == ADVERT_OK);
	FUZZ_MUST(got.auth == AUTH_GOOD);
	FUZZ_MUST(got.trailer.seq == a.trailer.seq);
	FUZZ_MUST(got.checksum == a.checksum || a.checksum !=
	    CHECKSUM_GOOD_9568 || a.protocol != PROTOCOL_VRRP3 ||
	    a.family != 4);
	at = (size_t)(data[24] << 8 | data[25]) % p.len;
	if (data[len - 1] == 0)
		return 0;
	msg[at] ^= data[len - 1];
	FUZZ_MUST(advert_decode(&p, &got) != ADVERT_OK ||
	    advert_judge(&p, &got, &cx) != ADVERT_OK);
	return 0;
}
