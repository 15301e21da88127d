/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: listens on one interface for some seconds, asks by ARP who
 * has the addresses, and sends itself two packets of protocol 112 to see
 * whether this host's packet filter lets them out and in.  Those have TTL 0:
 * the kernel hands them to this host's own sockets and to no wire.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_listen.h"
#include "mono.h"
#include "wire.h"

#define ASK_EVERY_NS	(400 * NS_PER_MS)
#define ASK_TIMES	3
#define STEP_MS		50
#define FRAME_LEN	42		/* ARP over Ethernet */

static const char magic[] = "vipair doctor";

/* Everything of protocol 112 and ARP on the interface, before any filter. */
static bool
open_tap(struct ear *e, char *why, size_t size)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program prog;

	e->tap = pcap_open_live(e->l->interface, 512, 0, STEP_MS, error);
	if (e->tap == NULL) {
		snprintf(why, size, "%.100s", error);
		return false;
	}
	if (pcap_datalink(e->tap) != DLT_EN10MB) {
		snprintf(why, size, "%s is not Ethernet", e->l->interface);
		return false;
	}
	if (pcap_compile(e->tap, &prog, "ip proto 112 or ip6 proto 112 or "
	    "arp", 1, PCAP_NETMASK_UNKNOWN) == -1) {
		snprintf(why, size, "%.100s", pcap_geterr(e->tap));
		return false;
	}
	(void)pcap_setfilter(e->tap, &prog);
	pcap_freecode(&prog);
	(void)pcap_setnonblock(e->tap, 1, error);
	return true;
}

/* What gets through to a daemon; also the group's membership. */
static void
open_raw(struct ear *e)
{
	const struct ip_mreqn group = {
		.imr_multiaddr.s_addr = htonl(0xe0000012),
		.imr_ifindex = (int)e->l->ifindex,
	};
	const int one = 1;

	e->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    ADVERT_IPPROTO);
	if (e->raw == -1)
		return;
	(void)setsockopt(e->raw, SOL_SOCKET, SO_BINDTODEVICE,
	    e->l->interface, (socklen_t)strlen(e->l->interface));
	(void)setsockopt(e->raw, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group,
	    sizeof(group));
	(void)setsockopt(e->raw, IPPROTO_IP, IP_MULTICAST_IF, &group,
	    sizeof(group));
	(void)setsockopt(e->raw, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one));
}

/* To ourselves, as if from src; the errno, or 0. */
static int
probe_wall(struct ear *e, const struct conf_addr *src, uint8_t mark)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0xe0000012) };
	uint8_t packet[sizeof(struct iphdr) + 20] = { 0 };
	struct iphdr ip = {
		.version = 4, .ihl = 5, .tot_len = htons(sizeof(packet)),
		.ttl = 0, .protocol = ADVERT_IPPROTO, .id = htons(1),
		.saddr = conf_addr_v4(src).s_addr,
		.daddr = to.sin_addr.s_addr,
	};

	/* Version 0 and id 0: no program takes it for an advert. */
	memcpy(packet, &ip, sizeof(ip));
	packet[sizeof(ip) + 3] = mark;
	memcpy(packet + sizeof(ip) + 4, magic, sizeof(magic));
	if (sendto(e->raw, packet, sizeof(packet), 0,
	    (const struct sockaddr *)&to, sizeof(to)) == -1)
		return errno;
	return 0;
}

/* Which of our own packets came back? */
static void
read_raw(struct ear *e)
{
	uint8_t b[256];
	size_t head;
	ssize_t n;

	while ((n = recv(e->raw, b, sizeof(b), 0)) > 0) {
		head = (size_t)(b[0] & 15) * 4;
		if ((size_t)n < head + 4 + sizeof(magic) ||
		    memcmp(b + head + 4, magic, sizeof(magic)) != 0)
			continue;
		e->came |= b[head + 3];
	}
}

