/* SPDX-License-Identifier: ISC */

/*
 * The codec of the held channel; mirror and receiver link it.  Pure, must
 * never look beyond the length it was given, and never accept two spellings
 * of one frame.
 */

#include <assert.h>
#include <string.h>

#include "frame.h"

#define MAGIC		0x7653u		/* "vS" */
#define EPOCH_BYTES	8u
#define POSITION_BYTES	(EPOCH_BYTES + 8u + HASH_LEN)
#define ITEM_BYTES	(EPOCH_BYTES + 8u + HASH_LEN)
#define HELLO_BYTES	(2u + 1u + 1u + MANIFEST_PAIR_MAX + 1u + \
			    EPOCH_BYTES + POSITION_BYTES + 8u + 2u)
#define WORD_BYTES	(1u + 1u + 2u + EPOCH_BYTES + 4u + POSITION_BYTES)

static const struct frame_kind {
	const char	*word;
	uint32_t	least, most;	/* length of the body */
} kinds[FRAME_TYPES] = {
	[FRAME_HELLO] = { "HELLO", HELLO_BYTES,
	    HELLO_BYTES + HISTORY_ITEMS_MAX * ITEM_BYTES },
	[FRAME_WELCOME] = { "WELCOME", HELLO_BYTES,
	    HELLO_BYTES + HISTORY_ITEMS_MAX * ITEM_BYTES },
	[FRAME_HAVE] = { "HAVE", 8, 8 },
	[FRAME_WANT] = { "WANT", 12, 12 + FRAME_WANT_MAX * HASH_LEN },
	[FRAME_PUT] = { "PUT", 4 + HASH_LEN, 4 + HASH_LEN + FRAME_DATA_MAX },
	[FRAME_PART] = { "PART", 4 + 1, 4 + FRAME_DATA_MAX },
	[FRAME_RUN] = { "RUN", 0, 0 },
	[FRAME_COMMIT] = { "COMMIT", EPOCH_BYTES + 8 + 2 * HASH_LEN,
	    EPOCH_BYTES + 8 + 2 * HASH_LEN },
	[FRAME_ACK] = { "ACK", POSITION_BYTES, POSITION_BYTES },
	[FRAME_NAK] = { "NAK", 4 + EPOCH_BYTES + POSITION_BYTES,
	    4 + EPOCH_BYTES + POSITION_BYTES },
	[FRAME_FORK] = { "FORK", EPOCH_BYTES + 8, EPOCH_BYTES + 8 },
	[FRAME_RESET] = { "RESET", EPOCH_BYTES, EPOCH_BYTES },
	[FRAME_PING] = { "PING", 4 + WORD_BYTES, 4 + WORD_BYTES },
	[FRAME_PONG] = { "PONG", 4 + WORD_BYTES, 4 + WORD_BYTES },
	[FRAME_ASK] = { "ASK", 4, 4 },
};

static_assert(12 + FRAME_WANT_MAX * HASH_LEN <= FRAME_BODY_MAX, "a WANT");
static_assert(4 + HASH_LEN + FRAME_DATA_MAX <= FRAME_BODY_MAX, "a PUT");

/* ---- reading ------------------------------------------------------------ */

/* Lengths were checked before: a reader that runs dry is our mistake. */
struct reader {
	const uint8_t	*at, *end;
	enum frame_verdict verdict;
};

static const uint8_t *
take(struct reader *r, size_t n)
{
	static const uint8_t none[MANIFEST_PAIR_MAX + 1 + HASH_LEN];
	const uint8_t *p = r->at;

	if ((size_t)(r->end - r->at) < n) {
		r->verdict = FRAME_LENGTH;
		return none;
	}
	r->at += n;
	return p;
}

static void
judge(struct reader *r, bool good, enum frame_verdict verdict)
{
	if (!good && r->verdict == FRAME_OK)
		r->verdict = verdict;
}

