/* SPDX-License-Identifier: ISC */

/*
 * A trace harness for the election: events in, actions out as lines with
 * their time.  Each test reads as a story: `until(w, ms)` lets the timers
 * run, `saw(w, ...)` compares every line since the last one.
 *
 * Time starts at 0 ms (1 000 s after boot for the election).  A SEND is
 * answered with EVENT_SENT at once, HOLD and RENEW with EVENT_HELD, RELEASE
 * with EVENT_RELEASED, KEEP_TERM with EVENT_KEPT, a stop of the service
 * with SERVICE_STOPPED, unless the test says otherwise.  RENEW and
 * KEEP_TERM are not printed unless asked for.
 */
#ifndef VIPAIR_TEST_ELECTION_TRACE_H
#define VIPAIR_TEST_ELECTION_TRACE_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "election.h"

#define EPOCH_MS	1000000
#define TRACE_NODES	3
#define PENDING_MAX	32

struct setup {
	enum conf_protocol protocol;
	uint32_t	interval_ms;	/* 0: 1000 */
	uint8_t		nodes;		/* 0: 2 */
	uint8_t		self;
	uint8_t		rank[TRACE_NODES];	/* 0: the default */
	bool		foreign[TRACE_NODES];
	bool		plain;		/* no keys: unsigned */
	bool		preempt;
	bool		service;
	bool		receive_only;
	uint16_t	flap_limit;	/* 0: 3 */
	uint32_t	term;		/* what the keeper stored */
	bool		maintenance;
	bool		restarted;
};

struct world {
	struct election	e;
	struct election_config cfg;
	struct setup	setup;
	mono_t		now;
	struct event	pending[PENDING_MAX];
	uint32_t	npending;
	bool		sends_fail, mute_actuator, holds_fail, mute_release;
	bool		mute_keeper, keeper_fails, mute_stop;
	bool		show_renew, show_keep;
	char		log[8192];
	/* Of the last SEND, for networks of several worlds. */
	struct advert	out;
	bool		out_new;
	/* The kernel's lease at its longest; unset: no address. */
	mono_t		lease_until;
};

static struct {
	struct conf	c;
	struct conf_pair p;
	struct conf_addr vip;
	struct conf_node n[TRACE_NODES];
} trace_blob;

static inline void
trace_node(const struct setup *u, uint8_t i)
{
	struct conf_node *n = &trace_blob.n[i];
	uint8_t rank = u->rank[i];

	*n = (struct conf_node){
		.address = { .family = 4,
		    .byte = { 192, 168, 70, (uint8_t)(i + 1) } },
		.rank = i,
		.foreign = u->foreign[i],
		.priority = (uint8_t)(254 - i),
		.skew = i,
	};
	if (rank != 0 && u->protocol == PROTOCOL_CARP)
		n->skew = rank;
	else if (rank != 0)
		n->priority = rank;
}

static inline void
configure(struct world *w)
{
	const struct setup *u = &w->setup;
	struct conf_pair *p = &trace_blob.p;
	uint32_t interval_ms = u->interval_ms != 0 ? u->interval_ms : 1000;
	uint8_t i, nodes = u->nodes != 0 ? u->nodes : 2;

	memset(&trace_blob, 0, sizeof(trace_blob));
	trace_blob.c.npairs = 1;
	trace_blob.c.naddrs = 1;
	trace_blob.c.nnodes = nodes;
	p->naddrs = 1;
	p->nnodes = nodes;
	p->interval_ms = interval_ms;
	p->claim_spacing_ms = interval_ms / 4 < 20 ? interval_ms / 4 : 20;
	p->flap_window_ms = 600000;
	p->flap_limit = u->flap_limit != 0 ? u->flap_limit : 3;
	p->protocol = (uint8_t)u->protocol;
	p->vhid = 94;
	p->auth_mode = u->receive_only ? AUTH_RECEIVE_ONLY : AUTH_ENFORCE;
	p->preempt = u->preempt;
	p->has_keys = !u->plain;
	p->service.kind = u->service ? SERVICE_UNIT : SERVICE_NONE;
	for (i = 0; i < nodes; i++)
		trace_node(u, i);
	election_configure(&w->cfg, &trace_blob.c, p, u->self);
}

