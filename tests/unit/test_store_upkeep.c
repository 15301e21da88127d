/* SPDX-License-Identifier: ISC */

/* What the store keeps, for how long, and that it is still whole. */

#include <sys/stat.h>

#include "retain.h"
#include "store_kit.h"

#define DAY_NS	(INT64_C(86400) * 1000000000)

static int64_t		jump_ns;	/* of the wall clock */

static int64_t
kit_wall(void)
{
	return kit_now + jump_ns;
}

static void
whole_round(struct store *s, uint32_t keep, struct store_upkeep *sum)
{
	const struct store_retention r = { .keep = keep };
	struct store_upkeep u = { .done = false };
	unsigned int i;

	*sum = (struct store_upkeep){ .done = false };
	for (i = 0; i < 100000 && !u.done; i++) {
		ok(s, store_upkeep(s, &r, kit_wall(), 16, &u));
		sum->thinned += u.thinned;
		sum->manifests += u.manifests;
		sum->objects += u.objects;
		sum->branches += u.branches;
	}
	ck_assert(u.done);
}

/* I4: what age keeps can be loaded; what it does not is gone. */
START_TEST(test_retention)
{
	struct store *s = kit_open();
	const int64_t second_ns = 1000000000;
	struct store_generation g;
	struct store_branch b;
	struct store_upkeep u;
	uint64_t cursor = 0;
	unsigned int i, complete = 0;
	struct tree *t;
	int64_t start;

	ok(s, store_epoch_raise(s, &kit_epoch));
	start = kit_now;
	(void)age_now(s);
	/* Two a minute for three hours. */
	for (i = 1; i <= 360; i++) {
		kit_now = start + (int64_t)i * 30 * second_ns;
		kit_publish(s, i);
	}
	kit_now = start + 3 * 3600 * second_ns;
	whole_round(s, 5, &u);
	ck_assert_uint_eq(u.thinned, 119);
	while (store_list(s, &cursor, &g)) {
		if (!g.complete)
			continue;
		complete++;
		ok(s, store_load_tree(s, g.generation, &t));
		ck_assert_int_eq(kit_state(s, t), (int)g.generation);
		tree_free(t);
	}
	ck_assert_uint_eq(complete, 241);
	ck_assert_uint_eq(kit_objects(s), 241 * KIT_FILES);
	/* A branch keeps its own, for thirty days. */
	ok(s, store_park(s, 350, "test", kit_now, &b));
	kit_pass(s, (int64_t)8 * 86400 * second_ns);
	whole_round(s, 5, &u);
	ok(s, store_branch_tree(s, b.name, &t));
	ck_assert_int_eq(kit_state(s, t), 360);
	tree_free(t);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 350);
	ck_assert_uint_eq(kit_objects(s), (5 + 10) * KIT_FILES);
	kit_pass(s, (int64_t)30 * 86400 * second_ns);
	whole_round(s, 5, &u);
	ck_assert_uint_eq(u.branches, 1);
	ck_assert_uint_eq(kit_objects(s), 5 * KIT_FILES);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 350);
	store_close(s);
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 350);
	store_close(s);
}
END_TEST

static unsigned int
count_complete(struct store *s)
{
	struct store_generation g;
	unsigned int n = 0;
	uint64_t cursor = 0;

	while (store_list(s, &cursor, &g))
		n += g.complete;
	return n;
}

/* A clock that jumps, either way, and stays or comes back, ages nothing. */
START_TEST(test_clock_jumps)
{
	static const int64_t jump[] = { 0, 365, 0, -365, 0, 3650, -10000 };
	struct store *s = kit_open();
	struct store_branch b, seen;
	struct store_upkeep u;
	size_t cursor = 0, k;
	unsigned int i, n = 0;
	struct tree *t;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 25; i++)
		kit_publish(s, i);
	ok(s, store_park(s, 20, "split", kit_wall(), &b));
	ok(s, store_epoch_raise(s, &(struct epoch){ 2, 0 }));
	for (k = 0; k < sizeof(jump) / sizeof(jump[0]); k++) {
		jump_ns = jump[k] * DAY_NS;
		whole_round(s, 1, &u);
		ck_assert_uint_eq(u.thinned + u.branches, 0);
		for (i = 0; i < 3; i++, n++) {
			struct store_commit c;

			kit_now += DAY_NS / 24 / 60;
			ok(s, kit_publish_as(s, &(struct epoch){ 2, 0 },
			    100 + n, &c));
		}
	}
	ck_assert_uint_eq(count_complete(s), 20 + n);
	ok(s, store_branch_tree(s, b.name, &t));
	ck_assert_int_eq(kit_state(s, t), 25);
	tree_free(t);
	/* Time that passes does, a restart of the machine or none. */
	kit_pass(s, 29 * DAY_NS);
	kit_now = DAY_NS / 24;
	whole_round(s, 1, &u);
	ck_assert_uint_eq(u.branches, 0);
	ck_assert_uint_eq(count_complete(s), 1);
	kit_pass(s, 1 * DAY_NS);
	whole_round(s, 1, &u);
	ck_assert_uint_eq(u.branches, 1);
	ck_assert(!store_branches(s, &cursor, &seen));
	store_close(s);
}
END_TEST

