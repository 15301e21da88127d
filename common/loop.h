/* SPDX-License-Identifier: ISC */

/*
 * The event loop of a room: a fixed table of descriptors with a function
 * each, one ppoll() per turn, one deadline.  The room owns the order: what
 * is ready is served in the order in which it was added, and loop_turn()
 * then returns, so that timers are looked at last.  ppoll() looks at the
 * descriptors once more after its time is up: when a turn ends because of
 * the deadline, what was readable by then has been served.
 */
#ifndef VIPAIR_LOOP_H
#define VIPAIR_LOOP_H

#include <poll.h>
#include <stdint.h>

#include "mono.h"

#define LOOP_FDS_MAX	128

typedef void	(*loop_fn)(int fd, short revents, void *arg);

struct loop {
	uint32_t	n;
	struct pollfd	fd[LOOP_FDS_MAX];	/* fd -1: free slot */
	struct loop_entry {
		loop_fn	 fn;
		void	*arg;
	} entry[LOOP_FDS_MAX];
};

/* False when the table is full.  Not twice for one descriptor (assert). */
bool	loop_add(struct loop *l, int fd, short events, loop_fn fn, void *arg);

/*
 * Other events; 0 still reports POLLHUP and POLLERR, so a descriptor that is
 * to be left alone for a while is taken out by loop_mute() instead.
 */
void	loop_events(struct loop *l, int fd, short events);

/* Out of the poll set and back, keeping its place in the order. */
void	loop_mute(struct loop *l, int fd, bool mute);

/* Before close(); also from within a function of the loop. */
void	loop_del(struct loop *l, int fd);

/*
 * One turn: waits until a descriptor is ready or the deadline (unset: for
 * ever) is reached, serves what is ready, returns.
 */
void	loop_turn(struct loop *l, mono_t deadline);

#endif
