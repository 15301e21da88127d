/* SPDX-License-Identifier: ISC */

/* problems.c: each problem comes with its cause and goes with it. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "elector_kit.h"
#include "problems.h"

static struct pair *p;
static struct problems found;

static const struct ctl_problem *
find(enum problem number)
{
	uint32_t i;

	problems_of(&el, p, &found);
	for (i = 0; i < found.n; i++)
		if (found.p[i].number == (uint32_t)number)
			return &found.p[i];
	return NULL;
}

static void
pass(int64_t ns)
{
	el.now = mono_after(el.now, ns);
}

/* A standby on a good link, signed, hearing its active: no problem. */
static void
setup(void)
{
	struct secrets *s = (void *)secret_room;
	struct event start = { .type = EVENT_START };
	struct event up = { .type = EVENT_LINK, .link.up = true };

	elector_make();
	s->pair[0].nkeys = 1;
	p = &el.pair[0];
	p->link = (struct msg_link){
		.head.type = MSG_LINK, .ifindex = 3, .self = 0, .up = 1,
		.carrier = 1, .prefix_ok = 1,
	};
	p->self = 0;
	pair_configure(&el, p);
	p->cfg.signs = true;
	p->started = true;
	p->link_up = true;
	pair_step(&el, p, &start);
	pair_step(&el, p, &up);
	p->owed = 0;
}

START_TEST(test_none)
{
	problems_of(&el, p, &found);
	ck_assert_uint_eq(found.n, 0);
}
END_TEST

START_TEST(test_link)
{
	p->link.carrier = 0;
	ck_assert_ptr_nonnull(find(PROBLEM_LINK_DOWN));
	p->link.carrier = 1;
	p->link.tracked_down = 2;
	ck_assert_ptr_null(find(PROBLEM_LINK_DOWN));
	ck_assert_uint_eq(find(PROBLEM_TRACK_DOWN)->value[0], 2);
	p->link.tracked_down = 0;
	p->link.prefix_ok = 0;
	ck_assert_ptr_nonnull(find(PROBLEM_PREFIX));
	/* Nobody named an interface: what is missed is the address. */
	p->link.ifindex = 0;
	p->link.self = LINK_SELF_NONE;
	ck_assert_ptr_nonnull(find(PROBLEM_OWN_ADDRESS_MISSING));
	ck_assert_ptr_null(find(PROBLEM_INTERFACE_MISSING));
	blob.p[0].interface = 1;
	ck_assert_ptr_nonnull(find(PROBLEM_INTERFACE_MISSING));
	ck_assert_ptr_null(find(PROBLEM_OWN_ADDRESS_MISSING));
	/* Not a word from the actuator yet. */
	p->link.head.type = MSG_NONE;
	ck_assert_ptr_null(find(PROBLEM_INTERFACE_MISSING));
}
END_TEST

/* The kernel refuses the address; a hold that works ends it. */
START_TEST(test_hold_fails)
{
	recent_note(&p->hold_failed, el.now);
	ck_assert_ptr_null(find(PROBLEM_HOLD_FAILS));
	p->hold_error = EPERM;
	pass(NS_PER_S);
	ck_assert_int_eq(find(PROBLEM_HOLD_FAILS)->error, EPERM);
	ck_assert_int_eq(find(PROBLEM_HOLD_FAILS)->age_ns, NS_PER_S);
	p->hold_error = 0;
	ck_assert_ptr_null(find(PROBLEM_HOLD_FAILS));
}
END_TEST

START_TEST(test_lingers_and_goes)
{
	recent_note(&p->drop[ADVERT_REPLAY], el.now);
	ck_assert_ptr_nonnull(find(PROBLEM_REPLAY));
	pass(10 * NS_PER_S);
	ck_assert_int_eq(find(PROBLEM_REPLAY)->age_ns, 10 * NS_PER_S);
	pass(1);
	ck_assert_ptr_null(find(PROBLEM_REPLAY));
	/* Three intervals, where those are longer. */
	blob.p[0].interval_ms = 20000;
	pass(40 * NS_PER_S);
	ck_assert_ptr_nonnull(find(PROBLEM_REPLAY));
	pass(10 * NS_PER_S);
	ck_assert_ptr_null(find(PROBLEM_REPLAY));
}
END_TEST

