/* SPDX-License-Identifier: ISC */

/*
 * The real capture room over its channels: whose live data are whose, in
 * which order what becomes durable, and what the operator asks.  argv[1] is
 * the room.
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_kit.h"

static void
take_over(uint32_t term, uint32_t load)
{
	struct msg_job_done d;

	say_job(0, JOB_BEGIN, term);
	d = job_done(0, JOB_BEGIN);
	ck_assert_uint_eq(d.result, JOB_OK);
	ck_assert_uint_eq(d.term, term);
	ck_assert_uint_eq(d.check, load);
	ck_assert_uint_eq(stored_epoch().term, term);
	say_job(0, JOB_WRITE, term);
	ck_assert_uint_eq(job_done(0, JOB_WRITE).result, JOB_OK);
	ck_assert_uint_eq(stored_live().term, term);
}

static void
give_away(void)
{
	say_job(0, JOB_END, 0);
	ck_assert_uint_eq(job_done(0, JOB_END).result, JOB_OK);
	until_settled(0);
}

/* F5: nothing is settled before anybody has said that we are not active. */
START_TEST(test_start_nobodys)
{
	start_room(0);
	put_file(at("base0/data/f"), "somebody's");
	hear(&mir, 1000);
	hear(&mir, 1000);
	ck_assert_uint_eq(captured[0].settled, 0);
	nothing_for(300);
	say_word(0, ROLE_STANDBY, 0);
	until_settled(0);
	ck_assert_uint_eq(captured[1].settled, 0);
	ck_assert_uint_eq(stored_generation(), 0);
	ping_pong();
}
END_TEST

START_TEST(test_whole_life)
{
	put_file(at("base0/data/f"), "one");
	start_room(0);
	say_word(0, ROLE_STANDBY, 0);
	until_settled(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	ck_assert_uint_eq(captured[0].settled, 0);
	until_generation(0, 1);
	ck_assert_str_eq(stored_text("data/f"), "one");
	ck_assert_uint_eq(captured[0].term, 1);
	put_file(at("base0/data/f"), "two");
	until_generation(0, 2);
	ck_assert_str_eq(stored_text("data/f"), "two");
	/* The last change, and at once. */
	put_file(at("base0/data/f"), "three");
	give_away();
	ck_assert_str_eq(stored_text("data/f"), "three");
	ck_assert_uint_eq(captured[0].generation, 3);
	say_job(0, JOB_END, 1);
	ck_assert_uint_eq(job_done(0, JOB_END).result, JOB_OK);
	/* Same term, no other writer: no load. */
	take_over(1, 0);
	give_away();
	/* A partner wrote since. */
	partner_writes(2, "theirs");
	say_job(0, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).result, JOB_FAILED);
	take_over(3, 1);
	(void)poll(NULL, 0, 400);
	ck_assert_uint_eq(state().writing, 1);
}
END_TEST

/* What was not captured when it died is, before a partner may write. */
START_TEST(test_start_ours)
{
	put_file(at("base0/data/f"), "one");
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	until_generation(0, 1);
	kill_room();
	put_file(at("base0/data/f"), "lost?");
	start_room(0);
	say_word(0, ROLE_STANDBY, 1);
	until_settled(0);
	ck_assert_str_eq(stored_text("data/f"), "lost?");
	kill_room();
	/* Active all the while: goes on. */
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	put_file(at("base0/data/f"), "goes on");
	until_generation(0, 3);
	ck_assert_str_eq(stored_text("data/f"), "goes on");
	kill_room();
	/* Theirs meanwhile: ours is nobody's any more. */
	partner_writes(2, "theirs");
	put_file(at("base0/data/f"), "loaded or not");
	start_room(0);
	say_word(0, ROLE_STANDBY, 2);
	until_settled(0);
	ck_assert_str_eq(stored_text("data/f"), "theirs");
}
END_TEST

