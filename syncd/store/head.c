/* SPDX-License-Identifier: ISC */

/*
 * HEAD, the commit point, and the history beside it.  Mirror and receiver
 * write them, under the lock; everybody reads.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

#define HEAD_MAGIC	"vipair head 1"
#define HISTORY_MAGIC	"vipair history 1"

static bool
parse_epoch(char **at, const char *term, const char *node, struct epoch *e)
{
	uint64_t t, n;

	if (!record_u64(at, term, &t) || !record_u64(at, node, &n) ||
	    t > INT32_MAX || n > EPOCH_NODE_MAX)
		return false;
	*e = (struct epoch){ .term = (uint32_t)t, .node = (uint32_t)n };
	return true;
}

static bool
parse_head(char *at, struct head_file *f)
{
	struct store_head *h = &f->h;
	uint64_t time;

	*f = (struct head_file){ .full_size = 0 };
	if (!parse_epoch(&at, "term", "node", &h->position.epoch) ||
	    !record_u64(&at, "generation", &h->position.generation) ||
	    !record_hash(&at, "head", &h->position.head) ||
	    !record_hash(&at, "previous", &h->previous) ||
	    !record_u64(&at, "time", &time) ||
	    !record_u64(&at, "entries", &h->entries) ||
	    !record_u64(&at, "bytes", &h->bytes) ||
	    !record_u64(&at, "full", &h->full) ||
	    !record_u64(&at, "fullsize", &f->full_size) ||
	    !record_u64(&at, "deltasize", &f->delta_size) ||
	    !parse_epoch(&at, "spentterm", "spentnode", &f->spent) ||
	    !record_u64(&at, "spentgeneration", &f->spent_generation))
		return false;
	h->time_ns = (int64_t)time;
	return *at == '\0' && (h->position.generation == 0) ==
	    hash_is_zero(&h->position.head);
}

static bool
has_manifests(struct store *s)
{
	uint64_t generation;
	struct hash head;
	bool found = false;
	char **list;
	size_t i, n;

	list = file_list(s->dir[DIR_MANIFESTS], &n);
	for (i = 0; list != NULL && i < n && !found; i++)
		found = manifest_parse_name(list[i], &generation, &head);
	free(list);
	return found || list == NULL;
}

/*
 * There was one before the first manifest was (head_first()): none is an
 * empty store only where there are no manifests.
 */
static enum store_result
head_none(struct store *s)
{
	s->no_head = true;
	if (has_manifests(s))
		return fail(s, STORE_DAMAGED,
		    "HEAD is gone: repair the store");
	s->head = (struct head_file){ .full_size = 0 };
	return STORE_OK;
}

/* The file is to blame, not this process. */
static bool
is_unreadable(int error)
{
	return error == EBADMSG || error == EFBIG || error == EIO ||
	    error == EACCES || error == EPERM || error == ELOOP ||
	    error == EISDIR || error == ENXIO;
}

/* What does not verify is damage. */
enum store_result
head_read(struct store *s)
{
	struct head_file f;
	char *body, *text;
	bool good;

	s->no_head = false;
	text = record_read(s->dir[DIR_ROOT], "HEAD", HEAD_MAGIC, &body);
	if (text == NULL && errno == ENOENT)
		return head_none(s);
	if (text == NULL && !is_unreadable(errno))
		return fail_errno(s, "HEAD");
	good = text != NULL && parse_head(body, &f);
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED,
		    "HEAD does not verify: repair the store");
	s->head = f;
	return STORE_OK;
}

