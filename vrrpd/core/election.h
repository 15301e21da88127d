/* SPDX-License-Identifier: ISC */

/*
 * The election: who of the nodes of one pair is active.  Pure: an event and
 * the time go in, a list of actions comes out, in the order in which they
 * are to be done.  No clock, no I/O, no allocation, no logging, no global.
 * The same object file runs in the elector and in the simulator.
 *
 * struct election is plain data without pointers: copying its bytes moves
 * the election to another process (SIGUSR2).
 *
 * The caller executes the actions one after the other.  ELECTION_SEND is
 * synchronous: the caller sends, then feeds EVENT_SENT with the outcome
 * before it does anything else, and appends what that step returns.  The
 * core takes the time of the step that asked for it as the advert's time,
 * so that a freeze around the sending makes an order late, never a lease
 * long: the step's time is to be read right before it.  SEND is always the
 * last action of a step.
 * When the actuator was replaced the caller feeds EVENT_ADDR_LOST.
 * The caller drains sockets and channels before it feeds EVENT_TIMER.
 */
#ifndef VIPAIR_ELECTION_H
#define VIPAIR_ELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "advert.h"
#include "conf.h"
#include "mono.h"

#define ELECTION_NODE_NONE	0xff
#define ELECTION_ACTIONS_MAX	12
#define ELECTION_TERM_JUMP_MAX	1000	/* design 2: more is refused */
#define ELECTION_FLAPS_MAX	16	/* a higher flap limit counts as this */
#define ELECTION_LATE_ORDER_NS	(20 * NS_PER_MS)  /* actuator refuses older */

/* What users see.  The words are interface.md's. */
enum role {
	ROLE_STARTING = 0,	/* silent after start, or waiting for link */
	ROLE_STANDBY,
	ROLE_ACTIVE,
	ROLE_FAULTED,
	ROLE_MAINTENANCE,
	ROLE_COUNT
};

/* Inside.  election_role() maps these to the above. */
enum state {
	STATE_INIT = 0,		/* 3768 6.4.1: no link or no own address yet */
	STATE_STANDBY,		/* Backup: the down timer runs */
	STATE_CLAIM,		/* adverts before the hold; still a standby */
	STATE_ACTIVE,		/* Active: adverts, address held */
	STATE_LEAVING,		/* active, stopping the service to hand over */
	STATE_RELEASING,	/* address ordered off, not yet confirmed */
	STATE_FAULTED,		/* service failed or flap limit */
	STATE_MAINTENANCE,
	STATE_LEFT,		/* EVENT_LEAVE is through: nothing more */
	STATE_COUNT
};

/* Why the role is what it is; one line of `why` each. */
enum reason {
	REASON_NONE = 0,
	REASON_START,			/* the daemon came up */
	REASON_HEARD_ACTIVE,		/* an active node was heard */
	REASON_SILENCE,			/* nothing heard for the down time */
	REASON_RESIGNED,		/* the active resigned */
	REASON_GO_NOW,			/* signed resignation: take over now */
	REASON_GUARANTEED_TIMEOUT,	/* CARP 5.15 */
	REASON_PREEMPT,			/* preempt, and our rank is better */
	REASON_DEMOTED_PEER,		/* CARP 5.13 */
	REASON_HIGHER_EPOCH,		/* a newer epoch was heard: yield */
	REASON_HIGHER_RANK,		/* a better rank was heard: yield */
	REASON_WORD_HIGHER_EPOCH,	/* the partner's word over ssh */
	REASON_HANDOVER,		/* an operator asked */
	REASON_MAINTENANCE_ON,
	REASON_MAINTENANCE_OFF,
	REASON_LEAVE,			/* SIGTERM */
	REASON_LINK_DOWN,
	REASON_LINK_UP,
	REASON_SLEPT,			/* frozen or paused: listen first */
	REASON_SERVICE_FAILED,
	REASON_FLAP_LIMIT,
	REASON_LEASE_LOST,		/* the actuator let go or is silent */
	REASON_SEND_FAILED,		/* adverts cannot leave */
	REASON_HOLD_FAILED,		/* the address cannot be put up */
	REASON_DATA_NOT_READY,
	REASON_ELECTOR_RESTARTED,
	REASON_RETRY,			/* faulted, nobody else: try again */
	REASON_COUNT
};

