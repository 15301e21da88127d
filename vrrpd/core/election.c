/* SPDX-License-Identifier: ISC */

/*
 * The election's frame: the step, what every state has to know, the sleep
 * rule, the dispatcher, and the one function that changes the state.
 * Runs in the elector and in the simulator; what a state does with an event
 * stands in the file of that state.
 */
#include <assert.h>
#include <string.h>

#include "election_internal.h"

#define TO(state)	(1u << (state))
#define TO_HOME		(TO(STATE_INIT) | TO(STATE_STANDBY) | \
			    TO(STATE_FAULTED) | TO(STATE_MAINTENANCE) | \
			    TO(STATE_LEFT))

/* Only a claim leads to STATE_ACTIVE, and nothing leads out of LEFT. */
static const uint16_t allowed[STATE_COUNT] = {
	[STATE_INIT] = TO_HOME,
	[STATE_STANDBY] = TO_HOME | TO(STATE_CLAIM),
	[STATE_CLAIM] = TO_HOME | TO(STATE_ACTIVE),
	[STATE_ACTIVE] = TO_HOME | TO(STATE_LEAVING) | TO(STATE_RELEASING),
	[STATE_LEAVING] = TO_HOME | TO(STATE_RELEASING),
	[STATE_RELEASING] = TO_HOME,
	[STATE_FAULTED] = TO_HOME | TO(STATE_CLAIM),
	[STATE_MAINTENANCE] = TO_HOME,
	[STATE_LEFT] = 0,
};

void
election_init(struct election *e)
{
	memset(e, 0, sizeof(*e));
	e->state = STATE_INIT;
	e->heard_node = ELECTION_NODE_NONE;
	e->term_node = ELECTION_NODE_NONE;
	e->other_node = ELECTION_NODE_NONE;
	e->data_ready = true;
	e->shown = ROLE_STARTING;
}

enum role
election_role(const struct election *e)
{
	switch ((enum state)e->state) {
	case STATE_INIT:
		return e->was_up ? ROLE_FAULTED : ROLE_STARTING;
	case STATE_STANDBY:
	case STATE_LEFT:
		return e->settled ? ROLE_STANDBY : ROLE_STARTING;
	case STATE_CLAIM:
		return e->faulted ? ROLE_FAULTED : ROLE_STANDBY;
	case STATE_ACTIVE:
	case STATE_LEAVING:
	case STATE_RELEASING:
		/* Active until the address is known to be gone. */
		return ROLE_ACTIVE;
	case STATE_FAULTED:
		return ROLE_FAULTED;
	case STATE_MAINTENANCE:
		return ROLE_MAINTENANCE;
	case STATE_COUNT:
		break;
	}
	assert(false);
	return ROLE_STARTING;
}

bool
election_wants_hold(const struct election *e)
{
	return e->want_hold && (e->state == STATE_ACTIVE ||
	    e->state == STATE_LEAVING);
}

enum state
el_home(const struct election *e)
{
	if (e->leave)
		return STATE_LEFT;
	if (!e->started || !e->up)
		return STATE_INIT;
	if (e->maintenance)
		return STATE_MAINTENANCE;
	if (e->faulted)
		return STATE_FAULTED;
	return STATE_STANDBY;
}

static void
enter(struct step *s)
{
	switch ((enum state)s->e->state) {
	case STATE_STANDBY:
		el_enter_standby(s);
		break;
	case STATE_ACTIVE:
		el_enter_active(s);
		break;
	case STATE_RELEASING:
		el_enter_releasing(s);
		break;
	case STATE_FAULTED:
		el_enter_faulted(s);
		break;
	case STATE_INIT:
	case STATE_CLAIM:
	case STATE_LEAVING:
	case STATE_MAINTENANCE:
	case STATE_LEFT:
	case STATE_COUNT:
		break;
	}
}

