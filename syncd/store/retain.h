/* SPDX-License-Identifier: ISC */

/* What upkeep.c and retain.c share. */
#ifndef VIPAIR_STORE_RETAIN_H
#define VIPAIR_STORE_RETAIN_H

#include "inside.h"

struct retain {
	int64_t		age_ns;		/* of the store, now */
	uint64_t	keep;		/* the newest, whatever their age */
	uint64_t	wished;		/* generation to go back to, or 0 */
	bool		tight;		/* nearly full: fewer */
	uint64_t	seen;
	size_t		rule;		/* of the last one kept by age */
	int64_t		slot;
};
/* Called from the newest down; pure. */
bool	retain_keeps(struct retain *r, int64_t kept_ns);

enum store_result retain_thin(struct store *s, struct retain *r,
	    struct store_upkeep *u);
enum store_result retain_compact(struct store *s, struct chain *c,
	    uint64_t keep);
enum store_result retain_branches(struct store *s, uint32_t days,
	    int64_t age_ns, uint64_t *gone);

#endif
