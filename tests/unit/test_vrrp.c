/* SPDX-License-Identifier: ISC */

/* vrrp2.c and vrrp3.c: checklist 2.9, 4.3-4.8, 7.1-7.6, vectors of 10. */
#include <check.h>
#include <string.h>

#include "hmac.h"
#include "kit.h"
#include "wire.h"

struct vector {
	const char	*hex, *src, *dst;
	struct advert	 a;
	const char	*addr[2];
};

static const struct vector vectors[] = {
	{ "215e640100017318c0a846de0000000000000000", "192.168.70.1",
	    "224.0.0.18", { .protocol = PROTOCOL_VRRP2, .family = 4,
	    .vhid = 94, .priority = 100, .naddrs = 1, .interval_ms = 1000,
	    .checksum = CHECKSUM_GOOD }, { "192.168.70.222" } },
	{ "215e00010001d718c0a846de0000000000000000", "192.168.70.1",
	    "224.0.0.18", { .protocol = PROTOCOL_VRRP2, .family = 4,
	    .vhid = 94, .priority = 0, .naddrs = 1, .interval_ms = 1000,
	    .checksum = CHECKSUM_GOOD }, { "192.168.70.222" } },
	{ "315e6401006462b5c0a846de", "192.168.70.1", "224.0.0.18",
	    { .protocol = PROTOCOL_VRRP3, .family = 4, .vhid = 94,
	    .priority = 100, .naddrs = 1, .interval_ms = 1000,
	    .checksum = CHECKSUM_GOOD_9568 }, { "192.168.70.222" } },
	{ "315e640100647b7cc0a846de", "192.168.70.1", "224.0.0.18",
	    { .protocol = PROTOCOL_VRRP3, .family = 4, .vhid = 94,
	    .priority = 100, .naddrs = 1, .interval_ms = 1000,
	    .checksum = CHECKSUM_GOOD }, { "192.168.70.222" } },
	{ "315e640200643ce2fe80000000000000000000000000005e"
	    "20010db8007000000000000000000222", "fe80::1", "ff02::12",
	    { .protocol = PROTOCOL_VRRP3, .family = 6, .vhid = 94,
	    .priority = 100, .naddrs = 2, .interval_ms = 1000,
	    .checksum = CHECKSUM_GOOD },
	    { "fe80::5e", "2001:db8:70::222" } },
};
#define NVECTORS	((int)(sizeof(vectors) / sizeof(vectors[0])))

START_TEST(test_vector)
{
	const struct vector *v = &vectors[_i];
	uint8_t want[ADVERT_MAX], got[ADVERT_MAX], addrs[32];
	size_t len = kit_hex(v->hex, want, sizeof(want)), n;
	struct packet p = kit_wrap(want, len, v->src, v->dst);
	size_t each = p.family == 6 ? 16 : 4;
	struct advert a = v->a, b;

	for (size_t i = 0; i < a.naddrs; i++)
		memcpy(addrs + i * each, kit_addr(v->addr[i]).byte, each);
	a.addrs = addrs;
	n = advert_encode(&a, NULL, &p.src, &p.dst, got, sizeof(got));
	kit_same(got, n, want, len);
	ck_assert_int_eq(advert_decode(&p, &b), ADVERT_OK);
	ck_assert_uint_eq(b.protocol, a.protocol);
	ck_assert_uint_eq(b.priority, a.priority);
	ck_assert_uint_eq(b.interval_ms, a.interval_ms);
	ck_assert_int_eq(b.checksum, a.checksum);
	ck_assert_uint_eq(b.naddrs, a.naddrs);
	ck_assert_mem_eq(b.addrs, addrs, each * a.naddrs);
	ck_assert_uint_eq(b.message_len, len);
	ck_assert(advert_resigns(&b) == (a.priority == 0));
}
END_TEST

static uint8_t msg[4200];
static struct advert a;
static struct advert_context cx;

/* Fills msg from a vector; the packet lies in msg. */
static struct packet
load(int i)
{
	size_t len = kit_hex(vectors[i].hex, msg, sizeof(msg));

	cx = (struct advert_context){ .protocol = vectors[i].a.protocol,
	    .vhid = 94, .interval_ms = 1000, .hmac = hmac_of };
	return kit_wrap(msg, len, vectors[i].src, vectors[i].dst);
}

static enum verdict
verdict_of(const struct packet *p)
{
	enum verdict v;

	kit_fix_checksum(msg, p->len, p, CHECKSUM_GOOD);
	v = advert_decode(p, &a);
	return v == ADVERT_OK ? advert_judge(p, &a, &cx) : v;
}

/* 7.1: 1 is keepalived's password in the clear, 2 is history. */
START_TEST(test_v2_auth_type)
{
	struct packet p = load(0);

	for (unsigned type = 0; type < 256; type++) {
		msg[4] = (uint8_t)type;
		ck_assert_int_eq(verdict_of(&p),
		    type == 0 ? ADVERT_OK : ADVERT_AUTH_TYPE);
	}
	/* Type 0: the eight bytes are ignored, but they come back. */
	msg[4] = 0;
	memset(msg + 12, 0x5a, 8);
	ck_assert_int_eq(verdict_of(&p), ADVERT_OK);
	ck_assert_uint_eq(a.auth_data[7], 0x5a);
}
END_TEST

