/* SPDX-License-Identifier: ISC */

/*
 * advert.c against the golden captures of existing peers: every advert
 * decodes, is judged good and encodes again to the byte.  And what is common
 * to all protocols: lengths, versions, types, names.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hmac.h"
#include "kit.h"

struct walk {
	const struct capture	*facts;
	struct advert_context	 cx;
	unsigned		 adverts, resignations;
	unsigned		 rank_seen[2];
};

static void
check_fields(struct walk *w, const struct advert *a)
{
	const struct capture *f = w->facts;

	ck_assert_uint_eq(a->protocol, f->protocol);
	ck_assert_uint_eq(a->family, f->family);
	ck_assert_uint_eq(a->vhid, f->vhid);
	ck_assert_int_eq(a->checksum, CHECKSUM_GOOD);
	ck_assert_uint_eq(a->trailer.type, 0);
	if (f->protocol == PROTOCOL_CARP) {
		ck_assert_uint_eq(a->carp_base, f->base);
		ck_assert_uint_eq(a->carp_demote, 0);
		ck_assert_int_eq(a->auth, AUTH_GOOD);
	} else {
		ck_assert_uint_eq(a->interval_ms, f->interval_ms);
		ck_assert_uint_ge(a->naddrs, f->nvips);
		ck_assert_int_eq(a->auth, AUTH_NONE);
	}
	for (size_t i = 0; i < 2; i++)
		if ((f->protocol == PROTOCOL_CARP ? a->carp_skew :
		    a->priority) == f->rank[i])
			w->rank_seen[i]++;
}

/* The configured addresses are there, in their order, at the list's end. */
static void
check_addrs(const struct walk *w, const struct advert *a)
{
	size_t each = a->family == 6 ? 16 : 4;
	size_t before = a->naddrs - w->facts->nvips;

	if (a->protocol == PROTOCOL_CARP)
		return;
	for (size_t i = 0; i < w->facts->nvips; i++) {
		struct conf_addr vip = kit_addr(w->facts->vips[i]);

		ck_assert_mem_eq(a->addrs + (before + i) * each, vip.byte,
		    each);
	}
}

/* 7.1: a password in the clear is refused, everything else is good. */
static enum verdict
expected(const struct capture *f)
{
	return f->protocol == PROTOCOL_VRRP2 && f->password != NULL ?
	    ADVERT_AUTH_TYPE : ADVERT_OK;
}

static void
check_frame(const uint8_t *frame, size_t len, void *arg)
{
	struct walk *w = arg;
	uint8_t again[ADVERT_MAX];
	struct packet p;
	struct advert a;
	size_t n;

	if (!kit_packet(frame, len, &p))
		return;
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	ck_assert_int_eq(advert_judge(&p, &a, &w->cx), expected(w->facts));
	check_fields(w, &a);
	check_addrs(w, &a);
	w->adverts++;
	w->resignations += advert_resigns(&a);
	n = advert_encode(&a, &w->cx, &p.src, &p.dst, again, sizeof(again));
	kit_same(again, n, p.payload, p.len);
}

START_TEST(test_capture)
{
	struct pair_secret secret = { 0 };
	struct conf_addr vip[KIT_VIPS_MAX];
	struct walk w = { .facts = &captures[_i] };
	unsigned frames;

	if (w.facts->protocol == PROTOCOL_CARP)
		kit_passphrase(&secret, w.facts->password);
	for (size_t i = 0; i < w.facts->nvips; i++)
		vip[i] = kit_addr(w.facts->vips[i]);
	w.cx = (struct advert_context){ .protocol = w.facts->protocol,
	    .vhid = w.facts->vhid, .interval_ms = w.facts->interval_ms,
	    .secret = &secret, .vip = vip, .nvips = (uint32_t)w.facts->nvips,
	    .hmac = hmac_of };
	frames = kit_each_frame(w.facts->file, check_frame, &w);
	/* Nothing else is in there; some manifests miss the last advert. */
	ck_assert_uint_eq(w.adverts + w.facts->announcements, frames);
	ck_assert_uint_ge(w.adverts, w.facts->adverts);
	ck_assert_uint_le(w.adverts, w.facts->adverts + 1);
	ck_assert_uint_eq(w.resignations, w.facts->resignations);
	ck_assert_uint_gt(w.rank_seen[0], 0);
	ck_assert_uint_gt(w.rank_seen[1], 0);
}
END_TEST

static const char *const messages[] = {
	"215e640100017318c0a846de0000000000000000",
	"315e640100647b7cc0a846de",
	"315e6401006462b5c0a846de",
	("215e000700012e260000000000000001"
	    "3627294fbeeb3e37b95bdd58de9cb3011a9710ef"),
};
#define NMESSAGES	(sizeof(messages) / sizeof(messages[0]))

