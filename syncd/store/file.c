/* SPDX-License-Identifier: ISC */

/*
 * The store's system calls on names.  Never follows a link, never leaves the
 * directory it was given, and never calls durable what is not.
 */

#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/openat2.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

#define DEPTH_MAX	4
#define SPARE_SIZE	4096
#define NAMES_MAX	(8u * 1024 * 1024)

void (*store_crash_hook)(const char *name);

void
crash_point(const char *name)
{
	if (store_crash_hook != NULL)
		store_crash_hook(name);
}

int
file_open(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC |
		    O_NOFOLLOW),
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH };

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

int
file_write(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static char *
read_all(int fd, size_t max, size_t *len)
{
	struct stat st;
	char *buf;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		errno = EFBIG;
		return NULL;
	}
	buf = malloc((size_t)st.st_size + 1);
	if (buf == NULL)
		return NULL;
	for (*len = 0; *len < (size_t)st.st_size; *len += (size_t)n) {
		n = read(fd, buf + *len, (size_t)st.st_size - *len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			free(buf);
			return NULL;
		}
	}
	buf[*len] = '\0';
	return buf;
}

char *
file_read(int dir, const char *name, size_t max, size_t *len)
{
	char *buf;
	int error, fd;

	fd = file_open(dir, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1)
		return NULL;
	buf = read_all(fd, max, len);
	error = errno;
	(void)close(fd);
	errno = error;
	return buf;
}

int
file_sync_dir(int dir)
{
	return fsync(dir);
}

