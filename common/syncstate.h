/* SPDX-License-Identifier: ISC */

/*
 * What mirror and capture let everybody see: two files for each pair in
 * RUN_DIR/sync, one written by each, replaced as a whole, in host order, by
 * and for the same build.  vipctl reads them; nobody decides by them.
 *
 *	PAIR.mirror	struct sync_mirror_state, at changes and each second
 *	PAIR.capture	struct sync_capture_state, at changes
 *
 * Texts are for people, from names of files and last words of programs; they
 * hold any byte but 0 and are printed with care.
 */
#ifndef VIPAIR_SYNCSTATE_H
#define VIPAIR_SYNCSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc.h"

#define SYNCSTATE_VERSION	1u
#define SYNCSTATE_DIR		"sync"		/* below the run directory */
#define SYNCSTATE_MIRROR	"mirror"	/* suffixes */
#define SYNCSTATE_CAPTURE	"capture"

#define SYNC_PAIRS_MAX		8	/* pairs with a sync block */
#define SYNC_PROBLEMS_MAX	32
#define SYNC_PATH_MAX		256	/* longer ones end in "..." */
#define SYNC_TEXT_MAX		200
#define SYNC_ID_MAX		32

struct sync_state_head {
	char		magic[8];	/* "vipsync" */
	uint32_t	version;	/* SYNCSTATE_VERSION */
	uint32_t	size;		/* of the whole */
	int64_t		written_ns;	/* CLOCK_BOOTTIME */
	uint32_t	pid;		/* of the writer */
	uint32_t	pad;
};

struct sync_mirror_state {
	struct sync_state_head head;
	char		partner[CONF_NAME_MAX + 1];
	uint32_t	ship;		/* enum ship_state (syncd/mirror) */
	uint32_t	writes;		/* 1: we ship, 0: we only talk */
	char		id[SYNC_ID_MAX];	/* "", "unreachable", ... */
	char		text[SYNC_TEXT_MAX];
	int64_t		state_since_ns;	/* CLOCK_BOOTTIME, as all below */
	int64_t		heard_ns;	/* last frame of the partner; 0 never */
	int64_t		acked_ns;	/* last acknowledgement; 0 never */
	int64_t		round_trip_ns;	/* 0 unknown */
	uint64_t	generation;	/* our head */
	int64_t		made_wall_ns;	/* of it */
	uint64_t	bytes, entries;	/* of it */
	uint64_t	acked;		/* generation the partner has */
	int64_t		behind_since_ns;	/* oldest one it lacks was made;
						   0: it has all */
	uint64_t	run_total, run_done, rate;	/* bytes, bytes a s */
	uint64_t	partner_free;	/* 0 unknown */
	uint64_t	partner_generation;	/* as it said of itself */
	uint64_t	changes;	/* acknowledged since the start */
	int64_t		last_lag_ns;	/* published -> acknowledged; 0 none */
	uint32_t	data_state;	/* enum data_state */
	uint32_t	pad;
};

struct sync_problem {
	uint32_t	fault;		/* enum capture_fault (syncd/capture) */
	uint32_t	holds;		/* a generation is held back for it */
	int32_t		code;		/* errno and the like */
	uint32_t	pad;
	char		path[SYNC_PATH_MAX];	/* relative to base */
};

struct sync_capture_state {
	struct sync_state_head head;
	uint32_t	writing;	/* 1: live data are captured */
	uint32_t	settled;	/* nothing live is uncaptured */
	uint64_t	generation;	/* last one published */
	int64_t		passed_ns;	/* last whole pass ended; 0 never */
	int64_t		held_since_ns;	/* 0: nothing is held back */
	uint64_t	nodes, watches;	/* paths known, directories watched */
	uint64_t	generations, read_bytes, snapshots;	/* since start */
	uint64_t	store_bytes, store_objects;	/* 0 unknown */
	uint64_t	store_limit, disk_free;
	uint32_t	store_full;	/* last publish failed for space */
	uint32_t	damaged;	/* the store does not verify */
	uint64_t	bad_objects;	/* set aside since the start */
	int64_t		scrubbed_ns;	/* last whole round; 0 never */
	uint32_t	branches;	/* parked now */
	uint32_t	nproblems;	/* of problem[]; more is cut */
	uint64_t	token;		/* of the last MSG_ASK done */
	int32_t		ask_result;	/* enum store_result */
	uint32_t	pad;
	char		ask_text[SYNC_TEXT_MAX];	/* why it failed */
	int64_t		removed_ns;	/* the store was found removed, and
					   made anew; 0 never */
	uint64_t	written;	/* newest generation there was, */
	uint32_t	written_term, written_node;	/* and its epoch */
	struct sync_problem problem[SYNC_PROBLEMS_MAX];
};

/*
 * dir: RUN_DIR/sync.  Fills head and writes RUN_DIR/sync/PAIR.SUFFIX, mode
 * 0644.  0, or -1 with errno.  The state begins with a sync_state_head.
 */
int	syncstate_write(int dir, const char *pair, const char *suffix,
	    void *state, uint32_t size);
/* 0, or -1 with errno; EPROTO: of another build, or no state at all. */
int	syncstate_read(int dir, const char *pair, const char *suffix,
	    void *state, uint32_t size);

#endif
