/* SPDX-License-Identifier: ISC */

/*
 * SIGTERM: hand over, stop the services, end the rooms, exit 0.
 */
#ifndef VIPAIR_LEAVE_H
#define VIPAIR_LEAVE_H

#include <stdbool.h>

#include "ipc.h"
#include "mono.h"

struct supervisor;

/* The first time in order, the second time in a hurry. */
void	leave_begin(struct supervisor *s);
void	leave_room_left(struct supervisor *s, enum room room);
void	leave_room_ended(struct supervisor *s, enum room room);

/* True when everything is ended. */
bool	leave_timers(struct supervisor *s, mono_t now, mono_t *deadline);

#endif
