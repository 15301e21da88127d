/* SPDX-License-Identifier: ISC */

/* Actuator: see rtnl.h. */

#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <string.h>

#include "rtnl.h"

#ifndef IFA_PROTO
#define IFA_PROTO	11	/* Linux 5.18 */
#endif

/* libmnl's own macro for this casts const away. */
static bool
attr_there(const struct nlmsghdr *nh, const struct nlattr *attr)
{
	const uint8_t *end = mnl_nlmsg_get_payload_tail(nh);

	return mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr));
}

bool
rtnl_get_link(const struct nlmsghdr *nh, struct netview_link *l)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nh);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nh) < sizeof(*ifi))
		return false;
	*l = (struct netview_link){
		.ifindex = (uint32_t)ifi->ifi_index,
		.flags = ifi->ifi_flags,
	};
	for (attr = mnl_nlmsg_get_payload_offset(nh, sizeof(*ifi));
	    attr_there(nh, attr); attr = mnl_attr_next(attr)) {
		const void *at = mnl_attr_get_payload(attr);
		const size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			if (len >= sizeof(l->name) + 1)
				return false;
			memcpy(l->name, at, len);
			l->name[sizeof(l->name) - 1] = '\0';
			break;
		case IFLA_ADDRESS:
			if (len == sizeof(l->mac))
				memcpy(l->mac, at, len);
			break;
		case IFLA_MTU:
			if (len == sizeof(uint32_t))
				l->mtu = (uint16_t)mnl_attr_get_u32(attr);
			break;
		}
	}
	return true;
}

bool
rtnl_get_address(const struct nlmsghdr *nh, struct rtnl_address *a)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nh);
	const struct nlattr *attr;
	bool local = false;
	size_t want;

	if (mnl_nlmsg_get_payload_len(nh) < sizeof(*ifa) ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return false;
	*a = (struct rtnl_address){
		.ifindex = ifa->ifa_index,
		.prefix = ifa->ifa_prefixlen,
	};
	want = ifa->ifa_family == AF_INET ? 4 : 16;
	for (attr = mnl_nlmsg_get_payload_offset(nh, sizeof(*ifa));
	    attr_there(nh, attr); attr = mnl_attr_next(attr)) {
		const uint16_t type = mnl_attr_get_type(attr);
		const size_t len = mnl_attr_get_payload_len(attr);

		if (type == IFA_PROTO && len == 1)
			a->marked = mnl_attr_get_u8(attr) == RTNL_MARK;
		if (len != want ||
		    (type != IFA_LOCAL && (type != IFA_ADDRESS || local)))
			continue;	/* IFA_ADDRESS may be the far end's */
		local = type == IFA_LOCAL;
		a->address.family = want == 4 ? 4 : 6;
		memcpy(a->address.byte, mnl_attr_get_payload(attr), len);
	}
	return a->address.family != 0 && a->prefix <= want * 8;
}

struct nlmsghdr *
rtnl_put_address(void *at, uint32_t seq, uint32_t ifindex,
    const struct conf_addr *a, uint32_t lease_s)
{
	const bool v4 = a->family == 4;
	const struct ifa_cacheinfo life = {
		.ifa_prefered = v4 ? lease_s : 0,
		.ifa_valid = lease_s,
	};
	struct nlmsghdr *nh = mnl_nlmsg_put_header(at);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nh, sizeof(*ifa));

	nh->nlmsg_type = lease_s ? RTM_NEWADDR : RTM_DELADDR;
	nh->nlmsg_flags = NLM_F_REQUEST;
	nh->nlmsg_seq = seq;
	ifa->ifa_family = v4 ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = v4 ? 32 : 128;
	ifa->ifa_flags = v4 ? 0 : IFA_F_NODAD;
	ifa->ifa_index = ifindex;
	mnl_attr_put(nh, IFA_LOCAL, v4 ? 4 : 16, a->byte);
	mnl_attr_put(nh, IFA_ADDRESS, v4 ? 4 : 16, a->byte);
	if (lease_s == 0)
		return nh;
	nh->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	mnl_attr_put(nh, IFA_CACHEINFO, sizeof(life), &life);
	mnl_attr_put_u8(nh, IFA_PROTO, RTNL_MARK);
	return nh;
}

struct mnl_socket *
rtnl_open(void)
{
	static const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
	    RTMGRP_IPV6_IFADDR;
	const int bytes = 4 << 20;
	struct mnl_socket *nl;
	int fd;

	nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (nl == NULL)
		return NULL;
	if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) == -1) {
		(void)mnl_socket_close(nl);
		return NULL;
	}
	fd = mnl_socket_get_fd(nl);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
	    sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
	    sizeof(bytes));
	return nl;
}

bool
rtnl_read(struct mnl_socket *nl, void (*news)(const struct nlmsghdr *nh))
{
	static uint8_t buf[1 << 16] __attribute__((aligned(NLMSG_ALIGNTO)));
	const ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	const struct nlmsghdr *nh = (const void *)buf;
	int left = (int)n;

	for (; n > 0 && mnl_nlmsg_ok(nh, left); nh = mnl_nlmsg_next(nh, &left))
		news(nh);
	return n > 0;
}

bool
rtnl_dump(struct mnl_socket *nl, uint16_t type)
{
	uint8_t buf[32] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nh = mnl_nlmsg_put_header(buf);

	nh->nlmsg_type = type;
	nh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	(void)mnl_nlmsg_put_extra_header(nh, sizeof(struct rtgenmsg));
	return mnl_socket_sendto(nl, nh, nh->nlmsg_len) != -1;
}