void
el_note(struct step *s, enum reason why)
{
	struct election *e = s->e;
	enum role old = (enum role)e->shown;
	enum role role = election_role(e);

	if (role == old && (why == REASON_NONE || why == e->reason))
		return;
	if (why != REASON_NONE)
		e->reason = (uint8_t)why;
	if (role != old)
		e->since = s->now;
	e->shown = (uint8_t)role;
	el_emit_role(s, old);
}

/* Assign, act, tell. */
void
el_change(struct step *s, enum state to, enum reason why)
{
	struct election *e = s->e;

	assert(e->state < STATE_COUNT);
	assert((allowed[e->state] & TO(to)) != 0);
	e->state = (uint8_t)to;
	enter(s);
	if (to != STATE_ACTIVE)
		e->alarms &= ~(uint32_t)ALARM_DUAL_ACTIVE;
	if (to != STATE_STANDBY)
		e->alarms &= ~(uint32_t)ALARM_HEARTBEAT_BLOCKED;
	el_note(s, why);
}

static void
start(struct step *s)
{
	struct election *e = s->e;

	if (e->started)
		return;
	e->started = true;
	e->term = s->ev->start.term;
	e->term_node = s->ev->start.term_node;
	e->term_durable = true;
	e->maintenance = s->ev->start.maintenance;
	e->since = s->now;
	/* Whoever started the service before: a node that listens has none. */
	if (s->cfg->has_service)
		el_emit_service(s, false);
	el_note(s, s->ev->start.restarted ? REASON_ELECTOR_RESTARTED :
	    REASON_START);
}

static void
kept(struct step *s)
{
	struct election *e = s->e;

	if (s->ev->kept.ok)
		e->alarms &= ~(uint32_t)ALARM_NOT_DURABLE;
	else
		e->alarms |= ALARM_NOT_DURABLE;
	if (s->ev->kept.term >= e->term)
		e->term_durable = s->ev->kept.ok;
	if (s->ev->kept.term < e->own_term)
		return;
	/*
	 * Durable, or it cannot be: then a node without service would be
	 * the greater harm, and the alarm says what is at risk.
	 */
	e->kept = true;
	e->keep_at = MONO_NEVER;
}

static void
word(struct step *s)
{
	struct election *e = s->e;
	int64_t fresh_ns = 3 * s->cfg->interval_ns;

	if (fresh_ns > WORD_NS_MAX)
		fresh_ns = WORD_NS_MAX;
	fresh_ns -= s->ev->word.age_ns > 0 ? s->ev->word.age_ns : 0;
	if (fresh_ns <= 0)
		return;
	if (!el_learn_term(s, s->ev->word.term, s->ev->word.term_node))
		return;
	e->word_until = mono_after(s->now, fresh_ns);
	e->word_active = s->ev->word.role == ROLE_ACTIVE;
	e->word_able = s->ev->word.healthy && s->ev->word.ready &&
	    s->ev->word.role == ROLE_STANDBY;
}

/* Facts first; what follows from them is the state's. */
static void
take_note(struct step *s)
{
	struct election *e = s->e;
	const struct event *ev = s->ev;

	switch (ev->type) {
	case EVENT_START:
		start(s);
		break;
	case EVENT_LINK:
		if (ev->link.hand_over)
			break;
		if (ev->link.up != e->up)
			e->settled = false;
		e->up = ev->link.up;
		break;
	case EVENT_HELD:
		if (ev->held.ok)
			e->present = true;
		else if (!ev->held.renew || ev->held.missing)
			e->present = false;
		break;
	case EVENT_RELEASED:
		e->present = false;
		break;
	case EVENT_ADDR_LOST:
		e->present = false;
		break;
	case EVENT_KEPT:
		kept(s);
		break;
	case EVENT_SERVICE:
		e->service = (uint8_t)ev->service.state;
		break;
	case EVENT_DATA:
		e->data_ready = ev->data.ready;
		/* The next epoch opened here is to be above it. */
		if (ev->data.term > e->term)
			(void)el_learn_term(s, ev->data.term,
			    ev->data.term_node);
		break;
	case EVENT_WORD:
		word(s);
		break;
	case EVENT_MAINTENANCE:
		e->maintenance = ev->maintenance.on;
		if (!e->maintenance) {
			e->faulted = false;
			memset(e->flap, 0, sizeof(e->flap));
		}
		break;
	case EVENT_CONFLICT:
		e->alarms |= ALARM_CONFLICT;
		e->conflict = s->now;
		break;
	case EVENT_LEAVE:
		e->leave = true;
		break;
	case EVENT_TIMER:
	case EVENT_ADVERT:
	case EVENT_SENT:
	case EVENT_HANDOVER:
	case EVENT_CONFIG:
	case EVENT_TYPES:
		break;
	}
}

