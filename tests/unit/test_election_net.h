/* SPDX-License-Identifier: ISC */

/*
 * A small network of elections in virtual time: every advert takes 1 ms,
 * links can be cut each way, adverts lost or doubled at random, nodes freeze
 * or die.  As time passes the kernels' leases are counted: `dual_ns` with
 * the address in two kernels, `nobody_ns` in none.
 */
#ifndef VIPAIR_TEST_ELECTION_NET_H
#define VIPAIR_TEST_ELECTION_NET_H

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
static inline struct setup
kind(int i)
{
	return (struct setup){
		.protocol = (enum conf_protocol)(PROTOCOL_CARP + i % 3),
		.plain = i >= 3 };
}

static inline uint32_t
dice(struct net *net)
{
	net->seed = net->seed * 1664525 + 1013904223;
	return (net->seed >> 8) % 100;
}

static inline bool
holds(const struct net *net, uint8_t i)
{
	return net->w[i] != NULL &&
	    net->w[i]->lease_until.ns > net->now.ns;
}

static inline uint32_t
holders(const struct net *net)
{
	uint32_t n = 0;
	uint8_t i;

	for (i = 0; i < net->n; i++)
		n += holds(net, i);
	return n;
}

static inline void
put(struct net *net, const struct advert *a, uint8_t from, uint8_t to)
{
	int64_t delay_ns = NET_DELAY_NS;

	if (net->delay_ns > 0)
		delay_ns += dice(net) * net->delay_ns / 100;
	ck_assert_uint_lt(net->nqueue, NET_QUEUE_MAX);
	net->queue[net->nqueue++] = (struct flight){ .advert = *a,
	    .due = mono_after(net->now, delay_ns), .from = from, .to = to };
}

static inline void
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

static inline void
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

static inline mono_t
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
static inline mono_t
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
static inline void
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

static inline void
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

static inline void
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

static inline struct net *
network(uint8_t n)
{
	struct net *net = calloc(1, sizeof(*net));

	net->n = n;
	net->now.ns = time_ns(0);
	net->seed = 1;
	return net;
}

/* Node 0 first, the others as standbys, all settled. */
static inline struct net *
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

static inline void
done(struct net *net)
{
	uint8_t i;

	for (i = 0; i < net->n; i++)
		free(net->w[i]);
	free(net);
}

static inline enum role
role(const struct net *net, uint8_t i)
{
	return election_role(&net->w[i]->e);
}

static inline void
operator_says(struct net *net, uint8_t i, enum event_type type)
{
	net->w[i]->now = net->now;
	event(net->w[i], type);
	collect(net, i);
}

#endif
