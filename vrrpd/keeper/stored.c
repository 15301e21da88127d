/* SPDX-License-Identifier: ISC */

/*
 * The keeper: tells the elector what is stored, when the elector is new and
 * after a switch of the configuration, as fast as the channel takes it.
 * Indices are those of the configuration in use; what it does not name is
 * not sent.
 */

#include <string.h>

#include "keeper.h"

#define NODE_UNKNOWN	0xff

static uint32_t
rank_of(const struct conf *c, const struct conf_pair *p,
    const struct conf_addr *a)
{
	const struct conf_node *n;
	uint32_t i;

	for (i = 0; a->family != 0 && i < p->nnodes; i++) {
		n = conf_pair_node(c, p, i);
		if (conf_addr_equal(&n->address, a))
			return n->rank;
	}
	return NODE_UNKNOWN;
}

static enum ipc_status
send_pair(struct keeper *k, uint32_t pair)
{
	const struct keeper_conf *kc = &k->conf[k->current];
	const struct conf_pair *p = conf_pair(&kc->conf, pair);
	const uint32_t place = kc->place[pair];
	const struct numbers_record *r = &k->numbers.record[place];
	union msg m = {
		.stored_pair = {
			.head = {
				.type = MSG_STORED_PAIR,
				.pair = (uint16_t)pair,
				.serial = kc->conf.serial,
			},
			.term = r->term,
			.term_node = rank_of(&kc->conf, p, &r->term_node),
			.ceiling = r->ceiling,
			.fresh = numbers_fresh(&k->numbers, place),
			.maint_on = r->maint_on,
			.maint_until_wall_s = r->maint_until_wall_s,
		},
	};
	uint32_t i;

	for (i = 0; i < p->nnodes; i++)
		m.stored_pair.floor[i] = numbers_floor_of(r,
		    &conf_pair_node(&kc->conf, p, i)->address);
	memcpy(m.stored_pair.maint_reason, r->maint_reason,
	    sizeof(m.stored_pair.maint_reason));
	return ipc_send(&k->elector, &m, -1);
}

static bool
find_pair(const struct conf *c, const char *name, uint32_t *pair)
{
	for (*pair = 0; *pair < c->npairs; (*pair)++)
		if (strcmp(conf_string(c, conf_pair(c, *pair)->name),
		    name) == 0)
			return true;
	return false;
}

static uint8_t
find_node(const struct conf *c, const struct conf_pair *p, const char *name)
{
	uint32_t i;

	for (i = 0; i < p->nnodes; i++)
		if (strcmp(conf_string(c, conf_pair_node(c, p, i)->name),
		    name) == 0)
			return (uint8_t)i;
	return NODE_UNKNOWN;
}

/* IPC_OK also for an entry there is nothing to send of. */
static enum ipc_status
send_entry(struct keeper *k, uint32_t entry)
{
	const struct conf *c = &k->conf[k->current].conf;
	const struct conf_pair *p;
	struct history_entry e;
	uint32_t pair;

	if (!history_read(&k->history, entry, &e) ||
	    !find_pair(c, e.pair, &pair))
		return IPC_OK;
	p = conf_pair(c, pair);
	const union msg m = {
		.keep_history = {
			.head = {
				.type = MSG_STORED_HISTORY,
				.pair = (uint16_t)pair,
				.serial = c->serial,
			},
			.wall_s = e.wall_s,
			.term = e.term,
			.old_role = e.old_role,
			.new_role = e.new_role,
			.from_node = find_node(c, p, e.from),
			.to_node = find_node(c, p, e.to),
			.reason = e.reason,
			.outage_ms = e.outage_ms,
			.data_age_ms = e.data_age_ms,
		},
	};
	return ipc_send(&k->elector, &m, -1);
}

static enum ipc_status
send_end(struct keeper *k)
{
	const union msg m = {
		.head = {
			.type = MSG_STORED_END,
			.serial = k->conf[k->current].conf.serial,
		},
	};

	return ipc_send(&k->elector, &m, -1);
}

/* The oldest entry to send, so that at most HISTORY_SEND_MAX are sent. */
static uint32_t
first_entry(const struct keeper *k)
{
	const struct conf *c = &k->conf[k->current].conf;
	struct history_entry e;
	uint32_t i, pair, n = 0;

	for (i = k->history.n; i > 0 && n < HISTORY_SEND_MAX; i--)
		if (history_read(&k->history, i - 1, &e) &&
		    find_pair(c, e.pair, &pair))
			n++;
	return i;
}

void
stored_begin(struct keeper *k, bool with_history)
{
	/* A switch in the middle of it begins anew, with all there was. */
	if (k->stored.active)
		with_history = with_history || k->stored.with_history;
	k->stored = (struct stored_cursor){
		.active = true,
		.with_history = with_history,
		.entry = with_history ? first_entry(k) : 0,
	};
}

bool
stored_push(struct keeper *k)
{
	struct stored_cursor *s = &k->stored;
	const struct conf *c = &k->conf[k->current].conf;

	if (!s->active)
		return true;
	for (; s->pair < c->npairs; s->pair++)
		if (send_pair(k, s->pair) != IPC_OK)
			return false;
	for (; s->with_history && s->entry < k->history.n; s->entry++)
		if (send_entry(k, s->entry) != IPC_OK)
			return false;
	if (send_end(k) != IPC_OK)
		return false;
	s->active = false;
	return true;
}