START_TEST(test_no_base)
{
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	until_generation(0, 1);
	kill_room();
	ck_assert_int_eq(rename(at("base0"), at("gone")), 0);
	start_room(0);
	say_word(0, ROLE_STANDBY, 1);
	until_settled(0);
	say_word(0, ROLE_ACTIVE, 2);
	take_over(2, 0);
	/* It comes: only a new process has a rule for it. */
	ck_assert_int_eq(rename(at("gone"), at("base0")), 0);
	ck_assert_int_eq(room_ends(), 0);
	put_file(at("base0/data/f"), "back");
	start_room(0);
	say_word(0, ROLE_ACTIVE, 2);
	until_generation(0, 2);
	ck_assert_str_eq(stored_text("data/f"), "back");
}
END_TEST

/* Held back: not settled until it is whole. */
START_TEST(test_held)
{
	put_file(at("base0/data/f"), "one");
	kit_sync("tree \"data\"\nfile \"must\"");
	put_file(at("base0/must"), "be there");
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	until_generation(0, 1);
	ck_assert_int_eq(unlink(at("base0/must")), 0);
	put_file(at("base0/data/f"), "two");
	until_held(0, true);
	say_job(0, JOB_END, 1);
	ck_assert_uint_eq(job_done(0, JOB_END).result, JOB_FAILED);
	ck_assert_uint_eq(captured[0].settled, 0);
	(void)poll(NULL, 0, 300);
	ck_assert_uint_eq(state().problem[0].holds, 1);
	ck_assert_str_eq(state().problem[0].path, "must");
	ck_assert_int_ne(state().held_since_ns, 0);
	put_file(at("base0/must"), "again");
	until_settled(0);
	ck_assert_str_eq(stored_text("data/f"), "two");
	ck_assert_str_eq(stored_text("must"), "again");
}
END_TEST

/* A receiver in the middle of a commit is waited for, not for ever. */
START_TEST(test_receiver_at_work)
{
	struct msg_job_done d;
	struct store *s;

	start_room(0);
	say_word(0, ROLE_STANDBY, 0);
	until_settled(0);
	s = see_store("vpn");
	get_lock(s);
	say_job(0, JOB_BEGIN, 1);
	(void)poll(NULL, 0, 500);
	nothing_for(100);
	ping_pong();
	store_unlock(s);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).result, JOB_OK);
	ck_assert_int_eq(store_lock(s), STORE_BUSY);
	say_job(0, JOB_WRITE, 1);
	ck_assert_uint_eq(job_done(0, JOB_WRITE).result, JOB_OK);
	give_away();
	get_lock(s);
	say_job(0, JOB_BEGIN, 2);
	d = job_done(0, JOB_BEGIN);
	ck_assert_uint_eq(d.result, JOB_FAILED);
	ck_assert_uint_eq(d.exit_status, STORE_BUSY);
	store_close(s);
}
END_TEST

static uint64_t
branch_key(struct store_branch *b)
{
	struct store *s = see_store("vpn");
	size_t cursor = 0;
	uint64_t key = 0;
	int i;

	ck_assert(store_branches(s, &cursor, b));
	for (i = 0; i < 8; i++)
		key = key << 8 | b->position.head.b[i];
	store_close(s);
	return key;
}

