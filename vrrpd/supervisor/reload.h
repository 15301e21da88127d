/* SPDX-License-Identifier: ISC */

/*
 * SIGHUP: a new configuration without moving the role.
 */
#ifndef VIPAIR_RELOAD_H
#define VIPAIR_RELOAD_H

#include "ipc.h"
#include "mono.h"

struct supervisor;

void	reload_begin(struct supervisor *s);
/* Sends the configuration that waits, if one does, to a room. */
void	reload_offer(struct supervisor *s, enum room room);
void	reload_acknowledged(struct supervisor *s, enum room room,
	    uint32_t serial);
void	reload_timers(struct supervisor *s, mono_t now, mono_t *deadline);

#endif
