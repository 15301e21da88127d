/* SPDX-License-Identifier: ISC */

/*
 * The capture room: what an operator asks for.  The answer stands with the
 * question's token in the state file.
 */

#include "pairs.h"

#define LOCK_NS	(3 * NS_PER_S)

static void
answer(struct pair *p, enum store_result r, const char *text)
{
	p->token = p->ask[0].token;
	p->ask_result = (int32_t)r;
	(void)fmt_into(p->ask_text, sizeof(p->ask_text), "%s",
	    r == STORE_OK ? "" : text);
	p->nasks--;
	for (uint32_t i = 0; i < p->nasks; i++)
		p->ask[i] = p->ask[i + 1];
	p->ask_came = MONO_NEVER;
	p->sync_asked = false;
	p->count_branches = true;
	/* Now, before another question's answer takes its place. */
	p->show = true;
	p->shown = MONO_NEVER;
	state_step(p, mono_now());
}

/* A branch by its generation and the first bytes of its head. */
static bool
find_branch(struct pair *p, const struct msg_ask *a, struct store_branch *b)
{
	size_t cursor = 0;
	uint64_t key;
	int i;

	while (store_branches(p->store, &cursor, b)) {
		key = 0;
		for (i = 0; i < 8; i++)
			key = key << 8 | b->position.head.b[i];
		if (b->position.generation == a->value && key == a->value2)
			return true;
	}
	return false;
}

static enum store_result
wish(struct pair *p, const struct msg_ask *a)
{
	struct store_branch b;
	char name[48];

	if (a->kind == ASK_RESTORE) {
		(void)fmt_into(name, sizeof(name), "generation %llu",
		    (unsigned long long)a->value);
		return store_adopt(p->store, name);
	}
	if (a->value == 0)
		return store_adopt(p->store, NULL);
	return find_branch(p, a, &b) ? store_adopt(p->store, b.name) :
	    STORE_NOTHING;
}

static enum store_result
do_locked(struct pair *p, const struct msg_ask *a)
{
	struct store_branch b;
	enum store_result r;

	if (a->kind != ASK_DISMISS)
		r = wish(p, a);
	else if (find_branch(p, a, &b))
		r = store_dismiss(p->store, b.name);
	else
		r = STORE_NOTHING;
	return r;
}

static bool
do_store(struct pair *p, const struct msg_ask *a, mono_t now)
{
	enum store_result r;

	/* Granted or not, nobody could tell. */
	if (p->stage == STAGE_BEGUN && a->kind != ASK_DISMISS) {
		answer(p, STORE_BUSY, "a takeover is under way");
		return true;
	}
	if (!pair_lock(p)) {
		if (mono_span_ns(p->ask_came, now) < LOCK_NS)
			return false;
		answer(p, STORE_BUSY, "the store is being written");
		return true;
	}
	r = do_locked(p, a);
	(void)pair_unlock(p);
	answer(p, r, r == STORE_NOTHING && a->kind != ASK_RESTORE ?
	    "no such branch" : store_why(p->store));
	return true;
}

/* All that was there when it was asked, durable. */
static bool
do_sync(struct pair *p, mono_t now)
{
	if (p->stage != STAGE_WRITING) {
		answer(p, STORE_REFUSED,
		    "this node is not active: nothing to capture");
		return true;
	}
	if (p->capture == NULL) {
		answer(p, STORE_ERROR, "the base cannot be opened");
		return true;
	}
	if (!p->sync_asked) {
		p->sync_asked = true;
		p->sync_passes = work_passes(p);
		p->fill_fails = 0;
		capture_ask(p->capture, now);
		return true;
	}
	if (p->fill_fails > 0)
		answer(p, STORE_REFUSED, "before capture exec failed");
	else if (work_passes(p) == p->sync_passes)
		return false;
	else if (p->held)
		answer(p, STORE_REFUSED, p->store_full ?
		    "the store is full" : "a generation is held back");
	else
		answer(p, STORE_OK, "");
	return true;
}

void
asks_no_store(struct pair *p)
{
	while (p->nasks > 0)
		answer(p, STORE_ERROR, "the store cannot be opened");
}

bool
asks_step(struct pair *p, mono_t now)
{
	if (p->nasks == 0)
		return false;
	if (!mono_is_set(p->ask_came))
		p->ask_came = now;
	switch (p->ask[0].kind) {
	case ASK_SYNC:
		return do_sync(p, now);
	case ASK_DISMISS:
	case ASK_ADOPT:
	case ASK_RESTORE:
		return do_store(p, &p->ask[0], now);
	default:
		answer(p, STORE_REFUSED, "not a question for the capture");
		return true;
	}
}
