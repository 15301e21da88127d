/* SPDX-License-Identifier: ISC */

/*
 * Elector: what is wrong with a pair.  Derived from the state when somebody
 * asks, so that nothing has to be remembered, and nothing stays when its
 * cause is gone.  Changes nothing.
 */

#include <string.h>

#include "problems.h"

#define LINGER_NS	(10 * NS_PER_S)	/* after the last time it was seen */
#define STRIPPED_NS	(60 * NS_PER_S)
#define UNHEARD_NS	(30 * NS_PER_S)	/* a standby cannot try again */
#define LOADS_MAX	2	/* one may fail because the head moved on */

static struct ctl_problem *
add(struct problems *out, enum problem number)
{
	struct ctl_problem *r = &out->p[out->n++];

	memset(r, 0, sizeof(*r));
	r->number = number;
	r->age_ns = CTL_AGE_UNKNOWN;
	return r;
}

/* Seen within ten seconds or three intervals, whichever is longer. */
static bool
is_recent(const struct elector *el, const struct pair *p,
    const struct recent *seen)
{
	int64_t linger = 3 * NS_PER_MS *
	    (int64_t)pair_conf(el, p)->interval_ms;

	if (linger < LINGER_NS)
		linger = LINGER_NS;
	return mono_is_set(seen->last) &&
	    mono_span_ns(seen->last, el->now) <= linger;
}

/* NULL when it was not seen lately. */
static struct ctl_problem *
find_recent(const struct elector *el, const struct pair *p,
    struct problems *out, enum problem number, const struct recent *seen)
{
	struct ctl_problem *r;

	if (!is_recent(el, p, seen))
		return NULL;
	r = add(out, number);
	r->age_ns = mono_span_ns(seen->first, el->now);
	r->address = seen->src;
	r->value[0] = seen->n;
	return r;
}

static void
add_recent(const struct elector *el, const struct pair *p,
    struct problems *out, enum problem number, const struct recent *seen)
{
	(void)find_recent(el, p, out, number, seen);
}

static void
add_alarm(const struct pair *p, struct problems *out, enum problem number,
    uint32_t alarm)
{
	if ((p->election.alarms & alarm) != 0)
		(void)add(out, number);
}

/* The interface is asked for by name: for this node, or for all of them. */
static bool
names_interface(const struct elector *el, const struct pair *p)
{
	const struct conf_pair *cp = pair_conf(el, p);
	uint32_t i;

	if (cp->interface != 0)
		return true;
	for (i = 0; i < cp->nnodes; i++)
		if ((p->self == ELECTION_NODE_NONE || p->self == i) &&
		    conf_pair_node(el->conf, cp, i)->interface != 0)
			return true;
	return false;
}

static void
link_problems(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	const struct msg_link *l = &p->link;

	/* The actuator has not spoken yet: nothing is known. */
	if (l->head.type == MSG_NONE)
		return;
	if (l->ifindex == 0 && names_interface(el, p)) {
		(void)add(out, PROBLEM_INTERFACE_MISSING);
		return;
	}
	if (l->self == LINK_SELF_NONE) {
		(void)add(out, PROBLEM_OWN_ADDRESS_MISSING);
		return;
	}
	if (!l->up || !l->carrier)
		add(out, PROBLEM_LINK_DOWN)->value[0] = l->up;
	if (l->tracked_down != 0)
		add(out, PROBLEM_TRACK_DOWN)->value[0] = l->tracked_down;
	if (!l->prefix_ok)
		(void)add(out, PROBLEM_PREFIX);
}

/* Nobody is active, as far as can be heard from here. */
static bool
nobody(const struct elector *el, const struct pair *p)
{
	const struct election *e = &p->election;
	const enum role role = election_role(e);
	mono_t since;

	if (!p->started || !p->link_up || role == ROLE_ACTIVE ||
	    e->state == STATE_CLAIM)
		return false;
	since = mono_is_set(e->heard) && e->heard.ns > e->since.ns ?
	    e->heard : e->since;
	if (!mono_is_set(since))
		since = p->ready_at;
	return mono_span_ns(since, el->now) >
	    election_down_ns(e, &p->cfg) + p->cfg.interval_ns;
}

/* Seen by the standby, from what we say by the other path. */
static bool
partner_is_deaf(const struct elector *el, const struct pair *p)
{
	return p->election.state == STATE_ACTIVE && p->partner.deaf != 0 &&
	    partner_speaks(el, p);
}

