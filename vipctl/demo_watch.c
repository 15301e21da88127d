/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: what the client sees.  A visit to the service each 10 ms, and
 * from both kernels every coming and going of the address, so that the time
 * without an owner and the time with two are measured, not guessed.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "rtnl.h"

void
demo_watch_open(struct demo *d)
{
	for (int i = 0; i < DEMO_UNDERWAY; i++)
		d->visit[i].fd = -1;
	d->answers_from = -1;
}

static void
judge_holders(struct demo *d, mono_t now)
{
	bool both = d->node[0].holds && d->node[1].holds;

	if (both && !mono_is_set(d->both_since))
		d->both_since = now;
	if (!both && mono_is_set(d->both_since)) {
		d->both_ns += mono_span_ns(d->both_since, now);
		d->both_since = MONO_NEVER;
	}
}

/* The node's power changed: its kernel is a new one, or none. */
void
demo_watch_node(struct demo *d, int node)
{
	struct demo_node *n = &d->node[node];

	if (n->netlink != -1)
		(void)close(n->netlink);
	n->holds = n->frozen = false;
	n->netlink = n->init != 0 ? demo_netlink(n->init) : -1;
	judge_holders(d, mono_now());
}

static void
visit_end(struct demo_visit *v)
{
	/* No farewell: whom it would go to may be without power. */
	const struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(v->fd, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));
	(void)close(v->fd);
	v->fd = -1;
}

static void
visit_begin(struct demo *d, mono_t now)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(DEMO_PORT),
	};
	struct demo_visit *v = d->visit;

	while (v->fd != -1)
		if (++v == d->visit + DEMO_UNDERWAY)
			return;
	v->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	v->begun = now;
	(void)inet_pton(AF_INET, DEMO_VIP, &to.sin_addr);
	/* How it ends is read where all the others end. */
	if (v->fd != -1)
		(void)connect(v->fd, (const void *)&to, sizeof(to));
}

static void
visit_read(struct demo *d, struct demo_visit *v, mono_t now)
{
	char in[128], name[64];
	ssize_t len = recv(v->fd, in, sizeof(in) - 1, 0);
	unsigned long long number;
	int64_t gap;

	visit_end(v);
	in[len > 0 ? len : 0] = '\0';
	if (sscanf(in, "visit %llu from %63s", &number, name) != 2)
		return;
	gap = mono_span_ns(d->last_answer, now);
	if (mono_is_set(d->last_answer) && gap > d->longest_gap_ns)
		d->longest_gap_ns = gap;
	d->last_answer = now;
	d->answered++;
	for (int i = 0; i < DEMO_NODES; i++)
		if (strcmp(name, d->node[i].name) == 0) {
			demo_tally_answer(&d->tally, i, number, now);
			d->answers_from = i;
		}
}

static bool
is_vip(const struct nlmsghdr *nh)
{
	const in_addr_t vip = inet_addr(DEMO_VIP);
	struct rtnl_address a;

	return rtnl_get_address(nh, &a) && a.address.family == 4 &&
	    memcmp(a.address.byte, &vip, sizeof(vip)) == 0;
}

static void
kernel_read(struct demo_node *n)
{
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got;

	while ((got = recv(n->netlink, buf, sizeof(buf), 0)) > 0) {
		const struct nlmsghdr *nh = (const void *)buf;
		int len = (int)got;

		for (; mnl_nlmsg_ok(nh, len); nh = mnl_nlmsg_next(nh, &len)) {
			if (!is_vip(nh))
				continue;
			n->holds = nh->nlmsg_type == RTM_NEWADDR;
		}
	}
}

void
demo_measure(struct demo *d)
{
	d->longest_gap_ns = d->both_ns = 0;
	d->answered = 0;
	d->both_since = MONO_NEVER;
	judge_holders(d, mono_now());
}

static void
visits_go_on(struct demo *d, const struct pollfd *p)
{
	mono_t now = mono_now();

	for (int i = 0; i < DEMO_UNDERWAY; i++) {
		struct demo_visit *v = &d->visit[i];

		if (v->fd == -1)
			continue;
		if (p[i].fd == v->fd && p[i].revents != 0)
			visit_read(d, v, now);
		else if (mono_span_ns(v->begun, now) > DEMO_GIVE_UP_NS)
			visit_end(v);
	}
}

static void
watch_once(struct demo *d)
{
	struct pollfd p[DEMO_NODES + DEMO_UNDERWAY];
	mono_t now = mono_now();
	int64_t left;

	if (mono_span_ns(d->next_visit, now) >= 0) {
		visit_begin(d, now);
		d->next_visit = mono_after(now, DEMO_VISIT_NS);
	}
	left = mono_span_ns(now, d->next_visit);
	for (int i = 0; i < DEMO_NODES; i++)
		p[i] = (struct pollfd){ d->node[i].netlink, POLLIN, 0 };
	for (int i = 0; i < DEMO_UNDERWAY; i++)
		p[DEMO_NODES + i] = (struct pollfd){ d->visit[i].fd, POLLIN,
		    0 };
	(void)poll(p, DEMO_NODES + DEMO_UNDERWAY, (int)(left / NS_PER_MS) + 1);
	for (int i = 0; i < DEMO_NODES; i++)
		if (p[i].revents)
			kernel_read(&d->node[i]);
	/* Only when both were read: they are not read in the order of what
	   happened. */
	judge_holders(d, mono_now());
	visits_go_on(d, p + DEMO_NODES);
}

bool
demo_until(struct demo *d, int64_t span_ns,
    bool (*done)(struct demo *, void *), void *arg)
{
	const mono_t end = mono_after(mono_now(), span_ns);

	do {
		watch_once(d);
		if (done != NULL && done(d, arg))
			return true;
	} while (mono_now().ns < end.ns);
	return done == NULL;
}
