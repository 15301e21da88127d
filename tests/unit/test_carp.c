/* SPDX-License-Identifier: ISC */

/* carp.c: checklist 5.1-5.9, 7.9 and the vectors of section 10. */
#include <check.h>
#include <string.h>

#include "hmac.h"
#include "kit.h"
#include "wire.h"

#define ADVERT_HEX	"215e000700012e260000000000000001" \
			"3627294fbeeb3e37b95bdd58de9cb3011a9710ef"
#define RESIGN_HEX	"215eff0700ff604f0000000000000002" \
			"9474e46acf49fcac32d1b4e3d73cc9ab5deb52ea"

static struct pair_secret secret;
static struct conf_addr vip[4];
static struct advert_context cx;
static struct conf_addr src, dst;

static void
setup(void)
{
	memset(&secret, 0, sizeof(secret));
	kit_passphrase(&secret, "secret");
	vip[0] = kit_addr("192.168.70.222");
	src = kit_addr("192.168.70.1");
	dst = advert_group(4);
	cx = (struct advert_context){ .protocol = PROTOCOL_CARP, .vhid = 94,
	    .interval_ms = 1000, .secret = &secret, .vip = vip, .nvips = 1,
	    .hmac = hmac_of };
}

static enum verdict
decode_and_judge(const uint8_t *msg, size_t len, struct advert *a)
{
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	enum verdict v = advert_decode(&p, a);

	return v == ADVERT_OK ? advert_judge(&p, a, &cx) : v;
}

START_TEST(test_vectors)
{
	uint8_t want[CARP_LEN], got[ADVERT_MAX];
	struct advert a = { .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94, .carp_base = 1, .carp_counter = 1 };
	size_t len;

	kit_hex(ADVERT_HEX, want, sizeof(want));
	len = advert_encode(&a, &cx, &src, &dst, got, sizeof(got));
	kit_same(got, len, want, sizeof(want));
	ck_assert_int_eq(decode_and_judge(got, len, &a), ADVERT_OK);
	ck_assert_int_eq(a.auth, AUTH_GOOD);
	ck_assert_uint_eq(a.interval_ms, 1000);
	ck_assert(!advert_resigns(&a));

	a = (struct advert){ .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94, .carp_base = 255, .carp_skew = 255,
	    .carp_counter = 2 };
	kit_hex(RESIGN_HEX, want, sizeof(want));
	len = advert_encode(&a, &cx, &src, &dst, got, sizeof(got));
	kit_same(got, len, want, sizeof(want));
	ck_assert_int_eq(decode_and_judge(got, len, &a), ADVERT_OK);
	ck_assert(advert_resigns(&a));
}
END_TEST

/* 5.2: base and 256ths. */
START_TEST(test_interval)
{
	static const struct { uint8_t base, skew; uint32_t ms; } t[] = {
		{ 1, 0, 1000 }, { 1, 128, 1500 }, { 2, 100, 2390 },
		{ 0, 1, 3 }, { 255, 255, 255996 }, { 0, 0, 0 },
	};
	uint8_t msg[ADVERT_MAX];
	struct advert a;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		a = (struct advert){ .protocol = PROTOCOL_CARP, .family = 4,
		    .vhid = 94, .carp_base = t[i].base,
		    .carp_skew = t[i].skew, .carp_demote = 3 };
		advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
		ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a),
		    ADVERT_OK);
		ck_assert_uint_eq(a.interval_ms, t[i].ms);
		ck_assert_uint_eq(a.carp_base, t[i].base);
		ck_assert_uint_eq(a.carp_skew, t[i].skew);
		ck_assert_uint_eq(a.carp_demote, 3);
	}
}
END_TEST

