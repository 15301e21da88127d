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

static void
note_operator(struct elector *el, const struct pair *p,
    const struct ctl_request *rq, uid_t uid)
{
	log_info("pair %s: operator with uid %u asks for %s",
	    conf_string(el->conf, pair_conf(el, p)->name), uid,
	    rq->command == CTL_HANDOVER ? "handover" :
	    rq->arg[0] != 0 ? "maintenance on" : "maintenance off");
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_OPERATOR,
		.new_ = rq->arg[0] != 0,
		.value = rq->command,
	});
}

/* Only the active node can hand over; a standby says whom to ask. */
static struct ctl_result
hand_over(struct elector *el, struct pair *p, const struct client *c)
{
	struct event ev = { .type = EVENT_HANDOVER };
	const struct election *e = &p->election;

	if (e->state == STATE_ACTIVE) {
		if (p->cfg.nnodes < 2)
			return result(CTL_REFUSED_NOBODY, p->self);
		note_operator(el, p, &c->rq, c->uid);
		pair_step(el, p, &ev);
		return result(CTL_OK, p->self);
	}
	if (e->state == STATE_LEAVING || e->state == STATE_RELEASING)
		return result(CTL_OK, p->self);
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
