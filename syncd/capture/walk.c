/* SPDX-License-Identifier: ISC */

/*
 * Capture: goes through live directories and decides what each name is.
 * Holds one descriptor for each level; a name is looked at in its
 * directory's descriptor, so nothing that is moved about meanwhile leads the
 * walk out of the base.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "take.h"

static void	take_name(struct capture *, int, struct node *, const char *);

static bool
push_name(struct capture *c, const char *name)
{
	const size_t len = strlen(name), slash = c->path_len > 0;

	if (c->path_len + slash + len > MANIFEST_PATH_MAX ||
	    c->depth == MANIFEST_DEPTH_MAX)
		return false;
	if (slash != 0)
		c->path[c->path_len] = '/';
	(void)memcpy(c->path + c->path_len + slash, name, len + 1);
	c->path_len += slash + len;
	c->depth++;
	return true;
}

static void
pop_name(struct capture *c, size_t len)
{
	c->path_len = len;
	c->path[len] = '\0';
	c->depth--;
}

/* Takes each name of a directory; false when it cannot be read to its end. */
static bool
list(struct capture *c, int fd, struct node *n)
{
	bool ok;

	struct dirent *d;
	DIR *dir;
	int copy;

	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = copy != -1 ? fdopendir(copy) : NULL;
	if (dir == NULL) {
		problem_here(c, FAULT_UNREADABLE, errno, n->rule);
		if (copy != -1)
			(void)close(copy);
		return false;
	}
	rewinddir(dir);
	while (errno = 0, (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0)
			take_name(c, fd, n, d->d_name);
	ok = errno == 0;
	if (!ok)
		problem_here(c, FAULT_UNREADABLE, errno, n->rule);
	(void)closedir(dir);
	return ok;
}

static void
forget_unseen(struct capture *c, struct node *n)
{
	struct node *child, *next;

	for (child = n->child; child != NULL; child = next) {
		next = child->next;
		if (child->seen != c->pass)
			node_forget(c, child);
	}
}

/*
 * A directory that only leads to something wanted is shown while something
 * below it is.  The time of one in which names come and go that are not ours
 * says nothing and is left out.
 */
static void
show_dir(struct capture *c, struct node *n, int fd)
{
	struct statx st;
	struct entry e;

	if (!n->in_tree && n->nshown == 0) {
		node_hide(c, n);
		return;
	}
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == -1) {
		problem_here(c, FAULT_UNREADABLE, errno, n->rule);
		return;
	}
	payload_identity(&st, &n->id);
	c->xattrs.sparse = false;
	payload_xattrs(fd, &c->xattrs);
	node_entry(c, &st, ENTRY_DIR, &e);
	if (!n->in_tree || n->blurred)
		e.mtime_ns = 0;
	node_show(c, n, &e);
}

static void
cannot_open(struct capture *c, const struct found *f, int error)
{
	if (error == EXDEV)
		problem_here(c, FAULT_MOUNT, 0, f->rule);
	else
		problem_here(c, FAULT_UNREADABLE, error, f->rule);
}

static void
take_dir(struct capture *c, struct found *f)
{
	struct node *n;
	bool deep, same;
	int fd;

	fd = payload_open(f->dir, f->name, O_DIRECTORY);
	if (fd == -1) {
		if (errno != ENOENT)
			cannot_open(c, f, errno);
		return;
	}
	n = node_for(c, f, ENTRY_DIR);
	if (n == NULL) {
		(void)close(fd);
		return;
	}
	same = n->wd != -1 && n->id.ino == f->id.ino &&
	    n->id.dev == f->id.dev;
	deep = c->deep || !same;
	n->in_tree = f->want == WANT_TREE;
	n->id = f->id;
	/* Before it is read, so that no change is missed. */
	if (!same)
		watch_add(c, n, fd);
	if (deep) {
		n->blurred = false;
		if (list(c, fd, n))
			forget_unseen(c, n);
	}
	show_dir(c, n, fd);
	(void)close(fd);
}

static void
forget_name(struct capture *c, const struct node *parent, const char *name)
{
	struct node *n;

	n = known_child(&c->known, parent, name, strlen(name));
	if (n != NULL)
		node_forget(c, n);
}

/* What is there but could not be taken stays as it was. */
static void
keep_name(struct capture *c, const struct node *parent, const char *name)
{
	struct node *n;

	n = known_child(&c->known, parent, name, strlen(name));
	if (n != NULL)
		n->seen = c->pass;
}

static void
take_wanted(struct capture *c, struct found *f)
{
	const mode_t type = f->st.stx_mode & S_IFMT;

	if (type == S_IFDIR) {
		take_dir(c, f);
	} else if (type == S_IFREG && f->want == WANT_SQLITE) {
		take_database(c, f);
	} else if (type == S_IFREG) {
		take_file(c, f);
	} else if (type == S_IFLNK && f->want == WANT_SQLITE) {
		problem_here(c, FAULT_UNREADABLE, ELOOP, f->rule);
	} else if (type == S_IFLNK && f->want == WANT_TREE && f->counted) {
		problem_here(c, FAULT_TREE_LINK, 0, f->rule);
	} else if (type == S_IFLNK) {
		take_link(c, f);
	} else {
		problem_here(c, FAULT_SPECIAL, (int)type, RULE_NONE);
		forget_name(c, f->parent, f->name);
		f->parent->blurred = true;
	}
}

