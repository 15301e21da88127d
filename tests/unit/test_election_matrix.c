/* SPDX-License-Identifier: ISC */

/*
 * Protocol checklist section 9: two and three nodes on one wire, for every
 * protocol, signed and not.
 */
#include "test_election_net.h"

START_TEST(c9_1_second_node_becomes_standby)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		ck_assert_int_eq(role(net, 0), ROLE_ACTIVE);
		ck_assert_int_eq(role(net, 1), ROLE_STANDBY);
		run(net, 600000);
		ck_assert_int_eq(net->dual_ns, 0);
		ck_assert_int_eq(net->nobody_ns, 0);
		ck_assert_uint_eq(net->w[0]->e.term, 1);
		done(net);
	}
}
END_TEST

START_TEST(c9_2_both_start_at_once_the_preferred_wins)
{
	int i, gap;

	for (i = 0; i < KINDS * 21; i++) {
		struct net *net = network(2);
		struct setup u = kind(i % KINDS);

		gap = i / KINDS - 10;
		join(net, gap < 0 ? 1 : 0, u);
		run(net, gap < 0 ? -gap : gap);
		join(net, gap < 0 ? 0 : 1, u);
		run(net, 10000);
		ck_assert_uint_eq(holders(net), 1);
		ck_assert_int_eq(net->dual_ns, 0);
		done(net);
	}
}
END_TEST

START_TEST(c9_2_both_start_at_once_with_equal_rank)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = network(2);
		struct setup u = kind(i);

		u.rank[0] = u.rank[1] = 100;
		join(net, 0, u);
		join(net, 1, u);
		run(net, 10000);
		ck_assert_int_eq(role(net, 0), ROLE_ACTIVE);
		ck_assert_int_eq(role(net, 1), ROLE_STANDBY);
		ck_assert_int_eq(net->dual_ns, 0);
		done(net);
	}
}
END_TEST

START_TEST(c9_3_clean_stop)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		operator_says(net, 0, EVENT_LEAVE);
		run(net, 10000);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		ck_assert_int_eq(net->dual_ns, 0);
		/* Signed: the way of one advert; else skew and claim. */
		ck_assert_int_le(net->nobody_ns,
		    i < 3 ? NET_DELAY_NS : 100 * NS_PER_MS);
		done(net);
	}
}
END_TEST

/* Power loss: the address goes with the kernel. */
START_TEST(c9_3_power_loss)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		net->dead[0] = true;
		net->w[0]->lease_until = MONO_NEVER;
		run(net, 10000);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		ck_assert_int_ge(net->nobody_ns, 2000 * NS_PER_MS);
		ck_assert_int_le(net->nobody_ns, 3100 * NS_PER_MS);
		done(net);
	}
}
END_TEST

/* All processes killed: the kernel keeps the address until the lease ends. */
START_TEST(c9_3_killed_is_never_two_holders)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		run(net, i * 157);
		net->dead[0] = true;
		run(net, 10000);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		ck_assert_int_eq(net->dual_ns, 0);
		done(net);
	}
}
END_TEST

START_TEST(c9_3_frozen_is_never_two_holders)
{
	int i, s;

	for (i = 0; i < KINDS * 40; i++) {
		struct net *net = settled(kind(i % KINDS), 2);

		s = 100 + i * 97;
		net->frozen[0] = true;
		run(net, s);
		net->frozen[0] = false;
		run(net, 10000);
		ck_assert_uint_eq(holders(net), 1);
		ck_assert_int_eq(net->dual_ns, 0);
		/* After the thaw the newer one stays (signed). */
		if (s > 3200 && i % KINDS < 3)
			ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		done(net);
	}
}
END_TEST

START_TEST(c9_4_returning_node_stays_standby)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		net->dead[0] = true;
		run(net, 10000);
		join(net, 0, kind(i));
		net->nobody_ns = 0;
		run(net, 60000);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		ck_assert_int_eq(role(net, 0), ROLE_STANDBY);
		ck_assert_int_eq(net->dual_ns, 0);
		ck_assert_int_eq(net->nobody_ns, 0);
		done(net);
	}
}
END_TEST

