/* SPDX-License-Identifier: ISC */

/*
 * The mirror's ship: the conversation.  One question at a time; what the
 * partner answers out of turn ends the channel.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ship_inside.h"

#define HOLD_BUSY_NS	(1 * NS_PER_S)
#define HOLD_FENCED_NS	(5 * NS_PER_S)

static void
wait_for(struct ship *s, enum step step, int64_t ns)
{
	s->step = step;
	s->answer_by = mono_after(mono_now(), ns);
}

static void
wait_none(struct ship *s, enum step step)
{
	s->step = step;
	s->answer_by = MONO_NEVER;
}

void
talk_drop(struct ship *s)
{
	bulk_end(s);
	plan_free(&s->plan);
	wait_none(s, STEP_NONE);
}

/* Refused: HELLO again later, on the same channel. */
static void
hold(struct ship *s, const char *id, const char *text, int64_t ns)
{
	talk_drop(s);
	s->step = STEP_HELD;
	s->retry = mono_after(mono_now(), ns);
	ship_show(s, SHIP_HELD, id, text);
}

static void
hold_longer(struct ship *s, const char *id, const char *text)
{
	s->hold_ns = s->hold_ns == 0 ? SHIP_BACKOFF_MIN_NS : s->hold_ns * 2;
	if (s->hold_ns > SHIP_BACKOFF_MAX_NS)
		s->hold_ns = SHIP_BACKOFF_MAX_NS;
	hold(s, id, text, s->hold_ns);
}

/* ---- asking ------------------------------------------------------------- */

void
talk_hello(struct ship *s)
{
	struct frame *f = &s->mine;

	talk_drop(s);
	s->welcome = s->hello_again = false;
	s->kicked = false;
	*f = (struct frame){
		.type = FRAME_HELLO,
		.hello = {
			.protocol = FRAME_PROTOCOL,
			.writes = s->writes,
			.position = store_head(s->conf.store)->position,
		},
	};
	(void)fmt_into(f->hello.pair, sizeof(f->hello.pair), "%s",
	    s->conf.pair);
	if (s->writes)
		f->hello.epoch = s->epoch;
	else
		(void)store_epoch(s->conf.store, &f->hello.epoch);
	f->hello.history = *store_history(s->conf.store);
	if (!ship_send(s, f)) {
		ship_lost(s, "own-store", "HELLO cannot be said");
		return;
	}
	wait_for(s, STEP_HELLO, SHIP_ANSWER_NS);
}

static void
ask_fork(struct ship *s, enum frame_type type, uint64_t fork)
{
	const struct frame f = {
		.type = type,
		.fork = { .epoch = s->epoch, .fork = fork },
	};

	log_info("%s: the partner's branch after %llu is to be parked",
	    s->conf.pair, (unsigned long long)fork);
	(void)ship_send(s, &f);
	s->fork = fork;
	wait_for(s, STEP_FORK, SHIP_DISK_NS);
}

static void
ask_missing(struct ship *s, enum frame_type type, uint64_t cursor)
{
	const struct frame f = { .type = type, .have.cursor = cursor };

	if (cursor == 0) {
		s->plan.nwanted = s->plan.sized = 0;
		s->plan.at = 0;
	}
	(void)ship_send(s, &f);
	wait_for(s, STEP_WANT, SHIP_DISK_NS);
}

/* rsync has ended; how, its receiver will see from what is there. */
void
ship_ran(struct ship *s)
{
	ask_missing(s, FRAME_RUN, 0);
}

static void
ask_commit(struct ship *s)
{
	const struct frame f = {
		.type = FRAME_COMMIT,
		.commit = {
			.epoch = s->epoch,
			.generation = s->plan.target.generation,
			.previous = s->theirs.head,
			.head = s->plan.target.head,
		},
	};

	(void)ship_send(s, &f);
	wait_for(s, STEP_COMMIT,
	    s->plan.ask ? SHIP_DISK_NS : SHIP_COMMIT_NS);
}

