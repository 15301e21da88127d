/* SPDX-License-Identifier: ISC */

/*
 * The snapshot helper: what its exit status says to the capture, and its
 * parts.  One process copies one database and is gone.
 */
#ifndef VIPAIR_SQLSNAP_H
#define VIPAIR_SQLSNAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Exit status.  The capture keeps the old snapshot on all but the first. */
enum sqlsnap {
	SQLSNAP_OK = 0,
	SQLSNAP_BUSY = 10,	/* locked for SQLSNAP_WAIT_MS: try again */
	SQLSNAP_CORRUPT = 11,	/* the copy fails integrity_check */
	SQLSNAP_NOT_DB = 12,	/* no SQLite file */
	SQLSNAP_ENCRYPTED = 13,	/* no SQLite file, and looks like noise */
	SQLSNAP_RIGHTS = 14,	/* its owner may not open it or its log */
	SQLSNAP_GONE = 15,	/* not there */
	SQLSNAP_KIND = 16,	/* a link, a directory, a device */
	SQLSNAP_REPLACED = 17,	/* another file took its name: try again */
	SQLSNAP_SPACE = 18,	/* no room for the copy */
	SQLSNAP_IO = 19,	/* the disk, or no memory */
	SQLSNAP_LOCKED_OUT = 20,	/* rights could not be given up */
	SQLSNAP_USAGE = 64,
};

#define SQLSNAP_WAIT_MS		20000	/* for a lock on the source */
#define SQLSNAP_HEAP_MAX	(256 << 20)

/* The database, after owner_become(): its name in the working directory. */
struct snap_file {
	const char	*name;
	struct stat	 st;
};

/* What the supervisor says of a database; names stand in descriptor 8. */
struct snap_numbers {
	uint32_t	pair, entry;
	uint64_t	dev, ino;
};

#define SNAP_PATH_SIZE	4096

/* The base, and the path below it of the file with these numbers. */
enum sqlsnap	find_by_number(const struct snap_numbers *n,
		    const char **base, char *path, size_t size);

/*
 * Finds base/path without following a link below base, enters its directory
 * and becomes the owner of the file.  Nothing was opened for reading until
 * then.  When root, the directory is the process's root afterwards.
 */
enum sqlsnap	owner_become(const char *base, const char *path,
		    struct snap_file *f);

/* Only what SQLite needs with files, from here on. */
void		owner_filter(void);

/* The copy: writes the whole database to out_fd in one step. */
enum sqlsnap	snap_copy(const struct snap_file *f, int out_fd);

/* The proof: reads it back from out_fd and checks it. */
enum sqlsnap	snap_check(int out_fd);

/*
 * Makes the database "copy" of the file system "outfile" mean fd.  A path to
 * a descriptor in /proc would be resolved by SQLite to a name that is not
 * there; a file of the owner could be written by the owner's other programs.
 */
int		outfile_register(int fd);

/* One line on descriptor 2. */
void		say(const char *fmt, ...)
		    __attribute__((format(printf, 1, 2)));

#endif
