/* SPDX-License-Identifier: ISC */

/*
 * The keeper: writes the numbers that must outlive a crash, and nothing else.
 * User _vrrpd, no capability, an empty root, one directory descriptor.  Its
 * disk errors are told to the elector and logged; they never end it.
 *
 * This file: start and the supervisor's channel.
 */

#include <errno.h>
#include <unistd.h>

#include "keeper.h"

#define DISK_LINES_PER_MINUTE	3
#define FILES_MAX		24
#define LEAVE_WAIT_NS		(1 * NS_PER_S)

static struct keeper keeper;

void
keeper_report(struct keeper *k, const char *what, int error)
{
	if (!log_allowed(&k->disk_limit, mono_now().ns,
	    DISK_LINES_PER_MINUTE))
		return;
	errno = error;
	log_warn("%s: cannot be made durable in the state directory", what);
}

static void
supervisor_send(struct keeper *k, enum msg_type type, uint32_t serial)
{
	const union msg m = { .head = { .type = type, .serial = serial } };

	/* A full queue: it does not read, and will ask again. */
	if (ipc_send(&k->supervisor, &m, -1) == IPC_AGAIN)
		log_warnx("keeper: the supervisor reads nothing");
}

/*
 * The elector leaves at the same time and may have last orders: they are
 * waited for, but not for long.
 */
static void
leave(struct keeper *k)
{
	if (!mono_is_set(k->leave_by))
		k->leave_by = mono_after(mono_now(), LEAVE_WAIT_NS);
}

static bool
may_go(const struct keeper *k)
{
	return mono_is_set(k->leave_by) && (k->elector.fd == -1 ||
	    mono_reached(mono_now(), k->leave_by));
}

const char *
keeper_take_conf(struct keeper *k, uint32_t which, int fd)
{
	struct keeper_conf *kc = &k->conf[which];
	const char *error;
	uint32_t i, place;
	size_t len;

	kc->valid = false;
	numbers_use_none(&k->numbers, which);
	error = room_read_blob(fd, kc->byte, sizeof(kc->byte), &len);
	if (error != NULL)
		return error;
	for (i = 0; i < kc->conf.npairs; i++) {
		place = numbers_place(&k->numbers, conf_string(&kc->conf,
		    conf_pair(&kc->conf, i)->name));
		numbers_use(&k->numbers, place, which);
		kc->place[i] = (uint16_t)place;
	}
	kc->valid = true;
	return NULL;
}

/*
 * The one in use, the next one (the elector may have switched before us) or
 * the former one (it may not have switched yet).
 */
struct keeper_conf *
keeper_conf_of(struct keeper *k, uint32_t serial)
{
	uint32_t i;

	for (i = 0; i < 2; i++)
		if (k->conf[i].valid && k->conf[i].conf.serial == serial)
			return &k->conf[i];
	return NULL;
}

static void
do_conf(struct keeper *k, const union msg *m, int fd)
{
	const uint32_t spare = 1 - k->current;
	const char *error;

	error = keeper_take_conf(k, spare, fd);
	(void)close(fd);
	if (error == NULL && k->conf[spare].conf.serial != m->head.serial)
		error = "another serial than announced";
	if (error != NULL) {
		k->conf[spare].valid = false;
		log_warnx("keeper: configuration not taken: %s", error);
		return;
	}
	supervisor_send(k, MSG_CONF_OK, m->head.serial);
}

static void
do_switch(struct keeper *k, const union msg *m)
{
	const uint32_t spare = 1 - k->current;

	if (!k->conf[spare].valid ||
	    k->conf[spare].conf.serial != m->head.serial) {
		log_warnx("keeper: no configuration of serial %u to switch to",
		    m->head.serial);
		return;
	}
	k->current = spare;
	if (k->elector.fd == -1)
		return;
	stored_begin(k, false);
	elector_serve(k, false);
}

static void
do_message(struct keeper *k, const union msg *m, int fd)
{
	switch (m->head.type) {
	case MSG_CONF:
		do_conf(k, m, fd);
		break;
	case MSG_SWITCH:
		do_switch(k, m);
		break;
	case MSG_NEIGHBOUR:
		if (m->neighbour.room != ROOM_ELECTOR)
			fatalx("keeper: channel to a room that is no "
			    "neighbour");
		elector_attach(k, fd);
		break;
	case MSG_PING:
		supervisor_send(k, MSG_PONG, m->head.serial);
		break;
	case MSG_LEAVE:
		leave(k);
		break;
	default:
		fatalx("keeper: unexpected %s", ipc_name(m->head.type));
	}
}

static void
supervisor_ready(int fd, short revents, void *arg)
{
	struct keeper *k = arg;
	union msg m;
	int passed;

	(void)revents;
	for (;;) {
		switch (ipc_recv(&k->supervisor, &m, &passed)) {
		case IPC_OK:
			do_message(k, &m, passed);
			break;
		case IPC_AGAIN:
			return;
		case IPC_CLOSED:
			loop_del(&k->loop, fd);
			(void)close(fd);
			k->supervisor.fd = -1;
			leave(k);
			return;
		case IPC_HOSTILE:
			fatalx("keeper: the supervisor breaks the contract");
		}
	}
}

static void
open_files(struct keeper *k)
{
	int error;

	numbers_init(&k->numbers, ROOM_FD_STATE);
	history_init(&k->history, ROOM_FD_STATE);
	error = numbers_open(&k->numbers);
	if (error != 0)
		keeper_report(k, "numbers", error);
	error = history_open(&k->history);
	if (error != 0)
		keeper_report(k, "history", error);
}

int
main(int argc, char **argv)
{
	static const struct room_rights rights = {
		.chroot_empty = true,
		.files_max = FILES_MAX,
	};
	struct keeper *k = &keeper;
	const char *error;

	room_enter(ROOM_KEEPER, argc, argv);
	room_drop(&rights);
	room_filter(keeper_calls, keeper_ncalls);

	k->supervisor = (struct channel){
		ROOM_FD_SUPERVISOR, ROOM_KEEPER, ROOM_SUPERVISOR,
	};
	k->elector = (struct channel){ -1, ROOM_KEEPER, ROOM_ELECTOR };
	open_files(k);
	error = keeper_take_conf(k, 0, ROOM_FD_CONF);
	if (error != NULL)
		fatalx("keeper: configuration: %s", error);
	(void)close(ROOM_FD_CONF);
	(void)loop_add(&k->loop, k->supervisor.fd, POLLIN, supervisor_ready,
	    k);
	elector_attach(k, ROOM_FD_PEER);
	while (!may_go(k))
		loop_turn(&k->loop, k->leave_by);
	if (k->supervisor.fd != -1)
		supervisor_send(k, MSG_LEFT, k->conf[k->current].conf.serial);
	_exit(0);
}
