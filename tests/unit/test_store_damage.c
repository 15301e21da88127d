/* SPDX-License-Identifier: ISC */

/* I6: what does not verify is not opened as good, and is repaired. */

#include "store_kit.h"

static void
scribble(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", kit_path, name);
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "Z", 1, 20), 1);
	close(fd);
}

/* I6: what does not verify is not opened as good, and can be repaired. */
START_TEST(test_damage)
{
	static const char *const name[] = { "HEAD", "history", "EPOCH" };
	struct store *s = kit_open();
	struct epoch e;
	uint64_t lost;
	size_t i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	store_close(s);
	for (i = 0; i < 3; i++) {
		scribble(name[i]);
		(void)store_open(&s, kit_dir, "vpn", false);
		if (i < 2)
			ck_assert_int_eq(store_lock(s), STORE_DAMAGED);
		else {
			ok(s, store_lock(s));
			ck_assert_int_eq(store_epoch(s, &e), STORE_DAMAGED);
		}
		ok(s, store_repair(s, &lost));
		ck_assert_uint_eq(lost, 0);
		ck_assert_int_eq(kit_state(s, store_tree(s)), 2);
		ok(s, store_epoch(s, &e));
		ck_assert_uint_eq(e.term, 1);
		store_close(s);
	}
	/* The chain is made anew without a word. */
	scribble("chain");
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 2);
	store_close(s);
}
END_TEST

START_TEST(test_damage_object)
{
	struct store *s = kit_open();
	const struct entry *e;
	char path[200], hex[HASH_HEX + 1];
	uint64_t lost;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	e = tree_find(store_tree(s), "d/f0");
	hash_hex(&e->object, hex);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", kit_path, hex, hex);
	ck_assert_int_eq(unlink(path), 0);
	ok(s, store_repair(s, &lost));
	ck_assert_uint_eq(lost, 1);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 1);
	store_close(s);
}
END_TEST

/* What makes HEAD none: removed, cut, another kind of file. */
static void
lose_head(unsigned int how)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/HEAD", kit_path);
	if (how == 1) {
		ck_assert_int_eq(truncate(path, 0), 0);
		return;
	}
	ck_assert_int_eq(unlink(path), 0);
	if (how == 2)
		ck_assert_int_eq(symlink("history", path), 0);
}

/* It is no empty store: nothing is dropped, and all of it comes back. */
START_TEST(test_head_is_lost)
{
	struct store *s = kit_open();
	struct store_branch b;
	struct store_commit c;
	struct position was;
	struct tree *t;
	uint64_t lost;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 5; i++)
		kit_publish(s, i);
	ok(s, store_park(s, 3, "split", kit_now, &b));
	was = store_head(s)->position;
	store_close(s);
	lose_head((unsigned int)_i);
	ck_assert_int_eq(store_open(&s, kit_dir, "vpn", true),
	    STORE_DAMAGED);
	ck_assert_int_eq(store_lock(s), STORE_DAMAGED);
	store_unlock(s);
	ck_assert_int_eq(store_lock(s), STORE_DAMAGED);
	ok(s, store_repair(s, &lost));
	ck_assert_uint_eq(lost, 0);
	ck_assert(position_equal(&store_head(s)->position, &was));
	store_close(s);
	s = kit_open();
	for (i = 1; i <= 3; i++) {
		ok(s, store_load_tree(s, i, &t));
		ck_assert_int_eq(kit_state(s, t), (int)i);
		tree_free(t);
	}
	/* I3: 4 and 5 of this term are the branch's. */
	ck_assert_int_eq(kit_publish_as(s, &kit_epoch, 9, &c), STORE_STALE);
	store_close(s);
}
END_TEST

/* A manifest that never became the head is no damage. */
START_TEST(test_first_commit_dies)
{
	struct store *s = kit_open();
	char name[128];
	int fd;

	ck_assert(store_head_there(s));
	snprintf(name, sizeof(name), "manifests/%020u.%064u", 1, 7);
	fd = openat(kit_dir, name, O_WRONLY | O_CREAT, 0440);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	store_close(s);
	s = kit_open();
	ck_assert_uint_eq(store_head(s)->position.generation, 0);
	ck_assert_int_eq(faccessat(kit_dir, name, F_OK, 0), -1);
	store_close(s);
}
END_TEST

/* Who has the lock knows what is true. */
START_TEST(test_head_is_kept)
{
	struct store *s = kit_open();
	struct position was;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	was = store_head(s)->position;
	ok(s, store_head_keep(s));
	lose_head((unsigned int)_i);
	ck_assert_int_eq(store_head_keep(s), STORE_NOTHING);
	ok(s, store_head_keep(s));
	store_close(s);
	s = kit_open();
	ck_assert(position_equal(&store_head(s)->position, &was));
	store_close(s);
}
END_TEST

/* An object that all generations need: the tree is known, it is not. */
START_TEST(test_no_generation_is_whole)
{
	struct store *s = kit_open();
	char path[200], hex[HASH_HEX + 1];
	struct position was;
	struct entry e;
	uint64_t lost;
	struct delta *d = delta_new();
	struct store_commit c;

	ok(s, store_epoch_raise(s, &kit_epoch));
	e = kit_file(s, "same", "in each");
	ck_assert_ptr_null(delta_put(d, &e));
	ok(s, store_publish(s, &kit_epoch, kit_now, d, NULL, &c));
	delta_free(d);
	kit_publish(s, 2);
	was = store_head(s)->position;
	hash_hex(&e.object, hex);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", kit_path, hex, hex);
	ck_assert_int_eq(unlink(path), 0);
	lose_head(0);
	store_unlock(s);
	ck_assert_int_eq(store_lock(s), STORE_DAMAGED);
	ok(s, store_repair(s, &lost));
	ck_assert_uint_eq(lost, 0);
	ck_assert(position_equal(&store_head(s)->position, &was));
	ck_assert(store_lost(s));
	ck_assert_int_eq(store_lost_check(s), STORE_MISSING);
	store_close(s);
}
END_TEST

/* Nothing verifies: empty, and what was there is set aside. */
START_TEST(test_manifests_are_set_aside)
{
	struct store *s = kit_open();
	unsigned int n = 0;
	uint64_t lost;
	struct dirent *e;
	char path[400];
	DIR *dir;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	store_close(s);
	snprintf(path, sizeof(path), "%s/manifests", kit_path);
	dir = opendir(path);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/manifests/%.90s", kit_path,
		    e->d_name);
		ck_assert_int_eq(truncate(path, 30), 0);
	}
	(void)closedir(dir);
	lose_head(0);
	(void)store_open(&s, kit_dir, "vpn", true);
	ck_assert_int_eq(store_lock(s), STORE_DAMAGED);
	ok(s, store_repair(s, &lost));
	ck_assert_uint_eq(lost, 2);
	ck_assert_uint_eq(store_head(s)->position.generation, 0);
	snprintf(path, sizeof(path), "%s/bad", kit_path);
	dir = opendir(path);
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	ck_assert_uint_eq(n, 2);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_damage");
	TCase *t = tcase_create("store_damage");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_damage);
	tcase_add_test(t, test_damage_object);
	tcase_add_loop_test(t, test_head_is_lost, 0, 3);
	tcase_add_loop_test(t, test_head_is_kept, 0, 3);
	tcase_add_test(t, test_first_commit_dies);
	tcase_add_test(t, test_no_generation_is_whole);
	tcase_add_test(t, test_manifests_are_set_aside);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
