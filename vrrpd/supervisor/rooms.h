/* SPDX-License-Identifier: ISC */

/*
 * The long-lived rooms: start, watch, restart.
 */
#ifndef VIPAIR_ROOMS_H
#define VIPAIR_ROOMS_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc.h"
#include "mono.h"

struct supervisor;

/* A program that this configuration needs cannot be run: says so, false. */
bool	rooms_find(const struct conf *c);

/* Some pair has a sync block. */
bool	rooms_sync_wanted(const struct conf *c);

void	rooms_start(struct supervisor *s);

/* The room with this process id has ended; false when none has it. */
bool	rooms_reap(struct supervisor *s, pid_t pid, int status);

/* Pings, restarts and kills what is due; moves *deadline. */
void	rooms_timers(struct supervisor *s, mono_t now, mono_t *deadline);

/*
 * Sends; a room that is not there is skipped, one that cannot take it is
 * killed.
 */
void	rooms_send(struct supervisor *s, enum room room, const union msg *m,
	    int fd);
void	rooms_kill(struct supervisor *s, enum room room, const char *why);

/* Its channel is at its end: it has a second to go. */
void	rooms_closed(struct supervisor *s, enum room room);

/* Ends a room to start it from the files on disk, without alarm. */
void	rooms_replace(struct supervisor *s, enum room room);

/*
 * Starts the elector; its ends of the channels to actuator and keeper are
 * given (and closed here), or -1 to make new ones.  state_fd is what the one
 * before wrote of itself, read before any word of a neighbour, or -1; it
 * stays the caller's.
 */
void	rooms_start_elector(struct supervisor *s, int peer_fd, int keeper_fd,
	    int state_fd);

/* Makes a channel and hands the other end to a neighbour; ours or -1. */
int	rooms_new_channel(struct supervisor *s, enum room to, enum room from,
	    bool planned);

/*
 * The data half as the configuration wants it: started, replaced or ended.
 */
void	rooms_replace_sync(struct supervisor *s);

/* Puts channel and log of a running room into the poll set. */
void	rooms_watch(struct supervisor *s, enum room room);

/* Any of the long-lived rooms has a process. */
bool	rooms_any(const struct supervisor *s);

/* Delay before the n-th restart within a minute.  Pure. */
int64_t	rooms_delay_ns(uint32_t n);

#endif
