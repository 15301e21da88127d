/* SPDX-License-Identifier: ISC */

/*
 * Actuator: what it puts on the wire and what it lets through from it.
 * Announcements of held addresses; the farewell the elector signed in
 * advance; and, unparsed, ARP of strangers about our addresses, which a
 * kernel filter picks out.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <errno.h>

#include "actuator.h"
#include "arpfilter.h"
#include "neigh.h"

#define FRAMES_PER_MINUTE	600	/* of strangers, to the elector */

void
frames_send(uint32_t ifindex, const uint8_t *frame, size_t len)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)ifindex,
	};

	if (len > 0 && sendto(ac.send_fd, frame, len, MSG_DONTWAIT,
	    (const void *)&to, sizeof(to)) == -1)
		log_debug("frame on interface %u: errno %d", ifindex, errno);
}

void
frames_open(void)
{
	static struct sock_filter f[BPF_MAXINSNS];
	const struct sock_fprog prog = {
		.len = (unsigned short)arpfilter_make(&ac.conf, f),
		.filter = f,
	};
	const struct sockaddr_ll arp = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
	};
	const int on = 1;

	ac.send_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	/* No protocol until the filter is on: nothing is let in unfiltered. */
	ac.arp_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (ac.send_fd == -1 || ac.arp_fd == -1)
		fatal("packet socket");
	(void)setsockopt(ac.arp_fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
	    sizeof(on));
	if (setsockopt(ac.arp_fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
	    sizeof(prog)) == -1 ||
	    bind(ac.arp_fd, (const void *)&arp, sizeof(arp)) == -1)
		fatal("packet socket for ARP");
}

void
frames_announce(uint32_t pair)
{
	const struct conf_pair *p = conf_pair(&ac.conf, pair);
	const struct msg_link *l = &ac.pair[pair].link;
	uint8_t frame[NA_FRAME_LEN];
	size_t len;

	for (uint32_t i = 0; i < p->naddrs; i++)
		for (unsigned form = 0; ac.on[p->first_addr + i] != 0 &&
		    (len = neigh_announce(l->mac, conf_pair_addr(&ac.conf, p,
		    i), form, frame, sizeof(frame))) > 0; form++)
			frames_send(l->ifindex, frame, len);
}

/* The pair is found by place alone; what the frame says is not read. */
void
frames_hear(void)
{
	for (;;) {
		union msg m = { .frame.head = { MSG_NEIGH_FRAME, 0,
		    ac.conf.serial } };
		struct sockaddr_ll from;
		socklen_t fromlen = sizeof(from);
		ssize_t n;

		n = recvfrom(ac.arp_fd, m.frame.byte, sizeof(m.frame.byte),
		    MSG_DONTWAIT, (void *)&from, &fromlen);
		if (n <= 0)
			return;
		if (!log_allowed(&ac.frames, mono_now().ns,
		    FRAMES_PER_MINUTE))
			continue;
		m.frame.len = (uint32_t)n;
		m.frame.ifindex = (uint32_t)from.sll_ifindex;
		for (uint32_t i = 0; i < ac.conf.npairs; i++) {
			if (ac.pair[i].link.ifindex != m.frame.ifindex)
				continue;
			m.head.pair = (uint16_t)i;
			tell(&m);
		}
	}
}