/* 4.3 */
START_TEST(test_v2_interval)
{
	struct packet p = load(0);

	for (unsigned s = 0; s < 256; s++) {
		msg[5] = (uint8_t)s;
		cx.interval_ms = 2000;
		ck_assert_int_eq(verdict_of(&p),
		    s == 2 ? ADVERT_OK : ADVERT_INTERVAL);
		cx.interval_ms = 0;
		ck_assert_int_eq(verdict_of(&p), ADVERT_INTERVAL);
	}
}
END_TEST

/* 2.9: count and length must agree; 7.6. */
START_TEST(test_count)
{
	struct packet p = load(_i);
	uint8_t count = msg[3];

	for (unsigned n = 0; n < 256; n++) {
		enum verdict want = n == 0 ? ADVERT_COUNT : ADVERT_LENGTH;

		if (n == count)
			want = ADVERT_OK;
		msg[3] = (uint8_t)n;
		/* Two of IPv6 are as long as eight of IPv4 (7.6). */
		if (p.family == 6 && n == 8)
			want = ADVERT_COUNT;
		ck_assert_msg(verdict_of(&p) == want, "count %u: %s", n,
		    verdict_name(verdict_of(&p)));
	}
}
END_TEST

/* 7.6, and its own length is right. */
START_TEST(test_no_address)
{
	struct packet p = load(_i);

	p.len = msg[0] >> 4 == 2 ? 16 : 8;
	msg[3] = 0;
	memset(msg + 8, 0, 8);
	ck_assert_int_eq(verdict_of(&p), ADVERT_COUNT);
}
END_TEST

/* 7.6: a v3 list of the other family. */
START_TEST(test_mixed_family)
{
	struct packet p = load(4);

	p.len = 8 + 4;
	msg[3] = 1;
	ck_assert_int_eq(verdict_of(&p), ADVERT_COUNT);
	p = load(3);
	memset(msg + 8, 0xfe, 16);
	p.len = 8 + 16;
	ck_assert_int_eq(verdict_of(&p), ADVERT_LENGTH);
}
END_TEST

/* 7.6, erratum 8300: fe80::/10 and nothing else may be first. */
START_TEST(test_link_local_first)
{
	struct packet p = load(4);

	msg[9] = 0xbf;
	ck_assert_int_eq(verdict_of(&p), ADVERT_OK);
	msg[9] = 0xc0;
	ck_assert_int_eq(verdict_of(&p), ADVERT_COUNT);
	msg[8] = 0x20;
	msg[9] = 0x01;
	ck_assert_int_eq(verdict_of(&p), ADVERT_COUNT);
	a = vectors[4].a;
	a.addrs = msg + 8;
	ck_assert_uint_eq(advert_encode(&a, NULL, &p.src, &p.dst, msg + 100,
	    200), 0);
}
END_TEST

/* 4.6: reserved bits change nothing; 4.7: all of 1-4095, and 0 is refused. */
START_TEST(test_v3_interval)
{
	struct packet p = load(3);
	uint8_t out[ADVERT_MAX];

	for (unsigned cs = 0; cs < 4096; cs++) {
		put16(msg + 4, (uint16_t)(0xf000 | cs));
		ck_assert_int_eq(verdict_of(&p),
		    cs == 0 ? ADVERT_INTERVAL : ADVERT_OK);
		ck_assert_uint_eq(a.interval_ms, cs * 10);
		if (cs == 0)
			continue;
		ck_assert_uint_eq(advert_encode(&a, NULL, &p.src, &p.dst, out,
		    sizeof(out)), 12);
		ck_assert_uint_eq(get16(out + 4), cs);	/* sent as zero */
	}
}
END_TEST

/* 4.7, 4.8: what does not fit the field is refused, not wrapped. */
START_TEST(test_encode_interval)
{
	static const struct { int vector; uint32_t ms; bool good; } t[] = {
		{ 0, 0, false }, { 0, 999, false }, { 0, 1000, true },
		{ 0, 1500, false }, { 0, 255000, true }, { 0, 256000, false },
		{ 3, 0, false }, { 3, 9, false }, { 3, 10, true },
		{ 3, 15, false }, { 3, 990, true }, { 3, 40950, true },
		{ 3, 40960, false }, { 3, UINT32_MAX, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct packet p = load(t[i].vector);
		uint8_t out[ADVERT_MAX];

		ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
		a.interval_ms = t[i].ms;
		ck_assert_msg((advert_encode(&a, NULL, &p.src, &p.dst, out,
		    sizeof(out)) != 0) == t[i].good, "%u ms", t[i].ms);
	}
}
END_TEST

/* We read what the count allows and send 20 at most. */
START_TEST(test_many_addresses)
{
	struct packet p = load(_i);
	size_t each = p.family == 6 ? 16 : 4;
	size_t tail = msg[0] >> 4 == 2 ? 8 : 0;
	uint8_t out[ADVERT_MAX];

	for (size_t n = 1; n <= 255; n++) {
		msg[3] = (uint8_t)n;
		msg[8] = 0xfe;
		msg[9] = 0x80;
		memset(msg + 8 + n * each, 0, 8);
		p.len = 8 + n * each + tail;
		ck_assert_int_eq(verdict_of(&p), ADVERT_OK);
		ck_assert_uint_eq(a.naddrs, n);
		a.checksum = CHECKSUM_GOOD;
		ck_assert_uint_eq(advert_encode(&a, NULL, &p.src, &p.dst, out,
		    sizeof(out)), n <= ADVERT_ADDRS_SENT_MAX ? p.len : 0);
	}
}
END_TEST

/* 7.3: version 2 in IPv6 is CARP or nothing. */
START_TEST(test_v2_in_ipv6)
{
	struct packet p = load(0);

	p.family = 6;
	p.src = kit_addr("fe80::1");
	p.dst = advert_group(6);
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_VERSION);
}
END_TEST

