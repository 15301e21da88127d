/* SPDX-License-Identifier: ISC */

/*
 * Protocol checklist section 9: two and three nodes on one wire, for every
 * protocol, signed and not.  A small network in virtual time: every advert
 * takes 1 ms, links can be cut each way, lost at random, nodes freeze or
 * die.  After every event the kernels' leases are counted.
 */
#include "test_election_trace.h"

#define NET_DELAY_NS	(1 * NS_PER_MS)
#define NET_QUEUE_MAX	64
#define KINDS		6

struct flight {
	struct advert	advert;
	mono_t		due;
	uint8_t		from, to;
};

struct net {
	struct world	*w[TRACE_NODES];
	uint8_t		n;
	bool		cut[TRACE_NODES][TRACE_NODES];	/* from, to */
	bool		dead[TRACE_NODES], frozen[TRACE_NODES];
	uint32_t	loss;		/* percent */
	uint32_t	twice;		/* percent delivered twice */
	int64_t		delay_ns;
	uint32_t	seed;
	mono_t		now;
	struct flight	queue[NET_QUEUE_MAX];
	uint32_t	nqueue;
	int64_t		dual_ns;	/* address in two kernels */
	int64_t		nobody_ns;	/* in none */
};

/* CARP, v2, v3; signed and not. */
static struct setup
kind(int i)
{
	return (struct setup){
		.protocol = (enum conf_protocol)(PROTOCOL_CARP + i % 3),
		.plain = i >= 3 };
}

static uint32_t
dice(struct net *net)
{
	net->seed = net->seed * 1664525 + 1013904223;
	return (net->seed >> 8) % 100;
}

static bool
holds(const struct net *net, uint8_t i)
{
	return net->w[i] != NULL &&
	    net->w[i]->lease_until.ns > net->now.ns;
}

static uint32_t
holders(const struct net *net)
{
	uint32_t n = 0;
	uint8_t i;

	for (i = 0; i < net->n; i++)
		n += holds(net, i);
	return n;
}

static void
put(struct net *net, const struct advert *a, uint8_t from, uint8_t to)
{
	int64_t delay_ns = NET_DELAY_NS;

	if (net->delay_ns > 0)
		delay_ns += dice(net) * net->delay_ns / 100;
	ck_assert_uint_lt(net->nqueue, NET_QUEUE_MAX);
	net->queue[net->nqueue++] = (struct flight){ .advert = *a,
	    .due = mono_after(net->now, delay_ns), .from = from, .to = to };
}

static void
collect(struct net *net, uint8_t from)
{
	struct world *w = net->w[from];
	uint8_t to;

	if (!w->out_new)
		return;
	w->out_new = false;
	for (to = 0; to < net->n; to++) {
		if (to == from || net->cut[from][to] || net->dead[to] ||
		    dice(net) < net->loss)
			continue;
		put(net, &w->out, from, to);
		if (dice(net) < net->twice)
			put(net, &w->out, from, to);
	}
}

static void
deliver(struct net *net, const struct flight *f)
{
	struct world *w = net->w[f->to];
	struct advert a = f->advert;
	struct event ev = { .type = EVENT_ADVERT, .advert = {
	    .advert = &a, .node = f->from,
	    .age_ns = mono_span_ns(f->due, net->now) } };

	if (w == NULL || net->dead[f->to])
		return;
	a.auth = a.trailer.type == TRAILER_OWN ? AUTH_GOOD : AUTH_NONE;
	ev.advert.src = w->cfg.node[f->from].address;
	w->now = net->now;
	feed(w, ev);
	w->log[0] = '\0';
	collect(net, f->to);
}

static mono_t
deadline(const struct net *net, uint8_t i)
{
	mono_t due;

	if (net->w[i] == NULL || net->dead[i] || net->frozen[i])
		return MONO_NEVER;
	due = election_deadline(&net->w[i]->e);
	if (mono_is_set(due) && due.ns < net->now.ns)
		due = net->now;
	return due;
}

