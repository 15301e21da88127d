/* SPDX-License-Identifier: ISC */

/*
 * Elector: the clients of control.sock and status.sock.  A client may be
 * slow, hostile or one of thousands: there are so many places, so many bytes
 * and so many seconds for each, and no call here ever blocks.  Served last
 * in a turn, behind everything that the election needs.
 */

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "elector.h"

#define CLIENT_LIMIT_NS	(5 * NS_PER_S)	/* to ask, and between reads */
#define ACCEPT_BATCH	4

static void
drop(struct client *c)
{
	(void)close(c->fd);
	c->fd = -1;
	c->phase = CLIENT_FREE;
}

static uint32_t
count_uid(const struct elector *el, bool control, uid_t uid)
{
	uint32_t i, n = 0;

	for (i = 0; i < CLIENTS_MAX; i++)
		n += el->client[i].phase != CLIENT_FREE &&
		    el->client[i].control == control &&
		    el->client[i].uid == uid;
	return n;
}

/* Those who still ask, or only follow, before those being answered. */
static bool
goes_before(const struct elector *el, const struct client *a,
    const struct client *b)
{
	uint32_t na = count_uid(el, a->control, a->uid);
	uint32_t nb = count_uid(el, b->control, b->uid);
	bool idle_a = a->phase != CLIENT_ANSWERED;
	bool idle_b = b->phase != CLIENT_ANSWERED;

	if (na != nb)
		return na > nb;
	if (idle_a != idle_b)
		return idle_a;
	return a->since.ns < b->since.ns;
}

/* A free place; or that of the oldest idle one of the most numerous user. */
static struct client *
find_place(struct elector *el, bool control)
{
	struct client *c, *victim = NULL;
	uint32_t i, n = 0;

	for (i = 0; i < CLIENTS_MAX; i++) {
		c = &el->client[i];
		if (c->phase == CLIENT_FREE || c->control != control)
			continue;
		n++;
		if (victim == NULL || goes_before(el, c, victim))
			victim = c;
	}
	if (n >= CTL_CLIENTS_MAX) {
		drop(victim);
		return victim;
	}
	for (i = 0; i < CLIENTS_MAX; i++)
		if (el->client[i].phase == CLIENT_FREE)
			return &el->client[i];
	return NULL;
}

static void
accept_one(struct elector *el, int fd, bool control)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	struct client *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    (c = find_place(el, control)) == NULL) {
		(void)close(fd);
		return;
	}
	if (c >= el->client + el->clients_top)
		el->clients_top = (uint32_t)(c - el->client) + 1;
	c->fd = fd;
	c->phase = CLIENT_ASKING;
	c->control = control;
	c->uid = cred.uid;
	c->since = el->now;
	c->limit = mono_after(el->now, CLIENT_LIMIT_NS);
	c->rq_len = 0;
	c->out_at = c->out_len = 0;
}

void
control_accept(struct elector *el, int which)
{
	int i, fd;

	for (i = 0; i < ACCEPT_BATCH; i++) {
		fd = accept4(el->listener[which], NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		accept_one(el, fd, which == 1);
	}
}

static uint32_t
room_left(const struct client *c)
{
	return CLIENT_OUT_MAX - c->out_len;
}

static void
put(struct client *c, const void *record, size_t size)
{
	assert(size <= room_left(c));
	memcpy(c->out + c->out_len, record, size);
	c->out_len += (uint32_t)size;
}

/* Room for it, after moving what is left to the front. */
static bool
make_room(struct client *c, size_t size)
{
	if (room_left(c) >= size)
		return true;
	memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
	c->out_len -= c->out_at;
	c->out_at = 0;
	return room_left(c) >= size;
}

static void
put_end(struct client *c)
{
	const struct ctl_head end = {
		.type = CTL_END, .size = sizeof(end),
	};

	put(c, &end, sizeof(end));
}

static void
fill(struct elector *el, struct client *c)
{
	_Alignas(8) uint8_t record[RECORD_MAX];
	size_t n;

	while (!c->cur.done && make_room(c, RECORD_MAX)) {
		n = status_next(el, &c->cur, record);
		if (n > 0)
			put(c, record, n);
		else if (c->phase == CLIENT_ANSWERED)
			put_end(c);
	}
}

static void
flush(struct elector *el, struct client *c)
{
	ssize_t n;

	while (c->out_at < c->out_len) {
		n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			drop(c);
			return;
		}
		c->out_at += (uint32_t)n;
		c->limit = mono_after(el->now, CLIENT_LIMIT_NS);
	}
	c->out_at = c->out_len = 0;
	if (c->phase == CLIENT_ANSWERED && c->cur.done)
		drop(c);
	else if (c->phase == CLIENT_FOLLOWING)
		c->limit = MONO_NEVER;
}

static void
answer_result(struct client *c, const struct ctl_result *r)
{
	c->phase = CLIENT_ANSWERED;
	c->cur.done = true;
	put(c, r, sizeof(*r));
	put_end(c);
}

static void
bad_request(struct client *c)
{
	const struct ctl_result r = {
		.head = { .type = CTL_RESULT, .size = sizeof(r) },
		.code = CTL_BAD_REQUEST,
	};

	answer_result(c, &r);
}

