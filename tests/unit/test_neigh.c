/* SPDX-License-Identifier: ISC */

/*
 * neigh.c: the announcements of existing peers are read, ours are the same
 * bytes as theirs, and what is no claim is not taken for one.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "neigh.h"
#include "wire.h"

struct walk {
	const struct capture	*facts;
	unsigned		 announcements, same;
};

static const uint8_t mac[6] = { 0x02, 0x94, 0, 0, 0, 1 };
static uint8_t buf[128];
static struct neigh_claim claim;

static bool
is_vip(const struct capture *f, const struct conf_addr *a)
{
	for (size_t i = 0; i < f->nvips; i++) {
		struct conf_addr vip = kit_addr(f->vips[i]);

		if (conf_addr_equal(&vip, a))
			return true;
	}
	/* The virtual link-local address is not in the manifest. */
	return a->family == 6 && a->byte[0] == 0xfe;
}

static void
check_frame(const uint8_t *frame, size_t len, void *arg)
{
	struct walk *w = arg;
	struct packet p;
	size_t n;

	if (kit_packet(frame, len, &p)) {
		ck_assert(!neigh_parse(frame, len, &claim));
		return;
	}
	ck_assert(neigh_parse(frame, len, &claim));
	ck_assert(claim.claims);
	ck_assert(!claim.probe);
	ck_assert(is_vip(w->facts, &claim.addr));
	ck_assert_mem_eq(claim.mac, frame + 6, 6);
	w->announcements++;
	if (claim.addr.family == 4)
		n = arp_announce(claim.mac, &claim.addr, false, buf,
		    sizeof(buf));
	else
		n = na_announce(claim.mac, &claim.addr,
		    (frame[58] & 0x80) != 0, buf, sizeof(buf));
	ck_assert_uint_eq(n, len);
	w->same += memcmp(buf, frame, n) == 0;
}

/* ucarp fills the target's hardware address with its own. */
START_TEST(test_capture)
{
	struct walk w = { .facts = &captures[_i] };

	kit_each_frame(w.facts->file, check_frame, &w);
	ck_assert_uint_eq(w.announcements, w.facts->announcements);
	ck_assert_uint_eq(w.same, w.facts->protocol == PROTOCOL_CARP ? 0 :
	    w.announcements);
}
END_TEST

/* 6.1: request form as keepalived's, reply form with our own MAC twice. */
START_TEST(test_arp_forms)
{
	static const char head[] = "ffffffffffff0294000000010806"
	    "0001080006040001029400000001c0a846de";
	struct conf_addr vip = kit_addr("192.168.70.222");
	uint8_t want[ARP_FRAME_LEN];

	for (int reply = 0; reply < 2; reply++) {
		kit_hex(head, want, sizeof(want));
		memset(want + 32, 0xff, 6);
		memcpy(want + 38, vip.byte, 4);
		if (reply) {
			want[21] = 2;
			memcpy(want + 32, mac, 6);
		}
		memset(buf, 0xaa, sizeof(buf));
		ck_assert_uint_eq(arp_announce(mac, &vip, reply, buf,
		    sizeof(buf)), ARP_FRAME_LEN);
		ck_assert_mem_eq(buf, want, ARP_FRAME_LEN);
		ck_assert_uint_eq(buf[ARP_FRAME_LEN], 0xaa);
		ck_assert(neigh_parse(buf, ARP_FRAME_LEN, &claim));
		ck_assert(claim.claims);
		ck_assert(conf_addr_equal(&claim.addr, &vip));
		ck_assert_mem_eq(claim.mac, mac, 6);
	}
}
END_TEST

START_TEST(test_refused_arguments)
{
	struct conf_addr v4 = kit_addr("10.0.0.1"), v6 = kit_addr("fe80::1");

	ck_assert_uint_eq(arp_announce(mac, &v6, false, buf, sizeof(buf)), 0);
	ck_assert_uint_eq(na_announce(mac, &v4, false, buf, sizeof(buf)), 0);
	ck_assert_uint_eq(arp_announce(mac, &v4, false, buf,
	    ARP_FRAME_LEN - 1), 0);
	ck_assert_uint_eq(na_announce(mac, &v6, false, buf,
	    NA_FRAME_LEN - 1), 0);
}
END_TEST

/* Cut anywhere nothing is understood; padding does no harm. */
START_TEST(test_every_length)
{
	struct conf_addr v4 = kit_addr("10.0.0.1"), v6 = kit_addr("fe80::1");
	size_t whole = _i == 0 ? arp_announce(mac, &v4, true, buf, sizeof(buf))
	    : na_announce(mac, &v6, true, buf, sizeof(buf));

	for (size_t len = 0; len < sizeof(buf); len++) {
		uint8_t *exact = malloc(len == 0 ? 1 : len);

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, buf, len);
		ck_assert(neigh_parse(exact, len, &claim) == (len >= whole));
		free(exact);
	}
}
END_TEST

/* RFC 5227 1.1; an ordinary question claims its sender's address. */
START_TEST(test_arp_probe)
{
	struct conf_addr vip = kit_addr("10.0.0.1");
	struct conf_addr other = kit_addr("10.0.0.99");

	arp_announce(mac, &vip, false, buf, sizeof(buf));
	memset(buf + 28, 0, 4);
	ck_assert(neigh_parse(buf, ARP_FRAME_LEN, &claim));
	ck_assert(claim.probe);
	ck_assert(!claim.claims);
	ck_assert(conf_addr_equal(&claim.addr, &vip));
	buf[21] = 2;				/* nobody answers for nothing */
	ck_assert(!neigh_parse(buf, ARP_FRAME_LEN, &claim));
	buf[21] = 1;
	memcpy(buf + 28, other.byte, 4);
	ck_assert(neigh_parse(buf, ARP_FRAME_LEN, &claim));
	ck_assert(claim.claims);
	ck_assert(conf_addr_equal(&claim.addr, &other));
}
END_TEST