static void
election_problems(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	struct ctl_problem *r;

	add_alarm(p, out, PROBLEM_DUAL_ACTIVE, ALARM_DUAL_ACTIVE);
	if ((p->election.alarms & ALARM_HEARTBEAT_BLOCKED) != 0 ||
	    partner_is_deaf(el, p) ||
	    (mono_is_set(p->unheard.last) &&
	    mono_span_ns(p->unheard.last, el->now) <= UNHEARD_NS))
		(void)add(out, PROBLEM_HEARTBEAT_BLOCKED);
	add_alarm(p, out, PROBLEM_FLAPPING, ALARM_FLAPPING);
	if (nobody(el, p))
		(void)add(out, PROBLEM_NOBODY);
	if ((p->election.alarms & ALARM_TERM_JUMP) != 0 ||
	    is_recent(el, p, &p->drop[ADVERT_EPOCH]))
		(void)add(out, PROBLEM_TERM_JUMP);
	if ((p->election.alarms & ALARM_SEND_FAILS) != 0 ||
	    p->socket_error != 0)
		add(out, PROBLEM_SEND_FAILS)->error = p->socket_error != 0 ?
		    p->socket_error : p->send_error;
	if ((p->election.alarms & ALARM_NOT_DURABLE) != 0 ||
	    p->not_durable || el->keeper_late || p->keep_error != 0)
		add(out, PROBLEM_NOT_DURABLE)->error = p->keep_error;
	if (is_recent(el, p, &p->hold_failed) && p->hold_error != 0) {
		r = add(out, PROBLEM_HOLD_FAILS);
		r->error = p->hold_error;
		r->age_ns = mono_span_ns(p->hold_failed.first, el->now);
	}
	if (!p->maint_on)
		return;
	r = add(out, PROBLEM_MAINTENANCE);
	r->value[0] = (uint64_t)p->maint_until_wall_s;
}

static void
address_problems(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	const struct recent *lost = &p->stripped;
	const uint16_t unmarked = p->link.unmarked;
	struct ctl_problem *r;

	/* While we hold it, it is where it belongs. */
	if (unmarked != 0 && !pair_holds(p)) {
		r = add(out, PROBLEM_ADDRESS_UNMARKED);
		r->address = *conf_pair_addr(el->conf, pair_conf(el, p),
		    unmarked - 1);
	}
	if (mono_is_set(lost->last) &&
	    mono_span_ns(lost->last, el->now) <= STRIPPED_NS) {
		r = add(out, PROBLEM_ADDRESS_STRIPPED);
		r->age_ns = mono_span_ns(lost->first, el->now);
		r->value[0] = lost->n;
		r->value[1] = p->link.foreign_manager;
	}
	if (!is_recent(el, p, &p->arp_conflict))
		return;
	r = add(out, PROBLEM_ADDRESS_CONFLICT);
	r->age_ns = mono_span_ns(p->arp_conflict.first, el->now);
	r->address = p->arp_conflict.src;
	r->value[0] = p->arp_conflict.n;
	memcpy(r->mac, p->conflict_mac, sizeof(r->mac));
}

/* The latest of several verdicts that mean the same to a reader. */
static const struct recent *
latest(const struct pair *p, const enum verdict *v, uint32_t n)
{
	const struct recent *best = &p->drop[v[0]];
	uint32_t i;

	for (i = 1; i < n; i++)
		if (p->drop[v[i]].last.ns > best->last.ns)
			best = &p->drop[v[i]];
	return best;
}

static void
advert_problems(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	static const enum verdict auth[] = {
		ADVERT_AUTH, ADVERT_KEY_UNKNOWN, ADVERT_AUTH_TYPE,
	};
	static const enum verdict other[] = {
		ADVERT_OTHER_PROTOCOL, ADVERT_VERSION,
	};
	const struct recent *interval = &p->drop[ADVERT_INTERVAL];
	const struct recent *plain = &p->drop[ADVERT_UNSIGNED];
	struct ctl_problem *r;

	add_recent(el, p, out, PROBLEM_VHID_COLLISION, &p->collision);
	r = find_recent(el, p, out, PROBLEM_OTHER_PROTOCOL,
	    latest(p, other, 2));
	if (r != NULL)
		r->value[1] = p->other_protocol;
	add_recent(el, p, out, PROBLEM_AUTH_FAILS, latest(p, auth, 3));
	if (p->other_interval.last.ns > interval->last.ns)
		interval = &p->other_interval;
	add_recent(el, p, out, PROBLEM_INTERVAL_MISMATCH, interval);
	add_recent(el, p, out, PROBLEM_REPLAY, &p->drop[ADVERT_REPLAY]);
	if (p->unsigned_partner.last.ns > plain->last.ns)
		plain = &p->unsigned_partner;
	add_recent(el, p, out, PROBLEM_UNSIGNED_PARTNER, plain);
	add_recent(el, p, out, PROBLEM_ADDRESS_LIST, &p->other_list);
}

