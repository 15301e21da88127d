/* SPDX-License-Identifier: ISC */

/*
 * Loader: does what the journal says, from the start or from wherever an
 * earlier try ended: each step looks first whether it was done.  Nothing is
 * deleted: what was live ends up in next, which then becomes previous-TIME.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "loader.h"

#define DIRS_SYNCED	32	/* more: one call for the file system */
#define NS_PER_S	INT64_C(1000000000)

struct swap {
	struct loader	*l;
	int		next;
	char		synced[BELOW_PATH_MAX];	/* parent of the last step */
	size_t		parents;
};

static bool
has_inode(int dir, const char *leaf, uint64_t ino)
{
	struct stat st;

	return fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == ino;
}

/* To live, whatever is there now; what was there takes its place. */
static int
exchange(int from, const char *leaf, int to)
{
	if (renameat2(from, leaf, to, leaf, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	return renameat2(from, leaf, to, leaf, RENAME_NOREPLACE);
}

static int
do_swap(struct swap *sw, const struct step *s)
{
	const char *leaf;
	int live, next, rc = 0;

	live = below_parent(sw->l->base, s->path, &leaf);
	if (live == -1)
		return loader_error(sw->l, "%s", s->path);
	next = below_parent(sw->next, s->path, &leaf);
	if (!has_inode(live, leaf, s->ino)) {
		errno = ENOENT;
		if (next == -1 || !has_inode(next, leaf, s->ino) ||
		    exchange(next, leaf, live) == -1)
			rc = loader_error(sw->l, "%s: cannot be exchanged",
			    s->path);
	}
	if (next != -1)
		(void)close(next);
	(void)close(live);
	return rc;
}

/* Directories that next lacks: it only keeps what was live in them. */
static int
aside_parent(struct swap *sw, const char *path, const char **leaf)
{
	char part[BELOW_PATH_MAX];
	const char *slash;
	int dir;

	for (slash = strchr(path, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		dir = below_parent(sw->next, part, leaf);
		if (dir == -1)
			return -1;
		if (mkdirat(dir, *leaf, 0700) == -1 && errno != EEXIST) {
			(void)close(dir);
			return -1;
		}
		(void)close(dir);
	}
	return below_parent(sw->next, path, leaf);
}

static int
move_aside(int live, const char *leaf, int next)
{
	char other[MANIFEST_NAME_MAX + 1];
	unsigned int i;

	if (renameat2(live, leaf, next, leaf, RENAME_NOREPLACE) == 0)
		return 0;
	/* Somebody made it anew since the first try. */
	for (i = 0; errno == EEXIST && i < 1000; i++) {
		(void)snprintf(other, sizeof(other), "%.200s.%u", leaf, i);
		if (renameat2(live, leaf, next, other, RENAME_NOREPLACE) == 0)
			return 0;
	}
	return errno == ENOENT ? 0 : -1;
}

static int
do_aside(struct swap *sw, const struct step *s)
{
	struct stat st;
	const char *leaf;
	int live, next, rc;

	if (below_stat(sw->l->base, s->path, &st) == -1 && errno == ENOENT)
		return 0;
	live = below_parent(sw->l->base, s->path, &leaf);
	if (live == -1)
		return loader_error(sw->l, "%s", s->path);
	next = aside_parent(sw, s->path, &leaf);
	rc = next == -1 ? -1 : move_aside(live, leaf, next);
	if (rc == -1)
		(void)loader_error(sw->l, "%s: cannot be moved aside",
		    s->path);
	if (next != -1)
		(void)close(next);
	(void)close(live);
	return rc;
}

/* As next's directory has it, or has it not. */
static int
copy_acl(int from, int to, const char *name)
{
	static char value[MANIFEST_XATTR_MAX];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	if (n >= 0)
		return fsetxattr(to, name, value, (size_t)n, 0);
	if (errno == ENOTSUP)
		return 0;
	if (errno != ENODATA)
		return -1;
	return fremovexattr(to, name) == -1 && errno != ENODATA ? -1 : 0;
}

static int
put_looks(int live, int next, const struct step *s)
{
	struct timespec ts[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ s->mtime_ns / NS_PER_S, s->mtime_ns % NS_PER_S },
	};

	if (ts[1].tv_nsec < 0) {
		ts[1].tv_nsec += NS_PER_S;
		ts[1].tv_sec--;
	}
	if (fchown(live, s->uid, s->gid) == -1 ||
	    copy_acl(next, live, "system.posix_acl_access") == -1 ||
	    copy_acl(next, live, "system.posix_acl_default") == -1 ||
	    fchmod(live, s->mode) == -1)
		return -1;
	return futimens(live, ts);
}

static int
do_mode(struct swap *sw, const struct step *s)
{
	int live = below_dir(sw->l->base, s->path);
	int next = below_dir(sw->next, s->path);
	int rc = live == -1 || next == -1 ? -1 : put_looks(live, next, s);

	if (rc == -1)
		(void)loader_error(sw->l, "%s: owner and mode", s->path);
	if (live != -1)
		(void)close(live);
	if (next != -1)
		(void)close(next);
	return rc;
}

static int
sync_dir(struct swap *sw, int root, const char *path)
{
	int fd = below_dir(root, path), rc;

	/* Only live has it where nothing was moved aside. */
	if (fd == -1)
		return errno == ENOENT ? 0 : loader_error(sw->l, "%s", path);
	rc = fsync(fd);
	if (rc == -1)
		(void)loader_error(sw->l, "%s: sync", path);
	(void)close(fd);
	return rc;
}

/* Both ends of the step's rename, unless the last step had the same. */
static int
sync_parents(struct swap *sw, const struct step *s)
{
	char parent[BELOW_PATH_MAX];
	const char *slash = strrchr(s->path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - s->path);

	if (s->kind == STEP_MODE)
		return sync_dir(sw, sw->l->base, s->path);
	memcpy(parent, s->path, n);
	parent[n] = '\0';
	if (sw->parents > 0 && strcmp(parent, sw->synced) == 0)
		return 0;
	(void)strcpy(sw->synced, parent);
	sw->parents++;
	if (sync_dir(sw, sw->l->base, parent) == -1)
		return -1;
	return sync_dir(sw, sw->next, parent);
}

static int
make_durable(struct swap *sw, const struct journal *j)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < j->n && sw->parents < DIRS_SYNCED; i++)
		rc = sync_parents(sw, &j->step[i]);
	if (rc == 0 && i < j->n && syncfs(sw->l->base) == -1)
		rc = loader_error(sw->l, "sync");
	return rc;
}