/* 5.8: wrong passphrase, wrong address, wrong counter, wrong digest. */
START_TEST(test_digest_refused)
{
	uint8_t msg[CARP_LEN];
	struct advert a;
	struct packet p;

	kit_hex(ADVERT_HEX, msg, sizeof(msg));
	p = kit_wrap(msg, sizeof(msg), "192.168.70.1", "224.0.0.18");
	ck_assert_int_eq(decode_and_judge(msg, sizeof(msg), &a), ADVERT_OK);
	for (size_t bit = 8 * 8; bit < CARP_LEN * 8; bit++) {
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		kit_fix_checksum(msg, CARP_LEN, &p, CHECKSUM_GOOD);
		ck_assert_int_eq(decode_and_judge(msg, sizeof(msg), &a),
		    ADVERT_AUTH);
		ck_assert_int_eq(a.auth, AUTH_BAD);
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	kit_hex(ADVERT_HEX, msg, sizeof(msg));
	vip[0] = kit_addr("192.168.70.223");
	ck_assert_int_eq(decode_and_judge(msg, sizeof(msg), &a), ADVERT_AUTH);
	vip[0] = kit_addr("192.168.70.222");
	kit_passphrase(&secret, "Secret");
	ck_assert_int_eq(decode_and_judge(msg, sizeof(msg), &a), ADVERT_AUTH);
}
END_TEST

/* 5.6: what the digest does not cover; only the trailer does. */
START_TEST(test_digest_leaves_open)
{
	uint8_t msg[CARP_LEN];
	struct packet p;
	struct advert a;

	kit_hex(ADVERT_HEX, msg, sizeof(msg));
	p = kit_wrap(msg, sizeof(msg), "192.168.70.1", "224.0.0.18");
	msg[2] = 255;
	msg[4] = 7;
	msg[5] = 255;
	kit_fix_checksum(msg, CARP_LEN, &p, CHECKSUM_GOOD);
	ck_assert_int_eq(decode_and_judge(msg, sizeof(msg), &a), ADVERT_OK);
}
END_TEST

/* 5.5: IPv4 ascending, then IPv6 ascending, whatever the order given. */
START_TEST(test_address_order)
{
	static const char *const sorted[] = { "10.0.0.2", "10.0.0.10",
	    "192.168.1.1", "2001:db8::1", "2001:db8::a" };
	static const uint8_t order[][5] = { { 0, 1, 2, 3, 4 },
	    { 4, 3, 2, 1, 0 }, { 2, 4, 0, 3, 1 } };
	uint8_t data[64] = { 2, 1, 94 }, want[CARP_DIGEST_LEN];
	struct conf_addr addr[5];
	size_t n = 3;

	for (size_t i = 0; i < 5; i++) {
		struct conf_addr a = kit_addr(sorted[i]);

		memcpy(data + n, a.byte, a.family == 6 ? 16 : 4);
		n += a.family == 6 ? 16 : 4;
	}
	put64(data + n, 77);
	hmac_of(HMAC_SHA1, secret.carp_key, sizeof(secret.carp_key),
	    &(struct piece){ data, n + 8 }, 1, want);
	cx.vip = addr;
	cx.nvips = 5;
	for (size_t o = 0; o < 3; o++) {
		struct advert a = { .protocol = PROTOCOL_CARP, .family = 4,
		    .vhid = 94, .carp_base = 1, .carp_counter = 77 };
		uint8_t msg[ADVERT_MAX];

		for (size_t i = 0; i < 5; i++)
			addr[i] = kit_addr(sorted[order[o][i]]);
		advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
		ck_assert_mem_eq(msg + 16, want, CARP_DIGEST_LEN);
	}
}
END_TEST

/* As many as the configuration can hold, in the worst order. */
START_TEST(test_many_addresses)
{
	static struct conf_addr addr[CONF_ADDRS_PER_PAIR_MAX];
	static uint8_t data[3 + 4 * CONF_ADDRS_PER_PAIR_MAX + 8];
	uint8_t want[CARP_DIGEST_LEN], msg[ADVERT_MAX];
	struct advert a = { .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94, .carp_base = 1 };

	data[0] = 2;
	data[1] = 1;
	data[2] = 94;
	for (uint32_t i = 0; i < CONF_ADDRS_PER_PAIR_MAX; i++) {
		uint32_t k = CONF_ADDRS_PER_PAIR_MAX - 1 - i;

		put32(data + 3 + 4 * i, 0x0a000000 + i * 7);
		addr[i] = (struct conf_addr){ .family = 4 };
		put32(addr[i].byte, 0x0a000000 + k * 7);
	}
	hmac_of(HMAC_SHA1, secret.carp_key, sizeof(secret.carp_key),
	    &(struct piece){ data, sizeof(data) }, 1, want);
	cx.vip = addr;
	cx.nvips = CONF_ADDRS_PER_PAIR_MAX;
	advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
	ck_assert_mem_eq(msg + 16, want, CARP_DIGEST_LEN);
}
END_TEST

/* 5.5: OpenBSD sends without link-local addresses and accepts both forms. */
START_TEST(test_link_local)
{
	struct conf_addr addr[2] = { kit_addr("fe80::5e"),
	    kit_addr("2001:db8::5e") };
	uint8_t data[64] = { 2, 1, 94 }, msg[ADVERT_MAX];
	struct advert a = { .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94, .carp_base = 1 };
	struct packet p = kit_wrap(msg, CARP_LEN, "192.168.70.1",
	    "224.0.0.18");

	cx.vip = addr;
	cx.nvips = 2;
	memcpy(data + 3, addr[1].byte, 16);
	advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
	hmac_of(HMAC_SHA1, secret.carp_key, 20,
	    &(struct piece){ data, 3 + 16 + 8 }, 1, data + 40);
	ck_assert_mem_eq(msg + 16, data + 40, CARP_DIGEST_LEN);
	ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a), ADVERT_OK);
	memset(data + 3, 0, sizeof(data) - 3);
	memcpy(data + 3, addr[1].byte, 16);
	memcpy(data + 19, addr[0].byte, 16);
	hmac_of(HMAC_SHA1, secret.carp_key, 20,
	    &(struct piece){ data, 3 + 32 + 8 }, 1, msg + 16);
	kit_fix_checksum(msg, CARP_LEN, &p, CHECKSUM_GOOD);
	ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a), ADVERT_OK);
}
END_TEST

