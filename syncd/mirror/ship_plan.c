/* SPDX-License-Identifier: ISC */

/*
 * The mirror's ship: what the partner lacks.  Steps from its head to ours
 * when their manifests are still here, else a jump to the last full one.
 * Reads the store and nothing else.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "ship_inside.h"

static const char enough[] = "more than goes without asking";

void
plan_free(struct plan *p)
{
	free(p->text);
	free(p->wanted);
	*p = (struct plan){ .next = 0 };
}

void
plan_text_done(struct plan *p)
{
	free(p->text);
	p->text = NULL;
	p->text_at = 0;
	p->next++;
}

bool
plan_want(struct plan *p, const struct hash *h, uint64_t size)
{
	struct object_ref *w;
	size_t n;

	if (p->nwanted == p->wanted_size) {
		n = p->wanted_size == 0 ? 64 : p->wanted_size * 2;
		w = realloc(p->wanted, n * sizeof(*w));
		if (w == NULL)
			return false;
		p->wanted = w;
		p->wanted_size = n;
	}
	p->wanted[p->nwanted++] = (struct object_ref){
		.hash = *h, .size = size,
	};
	return true;
}

static bool
read_all(int fd, uint8_t *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = read(fd, buf, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

bool
plan_text(struct ship *s)
{
	struct plan *p = &s->plan;
	uint64_t size;
	bool good;
	int fd;

	free(p->text);
	p->text = NULL;
	p->text_at = 0;
	fd = store_manifest(s->conf.store, p->next, &size);
	if (fd == -1)
		return false;
	if (size > 0 && size <= MANIFEST_TEXT_MAX)
		p->text = malloc((size_t)size);
	p->text_len = (size_t)size;
	good = p->text != NULL && read_all(fd, p->text, p->text_len);
	(void)close(fd);
	return good;
}

static const char *
see_put(void *arg, const struct entry *e)
{
	struct plan *p = arg;

	if (!entry_has_object(e))
		return NULL;
	if (e->size >= SHIP_INLINE_MAX || p->nwanted == SHIP_SMALL_OBJECTS)
		return enough;
	return plan_want(p, &e->object, e->size) ? NULL : enough;
}

static const char *
see_drop(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return NULL;
}

static const char *
see_header(void *arg, const struct manifest_header *h)
{
	(void)arg;
	(void)h;
	return NULL;
}

/* Few small objects: they go along, and nobody asks what is there. */
static bool
is_small(struct ship *s)
{
	struct plan *p = &s->plan;
	const struct manifest_events ev = {
		.header = see_header, .put = see_put, .drop = see_drop,
		.arg = p,
	};
	const uint64_t first = p->next;
	struct manifest_reader *r;
	bool small = true;

	if (p->last - p->next >= SHIP_SMALL_STEPS)
		return false;
	for (; small && p->next <= p->last; p->next++) {
		r = manifest_reader_new(&ev, NULL);
		small = r != NULL && plan_text(s) &&
		    manifest_feed(r, p->text, p->text_len) &&
		    manifest_end(r);
		manifest_reader_free(r);
	}
	if (!small)
		p->nwanted = 0;
	p->next = first;
	free(p->text);
	p->text = NULL;
	return small;
}

static bool
texts_here(struct ship *s, uint64_t first, uint64_t last)
{
	struct store_generation g;
	uint64_t i;

	for (i = first; i <= last; i++)
		if (!store_find(s->conf.store, i, &g) || !g.manifest)
			return false;
	return true;
}

bool
plan_make(struct ship *s)
{
	const struct store_head *h = store_head(s->conf.store);
	const uint64_t from = s->theirs.generation;
	struct plan *p = &s->plan;

	plan_free(p);
	if (h->position.generation == 0 ||
	    position_equal(&s->theirs, &h->position))
		return false;
	p->target = h->position;
	p->last = h->position.generation;
	p->entries = h->entries;
	p->next = from + 1;
	if (from >= p->last || p->last - from > SHIP_STEPS_MAX ||
	    !texts_here(s, p->next, p->last)) {
		p->jump = true;
		p->next = h->full;
		if (!texts_here(s, p->next, p->last)) {
			log_warnx("%s: manifests from %llu to %llu are not "
			    "all in the store", s->conf.pair,
			    (unsigned long long)p->next,
			    (unsigned long long)p->last);
			return false;
		}
	}
	p->ask = p->jump || s->force_ask || !is_small(s);
	return true;
}
