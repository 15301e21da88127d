/* SPDX-License-Identifier: ISC */

/*
 * Letting go, in order: service stopped, address removed, resignation sent.
 * Runs in the elector and in the simulator.  The role stays active until
 * the actuator says that the address is gone, or its lease cannot live on.
 */
#include <assert.h>

#include "election_internal.h"

static void
stop_service(struct step *s)
{
	if (s->e->service_run)
		el_emit_service(s, false);
}

/* The address is gone: go where this node belongs, and say so. */
void
el_finish_release(struct step *s)
{
	struct election *e = s->e;
	bool say = e->resign && e->up;

	assert(!e->holding);
	e->resign = false;
	el_change(s, el_home(e), (enum reason)e->release_reason);
	if (e->release_reason == REASON_SLEPT) {
		e->wary_until = mono_after(s->now,
		    election_down_ns(e, s->cfg));
		e->silent_until = e->wary_until;
	}
	if (e->release_reason == REASON_HANDOVER) {
		e->hold_off = true;
		e->no_preempt = true;
	}
	if (say)
		el_emit_resign(s);
	else if (e->state == STATE_LEFT)
		el_emit_plain(s, ELECTION_LEFT);
}

/* Address first: whoever calls this has stopped the service, or cannot wait. */
void
el_release(struct step *s, enum reason why, bool resign)
{
	struct election *e = s->e;

	assert(e->state == STATE_ACTIVE || e->state == STATE_LEAVING);
	assert(e->holding);
	e->resign = resign;
	e->release_reason = (uint8_t)why;
	e->sending = SENDING_NONE;
	el_change(s, STATE_RELEASING, REASON_NONE);
	stop_service(s);
}

void
el_enter_releasing(struct step *s)
{
	struct election *e = s->e;

	el_emit_plain(s, ELECTION_RELEASE);
	e->release_at = mono_after(e->alive, s->cfg->lease_longest_ns);
	/* Slept longer than that: still one chance to answer. */
	if (e->release_at.ns <= s->now.ns)
		e->release_at = mono_after(s->now, NS_PER_MS);
}

/* The actuator has been silent for a lease: the kernel has removed it. */
void
el_release_unanswered(struct step *s, enum reason why, bool resign)
{
	struct election *e = s->e;

	assert(e->state == STATE_ACTIVE || e->state == STATE_LEAVING);
	el_emit_plain(s, ELECTION_RELEASE);
	e->resign = resign;
	e->sending = SENDING_NONE;
	el_came_off(s, why);
}

/* It is off without our order; the actuator has sent the last words. */
void
el_came_off(struct step *s, enum reason why)
{
	struct election *e = s->e;

	e->holding = false;
	e->present = false;
	e->release_reason = (uint8_t)why;
	stop_service(s);
	el_finish_release(s);
}

/* An orderly way out: service first, if one was started. */
void
el_hand_over(struct step *s, enum reason why)
{
	struct election *e = s->e;

	assert(e->state == STATE_ACTIVE);
	/* Once: a partner that becomes able changes nothing any more. */
	e->hand_over_due = false;
	if (!e->service_run) {
		el_release(s, why, true);
		return;
	}
	e->release_reason = (uint8_t)why;
	e->resign = false;
	el_change(s, STATE_LEAVING, REASON_NONE);
	stop_service(s);
}

static void
releasing_advert(struct step *s)
{
	struct heard h;

	if (!el_hear(s, &h) || h.resigns || h.soft)
		return;
	el_heard_active(s, &h);
}

static void
gone(struct step *s)
{
	s->e->holding = false;
	s->e->present = false;
	el_finish_release(s);
}

void
el_step_releasing(struct step *s)
{
	switch (s->ev->type) {
	case EVENT_RELEASED:
		gone(s);
		break;
	case EVENT_TIMER:
		/* No answer, but no lease lives as long as this. */
		if (mono_reached(s->now, s->e->release_at))
			gone(s);
		break;
	case EVENT_ADVERT:
		releasing_advert(s);
		break;
	case EVENT_SENT:
		s->e->sending = SENDING_NONE;
		break;
	case EVENT_START:
	case EVENT_LINK:
	case EVENT_HELD:
	case EVENT_ADDR_LOST:
	case EVENT_KEPT:
	case EVENT_SERVICE:
	case EVENT_DATA:
	case EVENT_WORD:
	case EVENT_HANDOVER:
	case EVENT_MAINTENANCE:
	case EVENT_CONFLICT:
	case EVENT_LEAVE:
	case EVENT_CONFIG:
	case EVENT_TYPES:
		break;
	}
}

/* Nothing more but the outcome of the resignation, whatever it is. */
void
el_step_left(struct step *s)
{
	if (s->ev->type != EVENT_SENT ||
	    s->e->sending != SENDING_RESIGN)
		return;
	s->e->sending = SENDING_NONE;
	el_emit_plain(s, ELECTION_LEFT);
}
