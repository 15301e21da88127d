/* SPDX-License-Identifier: ISC */

/*
 * After a writer died: everything above HEAD was never committed and goes.
 * Whoever takes the lock does this.  Each step may be cut short and is done
 * again by the next one.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

static const char *
take_header(void *arg, const struct manifest_header *h)
{
	struct manifest_header *to = arg;

	*to = *h;
	return "that is all";
}

bool
load_link(const void *text, size_t len, const char *pair, struct link *l)
{
	struct manifest_header h = { .generation = 0 };
	struct manifest_events ev = { .header = take_header, .arg = &h };
	struct manifest_reader *r = manifest_reader_new(&ev, NULL);

	if (r == NULL)
		return false;
	(void)manifest_feed(r, text, len);
	manifest_reader_free(r);
	if (h.generation == 0 || strcmp(h.pair, pair) != 0)
		return false;
	*l = (struct link){ .flags = LINK_MANIFEST | LINK_COMPLETE |
	    (h.full ? LINK_FULL : 0), .epoch = h.epoch,
	    .generation = h.generation, .time_ns = h.time_ns,
	    .entries = h.entries, .bytes = h.bytes, .size = len,
	    .previous = h.previous };
	hash_chain(&h.previous, text, len, &l->head);
	return true;
}

bool
read_link(struct store *s, const char *name, struct link *l)
{
	uint64_t generation;
	struct hash head;
	size_t len;
	char *text;
	bool good;

	if (!manifest_parse_name(name, &generation, &head))
		return false;
	text = file_read(s->dir[DIR_MANIFESTS], name, MANIFEST_TEXT_MAX,
	    &len);
	good = text != NULL && load_link(text, len, s->pair, l) &&
	    l->generation == generation && hash_equal(&l->head, &head);
	free(text);
	return good;
}

/* Down from the head: what each names before it, or the next there is. */
static size_t
collect(struct store *s, char **list, size_t n, struct link *to)
{
	struct position want = s->head.h.position;
	size_t found = 0;
	struct link l;

	while (n-- > 0) {
		if (!read_link(s, list[n], &l) ||
		    l.generation > want.generation)
			continue;
		if (l.generation == want.generation &&
		    !hash_equal(&l.head, &want.head))
			continue;
		to[found++] = l;
		want.generation = l.generation - 1;
		want.head = l.previous;
	}
	return found;
}

/* When they were committed is lost: younger than they are, never older. */
static void
guess_ages(struct store *s, struct link *l, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		l[i].kept_ns = i == 0 ? age_now(s) :
		    age_before(l[i - 1].kept_ns, l[i].time_ns,
		    l[i - 1].time_ns);
}

static enum store_result
write_chain(struct store *s, const struct link *l, size_t n)
{
	enum store_result r = STORE_OK;
	struct chain c;

	if (chain_open(&c, s->dir[DIR_ROOT], "chain", true) == -1 ||
	    chain_cut(&c, 0) == -1)
		r = fail_errno(s, "chain");
	while (n-- > 0 && r == STORE_OK)
		if (chain_write(&c, c.n, &l[n]) == -1)
			r = fail_errno(s, "chain");
	if (r == STORE_OK && chain_sync(&c) == -1)
		r = fail_errno(s, "chain");
	chain_close(&c);
	return r;
}

enum store_result
recover_chain(struct store *s)
{
	enum store_result r;
	struct link *l;
	char **list;
	size_t n;

	list = file_list(s->dir[DIR_MANIFESTS], &n);
	l = list == NULL ? NULL : calloc(n + 1, sizeof(*l));
	if (l == NULL) {
		free(list);
		return fail_errno(s, "manifests");
	}
	n = collect(s, list, n, l);
	guess_ages(s, l, n);
	if (s->head.h.position.generation > 0 && (n == 0 ||
	    l[0].generation != s->head.h.position.generation))
		r = fail(s, STORE_DAMAGED, "manifest of the head is gone or "
		    "does not verify: repair the store");
	else
		r = write_chain(s, l, n);
	free(l);
	free(list);
	return r;
}

/* True when the chain ends at the head. */
static bool
cut_chain(struct store *s, struct chain *c)
{
	const struct position *p = &s->head.h.position;
	struct link l;
	uint64_t at, base;

	if (p->generation == 0)
		return c->n == 0 || chain_cut(c, 0) == 0;
	if (!chain_find(c, p->generation, &at) || !chain_read(c, at, &l) ||
	    !hash_equal(&l.head, &p->head) ||
	    (l.flags & LINK_COMPLETE) == 0 || !load_base(c, at, &base))
		return false;
	return c->n == at + 1 || chain_cut(c, at + 1) == 0;
}

static enum store_result
check_chain(struct store *s)
{
	struct chain c;
	bool good;

	if (chain_open(&c, s->dir[DIR_ROOT], "chain", true) == -1)
		return fail_errno(s, "chain");
	good = cut_chain(s, &c);
	chain_close(&c);
	return good ? STORE_OK : recover_chain(s);
}

static enum store_result
drop_above(struct store *s)
{
	uint64_t generation, last = s->head.h.position.generation;
	struct hash head;
	char **list;
	size_t n;

	list = file_list(s->dir[DIR_MANIFESTS], &n);
	if (list == NULL)
		return fail_errno(s, "manifests");
	/* Names sort by generation. */
	while (n-- > 0) {
		if (manifest_parse_name(list[n], &generation, &head) &&
		    generation <= last)
			break;
		(void)unlinkat(s->dir[DIR_MANIFESTS], list[n], 0);
		crash_point("recover-dropped");
	}
	free(list);
	return STORE_OK;
}

enum store_result
recover(struct store *s)
{
	struct history_list history = s->history;
	enum store_result r;

	(void)file_empty_dir(s->dir[DIR_TMP]);
	head_first(s);
	r = check_chain(s);
	if (r == STORE_OK && s->history_cut)
		r = history_write(s, &history);
	if (r == STORE_OK)
		r = drop_above(s);
	s->damaged = r == STORE_DAMAGED;
	return r;
}

struct head_file
head_from(const struct store *s, const struct link *l)
{
	struct head_file f = { .spent = s->head.spent,
	    .spent_generation = s->head.spent_generation };

	f.h = (struct store_head){ .position = { l->epoch, l->generation,
	    l->head }, .previous = l->previous, .time_ns = l->time_ns,
	    .entries = l->entries, .bytes = l->bytes };
	return f;
}
