/* SPDX-License-Identifier: ISC */

/*
 * The sending side: keeps one ssh to the partner, tells it this node's word
 * each second, and ships what the store has published.  Part of the mirror's
 * loop: never blocks on the network, never waits for a child.
 *
 * The owner calls ship_turn() once after each turn of the loop.  It calls back
 * from within loop_turn() and ship_turn() only, and may be asked for anything
 * then but ship_free().
 */
#ifndef VIPAIR_SHIP_H
#define VIPAIR_SHIP_H

#include "frame.h"
#include "loop.h"
#include "mono.h"
#include "ssh.h"
#include "store.h"
#include "wordfile.h"

struct ship;

enum ship_state {
	SHIP_DOWN,		/* no channel; tries again by itself */
	SHIP_CONNECTING,
	SHIP_WATCHING,		/* channel up, nothing to write: words only */
	SHIP_COPYING,		/* a generation is under way */
	SHIP_LEVEL,		/* the partner has what we have */
	SHIP_HELD,		/* refused for now: id says why */
};

struct ship_events {
	/* The partner has it, verified and durable (I2). */
	void	(*acked)(void *arg, const struct position *p);
	/* What it says of itself, by either channel; age is as it was sent. */
	void	(*word)(void *arg, const struct frame_word *w);
	/* The partner's node wants something of ours (our receiver heard). */
	void	(*asked)(void *arg, enum frame_request request);
	/*
	 * State changed.  id is stable and lower case: "", "unreachable",
	 * "host-key-changed", "partner-space", "stale", ...; text for people.
	 */
	void	(*state)(void *arg, enum ship_state s, const char *id,
		    const char *text);
	/*
	 * STALE or DUAL: the partner has seen that epoch (believable, F2).
	 * Nothing is shipped meanwhile; it is asked again every 5 s until
	 * ship_role() says otherwise.
	 */
	void	(*fenced)(void *arg, enum nak_reason r,
		    const struct epoch *seen);
	void	*arg;
};

struct ship_conf {
	const char	*pair;
	struct ssh_place place;
	int		run_dir;	/* PAIR.word and PAIR.sock, or -1 */
	const char	*run_path;
	struct loop	*loop;
	struct store	*store;		/* ours; only read here */
	bool		wait;		/* connects with ship_reconnect() */
	struct ship_events events;
};

struct ship_progress {
	enum ship_state	state;
	struct position	acked;		/* what the partner has of ours */
	struct position	target;		/* what is under way, or acked */
	uint64_t	total, done;	/* bytes of objects of this run */
	uint64_t	rate;		/* bytes a second, lately */
	uint64_t	partner_free;	/* when it greeted; 0 unknown */
	int64_t		round_trip_ns;	/* of the last ping; 0 unknown */
	mono_t		heard;		/* last frame of the partner */
};

/*
 * NULL: no memory, a path that ssh cannot take, or the socket of the run
 * directory (errno).  SIGPIPE is to be ignored, as room_enter() does.
 */
struct ship	*ship_new(const struct ship_conf *c);
void		 ship_free(struct ship *s);

/* writes: we are the active node of epoch e, and ship from now on. */
void	ship_role(struct ship *s, bool writes, const struct epoch *e);
/*
 * The node's own word, and what our own receiver may do.  Goes out at once
 * when it changed; is in the run directory when this returns, or -1 with
 * errno.
 */
int	ship_word(struct ship *s, const struct wordfile *w);
/* False when there is no channel; whether it is done its word will show. */
bool	ship_ask(struct ship *s, enum frame_request request);
/* The store has a new head. */
void	ship_kick(struct ship *s);
/* Ends the channel and connects anew without delay (addresses changed). */
void	ship_reconnect(struct ship *s);

/* When ship_turn() is due next. */
mono_t	ship_deadline(const struct ship *s);
void	ship_turn(struct ship *s);
void	ship_progress(const struct ship *s, struct ship_progress *p);

#endif
