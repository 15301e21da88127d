/* SPDX-License-Identifier: ISC */

/*
 * Capture: what the live tree looked like when it was last taken, in memory.
 * One node for each path of the data set and for each directory on the way,
 * with what stat said then, so that an unchanged file is never read again.
 * No file is touched here.
 *
 * A node that differs from the last published generation is pending: it has
 * a record with the entry to be published, or none when the path is gone.
 */
#ifndef VIPAIR_KNOWN_H
#define VIPAIR_KNOWN_H

#include <sys/types.h>

#include "manifest.h"
#include "mono.h"

#define KNOWN_NODES_MAX	MANIFEST_ENTRIES_MAX

/* Who a file is and when it changed; equal: it did not. */
struct identity {
	uint64_t	dev, ino, size;
	int64_t		mtime_ns, ctime_ns;
	uint32_t	nlink;
};

/* What of the log of a database is visible to its readers. */
struct wal_mark {
	uint32_t	change, frames;
	uint8_t		salt[8];
};

struct node {
	struct node	*parent;		/* NULL: the base */
	struct node	*child, *next, **link;	/* list of the parent's */
	struct node	*by_name, *by_inode;	/* chains of the tables */
	struct node	*pend_next, **pend_link;
	struct entry	*entry;		/* pending, not gone: to be put */
	struct identity	 id;
	struct identity	 log;		/* of a database: its log */
	struct wal_mark	 mark;
	int64_t		 again_ns;	/* looked again after so long */
	mono_t		 rest;		/* not to be read again before */
	struct hash	 object;	/* of files and databases */
	uint64_t	 size;		/* of a database's copy */
	uint32_t	 group;		/* of hard links, or 0 */
	uint32_t	 rule;		/* that wants it */
	uint32_t	 seen;		/* number of the last pass */
	int		 wd;		/* of directories, or -1 */
	enum entry_type	 type;
	bool		 counted;	/* the rule names this very path */
	bool		 in_tree;	/* directories: all below is wanted */
	bool		 shown;		/* has or will have an entry */
	bool		 blurred;	/* directories: times say nothing */
	bool		 suspect;	/* to be read, whatever stat says */
	bool		 pending, gone;
	bool		 inode_listed;
	uint32_t	 nshown;	/* children with an entry */
	uint16_t	 name_len;
	char		 name[];
};

struct known {
	struct node	*base;
	struct node	**names, **inodes;
	uint32_t	 size, count;	/* size: power of two, of both */
	struct node	*pending;
	uint32_t	 npending;
};

bool		 known_init(struct known *k);
void		 known_free(struct known *k);

/* Also one that is gone, if its end was not published yet. */
struct node	*known_child(const struct known *k, const struct node *parent,
		    const char *name, size_t len);
struct node	*known_find(const struct known *k, const char *path);
/* Not there before.  NULL: no memory, or KNOWN_NODES_MAX. */
struct node	*known_add(struct known *k, struct node *parent,
		    const char *name, size_t len);
/* Pending or not, at once and without a trace; it has no child. */
void		 known_remove(struct known *k, struct node *n);

/* Writes the path; false when longer than MANIFEST_PATH_MAX. */
bool		 known_path(const struct node *n,
		    char path[MANIFEST_PATH_MAX + 1]);

/* The inode table: regular files with more than one name. */
void		 known_list_inode(struct known *k, struct node *n);
void		 known_unlist_inode(struct known *k, struct node *n);
/* Next node after n (NULL: the first) with this inode, not gone. */
struct node	*known_inode(const struct known *k, uint64_t dev,
		    uint64_t ino, const struct node *n);

/* Takes e over (free()); NULL: the path is gone. */
void		 known_pend(struct known *k, struct node *n, struct entry *e);
void		 known_unpend(struct known *k, struct node *n);

bool		 identity_equal(const struct identity *a,
		    const struct identity *b);

#endif
