/* SPDX-License-Identifier: ISC */

/* What the parts of the capture share. */
#ifndef VIPAIR_TAKE_H
#define VIPAIR_TAKE_H

#include "capture.h"
#include "known.h"
#include "names.h"
#include "payload.h"
#include "policy.h"

#define BULK_MIN	16	/* changes at once; fewer are synced singly */
#define DIRTY_MAX	16384	/* more: a pass finds them */

/* What takes long to read and changes all the time gets a quarter of it. */
#define REST_FACTOR	3
#define REST_FROM_NS	(20 * NS_PER_MS)
#define AGAIN_MIN_NS	(10 * NS_PER_MS)
#define AGAIN_MAX_NS	(5 * NS_PER_S)
#define REST_MAX_NS	(10 * NS_PER_S)

/* Paths that changed, each once. */
struct dirty {
	struct dirty_path {
		struct dirty_path *next, *by_hash;
		char	path[];
	}		*first, **last;
	struct dirty_path *table[1024];
	uint32_t	n;
};
void	dirty_init(struct dirty *d);
void	dirty_free(struct dirty *d);
/* False: too many, or no memory: everything must be looked at. */
bool	dirty_add(struct dirty *d, const char *path);
/* The oldest one, for free(); NULL: none. */
struct dirty_path *dirty_take(struct dirty *d);

/* Which directory a watch belongs to. */
struct watch {
	int		fd;
	struct node	**slot;		/* by wd */
	uint32_t	size;
	bool		blind;		/* some directory has no watch */
};

/* Hard links: which inode has which number in the manifest. */
struct groups {
	struct group {
		uint64_t	dev, ino;
		uint32_t	count;
	}		*at;
	uint32_t	size;		/* numbers 1 to size - 1 */
	uint32_t	lowest_free;	/* or below it */
};

/* Comparing by content: where it stands. */
struct content {
	char		path[MANIFEST_PATH_MAX + 1];	/* last one done */
	int		fd;		/* file being read, or -1 */
	struct hash_sum	sum;
	struct identity	id;
};

struct capture {
	struct sync_conf conf;
	struct store	*store;
	struct capture_hooks hooks;
	struct payload	payload;
	struct names	*names;
	struct known	known;
	struct policy	policy;
	struct dirty	dirty;
	struct dirty	resting;	/* changed, to be read later */
	mono_t		rest_over;	/* of the first of them */
	int64_t		spent_ns;	/* reading the last one */
	bool		urgent;		/* no rest: somebody waits */
	struct watch	watch;
	struct groups	groups;
	struct content	content;
	struct capture_stats stats;
	struct capture_problem problem[CAPTURE_PROBLEMS_MAX];
	uint32_t	nproblems;
	bool		held_more;	/* and there was no room to say why */
	uint32_t	matched[SYNC_ENTRIES_MAX];
	uint32_t	pass;		/* number of the walk under way */
	bool		deep;		/* into known directories as well */
	bool		bulk;
	bool		renew;		/* write all entries anew */
	bool		compare;	/* the store may have what we have not */
	bool		trust;		/* live data were made of the head */
	const struct tree *tree;	/* of the store's head */
	char		path[MANIFEST_PATH_MAX + 1];	/* being taken */
	size_t		path_len;
	uint32_t	depth;
	struct payload_xattrs xattrs;
};

/* A name that was looked at and is wanted. */
struct found {
	int		dir;
	struct node	*parent;
	const char	*name;
	struct statx	st;
	struct identity	id;
	enum want	want;
	uint32_t	rule;
	bool		counted;
};

/* problem.c */
void	problem_add(struct capture *c, enum capture_fault f, int code,
	    bool holds, const char *path);
/* The path being taken; holds unless its rule is optional. */
void	problem_here(struct capture *c, enum capture_fault f, int code,
	    uint32_t rule);
void	problem_clear(struct capture *c, const char *path);
void	problem_clear_fault(struct capture *c, enum capture_fault f);
void	problem_clear_all(struct capture *c);
bool	problem_holds(const struct capture *c);

/* walk.c */
void	take_all(struct capture *c);
void	take_path(struct capture *c, const char *path);

/* node.c: one path's place in memory and in the generation to come */
struct node *node_for(struct capture *c, const struct found *f,
	    enum entry_type type);
void	node_show(struct capture *c, struct node *n, const struct entry *e);
void	node_hide(struct capture *c, struct node *n);
void	node_forget(struct capture *c, struct node *n);
/* What was pending is in a generation now. */
void	node_published(struct capture *c, struct node *n);
/* Ownership, mode, attributes of what st and c->xattrs say. */
void	node_entry(struct capture *c, const struct statx *st,
	    enum entry_type type, struct entry *e);

/* file.c */
void	take_file(struct capture *c, struct found *f);
void	take_link(struct capture *c, struct found *f);

/* database.c */
void	take_database(struct capture *c, struct found *f);

/* rest.c */
bool	rest_wanted(struct capture *c, const struct node *n);
/* By what reading it took, c->spent_ns. */
void	rest_after(struct capture *c, struct node *n);
/* The path being taken again after delay_ns, without an event. */
void	rest_again(struct capture *c, int64_t delay_ns);
void	rest_end(struct capture *c, mono_t now);

/* group.c */
void	group_join(struct capture *c, struct node *n);
void	group_leave(struct capture *c, struct node *n);
/* One of its names is going away: the others have a link less. */
void	group_lost_name(struct capture *c, const struct node *n);
/* Another name of the same file, taken in the same state; or NULL. */
const struct node *group_twin(struct capture *c, const struct found *f);

/* content.c */
bool	content_slice(struct capture *c);
void	content_stop(struct capture *c);

/* watch.c */
bool	watch_open(struct capture *c);
void	watch_close(struct capture *c);
/* fd: the directory, open for reading. */
void	watch_add(struct capture *c, struct node *n, int fd);
void	watch_drop(struct capture *c, struct node *n);

#endif
