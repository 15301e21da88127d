/* SPDX-License-Identifier: ISC */

/* Every long-lived room: reads a channel until nothing is left in it. */

#include <stddef.h>

#include "ipc.h"
#include "log.h"

void
ipc_drain(struct channel *ch, void (*says)(const union msg *m, int fd),
    void (*gone)(void), void (*hostile)(void))
{
	const int was = ch->fd;

	while (ch->fd == was && was != -1) {
		union msg m;
		int fd;

		switch (ipc_recv(ch, &m, &fd)) {
		case IPC_OK:
			says(&m, fd);
			break;
		case IPC_AGAIN:
			return;
		case IPC_CLOSED:
			if (gone != NULL)
				gone();
			return;
		case IPC_HOSTILE:
			if (hostile != NULL)
				hostile();
			fatalx("hostile message from the %s",
			    room_name(ch->peer));
		}
	}
}
