/* SPDX-License-Identifier: ISC */

/*
 * Elector: the configuration, taken at start and again on a reload.  A new
 * one is copied into the spare buffers and used when the supervisor says so;
 * pairs keep their state by name.  What is sealed and verified here was read
 * by the supervisor; anything wrong with it is fatal.
 */

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "elector.h"
#include "room.h"
#include "sealed.h"

/* Pointers within the state, without touching what they point at. */
static const struct conf *
conf_in(const struct elector *el, unsigned int which)
{
	const void *at = el->conf_buf[which];

	return at;
}

static const struct secrets *
secrets_in(const struct elector *el, unsigned int which)
{
	const void *at = el->secret_buf[which];

	return at;
}

static void
read_conf(struct elector *el, unsigned int which, int fd)
{
	const char *wrong;
	size_t len;

	wrong = room_read_blob(fd, el->conf_buf[which],
	    sizeof(el->conf_buf[which]), &len);
	if (wrong != NULL)
		fatalx("configuration: %s", wrong);
}

static void
read_secrets(struct elector *el, unsigned int which, int fd)
{
	const char *wrong;
	size_t len;

	wrong = sealed_read(fd, el->secret_buf[which],
	    sizeof(el->secret_buf[which]), &len);
	if (wrong == NULL)
		wrong = secrets_verify(el->secret_buf[which], len,
		    conf_in(el, which));
	if (wrong != NULL)
		fatalx("secrets: %s", wrong);
}

void
conf_start(struct elector *el)
{
	uint32_t i;

	read_conf(el, 0, ROOM_FD_CONF);
	read_secrets(el, 0, ROOM_FD_SECRETS);
	(void)close(ROOM_FD_CONF);
	(void)close(ROOM_FD_SECRETS);
	el->conf = conf_in(el, 0);
	el->secrets = secrets_in(el, 0);
	el->spare = 1;
	for (i = 0; i < el->conf->npairs; i++) {
		el->slot[i] = (uint16_t)i;
		pair_new(el, &el->pair[i], (uint16_t)i);
	}
}

/* Acknowledged when both the configuration and its secrets are here. */
void
conf_take(struct elector *el, const union msg *m, int fd)
{
	union msg ok = { .head = {
		.type = MSG_CONF_OK,
		.serial = m->head.serial,
	} };

	if (m->head.type == MSG_CONF) {
		read_conf(el, el->spare, fd);
		el->taken_serial = conf_in(el, el->spare)->serial;
		el->taken_conf = true;
		el->taken_secrets = false;
	} else {
		if (!el->taken_conf)
			fatalx("secrets: came before their configuration");
		read_secrets(el, el->spare, fd);
		el->taken_secrets = true;
	}
	(void)close(fd);
	if (!el->taken_conf || !el->taken_secrets)
		return;
	ok.head.serial = el->taken_serial;
	(void)tell(el, &el->supervisor, &ok);
}

/* The pair of this name in the configuration, or NULL. */
static struct pair *
find_old(struct elector *el, const char *name)
{
	uint32_t i;

	for (i = 0; i < el->conf->npairs; i++)
		if (strcmp(conf_string(el->conf,
		    conf_pair(el->conf, i)->name), name) == 0)
			return pair_at(el, i);
	return NULL;
}

/* A pair that is no longer configured says so, as far as it still can. */
static void
retire(struct elector *el, struct pair *p)
{
	union msg m = { .head = head_for(el, MSG_RELEASE, p) };
	const struct action resign = {
		.type = ELECTION_SEND,
		.send = {
			.carp_skew = 255,
			.carp_base = 255,
			.term = p->election.own_term,
			.term_node = p->configured ?
			    p->cfg.node[p->self].id : 0,
			.flags = TRAILER_GO_NOW,
		},
	};

	if (p->started && election_role(&p->election) == ROLE_ACTIVE) {
		(void)tell(el, &el->actuator, &m);
		(void)advert_send(el, p, &resign);
	}
	p->used = false;
}

