/* SPDX-License-Identifier: ISC */

/*
 * Elector: what an operator may change through control.sock.  Each request
 * is answered at once; what it sets in motion is seen in the events.
 */

#include "elector.h"

static struct ctl_result
result(enum ctl_code code, uint8_t node)
{
	return (struct ctl_result){
		.head = {
			.type = CTL_RESULT,
			.size = sizeof(struct ctl_result),
		},
		.code = code,
		.node = node,
	};
}

static const char *
request_name(const struct ctl_request *rq)
{
	switch (rq->command) {
	case CTL_HANDOVER:
		return "handover";
	case CTL_RELOAD_DATA:
		return "its data to be loaded anew";
	case CTL_ASK:
		switch (rq->arg[0]) {
		case ASK_SYNC:
			return "a sync now";
		case ASK_DISMISS:
			return "a branch to be dismissed";
		case ASK_ADOPT:
			return "a branch to be adopted";
		case ASK_RESTORE:
			return "an older generation";
		default:
			return "a takeover with the data there are";
		}
	default:
		return rq->arg[0] != 0 ? "maintenance on" : "maintenance off";
	}
}

static void
note_operator(struct elector *el, const struct pair *p,
    const struct ctl_request *rq, uid_t uid)
{
	log_info("pair %s: operator with uid %u asks for %s",
	    conf_string(el->conf, pair_conf(el, p)->name), uid,
	    request_name(rq));
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_OPERATOR,
		.new_ = rq->arg[0] != 0,
		.value = rq->command,
	});
}

static bool
ask_mirror(struct elector *el, struct pair *p, enum ask_kind kind,
    const struct ctl_request *rq)
{
	union msg m = { .ask = {
		.head = head_for(el, MSG_ASK, p),
		.token = rq->token,
		.kind = kind,
	} };

	if (kind != ASK_HANDOVER) {
		m.ask.value = (uint64_t)rq->arg[1];
		m.ask.value2 = (uint64_t)rq->arg[2];
	}
	return tell(el, &el->mirror, &m);
}

/* The active partner is asked by ssh, when this node could follow it. */
static struct ctl_result
ask_partner(struct elector *el, struct pair *p, const struct client *c)
{
	if (p->election.state != STATE_STANDBY || !p->election.data_ready)
		return result(CTL_REFUSED_STATE, p->partner.node);
	if (!ask_mirror(el, p, ASK_HANDOVER, &c->rq))
		return result(CTL_REFUSED_STANDBY, p->partner.node);
	note_operator(el, p, &c->rq, c->uid);
	return result(CTL_OK, p->partner.node);
}

/* The only other node says itself that it would not take over. */
static bool
partner_unable(const struct elector *el, const struct pair *p)
{
	const struct msg_partner *other = &p->partner;

	return p->cfg.nnodes == 2 && partner_speaks(el, p) &&
	    other->role != ROLE_ACTIVE && (other->role != ROLE_STANDBY ||
	    !other->healthy || !other->ready);
}

/*
 * A standby sends no adverts: only its word tells that it is up.  Without it
 * there would be no last sync either.
 */
static bool
partner_silent(const struct elector *el, const struct pair *p)
{
	return p->cfg.nnodes == 2 && pair_conf(el, p)->has_sync &&
	    el->mirror.fd != -1 && !partner_speaks(el, p);
}

/* Only the active node can hand over; a standby says whom to ask. */
static struct ctl_result
hand_over(struct elector *el, struct pair *p, const struct client *c)
{
	struct event ev = { .type = EVENT_HANDOVER };
	const struct election *e = &p->election;

	if (e->state == STATE_ACTIVE) {
		if (p->cfg.nnodes < 2 || partner_unable(el, p) ||
		    partner_silent(el, p))
			return result(CTL_REFUSED_NOBODY, p->self);
		note_operator(el, p, &c->rq, c->uid);
		pair_step(el, p, &ev);
		return result(CTL_OK, p->self);
	}
	if (e->state == STATE_LEAVING || e->state == STATE_RELEASING)
		return result(CTL_OK, p->self);
	if (p->started && partner_speaks(el, p) &&
	    p->partner.role == ROLE_ACTIVE)
		return ask_partner(el, p, c);
	if (!p->started || !mono_is_set(e->heard) ||
	    mono_span_ns(e->heard, el->now) >
	    election_down_ns(e, &p->cfg))
		return result(CTL_REFUSED_STANDBY, ELECTION_NODE_NONE);
	return result(CTL_REFUSED_STANDBY, e->heard_node);
}

