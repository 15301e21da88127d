/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the data half of a node.  What the store, the capture, the
 * loader, the receiver and the ship of syncd do with epochs, heads and
 * branches, by their rules; the comparing is syncd's own (position.o), the
 * order of steps the elector's own (policy.h).  Content is a number.
 */
#ifndef VIPAIR_SIM_HALF_H
#define VIPAIR_SIM_HALF_H

#include "policy.h"
#include "position.h"

#define GENERATIONS_MAX	256
#define BRANCHES_MAX	16

/* A generation that somebody wrote; 0 is none, the index is its name. */
struct generation {
	struct epoch	epoch;
	uint32_t	number;
	uint32_t	write;		/* the newest write that it holds */
	uint8_t		parent;
	bool		gone;		/* no data: what was removed before it */
	bool		acked;		/* its writer was told so */
	int64_t		made;
};

/* On the disk. */
struct copy {
	uint8_t		head;
	uint8_t		branch[BRANCHES_MAX];
	uint8_t		nbranches;
	struct epoch	known;		/* EPOCH: only ever raised */
	struct epoch	live;		/* LIVE: in which live data were ours */
	struct epoch	spent;		/* wrote so far, then was parked */
	uint32_t	spent_number;
	uint32_t	live_write;	/* the newest write in live data */
	uint8_t		live_of;	/* generation they were or began as */
	uint64_t	have[GENERATIONS_MAX / 64];	/* ever committed */
};

enum stage { STAGE_START, STAGE_SETTLED, STAGE_BEGUN, STAGE_WRITING,
	STAGE_LAST };
enum shipping { SHIP_DOWN, SHIP_HELLO, SHIP_FORK, SHIP_COMMIT, SHIP_LEVEL,
	SHIP_HELD };

enum half_op {
	OP_NONE,
	/* within a node */
	OP_RUN,			/* runner, checker and loader: now it is done */
	OP_DONE,		/* an answer for the elector */
	OP_JOB,			/* elector -> mirror -> capture */
	OP_STEP,		/* a job of the capture goes on */
	OP_TIMER,		/* the policies' */
	OP_WORD,		/* the elector's word reaches the mirror */
	OP_CHANGES,		/* the service writes */
	OP_PASS,		/* the capture looks at the live data */
	OP_TELL,		/* the mirror tells what the store holds */
	OP_SHIP,		/* the ship's turn */
	OP_WAIT,		/* its question has been open for too long */
	/* from node to node, in order */
	OP_HELLO,
	OP_WELCOME,
	OP_NAK,
	OP_BACK,		/* FORK and RESET */
	OP_COMMIT,
	OP_ACK,
};

enum half_nak { HALF_BUSY, HALF_STALE, HALF_DUAL, HALF_FORKED };

struct half_msg {
	uint8_t		op;
	uint8_t		result;		/* enum work_result, enum half_nak */
	uint8_t		head;		/* a generation */
	bool		check;		/* OP_DONE */
	struct work_ask	ask;
	struct epoch	epoch;
	uint32_t	serial;
	uint32_t	number;
	int64_t		asked, began;	/* OP_RUN: in and out of the queue */
};

struct half {
	struct policy	policy;
	struct copy	copy;
	uint16_t	life;		/* of mirror, capture and the jobs */
	bool		up;
	uint8_t		told_state;
	int64_t		timer_at;	/* an OP_TIMER comes then, or 0 */
	int64_t		timer_due;	/* for which it was made */

	/* Mirror, capture. */
	uint8_t		stage;
	bool		word_said, word_active, passing;
	struct epoch	epoch;		/* they write in this one */
	struct work_ask	job;
	int64_t		job_came;
	struct epoch	told;
	bool		told_ready, telling;

	/* In the run directory: gone with the power. */
	bool		word_there, word_shuts, word_open;

	/* The service. */
	bool		running, sick;
	uint16_t	service_life;
	int64_t		lane_free;	/* one job of the service at a time */
	int64_t		lane_began;	/* the last one's turn */
	int64_t		forgotten;	/* what waited then is not run */

	/* Ship, and the partner's session with our receiver. */
	uint8_t		step;
	uint8_t		theirs, asked;
	uint32_t	serial;
	int64_t		said;		/* when the last frame arrives */
	int64_t		wait_until;	/* for the answer */
	bool		waiting;	/* an OP_WAIT is under way */
	struct epoch	session;
	uint16_t	disks;		/* this many were lost */
};

#endif
