/* SPDX-License-Identifier: ISC */

/*
 * The records of the chain: one per generation, in a file of fixed records
 * that rise.  An index beside the manifests: what is lost of it at a power
 * cut is made anew from them (recover.c).  A damaged record reads as none.
 */
#ifndef VIPAIR_CHAIN_H
#define VIPAIR_CHAIN_H

#include "position.h"

#define LINK_FULL	1u
#define LINK_COMPLETE	2u	/* its objects are kept */
#define LINK_MANIFEST	4u	/* its text is here */

struct link {
	uint32_t	flags;
	struct epoch	epoch;
	uint64_t	generation;
	int64_t		time_ns;	/* the writer's clock */
	int64_t		kept_ns;	/* age of the store at its commit */
	uint64_t	entries, bytes;
	uint64_t	size;		/* of the text */
	struct hash	head, previous;
};

struct chain {
	int		fd;
	uint64_t	n;
};

int	chain_open(struct chain *c, int dir, const char *name, bool write);
void	chain_close(struct chain *c);
bool	chain_read(const struct chain *c, uint64_t i, struct link *l);
/* Index of a generation, or of the first above it (false). */
bool	chain_find(const struct chain *c, uint64_t generation, uint64_t *i);
int	chain_write(struct chain *c, uint64_t i, const struct link *l);
int	chain_cut(struct chain *c, uint64_t n);
int	chain_sync(const struct chain *c);

#endif
