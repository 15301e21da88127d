/* SPDX-License-Identifier: ISC */

/* auth.c: who may speak for a pair, and who must sign. */
#include <check.h>
#include <stdlib.h>

#include "auth.h"

static const struct auth_rule enforce = {
	.mode = AUTH_ENFORCE, .protocol = PROTOCOL_CARP, .has_keys = true,
};
static const struct auth_rule keyless = {
	.mode = AUTH_ENFORCE, .protocol = PROTOCOL_VRRP3,
};
static const struct auth_sender partner = {
	.known = true, .to_group = true,
};
static const struct auth_sender gateway = {
	.known = true, .foreign = true, .to_group = true,
};
static const struct auth_sender stranger = { .to_group = true };
static const struct advert plain = { .protocol = PROTOCOL_CARP };
static const struct advert ours = {
	.protocol = PROTOCOL_CARP, .trailer = { .type = TRAILER_OWN },
};

START_TEST(test_enforce)
{
	ck_assert_int_eq(auth_judge(&enforce, &partner, &ours), ADVERT_OK);
	ck_assert_int_eq(auth_judge(&enforce, &partner, &plain),
	    ADVERT_UNSIGNED);
	ck_assert_int_eq(auth_judge(&enforce, &stranger, &plain),
	    ADVERT_STRANGER);
	/* A foreign node cannot sign. */
	ck_assert_int_eq(auth_judge(&enforce, &gateway, &plain), ADVERT_OK);
}
END_TEST

START_TEST(test_eased)
{
	struct auth_rule r = enforce;

	r.mode = AUTH_PERMISSIVE;
	ck_assert_int_eq(auth_judge(&r, &partner, &plain), ADVERT_OK);
	ck_assert_int_eq(auth_judge(&r, &partner, &ours), ADVERT_OK);
	r.mode = AUTH_RECEIVE_ONLY;
	ck_assert_int_eq(auth_judge(&r, &partner, &plain), ADVERT_OK);
	/* Whoever signs must be one of us, in every mode. */
	ck_assert_int_eq(auth_judge(&r, &stranger, &ours), ADVERT_STRANGER);
}
END_TEST

START_TEST(test_without_keys)
{
	ck_assert_int_eq(auth_judge(&keyless, &partner, &plain), ADVERT_OK);
	ck_assert_int_eq(auth_judge(&keyless, &stranger, &plain), ADVERT_OK);
}
END_TEST

START_TEST(test_own_and_unicast)
{
	struct auth_sender from = partner;
	struct auth_rule r = enforce;

	from.self = true;
	ck_assert_int_eq(auth_judge(&enforce, &from, &ours), ADVERT_OWN);
	from.self = false;
	from.to_group = false;
	ck_assert_int_eq(auth_judge(&enforce, &from, &ours), ADVERT_STRANGER);
	r.unicast = true;
	ck_assert_int_eq(auth_judge(&r, &from, &ours), ADVERT_OK);
	from.known = false;
	ck_assert_int_eq(auth_judge(&r, &from, &plain), ADVERT_STRANGER);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("auth");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_enforce);
	tcase_add_test(t, test_eased);
	tcase_add_test(t, test_without_keys);
	tcase_add_test(t, test_own_and_unicast);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
