/* SPDX-License-Identifier: ISC */

/* Supervisor and vipctl: the host's interfaces, once, from getifaddrs(3). */

#include <sys/socket.h>

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "netview.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP	0x10000	/* linux/if.h, which clashes with net/if.h */
#endif

static void
add_link(struct netview *v, const struct ifaddrs *i)
{
	const struct sockaddr_ll *ll = (const void *)i->ifa_addr;
	struct netview_link *l = &v->link[v->nlinks];

	if (v->nlinks == NETVIEW_LINKS_MAX)
		return;
	v->nlinks++;
	*l = (struct netview_link){
		.ifindex = (uint32_t)ll->sll_ifindex,
		.flags = i->ifa_flags,
	};
	/* Its ioctl cuts the flags at 16 bits: running is the nearest. */
	if (i->ifa_flags & IFF_RUNNING)
		l->flags |= IFF_LOWER_UP;
	if (ll->sll_halen == sizeof(l->mac))
		memcpy(l->mac, ll->sll_addr, sizeof(l->mac));
	strncpy(l->name, i->ifa_name, sizeof(l->name) - 1);
}

static uint8_t
prefix_of(const uint8_t *mask, size_t len)
{
	uint8_t bits = 0;

	for (size_t i = 0; i < len; i++)
		bits += (uint8_t)__builtin_popcount(mask[i]);
	return bits;
}

static void
add_address(struct netview *v, const struct conf *c, const struct ifaddrs *i)
{
	const bool v4 = i->ifa_addr->sa_family == AF_INET;
	const size_t len = v4 ? 4 : 16;
	const size_t at = v4 ? offsetof(struct sockaddr_in, sin_addr) :
	    offsetof(struct sockaddr_in6, sin6_addr);
	struct conf_addr a = { .family = v4 ? 4 : 6 };
	uint32_t hint = 0;
	uint8_t mask[16];

	memcpy(a.byte, (const uint8_t *)i->ifa_addr + at, len);
	memcpy(mask, (const uint8_t *)i->ifa_netmask + at, len);
	if (c != NULL && conf_find_addr(c, &a, &hint) < c->naddrs)
		return;
	netview_add_net(v, if_nametoindex(i->ifa_name), prefix_of(mask, len),
	    &a);
}

int
netview_read(struct netview *v, const struct conf *c)
{
	struct ifaddrs *all;

	*v = (struct netview){ 0 };
	if (getifaddrs(&all) == -1)
		return -1;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL)
			continue;
		if (i->ifa_addr->sa_family == AF_PACKET)
			add_link(v, i);
		else if ((i->ifa_addr->sa_family == AF_INET ||
		    i->ifa_addr->sa_family == AF_INET6) &&
		    i->ifa_netmask != NULL)
			add_address(v, c, i);
	}
	freeifaddrs(all);
	return 0;
}
