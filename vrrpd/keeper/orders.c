/* SPDX-License-Identifier: ISC */

/*
 * The keeper's side of the elector's channel.  Orders are read in batches,
 * put into the numbers, made durable by one flush and only then answered.
 * While an answer waits for room in the channel nothing more is read.
 *
 * Must never answer before the disk has, and never believe an index.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

#define NODE_UNKNOWN	0xff
#define NO_ANSWER	UINT32_MAX	/* place: the entry decides itself */

static void
hostile(const char *what)
{
	fatalx("keeper: the elector breaks the contract: %s", what);
}

/* NULL for a late message, of a configuration that is gone. */
static struct keeper_conf *
resolve(struct keeper *k, const struct msg_head *h)
{
	struct keeper_conf *kc = keeper_conf_of(k, h->serial);

	if (kc != NULL && h->pair >= kc->conf.npairs)
		hostile("pair out of range");
	return kc;
}

/* The address of the node with this rank; family 0 when there is none. */
static struct conf_addr
node_by_rank(const struct conf *c, const struct conf_pair *p, uint32_t rank)
{
	const struct conf_node *n;
	uint32_t i;

	for (i = 0; i < p->nnodes; i++) {
		n = conf_pair_node(c, p, i);
		if (n->rank == rank)
			return n->address;
	}
	return (struct conf_addr){ .family = 0 };
}

static void
order_term(struct keeper *k, const struct keeper_conf *kc,
    const struct msg_keep_term *m, struct answer *a)
{
	const struct conf_pair *p = conf_pair(&kc->conf, m->head.pair);
	struct conf_addr node;

	if (m->node >= p->nnodes && m->node != NODE_UNKNOWN)
		hostile("node of a term out of range");
	node = node_by_rank(&kc->conf, p, m->node);
	numbers_term(&k->numbers, a->place, m->term, &node);
	a->kept.term = m->term;
}

static void
order_ceiling(struct keeper *k, const struct msg_keep_seq *m,
    struct answer *a)
{
	numbers_ceiling(&k->numbers, a->place, m->seq);
	a->kept.seq = k->numbers.record[a->place].ceiling;
}

static void
order_floor(struct keeper *k, const struct keeper_conf *kc,
    const struct msg_keep_seq *m, struct answer *a)
{
	const struct conf_pair *p = conf_pair(&kc->conf, m->head.pair);
	const struct conf_node *n;

	if (m->node >= p->nnodes)
		hostile("node of a floor out of range");
	n = conf_pair_node(&kc->conf, p, m->node);
	numbers_floor(&k->numbers, a->place, &n->address, m->seq);
	a->kept.node = m->node;
	a->kept.seq = numbers_floor_of(&k->numbers.record[a->place],
	    &n->address);
}

static void
order_maint(struct keeper *k, const struct msg_keep_maint *m,
    const struct answer *a)
{
	const size_t len = strnlen(m->reason, sizeof(m->reason));
	size_t i;

	if (m->on > 1 || len == sizeof(m->reason))
		hostile("bad maintenance order");
	for (i = 0; i < len; i++)
		if ((unsigned char)m->reason[i] < 0x20 ||
		    m->reason[i] == 0x7f)
			hostile("reason is not printable");
	numbers_maint(&k->numbers, a->place, m->on == 1, m->until_wall_s,
	    m->reason);
}

static void
put_node_name(char name[static CONF_NAME_MAX + 1], const struct conf *c,
    const struct conf_pair *p, uint32_t node)
{
	if (node >= p->nnodes && node != NODE_UNKNOWN)
		hostile("node of a history entry out of range");
	if (node < p->nnodes)
		(void)fmt_into(name, CONF_NAME_MAX + 1, "%s",
		    conf_string(c, conf_pair_node(c, p, node)->name));
}

static void
order_history(struct keeper *k, const struct keeper_conf *kc,
    const struct msg_keep_history *m, struct answer *a)
{
	const struct conf_pair *p = conf_pair(&kc->conf, m->head.pair);
	struct history_entry e = {
		.wall_s = m->wall_s,
		.term = m->term,
		.old_role = m->old_role,
		.new_role = m->new_role,
		.reason = m->reason,
		.outage_ms = m->outage_ms,
		.data_age_ms = m->data_age_ms,
	};

	(void)fmt_into(e.pair, sizeof(e.pair), "%s",
	    conf_string(&kc->conf, p->name));
	put_node_name(e.from, &kc->conf, p, m->from_node);
	put_node_name(e.to, &kc->conf, p, m->to_node);
	a->place = NO_ANSWER;
	a->kept.term = m->term;
	a->kept.error = history_append(&k->history, &e);
	if (a->kept.error != 0)
		keeper_report(k, "history", a->kept.error);
}

