/* SPDX-License-Identifier: ISC */

/*
 * The capture room dies at every step of the store, through a whole life:
 * takeover, change, last pass.  Whatever was answered is durable, and the
 * next room goes on from there: live data are captured before anything is
 * settled.  argv[1] is the room.
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

#define STEPS_MAX	400
#define DIED		99

struct seen {
	uint32_t	begun, written;	/* terms that were answered */
	bool		ended;
	uint64_t	generation;
};

/* The next answer; false: the room has died. */
static bool
hears(struct seen *s, enum job_kind until)
{
	union msg m;

	for (;;) {
		m = hear(&mir, 200);
		if (m.head.type == MSG_NONE && room_died() != -1)
			return false;
		if (m.head.type == MSG_CAPTURED &&
		    m.captured.head.pair == 0)
			s->generation = m.captured.generation;
		if (m.head.type != MSG_JOB_DONE)
			continue;
		ck_assert_uint_eq(m.job_done.kind, until);
		ck_assert_uint_eq(m.job_done.result, JOB_OK);
		return true;
	}
}

static bool
hears_generation(struct seen *s, uint64_t generation)
{
	union msg m;

	while (s->generation < generation) {
		m = hear(&mir, 200);
		if (m.head.type == MSG_NONE && room_died() != -1)
			return false;
		if (m.head.type == MSG_CAPTURED &&
		    m.captured.head.pair == 0)
			s->generation = m.captured.generation;
	}
	return true;
}

static bool
ask(struct seen *s, enum job_kind kind, uint32_t term)
{
	const union msg m = { .job = {
		.head = { .type = MSG_JOB, .serial = 1 },
		.kind = kind, .term = term,
	} };

	(void)ipc_send(&mir, &m, -1);
	return hears(s, kind);
}

static bool
ask_active(struct seen *s, uint32_t term)
{
	const union msg m = { .word = {
		.head = { .type = MSG_WORD, .serial = 1 }, .term = term,
		.role = ROLE_ACTIVE,
	} };

	(void)ipc_send(&mir, &m, -1);
	return ask(s, JOB_BEGIN, term);
}

/* True when it lived to its end. */
static bool
life(struct seen *s)
{
	if (!ask_active(s, 2))
		return false;
	s->begun = 2;
	if (!ask(s, JOB_WRITE, 2))
		return false;
	s->written = 2;
	/* From here on the service writes. */
	put_file(at("base0/data/f"), "one");
	if (!hears_generation(s, 2))
		return false;
	put_file(at("base0/data/f"), "two");
	if (!ask(s, JOB_END, 2))
		return false;
	s->ended = true;
	return true;
}

static void
check_after(const struct seen *s)
{
	struct epoch epoch = stored_epoch(), live = stored_live();
	char last[16] = "theirs";
	FILE *f;

	ck_assert_uint_ge(epoch.term, s->begun);
	ck_assert_uint_ge(live.term, s->written);
	ck_assert_uint_ge(stored_generation(), s->generation);
	f = fopen(at("base0/data/f"), "r");
	if (f != NULL) {
		ck_assert_ptr_nonnull(fgets(last, sizeof(last), f));
		(void)fclose(f);
	}
	start_room(0);
	say_word(0, ROLE_STANDBY, epoch.term);
	until_settled(0);
	/* F5: once the service may write, nothing of it is lost. */
	if (s->written != 0)
		ck_assert_str_eq(stored_text("data/f"), last);
	else if (live.term < epoch.term)
		ck_assert_str_eq(stored_text("data/f"), "theirs");
	say_job(0, JOB_BEGIN, 3);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).result, JOB_OK);
	kill_room();
}

START_TEST(test_every_step)
{
	struct seen s;
	bool lived = false;
	int step;

	for (step = 1; !lived && step < STEPS_MAX; step++) {
		kit_setup();
		partner_writes(1, "theirs");
		s = (struct seen){ .generation = 0 };
		start_room(step);
		lived = life(&s);
		if (lived)
			kill_room();
		check_after(&s);
		kit_teardown();
	}
	ck_assert(lived);
	printf("%d deaths\n", step - 2);
	ck_assert_int_ge(step, 20);
}
END_TEST

/* Live data that no generation has, and a takeover that goes on with them. */
static void
leave_uncaptured(void)
{
	struct seen s = { .generation = 0 };

	put_file(at("base0/data/f"), "one");
	start_room(0);
	ck_assert(ask_active(&s, 2));
	ck_assert(ask(&s, JOB_WRITE, 2));
	ck_assert(hears_generation(&s, 1));
	kill_room();
	put_file(at("base0/data/f"), "uncaptured");
}

START_TEST(test_goes_on)
{
	struct seen s;
	bool lived = false;
	int step;

	for (step = 1; !lived && step < STEPS_MAX; step++) {
		kit_setup();
		leave_uncaptured();
		s = (struct seen){ .generation = 0 };
		start_room(step);
		lived = ask_active(&s, 3) && ask(&s, JOB_WRITE, 3);
		if (lived)
			kill_room();
		start_room(0);
		say_word(0, ROLE_STANDBY, 3);
		until_settled(0);
		ck_assert_str_eq(stored_text("data/f"), "uncaptured");
		kit_teardown();
	}
	ck_assert(lived);
	printf("%d deaths\n", step - 2);
	ck_assert_int_ge(step, 8);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("capture kill");
	TCase *t = tcase_create("capture kill");
	SRunner *r;
	int failed;

	if (argc < 2)
		return 64;
	room_path = realpath(argv[1], NULL);	/* by way of other places */
	tcase_set_timeout(t, 280);
	tcase_add_test(t, test_every_step);
	tcase_add_test(t, test_goes_on);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
