/* SPDX-License-Identifier: ISC */

/* syncd/wire: frames of the held channel, both ways and broken. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

static uint8_t buf[FRAME_MAX + 64], again[FRAME_MAX + 64];
static struct frame in, out;
static uint8_t data[FRAME_DATA_MAX];

static struct hash
hash_fill(uint8_t c)
{
	struct hash h;

	memset(h.b, c, sizeof(h.b));
	return h;
}

static struct position
some_position(void)
{
	return (struct position){
		.epoch = { .term = 7, .node = 1 },
		.generation = 48213,
		.head = hash_fill(0xab),
	};
}

static struct frame_word
some_word(void)
{
	return (struct frame_word){
		.role = 2, .healthy = true, .present = true, .deaf = true,
		.epoch = { .term = 0xfffffffe, .node = 7 },
		.advert_age_ms = FRAME_AGE_UNKNOWN,
		.position = some_position(),
	};
}

static void
fill_hello(struct frame *f)
{
	uint32_t i;

	f->hello.protocol = FRAME_PROTOCOL;
	f->hello.writes = true;
	strcpy(f->hello.pair, "vpn");
	f->hello.epoch.term = 9;
	f->hello.position = some_position();
	f->hello.free_bytes = UINT64_MAX;
	f->hello.history.n = 3;
	for (i = 0; i < 3; i++) {
		f->hello.history.item[i].epoch.term = i + 1;
		f->hello.history.item[i].first = i * 100;
		f->hello.history.item[i].parent = hash_fill((uint8_t)i);
	}
}

/* One good frame of each type. */
static void
fill(struct frame *f, enum frame_type t)
{
	memset(f, 0, sizeof(*f));
	f->type = t;
	switch (t) {
	case FRAME_HELLO:
	case FRAME_WELCOME:
		fill_hello(f);
		break;
	case FRAME_HAVE:
		f->have.cursor = 17;
		break;
	case FRAME_WANT:
		f->want = (struct frame_want){
			.cursor = 5, .n = 3, .hashes = data,
		};
		break;
	case FRAME_PUT:
		f->put = (struct frame_put){
			.bulk = true, .hash = hash_fill(3), .data = data,
			.len = 1000,
		};
		break;
	case FRAME_PART:
		f->part = (struct frame_part){
			.last = true, .data = data, .len = FRAME_DATA_MAX,
		};
		break;
	case FRAME_COMMIT:
		f->commit = (struct frame_commit){
			.epoch.term = 3, .generation = UINT64_MAX,
			.previous = hash_fill(1), .head = hash_fill(2),
		};
		break;
	case FRAME_ACK:
		f->ack = some_position();
		break;
	case FRAME_NAK:
		f->nak = (struct frame_nak){
			.reason = NAK_SPACE, .epoch.term = 8,
			.position = some_position(),
		};
		break;
	case FRAME_FORK:
		f->fork.fork = 12;
		f->fork.epoch.term = 4;
		break;
	case FRAME_RESET:
		f->fork.epoch.term = 4;
		break;
	case FRAME_PING:
	case FRAME_PONG:
		f->ping.serial = 77;
		f->ping.word = some_word();
		break;
	case FRAME_ASK:
		f->ask.request = REQUEST_HANDOVER;
		break;
	case FRAME_RUN:
	case FRAME_TYPES:
		break;
	}
}

START_TEST(test_round_trip)
{
	const enum frame_type t = (enum frame_type)_i;
	enum frame_type got;
	size_t len, n;

	fill(&in, t);
	len = frame_encode(&in, buf, sizeof(buf));
	ck_assert_uint_ge(len, FRAME_HEAD_LEN);
	ck_assert_int_eq(frame_head(buf, len, &got, &n), FRAME_OK);
	ck_assert_int_eq(got, t);
	ck_assert_uint_eq(n, len);
	memset(&out, 0, sizeof(out));
	ck_assert_int_eq(frame_decode(buf, len, &out), FRAME_OK);
	ck_assert_uint_eq(frame_encode(&out, again, sizeof(again)), len);
	ck_assert_mem_eq(buf, again, len);
	/* A buffer that is one byte too small gets nothing. */
	ck_assert_uint_eq(frame_encode(&in, again, len - 1), 0);
}
END_TEST

START_TEST(test_values)
{
	struct frame_word w;

	fill(&in, FRAME_PONG);
	ck_assert_int_eq(frame_decode(buf, frame_encode(&in, buf,
	    sizeof(buf)), &out), FRAME_OK);
	w = out.ping.word;
	ck_assert_uint_eq(out.ping.serial, 77);
	ck_assert_uint_eq(w.role, 2);
	ck_assert(w.healthy);
	ck_assert(!w.data_ready);
	ck_assert(w.present);
	ck_assert(w.deaf);
	ck_assert_uint_eq(w.epoch.term, 0xfffffffe);
	ck_assert_uint_eq(w.epoch.node, 7);
	ck_assert_uint_eq(w.position.generation, 48213);
	fill(&in, FRAME_HELLO);
	ck_assert_int_eq(frame_decode(buf, frame_encode(&in, buf,
	    sizeof(buf)), &out), FRAME_OK);
	ck_assert_str_eq(out.hello.pair, "vpn");
	ck_assert_uint_eq(out.hello.history.n, 3);
	ck_assert_uint_eq(out.hello.history.item[2].first, 200);
}
END_TEST

