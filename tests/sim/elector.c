/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the elector's loop around the core, by the rules of
 * vrrpd/elector: channels and sockets are drained before a timer is looked
 * at, SENT follows SEND at once, an order carries the time of its advert.  A
 * freeze or death may strike between any two actions; the core is never
 * told.
 */
#include <assert.h>
#include <string.h>

#include "sim.h"

static void	work(struct world *w, struct node *n);

bool
elector_runs(const struct node *n)
{
	return n->powered && n->paused == 0 && n->elector &&
	    n->stop_elector == 0;
}

/* A message on a channel: never overtakes another, dies with its receiver. */
void
elector_tell(struct world *w, struct node *n, const struct event *ev,
    int64_t after_ns)
{
	struct msg *m;

	if (!n->elector)
		return;
	after_ns += prng_range(&w->rng, 10 * NS_PER_US, 150 * NS_PER_US);
	if (after_ns < MS && n->told_at > w->now + after_ns)
		after_ns = n->told_at - w->now;
	if (after_ns < MS)
		n->told_at = w->now + after_ns;
	m = queue_add(w, w->now + after_ns, MSG_EVENT, n->id);
	m->life = n->elector_life;
	m->event = *ev;
}

void
elector_rearm(struct world *w, struct node *n)
{
	mono_t due;
	int64_t at;

	if (!elector_runs(n) || !n->started) {
		n->timer = FAR;
		n->armed_ns = -1;
		return;
	}
	due = election_deadline(&n->e);
	if (due.ns == n->armed_ns)
		return;
	n->armed_ns = due.ns;
	n->timer = FAR;
	if (!mono_is_set(due))
		return;
	at = true_of(n, due.ns);
	if (at < w->now)
		at = w->now;
	n->timer = at + NS_PER_US + prng_below(&w->rng, w->sc.sched_us) *
	    NS_PER_US;
}

static struct todo *
append(struct world *w, struct node *n)
{
	struct todo *t = &n->todo[n->ntodo++];

	assert(n->ntodo <= QUEUE_MAX);
	t->decided = w->now;
	t->sent = false;
	return t;
}

/* One event into the core; what it wants is queued. */
static void
step(struct world *w, struct node *n, struct event *ev)
{
	const struct before was = {
		.state = n->e.state,
		.service_run = n->e.service_run,
		.term = n->e.term,
		.own_term = n->e.own_term,
	};
	struct actions out;

	ev->now.ns = local_of(n, w->now);
	election_step(&n->e, &n->cfg, ev, &out);
	check_step(w, n, ev, &was, &out);
	if (w->sc.data)
		half_word(w, n);
	for (uint32_t i = 0; i < out.n; i++)
		append(w, n)->a = out.a[i];
}

static void
fill_wire(const struct node *n, const struct advert *a, uint64_t number,
    struct wire *x)
{
	*x = (struct wire){
		.from = n->id,
		.resigns = advert_resigns(a),
		.is_signed = a->trailer.type != 0,
		.priority = a->priority,
		.skew = a->carp_skew,
		.base = a->carp_base,
		.demote = a->carp_demote,
		.node_id = a->trailer.node,
		.flags = a->trailer.flags,
		.term = a->trailer.term,
		.seq = number,
	};
}

/* What the actuator is given to say when this elector dies. */
void
elector_farewell(const struct node *n, uint32_t term, uint64_t number,
    struct wire *x)
{
	const struct action resign = {
		.type = ELECTION_SEND,
		.send = {
			.carp_skew = 255,
			.carp_base = 255,
			.term = term,
			.term_node = n->cfg.node[n->id].id,
			.flags = TRAILER_GO_NOW,
		},
	};
	struct advert a;

	election_fill_advert(&n->cfg, &resign, 94, &a);
	fill_wire(n, &a, number, x);
}