/* No secret to look at: nothing is proven.  No passphrase: neither. */
START_TEST(test_without_secret)
{
	struct pair_secret none = { 0 };
	uint8_t msg[ADVERT_MAX];
	struct advert a;

	kit_hex(ADVERT_HEX, msg, sizeof(msg));
	cx.secret = NULL;
	ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a), ADVERT_OK);
	ck_assert_int_eq(a.auth, AUTH_NONE);
	cx.secret = &none;
	ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a), ADVERT_AUTH);
	a = (struct advert){ .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94, .carp_base = 1 };
	advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
	ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a), ADVERT_OK);
	ck_assert_int_eq(a.auth, AUTH_NONE);
}
END_TEST

/* Keys and no passphrase: it is derived from the key that signs. */
START_TEST(test_derived_passphrase)
{
	static const char name[] = "vipair carp passphrase";
	struct pair_secret peer = { 0 }, empty = { 0 };
	uint8_t msg[ADVERT_MAX], key[HMAC_SHA256];
	struct advert a = { .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94, .carp_base = 1 };
	size_t len;

	memset(&secret, 0, sizeof(secret));
	kit_key(&secret, 1, 0, 32);
	kit_key(&secret, 2, 50, 40);
	kit_key(&peer, 2, 50, 40);
	/* Without a trailer, and from a peer that has switched already. */
	for (int signs = 0; signs < 2; signs++) {
		a.trailer = (struct trailer){ .type = signs ? TRAILER_OWN :
		    0 };
		cx.secret = &peer;
		len = advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
		cx.secret = &secret;
		ck_assert_int_eq(decode_and_judge(msg, len, &a), ADVERT_OK);
		ck_assert_int_eq(a.auth, AUTH_GOOD);
		cx.secret = &empty;
		ck_assert_int_eq(decode_and_judge(msg, len, &a), signs ?
		    ADVERT_KEY_UNKNOWN : ADVERT_AUTH);
		secret.key[1].byte[0] ^= 1;
		cx.secret = &secret;
		ck_assert_int_eq(decode_and_judge(msg, len, &a), ADVERT_AUTH);
		secret.key[1].byte[0] ^= 1;
	}
	/* The same as with that passphrase spelled out. */
	hmac_of(HMAC_SHA256, peer.key[0].byte, 40,
	    &(struct piece){ name, strlen(name) }, 1, key);
	memcpy(empty.carp_key, key, sizeof(empty.carp_key));
	empty.has_carp = true;
	cx.secret = &empty;
	ck_assert_int_eq(decode_and_judge(msg, CARP_LEN, &a), ADVERT_OK);
	ck_assert_int_eq(a.auth, AUTH_GOOD);
}
END_TEST