/* What the wall clock wrote with the older ones, or nobody did. */
START_TEST(test_age_is_lost)
{
	struct store *s = kit_open();
	struct store_branch b;
	struct store_upkeep u;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 30; i++) {
		kit_now += DAY_NS / 24;
		kit_publish(s, i);
	}
	ok(s, store_park(s, 25, "split", kit_now, &b));
	kit_pass(s, 20 * DAY_NS);
	ck_assert_int_eq(unlinkat(kit_dir, "AGE", 0), 0);
	kit_now += 365 * DAY_NS;
	whole_round(s, 1, &u);
	ck_assert_uint_eq(u.thinned + u.branches, 0);
	/* With the chain as well: an hour at most from one to the next. */
	ck_assert_int_eq(unlinkat(kit_dir, "AGE", 0), 0);
	ck_assert_int_eq(unlinkat(kit_dir, "chain", 0), 0);
	store_unlock(s);
	ok(s, store_lock(s));
	whole_round(s, 1, &u);
	ck_assert_uint_eq(u.thinned + u.branches, 0);
	ck_assert_uint_eq(count_complete(s), 25);
	store_close(s);
}
END_TEST

START_TEST(test_age)
{
	const struct age a = { .ns = 1000 * DAY_NS, .mono_ns = 5 * DAY_NS };
	const int64_t hour = DAY_NS / 24;

	ck_assert_int_eq(age_after(&a, a.mono_ns), a.ns);
	ck_assert_int_eq(age_after(&a, a.mono_ns + 7), a.ns + 7);
	ck_assert_int_eq(age_after(&a, a.mono_ns + 9 * DAY_NS),
	    a.ns + DAY_NS);
	/* Started again. */
	ck_assert_int_eq(age_after(&a, 7), a.ns + 7);
	ck_assert_int_eq(age_after(&a, 4 * DAY_NS), a.ns + DAY_NS);
	ck_assert_int_eq(age_before(a.ns, 100, 107), a.ns - 7);
	ck_assert_int_eq(age_before(a.ns, 107, 100), a.ns);
	ck_assert_int_eq(age_before(a.ns, 0, 365 * DAY_NS), a.ns - hour);
	ck_assert_int_eq(age_before(a.ns, INT64_MIN, INT64_MAX),
	    a.ns - hour);
}
END_TEST

/* The chain's file does not grow for ever; what has a text stays listed. */
START_TEST(test_compact)
{
	struct store *s = kit_open();
	struct store_generation g;
	struct store_upkeep u;
	uint64_t cursor = 0;
	struct chain c;
	unsigned int i, n = 0;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 300; i++)
		kit_publish(s, i);
	kit_pass(s, INT64_C(20) * 86400 * 1000000000);
	whole_round(s, 3, &u);
	ck_assert_uint_eq(u.thinned, 297);
	ck_assert_uint_gt(u.manifests, 0);
	ck_assert_int_eq(chain_open(&c, kit_dir, "chain", true), 0);
	ok(s, retain_compact(s, &c, 10));
	ck_assert_uint_eq(c.n, 300);
	chain_close(&c);
	while (store_list(s, &cursor, &g))
		n += g.manifest || g.generation > 290;
	ck_assert_uint_lt(n, 300);
	store_unlock(s);
	ok(s, store_lock(s));
	ck_assert_int_eq(kit_state(s, store_tree(s)), 300);
	kit_publish(s, 301);
	store_close(s);
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 301);
	store_close(s);
}
END_TEST

/* What was put, but not yet committed, stays; and what a commit under way
 * of a collection brings. */
START_TEST(test_collect_beside)
{
	const struct store_retention keep = { .keep = 1 };
	struct store *s = kit_open();
	struct store_upkeep u = { .done = false };
	unsigned int i, n = 10;
	struct hash h;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i < n; i++)
		kit_publish(s, i);
	kit_pass(s, INT64_C(20) * 86400 * 1000000000);
	ok(s, store_put(s, PUT_DURABLE, "waiting", 7, &h));
	for (i = 0; !u.done && i < 100000; i++) {
		ok(s, store_upkeep(s, &keep, kit_now, 1, &u));
		if (i % 16 == 3) {
			kit_publish(s, n++);
			ok(s, store_put(s, PUT_DURABLE, "waiting", 7, &h));
		}
	}
	ck_assert(store_has(s, &h));
	ck_assert_int_eq(kit_state(s, store_tree(s)), (int)n - 1);
	store_close(s);
}
END_TEST

START_TEST(test_scrub)
{
	struct store *s = kit_open();
	struct store_scrub r;
	const struct entry *e;
	char path[200], hex[HASH_HEX + 1];
	unsigned int bad = 0, calls = 0;
	struct hash h;
	int fd;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	e = tree_find(store_tree(s), "d/f3");
	h = e->object;
	hash_hex(&h, hex);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", kit_path, hex, hex);
	ck_assert_int_eq(chmod(path, 0640), 0);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "X", 1, 3), 1);
	close(fd);
	do {
		ok(s, store_scrub(s, 1, &r));
		bad += r.nbad;
		if (r.nbad > 0)
			ck_assert(hash_equal(&r.bad[0], &h));
		calls++;
	} while (!r.done && calls < 1000);
	ck_assert_uint_eq(bad, 1);
	ck_assert_uint_ge(calls, KIT_FILES);
	ck_assert(!store_has(s, &h));
	ok(s, store_put(s, PUT_DURABLE, "state 1 of file 3", 17, &h));
	ck_assert_int_eq(kit_state(s, store_tree(s)), 1);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_upkeep");
	TCase *t = tcase_create("store_upkeep");
	SRunner *r;
	int failed;

	store_clock_hook = kit_wall;
	store_mono_hook = kit_clock;
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_retention);
	tcase_add_test(t, test_clock_jumps);
	tcase_add_test(t, test_age_is_lost);
	tcase_add_test(t, test_age);
	tcase_add_test(t, test_compact);
	tcase_add_test(t, test_collect_beside);
	tcase_add_test(t, test_scrub);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
