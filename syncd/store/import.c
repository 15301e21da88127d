/* SPDX-License-Identifier: ISC */

/*
 * What rsync left in objects.in/.  The receiver, under the lock.  Whoever has
 * the partner's key chose names, kinds and bytes: nothing is believed until
 * it was read through a descriptor of ours.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

int
store_import_dir(struct store *s)
{
	return file_open(s->dir[DIR_ROOT], "objects.in",
	    O_RDONLY | O_DIRECTORY, 0);
}

/* Is the name still the file that was read? */
static bool
same_file(struct store *s, const char *name, const struct stat *st)
{
	struct stat now;

	return fstatat(s->dir[DIR_IN], name, &now, AT_SYMLINK_NOFOLLOW) ==
	    0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

/* STORE_HASH: not to be taken. */
static enum store_result
check_file(struct store *s, int fd, const char *name, const struct hash *want,
    struct stat *st)
{
	struct hash is;

	if (fstat(fd, st) == -1)
		return fail_errno(s, "objects.in");
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		return STORE_HASH;
	/* Nobody else may hold on to it with the right to write. */
	if (fchmod(fd, 0440) == -1 && errno != EPERM)
		return fail_errno(s, "objects.in");
	if (hash_fd(fd, &is, NULL) == -1)
		return fail_errno(s, "objects.in");
	return hash_equal(&is, want) && same_file(s, name, st) ? STORE_OK :
	    STORE_HASH;
}

static enum store_result
take(struct store *s, const char *name, const struct hash *h,
    const struct stat *st, struct store_import *i)
{
	uint64_t size;

	if (object_stat(s, h, &size) == STORE_OK &&
	    size == (uint64_t)st->st_size) {
		i->had++;
		(void)unlinkat(s->dir[DIR_IN], name, 0);
		return STORE_OK;
	}
	if (renameat(s->dir[DIR_IN], name, s->dir[DIR_STAGED], name) == -1)
		return fail_errno(s, "objects.in");
	crash_point("import-renamed");
	if (!marks_add(&s->fresh, h) ||
	    (s->phase != UPKEEP_THIN && !marks_add(&s->marks, h)))
		return fail_errno(s, "no memory for a mark");
	s->nstaged++;
	usage_add(s, (uint64_t)st->st_size);
	i->taken++;
	return STORE_OK;
}

static void
refuse(struct store *s, const char *name, struct store_import *i)
{
	int fd;

	i->refused++;
	if (unlinkat(s->dir[DIR_IN], name, 0) == 0 || errno != EISDIR)
		return;
	fd = file_open(s->dir[DIR_IN], name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1)
		return;
	(void)file_empty_dir(fd);
	(void)close(fd);
	(void)unlinkat(s->dir[DIR_IN], name, AT_REMOVEDIR);
}

static enum store_result
import_one(struct store *s, const char *name, struct store_import *i)
{
	enum store_result r;
	struct stat st;
	struct hash h;
	int fd;

	fd = !hash_parse(name, strlen(name), &h) ? -1 :
	    file_open(s->dir[DIR_IN], name, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1) {
		refuse(s, name, i);
		return STORE_OK;
	}
	r = check_file(s, fd, name, &h, &st);
	(void)close(fd);
	i->bytes += (uint64_t)st.st_size + 4096;
	if (r == STORE_HASH) {
		refuse(s, name, i);
		return STORE_OK;
	}
	if (r == STORE_OK)
		r = usage_check(s, (uint64_t)st.st_size, 1);
	return r == STORE_OK ? take(s, name, &h, &st, i) : r;
}

enum store_result
store_import(struct store *s, uint64_t budget, struct store_import *i)
{
	enum store_result r = STORE_OK;
	char **list;
	size_t k, n;

	assert(s->locked);
	*i = (struct store_import){ .taken = 0 };
	list = file_list(s->dir[DIR_IN], &n);
	if (list == NULL)
		return fail_errno(s, "objects.in");
	for (k = 0; k < n && r == STORE_OK; k++) {
		if (i->bytes >= budget) {
			r = STORE_BUSY;
			break;
		}
		r = import_one(s, list[k], i);
	}
	free(list);
	return r;
}