static int
write_new(int dir, const char *temp, const void *text, size_t len,
    const char *what)
{
	char point[64];
	int error, fd, rc;

	/* It may be another user's: it cannot be opened for writing. */
	if (unlinkat(dir, temp, 0) == -1 && errno != ENOENT)
		return -1;
	fd = file_open(dir, temp, O_WRONLY | O_CREAT | O_EXCL, 0640);
	if (fd == -1)
		return -1;
	rc = fchmod(fd, 0640);
	if (rc == 0)
		rc = file_write(fd, text, len);
	(void)fmt_into(point, sizeof(point), "%s-written", what);
	crash_point(point);
	if (rc == 0)
		rc = fsync(fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return rc;
}

void
file_spare(int dir, const char *name)
{
	static const char zero[SPARE_SIZE];
	char spare[64];
	struct stat st;
	int fd;

	(void)fmt_into(spare, sizeof(spare), "%s.spare", name);
	if (fstatat(dir, spare, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size == SPARE_SIZE)
		return;
	fd = file_open(dir, spare, O_WRONLY | O_CREAT, 0660);
	if (fd == -1)
		return;
	/* Either of the two users of the group may come to use it. */
	if (fchmod(fd, 0660) == -1 || file_write(fd, zero, SPARE_SIZE) == -1)
		(void)unlinkat(dir, spare, 0);
	(void)close(fd);
}

/* Into blocks that it has already. */
static int
write_spare(int dir, const char *spare, const void *text, size_t len)
{
	struct stat st;
	int error, fd, rc;

	fd = file_open(dir, spare, O_WRONLY, 0);
	if (fd == -1)
		return -1;
	rc = fstat(fd, &st);
	if (rc == 0 && (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (uint64_t)st.st_size < len)) {
		errno = ENOSPC;
		rc = -1;
	}
	if (rc == 0)
		rc = file_write(fd, text, len);
	if (rc == 0)
		rc = ftruncate(fd, (off_t)len);
	if (rc == 0)
		rc = fsync(fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return rc;
}

int
file_publish(int dir, const char *name, const void *text, size_t len,
    const char *what)
{
	char temp[64], point[64];
	bool spared = false;

	(void)fmt_into(temp, sizeof(temp), "%s.new", name);
	if (write_new(dir, temp, text, len, what) == -1) {
		if (errno != ENOSPC && errno != EDQUOT)
			return -1;
		(void)unlinkat(dir, temp, 0);
		(void)fmt_into(temp, sizeof(temp), "%s.spare", name);
		if (write_spare(dir, temp, text, len) == -1) {
			errno = ENOSPC;
			return -1;
		}
		spared = true;
	}
	(void)fmt_into(point, sizeof(point), "%s-synced", what);
	crash_point(point);
	if (renameat(dir, temp, dir, name) == -1)
		return -1;
	(void)fmt_into(point, sizeof(point), "%s-renamed", what);
	crash_point(point);
	if (file_sync_dir(dir) == -1)
		return -1;
	(void)fmt_into(point, sizeof(point), "%s-durable", what);
	crash_point(point);
	/* In what the file before it had. */
	if (spared)
		file_spare(dir, name);
	return 0;
}

/*
 * Without a name nothing is left behind by a death.  File systems that
 * cannot do that get a name, which the next store_lock() removes.
 */
int
file_temp(int tmp, char name[32])
{
	static uint32_t serial;
	int fd;

	name[0] = '\0';
	fd = openat(tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0440);
	if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		(void)fmt_into(name, 32, "put.%d.%u", (int)getpid(),
		    serial++);
		fd = file_open(tmp, name, O_RDWR | O_CREAT | O_EXCL, 0440);
	}
	if (fd != -1 && fchmod(fd, 0440) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
file_name_it(int tmp, const char *temp, int fd, int dir, const char *name)
{
	char proc[32];

	if (temp[0] != '\0')
		return renameat(tmp, temp, dir, name);
	/* The first wants a newer kernel or a capability, the second /proc. */
	if (linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0 || errno == EEXIST)
		return errno == EEXIST ? -1 : 0;
	(void)fmt_into(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW);
}

void
file_temp_drop(int tmp, const char *temp)
{
	if (temp[0] != '\0')
		(void)unlinkat(tmp, temp, 0);
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' ||
	    (name[1] == '.' && name[2] == '\0'));
}

static int
empty_dir(int dir, int depth)
{
	struct dirent *e;
	DIR *d;
	int below, fd, rc = 0;

	fd = file_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if (is_dots(e->d_name) ||
		    unlinkat(dir, e->d_name, 0) == 0)
			continue;
		below = errno != EISDIR || depth == DEPTH_MAX ? -1 :
		    file_open(dir, e->d_name, O_RDONLY | O_DIRECTORY, 0);
		if (below == -1) {
			rc = -1;
			continue;
		}
		if (empty_dir(below, depth + 1) == -1 ||
		    unlinkat(dir, e->d_name, AT_REMOVEDIR) == -1)
			rc = -1;
		(void)close(below);
	}
	(void)closedir(d);
	return rc;
}

int
file_empty_dir(int dir)
{
	return empty_dir(dir, 0);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Grows *block by a name; false: no memory. */
static bool
keep_name(char **block, size_t *len, size_t *size, const char *name)
{
	size_t more = strlen(name) + 1;
	char *grown;

	if (*len + more > *size) {
		*size = *size == 0 ? 4096 : 2 * *size;
		grown = realloc(*block, *size);
		if (grown == NULL)
			return false;
		*block = grown;
	}
	memcpy(*block + *len, name, more);
	*len += more;
	return true;
}

/* One allocation: the pointers, then the strings they point to. */
static char **
index_names(const char *block, size_t len, size_t n)
{
	char **list = malloc((n + 1) * sizeof(*list) + len + 1);
	char *at;
	size_t i;

	if (list == NULL)
		return NULL;
	at = (char *)(list + n + 1);
	if (len > 0)
		memcpy(at, block, len);
	for (i = 0; i < n; i++) {
		list[i] = at;
		at += strlen(at) + 1;
	}
	list[n] = NULL;
	if (n > 1)
		qsort(list, n, sizeof(*list), compare);
	return list;
}

char **
file_list(int dir, size_t *n)
{
	struct dirent *e;
	char **list = NULL, *block = NULL;
	size_t len = 0, size = 0;
	bool good = true;
	DIR *d;
	int fd;

	*n = 0;
	fd = file_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL)
		return NULL;
	while (good && *n < NAMES_MAX && (e = readdir(d)) != NULL) {
		if (is_dots(e->d_name))
			continue;
		good = keep_name(&block, &len, &size, e->d_name);
		*n += 1;
	}
	(void)closedir(d);
	if (good)
		list = index_names(block, len, *n);
	free(block);
	return list;
}
