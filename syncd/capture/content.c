/* SPDX-License-Identifier: ISC */

/*
 * Capture: compares the live files with the last generation by content, in
 * small pieces and after everybody else.  Finds what neither an event nor
 * stat has told: writes through a mapping, a file system that lies.
 */

#include <sys/syscall.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "take.h"

#define SLICE_BYTES	(4 << 20)
#define SLICE_FILES	256
#define IOPRIO_SELF	1		/* IOPRIO_WHO_PROCESS */
#define IOPRIO_IDLE	(3 << 13)	/* IOPRIO_CLASS_IDLE */

void
content_stop(struct capture *c)
{
	if (c->content.fd != -1)
		(void)close(c->content.fd);
	c->content.fd = -1;
}

/* The first entry behind the one that was done last; NULL: the end. */
static const struct entry *
next_entry(struct capture *c)
{
	size_t i = tree_lower(c->tree, c->content.path);

	if (i < tree_count(c->tree) &&
	    strcmp(tree_at(c->tree, i)->path, c->content.path) == 0)
		i++;
	return i < tree_count(c->tree) ? tree_at(c->tree, i) : NULL;
}

static struct node *
settled_node(struct capture *c)
{
	struct node *n = known_find(&c->known, c->content.path);

	return n == NULL || n->gone || n->pending || n->suspect ? NULL : n;
}

static void
suspect(struct capture *c, struct node *n)
{
	n->suspect = true;
	if (!dirty_add(&c->dirty, c->content.path))
		policy_lost(&c->policy, (mono_t){ 1 });
}

static bool
still_same(struct capture *c, const struct node *n)
{
	struct identity id;
	struct statx st;

	if (statx(c->content.fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) ==
	    -1)
		return false;
	payload_identity(&st, &id);
	return identity_equal(&id, &n->id);
}

static void
begin(struct capture *c, const struct entry *e)
{
	struct node *n;

	(void)memcpy(c->content.path, e->path, strlen(e->path) + 1);
	n = settled_node(c);
	if (n == NULL)
		return;
	if (e->type == ENTRY_SQLITE)
		suspect(c, n);		/* only another copy can tell */
	if (e->type != ENTRY_FILE)
		return;
	c->content.fd = payload_open(c->payload.base, e->path, 0);
	if (c->content.fd == -1)
		return;
	hash_init(&c->content.sum);
	if (!still_same(c, n))
		content_stop(c);
}

/* What changed meanwhile is somebody else's business. */
static void
end(struct capture *c)
{
	struct node *n = settled_node(c);
	struct hash h;

	hash_end(&c->content.sum, &h);
	if (n != NULL && still_same(c, n) && !hash_equal(&h, &n->object)) {
		c->stats.found++;
		suspect(c, n);
	}
	content_stop(c);
}

static ssize_t
read_piece(struct capture *c)
{
	char buf[65536];
	ssize_t n;

	n = read(c->content.fd, buf, sizeof(buf));
	if (n > 0)
		hash_add(&c->content.sum, buf, (size_t)n);
	else if (n == 0)
		end(c);
	else
		content_stop(c);
	return n > 0 ? n : 0;
}

static bool
slice(struct capture *c)
{
	const struct entry *e;
	ssize_t bytes = 0;
	int files = 0;

	while (bytes < SLICE_BYTES && files < SLICE_FILES) {
		if (c->content.fd != -1) {
			bytes += read_piece(c);
			continue;
		}
		e = next_entry(c);
		if (e == NULL) {
			c->content.path[0] = '\0';
			c->stats.rounds++;
			return true;
		}
		files++;
		begin(c, e);
	}
	return false;
}

/* True when a round is complete. */
bool
content_slice(struct capture *c)
{
	bool done;

	(void)syscall(SYS_ioprio_set, IOPRIO_SELF, 0, IOPRIO_IDLE);
	done = slice(c);
	(void)syscall(SYS_ioprio_set, IOPRIO_SELF, 0, 0);
	return done;
}
