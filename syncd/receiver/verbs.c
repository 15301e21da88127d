/* SPDX-License-Identifier: ISC */

/*
 * The receiver's rules (sync.md).  One frame of the partner in, at most one
 * answer out.  Must never write before the epoch of the HELLO is durable,
 * never while this node is active (F3), and never answer ACK for what the
 * store did not call durable.
 */

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "receiver.h"

static enum nak_reason
reason_of(enum store_result r)
{
	switch (r) {
	case STORE_BUSY:
		return NAK_BUSY;
	case STORE_STALE:
		return NAK_STALE;
	case STORE_ABSURD:
		return NAK_ABSURD;
	case STORE_FORK:
		return NAK_FORKED;
	case STORE_MISSING:
		return NAK_MISSING;
	case STORE_HASH:
		return NAK_HASH;
	case STORE_SPACE:
		return NAK_SPACE;
	case STORE_REFUSED:
		return NAK_REFUSED;
	case STORE_OK:
	case STORE_ERROR:
	case STORE_NOTHING:
	case STORE_DAMAGED:
		break;
	}
	return NAK_ERROR;
}

static bool
nak(struct session *s, enum nak_reason reason, struct frame *a)
{
	struct receiver *r = s->r;

	*a = (struct frame){
		.type = FRAME_NAK,
		.nak = {
			.reason = reason,
			.position = store_head(r->store)->position,
		},
	};
	(void)store_epoch(r->store, &a->nak.epoch);
	log_info("%s: refused: %s", r->pair, nak_word(reason));
	if (reason == NAK_PROTOCOL)
		s->over = true;
	return true;
}

static bool
nak_store(struct session *s, enum store_result rc, struct frame *a)
{
	log_warnx("%s: store: %s: %s", s->r->pair, store_word(rc),
	    store_why(s->r->store));
	return nak(s, reason_of(rc), a);
}

static bool
out_of_turn(struct session *s, const struct frame *f, struct frame *a)
{
	log_warnx("%s: %s out of turn", s->r->pair,
	    frame_type_word(f->type));
	return nak(s, NAK_PROTOCOL, a);
}

/* ---- the store's lock, held from the first byte to the answer ----------- */

static enum store_result
take_lock(struct session *s)
{
	const mono_t by = mono_after(mono_now(), RECEIVER_LOCK_WAIT_NS);
	struct store_limits limits;
	enum store_result rc;

	if (store_locked(s->r->store))
		return STORE_OK;
	while ((rc = store_lock(s->r->store)) == STORE_BUSY &&
	    !mono_reached(mono_now(), by))
		(void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 },
		    NULL);
	own_limits(s->r, &limits);
	store_set_limits(s->r->store, &limits);
	return rc;
}

/* After the answer: what was begun is done or forgotten. */
void
verb_end(struct session *s)
{
	free(s->text);
	s->text = NULL;
	s->text_len = s->text_size = 0;
	s->text_sum = 0;
	s->failed = 0;
	s->importing = false;
	if (!store_locked(s->r->store))
		return;
	store_receive_abort(s->r->store);
	store_unlock(s->r->store);
}

static bool
end_with_nak(struct session *s, enum nak_reason reason, struct frame *a)
{
	(void)nak(s, reason, a);
	verb_end(s);
	return true;
}

static void
fail(struct session *s, enum store_result rc)
{
	if (s->failed != 0 || rc == STORE_OK)
		return;
	s->failed = reason_of(rc);
	log_warnx("%s: store: %s: %s", s->r->pair, store_word(rc),
	    store_why(s->r->store));
}

/* ---- HELLO -------------------------------------------------------------- */

/* F1-F3: stale first, so that a thawed node learns it whatever we are. */
static enum nak_reason
judge_epoch(struct session *s, const struct epoch *e)
{
	struct epoch known;
	enum store_result rc;

	rc = store_epoch(s->r->store, &known);
	if (rc != STORE_OK)
		return reason_of(rc);
	if (epoch_cmp(e, &known) < 0)
		return NAK_STALE;
	/* A poisoned number must not climb to the top in small steps. */
	if (s->first_term != 0 &&
	    e->term > s->first_term && e->term - s->first_term >
	    EPOCH_LEAP_MAX)
		return NAK_ABSURD;
	return own_refuses(s->r);
}