static void
begin(struct elector *el, struct client *c)
{
	const struct ctl_request *rq = &c->rq;
	struct ctl_result r;

	c->cur = (struct cursor){ .command = rq->command };
	if (rq->pair == CTL_PAIR_ALL)
		c->cur.last = (uint16_t)el->conf->npairs;
	else if (rq->pair < el->conf->npairs) {
		c->cur.pair = rq->pair;
		c->cur.last = (uint16_t)(rq->pair + 1);
	}
	c->cur.serial = el->conf->serial;
	switch (rq->command) {
	case CTL_GET_STATUS:
	case CTL_GET_EVENTS:
	case CTL_GET_HISTORY:
		c->phase = CLIENT_ANSWERED;
		break;
	case CTL_SUBSCRIBE:
	case CTL_MONITOR:
		c->phase = CLIENT_FOLLOWING;
		break;
	default:
		r = operator_do(el, c);
		answer_result(c, &r);
		break;
	}
}

static bool
is_good(const struct elector *el, const struct ctl_request *rq)
{
	return rq->magic == CTL_MAGIC && rq->version == CTL_VERSION &&
	    memchr(rq->reason, '\0', sizeof(rq->reason)) != NULL &&
	    (rq->pair == CTL_PAIR_ALL || rq->pair < el->conf->npairs);
}

/* False when the client is gone. */
static bool
read_request(struct elector *el, struct client *c)
{
	uint8_t *at = (uint8_t *)&c->rq + c->rq_len;
	ssize_t n;

	do {
		n = recv(c->fd, at, sizeof(c->rq) - c->rq_len, MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		drop(c);
		return false;
	}
	c->rq_len += (uint32_t)n;
	/* Rubbish is seen by its first bytes. */
	if (c->rq_len >= 8 && (c->rq.magic != CTL_MAGIC ||
	    c->rq.version != CTL_VERSION))
		bad_request(c);
	else if (c->rq_len == sizeof(c->rq) && !is_good(el, &c->rq))
		bad_request(c);
	else if (c->rq_len == sizeof(c->rq))
		begin(el, c);
	return true;
}

/* One who only listens has nothing to say; its hang-up is all we await. */
static bool
still_there(struct client *c)
{
	char byte[64];
	ssize_t n;

	n = recv(c->fd, byte, sizeof(byte), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	drop(c);
	return false;
}

void
control_serve(struct elector *el, struct client *c, short revents)
{
	if (revents & (POLLIN | POLLHUP | POLLERR)) {
		if (c->phase == CLIENT_ASKING && !read_request(el, c))
			return;
		if (c->phase == CLIENT_FOLLOWING && c->rq_len ==
		    sizeof(c->rq) && (revents & POLLOUT) == 0 &&
		    c->cur.done && !still_there(c))
			return;
	}
	if (c->phase == CLIENT_ASKING)
		return;
	fill(el, c);
	flush(el, c);
}

short
control_events(const struct client *c)
{
	if (c->phase == CLIENT_ASKING)
		return POLLIN;
	if (c->out_at < c->out_len || !c->cur.done)
		return POLLOUT;
	return POLLIN;
}

void
control_timers(struct elector *el)
{
	uint32_t i;

	for (i = 0; i < el->clients_top; i++)
		if (el->client[i].phase != CLIENT_FREE &&
		    mono_reached(el->now, el->client[i].limit))
			drop(&el->client[i]);
}

mono_t
control_due(const struct elector *el)
{
	mono_t due = MONO_NEVER;
	uint32_t i;

	for (i = 0; i < el->clients_top; i++)
		if (el->client[i].phase != CLIENT_FREE)
			due = mono_first(due, el->client[i].limit);
	return due;
}

/*
 * To one who follows.  Nothing is sent here: that is for the end of the
 * turn, when poll says that it can be taken.
 */
static void
push(struct elector *el, struct client *c, const void *record, size_t size,
    bool may_skip)
{
	if (!c->cur.done)
		return;
	if (make_room(c, size)) {
		put(c, record, size);
		if (!mono_is_set(c->limit))
			c->limit = mono_after(el->now, CLIENT_LIMIT_NS);
	} else if (!may_skip)
		drop(c);
}

static bool
follows(const struct client *c, uint16_t command)
{
	return c->phase == CLIENT_FOLLOWING && c->cur.command == command;
}

void
control_publish(struct elector *el, const struct ctl_event *e)
{
	struct client *c;
	uint32_t i;

	for (i = 0; i < el->clients_top; i++) {
		c = &el->client[i];
		if (!follows(c, CTL_SUBSCRIBE))
			continue;
		if (c->rq.pair == CTL_PAIR_ALL || e->head.pair ==
		    CTL_PAIR_ALL || e->head.pair == c->rq.pair)
			push(el, c, e, sizeof(*e), false);
	}
}

void
control_advert(struct elector *el, const struct port *port,
    const struct arrival *in, enum verdict v, enum auth_state auth)
{
	struct ctl_advert r;
	uint32_t i;

	for (i = 0; i < el->clients_top; i++)
		if (follows(&el->client[i], CTL_MONITOR))
			break;
	if (i == el->clients_top)
		return;
	memset(&r, 0, sizeof(r));
	r.head = (struct ctl_head){
		.type = CTL_ADVERT, .size = sizeof(r), .pair = CTL_PAIR_ALL,
	};
	r.wall_ns = in->wall_ns;
	r.ifindex = port->ifindex;
	r.verdict = (uint8_t)v;
	r.auth = (uint8_t)auth;
	r.len = (uint16_t)(in->len < sizeof(r.ip) ? in->len : sizeof(r.ip));
	memcpy(r.ip, in->ip, r.len);
	/* A flood would drop every monitor: what does not fit is left out. */
	for (; i < el->clients_top; i++)
		if (follows(&el->client[i], CTL_MONITOR))
			push(el, &el->client[i], &r, sizeof(r), true);
}