void
talk_begin(struct ship *s)
{
	s->kicked = false;
	if (!s->welcome || !s->writes || s->step != STEP_NONE)
		return;
	if (!plan_make(s)) {
		if (position_equal(&s->theirs,
		    &store_head(s->conf.store)->position))
			ship_show(s, SHIP_LEVEL, "", "");
		else if (store_head(s->conf.store)->position.generation != 0)
			hold_longer(s, "own-store", "manifests are missing");
		return;
	}
	s->total = s->done = s->bulk_done = 0;
	ship_show(s, SHIP_COPYING, "", "");
	wait_none(s, STEP_PARTS);
}

/* ---- saying ------------------------------------------------------------- */

static bool
say_part(struct ship *s)
{
	struct plan *p = &s->plan;
	struct frame f = { .type = FRAME_PART };
	size_t n;

	if (p->next > p->last) {
		if (p->ask)
			ask_missing(s, FRAME_HAVE, 0);
		else
			wait_none(s, STEP_PUTS);
		return true;
	}
	if (p->text == NULL && !plan_text(s)) {
		hold_longer(s, "own-store", "a manifest cannot be read");
		return false;
	}
	n = p->text_len - p->text_at;
	if (n > FRAME_DATA_MAX)
		n = FRAME_DATA_MAX;
	f.part = (struct frame_part){
		.data = p->text + p->text_at, .len = (uint32_t)n,
		.jump = p->jump, .last = p->text_at + n == p->text_len,
	};
	(void)ship_send(s, &f);
	p->text_at += n;
	if (f.part.last) {
		plan_text_done(p);
		p->jump = false;
	}
	return true;
}

static bool
say_put(struct ship *s)
{
	static uint8_t data[FRAME_DATA_MAX];
	struct plan *p = &s->plan;
	struct frame f = { .type = FRAME_PUT };
	uint64_t size;
	ssize_t n;
	int fd;

	if (p->at == p->nwanted) {
		ask_commit(s);
		return true;
	}
	f.put.hash = p->wanted[p->at++].hash;
	fd = store_object(s->conf.store, &f.put.hash, &size);
	if (fd == -1)
		return true;	/* outdated meanwhile: COMMIT will tell */
	n = size <= sizeof(data) ? read(fd, data, (size_t)size) : -1;
	(void)close(fd);
	if (n != (ssize_t)size)
		return true;
	f.put.bulk = p->nwanted > SHIP_SMALL_OBJECTS;
	f.put.data = data;
	f.put.len = (uint32_t)n;
	(void)ship_send(s, &f);
	s->done += size;
	return true;
}

bool
talk_next(struct ship *s)
{
	const mono_t now = mono_now();

	if (s->word_due && s->welcome && now.ns >= s->word_at.ns) {
		word_send(s, FRAME_PONG, 0);
		return true;
	}
	switch (s->step) {
	case STEP_PARTS:
		return say_part(s);
	case STEP_PUTS:
		return say_put(s);
	default:
		return false;
	}
}

/* ---- hearing ------------------------------------------------------------ */

/* What it had once it may have lost since; an ACK may have been lost. */
static void
see_acked(struct ship *s, bool ours)
{
	const struct position was = s->acked;

	s->acked = ours ? s->theirs : (struct position){ .generation = 0 };
	if (s->acked.generation != 0 && !position_equal(&was, &s->acked))
		s->conf.events.acked(s->conf.events.arg, &s->acked);
}

