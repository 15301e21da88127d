/* SPDX-License-Identifier: ISC */

/*
 * trailer.c: the draft's trailer against captures of keepalived 2.4.3, ours
 * against its description in advert.h, and that nothing of either can be
 * changed without the key.
 */
#include <check.h>
#include <string.h>

#include "hmac.h"
#include "kit.h"
#include "wire.h"

#define KEY_ID		1
#define FILLER_AT	2

static struct pair_secret secret;
static struct advert_context cx;

struct file {
	const char	*name;
	uint8_t		protocol;
	unsigned	resignations;
	uint64_t	seq;
};

static const struct file files[] = {
	{ "auth-hmac/v2h.pcap", PROTOCOL_VRRP2, 0, 0 },
	{ "auth-hmac/v3h.pcap", PROTOCOL_VRRP3, 0, 0 },
	{ "auth-hmac/v6h.pcap", PROTOCOL_VRRP3, 0, 0 },
};

static void
setup(void)
{
	memset(&secret, 0, sizeof(secret));
	kit_key(&secret, KEY_ID, 0, 32);
	kit_passphrase(&secret, "secret");
	cx = (struct advert_context){ .vhid = 94, .interval_ms = 1000,
	    .secret = &secret, .hmac = hmac_of };
}

static void
check_frame(const uint8_t *frame, size_t len, void *arg)
{
	struct file *f = arg;
	uint8_t again[ADVERT_MAX];
	struct packet p;
	struct advert a;
	size_t n;

	if (!kit_packet(frame, len, &p))
		return;
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	ck_assert_int_eq(advert_judge(&p, &a, &cx), ADVERT_OK);
	ck_assert_int_eq(a.checksum, CHECKSUM_GOOD);
	ck_assert_int_eq(a.auth, AUTH_GOOD);
	ck_assert_uint_eq(a.trailer.type, TRAILER_DRAFT);
	ck_assert_uint_eq(a.trailer.key_id, KEY_ID);
	ck_assert_uint_gt(a.trailer.seq, f->seq);
	f->seq = a.trailer.seq;
	ck_assert_uint_eq(f->resignations, 0);	/* it is the last one */
	f->resignations += advert_resigns(&a);
	n = advert_encode(&a, &cx, &p.src, &p.dst, again, sizeof(again));
	kit_same(again, n, p.payload, p.len);
}

START_TEST(test_draft_capture)
{
	struct file f = files[_i];

	cx.protocol = f.protocol;
	ck_assert_uint_gt(kit_each_frame(f.name, check_frame, &f), 1);
	ck_assert_uint_eq(f.resignations, 1);
}
END_TEST

/* Every protocol and checksum form, signed with either trailer. */
struct form {
	uint8_t		protocol, family, type;
	enum checksum_form checksum;
};

static const struct form forms[] = {
	{ PROTOCOL_CARP, 4, TRAILER_OWN, CHECKSUM_GOOD },
	{ PROTOCOL_CARP, 6, TRAILER_OWN, CHECKSUM_GOOD },
	{ PROTOCOL_VRRP2, 4, TRAILER_OWN, CHECKSUM_GOOD },
	{ PROTOCOL_VRRP3, 4, TRAILER_OWN, CHECKSUM_GOOD },
	{ PROTOCOL_VRRP3, 4, TRAILER_OWN, CHECKSUM_GOOD_9568 },
	{ PROTOCOL_VRRP3, 6, TRAILER_OWN, CHECKSUM_GOOD },
	{ PROTOCOL_VRRP2, 4, TRAILER_DRAFT, CHECKSUM_GOOD },
	{ PROTOCOL_VRRP3, 4, TRAILER_DRAFT, CHECKSUM_GOOD },
	{ PROTOCOL_VRRP3, 4, TRAILER_DRAFT, CHECKSUM_GOOD_9568 },
	{ PROTOCOL_VRRP3, 6, TRAILER_DRAFT, CHECKSUM_GOOD },
};
#define NFORMS	((int)(sizeof(forms) / sizeof(forms[0])))
#define NOWN	6

static uint8_t msg[ADVERT_MAX];
static size_t message_len;