static uint64_t
get(struct reader *r, size_t bytes)
{
	const uint8_t *p = take(r, bytes);
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static void
get_zero(struct reader *r, size_t bytes)
{
	judge(r, get(r, bytes) == 0, FRAME_ZERO);
}

static bool
get_bool(struct reader *r)
{
	const uint64_t v = get(r, 1);

	judge(r, v <= 1, FRAME_VALUE);
	return v == 1;
}

static void
get_hash(struct reader *r, struct hash *h)
{
	memcpy(h->b, take(r, HASH_LEN), HASH_LEN);
}

static void
get_epoch(struct reader *r, struct epoch *e)
{
	e->term = (uint32_t)get(r, 4);
	e->node = (uint32_t)get(r, 4);
	judge(r, e->node <= EPOCH_NODE_MAX, FRAME_VALUE);
}

static void
get_position(struct reader *r, struct position *p)
{
	get_epoch(r, &p->epoch);
	p->generation = get(r, 8);
	get_hash(r, &p->head);
}

static bool
name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static void
get_pair(struct reader *r, char pair[MANIFEST_PAIR_MAX + 1])
{
	const uint8_t *p = take(r, MANIFEST_PAIR_MAX + 1);
	size_t i, n = 0;

	while (n <= MANIFEST_PAIR_MAX && name_byte(p[n]))
		n++;
	judge(r, n > 0, FRAME_NAME);
	judge(r, n <= MANIFEST_PAIR_MAX, FRAME_NAME);
	for (i = n; i <= MANIFEST_PAIR_MAX; i++)
		judge(r, p[i] == 0, FRAME_NAME);
	memcpy(pair, p, MANIFEST_PAIR_MAX + 1);
}

static void
get_history(struct reader *r, struct history_list *h)
{
	uint32_t i;

	h->n = (uint32_t)get(r, 2);
	if (h->n > HISTORY_ITEMS_MAX ||
	    (size_t)(r->end - r->at) != (size_t)h->n * ITEM_BYTES) {
		h->n = 0;
		judge(r, false, FRAME_LENGTH);
		return;
	}
	for (i = 0; i < h->n; i++) {
		get_epoch(r, &h->item[i].epoch);
		h->item[i].first = get(r, 8);
		get_hash(r, &h->item[i].parent);
	}
}

static void
get_hello(struct reader *r, struct frame_hello *h)
{
	h->protocol = (uint16_t)get(r, 2);
	h->writes = get_bool(r);
	get_zero(r, 1);
	get_pair(r, h->pair);
	get_epoch(r, &h->epoch);
	get_position(r, &h->position);
	h->free_bytes = get(r, 8);
	get_history(r, &h->history);
}

static void
get_want(struct reader *r, struct frame_want *w)
{
	w->cursor = get(r, 8);
	w->n = (uint32_t)get(r, 4);
	judge(r, w->n <= FRAME_WANT_MAX, FRAME_LENGTH);
	judge(r, (size_t)(r->end - r->at) == (uint64_t)w->n * HASH_LEN,
	    FRAME_LENGTH);
	w->hashes = r->at;
	r->at = r->end;
}

static void
get_data(struct reader *r, const uint8_t **data, uint32_t *len)
{
	*data = r->at;
	*len = (uint32_t)(r->end - r->at);
	r->at = r->end;
}

static void
get_put(struct reader *r, struct frame_put *p)
{
	p->bulk = get_bool(r);
	get_zero(r, 3);
	get_hash(r, &p->hash);
	get_data(r, &p->data, &p->len);
}

static void
get_part(struct reader *r, struct frame_part *p)
{
	p->last = get_bool(r);
	p->jump = get_bool(r);
	get_zero(r, 2);
	get_data(r, &p->data, &p->len);
}

static void
get_commit(struct reader *r, struct frame_commit *c)
{
	get_epoch(r, &c->epoch);
	c->generation = get(r, 8);
	get_hash(r, &c->previous);
	get_hash(r, &c->head);
}

static void
get_nak(struct reader *r, struct frame_nak *n)
{
	const uint64_t reason = get(r, 2);

	judge(r, reason >= NAK_MISSING && reason < NAK_REASONS, FRAME_VALUE);
	n->reason = (enum nak_reason)reason;
	get_zero(r, 2);
	get_epoch(r, &n->epoch);
	get_position(r, &n->position);
}

static void
get_ping(struct reader *r, struct frame_ping *p)
{
	uint64_t flags;

	p->serial = (uint32_t)get(r, 4);
	p->word.role = (uint8_t)get(r, 1);
	judge(r, p->word.role < FRAME_ROLES, FRAME_VALUE);
	flags = get(r, 1);
	judge(r, flags <= 15, FRAME_VALUE);
	p->word.healthy = (flags & 1) != 0;
	p->word.data_ready = (flags & 2) != 0;
	p->word.present = (flags & 4) != 0;
	p->word.deaf = (flags & 8) != 0;
	get_zero(r, 2);
	get_epoch(r, &p->word.epoch);
	p->word.advert_age_ms = (uint32_t)get(r, 4);
	get_position(r, &p->word.position);
}

static void
get_ask(struct reader *r, struct frame_ask *a)
{
	const uint64_t request = get(r, 1);

	judge(r, request >= REQUEST_HANDOVER && request < REQUESTS,
	    FRAME_VALUE);
	a->request = (enum frame_request)request;
	get_zero(r, 3);
}

static void
get_body(struct reader *r, struct frame *f)
{
	switch (f->type) {
	case FRAME_HELLO:
	case FRAME_WELCOME:
		get_hello(r, &f->hello);
		break;
	case FRAME_HAVE:
		f->have.cursor = get(r, 8);
		break;
	case FRAME_WANT:
		get_want(r, &f->want);
		break;
	case FRAME_PUT:
		get_put(r, &f->put);
		break;
	case FRAME_PART:
		get_part(r, &f->part);
		break;
	case FRAME_COMMIT:
		get_commit(r, &f->commit);
		break;
	case FRAME_ACK:
		get_position(r, &f->ack);
		break;
	case FRAME_NAK:
		get_nak(r, &f->nak);
		break;
	case FRAME_FORK:
	case FRAME_RESET:
		get_epoch(r, &f->fork.epoch);
		f->fork.fork = f->type == FRAME_FORK ? get(r, 8) : 0;
		break;
	case FRAME_PING:
	case FRAME_PONG:
		get_ping(r, &f->ping);
		break;
	case FRAME_ASK:
		get_ask(r, &f->ask);
		break;
	case FRAME_RUN:
	case FRAME_TYPES:
		break;
	}
}

enum frame_verdict
frame_head(const uint8_t *buf, size_t have, enum frame_type *type,
    size_t *len)
{
	struct reader r = { .at = buf, .end = buf + have };
	uint64_t body, magic, t, zero;

	/* A stranger's greeting is told from ours by its first bytes. */
	if (have >= 1 && buf[0] != MAGIC >> 8)
		return FRAME_MAGIC;
	if (have < FRAME_HEAD_LEN)
		return FRAME_SHORT;
	magic = get(&r, 2);
	t = get(&r, 1);
	zero = get(&r, 1);
	body = get(&r, 4);
	if (magic != MAGIC)
		return FRAME_MAGIC;
	if (t == 0 || t >= FRAME_TYPES)
		return FRAME_TYPE;
	if (zero != 0)
		return FRAME_ZERO;
	if (body < kinds[t].least || body > kinds[t].most)
		return FRAME_LENGTH;
	*type = (enum frame_type)t;
	*len = FRAME_HEAD_LEN + (size_t)body;
	return FRAME_OK;
}

enum frame_verdict
frame_decode(const uint8_t *buf, size_t len, struct frame *f)
{
	struct reader r = { .verdict = FRAME_OK };
	enum frame_verdict v;
	size_t whole;

	v = frame_head(buf, len, &f->type, &whole);
	if (v != FRAME_OK)
		return v;
	if (len < whole)
		return FRAME_SHORT;
	if (len > whole)
		return FRAME_LENGTH;
	r.at = buf + FRAME_HEAD_LEN;
	r.end = buf + whole;
	get_body(&r, f);
	judge(&r, r.at == r.end, FRAME_LENGTH);
	return r.verdict;
}

void
frame_want_at(const struct frame_want *w, uint32_t i, struct hash *h)
{
	memcpy(h->b, w->hashes + (size_t)i * HASH_LEN, HASH_LEN);
}

const char *
frame_type_word(enum frame_type t)
{
	if (t < FRAME_HELLO || t >= FRAME_TYPES)
		return "?";
	return kinds[t].word;
}

const char *
frame_verdict_word(enum frame_verdict v)
{
	static const char *const word[] = {
		[FRAME_OK] = "good",
		[FRAME_SHORT] = "not complete",
		[FRAME_MAGIC] = "not a frame",
		[FRAME_TYPE] = "unknown type",
		[FRAME_LENGTH] = "wrong length",
		[FRAME_ZERO] = "bytes that must be zero are not",
		[FRAME_VALUE] = "number out of range",
		[FRAME_NAME] = "bad name of the pair",
	};

	return word[v];
}

const char *
nak_word(enum nak_reason r)
{
	static const char *const word[NAK_REASONS] = {
		[NAK_MISSING] = "MISSING",
		[NAK_SPACE] = "SPACE",
		[NAK_HASH] = "HASH",
		[NAK_STALE] = "STALE",
		[NAK_DUAL] = "DUAL",
		[NAK_FORKED] = "FORKED",
		[NAK_ABSURD] = "ABSURD",
		[NAK_REFUSED] = "REFUSED",
		[NAK_BUSY] = "BUSY",
		[NAK_ERROR] = "ERROR",
		[NAK_PAIR] = "PAIR",
		[NAK_VERSION] = "VERSION",
		[NAK_PROTOCOL] = "PROTOCOL",
	};

	return word[r] != NULL ? word[r] : "?";
}
