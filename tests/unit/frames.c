/* SPDX-License-Identifier: ISC */

/*
 * Writes a capture of adverts as we encode them, one of each kind, for
 * judges that are not ours: argv[1] is the file.  See test_others.py.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "hmac.h"
#include "advert.h"
#include "neigh.h"
#include "wire.h"

#define FRAME_MAX	(14 + 40 + ADVERT_MAX)

static const uint8_t mac[6] = { 0x02, 0x94, 0, 0, 0, 1 };
static pcap_dumper_t *out;
static long second = 1800000000;

static void
put(const uint8_t *frame, size_t len)
{
	struct pcap_pkthdr head = { .ts = { .tv_sec = second++ },
	    .caplen = (bpf_u_int32)len, .len = (bpf_u_int32)len };

	pcap_dump((u_char *)out, &head, frame);
}

static size_t
ipv6_wrap(const struct conf_addr *src, const struct conf_addr *dst,
    const uint8_t *payload, size_t len, uint8_t *buf)
{
	memset(buf, 0, 40);
	buf[0] = 0x60;
	put16(buf + 4, (uint16_t)len);
	buf[6] = ADVERT_IPPROTO;
	buf[7] = ADVERT_TTL;
	memcpy(buf + 8, src->byte, 16);
	memcpy(buf + 24, dst->byte, 16);
	memcpy(buf + 40, payload, len);
	return 40 + len;
}

static void
put_advert(const struct advert *a, const struct advert_context *cx)
{
	const struct conf_addr src4 = { .family = 4,
	    .byte = { 192, 168, 70, 1 } };
	const struct conf_addr src6 = { .family = 6,
	    .byte = { 0xfe, 0x80, [15] = 1 } };
	const struct conf_addr *src = a->family == 4 ? &src4 : &src6;
	struct conf_addr dst = advert_group(a->family);
	uint8_t msg[ADVERT_MAX], frame[FRAME_MAX] = { 0x01, 0, 0x5e, 0, 0,
	    0x12 };
	size_t len;

	memcpy(frame + 6, mac, 6);
	len = advert_encode(a, cx, src, &dst, msg, sizeof(msg));
	if (a->family == 4) {
		put16(frame + 12, 0x0800);
		len = ipv4_wrap(src, &dst, 0xc0, msg, len, frame + 14,
		    sizeof(frame) - 14);
	} else {
		put16(frame + 12, 0x86dd);
		len = ipv6_wrap(src, &dst, msg, len, frame + 14);
	}
	put(frame, 14 + len);
}

static void
put_all(uint8_t trailer, const struct advert_context *cx)
{
	static const uint8_t protocol[4] = { PROTOCOL_CARP, PROTOCOL_VRRP2,
	    PROTOCOL_VRRP3, PROTOCOL_VRRP3 };
	static const uint8_t family[4] = { 4, 4, 4, 6 };

	for (size_t i = 0; i < 4; i++) {
		struct advert a = { .protocol = protocol[i],
		    .family = family[i], .vhid = 94, .priority = 100,
		    .interval_ms = 1000, .carp_base = 1, .carp_skew = 100,
		    .carp_counter = 0x0123456789abcdef, .trailer = {
		    .type = trailer, .seq = 0x6b045497a1b2c3d4, .term = 7,
		    .flags = TRAILER_HEALTHY } };

		put_advert(&a, cx);
	}
}

static void
put_neigh(const struct conf_addr *v4, const struct conf_addr *v6)
{
	uint8_t frame[NA_FRAME_LEN];

	put(frame, arp_announce(mac, v4, false, frame, sizeof(frame)));
	put(frame, arp_announce(mac, v4, true, frame, sizeof(frame)));
	put(frame, na_announce(mac, v6, false, frame, sizeof(frame)));
}

int
main(int argc, char **argv)
{
	static const struct pair_secret secret = { .carp_key = "secret",
	    .has_carp = true, .active = 1, .nkeys = 1, .key = {
	    { .id = 1, .len = 32, .byte = { 1, 2, 3 } } } };
	static const struct conf_addr vip[3] = {
		{ .family = 4, .byte = { 192, 168, 70, 222 } },
		{ .family = 6, .byte = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
		{ .family = 6, .byte = { 0xfe, 0x80, [15] = 0x5e } },
	};
	struct advert_context cx = { .vhid = 94, .secret = &secret,
	    .vip = vip, .nvips = 3, .hmac = hmac_of };
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);

	if (argc != 2 || (out = pcap_dump_open(pcap, argv[1])) == NULL) {
		fprintf(stderr, "frames: cannot write: %s\n",
		    argc == 2 ? pcap_geterr(pcap) : "which file?");
		return 1;
	}
	put_all(0, &cx);
	put_all(TRAILER_OWN, &cx);
	put_neigh(&vip[0], &vip[1]);
	pcap_dump_close(out);
	pcap_close(pcap);
	return 0;
}