static void
standing_problems(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	const struct conf_pair *cp = pair_conf(el, p);

	/* Beside a foreign node on VRRP keys sign nothing. */
	if (pair_secret(el, p)->nkeys == 0 ? !(p->configured &&
	    p->cfg.any_foreign) : p->configured && !p->cfg.signs &&
	    cp->auth_mode != AUTH_RECEIVE_ONLY)
		add(out, PROBLEM_UNAUTHENTICATED)->value[0] =
		    pair_secret(el, p)->has_carp;
	if (cp->interval_ms < 1000)
		add(out, PROBLEM_FROZEN_ANSWER)->value[0] = cp->interval_ms;
	if (el->unfiltered)
		(void)add(out, PROBLEM_SANDBOX_WEAK);
}

static void
service_problems(const struct pair *p, struct problems *out)
{
	const bool failed = p->service.state == SERVICE_FAILED ||
	    (election_role(&p->election) == ROLE_FAULTED &&
	    p->election.faulted);
	struct ctl_problem *r;

	/*
	 * Handed over and stopped since, it is still why we are faulted; but
	 * with data that did not come, it was not the service that failed.
	 */
	if (p->service.stop_failed || (failed && p->service.failed_step == 0)) {
		r = add(out, PROBLEM_SERVICE_FAILED);
		r->value[0] = p->service.failed_check;
		r->value[1] = p->service.stop_failed;
	}
	if (p->service.state == SERVICE_UNHEALTHY || p->service.fails > 0) {
		r = add(out, PROBLEM_SERVICE_UNHEALTHY);
		r->value[0] = p->service.failed_check;
		r->value[1] = p->service.fails;
	}
}

/* What BEGIN, LOAD or WRITE of the last takeover, or a loader here, met. */
static void
load_problem(const struct pair *p, struct problems *out)
{
	struct ctl_problem *r;

	if (p->service.failed_step != 0) {
		r = add(out, PROBLEM_LOAD_FAILED);
		if (p->service.failed_step == JOB_LOAD)
			r->value[0] = p->service.failed_status;
		r->value[1] = p->service.failed_step;
	} else if (p->plan.failed == JOB_SETTLE ||
	    (p->plan.failed != 0 && p->plan.fails >= LOADS_MAX)) {
		r = add(out, PROBLEM_LOAD_FAILED);
		r->value[0] = p->plan.status;
		r->value[1] = p->plan.failed;
	}
}

static void
data_problems(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	const bool told = mono_is_set(p->data_at);
	const bool mirror = el->mirror.fd != -1;
	struct ctl_problem *r;

	if (!pair_conf(el, p)->has_sync)
		return;
	if (p->started && !p->election.data_ready && !pair_holds(p)) {
		r = add(out, PROBLEM_DATA_NOT_READY);
		r->value[0] = told ? p->data.state : DATA_STATES;
	}
	load_problem(p, out);
	/* Not there, says nothing, or owes an answer. */
	if ((!mirror && mono_span_ns(el->mirror_gone, el->now) >=
	    MIRROR_WAIT_NS) || (mirror && !told && p->started &&
	    mono_span_ns(p->ready_at, el->now) >= MIRROR_WAIT_NS) ||
	    p->service.end_late || p->service.failed_late) {
		r = add(out, PROBLEM_MIRROR_DOWN);
		r->value[0] = mirror;
		r->value[1] = p->service.end_late ? JOB_END :
		    p->service.failed_late ? p->service.failed_step : 0;
	}
}

static void
flood_problem(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	uint32_t i;

	for (i = 0; i < PORTS_MAX; i++)
		if (p->link.ifindex != 0 &&
		    el->port[i].ifindex == p->link.ifindex)
			add_recent(el, p, out, PROBLEM_FLOOD,
			    &el->port[i].flood);
}

static void
sort(struct problems *out)
{
	uint32_t i, k;

	for (i = 1; i < out->n; i++) {
		struct ctl_problem moved = out->p[i];

		for (k = i; k > 0 && out->p[k - 1].number > moved.number; k--)
			out->p[k] = out->p[k - 1];
		out->p[k] = moved;
	}
}

void
problems_of(const struct elector *el, const struct pair *p,
    struct problems *out)
{
	out->n = 0;
	election_problems(el, p, out);
	link_problems(el, p, out);
	address_problems(el, p, out);
	advert_problems(el, p, out);
	standing_problems(el, p, out);
	service_problems(p, out);
	data_problems(el, p, out);
	flood_problem(el, p, out);
	sort(out);
}
