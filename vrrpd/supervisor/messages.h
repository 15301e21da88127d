/* SPDX-License-Identifier: ISC */

/*
 * What rooms say to the supervisor.
 */
#ifndef VIPAIR_MESSAGES_H
#define VIPAIR_MESSAGES_H

#include "ipc.h"

struct supervisor;

/* For the loop. */
void	messages_readable(int fd, short revents, void *arg);
/* All that waits on the channel of a room. */
void	messages_read(struct supervisor *s, enum room room);

#endif