enum store_result
head_publish(struct store *s, const struct head_file *f)
{
	const struct store_head *h = &f->h;
	char body[1024], head[HASH_HEX + 1], previous[HASH_HEX + 1];

	(void)fmt_into(body, sizeof(body), "term %u\nnode %u\n"
	    "generation %llu\nhead %s\nprevious %s\ntime %llu\n"
	    "entries %llu\nbytes %llu\nfull %llu\nfullsize %llu\n"
	    "deltasize %llu\nspentterm %u\nspentnode %u\n"
	    "spentgeneration %llu\n",
	    h->position.epoch.term, h->position.epoch.node,
	    (unsigned long long)h->position.generation,
	    hash_hex(&h->position.head, head),
	    hash_hex(&h->previous, previous),
	    (unsigned long long)(h->time_ns < 0 ? 0 : h->time_ns),
	    (unsigned long long)h->entries, (unsigned long long)h->bytes,
	    (unsigned long long)h->full, (unsigned long long)f->full_size,
	    (unsigned long long)f->delta_size, f->spent.term, f->spent.node,
	    (unsigned long long)f->spent_generation);
	if (record_write(s->dir[DIR_ROOT], "HEAD", HEAD_MAGIC, body,
	    "head") == -1)
		return fail_errno(s, "HEAD");
	s->head = *f;
	return STORE_OK;
}

void
head_spend(struct head_file *f, const struct epoch *e, uint64_t generation)
{
	const int order = epoch_cmp(e, &f->spent);

	if (order < 0 || (order == 0 && generation <= f->spent_generation))
		return;
	f->spent = *e;
	f->spent_generation = generation;
}

/* On a full disk the first commit fails all the same. */
void
head_first(struct store *s)
{
	const struct head_file empty = s->head;

	if (s->no_head && head_publish(s, &empty) == STORE_OK)
		s->no_head = false;
}

enum store_result
store_head_keep(struct store *s)
{
	const struct head_file known = s->head;
	enum store_result r;

	assert(s->locked);
	r = head_read(s);
	if (r == STORE_OK && !s->no_head) {
		s->head = known;
		return STORE_OK;
	}
	r = head_publish(s, &known);
	if (r != STORE_OK)
		return r;
	s->no_head = false;
	return fail(s, STORE_NOTHING, "HEAD was gone or did not verify: "
	    "written again");
}

bool
store_head_there(struct store *s)
{
	struct stat st;

	return fstatat(s->dir[DIR_ROOT], "HEAD", &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > 0;
}

enum store_result
history_write(struct store *s, const struct history_list *h)
{
	char hex[HASH_HEX + 1], *body = malloc(RECORD_MAX);
	size_t len = 0;
	uint32_t i;
	int error, rc;

	if (body == NULL)
		return fail_errno(s, "history");
	body[0] = '\0';
	for (i = 0; i < h->n; i++)
		len += fmt_into(body + len, RECORD_MAX - len,
		    "term %u\nnode %u\nfirst %llu\nparent %s\n",
		    h->item[i].epoch.term, h->item[i].epoch.node,
		    (unsigned long long)h->item[i].first,
		    hash_hex(&h->item[i].parent, hex));
	rc = record_write(s->dir[DIR_ROOT], "history", HISTORY_MAGIC, body,
	    "history");
	error = errno;
	free(body);
	errno = error;
	if (rc == -1)
		return fail_errno(s, "history");
	s->history = *h;
	s->history_cut = false;
	return STORE_OK;
}

static bool
parse_history(char *at, struct history_list *h)
{
	struct history_item i;

	h->n = 0;
	while (*at != '\0') {
		if (!parse_epoch(&at, "term", "node", &i.epoch) ||
		    !record_u64(&at, "first", &i.first) ||
		    !record_hash(&at, "parent", &i.parent) ||
		    !history_add(h, &i))
			return false;
	}
	return true;
}

/* What the file has beyond HEAD was never committed. */
enum store_result
history_read(struct store *s)
{
	char *body, *text;
	uint32_t n;
	bool good;

	s->history_cut = false;
	s->history.n = 0;
	text = record_read(s->dir[DIR_ROOT], "history", HISTORY_MAGIC, &body);
	if (text == NULL && errno == ENOENT)
		return s->head.h.position.generation == 0 ? STORE_OK :
		    fail(s, STORE_DAMAGED, "history is not there");
	if (text == NULL && errno != EBADMSG && errno != EFBIG)
		return fail_errno(s, "history");
	good = text != NULL && parse_history(body, &s->history);
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED,
		    "history does not verify: repair the store");
	n = s->history.n;
	history_cut(&s->history, s->head.h.position.generation);
	s->history_cut = s->history.n != n;
	return STORE_OK;
}
