/* SPDX-License-Identifier: ISC */

/*
 * Loader: one entry of a manifest becomes a file in its final form.  Each is
 * made under a name of ours and renamed, so that what stands under its own
 * name is complete.  Only ever used in directories that are root's alone.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "loader.h"

#define NEW_NAME	"new"
#define COPY_SIZE	(128 * 1024)
#define HOLE_SIZE	4096
#define NS_PER_S	INT64_C(1000000000)

static bool
xattr_refused(const char *name)
{
	return strcmp(name, "security.capability") == 0 ||
	    strncmp(name, "trusted.", 8) == 0;
}

/* Labels are this node's policy, not data. */
static bool
xattr_skipped(const char *name)
{
	return strncmp(name, "user.", 5) != 0 &&
	    strncmp(name, "system.posix_acl_", 17) != 0;
}

const char *
build_refused(const struct entry *e)
{
	const size_t own = sizeof(LOADER_DIR) - 1;
	const char *wrong = path_check(e->path, strlen(e->path));
	uint16_t i;

	if (wrong != NULL)
		return wrong;
	if (strncmp(e->path, LOADER_DIR, own) == 0 &&
	    (e->path[own] == '/' || e->path[own] == '\0'))
		return "is a name of our own";
	if (e->type != ENTRY_FILE && e->type != ENTRY_SQLITE &&
	    e->type != ENTRY_DIR && e->type != ENTRY_LINK)
		return "is of a type that is not loaded";
	if ((e->mode & ~07777) != 0)
		return "has a mode that is not one";
	if ((e->mode & S_ISUID) != 0)
		return "is setuid";
	/* On a directory it only hands down the group. */
	if ((e->mode & S_ISGID) != 0 && e->type != ENTRY_DIR)
		return "is setgid";
	if (e->type == ENTRY_LINK && (*e->target == '\0' ||
	    strlen(e->target) > MANIFEST_PATH_MAX))
		return "has no usable target";
	if (e->uid == UINT32_MAX || e->gid == UINT32_MAX)
		return "has no owner";
	for (i = 0; i < e->nxattrs; i++)
		if (xattr_refused(e->xattrs[i].name))
			return "has an attribute that gives rights";
	return NULL;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static int
put_at(int fd, const uint8_t *p, size_t len, uint64_t at)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n, at += (uint64_t)n) {
		n = pwrite(fd, p, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -1;
	}
	return 0;
}

/* Blocks of zeros become holes. */
static int
put_sparse(int fd, const uint8_t *p, size_t len, uint64_t at)
{
	size_t begin = 0, i, n;

	for (i = 0; i < len; i += n) {
		n = len - i < HOLE_SIZE ? len - i : HOLE_SIZE;
		if (n < HOLE_SIZE || !is_zero(p + i, n))
			continue;
		if (put_at(fd, p + begin, i - begin, at + begin) == -1)
			return -1;
		begin = i + n;
	}
	return put_at(fd, p + begin, len - begin, at + begin);
}

/* I6: hashed on its way, not before and not after. */
static int
copy_object(struct loader *l, int from, int to, const struct entry *e)
{
	static uint8_t buf[COPY_SIZE];
	struct hash_sum sum;
	struct hash h;
	uint64_t at = 0;
	ssize_t n;

	hash_init(&sum);
	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return loader_error(l, "%s: object", e->path);
		hash_add(&sum, buf, (size_t)n);
		if (at + (uint64_t)n > e->size)
			break;
		if (put_sparse(to, buf, (size_t)n, at) == -1)
			return loader_error(l, "%s", e->path);
		at += (uint64_t)n;
	}
	hash_end(&sum, &h);
	if (n != 0 || at != e->size || !hash_equal(&h, &e->object))
		return loader_fail(l, LOADER_DAMAGED, "%s: object is not "
		    "what its name says", e->path);
	if (ftruncate(to, (off_t)at) == -1)
		return loader_error(l, "%s", e->path);
	return 0;
}

static struct timespec
mtime_of(const struct entry *e)
{
	struct timespec ts = {
		.tv_sec = e->mtime_ns / NS_PER_S,
		.tv_nsec = e->mtime_ns % NS_PER_S,
	};

	if (ts.tv_nsec < 0) {
		ts.tv_nsec += NS_PER_S;
		ts.tv_sec--;
	}
	return ts;
}

