/* SPDX-License-Identifier: ISC */

/*
 * The capture room's one state and the functions that its files share.
 *
 * What comes over a channel is only noted in the pair it concerns; acting
 * on it is the business of the pair's next step.  So a step that waits (for
 * a snapshot) may go on hearing.
 */
#ifndef VIPAIR_PAIRS_H
#define VIPAIR_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"
#include "conf.h"
#include "ipc.h"
#include "known.h"
#include "log.h"
#include "loop.h"
#include "room.h"
#include "store.h"
#include "syncstate.h"

#define ASKS_MAX	8	/* waiting, of one pair */

/* What this node's live data are to the capture. */
enum stage {
	STAGE_START,		/* nobody has said yet what this node is */
	STAGE_LAST,		/* ours, no longer written: one whole pass */
	STAGE_SETTLED,		/* nothing live is uncaptured */
	STAGE_BEGUN,		/* the epoch is ours, the loader may write */
	STAGE_WRITING,		/* the service may write: captured */
};

enum fill {
	FILL_NONE,
	FILL_ASKED,		/* the runner is at it */
	FILL_DONE,		/* the pass may begin */
};

/* Intervals; those of the tests are shorter. */
struct capture_times {
	int64_t		upkeep_every_ns, upkeep_step_ns;
	int64_t		scrub_every_ns, scrub_step_ns;
	int64_t		retry_ns;	/* base, store, fill: again */
};
extern const struct capture_times capture_times;

/* What a database's copy waits for. */
struct snap {
	uint32_t	number;		/* of the last one asked for */
	bool		waiting;	/* for its answer */
	bool		answered;
	uint32_t	status;
	int		fd;		/* or -1 */
};

struct idle {
	mono_t		upkeep, scrub;	/* next step of each */
	mono_t		round;		/* this round of upkeep began */
	int64_t		patience_ns;	/* with the lock, beside receivers */
	bool		held;		/* the lock, for this round */
	uint64_t	bad_objects;
	mono_t		scrubbed;
};

struct pair {
	uint16_t	index;		/* in the configuration */
	const char	*name;
	const struct conf_pair *conf;
	struct sync_entry entry[SYNC_ENTRIES_MAX];
	struct sync_conf want;
	struct identity	base;		/* as it was for Landlock */
	bool		base_there;

	struct store	*store;		/* NULL: could not be opened yet */
	mono_t		store_again;
	struct identity	place;		/* its directory, as for Landlock */
	mono_t		looked;		/* whether it is still there */
	bool		anew;		/* it has to learn what it was */
	mono_t		removed;	/* last time it was not */
	struct epoch	known;		/* its epoch, as last seen */
	struct position	wrote;		/* the last head, or above it: */
	bool		recalled;	/* from the state file */
	enum store_result marks_error;	/* it does not take our epoch */
	struct capture	*capture;	/* NULL: live data are not read */
	mono_t		capture_again;
	int		open_error;	/* why there is none: errno */
	enum stage	stage;
	struct epoch	epoch;		/* LAST, BEGUN, WRITING: to publish */
	bool		trust;		/* the loader makes the head live */
	uint64_t	passes_before;	/* LAST: one more is needed */
	bool		held;		/* a generation, by a problem */
	mono_t		held_since;
	mono_t		passed;
	uint64_t	generations;	/* published since the start */
	uint64_t	read_bytes, snapshots;	/* by captures before */

	bool		has_word;
	struct msg_word	word;
	bool		job_waits;
	struct msg_job	job;
	mono_t		job_came;
	uint32_t	nasks;
	struct msg_ask	ask[ASKS_MAX];
	mono_t		ask_came;
	bool		sync_asked;	/* ASK_SYNC under way, */
	uint64_t	sync_passes;	/* done when there are more */
	uint64_t	token;		/* of the last one answered */
	int32_t		ask_result;
	char		ask_text[SYNC_TEXT_MAX];

	enum fill	fill;
	bool		fill_failed;
	uint32_t	fill_status;
	mono_t		fill_due;	/* ASKED: at the latest; else: again */
	uint64_t	fill_fails;
	struct snap	snap;
	struct idle	idle;

	bool		tell;		/* MSG_CAPTURED is due */
	bool		published;	/* said with it */
	struct msg_captured told;
	bool		show;		/* the state file is old */
	mono_t		shown;
	uint32_t	branches;
	mono_t		counted;	/* of them, last */
	bool		count_branches;
	bool		damaged;
	bool		lost;		/* objects, as last shown */
	struct log_limit store_limit;
	bool		store_full;
	struct store_usage usage;
};

