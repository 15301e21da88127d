/* SPDX-License-Identifier: ISC */

/*
 * Where a copy of the data stands: position, epoch and history; and what two
 * nodes can tell from each other's.  Pure.
 */
#ifndef VIPAIR_POSITION_H
#define VIPAIR_POSITION_H

#include "hash.h"

#define EPOCH_NODE_MAX	7	/* ids are the order of rank, 0 first */
#define EPOCH_LEAP_MAX	1000	/* F2: nobody believes a term further ahead */
#define HISTORY_ITEMS_MAX 512	/* newest; older ones are dropped */

/*
 * Who may write.  A higher term is higher; in the same term (both nodes rose
 * while they could not hear each other) the lower node id, the better rank,
 * is higher.
 */
struct epoch {
	uint32_t	term;		/* 0: none yet */
	uint32_t	node;
};

struct position {
	struct epoch	epoch;		/* that wrote the generation */
	uint64_t	generation;	/* 0: empty */
	struct hash	head;
};

/* From generation `first` on the epoch wrote; `parent` is head(first - 1). */
struct history_item {
	struct epoch	epoch;
	uint64_t	first;
	struct hash	parent;
};

struct history_list {
	uint32_t	n;
	struct history_item item[HISTORY_ITEMS_MAX];	/* oldest first */
};

int	epoch_cmp(const struct epoch *a, const struct epoch *b);
/* F2: term and node within limits, given the highest term known. */
bool	epoch_believable(const struct epoch *e, uint32_t known_term);
bool	position_equal(const struct position *a, const struct position *b);

/* Sorted, epochs and generations rising; NULL or what is wrong. */
const char	*history_check(const struct history_list *h);
/* Appends; false unless it continues the list.  Drops the oldest if full. */
bool	history_add(struct history_list *h, const struct history_item *i);
/* Forgets what began after that generation. */
void	history_cut(struct history_list *h, uint64_t generation);
/* The item that generation belongs to, or NULL. */
const struct history_item *history_at(const struct history_list *h,
	    uint64_t generation);

enum kinship {
	KIN_SAME,		/* equal heads */
	KIN_BEHIND,		/* mine is an ancestor of theirs */
	KIN_AHEAD,		/* theirs is an ancestor of mine */
	KIN_FORKED,		/* common up to *fork, different after it */
	KIN_STRANGERS,		/* nothing in common: *fork is 0 */
};
/*
 * By I3 one (term, node) never writes a generation twice, so two histories
 * tell where their branches part.  *fork: the newest common generation.  A
 * generation 0 (empty) is BEHIND everything.
 */
enum kinship	position_kin(const struct position *mine,
		    const struct history_list *mine_h,
		    const struct position *theirs,
		    const struct history_list *theirs_h, uint64_t *fork);

#endif
