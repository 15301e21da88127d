/* SPDX-License-Identifier: ISC */

/*
 * Capture: the only way to the live data.  Everything is reached from the
 * descriptor of the base, name by name or below it, never through a link and
 * never across a mount point; nothing is opened for writing.
 *
 * The right to read what is not ours (CAP_DAC_READ_SEARCH) is in force
 * between payload_begin() and payload_end() only, and no program that is
 * started inherits it.
 */
#ifndef VIPAIR_PAYLOAD_H
#define VIPAIR_PAYLOAD_H

#include <sys/stat.h>

#include "known.h"

/*
 * The kernel has no such attribute: the entry's file had holes.  The loader
 * makes them again from zeros and sets no attribute of this name.
 */
#define PAYLOAD_SPARSE	"vipair.sparse"

struct payload {
	int	base;
	bool	cap;		/* the right is there to be raised */
};

struct payload_xattrs {
	struct entry_xattr x[MANIFEST_XATTRS_MAX];
	uint16_t	n;
	bool		sparse;		/* the file has holes */
	bool		lost;		/* some did not fit */
	size_t		used;
	char		names[MANIFEST_XATTR_MAX];
	char		room[2 * MANIFEST_XATTR_MAX];
};

/* False with errno: the base cannot be opened. */
bool	payload_open_base(struct payload *p, const char *base);
void	payload_close(struct payload *p);

/*
 * Once, at the start of the process: keeps the one capability as permitted
 * but not in force, and nothing that a program of ours could inherit.
 */
bool	payload_keep_right(void);
void	payload_begin(const struct payload *p);
void	payload_end(const struct payload *p);

/* Descriptor for reading, or -1; path is below dir.  EXDEV: a mount. */
int	payload_open(int dir, const char *path, int flags);
/* Looks at a name in dir.  *mount: something is mounted there. */
int	payload_look(int dir, const char *name, struct statx *st, bool *mount);
void	payload_identity(const struct statx *st, struct identity *id);

/*
 * Until no later write can leave the same time as the one in st: a file
 * written twice within one tick of the clock would look unchanged.
 */
void	payload_settle(const struct statx *st);

/* Those a file can be given back: user.*, ACLs, file capabilities. */
void	payload_xattrs(int fd, struct payload_xattrs *x);

#endif
