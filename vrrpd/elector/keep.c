/* SPDX-License-Identifier: ISC */

/*
 * Elector: what the keeper is to write: terms, ceilings, floors, history,
 * maintenance.  What it cannot take now is owed and sent a little later;
 * nothing here ever waits for the disk.
 */

#include <string.h>

#include "elector.h"

static void
owe(struct elector *el, struct pair *p, uint32_t what)
{
	p->owed |= what;
	p->retry = mono_after(el->now, RETRY_NS);
}

static void
send_term(struct elector *el, struct pair *p)
{
	union msg m = { .keep_term = {
		.head = head_for(el, MSG_KEEP_TERM, p),
		.term = p->keep_term,
		.node = p->cfg.node[p->self].id,
	} };

	if (!tell(el, &el->keeper, &m))
		owe(el, p, OWED_TERM);
}

void
keep_term(struct elector *el, struct pair *p, uint32_t term)
{
	p->keep_term = term;
	send_term(el, p);
}

void
keep_ceiling(struct elector *el, struct pair *p)
{
	union msg m = { .keep_seq = {
		.head = head_for(el, MSG_KEEP_CEILING, p),
		.node = p->self,
	} };

	if (!p->cfg.signs || !seq_wants(&p->seq, el->wall_ns,
	    p->cfg.interval_ns, &m.keep_seq.seq))
		return;
	if (tell(el, &el->keeper, &m))
		seq_asked(&p->seq, m.keep_seq.seq);
	else
		owe(el, p, OWED_CEILING);
}

/*
 * What moves the role must never be heard twice, not even across a power
 * cut: it is stored at once, as is every advert of a slow pair.  Of fast
 * ones the last second's may be lost; each could re-arm a timer once.
 */
void
keep_floors(struct elector *el, struct pair *p, bool at_once)
{
	uint32_t i;

	if (!at_once && p->cfg.interval_ns < NS_PER_S &&
	    mono_is_set(p->floors_sent) &&
	    mono_span_ns(p->floors_sent, el->now) < NS_PER_S)
		return;
	for (i = 0; i < CONF_NODES_PER_PAIR_MAX; i++) {
		union msg m = { .keep_seq = {
			.head = head_for(el, MSG_KEEP_FLOOR, p),
			.seq = p->floor[i],
			.node = i,
		} };

		if ((p->floors_changed & 1u << i) == 0)
			continue;
		if (!tell(el, &el->keeper, &m))
			break;
		p->floors_changed &= ~(1u << i);
	}
	p->floors_sent = el->now;
}

void
keep_maint(struct elector *el, struct pair *p)
{
	union msg m = { .keep_maint = {
		.head = head_for(el, MSG_KEEP_MAINT, p),
		.on = p->maint_on,
		.until_wall_s = p->maint_until_wall_s,
	} };

	memcpy(m.keep_maint.reason, p->maint_reason, MAINT_REASON_MAX);
	if (!tell(el, &el->keeper, &m))
		owe(el, p, OWED_MAINT);
}

/* Tries once more, all that is owed. */
void
keep_owed(struct elector *el, struct pair *p)
{
	const uint32_t owed = p->owed;
	union msg m = { .head = head_for(el, MSG_RELEASE, p) };

	p->owed = 0;
	p->retry = MONO_NEVER;
	if ((owed & OWED_TERM) != 0 && p->keep_term != 0)
		send_term(el, p);
	if ((owed & OWED_CEILING) != 0)
		keep_ceiling(el, p);
	if ((owed & OWED_FLOORS) != 0)
		keep_floors(el, p, true);
	if ((owed & OWED_MAINT) != 0)
		keep_maint(el, p);
	if ((owed & OWED_RELEASE) != 0 &&
	    p->election.state == STATE_RELEASING &&
	    !tell(el, &el->actuator, &m))
		owe(el, p, OWED_RELEASE);
}

void
history_add(struct elector *el, const struct msg_keep_history *h)
{
	el->history[el->nhistory++ % HISTORY_MAX] = *h;
}

static void
history_close(struct elector *el, struct pair *p)
{
	union msg m = { .keep_history = p->history };

	p->history_open = false;
	history_add(el, &m.keep_history);
	(void)tell(el, &el->keeper, &m);
}

/*
 * Into active, the record waits until the address is up, because only then
 * the length of the outage is known, and then for the data.
 */
void
history_role(struct elector *el, struct pair *p, const struct action *a)
{
	const bool in = a->role.new_role == ROLE_ACTIVE;
	const bool out = a->role.old_role == ROLE_ACTIVE;

	if (p->history_open)
		history_close(el, p);
	if (!in && !out)
		return;
	p->history = (struct msg_keep_history){
		.head = head_for(el, MSG_KEEP_HISTORY, p),
		.wall_s = el->wall_ns / NS_PER_S,
		.term = a->role.term,
		.old_role = (uint8_t)a->role.old_role,
		.new_role = (uint8_t)a->role.new_role,
		.from_node = in ? p->election.heard_node : p->self,
		.to_node = in ? p->self : p->election.heard_node,
		.reason = a->role.reason,
		.outage_ms = UINT32_MAX,
		.data_age_ms = UINT32_MAX,
	};
	p->history_open = true;
	p->history_held = false;
	/* Told to go: the address was held until that very word. */
	p->silent_ns = a->role.reason == REASON_GO_NOW ? 0 :
	    a->role.silent_ns;
	p->role_at = el->now;
	if (out)
		history_close(el, p);
}

void
history_held(struct elector *el, struct pair *p)
{
	int64_t ms;

	if (!p->history_open || p->history_held)
		return;
	p->history_held = true;
	/* Rounded up: no takeover is without any. */
	ms = (p->silent_ns + mono_span_ns(p->role_at, el->now)) / NS_PER_MS +
	    1;
	if (p->history.from_node != ELECTION_NODE_NONE && p->silent_ns >= 0 &&
	    ms < UINT32_MAX)
		p->history.outage_ms = (uint32_t)ms;
	if (!p->service_cfg.data)
		history_close(el, p);
}

/* How old what was loaded is; live data that stayed are of this moment. */
static uint32_t
data_age_ms(const struct elector *el, const struct pair *p)
{
	const int64_t age_ns = el->wall_ns - p->data.made_wall_ns;

	if (p->service.failed_step != 0)
		return UINT32_MAX;
	if (!p->service.loaded)
		return 0;
	if (!mono_is_set(p->data_at) || p->data.made_wall_ns == 0 ||
	    age_ns / NS_PER_MS >= UINT32_MAX)
		return UINT32_MAX;
	return age_ns < 0 ? 0 : (uint32_t)(age_ns / NS_PER_MS);
}

void
history_data(struct elector *el, struct pair *p)
{
	if (!p->history_open || p->history.new_role != ROLE_ACTIVE)
		return;
	p->history.data_age_ms = data_age_ms(el, p);
	history_close(el, p);
}
