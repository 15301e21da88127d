/* SPDX-License-Identifier: ISC */

/*
 * Objects by their hash: looking.  Every room of syncd.  The only names ever
 * used are made here from 32 bytes.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

#define SYNC_DIRS_MAX	8	/* more: one syncfs is cheaper */

void
object_name(const struct hash *h, char name[3 + HASH_HEX + 1])
{
	char hex[HASH_HEX + 1];

	(void)hash_hex(h, hex);
	memcpy(name, hex, 2);
	name[2] = '/';
	memcpy(name + 3, hex, HASH_HEX + 1);
}

/* Where it is: 1 objects, 2 staged, 0 nowhere. */
static int
find(const struct store *s, const struct hash *h, struct stat *st)
{
	char name[3 + HASH_HEX + 1];

	object_name(h, name);
	if (fstatat(s->dir[DIR_OBJECTS], name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(st->st_mode) ? 1 : 0;
	if (fstatat(s->dir[DIR_STAGED], name + 3, st,
	    AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(st->st_mode) ? 2 : 0;
	return 0;
}

/*
 * A staged object of a dead writer may be torn (its bytes were never synced):
 * it counts only when it verifies.
 */
static bool
staged_good(struct store *s, const struct hash *h)
{
	char hex[HASH_HEX + 1];

	if (!s->staged_old || marks_have(&s->fresh, h))
		return true;
	if (store_verify(s, h) == STORE_OK)
		return true;
	if (s->locked)
		(void)unlinkat(s->dir[DIR_STAGED], hash_hex(h, hex), 0);
	return false;
}

enum store_result
object_stat(struct store *s, const struct hash *h, uint64_t *size)
{
	struct stat st;
	int where = find(s, h, &st);

	if (where == 0 || (where == 2 && !staged_good(s, h)))
		return STORE_NOTHING;
	*size = (uint64_t)st.st_size;
	if (!s->locked)
		return STORE_OK;
	/* Asked for: somebody is about to name it. */
	if (!marks_add(&s->fresh, h) ||
	    (s->phase != UPKEEP_THIN && !marks_add(&s->marks, h)))
		return fail_errno(s, "no memory for a mark");
	if (where == 1)
		object_mark_dirty(s, h);
	return STORE_OK;
}

bool
store_has(struct store *s, const struct hash *h)
{
	uint64_t size;

	return object_stat(s, h, &size) == STORE_OK;
}

int
store_object(struct store *s, const struct hash *h, uint64_t *size)
{
	char name[3 + HASH_HEX + 1];
	struct stat st;
	int fd;

	object_name(h, name);
	fd = file_open(s->dir[DIR_OBJECTS], name, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1 && errno == ENOENT)
		fd = file_open(s->dir[DIR_STAGED], name + 3,
		    O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	if (size != NULL)
		*size = (uint64_t)st.st_size;
	return fd;
}

enum store_result
store_verify(struct store *s, const struct hash *h)
{
	char hex[HASH_HEX + 1];
	struct hash is;
	int fd, rc;

	fd = store_object(s, h, NULL);
	if (fd == -1)
		return errno == ENOENT ? fail(s, STORE_NOTHING,
		    "object %s is not here", hash_hex(h, hex)) :
		    fail_errno(s, "object");
	rc = hash_fd(fd, &is, NULL);
	(void)close(fd);
	if (rc == -1)
		return fail_errno(s, "object");
	if (!hash_equal(&is, h))
		return fail(s, STORE_HASH, "object %s is damaged",
		    hash_hex(h, hex));
	return STORE_OK;
}

void
object_mark_dirty(struct store *s, const struct hash *h)
{
	s->dirty[h->b[0] / 8] |= (uint8_t)(1 << h->b[0] % 8);
}

static int
count_dirty(const struct store *s)
{
	int i, n = 0;

	for (i = 0; i < AB_DIRS; i++)
		n += s->dirty[i / 8] >> i % 8 & 1;
	return n;
}

/* The names in objects/ab/ become durable: before a commit names them. */
enum store_result
object_sync_dirs(struct store *s)
{
	char name[3];
	int fd, i, rc;

	if (count_dirty(s) > SYNC_DIRS_MAX) {
		if (syncfs(s->dir[DIR_OBJECTS]) == -1)
			return fail_errno(s, "syncfs");
		memset(s->dirty, 0, sizeof(s->dirty));
		crash_point("objects-durable");
		return STORE_OK;
	}
	for (i = 0; i < AB_DIRS; i++) {
		if ((s->dirty[i / 8] & 1 << i % 8) == 0)
			continue;
		(void)fmt_into(name, sizeof(name), "%02x", (unsigned int)i);
		fd = file_open(s->dir[DIR_OBJECTS], name,
		    O_RDONLY | O_DIRECTORY, 0);
		if (fd == -1)
			return fail_errno(s, "objects");
		rc = file_sync_dir(fd);
		(void)close(fd);
		if (rc == -1)
			return fail_errno(s, "objects");
		s->dirty[i / 8] &= (uint8_t)~(1 << i % 8);
		crash_point("objects-durable");
	}
	return STORE_OK;
}

/* One staged object to its place; a dead writer's only if it verifies. */
static enum store_result
unstage(struct store *s, const char *hex)
{
	char name[3 + HASH_HEX + 1];
	struct hash h;

	if (!hash_parse(hex, strlen(hex), &h) || !staged_good(s, &h)) {
		(void)unlinkat(s->dir[DIR_STAGED], hex, 0);
		return STORE_OK;
	}
	object_name(&h, name);
	if (renameat(s->dir[DIR_STAGED], hex, s->dir[DIR_OBJECTS], name) ==
	    -1)
		return fail_errno(s, "staged object");
	object_mark_dirty(s, &h);
	crash_point("staged-renamed");
	return STORE_OK;
}

enum store_result
store_sync(struct store *s)
{
	enum store_result r = STORE_OK;
	char **list;
	size_t i, n;

	if (s->nstaged == 0 && !s->staged_old)
		return STORE_OK;
	list = file_list(s->dir[DIR_STAGED], &n);
	if (list == NULL)
		return fail_errno(s, "staged");
	if (n > 0) {
		crash_point("staged-written");
		if (syncfs(s->dir[DIR_STAGED]) == -1)
			r = fail_errno(s, "syncfs");
		crash_point("staged-synced");
	}
	for (i = 0; i < n && r == STORE_OK; i++)
		r = unstage(s, list[i]);
	free(list);
	if (r != STORE_OK)
		return r;
	s->nstaged = 0;
	s->staged_old = false;
	return STORE_OK;
}