static int
put_xattrs(struct loader *l, int fd, const struct entry *e)
{
	const struct entry_xattr *x;
	uint16_t i;

	for (i = 0; i < e->nxattrs; i++) {
		x = &e->xattrs[i];
		if (!xattr_skipped(x->name) &&
		    fsetxattr(fd, x->name, x->value, x->len, 0) == -1)
			return loader_error(l, "%s: %s", e->path, x->name);
	}
	return 0;
}

/* Of a directory that is kept: what the entry does not have goes. */
static int
drop_xattrs(struct loader *l, int fd, const struct entry *e)
{
	static char list[MANIFEST_XATTR_MAX];
	ssize_t n = flistxattr(fd, list, sizeof(list));
	const char *name;

	if (n == -1)
		return errno == ENOTSUP ? 0 : loader_error(l, "%s", e->path);
	for (name = list; name < list + n; name += strlen(name) + 1)
		if (!xattr_skipped(name) && fremovexattr(fd, name) == -1 &&
		    errno != ENODATA)
			return loader_error(l, "%s: %s", e->path, name);
	return 0;
}

/* Owner first: it may clear bits of the mode.  An ACL may change it too. */
static int
put_looks(struct loader *l, int fd, const struct entry *e)
{
	const struct timespec ts[2] = {
		{ .tv_nsec = UTIME_OMIT }, mtime_of(e),
	};

	if (fchown(fd, idmap_user(&l->ids, e->user, e->uid),
	    idmap_group(&l->ids, e->group, e->gid)) == -1)
		return loader_error(l, "%s: owner", e->path);
	if (put_xattrs(l, fd, e) == -1)
		return -1;
	if (fchmod(fd, e->mode) == -1)
		return loader_error(l, "%s: mode", e->path);
	if (e->type != ENTRY_DIR && futimens(fd, ts) == -1)
		return loader_error(l, "%s: times", e->path);
	return 0;
}

static int
make_file(struct build *b, const struct entry *e)
{
	struct loader *l = b->l;
	uint64_t size = 0;
	int from, to, rc;

	from = l->source->object(l->source->arg, &e->object, &size);
	if (from == -1)
		return loader_fail(l, LOADER_DAMAGED, "%s: object is not in "
		    "the store", e->path);
	to = openat(b->own, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1) {
		(void)loader_error(l, "%s: cannot be made", e->path);
		(void)close(from);
		return -1;
	}
	rc = copy_object(l, from, to, e);
	if (rc == 0)
		rc = put_looks(l, to, e);
	(void)close(from);
	(void)close(to);
	return rc;
}

static int
make_link(struct build *b, const struct entry *e)
{
	const struct timespec ts[2] = {
		{ .tv_nsec = UTIME_OMIT }, mtime_of(e),
	};
	const struct idmap *ids = &b->l->ids;

	if (symlinkat(e->target, b->own, NEW_NAME) == -1 ||
	    fchownat(b->own, NEW_NAME, idmap_user(ids, e->user, e->uid),
	    idmap_group(ids, e->group, e->gid), AT_SYMLINK_NOFOLLOW) == -1 ||
	    utimensat(b->own, NEW_NAME, ts, AT_SYMLINK_NOFOLLOW) == -1)
		return loader_error(b->l, "%s", e->path);
	return 0;
}

static int
make_dir(struct build *b, const struct entry *e)
{
	int fd, rc;

	if (mkdirat(b->own, NEW_NAME, 0700) == -1)
		return loader_error(b->l, "%s", e->path);
	fd = below_dir(b->own, NEW_NAME);
	if (fd == -1)
		return loader_error(b->l, "%s", e->path);
	rc = put_looks(b->l, fd, e);
	(void)close(fd);
	return rc;
}

/* 1: made as another name of the first of its group; 0: it is the first. */
static int
make_another_name(struct build *b, const struct entry *e)
{
	const struct entry *first;
	const char *leaf;
	int dir, rc;

	if (e->link == 0 || e->type != ENTRY_FILE)
		return 0;
	if (e->link > b->ngroups)
		return loader_fail(b->l, LOADER_DAMAGED, "%s: group of hard "
		    "links %u is out of range", e->path, e->link);
	first = b->group[e->link - 1];
	if (first == NULL) {
		b->group[e->link - 1] = e;
		return 0;
	}
	if (!hash_equal(&first->object, &e->object))
		return loader_fail(b->l, LOADER_DAMAGED, "%s and %s are one "
		    "file with two contents", first->path, e->path);
	dir = below_parent(b->root, first->path, &leaf);
	if (dir == -1)
		return loader_error(b->l, "%s", first->path);
	rc = linkat(dir, leaf, b->own, NEW_NAME, 0);
	if (rc == -1)
		(void)loader_error(b->l, "%s: hard link", e->path);
	(void)close(dir);
	return rc == 0 ? 1 : -1;
}

