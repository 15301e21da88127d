/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: opens the raw sockets of protocol 112, one pair per interface,
 * and hands them to the elector.  Must never read a packet from one, and
 * must keep none: their filters are locked before they leave.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "advert.h"
#include "advert_filter.h"
#include "netview.h"
#include "rooms.h"
#include "sockets.h"
#include "supervisor.h"

#define STRAY_RCVBUF	16384
#define TC_PRIO_CONTROL	7

/* Which interface a pair is on, and which ids are used there. */
static uint32_t
find_interface(const struct supervisor *s, uint32_t pair,
    struct vhid_set *vhids, char name[IF_NAMESIZE])
{
	static struct netview view;
	struct msg_link m = { .ifindex = 0 };
	const struct netview_link *link;
	uint32_t i, ifindex;

	if (netview_read(&view, s->conf) == -1) {
		log_warn("interfaces cannot be listed");
		return 0;
	}
	netview_judge(&view, s->conf, pair, &m);
	ifindex = m.ifindex;
	link = netview_link_by_index(&view, ifindex);
	if (ifindex == 0 || link == NULL)
		return 0;
	(void)fmt_into(name, IF_NAMESIZE, "%s", link->name);
	for (i = 0; i < s->conf->npairs; i++) {
		netview_judge(&view, s->conf, i, &m);
		if (m.ifindex == ifindex)
			vhid_set_add(vhids, conf_pair(s->conf, i)->vhid);
	}
	return ifindex;
}

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int
set_program(int fd, struct sock_filter *prog, size_t n)
{
	const struct sock_fprog p = {
		.len = (unsigned short)n, .filter = prog,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

/*
 * Until it is bound, a raw socket hears every interface: first a program
 * that passes nothing, then what came before even that is thrown away.
 */
static int
bind_silently(int fd, const char *name)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	char c;

	if (set_program(fd, &nothing, 1) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
	    (socklen_t)strlen(name)) == -1)
		return -1;
	while (recv(fd, &c, 1, MSG_DONTWAIT | MSG_TRUNC) != -1)
		;
	return errno == EAGAIN ? 0 : -1;
}

static int
join_group(int fd, uint32_t ifindex)
{
	const struct conf_addr group = advert_group(4);
	const struct ip_mreqn m = {
		.imr_multiaddr = conf_addr_v4(&group),
		.imr_ifindex = (int)ifindex,
	};

	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)) == -1)
		return -1;
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
}

/* 2.1: TTL 255.  2.15: our own adverts do not come back. */
static int
set_options(int fd, enum socket_kind kind)
{
	if (set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0) == -1 ||
	    set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, ADVERT_TTL) == -1 ||
	    set_int(fd, IPPROTO_IP, IP_TTL, ADVERT_TTL) == -1 ||
	    set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO) == -1 ||
	    set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) == -1 ||
	    set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) == -1)
		return -1;
	/* Ours leaves before what waits in the queue; a wish, not a must. */
	(void)set_int(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL);
	if (kind == SOCKET_STRAY)
		return set_int(fd, SOL_SOCKET, SO_RCVBUF, STRAY_RCVBUF);
	return 0;
}

static int
open_one(enum socket_kind kind, uint32_t ifindex, const char *name,
    const struct vhid_set *vhids)
{
	struct sock_filter prog[ADVERT_FILTER_MAX];
	int fd, error;

	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    ADVERT_IPPROTO);
	if (fd == -1)
		return -1;
	if (bind_silently(fd, name) == 0 && set_options(fd, kind) == 0 &&
	    join_group(fd, ifindex) == 0 &&
	    set_program(fd, prog, advert_filter(prog, vhids, kind)) == 0 &&
	    set_int(fd, SOL_SOCKET, SO_LOCK_FILTER, 1) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static void
refuse(struct supervisor *s, uint32_t pair, uint32_t ifindex, int error)
{
	const union msg m = { .socket = {
		.head = { .type = MSG_SOCKET_NONE, .pair = (uint16_t)pair,
		    .serial = s->conf->serial },
		.ifindex = ifindex,
		.family = 4,
		.error = error,
	} };

	log_debug("pair %s: no advert sockets: %s", pair_name(s, pair),
	    strerror(error));
	rooms_send(s, ROOM_ELECTOR, &m, -1);
}

void
sockets_open(struct supervisor *s, uint32_t pair)
{
	struct vhid_set vhids = { .word = { 0 } };
	char name[IF_NAMESIZE] = "";
	uint32_t ifindex;
	int kind, fd;

	ifindex = find_interface(s, pair, &vhids, name);
	if (ifindex == 0) {
		refuse(s, pair, 0, ENODEV);
		return;
	}
	for (kind = SOCKET_ADVERT; kind <= SOCKET_STRAY; kind++) {
		const union msg m = { .socket = {
			.head = { .type = MSG_SOCKET, .pair = (uint16_t)pair,
			    .serial = s->conf->serial },
			.ifindex = ifindex,
			.kind = (uint8_t)kind,
			.family = 4,
		} };

		fd = open_one((enum socket_kind)kind, ifindex, name, &vhids);
		if (fd == -1) {
			refuse(s, pair, ifindex, errno);
			return;
		}
		rooms_send(s, ROOM_ELECTOR, &m, fd);
		(void)close(fd);
	}
}
