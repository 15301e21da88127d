/* SPDX-License-Identifier: ISC */

/*
 * Elector: answers as records, one at a time, so that the longest answer
 * needs no more room than one record.  Every value comes from the state the
 * machine runs by and from the same functions; what is not known is said to
 * be unknown, never an old value.
 */

#include <assert.h>
#include <string.h>

#include "elector.h"
#include "problems.h"
#include "version.h"

enum stage {
	STAGE_PAIR = 0,
	STAGE_ADDR,
	STAGE_PEER,
	STAGE_DATA,
	STAGE_PROBLEM,
};

static_assert(sizeof(struct ctl_pair) <= RECORD_MAX, "a record fits");
static_assert(sizeof(struct ctl_advert) <= RECORD_MAX, "a record fits");

static int64_t
age(const struct elector *el, mono_t t)
{
	if (!mono_is_set(t))
		return CTL_AGE_UNKNOWN;
	return t.ns < el->now.ns ? mono_span_ns(t, el->now) : 0;
}

static struct ctl_head
head(enum ctl_record type, size_t size, uint32_t pair)
{
	return (struct ctl_head){
		.type = (uint16_t)type, .size = (uint16_t)size, .pair = pair,
	};
}

static void
copy_text(char *to, size_t size, const char *from)
{
	(void)fmt_into(to, size, "%s", from);
}

static void
say_node(const struct elector *el, struct ctl_node *r)
{
	r->head = head(CTL_NODE, sizeof(*r), CTL_PAIR_ALL);
	copy_text(r->version, sizeof(r->version), VIPAIR_VERSION);
	r->npairs = el->conf->npairs;
	r->conf_serial = el->conf->serial;
	r->conf_fingerprint = el->conf->fingerprint;
	r->unfiltered = el->unfiltered;
	r->uptime_ns = age(el, el->began);
	r->realtime = el->realtime;
	r->log_dropped = log_dropped();
}

static uint8_t
authenticated(const struct elector *el, const struct pair *p)
{
	if (p->configured && p->cfg.signs &&
	    pair_conf(el, p)->auth_mode == AUTH_ENFORCE)
		return CTL_AUTH_SIGNED;
	if (pair_conf(el, p)->protocol == PROTOCOL_CARP &&
	    pair_secret(el, p)->has_carp)
		return CTL_AUTH_CARP;
	return CTL_AUTH_NONE;
}

static void
say_role(const struct elector *el, const struct pair *p, struct ctl_pair *r)
{
	const struct election *e = &p->election;

	r->self = p->self;
	r->role = (uint8_t)election_role(e);
	r->state = e->state;
	r->reason = p->started ? p->reason : REASON_START;
	r->maintenance = p->maint_on;
	r->term = e->term;
	r->alarms = e->alarms;
	r->lease_s = p->configured ? p->cfg.lease_s : 0;
	r->since_ns = age(el, mono_is_set(e->since) ? e->since : p->ready_at);
	r->takeover_least_ns = r->takeover_most_ns = CTL_AGE_UNKNOWN;
	if (p->configured)
		election_takeover_ns(e, &p->cfg, &r->takeover_least_ns,
		    &r->takeover_most_ns);
	r->sent_ns = age(el, e->sent);
	r->heard_ns = age(el, e->heard);
	r->heard_node = e->heard_node;
	/* An active that fell silent is nobody's active any more. */
	if (!p->configured || !mono_is_set(e->heard) ||
	    r->heard_ns > election_down_ns(e, &p->cfg))
		r->heard_node = ELECTION_NODE_NONE;
	memcpy(r->maint_reason, p->maint_reason, sizeof(r->maint_reason));
	r->maint_until_wall_s = p->maint_until_wall_s;
}

static void
say_service(const struct elector *el, const struct pair *p,
    struct ctl_pair *r)
{
	const struct conf_service *s = &pair_conf(el, p)->service;

	r->service_kind = s->kind;
	r->service_state = p->service.state;
	r->service_healthy_ns = p->service.state == SERVICE_RUNNING ?
	    age(el, p->service.healthy) : CTL_AGE_UNKNOWN;
	r->service_start_took_ns = p->service.start_took_ns;
	copy_text(r->service_unit, sizeof(r->service_unit),
	    conf_string(el->conf, s->kind == SERVICE_UNIT ? s->unit :
	    s->start));
}

static void
say_counters(struct elector *el, const struct pair *p, struct ctl_pair *r)
{
	const struct port *port = port_of(el, p->link.ifindex);

	r->count_sent = p->sent;
	r->count_accepted = p->accepted;
	static_assert(sizeof(r->count_dropped) == sizeof(p->dropped),
	    "one counter per verdict");
	memcpy(r->count_dropped, p->dropped, sizeof(r->count_dropped));
	/* Ids of nobody here are counted per interface. */
	if (port != NULL)
		r->count_dropped[ADVERT_OTHER_VHID] += port->other_vhid;
	r->count_arp_conflicts = p->arp_conflicts;
}