static void
take_order(struct keeper *k, const union msg *m)
{
	const struct keeper_conf *kc = resolve(k, &m->head);
	struct answer *a = &k->answer[k->nanswers];

	if (kc == NULL) {
		log_debug("keeper: late %s dropped", ipc_name(m->head.type));
		return;
	}
	assert(k->nanswers < BATCH_MAX);
	k->nanswers++;
	*a = (struct answer){
		.kept = {
			.head = {
				.type = MSG_KEPT,
				.pair = m->head.pair,
				.serial = m->head.serial,
			},
			.what = m->head.type,
		},
		.place = kc->place[m->head.pair],
	};
	switch (m->head.type) {
	case MSG_KEEP_TERM:
		order_term(k, kc, &m->keep_term, a);
		break;
	case MSG_KEEP_CEILING:
		order_ceiling(k, &m->keep_seq, a);
		break;
	case MSG_KEEP_FLOOR:
		order_floor(k, kc, &m->keep_seq, a);
		break;
	case MSG_KEEP_HISTORY:
		order_history(k, kc, &m->keep_history, a);
		break;
	case MSG_KEEP_MAINT:
		order_maint(k, &m->keep_maint, a);
		break;
	default:
		hostile("no order for the keeper");
	}
}

/* False when the elector is gone. */
static bool
read_batch(struct keeper *k)
{
	union msg m;
	int fd;

	while (k->nanswers < BATCH_MAX) {
		switch (ipc_recv(&k->elector, &m, &fd)) {
		case IPC_OK:
			take_order(k, &m);
			break;
		case IPC_AGAIN:
			return true;
		case IPC_CLOSED:
			return false;
		case IPC_HOSTILE:
			hostile("a message that is not in the table");
		}
	}
	return true;
}

static void
make_durable(struct keeper *k)
{
	struct answer *a;
	uint32_t i;
	int error;

	error = numbers_flush(&k->numbers);
	if (error != 0)
		keeper_report(k, "numbers", error);
	for (i = 0; i < k->nanswers; i++) {
		a = &k->answer[i];
		if (a->place != NO_ANSWER &&
		    !numbers_durable(&k->numbers, a->place))
			a->kept.error = error;
	}
}

/* False when the channel is full or gone. */
static bool
push_answers(struct keeper *k)
{
	while (k->sent < k->nanswers) {
		const union msg m = { .kept = k->answer[k->sent].kept };

		if (ipc_send(&k->elector, &m, -1) != IPC_OK)
			return false;
		k->sent++;
	}
	k->sent = 0;
	k->nanswers = 0;
	return true;
}

void
elector_serve(struct keeper *k, bool readable)
{
	bool there = true;
	short events;

	if (readable && k->nanswers == 0) {
		there = read_batch(k);
		make_durable(k);
	}
	if (!there) {
		elector_detach(k);
		return;
	}
	events = POLLIN;
	if (!push_answers(k))
		events = POLLOUT;
	else if (!stored_push(k))
		events = POLLIN | POLLOUT;
	loop_events(&k->loop, k->elector.fd, events);
}

static void
elector_ready(int fd, short revents, void *arg)
{
	struct keeper *k = arg;

	assert(fd == k->elector.fd);
	/* A dead elector's last orders are still there to be read. */
	if ((revents & (POLLHUP | POLLERR)) != 0) {
		k->nanswers = 0;
		k->sent = 0;
	}
	elector_serve(k, (revents & (POLLIN | POLLHUP | POLLERR)) != 0);
}

/* The new elector is to be told what the former one has ordered last. */
static void
take_last_orders(struct keeper *k)
{
	bool more = k->elector.fd != -1;

	while (more) {
		k->nanswers = 0;
		k->sent = 0;
		more = read_batch(k) && k->nanswers == BATCH_MAX;
		make_durable(k);
	}
}

void
elector_attach(struct keeper *k, int fd)
{
	take_last_orders(k);
	elector_detach(k);
	k->elector.fd = fd;
	if (!loop_add(&k->loop, fd, POLLIN | POLLOUT, elector_ready, k))
		fatalx("keeper: no place for the elector's channel");
	stored_begin(k, true);
}

void
elector_detach(struct keeper *k)
{
	k->nanswers = 0;
	k->sent = 0;
	k->stored.active = false;
	if (k->elector.fd == -1)
		return;
	loop_del(&k->loop, k->elector.fd);
	(void)close(k->elector.fd);
	k->elector.fd = -1;
}
