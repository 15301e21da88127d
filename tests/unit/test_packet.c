/* SPDX-License-Identifier: ISC */

/* packet.c and checksum.c. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "wire.h"

static uint8_t ip[256];
static struct packet p;

static size_t
make4(size_t payload)
{
	static const uint8_t data[64] = { 0x21, 94 };
	struct conf_addr src = kit_addr("192.168.70.1");
	struct conf_addr dst = advert_group(4);

	memset(ip, 0xaa, sizeof(ip));
	return ipv4_wrap(&src, &dst, 0x10, data, payload, ip, sizeof(ip));
}

static size_t
make6(uint8_t next, const char *extensions, size_t payload)
{
	struct conf_addr src = kit_addr("fe80::1"), dst = advert_group(6);
	size_t n;

	memset(ip, 0, sizeof(ip));
	ip[0] = 0x60;
	ip[6] = next;
	ip[7] = 255;
	memcpy(ip + 8, src.byte, 16);
	memcpy(ip + 24, dst.byte, 16);
	n = kit_hex(extensions, ip + 40, sizeof(ip) - 40);
	put16(ip + 4, (uint16_t)(n + payload));
	return 40 + n + payload;
}

START_TEST(test_wrap)
{
	uint8_t data[36], out[64];
	struct conf_addr src = kit_addr("10.94.0.1"), dst = advert_group(4);
	size_t len = make4(36);

	ck_assert_uint_eq(len, 56);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	ck_assert_uint_eq(p.family, 4);
	ck_assert_uint_eq(p.ttl, 255);
	ck_assert_uint_eq(p.len, 36);
	ck_assert_ptr_eq(p.payload, ip + 20);
	ck_assert_uint_eq(checksum_of(&(struct piece){ ip, 20 }, 1), 0);
	ck_assert_uint_eq(ip[56], 0xaa);
	/* As ucarp's in the captures, but for identification and checksum. */
	memset(data, 0, sizeof(data));
	ck_assert_uint_eq(ipv4_wrap(&src, &dst, 0x10, data, 36, out, 55), 0);
	ck_assert_uint_eq(ipv4_wrap(&src, &dst, 0x10, data, 36, out, 56), 56);
	kit_hex("4510003800004000ff7090dc0a5e0001e0000012", data, 20);
	put16(data + 10, 0);
	put16(data + 10, checksum_of(&(struct piece){ data, 20 }, 1));
	kit_same(out, 20, data, 20);
	src = kit_addr("fe80::1");
	ck_assert_uint_eq(ipv4_wrap(&src, &dst, 0, data, 36, out, 64), 0);
}
END_TEST

/* 2.9: by the IP length, whatever the frame had. */
START_TEST(test_lengths)
{
	size_t whole = _i == 0 ? make4(20) : make6(112, "", 20);

	for (size_t len = 0; len < 128; len++) {
		uint8_t *exact = malloc(len == 0 ? 1 : len);
		enum verdict v;

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, ip, len);
		v = packet_parse(exact, len, &p);
		free(exact);
		ck_assert_int_eq(v, len < whole ? ADVERT_LENGTH : ADVERT_OK);
		if (v == ADVERT_OK)
			ck_assert_uint_eq(p.len, 20);
	}
}
END_TEST

START_TEST(test_ipv4_header)
{
	size_t len = make4(40);

	ip[0] = 0x46;				/* one word of options */
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	ck_assert_uint_eq(p.len, 36);
	ck_assert_ptr_eq(p.payload, ip + 24);
	ip[0] = 0x4f;
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	ck_assert_uint_eq(p.len, 0);
	ip[0] = 0x44;				/* shorter than a header */
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	ip[0] = 0x45;
	put16(ip + 2, 19);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	make4(40);
	ip[9] = 17;
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_TYPE);
	ip[0] = 0x55;
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_TYPE);
}
END_TEST

START_TEST(test_fragments)
{
	size_t len = make4(36);

	put16(ip + 6, 0x2000);			/* more of them */
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	put16(ip + 6, 0x0001);			/* an offset */
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	put16(ip + 6, 0x1fff);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	put16(ip + 6, 0);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	put16(ip + 6, 0x4000);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	/* Fragment header of IPv6, and what looks into one. */
	len = make6(44, "7000000000000000", 20);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_TYPE);
}
END_TEST

START_TEST(test_ipv6_extensions)
{
	size_t len = make6(0, "3c00000000000000" "7001000000000000"
	    "0000000000000000", 20);

	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	ck_assert_uint_eq(p.len, 20);
	ck_assert_ptr_eq(p.payload, ip + 64);
	ck_assert_uint_eq(p.ttl, 255);
	ip[41] = 3;				/* one byte too long */
	ip[40] = 112;
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_OK);
	ip[41] = 5;
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	len = make6(0, "0000000000000000" "0000000000000000"
	    "0000000000000000" "0000000000000000" "7000000000000000", 20);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_LENGTH);
	len = make6(58, "", 20);
	ck_assert_int_eq(packet_parse(ip, len, &p), ADVERT_TYPE);
}
END_TEST

START_TEST(test_group)
{
	struct conf_addr v4 = kit_addr("224.0.0.18");
	struct conf_addr v6 = kit_addr("ff02::12"), got;

	got = advert_group(4);
	ck_assert(conf_addr_equal(&got, &v4));
	got = advert_group(6);
	ck_assert(conf_addr_equal(&got, &v6));
}
END_TEST

/* RFC 1071 section 3, cut in every way. */
START_TEST(test_checksum)
{
	static const uint8_t b[9] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5,
	    0xf6, 0xf7, 0x80 };

	ck_assert_uint_eq(checksum_of(&(struct piece){ b, 8 }, 1), 0x220d);
	for (size_t i = 0; i <= 8; i++)
		for (size_t k = i; k <= 8; k++)
			ck_assert_uint_eq(checksum_of((struct piece[3]){
			    { b, i }, { b + i, k - i }, { b + k, 8 - k } }, 3),
			    0x220d);
	/* An odd end is filled with zero. */
	ck_assert_uint_eq(checksum_of(&(struct piece){ b, 9 }, 1),
	    (uint16_t)~(0xddf2 + 0x8000 - 0xffff));
	ck_assert_uint_eq(checksum_of(NULL, 0), 0xffff);
}
END_TEST

/* Carries are not lost however much is summed. */
START_TEST(test_checksum_carries)
{
	static uint8_t b[UINT16_MAX - 1];

	memset(b, 0xff, sizeof(b));
	ck_assert_uint_eq(checksum_of(&(struct piece){ b, sizeof(b) }, 1), 0);
	b[0] = 0xff;
	b[1] = 0xfe;
	ck_assert_uint_eq(checksum_of((struct piece[3]){ { b, sizeof(b) },
	    { b, sizeof(b) }, { b, sizeof(b) } }, 3), 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("packet");
	TCase *tc = tcase_create("packet");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, test_wrap);
	tcase_add_loop_test(tc, test_lengths, 0, 2);
	tcase_add_test(tc, test_ipv4_header);
	tcase_add_test(tc, test_fragments);
	tcase_add_test(tc, test_ipv6_extensions);
	tcase_add_test(tc, test_group);
	tcase_add_test(tc, test_checksum);
	tcase_add_test(tc, test_checksum_carries);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
