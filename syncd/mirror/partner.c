/* SPDX-License-Identifier: ISC */

/*
 * The mirror: what the partner says, on its way to the elector.  Believable
 * terms only (F2, ship_word.c); the rest is for the election to judge.
 */

#include <string.h>

#include "mirror.h"

static void
tell(struct pair *p, const struct msg_partner *t)
{
	const union msg m = { .partner = *t };

	/* When it does not go, the next one is a second away. */
	(void)elector_send(p->mirror, &m);
}

static void
tell_silence(struct pair *p)
{
	struct msg_partner t = p->theirs;
	const union msg m = pair_msg(p, MSG_PARTNER);

	t.head = m.head;
	t.node = p->partner;
	t.role = ROLE_COUNT;
	t.advert_age_ns = -1;
	tell(p, &t);
}

/* A receiver without a mirror, or a mirror without an elector, answers so. */
static bool
says_nothing(const struct frame_word *w)
{
	return w->role == ROLE_STARTING && !w->healthy && !w->data_ready &&
	    w->epoch.term == 0 && w->advert_age_ms == FRAME_AGE_UNKNOWN;
}

static void
on_word(void *arg, const struct frame_word *w)
{
	struct pair *p = arg;
	const union msg m = pair_msg(p, MSG_PARTNER);

	if (says_nothing(w))
		return;
	p->heard = mono_now();
	p->theirs = (struct msg_partner){
		.head = m.head,
		.advert_age_ns = w->advert_age_ms == FRAME_AGE_UNKNOWN ? -1 :
		    w->advert_age_ms * NS_PER_MS,
		.generation = w->position.generation,
		.term = w->epoch.term,
		.term_node = (uint8_t)w->epoch.node,
		.node = p->partner,
		.role = w->role, .healthy = w->healthy,
		.ready = w->data_ready, .present = w->present,
		.deaf = w->deaf,
	};
	if (p->partner != LINK_SELF_NONE)
		tell(p, &p->theirs);
}

static void
on_asked(void *arg, enum frame_request request)
{
	const mono_t now = mono_now();
	struct pair *p = arg;
	union msg m = pair_msg(p, MSG_ASK);

	if (request != REQUEST_HANDOVER || (mono_is_set(p->asked) &&
	    !mono_reached(now, mono_after(p->asked, MIRROR_ASK_GAP_NS))))
		return;
	p->asked = now;
	log_info("%s: the partner asks for a handover", p->name);
	m.ask.kind = ASK_HANDOVER;
	(void)elector_send(p->mirror, &m);
}

/*
 * Who is active and was told STALE or DUAL must give in.  Else STALE says
 * nothing of what the partner is now, only which term it has seen.
 */
static void
on_fenced(void *arg, enum nak_reason r, const struct epoch *seen)
{
	struct pair *p = arg;
	struct msg_partner t = p->theirs;
	const union msg m = pair_msg(p, MSG_PARTNER);

	log_warnx("%s: the partner refuses us: %s, it has seen term %u",
	    p->name, nak_word(r), seen->term);
	t.head = m.head;
	t.node = p->partner;
	if (r == NAK_DUAL || p->word.role == ROLE_ACTIVE)
		t.role = ROLE_ACTIVE;
	else if (!mono_is_set(p->heard))
		return;
	t.term = seen->term;
	t.term_node = (uint8_t)seen->node;
	t.advert_age_ns = -1;
	tell(p, &t);
}

static void
on_acked(void *arg, const struct position *pos)
{
	struct pair *p = arg;

	state_acked(p, pos);
	sooner(&p->data_at, not_before(mono_now(), p->data_last,
	    MIRROR_DATA_GAP_NS));
}

static void
on_state(void *arg, enum ship_state st, const char *id, const char *text)
{
	struct pair *p = arg;

	/* The next attempt, within a second, may well go through. */
	p->passing = st == SHIP_HELD && (strcmp(id, "partner-busy") == 0 ||
	    strcmp(id, "partner-missing") == 0);
	state_ship(arg, st, id, text);
}

const struct ship_events partner_events = {
	.acked = on_acked,
	.word = on_word,
	.asked = on_asked,
	.state = on_state,
	.fenced = on_fenced,
};

void
partner_tell(struct pair *p)
{
	if (!mono_is_set(p->heard))
		tell_silence(p);
	/* Else its next word, or its silence, is at hand. */
}

void
partner_turn(struct pair *p, mono_t now)
{
	if (!mono_is_set(p->heard) || !mono_reached(now, mono_after(p->heard,
	    MIRROR_SILENCE_NS)))
		return;
	p->heard = MONO_NEVER;
	tell_silence(p);
}
