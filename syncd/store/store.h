/* SPDX-License-Identifier: ISC */

/*
 * The store of one pair: objects, generations, epoch, parked branches.
 * Linked by mirror, receiver, loader and vipctl.  No network, no threads, no
 * path but below the directory it was given, no link followed.
 *
 *	objects/ab/<64 hex>	0440, written once
 *	objects.in/		where rsync puts objects; nothing in it is
 *				believed until store_import() read it
 *	staged/			bulk objects, not yet durable
 *	tmp/  bad/  gone/	being written; set aside by scrub; going away
 *	manifests/<generation>.<head>	bytes as sent
 *	HEAD			the commit point
 *	EPOCH  LIVE  history  chain  AGE  adopt  lost
 *	diverged/<generation>.<head>/	info, history, manifests
 *	lock, epoch.lock
 *
 * Reading needs no lock.  Everything that changes the store needs
 * store_lock(), except the epoch, which has a lock of its own so that a node
 * can raise it while a receiver works.  Many may have the store open.
 *
 * What is thinned or dropped by age is so by the store's own (AGE), which is
 * the time that passed while this machine ran and somebody used the store: a
 * wall clock may jump a year and nothing goes for it.  A machine that was
 * off keeps things longer.
 */
#ifndef VIPAIR_STORE_H
#define VIPAIR_STORE_H

#include "manifest.h"

enum store_result {
	STORE_OK = 0,
	STORE_ERROR,		/* the system said no: store_errno() */
	STORE_BUSY,		/* somebody else writes: try again */
	STORE_STALE,		/* epoch lower than one we stored (I5) */
	STORE_ABSURD,		/* term too far ahead of what we know (F2) */
	STORE_FORK,		/* previous head is not ours (F4) */
	STORE_MISSING,		/* objects are not here: store_missing() */
	STORE_HASH,		/* bytes are not what their name says */
	STORE_SPACE,		/* quota, or the disk is full */
	STORE_REFUSED,		/* manifest or argument is wrong */
	STORE_NOTHING,		/* no such generation, object or branch */
	STORE_DAMAGED,		/* our own files do not verify */
};
const char	*store_word(enum store_result r);	/* "stale", ... */

struct store;

struct store_limits {
	uint64_t	bytes;		/* of objects; 0: no limit */
	uint64_t	inodes;		/* 0: no limit */
	uint64_t	reserve;	/* bytes left free on the file system */
};

/*
 * dir: STATE_DIR/store/PAIR, held by the store from now on (duplicated).
 * create: makes what is missing (mode 2770), for mirror and receiver.
 * Reads HEAD; a damaged one is STORE_DAMAGED, the store is open all the same
 * for store_repair().  *sp is NULL only when there is no memory or no
 * directory.
 */
enum store_result store_open(struct store **sp, int dir, const char *pair,
	    bool create);
void	store_close(struct store *s);
void	store_set_limits(struct store *s, const struct store_limits *l);

/* Text of the last failure, for a log line; and its errno or 0. */
const char	*store_why(const struct store *s);
int		 store_errno(const struct store *s);

/*
 * One writer: STORE_BUSY at once when there is another.  Reads HEAD anew,
 * finishes what a dead writer left, and drops its rubbish.
 */
enum store_result store_lock(struct store *s);
void	store_unlock(struct store *s);
bool	store_locked(const struct store *s);
/* Reads HEAD and history anew, for those who only look. */
enum store_result store_refresh(struct store *s);

/*
 * Somebody removed the store from below us: what is open here is not what is
 * found by its name any more.  Inside: close it and open it anew.  Root: the
 * same, with a directory that somebody has to make first.
 */
enum store_gone {
	STORE_HERE,
	STORE_GONE_INSIDE,
	STORE_GONE_ROOT,
};
enum store_gone	 store_gone(const struct store *s);
/*
 * For who only reads: opens what is inside anew.  STORE_ERROR: nobody has
 * made it again yet, nothing has changed; else as store_open().
 */
enum store_result store_reopen(struct store *s);
/*
 * For an empty store: the epoch has written up to that generation, which is
 * not here any more; it goes on above it (I3), and with another past.
 */
enum store_result store_spend(struct store *s, const struct epoch *e,
	    uint64_t generation);

/* ---- where we stand ------------------------------------------------------ */

struct store_head {
	struct position	position;
	struct hash	previous;
	int64_t		time_ns;	/* written by its node's clock */
	uint64_t	entries, bytes;
	uint64_t	full;		/* generation its deltas start from */
};
const struct store_head	*store_head(const struct store *s);
const struct history_list *store_history(const struct store *s);
/*
 * Somebody removed or broke HEAD: with the lock what we know is true, and is
 * written again (STORE_NOTHING, said once; STORE_OK: it is there).  Without,
 * store_head_there() only looks; who may then takes the lock and repairs.
 */
enum store_result store_head_keep(struct store *s);
bool	store_head_there(struct store *s);
/*
 * The tree of the head, kept in memory and brought along by each commit.
 * NULL: cannot be loaded (store_why()).  Valid until the next change.
 */
