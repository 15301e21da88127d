/* SPDX-License-Identifier: ISC */

/*
 * Capture: one SQLite database of the data set.  Never reads it: the copy is
 * made by sqlsnap as the owner, through the hook, and put into the store.
 */

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sqlsnap.h"
#include "take.h"
#include "wal.h"

#define PAUSE_NS	(5 * NS_PER_MS)

/*
 * Before the copy is made: what changes later must look different.  A change
 * within the same tick of the clock would not, so then nothing is believed.
 */
static void
blur_if_recent(struct identity *id)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec * NS_PER_S + now.tv_nsec <= id->ctime_ns)
		id->ctime_ns = -1;
}

/* The copy as an object. */
static enum store_result
put_copy(struct capture *c, int fd, struct hash *h, uint64_t *size)
{
	const mono_t start = mono_now();
	enum store_result r;
	struct stat st;
	struct put *p;
	uint64_t got;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    lseek(fd, 0, SEEK_SET) == -1)
		return STORE_ERROR;
	r = put_open(&p, c->store, c->bulk ? PUT_BULK : PUT_DURABLE, NULL,
	    (uint64_t)st.st_size);
	if (r != STORE_OK)
		return r;
	r = put_from_fd(p, fd, (uint64_t)st.st_size, &got);
	c->spent_ns += mono_span_ns(start, mono_now());
	if (r == STORE_OK)
		return put_commit(p, h, size);
	put_abort(p);
	return r;
}

static enum store_result
snapshot(struct capture *c, const struct found *f, int *status,
    struct hash *h, uint64_t *size)
{
	const struct capture_snap snap = {
		.entry = f->rule, .dev = f->id.dev, .ino = f->id.ino,
		.path = c->path,
	};
	enum store_result r = STORE_OK;
	mono_t start;
	int fd = -1;

	payload_end(&c->payload);
	start = mono_now();
	*status = c->hooks.snapshot(c->hooks.arg, &snap, &fd);
	c->spent_ns = mono_span_ns(start, mono_now());
	c->stats.snapshots++;
	if (*status == SQLSNAP_OK)
		r = put_copy(c, fd, h, size);
	if (fd != -1)
		(void)close(fd);
	payload_begin(&c->payload);
	return r;
}

/* False: there is no copy, and a problem tells why. */
static bool
copy(struct capture *c, const struct found *f, struct hash *h, uint64_t *size)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	int i, status = SQLSNAP_OK;
	enum store_result r;

	if (c->hooks.snapshot == NULL) {
		problem_here(c, FAULT_SNAPSHOT, SQLSNAP_LOCKED_OUT, f->rule);
		return false;
	}
	for (i = 1;; i++) {
		r = snapshot(c, f, &status, h, size);
		if (r != STORE_OK || status != SQLSNAP_REPLACED ||
		    i == CAPTURE_TRIES)
			break;
		c->stats.retries++;
		(void)nanosleep(&pause, NULL);
	}
	if (r != STORE_OK)
		problem_here(c, FAULT_STORE, (int)r, RULE_NONE);
	else if (status != SQLSNAP_OK && status != SQLSNAP_GONE)
		problem_here(c, FAULT_SNAPSHOT, status, f->rule);
	return r == STORE_OK && status == SQLSNAP_OK;
}

/* Attributes want a descriptor; opening for reading disturbs nobody. */
static void
read_attributes(struct capture *c, const struct found *f)
{
	int fd;

	c->xattrs.n = 0;
	c->xattrs.sparse = c->xattrs.lost = false;
	fd = payload_open(f->dir, f->name, 0);
	if (fd == -1)
		return;
	payload_xattrs(fd, &c->xattrs);
	(void)close(fd);
}

static void
show(struct capture *c, struct node *n, const struct found *f)
{
	const struct entry *old = tree_find(c->tree, c->path);
	struct entry e;

	read_attributes(c, f);
	node_entry(c, &f->st, ENTRY_SQLITE, &e);
	e.size = n->size;
	e.object = n->object;
	/* Moving the log into the database changes its time, no content. */
	if (old != NULL && old->type == ENTRY_SQLITE &&
	    hash_equal(&old->object, &e.object))
		e.mtime_ns = old->mtime_ns;
	node_show(c, n, &e);
}

/* Nothing has changed since the copy that there is. */
static bool
is_taken(const struct node *n, const struct found *f,
    const struct wal_view *log)
{
	return n != NULL && !n->gone && n->type == ENTRY_SQLITE &&
	    !n->suspect && identity_equal(&n->id, &f->id) &&
	    identity_equal(&n->log, &log->id) &&
	    wal_mark_equal(&n->mark, &log->mark);
}

/*
 * What is in the log but not visible yet will be without an event.  If it
 * never is (its writer was killed) this costs a look each few seconds.
 */
static void
look_again(struct capture *c, struct node *n, bool changed)
{
	n->again_ns = changed ? AGAIN_MIN_NS : n->again_ns * 2;
	if (n->again_ns < AGAIN_MIN_NS)
		n->again_ns = AGAIN_MIN_NS;
	if (n->again_ns > AGAIN_MAX_NS)
		n->again_ns = AGAIN_MAX_NS;
	rest_again(c, n->again_ns);
}

static void
copy_database(struct capture *c, struct found *f, struct wal_view *log)
{
	struct wal_view after;
	uint64_t size = 0;
	struct node *n;
	struct hash h;

	blur_if_recent(&f->id);
	blur_if_recent(&log->id);
	if (!copy(c, f, &h, &size))
		return;
	n = node_for(c, f, ENTRY_SQLITE);
	if (n == NULL)
		return;
	n->id = f->id;
	n->log = log->id;
	n->mark = log->mark;
	n->object = h;
	n->size = size;
	n->suspect = false;
	rest_after(c, n);
	wal_look(f->dir, f->name, &after);
	if (after.flying || !wal_mark_equal(&after.mark, &log->mark))
		look_again(c, n, true);
	show(c, n, f);
}

void
take_database(struct capture *c, struct found *f)
{
	struct wal_view log;
	struct node *n;

	f->parent->blurred = true;	/* journals come and go */
	wal_look(f->dir, f->name, &log);
	n = known_child(&c->known, f->parent, f->name, strlen(f->name));
	if (is_taken(n, f, &log)) {
		n = node_for(c, f, ENTRY_SQLITE);
		if (n == NULL)
			return;
		if (c->renew)
			show(c, n, f);
		if (log.flying)
			look_again(c, n, false);
		return;
	}
	if (n != NULL && !n->gone && rest_wanted(c, n)) {
		n->seen = c->pass;
		return;
	}
	copy_database(c, f, &log);
}