/* 2.9, 5.8: cut anywhere, or with bytes behind that are no trailer. */
START_TEST(test_every_length)
{
	uint8_t msg[ADVERT_MAX] = { 0 };
	size_t whole = kit_hex(messages[_i], msg, sizeof(msg));
	struct advert a;
	enum verdict v;

	for (size_t len = 0; len < sizeof(msg); len++) {
		uint8_t *exact = malloc(len == 0 ? 1 : len);
		struct packet p;

		/* On the heap: a byte read too far is seen by sanitizers. */
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, msg, len);
		p = kit_wrap(exact, len, "192.168.70.1", "224.0.0.18");
		v = advert_decode(&p, &a);
		free(exact);
		/* CARP and eight zeros behind is VRRPv2 as well (7.9). */
		if (msg[3] == 7 && len == 44) {
			ck_assert_uint_eq(a.protocol, PROTOCOL_VRRP2);
			continue;
		}
		ck_assert_msg(v == (len == whole ? ADVERT_OK : ADVERT_LENGTH),
		    "%zu bytes: %s", len, verdict_name(v));
	}
}
END_TEST

/* 2.7, 2.8, 5.8: only types 1 of versions 2 and 3 exist. */
START_TEST(test_first_byte)
{
	uint8_t msg[ADVERT_MAX];
	size_t len = kit_hex(messages[_i], msg, sizeof(msg));
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	uint8_t good = msg[0];
	struct advert a;

	for (unsigned b = 0; b < 256; b++) {
		enum verdict v;

		msg[0] = (uint8_t)b;
		v = advert_decode(&p, &a);
		if (b == good)
			ck_assert_int_eq(v, ADVERT_OK);
		else if (b >> 4 != 2 && b >> 4 != 3)
			ck_assert_int_eq(v, ADVERT_VERSION);
		else if ((b & 0x0f) != 1)
			ck_assert_int_eq(v, ADVERT_TYPE);
		else
			ck_assert_int_ne(v, ADVERT_OK);
	}
}
END_TEST

