/* SPDX-License-Identifier: ISC */

/* Upkeep beside a service that changes its data all the time. */

#include "store_kit.h"

#define ROUNDS	3
#define DAY_NS	(INT64_C(86400) * 1000000000)

/* A generation after each step: each round ends all the same. */
START_TEST(test_a_round_ends)
{
	const struct store_retention keep = { .keep = 2 };
	struct store *s = kit_open();
	struct store_upkeep u;
	uint64_t thinned = 0;
	unsigned int i, n = 0, round = 0;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_now = INT64_C(1800000000000000000);
	for (i = 0; i < 300; i++)
		kit_publish(s, ++n);
	for (i = 0; i < 10000 && round < ROUNDS; i++) {
		kit_publish(s, ++n);
		ok(s, store_upkeep(s, &keep, kit_now, 16, &u));
		thinned += u.thinned;
		if (!u.done)
			continue;
		round++;
		kit_pass(s, 8 * DAY_NS);
	}
	ck_assert_uint_eq(round, ROUNDS);
	ck_assert_uint_gt(thinned, 0);
	ck_assert_int_eq(kit_state(s, store_tree(s)), (int)n);
	store_unlock(s);
	ok(s, store_lock(s));
	ck_assert_int_eq(kit_state(s, store_tree(s)), (int)n);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store busy");
	TCase *t = tcase_create("busy");
	SRunner *r;
	int failed;

	store_mono_hook = kit_clock;
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_a_round_ends);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
