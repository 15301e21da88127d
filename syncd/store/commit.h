/* SPDX-License-Identifier: ISC */

/* What publish.c and receive.c share: making a generation the head. */
#ifndef VIPAIR_STORE_COMMIT_H
#define VIPAIR_STORE_COMMIT_H

#include "inside.h"

struct generation {		/* one to be written */
	const struct manifest_header *header;
	struct hash	head;
	const void	*text;
	size_t		len;
	bool		complete;
};

/* With EPOCH held still: e must be what is stored (I5). */
enum store_result commit_epoch(struct store *s, const struct epoch *e);
/* All objects of entries that come with d, or of t when d is NULL. */
enum store_result commit_objects(struct store *s, const struct tree *t,
	    const struct delta *d);
/*
 * Writes n generations that follow one another and then HEAD, which is the
 * commit point.  history: the whole new one.
 */
enum store_result commit_write(struct store *s, const struct generation *g,
	    size_t n, const struct history_list *history);

#endif
