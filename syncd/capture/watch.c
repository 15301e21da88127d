/* SPDX-License-Identifier: ISC */

/*
 * Capture: inotify over the directories of the data set.  Says which paths
 * may have changed, never what they are now.  What it cannot watch or what
 * got lost is left to the comparison by stat.
 */

#include <sys/inotify.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "take.h"

/* Not IN_CLOSE_WRITE: a write has said so before, closing changes nothing. */
#define EVENTS	(IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | \
		    IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF | \
		    IN_DELETE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW)
#define BLIND_PASS_NS	(10 * NS_PER_S)	/* between passes without watches */
#define READS_MAX	256		/* at one turn */

bool
watch_open(struct capture *c)
{
	c->watch = (struct watch){
		.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
	};
	c->watch.blind = c->watch.fd == -1;
	return !c->watch.blind;
}

void
watch_close(struct capture *c)
{
	if (c->watch.fd != -1)
		(void)close(c->watch.fd);
	free(c->watch.slot);
	c->watch = (struct watch){ .fd = -1 };
}

static uint32_t
home(const struct watch *w, int wd)
{
	return ((uint32_t)wd * UINT32_C(2654435769)) & (w->size - 1);
}

static struct node **
find(const struct watch *w, int wd)
{
	uint32_t i;

	if (w->size == 0)
		return NULL;
	for (i = home(w, wd); w->slot[i] != NULL; i = (i + 1) & (w->size - 1))
		if (w->slot[i]->wd == wd)
			return &w->slot[i];
	return NULL;
}

static void
put(struct watch *w, struct node *n)
{
	uint32_t i = home(w, n->wd);

	while (w->slot[i] != NULL)
		i = (i + 1) & (w->size - 1);
	w->slot[i] = n;
}

static bool
make_room(struct watch *w, uint32_t used)
{
	const uint32_t old_size = w->size;
	struct node **old = w->slot;
	uint32_t i;

	if (used + used / 2 < old_size)
		return true;
	w->size = old_size != 0 ? old_size * 2 : 256;
	w->slot = calloc(w->size, sizeof(struct node *));
	if (w->slot == NULL) {
		w->slot = old;
		w->size = old_size;
		return used + 1 < old_size;
	}
	for (i = 0; i < old_size; i++)
		if (old[i] != NULL)
			put(w, old[i]);
	free(old);
	return true;
}

/* Out of the table; those behind it move up so that they are found. */
static void
unmap(struct capture *c, struct node *n)
{
	struct watch *w = &c->watch;
	struct node **at = find(w, n->wd), *next;
	uint32_t i;

	n->wd = -1;
	if (at == NULL)
		return;
	c->stats.watches--;
	i = (uint32_t)(at - w->slot);
	w->slot[i] = NULL;
	while (i = (i + 1) & (w->size - 1), (next = w->slot[i]) != NULL) {
		w->slot[i] = NULL;
		put(w, next);
	}
}

void
watch_drop(struct capture *c, struct node *n)
{
	const int wd = n->wd;

	if (wd == -1)
		return;
	unmap(c, n);
	(void)inotify_rm_watch(c->watch.fd, wd);
}

static void
go_blind(struct capture *c, int error)
{
	c->watch.blind = true;
	problem_here(c, FAULT_WATCH, error, RULE_NONE);
	if (c->policy.pass_ns > BLIND_PASS_NS)
		c->policy.pass_ns = BLIND_PASS_NS;
}

void
watch_add(struct capture *c, struct node *n, int fd)
{
	struct node **other;
	int wd = -1;

	if (c->watch.fd == -1) {
		go_blind(c, ENOSYS);
		return;
	}
	/* By the working directory: that needs neither a path nor /proc. */
	if (make_room(&c->watch, c->stats.watches) && fchdir(fd) == 0)
		wd = inotify_add_watch(c->watch.fd, ".", EVENTS);
	if (wd == n->wd && wd != -1)
		return;
	if (wd == -1) {
		watch_drop(c, n);
		go_blind(c, errno);
		return;
	}
	/* The directory was moved: its old place will be seen to be empty. */
	other = find(&c->watch, wd);
	if (other != NULL)
		unmap(c, *other);
	watch_drop(c, n);
	n->wd = wd;
	put(&c->watch, n);
	c->stats.watches++;
}

static void
changed(struct capture *c, const char *path, mono_t now)
{
	if (!dirty_add(&c->dirty, path))
		policy_lost(&c->policy, now);
	policy_changed(&c->policy, now);
}

/* Names that are not ours come and go: they must cost nothing. */
static bool
concerns(struct capture *c, const struct node *dir, char *path, uint32_t mask)
{
	uint32_t rule;
	size_t db;

	db = pattern_beside(&c->conf, path);
	if (db != 0) {
		/* Of what SQLite keeps there only a log holds new content. */
		if (strcmp(path + db, "-wal") != 0)
			return false;
		path[db] = '\0';
		return true;
	}
	return pattern_want(&c->conf, path, (mask & IN_ISDIR) != 0,
	    dir->in_tree ? dir->rule : RULE_NONE, &rule) > WANT_NEVER;
}

static void
event(struct capture *c, const struct inotify_event *e, mono_t now)
{
	char path[MANIFEST_PATH_MAX + MANIFEST_NAME_MAX + 2];
	struct node **slot, *dir;
	size_t len;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		c->stats.overflows++;
		policy_lost(&c->policy, now);
		return;
	}
	slot = find(&c->watch, e->wd);
	if (slot == NULL)
		return;
	dir = *slot;
	if ((e->mask & IN_IGNORED) != 0)
		unmap(c, dir);
	if (!known_path(dir, path))
		return;
	if (e->len == 0) {
		/* The directory itself; its parent tells, the base has none. */
		if (dir->parent == NULL)
			policy_lost(&c->policy, now);
		else if ((e->mask & (IN_ATTRIB | IN_UNMOUNT)) != 0)
			changed(c, path, now);
		return;
	}
	len = strlen(path);
	if (len > 0)
		path[len++] = '/';
	(void)memcpy(path + len, e->name, strlen(e->name) + 1);
	if (strlen(path) > MANIFEST_PATH_MAX)
		policy_lost(&c->policy, now);
	else if (concerns(c, dir, path, e->mask))
		changed(c, path, now);
}

void
capture_events(struct capture *c, mono_t now)
{
	_Alignas(struct inotify_event) char buf[65536];
	const struct inotify_event *e;
	ssize_t n, at;
	int i;

	for (i = 0; i < READS_MAX && c->watch.fd != -1; i++) {
		n = read(c->watch.fd, buf, sizeof(buf));
		if (n <= 0)
			return;
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(const void *)
			    (buf + at);
			c->stats.events++;
			event(c, e, now);
		}
	}
}

int
capture_fd(const struct capture *c)
{
	return c->watch.fd;
}
