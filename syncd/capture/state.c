/* SPDX-License-Identifier: ISC */

/*
 * The capture room: what others are told.  MSG_CAPTURED to the mirror at
 * once, PAIR.capture for everybody a little later.
 */

#include <errno.h>
#include <string.h>

#include "pairs.h"

#define SHOW_EVERY_NS	(200 * NS_PER_MS)
#define LOST_EVERY_NS	(5 * NS_PER_S)
#define TELL_AGAIN_NS	(20 * NS_PER_MS)
#define COUNT_EVERY_NS	(2 * NS_PER_S)

static void
tell(struct pair *p)
{
	union msg m = { .captured = {
		.head = {
			.type = MSG_CAPTURED, .pair = p->index,
			.serial = room.conf.serial,
		},
		.settled = p->stage == STAGE_SETTLED,
		.held = p->held || p->fill_failed || (p->open_error != 0 &&
		    p->capture == NULL && p->stage == STAGE_WRITING),
		.published = p->published,
	} };

	if (p->store == NULL)
		return;
	m.captured.generation = store_head(p->store)->position.generation;
	if (p->stage == STAGE_WRITING || p->stage == STAGE_LAST)
		m.captured.term = p->epoch.term;
	if (!talk_mirror(&room, &m))
		return;
	p->tell = p->published = false;
}

static uint32_t
count_branches(struct pair *p)
{
	struct store_branch b;
	size_t cursor = 0;
	uint32_t n = 0;

	while (store_branches(p->store, &cursor, &b))
		n++;
	return n;
}

static void
put_path(char to[SYNC_PATH_MAX], const char *path)
{
	size_t len = strlen(path);

	if (len < SYNC_PATH_MAX) {
		memcpy(to, path, len + 1);
		return;
	}
	memcpy(to, path, SYNC_PATH_MAX - 4);
	memcpy(to + SYNC_PATH_MAX - 4, "...", 4);
}

static void
put_problem(struct sync_capture_state *s, enum capture_fault fault,
    bool holds, int code, const char *path)
{
	struct sync_problem *q;

	if (s->nproblems == SYNC_PROBLEMS_MAX)
		return;
	q = &s->problem[s->nproblems++];
	q->fault = fault;
	q->holds = holds;
	q->code = code;
	put_path(q->path, path);
}

/* What holds a generation back first: there is not room for everything. */
static void
put_problems(const struct pair *p, struct sync_capture_state *s)
{
	const struct capture_problem *q;
	uint32_t i, turn;

	if (p->fill_failed)
		put_problem(s, FAULT_FILL, true, (int)p->fill_status, "");
	if (p->marks_error != STORE_OK)
		put_problem(s, FAULT_STORE, true, (int)p->marks_error,
		    "");
	if (p->capture == NULL && p->open_error != 0)
		put_problem(s, FAULT_UNREADABLE, true, p->open_error, "");
	for (turn = 0; turn < 2 && p->capture != NULL; turn++)
		for (i = 0; (q = capture_problem(p->capture, i)) != NULL; i++)
			if (q->holds == (turn == 0))
				put_problem(s, q->fault, q->holds, q->code,
				    q->path);
}

static void
put_numbers(const struct pair *p, struct sync_capture_state *s)
{
	struct capture_stats stats = { .passes = 0 };

	if (p->capture != NULL)
		capture_get_stats(p->capture, &stats);
	s->nodes = stats.nodes;
	s->watches = stats.watches;
	s->generations = p->generations;
	s->read_bytes = p->read_bytes + stats.read_bytes;
	s->snapshots = p->snapshots + stats.snapshots;
	s->store_bytes = p->usage.bytes;
	s->store_objects = p->usage.objects;
	s->store_limit = p->conf->sync.store_max_bytes;
	s->disk_free = p->usage.free_bytes;
	s->bad_objects = p->idle.bad_objects;
	s->scrubbed_ns = p->idle.scrubbed.ns;
}

static void
show(struct pair *p)
{
	static struct sync_capture_state s;

	memset(&s, 0, sizeof(s));
	/* Counting anew what others have written would take too long. */
	if (p->store != NULL && store_locked(p->store))
		(void)store_usage(p->store, &p->usage);
	if (p->store != NULL && p->count_branches)
		p->branches = count_branches(p);
	p->count_branches = false;
	s.writing = p->stage == STAGE_WRITING;
	s.settled = p->stage == STAGE_SETTLED;
	if (p->store != NULL)
		s.generation = store_head(p->store)->position.generation;
	s.passed_ns = p->passed.ns;
	s.held_since_ns = p->held_since.ns;
	put_numbers(p, &s);
	s.store_full = p->store_full;
	/* What scrub set aside lacks until a partner brings it again. */
	p->lost = p->store != NULL && p->stage == STAGE_SETTLED &&
	    store_lost(p->store);
	s.damaged = p->damaged || p->lost;
	s.branches = p->branches;
	put_problems(p, &s);
	s.removed_ns = p->removed.ns;
	s.written = p->wrote.generation;
	s.written_term = p->wrote.epoch.term;
	s.written_node = p->wrote.epoch.node;
	s.token = p->token;
	s.ask_result = p->ask_result;
	memcpy(s.ask_text, p->ask_text, sizeof(s.ask_text));
	if (syncstate_write(room.sync_dir, p->name, SYNCSTATE_CAPTURE, &s,
	    sizeof(s)) == -1)
		log_warn("%s: state cannot be written", p->name);
	p->show = false;
}

/* A receiver parks them, and tells nobody but the partner. */
static void
look_for_branches(struct pair *p, mono_t now)
{
	uint32_t n;

	if (p->store == NULL || p->stage != STAGE_SETTLED ||
	    (mono_is_set(p->counted) &&
	    mono_span_ns(p->counted, now) < COUNT_EVERY_NS))
		return;
	p->counted = now;
	n = count_branches(p);
	p->show |= n != p->branches;
	p->branches = n;
}

void
state_step(struct pair *p, mono_t now)
{
	if (p->tell)
		tell(p);
	look_for_branches(p, now);
	if (p->lost && mono_span_ns(p->shown, now) >= LOST_EVERY_NS)
		p->show = true;
	if (!p->show || (mono_is_set(p->shown) &&
	    mono_span_ns(p->shown, now) < SHOW_EVERY_NS))
		return;
	p->shown = now;
	show(p);
}

mono_t
state_deadline(const struct pair *p)
{
	mono_t t = p->show ? mono_after(p->shown, SHOW_EVERY_NS) :
	    MONO_NEVER;

	if (p->store != NULL && p->stage == STAGE_SETTLED)
		t = mono_first(t, mono_after(p->counted, COUNT_EVERY_NS));
	if (p->lost)
		t = mono_first(t, mono_after(p->shown, LOST_EVERY_NS));
	/* The mirror's queue was full. */
	if (p->tell && p->store != NULL && room.mirror.fd != -1)
		t = mono_first(t, mono_after(mono_now(), TELL_AGAIN_NS));
	return t;
}