static void
ask_arp(struct ear *e, const struct conf_addr *who)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
	    .sll_ifindex = (int)e->l->ifindex, .sll_halen = 6,
	    .sll_protocol = htons(ETH_P_ARP),
	    .sll_addr = { 255, 255, 255, 255, 255, 255 } };
	uint8_t b[FRAME_LEN] = { 0 };

	memset(b, 255, 6);
	memcpy(b + 6, e->l->mac, 6);
	put16(b + 12, ETH_P_ARP);
	put16(b + 14, ARPHRD_ETHER);
	put16(b + 16, ETH_P_IP);
	b[18] = 6;
	b[19] = 4;
	put16(b + 20, ARPOP_REQUEST);
	memcpy(b + 22, e->l->mac, 6);
	memcpy(b + 28, e->own.byte, 4);
	memcpy(b + 38, who->byte, 4);
	(void)sendto(e->arp, b, sizeof(b), 0, (const struct sockaddr *)&to,
	    sizeof(to));
}

static void
hear_arp(struct ear *e, const uint8_t *b, size_t len)
{
	struct listening *l = e->l;
	struct answer a = { .address.family = 4 };
	uint32_t i;

	if (len < FRAME_LEN || get16(b + 16) != ETH_P_IP || b[18] != 6 ||
	    b[19] != 4)
		return;
	memcpy(a.mac, b + 22, 6);
	memcpy(a.address.byte, b + 28, 4);
	if (memcmp(a.mac, l->mac, 6) == 0 || b[28] == 0)
		return;
	for (i = 0; i < l->nanswers; i++)
		if (memcmp(l->answer[i].mac, a.mac, 6) == 0 &&
		    conf_addr_equal(&l->answer[i].address, &a.address))
			return;
	for (i = 0; i < e->nasked; i++)
		if (conf_addr_equal(&e->asked[i], &a.address) &&
		    l->nanswers < DOCTOR_MACS_MAX) {
			l->answer[l->nanswers++] = a;
			return;
		}
}

static struct sender *
sender_of(struct listening *l, const struct heard *h, const uint8_t *mac)
{
	struct sender *s = l->sender;
	uint32_t i;

	for (i = 0; i < l->nsenders; i++, s++)
		if (s->vhid == h->advert.vhid &&
		    s->protocol == h->advert.protocol &&
		    conf_addr_equal(&s->src, &h->packet.src))
			return s;
	if (l->nsenders == DOCTOR_SENDERS_MAX)
		return NULL;
	l->nsenders++;
	*s = (struct sender){ .src = h->packet.src,
	    .protocol = h->advert.protocol, .vhid = h->advert.vhid,
	    .ahead_ns = INT64_MIN };
	memcpy(s->mac, mac, 6);
	return s;
}

/* Only its highest number is news of its clock: older ones are replays. */
static void
read_clock(struct sender *s, const struct heard *h)
{
	const uint64_t seq = h->advert.trailer.seq;
	int64_t then = (int64_t)(seq >> 32) * NS_PER_S +
	    (int64_t)((seq >> 16 & 0xffff) * NS_PER_S >> 16);

	if (h->advert.auth != AUTH_GOOD || h->advert.trailer.type == 0 ||
	    seq >> 32 > INT32_MAX * UINT64_C(2))
		return;
	s->signed_ = true;
	if (then - h->wall_ns > s->ahead_ns)
		s->ahead_ns = then - h->wall_ns;
}

static void
hear(u_char *arg, const struct pcap_pkthdr *head, const u_char *b)
{
	struct ear *e = (struct ear *)(void *)arg;
	struct heard h = { .wall_ns = head->ts.tv_sec * NS_PER_S +
	    head->ts.tv_usec * 1000 };
	struct sender *s;

	if (head->caplen < 14 || memcmp(b + 6, e->l->mac, 6) == 0)
		return;
	if (get16(b + 12) == ETH_P_ARP) {
		hear_arp(e, b, head->caplen);
		return;
	}
	if (!heard_parse(&h, b + 14, head->caplen - 14, head->len - 14) ||
	    h.verdict != ADVERT_OK)
		return;
	heard_judge(&h, &e->judge);
	s = sender_of(e->l, &h, b + 6);
	if (s == NULL)
		return;
	s->heard++;
	read_clock(s, &h);
}

