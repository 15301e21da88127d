/* SPDX-License-Identifier: ISC */

/* Trees in memory, objects in a table, a base directory: for loader tests. */
#ifndef VIPAIR_LOADER_KIT_H
#define VIPAIR_LOADER_KIT_H

#include "loader.h"

#define KIT_OBJECTS_MAX	20000
#define KIT_GENERATIONS_MAX 256

struct kit {
	char		dir[64];	/* holds base and what must not change */
	char		base[80];
	struct source	source;
	struct sync_entry entry[16];
	struct loader	l;
	struct {
		struct hash	h;
		void		*bytes;
		size_t		len;
	} object[KIT_OBJECTS_MAX];
	size_t		nobjects;
	struct {
		struct tree	*tree;
		struct hash	head;
		struct manifest_text text;
	} generation[KIT_GENERATIONS_MAX];
	uint64_t	head;
	uint64_t	objects_read;	/* since it was set to 0 */
};

struct kit	*kit_new(void);
void		 kit_free(struct kit *k);	/* with all files */

/* kind SYNC_*, glob; up to 16. */
void	kit_want(struct kit *k, enum sync_kind kind, const char *glob);

/* Entries for a tree that is being made. */
void	kit_dir(struct tree *t, const char *path, unsigned int mode);
void	kit_file(struct kit *k, struct tree *t, const char *path,
	    const void *bytes, size_t len);
void	kit_text(struct kit *k, struct tree *t, const char *path,
	    const char *text);
void	kit_link(struct tree *t, const char *path, const char *target);
/* A whole entry with the object in the table. */
void	kit_object(struct kit *k, const void *bytes, size_t len,
	    struct hash *h);

/* t becomes the next generation, as full text or as delta; k owns it. */
void	kit_commit(struct kit *k, struct tree *t);

/* One run of the loader, as the program would do it; its status. */
enum loader_exit kit_run(struct kit *k, int (*what)(struct loader *));

/* Live files. */
void	kit_put(struct kit *k, const char *path, const char *text);
/* Text of base/path, "" when absent; static. */
const char *kit_get(struct kit *k, const char *path);
bool	kit_exists(struct kit *k, const char *path);
/* A sum over names, types, modes, owners, sizes, targets and contents below
 * dir/path, without .vipair; 0 when it is not there. */
uint64_t kit_sum(const struct kit *k, const char *path);
/* The same over all there is but base and /proc; for a small world. */
uint64_t kit_sum_world(const struct kit *k);
/* base/.vipair/previous-*: path of the newest, or NULL; static. */
const char *kit_previous(struct kit *k);

#endif
