/* SPDX-License-Identifier: ISC */

/*
 * Elector: the mirror's messages: the partner's word, what the store holds,
 * the answers of the data half.  The mirror speaks with the network: what is
 * out of range ends the channel to it, and nothing else.
 */

#include "elector.h"

static enum role
role_of(const struct msg_partner *m)
{
	return (enum role)m->role;
}

/*
 * Only an active's word is as old as its last advert: then one that hangs
 * cannot hold the promotion back.  Others send none.
 */
static void
partner(struct elector *el, struct pair *p, const struct msg_partner *m)
{
	struct event ev = {
		.type = EVENT_WORD,
		.word = {
			.role = role_of(m),
			.healthy = m->healthy != 0,
			.ready = m->ready != 0,
			.age_ns = m->role == ROLE_ACTIVE &&
			    m->advert_age_ns > 0 ? m->advert_age_ns : 0,
			.term = m->term,
			.term_node = m->term_node,
		},
	};

	if (m->role > ROLE_COUNT || (m->role != ROLE_COUNT &&
	    m->node >= pair_conf(el, p)->nnodes)) {
		log_warnx("mirror: role %u of node %u, which is none",
		    m->role, m->node);
		mirror_gone(el);
		return;
	}
	/* The channel is down: what it said last expires by itself. */
	if (m->role == ROLE_COUNT) {
		p->partner_at = MONO_NEVER;
		return;
	}
	if (m->node == p->self)
		return;
	p->partner = *m;
	p->partner_at = el->now;
	if (p->started && p->configured)
		pair_step(el, p, &ev);
}

bool
partner_speaks(const struct elector *el, const struct pair *p)
{
	return mono_is_set(p->partner_at) &&
	    mono_span_ns(p->partner_at, el->now) <= PARTNER_NS;
}

/* Until the mirror has spoken, data are not ready; then its word lasts. */
void
data_feed(struct elector *el, struct pair *p)
{
	const bool told = mono_is_set(p->data_at);
	struct event ev = {
		.type = EVENT_DATA,
		.data = {
			.ready = !pair_conf(el, p)->has_sync ||
			    (told && p->data.ready != 0),
			.term = told ? p->data.term : 0,
			.term_node = p->data.term_node,
		},
	};

	if (!p->started || !p->configured || (p->election.data_ready == ev.data.ready &&
	    ev.data.term <= p->election.term))
		return;
	pair_step(el, p, &ev);
}

static void
data(struct elector *el, struct pair *p, const struct msg_data *m)
{
	p->data = *m;
	p->data_at = el->now;
	data_feed(el, p);
	job_plan(el, p);
	pair_due(el, p);
}

/* The partner's operator wants it to be active. */
static void
asked(struct elector *el, struct pair *p, const struct msg_ask *m)
{
	struct event ev = { .type = EVENT_HANDOVER };

	if (m->kind != ASK_HANDOVER || p->election.state != STATE_ACTIVE)
		return;
	log_info("pair %s: the partner asks for handover",
	    conf_string(el->conf, pair_conf(el, p)->name));
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_OPERATOR,
		.value = CTL_HANDOVER,
		.node = p->partner.node,
	});
	pair_step(el, p, &ev);
}

void
from_mirror(struct elector *el, const union msg *m)
{
	struct pair *p = pair_at(el, m->head.pair);

	if (!pair_conf(el, p)->has_sync)
		return;
	switch (m->head.type) {
	case MSG_PARTNER:
		partner(el, p, &m->partner);
		break;
	case MSG_DATA:
		data(el, p, &m->data);
		break;
	case MSG_ASK:
		asked(el, p, &m->ask);
		break;
	case MSG_JOB_DONE:
		if (service_is_mirrors(m->job_done.kind))
			job_done(el, p, &m->job_done);
		break;
	default:
		break;
	}
}

/* It knows nothing of us, and maybe has no idea of what was asked. */
void
mirror_new(struct elector *el)
{
	uint32_t i;

	el->mirror_gone = MONO_NEVER;
	for (i = 0; i < el->conf->npairs; i++) {
		struct pair *p = pair_at(el, i);

		p->word.head.type = MSG_NONE;
		word_say(el, p);
		job_lost(el, p);
	}
}
