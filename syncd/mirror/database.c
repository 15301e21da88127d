/* SPDX-License-Identifier: ISC */

/*
 * Mirror: one SQLite database of the data set.  Never reads it: the copy is
 * made by sqlsnap as the owner, through the hook, into a descriptor of the
 * store.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sqlsnap.h"
#include "take.h"

#define PAUSE_NS	(5 * NS_PER_MS)

/* Of the log beside it; an empty log is as good as none. */
static void
look_at_log(const struct found *f, struct identity *id)
{
	char name[MANIFEST_NAME_MAX + sizeof("-wal")];
	struct statx st;
	bool mount;

	(void)fmt_into(name, sizeof(name), "%s-wal", f->name);
	*id = (struct identity){ .ino = 0 };
	if (payload_look(f->dir, name, &st, &mount) == 0 && st.stx_size > 0)
		payload_identity(&st, id);
}

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

static enum store_result
snapshot(struct capture *c, int *status, struct hash *h, uint64_t *size)
{
	enum store_result r;
	struct put *p;

	r = put_open(&p, c->store, c->bulk ? PUT_BULK : PUT_DURABLE, NULL, 0);
	if (r != STORE_OK)
		return r;
	payload_end(&c->payload);
	*status = c->hooks.snapshot(c->hooks.arg, c->path, put_fd(p));
	payload_begin(&c->payload);
	c->stats.snapshots++;
	if (*status != SQLSNAP_OK) {
		put_abort(p);
		return STORE_OK;
	}
	return put_commit(p, h, size);
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
		r = snapshot(c, &status, h, size);
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

void
take_database(struct capture *c, struct found *f)
{
	struct identity log;
	uint64_t size = 0;
	struct node *n;
	struct hash h;

	f->parent->blurred = true;	/* journals come and go */
	look_at_log(f, &log);
	n = known_child(&c->known, f->parent, f->name, strlen(f->name));
	if (n != NULL && !n->gone && n->type == ENTRY_SQLITE &&
	    !n->suspect && identity_equal(&n->id, &f->id) &&
	    identity_equal(&n->log, &log)) {
		n = node_for(c, f, ENTRY_SQLITE);
		if (n != NULL && c->renew)
			show(c, n, f);
		return;
	}
	blur_if_recent(&f->id);
	blur_if_recent(&log);
	if (!copy(c, f, &h, &size))
		return;
	n = node_for(c, f, ENTRY_SQLITE);
	if (n == NULL)
		return;
	n->id = f->id;
	n->log = log;
	n->object = h;
	n->size = size;
	n->suspect = false;
	show(c, n, f);
}
