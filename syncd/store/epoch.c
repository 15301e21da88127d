/* SPDX-License-Identifier: ISC */

/*
 * EPOCH: who may write, raised only.  It has a lock of its own: a node that
 * takes over raises it while a receiver still holds the store, and a commit
 * holds it still from its check to its HEAD.
 */

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"

#define EPOCH_MAGIC	"vipair epoch 1"
#define FIRST_TERM_MAX	1000000

int
epoch_hold(struct store *s, bool change)
{
	int error, fd, rc;

	fd = file_open(s->dir[DIR_ROOT], "epoch.lock", O_RDWR, 0);
	if (fd == -1)
		return -1;
	/* Held by others for a commit at the longest. */
	do
		rc = flock(fd, change ? LOCK_EX : LOCK_SH);
	while (rc == -1 && errno == EINTR);
	if (rc == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

void
epoch_let_go(int fd)
{
	(void)close(fd);
}

static enum store_result
read_file(struct store *s, struct epoch *e)
{
	uint64_t node, term;
	char *body, *text;
	bool good;

	*e = (struct epoch){ .term = 0 };
	text = record_read(s->dir[DIR_ROOT], "EPOCH", EPOCH_MAGIC, &body);
	if (text == NULL && errno == ENOENT)
		return STORE_OK;
	if (text == NULL && errno != EBADMSG && errno != EFBIG)
		return fail_errno(s, "EPOCH");
	good = text != NULL && record_u64(&body, "term", &term) &&
	    record_u64(&body, "node", &node) && *body == '\0' &&
	    term <= INT32_MAX && node <= EPOCH_NODE_MAX;
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED, "EPOCH does not verify: "
		    "repair the store");
	*e = (struct epoch){ .term = (uint32_t)term, .node = (uint32_t)node };
	return STORE_OK;
}

/* The file's, and never below the head's. */
enum store_result
epoch_read(struct store *s, struct epoch *e)
{
	enum store_result r = read_file(s, e);

	if (r == STORE_OK && epoch_cmp(e, &s->head.h.position.epoch) < 0)
		*e = s->head.h.position.epoch;
	return r;
}

enum store_result
store_epoch(struct store *s, struct epoch *e)
{
	return epoch_read(s, e);
}

/*
 * F2, with one exception: a store that knows no term yet (a node that was
 * installed anew) believes its first one, within reason.
 */
static bool
believable(const struct epoch *e, const struct epoch *stored)
{
	if (stored->term == 0)
		return epoch_believable(e, FIRST_TERM_MAX);
	return epoch_believable(e, stored->term);
}

/* With the lock held. */
static enum store_result
raise_to(struct store *s, const struct epoch *e)
{
	struct epoch stored;
	enum store_result r = epoch_read(s, &stored);
	char body[64];
	int order;

	if (r != STORE_OK)
		return r;
	order = epoch_cmp(e, &stored);
	if (order < 0)
		return fail(s, STORE_STALE, "term %u of node %u is below "
		    "term %u of node %u", e->term, e->node, stored.term,
		    stored.node);
	if (!believable(e, &stored))
		return fail(s, STORE_ABSURD, "term %u of node %u is not to "
		    "be believed: term %u is known", e->term, e->node,
		    stored.term);
	(void)fmt_into(body, sizeof(body), "term %u\nnode %u\n", e->term,
	    e->node);
	if (record_write(s->dir[DIR_ROOT], "EPOCH", EPOCH_MAGIC, body,
	    "epoch") == -1)
		return fail_errno(s, "EPOCH");
	return STORE_OK;
}

enum store_result
store_epoch_raise(struct store *s, const struct epoch *e)
{
	struct epoch stored;
	enum store_result r;
	int fd = epoch_hold(s, true);

	if (fd == -1)
		return fail_errno(s, "epoch.lock");
	crash_point("epoch-locked");
	r = read_file(s, &stored);
	if (r != STORE_OK || e->term == 0 || epoch_cmp(e, &stored) != 0)
		r = raise_to(s, e);
	epoch_let_go(fd);
	return r;
}

enum store_result
store_epoch_take(struct store *s, uint32_t node, uint32_t known_term,
    struct epoch *e)
{
	enum store_result r;
	int fd = epoch_hold(s, true);

	if (fd == -1)
		return fail_errno(s, "epoch.lock");
	r = epoch_read(s, e);
	if (r == STORE_OK) {
		if (known_term > e->term)
			e->term = known_term;
		e->term++;
		e->node = node;
		r = raise_to(s, e);
	}
	epoch_let_go(fd);
	return r;
}
