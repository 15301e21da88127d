/* SPDX-License-Identifier: ISC */

/*
 * The actuator: the only room that can change addresses and send frames.
 * User _vipd, CAP_NET_ADMIN and CAP_NET_RAW, empty root.  It does what the
 * elector orders for configured pairs, in numbers, and lets go by itself
 * when the orders stop.  It parses no advert, sees no secret, opens nothing.
 * A new configuration means a new actuator: leases bridge the change.
 *
 *	main.c		entry, loop, what is due by time
 *	filter.c	the system calls it is left with
 *	orders.c	messages from elector and supervisor
 *	addresses.c	leased addresses by rtnetlink
 *	links.c		rtnetlink news: addresses that come and go, interfaces
 *	frames.c	packet sockets: announcements, farewell, strangers' ARP
 */
#ifndef VIPAIR_ACTUATOR_H
#define VIPAIR_ACTUATOR_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "conf.h"
#include "farewell.h"
#include "ipc.h"
#include "log.h"
#include "mono.h"
#include "netview.h"
#include "rtnl.h"

struct pair_state {
	bool		held;		/* by order, lease running */
	bool		link_told;
	mono_t		lease_end;	/* without a renewal: let go */
	mono_t		announced;	/* last one by order */
	mono_t		announce_at;	/* second announcement due */
	struct msg_link	link;		/* as last told to the elector */
	size_t		farewell_len;	/* of the frame; 0: none */
	uint8_t		farewell[FAREWELL_FRAME_MAX];
};

enum scan { SCAN_IDLE, SCAN_LINKS, SCAN_ADDRS };

struct actuator {
	struct channel	supervisor, elector;
	struct mnl_socket *nl;
	int		send_fd;	/* packet socket that hears nothing */
	int		arp_fd;		/* hears ARP of our addresses */
	bool		deaf;		/* to an elector that hung */
	enum scan	scan;
	bool		scan_again;
	mono_t		adopt_by;	/* leftovers without HOLD go then */
	uint32_t	seq;		/* of the netlink request under way */
	int		request_error;	/* first errno it earned, or 0 */
	bool		answered;	/* its last part was done */
	struct netview	view;
	struct pair_state pair[CONF_PAIRS_MAX];
	uint32_t	on[NETVIEW_VIPS_MAX]; /* ifindex it is on, 0 absent */
	bool		marks;		/* the kernel keeps our mark */
	bool		seen[NETVIEW_VIPS_MAX]; /* in the scan under way */
	struct log_limit frames;
	union {
		struct conf	conf;
		uint8_t		blob[CONF_BLOB_MAX];
	};
};

extern struct actuator ac;

/* addresses.c: 0 or an errno; add false renews those that are there. */
int	addresses_hold(uint32_t pair, uint32_t lease_s, bool add);
void	addresses_remove(uint32_t pair);
uint32_t addresses_present(uint32_t pair);
/* Removes a marked address that no pair of the configuration has. */
void	address_remove_stray(const struct rtnl_address *a);

/* links.c */
/* Reads all news, or those before the answer to the request under way. */
void	netlink_drain(bool until_answer);
void	links_scan(void);
void	links_tell(bool all);

/* frames.c */
void	frames_open(void);
void	frames_announce(uint32_t pair);
void	frames_send(uint32_t ifindex, const uint8_t *frame, size_t len);
void	frames_hear(void);

/* filter.c */
void	filter_on(void);

/* orders.c */
void	elector_read(void);
void	supervisor_read(void);
void	let_go(uint32_t pair, enum release_cause cause, bool farewell);
void	tell(const union msg *m);

#endif
