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
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
