/* SPDX-License-Identifier: ISC */

/*
 * The mirror: what our own store holds, for the elector (F7).  Two small
 * records are read, HEAD and EPOCH; never the tree, never an object.
 */

#include "mirror.h"

static enum data_state
judge(struct pair *p, const struct epoch *e)
{
	if (p->damaged)
		return DATA_DAMAGED;
	if (store_head(p->store)->position.generation != 0)
		return DATA_READY;
	if (e->term == 0 || (p->known && p->word.self != LINK_SELF_NONE &&
	    e->node == p->word.self_id))
		return DATA_NONE;
	return DATA_FILLING;
}

static struct msg_data
make(struct pair *p)
{
	const struct store_head *h = store_head(p->store);
	const union msg m = pair_msg(p, MSG_DATA);
	struct epoch e = { .term = 0 };
	struct ship_progress g;
	struct msg_data d;
	enum data_state st;

	if (store_epoch(p->store, &e) != STORE_OK)
		p->damaged = true;
	/* Somebody may have removed it: F2 holds all the same. */
	if (epoch_cmp(&e, &p->seen) >= 0)
		p->seen = e;
	else
		e = p->seen;
	ship_progress(p->ship, &g);
	st = judge(p, &e);
	if (st == DATA_READY || st == DATA_NONE)
		p->allowed = false;	/* not for the next time */
	else if (p->allowed)
		st = DATA_ALLOWED;
	d = (struct msg_data){
		.head = m.head,
		.generation = h->position.generation,
		.made_wall_ns = h->time_ns,
		.partner_generation = g.acked.generation,
		.term = e.term, .term_node = (uint8_t)e.node,
		.state = (uint8_t)st,
		.ready = st == DATA_NONE || st == DATA_READY ||
		    st == DATA_ALLOWED,
	};
	return d;
}

void
data_tell(struct pair *p)
{
	union msg m;

	p->data = make(p);
	p->data_last = mono_now();
	p->data_at = MONO_NEVER;
	m = (union msg){ .data = p->data };
	/* What does not go now is told with the next second. */
	(void)elector_send(p->mirror, &m);
}

/* A busy database makes a hundred generations a second. */
static void
tell_changes(struct pair *p)
{
	const struct msg_data now = make(p);
	const struct msg_data *was = &p->data;

	if (now.state != was->state || now.term != was->term ||
	    now.term_node != was->term_node || now.ready != was->ready)
		data_tell(p);
	else if (now.generation != was->generation ||
	    now.partner_generation != was->partner_generation)
		sooner(&p->data_at, not_before(mono_now(), p->data_last,
		    MIRROR_DATA_GAP_NS));
}

/*
 * The capture makes it again, if it still has a directory to make it in; one
 * of another inode only a new process of ours may read.
 */
void
data_gone(struct pair *p)
{
	switch (store_gone(p->store)) {
	case STORE_HERE:
		break;
	case STORE_GONE_INSIDE:
		if (store_reopen(p->store) == STORE_ERROR)
			break;
		log_warnx("%s: the store was removed and made anew",
		    p->name);
		ship_reconnect(p->ship);
		p->look_at = mono_now();
		break;
	case STORE_GONE_ROOT:
		if (mono_is_set(p->mirror->leave_by))
			break;
		log_warnx("%s: the store's directory was removed: starting "
		    "anew", p->name);
		p->mirror->leave_by = mono_now();
		break;
	}
}

/*
 * What somebody broke the capture repairs within a second; until then what
 * was known is true, and no reason to give the role away.
 */
static void
judge_store(struct pair *p, enum store_result rc)
{
	const mono_t now = mono_now();

	if (rc == STORE_OK) {
		p->failing = MONO_NEVER;
		p->damaged = false;
		return;
	}
	if (!mono_is_set(p->failing)) {
		log_warnx("%s: store: %s", p->name, store_why(p->store));
		p->failing = now;
	}
	p->damaged = p->damaged ||
	    mono_span_ns(p->failing, now) >= MIRROR_HEAL_NS;
}

void
data_look(struct pair *p)
{
	const struct position was = store_head(p->store)->position;
	enum store_result rc;

	p->look_at = MONO_NEVER;
	rc = store_refresh(p->store);
	judge_store(p, rc);
	if (!position_equal(&was, &store_head(p->store)->position)) {
		state_made(p);
		if (store_head(p->store)->position.generation <
		    was.generation)
			data_gone(p);
		if (p->write_term != 0)
			ship_kick(p->ship);
	}
	tell_changes(p);
}

void
data_allow(struct pair *p)
{
	log_info("%s: the operator allows a takeover with what there is",
	    p->name);
	p->allowed = true;
	data_tell(p);
}

void
data_turn(struct pair *p, mono_t now)
{
	if (mono_reached(now, p->look_at))
		data_look(p);
	if (mono_reached(now, p->data_at))
		data_tell(p);
}