const struct tree *store_tree(struct store *s);

/* ---- epoch (no lock needed; durable on return) --------------------------- */

enum store_result store_epoch(struct store *s, struct epoch *e);
/*
 * F1, F2: STORE_STALE unless e is at least what is stored, STORE_ABSURD when
 * its term is more than EPOCH_LEAP_MAX ahead.  Equal is STORE_OK.
 */
enum store_result store_epoch_raise(struct store *s, const struct epoch *e);
/* Takes (highest known + 1, node) and stores it: before a service starts. */
enum store_result store_epoch_take(struct store *s, uint32_t node,
	    uint32_t known_term, struct epoch *e);

/* ---- live data ----------------------------------------------------------- */

/*
 * The epoch in which this node's live data were last its own; term 0: never.
 * Reading needs no lock; durable when set returns STORE_OK.
 */
enum store_result store_live_get(struct store *s, struct epoch *e);
enum store_result store_live_set(struct store *s, const struct epoch *e);

/* ---- objects ------------------------------------------------------------- */

enum put_how {
	PUT_DURABLE,		/* fsync now */
	PUT_BULK,		/* staged; durable with the next commit/sync */
};

struct put;		/* an object being written */

/* expect: NULL, or the hash and length it must have.  size 0: unknown. */
enum store_result put_open(struct put **pp, struct store *s, enum put_how how,
	    const struct hash *expect, uint64_t size);
enum store_result put_write(struct put *p, const void *buf, size_t len);
/* From a descriptor's offset: at most max bytes; *got: how many. */
enum store_result put_from_fd(struct put *p, int fd, uint64_t max,
	    uint64_t *got);
/*
 * For who writes by himself (the helper of a database): a descriptor to give
 * away.  Close the other ends, then put_commit() reads it all and hashes.
 */
int		  put_fd(struct put *p);
/* Frees p in every case.  The object is there when it returns STORE_OK. */
enum store_result put_commit(struct put *p, struct hash *h, uint64_t *size);
void		  put_abort(struct put *p);
enum store_result store_put(struct store *s, enum put_how how,
	    const void *buf, size_t len, struct hash *h);

/* Present, staged ones included.  Existence, not content: see verify. */
bool	store_has(struct store *s, const struct hash *h);
/* Read-only descriptor, or -1 with errno; *size may be NULL. */
int	store_object(struct store *s, const struct hash *h, uint64_t *size);
/* Reads and hashes; STORE_HASH when it is bad. */
enum store_result store_verify(struct store *s, const struct hash *h);

/*
 * What rsync left in objects.in/: everything is read, hashed and moved when
 * its name is its hash and it is a regular file with one link; all else is
 * removed and counted.  Bounded by budget bytes a call; STORE_BUSY: more.
 */
struct store_import {
	uint64_t	taken, bytes, had, refused;
};
enum store_result store_import(struct store *s, uint64_t budget,
	    struct store_import *i);
/* A descriptor of objects.in/ (for the receiver's rsync), or -1. */
int	store_import_dir(struct store *s);
/* Makes staged objects durable before the commit does. */
enum store_result store_sync(struct store *s);

/* ---- generations: writing ------------------------------------------------ */

struct store_commit {		/* what came out; text is the store's own and */
	struct position	position;	/* valid until its next change */
	const void	*text;
	size_t		len;
	bool		full;
};

/*
 * Active: the tree changes by d, or (d NULL) becomes t, and that is the next
 * generation of this epoch.  Full or delta is decided here.  Epoch must be
 * the one stored.  Objects must be here.  When it returns STORE_OK it is
 * durable.  No change at all is STORE_OK with the old position and len 0.
 */
enum store_result store_publish(struct store *s, const struct epoch *e,
	    int64_t time_ns, const struct delta *d, const struct tree *t,
	    struct store_commit *c);

/*
 * Standby: manifests as they came, one or several on top of one another;
 * then the commit.  Only the last one's objects must be here: generations in
 * between are kept as steps (not complete).  F4, I5 and every limit are
 * checked.  store_receive() of what is the head already is STORE_OK
 * (idempotent).
 */
enum store_result store_receive(struct store *s, const void *text,
	    size_t len);
enum store_result store_commit(struct store *s, const struct epoch *e,
	    struct store_commit *c);
void		  store_receive_abort(struct store *s);
/*
 * The same for a full manifest that does not follow our head: allowed when
 * our head is empty, or lies in the partner's history (`theirs`, from HELLO):
 * generations in between are not known here, history becomes theirs.  After a
 * fork: store_park() first.
 */
enum store_result store_receive_jump(struct store *s, const void *text,
	    size_t len, const struct history_list *theirs);
/*
 * Objects that the received (or last refused) manifests need: the next one
 * from *i on that is not here, and *i is behind it; false at the end.
 */
bool	store_missing(struct store *s, size_t *i, struct hash *h,
	    uint64_t *size);

/* ---- generations: reading ------------------------------------------------ */