START_TEST(c9_4_returning_node_with_preemption)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct setup u = kind(i);
		struct net *net;

		u.preempt = true;
		net = settled(u, 2);
		net->dead[0] = true;
		run(net, 10000);
		join(net, 0, u);
		net->nobody_ns = 0;
		run(net, 60000);
		ck_assert_int_eq(role(net, 0), ROLE_ACTIVE);
		ck_assert_int_eq(role(net, 1), ROLE_STANDBY);
		ck_assert_int_eq(net->dual_ns, 0);
		ck_assert_int_le(net->nobody_ns, 20 * NS_PER_MS);
		done(net);
	}
}
END_TEST

/* The other is not heard, but hears us: no move without need. */
START_TEST(c9_5_one_way_loss_towards_the_active)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		net->cut[1][0] = true;
		run(net, 60000);
		ck_assert_int_eq(role(net, 0), ROLE_ACTIVE);
		ck_assert_uint_eq(net->w[0]->e.term, 1);
		ck_assert_int_eq(net->nobody_ns, 0);
		done(net);
	}
}
END_TEST

/* The active is not heard: the claim in earnest makes it yield (signed). */
START_TEST(c9_5_one_way_loss_from_the_active)
{
	int i;

	for (i = 0; i < 3; i++) {
		struct net *net = settled(kind(i), 2);

		net->cut[0][1] = true;
		run(net, 60000);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		ck_assert_int_eq(role(net, 0), ROLE_STANDBY);
		ck_assert_int_eq(net->dual_ns, 0);
		done(net);
	}
}
END_TEST

START_TEST(c9_5_cut_and_heal)
{
	int i, k, intervals[] = { 2, 10, 60 };

	for (i = 0; i < KINDS * 3; i++) {
		struct net *net = settled(kind(i % KINDS), 2);

		k = intervals[i / KINDS];
		net->cut[0][1] = net->cut[1][0] = true;
		run(net, k * 1000);
		net->cut[0][1] = net->cut[1][0] = false;
		net->dual_ns = 0;
		run(net, 1100);
		/* One active an interval after the heal, and it stays. */
		ck_assert_uint_eq(holders(net), 1);
		ck_assert_int_le(net->dual_ns, 1003 * NS_PER_MS);
		net->nobody_ns = net->dual_ns = 0;
		run(net, 60000);
		ck_assert_int_eq(net->nobody_ns + net->dual_ns, 0);
		/* The newer one, if it took over meanwhile (signed). */
		ck_assert_int_eq(role(net, k > 2 && i % KINDS < 3),
		    ROLE_ACTIVE);
		done(net);
	}
}
END_TEST

START_TEST(c9_6_loss_duplicates_and_delay)
{
	int i;

	for (i = 0; i < KINDS * 3; i++) {
		struct net *net = settled(kind(i % KINDS), 2);

		net->seed = (uint32_t)i + 7;
		net->loss = (uint32_t[]){ 10, 30, 50 }[i / KINDS];
		net->twice = 20;
		net->delay_ns = i / KINDS == 0 ? 500 * NS_PER_MS : 0;
		run(net, 600000);
		net->loss = 0;
		run(net, 10000);
		ck_assert_uint_eq(holders(net), 1);
		done(net);
	}
}
END_TEST

/* 30 % loss: soft claims keep needless moves rare. */
START_TEST(c9_6_needless_moves_at_30_percent)
{
	struct net *net = settled(kind(2), 2);
	uint32_t term = net->w[0]->e.term;

	net->loss = 30;
	run(net, 3600000);
	ck_assert_uint_le(net->w[0]->e.term - term, 20);
	done(net);
}
END_TEST