static void
hear_welcome(struct ship *s, const struct frame_hello *h)
{
	struct store *store = s->conf.store;
	enum kinship kin;
	uint64_t fork = 0;

	if (h->protocol != FRAME_PROTOCOL ||
	    strcmp(h->pair, s->conf.pair) != 0 ||
	    history_check(&h->history) != NULL) {
		ship_lost(s, "partner-protocol", "its greeting is wrong");
		return;
	}
	s->welcome = true;
	s->theirs = h->position;
	s->their_history = h->history;
	s->partner_free = h->free_bytes;
	wait_none(s, STEP_NONE);
	if (!s->writes) {
		ship_show(s, SHIP_WATCHING, "", "");
		return;
	}
	if (store_head(store)->position.generation == 0) {
		/* Nothing to ship yet. */
		ship_show(s, s->theirs.generation == 0 ? SHIP_LEVEL :
		    SHIP_WATCHING, "", "");
		return;
	}
	kin = position_kin(&store_head(store)->position,
	    store_history(store), &s->theirs, &s->their_history, &fork);
	see_acked(s, kin == KIN_SAME || kin == KIN_AHEAD);
	switch (kin) {
	case KIN_SAME:
	case KIN_AHEAD:
		break;
	case KIN_BEHIND:
		/* Ours is the higher epoch: what it has more is a branch. */
		ask_fork(s, FRAME_FORK,
		    store_head(store)->position.generation);
		return;
	case KIN_FORKED:
		ask_fork(s, FRAME_FORK, fork);
		return;
	case KIN_STRANGERS:
		ask_fork(s, FRAME_RESET, 0);
		return;
	}
	talk_begin(s);
}

static void
hear_ack(struct ship *s, const struct position *p)
{
	if (s->step == STEP_FORK) {
		if (p->generation > s->fork) {
			ship_lost(s, "partner-protocol",
			    "it did not go back to the fork");
			return;
		}
		s->theirs = *p;
		wait_none(s, STEP_NONE);
		talk_begin(s);
		return;
	}
	if (!position_equal(p, &s->plan.target)) {
		ship_lost(s, "partner-protocol",
		    "it acknowledges what was not sent");
		return;
	}
	s->theirs = s->acked = *p;
	s->hold_ns = s->backoff_ns = 0;
	s->force_ask = false;
	talk_drop(s);
	s->conf.events.acked(s->conf.events.arg, p);
	talk_begin(s);
}

static void
choose_way(struct ship *s)
{
	struct plan *p = &s->plan;
	uint64_t sum = 0, largest = 0;
	size_t i;

	for (i = 0; i < p->nwanted; i++) {
		sum += p->wanted[i].size;
		if (p->wanted[i].size > largest)
			largest = p->wanted[i].size;
	}
	if (s->total == 0)
		s->total = sum;
	if (largest < SHIP_INLINE_MAX && p->nwanted <= SHIP_INLINE_OBJECTS &&
	    sum <= SHIP_INLINE_BYTES) {
		wait_none(s, STEP_PUTS);
		return;
	}
	if (p->runs++ == SHIP_RUNS_MAX) {
		hold_longer(s, "bulk-failed", s->rsync.text);
		return;
	}
	if (bulk_start(s) == -1) {
		hold_longer(s, "bulk-failed", strerrordesc_np(errno));
		return;
	}
	wait_none(s, STEP_BULK);
}

/*
 * A hundred thousand of them on a cold disk: a little in each turn, or our
 * word would be late.
 */
void
talk_sizes(struct ship *s)
{
	const mono_t until = mono_after(mono_now(), SHIP_SIZES_NS);
	struct plan *p = &s->plan;
	struct object_ref *w;
	int fd;

	while (p->sized < p->nwanted && !mono_reached(mono_now(), until)) {
		w = &p->wanted[p->sized];
		fd = store_object(s->conf.store, &w->hash, &w->size);
		if (fd == -1) {
			hold_longer(s, "own-store", "an object is missing");
			return;
		}
		(void)close(fd);
		p->sized++;
	}
	if (p->sized == p->nwanted)
		choose_way(s);
}

static void
hear_want(struct ship *s, const struct frame_want *w)
{
	struct plan *p = &s->plan;
	struct hash h;
	uint32_t i;

	/* It cannot lack more than there is, nor ask in circles. */
	if (p->nwanted + w->n > p->entries || (w->cursor != 0 && w->n == 0)) {
		ship_lost(s, "partner-protocol", "it wants too much");
		return;
	}
	for (i = 0; i < w->n; i++) {
		frame_want_at(w, i, &h);
		if (!plan_want(p, &h, 0)) {
			ship_lost(s, "own-memory", "no memory");
			return;
		}
	}
	if (w->cursor != 0)
		ask_missing(s, FRAME_HAVE, w->cursor);
	else
		wait_none(s, STEP_SIZES);
}

