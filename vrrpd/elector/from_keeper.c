/* SPDX-License-Identifier: ISC */

/*
 * Elector: the keeper's messages: what was stored before, and what is
 * durable now.  Numbers only ever rise: one that a new keeper sends again
 * changes nothing.
 */

#include <string.h>

#include "elector.h"

static uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void
stored_maint(struct elector *el, struct pair *p,
    const struct msg_stored_pair *m)
{
	p->maint_on = m->maint_on != 0;
	p->maint_until_wall_s = m->maint_until_wall_s;
	memcpy(p->maint_reason, m->maint_reason, sizeof(p->maint_reason));
	p->maint_reason[MAINT_REASON_MAX - 1] = '\0';
	if (!p->maint_on || p->maint_until_wall_s == 0)
		return;
	p->maint_end = mono_after(el->now,
	    p->maint_until_wall_s * NS_PER_S - el->wall_ns);
	if (mono_reached(el->now, p->maint_end)) {
		p->maint_on = false;
		p->maint_end = MONO_NEVER;
	}
}

static void
stored_pair(struct elector *el, struct pair *p,
    const struct msg_stored_pair *m)
{
	uint32_t i;

	if (m->term > p->stored_term) {
		p->stored_term = m->term;
		p->stored_term_node = (uint8_t)m->term_node;
	}
	for (i = 0; i < CONF_NODES_PER_PAIR_MAX; i++)
		p->floor[i] = max_u64(p->floor[i], m->floor[i]);
	/* Once we run, the stored ceiling is our own, and part of it unused. */
	if (!el->stored || el->keeper_late)
		seq_restore(&p->seq, m->ceiling);
	if (!el->stored)
		stored_maint(el, p, m);
}

static void
stored_end(struct elector *el)
{
	uint32_t i;

	el->keeper_late = false;
	if (el->stored)
		return;
	el->stored = true;
	for (i = 0; i < el->conf->npairs; i++)
		pair_begin(el, pair_at(el, i));
}

static void
kept_term(struct elector *el, struct pair *p, const struct msg_kept *m)
{
	struct event ev = {
		.type = EVENT_KEPT,
		.kept = { .term = m->term, .ok = m->error == 0 },
	};

	if (m->term == p->keep_term)
		p->keep_term = 0;
	if (p->started)
		pair_step(el, p, &ev);
}

static void
kept(struct elector *el, struct pair *p, const struct msg_kept *m)
{
	if (p->keep_error != m->error && m->error != 0)
		log_warnx("pair %u: %s is not durable: error %d", p->index,
		    ipc_name(m->what), m->error);
	p->keep_error = m->error;
	if (m->what == MSG_KEEP_TERM)
		kept_term(el, p, m);
	else if (m->what == MSG_KEEP_CEILING) {
		seq_answered(&p->seq);
		p->not_durable = m->error != 0;
	}
}

void
from_keeper(struct elector *el, const union msg *m)
{
	switch (m->head.type) {
	case MSG_KEPT:
		kept(el, pair_at(el, m->head.pair), &m->kept);
		break;
	case MSG_STORED_PAIR:
		stored_pair(el, pair_at(el, m->head.pair), &m->stored_pair);
		break;
	case MSG_STORED_HISTORY:
		if (!el->stored)
			history_add(el, &m->keep_history);
		break;
	case MSG_STORED_END:
		stored_end(el);
		break;
	default:
		fatalx("keeper: %s not expected", ipc_name(m->head.type));
	}
}

/* What the last one owed us an answer to is asked again. */
void
keeper_new(struct elector *el)
{
	uint32_t i;

	for (i = 0; i < el->conf->npairs; i++) {
		struct pair *p = pair_at(el, i);

		if (p->keep_term != 0)
			p->owed |= OWED_TERM;
		if (p->seq.waiting) {
			p->seq.waiting = false;
			p->owed |= OWED_CEILING;
		}
		p->owed |= OWED_FLOORS | OWED_MAINT;
		keep_owed(el, p);
		pair_due(el, p);
	}
}