static struct ctl_result
maintain(struct elector *el, struct pair *p, const struct client *c)
{
	const struct ctl_request *rq = &c->rq;
	int64_t until = 0;

	if (rq->arg[0] != 0 && rq->arg[0] != 1)
		return result(CTL_BAD_REQUEST, 0);
	if (rq->arg[1] < 0 || rq->arg[1] > INT32_MAX)
		return result(CTL_BAD_REQUEST, 0);
	if (rq->arg[0] == 1 && rq->arg[1] != 0)
		until = el->wall_ns / NS_PER_S + rq->arg[1];
	note_operator(el, p, rq, c->uid);
	pair_maintenance(el, p, rq->arg[0] == 1, until, rq->reason);
	return result(CTL_OK, p->self);
}

/* Of all pairs, those without data are not meant. */
static struct ctl_result
no_data(const struct client *c)
{
	return result(c->rq.pair == CTL_PAIR_ALL ? CTL_OK : CTL_NO_DATA,
	    ELECTION_NODE_NONE);
}

static struct ctl_result
ask_data(struct elector *el, struct pair *p, const struct client *c)
{
	const int64_t kind = c->rq.arg[0];

	if (kind <= ASK_HANDOVER || kind >= ASK_KINDS ||
	    (c->rq.pair == CTL_PAIR_ALL && kind != ASK_SYNC))
		return result(CTL_BAD_REQUEST, 0);
	if (!pair_conf(el, p)->has_sync)
		return no_data(c);
	if (!ask_mirror(el, p, (enum ask_kind)kind, &c->rq))
		return result(CTL_NO_MIRROR, p->self);
	note_operator(el, p, &c->rq, c->uid);
	return result(CTL_OK, p->self);
}

/* On a standby what is wished is loaded at its next takeover. */
static struct ctl_result
reload_data(struct elector *el, struct pair *p, const struct client *c)
{
	if (!pair_conf(el, p)->has_sync)
		return no_data(c);
	if (!pair_holds(p))
		return result(CTL_REFUSED_STANDBY, p->election.heard_node);
	if (p->election.state != STATE_ACTIVE)
		return result(CTL_REFUSED_STATE, p->self);
	/* Nothing is stopped for what cannot be done. */
	if (el->mirror.fd == -1)
		return result(CTL_NO_MIRROR, p->self);
	if (!job_reload_data(el, p))
		return result(CTL_REFUSED_STATE, p->self);
	note_operator(el, p, &c->rq, c->uid);
	return result(CTL_OK, p->self);
}

/* For one pair or all of them; the first refusal is the answer. */
static struct ctl_result
for_pairs(struct elector *el, const struct client *c,
    struct ctl_result fn(struct elector *, struct pair *,
    const struct client *))
{
	struct ctl_result r = result(CTL_OK, ELECTION_NODE_NONE), one;
	uint32_t i;

	for (i = 0; i < el->conf->npairs; i++) {
		if (c->rq.pair != CTL_PAIR_ALL && c->rq.pair != i)
			continue;
		one = fn(el, pair_at(el, i), c);
		one.head.pair = i;
		if (r.code == CTL_OK)
			r = one;
	}
	return r;
}

struct ctl_result
operator_do(struct elector *el, const struct client *c)
{
	const struct ctl_request *rq = &c->rq;

	if (!c->control)
		return result(CTL_NOT_PERMITTED, 0);
	if (rq->pair != CTL_PAIR_ALL && rq->pair >= el->conf->npairs)
		return result(CTL_BAD_REQUEST, 0);
	switch (rq->command) {
	case CTL_HANDOVER:
		return for_pairs(el, c, hand_over);
	case CTL_MAINTENANCE:
		return for_pairs(el, c, maintain);
	case CTL_ASK:
		return for_pairs(el, c, ask_data);
	case CTL_RELOAD_DATA:
		return for_pairs(el, c, reload_data);
	case CTL_LOG_LEVEL:
		if (rq->arg[0] < LOG_LEVEL_ERROR ||
		    rq->arg[0] > LOG_LEVEL_DEBUG)
			return result(CTL_BAD_REQUEST, 0);
		log_set_level((enum log_level)rq->arg[0]);
		return result(CTL_OK, 0);
	default:
		return result(CTL_BAD_REQUEST, 0);
	}
}
