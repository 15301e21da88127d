/* SPDX-License-Identifier: ISC */

/*
 * Elector: one pair from the first word about it to its end: what is known
 * of our place in it, its deadlines, and the one way an event reaches its
 * election.
 */

#include <assert.h>
#include <string.h>

#include "elector.h"

struct pair *
pair_at(struct elector *el, uint32_t index)
{
	assert(index < el->conf->npairs);
	return &el->pair[el->slot[index]];
}

const struct conf_pair *
pair_conf(const struct elector *el, const struct pair *p)
{
	return conf_pair(el->conf, p->index);
}

const struct pair_secret *
pair_secret(const struct elector *el, const struct pair *p)
{
	assert(p->index < el->secrets->npairs);
	return &el->secrets->pair[p->index];
}

/* A cause that rests for a minute begins anew. */
void
recent_note(struct recent *r, mono_t now)
{
	if (!mono_is_set(r->last) ||
	    mono_span_ns(r->last, now) > 60 * NS_PER_S) {
		r->first = now;
		r->n = 0;
	}
	r->last = now;
	r->n++;
}

void
pair_new(struct elector *el, struct pair *p, uint16_t index)
{
	memset(p, 0, sizeof(*p));
	p->used = true;
	p->index = index;
	p->self = ELECTION_NODE_NONE;
	p->link.self = LINK_SELF_NONE;
	p->ready_at = el->now;
	p->reason = REASON_START;
	election_init(&p->election);
	service_init(&p->service);
	data_init(&p->plan);
	service_config(&p->service_cfg, &pair_conf(el, p)->service,
	    pair_conf(el, p)->has_sync);
}

static void
note_alarms(struct elector *el, const struct pair *p, uint32_t before)
{
	uint32_t changed = before ^ p->election.alarms, bit;

	for (bit = 1; changed != 0; bit <<= 1) {
		if ((changed & bit) == 0)
			continue;
		changed &= ~bit;
		note(el, p, &(struct ctl_event){
			.kind = (p->election.alarms & bit) != 0 ?
			    CTL_EVENT_ALARM_ON : CTL_EVENT_ALARM_OFF,
			.node = p->election.heard_node,
			.value = bit,
		});
	}
}

static void
note_claim(struct elector *el, const struct pair *p, uint8_t before)
{
	bool was = before == STATE_CLAIM;
	bool is = p->election.state == STATE_CLAIM;

	if (was == is)
		return;
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_CLAIM,
		.new_ = is,
		.reason = p->election.reason,
		.node = p->election.heard_node,
		.term = p->election.term,
	});
}

/* One event and its actions, without what the service makes of them. */
static void
step_once(struct elector *el, struct pair *p, struct event *ev)
{
	uint32_t alarms = p->election.alarms;
	uint8_t state = p->election.state;
	struct actions out;

	/* Read now: an order's age counts from the step that led to it. */
	el->now = mono_now();
	ev->now = el->now;
	election_step(&p->election, &p->cfg, ev, &out);
	actions_do(el, p, &out);
	note_claim(el, p, state);
	note_alarms(el, p, alarms);
}

void
pair_step(struct elector *el, struct pair *p, struct event *ev)
{
	assert(p->configured);
	step_once(el, p, ev);
	while (p->service_told != p->service.state) {
		struct event said = {
			.type = EVENT_SERVICE,
			.service.state = p->service.state,
		};

		note(el, p, &(struct ctl_event){
			.kind = CTL_EVENT_SERVICE,
			.old = p->service_told,
			.new_ = p->service.state,
		});
		p->service_told = p->service.state;
		step_once(el, p, &said);
	}
	if (pair_conf(el, p)->has_sync) {
		job_plan(el, p);
		word_say(el, p);
	}
	pair_due(el, p);
	/* The way out was free; what made us leave is still so. */
	if (p->link_closing && !pair_holds(p)) {
		p->link_closing = false;
		pair_link_check(el, p);
	}
}

bool
pair_holds(const struct pair *p)
{
	return p->election.state == STATE_ACTIVE ||
	    p->election.state == STATE_LEAVING ||
	    p->election.state == STATE_RELEASING;
}

void
pair_configure(struct elector *el, struct pair *p)
{
	const struct conf_pair *cp = pair_conf(el, p);

	assert(p->self < cp->nnodes);
	election_configure(&p->cfg, el->conf, cp, p->self);
	p->self_addr = conf_pair_node(el->conf, cp, p->self)->address;
	p->configured = true;
}