START_TEST(test_adverts)
{
	static const struct {
		enum verdict verdict;
		enum problem problem;
	} each[] = {
		{ ADVERT_AUTH, PROBLEM_AUTH_FAILS },
		{ ADVERT_KEY_UNKNOWN, PROBLEM_AUTH_FAILS },
		{ ADVERT_AUTH_TYPE, PROBLEM_AUTH_FAILS },
		{ ADVERT_OTHER_PROTOCOL, PROBLEM_OTHER_PROTOCOL },
		{ ADVERT_VERSION, PROBLEM_OTHER_PROTOCOL },
		{ ADVERT_INTERVAL, PROBLEM_INTERVAL_MISMATCH },
		{ ADVERT_UNSIGNED, PROBLEM_UNSIGNED_PARTNER },
		{ ADVERT_REPLAY, PROBLEM_REPLAY },
		{ ADVERT_EPOCH, PROBLEM_TERM_JUMP },
	};
	const struct conf_addr partner = blob.n[1].address;
	struct port *port = &el.port[0];
	size_t i;

	port->ifindex = 3;
	for (i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		setup();
		advert_dropped(&el, port, p, each[i].verdict, &partner);
		ck_assert_ptr_nonnull(find(each[i].problem));
		ck_assert_uint_eq(found.n, 1);
		ck_assert_uint_eq(p->dropped[each[i].verdict], 1);
	}
}
END_TEST

START_TEST(test_collision_names_the_stranger)
{
	const struct conf_addr other = { 4, { 0 }, { 192, 168, 70, 9 } };
	struct port *port = &el.port[0];

	port->ifindex = 3;
	advert_dropped(&el, port, p, ADVERT_AUTH, &other);
	ck_assert(conf_addr_equal(&find(PROBLEM_VHID_COLLISION)->address,
	    &other));
	/* Another id is nobody's business here. */
	setup();
	advert_dropped(&el, port, NULL, ADVERT_OTHER_VHID, &other);
	ck_assert_ptr_null(find(PROBLEM_VHID_COLLISION));
}
END_TEST

START_TEST(test_flood)
{
	const struct conf_addr other = { 4, { 0 }, { 192, 168, 70, 9 } };
	struct port *port = &el.port[0];
	int i;

	port->ifindex = 3;
	for (i = 0; i < 999; i++)
		advert_dropped(&el, port, p, ADVERT_AUTH, &other);
	ck_assert_ptr_null(find(PROBLEM_FLOOD));
	advert_dropped(&el, port, p, ADVERT_AUTH, &other);
	ck_assert_ptr_nonnull(find(PROBLEM_FLOOD));
}
END_TEST

START_TEST(test_not_heard)
{
	struct actions out = { .n = 1, .a = { {
		.type = ELECTION_ROLE,
		.role = { ROLE_ACTIVE, ROLE_STANDBY, REASON_HANDOVER, 7, 0 },
	} } };

	actions_do(&el, p, &out);
	ck_assert_ptr_null(find(PROBLEM_HEARTBEAT_BLOCKED));
	out.a[0].role.reason = REASON_HIGHER_EPOCH;
	actions_do(&el, p, &out);
	ck_assert_ptr_nonnull(find(PROBLEM_HEARTBEAT_BLOCKED));
	pass(30 * NS_PER_S + 1);
	ck_assert_ptr_null(find(PROBLEM_HEARTBEAT_BLOCKED));
}
END_TEST

START_TEST(test_standing_ones)
{
	struct secrets *s = (void *)secret_room;

	s->pair[0].nkeys = 0;
	ck_assert_ptr_nonnull(find(PROBLEM_UNAUTHENTICATED));
	p->cfg.any_foreign = true;
	ck_assert_ptr_null(find(PROBLEM_UNAUTHENTICATED));
	/* Keys, but a foreign peer on VRRP gets no trailer. */
	((struct secrets *)(void *)secret_room)->pair[0].nkeys = 1;
	p->cfg.signs = false;
	problems_of(&el, p, &found);
	ck_assert_ptr_nonnull(find(PROBLEM_UNAUTHENTICATED));
	p->cfg.signs = true;
	blob.p[0].interval_ms = 100;
	ck_assert_uint_eq(find(PROBLEM_FROZEN_ANSWER)->value[0], 100);
	el.unfiltered = true;
	ck_assert_ptr_nonnull(find(PROBLEM_SANDBOX_WEAK));
}
END_TEST

