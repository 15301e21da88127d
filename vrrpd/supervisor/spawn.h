/* SPDX-License-Identifier: ISC */

/*
 * fork and exec, with the descriptor table of common/room.h.
 */
#ifndef VIPAIR_SPAWN_H
#define VIPAIR_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "room.h"

#define SPAWN_ARGS_MAX	12

struct spawn {
	enum room	room;
	int		fd[ROOM_FD_FIRST_FREE];	/* -1: closed */
	int		cwd_fd;
	bool		own_group;	/* a process group of its own */
	bool		dies_with_us;	/* PDEATHSIG */
	const char	*argv[SPAWN_ARGS_MAX];	/* from the uid on */
};

/* The process id, or -1 with errno. */
pid_t	spawn(const struct spawn *sp);

/* Path of a room's program. */
const char *spawn_path(enum room room);

#endif