static struct packet
make(const struct form *f)
{
	static const uint8_t addr4[4] = { 192, 168, 70, 222 };
	static const uint8_t addr6[16] = { 0xfe, 0x80, [15] = 0x5e };
	struct packet p = kit_wrap(msg, 0,
	    f->family == 6 ? "fe80::1" : "192.168.70.1",
	    f->family == 6 ? "ff02::12" : "224.0.0.18");
	struct advert a = { .protocol = f->protocol, .family = f->family,
	    .vhid = 94, .priority = 100, .carp_base = 1, .carp_counter = 5,
	    .naddrs = 1, .addrs = f->family == 6 ? addr6 : addr4,
	    .interval_ms = 1000, .checksum = f->checksum,
	    .trailer = { .type = f->type, .node = 1, .term = 0x01020304,
	    .flags = TRAILER_HEALTHY | TRAILER_GO_NOW,
	    .seq = 0x1122334455667788 } };

	cx.protocol = f->protocol;
	p.len = advert_encode(&a, &cx, &p.src, &p.dst, msg, sizeof(msg));
	message_len = p.len - (f->type == TRAILER_OWN ? TRAILER_OWN_LEN :
	    TRAILER_DRAFT_LEN);
	return p;
}

static enum verdict
verdict_of(const struct packet *p, struct advert *a)
{
	enum verdict v = advert_decode(p, a);

	return v == ADVERT_OK ? advert_judge(p, a, &cx) : v;
}

START_TEST(test_round_trip)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	uint8_t again[ADVERT_MAX];
	struct advert a;
	size_t n;

	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
	ck_assert_int_eq(a.auth, AUTH_GOOD);
	ck_assert_int_eq(a.checksum, f->checksum);
	ck_assert_uint_eq(a.trailer.type, f->type);
	ck_assert_uint_eq(a.trailer.key_id, KEY_ID);
	ck_assert_uint_eq(a.trailer.seq, 0x1122334455667788);
	if (f->type == TRAILER_OWN) {
		ck_assert_uint_eq(a.trailer.term, 0x01020304);
		ck_assert_uint_eq(a.trailer.node, 1);
		ck_assert_uint_eq(a.trailer.flags,
		    TRAILER_HEALTHY | TRAILER_GO_NOW);
	}
	n = advert_encode(&a, &cx, &p.src, &p.dst, again, sizeof(again));
	kit_same(again, n, msg, p.len);
}
END_TEST

/* advert.h's description, spelled out. */
START_TEST(test_own_layout)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	const uint8_t *t = msg + message_len;
	uint8_t data[512] = { f->family, f->protocol == PROTOCOL_CARP ? 0xca :
	    msg[0] >> 4, 94 };
	uint8_t tag[HMAC_SHA256];
	size_t n = 20;

	ck_assert_uint_eq(t[0], 0xe1);
	ck_assert_uint_eq(t[1], KEY_ID);
	ck_assert_uint_eq(get64(t + 4), 0x1122334455667788);
	ck_assert_uint_eq(get32(t + 12), 0x01020304);
	ck_assert_uint_eq(t[16], 1);
	ck_assert_uint_eq(t[17], 0x06);
	ck_assert_uint_eq(get16(t + 18), 0);
	memcpy(data + 4, p.src.byte, f->family == 6 ? 16 : 4);
	memcpy(data + n, msg, p.len - 16);
	put16(data + n + 6, 0);
	put16(data + n + message_len + FILLER_AT, 0);
	n += p.len - 16;
	hmac_of(HMAC_SHA256, secret.key[0].byte, 32,
	    &(struct piece){ data, n + 16 }, 1, tag);
	ck_assert_mem_eq(t + 20, tag, 16);
}
END_TEST

/* Who knows no trailer finds the checksum right, with it and without. */
START_TEST(test_own_sums_to_nothing)
{
	const struct form *f = &forms[_i];

	/* Many sequences: the filler takes many values. */
	for (unsigned i = 0; i < 3000; i++) {
		struct packet p;
		struct advert a;
		uint8_t tail[4] = { 0, ADVERT_IPPROTO };
		size_t addr = f->family == 6 ? 16 : 4;

		secret.key[0].byte[0] = (uint8_t)i;
		secret.key[0].byte[1] = (uint8_t)(i >> 8);
		p = make(f);
		ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
		for (int all = 0; all < 2; all++) {
			size_t len = all ? p.len : message_len;
			struct piece piece[4] = {
				{ msg, len }, { p.src.byte, addr },
				{ p.dst.byte, addr }, { tail, 4 },
			};

			put16(tail + 2, (uint16_t)len);
			ck_assert_uint_eq(checksum_of(piece,
			    f->protocol == PROTOCOL_VRRP3 &&
			    f->checksum == CHECKSUM_GOOD ? 4 : 1), 0);
		}
		p.len = message_len;
		ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
		ck_assert_uint_eq(a.trailer.type, 0);
	}
}
END_TEST

