/* SPDX-License-Identifier: ISC */

/* When the capture looks at what. */

#include <check.h>
#include <stdlib.h>

#include "policy.h"

static struct policy p;

static mono_t
at(int64_t ms)
{
	return (mono_t){ .ns = NS_PER_S + ms * NS_PER_MS };
}

static void
begin(void)
{
	policy_init(&p, 0, at(0));
	ck_assert_int_eq(policy_next(&p, at(0)), POLICY_PASS);
	policy_passed(&p, true, at(0));
	ck_assert_int_eq(policy_next(&p, at(0)), POLICY_WAIT);
}

START_TEST(takes_after_the_quiet)
{
	policy_changed(&p, at(100));
	ck_assert_int_eq(policy_next(&p, at(104)), POLICY_WAIT);
	ck_assert_int_eq(policy_deadline(&p).ns, at(105).ns);
	policy_changed(&p, at(103));
	ck_assert_int_eq(policy_next(&p, at(107)), POLICY_WAIT);
	ck_assert_int_eq(policy_next(&p, at(108)), POLICY_TAKE);
	policy_took(&p, true, at(108));
	ck_assert_int_eq(policy_next(&p, at(120)), POLICY_WAIT);
}
END_TEST

START_TEST(takes_at_the_cap)
{
	int64_t ms;

	for (ms = 100; ms < 150; ms += 2) {
		policy_changed(&p, at(ms));
		ck_assert_int_eq(policy_next(&p, at(ms)), POLICY_WAIT);
	}
	ck_assert_int_eq(policy_deadline(&p).ns, at(150).ns);
	ck_assert_int_eq(policy_next(&p, at(150)), POLICY_TAKE);
}
END_TEST

START_TEST(tries_again_ever_more_rarely)
{
	int64_t ms = 0, wait, waits[10];
	int i;

	policy_changed(&p, at(0));
	for (i = 0; i < 10; i++) {
		policy_took(&p, false, at(ms));
		wait = (policy_deadline(&p).ns - at(ms).ns) / NS_PER_MS;
		waits[i] = wait;
		ck_assert_int_eq(policy_next(&p, at(ms + wait - 1)),
		    POLICY_WAIT);
		ck_assert_int_eq(policy_next(&p, at(ms + wait)),
		    POLICY_TAKE);
		ms += wait;
	}
	ck_assert_int_eq(waits[0], 100);
	ck_assert_int_eq(waits[1], 200);
	ck_assert_int_eq(waits[9], 10000);
	policy_took(&p, true, at(ms));
	policy_changed(&p, at(ms));
	policy_took(&p, false, at(ms));
	ck_assert_int_eq(policy_deadline(&p).ns, at(ms + 100).ns);
}
END_TEST

START_TEST(a_change_does_not_wait_for_the_retry)
{
	policy_took(&p, false, at(0));
	policy_took(&p, false, at(100));
	policy_changed(&p, at(110));
	ck_assert_int_eq(policy_next(&p, at(115)), POLICY_TAKE);
}
END_TEST

START_TEST(passes_each_minute_and_after_a_loss)
{
	ck_assert_int_eq(policy_next(&p, at(59999)), POLICY_WAIT);
	ck_assert_int_eq(policy_next(&p, at(60000)), POLICY_PASS);
	policy_passed(&p, true, at(60100));
	policy_lost(&p, at(61000));
	policy_changed(&p, at(61000));
	ck_assert_int_eq(policy_next(&p, at(61000)), POLICY_PASS);
	policy_passed(&p, true, at(61005));
	/* The pass has seen the change as well. */
	ck_assert_int_eq(policy_next(&p, at(61100)), POLICY_WAIT);
	ck_assert_int_eq(policy_next(&p, at(121005)), POLICY_PASS);
}
END_TEST

START_TEST(compares_content_in_slices)
{
	const int64_t hours6 = INT64_C(6) * 3600 * 1000;
	int64_t ms = hours6;

	policy_passed(&p, true, at(ms - 1));
	ck_assert_int_eq(policy_next(&p, at(ms - 1)), POLICY_WAIT);
	ck_assert_int_eq(policy_next(&p, at(ms)), POLICY_SLICE);
	policy_sliced(&p, false, at(ms));
	ck_assert_int_eq(policy_next(&p, at(ms + 49)), POLICY_WAIT);
	policy_changed(&p, at(ms + 45));
	/* Changes go first. */
	ck_assert_int_eq(policy_next(&p, at(ms + 50)), POLICY_TAKE);
	policy_took(&p, true, at(ms + 50));
	ck_assert_int_eq(policy_next(&p, at(ms + 50)), POLICY_SLICE);
	policy_sliced(&p, true, at(ms + 50));
	policy_passed(&p, true, at(ms + hours6));
	ck_assert_int_eq(policy_next(&p, at(ms + 49 + hours6)), POLICY_WAIT);
	ck_assert_int_eq(policy_next(&p, at(ms + 50 + hours6)),
	    POLICY_SLICE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("capture_policy");
	TCase *t = tcase_create("policy");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, begin, NULL);
	tcase_add_test(t, takes_after_the_quiet);
	tcase_add_test(t, takes_at_the_cap);
	tcase_add_test(t, tries_again_ever_more_rarely);
	tcase_add_test(t, a_change_does_not_wait_for_the_retry);
	tcase_add_test(t, passes_each_minute_and_after_a_loss);
	tcase_add_test(t, compares_content_in_slices);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