/* 7.9: seven addresses make a VRRPv2 advert whose byte 3 looks like CARP. */
START_TEST(test_seven_addresses)
{
	uint8_t addrs[28] = { 10, 0, 0, 1, 10, 0, 0, 2 }, msg[ADVERT_MAX];
	struct advert a = { .protocol = PROTOCOL_VRRP2, .family = 4,
	    .vhid = 94, .priority = 100, .naddrs = 7, .addrs = addrs,
	    .interval_ms = 1000 };
	size_t len = advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));

	ck_assert_uint_eq(len, 44);
	ck_assert_int_eq(decode_and_judge(msg, len, &a),
	    ADVERT_OTHER_PROTOCOL);
	ck_assert_uint_eq(a.protocol, PROTOCOL_VRRP2);
	ck_assert_uint_eq(a.naddrs, 7);
	/* Signed both are 72 bytes long. */
	for (uint8_t type = 0; type < 2; type++) {
		kit_key(&secret, (uint8_t)(type + 1), 0, 32);
		a = (struct advert){ .protocol = type == 0 ? PROTOCOL_VRRP2 :
		    PROTOCOL_CARP, .family = 4, .vhid = 94, .naddrs = 7,
		    .addrs = addrs, .interval_ms = 1000, .trailer = {
		    .type = type == 0 ? TRAILER_DRAFT : TRAILER_OWN } };
		cx.protocol = a.protocol;
		len = advert_encode(&a, &cx, &src, &dst, msg, sizeof(msg));
		ck_assert_uint_eq(len, 72);
		ck_assert_int_eq(decode_and_judge(msg, len, &a), ADVERT_OK);
		ck_assert_uint_eq(a.protocol, cx.protocol);
		ck_assert_int_eq(a.auth, AUTH_GOOD);
	}
}
END_TEST

/* 5.9: no pseudo-header in IPv6 either. */
START_TEST(test_ipv6)
{
	struct conf_addr from = kit_addr("fe80::1"), to = advert_group(6);
	struct advert a = { .protocol = PROTOCOL_CARP, .family = 6,
	    .vhid = 94, .carp_base = 1, .carp_counter = 1 };
	uint8_t msg[ADVERT_MAX], want[CARP_LEN];
	struct packet p;
	size_t len;

	kit_hex(ADVERT_HEX, want, sizeof(want));
	len = advert_encode(&a, &cx, &from, &to, msg, sizeof(msg));
	kit_same(msg, len, want, sizeof(want));
	p = kit_wrap(msg, len, "fe80::1", "ff02::12");
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	ck_assert_int_eq(advert_judge(&p, &a, &cx), ADVERT_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("carp");
	TCase *tc = tcase_create("carp");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_vectors);
	tcase_add_test(tc, test_interval);
	tcase_add_test(tc, test_digest_refused);
	tcase_add_test(tc, test_digest_leaves_open);
	tcase_add_test(tc, test_address_order);
	tcase_add_test(tc, test_many_addresses);
	tcase_add_test(tc, test_link_local);
	tcase_add_test(tc, test_without_secret);
	tcase_add_test(tc, test_derived_passphrase);
	tcase_add_test(tc, test_seven_addresses);
	tcase_add_test(tc, test_ipv6);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
