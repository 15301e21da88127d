/* SPDX-License-Identifier: ISC */

/*
 * Elector: what comes and goes on the channels to its neighbours.  A message
 * that the table does not allow, or a number out of range, is a hostile
 * neighbour and the end of this process; of the mirror, which speaks with
 * the network, it is the end of that channel.  Without its supervisor the
 * room leaves; actuator, keeper and mirror are replaced while it goes on.
 */

#include <unistd.h>

#include "elector.h"

#define DRAIN_MAX	4096	/* a pair's burst each, and more */

struct msg_head
head_for(const struct elector *el, enum msg_type type, const struct pair *p)
{
	return (struct msg_head){
		.type = (uint16_t)type,
		.pair = p == NULL ? 0 : p->index,
		.serial = el->conf->serial,
	};
}

static void
gone(struct elector *el, struct channel *ch)
{
	if (ch->peer == ROOM_SUPERVISOR)
		_exit(0);	/* the actuator says the last words */
	log_debug("%s: channel is at its end", room_name(ch->peer));
	if (ch == &el->mirror) {
		mirror_gone(el);
		return;
	}
	(void)close(ch->fd);
	ch->fd = -1;
}

void
mirror_gone(struct elector *el)
{
	uint32_t i;

	(void)close(el->mirror.fd);
	el->mirror.fd = -1;
	el->mirror_gone = el->now;
	for (i = 0; i < el->conf->npairs; i++) {
		pair_at(el, i)->partner_at = MONO_NEVER;
		job_lost(el, pair_at(el, i));
	}
}

static void
hostile(struct elector *el, struct channel *ch)
{
	if (ch != &el->mirror)
		fatalx("%s: sent what it may not", room_name(ch->peer));
	log_warnx("mirror: sent what it may not, not listened to any more");
	mirror_gone(el);
}

bool
tell(struct elector *el, struct channel *ch, const union msg *m)
{
	(void)el;
	if (ch->fd == -1)
		return false;
	switch (ipc_send(ch, m, -1)) {
	case IPC_OK:
		return true;
	case IPC_CLOSED:
		/* What it still said is read first; then its end is seen. */
		return false;
	case IPC_AGAIN:
	case IPC_HOSTILE:
		break;
	}
	return false;
}

/* Messages about a pair of another configuration are late, not hostile. */
static bool
is_late(const struct elector *el, const union msg *m, enum room from)
{
	switch (m->head.type) {
	case MSG_SOCKET:
	case MSG_SOCKET_NONE:
	case MSG_JOB_DONE:
	case MSG_HELD:
	case MSG_RELEASED:
	case MSG_LINK:
	case MSG_ADDR_LOST:
	case MSG_NEIGH_FRAME:
	case MSG_KEPT:
	case MSG_STORED_PAIR:
	case MSG_STORED_HISTORY:
	case MSG_PARTNER:
	case MSG_DATA:
	case MSG_ASK:
		break;
	default:
		return false;
	}
	if (m->head.serial != el->conf->serial)
		return true;
	if (m->head.pair >= el->conf->npairs && from != ROOM_MIRROR)
		fatalx("%s for pair %u of %u", ipc_name(m->head.type),
		    m->head.pair, el->conf->npairs);
	return m->head.pair >= el->conf->npairs;
}

static void
dispatch(struct elector *el, struct channel *ch, const union msg *m, int fd)
{
	if (is_late(el, m, ch->peer)) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	switch (ch->peer) {
	case ROOM_SUPERVISOR:
		from_supervisor(el, m, fd);
		break;
	case ROOM_ACTUATOR:
		from_actuator(el, m);
		break;
	case ROOM_KEEPER:
		from_keeper(el, m);
		break;
	case ROOM_MIRROR:
		from_mirror(el, m);
		break;
	default:
		fatalx("message from a room that is no neighbour");
	}
}

void
channel_drain(struct elector *el, struct channel *ch)
{
	union msg m;
	int fd, i;

	for (i = 0; i < DRAIN_MAX && ch->fd != -1; i++) {
		switch (ipc_recv(ch, &m, &fd)) {
		case IPC_OK:
			dispatch(el, ch, &m, fd);
			continue;
		case IPC_AGAIN:
			return;
		case IPC_CLOSED:
			gone(el, ch);
			return;
		case IPC_HOSTILE:
			hostile(el, ch);
			return;
		}
	}
}