static void
do_send(struct world *w, struct node *n, const struct action *action)
{
	const bool ok = n->send_fails == 0;
	struct advert a;
	struct todo *t;
	struct wire x;

	election_fill_advert(&n->cfg, action, 94, &a);
	(void)seq_next(&n->seq, n->wall + w->now, &n->number);
	fill_wire(n, &a, n->number, &x);
	x.sent = w->now;
	check_sends(w, n, action, ok);
	TELL(w, n->id, "%s %s term %u%s%s%s", ok ? "sends" : "cannot send",
	    x.resigns ? "resignation" : "advert", action->send.term,
	    (action->send.flags & TRAILER_SOFT) != 0 ? " soft" : "",
	    (action->send.flags & TRAILER_GO_NOW) != 0 ? " go-now" : "",
	    n->e.state == STATE_CLAIM ? " (claim)" : "");
	if (ok) {
		net_send(w, n, &x);
		keeper_ceiling(w, n);
	}
	t = append(w, n);
	t->sent = true;
	t->ok = ok;
	t->left = w->now;
}

static void
do_sent(struct world *w, struct node *n, const struct todo *t)
{
	struct event ev = { .type = EVENT_SENT, .sent = { .ok = t->ok } };

	if (t->ok)
		n->left = t->left;
	step(w, n, &ev);
	if (t->ok && w->sc.word)
		net_word(w, n);
}

static void
do_order(struct world *w, struct node *n, const struct action *a)
{
	int64_t at = w->now + prng_range(&w->rng, 10 * NS_PER_US,
	    150 * NS_PER_US);
	struct msg *m;

	if (!n->actuator)
		return;
	if (at <= n->ordered_at)
		at = n->ordered_at + 1;
	n->ordered_at = at;
	m = queue_add(w, at, MSG_ORDER, n->id);
	m->life = n->actuator_life;
	m->n = n->elector_life;
	m->order = (struct order){ .type = (uint8_t)a->type,
	    .left = n->left };
	if (a->type == ELECTION_RELEASE)
		return;
	m->order.advert = a->hold.advert;
	m->order.lease_s = a->hold.lease_s;
	m->order.term = n->e.own_term;
	m->order.number = n->number + 1;
}

static void
do_role(struct world *w, struct node *n, const struct action *a)
{
	w->st->reason[a->role.reason]++;
	TELL(w, n->id, "%s -> %s, %s, term %u", role_name(a->role.old_role),
	    role_name(a->role.new_role), reason_name(a->role.reason),
	    a->role.term);
	if (w->sc.word && a->role.old_role != a->role.new_role)
		net_word(w, n);
}

static void
do_action(struct world *w, struct node *n, const struct todo *t)
{
	const struct action *a = &t->a;

	w->st->action[a->type]++;
	switch (a->type) {
	case ELECTION_SEND:
		check_stale(w, n, t->decided);
		do_send(w, n, a);
		break;
	case ELECTION_HOLD:
	case ELECTION_RENEW:
	case ELECTION_RELEASE:
		if (a->type != ELECTION_RENEW)
			TELL(w, n->id, "orders %s", a->type == ELECTION_HOLD ?
			    "hold" : "release");
		if (a->type == ELECTION_HOLD)
			check_decides(w, n);
		do_order(w, n, a);
		break;
	case ELECTION_KEEP_TERM:
		keeper_write(w, n, a->keep.term);
		break;
	case ELECTION_SERVICE:
		check_service(w, n, a);
		if (w->sc.data)
			half_want(w, n, a->service.run, a->service.term);
		else
			service_order(w, n, a->service.run);
		break;
	case ELECTION_ROLE:
		do_role(w, n, a);
		break;
	case ELECTION_LEFT:
		TELL(w, n->id, "left");
		half_down(w, n);
		elector_kill(w, n, 0);
		break;
	case ELECTION_ANNOUNCE:
	case ELECTION_REFUSED:
		break;
	}
}

