/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: the dispatcher of what rooms say.  The rooms may have been
 * taken over: a message that the table does not allow, or a number out of
 * range, ends the room that sent it, not the supervisor.
 */

#include <unistd.h>

#include "election.h"
#include "jobs.h"
#include "leave.h"
#include "messages.h"
#include "notify.h"
#include "reexec.h"
#include "reload.h"
#include "rooms.h"
#include "snaps.h"
#include "sockets.h"
#include "start.h"
#include "supervisor.h"
#include "syncstate.h"

#define BATCH	64	/* a talker shares the turn with the others */
#define STATUS_PAIRS_MAX	8
/* Every pair may move a few times a minute, and lose its link. */
#define ROLES_A_MINUTE	(8 * CONF_PAIRS_MAX)
#define WANTS_A_MINUTE	(8 * CONF_PAIRS_MAX)
/* A pass a second is the most that can be asked for. */
#define FILLS_A_MINUTE	(2 * 60 * SYNC_PAIRS_MAX)

static void
say_status(const struct supervisor *s)
{
	char text[400];
	size_t n;
	uint32_t i;

	n = 0;
	text[0] = '\0';
	for (i = 0; i < s->conf->npairs && i < STATUS_PAIRS_MAX; i++)
		n += fmt_into(text + n, sizeof(text) - n, "%s%s %s",
		    i == 0 ? "" : ", ", pair_name(s, i),
		    role_name((enum role)s->role[i]));
	if (i < s->conf->npairs)
		(void)fmt_into(text + n, sizeof(text) - n, ", and %u more",
		    s->conf->npairs - i);
	notify("STATUS=%s", text);
}

/* First sign of life of every room the address needs: now we are up. */
static void
ready(struct supervisor *s)
{
	if (s->ready)
		return;
	FOR_EACH_ROOM(r)
		if (!room_of_sync(r) && (s->room[r].pid == 0 ||
		    mono_span_ns(s->room[r].started, s->room[r].ponged) == 0))
			return;
	s->ready = true;
	notify("READY=1\nMAINPID=%d", (int)getpid());
	start_ready(s);
	say_status(s);
}

static bool
do_role(struct supervisor *s, const struct msg_role *m)
{
	const bool same = m->old_role == m->new_role;

	if (m->old_role >= ROLE_COUNT || m->new_role >= ROLE_COUNT ||
	    m->reason >= REASON_COUNT)
		return false;
	/* The same role may come with another reason. */
	if (log_allowed(&s->role_lines, mono_now().ns, ROLES_A_MINUTE))
		log_info("pair %s: %s%s%s, term %u, %s",
		    pair_name(s, m->head.pair),
		    same ? "" : role_name(m->old_role), same ? "" : " -> ",
		    role_name(m->new_role), m->term, reason_text(m->reason));
	s->role[m->head.pair] = (uint8_t)m->new_role;
	s->term[m->head.pair] = m->term;
	say_status(s);
	return true;
}

/* What a room may ask us to run; the capture's own is the one command. */
static bool
may_ask(enum room room, uint32_t kind)
{
	switch (kind) {
	case JOB_START:
	case JOB_STOP:
	case JOB_CHECK:
	case JOB_NOTIFY:
	case JOB_QUERY:
	case JOB_LOAD:
	case JOB_PREPARE:
	case JOB_SETTLE:
		return room == ROOM_ELECTOR;
	case JOB_FILL:
		return room == ROOM_CAPTURE;
	default:
		return false;
	}
}

static bool
of_data(uint32_t kind)
{
	return kind == JOB_LOAD || kind == JOB_PREPARE ||
	    kind == JOB_SETTLE || kind == JOB_FILL;
}

static bool
do_job(struct supervisor *s, enum room room, const struct msg_job *m)
{
	if (!may_ask(room, m->kind) || m->role >= ROLE_COUNT ||
	    m->old_role >= ROLE_COUNT)
		return false;
	if (of_data(m->kind) &&
	    !conf_pair(s->conf, m->head.pair)->has_sync)
		return false;
	if (room == ROOM_CAPTURE &&
	    !log_allowed(&s->fills, mono_now().ns, FILLS_A_MINUTE))
		jobs_refuse(s, m);
	else
		jobs_add(s, m);
	return true;
}

/* Messages that name a pair; false: hostile. */
static bool
of_pair(struct supervisor *s, enum room room, const union msg *m)
{
	/* On its way when the configuration changed: late, not hostile. */
	if (m->head.serial != s->conf->serial)
		return true;
	if (m->head.pair >= s->conf->npairs)
		return false;
	switch (m->head.type) {
	case MSG_SOCKET_WANT:
		if (!log_allowed(&s->socket_wants, mono_now().ns,
		    WANTS_A_MINUTE))
			return false;
		sockets_open(s, m->head.pair);
		return true;
	case MSG_JOB:
		return do_job(s, room, &m->job);
	case MSG_SNAP:
		return snaps_add(s, &m->snap);
	case MSG_ROLE:
		return do_role(s, &m->role);
	case MSG_STALLED:
		if (room != ROOM_ACTUATOR)
			return false;
		log_warnx("pair %s: the actuator let go, no renewal came",
		    pair_name(s, m->head.pair));
		rooms_kill(s, ROOM_ELECTOR, "hangs");
		return true;
	default:
		return false;
	}
}

static bool
dispatch(struct supervisor *s, enum room room, const union msg *m)
{
	switch (m->head.type) {
	case MSG_PONG:
		s->room[room].ponged = mono_now();
		ready(s);
		if (room == ROOM_ELECTOR)
			reexec_elector_alive(s);
		return true;
	case MSG_CONF_OK:
		reload_acknowledged(s, room, m->head.serial);
		return true;
	case MSG_LEFT:
		leave_room_left(s, room);
		return true;
	default:
		return of_pair(s, room, m);
	}
}

void
messages_read(struct supervisor *s, enum room room)
{
	struct room_entry *e = &s->room[room];
	union msg m;
	int fd, i;

	for (i = 0; i < BATCH && e->ch.fd != -1 && !e->killed; i++) {
		switch (ipc_recv(&e->ch, &m, &fd)) {
		case IPC_OK:
			if (dispatch(s, room, &m))
				continue;
			log_warnx("%s: %s for pair %u is out of range",
			    room_name(room), ipc_name(m.head.type),
			    m.head.pair);
			rooms_kill(s, room, "is hostile");
			return;
		case IPC_AGAIN:
			return;
		case IPC_CLOSED:
			/* It is ending; its process id will tell. */
			rooms_closed(s, room);
			return;
		case IPC_HOSTILE:
			rooms_kill(s, room, "sent what it may not");
			return;
		}
	}
}

void
messages_readable(int fd, short revents, void *arg)
{
	struct supervisor *s = arg;

	(void)revents;
	FOR_EACH_ROOM(r)
		if (s->room[r].ch.fd == fd) {
			messages_read(s, r);
			return;
		}
}
