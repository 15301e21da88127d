/* SPDX-License-Identifier: ISC */

/*
 * Loader: every path goes through here.  Resolved by the kernel below a
 * descriptor, no link followed, no mount crossed.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader.h"

static int
open_below(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd, tries = 0;

	/* EAGAIN: somebody renames meanwhile and the kernel is not sure. */
	do {
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd == -1 && (errno == EAGAIN || errno == EINTR) &&
	    ++tries < 100);
	return fd;
}

int
below_dir(int root, const char *path)
{
	return open_below(root, *path == '\0' ? "." : path);
}

int
below_parent(int root, const char *path, const char **leaf)
{
	char parent[BELOW_PATH_MAX];
	const char *slash = strrchr(path, '/');

	*leaf = slash == NULL ? path : slash + 1;
	if (**leaf == '\0' || strcmp(*leaf, ".") == 0 ||
	    strcmp(*leaf, "..") == 0 || strlen(path) >= sizeof(parent)) {
		errno = EINVAL;
		return -1;
	}
	if (slash == NULL)
		return below_dir(root, "");
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return below_dir(root, parent);
}

int
below_stat(int root, const char *path, struct stat *st)
{
	const char *leaf;
	int dir = below_parent(root, path, &leaf), rc, error;

	if (dir == -1) {
		if (errno == ENOTDIR || errno == ELOOP)
			errno = ENOENT;
		return -1;
	}
	rc = fstatat(dir, leaf, st, AT_SYMLINK_NOFOLLOW);
	error = errno;
	(void)close(dir);
	errno = error;
	return rc;
}

/* Moves a directory out of the way under a number that is free. */
static int
to_trash(int trash, int dir, const char *name)
{
	static unsigned int number;
	char free_name[16];
	int tries;

	for (tries = 0; tries < 1000000; tries++) {
		(void)snprintf(free_name, sizeof(free_name), "%u", number++);
		if (renameat2(dir, name, trash, free_name,
		    RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

/*
 * Files go; directories move up beside their parent: whatever depth a live
 * tree had, it costs no recursion and no descriptors.
 */
static int
empty_one(int trash, const char *name)
{
	struct dirent *d;
	DIR *list;
	int fd = below_dir(trash, name), rc = 0;

	if (fd == -1)
		return unlinkat(trash, name, 0);
	list = fdopendir(fd);
	if (list == NULL) {
		(void)close(fd);
		return -1;
	}
	while (rc == 0 && (d = readdir(list)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, d->d_name, 0) == 0)
			continue;
		rc = errno == EISDIR || errno == EPERM ?
		    to_trash(trash, fd, d->d_name) : -1;
	}
	(void)closedir(list);
	return rc == 0 ? unlinkat(trash, name, AT_REMOVEDIR) : -1;
}

static int
open_trash(struct loader *l)
{
	if (mkdirat(l->own, "trash", 0700) == -1 && errno != EEXIST)
		return -1;
	return below_dir(l->own, "trash");
}

int
below_empty_trash(struct loader *l)
{
	int fd = open_trash(l), rc = 0;
	bool any = true;
	struct dirent *d;
	DIR *list;

	list = fd == -1 ? NULL : fdopendir(fd);
	if (list == NULL)
		return loader_error(l, "%s/trash", LOADER_DIR);
	while (rc == 0 && any) {
		any = false;
		rewinddir(list);
		while (rc == 0 && (d = readdir(list)) != NULL) {
			if (d->d_name[0] == '.')
				continue;
			any = true;
			rc = empty_one(fd, d->d_name);
		}
	}
	if (rc == -1)
		(void)loader_error(l, "%s/trash", LOADER_DIR);
	(void)closedir(list);
	return rc;
}

int
below_remove(struct loader *l, int dir, const char *name)
{
	int trash, rc;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return loader_error(l, "%s: cannot be removed", name);
	trash = open_trash(l);
	if (trash == -1)
		return loader_error(l, "%s/trash", LOADER_DIR);
	rc = to_trash(trash, dir, name);
	if (rc == -1)
		(void)loader_error(l, "%s: cannot be moved away", name);
	(void)close(trash);
	return rc == 0 ? below_empty_trash(l) : rc;
}

static int
write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = write(fd, text, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -1;
	}
	return 0;
}

int
below_write(int dir, const char *name, const void *text, size_t len)
{
	char new[80];
	int fd, rc;

	(void)snprintf(new, sizeof(new), "%s.new", name);
	(void)unlinkat(dir, new, 0);
	fd = openat(dir, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	rc = write_all(fd, text, len);
	if (rc == 0)
		rc = fsync(fd);
	if (close(fd) == -1 || rc == -1)
		return -1;
	loader_step("record written");
	if (renameat(dir, new, dir, name) == -1)
		return -1;
	return fsync(dir);
}

char *
below_read(int dir, const char *name, size_t max, size_t *len)
{
	struct stat st;
	char *text = NULL;
	ssize_t n = 0;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
	if (fd == -1)
		return NULL;
	errno = EFBIG;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size <= max)
		text = malloc((size_t)st.st_size + 1);
	for (*len = 0; text != NULL && *len < (size_t)st.st_size;
	    *len += (size_t)n) {
		n = read(fd, text + *len, (size_t)st.st_size - *len);
		if (n <= 0)
			break;
	}
	if (text != NULL)
		text[*len] = '\0';
	(void)close(fd);
	return text;
}
