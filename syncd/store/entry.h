/* SPDX-License-Identifier: ISC */

/* What tree.c, delta.c and the two manifest files share. */
#ifndef VIPAIR_ENTRY_H
#define VIPAIR_ENTRY_H

#include "manifest.h"

#define ENTRY_BYTES_MAX	(UINT64_C(1) << 60)	/* sum of a tree */

/* One block of memory with everything in it; free() ends it. */
struct entry	*entry_copy(const struct entry *e);
/* Only a path, for a change that drops it. */
struct entry	*entry_path_only(const char *path);
uint64_t	 entry_bytes(const struct entry *e);	/* f, q: size */
/* Is path below dir (which is len bytes long)? */
bool		 path_below(const char *path, const char *dir, size_t len);
/* Length of the parent of path, 0 at the top. */
size_t		 path_parent(const char *path);

/*
 * Watches a sorted walk: rising order, no duplicates, every parent there and
 * a directory.
 */
struct lineage {
	char		last[MANIFEST_PATH_MAX + 1];
	char		dir[MANIFEST_PATH_MAX + 1];	/* the deepest */
	uint16_t	end[MANIFEST_DEPTH_MAX];	/* of dirs in dir */
	uint32_t	depth;
	bool		begun;
};
const char	*lineage_order(struct lineage *l, const char *path);
const char	*lineage_next(struct lineage *l, const struct entry *e);

/* Index of path or of where it belongs. */
bool		 tree_search(const struct tree *t, const char *path,
		    size_t *at);

#endif