START_TEST(test_wishes)
{
	struct store_branch b;
	struct store *s;
	uint64_t key;

	put_file(at("base0/data/f"), "one");
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	until_generation(0, 1);
	put_file(at("base0/data/f"), "two");
	say_ask(0, ASK_SYNC, 11, 0, 0);
	ck_assert_int_eq(ask_result(11), STORE_OK);
	ck_assert_str_eq(stored_text("data/f"), "two");
	say_ask(0, ASK_RESTORE, 12, 7, 0);
	ck_assert_int_eq(ask_result(12), STORE_NOTHING);
	ck_assert_str_ne(state().ask_text, "");
	say_ask(0, ASK_RESTORE, 13, 1, 0);
	ck_assert_int_eq(ask_result(13), STORE_OK);
	/* In the same term: what is live is captured, then a load. */
	give_away();
	say_job(0, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).check, 1);
	say_ask(0, ASK_RESTORE, 14, 2, 0);
	ck_assert_int_eq(ask_result(14), STORE_BUSY);
	put_file(at("base0/data/f"), "one");	/* the loader */
	say_job(0, JOB_WRITE, 1);
	ck_assert_uint_eq(job_done(0, JOB_WRITE).result, JOB_OK);
	until_generation(0, 3);
	ck_assert_str_eq(stored_text("data/f"), "one");
	give_away();
	say_job(0, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).check, 0);
	say_job(0, JOB_END, 1);
	ck_assert_uint_eq(job_done(0, JOB_END).result, JOB_OK);
	until_settled(0);
	say_word(0, ROLE_STANDBY, 1);
	say_ask(0, ASK_SYNC, 15, 0, 0);
	ck_assert_int_eq(ask_result(15), STORE_REFUSED);
	/* A branch: wished for, not dismissed, unwished, dismissed. */
	s = see_store("vpn");
	get_lock(s);
	ck_assert_int_eq(store_park(s, 2, "test", 1, &b), STORE_OK);
	store_close(s);
	key = branch_key(&b);
	say_ask(0, ASK_ADOPT, 16, b.position.generation, key ^ 1);
	ck_assert_int_eq(ask_result(16), STORE_NOTHING);
	say_ask(0, ASK_ADOPT, 17, b.position.generation, key);
	ck_assert_int_eq(ask_result(17), STORE_OK);
	say_ask(0, ASK_DISMISS, 18, b.position.generation, key);
	ck_assert_int_eq(ask_result(18), STORE_REFUSED);
	ck_assert_uint_eq(state().branches, 1);
	say_ask(0, ASK_ADOPT, 19, 0, 0);
	ck_assert_int_eq(ask_result(19), STORE_OK);
	say_ask(0, ASK_DISMISS, 20, b.position.generation, key);
	ck_assert_int_eq(ask_result(20), STORE_OK);
	ck_assert_uint_eq(state().branches, 0);
}
END_TEST

/* A death in the middle of a load in the same term: half of it is live. */
START_TEST(test_wish_half_loaded)
{
	put_file(at("base0/data/f"), "one");
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	until_generation(0, 1);
	put_file(at("base0/data/f"), "two");
	until_generation(0, 2);
	say_ask(0, ASK_RESTORE, 11, 1, 0);
	ck_assert_int_eq(ask_result(11), STORE_OK);
	give_away();
	say_job(0, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).check, 1);
	put_file(at("base0/data/f"), "half");	/* the loader */
	kill_room();
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	(void)poll(NULL, 0, 400);
	ck_assert_uint_eq(stored_generation(), 2);
	/* The load failed: half of it is nobody's last word either. */
	give_away();
	ck_assert_uint_eq(stored_generation(), 2);
	ck_assert_str_eq(stored_text("data/f"), "two");
	/* And it is loaded before anything starts. */
	say_job(0, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).check, 1);
	kill_room();
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	put_file(at("base0/data/f"), "one");
	say_job(0, JOB_WRITE, 1);
	ck_assert_uint_eq(job_done(0, JOB_WRITE).result, JOB_OK);
	until_generation(0, 3);
	/* Granted once. */
	give_away();
	say_job(0, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).check, 0);
}
END_TEST

/* Two pairs: one that is busy does not keep the other one waiting. */
START_TEST(test_two_pairs)
{
	start_room(0);
	say_word(0, ROLE_ACTIVE, 1);
	take_over(1, 0);
	until_generation(0, 1);
	say_word(1, ROLE_STANDBY, 0);
	until_settled(1);
	say_job(1, JOB_BEGIN, 5);
	ck_assert_uint_eq(job_done(1, JOB_BEGIN).result, JOB_OK);
	say_job(1, JOB_WRITE, 5);
	ck_assert_uint_eq(job_done(1, JOB_WRITE).result, JOB_OK);
	put_file(at("base1/data/x"), "x");
	put_file(at("base0/data/f"), "f");
	until_generation(1, 1);
	until_generation(0, 2);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("capture room");
	TCase *t = tcase_create("capture room");
	SRunner *r;
	int failed;

	if (argc < 2)
		return 64;
	room_path = realpath(argv[1], NULL);	/* by way of other places */
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
	tcase_add_test(t, test_start_nobodys);
	tcase_add_test(t, test_whole_life);
	tcase_add_test(t, test_start_ours);
	tcase_add_test(t, test_no_base);
	tcase_add_test(t, test_held);
	tcase_add_test(t, test_receiver_at_work);
	tcase_add_test(t, test_wishes);
	tcase_add_test(t, test_wish_half_loaded);
	tcase_add_test(t, test_two_pairs);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