struct election_node {
	struct conf_addr address;
	uint8_t		id;		/* rank in the configuration, 0 best */
	uint8_t		priority;	/* VRRP */
	uint8_t		skew;		/* CARP */
	bool		foreign;
};

/* All the election needs to know; made by election_configure(). */
struct election_config {
	uint8_t		protocol;	/* enum conf_protocol */
	uint8_t		family;
	uint8_t		self;		/* index into node[] */
	uint8_t		nnodes;
	struct election_node node[CONF_NODES_PER_PAIR_MAX];
	bool		preempt;
	bool		signs;		/* our adverts carry our own trailer */
	bool		any_foreign;
	bool		has_service;
	uint16_t	flap_limit;
	int64_t		flap_window_ns;
	int64_t		interval_ns;
	int64_t		claim_spacing_ns;
	uint32_t	lease_s;
	int64_t		lease_longest_ns;	/* order + lease + lateness */
};

enum event_type {
	EVENT_START = 1,	/* once, with what the keeper stored */
	EVENT_LINK,		/* interface and own address there, or not */
	EVENT_TIMER,		/* now >= election_deadline() */
	EVENT_ADVERT,		/* one that passed advert_judge and floors */
	EVENT_SENT,		/* outcome of ELECTION_SEND */
	EVENT_HELD,		/* actuator's answer to HOLD or RENEW */
	EVENT_RELEASED,		/* the address is off */
	EVENT_ADDR_LOST,	/* somebody removed an address */
	EVENT_KEPT,		/* a term is durable, or cannot be */
	EVENT_SERVICE,
	EVENT_DATA,		/* data set complete or not; its epoch */
	EVENT_WORD,		/* the partner's word over ssh */
	EVENT_HANDOVER,		/* operator */
	EVENT_MAINTENANCE,	/* operator */
	EVENT_CONFLICT,		/* a stranger claims our address by ARP/NA */
	EVENT_LEAVE,		/* SIGTERM: hand over and leave */
	EVENT_CONFIG,		/* the configuration changed under us */
	EVENT_TYPES
};

enum service_state {
	SERVICE_UNKNOWN = 0,
	SERVICE_STOPPED,
	SERVICE_STARTING,
	SERVICE_RUNNING,	/* started; healthy as far as is known */
	SERVICE_UNHEALTHY,	/* checks fail; the one restart is under way */
	SERVICE_STOPPING,
	SERVICE_FAILED,		/* and the one restart did not help */
};

struct event {
	enum event_type	type;
	mono_t		now;
	union {
		struct {
			uint32_t term;
			uint8_t	 term_node;
			bool	 maintenance;
			bool	 restarted;	/* elector died before */
		} start;
		struct {
			bool	 up;
			bool	 hand_over;	/* about to go down, adverts
						   still pass; up counts not */
		} link;
		struct {
			const struct advert *advert;
			uint8_t	 node;		/* index, or NODE_NONE */
			struct conf_addr src;
			int64_t	 age_ns;	/* waited in the socket */
		} advert;
		struct {
			bool	 ok;		/* it really left */
		} sent;
		struct {
			bool	 ok;
			bool	 renew;		/* answer to RENEW, not HOLD */
			bool	 missing;	/* RENEW: address not there */
			mono_t	 advert;	/* as in the order */
		} held;
		struct {
			bool	 ordered;	/* else it let go by itself */
		} released;
		struct {
			uint32_t term;
			bool	 ok;
		} kept;
		struct {
			enum service_state state;
		} service;
		struct {
			bool	 ready;
			uint8_t	 term_node;
			uint32_t term;		/* highest our own store
						   knows, 0 none */
		} data;
		struct {
			enum role role;
			bool	 healthy;
			bool	 ready;
			int64_t	 age_ns;	/* since its last advert left */
			uint32_t term;
			uint8_t	 term_node;
		} word;
		struct {
			bool	 on;
		} maintenance;
	};
};