static bool
do_hello(struct session *s, const struct frame *f, struct frame *a)
{
	const struct frame_hello *h = &f->hello;
	struct receiver *r = s->r;
	struct store_usage usage;
	enum nak_reason reason;
	enum store_result rc;

	verb_end(s);
	s->greeted = s->writes = false;
	if (h->protocol != FRAME_PROTOCOL)
		return nak(s, NAK_VERSION, a);
	if (strcmp(h->pair, r->pair) != 0)
		return nak(s, NAK_PAIR, a);
	if (history_check(&h->history) != NULL)
		return nak(s, NAK_REFUSED, a);
	rc = store_refresh(r->store);
	if (rc != STORE_OK)
		return nak_store(s, rc, a);
	if (h->writes) {
		reason = judge_epoch(s, &h->epoch);
		if (reason != 0)
			return nak(s, reason, a);
		rc = store_epoch_raise(r->store, &h->epoch);
		if (rc != STORE_OK)
			return nak_store(s, rc, a);
		s->writes = true;
		if (s->first_term == 0)
			s->first_term = h->epoch.term;
	}
	s->greeted = true;
	s->epoch = h->epoch;
	s->theirs = h->position;
	s->their_history = h->history;
	*a = (struct frame){
		.type = FRAME_WELCOME,
		.hello = {
			.protocol = FRAME_PROTOCOL,
			.position = store_head(r->store)->position,
		},
	};
	(void)fmt_into(a->hello.pair, sizeof(a->hello.pair), "%s", r->pair);
	(void)store_epoch(r->store, &a->hello.epoch);
	a->hello.history = *store_history(r->store);
	if (store_usage(r->store, &usage) == STORE_OK)
		a->hello.free_bytes = usage.free_bytes;
	return true;
}

/* ---- what comes before a COMMIT ----------------------------------------- */

static bool
do_put(struct session *s, const struct frame_put *p)
{
	enum store_result rc;
	struct put *put;
	struct hash h;
	uint64_t size;

	if (s->failed != 0)
		return false;
	rc = take_lock(s);
	if (rc == STORE_OK)
		rc = put_open(&put, s->r->store,
		    p->bulk ? PUT_BULK : PUT_DURABLE, &p->hash, p->len);
	if (rc == STORE_OK) {
		rc = put_write(put, p->data, p->len);
		if (rc == STORE_OK)
			rc = put_commit(put, &h, &size);
		else
			put_abort(put);
	}
	fail(s, rc);
	return false;
}

static bool
text_grow(struct session *s, size_t more)
{
	size_t size = s->text_size == 0 ? 65536 : s->text_size;
	uint8_t *text;

	while (size < s->text_len + more)
		size *= 2;
	if (size == s->text_size)
		return true;
	text = realloc(s->text, size);
	if (text == NULL)
		return false;
	s->text = text;
	s->text_size = size;
	return true;
}

static bool
do_part(struct session *s, const struct frame_part *p)
{
	enum store_result rc;

	if (s->failed != 0)
		return false;
	rc = take_lock(s);
	s->text_sum += p->len;
	if (rc == STORE_OK && s->text_sum > RECEIVER_TEXT_MAX)
		rc = STORE_REFUSED;
	if (rc == STORE_OK && !text_grow(s, p->len))
		rc = STORE_ERROR;
	if (rc == STORE_OK) {
		memcpy(s->text + s->text_len, p->data, p->len);
		s->text_len += p->len;
		s->text_jump = s->text_jump || p->jump;
	}
	if (rc == STORE_OK && p->last) {
		rc = s->text_jump ? store_receive_jump(s->r->store, s->text,
		    s->text_len, &s->their_history) :
		    store_receive(s->r->store, s->text, s->text_len);
		s->text_len = 0;
		s->text_jump = false;
	}
	fail(s, rc);
	return false;
}

