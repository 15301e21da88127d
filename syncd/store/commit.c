/* SPDX-License-Identifier: ISC */

/*
 * Making a generation the head: objects durable, manifest durable, chain,
 * history, then HEAD.  Mirror and receiver, under the lock.  Whatever happens
 * before HEAD is renamed leaves the old head; nothing after it can undo it.
 */

#include <errno.h>
#include <stdio.h>		/* renameat */
#include <string.h>
#include <unistd.h>

#include "commit.h"

enum store_result
commit_epoch(struct store *s, const struct epoch *e)
{
	struct epoch stored;
	enum store_result r = epoch_read(s, &stored);

	if (r != STORE_OK)
		return r;
	if (epoch_cmp(e, &stored) < 0)
		return fail(s, STORE_STALE, "term %u of node %u is over: "
		    "term %u of node %u came after it", e->term, e->node,
		    stored.term, stored.node);
	if (epoch_cmp(e, &stored) > 0)
		return fail(s, STORE_REFUSED, "term %u of node %u must be "
		    "stored before anything is committed", e->term, e->node);
	return STORE_OK;
}

static enum store_result
check_object(struct store *s, const struct entry *e)
{
	char hex[HASH_HEX + 1];
	uint64_t size;

	if (!entry_has_object(e))
		return STORE_OK;
	if (object_stat(s, &e->object, &size) != STORE_OK)
		return fail(s, STORE_MISSING, "object %s is not here",
		    hash_hex(&e->object, hex));
	if (size != e->size)
		return fail(s, STORE_REFUSED, "object %s has another size "
		    "than its entry", hash_hex(&e->object, hex));
	return STORE_OK;
}

enum store_result
commit_objects(struct store *s, const struct tree *t, const struct delta *d)
{
	size_t i, n = d != NULL ? delta_count(d) : tree_count(t);
	enum store_result r = STORE_OK;
	struct change c = { .drop = false };

	for (i = 0; i < n && r == STORE_OK; i++) {
		if (d != NULL)
			c = delta_at(d, i);
		else
			c.entry = tree_at(t, i);
		if (!c.drop)
			r = check_object(s, c.entry);
	}
	return r;
}

static enum store_result
write_manifest(struct store *s, const struct generation *g)
{
	char temp[32], name[NAME_SIZE];
	int dir = s->dir[DIR_TMP], error, fd, rc;

	fd = file_temp(dir, temp);
	if (fd == -1)
		return fail_errno(s, "manifest");
	rc = file_write(fd, g->text, g->len);
	crash_point("manifest-written");
	if (rc == 0)
		rc = fsync(fd);
	crash_point("manifest-synced");
	manifest_name(g->header->generation, &g->head, name);
	if (rc == 0 && file_name_it(dir, temp, fd, s->dir[DIR_MANIFESTS],
	    name) == -1 && errno != EEXIST)
		rc = -1;
	crash_point("manifest-named");
	error = errno;
	file_temp_drop(dir, temp);
	(void)close(fd);
	errno = error;
	return rc == -1 ? fail_errno(s, "manifest") : STORE_OK;
}

static struct link
link_of(const struct generation *g, int64_t kept_ns)
{
	const struct manifest_header *h = g->header;

	return (struct link){ .flags = LINK_MANIFEST |
	    (h->full ? LINK_FULL : 0) | (g->complete ? LINK_COMPLETE : 0),
	    .epoch = h->epoch, .generation = h->generation,
	    .time_ns = h->time_ns, .kept_ns = kept_ns,
	    .entries = h->entries, .bytes = h->bytes, .size = g->len,
	    .head = g->head, .previous = h->previous };
}

static enum store_result
append_chain(struct store *s, const struct generation *g, size_t n)
{
	const int64_t kept_ns = age_now(s);
	enum store_result r = STORE_OK;
	struct chain c;
	struct link l;
	uint64_t at;
	size_t i;

	if (chain_open(&c, s->dir[DIR_ROOT], "chain", true) == -1) {
		r = fail_errno(s, "chain");
		chain_close(&c);
		return r;
	}
	/* What an attempt that failed left is written over. */
	(void)chain_find(&c, s->head.h.position.generation + 1, &at);
	if (at < c.n && chain_cut(&c, at) == -1)
		r = fail_errno(s, "chain");
	for (i = 0; i < n && r == STORE_OK; i++) {
		l = link_of(&g[i], kept_ns);
		if (chain_write(&c, c.n, &l) == -1)
			r = fail_errno(s, "chain");
	}
	crash_point("chain-written");
	if (r == STORE_OK && chain_sync(&c) == -1)
		r = fail_errno(s, "chain");
	crash_point("chain-durable");
	chain_close(&c);
	return r;
}

static struct head_file
head_of(const struct store *s, const struct generation *g, size_t n)
{
	struct head_file f = s->head;
	const struct manifest_header *h = g[n - 1].header;
	size_t i;

	f.h = (struct store_head){ .position = { h->epoch, h->generation,
	    g[n - 1].head }, .previous = h->previous, .time_ns = h->time_ns,
	    .entries = h->entries, .bytes = h->bytes, .full = f.h.full };
	for (i = 0; i < n; i++) {
		if (g[i].header->full) {
			f.h.full = g[i].header->generation;
			f.full_size = g[i].len;
			f.delta_size = 0;
		} else
			f.delta_size += g[i].len;
	}
	return f;
}

static enum store_result
write_history(struct store *s, const struct history_list *h)
{
	if (!s->history_cut && h->n == s->history.n && (h->n == 0 ||
	    memcmp(h->item, s->history.item, h->n * sizeof(h->item[0])) == 0))
		return STORE_OK;
	return history_write(s, h);
}

enum store_result
commit_write(struct store *s, const struct generation *g, size_t n,
    const struct history_list *history)
{
	struct head_file f = head_of(s, g, n);
	enum store_result r;
	size_t i;

	crash_point("commit-begun");
	r = store_sync(s);
	for (i = 0; i < n && r == STORE_OK; i++)
		r = write_manifest(s, &g[i]);
	if (r == STORE_OK)
		r = append_chain(s, g, n);
	if (r == STORE_OK)
		r = object_sync_dirs(s);
	if (r == STORE_OK && file_sync_dir(s->dir[DIR_MANIFESTS]) == -1)
		r = fail_errno(s, "manifests");
	crash_point("manifest-durable");
	if (r == STORE_OK)
		r = write_history(s, history);
	if (r == STORE_OK)
		r = head_publish(s, &f);
	if (r != STORE_OK)
		return r;
	crash_point("commit-done");
	marks_free(&s->fresh);
	return STORE_OK;
}
