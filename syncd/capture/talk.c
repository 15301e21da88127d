/* SPDX-License-Identifier: ISC */

/*
 * The capture room's two channels.  What comes is checked against the
 * configuration and noted; nothing but PING is answered here.
 */

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "pairs.h"

static void	mirror_ready(int, short, void *);

static struct pair *
pair_of(const struct msg_head *h)
{
	uint32_t i;

	for (i = 0; i < room.npairs; i++)
		if (room.pair[i].index == h->pair)
			return &room.pair[i];
	fatalx("capture: %s for a pair without sync", ipc_name(h->type));
}

bool
talk_supervisor(struct capture_room *r, const union msg *m)
{
	return ipc_send(&r->supervisor, m, -1) == IPC_OK;
}

bool
talk_mirror(struct capture_room *r, const union msg *m)
{
	return r->mirror.fd != -1 && ipc_send(&r->mirror, m, -1) == IPC_OK;
}

static void
answer(uint16_t type)
{
	const union msg m = { .head = {
		.type = type, .serial = room.conf.serial,
	} };

	(void)talk_supervisor(&room, &m);
}

void
talk_left(struct capture_room *r)
{
	if (r->supervisor.fd != -1)
		answer(MSG_LEFT);
}

/* ---- mirror -------------------------------------------------------------- */

static void
hear_word(struct pair *p, const struct msg_word *w)
{
	if (w->self_id > EPOCH_NODE_MAX || w->term > INT32_MAX)
		fatalx("capture: word out of range");
	p->has_word = w->self != LINK_SELF_NONE;
	p->word = *w;
}

static void
hear_ask(struct pair *p, const struct msg_ask *a)
{
	if (a->kind == 0 || a->kind >= ASK_KINDS)
		fatalx("capture: a question out of range");
	/* More than fit: who asked sees no answer and asks again. */
	if (p->nasks < ASKS_MAX)
		p->ask[p->nasks++] = *a;
}

static void
mirror_says(const union msg *m, int fd)
{
	struct pair *p;

	if (fd != -1)
		(void)close(fd);
	room.heard = true;
	if (m->head.serial != room.conf.serial) {
		log_debug("capture: late %s dropped", ipc_name(m->head.type));
		return;
	}
	p = pair_of(&m->head);
	switch (m->head.type) {
	case MSG_WORD:
		hear_word(p, &m->word);
		break;
	case MSG_JOB:
		if (m->job.kind != JOB_BEGIN && m->job.kind != JOB_WRITE &&
		    m->job.kind != JOB_END)
			fatalx("capture: job %u is not ours", m->job.kind);
		/* The mirror asks one at a time; the last word counts. */
		p->job = m->job;
		p->job_waits = true;
		p->job_came = mono_now();
		break;
	case MSG_ASK:
		hear_ask(p, &m->ask);
		break;
	default:
		fatalx("capture: unexpected %s", ipc_name(m->head.type));
	}
}

/* Who asked is gone: the next mirror asks again. */
static void
mirror_gone(void)
{
	uint32_t i;

	if (room.mirror.fd == -1)
		return;
	loop_del(&room.loop, room.mirror.fd);
	(void)close(room.mirror.fd);
	room.mirror.fd = -1;
	for (i = 0; i < room.npairs; i++)
		room.pair[i].job_waits = false;
}

static void
mirror_attach(int fd)
{
	uint32_t i;

	mirror_gone();
	room.mirror.fd = fd;
	if (!loop_add(&room.loop, fd, POLLIN, mirror_ready, NULL))
		fatalx("capture: no place for the mirror's channel");
	for (i = 0; i < room.npairs; i++)
		room.pair[i].tell = true;
}

static void
mirror_ready(int fd, short revents, void *arg)
{
	(void)fd;
	(void)revents;
	(void)arg;
	ipc_drain(&room.mirror, mirror_says, mirror_gone, NULL);
}

/* ---- supervisor ---------------------------------------------------------- */

static void
supervisor_says(const union msg *m, int fd)
{
	room.heard = true;
	switch (m->head.type) {
	case MSG_PING:
		answer(MSG_PONG);
		break;
	case MSG_LEAVE:
		room.leaving = true;
		break;
	case MSG_NEIGHBOUR:
		if (m->neighbour.room != ROOM_MIRROR)
			fatalx("capture: channel to a room that is no "
			    "neighbour");
		mirror_attach(fd);
		return;
	case MSG_JOB_DONE:
		if (m->job_done.kind != JOB_FILL)
			fatalx("capture: job %u was not asked for",
			    m->job_done.kind);
		fill_done(pair_of(&m->head), &m->job_done);
		break;
	case MSG_SNAPPED:
	case MSG_SNAP_FAILED:
		snap_answer(pair_of(&m->head), &m->snapped, fd);
		return;
	case MSG_CONF:
	case MSG_SWITCH:
		/* A new configuration comes with a new process. */
		log_debug("capture: %s passed over", ipc_name(m->head.type));
		break;
	default:
		fatalx("capture: unexpected %s", ipc_name(m->head.type));
	}
	if (fd != -1)
		(void)close(fd);
}

static void
supervisor_gone(void)
{
	loop_del(&room.loop, room.supervisor.fd);
	(void)close(room.supervisor.fd);
	room.supervisor.fd = -1;
	room.leaving = true;
}

static void
supervisor_ready(int fd, short revents, void *arg)
{
	(void)fd;
	(void)revents;
	(void)arg;
	ipc_drain(&room.supervisor, supervisor_says, supervisor_gone, NULL);
}

void
talk_start(struct capture_room *r)
{
	r->supervisor = (struct channel){
		ROOM_FD_SUPERVISOR, ROOM_CAPTURE, ROOM_SUPERVISOR,
	};
	r->mirror = (struct channel){ -1, ROOM_CAPTURE, ROOM_MIRROR };
	(void)loop_add(&r->loop, ROOM_FD_SUPERVISOR, POLLIN,
	    supervisor_ready, NULL);
	mirror_attach(ROOM_FD_PEER);
}

void
talk_drain(struct capture_room *r)
{
	if (r->supervisor.fd != -1)
		ipc_drain(&r->supervisor, supervisor_says, supervisor_gone,
		    NULL);
	if (r->mirror.fd != -1)
		ipc_drain(&r->mirror, mirror_says, mirror_gone, NULL);
}

void
talk_wait(struct capture_room *r, mono_t until)
{
	struct pollfd fd[] = {
		{ .fd = r->supervisor.fd, .events = POLLIN },
		{ .fd = r->mirror.fd, .events = POLLIN },
	};
	int64_t left = mono_span_ns(mono_now(), until);
	struct timespec t;

	if (left < 0)
		left = 0;
	t = (struct timespec){
		.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S,
	};
	(void)ppoll(fd, 2, &t, NULL);
	talk_drain(r);
}
