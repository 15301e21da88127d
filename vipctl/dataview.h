/* SPDX-License-Identifier: ISC */

/*
 * How old the data of both nodes are, from what elector and mirror say.
 * Ages are nanoseconds, CTL_AGE_UNKNOWN when nobody can tell.
 */
#ifndef VIPAIR_VIPCTL_DATAVIEW_H
#define VIPAIR_VIPCTL_DATAVIEW_H

#include "syncview.h"
#include "view.h"

#define WORD_FRESH_NS	(5 * NS_PER_S)	/* of the partner, by ssh */

/* What the partner says of itself, when that is news; else NULL. */
const struct msg_partner	*pair_word(const struct view_pair *vp);
/* What the mirror says, or NULL. */
const struct sync_mirror_state	*pair_mirror(const struct view_pair *vp);
const struct sync_capture_state	*pair_capture(const struct view_pair *vp);
/* This node's head is known (it may be 0: empty). */
bool	data_known(const struct view_pair *vp);

int64_t	data_made_ns(const struct view_pair *vp);	/* our head */
/* When the partner last acknowledged a generation of ours. */
int64_t	data_verified_ns(const struct view_pair *vp);
/* How long the partner lacks something of ours; 0: it has all. */
int64_t	data_lag_ns(const struct view_pair *vp);
bool	data_lag_bytes(const struct view_pair *vp, uint64_t *bytes);
/* Active: what is older than this is on the partner. */
int64_t	data_loss_ns(const struct view_pair *vp);

/* "gen 48213, 21s old"; "gen 48213 verified 20s ago". */
void	data_self_text(const struct view_pair *vp, char *buf, size_t size);
void	data_peer_text(const struct view_pair *vp,
	    const struct ctl_peer *peer, char *buf, size_t size);
/* ", losing nothing older than 20s"; "" without data. */
void	data_loss_text(const struct view_pair *vp, char *buf, size_t size);
/* The step of a takeover that is under way, or NULL. */
const char	*data_step_text(const struct view_pair *vp);
/* enum data_state; "unknown" for none. */
const char	*data_state_name(unsigned state);

#endif
