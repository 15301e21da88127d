/* SPDX-License-Identifier: ISC */

/*
 * Capture: how far the log of a database in WAL mode is.  A writer puts a
 * transaction into the log, waits for the disk, and then makes it visible
 * with a word in shared memory, of which no event tells.  A copy made in
 * between does not have it; so one has to look at that word.
 */
#ifndef VIPAIR_WAL_H
#define VIPAIR_WAL_H

#include "known.h"

struct wal_view {
	struct identity	 id;		/* of the log; zero: none or empty */
	struct wal_mark	 mark;		/* what is visible */
	bool		 flying;	/* and there is more behind it */
};

/* name: of the database in dir. */
void	wal_look(int dir, const char *name, struct wal_view *v);
bool	wal_mark_equal(const struct wal_mark *a, const struct wal_mark *b);

#endif