static int
make(struct build *b, const struct entry *e)
{
	int rc = make_another_name(b, e);

	if (rc != 0)
		return rc == 1 ? 0 : -1;
	switch (e->type) {
	case ENTRY_FILE:
	case ENTRY_SQLITE:
		return make_file(b, e);
	case ENTRY_LINK:
		return make_link(b, e);
	case ENTRY_DIR:
		return make_dir(b, e);
	}
	return -1;
}

static int
put_in_place(struct build *b, const struct entry *e, int dir,
    const char *leaf)
{
	struct stat st;

	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (e->type == ENTRY_DIR || S_ISDIR(st.st_mode)) &&
	    below_remove(b->l, dir, leaf) == -1)
		return -1;
	loader_step("entry in place");
	/* Of two names of one file rename(2) would keep both. */
	if (e->link != 0 && unlinkat(dir, leaf, 0) == -1 && errno != ENOENT)
		return loader_error(b->l, "%s", e->path);
	if (renameat(b->own, NEW_NAME, dir, leaf) == -1)
		return loader_error(b->l, "%s", e->path);
	return 0;
}

/* A directory that is there keeps what is in it. */
static int
change_dir(struct build *b, const struct entry *e, int dir, const char *leaf)
{
	struct stat st;
	int fd, rc;

	if (e->type != ENTRY_DIR || fstatat(dir, leaf, &st,
	    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISDIR(st.st_mode))
		return 0;
	fd = below_dir(dir, leaf);
	if (fd == -1)
		return loader_error(b->l, "%s", e->path);
	rc = drop_xattrs(b->l, fd, e);
	if (rc == 0)
		rc = put_looks(b->l, fd, e);
	(void)close(fd);
	return rc == 0 ? 1 : -1;
}

/* What comes and goes in a directory must not show in its times. */
static void
keep_times(int dir, const struct stat *st)
{
	const struct timespec ts[2] = { st->st_atim, st->st_mtim };

	(void)futimens(dir, ts);
}

int
build_entry(struct build *b, const struct entry *e)
{
	const char *wrong = build_refused(e), *leaf;
	struct stat st;
	int dir, rc;

	if (wrong != NULL)
		return loader_fail(b->l, LOADER_DAMAGED, "%s: %s", e->path,
		    wrong);
	dir = below_parent(b->root, e->path, &leaf);
	if (dir == -1 || fstat(dir, &st) == -1) {
		(void)loader_error(b->l, "%s: no directory to put it into",
		    e->path);
		if (dir != -1)
			(void)close(dir);
		return -1;
	}
	loader_step("entry");
	rc = change_dir(b, e, dir, leaf);
	if (rc == 0) {
		rc = below_remove(b->l, b->own, NEW_NAME);
		if (rc == 0)
			rc = make(b, e);
		if (rc == 0)
			rc = put_in_place(b, e, dir, leaf);
		keep_times(dir, &st);
	}
	(void)close(dir);
	return rc == -1 ? -1 : 0;
}

int
build_drop(struct build *b, const char *path)
{
	const char *leaf;
	struct stat st;
	int dir = below_parent(b->root, path, &leaf), rc;

	if (dir == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    errno == ELOOP ? 0 : loader_error(b->l, "%s", path);
	loader_step("entry dropped");
	rc = fstat(dir, &st);
	if (rc == 0)
		rc = below_remove(b->l, dir, leaf);
	if (rc == 0)
		keep_times(dir, &st);
	(void)close(dir);
	return rc;
}

/*
 * Last, when nothing in it changes any more.  A directory that only leads to
 * data, or holds other things as well, was captured without a time.
 */
int
build_times(struct build *b, const struct entry *e)
{
	const struct timespec ts[2] = {
		{ .tv_nsec = UTIME_OMIT }, mtime_of(e),
	};
	int fd;

	if (e->type != ENTRY_DIR || e->mtime_ns == 0)
		return 0;
	fd = below_dir(b->root, e->path);
	if (fd == -1)
		return loader_error(b->l, "%s", e->path);
	if (futimens(fd, ts) == -1) {
		(void)close(fd);
		return loader_error(b->l, "%s: times", e->path);
	}
	(void)close(fd);
	return 0;
}