enum action_type {
	ELECTION_SEND = 1,	/* send now, then EVENT_SENT */
	ELECTION_HOLD,		/* address up, announced; needs .advert */
	ELECTION_RENEW,		/* keep it; needs .advert */
	ELECTION_RELEASE,
	ELECTION_ANNOUNCE,	/* again: after a conflict or a heal */
	ELECTION_KEEP_TERM,	/* make .term durable */
	ELECTION_SERVICE,	/* desired: .run */
	ELECTION_ROLE,		/* role or reason changed: log, history */
	ELECTION_REFUSED,	/* the advert was refused: count .verdict */
	ELECTION_LEFT,		/* EVENT_LEAVE is done */
};

struct action {
	enum action_type type;
	union {
		struct {
			uint8_t	 priority;	/* VRRP; 0 resigns */
			uint8_t	 carp_skew;	/* 255/255 resigns */
			uint8_t	 carp_base;
			uint8_t	 carp_demote;
			uint32_t term;		/* epoch in the trailer */
			uint8_t	 term_node;
			uint8_t	 flags;		/* TRAILER_* */
		} send;
		struct {
			mono_t	 advert;	/* the advert that left */
			uint32_t lease_s;
		} hold;				/* HOLD and RENEW */
		struct {
			uint32_t term;
		} keep;
		struct {
			bool	 run;
			uint32_t term;
		} service;
		struct {
			enum role old_role, new_role;
			enum reason reason;
			uint32_t term;
			int64_t	 silent_ns;	/* since an active was heard */
		} role;
		struct {
			enum verdict verdict;
		} refused;
	};
};

struct actions {
	uint32_t	n;
	struct action	a[ELECTION_ACTIONS_MAX];
};

/* Alarms the core itself can see; bits of election.alarms. */
#define ALARM_DUAL_ACTIVE	0x01	/* another is heard while we are */
#define ALARM_HEARTBEAT_BLOCKED	0x02	/* its word says active, not heard */
#define ALARM_TERM_JUMP		0x04	/* an epoch was refused */
#define ALARM_CONFLICT		0x08	/* a stranger answers for our address */
#define ALARM_NOT_DURABLE	0x10	/* the keeper cannot write */
#define ALARM_FLAPPING		0x20
#define ALARM_SEND_FAILS	0x40

struct election {
	uint8_t		state;		/* enum state */
	uint8_t		reason;		/* enum reason of the last change */
	uint8_t		heard_node;	/* last active heard, or NODE_NONE */
	uint8_t		term_node;	/* node id of the epoch we know */
	uint32_t	term;		/* highest seen */
	uint32_t	own_term;	/* the epoch we are active in */
	uint32_t	alarms;
	bool		maintenance;	/* wanted by the operator */
	bool		faulted;	/* the service failed here: its home
					   is STATE_FAULTED, until it is tried
					   again or an operator helped */
	bool		data_ready;
	bool		present;	/* address in our kernel, as told */
	bool		term_durable;
	mono_t		since;		/* of the present role */
	mono_t		heard;		/* last advert of an active */
	mono_t		sent;		/* last advert of ours that left */

	/* Below: the core's own; nobody else reads it. */

	/* Facts, as the events told them. */
	bool		started;	/* EVENT_START came */
	bool		up;		/* link and own address are there */
	bool		was_up;
	bool		leave;		/* EVENT_LEAVE came */
	bool		service_run;	/* what ELECTION_SERVICE last said */
	uint8_t		service;	/* enum service_state */
	uint8_t		shown;		/* role of the last ELECTION_ROLE */

	/* The active node as last heard. */
	uint16_t	heard_rank;	/* priority, or base * 256 + skew */
	uint8_t		heard_term_node;
	uint32_t	heard_term;	/* 0: it signs no epoch */
	int64_t		learned_ns;	/* its interval (VRRPv3, 4.4) */
	bool		heard_gone;	/* and it has resigned since */