/* A freeze or death that waits for the middle of a step strikes here. */
static bool
struck(struct world *w, struct node *n)
{
	if (n->mid == 0 || --n->mid > 0)
		return false;
	/* It waited too long: no faults after that. */
	if (w->now >= w->quiet)
		return false;
	fault_strike(w, n, n->mid_fault);
	return !elector_runs(n);
}

static void
work(struct world *w, struct node *n)
{
	const struct todo *t;

	while (n->todo_at < n->ntodo) {
		if (struck(w, n))
			return;
		t = &n->todo[n->todo_at++];
		if (t->sent)
			do_sent(w, n, t);
		else
			do_action(w, n, t);
	}
	n->todo_at = n->ntodo = 0;
}

void
elector_feed(struct world *w, struct node *n, struct event *ev)
{
	assert(elector_runs(n));
	assert(n->ntodo == 0);
	if (!n->started && ev->type != EVENT_START)
		return;
	step(w, n, ev);
	work(w, n);
	elector_rearm(w, n);
}

/* The judge of vrrpd/elector stands before the core. */
static void
take_advert(struct world *w, struct node *n, const struct msg *m)
{
	const struct wire *x = &m->wire;
	struct advert *a = &w->rx;
	struct event ev = {
		.type = EVENT_ADVERT,
		.advert = {
			.advert = a,
			.node = x->from,
			.age_ns = m->at == w->now ? 0 :
			    local_of(n, w->now) - local_of(n, m->at),
		},
	};

	if (net_judge(w, n, x) != ADVERT_OK)
		return;
	if (!n->started)
		return;
	ev.advert.src = n->cfg.node[x->from].address;
	a->protocol = n->cfg.protocol;
	a->family = 4;
	a->vhid = 94;
	a->priority = x->priority;
	a->carp_skew = x->skew;
	a->carp_base = x->base;
	a->carp_demote = x->demote;
	a->interval_ms = w->sc.interval_ms;
	a->auth = x->is_signed ? AUTH_GOOD : AUTH_NONE;
	a->trailer.type = x->is_signed ? TRAILER_OWN : 0;
	a->trailer.node = x->node_id;
	a->trailer.flags = x->flags;
	a->trailer.term = x->term;
	a->trailer.seq = x->seq;
	elector_feed(w, n, &ev);
}

static void
take_word(struct world *w, struct node *n, const struct msg *m)
{
	const struct word *o = &m->word;
	struct event ev = {
		.type = EVENT_WORD,
		.word = {
			.role = (enum role)o->role,
			.healthy = o->healthy,
			.ready = o->ready,
			/* Time on the way counts as well. */
			.age_ns = o->age_ns + (w->now - o->sent),
			.term = o->term,
			.term_node = o->term_node,
		},
	};

	n->word_from = (uint8_t)m->n;
	elector_feed(w, n, &ev);
}

static void
take_now(struct world *w, struct node *n, const struct msg *m)
{
	struct event ev;

	if (m->kind == MSG_ADVERT) {
		take_advert(w, n, m);
		return;
	}
	if (m->kind == MSG_WORD) {
		take_word(w, n, m);
		return;
	}
	ev = m->event;
	if (ev.type == EVENT_START) {
		n->started = true;
	} else if (ev.type == EVENT_LINK) {
		if (ev.link.up == n->link_told)
			return;
		n->link_told = ev.link.up;
		n->quiet_until = ev.link.up ? local_of(n, w->now) +
		    election_down_ns(&n->e, &n->cfg) : FAR;
	} else if (ev.type == EVENT_SERVICE && !w->sc.data &&
	    m->n != n->service_job)
		return;
	elector_feed(w, n, &ev);
}

void
elector_take(struct world *w, struct node *n, const struct msg *m)
{
	if (!n->elector)
		return;
	if (m->kind == MSG_EVENT && m->life != n->elector_life)
		return;
	if (elector_runs(n)) {
		take_now(w, n, m);
		return;
	}
	if (n->ninbox < INBOX_MAX)
		n->inbox[n->ninbox++] = *m;
}

