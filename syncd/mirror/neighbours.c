/* SPDX-License-Identifier: ISC */

/*
 * The mirror: the channels to elector and capture.  Either may die and come
 * back; who comes is told all that he may have missed.
 */

#include <unistd.h>

#include "mirror.h"

static struct mirror *room;	/* ipc_drain() passes no argument */

union msg
pair_msg(const struct pair *p, enum msg_type type)
{
	return (union msg){
		.head = {
			.type = type, .pair = p->index,
			.serial = p->mirror->conf->serial,
		},
	};
}

bool
elector_send(struct mirror *m, const union msg *msg)
{
	return m->elector.fd != -1 &&
	    ipc_send(&m->elector, msg, -1) == IPC_OK;
}

bool
capture_send(struct mirror *m, const union msg *msg)
{
	return m->capture.fd != -1 &&
	    ipc_send(&m->capture, msg, -1) == IPC_OK;
}

static void
hang_up(struct channel *ch)
{
	if (ch->fd == -1)
		return;
	loop_del(&room->loop, ch->fd);
	(void)close(ch->fd);
	ch->fd = -1;
}

/* ---- elector ------------------------------------------------------------ */

static void
do_ask(struct pair *p, const union msg *msg)
{
	switch (msg->ask.kind) {
	case ASK_HANDOVER:
		if (!ship_ask(p->ship, REQUEST_HANDOVER))
			log_warnx("%s: no channel to ask the partner for a "
			    "handover", p->name);
		break;
	case ASK_ALLOW:
		data_allow(p);
		break;
	case ASK_SYNC:
	case ASK_DISMISS:
	case ASK_ADOPT:
	case ASK_RESTORE:
		if (!capture_send(room, msg))
			log_warnx("%s: no capture to ask", p->name);
		break;
	default:
		fatalx("mirror: the elector asks what there is not");
	}
}

static void
elector_says(const union msg *msg, int fd)
{
	struct pair *p = pair_find(room, &msg->head);

	(void)fd;
	if (p == NULL)
		return;
	switch (msg->head.type) {
	case MSG_WORD:
		ownword_hear(p, &msg->word);
		break;
	case MSG_JOB:
		jobs_ask(p, &msg->job);
		break;
	case MSG_ASK:
		do_ask(p, msg);
		break;
	default:
		fatalx("mirror: unexpected %s", ipc_name(msg->head.type));
	}
}

static void
elector_gone(void)
{
	uint32_t i;

	hang_up(&room->elector);
	for (i = 0; i < room->npairs; i++)
		jobs_elector_gone(&room->pair[i]);
}

static void
elector_ready(int fd, short revents, void *arg)
{
	(void)fd;
	(void)revents;
	(void)arg;
	ipc_drain(&room->elector, elector_says, elector_gone, NULL);
}

void
elector_attach(struct mirror *m, int fd)
{
	uint32_t i;

	room = m;
	if (m->elector.fd != -1)
		elector_gone();
	m->elector.fd = fd;
	if (!loop_add(&m->loop, fd, POLLIN, elector_ready, m))
		fatalx("mirror: the table of descriptors is full");
	for (i = 0; i < m->npairs; i++) {
		data_tell(&m->pair[i]);
		partner_tell(&m->pair[i]);
	}
}

/* ---- capture ------------------------------------------------------------ */

static void
capture_says(const union msg *msg, int fd)
{
	struct pair *p = pair_find(room, &msg->head);

	(void)fd;
	if (p == NULL)
		return;
	switch (msg->head.type) {
	case MSG_CAPTURED:
		jobs_captured(p, &msg->captured);
		break;
	case MSG_JOB_DONE:
		jobs_done(p, &msg->job_done);
		break;
	default:
		fatalx("mirror: unexpected %s", ipc_name(msg->head.type));
	}
}

static void
capture_gone(void)
{
	uint32_t i;

	hang_up(&room->capture);
	for (i = 0; i < room->npairs; i++)
		jobs_capture_gone(&room->pair[i]);
}

static void
capture_ready(int fd, short revents, void *arg)
{
	(void)fd;
	(void)revents;
	(void)arg;
	ipc_drain(&room->capture, capture_says, capture_gone, NULL);
}

void
capture_attach(struct mirror *m, int fd)
{
	uint32_t i;

	room = m;
	if (m->capture.fd != -1)
		capture_gone();
	m->capture.fd = fd;
	if (!loop_add(&m->loop, fd, POLLIN, capture_ready, m))
		fatalx("mirror: the table of descriptors is full");
	for (i = 0; i < m->npairs; i++) {
		ownword_attach(&m->pair[i]);
		jobs_capture_came(&m->pair[i]);
	}
}
