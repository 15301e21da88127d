/* SPDX-License-Identifier: ISC */

/*
 * The host's interfaces and addresses as a table, and what follows from it
 * for a pair: which node we are, on which interface, whether the virtual
 * addresses fit there.  Pure but for netview_read().
 *
 * The actuator fills the table from rtnetlink, live; supervisor and vipctl
 * fill it once with netview_read().  The judgement is the same.
 */
#ifndef VIPAIR_NETVIEW_H
#define VIPAIR_NETVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "ipc.h"

/* A host of containers has thousands; pages nobody fills cost nothing. */
#define NETVIEW_LINKS_MAX	4096
#define NETVIEW_NETS_MAX	8192
#define NETVIEW_NAME_MAX	16	/* IFNAMSIZ */
/* Virtual addresses that a configuration can name. */
#define NETVIEW_VIPS_MAX	(CONF_BLOB_MAX / sizeof(struct conf_addr))

struct netview_link {
	uint32_t	ifindex;
	uint32_t	flags;		/* IFF_* */
	uint16_t	mtu;
	uint8_t		mac[6];
	char		name[NETVIEW_NAME_MAX];
};

struct netview_net {
	uint32_t	ifindex;
	uint8_t		prefix;		/* bits */
	struct conf_addr address;
};

struct netview {
	uint32_t	nlinks, nnets;
	struct netview_link link[NETVIEW_LINKS_MAX];
	struct netview_net net[NETVIEW_NETS_MAX];	/* no virtual ones */
	/* ifindex where a virtual one is that is not leased by us, 0: none */
	uint32_t	foreign[NETVIEW_VIPS_MAX];
	uint32_t	nforeign;	/* of those, not 0 */
};

/* Forgets everything. */
void	netview_clear(struct netview *v);

/* Fills all of m but its head. */
void	netview_judge(const struct netview *v, const struct conf *c,
	    uint32_t pair, struct msg_link *m);

/* By index or by name; NULL when there is none. */
const struct netview_link *netview_link_by_index(const struct netview *v,
	    uint32_t ifindex);
const struct netview_link *netview_link_by_name(const struct netview *v,
	    const char *name);

/* Adds one; what does not fit is left out. */
void	netview_add_net(struct netview *v, uint32_t ifindex, uint8_t prefix,
	    const struct conf_addr *a);

/* A virtual address that is not ours to lease came or went; false: no news. */
bool	netview_foreign(struct netview *v, uint32_t vip, uint32_t ifindex,
	    bool there);

/*
 * The host as it is now, by getifaddrs(3); addresses that are virtual ones
 * of c are left out (c may be NULL).  0 or -1 with errno.
 */
int	netview_read(struct netview *v, const struct conf *c);

#endif