#define MARK_OWN	1	/* a probe with our own source */
#define MARK_PARTNER	2	/* one with the partner's */

static void
ask(struct ear *e)
{
	uint32_t i;

	for (i = 0; i < e->nasked; i++)
		ask_arp(e, &e->asked[i]);
	if (e->raw == -1 || e->own.family != 4)
		return;
	e->out_error = probe_wall(e, &e->own, MARK_OWN);
	if (e->partner.family == 4)
		(void)probe_wall(e, &e->partner, MARK_PARTNER);
}

static void
listen_until(struct ear *e, mono_t end)
{
	struct pollfd p[2];
	mono_t next = mono_now();
	int times = 0;

	p[0] = (struct pollfd){ pcap_get_selectable_fd(e->tap), POLLIN, 0 };
	p[1] = (struct pollfd){ e->raw, POLLIN, 0 };
	while (!mono_reached(mono_now(), end)) {
		if (times < ASK_TIMES && mono_reached(mono_now(), next)) {
			ask(e);
			times++;
			next = mono_after(next, ASK_EVERY_NS);
		}
		(void)poll(p, 2, STEP_MS);
		(void)pcap_dispatch(e->tap, -1, hear, (u_char *)(void *)e);
		if (e->raw != -1)
			read_raw(e);
	}
}

/*
 * A filter that lets in the partner only is right, so the probe that bears
 * its address counts; without one, ours.
 */
static void
judge_wall(struct ear *e)
{
	const uint8_t mark = e->partner.family == 4 ? MARK_PARTNER : MARK_OWN;

	if (e->raw == -1 || e->own.family != 4)
		return;
	if (e->out_error != 0 && e->out_error != EPERM)
		return;
	e->l->out = e->out_error == EPERM ? WALL_SHUT : WALL_OPEN;
	if ((e->came & mark) != 0)
		e->l->in = WALL_OPEN;
	else if (e->l->out == WALL_OPEN)
		e->l->in = WALL_SHUT;
}

static void
aim(struct ear *e, const struct doctor *d)
{
	const struct patient *p;
	const struct ctl_peer *n;
	uint32_t i, k;

	for (i = 0; i < d->npatients; i++) {
		p = &d->patient[i];
		if (p->link.ifindex != e->l->ifindex)
			continue;
		for (k = 0; k < p->vp->npeers; k++) {
			n = &p->vp->peer[k];
			if (n->self != 0 && e->own.family != 4)
				e->own = n->address;
			else if (n->self == 0 && n->address.family == 4) {
				e->partner = n->address;
				ear_ask(e, &n->address);
			}
		}
		for (k = 0; k < p->vp->naddrs; k++)
			if (p->vp->addr[k].address.family == 4)
				ear_ask(e, &p->vp->addr[k].address);
	}
}

void
ear_ask(struct ear *e, const struct conf_addr *a)
{
	uint32_t i;

	for (i = 0; i < e->nasked; i++)
		if (conf_addr_equal(&e->asked[i], a))
			return;
	if (e->nasked < DOCTOR_PROBES_MAX)
		e->asked[e->nasked++] = *a;
}

bool
doctor_listen(struct doctor *d, struct listening *l, int ms, char *why,
    size_t size)
{
	struct ear *e = calloc(1, sizeof(*e));
	bool good;

	if (e == NULL) {
		snprintf(why, size, "out of memory");
		return false;
	}
	e->l = l;
	e->raw = e->arp = -1;
	e->judge.conf = d->conf;
	e->judge.secrets = d->config->secrets;
	aim(e, d);
	good = open_tap(e, why, size);
	if (good) {
		open_raw(e);
		e->arp = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		listen_until(e, mono_after(mono_now(), ms * NS_PER_MS));
		judge_wall(e);
	}
	if (e->tap != NULL)
		pcap_close(e->tap);
	if (e->raw != -1)
		close(e->raw);
	if (e->arp != -1)
		close(e->arp);
	free(e);
	return good;
}
