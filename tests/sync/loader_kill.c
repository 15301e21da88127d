/* SPDX-License-Identifier: ISC */

/*
 * The loader killed with SIGKILL before each of its steps: what is live is
 * wholly old while there is no journal, and wholly new once the next start
 * has finished one.  VIPAIR_KILLS=n: that many more, at random.
 */

#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader_kit.h"

static unsigned int	steps_left, seed = 7;

static void
die_later(const char *step)
{
	(void)step;
	if (steps_left-- == 0)
		(void)kill(getpid(), SIGKILL);
}

/* True when it was killed, false when it ended before that step. */
static bool
run_killed(struct kit *k, int (*what)(struct loader *), unsigned int step)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		steps_left = step;
		loader_fault = die_later;
		_exit(kit_run(k, what));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status)) {
		ck_assert_int_eq(WEXITSTATUS(status), LOADER_DONE);
		return false;
	}
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	return true;
}

static struct tree *
make_tree(struct kit *k, int version)
{
	struct tree *t = tree_new();
	char path[64], text[64];
	int i;

	kit_dir(t, "t", 0755);
	for (i = 0; i < 12; i++) {
		(void)snprintf(text, sizeof(text), "%d of version %d", i,
		    i % 3 == 0 ? version : 0);
		(void)snprintf(path, sizeof(path), "t/%02d", i);
		if (i != version % 12)
			kit_text(k, t, path, text);
	}
	kit_dir(t, "t/dir", 0700);
	if (version % 2 == 0) {
		kit_text(k, t, "t/dir/odd", "file");
	} else {
		kit_dir(t, "t/dir/odd", 0711);
		kit_text(k, t, "t/dir/odd/in", "below");
		kit_link(t, "t/link", "dir/odd");
	}
	return t;
}

static struct kit *
begin(void)
{
	struct kit *k = kit_new();

	kit_want(k, SYNC_TREE, "t");
	/* So that the tree does not go in one piece. */
	kit_want(k, SYNC_NEVER, "t/keep");
	kit_want(k, SYNC_SQLITE, "q.db");
	kit_put(k, "t/keep", "mine");
	kit_put(k, "t/extra/deep", "goes aside");
	kit_put(k, "t/dir/odd/other", "old");
	kit_put(k, "q.db-wal", "old frames");
	return k;
}

/* What a load that nobody disturbed leaves. */
static uint64_t
undisturbed(int version)
{
	struct kit *k = begin();
	uint64_t sum;

	kit_commit(k, make_tree(k, version));
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_DONE);
	sum = kit_sum(k, "base");
	kit_free(k);
	return sum;
}

/* Nothing of what was live is gone. */
static void
check_kept(struct kit *k)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/t/extra/deep",
	    kit_previous(k));
	ck_assert_str_eq(kit_get(k, path), "goes aside");
	(void)snprintf(path, sizeof(path), "%s/t/dir/odd/other",
	    kit_previous(k));
	ck_assert_str_eq(kit_get(k, path), "old");
	(void)snprintf(path, sizeof(path), "%s/q.db-wal", kit_previous(k));
	ck_assert_str_eq(kit_get(k, path), "old frames");
	ck_assert_str_eq(kit_get(k, "t/keep"), "mine");
}

static int
nothing(struct loader *l)
{
	(void)l;
	return 0;
}

/* Between any two renames of a swap, and anywhere else in a load. */
START_TEST(test_load)
{
	uint64_t old, new = undisturbed(3);
	unsigned int step, rolled = 0, untouched = 0;
	bool killed = true, journal;
	struct kit *k;

	for (step = 0; killed; step++) {
		k = begin();
		kit_commit(k, make_tree(k, 3));
		old = kit_sum(k, "base");
		killed = run_killed(k, loader_load, step);
		journal = kit_exists(k, ".vipair/journal");
		if (killed && !journal && kit_sum(k, "base") == old) {
			/* Starting again changes nothing by itself. */
			ck_assert_int_eq(kit_run(k, nothing), LOADER_DONE);
			ck_assert_uint_eq(kit_sum(k, "base"), old);
			untouched++;
		} else {
			ck_assert_int_eq(kit_run(k, nothing), LOADER_DONE);
			ck_assert_uint_eq(kit_sum(k, "base"), new);
			check_kept(k);
			rolled += journal;
		}
		ck_assert(!kit_exists(k, ".vipair/journal"));
		ck_assert_int_eq(kit_run(k, loader_load), LOADER_DONE);
		ck_assert_uint_eq(kit_sum(k, "base"), new);
		kit_free(k);
	}
	printf("load: killed at %u steps, %u untouched, %u rolled forward\n",
	    step - 1, untouched, rolled);
	ck_assert_uint_gt(rolled, 15);
	ck_assert_uint_gt(untouched, 20);
}
END_TEST

/* The roll forward is killed as well, again and again. */
START_TEST(test_roll_forward)
{
	uint64_t new = undisturbed(3);
	unsigned int step, again, rounds = 0;
	struct kit *k;

	for (step = 20; step < 90; step += 3) {
		k = begin();
		kit_commit(k, make_tree(k, 3));
		(void)run_killed(k, loader_load, step);
		for (again = 0; again < 60; again++)
			if (!run_killed(k, nothing, again))
				break;
		rounds += again;
		ck_assert_int_eq(kit_run(k, loader_load), LOADER_DONE);
		ck_assert_uint_eq(kit_sum(k, "base"), new);
		kit_free(k);
	}
	printf("roll forward: killed %u times\n", rounds);
}
END_TEST

/* From generation to generation, killed in between, always as if not. */
START_TEST(test_prepare)
{
	unsigned int step, kills = 0, more = 200;
	const char *env = getenv("VIPAIR_KILLS");
	struct kit *k = begin();
	int version = 0;

	if (env != NULL)
		more += (unsigned int)atoi(env);
	while (kills < more) {
		if (version >= 120) {
			kit_free(k);
			k = begin();
			version = 0;
		}
		kit_commit(k, make_tree(k, version++));
		for (step = 0; step < 4; step++)
			kills += run_killed(k, loader_prepare,
			    (unsigned int)rand_r(&seed) % 40);
		/* Now and then a head is skipped. */
		if (rand_r(&seed) % 4 == 0)
			continue;
		ck_assert_int_eq(kit_run(k, loader_load), LOADER_DONE);
		ck_assert_uint_eq(kit_sum(k, "base"),
		    undisturbed(version - 1));
	}
	printf("prepare: killed %u times\n", kills);
	kit_free(k);
}
END_TEST

/* Incrementally, without a load in between that begins anew. */
START_TEST(test_prepare_on)
{
	unsigned int kills = 0, step;
	struct kit *k = begin();
	int version;

	for (version = 0; version < 100; version++) {
		kit_commit(k, make_tree(k, version));
		for (step = 0; step < 3; step++)
			kills += run_killed(k, loader_prepare,
			    (unsigned int)rand_r(&seed) % 25);
		if (version % 3 == 0)
			ck_assert_int_eq(kit_run(k, loader_prepare),
			    LOADER_DONE);
	}
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_DONE);
	ck_assert_uint_eq(kit_sum(k, "base"), undisturbed(99));
	printf("prepare on: killed %u times\n", kills);
	kit_free(k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loader_kill");
	TCase *t = tcase_create("kill");
	SRunner *r;
	int failed;

	if (geteuid() != 0) {
		puts("needs root");
		return 77;
	}
	tcase_set_timeout(t, 280);
	tcase_add_test(t, test_load);
	tcase_add_test(t, test_roll_forward);
	tcase_add_test(t, test_prepare);
	tcase_add_test(t, test_prepare_on);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
