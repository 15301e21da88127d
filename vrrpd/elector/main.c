/* SPDX-License-Identifier: ISC */

/*
 * Elector: user _vrrpd, no capability, empty root, 14 system calls.  Hears
 * adverts, runs the election of each pair, says what is to be done.  Must
 * never block, allocate, or die of anything that comes from the network or
 * from a client; what comes on a channel and is not in the table is fatal.
 *
 * One turn: channels and sockets are drained, then timers are looked at,
 * then strangers' frames, then clients.  While a socket is flooded, our own
 * adverts are looked at every few frames.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "elector.h"
#include "hmac.h"
#include "room.h"
#include "version.h"

/*
 * More than the queue of a socket holds: what came before a timer was due
 * has been read when it is looked at.
 */
#define DRAIN_ROUNDS	64
#define DRAIN_FRAMES	16

#define FDS_MAX		(4 + 2 * PORTS_MAX + LISTENERS + CLIENTS_MAX)

/* The poll set of one turn, and where each part of it begins. */
struct turn {
	struct pollfd	fd[FDS_MAX];
	uint32_t	n;
	uint32_t	port_at[PORTS_MAX];	/* advert; stray follows */
	uint32_t	listener_at[LISTENERS];
	uint32_t	client_at[CLIENTS_MAX];
};

static struct elector room;

static uint32_t
watch(struct turn *t, int fd, short events)
{
	t->fd[t->n] = (struct pollfd){ .fd = fd, .events = events };
	return t->n++;
}

static void
watch_all(struct elector *el, struct turn *t)
{
	uint32_t i;
	bool quiet;

	t->n = 0;
	(void)watch(t, el->supervisor.fd, POLLIN);
	(void)watch(t, el->actuator.fd, POLLIN);
	(void)watch(t, el->keeper.fd, POLLIN);
	(void)watch(t, el->mirror.fd, POLLIN);
	for (i = 0; i < el->ports_top; i++) {
		if (el->port[i].ifindex == 0)
			continue;
		t->port_at[i] = watch(t, el->port[i].advert, POLLIN);
		quiet = mono_is_set(el->port[i].stray_next) &&
		    !mono_reached(el->now, el->port[i].stray_next);
		(void)watch(t, quiet ? -1 : el->port[i].stray, POLLIN);
	}
	for (i = 0; i < LISTENERS; i++)
		t->listener_at[i] = watch(t, el->listener[i], POLLIN);
	for (i = 0; i < el->clients_top; i++)
		if (el->client[i].phase != CLIENT_FREE)
			t->client_at[i] = watch(t, el->client[i].fd,
			    control_events(&el->client[i]));
}

static mono_t
next_deadline(const struct elector *el)
{
	mono_t due = control_due(el);
	uint32_t i;

	for (i = 0; i < el->conf->npairs; i++)
		due = mono_first(due, (mono_t){ el->due[i] });
	for (i = 0; i < el->ports_top; i++)
		if (el->port[i].ifindex != 0)
			due = mono_first(due, el->port[i].stray_next);
	if (!el->stored)
		due = mono_first(due, mono_after(el->began, KEEPER_WAIT_NS));
	return due;
}

static void
wait_for(struct elector *el, struct turn *t)
{
	const mono_t due = next_deadline(el);
	struct timespec ts, *limit = NULL;
	int64_t ns;

	clock_read(el);
	if (mono_is_set(due)) {
		ns = mono_span_ns(el->now, due);
		if (ns < 0)
			ns = 0;
		ts.tv_sec = ns / NS_PER_S;
		ts.tv_nsec = ns % NS_PER_S;
		limit = &ts;
	}
	if (ppoll(t->fd, t->n, limit, NULL) == -1) {
		if (errno != EINTR && errno != ENOMEM)
			fatal("ppoll");
		for (uint32_t i = 0; i < t->n; i++)
			t->fd[i].revents = 0;
	}
	el->wall_stepped = false;
	clock_read(el);
}

/* Timers of all pairs, or only of those that send adverts now. */
static void
timers(struct elector *el, bool only_active)
{
	uint32_t i;

	clock_read(el);
	for (i = 0; i < el->conf->npairs; i++) {
		struct pair *p;

		if (!mono_reached(el->now, (mono_t){ el->due[i] }))
			continue;
		p = pair_at(el, i);
		if (!only_active || (p->election.state == STATE_ACTIVE &&
		    !election_wants_hold(&p->election)))
			pair_timers(el, p);
	}
}

/*
 * A standby's timer must not run out over adverts that lie unread; an
 * active's adverts must not wait for a flood to end, unless one brings the
 * address back.
 */
static void
drain_port(struct elector *el, struct port *port)
{
	int i;

	for (i = 0; i < DRAIN_ROUNDS; i++) {
		if (!advert_read(el, port, DRAIN_FRAMES))
			return;
		timers(el, true);
	}
}