static bool
answer_want(struct session *s, uint64_t cursor, struct frame *a)
{
	static uint8_t hashes[FRAME_WANT_MAX * HASH_LEN];
	size_t i = (size_t)cursor;
	struct hash h;
	uint64_t room, size;
	uint32_t n = 0;
	bool more = false;

	if (cursor == 0)
		s->missing = 0;
	while (n < FRAME_WANT_MAX &&
	    (more = store_missing(s->r->store, &i, &h, &size))) {
		memcpy(hashes + (size_t)n * HASH_LEN, h.b, HASH_LEN);
		s->missing += size;
		n++;
	}
	/* Told before anything is sent that would not fit. */
	if (!more && !own_room(s->r, &room))
		return end_with_nak(s, NAK_ERROR, a);
	if (!more && s->missing > room)
		return end_with_nak(s, NAK_SPACE, a);
	*a = (struct frame){
		.type = FRAME_WANT,
		.want = {
			.cursor = more ? i : 0, .n = n, .hashes = hashes,
		},
	};
	return true;
}

bool
verb_import(struct session *s, struct frame *a)
{
	struct store_import import = { .taken = 0 };
	enum store_result rc;

	rc = store_import(s->r->store, RECEIVER_IMPORT_STEP, &import);
	if (import.refused > 0)
		log_warnx("%s: %llu things in objects.in/ were not objects",
		    s->r->pair, (unsigned long long)import.refused);
	if (rc == STORE_BUSY)
		return false;
	s->importing = false;
	fail(s, rc);
	if (s->failed != 0)
		return end_with_nak(s, s->failed, a);
	return answer_want(s, 0, a);
}

static bool
do_have(struct session *s, const struct frame *f, struct frame *a)
{
	enum store_result rc;

	if (s->failed != 0)
		return end_with_nak(s, s->failed, a);
	rc = take_lock(s);
	if (rc != STORE_OK)
		return nak_store(s, rc, a);
	if (f->type == FRAME_HAVE && f->have.cursor != 0)
		return answer_want(s, f->have.cursor, a);
	s->importing = true;
	return false;
}

/* ---- COMMIT ------------------------------------------------------------- */

/* F2-F4, asked again: minutes may lie between HELLO and this. */
static enum nak_reason
may_write(struct session *s, const struct epoch *e)
{
	if (epoch_cmp(e, &s->epoch) != 0)
		return NAK_STALE;
	return own_refuses(s->r);
}

static bool
ack(struct session *s, struct frame *a)
{
	*a = (struct frame){
		.type = FRAME_ACK,
		.ack = store_head(s->r->store)->position,
	};
	return true;
}

/* F4.  What is the head already has been acknowledged, and is again. */
static bool
follows(const struct session *s, const struct frame_commit *c)
{
	const struct hash *head = &store_head(s->r->store)->position.head;

	return hash_equal(&c->previous, head) || hash_equal(&c->head, head);
}

static bool
do_commit(struct session *s, const struct frame_commit *c, struct frame *a)
{
	struct receiver *r = s->r;
	struct store_commit done;
	enum store_result rc;

	if (s->failed == 0)
		s->failed = may_write(s, &c->epoch);
	if (s->failed != 0)
		return end_with_nak(s, s->failed, a);
	rc = take_lock(s);
	if (rc == STORE_OK && !follows(s, c))
		return end_with_nak(s, NAK_FORKED, a);
	if (rc == STORE_OK)
		rc = store_commit(r->store, &c->epoch, &done);
	if (rc != STORE_OK) {
		(void)nak_store(s, rc, a);
		verb_end(s);
		return true;
	}
	if (!hash_equal(&store_head(r->store)->position.head, &c->head))
		return end_with_nak(s, NAK_FORKED, a);
	(void)ack(s, a);
	verb_end(s);
	return true;
}