/* Makes checksum and filler right again, as a forger would. */
static void
repair(const struct form *f, const struct packet *p)
{
	uint8_t *t = msg + message_len, longer[2] = { 0, 0 };

	if (f->type == TRAILER_OWN) {
		if (f->protocol == PROTOCOL_VRRP3 &&
		    f->checksum == CHECKSUM_GOOD)
			longer[1] = TRAILER_OWN_LEN;
		put16(t + FILLER_AT, 0);
		put16(t + FILLER_AT, checksum_of((struct piece[2]){
		    { t, TRAILER_OWN_LEN }, { longer, 2 } }, 2));
	}
	kit_fix_checksum(msg, message_len, p, f->checksum);
}

START_TEST(test_every_bit)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	uint8_t good[ADVERT_MAX];
	struct advert a;

	memcpy(good, msg, p.len);
	repair(f, &p);
	kit_same(msg, p.len, good, p.len);
	for (size_t bit = 0; bit < p.len * 8; bit++) {
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(verdict_of(&p, &a) != ADVERT_OK,
		    "bit %zu of byte %zu", bit % 8, bit / 8);
		repair(f, &p);
		if (memcmp(msg, good, p.len) != 0)
			ck_assert_msg(verdict_of(&p, &a) != ADVERT_OK,
			    "bit %zu of byte %zu, repaired", bit % 8, bit / 8);
		memcpy(msg, good, p.len);
	}
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
}
END_TEST

START_TEST(test_source)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	size_t len = f->family == 6 ? 16 : 4;
	struct advert a;

	for (size_t bit = 0; bit < len * 8; bit++) {
		p.src.byte[bit / 8] ^= (uint8_t)(1 << bit % 8);
		repair(f, &p);
		ck_assert_int_eq(verdict_of(&p, &a), ADVERT_AUTH);
		ck_assert_int_eq(a.auth, AUTH_BAD);
		p.src.byte[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	repair(f, &p);
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
}
END_TEST

/* Cut anywhere it is refused, but for the cut that leaves no trailer. */
START_TEST(test_every_length)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	size_t whole = p.len;
	struct advert a;

	memset(msg + whole, 0, sizeof(msg) - whole);
	for (p.len = 0; p.len < sizeof(msg); p.len++) {
		enum verdict v = advert_decode(&p, &a);

		if (p.len == whole || (p.len == message_len &&
		    !(f->family == 6 && f->type == TRAILER_DRAFT)))
			ck_assert_int_eq(v, ADVERT_OK);
		else if (p.len == message_len)
			ck_assert_int_eq(v, ADVERT_CHECKSUM);
		else if (f->protocol == PROTOCOL_CARP && f->family == 4 &&
		    p.len >= 44)		/* may be VRRPv2 (7.9) */
			ck_assert_int_ne(v, ADVERT_OK);
		else if (f->family == 6 && p.len == 8 + 4)
			ck_assert_int_ne(v, ADVERT_OK);
		else
			ck_assert_int_eq(v, ADVERT_LENGTH);
	}
}
END_TEST

/* Trailing bytes that are no trailer, also of a trailer's length (7.8). */
START_TEST(test_unknown_type)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	struct advert a;

	for (unsigned type = 0; type < 256; type++) {
		if (type == f->type)
			continue;
		msg[message_len] = (uint8_t)type;
		repair(f, &p);
		ck_assert_int_eq(advert_decode(&p, &a), ADVERT_LENGTH);
	}
}
END_TEST

START_TEST(test_reserved)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	size_t at = message_len + (f->type == TRAILER_OWN ? 18 : 2);
	struct advert a;

	for (size_t i = at; i < at + 2; i++) {
		msg[i] = 1;
		repair(f, &p);
		ck_assert_int_eq(advert_decode(&p, &a), ADVERT_LENGTH);
		msg[i] = 0;
	}
}
END_TEST

START_TEST(test_filler_is_one)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	uint16_t good = get16(msg + message_len + FILLER_AT);
	struct advert a;

	for (unsigned v = 0; v <= 0xffff; v++) {
		put16(msg + message_len + FILLER_AT, (uint16_t)v);
		ck_assert_int_eq(advert_decode(&p, &a),
		    v == good ? ADVERT_OK : ADVERT_CHECKSUM);
	}
}
END_TEST

START_TEST(test_keys)
{
	const struct form *f = &forms[_i];
	struct packet p = make(f);
	struct pair_secret none = { .carp_key = "secret", .has_carp = true };
	struct advert a;

	/* Rotation: both are accepted, the active one signs. */
	kit_key(&secret, 7, 100, 64);
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
	secret.active = 7;
	p = make(f);
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
	ck_assert_uint_eq(a.trailer.key_id, 7);
	/* The other key under the same id. */
	secret.key[1].byte[63] ^= 1;
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_AUTH);
	/* Key 7 is gone. */
	secret.key[1] = (struct conf_key){ 0 };
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_KEY_UNKNOWN);
	ck_assert_int_eq(a.auth, AUTH_UNKNOWN_KEY);
	/* No keys at all, and no secret at all: never taken on trust. */
	cx.secret = &none;
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_KEY_UNKNOWN);
	cx.secret = NULL;
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_KEY_UNKNOWN);
	ck_assert_int_eq(a.auth, AUTH_NONE);
}
END_TEST

