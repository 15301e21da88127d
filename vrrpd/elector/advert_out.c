/* SPDX-License-Identifier: ISC */

/*
 * Elector: our own adverts, and the last words that the actuator keeps for
 * us.  The number behind each advert's is set aside for the farewell.  An
 * advert counts as sent only when the kernel took it.
 */

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "elector.h"

#define TOS_CARP	0x10	/* 5.1 */
#define TOS_VRRP	0xc0

static int
tos_of(const struct conf_pair *cp)
{
	return cp->protocol == PROTOCOL_CARP ? TOS_CARP : TOS_VRRP;
}

/* What election_fill_advert() cannot know: key, number, counter. */
static void
complete(const struct elector *el, const struct pair *p,
    const struct action *send, uint64_t number, struct advert *a)
{
	a->carp_counter = number;
	if (!p->cfg.signs) {
		a->trailer = (struct trailer){ .type = 0 };
		return;
	}
	a->trailer = (struct trailer){
		.type = TRAILER_OWN,
		.key_id = pair_secret(el, p)->active,
		.node = send->send.term_node,
		.flags = send->send.flags,
		.term = send->send.term,
		.seq = number,
	};
}

static size_t
make(const struct elector *el, const struct pair *p,
    const struct action *send, uint64_t number, uint8_t *buf, size_t cap)
{
	const struct conf_addr group = advert_group(p->self_addr.family);
	const struct advert_context cx = pair_context(el, p);
	struct advert a;

	memset(&a, 0, sizeof(a));
	election_fill_advert(&p->cfg, send, cx.vhid, &a);
	complete(el, p, send, number, &a);
	return advert_encode(&a, &cx, &p->self_addr, &group, buf, cap);
}

struct out_control {
	_Alignas(struct cmsghdr) char byte[CMSG_SPACE(sizeof(int)) +
	    CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* Type of service, and the source that the tag covers. */
static void
fill_control(struct msghdr *h, struct out_control *control, int tos,
    const struct in_pktinfo *info)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	h->msg_control = control->byte;
	h->msg_controllen = sizeof(control->byte);
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_TOS;
	c->cmsg_len = CMSG_LEN(sizeof(tos));
	memcpy(CMSG_DATA(c), &tos, sizeof(tos));
	c = CMSG_NXTHDR(h, c);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(*info));
	memcpy(CMSG_DATA(c), info, sizeof(*info));
}

static bool
put_on_wire(const struct elector *el, const struct pair *p, int fd,
    uint8_t *buf, size_t len)
{
	const struct conf_addr group = advert_group(4);
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr = conf_addr_v4(&group),
	};
	const struct in_pktinfo info = {
		.ipi_ifindex = (int)p->link.ifindex,
		.ipi_spec_dst = conf_addr_v4(&p->self_addr),
	};
	struct out_control control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr h = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	fill_control(&h, &control, tos_of(pair_conf(el, p)), &info);
	do {
		n = sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	return n == (ssize_t)len;
}

/* Signed adverts want a durable number; none waits for the disk. */
static void
next_number(struct elector *el, struct pair *p)
{
	bool durable = seq_next(&p->seq, el->wall_ns, &p->number);

	if (!p->cfg.signs)
		return;
	if (!durable && !p->not_durable)
		log_warnx("pair %u: advert numbers are not durable, the "
		    "keeper is late", p->index);
	p->not_durable = !durable;
}

static int
socket_of(struct elector *el, const struct pair *p)
{
	const struct port *port = port_of(el, p->link.ifindex);

	return port == NULL ? -1 : port->advert;
}

bool
advert_send(struct elector *el, struct pair *p, const struct action *send)
{
	uint8_t buf[ADVERT_MAX];
	int fd = socket_of(el, p);
	size_t len;

	if (fd == -1) {
		p->send_error = ENODEV;
		return false;
	}
	next_number(el, p);
	len = make(el, p, send, p->number, buf, sizeof(buf));
	if (len == 0) {
		p->send_error = EINVAL;
		return false;
	}
	if (!put_on_wire(el, p, fd, buf, len))
		p->send_error = errno;
	else {
		p->send_error = 0;
		p->sent++;
	}
	/* Behind the advert: no disk is to make it late. */
	keep_ceiling(el, p);
	return p->send_error == 0;
}

size_t
farewell_make(struct elector *el, struct pair *p, uint8_t *buf, size_t cap)
{
	const struct conf_addr group = advert_group(p->self_addr.family);
	const struct action resign = {
		.type = ELECTION_SEND,
		.send = {
			.priority = 0,
			.carp_skew = 255,
			.carp_base = 255,
			.term = p->election.own_term,
			.term_node = p->cfg.node[p->self].id,
			.flags = TRAILER_GO_NOW,
		},
	};
	uint8_t msg[ADVERT_MAX];
	size_t len;

	len = make(el, p, &resign, p->number + 1, msg, sizeof(msg));
	if (len == 0)
		return 0;
	return ipv4_wrap(&p->self_addr, &group,
	    (uint8_t)tos_of(pair_conf(el, p)), msg, len, buf, cap);
}
