/* SPDX-License-Identifier: ISC */

/*
 * What an operator wished for goes live and is kept until then; the mark of
 * whose live data they are.
 */

#include "store_kit.h"

static void
whole_round(struct store *s)
{
	const struct store_retention keep = { .keep = 1 };
	struct store_upkeep u = { .done = false };

	kit_pass(s, INT64_C(30) * 86400 * 1000000000);
	while (!u.done)
		ok(s, store_upkeep(s, &keep, kit_now, 16, &u));
}

START_TEST(test_generation)
{
	struct store *s = kit_open();
	struct store_generation g;
	struct store_branch wish;
	struct tree *t;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 6; i++)
		kit_publish(s, i);
	ck_assert_int_eq(store_adopt(s, "generation 7"), STORE_NOTHING);
	ck_assert_int_eq(store_adopt(s, "generation 0"), STORE_NOTHING);
	ck_assert_int_eq(store_adopt(s, "generation x"), STORE_NOTHING);
	ok(s, store_adopt(s, "generation 3"));
	whole_round(s);
	ck_assert(store_find(s, 2, &g));
	ck_assert(!g.complete);
	ck_assert_int_eq(store_adopt(s, "generation 2"), STORE_NOTHING);
	store_close(s);
	s = kit_open();
	ok(s, store_adopting(s, &wish));
	ck_assert_str_eq(wish.name, "generation 3");
	ck_assert_uint_eq(wish.position.generation, 3);
	ok(s, store_adopting_tree(s, &t));
	ck_assert_int_eq(kit_state(s, t), 3);
	tree_free(t);
	/* Granted: it goes the way of the others. */
	ok(s, store_adopt(s, NULL));
	ck_assert_int_eq(store_adopting_tree(s, &t), STORE_NOTHING);
	whole_round(s);
	ck_assert(store_find(s, 3, &g));
	ck_assert(!g.complete);
	store_close(s);
}
END_TEST

/* The number alone does not say which one was meant. */
START_TEST(test_another_one)
{
	static const struct epoch second = { .term = 2, .node = 0 };
	struct store *s = kit_open();
	struct store_branch b, wish;
	struct store_commit c;
	struct tree *t;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 4; i++)
		kit_publish(s, i);
	ok(s, store_adopt(s, "generation 4"));
	ok(s, store_park(s, 3, "split", kit_now, &b));
	ck_assert_int_eq(store_adopting(s, &wish), STORE_NOTHING);
	ok(s, store_epoch_raise(s, &second));
	ok(s, kit_publish_as(s, &second, 40, &c));
	ck_assert_uint_eq(c.position.generation, 4);
	ck_assert_int_eq(store_adopting(s, &wish), STORE_NOTHING);
	ok(s, store_adopt(s, b.name));
	ok(s, store_adopting_tree(s, &t));
	ck_assert_int_eq(kit_state(s, t), 4);
	tree_free(t);
	store_close(s);
}
END_TEST

START_TEST(test_live)
{
	static const struct epoch mine = { .term = 7, .node = 1 };
	struct store *s = kit_open();
	struct epoch e;
	char path[100];
	FILE *f;

	ok(s, store_live_get(s, &e));
	ck_assert_uint_eq(e.term, 0);
	ok(s, store_live_set(s, &mine));
	store_unlock(s);
	ck_assert_int_eq(store_live_set(s, &kit_epoch), STORE_BUSY);
	store_close(s);
	s = kit_open();
	ok(s, store_live_get(s, &e));
	ck_assert_int_eq(epoch_cmp(&e, &mine), 0);
	/* Back as well: it says what is, not what was highest. */
	ok(s, store_live_set(s, &kit_epoch));
	ok(s, store_live_get(s, &e));
	ck_assert_int_eq(epoch_cmp(&e, &kit_epoch), 0);
	snprintf(path, sizeof(path), "%s/LIVE", kit_path);
	f = fopen(path, "r+");
	ck_assert_ptr_nonnull(f);
	(void)fseek(f, 20, SEEK_SET);
	(void)fputc('9', f);
	(void)fclose(f);
	ck_assert_int_eq(store_live_get(s, &e), STORE_DAMAGED);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_wish");
	TCase *t = tcase_create("store_wish");
	SRunner *r;
	int failed;

	store_mono_hook = kit_clock;
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_generation);
	tcase_add_test(t, test_another_one);
	tcase_add_test(t, test_live);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