void
pair_begin(struct elector *el, struct pair *p)
{
	struct event start = {
		.type = EVENT_START,
		.start = {
			.term = p->stored_term,
			.term_node = p->stored_term_node,
			.maintenance = p->maint_on,
		},
	};

	const union msg release = { .head = head_for(el, MSG_RELEASE, p) };

	if (!el->stored || el->leaving)
		return;
	/* A standby's service is stopped, whoever left it running. */
	if (!p->started && p->service.state == SERVICE_UNKNOWN &&
	    p->service.job == 0)
		job_want(el, p, false, p->stored_term);
	if (!p->started && p->configured) {
		p->started = true;
		pair_step(el, p, &start);
		data_feed(el, p);
		keep_ceiling(el, p);
		/* Its answer tells what is really on the interface. */
		(void)tell(el, &el->actuator, &release);
	}
	pair_link_check(el, p);
	pair_due(el, p);
}

/* Interface and own address there, socket open: adverts can pass. */
static bool
wire_is_up(struct elector *el, const struct pair *p)
{
	const struct port *port = port_of(el, p->link.ifindex);

	return p->configured && p->link.ifindex != 0 &&
	    p->link.self == p->self && p->link.up && p->link.carrier &&
	    port != NULL && port->advert != -1;
}

void
pair_link_check(struct elector *el, struct pair *p)
{
	const bool wire = wire_is_up(el, p);
	const bool up = wire && p->link.tracked_down == 0;
	struct event ev = { .type = EVENT_LINK, .link.up = up };

	if (mono_is_set(p->import_wait)) {
		if (!up && !mono_reached(el->now, p->import_wait))
			return;
		p->import_wait = MONO_NEVER;
	}
	if (!p->started || up == p->link_up || (wire && p->link_closing))
		return;
	if (wire && !up && p->election.state == STATE_ACTIVE) {
		/* Only a tracked interface is down: leave in order. */
		p->link_closing = true;
		ev.link.hand_over = true;
		pair_step(el, p, &ev);
		return;
	}
	p->link_closing = false;
	p->link_up = up;
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_LINK,
		.old = !up,
		.new_ = up,
	});
	pair_step(el, p, &ev);
}

/* We are another node of the pair than we thought, or know it at last. */
static void
new_self(struct elector *el, struct pair *p, uint8_t self)
{
	struct event ev = { .type = EVENT_CONFIG };

	p->self = self;
	pair_configure(el, p);
	if (p->started)
		pair_step(el, p, &ev);
	data_feed(el, p);
}

void
pair_link(struct elector *el, struct pair *p, const struct msg_link *m)
{
	bool other = m->ifindex != p->link.ifindex;

	p->link = *m;
	if (m->self != LINK_SELF_NONE && m->self != p->self)
		new_self(el, p, m->self);
	if (other)
		ports_index(el);
	port_want(el, p);
	pair_begin(el, p);
}

void
pair_maintenance(struct elector *el, struct pair *p, bool on,
    int64_t until_wall_s, const char *reason)
{
	struct event ev = { .type = EVENT_MAINTENANCE, .maintenance.on = on };
	size_t i;

	p->maint_on = on;
	p->maint_until_wall_s = on ? until_wall_s : 0;
	p->maint_end = MONO_NEVER;
	if (p->maint_until_wall_s != 0)
		p->maint_end = mono_after(el->now,
		    until_wall_s * NS_PER_S - el->wall_ns);
	memset(p->maint_reason, 0, sizeof(p->maint_reason));
	for (i = 0; on && i < MAINT_REASON_MAX - 1 && reason[i] != '\0'; i++)
		p->maint_reason[i] = reason[i] >= ' ' && reason[i] <= '~' ?
		    reason[i] : '?';
	keep_maint(el, p);
	if (p->started)
		pair_step(el, p, &ev);
	pair_due(el, p);
}

void
pair_timers(struct elector *el, struct pair *p)
{
	struct event ev = { .type = EVENT_TIMER };

	if (mono_reached(el->now, p->maint_end))
		pair_maintenance(el, p, false, 0, "");
	if (mono_reached(el->now, p->retry))
		keep_owed(el, p);
	if (mono_reached(el->now, p->want_socket))
		port_want(el, p);
	if (p->floors_changed != 0)
		keep_floors(el, p, false);
	job_timer(el, p);
	if (mono_reached(el->now, p->word_retry))
		word_say(el, p);
	if (mono_reached(el->now, p->import_wait))
		pair_link_check(el, p);
	if (p->started && !mono_is_set(p->import_wait) &&
	    mono_reached(el->now, election_deadline(&p->election)))
		pair_step(el, p, &ev);
	pair_due(el, p);
}

void
pair_due(struct elector *el, struct pair *p)
{
	mono_t due = p->import_wait;

	if (p->started && !mono_is_set(p->import_wait))
		due = election_deadline(&p->election);
	due = mono_first(due, p->service.due);
	due = mono_first(due, p->plan.due);
	due = mono_first(due, p->word_retry);
	due = mono_first(due, p->retry);
	due = mono_first(due, p->want_socket);
	due = mono_first(due, p->maint_end);
	if (p->floors_changed != 0)
		due = mono_first(due, mono_after(p->floors_sent, NS_PER_S));
	el->due[p->index] = due.ns;
}