void
elector_timer(struct world *w, struct node *n)
{
	struct event ev = { .type = EVENT_TIMER };

	n->timer = FAR;
	n->armed_ns = -1;
	elector_feed(w, n, &ev);
}

/* Of the inbox the channels first, in order, then the sockets. */
static bool
drain(struct world *w, struct node *n, bool channels)
{
	uint32_t i, kept = 0;

	for (i = 0; i < n->ninbox; i++) {
		struct msg m = n->inbox[i];

		if (!elector_runs(n) || (m.kind == MSG_EVENT) != channels) {
			n->inbox[kept++] = m;
			continue;
		}
		take_now(w, n, &m);
		if (!n->elector)
			return false;
	}
	n->ninbox = kept;
	return elector_runs(n);
}

/* It goes on where it stopped, then reads all that came meanwhile. */
void
elector_thaw(struct world *w, struct node *n)
{
	if (!elector_runs(n))
		return;
	TELL(w, n->id, "elector goes on");
	work(w, n);
	if (!elector_runs(n))
		return;
	if (!drain(w, n, true) || !drain(w, n, false))
		return;
	n->armed_ns = -1;
	elector_rearm(w, n);
	/* It is awake: what is overdue follows at once. */
	if (mono_reached((mono_t){ local_of(n, w->now) },
	    election_deadline(&n->e)))
		elector_timer(w, n);
}

/* Supervisor's part: a new one, into standby, with what the disk has. */
void
elector_boot(struct world *w, struct node *n)
{
	struct event start = { .type = EVENT_START };
	struct event up = { .type = EVENT_LINK, .link = { .up = true } };

	if (!n->powered || n->elector)
		return;
	if (n->paused > 0) {
		queue_add(w, w->now + 100 * MS, MSG_BOOT, n->id)->n =
		    n->boots;
		return;
	}
	n->elector = true;
	n->elector_life++;
	n->started = false;
	n->link_told = false;
	n->quiet_until = FAR;
	n->ninbox = 0;
	n->todo_at = n->ntodo = 0;
	n->term_heard = 0;
	n->word_until = 0;
	n->handed_over = false;
	election_init(&n->e);
	memset(&n->seq, 0, sizeof(n->seq));
	memset(n->floor, 0, sizeof(n->floor));
	if (n->disk.there) {
		seq_restore(&n->seq, n->disk.ceiling);
		memcpy(n->floor, n->disk.floor, sizeof(n->floor));
		start.start.term = n->disk.term;
		start.start.term_node = n->disk.term_node;
		start.start.maintenance = n->disk.maintenance;
	}
	start.start.restarted = n->elector_life > 1;
	TELL(w, n->id, "elector starts, stored term %u%s", start.start.term,
	    start.start.maintenance ? ", maintenance" : "");
	if (!n->actuator)
		actuator_new(w, n);
	elector_tell(w, n, &start, 0);
	if (w->sc.data)
		half_boot(w, n);
	if (n->carrier_down == 0)
		elector_tell(w, n, &up, prng_range(&w->rng, 0, MS / 2));
}

/* Its channels close: the actuator sees it, the supervisor starts another. */
void
elector_kill(struct world *w, struct node *n, int64_t back_ns)
{
	if (!n->elector)
		return;
	TELL(w, n->id, "elector is gone");
	half_elector_gone(w, n);
	n->elector = false;
	n->started = false;
	n->timer = FAR;
	n->armed_ns = -1;
	n->ninbox = 0;
	n->todo_at = n->ntodo = 0;
	n->must_by = FAR;
	n->service_job++;
	if (n->e.own_term <= n->disk.term && n->e.own_term > n->own_before)
		n->own_before = n->e.own_term;
	actuator_eof(w, n);
	if (back_ns > 0)
		queue_add(w, w->now + back_ns, MSG_BOOT, n->id)->n =
		    ++n->boots;
}
