/* SPDX-License-Identifier: ISC */

/*
 * Manifests: what one generation holds, as text; and the table in memory.
 * No file is opened here.  Whatever is read may come from a partner that
 * lies: the reader has a limit on everything and names what it refuses.
 *
 *	vipair manifest 1
 *	pair vpn
 *	term 7
 *	node 0
 *	generation 48213
 *	previous <64 hex>
 *	time <ns since 1970>
 *	kind full | delta
 *	entries <in the tree once applied>
 *	bytes <sum of the sizes of f and q once applied>
 *	lines <that follow>
 *	<lines>
 *
 * An entry: type mode uid gid user group size mtime_ns content link xattrs
 * path, one space between.  A line of a delta is "+" and an entry (new or
 * instead of the old one) or "-" and a path.  content: object of f and q, ">"
 * and the target of l, "-" of d.  link: hard-link group or 0.  xattrs: "-"
 * or name=value,name=value by name; ACLs are the xattrs system.posix_acl_*.
 * Bytes outside ! to ~, and % = , are written %XX; so is a lone "-".  There
 * is one way to write a tree: everything else is refused.
 *
 * Order is path_cmp(): byte by byte with '/' before all others, so that what
 * is below a directory follows it at once.  Every parent is there, as a d.
 */
#ifndef VIPAIR_MANIFEST_H
#define VIPAIR_MANIFEST_H

#include <sys/types.h>

#include "position.h"

#define MANIFEST_PATH_MAX	4095
#define MANIFEST_NAME_MAX	255	/* one component, user, group */
#define MANIFEST_PAIR_MAX	31
#define MANIFEST_XATTRS_MAX	64
#define MANIFEST_XATTR_MAX	65536	/* all names and values of an entry */
#define MANIFEST_LINE_MAX	(256 * 1024)
#define MANIFEST_ENTRIES_MAX	(4u * 1024 * 1024)
#define MANIFEST_TEXT_MAX	(UINT64_C(1) << 30)
#define MANIFEST_DEPTH_MAX	256
#define MANIFEST_ERROR_MAX	256

enum entry_type {
	ENTRY_FILE = 'f',
	ENTRY_SQLITE = 'q',
	ENTRY_DIR = 'd',
	ENTRY_LINK = 'l',
};

struct entry_xattr {
	const char	*name;
	const void	*value;
	uint32_t	len;
};

/* Made by whoever walks; tree and delta make their own copies. */
struct entry {
	enum entry_type	type;
	uint16_t	mode;		/* 07777 */
	uint16_t	nxattrs;
	uint32_t	uid, gid;
	uint32_t	link;		/* hard-link group, 0: none */
	uint64_t	size;		/* d: 0; l: length of target */
	int64_t		mtime_ns;
	struct hash	object;		/* f, q */
	const char	*path;
	const char	*user, *group;	/* "" when unknown */
	const char	*target;	/* l, else "" */
	const struct entry_xattr *xattrs;	/* sorted by name */
};

struct manifest_header {
	char		pair[MANIFEST_PAIR_MAX + 1];
	struct epoch	epoch;		/* term, node */
	uint64_t	generation;
	struct hash	previous;
	int64_t		time_ns;
	bool		full;
	uint64_t	entries, bytes;
	uint64_t	lines;
};

/* Order of manifests; strings end with NUL. */
int	path_cmp(const char *a, const char *b);
/*
 * NULL, or why a path may not be in a manifest: empty, leading or trailing
 * slash, empty component, "." or "..", too long, too deep.
 */
const char	*path_check(const char *path, size_t len);
/* NULL, or what is wrong with an entry by itself. */
const char	*entry_check(const struct entry *e);
bool	entry_equal(const struct entry *a, const struct entry *b);
bool	entry_has_object(const struct entry *e);	/* f, q */

/* ---- tree: a sorted table -------------------------------------------- */

struct tree;

struct tree	*tree_new(void);	/* empty; NULL: no memory */
void		 tree_free(struct tree *t);	/* NULL is fine */
struct tree	*tree_copy(const struct tree *t);
size_t		 tree_count(const struct tree *t);
uint64_t	 tree_bytes(const struct tree *t);
const struct entry *tree_at(const struct tree *t, size_t i);
const struct entry *tree_find(const struct tree *t, const char *path);
/* Index of the first entry that does not sort before path. */
size_t		 tree_lower(const struct tree *t, const char *path);
/*
 * Adds or replaces; quick at the end (a sorted walk).  Does not look at
 * parents: tree_check() does, once, and publishing does it for you.
 * NULL or what is wrong.
 */
const char	*tree_put(struct tree *t, const struct entry *e);
bool		 tree_drop(struct tree *t, const char *path);
const char	*tree_check(const struct tree *t);

/* ---- delta: changes between two trees -------------------------------- */

struct delta;

struct change {
	bool		drop;
	const struct entry *entry;	/* drop: only its path counts */
};

struct delta	*delta_new(void);
void		 delta_free(struct delta *d);
void		 delta_clear(struct delta *d);
size_t		 delta_count(const struct delta *d);
struct change	 delta_at(const struct delta *d, size_t i);
/* The last word on a path counts; any order.  NULL or what is wrong. */
const char	*delta_put(struct delta *d, const struct entry *e);
const char	*delta_drop(struct delta *d, const char *path);
/* What makes new of old; NULL: no memory.  Linear in both. */
struct delta	*tree_diff(const struct tree *old, const struct tree *new);
/*
 * Applies all or nothing; costs what the delta costs (and one memmove when
 * entries come or go).  Refused: dropping what is not there, an entry whose
 * parent is not a directory, a directory dropped or replaced while something
 * below it stays.  NULL or what is wrong.
 */
const char	*tree_apply(struct tree *t, const struct delta *d);

/* ---- text ------------------------------------------------------------- */

struct manifest_text {		/* grows; text is not NUL-terminated */
	char		*text;
	size_t		len, size;
};
void	manifest_text_free(struct manifest_text *m);

/* Fill kind, entries, bytes and lines themselves.  False: no memory. */
bool	manifest_write_full(struct manifest_text *m,
	    const struct manifest_header *h, const struct tree *t);
/* t: the tree after the delta. */
bool	manifest_write_delta(struct manifest_text *m,
	    const struct manifest_header *h, const struct tree *t,
	    const struct delta *d);

struct manifest_reader;

/* Return NULL to go on or a reason to stop; strings live for the call. */
struct manifest_events {
	const char	*(*header)(void *arg, const struct manifest_header *h);
	const char	*(*put)(void *arg, const struct entry *e);
	const char	*(*drop)(void *arg, const char *path);
	void		*arg;
};

struct manifest_limits {
	uint64_t	text, entries, bytes;	/* 0: the limits above */
};

struct manifest_reader *manifest_reader_new(const struct manifest_events *ev,
	    const struct manifest_limits *limits);
void	manifest_reader_free(struct manifest_reader *r);
/* In pieces of any size.  False: refused; manifest_reader_error() says why. */
bool	manifest_feed(struct manifest_reader *r, const void *buf, size_t len);
bool	manifest_end(struct manifest_reader *r);
/* "line 17: path: has a component \"..\"" */
const char	*manifest_reader_error(const struct manifest_reader *r);

/*
 * A whole manifest in memory.  Exactly one of *t (full) and *d (delta) is
 * made; sums of a delta are checked when it is applied.
 */
bool	manifest_read(const void *text, size_t len, struct manifest_header *h,
	    struct tree **t, struct delta **d,
	    const struct manifest_limits *limits,
	    char error[MANIFEST_ERROR_MAX]);

#endif
