/* SPDX-License-Identifier: ISC */

/*
 * The loader: a committed generation becomes files again.  Runs as root for
 * one job, without network.  What it writes lies below the base directory
 * (or the directory of a restore), every path is resolved below a descriptor
 * and no symbolic link is ever followed: manifest, objects and live tree may
 * all come from somebody hostile.
 *
 * In the base directory, root's alone (mode 0700):
 *
 *	.vipair/lock		one loader at a time
 *	.vipair/next/		the generation prepared, in its final form
 *	.vipair/prepared	which one that is, and whether it is complete
 *	.vipair/journal		a swap that was begun and has to be finished
 *	.vipair/previous-TIME/	what a load replaced
 *	.vipair/loaded		which generation was loaded last
 *	.vipair/new  trash/	being made; going away
 */
#ifndef VIPAIR_LOADER_H
#define VIPAIR_LOADER_H

#include <sys/stat.h>

#include "idmap.h"
#include "manifest.h"
#include "pattern.h"
#include "position.h"

#define LOADER_DIR	".vipair"
#define LOADER_WHY_MAX	480
#define LOADER_PREVIOUS_KEPT 3

/* Exit statuses; what they mean for the supervisor. */
enum loader_exit {
	LOADER_DONE = 0,
	LOADER_FAILED = 1,	/* the system said no; live as it was, or */
				/* the journal is finished at the next start */
	LOADER_USAGE = 64,
	LOADER_DAMAGED = 65,	/* generation or object is not what it says */
	LOADER_NOTHING = 66,	/* no such generation */
	LOADER_BUSY = 75,	/* another loader works */
	LOADER_UNCAPTURED = 77,	/* F5: live data was not captured */
	LOADER_CONFIG = 78,	/* no sync block; base is not usable */
};

/* Where generations come from: a store, or a test. */
struct source {
	struct position	position;	/* what is to be loaded */
	char		wish[96];	/* its name, if it is not the head */
	void		*arg;
	/* A verified tree, or NULL: not here any more. */
	struct tree	*(*tree)(void *arg, uint64_t generation,
			    const struct hash *head);
	/* Text of a manifest as sent, or -1. */
	int		(*manifest)(void *arg, uint64_t generation,
			    uint64_t *size);
	int		(*object)(void *arg, const struct hash *h,
			    uint64_t *size);
};

struct mounts {
	char		**path;		/* relative to base */
	size_t		n;
};

struct loader {
	int		base;		/* the live data */
	int		own;		/* base/.vipair */
	int		lock;
	struct sync_conf want;
	struct mounts	mounts;
	struct idmap	ids;
	const struct source *source;
	enum loader_exit status;
	char		why[LOADER_WHY_MAX];
};

/*
 * All of these return 0, or -1 after loader_fail(), which keeps the first
 * reason.  errno_too: adds its text.
 */
int	loader_fail(struct loader *l, enum loader_exit status,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int	loader_error(struct loader *l, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));	/* FAILED, errno */

/* Makes and checks .vipair, takes the lock, finishes a swap. */
int	loader_open(struct loader *l);
void	loader_close(struct loader *l);
/* .vipair/next becomes source->position; costs what changed. */
int	loader_prepare(struct loader *l);
/* Old previous-* and trash; when nobody waits. */
int	loader_upkeep(struct loader *l);
/* The prepared generation becomes live.  F5: the caller captured. */
int	loader_load(struct loader *l);
/* A generation below dir; l->own: a directory of ours on its file system. */
int	loader_restore(struct loader *l, int dir, const struct tree *t);

/* Tests only: called before each step that changes something. */
extern void	(*loader_fault)(const char *step);
static inline void
loader_step(const char *step)
{
	if (loader_fault != NULL)
		loader_fault(step);
}

/* ---- below.c: paths below a descriptor ---------------------------------- */

#define BELOW_PATH_MAX	(MANIFEST_PATH_MAX + 1)

/* A directory; "" is root itself.  -1 with errno. */
int	below_dir(int root, const char *path);
/* The same for the parent; *leaf points into path. */
int	below_parent(int root, const char *path, const char **leaf);
/* lstat; -1 with errno, ENOENT also when a parent is no directory. */
int	below_stat(int root, const char *path, struct stat *st);
/* Removes whatever has this name, by way of own/trash. */
int	below_remove(struct loader *l, int dir, const char *name);
int	below_empty_trash(struct loader *l);
/* dir/name in one piece and durable. */
int	below_write(int dir, const char *name, const void *text, size_t len);
/* All of it as a string in malloc'ed memory, or NULL with errno. */
char	*below_read(int dir, const char *name, size_t max, size_t *len);

/* ---- build.c: entries become files -------------------------------------- */

/* Each in its final form; directories get their times by build_times(). */
struct build {
	struct loader	*l;
	int		root;		/* next, or where a restore goes */
	int		own;		/* same file system: for .new */
	size_t		ngroups;
	const struct entry **group;	/* of hard links: who was first */
};

/* NULL, or why this is not loaded. */
const char *build_refused(const struct entry *e);
int	build_entry(struct build *b, const struct entry *e);
int	build_drop(struct build *b, const char *path);
int	build_times(struct build *b, const struct entry *e);

/* ---- journal.c: what a swap is to do ------------------------------------ */

enum step_kind {
	STEP_SWAP = 'x',	/* next's takes the place of live's, if any */
	STEP_ASIDE = 'a',	/* live's goes away */
	STEP_MODE = 'm',	/* live's directory gets next's looks */
};

struct step {
	enum step_kind	kind;
	uint64_t	ino;		/* of next's */
	uint32_t	mode, uid, gid;
	int64_t		mtime_ns;
	char		*path;
};

#define STEPS_MAX	(4u * 1024 * 1024)

struct journal {
	struct position	position;
	char		aside[64];	/* becomes the name of next */
	struct step	*step;
	size_t		n, room;
};

int	journal_add(struct loader *l, struct journal *j, const struct step *s);
int	journal_write(struct loader *l, const struct journal *j);
/* 1: there is one; 0: none; -1. */
int	journal_read(struct loader *l, struct journal *j);
void	journal_free(struct journal *j);

/* ---- plan.c and swap.c -------------------------------------------------- */

int	plan_make(struct loader *l, struct journal *j);
int	swap_run(struct loader *l, const struct journal *j);

/* ---- mark.c: small files that say where we are ------------------------ */

struct mark {
	struct position	position;
	bool		complete;
};
/* False: absent or not understood, which is the same. */
bool	mark_read(struct loader *l, const char *name, struct mark *r);
int	mark_write(struct loader *l, const char *name,
	    const struct mark *r);

/* ---- sandbox.c ---------------------------------------------------------- */

/* Only below dir (written) and store (read) from here on. */
int	sandbox_enter(struct loader *l, int dir, int store);
/* Mount points below base, before the sandbox. */
int	mounts_read(struct loader *l);
bool	mounts_has(const struct mounts *m, const char *path);
bool	mounts_below(const struct mounts *m, const char *path);

#endif
