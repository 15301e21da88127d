/* SPDX-License-Identifier: ISC */

/*
 * A store that somebody removed from below us: how it is seen, and how it
 * begins anew without breaking I3.  Capture, mirror and receiver.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

static bool
unlinked(int fd)
{
	struct stat st;

	return fd == -1 || fstat(fd, &st) == -1 || st.st_nlink == 0;
}

enum store_gone
store_gone(const struct store *s)
{
	static const char *const needed[] = { "complete", "lock",
	    "epoch.lock" };
	struct stat st;
	size_t i;

	if (unlinked(s->dir[DIR_ROOT]))
		return STORE_GONE_ROOT;
	for (i = DIR_ROOT + 1; i < DIR_COUNT; i++)
		if (unlinked(s->dir[i]))
			return STORE_GONE_INSIDE;
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (fstatat(s->dir[DIR_ROOT], needed[i], &st,
		    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
			return STORE_GONE_INSIDE;
	return STORE_HERE;
}

enum store_result
store_reopen(struct store *s)
{
	struct store *fresh, was;
	enum store_result r;

	assert(!s->locked);
	r = store_open(&fresh, s->dir[DIR_ROOT], s->pair, false);
	if (fresh == NULL || store_gone(fresh) != STORE_HERE) {
		store_close(fresh);
		return STORE_ERROR;
	}
	was = *s;
	*s = *fresh;
	*fresh = was;
	s->limits = was.limits;
	store_close(fresh);
	return r;
}

enum store_result
store_spend(struct store *s, const struct epoch *e, uint64_t generation)
{
	struct head_file f = s->head;
	const int order = epoch_cmp(e, &f.spent);

	if (!s->locked)
		return fail(s, STORE_BUSY, "store is not locked");
	if (f.h.position.generation != 0)
		return fail(s, STORE_REFUSED, "store is not empty");
	if (generation == 0 || order < 0 || (order == 0 &&
	    generation <= f.spent_generation))
		return STORE_OK;
	f.spent = *e;
	f.spent_generation = generation;
	return head_publish(s, &f);
}

bool
gone_first(const struct store *s, const struct epoch *e, uint64_t *generation,
    struct hash *previous)
{
	static const char what[] = "vipair: what came before was removed";
	struct {
		char		what[sizeof(what)];
		uint32_t	term, node;
		uint64_t	generation;
		int64_t		now;
	} from;

	if (s->head.h.position.generation != 0 ||
	    s->head.spent_generation == 0 ||
	    epoch_cmp(e, &s->head.spent) != 0)
		return false;
	memset(&from, 0, sizeof(from));
	memcpy(from.what, what, sizeof(what));
	from.term = e->term;
	from.node = e->node;
	from.generation = s->head.spent_generation;
	from.now = clock_now();
	*generation = s->head.spent_generation + 1;
	hash_of(&from, sizeof(from), previous);
	return true;
}