static void
say_pair(struct elector *el, const struct pair *p, struct ctl_pair *r)
{
	const struct conf_pair *cp = pair_conf(el, p);
	conf_str interface = cp->interface;

	r->head = head(CTL_PAIR, sizeof(*r), p->index);
	copy_text(r->name, sizeof(r->name), conf_string(el->conf, cp->name));
	if (p->self != ELECTION_NODE_NONE &&
	    conf_pair_node(el->conf, cp, p->self)->interface != 0)
		interface = conf_pair_node(el->conf, cp, p->self)->interface;
	copy_text(r->interface, sizeof(r->interface),
	    conf_string(el->conf, interface));
	r->protocol = cp->protocol;
	r->vhid = cp->vhid;
	r->interval_ms = cp->interval_ms;
	r->authenticated = authenticated(el, p);
	r->link_up = p->link_up;
	r->ifindex = p->link.ifindex;
	say_role(el, p, r);
	say_service(el, p, r);
	say_counters(el, p, r);
}

static void
say_addr(const struct elector *el, const struct pair *p, uint32_t i,
    struct ctl_addr *r)
{
	bool present = (p->addr_present[i / 8] >> (i % 8) & 1) != 0;

	r->head = head(CTL_ADDR, sizeof(*r), p->index);
	r->address = *conf_pair_addr(el->conf, pair_conf(el, p), i);
	r->lease_left_ns = CTL_AGE_UNKNOWN;
	/* Beyond the lease nobody has confirmed it: then it is not known. */
	if (!p->addr_known || (present &&
	    mono_span_ns(el->now, p->lease_end) < 0)) {
		r->present = 2;
		return;
	}
	r->present = present;
	if (present)
		r->lease_left_ns = mono_span_ns(el->now, p->lease_end);
}

/* No advert of it: what it says by ssh, if it says anything. */
static void
peer_by_word(const struct elector *el, const struct pair *p, uint8_t i,
    struct ctl_peer *r)
{
	if (!partner_speaks(el, p) || p->partner.node != i)
		return;
	r->role = p->partner.role;
	r->heard_ns = age(el, p->partner_at);
}

static void
say_peer(const struct elector *el, const struct pair *p, uint8_t i,
    struct ctl_peer *r)
{
	const struct conf_node *n = conf_pair_node(el->conf,
	    pair_conf(el, p), i);
	const struct election *e = &p->election;

	r->head = head(CTL_PEER, sizeof(*r), p->index);
	copy_text(r->name, sizeof(r->name), conf_string(el->conf, n->name));
	r->address = n->address;
	r->node = i;
	r->self = p->self == i;
	r->foreign = n->foreign;
	r->prefer = n->prefer;
	r->role = 0xff;
	r->heard_ns = r->role_since_ns = CTL_AGE_UNKNOWN;
	if (r->self) {
		r->role = (uint8_t)election_role(e);
		r->role_since_ns = age(el, mono_is_set(e->since) ? e->since :
		    p->ready_at);
		return;
	}
	r->heard_ns = age(el, p->node_heard[i]);
	if (!p->configured || r->heard_ns == CTL_AGE_UNKNOWN ||
	    r->heard_ns > election_down_ns(e, &p->cfg)) {
		peer_by_word(el, p, i, r);
		return;
	}
	/* Only an active node sends adverts. */
	r->role = ROLE_ACTIVE;
	r->role_since_ns = age(el, p->node_since[i]);
}

static void
say_data(const struct elector *el, const struct pair *p, struct ctl_data *r)
{
	r->head = head(CTL_DATA, sizeof(*r), p->index);
	r->age_ns = age(el, p->data_at);
	r->data = p->data;
	r->partner_age_ns = age(el, p->partner_at);
	r->partner = p->partner;
	r->step = service_is_mirrors(p->service.job) ||
	    p->service.job == JOB_LOAD ? p->service.job : p->plan.job;
	r->load_took_ms = p->service.load_took_ms;
}

/* The next problem from number cur->i on; 0 when there is none. */
static size_t
next_problem(const struct elector *el, const struct pair *p,
    struct cursor *cur, struct ctl_problem *r)
{
	struct problems all;
	uint32_t i;

	problems_of(el, p, &all);
	for (i = 0; i < all.n; i++) {
		if (all.p[i].number < cur->i)
			continue;
		*r = all.p[i];
		r->head = head(CTL_PROBLEM, sizeof(*r), p->index);
		cur->i = r->number + 1;
		return sizeof(*r);
	}
	return 0;
}