struct store_generation {
	uint64_t	generation;
	struct hash	head;
	struct epoch	epoch;
	int64_t		time_ns;
	uint64_t	entries, bytes;
	bool		full;
	bool		manifest;	/* still here as text */
	bool		complete;	/* its objects are kept */
};
/*
 * Walks down from the head: *cursor 0 to begin.  False at the end.
 */
bool	store_list(struct store *s, uint64_t *cursor,
	    struct store_generation *g);
bool	store_find(struct store *s, uint64_t generation,
	    struct store_generation *g);
/* The text as sent: read-only descriptor, or -1. */
int	store_manifest(struct store *s, uint64_t generation, uint64_t *size);
/* From the last full one and its deltas, every head verified on the way. */
enum store_result store_load_tree(struct store *s, uint64_t generation,
	    struct tree **t);

/* ---- branches ------------------------------------------------------------ */

#define BRANCH_NAME_MAX		96
#define BRANCH_REASON_MAX	200

struct store_branch {
	char		name[BRANCH_NAME_MAX];
	struct position	position;	/* its head */
	uint64_t	fork;		/* last common generation, 0: none */
	int64_t		parked_ns;	/* by the wall clock, to be shown */
	int64_t		kept_ns;	/* age of the store at that time */
	uint64_t	entries, bytes;
	char		reason[BRANCH_REASON_MAX];
};

/*
 * Everything after `fork` becomes a branch and the head goes back to it (0:
 * to empty).  If the fork's own manifest is gone the head becomes empty.
 * Nothing to park is STORE_OK with b->name empty.
 */
enum store_result store_park(struct store *s, uint64_t fork,
	    const char *reason, int64_t now_ns, struct store_branch *b);
/* *cursor 0 to begin; sorted by name.  False at the end. */
bool	store_branches(struct store *s, size_t *cursor,
	    struct store_branch *b);
enum store_result store_branch_tree(struct store *s, const char *name,
	    struct tree **t);
enum store_result store_dismiss(struct store *s, const char *name);
/*
 * Durable wish that this branch's tree, or that of "generation N", goes live
 * with the next takeover instead of the head's; NULL or "" ends it.  What it
 * names is kept.  store_adopting(): the wish, b->name being what was given,
 * or STORE_NOTHING: there is none, or what it named is gone.
 * store_adopting_tree(): its tree, from branch or generation; tree_free() it.
 */
enum store_result store_adopt(struct store *s, const char *name);
enum store_result store_adopting(struct store *s, struct store_branch *b);
enum store_result store_adopting_tree(struct store *s, struct tree **t);

/* ---- upkeep -------------------------------------------------------------- */

struct store_retention {
	uint32_t	keep;		/* newest N, whatever the age; 0: 24 */
	uint32_t	diverged_days;	/* 0: 30 */
};
struct store_upkeep {
	uint64_t	thinned;	/* generations no longer complete */
	uint64_t	manifests;	/* removed */
	uint64_t	objects, bytes;	/* removed */
	uint64_t	branches;	/* past their time */
	bool		over;		/* over the limit, nothing may go */
	bool		done;		/* a whole round is complete */
};
/*
 * One bounded step (about `work` files looked at) of thinning by age and of
 * garbage collection.  Never removes what a kept generation, a branch or
 * something put since the last commit names.  now_ns, of the wall clock, only
 * tells how long an object that nothing names has been here.
 */
enum store_result store_upkeep(struct store *s,
	    const struct store_retention *r, int64_t now_ns, uint32_t work,
	    struct store_upkeep *u);

struct store_scrub {
	uint64_t	objects, bytes;	/* read this call */
	uint32_t	nbad;		/* set aside this call, at most 16 */
	struct hash	bad[16];
	bool		done;		/* a whole round is complete */
};
/* Reads about budget bytes, goes on where it was. */
enum store_result store_scrub(struct store *s, uint64_t budget,
	    struct store_scrub *r);

struct store_usage {
	uint64_t	bytes, objects;	/* objects, staged ones included */
	uint64_t	free_bytes, free_inodes;	/* file system */
	struct store_limits limits;
};
enum store_result store_usage(struct store *s, struct store_usage *u);

/*
 * Scrub has set something aside since the head was last known to be whole;
 * the next commit of a partner's then wants all objects of its tree, and so
 * brings it again.  store_lost_check(): looks, under the lock; STORE_OK: all
 * the head needs is here, and nothing counts as lost any more.
 */
bool	store_lost(const struct store *s);
enum store_result store_lost_check(struct store *s);

/*
 * After STORE_DAMAGED: goes to the newest generation whose manifests and
 * objects are all here and verify; where objects are bad in every one, to the
 * newest whose manifests do, and a partner brings them (store_lost()).
 * *lost: generations above it; their manifests are set aside, not removed.
 */
enum store_result store_repair(struct store *s, uint64_t *lost);

/*
 * Tests only: called at each named step when set; may end the process.
 * Nothing outside can set it.
 */
extern void	(*store_crash_hook)(const char *name);
/* Tests only: nanoseconds since 1970, and since boot, instead of the
 * system's clocks. */
extern int64_t	(*store_clock_hook)(void);
extern int64_t	(*store_mono_hook)(void);

#endif