static void
hear_nak(struct ship *s, const struct frame_nak *n)
{
	const char *word = nak_word(n->reason);

	log_info("%s: the partner refuses: %s", s->conf.pair, word);
	s->welcome = true;	/* it is there, and answers pings */
	switch (n->reason) {
	case NAK_MISSING:
		s->force_ask = true;
		hold(s, "partner-missing", word, s->plan.ask ?
		    HOLD_BUSY_NS : 0);
		break;
	case NAK_SPACE:
		hold_longer(s, "partner-space", word);
		break;
	case NAK_STALE:
	case NAK_DUAL:
		if (!word_believable(s, &n->epoch)) {
			hold_longer(s, "absurd-term", word);
			break;
		}
		hold(s, n->reason == NAK_STALE ? "stale" : "dual-active",
		    word, HOLD_FENCED_NS);
		s->conf.events.fenced(s->conf.events.arg, n->reason,
		    &n->epoch);
		break;
	case NAK_BUSY:
	case NAK_FORKED:
		hold(s, "partner-busy", word, HOLD_BUSY_NS);
		break;
	case NAK_HASH:
		hold_longer(s, "bad-object", word);
		break;
	case NAK_ABSURD:
		hold_longer(s, "absurd-term", word);
		break;
	case NAK_REFUSED:
	case NAK_ERROR:
		hold_longer(s, "partner-store", word);
		break;
	case NAK_PAIR:
	case NAK_VERSION:
	case NAK_PROTOCOL:
	case NAK_REASONS:
		ship_lost(s, "partner-protocol", word);
		break;
	}
}

static void
hear_pong(struct ship *s, const struct frame_ping *p)
{
	const mono_t now = mono_now();

	if (p->serial != 0 && p->serial == s->serial &&
	    mono_is_set(s->ping_sent)) {
		s->round_trip_ns = mono_span_ns(s->ping_sent, now);
		s->ping_sent = MONO_NEVER;
	}
	if (word_believable(s, &p->word.epoch))
		s->conf.events.word(s->conf.events.arg, &p->word);
}

void
talk_hear(struct ship *s, const struct frame *f)
{
	static const struct {
		enum frame_type	type;
		enum step	step;
	} turn[] = {
		{ FRAME_WELCOME, STEP_HELLO }, { FRAME_NAK, STEP_HELLO },
		{ FRAME_ACK, STEP_FORK }, { FRAME_NAK, STEP_FORK },
		{ FRAME_WANT, STEP_WANT }, { FRAME_NAK, STEP_WANT },
		{ FRAME_ACK, STEP_COMMIT }, { FRAME_NAK, STEP_COMMIT },
	};
	size_t i;

	if (f->type == FRAME_PONG) {
		hear_pong(s, &f->ping);
		return;
	}
	for (i = 0; i < sizeof(turn) / sizeof(turn[0]); i++)
		if (turn[i].type == f->type && turn[i].step == s->step)
			break;
	/* A malformed frame of ours is refused whenever it is seen. */
	if (i == sizeof(turn) / sizeof(turn[0])) {
		ship_lost(s, "partner-protocol",
		    f->type == FRAME_NAK ? nak_word(f->nak.reason) :
		    frame_type_word(f->type));
		return;
	}
	s->answer_by = MONO_NEVER;
	if (s->step == STEP_HELLO && s->hello_again) {
		talk_hello(s);	/* the role has changed in between */
		return;
	}
	if (f->type == FRAME_WELCOME)
		hear_welcome(s, &f->hello);
	else if (f->type == FRAME_ACK)
		hear_ack(s, &f->ack);
	else if (f->type == FRAME_WANT)
		hear_want(s, &f->want);
	else
		hear_nak(s, &f->nak);
}