static void
drain_ports(struct elector *el, const struct turn *t)
{
	uint32_t i;

	for (i = 0; i < el->ports_top; i++) {
		struct port *port = &el->port[i];

		if (port->ifindex == 0 || t->port_at[i] == 0)
			continue;
		/* Another one since, or empty when poll came back. */
		if (t->fd[t->port_at[i]].fd != port->advert)
			continue;
		if (t->fd[t->port_at[i]].revents == 0)
			port->emptied = el->now;
		else
			drain_port(el, port);
	}
}

static void
read_strays(struct elector *el, const struct turn *t)
{
	uint32_t i;

	for (i = 0; i < el->ports_top; i++) {
		struct port *port = &el->port[i];

		if (port->ifindex == 0 || t->port_at[i] == 0)
			continue;
		if (mono_reached(el->now, port->stray_next))
			port->stray_next = MONO_NEVER;
		if (t->fd[t->port_at[i] + 1].fd == port->stray &&
		    t->fd[t->port_at[i] + 1].revents != 0)
			stray_read(el, port);
	}
}

static void
serve_clients(struct elector *el, const struct turn *t)
{
	uint32_t i;

	for (i = 0; i < el->clients_top; i++) {
		struct client *c = &el->client[i];

		if (c->phase == CLIENT_FREE || t->client_at[i] == 0)
			continue;
		if (t->fd[t->client_at[i]].revents != 0)
			control_serve(el, c, t->fd[t->client_at[i]].revents);
	}
	control_timers(el);
	for (i = 0; i < LISTENERS; i++)
		if (el->listener[i] != -1 &&
		    t->fd[t->listener_at[i]].fd == el->listener[i] &&
		    t->fd[t->listener_at[i]].revents != 0)
			control_accept(el, (int)i);
}

static void
leave_when_done(struct elector *el)
{
	union msg m = { .head = head_for(el, MSG_LEFT, NULL) };
	uint32_t i;

	if (!el->leaving)
		return;
	for (i = 0; i < el->conf->npairs; i++)
		if (!pair_at(el, i)->left)
			return;
	for (i = 0; i < el->conf->npairs; i++)
		keep_floors(el, pair_at(el, i), true);
	(void)tell(el, &el->supervisor, &m);
	_exit(0);
}

/* The keeper is silent: the address matters more than its numbers. */
static void
check_keeper(struct elector *el)
{
	uint32_t i;

	if (el->stored ||
	    mono_span_ns(el->began, el->now) < KEEPER_WAIT_NS)
		return;
	log_warnx("keeper: gives no stored numbers, starting without them");
	el->keeper_late = true;
	el->stored = true;
	for (i = 0; i < el->conf->npairs; i++)
		pair_begin(el, pair_at(el, i));
}

static void
turn(struct elector *el)
{
	struct turn t;
	const int channel[] = {
		el->supervisor.fd, el->actuator.fd, el->keeper.fd,
		el->mirror.fd,
	};

	memset(t.port_at, 0, sizeof(t.port_at));
	memset(t.client_at, 0, sizeof(t.client_at));
	watch_all(el, &t);
	wait_for(el, &t);
	if (t.fd[0].revents != 0)
		channel_drain(el, &el->supervisor);
	if (t.fd[1].revents != 0 && el->actuator.fd == channel[1])
		channel_drain(el, &el->actuator);
	if (t.fd[2].revents != 0 && el->keeper.fd == channel[2])
		channel_drain(el, &el->keeper);
	if (t.fd[3].revents != 0 && el->mirror.fd == channel[3])
		channel_drain(el, &el->mirror);
	drain_ports(el, &t);
	timers(el, false);
	check_keeper(el);
	leave_when_done(el);
	read_strays(el, &t);
	serve_clients(el, &t);
}

static void
channel_set(struct channel *ch, int fd, enum room peer)
{
	ch->fd = fd;
	ch->self = ROOM_ELECTOR;
	ch->peer = peer;
}

static void
start(struct elector *el)
{
	uint32_t i;

	channel_set(&el->supervisor, ROOM_FD_SUPERVISOR, ROOM_SUPERVISOR);
	channel_set(&el->actuator, ROOM_FD_PEER, ROOM_ACTUATOR);
	channel_set(&el->keeper, ROOM_FD_KEEPER, ROOM_KEEPER);
	channel_set(&el->mirror, -1, ROOM_MIRROR);
	for (i = 0; i < LISTENERS; i++)
		el->listener[i] = -1;
	for (i = 0; i < CLIENTS_MAX; i++)
		el->client[i].fd = -1;
	for (i = 0; i < PORTS_MAX; i++)
		el->port[i].advert = el->port[i].stray = -1;
	clock_read(el);
	el->wall_stepped = false;
	el->began = el->mirror_gone = el->now;
	el->unfiltered = VIPAIR_SANITIZED;
	el->realtime = room_is_realtime();
	conf_start(el);
}

int
main(int argc, char **argv)
{
	const struct room_rights rights = {
		.chroot_empty = true,
		.realtime = true,
		.lock_memory = true,
		.files_max = FILES_MAX,
	};

	room_enter(ROOM_ELECTOR, argc, argv);
	hmac_start();
	room_drop(&rights);
	start(&room);
	filter_on();
	for (;;)
		turn(&room);
}
