/* SPDX-License-Identifier: ISC */

/*
 * Parking: what the head has beyond a fork becomes a branch, then the head
 * goes back.  The branch is whole and durable before HEAD moves; a death in
 * between leaves both, and the next try finds the branch there.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "branch.h"

#define NEW_BRANCH	"park"

struct park {
	struct store	*s;
	struct chain	chain;		/* the store's */
	uint64_t	first, last;	/* indices that go into the branch */
	uint64_t	fork;
	bool		empty;		/* the head becomes empty */
	struct link	to;		/* else: the new head's record */
	int		dir;		/* of the branch */
};

/* Another user's file: no link can be made to it, so it is copied. */
static int
copy_manifest(struct park *p, const struct link *l)
{
	char name[NAME_SIZE], *text;
	int fd, rc = -1;
	size_t len;

	text = manifest_text_of(p->s, p->s->dir[DIR_MANIFESTS], l, &len);
	if (text == NULL)
		return -1;
	manifest_name(l->generation, &l->head, name);
	fd = file_open(p->dir, name, O_WRONLY | O_CREAT | O_EXCL, 0440);
	if (fd != -1) {
		rc = file_write(fd, text, len);
		if (rc == 0)
			rc = fchmod(fd, 0440);
		(void)close(fd);
	}
	free(text);
	return rc;
}

/*
 * Generations up to the fork are steps here: the store itself keeps them, by
 * their age.
 */
static enum store_result
copy_links(struct park *p)
{
	struct chain to;
	struct link l;
	uint64_t i;
	bool good;

	good = chain_open(&to, p->dir, "chain", true) == 0;
	for (i = p->first; i <= p->last && good; i++) {
		good = chain_read(&p->chain, i, &l);
		if (!good)
			break;
		if (l.generation <= p->fork)
			l.flags &= ~LINK_COMPLETE;
		if ((l.flags & LINK_MANIFEST) != 0)
			good = copy_manifest(p, &l) == 0;
		if (good)
			good = chain_write(&to, to.n, &l) == 0;
		crash_point("park-copied");
	}
	chain_close(&to);
	return good ? STORE_OK : fail_errno(p->s, "branch cannot be written");
}

static enum store_result
write_branch(struct park *p, const struct store_branch *b)
{
	struct store *s = p->s;
	enum store_result r;
	int rc;

	(void)file_empty_dir(s->dir[DIR_TMP]);
	if (mkdirat(s->dir[DIR_TMP], NEW_BRANCH, 0770) == -1)
		return fail_errno(s, "branch");
	p->dir = file_open(s->dir[DIR_TMP], NEW_BRANCH,
	    O_RDONLY | O_DIRECTORY, 0);
	if (p->dir == -1)
		return fail_errno(s, "branch");
	(void)fchmod(p->dir, 02770);
	r = copy_links(p);
	if (r == STORE_OK && branch_write(p->dir, b) == -1)
		r = fail_errno(s, "branch");
	crash_point("park-written");
	if (r == STORE_OK && syncfs(p->dir) == -1)
		r = fail_errno(s, "branch");
	(void)close(p->dir);
	crash_point("park-synced");
	if (r != STORE_OK)
		return r;
	rc = renameat(s->dir[DIR_TMP], NEW_BRANCH, s->dir[DIR_DIVERGED],
	    b->name);
	crash_point("park-renamed");
	if (rc == -1 || file_sync_dir(s->dir[DIR_DIVERGED]) == -1)
		return fail_errno(s, "branch");
	crash_point("park-durable");
	return STORE_OK;
}

/* A head may only go back to a generation that is complete. */
static bool
find_fork(struct park *p, uint64_t fork)
{
	uint64_t at, base;

	return fork > 0 && chain_find(&p->chain, fork, &at) &&
	    chain_read(&p->chain, at, &p->to) &&
	    (p->to.flags & LINK_COMPLETE) != 0 &&
	    load_base(&p->chain, at, &base);
}

/* The oldest record that still has its text, from which deltas can start. */
static bool
oldest_base(struct park *p)
{
	struct link l;
	uint64_t i;

	for (i = 0; i <= p->last; i++)
		if (chain_read(&p->chain, i, &l) &&
		    (l.flags & LINK_MANIFEST) != 0 &&
		    (l.flags & LINK_FULL) != 0) {
			p->first = i;
			return true;
		}
	return false;
}

static enum store_result
choose(struct park *p, uint64_t fork)
{
	uint64_t at;
	bool good;

	if (!chain_find(&p->chain, p->s->head.h.position.generation,
	    &p->last))
		return fail(p->s, STORE_DAMAGED, "chain has no head");
	p->empty = !find_fork(p, fork);
	p->fork = p->empty ? 0 : fork;
	if (p->empty)
		good = oldest_base(p);
	else
		good = chain_find(&p->chain, fork, &at) && at < p->last &&
		    load_base(&p->chain, at + 1, &p->first);
	return good ? STORE_OK : fail(p->s, STORE_DAMAGED,
	    "branch has no full manifest to start from");
}

/* I3: what this epoch wrote beyond the fork stays its own. */
static void
spend(const struct store *s, struct head_file *f)
{
	const struct position *p = &s->head.h.position;

	f->spent = s->head.spent;
	f->spent_generation = s->head.spent_generation;
	head_spend(f, &p->epoch, p->generation);
}

static enum store_result
move_head(struct park *p)
{
	struct store *s = p->s;
	struct history_list history = s->history;
	struct head_file f = { .full_size = 0 };
	enum store_result r;

	if (!p->empty)
		f = head_from(s, &p->to);
	spend(s, &f);
	history_cut(&history, f.h.position.generation);
	r = head_publish(s, &f);
	if (r != STORE_OK)
		return r;
	crash_point("park-head");
	drop_tree(s);
	r = history_write(s, &history);
	return r == STORE_OK ? recover(s) : r;
}

static enum store_result
park(struct park *p, struct store_branch *b)
{
	struct store_branch there;
	enum store_result r = choose(p, b->fork);

	if (r != STORE_OK)
		return r;
	b->fork = p->fork;
	/* A try before this one may have come so far. */
	if (branch_read(p->s, b->name, &there) == STORE_OK &&
	    there.fork <= p->fork)
		*b = there;
	else
		r = write_branch(p, b);
	return r == STORE_OK ? move_head(p) : r;
}

enum store_result
store_park(struct store *s, uint64_t fork, const char *reason,
    int64_t now_ns, struct store_branch *b)
{
	const struct store_head *h = &s->head.h;
	struct park p = { .s = s, .dir = -1 };
	enum store_result r;

	assert(s->locked);
	*b = (struct store_branch){ .position = h->position, .fork = fork,
	    .parked_ns = now_ns, .kept_ns = age_now(s),
	    .entries = h->entries, .bytes = h->bytes };
	if (s->damaged)
		return fail(s, STORE_DAMAGED, "store must be repaired first");
	if (fork >= h->position.generation)
		return STORE_OK;
	store_receive_abort(s);
	upkeep_reset(s);
	(void)fmt_into(b->reason, sizeof(b->reason), "%s", reason);
	manifest_name(h->position.generation, &h->position.head, b->name);
	if (chain_open(&p.chain, s->dir[DIR_ROOT], "chain", false) == -1)
		r = fail_errno(s, "chain");
	else
		r = park(&p, b);
	chain_close(&p.chain);
	if (r != STORE_OK)
		b->name[0] = '\0';
	return r;
}
