/* SPDX-License-Identifier: ISC */

/*
 * How much the store holds, and whether more may come.  Counted once after
 * another process had the lock, then kept up to date.
 */

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"

static bool
count_dir(struct store *s, int parent, const char *name)
{
	struct stat st;
	char **list;
	size_t i, n;
	int fd = file_open(parent, name, O_RDONLY | O_DIRECTORY, 0);

	list = fd == -1 ? NULL : file_list(fd, &n);
	for (i = 0; list != NULL && i < n; i++) {
		if (fstatat(fd, list[i], &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		s->used_bytes += (uint64_t)st.st_size;
		s->used_objects++;
	}
	free(list);
	if (fd != -1)
		(void)close(fd);
	return list != NULL;
}

static enum store_result
count_all(struct store *s)
{
	char name[3];
	int i;

	s->used_bytes = s->used_objects = 0;
	for (i = 0; i < AB_DIRS; i++) {
		(void)fmt_into(name, sizeof(name), "%02x", (unsigned int)i);
		if (!count_dir(s, s->dir[DIR_OBJECTS], name))
			return fail_errno(s, "objects");
	}
	if (!count_dir(s, s->dir[DIR_STAGED], ".") ||
	    !count_dir(s, s->dir[DIR_BAD], "."))
		return fail_errno(s, "objects");
	s->usage_known = s->locked;
	return STORE_OK;
}

static bool
above(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit != 0 && (used > limit || more > limit - used);
}

enum store_result
usage_check(struct store *s, uint64_t bytes, uint64_t inodes)
{
	struct statvfs v;
	enum store_result r;

	if (s->limits.bytes != 0 || s->limits.inodes != 0) {
		r = s->usage_known ? STORE_OK : count_all(s);
		if (r != STORE_OK)
			return r;
		if (above(s->used_bytes, bytes, s->limits.bytes))
			return fail(s, STORE_SPACE, "store would be above "
			    "its limit of %llu bytes",
			    (unsigned long long)s->limits.bytes);
		if (above(s->used_objects, inodes, s->limits.inodes))
			return fail(s, STORE_SPACE, "store would be above "
			    "its limit of %llu files",
			    (unsigned long long)s->limits.inodes);
	}
	if (fstatvfs(s->dir[DIR_ROOT], &v) == -1)
		return fail_errno(s, "file system");
	if (bytes + s->limits.reserve > (uint64_t)v.f_bavail * v.f_frsize)
		return fail(s, STORE_SPACE, "file system is full: %llu "
		    "bytes wanted, %llu kept free", (unsigned long long)bytes,
		    (unsigned long long)s->limits.reserve);
	return STORE_OK;
}

void
usage_add(struct store *s, uint64_t bytes)
{
	s->used_bytes += bytes;
	s->used_objects++;
}

void
usage_sub(struct store *s, uint64_t bytes)
{
	s->used_bytes -= bytes < s->used_bytes ? bytes : s->used_bytes;
	s->used_objects -= s->used_objects > 0 ? 1 : 0;
}

enum store_result
store_usage(struct store *s, struct store_usage *u)
{
	struct statvfs v;
	enum store_result r = s->usage_known ? STORE_OK : count_all(s);

	if (r != STORE_OK)
		return r;
	if (fstatvfs(s->dir[DIR_ROOT], &v) == -1)
		return fail_errno(s, "file system");
	*u = (struct store_usage){ .bytes = s->used_bytes,
	    .objects = s->used_objects, .limits = s->limits,
	    .free_bytes = (uint64_t)v.f_bavail * v.f_frsize,
	    .free_inodes = v.f_favail };
	return STORE_OK;
}