/* 2.10, 5.8: a wrong bit anywhere is seen by the checksum or before. */
START_TEST(test_every_bit)
{
	uint8_t msg[ADVERT_MAX];
	size_t len = kit_hex(messages[_i], msg, sizeof(msg));
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	struct advert_context cx = { .vhid = 94, .interval_ms = 1000,
	    .hmac = hmac_of };
	struct advert a;

	for (size_t bit = 0; bit < len * 8; bit++) {
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_ne(advert_decode(&p, &a), ADVERT_OK);
		/* Nor does a caller who did not look get it through. */
		cx.protocol = a.protocol;
		ck_assert_int_ne(advert_judge(&p, &a, &cx), ADVERT_OK);
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
}
END_TEST

/* 2.2: 254, 1 and 0, and all others. */
START_TEST(test_ttl)
{
	static const uint8_t protocol[NMESSAGES] = { PROTOCOL_VRRP2,
	    PROTOCOL_VRRP3, PROTOCOL_VRRP3, PROTOCOL_CARP };
	uint8_t msg[ADVERT_MAX];
	size_t len = kit_hex(messages[_i], msg, sizeof(msg));
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	struct advert_context cx = { .protocol = protocol[_i], .vhid = 94,
	    .interval_ms = 1000, .hmac = hmac_of };
	struct advert a;

	for (unsigned ttl = 0; ttl < 256; ttl++) {
		p.ttl = (uint8_t)ttl;
		ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
		ck_assert_int_eq(advert_judge(&p, &a, &cx),
		    ttl == 255 ? ADVERT_OK : ADVERT_TTL_LOW);
	}
}
END_TEST

/* 2.11; and 0 is nobody's id (2.14). */
START_TEST(test_vhid)
{
	uint8_t msg[ADVERT_MAX];
	size_t len = kit_hex(messages[0], msg, sizeof(msg));
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	struct advert_context cx = { .protocol = PROTOCOL_VRRP2,
	    .interval_ms = 1000, .hmac = hmac_of };
	struct advert a;

	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	for (unsigned vhid = 1; vhid < 256; vhid++) {
		cx.vhid = (uint8_t)vhid;
		ck_assert_int_eq(advert_judge(&p, &a, &cx),
		    vhid == 94 ? ADVERT_OK : ADVERT_OTHER_VHID);
	}
	a.vhid = 0;
	ck_assert_uint_eq(advert_encode(&a, &cx, &p.src, &p.dst, msg,
	    sizeof(msg)), 0);
}
END_TEST

/* 2.8, 5.8, 7.9: which protocol was heard, and which is configured. */
START_TEST(test_protocols)
{
	static const uint8_t sent[NMESSAGES] = { PROTOCOL_VRRP2,
	    PROTOCOL_VRRP3, PROTOCOL_VRRP3, PROTOCOL_CARP };
	uint8_t msg[ADVERT_MAX];
	size_t len = kit_hex(messages[_i], msg, sizeof(msg));
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	struct advert a;

	for (uint8_t conf = PROTOCOL_CARP; conf <= PROTOCOL_VRRP3; conf++) {
		struct advert_context cx = { .protocol = conf, .vhid = 94,
		    .interval_ms = 1000, .hmac = hmac_of };
		enum verdict v;

		ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
		v = advert_judge(&p, &a, &cx);
		if (conf == sent[_i])
			ck_assert_int_eq(v, ADVERT_OK);
		else if (conf == PROTOCOL_VRRP3 || sent[_i] == PROTOCOL_VRRP3)
			ck_assert_int_eq(v, ADVERT_VERSION);
		else
			ck_assert_int_eq(v, ADVERT_OTHER_PROTOCOL);
	}
}
END_TEST

START_TEST(test_encode_cap)
{
	uint8_t msg[ADVERT_MAX], again[ADVERT_MAX];
	size_t len = kit_hex(messages[_i], msg, sizeof(msg));
	struct packet p = kit_wrap(msg, len, "192.168.70.1", "224.0.0.18");
	struct advert a;

	ck_assert_int_eq(advert_decode(&p, &a), ADVERT_OK);
	for (size_t cap = 0; cap < len; cap++) {
		memset(again, 0xaa, sizeof(again));
		ck_assert_uint_eq(advert_encode(&a, NULL, &p.src, &p.dst,
		    again, cap), 0);
		ck_assert_uint_eq(again[cap], 0xaa);
	}
	len = advert_encode(&a, NULL, &p.src, &p.dst, again, len);
	kit_same(again, len, msg, p.len);
}
END_TEST

START_TEST(test_encode_refuses)
{
	struct conf_addr v4 = kit_addr("192.168.70.1");
	struct conf_addr v6 = kit_addr("fe80::1");
	struct conf_addr group = advert_group(4);
	struct advert a = { .protocol = PROTOCOL_CARP, .family = 4,
	    .vhid = 94 };
	uint8_t buf[ADVERT_MAX];

	ck_assert_uint_eq(advert_encode(&a, NULL, &v4, &group, buf,
	    sizeof(buf)), CARP_LEN);
	ck_assert_uint_eq(advert_encode(&a, NULL, &v6, &group, buf,
	    sizeof(buf)), 0);
	ck_assert_uint_eq(advert_encode(&a, NULL, &v4, &v6, buf,
	    sizeof(buf)), 0);
	a.trailer.type = TRAILER_DRAFT;		/* it is VRRP's */
	ck_assert_uint_eq(advert_encode(&a, NULL, &v4, &group, buf,
	    sizeof(buf)), 0);
	a.trailer.type = 0;
	a.protocol = 0;
	ck_assert_uint_eq(advert_encode(&a, NULL, &v4, &group, buf,
	    sizeof(buf)), 0);
}
END_TEST

START_TEST(test_resigns)
{
	struct advert a = { .protocol = PROTOCOL_VRRP3, .priority = 0 };

	ck_assert(advert_resigns(&a));
	a.priority = 1;
	ck_assert(!advert_resigns(&a));
	a = (struct advert){ .protocol = PROTOCOL_CARP, .carp_base = 255,
	    .carp_skew = 255 };
	ck_assert(advert_resigns(&a));		/* 5.16 */
	a.carp_skew = 254;
	ck_assert(!advert_resigns(&a));
	a = (struct advert){ .protocol = PROTOCOL_CARP, .carp_base = 1 };
	ck_assert(!advert_resigns(&a));
}
END_TEST

START_TEST(test_names)
{
	for (unsigned v = 0; v < ADVERT_VERDICTS; v++) {
		ck_assert_str_ne(verdict_name((enum verdict)v), "?");
		for (unsigned w = 0; w < v; w++)
			ck_assert_str_ne(verdict_name((enum verdict)v),
			    verdict_name((enum verdict)w));
	}
	ck_assert_str_eq(verdict_name(ADVERT_VERDICTS), "?");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("advert");
	TCase *golden = tcase_create("golden");
	TCase *common = tcase_create("common");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(golden, test_capture, 0, (int)ncaptures);
	tcase_add_loop_test(common, test_every_length, 0, NMESSAGES);
	tcase_add_loop_test(common, test_first_byte, 0, NMESSAGES);
	tcase_add_loop_test(common, test_every_bit, 0, NMESSAGES);
	tcase_add_loop_test(common, test_ttl, 0, NMESSAGES);
	tcase_add_test(common, test_vhid);
	tcase_add_loop_test(common, test_protocols, 0, NMESSAGES);
	tcase_add_loop_test(common, test_encode_cap, 0, NMESSAGES);
	tcase_add_test(common, test_encode_refuses);
	tcase_add_test(common, test_resigns);
	tcase_add_test(common, test_names);
	suite_add_tcase(s, golden);
	suite_add_tcase(s, common);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