	/* The active heard before it, when it was not gone then: a cut. */
	uint8_t		other_node;
	mono_t		other;

	/* Standby. */
	bool		settled;	/* no longer ROLE_STARTING */
	bool		preempting;	/* down timer runs although heard */
	bool		no_preempt;	/* after a handover of ours */
	bool		hold_off;	/* after a handover: one more round */
	uint8_t		down_reason;	/* when down_at is reached */
	mono_t		down_at;
	mono_t		silent_until;	/* 3.2: nothing jumps in before */
	mono_t		wary_until;	/* slept: not even go-now before */

	/* Claim. */
	bool		claim_soft;	/* begins with soft adverts */
	bool		claim_open;	/* the earnest one went out */
	uint8_t		claim_step;	/* adverts of it that left */
	uint8_t		claim_reason;
	uint8_t		sending;	/* what EVENT_SENT will answer */
	mono_t		asked_at;	/* when it was asked to be sent */

	/* Active. */
	bool		holding;	/* HOLD was ordered, not yet released */
	bool		held;		/* the actuator confirmed it */
	bool		kept;		/* the keeper answered for own_term */
	bool		want_hold;	/* next advert brings HOLD, not RENEW */
	bool		hold_error;	/* the last HOLD was answered no */
	bool		demoted;	/* CARP 5.18 */
	bool		hand_over_due;	/* service failed, partner unable */
	uint8_t		fails, oks;	/* sends in a row */
	mono_t		send_at;	/* also the next advert of a claim */
	mono_t		rearm_at;	/* long intervals: RENEW in between */
	mono_t		alive;		/* last RENEW or HOLD */
	mono_t		sleep_at;	/* later than this: we slept */
	mono_t		ack_at;		/* the actuator's silence ends here */
	mono_t		keep_at;	/* the keeper's silence ends here */
	mono_t		extra_at;	/* last advert out of turn */
	mono_t		announced;

	/* Releasing. */
	bool		resign;		/* say so once the address is gone */
	uint8_t		release_reason;
	mono_t		release_at;	/* its lease cannot live longer */

	/* Faulted, flap limit. */
	bool		flap_counted;	/* this time of being active */
	uint8_t		flap_next;
	mono_t		retry_at;
	mono_t		flap[ELECTION_FLAPS_MAX];

	/* When alarms were last fed. */
	mono_t		rival, conflict, jump;

	/* The partner's word. */
	bool		word_active, word_able;
	mono_t		word_until;
};

/*
 * Fills cfg from the configuration for the node `self` of the pair; computes
 * lease and ranks.  Pure.
 */
void	election_configure(struct election_config *cfg, const struct conf *c,
	    const struct conf_pair *p, uint8_t self);

/* Zeroes e and sets it to STATE_INIT. */
void	election_init(struct election *e);

/* One event.  out->n actions are returned in order. */
void	election_step(struct election *e, const struct election_config *cfg,
	    const struct event *ev, struct actions *out);

/* When EVENT_TIMER is due next; unset when nothing is. */
mono_t	election_deadline(const struct election *e);

/*
 * The next advert puts the address up.  EVENT_TIMER for it waits until
 * nothing is left unread, however much that is.
 */
bool	election_wants_hold(const struct election *e);

enum role	election_role(const struct election *e);

/* Shortest and longest time from the active's death to our hold, ns. */
void	election_takeover_ns(const struct election *e,
	    const struct election_config *cfg, int64_t *least, int64_t *most);

/* Active_Down_Interval for what we last heard, ns (4.1, 4.2, 5.3). */
int64_t	election_down_ns(const struct election *e,
	    const struct election_config *cfg);

/* The advert's values an action asks for, ready for advert_encode(). */
void	election_fill_advert(const struct election_config *cfg,
	    const struct action *send, uint8_t vhid, struct advert *a);

const char	*role_name(enum role r);
const char	*state_name(enum state s);
/* "silence", "go-now", ... for JSON; reason_text is a sentence. */
const char	*reason_name(enum reason r);
const char	*reason_text(enum reason r);

#endif
