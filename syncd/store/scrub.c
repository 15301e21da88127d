/* SPDX-License-Identifier: ISC */

/*
 * Scrub: reads what is stored again, a little at a time, and sets aside what
 * is no longer what its name says.  Mirror and receiver, under the lock.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

#define BAD_MAX	(sizeof(((struct store_scrub *)0)->bad) / \
		    sizeof(((struct store_scrub *)0)->bad[0]))

/* True when it is what its name says; *size: what was read. */
static bool
is_good(int dir, const char *name, struct hash *want, uint64_t *size)
{
	struct hash is;
	struct stat st;
	bool good;
	int fd;

	*size = 0;
	if (!hash_parse(name, strlen(name), want))
		return false;
	fd = file_open(dir, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1)
		return false;
	good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    hash_fd(fd, &is, size) == 0 && hash_equal(&is, want);
	/* So that a scrub does not push the service's files out of memory. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)close(fd);
	return good;
}

enum store_result
lost_mark(struct store *s)
{
	int fd = file_open(s->dir[DIR_ROOT], "lost", O_WRONLY | O_CREAT,
	    0640);

	if (fd == -1)
		return fail_errno(s, "lost");
	(void)close(fd);
	s->lost = true;
	return file_sync_dir(s->dir[DIR_ROOT]) == 0 ? STORE_OK :
	    fail_errno(s, "lost");
}

bool
store_lost(const struct store *s)
{
	struct stat st;

	return fstatat(s->dir[DIR_ROOT], "lost", &st,
	    AT_SYMLINK_NOFOLLOW) == 0;
}

enum store_result
store_lost_check(struct store *s)
{
	const struct entry *e;
	const struct tree *t;
	size_t i;

	assert(s->locked);
	if (!store_lost(s))
		return STORE_OK;
	t = store_tree(s);
	if (t == NULL)
		return STORE_DAMAGED;
	for (i = 0; i < tree_count(t); i++) {
		e = tree_at(t, i);
		if (entry_has_object(e) && !store_has(s, &e->object))
			return fail(s, STORE_MISSING, "%s: its object is "
			    "lost", e->path);
	}
	if (unlinkat(s->dir[DIR_ROOT], "lost", 0) == -1)
		return fail_errno(s, "lost");
	s->lost = false;
	return STORE_OK;
}

static enum store_result
set_aside(struct store *s, int dir, const char *name, const struct hash *h,
    struct store_scrub *r)
{
	enum store_result result = lost_mark(s);

	if (result != STORE_OK)
		return result;
	if (aside_put(s, dir, name) == -1)
		return fail_errno(s, "object");
	crash_point("scrub-renamed");
	if (file_sync_dir(dir) == -1)
		return fail_errno(s, "objects");
	if (hash_parse(name, strlen(name), &r->bad[r->nbad]) &&
	    hash_equal(&r->bad[r->nbad], h))
		r->nbad++;
	return STORE_OK;
}

static enum store_result
scrub_list(struct store *s, int dir, char **list, uint64_t budget,
    struct store_scrub *r, bool *more)
{
	enum store_result result = STORE_OK;
	struct hash h;
	uint64_t size;

	for (; *list != NULL && result == STORE_OK; list++) {
		if (strcmp(*list, s->scrub_name) <= 0)
			continue;
		if (r->bytes >= budget || r->nbad == BAD_MAX) {
			*more = true;
			break;
		}
		h = hash_zero;
		if (!is_good(dir, *list, &h, &size))
			result = set_aside(s, dir, *list, &h, r);
		r->objects++;
		r->bytes += size + 4096;	/* a small one is a seek, too */
		(void)fmt_into(s->scrub_name, sizeof(s->scrub_name), "%s",
		    *list);
	}
	return result;
}

static enum store_result
scrub_dir(struct store *s, uint64_t budget, struct store_scrub *r,
    bool *more)
{
	enum store_result result;
	char name[3], **list;
	size_t n;
	int fd;

	(void)fmt_into(name, sizeof(name), "%02x",
	    (unsigned int)s->scrub_at);
	fd = file_open(s->dir[DIR_OBJECTS], name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1)
		return fail_errno(s, "objects");
	list = file_list(fd, &n);
	result = list == NULL ? fail_errno(s, "objects") :
	    scrub_list(s, fd, list, budget, r, more);
	free(list);
	(void)close(fd);
	if (result != STORE_OK || *more)
		return result;
	s->scrub_at++;
	s->scrub_name[0] = '\0';
	return STORE_OK;
}

enum store_result
store_scrub(struct store *s, uint64_t budget, struct store_scrub *r)
{
	enum store_result result = STORE_OK;
	bool more = false;

	assert(s->locked);
	*r = (struct store_scrub){ .objects = 0 };
	while (result == STORE_OK && !more && s->scrub_at < AB_DIRS &&
	    r->bytes < budget)
		result = scrub_dir(s, budget, r, &more);
	if (s->scrub_at == AB_DIRS) {
		s->scrub_at = 0;
		r->done = true;
	}
	return result;
}