START_TEST(test_nobody)
{
	pass(3 * NS_PER_S);
	ck_assert_ptr_null(find(PROBLEM_NOBODY));
	p->election.state = STATE_MAINTENANCE;
	pass(5 * NS_PER_S);
	ck_assert_ptr_nonnull(find(PROBLEM_NOBODY));
	p->election.heard = el.now;
	ck_assert_ptr_null(find(PROBLEM_NOBODY));
	p->election.heard = MONO_NEVER;
	p->election.state = STATE_ACTIVE;
	ck_assert_ptr_null(find(PROBLEM_NOBODY));
}
END_TEST

START_TEST(test_service)
{
	p->service.state = SERVICE_FAILED;
	ck_assert_ptr_nonnull(find(PROBLEM_SERVICE_FAILED));
	p->service.state = SERVICE_STOPPED;
	ck_assert_ptr_null(find(PROBLEM_SERVICE_FAILED));
	p->election.state = STATE_FAULTED;
	ck_assert_ptr_null(find(PROBLEM_SERVICE_FAILED));
	/* Also while something else keeps it from another try. */
	p->election.faulted = true;
	p->reason = REASON_FLAP_LIMIT;
	ck_assert_ptr_nonnull(find(PROBLEM_SERVICE_FAILED));
	p->election.state = STATE_MAINTENANCE;
	ck_assert_ptr_null(find(PROBLEM_SERVICE_FAILED));
	p->service.fails = 2;
	ck_assert_uint_eq(find(PROBLEM_SERVICE_UNHEALTHY)->value[1], 2);
}
END_TEST

START_TEST(test_errors_and_order)
{
	uint32_t i;

	p->keep_error = EIO;
	p->socket_error = EPERM;
	p->maint_on = true;
	p->link.carrier = 0;
	ck_assert_int_eq(find(PROBLEM_NOT_DURABLE)->error, EIO);
	ck_assert_int_eq(find(PROBLEM_SEND_FAILS)->error, EPERM);
	ck_assert_ptr_nonnull(find(PROBLEM_MAINTENANCE));
	ck_assert_uint_eq(found.n, 4);
	for (i = 1; i < found.n; i++)
		ck_assert_uint_lt(found.p[i - 1].number, found.p[i].number);
}
END_TEST

START_TEST(test_address_of_somebody_else)
{
	const struct ctl_problem *r;

	p->link.unmarked = 1;
	r = find(PROBLEM_ADDRESS_UNMARKED);
	ck_assert_ptr_nonnull(r);
	ck_assert(conf_addr_equal(&r->address, &blob.a[0]));
	/* While we hold it, it is where it belongs. */
	p->election.state = STATE_ACTIVE;
	ck_assert_ptr_null(find(PROBLEM_ADDRESS_UNMARKED));
	p->election.state = STATE_STANDBY;
	p->link.unmarked = 0;
	ck_assert_ptr_null(find(PROBLEM_ADDRESS_UNMARKED));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("problems");
	TCase *t = tcase_create("problems");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_none);
	tcase_add_test(t, test_link);
	tcase_add_test(t, test_lingers_and_goes);
	tcase_add_test(t, test_hold_fails);
	tcase_add_test(t, test_adverts);
	tcase_add_test(t, test_collision_names_the_stranger);
	tcase_add_test(t, test_flood);
	tcase_add_test(t, test_not_heard);
	tcase_add_test(t, test_standing_ones);
	tcase_add_test(t, test_nobody);
	tcase_add_test(t, test_service);
	tcase_add_test(t, test_errors_and_order);
	tcase_add_test(t, test_address_of_somebody_else);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
