/* SPDX-License-Identifier: ISC */

/*
 * The mirror: start, the supervisor's channel, the loop.  Everything is
 * opened before the doors close; a new configuration is a new process.
 */

#include <sys/stat.h>

#include <errno.h>
#include <unistd.h>

#include "mirror.h"

#define FILES_MAX	1024	/* 8 pairs: store, ssh, rsync, sockets */
#define LEAVE_WAIT_NS	(1 * NS_PER_S)

static struct mirror mirror;

static void
supervisor_send(struct mirror *m, enum msg_type type, uint32_t serial)
{
	const union msg msg = { .head = { .type = type, .serial = serial } };

	if (ipc_send(&m->supervisor, &msg, -1) == IPC_AGAIN)
		log_warnx("mirror: the supervisor reads nothing");
}

/* When we are told to leave the elector has left; else it is about to. */
static void
leave(struct mirror *m)
{
	if (!mono_is_set(m->leave_by))
		m->leave_by = mono_after(mono_now(), LEAVE_WAIT_NS);
}

static bool
may_go(const struct mirror *m)
{
	return mono_is_set(m->leave_by) && (m->elector.fd == -1 ||
	    mono_reached(mono_now(), m->leave_by));
}

static void
do_neighbour(struct mirror *m, const union msg *msg, int fd)
{
	switch (msg->neighbour.room) {
	case ROOM_ELECTOR:
		elector_attach(m, fd);
		break;
	case ROOM_CAPTURE:
		capture_attach(m, fd);
		break;
	default:
		fatalx("mirror: channel to a room that is no neighbour");
	}
}

static void
supervisor_says(const union msg *msg, int fd)
{
	struct mirror *m = &mirror;

	switch (msg->head.type) {
	case MSG_NEIGHBOUR:
		do_neighbour(m, msg, fd);
		break;
	case MSG_PING:
		supervisor_send(m, MSG_PONG, msg->head.serial);
		break;
	case MSG_LEAVE:
		leave(m);
		break;
	default:
		fatalx("mirror: unexpected %s", ipc_name(msg->head.type));
	}
}

static void
supervisor_gone(void)
{
	struct mirror *m = &mirror;

	loop_del(&m->loop, m->supervisor.fd);
	(void)close(m->supervisor.fd);
	m->supervisor.fd = -1;
	leave(m);
}

static void
supervisor_ready(int fd, short revents, void *arg)
{
	struct mirror *m = arg;

	(void)fd;
	(void)revents;
	ipc_drain(&m->supervisor, supervisor_says, supervisor_gone, NULL);
}

static void
take_conf(struct mirror *m)
{
	const char *error;
	size_t len;

	error = room_read_blob(ROOM_FD_CONF, m->blob, sizeof(m->blob), &len);
	if (error != NULL)
		fatalx("mirror: configuration: %s", error);
	(void)close(ROOM_FD_CONF);
	m->conf = (const struct conf *)(const void *)m->blob;
}

int
main(int argc, char **argv)
{
	static const struct room_rights rights = { .files_max = FILES_MAX };
	struct mirror *m = &mirror;

	room_enter(ROOM_MIRROR, argc, argv);
	room_drop(&rights);
	/* The receiver is of our group, everybody may see the state. */
	(void)umask(0022);
	take_conf(m);
	pairs_open(m);
	sandbox_enter(m);

	m->supervisor = (struct channel){
		ROOM_FD_SUPERVISOR, ROOM_MIRROR, ROOM_SUPERVISOR,
	};
	m->elector = (struct channel){ -1, ROOM_MIRROR, ROOM_ELECTOR };
	m->capture = (struct channel){ -1, ROOM_MIRROR, ROOM_CAPTURE };
	(void)loop_add(&m->loop, m->supervisor.fd, POLLIN, supervisor_ready,
	    m);
	elector_attach(m, ROOM_FD_PEER);
	while (!may_go(m)) {
		pairs_turn(m);
		loop_turn(&m->loop, mono_first(m->leave_by,
		    pairs_deadline(m)));
	}
	pairs_close(m);
	if (m->supervisor.fd != -1)
		supervisor_send(m, MSG_LEFT, m->conf->serial);
	_exit(0);
}