static bool
do_fork(struct session *s, const struct frame *f, struct frame *a)
{
	struct store_branch branch;
	struct timespec now;
	enum nak_reason reason;
	enum store_result rc;

	verb_end(s);
	reason = may_write(s, &f->fork.epoch);
	if (reason != 0)
		return nak(s, reason, a);
	rc = take_lock(s);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (rc == STORE_OK)
		rc = store_park(s->r->store, f->fork.fork,
		    f->type == FRAME_RESET ? "nothing in common with the "
		    "active node" : "parted from the active node",
		    now.tv_sec * NS_PER_S + now.tv_nsec, &branch);
	if (rc != STORE_OK) {
		(void)nak_store(s, rc, a);
		verb_end(s);
		return true;
	}
	if (branch.name[0] != '\0')
		log_info("%s: own branch parked as %s", s->r->pair,
		    branch.name);
	(void)ack(s, a);
	verb_end(s);
	return true;
}

/* The lock goes at once; who still sends learns it with his next question. */
bool
verb_shut(struct session *s, struct frame *a)
{
	const enum nak_reason reason = s->writes ? own_refuses(s->r) : 0;
	const bool asked = s->importing;

	if (reason == 0)
		return false;
	if (asked)
		return end_with_nak(s, reason, a);
	verb_end(s);
	s->failed = reason;
	return false;
}

/* ---- PING, ASK ---------------------------------------------------------- */

static bool
do_ping(struct session *s, const struct frame *f, struct frame *a)
{
	own_heard(s->r, &f->ping.word);
	if (f->type == FRAME_PONG)
		return false;
	if (!store_locked(s->r->store))
		(void)store_refresh(s->r->store);
	*a = (struct frame){
		.type = FRAME_PONG, .ping.serial = f->ping.serial,
	};
	(void)own_word(s->r, &a->ping.word);
	return true;
}

/* Anybody with the key may ask; whether it is done is for our election. */
static bool
do_ask(struct session *s, const struct frame_ask *ask, struct frame *a)
{
	const mono_t now = mono_now();

	if (!mono_is_set(s->asked) || mono_reached(now,
	    mono_after(s->asked, RECEIVER_ASK_NS))) {
		s->asked = now;
		own_asked(s->r, ask);
	}
	*a = (struct frame){ .type = FRAME_PONG };
	(void)own_word(s->r, &a->ping.word);
	return true;
}

/* Another directory stands in its place, or none: ours was moved aside. */
static bool
moved_aside(const struct receiver *r)
{
	struct stat st;

	return stat(r->store_path, &st) == -1 ? errno == ENOENT :
	    st.st_dev != r->store_dev || st.st_ino != r->store_ino;
}

/* What is acknowledged must be where everybody else looks for it. */
static bool
is_gone(struct session *s)
{
	if (store_gone(s->r->store) == STORE_HERE && !moved_aside(s->r))
		return false;
	if (!s->over)
		log_warnx("%s: the store was removed: the session ends, the "
		    "next one finds it made anew", s->r->pair);
	verb_end(s);
	s->over = true;
	return true;
}

/* Asked at each of the few that begin something, and each second. */
static bool
begins(enum frame_type type)
{
	return type == FRAME_HELLO || type == FRAME_PING ||
	    type == FRAME_HAVE || type == FRAME_RUN ||
	    type == FRAME_COMMIT || type == FRAME_FORK ||
	    type == FRAME_RESET;
}

bool
verb_do(struct session *s, const struct frame *f, struct frame *a)
{
	if (begins(f->type) && is_gone(s))
		return false;
	if (f->type == FRAME_PING || f->type == FRAME_PONG)
		return do_ping(s, f, a);
	if (f->type == FRAME_ASK)
		return do_ask(s, &f->ask, a);
	/* One answer at a time: only pings may come while we import. */
	if (s->importing)
		return out_of_turn(s, f, a);
	if (f->type == FRAME_HELLO)
		return do_hello(s, f, a);
	if (!s->writes)
		return out_of_turn(s, f, a);
	switch (f->type) {
	case FRAME_PUT:
		return do_put(s, &f->put);
	case FRAME_PART:
		return do_part(s, &f->part);
	case FRAME_HAVE:
	case FRAME_RUN:
		return do_have(s, f, a);
	case FRAME_COMMIT:
		return do_commit(s, &f->commit, a);
	case FRAME_FORK:
	case FRAME_RESET:
		return do_fork(s, f, a);
	default:
		return out_of_turn(s, f, a);
	}
}
