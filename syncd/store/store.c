/* SPDX-License-Identifier: ISC */

/*
 * Opening, closing and locking a store.  Every room of syncd.  Must never
 * change a thing without the lock.
 */

#include <sys/file.h>
#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inside.h"

#define DIR_MODE	02770
#define FILE_MODE	0660

int64_t (*store_clock_hook)(void);

static const char *const dir_name[DIR_COUNT] = {
	[DIR_ROOT] = ".",
	[DIR_OBJECTS] = "objects",
	[DIR_IN] = "objects.in",
	[DIR_STAGED] = "staged",
	[DIR_TMP] = "tmp",
	[DIR_BAD] = "bad",
	[DIR_GONE] = "gone",
	[DIR_MANIFESTS] = "manifests",
	[DIR_DIVERGED] = "diverged",
};

static const char *const made_file[] = { "lock", "epoch.lock", "chain" };

const char *
store_word(enum store_result r)
{
	static const char *const word[] = {
		[STORE_OK] = "ok", [STORE_ERROR] = "error",
		[STORE_BUSY] = "busy", [STORE_STALE] = "stale",
		[STORE_ABSURD] = "absurd", [STORE_FORK] = "fork",
		[STORE_MISSING] = "missing", [STORE_HASH] = "hash",
		[STORE_SPACE] = "space", [STORE_REFUSED] = "refused",
		[STORE_NOTHING] = "nothing", [STORE_DAMAGED] = "damaged",
	};

	assert((size_t)r < sizeof(word) / sizeof(word[0]));
	return word[r];
}

