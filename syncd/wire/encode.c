/* SPDX-License-Identifier: ISC */

/*
 * The other half of frame.c: values to bytes.  Pure; what it writes is what
 * frame_decode() accepts, because it asks it nothing less than that.
 */

#include <string.h>

#include "frame.h"

#define MAGIC	0x7653u		/* "vS" */

struct writer {
	uint8_t		*buf;
	size_t		n, size;
	bool		full;
};

static void
put(struct writer *w, uint64_t v, size_t bytes)
{
	size_t i;

	if (w->size - w->n < bytes) {
		w->full = true;
		return;
	}
	for (i = bytes; i > 0; i--, v >>= 8)
		w->buf[w->n + i - 1] = (uint8_t)v;
	w->n += bytes;
}

static void
put_bytes(struct writer *w, const void *p, size_t len)
{
	if (w->size - w->n < len) {
		w->full = true;
		return;
	}
	if (len > 0)
		memcpy(w->buf + w->n, p, len);
	w->n += len;
}

static void
put_hash(struct writer *w, const struct hash *h)
{
	put_bytes(w, h->b, HASH_LEN);
}

static void
put_epoch(struct writer *w, const struct epoch *e)
{
	put(w, e->term, 4);
	put(w, e->node, 4);
}

static void
put_position(struct writer *w, const struct position *p)
{
	put_epoch(w, &p->epoch);
	put(w, p->generation, 8);
	put_hash(w, &p->head);
}

static void
put_hello(struct writer *w, const struct frame_hello *h)
{
	char pair[MANIFEST_PAIR_MAX + 1] = { 0 };
	uint32_t i;

	memcpy(pair, h->pair, strnlen(h->pair, MANIFEST_PAIR_MAX));
	put(w, h->protocol, 2);
	put(w, h->writes, 1);
	put(w, 0, 1);
	put_bytes(w, pair, sizeof(pair));
	put_epoch(w, &h->epoch);
	put_position(w, &h->position);
	put(w, h->free_bytes, 8);
	if (h->history.n > HISTORY_ITEMS_MAX) {
		w->full = true;
		return;
	}
	put(w, h->history.n, 2);
	for (i = 0; i < h->history.n; i++) {
		put_epoch(w, &h->history.item[i].epoch);
		put(w, h->history.item[i].first, 8);
		put_hash(w, &h->history.item[i].parent);
	}
}

static void
put_want(struct writer *w, const struct frame_want *x)
{
	put(w, x->cursor, 8);
	put(w, x->n, 4);
	put_bytes(w, x->hashes, (size_t)x->n * HASH_LEN);
}

static void
put_commit(struct writer *w, const struct frame_commit *c)
{
	put_epoch(w, &c->epoch);
	put(w, c->generation, 8);
	put_hash(w, &c->previous);
	put_hash(w, &c->head);
}

static void
put_nak(struct writer *w, const struct frame_nak *n)
{
	put(w, n->reason, 2);
	put(w, 0, 2);
	put_epoch(w, &n->epoch);
	put_position(w, &n->position);
}

static void
put_ping(struct writer *w, const struct frame_ping *p)
{
	put(w, p->serial, 4);
	put(w, p->word.role, 1);
	put(w, (p->word.healthy ? 1 : 0) | (p->word.data_ready ? 2 : 0) |
	    (p->word.present ? 4 : 0) | (p->word.deaf ? 8 : 0), 1);
	put(w, 0, 2);
	put_epoch(w, &p->word.epoch);
	put(w, p->word.advert_age_ms, 4);
	put_position(w, &p->word.position);
}

static void
put_data(struct writer *w, uint32_t flags, const struct hash *h,
    const uint8_t *data, uint32_t len)
{
	put(w, flags, 4);
	if (h != NULL)
		put_hash(w, h);
	put_bytes(w, data, len);
}

static void
put_body(struct writer *w, const struct frame *f)
{
	switch (f->type) {
	case FRAME_HELLO:
	case FRAME_WELCOME:
		put_hello(w, &f->hello);
		break;
	case FRAME_HAVE:
		put(w, f->have.cursor, 8);
		break;
	case FRAME_WANT:
		put_want(w, &f->want);
		break;
	case FRAME_PUT:
		put_data(w, f->put.bulk ? 1u << 24 : 0, &f->put.hash,
		    f->put.data, f->put.len);
		break;
	case FRAME_PART:
		put_data(w, (f->part.last ? 1u << 24 : 0) |
		    (f->part.jump ? 1u << 16 : 0), NULL, f->part.data,
		    f->part.len);
		break;
	case FRAME_COMMIT:
		put_commit(w, &f->commit);
		break;
	case FRAME_ACK:
		put_position(w, &f->ack);
		break;
	case FRAME_NAK:
		put_nak(w, &f->nak);
		break;
	case FRAME_FORK:
		put_epoch(w, &f->fork.epoch);
		put(w, f->fork.fork, 8);
		break;
	case FRAME_RESET:
		put_epoch(w, &f->fork.epoch);
		break;
	case FRAME_PING:
	case FRAME_PONG:
		put_ping(w, &f->ping);
		break;
	case FRAME_ASK:
		put(w, f->ask.request, 1);
		put(w, 0, 3);
		break;
	case FRAME_RUN:
	case FRAME_TYPES:
		break;
	}
}

size_t
frame_encode(const struct frame *f, uint8_t *buf, size_t size)
{
	struct writer w = { .buf = buf, .size = size };
	enum frame_type type;
	size_t body, len;

	put(&w, MAGIC, 2);
	put(&w, f->type, 1);
	put(&w, 0, 1);
	put(&w, 0, 4);
	put_body(&w, f);
	if (w.full)
		return 0;
	len = w.n;
	body = len - FRAME_HEAD_LEN;
	w.n = 4;
	put(&w, body, 4);
	/* Type and length as the other side will judge them. */
	if (frame_head(buf, len, &type, &body) != FRAME_OK || body != len)
		return 0;
	return len;
}
