/* SPDX-License-Identifier: ISC */

/* The table itself, for tree.c and delta.c only. */
#ifndef VIPAIR_TREE_H
#define VIPAIR_TREE_H

#include "entry.h"

struct tree {
	struct entry	**at;
	size_t		n, size;
	uint64_t	bytes;
};

/* Makes room for n entries in all. */
bool	tree_room(struct tree *t, size_t n);
/* Takes e over; there must be room for one more. */
void	tree_set(struct tree *t, struct entry *e);

#endif
