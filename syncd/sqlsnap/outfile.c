/* SPDX-License-Identifier: ISC */

/*
 * sqlsnap: a file system for SQLite with one file in it, which is a
 * descriptor that was handed in.  Must never open anything.
 *
 * No locks, because nobody else has the file; no journal and no log beside
 * it, because a copy that was not finished is thrown away.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "sqlsnap.h"

struct outfile {
	sqlite3_file	base;
	int		fd;
};

static int out_fd = -1;		/* one process, one copy */

static int
file_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

static int
file_read(sqlite3_file *file, void *buf, int want, sqlite3_int64 at)
{
	const struct outfile *f = (const struct outfile *)file;
	size_t got = 0;
	ssize_t n;

	while (got < (size_t)want) {
		n = pread(f->fd, (char *)buf + got, (size_t)want - got,
		    (off_t)at + (off_t)got);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return SQLITE_IOERR_READ;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got == (size_t)want)
		return SQLITE_OK;
	(void)memset((char *)buf + got, 0, (size_t)want - got);
	return SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
	const struct outfile *f = (const struct outfile *)file;
	size_t done = 0;
	ssize_t n;

	while (done < (size_t)len) {
		n = pwrite(f->fd, (const char *)buf + done,
		    (size_t)len - done, (off_t)at + (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == ENOSPC || errno == EDQUOT ||
			    errno == EFBIG ? SQLITE_FULL : SQLITE_IOERR_WRITE;
		done += (size_t)n;
	}
	return SQLITE_OK;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	const struct outfile *f = (const struct outfile *)file;

	return ftruncate(f->fd, (off_t)size) == 0 ? SQLITE_OK :
	    SQLITE_IOERR_TRUNCATE;
}

/* Durability is the mirror's, which renames the object afterwards. */
static int
file_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	const struct outfile *f = (const struct outfile *)file;
	struct stat st;

	if (fstat(f->fd, &st) == -1)
		return SQLITE_IOERR_FSTAT;
	*size = st.st_size;
	return SQLITE_OK;
}

static int
file_lock(sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK;
}

static int
file_check_lock(sqlite3_file *file, int *held)
{
	(void)file;
	*held = 0;
	return SQLITE_OK;
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
file_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int
file_traits(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *out_flags)
{
	struct outfile *f = (struct outfile *)file;

	(void)vfs;
	(void)name;
	f->base.pMethods = NULL;
	if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
		return SQLITE_CANTOPEN;
	f->fd = out_fd;
	f->base.pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	(void)vfs;
	(void)name;
	(void)sync_dir;
	return SQLITE_OK;
}

/* Neither a journal nor a log is beside the copy. */
static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *there)
{
	(void)vfs;
	(void)name;
	(void)flags;
	*there = 0;
	return SQLITE_OK;
}

static int
vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	const size_t len = strlen(name);

	(void)vfs;
	if (len >= (size_t)size)
		return SQLITE_CANTOPEN;
	(void)memcpy(out, name, len + 1);
	return SQLITE_OK;
}

int
outfile_register(int fd)
{
	static sqlite3_vfs own;
	sqlite3_vfs *unix_vfs;

	assert(out_fd == -1);
	unix_vfs = sqlite3_vfs_find(NULL);
	if (unix_vfs == NULL)
		return SQLITE_ERROR;
	out_fd = fd;
	own = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct outfile),
		.mxPathname = 64,
		.zName = "outfile",
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_name,
		.xRandomness = unix_vfs->xRandomness,
		.xSleep = unix_vfs->xSleep,
		.xCurrentTime = unix_vfs->xCurrentTime,
	};
	return sqlite3_vfs_register(&own, 0);
}
