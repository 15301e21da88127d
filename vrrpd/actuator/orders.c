/* SPDX-License-Identifier: ISC */

/*
 * Actuator: what elector and supervisor say.  All that comes is a number
 * that is checked against the configuration; a message out of the table is
 * a hostile neighbour and the end of this process, after it let go.
 */

#include <unistd.h>

#include "actuator.h"

#define FAREWELL_LATE_NS	(250 * NS_PER_MS)
#define LATE_ORDER_NS		(20 * NS_PER_MS)
#define ANNOUNCE_AGAIN_NS	NS_PER_S
#define ANNOUNCE_PAUSE_NS	(100 * NS_PER_MS)	/* whatever is ordered */
#define LEASE_MAX_S		3	/* the longest the core asks for */

/* To the elector; a full queue is its own trouble: it misses an answer. */
void
tell(const union msg *m)
{
	if (ac.elector.fd != -1)
		(void)ipc_send(&ac.elector, m, -1);
}

/*
 * Ends the hold of a pair: the addresses go first, then the farewell may
 * say so, then the elector hears of it.  Long past the lease it was us who
 * slept: no words are the last then, and the elector did not hang.
 */
void
let_go(uint32_t pair, enum release_cause cause, bool farewell)
{
	struct pair_state *ps = &ac.pair[pair];
	const bool slept = mono_span_ns(ps->lease_end, mono_now()) >=
	    FAREWELL_LATE_NS;
	union msg m = { .released = {
		.head = { MSG_RELEASED, (uint16_t)pair, ac.conf.serial },
		.cause = cause,
	} };

	ps->held = false;
	ps->announce_at = MONO_NEVER;
	addresses_remove(pair);
	if (farewell && !slept)
		frames_send(ps->link.ifindex, ps->farewell, ps->farewell_len);
	ps->farewell_len = 0;
	tell(&m);
	if (cause != RELEASE_LEASE || slept)
		return;
	log_warnx("%s: no renewal within the lease, address removed",
	    conf_string(&ac.conf, conf_pair(&ac.conf, pair)->name));
	/* Its last words are said: no more of its orders. */
	ac.deaf = true;
	m.head.type = MSG_STALLED;
	(void)ipc_send(&ac.supervisor, &m, -1);
}

/* Whoever gives the orders is gone: every address goes, with its words. */
static void
let_go_all(void)
{
	for (uint32_t i = 0; i < ac.conf.npairs; i++)
		if (ac.pair[i].held)
			let_go(i, RELEASE_ORDERED, true);
}

static void
keep_farewell(struct pair_state *ps, const struct msg_renew *r)
{
	ps->farewell_len = farewell_frame(r->farewell, r->farewell_len,
	    ps->link.mac, ps->farewell);
}

/* Now, unless that was a moment ago, and again in a second. */
static void
announce(uint32_t pair, mono_t now)
{
	struct pair_state *ps = &ac.pair[pair];

	if (mono_span_ns(ps->announced, now) >= ANNOUNCE_PAUSE_NS) {
		ps->announced = now;
		frames_announce(pair);
	}
	ps->announce_at = mono_after(now, ANNOUNCE_AGAIN_NS);
}

/* HOLD puts addresses up; RENEW keeps those that are there. */
static void
hold(const struct msg_renew *r, struct pair_state *ps, struct msg_held *held)
{
	const uint32_t naddrs = conf_pair(&ac.conf, r->head.pair)->naddrs;
	const bool add = r->head.type == MSG_HOLD;
	const mono_t now = mono_now(), advert = { r->advert_ns };
	const int64_t age = mono_span_ns(advert, now);

	held->refused_late = age < 0 || age > LATE_ORDER_NS;
	held->missing = naddrs;
	/* What is found there after a restart may be renewed as well. */
	if (held->refused_late || (!add && !ps->held &&
	    addresses_present(r->head.pair) == 0))
		return;
	held->error = addresses_hold(r->head.pair, r->lease_s, add);
	held->missing = naddrs - addresses_present(r->head.pair);
	held->ok = held->error == 0 && held->missing == 0;
	ps->held = true;
	ps->lease_end = mono_after(advert, r->lease_s * NS_PER_S);
	keep_farewell(ps, r);
	if (add && held->ok)
		announce(r->head.pair, now);
}

static void
do_hold(const struct msg_renew *r)
{
	union msg m = { .held = {
		.head = { MSG_HELD, r->head.pair, ac.conf.serial },
		.advert_ns = r->advert_ns,
		.order = r->head.type,
	} };

	if (r->lease_s < 1 || r->lease_s > LEASE_MAX_S)
		fatalx("elector orders a lease of %u s", r->lease_s);
	hold(r, &ac.pair[r->head.pair], &m.held);
	tell(&m);
}

static void
elector_says(const union msg *m, int fd)
{
	const uint32_t pair = m->head.pair;

	(void)fd;		/* the table lets none come from there */
	/* A serial that is not ours: on its way when it changed. */
	if (ac.deaf || m->head.serial != ac.conf.serial)
		return;
	if (pair >= ac.conf.npairs)
		fatalx("elector orders %s for pair %u of %u",
		    ipc_name(m->head.type), pair, ac.conf.npairs);
	switch (m->head.type) {
	case MSG_HOLD:
	case MSG_RENEW:
		do_hold(&m->renew);
		break;
	case MSG_WORDS:
		if (ac.pair[pair].held)
			keep_farewell(&ac.pair[pair], &m->renew);
		break;
	case MSG_RELEASE:
		let_go(pair, RELEASE_ORDERED, false);
		break;
	case MSG_ANNOUNCE:
		if (ac.pair[pair].held)
			announce(pair, mono_now());
		break;
	}
}

static void
elector_gone(void)
{
	if (ac.elector.fd == -1)
		return;
	(void)close(ac.elector.fd);
	ac.elector.fd = -1;
	let_go_all();
}

/*
 * Another elector.  What the last one still said counts, its last words
 * above all; its end does only when nobody had planned it.
 */
static void
elector_new(bool planned, int fd)
{
	ipc_drain(&ac.elector, elector_says, planned ? NULL : elector_gone,
	    let_go_all);
	if (!planned)
		elector_gone();
	if (ac.elector.fd != -1)
		(void)close(ac.elector.fd);
	ac.elector.fd = fd;
	ac.deaf = false;
	links_tell(true);
}

static void
supervisor_says(const union msg *m, int fd)
{
	union msg answer = { .head = { MSG_PONG, 0, ac.conf.serial } };

	switch (m->head.type) {
	case MSG_NEIGHBOUR:
		elector_new(m->neighbour.planned != 0, fd);
		return;
	case MSG_LEAVE:
		elector_read();
		let_go_all();
		answer.head.type = MSG_LEFT;
		(void)ipc_send(&ac.supervisor, &answer, -1);
		_exit(0);
	case MSG_PING:
		(void)ipc_send(&ac.supervisor, &answer, -1);
		return;
	}
}

static void
supervisor_gone(void)
{
	elector_read();
	let_go_all();
	_exit(0);
}

void
elector_read(void)
{
	ipc_drain(&ac.elector, elector_says, elector_gone, let_go_all);
}

void
supervisor_read(void)
{
	ipc_drain(&ac.supervisor, supervisor_says, supervisor_gone,
	    let_go_all);
}