enum store_result
fail(struct store *s, enum store_result r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fmt_vinto(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	s->error = 0;
	return r;
}

enum store_result
fail_errno(struct store *s, const char *what)
{
	int error = errno;

	(void)fmt_into(s->why, sizeof(s->why), "%s: %s", what,
	    strerror(error));
	s->error = error;
	return error == ENOSPC || error == EDQUOT ? STORE_SPACE :
	    STORE_ERROR;
}

const char *
store_why(const struct store *s)
{
	return s->why;
}

int
store_errno(const struct store *s)
{
	return s->error;
}

int64_t
clock_now(void)
{
	struct timespec ts;

	if (store_clock_hook != NULL)
		return store_clock_hook();
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
drop_tree(struct store *s)
{
	tree_free(s->tree);
	s->tree = NULL;
}

static int
make_dir(int dir, const char *name)
{
	int fd, rc;

	if (mkdirat(dir, name, 0770) == -1)
		return errno == EEXIST ? 0 : -1;
	fd = file_open(dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1)
		return -1;
	rc = fchmod(fd, DIR_MODE);	/* whatever the umask */
	(void)close(fd);
	return rc;
}

static int
make_file(int dir, const char *name)
{
	int fd, rc;

	fd = file_open(dir, name, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
	if (fd == -1)
		return errno == EEXIST ? 0 : -1;
	rc = fchmod(fd, FILE_MODE);
	(void)close(fd);
	return rc;
}

static int
make_ab(int objects)
{
	char name[3];
	int i;

	for (i = 0; i < AB_DIRS; i++) {
		(void)fmt_into(name, sizeof(name), "%02x", (unsigned int)i);
		if (make_dir(objects, name) == -1)
			return -1;
	}
	return fsync(objects);
}

static bool
has(int root, const char *name)
{
	struct stat st;

	return fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "complete" is made last; what somebody removed since is made again. */
static bool
has_all(int root)
{
	size_t i;

	for (i = DIR_ROOT + 1; i < DIR_COUNT; i++)
		if (!has(root, dir_name[i]))
			return false;
	for (i = 0; i < sizeof(made_file) / sizeof(made_file[0]); i++)
		if (!has(root, made_file[i]))
			return false;
	return has(root, "complete");
}

static int
make_all(int root)
{
	size_t i;
	int fd, rc;

	if (has_all(root))
		return 0;
	for (i = DIR_ROOT + 1; i < DIR_COUNT; i++)
		if (make_dir(root, dir_name[i]) == -1)
			return -1;
	for (i = 0; i < sizeof(made_file) / sizeof(made_file[0]); i++)
		if (make_file(root, made_file[i]) == -1)
			return -1;
	fd = file_open(root, dir_name[DIR_OBJECTS], O_RDONLY | O_DIRECTORY,
	    0);
	if (fd == -1)
		return -1;
	rc = make_ab(fd);
	(void)close(fd);
	if (rc == -1 || make_file(root, "complete") == -1)
		return -1;
	return fsync(root);
}

static enum store_result
open_dirs(struct store *s, int dir, bool create)
{
	size_t i;

	s->dir[DIR_ROOT] = file_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	if (s->dir[DIR_ROOT] == -1)
		return fail_errno(s, "store");
	if (create && make_all(s->dir[DIR_ROOT]) == -1)
		return fail_errno(s, "store cannot be made");
	if (create) {
		file_spare(s->dir[DIR_ROOT], "EPOCH");
		file_spare(s->dir[DIR_ROOT], "LIVE");
	}
	for (i = DIR_ROOT + 1; i < DIR_COUNT; i++) {
		s->dir[i] = file_open(s->dir[DIR_ROOT], dir_name[i],
		    O_RDONLY | O_DIRECTORY, 0);
		if (s->dir[i] == -1)
			return fail_errno(s, dir_name[i]);
	}
	return STORE_OK;
}

enum store_result
store_open(struct store **sp, int dir, const char *pair, bool create)
{
	struct store *s = calloc(1, sizeof(*s));
	enum store_result r;
	size_t i;

	*sp = s;
	if (s == NULL)
		return STORE_ERROR;
	for (i = 0; i < DIR_COUNT; i++)
		s->dir[i] = -1;
	s->lock_fd = -1;
	assert(strlen(pair) <= MANIFEST_PAIR_MAX);
	memcpy(s->pair, pair, strlen(pair) + 1);
	r = open_dirs(s, dir, create);
	if (r == STORE_OK)
		return store_refresh(s);
	if (s->dir[DIR_ROOT] == -1) {
		store_close(s);
		*sp = NULL;
	}
	return r;
}

void
store_close(struct store *s)
{
	size_t i;

	if (s == NULL)
		return;
	store_receive_abort(s);
	store_unlock(s);
	upkeep_reset(s);
	marks_free(&s->fresh);
	drop_tree(s);
	manifest_text_free(&s->text);
	for (i = 0; i < DIR_COUNT; i++)
		if (s->dir[i] != -1)
			(void)close(s->dir[i]);
	free(s);
}

void
store_set_limits(struct store *s, const struct store_limits *l)
{
	s->limits = *l;
}

enum store_result
store_refresh(struct store *s)
{
	enum store_result r = head_read(s);

	/* One after the other: a commit between the two is seen whole by
	 * the second try, for history is written before HEAD. */
	if (r == STORE_OK)
		r = history_read(s);
	s->damaged = r == STORE_DAMAGED;
	return r;
}

/* Has anybody else had the lock since we had it?  Leaves a new mark. */
static bool
take_ticket(struct store *s)
{
	uint64_t was = 0, next;

	if (pread(s->lock_fd, &was, sizeof(was), 0) != (ssize_t)sizeof(was))
		was = 0;
	next = (was & UINT32_MAX) + 1;
	next = (next & UINT32_MAX) | (uint64_t)(uint32_t)getpid() << 32;
	if (pwrite(s->lock_fd, &next, sizeof(next), 0) !=
	    (ssize_t)sizeof(next))
		next = 0;
	if (s->ticket == was && was != 0) {
		s->ticket = next;
		return false;
	}
	s->ticket = next;
	return true;
}

enum store_result
store_lock(struct store *s)
{
	enum store_result r;

	assert(!s->locked);
	s->lock_fd = file_open(s->dir[DIR_ROOT], "lock", O_RDWR, 0);
	if (s->lock_fd == -1)
		return fail_errno(s, "lock");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		r = errno == EWOULDBLOCK ? fail(s, STORE_BUSY,
		    "store is being written by another process") :
		    fail_errno(s, "lock");
		(void)close(s->lock_fd);
		s->lock_fd = -1;
		return r;
	}
	s->locked = true;
	s->lost = store_lost(s);
	if (take_ticket(s)) {
		s->usage_known = false;
		s->staged_old = true;
		/* What somebody else put is not marked. */
		upkeep_reset(s);
	}
	r = store_refresh(s);
	if (r == STORE_OK)
		r = recover(s);
	if (r != STORE_OK && r != STORE_DAMAGED)
		store_unlock(s);
	return r;
}

void
store_unlock(struct store *s)
{
	if (!s->locked)
		return;
	store_receive_abort(s);
	s->locked = false;
	(void)close(s->lock_fd);
	s->lock_fd = -1;
}

bool
store_locked(const struct store *s)
{
	return s->locked;
}

const struct store_head *
store_head(const struct store *s)
{
	return &s->head.h;
}

const struct history_list *
store_history(const struct store *s)
{
	return &s->history;
}