/* 7.4: both forms are read, and each is told from a wrong one. */
START_TEST(test_v3_forms)
{
	struct packet p = load(3);

	for (unsigned sum = 0; sum <= 0xffff; sum++) {
		enum checksum_form want = CHECKSUM_BAD;

		if (sum == 0x7b7c)
			want = CHECKSUM_GOOD;
		if (sum == 0x62b5)
			want = CHECKSUM_GOOD_9568;
		put16(msg + 6, (uint16_t)sum);
		ck_assert_int_eq(advert_decode(&p, &a),
		    want == CHECKSUM_BAD ? ADVERT_CHECKSUM : ADVERT_OK);
		ck_assert_int_eq(a.checksum, want);
	}
	/* 7.5: in IPv6 there is one only. */
	p = load(4);
	kit_fix_checksum(msg, p.len, &p, CHECKSUM_GOOD_9568);
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_CHECKSUM);
}
END_TEST

/* 8.4: the pseudo-header has the real destination. */
START_TEST(test_v3_unicast)
{
	struct conf_addr src = kit_addr("192.168.70.1");
	struct conf_addr to = kit_addr("192.168.70.2");
	struct packet p = load(3);
	uint8_t out[ADVERT_MAX];

	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	p.len = advert_encode(&a, NULL, &src, &to, out, sizeof(out));
	p.payload = out;
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_CHECKSUM);
	p.dst = to;
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	ck_assert_int_eq(a.checksum, CHECKSUM_GOOD);
}
END_TEST

/* An advert that names no addresses takes those of the context. */
START_TEST(test_addrs_of_context)
{
	const struct conf_addr vip[] = { kit_addr("2001:db8::1"),
	    kit_addr("10.0.0.7"), kit_addr("fe80::7"), kit_addr("10.0.0.3") };
	struct conf_addr v4 = kit_addr("10.0.0.1"), v6 = kit_addr("fe80::1");
	struct conf_addr group = advert_group(4), group6 = advert_group(6);
	uint8_t out[ADVERT_MAX];
	struct packet p;

	cx = (struct advert_context){ .vip = vip, .nvips = 4 };
	a = (struct advert){ .protocol = PROTOCOL_VRRP3, .family = 4,
	    .vhid = 9, .priority = 5, .interval_ms = 1000 };
	p = kit_wrap(out, advert_encode(&a, &cx, &v4, &group, out,
	    sizeof(out)), "10.0.0.1", "224.0.0.18");
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	ck_assert_uint_eq(a.naddrs, 2);
	ck_assert_mem_eq(a.addrs, "\x0a\0\0\x07\x0a\0\0\x03", 8);
	a = (struct advert){ .protocol = PROTOCOL_VRRP3, .family = 6,
	    .vhid = 9, .priority = 5, .interval_ms = 1000 };
	p = kit_wrap(out, advert_encode(&a, &cx, &v6, &group6, out,
	    sizeof(out)), "fe80::1", "ff02::12");
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	ck_assert_uint_eq(a.naddrs, 2);
	ck_assert_mem_eq(a.addrs, vip[2].byte, 16);
	ck_assert_mem_eq(a.addrs + 16, vip[0].byte, 16);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vrrp");
	TCase *tc = tcase_create("vrrp");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_vector, 0, NVECTORS);
	tcase_add_test(tc, test_v2_auth_type);
	tcase_add_test(tc, test_v2_interval);
	tcase_add_loop_test(tc, test_count, 3, NVECTORS);
	tcase_add_loop_test(tc, test_no_address, 0, NVECTORS);
	tcase_add_test(tc, test_mixed_family);
	tcase_add_test(tc, test_link_local_first);
	tcase_add_test(tc, test_v3_interval);
	tcase_add_test(tc, test_encode_interval);
	tcase_add_loop_test(tc, test_many_addresses, 0, NVECTORS);
	tcase_add_test(tc, test_v2_in_ipv6);
	tcase_add_test(tc, test_v3_forms);
	tcase_add_test(tc, test_v3_unicast);
	tcase_add_test(tc, test_addrs_of_context);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