/*
 * Design 2: who slept listens for a full down interval first.  Covers
 * freeze, pause, suspend and starvation.
 */
static void
check_sleep(struct step *s)
{
	struct election *e = s->e;
	mono_t due = election_deadline(e);
	int64_t quarter_ns = s->cfg->interval_ns / 4;

	/* The timer was made from the interval of the one that is heard. */
	if (e->state == STATE_STANDBY &&
	    s->cfg->protocol == PROTOCOL_VRRP3 && e->learned_ns > 0)
		quarter_ns = e->learned_ns / 4;
	switch ((enum state)e->state) {
	case STATE_STANDBY:
	case STATE_CLAIM:
	case STATE_FAULTED:
		if (mono_is_set(due) &&
		    mono_span_ns(due, s->now) > quarter_ns)
			el_listen_again(s);
		break;
	case STATE_ACTIVE:
	case STATE_LEAVING:
		/*
		 * The address may have lapsed, the standby may have acted.
		 * The limit is of the configuration that last confirmed it.
		 */
		if (s->now.ns > e->sleep_at.ns)
			el_release(s, e->fails > 0 &&
			    mono_span_ns(due, s->now) <= quarter_ns ?
			    REASON_SEND_FAILED : REASON_SLEPT, false);
		break;
	case STATE_RELEASING:
		/* Too late to say so: the others have gone on without us. */
		if (mono_span_ns(due, s->now) > quarter_ns)
			e->resign = false;
		break;
	case STATE_INIT:
	case STATE_MAINTENANCE:
	case STATE_LEFT:
	case STATE_COUNT:
		break;
	}
}

static void
dispatch(struct step *s)
{
	switch ((enum state)s->e->state) {
	case STATE_INIT:
		el_step_init(s);
		break;
	case STATE_STANDBY:
		el_step_standby(s);
		break;
	case STATE_CLAIM:
		el_step_claim(s);
		break;
	case STATE_ACTIVE:
		el_step_active(s);
		break;
	case STATE_LEAVING:
		el_step_leaving(s);
		break;
	case STATE_RELEASING:
		el_step_releasing(s);
		break;
	case STATE_FAULTED:
		el_step_faulted(s);
		break;
	case STATE_MAINTENANCE:
		el_step_maintenance(s);
		break;
	case STATE_LEFT:
		el_step_left(s);
		break;
	case STATE_COUNT:
		assert(false);
		break;
	}
}

void
election_step(struct election *e, const struct election_config *cfg,
    const struct event *ev, struct actions *out)
{
	struct step s = { .e = e, .cfg = cfg, .ev = ev, .now = ev->now,
	    .out = out };

	assert(mono_is_set(ev->now));
	assert(ev->type >= EVENT_START);
	assert(ev->type < EVENT_TYPES);
	out->n = 0;
	check_sleep(&s);
	take_note(&s);
	el_expire_alarms(&s);
	dispatch(&s);
	/* Whatever was sent, its outcome is this event or never comes. */
	assert(ev->type != EVENT_SENT || e->sending == SENDING_NONE ||
	    out->a[out->n - 1].type == ELECTION_SEND);
}
