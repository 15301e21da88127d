/* SPDX-License-Identifier: ISC */

/*
 * Elector: what this node is, told to the mirror, which tells the partner
 * and lets its receivers write accordingly.  Said behind each advert that
 * left and at each change; never before an advert, and nothing waits for it.
 */

#include <string.h>

#include "elector.h"

/* A standby is healthy while it could run the service. */
static bool
is_healthy(const struct pair *p)
{
	const enum role role = election_role(&p->election);

	if (!p->service_cfg.exists)
		return role != ROLE_FAULTED;
	if (role == ROLE_ACTIVE)
		return p->service.state == SERVICE_RUNNING;
	return role != ROLE_FAULTED && p->service.state != SERVICE_FAILED &&
	    !p->service.stop_failed;
}

/* A sender's id is as good as what signed it: ranks are all that is said. */
static uint8_t
rank_within(uint8_t id)
{
	return id < CONF_NODES_PER_PAIR_MAX ? id : CONF_NODES_PER_PAIR_MAX - 1;
}

static struct msg_word
make(const struct elector *el, const struct pair *p)
{
	const struct election *e = &p->election;
	const uint8_t id = p->cfg.node[p->self].id;
	const bool holds = pair_holds(p);
	const uint32_t term = holds ? e->own_term : e->term;

	return (struct msg_word){
		.head = head_for(el, MSG_WORD, p),
		.advert_ns = e->sent.ns,
		.term = term <= INT32_MAX ? term : INT32_MAX,
		.term_node = holds ? id : rank_within(e->term_node),
		.self = p->self,
		.self_id = id,
		.role = (uint8_t)election_role(e),
		.healthy = is_healthy(p),
		.ready = e->data_ready,
		.present = p->naddrs_present > 0,
		.deaf = (e->alarms & ALARM_HEARTBEAT_BLOCKED) != 0,
		.writing = holds && p->service.data_term != 0 &&
		    p->service.data_term == term,
	};
}

static bool
is_news(const struct pair *p, const struct msg_word *w)
{
	struct msg_word was = p->word;

	if (p->word_news || was.head.type == MSG_NONE)
		return true;
	was.advert_ns = w->advert_ns;
	return memcmp(&was, w, sizeof(was)) != 0;
}

void
word_say(struct elector *el, struct pair *p)
{
	union msg m;

	p->word_retry = MONO_NEVER;
	/*
	 * Before it is known that nothing runs here, "not active" would be
	 * taken for leave to write below a service of an earlier life.
	 */
	if (el->mirror.fd == -1 || !pair_conf(el, p)->has_sync ||
	    !p->started || !p->configured || !p->service.known)
		return;
	memset(&m, 0, sizeof(m));
	m.word = make(el, p);
	if (!is_news(p, &m.word))
		return;
	if (tell(el, &el->mirror, &m)) {
		p->word = m.word;
		p->word_news = false;
		return;
	}
	p->word_news = true;
	p->word_retry = mono_after(el->now, RETRY_NS);
}