struct capture_room {
	struct loop	loop;
	struct channel	supervisor, mirror;
	int		sync_dir;	/* RUN_DIR/sync */
	uint32_t	npairs;
	struct pair	pair[SYNC_PAIRS_MAX];
	struct identity	names[2];	/* /etc/passwd, /etc/group */
	mono_t		looked;		/* whether the sandbox is old */
	bool		heard;		/* something, since the last turn */
	bool		leaving;
	union {
		struct conf	conf;
		uint8_t		byte[CONF_BLOB_MAX];
	};
};
extern struct capture_room room;

/* filter.c, sandbox.c */
extern const struct filter_rule	capture_calls[];
extern const size_t		capture_ncalls;
/* Landlock: only what the pairs need, and no network. */
void	sandbox_enter(struct capture_room *r);
/* Something that the rules were made of is another one now. */
bool	sandbox_is_old(struct capture_room *r, mono_t now);

/* talk.c: channels.  Nothing is acted upon but PING and LEAVE. */
void	talk_start(struct capture_room *r);
void	talk_drain(struct capture_room *r);
/* As above, but waits until something comes or the time is up. */
void	talk_wait(struct capture_room *r, mono_t until);
/* False: try again later. */
bool	talk_supervisor(struct capture_room *r, const union msg *m);
bool	talk_mirror(struct capture_room *r, const union msg *m);
void	talk_left(struct capture_room *r);

/* pair.c: one step of one pair; true: it was a long one. */
void	pair_open(struct pair *p, const struct conf *c, uint32_t index);
bool	pair_step(struct pair *p, mono_t now);
mono_t	pair_deadline(const struct pair *p);
/* Nothing waits and nothing is due soon. */
bool	pair_is_idle(const struct pair *p, mono_t now);
void	pair_stage(struct pair *p, enum stage stage);
void	pair_changed(struct pair *p);
/* True with the lock; repairs what does not verify. */
bool	pair_lock(struct pair *p);
bool	pair_unlock(struct pair *p);
/* After STORE_DAMAGED, with the lock. */
bool	pair_repair(struct pair *p);
/* Opens the store; false: it cannot be. */
bool	pair_store(struct pair *p, mono_t now);
/* Whose the live data are, by LIVE and EPOCH. */
bool	pair_live_is_ours(struct pair *p, struct epoch *stored);
/* Rule of the start: LAST or SETTLED. */
void	pair_settle(struct pair *p);

/* anew.c: what somebody removed from the store, or with it */
/* False: there is no store to work with now. */
bool	anew_step(struct pair *p, mono_t now);
mono_t	anew_deadline(const struct pair *p);
void	anew_note(struct pair *p);	/* there may be a new head */
void	anew_recall(struct pair *p);	/* what a process before us knew */
/* The service writes and no mark says so: the live data are ours. */
bool	anew_take_up(struct pair *p);

/* work.c: live data into generations */
bool	work_open(struct pair *p, mono_t now);
void	work_close(struct pair *p);
bool	work_step(struct pair *p, mono_t now);
mono_t	work_deadline(const struct pair *p);
bool	work_held(const struct pair *p);
uint64_t work_passes(const struct pair *p);

/* jobs.c, asks.c: true when something was done */
bool	jobs_step(struct pair *p, mono_t now);
void	jobs_no_store(struct pair *p, mono_t now);
bool	asks_step(struct pair *p, mono_t now);
void	asks_no_store(struct pair *p);

/* fill.c, snap.c: what the supervisor does for us */
bool	fill_wanted(struct pair *p, mono_t now);
bool	fill_late(struct pair *p, mono_t now);
void	fill_done(struct pair *p, const struct msg_job_done *d);
int	snap_take(void *arg, const struct capture_snap *s, int *fd);
void	snap_answer(struct pair *p, const struct msg_snapped *s, int fd);

/* idle.c: retention and scrub, a little at a time; true: did something */
bool	idle_step(struct pair *p, mono_t now);
mono_t	idle_deadline(const struct pair *p);

/* state.c: RUN_DIR/sync/PAIR.capture and MSG_CAPTURED */
void	state_step(struct pair *p, mono_t now);
mono_t	state_deadline(const struct pair *p);

#endif