static int
do_steps(struct swap *sw, const struct journal *j)
{
	const struct step *s;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < j->n; i++) {
		s = &j->step[i];
		loader_step("swap step");
		switch (s->kind) {
		case STEP_SWAP:
			rc = do_swap(sw, s);
			break;
		case STEP_ASIDE:
			rc = do_aside(sw, s);
			break;
		case STEP_MODE:
			rc = do_mode(sw, s);
			break;
		}
	}
	loader_step("swapped");
	return rc == 0 ? make_durable(sw, j) : rc;
}

/* next holds what was live; from here on it is history. */
static int
finish(struct loader *l, const struct journal *j)
{
	const struct mark r = { .position = j->position,
	    .complete = true };

	loader_step("finish");
	if (renameat2(l->own, "next", l->own, j->aside,
	    RENAME_NOREPLACE) == -1 && errno != ENOENT)
		return loader_error(l, "%s/%s", LOADER_DIR, j->aside);
	loader_step("put aside");
	if (unlinkat(l->own, "prepared", 0) == -1 && errno != ENOENT)
		return loader_error(l, "%s/prepared", LOADER_DIR);
	if (mark_write(l, "loaded", &r) == -1)
		return -1;
	loader_step("marked");
	if (unlinkat(l->own, "journal", 0) == -1 || fsync(l->own) == -1)
		return loader_error(l, "%s/journal", LOADER_DIR);
	loader_step("done");
	return 0;
}

int
swap_run(struct loader *l, const struct journal *j)
{
	struct swap sw = { .l = l };
	int rc;

	sw.next = below_dir(l->own, "next");
	/* Gone already: all steps were done and durable. */
	if (sw.next == -1 && errno == ENOENT)
		return finish(l, j);
	if (sw.next == -1)
		return loader_error(l, "%s/next", LOADER_DIR);
	rc = do_steps(&sw, j);
	(void)close(sw.next);
	return rc == 0 ? finish(l, j) : rc;
}
