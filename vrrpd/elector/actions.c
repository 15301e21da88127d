/* SPDX-License-Identifier: ISC */

/*
 * Elector: does what the election says, in its order.  Sending is answered
 * at once by EVENT_SENT, whose actions come behind those that wait.  Must
 * never block: what a neighbour cannot take now, its own rules make good.
 */

#include <assert.h>
#include <string.h>

#include "elector.h"

#define QUEUE_MAX	(4 * ELECTION_ACTIONS_MAX)

struct queue {
	uint32_t	at, n;
	struct action	a[QUEUE_MAX];
};

static void
append(struct queue *q, const struct actions *more)
{
	uint32_t i;

	assert(more->n <= ELECTION_ACTIONS_MAX);
	for (i = 0; i < more->n; i++) {
		assert(q->n < QUEUE_MAX);
		q->a[q->n++] = more->a[i];
	}
}

/*
 * When the actuator's queue is full it is stuck, and the election notices
 * that no acknowledgement comes.
 */
static void
order(struct elector *el, struct pair *p, enum msg_type type, mono_t advert,
    uint32_t lease_s)
{
	union msg m = { .renew = {
		.head = head_for(el, type, p),
		.advert_ns = advert.ns,
		.lease_s = lease_s,
	} };

	m.renew.farewell_len = (uint16_t)farewell_make(el, p,
	    m.renew.farewell, sizeof(m.renew.farewell));
	if (!tell(el, &el->actuator, &m))
		log_debug("pair %u: actuator takes no order", p->index);
}

/* The last words are numbered behind the last advert: each brings new ones. */
static void
do_words(struct elector *el, struct pair *p, const struct actions *after)
{
	uint32_t i;

	for (i = 0; i < after->n; i++)
		if (after->a[i].type == ELECTION_HOLD ||
		    after->a[i].type == ELECTION_RENEW)
			return;		/* they come with the order */
	if (p->election.state == STATE_ACTIVE ||
	    p->election.state == STATE_LEAVING)
		order(el, p, MSG_WORDS, p->election.sent, p->cfg.lease_s);
}

static void
do_send(struct elector *el, struct pair *p, const struct action *a,
    struct queue *q)
{
	struct event ev = { .type = EVENT_SENT };
	struct actions more;

	ev.sent.ok = advert_send(el, p, a);
	el->now = mono_now();
	ev.now = el->now;
	election_step(&p->election, &p->cfg, &ev, &more);
	if (ev.sent.ok) {
		p->word_news = true;
		do_words(el, p, &more);
	}
	append(q, &more);
}

static void
do_release(struct elector *el, struct pair *p)
{
	union msg m = { .head = head_for(el, MSG_RELEASE, p) };

	p->owed &= ~(uint32_t)OWED_RELEASE;
	if (tell(el, &el->actuator, &m))
		return;
	p->owed |= OWED_RELEASE;
	p->retry = mono_after(el->now, RETRY_NS);
}

/*
 * Another took over while our adverts were leaving: it did not hear them.
 * With preemption that is no sign of anything.
 */
static void
note_unheard(struct elector *el, struct pair *p, const struct action *a)
{
	const enum reason why = a->role.reason;

	if (a->role.old_role != ROLE_ACTIVE || p->cfg.preempt ||
	    (why != REASON_HIGHER_EPOCH && why != REASON_HIGHER_RANK))
		return;
	recent_note(&p->unheard, el->now);
	p->unheard.src = p->self_addr;
}

static void
do_role(struct elector *el, struct pair *p, const struct action *a)
{
	union msg m = { .role = {
		.head = head_for(el, MSG_ROLE, p),
		.old_role = a->role.old_role,
		.new_role = a->role.new_role,
		.term = a->role.term,
		.reason = a->role.reason,
	} };

	p->reason = (uint8_t)a->role.reason;
	(void)tell(el, &el->supervisor, &m);
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_ROLE,
		.old = (uint8_t)a->role.old_role,
		.new_ = (uint8_t)a->role.new_role,
		.reason = (uint8_t)a->role.reason,
		.node = p->election.heard_node,
		.term = a->role.term,
		.silent_ns = a->role.silent_ns,
	});
	if (a->role.old_role == a->role.new_role)
		return;
	note_unheard(el, p, a);
	history_role(el, p, a);
	job_notify(el, p, a->role.old_role, a->role.new_role);
}

static void
do_one(struct elector *el, struct pair *p, const struct action *a,
    struct queue *q)
{
	union msg m = { .head = head_for(el, MSG_ANNOUNCE, p) };

	switch (a->type) {
	case ELECTION_SEND:
		do_send(el, p, a, q);
		break;
	case ELECTION_HOLD:
		order(el, p, MSG_HOLD, a->hold.advert, a->hold.lease_s);
		break;
	case ELECTION_RENEW:
		order(el, p, MSG_RENEW, a->hold.advert, a->hold.lease_s);
		break;
	case ELECTION_RELEASE:
		do_release(el, p);
		break;
	case ELECTION_ANNOUNCE:
		(void)tell(el, &el->actuator, &m);
		break;
	case ELECTION_KEEP_TERM:
		keep_term(el, p, a->keep.term);
		break;
	case ELECTION_SERVICE:
		job_want(el, p, a->service.run, a->service.term);
		break;
	case ELECTION_ROLE:
		do_role(el, p, a);
		break;
	case ELECTION_REFUSED:
		p->refused = a->refused.verdict;
		break;
	case ELECTION_LEFT:
		p->left = true;
		break;
	}
}

void
actions_do(struct elector *el, struct pair *p, const struct actions *first)
{
	struct queue q;

	q.at = q.n = 0;
	append(&q, first);
	while (q.at < q.n)
		do_one(el, p, &q.a[q.at++], &q);
}