static size_t
next_of_pair(struct elector *el, struct cursor *cur, void *buf)
{
	const struct pair *p = pair_at(el, cur->pair);
	const struct conf_pair *cp = pair_conf(el, p);
	size_t n;

	switch ((enum stage)cur->stage) {
	case STAGE_PAIR:
		say_pair(el, p, buf);
		cur->stage = STAGE_ADDR;
		cur->i = 0;
		return sizeof(struct ctl_pair);
	case STAGE_ADDR:
		if (cur->i < cp->naddrs) {
			say_addr(el, p, cur->i++, buf);
			return sizeof(struct ctl_addr);
		}
		cur->stage = STAGE_PEER;
		cur->i = 0;
		__attribute__((fallthrough));
	case STAGE_PEER:
		if (cur->i < cp->nnodes) {
			say_peer(el, p, (uint8_t)cur->i++, buf);
			return sizeof(struct ctl_peer);
		}
		cur->stage = STAGE_DATA;
		__attribute__((fallthrough));
	case STAGE_DATA:
		cur->stage = STAGE_PROBLEM;
		cur->i = 0;
		if (cp->has_sync) {
			say_data(el, p, buf);
			return sizeof(struct ctl_data);
		}
		__attribute__((fallthrough));
	case STAGE_PROBLEM:
		n = next_problem(el, p, cur, buf);
		if (n > 0)
			return n;
		break;
	}
	cur->stage = STAGE_PAIR;
	cur->pair++;
	return 0;
}

static size_t
next_status(struct elector *el, struct cursor *cur, void *buf)
{
	size_t n = 0;

	/* A reload in between: indices mean others now; the rest is left. */
	if (cur->serial != el->conf->serial) {
		cur->done = true;
		return 0;
	}
	if (cur->seen == 0) {
		cur->seen = 1;
		say_node(el, buf);
		return sizeof(struct ctl_node);
	}
	while (n == 0 && cur->pair < cur->last)
		n = next_of_pair(el, cur, buf);
	cur->done = n == 0;
	return n;
}

static size_t
next_event(const struct elector *el, struct cursor *cur, void *buf)
{
	struct ctl_event *e = buf;

	if (cur->seen < note_first(el))
		cur->seen = note_first(el);
	while (cur->seen < el->nevents) {
		note_read(el, cur->seen++, e);
		if (e->head.pair == CTL_PAIR_ALL ||
		    (e->head.pair >= cur->pair && e->head.pair < cur->last))
			return sizeof(*e);
	}
	cur->done = true;
	return 0;
}

static size_t
next_history(const struct elector *el, struct cursor *cur, void *buf)
{
	const uint64_t first = el->nhistory < HISTORY_MAX ? 0 :
	    el->nhistory - HISTORY_MAX;
	struct ctl_history *r = buf;

	if (cur->seen < first)
		cur->seen = first;
	while (cur->seen < el->nhistory) {
		const struct msg_keep_history *h =
		    &el->history[cur->seen++ % HISTORY_MAX];

		if (h->head.pair < cur->pair || h->head.pair >= cur->last)
			continue;
		r->head = head(CTL_HISTORY, sizeof(*r), h->head.pair);
		r->entry = *h;
		return sizeof(*r);
	}
	cur->done = true;
	return 0;
}

/* "Now" for one who subscribes: the present role of each pair. */
static size_t
next_present(struct elector *el, struct cursor *cur, void *buf)
{
	struct ctl_event *e = buf;
	const struct pair *p;

	if (cur->serial != el->conf->serial || cur->pair >= cur->last) {
		cur->done = true;
		return 0;
	}
	p = pair_at(el, cur->pair++);
	e->head = head(CTL_EVENT, sizeof(*e), p->index);
	e->kind = CTL_EVENT_ROLE;
	e->old = e->new_ = (uint8_t)election_role(&p->election);
	e->reason = p->reason;
	e->node = p->election.heard_node;
	e->term = p->election.term;
	e->age_ns = age(el, mono_is_set(p->election.since) ?
	    p->election.since : p->ready_at);
	e->wall_ns = el->wall_ns - e->age_ns;
	return sizeof(*e);
}

size_t
status_next(struct elector *el, struct cursor *cur,
    uint8_t buf[static RECORD_MAX])
{
	memset(buf, 0, RECORD_MAX);
	switch (cur->command) {
	case CTL_GET_STATUS:
		return next_status(el, cur, buf);
	case CTL_GET_EVENTS:
		return next_event(el, cur, buf);
	case CTL_GET_HISTORY:
		return next_history(el, cur, buf);
	case CTL_SUBSCRIBE:
		return next_present(el, cur, buf);
	default:
		cur->done = true;
		return 0;
	}
}