static void
take_found(struct capture *c, struct found *f, bool mount)
{
	const uint32_t tree = f->parent->in_tree ? f->parent->rule :
	    RULE_NONE;

	f->want = pattern_want(&c->conf, c->path,
	    S_ISDIR(f->st.stx_mode), tree, &f->rule);
	f->counted = f->rule != tree;
	if (f->want == WANT_NEVER)
		f->parent->blurred = true;
	if (f->want == WANT_NEVER || f->want == WANT_NOTHING || mount) {
		if (mount && f->want >= WANT_PATH)
			problem_here(c, FAULT_MOUNT, 0, RULE_NONE);
		forget_name(c, f->parent, f->name);
		return;
	}
	payload_identity(&f->st, &f->id);
	take_wanted(c, f);
	keep_name(c, f->parent, f->name);
}

static void
take_name(struct capture *c, int dir, struct node *parent, const char *name)
{
	const size_t old_len = c->path_len;
	struct found f = { .dir = dir, .parent = parent, .name = name };
	bool mount;

	if (!push_name(c, name)) {
		problem_here(c, FAULT_NAME, 0, parent->rule);
		return;
	}
	c->stats.looked++;
	problem_clear(c, c->path);
	if (payload_look(dir, name, &f.st, &mount) == 0)
		take_found(c, &f, mount);
	else if (errno == ENOENT)
		forget_name(c, parent, name);
	else {
		problem_here(c, FAULT_UNREADABLE, errno, parent->rule);
		keep_name(c, parent, name);
	}
	pop_name(c, old_len);
}

static void
start_at(struct capture *c, const char *path, size_t len)
{
	size_t i;

	(void)memcpy(c->path, path, len);
	c->path[len] = '\0';
	c->path_len = len;
	c->depth = len > 0;
	for (i = 0; i < len; i++)
		c->depth += path[i] == '/';
}

/* The base may have become another directory since. */
static int
open_base(struct capture *c)
{
	struct payload p;

	if (payload_open_base(&p, c->conf.base)) {
		payload_close(&c->payload);
		c->payload.base = p.base;
	}
	/* Opening has ended it. */
	payload_begin(&c->payload);
	return payload_open(c->payload.base, ".", O_DIRECTORY);
}

void
take_all(struct capture *c)
{
	struct node *base = c->known.base;
	int fd;

	c->pass++;
	c->deep = true;
	start_at(c, "", 0);
	problem_clear_all(c);
	fd = open_base(c);
	if (fd == -1) {
		problem_add(c, FAULT_UNREADABLE, errno, true, "");
		return;
	}
	base->rule = pattern_base_tree(&c->conf);
	base->in_tree = base->rule != RULE_NONE;
	if (base->in_tree)
		c->matched[base->rule] = 1;
	watch_add(c, base, fd);
	if (list(c, fd, base))
		forget_unseen(c, base);
	(void)close(fd);
	c->stats.passes++;
}

/*
 * Another directory may have come to that name since: its event is on the
 * way, or came already, and until it is taken the node stands for the old
 * one.  To show it would make the new one look known.
 */
static bool
is_taken(const struct node *n, int fd)
{
	struct identity now;
	struct statx st;

	if (n->parent == NULL)
		return true;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) == -1)
		return false;
	payload_identity(&st, &now);
	return now.ino == n->id.ino && now.dev == n->id.dev;
}

/* Directories above that have just got or lost their first entry. */
static void
show_above(struct capture *c, struct node *n)
{
	char path[MANIFEST_PATH_MAX + 1];
	int fd;

	for (; n->parent != NULL; n = n->parent) {
		if (n->in_tree || n->shown == (n->nshown > 0) ||
		    !known_path(n, path))
			continue;
		start_at(c, path, strlen(path));
		fd = payload_open(c->payload.base, path, O_DIRECTORY);
		if (fd == -1)
			continue;	/* its own event is on the way */
		if (is_taken(n, fd))
			show_dir(c, n, fd);
		(void)close(fd);
	}
}

/* The deepest directory on the way to path that is known; *len: its path. */
static struct node *
known_above(struct capture *c, const char *path, size_t *len)
{
	struct node *n = c->known.base, *next;
	const char *p = path, *end;

	*len = 0;
	for (;;) {
		end = strchr(p, '/');
		if (end == NULL)
			return n;
		next = known_child(&c->known, n, p, (size_t)(end - p));
		if (next == NULL || next->gone || next->type != ENTRY_DIR)
			return n;
		n = next;
		*len = (size_t)(end - path);
		p = end + 1;
	}
}

void
take_path(struct capture *c, const char *path)
{
	char name[MANIFEST_NAME_MAX + 1], dir[MANIFEST_PATH_MAX + 1];
	struct node *above;
	const char *rest;
	size_t len;
	int fd;

	above = known_above(c, path, &len);
	rest = len > 0 ? path + len + 1 : path;
	if (strcspn(rest, "/") > MANIFEST_NAME_MAX)
		return;
	(void)memcpy(name, rest, strcspn(rest, "/"));
	name[strcspn(rest, "/")] = '\0';
	(void)memcpy(dir, path, len);
	dir[len] = '\0';
	fd = payload_open(c->payload.base, len > 0 ? dir : ".", O_DIRECTORY);
	if (fd != -1 && !is_taken(above, fd)) {
		(void)close(fd);
		fd = -1;
	}
	if (fd == -1) {
		/* What has become of the directory is what is to be seen. */
		if (len > 0)
			take_path(c, dir);
		else
			policy_lost(&c->policy, (mono_t){ 1 });
		return;
	}
	c->pass++;
	c->deep = false;
	start_at(c, dir, len);
	take_name(c, fd, above, name);
	if (above->in_tree && above->parent != NULL) {
		start_at(c, dir, len);
		show_dir(c, above, fd);
	}
	(void)close(fd);
	show_above(c, above);
}
