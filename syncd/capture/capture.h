/* SPDX-License-Identifier: ISC */

/*
 * Capture: makes generations out of live data.  Reads below the base, writes
 * to the store, and nothing else: no network, no program is started here.
 *
 * A generation is published only when everything that belongs to it was
 * read whole and did not change while it was read; else it is held back and
 * capture_problem() tells why.
 *
 * All calls want the store locked by the caller (store_lock()).
 */
#ifndef VIPAIR_CAPTURE_H
#define VIPAIR_CAPTURE_H

#include "mono.h"
#include "pattern.h"
#include "store.h"

#define CAPTURE_PROBLEMS_MAX	256
#define CAPTURE_TRIES		5	/* of a file that changes */

enum capture_fault {
	FAULT_CHANGING,		/* five times different when it was read */
	FAULT_UNREADABLE,	/* code: errno */
	FAULT_MISSING,		/* path: a pattern that matches nothing */
	FAULT_SNAPSHOT,		/* code: enum sqlsnap */
	FAULT_NAME,		/* path too long or too deep */
	FAULT_TREE_LINK,	/* a tree that is a symbolic link */
	FAULT_STORE,		/* code: enum store_result */
	FAULT_MEMORY,
	/* those above hold a generation back, these are told only */
	FAULT_SPECIAL,		/* a pipe, socket or device: left out */
	FAULT_MOUNT,		/* another file system: not crossed */
	FAULT_UNDECLARED,	/* an SQLite database that is no `sqlite` */
	FAULT_ATTRIBUTES,	/* some did not fit and are left out */
	FAULT_WATCH,		/* not watched, compared more often instead */
	/* of the room itself, holds a generation back */
	FAULT_FILL,		/* before capture exec failed; code: its
				   exit status */
	FAULT_COUNT,
};
const char	*capture_fault_word(enum capture_fault f);

struct capture_problem {
	enum capture_fault fault;
	bool		holds;		/* a generation is not made for it */
	int		code;
	const char	*path;		/* relative to base, raw bytes */
};

struct capture_snap {		/* a database that is to be copied */
	uint32_t	entry;		/* of the sync_conf, that wants it */
	uint64_t	dev, ino;
	const char	*path;		/* below base */
};

struct capture_hooks {
	/*
	 * Has sqlsnap copy the database.  Returns its exit status; when that
	 * is SQLSNAP_OK *fd is the copy, and the capture's to close.
	 */
	int	(*snapshot)(void *arg, const struct capture_snap *s, int *fd);
	void	*arg;
};

enum capture_outcome {
	CAPTURE_NOTHING,	/* not due, or nothing has changed */
	CAPTURE_PUBLISHED,	/* a new generation, durable */
	CAPTURE_HELD,		/* see the problems */
};

struct capture_stats {		/* since the start */
	uint64_t	passes, rounds;	/* by stat; by content */
	uint64_t	looked;		/* names looked at */
	uint64_t	read_files, read_bytes;
	uint64_t	snapshots, retries;
	uint64_t	events, overflows;
	uint64_t	found;		/* differed by content only */
	uint64_t	trusted;	/* files not read: just loaded */
	uint32_t	nodes, watches;
};

struct capture;

/*
 * conf, store and hooks stay the caller's and must live as long.  NULL or
 * what is wrong.  every_ns: between passes, 0: 60 s.
 */
const char	*capture_open(struct capture **cp, const struct sync_conf *conf,
		    struct store *store, const struct capture_hooks *hooks,
		    int64_t every_ns, mono_t now);
void		 capture_close(struct capture *c);

/* Descriptor to poll for reading; -1: there is no inotify. */
int		 capture_fd(const struct capture *c);
void		 capture_events(struct capture *c, mono_t now);
mono_t		 capture_deadline(const struct capture *c);

/*
 * A whole pass with the next run, for who waits for it; reset: the store's
 * head is not ours.
 */
void		 capture_ask(struct capture *c, mono_t now);
void		 capture_reset(struct capture *c, mono_t now);

/* The next run is to be a whole pass. */
bool		 capture_pass_due(const struct capture *c, mono_t now);

/*
 * The loader has just made the live data of the store's head: in the next
 * pass a file that looks like its entry there is not read.  Until the
 * comparison by content nobody has read it.
 */
void		 capture_trust(struct capture *c);

/*
 * The store has set these objects aside: what has them is read again.  The
 * number of files found.
 */
uint32_t	 capture_lost(struct capture *c, const struct hash *h,
		    uint32_t n, mono_t now);

/* Does what is due.  out: the generation when one was published. */
enum capture_outcome capture_run(struct capture *c, const struct epoch *e,
		    mono_t now, struct store_commit *out);

uint32_t	 capture_problems(const struct capture *c);
const struct capture_problem *capture_problem(const struct capture *c,
		    uint32_t i);
void		 capture_get_stats(const struct capture *c,
		    struct capture_stats *s);

#endif