static void
remap_floors(struct pair *p, const struct conf *old,
    const struct conf_pair *was, const struct conf *now,
    const struct conf_pair *is)
{
	uint64_t floor[CONF_NODES_PER_PAIR_MAX] = { 0 };
	uint32_t i, k;

	for (i = 0; i < is->nnodes; i++)
		for (k = 0; k < was->nnodes; k++)
			if (conf_addr_equal(
			    &conf_pair_node(now, is, i)->address,
			    &conf_pair_node(old, was, k)->address))
				floor[i] = p->floor[k];
	memcpy(p->floor, floor, sizeof(floor));
	memset(p->node_heard, 0, sizeof(p->node_heard));
	memset(p->node_since, 0, sizeof(p->node_since));
	p->floors_changed = (1u << is->nnodes) - 1;
}

/* Which node of the new configuration has our address. */
static uint8_t
self_in(const struct pair *p, const struct conf *c,
    const struct conf_pair *cp)
{
	uint8_t i;

	for (i = 0; p->configured && i < cp->nnodes; i++)
		if (conf_addr_equal(&conf_pair_node(c, cp, i)->address,
		    &p->self_addr))
			return i;
	return ELECTION_NODE_NONE;
}

/* Same pair, new words: the role stays. */
static void
carry_over(struct elector *el, struct pair *p)
{
	struct event ev = { .type = EVENT_CONFIG };
	const struct conf_pair *cp = pair_conf(el, p);

	service_config(&p->service_cfg, &cp->service, cp->has_sync);
	if (p->self == ELECTION_NODE_NONE) {
		p->configured = false;
		p->link.self = LINK_SELF_NONE;
		job_reconfigured(el, p);
		return;
	}
	p->link.self = p->self;
	pair_configure(el, p);
	job_reconfigured(el, p);
	/* A new actuator comes with it, and gets its orders anew. */
	if (p->started)
		pair_step(el, p, &ev);
}

static uint16_t
free_slot(const struct elector *el)
{
	uint16_t i;

	for (i = 0; i < CONF_PAIRS_MAX; i++)
		if (!el->pair[i].used)
			return i;
	fatalx("configuration: no slot is free");
}

static void
conf_use(struct elector *el, const uint16_t *slot)
{
	uint32_t i;

	memset(el->due, 0, sizeof(el->due));
	for (i = 0; i < el->conf->npairs; i++) {
		if (slot[i] != UINT16_MAX) {
			el->slot[i] = slot[i];
			el->pair[slot[i]].index = (uint16_t)i;
			continue;
		}
		el->slot[i] = free_slot(el);
		pair_new(el, pair_at(el, i), (uint16_t)i);
	}
	ports_index(el);
	for (i = 0; i < el->conf->npairs; i++) {
		if (slot[i] != UINT16_MAX)
			carry_over(el, pair_at(el, i));
		pair_begin(el, pair_at(el, i));
	}
	ports_renew(el);
	note(el, NULL, &(struct ctl_event){
		.kind = CTL_EVENT_RELOAD,
		.value = el->conf->serial,
	});
}

/*
 * Old pairs that stay get their new index first; then those that are gone
 * retire under the old configuration; then the new one counts.
 */
void
conf_switch(struct elector *el, uint32_t serial)
{
	static uint16_t slot[CONF_PAIRS_MAX];
	static bool kept[CONF_PAIRS_MAX];
	const struct conf *next = conf_in(el, el->spare);
	uint32_t i;

	if (!el->taken_conf || !el->taken_secrets ||
	    el->taken_serial != serial)
		fatalx("configuration: switch to serial %u, which is not "
		    "here", serial);
	memset(kept, 0, sizeof(kept));
	for (i = 0; i < next->npairs; i++) {
		const struct conf_pair *cp = conf_pair(next, i);
		struct pair *p = find_old(el, conf_string(next, cp->name));

		slot[i] = UINT16_MAX;
		if (p == NULL)
			continue;
		slot[i] = (uint16_t)(p - el->pair);
		kept[slot[i]] = true;
		p->self = self_in(p, next, cp);
		remap_floors(p, el->conf, pair_conf(el, p), next, cp);
	}
	for (i = 0; i < el->conf->npairs; i++)
		if (!kept[el->slot[i]])
			retire(el, pair_at(el, i));
	el->conf = next;
	el->secrets = secrets_in(el, el->spare);
	el->spare ^= 1;
	explicit_bzero(el->secret_buf[el->spare],
	    sizeof(el->secret_buf[el->spare]));
	el->taken_conf = el->taken_secrets = false;
	conf_use(el, slot);
}