START_TEST(test_arp_refused)
{
	static const struct { uint8_t at, value; } bad[] = {
		{ 12, 0x86 }, { 15, 6 }, { 16, 0x86 }, { 18, 8 }, { 19, 16 },
		{ 21, 0 }, { 21, 3 }, { 20, 1 },
		{ 22, 0x01 },			/* a group's MAC */
	};
	struct conf_addr vip = kit_addr("10.0.0.1");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		arp_announce(mac, &vip, false, buf, sizeof(buf));
		buf[bad[i].at] = bad[i].value;
		ck_assert_msg(!neigh_parse(buf, ARP_FRAME_LEN, &claim),
		    "byte %u", bad[i].at);
	}
	arp_announce(mac, &vip, false, buf, sizeof(buf));
	memset(buf + 22, 0, 6);
	ck_assert(!neigh_parse(buf, ARP_FRAME_LEN, &claim));
}
END_TEST

static void
icmp_checksum_fix(size_t icmp_len)
{
	uint8_t tail[4] = { 0, (uint8_t)icmp_len, 0, 58 };

	put16(buf + 18, (uint16_t)icmp_len);
	put16(buf + 56, 0);
	put16(buf + 56, checksum_of((struct piece[3]){ { buf + 22, 32 },
	    { tail, 4 }, { buf + 54, icmp_len } }, 3));
}

/* RFC 4861 7.1.2 */
START_TEST(test_na_refused)
{
	static const struct { uint8_t at, value; } bad[] = {
		{ 14, 0x40 }, { 20, 17 }, { 21, 254 }, { 54, 134 }, { 55, 1 },
		{ 58, 0x60 },			/* solicited, to a group */
		{ 62, 0xff },			/* target is a group */
		{ 79, 0 },			/* option without length */
		{ 79, 2 },			/* longer than there is */
		{ 80, 0x01 },			/* a group's MAC */
	};
	struct conf_addr vip = kit_addr("2001:db8::1");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		na_announce(mac, &vip, false, buf, sizeof(buf));
		buf[bad[i].at] = bad[i].value;
		icmp_checksum_fix(32);
		ck_assert_msg(!neigh_parse(buf, NA_FRAME_LEN, &claim),
		    "byte %u", bad[i].at);
	}
	for (size_t bit = 14 * 8; bit < NA_FRAME_LEN * 8; bit++) {
		/* Traffic class and flow label are under no checksum. */
		if (bit >= 14 * 8 && bit < 18 * 8)
			continue;
		na_announce(mac, &vip, false, buf, sizeof(buf));
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(!neigh_parse(buf, NA_FRAME_LEN, &claim),
		    "bit %zu of byte %zu", bit % 8, bit / 8);
	}
}
END_TEST

/* Solicited, and without the option: the frame's sender is meant. */
START_TEST(test_na_forms)
{
	struct conf_addr vip = kit_addr("2001:db8::1");
	struct conf_addr to = kit_addr("fe80::9");
	static const uint8_t option[6] = { 2, 2, 2, 2, 2, 2 };

	na_announce(mac, &vip, true, buf, sizeof(buf));
	memcpy(buf + 38, to.byte, 16);
	buf[58] = 0x60;
	memcpy(buf + 80, option, 6);
	icmp_checksum_fix(32);
	ck_assert(neigh_parse(buf, NA_FRAME_LEN, &claim));
	ck_assert_mem_eq(claim.mac, option, 6);
	icmp_checksum_fix(24);
	ck_assert(neigh_parse(buf, NA_FRAME_LEN, &claim));
	ck_assert(claim.claims);
	ck_assert_mem_eq(claim.mac, mac, 6);
	ck_assert(conf_addr_equal(&claim.addr, &vip));
}
END_TEST

/* RFC 4862 5.4.3 is a probe; a solicitation claims its sender's address. */
START_TEST(test_ns)
{
	struct conf_addr vip = kit_addr("2001:db8::1");
	struct conf_addr from = kit_addr("fe80::9");

	na_announce(mac, &vip, false, buf, sizeof(buf));
	buf[54] = 135;
	buf[58] = 0;
	buf[78] = 1;				/* source link-layer address */
	memcpy(buf + 22, from.byte, 16);
	icmp_checksum_fix(32);
	ck_assert(neigh_parse(buf, NA_FRAME_LEN, &claim));
	ck_assert(claim.claims);
	ck_assert(conf_addr_equal(&claim.addr, &from));
	icmp_checksum_fix(24);			/* says nobody's MAC */
	ck_assert(neigh_parse(buf, NA_FRAME_LEN, &claim));
	ck_assert(!claim.claims);
	memset(buf + 22, 0, 16);
	icmp_checksum_fix(24);
	ck_assert(neigh_parse(buf, NA_FRAME_LEN, &claim));
	ck_assert(claim.probe);
	ck_assert(!claim.claims);
	ck_assert(conf_addr_equal(&claim.addr, &vip));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("neigh");
	TCase *tc = tcase_create("neigh");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_capture, 0, (int)ncaptures);
	tcase_add_test(tc, test_arp_forms);
	tcase_add_test(tc, test_refused_arguments);
	tcase_add_loop_test(tc, test_every_length, 0, 2);
	tcase_add_test(tc, test_arp_probe);
	tcase_add_test(tc, test_arp_refused);
	tcase_add_test(tc, test_na_refused);
	tcase_add_test(tc, test_na_forms);
	tcase_add_test(tc, test_ns);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
