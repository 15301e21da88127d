/* SPDX-License-Identifier: ISC */

/*
 * What the daemon said about all pairs at one moment, and what that means.
 * Text, JSON, exit codes, metrics and the live view are made from this and
 * from nothing else, so they cannot differ.
 *
 * What is not known stays unknown: no old observation is shown as present.
 */
#ifndef VIPAIR_VIPCTL_VIEW_H
#define VIPAIR_VIPCTL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "ctl.h"
#include "election.h"

#define VIEW_PROBLEMS_MAX	64	/* of one pair */
#define ROLE_UNKNOWN		0xff

struct sync_view;

enum pair_verdict {
	PAIR_HEALTHY = 0,
	PAIR_DEGRADED,
	PAIR_MAINTENANCE,
	PAIR_FAULTED,
	PAIR_NOBODY,
	PAIR_DUAL_ACTIVE,
};

struct view_pair {
	struct ctl_pair	 p;
	uint32_t	 npeers, nproblems;
	size_t		 naddrs, addrs_cap;
	struct ctl_peer	 peer[CONF_NODES_PER_PAIR_MAX];
	struct ctl_problem problem[VIEW_PROBLEMS_MAX];
	struct ctl_addr	*addr;
	bool		 has_data;	/* the pair has a sync block */
	struct ctl_data	 data;
	struct sync_view *sync;		/* NULL: no data, or not looked at */
	int64_t		 wall_ns;	/* as of the view */
};

struct view {
	struct ctl_node	 node;
	bool		 has_node;
	int64_t		 wall_ns;	/* when it was asked; ages count back */
	size_t		 npairs, pairs_cap;
	struct view_pair *pair;
};

void	view_init(struct view *w, int64_t wall_ns);
void	view_free(struct view *w);
/* One record of the answer; false when it is out of place. */
bool	view_add(struct view *w, const union ctl_any *r);
/*
 * Asks the daemon.  EXIT_DONE, or the code of what failed with the reason in
 * `why`; nothing is printed, w is empty then.
 */
int	view_load(struct view *w, struct vipctl *v, char *why, size_t size);
/* The same; the reason goes to stderr. */
int	view_get(struct view *w, struct vipctl *v);
/*
 * The pair of that name; without a name the only pair.  NULL with a message
 * when there is none, or when there are several and no name.
 */
const struct view_pair	*view_pick(const struct view *w, struct vipctl *v,
			    const char *name);
/* The same among the pairs with data. */
const struct view_pair	*view_pick_data(const struct view *w,
			    struct vipctl *v, const char *name);
uint16_t	view_index(const struct view *w, const struct view_pair *vp);

enum pair_verdict	pair_verdict(const struct view_pair *vp);
const char	*pair_verdict_name(enum pair_verdict pv);
/* metrics.c: all samples but vipair_up. */
void	metrics_write(FILE *f, const struct view *w);
/* Exit code of one pair and of all: EXIT_DONE, _WARNING, _CRITICAL. */
int		 pair_exit(const struct view_pair *vp);
int		 view_exit(const struct view *w);

/* This node's own row, or NULL while it does not know itself. */
const struct ctl_peer	*pair_self(const struct view_pair *vp);
/* Who else is active, as heard lately; NULL: nobody that we know of. */
const struct ctl_peer	*pair_other_active(const struct view_pair *vp);
/*
 * The other node: the active one, else the one that would take over, else
 * the first; NULL when the pair has one node.
 */
const struct ctl_peer	*pair_partner(const struct view_pair *vp);
/* A peer's role as far as it is known now, or ROLE_UNKNOWN. */
unsigned	 peer_role(const struct view_pair *vp,
		    const struct ctl_peer *peer);
const char	*protocol_name(unsigned protocol);
const char	*service_state_name(unsigned state);
/* "openvpn" for "openvpn.service"; "service" for commands. */
void		 service_label(const struct view_pair *vp, char *buf,
		    size_t size);

#endif
