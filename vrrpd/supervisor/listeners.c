/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: makes the two listening sockets in the run directory.  Must
 * never accept: what clients say is the elector's.
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "listeners.h"
#include "room.h"
#include "rooms.h"
#include "supervisor.h"

#define BACKLOG	16

static const struct listener {
	const char	*name;
	mode_t		mode;
	bool		control;
} listeners[2] = {
	{ CTL_STATUS, 0666, false },
	{ CTL_SOCKET, 0660, true },
};

static struct sockaddr_un
address(const struct supervisor *s, const struct listener *l)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *dir = conf_string(s->conf, s->conf->run_dir);

	if (strlen(dir) + strlen(l->name) + 2 > sizeof(sun.sun_path))
		fatalx("%s: the name of the run directory is too long for "
		    "a socket in it, at most %zu bytes", dir,
		    sizeof(sun.sun_path) - strlen(CTL_SOCKET) - 2);
	(void)fmt_into(sun.sun_path, sizeof(sun.sun_path), "%s/%s", dir,
	    l->name);
	return sun;
}

static int
open_one(const struct supervisor *s, const struct listener *l)
{
	const struct sockaddr_un sun = address(s, l);
	mode_t mask;
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		fatal("%s", sun.sun_path);
	/* Ours from an earlier life: the lock says nobody uses it. */
	(void)unlink(sun.sun_path);
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1)
		fatal("%s: cannot be made", sun.sun_path);
	(void)umask(mask);
	if (l->control && chown(sun.sun_path, 0,
	    s->gid[ROOM_ELECTOR]) == -1)
		fatal("%s: cannot be given to group " USER_ELECTOR,
		    sun.sun_path);
	if (chmod(sun.sun_path, l->mode) == -1 || listen(fd, BACKLOG) == -1)
		fatal("%s: cannot listen", sun.sun_path);
	return fd;
}

void
listeners_open(struct supervisor *s)
{
	int i;

	for (i = 0; i < 2; i++)
		s->listener[i] = open_one(s, &listeners[i]);
}

void
listeners_offer(struct supervisor *s)
{
	int i;

	for (i = 0; i < 2; i++) {
		const union msg m = { .listener = {
			.head = { .type = MSG_LISTENER,
			    .serial = s->conf->serial },
			.control = listeners[i].control,
		} };

		rooms_send(s, ROOM_ELECTOR, &m, s->listener[i]);
	}
}

void
listeners_remove(struct supervisor *s)
{
	int i;

	for (i = 0; i < 2; i++) {
		const struct sockaddr_un sun = address(s, &listeners[i]);

		(void)unlink(sun.sun_path);
	}
}