static inline void say(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline void
say(struct world *w, const char *fmt, ...)
{
	size_t len = strlen(w->log);
	int64_t us = (w->now.ns - EPOCH_MS * NS_PER_MS) / NS_PER_US;
	va_list ap;

	ck_assert_uint_lt(len, sizeof(w->log) - 200);
	len += (size_t)snprintf(w->log + len, sizeof(w->log) - len,
	    us % 1000 != 0 ? "%lld.%03lld " : "%lld ", (long long)us / 1000,
	    (long long)us % 1000);
	va_start(ap, fmt);
	len += (size_t)vsnprintf(w->log + len, sizeof(w->log) - len, fmt, ap);
	va_end(ap);
	w->log[len++] = '\n';
	w->log[len] = '\0';
}

static inline void
later(struct world *w, struct event ev)
{
	ck_assert_uint_lt(w->npending, PENDING_MAX);
	ev.now = w->now;
	w->pending[w->npending++] = ev;
}

static inline void feed_one(struct world *w, struct event ev);

static inline void
trace_send(struct world *w, const struct action *a)
{
	char rank[32];
	bool soft = (a->send.flags & TRAILER_SOFT) != 0;
	bool now = (a->send.flags & TRAILER_GO_NOW) != 0;

	if (w->cfg.protocol == PROTOCOL_CARP)
		snprintf(rank, sizeof(rank), "%u/%u%s", a->send.carp_base,
		    a->send.carp_skew, a->send.carp_demote ? " demoted" : "");
	else
		snprintf(rank, sizeof(rank), "%u", a->send.priority);
	say(w, "send %s term %u%s%s", rank, a->send.term, soft ? " soft" : "",
	    now ? " go-now" : "");
	election_fill_advert(&w->cfg, a, 94, &w->out);
	w->out_new = !w->sends_fail;
	feed_one(w, (struct event){ .type = EVENT_SENT,
	    .sent = { .ok = !w->sends_fail } });
}

static inline void
trace_hold(struct world *w, const struct action *a)
{
	bool renew = a->type == ELECTION_RENEW;

	ck_assert_int_eq(a->hold.advert.ns, w->now.ns);
	ck_assert_uint_eq(a->hold.lease_s, w->cfg.lease_s);
	if (!renew || w->show_renew)
		say(w, renew ? "renew" : "hold");
	if (!renew || w->lease_until.ns > w->now.ns)
		w->lease_until = mono_after(w->now,
		    w->cfg.lease_longest_ns);
	if (!w->mute_actuator)
		later(w, (struct event){ .type = EVENT_HELD, .held = {
		    .ok = !w->holds_fail, .renew = renew,
		    .missing = renew && w->holds_fail,
		    .advert = a->hold.advert } });
}

static inline void
trace_action(struct world *w, const struct action *a)
{
	switch (a->type) {
	case ELECTION_SEND:
		trace_send(w, a);
		break;
	case ELECTION_HOLD:
	case ELECTION_RENEW:
		trace_hold(w, a);
		break;
	case ELECTION_RELEASE:
		say(w, "release");
		if (!w->mute_release)
			w->lease_until = MONO_NEVER;
		if (!w->mute_release)
			later(w, (struct event){ .type = EVENT_RELEASED,
			    .released = { .ordered = true } });
		break;
	case ELECTION_ANNOUNCE:
		say(w, "announce");
		break;
	case ELECTION_KEEP_TERM:
		if (w->show_keep)
			say(w, "keep term %u", a->keep.term);
		if (!w->mute_keeper)
			later(w, (struct event){ .type = EVENT_KEPT, .kept = {
			    .term = a->keep.term, .ok = !w->keeper_fails } });
		break;
	case ELECTION_SERVICE:
		say(w, "service %s term %u", a->service.run ? "run" : "stop",
		    a->service.term);
		if (!a->service.run && !w->mute_stop)
			later(w, (struct event){ .type = EVENT_SERVICE,
			    .service = { .state = SERVICE_STOPPED } });
		break;
	case ELECTION_ROLE:
		say(w, "%s -> %s, %s, term %u", role_name(a->role.old_role),
		    role_name(a->role.new_role), reason_name(a->role.reason),
		    a->role.term);
		break;
	case ELECTION_REFUSED:
		say(w, "refused %d", (int)a->refused.verdict);
		break;
	case ELECTION_LEFT:
		say(w, "left");
		break;
	}
}

static inline void
feed_one(struct world *w, struct event ev)
{
	struct actions out;
	uint32_t i;

	ev.now = w->now;
	election_step(&w->e, &w->cfg, &ev, &out);
	for (i = 0; i < out.n; i++)
		trace_action(w, &out.a[i]);
}

/* One event and all answers to what follows from it. */
static inline void
feed(struct world *w, struct event ev)
{
	feed_one(w, ev);
	while (w->npending > 0) {
		ev = w->pending[0];
		w->npending--;
		memmove(&w->pending[0], &w->pending[1],
		    w->npending * sizeof(ev));
		feed_one(w, ev);
	}
}

static inline int64_t
time_ns(double ms)
{
	return EPOCH_MS * NS_PER_MS + (int64_t)(ms * 1000 + 0.5) * NS_PER_US;
}

static inline double
now_ms(const struct world *w)
{
	return (double)(w->now.ns - EPOCH_MS * NS_PER_MS) / 1e6;
}

/* Jumps there without running timers: a freeze, or just the next event. */
static inline void
at(struct world *w, double ms)
{
	ck_assert_int_ge(time_ns(ms), w->now.ns);
	w->now.ns = time_ns(ms);
}

/* Lets the timers run until there. */
static inline void
until(struct world *w, double ms)
{
	mono_t due;

	for (;;) {
		due = election_deadline(&w->e);
		if (!mono_is_set(due) || due.ns > time_ns(ms))
			break;
		if (due.ns > w->now.ns)
			w->now = due;
		feed(w, (struct event){ .type = EVENT_TIMER });
	}
	at(w, ms);
}

static inline struct world *
boot_silent(struct setup u)
{
	struct world *w = calloc(1, sizeof(*w));

	w->setup = u;
	w->now.ns = time_ns(0);
	configure(w);
	election_init(&w->e);
	feed(w, (struct event){ .type = EVENT_START, .start = {
	    .term = u.term, .term_node = 0, .maintenance = u.maintenance,
	    .restarted = u.restarted } });
	return w;
}

#define boot(...) boot_world((struct setup){ __VA_ARGS__ })
static inline struct world *
boot_world(struct setup u)
{
	struct world *w = boot_silent(u);

	feed(w, (struct event){ .type = EVENT_LINK, .link = { .up = true } });
	w->log[0] = '\0';
	return w;
}

struct hear {
	uint8_t		node;
	bool		stranger;
	bool		plain;		/* no trailer */
	uint8_t		rank;		/* priority or skew; 0: the node's */
	uint8_t		base;		/* CARP, 0: as configured */
	uint8_t		demote;
	bool		resigns;
	uint32_t	term;
	uint8_t		flags;
	uint32_t	interval_ms;	/* 0: as configured */
	int64_t		age_ms;
	uint8_t		last_byte;	/* of its address; 0: the node's */
};

/* `hear(w, .node = 1, .term = 7)`: an advert of that node. */
#define hear(w, ...) hear_advert(w, (struct hear){ __VA_ARGS__ })
static inline void
hear_advert(struct world *w, struct hear h)
{
	const struct election_node *n = &w->cfg.node[h.node];
	bool carp = w->cfg.protocol == PROTOCOL_CARP;
	struct advert a = {
		.protocol = w->cfg.protocol, .family = 4, .vhid = 94,
		.priority = h.resigns ? 0 : h.rank ? h.rank : n->priority,
		.carp_skew = h.resigns ? 255 : h.rank ? h.rank : n->skew,
		.carp_base = (uint8_t)(h.resigns ? 255 : h.base ? h.base :
		    w->cfg.interval_ns / NS_PER_S),
		.carp_demote = h.demote,
		.interval_ms = h.interval_ms ? h.interval_ms :
		    (uint32_t)(w->cfg.interval_ns / NS_PER_MS),
	};
	struct event ev = { .type = EVENT_ADVERT, .advert = {
	    .advert = &a, .age_ns = h.age_ms * NS_PER_MS,
	    .node = h.stranger ? ELECTION_NODE_NONE : h.node } };

	if (!carp)
		a.carp_skew = a.carp_base = 0;
	if (!h.plain && !n->foreign && !h.stranger && !w->setup.plain) {
		a.auth = AUTH_GOOD;
		a.trailer = (struct trailer){ .type = TRAILER_OWN,
		    .node = n->id, .term = h.term, .flags = h.flags };
	}
	ev.advert.src = n->address;
	if (h.last_byte != 0)
		ev.advert.src.byte[3] = h.last_byte;
	feed(w, ev);
}

static inline void
saw(struct world *w, const char *lines)
{
	ck_assert_str_eq(w->log, lines);
	w->log[0] = '\0';
}

static inline void
forget(struct world *w)
{
	w->log[0] = '\0';
}

static inline bool
has(const struct world *w, const char *text)
{
	return strstr(w->log, text) != NULL;
}

/* Boots and lets the down timer make it active, alone. */
#define active(...) active_world((struct setup){ __VA_ARGS__ })
static inline struct world *
active_world(struct setup u)
{
	struct world *w = boot_world(u);
	double ms = 0;

	while (w->e.state != STATE_ACTIVE) {
		until(w, ms += 1);
		ck_assert_double_lt(ms, 200000);
	}
	forget(w);
	return w;
}

/* Boots as a standby of node `node`, heard at 1000 ms in term 7. */
#define standby(...) standby_world((struct setup){ __VA_ARGS__ })
static inline struct world *
standby_world(struct setup u)
{
	struct world *w = boot_world(u);

	until(w, 1000);
	hear(w, .node = (uint8_t)(u.self == 0 ? 1 : 0), .term = 7);
	ck_assert_int_eq(election_role(&w->e), ROLE_STANDBY);
	forget(w);
	return w;
}

static inline void
event(struct world *w, enum event_type type)
{
	feed(w, (struct event){ .type = type });
}

static inline void
service(struct world *w, enum service_state state)
{
	feed(w, (struct event){ .type = EVENT_SERVICE,
	    .service = { .state = state } });
}

static inline void
maintenance(struct world *w, bool on)
{
	feed(w, (struct event){ .type = EVENT_MAINTENANCE,
	    .maintenance = { .on = on } });
}

static inline void
data(struct world *w, bool ready)
{
	feed(w, (struct event){ .type = EVENT_DATA,
	    .data = { .ready = ready } });
}

static inline void
link_is(struct world *w, bool up)
{
	feed(w, (struct event){ .type = EVENT_LINK, .link = { .up = up } });
}

#define partner_says(w, ...) partner_word(w, (struct event){ \
    .type = EVENT_WORD, .word = { __VA_ARGS__ } })
static inline void
partner_word(struct world *w, struct event ev)
{
	feed(w, ev);
}

/* The end of each program: runs the cases, 0 when all passed. */
static inline int
run_cases(const char *name, const TTest *const *cases, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr;
	size_t i;
	int failed;

	for (i = 0; i < n; i++)
		tcase_add_test(tc, cases[i]);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
