/* SPDX-License-Identifier: ISC */

/*
 * The keeper: files of the state directory.  Must never log (the caller knows
 * what an error means) and never leave a half-written file under a name that
 * is read at start.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define FILE_MODE	0600

uint64_t
disk_checksum(const void *buf, size_t len)
{
	const unsigned char *p = buf;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	while (len-- > 0)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

int
disk_open(int dir, const char *name, bool create)
{
	return openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC |
	    (create ? O_CREAT : 0), FILE_MODE);
}

int
disk_open_new(int dir, const char *name)
{
	return openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_CREAT |
	    O_TRUNC, FILE_MODE);
}

off_t
disk_size(int fd)
{
	return lseek(fd, 0, SEEK_END);
}

int
disk_read(int fd, void *buf, size_t len, off_t offset)
{
	char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, p, len, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0) {
			memset(p, 0, len);
			return 0;
		}
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

int
disk_write(int fd, const void *buf, size_t len, off_t offset)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* Opened anew: the descriptor handed to us may be for lookups only. */
int
disk_sync_dir(int dir)
{
	int error, fd, rc;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return rc;
}

/* Best effort: a name for later study, nothing depends on it. */
static void
keep_aside(int dir, const char *name, const char *aside)
{
	(void)unlinkat(dir, aside, 0);
	if (linkat(dir, name, dir, aside, 0) == -1)
		return;
}

int
disk_replace(int dir, int fd, const char *temp, const char *name,
    const char *aside)
{
	if (fdatasync(fd) == -1)
		return -1;
	if (aside != NULL)
		keep_aside(dir, name, aside);
	if (renameat(dir, temp, dir, name) == -1)
		return -1;
	return disk_sync_dir(dir);
}
