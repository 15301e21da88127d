/* SPDX-License-Identifier: ISC */

/*
 * Elector: the supervisor's messages.  Its descriptors are ours from here.
 */

#include <unistd.h>

#include "elector.h"

static void
answer(struct elector *el, enum msg_type type)
{
	union msg m = { .head = head_for(el, type, NULL) };

	(void)tell(el, &el->supervisor, &m);
}

static void
take_neighbour(struct elector *el, const struct msg_neighbour *m, int fd)
{
	struct channel *ch;

	if (m->room == ROOM_ACTUATOR)
		ch = &el->actuator;
	else if (m->room == ROOM_KEEPER)
		ch = &el->keeper;
	else if (m->room == ROOM_MIRROR)
		ch = &el->mirror;
	else
		fatalx("supervisor: a channel to room %u", m->room);
	/* The old one's last words count. */
	channel_drain(el, ch);
	if (ch->fd != -1)
		(void)close(ch->fd);
	ch->fd = fd;
	note(el, NULL, &(struct ctl_event){
		.kind = CTL_EVENT_ROOM,
		.value = m->room,
	});
	if (m->room == ROOM_ACTUATOR)
		actuator_new(el);
	else if (m->room == ROOM_KEEPER)
		keeper_new(el);
	else
		mirror_new(el);
}

static void
take_listener(struct elector *el, const struct msg_listener *m, int fd)
{
	int *place = &el->listener[m->control != 0];

	if (*place != -1)
		(void)close(*place);
	*place = fd;
}

static void
no_socket(struct elector *el, const struct msg_socket *m)
{
	struct pair *p = pair_at(el, m->head.pair);

	p->socket_error = m->error;
}

/* Each pair hands over; the loop sees when all are through. */
static void
leave(struct elector *el)
{
	struct event ev = { .type = EVENT_LEAVE };
	uint32_t i;

	el->leaving = true;
	for (i = 0; i < el->conf->npairs; i++) {
		struct pair *p = pair_at(el, i);

		if (p->started)
			pair_step(el, p, &ev);
		else
			p->left = true;
	}
}

void
from_supervisor(struct elector *el, const union msg *m, int fd)
{
	switch (m->head.type) {
	case MSG_CONF:
	case MSG_SECRETS:
		conf_take(el, m, fd);
		break;
	case MSG_SWITCH:
		conf_switch(el, m->head.serial);
		break;
	case MSG_NEIGHBOUR:
		take_neighbour(el, &m->neighbour, fd);
		break;
	case MSG_LEAVE:
		leave(el);
		break;
	case MSG_PING:
		answer(el, MSG_PONG);
		break;
	case MSG_SOCKET:
		if (!port_take(el, &m->socket, fd))
			(void)close(fd);
		break;
	case MSG_SOCKET_NONE:
		no_socket(el, &m->socket);
		break;
	case MSG_LISTENER:
		take_listener(el, &m->listener, fd);
		break;
	case MSG_JOB_DONE:
		job_done(el, pair_at(el, m->head.pair), &m->job_done);
		break;
	case MSG_EXPORT:
		state_export(el, fd);
	case MSG_IMPORT:
		state_import(el, fd);
		(void)close(fd);
		break;
	default:
		fatalx("supervisor: %s not expected", ipc_name(m->head.type));
	}
}
