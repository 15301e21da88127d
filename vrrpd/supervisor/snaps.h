/* SPDX-License-Identifier: ISC */

/*
 * Copies of SQLite databases for the capture: one sqlsnap at a time for each
 * pair.
 */
#ifndef VIPAIR_SNAPS_H
#define VIPAIR_SNAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc.h"
#include "mono.h"
#include "syncstate.h"

#define SNAPS_MAX	SYNC_PAIRS_MAX
#define SNAP_LIMIT_NS	(600 * NS_PER_S)

struct supervisor;

/* A copy at work. */
struct snap {
	pid_t		pid;		/* 0: free; also the process group */
	uint32_t	pair;
	uint32_t	number;		/* the capture's own */
	int		fd;		/* of the copy */
	bool		killed;
	bool		forgotten;	/* who asked is gone */
	mono_t		kill_at;
};

struct snaps {
	struct snap	at[SNAPS_MAX];
};

/* The capture asks; false when a number is out of range. */
bool	snaps_add(struct supervisor *s, const struct msg_snap *m);
/* False when no copy has this process id. */
bool	snaps_reap(struct supervisor *s, pid_t pid, int status);
void	snaps_timers(struct supervisor *s, mono_t now, mono_t *deadline);

/* Ends all of them; forget: who asked is gone and hears nothing. */
void	snaps_end(struct supervisor *s, bool forget);

#endif
