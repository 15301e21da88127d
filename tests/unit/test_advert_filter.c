/* SPDX-License-Identifier: ISC */

/*
 * advert_filter.c: the kernel itself judges crafted packets.  The programs
 * are attached to a datagram socket pair, which hands them the same bytes a
 * raw socket would: from the IP header on.
 */

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "advert_filter.h"

#define VHID	94

static int pair[2][2];		/* by enum socket_kind */
static uint8_t packet[2048];
static size_t len;

static void
attach(enum socket_kind kind, const struct vhid_set *set)
{
	struct sock_filter prog[ADVERT_FILTER_MAX];
	struct sock_fprog p = { .filter = prog };

	p.len = (unsigned short)advert_filter(prog, set, kind);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
	    pair[kind]), 0);
	ck_assert_int_eq(setsockopt(pair[kind][1], SOL_SOCKET,
	    SO_ATTACH_FILTER, &p, sizeof(p)), 0);
}

static void
open_both(const struct vhid_set *set)
{
	attach(SOCKET_ADVERT, set);
	attach(SOCKET_STRAY, set);
}

static void
close_both(void)
{
	int i;

	for (i = 0; i < 4; i++)
		(void)close(pair[i / 2][i % 2]);
}

/* A plain advert: header of ihl words, payload bytes, TTL 255. */
static void
craft(unsigned ihl, size_t payload, uint8_t vhid)
{
	memset(packet, 0, sizeof(packet));
	len = ihl * 4 + payload;
	packet[0] = (uint8_t)(0x40 | ihl);
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	packet[6] = 0x40;			/* DF */
	packet[8] = 255;
	packet[9] = 112;
	packet[ihl * 4] = 0x21;
	packet[ihl * 4 + 1] = vhid;
}

static bool
passes(enum socket_kind kind)
{
	uint8_t got[sizeof(packet)];
	ssize_t n;

	/* What the filter drops is an error to nobody. */
	(void)send(pair[kind][0], packet, len, 0);
	n = recv(pair[kind][1], got, sizeof(got), 0);
	if (n == -1)
		return false;
	/* Whole, not cut to a snapshot length. */
	ck_assert_int_eq((int)n, (int)len);
	ck_assert_int_eq(memcmp(got, packet, len), 0);
	return true;
}

static void
expect(bool advert)
{
	ck_assert_int_eq(passes(SOCKET_ADVERT), advert);
	/* The other one is the complement: nothing is lost or doubled. */
	ck_assert_int_eq(passes(SOCKET_STRAY), !advert);
}

static void
setup(void)
{
	struct vhid_set set = { .word = { 0 } };

	vhid_set_add(&set, VHID);
	open_both(&set);
	craft(5, 36, VHID);
}

START_TEST(test_good)
{
	expect(true);
	craft(6, 36, VHID);		/* with an IP option */
	expect(true);
	craft(15, 36, VHID);
	expect(true);
}
END_TEST

START_TEST(test_ttl)			/* 2.2 */
{
	static const uint8_t bad[] = { 254, 1, 0 };

	packet[8] = bad[_i];
	expect(false);
}
END_TEST

START_TEST(test_vhid)			/* 2.11 */
{
	static const uint8_t bad[] = { 0, 62, 93, 95, 126, 222, 255 };

	packet[21] = bad[_i];
	expect(false);
}
END_TEST

START_TEST(test_length)			/* 2.9 */
{
	craft(5, ADVERT_PAYLOAD_MIN, VHID);
	expect(true);
	craft(5, ADVERT_PAYLOAD_MIN - 1, VHID);
	expect(false);
	craft(5, 0, VHID);
	expect(false);
	craft(5, ADVERT_PAYLOAD_MAX, VHID);
	expect(true);
	craft(5, ADVERT_PAYLOAD_MAX + 1, VHID);
	expect(false);
}
END_TEST

/* The header claims more than there is, or no more than itself. */
START_TEST(test_length_lies)		/* 2.9 */
{
	craft(15, 36, VHID);
	len = 24;
	expect(false);
	craft(5, 36, VHID);
	packet[3] = 20;
	expect(false);
	craft(5, 36, VHID);
	packet[3] = 10;
	expect(false);
	craft(5, 8, VHID);
	packet[3] = 56;
	expect(false);
}
END_TEST

START_TEST(test_fragments)
{
	packet[6] = 0x20;			/* MF */
	expect(false);
	packet[6] = 0x1f;
	expect(false);
	packet[6] = 0;
	packet[7] = 1;
	expect(false);
	packet[7] = 0;
	expect(true);
}
END_TEST

/* Every id alone, against every id: word and bit. */
START_TEST(test_each_vhid_alone)
{
	struct vhid_set set;
	unsigned ours, heard;

	close_both();
	for (ours = 1; ours < 256; ours += 7) {
		set = (struct vhid_set){ .word = { 0 } };
		vhid_set_add(&set, (uint8_t)ours);
		open_both(&set);
		for (heard = 0; heard < 256; heard++) {
			craft(5, 36, (uint8_t)heard);
			expect(heard == ours);
		}
		close_both();
	}
}
END_TEST

START_TEST(test_all_vhids)
{
	struct vhid_set set = { .word = { 0 } };
	unsigned v;

	for (v = 1; v < 256; v++)
		vhid_set_add(&set, (uint8_t)v);
	close_both();
	open_both(&set);
	for (v = 0; v < 256; v++) {
		craft(5, 36, (uint8_t)v);
		expect(v != 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("advert_filter");
	TCase *t = tcase_create("packets");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_good);
	tcase_add_loop_test(t, test_ttl, 0, 3);
	tcase_add_loop_test(t, test_vhid, 0, 7);
	tcase_add_test(t, test_length);
	tcase_add_test(t, test_length_lies);
	tcase_add_test(t, test_fragments);
	tcase_add_test(t, test_each_vhid_alone);
	tcase_add_test(t, test_all_vhids);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