/* The first bytes on the wire never change within a protocol number. */
START_TEST(test_golden)
{
	static const uint8_t have[] = {
		0x76, 0x53, 3, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 17,
	};

	fill(&in, FRAME_HAVE);
	ck_assert_uint_eq(frame_encode(&in, buf, sizeof(buf)), sizeof(have));
	ck_assert_mem_eq(buf, have, sizeof(have));
}
END_TEST

/* Every length but the right one is refused, for each type. */
START_TEST(test_lengths)
{
	const enum frame_type t = (enum frame_type)_i;
	size_t cut, len;

	fill(&in, t);
	len = frame_encode(&in, buf, sizeof(buf));
	for (cut = 0; cut < len && cut < 300; cut++)
		ck_assert_int_eq(frame_decode(buf, cut, &out), FRAME_SHORT);
	ck_assert_int_eq(frame_decode(buf, len + 1, &out), FRAME_LENGTH);
	if (t == FRAME_PUT || t == FRAME_PART)
		return;		/* the rest is data, of any length */
	/* The head says one more or one less than the body has. */
	buf[7]++;
	ck_assert_int_eq(frame_decode(buf, len + 1, &out), FRAME_LENGTH);
	if (len == FRAME_HEAD_LEN)
		return;
	buf[7] = (uint8_t)(buf[7] - 2);
	ck_assert_int_eq(frame_decode(buf, len - 1, &out), FRAME_LENGTH);
}
END_TEST

static enum frame_verdict
changed(enum frame_type t, size_t at, uint8_t value)
{
	size_t len;

	fill(&in, t);
	len = frame_encode(&in, buf, sizeof(buf));
	buf[at] = value;
	return frame_decode(buf, len, &out);
}

START_TEST(test_refused)
{
	enum { B = FRAME_HEAD_LEN };

	ck_assert_int_eq(changed(FRAME_ACK, 0, 'S'), FRAME_MAGIC);
	ck_assert_int_eq(changed(FRAME_ACK, 1, 'v'), FRAME_MAGIC);
	ck_assert_int_eq(changed(FRAME_ACK, 2, 0), FRAME_TYPE);
	ck_assert_int_eq(changed(FRAME_ACK, 2, FRAME_TYPES), FRAME_TYPE);
	ck_assert_int_eq(changed(FRAME_ACK, 3, 1), FRAME_ZERO);
	ck_assert_int_eq(changed(FRAME_ACK, 4, 0x7f), FRAME_LENGTH);
	/* node of an epoch */
	ck_assert_int_eq(changed(FRAME_ACK, B + 7, 8), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 2, 2), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 3, 1), FRAME_ZERO);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 4, 0), FRAME_NAME);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 4, '/'), FRAME_NAME);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 5, '\n'), FRAME_NAME);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 35, 'x'), FRAME_NAME);
	ck_assert_int_eq(changed(FRAME_PUT, B + 1, 1), FRAME_ZERO);
	ck_assert_int_eq(changed(FRAME_PART, B + 1, 2), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_NAK, B + 1, 0), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_NAK, B + 1, NAK_REASONS),
	    FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_PING, B + 4, FRAME_ROLES),
	    FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_PING, B + 5, 16), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_ASK, B, 0), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_ASK, B, REQUESTS), FRAME_VALUE);
	ck_assert_int_eq(changed(FRAME_ASK, B + 3, 1), FRAME_ZERO);
}
END_TEST

START_TEST(test_counts)
{
	enum { B = FRAME_HEAD_LEN };
	size_t len;

	/* A WANT and a history that say more than they hold. */
	ck_assert_int_eq(changed(FRAME_WANT, B + 8, 0xff), FRAME_LENGTH);
	ck_assert_int_eq(changed(FRAME_WANT, B + 11, 4), FRAME_LENGTH);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 101, 4), FRAME_LENGTH);
	ck_assert_int_eq(changed(FRAME_HELLO, B + 100, 0xff), FRAME_LENGTH);
	/* More than the limits, asked of the encoder. */
	fill(&in, FRAME_WANT);
	in.want.n = FRAME_WANT_MAX + 1;
	ck_assert_uint_eq(frame_encode(&in, buf, sizeof(buf)), 0);
	fill(&in, FRAME_HELLO);
	in.hello.history.n = HISTORY_ITEMS_MAX + 1;
	ck_assert_uint_eq(frame_encode(&in, buf, sizeof(buf)), 0);
	in.hello.history.n = HISTORY_ITEMS_MAX;
	len = frame_encode(&in, buf, sizeof(buf));
	ck_assert_int_eq(frame_decode(buf, len, &out), FRAME_OK);
	ck_assert_uint_eq(out.hello.history.n, HISTORY_ITEMS_MAX);
}
END_TEST

START_TEST(test_words)
{
	int i;

	for (i = 1; i < FRAME_TYPES; i++)
		ck_assert_str_ne(frame_type_word((enum frame_type)i), "?");
	for (i = 1; i < NAK_REASONS; i++)
		ck_assert_str_ne(nak_word((enum nak_reason)i), "?");
	for (i = 0; i <= FRAME_NAME; i++)
		ck_assert_ptr_nonnull(frame_verdict_word(
		    (enum frame_verdict)i));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("syncwire");
	TCase *tc = tcase_create("frames");
	SRunner *sr;
	int failed;

	memset(data, 0x5a, sizeof(data));
	tcase_add_loop_test(tc, test_round_trip, 1, FRAME_TYPES);
	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_golden);
	tcase_add_loop_test(tc, test_lengths, 1, FRAME_TYPES);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_counts);
	tcase_add_test(tc, test_words);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
