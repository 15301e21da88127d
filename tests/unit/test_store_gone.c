/* SPDX-License-Identifier: ISC */

/*
 * A store that is removed while it is open: seen, made anew, and never taken
 * for the one it was (I3).
 */

#include <sys/stat.h>

#include "store_kit.h"

static const struct epoch second = { .term = 2, .node = 1 };

static void
remove_inside(void)
{
	char path[128];
	struct dirent *e;
	DIR *d = opendir(kit_path);

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%.60s", kit_path, e->d_name);
		kit_remove(path);
	}
	(void)closedir(d);
}

START_TEST(test_seen)
{
	struct store *again, *s = kit_open();
	char path[128];

	ck_assert_int_eq(store_gone(s), STORE_HERE);
	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	ck_assert_int_eq(store_gone(s), STORE_HERE);
	store_unlock(s);
	remove_inside();
	ck_assert_int_eq(store_gone(s), STORE_GONE_INSIDE);
	/* Somebody else made it anew: what we have open is not that. */
	ck_assert_int_eq(store_reopen(s), STORE_ERROR);
	again = kit_open();
	ck_assert_int_eq(store_gone(again), STORE_HERE);
	ck_assert_int_eq(store_gone(s), STORE_GONE_INSIDE);
	ck_assert_int_eq(store_reopen(s), STORE_OK);
	ck_assert_int_eq(store_gone(s), STORE_HERE);
	ck_assert_uint_eq(store_head(s)->position.generation, 0);
	store_close(s);
	snprintf(path, sizeof(path), "%s/lock", kit_path);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(store_gone(again), STORE_GONE_INSIDE);
	store_close(again);
	s = kit_open();
	kit_remove(kit_path);
	ck_assert_int_eq(store_gone(s), STORE_GONE_ROOT);
	store_close(s);
	ck_assert_int_eq(mkdir(kit_path, 0700), 0);
}
END_TEST

/* As the capture does: the same epoch goes on, and nobody mixes the two. */
START_TEST(test_goes_on)
{
	struct store *s = kit_open();
	struct history_list before, after;
	struct position was, is;
	struct store_commit c;
	uint64_t fork;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 5; i++)
		kit_publish(s, i);
	was = store_head(s)->position;
	before = *store_history(s);
	ck_assert_int_eq(store_spend(s, &kit_epoch, 9), STORE_REFUSED);
	remove_inside();
	store_close(s);

	s = kit_open();
	ok(s, store_epoch_raise(s, &kit_epoch));
	ok(s, store_spend(s, &kit_epoch, was.generation));
	ok(s, store_spend(s, &kit_epoch, 2));
	ck_assert_uint_eq(store_head(s)->position.generation, 0);
	store_unlock(s);
	ok(s, store_lock(s));
	ok(s, kit_publish_as(s, &kit_epoch, 6, &c));
	ck_assert(c.full);
	ck_assert_uint_eq(c.position.generation, 6);
	kit_publish(s, 7);
	is = store_head(s)->position;
	after = *store_history(s);
	ck_assert_ptr_null(history_check(&after));
	ck_assert_int_eq(position_kin(&is, &after, &was, &before, &fork),
	    KIN_STRANGERS);
	store_unlock(s);
	ok(s, store_lock(s));
	ck_assert_int_eq(kit_state(s, store_tree(s)), 7);
	store_close(s);
}
END_TEST

/* The partner parks what it had and takes all of the new one. */
START_TEST(test_partner)
{
	struct store *a = kit_open(), *b;
	char path[80], *text;
	struct history_list theirs;
	struct store_branch branch;
	struct store_commit c;
	uint64_t size;
	unsigned int i;
	int dir, fd;

	snprintf(path, sizeof(path), "%s-b", kit_path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(store_open(&b, dir, "vpn", true), STORE_OK);
	ok(b, store_lock(b));
	ok(b, store_epoch_raise(b, &kit_epoch));
	for (i = 1; i <= 5; i++)
		kit_publish(b, i);
	ok(a, store_epoch_raise(a, &kit_epoch));
	ok(a, store_spend(a, &kit_epoch, 5));
	kit_publish(a, 6);
	kit_publish(a, 7);
	delta_free(kit_delta(b, 7));	/* its objects */
	ok(b, store_park(b, 0, "test", kit_now, &branch));
	theirs = *store_history(a);
	fd = store_manifest(a, store_head(a)->full, &size);
	ck_assert_int_ge(fd, 0);
	text = malloc(size);
	ck_assert_int_eq(read(fd, text, size), (ssize_t)size);
	(void)close(fd);
	ok(b, store_receive_jump(b, text, size, &theirs));
	free(text);
	/* The steps after it come with it. */
	fd = store_manifest(a, 7, &size);
	text = malloc(size);
	ck_assert_int_eq(read(fd, text, size), (ssize_t)size);
	(void)close(fd);
	ok(b, store_receive(b, text, size));
	ok(b, store_commit(b, &kit_epoch, &c));
	free(text);
	ck_assert(position_equal(&c.position, &store_head(a)->position));
	store_unlock(b);
	ok(b, store_lock(b));
	ck_assert_int_eq(kit_state(b, store_tree(b)), 7);
	ck_assert_uint_eq(store_history(b)->n, 1);
	store_close(b);
	(void)close(dir);
	kit_remove(path);
	store_close(a);
}
END_TEST

/* HEAD cannot be written, the history is: the next try begins from before. */
START_TEST(test_failed_head)
{
	struct store *s = kit_open();
	struct store_commit c;

	ok(s, store_epoch_raise(s, &kit_epoch));
	ck_assert_int_eq(mkdirat(kit_dir, "HEAD.new", 0700), 0);
	ck_assert_int_ne(kit_publish_as(s, &kit_epoch, 1, &c), STORE_OK);
	ck_assert_uint_eq(store_history(s)->n, 0);
	ck_assert_int_eq(unlinkat(kit_dir, "HEAD.new", AT_REMOVEDIR), 0);
	kit_publish(s, 2);
	ck_assert_uint_eq(store_head(s)->position.generation, 1);
	ck_assert_uint_eq(store_history(s)->n, 1);
	store_close(s);
}
END_TEST

/* A new term owes nothing to the old one. */
START_TEST(test_new_term)
{
	struct store *s = kit_open();
	struct store_commit c;

	ok(s, store_spend(s, &kit_epoch, 40));
	ok(s, store_epoch_raise(s, &second));
	ok(s, kit_publish_as(s, &second, 1, &c));
	ck_assert_uint_eq(c.position.generation, 1);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store gone");
	TCase *t = tcase_create("gone");
	SRunner *r;
	int failed;

	store_clock_hook = kit_clock;
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_seen);
	tcase_add_test(t, test_goes_on);
	tcase_add_test(t, test_partner);
	tcase_add_test(t, test_failed_head);
	tcase_add_test(t, test_new_term);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