/* Id 0 marks an unused slot: an empty key must not sign for it. */
START_TEST(test_key_zero)
{
	const struct form *f = &forms[_i];
	struct packet p;
	struct advert a;

	memset(secret.key[0].byte, 0, sizeof(secret.key[0].byte));
	p = make(f);
	secret.key[0] = (struct conf_key){ 0 };
	msg[message_len + 1] = 0;
	repair(f, &p);
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_KEY_UNKNOWN);
}
END_TEST

/* A message signed for one protocol is worth nothing in another. */
START_TEST(test_other_protocol)
{
	uint8_t carp[ADVERT_MAX], pseudo[20] = { 4, 2, 94, 0, 192, 168, 70,
	    1 };
	struct packet p = make(&forms[0]);
	uint8_t tag[HMAC_SHA256];
	struct advert a;

	/* The same bytes under VRRPv2's pseudo-header, as the draft has it. */
	memcpy(carp, msg, p.len);
	put16(carp + 6, 0);
	put16(carp + message_len + FILLER_AT, 0);
	memset(carp + p.len - 16, 0, 16);
	hmac_of(HMAC_SHA256, secret.key[0].byte, 32, (struct piece[2]){
	    { pseudo, 20 }, { carp, p.len } }, 2, tag);
	memcpy(msg + p.len - 16, tag, 16);
	repair(&forms[0], &p);
	ck_assert_int_eq(verdict_of(&p, &a), ADVERT_AUTH);
	/* Ours is longer than the draft's, and says another type. */
	for (int i = 0; i < NFORMS; i++) {
		for (int k = 0; k < NFORMS; k++) {
			p = make(&forms[i]);
			if (forms[i].protocol == forms[k].protocol)
				continue;
			cx.protocol = forms[k].protocol;
			ck_assert_int_ne(verdict_of(&p, &a), ADVERT_OK);
		}
	}
}
END_TEST

/* The draft is VRRP's: behind CARP it is no trailer. */
START_TEST(test_draft_on_carp)
{
	struct packet p = make(&forms[1]);
	struct advert a;

	p.len = CARP_LEN + TRAILER_DRAFT_LEN;
	msg[CARP_LEN] = TRAILER_DRAFT;
	put16(msg + CARP_LEN + FILLER_AT, 0);
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_LENGTH);
	ck_assert_uint_eq(a.protocol, PROTOCOL_CARP);
}
END_TEST

/* Without a key to sign with the advert goes out plain. */
START_TEST(test_encode_without_key)
{
	struct packet p = make(&forms[_i]);
	size_t plain = message_len;
	struct advert a;

	for (uint8_t active = 0; active < 10; active += 9) {
		secret.active = active;
		p = make(&forms[_i]);
		ck_assert_uint_eq(p.len, plain);
		ck_assert_int_eq(verdict_of(&p, &a), ADVERT_OK);
		ck_assert_uint_eq(a.trailer.type, 0);
	}
}
END_TEST

static void
add_all(TCase *tc)
{
	tcase_add_loop_test(tc, test_draft_capture, 0, 3);
	tcase_add_loop_test(tc, test_round_trip, 0, NFORMS);
	tcase_add_loop_test(tc, test_own_layout, 0, NOWN);
	tcase_add_loop_test(tc, test_own_sums_to_nothing, 0, NOWN);
	tcase_add_loop_test(tc, test_every_bit, 0, NFORMS);
	tcase_add_loop_test(tc, test_source, 0, NFORMS);
	tcase_add_loop_test(tc, test_every_length, 0, NFORMS);
	tcase_add_loop_test(tc, test_unknown_type, 0, NFORMS);
	tcase_add_loop_test(tc, test_reserved, 0, NFORMS);
	tcase_add_loop_test(tc, test_filler_is_one, 0, NOWN);
	tcase_add_loop_test(tc, test_keys, 0, NFORMS);
	tcase_add_loop_test(tc, test_key_zero, 0, NFORMS);
	tcase_add_test(tc, test_other_protocol);
	tcase_add_test(tc, test_draft_on_carp);
}

int
main(void)
{
	Suite *s = suite_create("trailer");
	TCase *tc = tcase_create("trailer");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	add_all(tc);
	tcase_add_loop_test(tc, test_encode_without_key, 0, NFORMS);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
