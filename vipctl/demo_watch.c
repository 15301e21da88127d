/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: what the client sees.  A probe to the service each 5 ms, and
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

int
demo_watch_open(struct demo *d)
{
	d->probe = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (d->probe == -1) {
		perror("vipctl: demo: socket");
		return -1;
	}
	d->answers_from = -1;
	return 0;
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
probe_send(struct demo *d)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(DEMO_PORT),
	};

	(void)inet_pton(AF_INET, DEMO_VIP, &to.sin_addr);
	/* With nobody there ARP fails: also an answer. */
	(void)sendto(d->probe, "?", 1, MSG_DONTWAIT, (const void *)&to,
	    sizeof(to));
	d->asked++;
}

static void
probe_read(struct demo *d, mono_t now)
{
	char in[64];
	ssize_t len;

	while ((len = recv(d->probe, in, sizeof(in) - 1, 0)) > 0) {
		int64_t gap = mono_span_ns(d->last_answer, now);

		in[len] = '\0';
		if (mono_is_set(d->last_answer) && gap > d->longest_gap_ns)
			d->longest_gap_ns = gap;
		d->last_answer = now;
		d->answered++;
		for (int i = 0; i < DEMO_NODES; i++)
			if (strncmp(in, d->node[i].name,
			    strlen(d->node[i].name)) == 0)
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
	d->asked = d->answered = 0;
	d->both_since = MONO_NEVER;
	judge_holders(d, mono_now());
}

static void
watch_once(struct demo *d)
{
	struct pollfd p[1 + DEMO_NODES] = { { d->probe, POLLIN, 0 } };
	mono_t now = mono_now();
	int64_t left;

	if (mono_span_ns(d->next_probe, now) >= 0) {
		probe_send(d);
		d->next_probe = mono_after(now, DEMO_PROBE_NS);
	}
	left = mono_span_ns(now, d->next_probe);
	for (int i = 0; i < DEMO_NODES; i++)
		p[1 + i] = (struct pollfd){ d->node[i].netlink, POLLIN, 0 };
	(void)poll(p, 1 + DEMO_NODES, (int)(left / NS_PER_MS) + 1);
	for (int i = 0; i < DEMO_NODES; i++)
		if (p[1 + i].revents)
			kernel_read(&d->node[i]);
	/* Only when both were read: they are not read in the order of what
	   happened. */
	judge_holders(d, mono_now());
	if (p[0].revents)
		probe_read(d, mono_now());
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