/* What comes first: an advert's arrival (index from 0) or a timer. */
static mono_t
next_event(const struct net *net, int *flight, int *node)
{
	mono_t first = MONO_NEVER;
	uint32_t i;

	*flight = *node = -1;
	for (i = 0; i < net->nqueue; i++) {
		mono_t due = net->queue[i].due;

		if (net->frozen[net->queue[i].to])
			continue;
		if (due.ns < net->now.ns)
			due = net->now;
		if (first.ns == 0 || due.ns < first.ns) {
			first = due;
			*flight = (int)i;
		}
	}
	for (i = 0; i < net->n; i++) {
		mono_t due = deadline(net, (uint8_t)i);

		if (mono_is_set(due) && (first.ns == 0 ||
		    due.ns < first.ns)) {
			first = due;
			*flight = -1;
			*node = (int)i;
		}
	}
	return first;
}

/* Time passes; leases may end in between. */
static void
pass(struct net *net, mono_t to)
{
	while (net->now.ns < to.ns) {
		mono_t stop = to;
		uint32_t n = holders(net);
		uint8_t i;

		for (i = 0; i < net->n; i++)
			if (holds(net, i) &&
			    net->w[i]->lease_until.ns < stop.ns)
				stop = net->w[i]->lease_until;
		if (n > 1)
			net->dual_ns += mono_span_ns(net->now, stop);
		if (n == 0)
			net->nobody_ns += mono_span_ns(net->now, stop);
		net->now = stop;
	}
}

static void
run(struct net *net, double ms)
{
	mono_t end = mono_after(net->now, (int64_t)(ms * 1e6));
	struct flight f;
	mono_t due;
	int flight, node;

	for (;;) {
		due = next_event(net, &flight, &node);
		if (!mono_is_set(due) || due.ns > end.ns)
			break;
		pass(net, due);
		if (flight >= 0) {
			f = net->queue[flight];
			net->nqueue--;
			memmove(&net->queue[flight], &net->queue[flight + 1],
			    (net->nqueue - (uint32_t)flight) * sizeof(f));
			deliver(net, &f);
			continue;
		}
		net->w[node]->now = net->now;
		feed(net->w[node], (struct event){ .type = EVENT_TIMER });
		net->w[node]->log[0] = '\0';
		collect(net, (uint8_t)node);
	}
	pass(net, end);
}

static void
join(struct net *net, uint8_t i, struct setup u)
{
	uint32_t term = net->w[i] != NULL ? net->w[i]->e.term : 0;
	mono_t lease = net->w[i] != NULL ? net->w[i]->lease_until :
	    MONO_NEVER;

	free(net->w[i]);
	u.self = i;
	u.nodes = net->n;
	u.term = term;
	net->w[i] = boot_silent(u);
	/* What the kernel still has; the actuator clears it at its start. */
	net->w[i]->lease_until = net->dead[i] ? MONO_NEVER : lease;
	net->w[i]->now = net->now;
	net->dead[i] = false;
	feed(net->w[i], (struct event){ .type = EVENT_LINK,
	    .link = { .up = true } });
}

static struct net *
network(uint8_t n)
{
	struct net *net = calloc(1, sizeof(*net));

	net->n = n;
	net->now.ns = time_ns(0);
	net->seed = 1;
	return net;
}

/* Node 0 first, the others as standbys, all settled. */
static struct net *
settled(struct setup u, uint8_t n)
{
	struct net *net = network(n);
	uint8_t i;

	join(net, 0, u);
	run(net, 4000);
	for (i = 1; i < n; i++)
		join(net, i, u);
	run(net, 5000);
	net->dual_ns = 0;
	net->nobody_ns = 0;
	return net;
}

static void
done(struct net *net)
{
	uint8_t i;

	for (i = 0; i < net->n; i++)
		free(net->w[i]);
	free(net);
}

static enum role
role(const struct net *net, uint8_t i)
{
	return election_role(&net->w[i]->e);
}

static void
operator_says(struct net *net, uint8_t i, enum event_type type)
{
	net->w[i]->now = net->now;
	event(net->w[i], type);
	collect(net, i);
}

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