START_TEST(c9_7_third_sender)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 3);

		ck_assert_int_eq(role(net, 2), ROLE_STANDBY);
		net->dead[0] = true;
		run(net, 10000);
		ck_assert_uint_eq(holders(net), 1);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		join(net, 0, kind(i));
		run(net, 10000);
		operator_says(net, 1, EVENT_HANDOVER);
		run(net, 10000);
		ck_assert_int_eq(role(net, 0), ROLE_ACTIVE);
		ck_assert_int_eq(net->dual_ns, 0);
		ck_assert_uint_eq(holders(net), 1);
		done(net);
	}
}
END_TEST

START_TEST(c9_8_short_starvation_moves_nothing)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		net->frozen[0] = true;
		run(net, 900);
		net->frozen[0] = false;
		run(net, 20000);
		ck_assert_int_eq(role(net, 0), ROLE_ACTIVE);
		ck_assert_uint_eq(net->w[0]->e.term, 1);
		ck_assert_int_eq(net->nobody_ns, 0);
		done(net);
	}
}
END_TEST

START_TEST(c9_8_both_suspended)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		struct net *net = settled(kind(i), 2);

		net->frozen[0] = net->frozen[1] = true;
		run(net, 3600000);
		net->frozen[0] = net->frozen[1] = false;
		net->nobody_ns = 0;
		run(net, 20000);
		ck_assert_uint_eq(holders(net), 1);
		ck_assert_int_eq(net->dual_ns, 0);
		ck_assert_int_le(net->nobody_ns, 3200 * NS_PER_MS);
		done(net);
	}
}
END_TEST

/* v3 learns the other's interval; nobody takes over. */
START_TEST(c9_11_v3_interval_mismatch)
{
	struct setup u = kind(2);
	struct net *net;

	u.interval_ms = 5000;
	net = network(2);
	join(net, 0, u);
	run(net, 30000);
	u.interval_ms = 1000;
	join(net, 1, u);
	run(net, 100000);
	/* It heard nothing in its own 3 s: at most one needless move. */
	ck_assert_uint_eq(holders(net), 1);
	ck_assert_int_eq(net->dual_ns, 0);
	net->nobody_ns = 0;
	run(net, 100000);
	ck_assert_int_eq(net->nobody_ns, 0);
	done(net);
}
END_TEST

/* Firewall: nothing of the active comes in at all, and it is not heard. */
START_TEST(c9_12_firewall_both_ways_heals)
{
	int i;

	for (i = 0; i < 3; i++) {
		struct net *net = settled(kind(i), 2);

		net->cut[0][1] = net->cut[1][0] = true;
		run(net, 20000);
		ck_assert_uint_eq(holders(net), 2);
		net->cut[0][1] = net->cut[1][0] = false;
		run(net, 1100);
		ck_assert_uint_eq(holders(net), 1);
		ck_assert_int_eq(role(net, 1), ROLE_ACTIVE);
		ck_assert_uint_eq(net->w[1]->e.alarms, ALARM_DUAL_ACTIVE);
		run(net, 4000);
		ck_assert_uint_eq(net->w[1]->e.alarms, 0);
		done(net);
	}
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		c9_1_second_node_becomes_standby,
		c9_2_both_start_at_once_the_preferred_wins,
		c9_2_both_start_at_once_with_equal_rank,
		c9_3_clean_stop,
		c9_3_power_loss,
		c9_3_killed_is_never_two_holders,
		c9_3_frozen_is_never_two_holders,
		c9_4_returning_node_stays_standby,
		c9_4_returning_node_with_preemption,
		c9_5_one_way_loss_towards_the_active,
		c9_5_one_way_loss_from_the_active,
		c9_5_cut_and_heal,
		c9_6_loss_duplicates_and_delay,
		c9_6_needless_moves_at_30_percent,
		c9_7_third_sender,
		c9_8_short_starvation_moves_nothing,
		c9_8_both_suspended,
		c9_11_v3_interval_mismatch,
		c9_12_firewall_both_ways_heals,
	};

	return run_cases("election: matrix", list,
	    sizeof(list) / sizeof(list[0]));
}
