/* SPDX-License-Identifier: ISC */

/*
 * What the files of the election share.  Runs in the elector and in the
 * simulator.  Nothing here may import more than memory functions.
 */
#ifndef VIPAIR_ELECTION_INTERNAL_H
#define VIPAIR_ELECTION_INTERNAL_H

#include "election.h"

#define CLAIM_ADVERTS	4	/* soft, soft, earnest, and the fourth */
#define CLAIM_EARNEST	2	/* from here on: the new epoch */
#define SENDS_IN_A_ROW	3	/* CARP 5.18 */
#define TERM_TOP	UINT32_C(0x7fffffff)
#define KEEP_WAIT_NS	(5 * NS_PER_S)	/* for a keeper that is silent */
#define CONFLICT_NS	(30 * NS_PER_S)	/* alarm lasts after the last one */
#define JUMP_NS		(60 * NS_PER_S)
#define WORD_NS_MAX	(3 * NS_PER_S)	/* design 2: the word counts so long */
#define REARM_NS	NS_PER_S
#define REARM_NEAR_NS	(50 * NS_PER_MS)

/* What an EVENT_SENT is the answer to. */
enum sending {
	SENDING_NONE = 0,
	SENDING_ADVERT,
	SENDING_CLAIM,
	SENDING_RESIGN,
};

/* One step: what went in and what comes out. */
struct step {
	struct election			*e;
	const struct election_config	*cfg;
	const struct event		*ev;
	mono_t				 now;
	struct actions			*out;
};

/* An advert as the election sees it. */
struct heard {
	const struct advert	*a;
	bool			foreign;	/* or not a configured node */
	bool			authentic;	/* own trailer, verified */
	bool			epochs;		/* both sign: epoch first */
	bool			resigns;
	bool			soft;
	bool			go_now;
	uint16_t		rank;
};

/* election.c: the one function that changes the state. */
void	el_change(struct step *s, enum state to, enum reason why);
/* Same role, new reason: one line of `why`. */
void	el_note(struct step *s, enum reason why);
/* Where this node belongs when it is not active. */
enum state el_home(const struct election *e);

/* election_emit.c: one action each. */
void	el_emit_send(struct step *s, enum sending what);
void	el_emit_resign(struct step *s);
void	el_emit_hold(struct step *s, enum action_type type, mono_t advert);
void	el_emit_plain(struct step *s, enum action_type type);
void	el_emit_keep_term(struct step *s, uint32_t term);
void	el_emit_service(struct step *s, bool run);
void	el_emit_role(struct step *s, enum role old);
void	el_emit_refused(struct step *s, enum verdict v);
void	el_announce(struct step *s);

/* election_hear.c: what an advert is, who wins. */
bool	el_hear(struct step *s, struct heard *h);
void	el_heard_active(struct step *s, const struct heard *h);
/* Another active was heard within the down interval, and has not resigned. */
bool	el_is_heard_beside(const struct step *s, uint8_t node);
bool	el_learn_term(struct step *s, uint32_t term, uint8_t node);
int	el_epoch_compare(uint32_t term, uint8_t node, uint32_t than,
	    uint8_t than_node);
/* Above 0: the sender is better than we are, below: worse, 0: equal. */
int	el_rank_compare(const struct election_config *cfg,
	    const struct heard *h);
/* The protocols' rules for an active that hears another (3.12, 5.10-5.13). */
bool	el_must_yield(const struct step *s, const struct heard *h);
bool	el_sender_is_lower_id(const struct step *s);

/* election_standby.c: all states that listen. */
bool	el_word_says_active(const struct step *s);
void	el_listen_again(struct step *s);
void	el_step_init(struct step *s);
void	el_step_standby(struct step *s);
void	el_step_faulted(struct step *s);
void	el_step_maintenance(struct step *s);
void	el_enter_standby(struct step *s);
void	el_enter_faulted(struct step *s);

/* election_claim.c */
void	el_claim(struct step *s, enum reason why, unsigned first);
void	el_resigned(struct step *s, const struct heard *h);
void	el_step_claim(struct step *s);

/* election_active.c */
void	el_count_send(struct step *s, bool ok);
void	el_enter_active(struct step *s);
void	el_step_active(struct step *s);
void	el_step_leaving(struct step *s);

/* election_release.c */
void	el_release(struct step *s, enum reason why, bool resign);
void	el_release_unanswered(struct step *s, enum reason why, bool resign);
void	el_hand_over(struct step *s, enum reason why);
void	el_came_off(struct step *s, enum reason why);
void	el_finish_release(struct step *s);
void	el_enter_releasing(struct step *s);
void	el_step_releasing(struct step *s);
void	el_step_left(struct step *s);

/* election_timers.c */
int64_t	el_own_pace_ns(const struct election_config *cfg);
int64_t	el_down_of_ns(const struct election_config *cfg, uint8_t node,
	    int64_t interval_ns);
int64_t	el_skew_ns(const struct election *e, const struct election_config *cfg);
bool	el_flap_full(const struct step *s);
void	el_flap_count(struct step *s);
mono_t	el_flap_room_at(const struct step *s);
void	el_expire_alarms(struct step *s);

static inline bool
is_carp(const struct election_config *cfg)
{
	return cfg->protocol == PROTOCOL_CARP;
}

static inline const struct election_node *
own_node(const struct election_config *cfg)
{
	return &cfg->node[cfg->self];
}

static inline mono_t
mono_last(mono_t a, mono_t b)
{
	return a.ns > b.ns ? a : b;
}

#endif
