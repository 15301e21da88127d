/* SPDX-License-Identifier: ISC */

/*
 * The elector's one state, and what each of its files may ask of another.
 *
 * Everything is a fixed array; nothing is allocated after start.  Only the
 * pages of pairs, ports and clients that are in use cost memory.
 *
 * A pair is named by its index in the running configuration; its state
 * lives in a slot, which it keeps when a reload gives it another index.
 */
#ifndef VIPAIR_ELECTOR_H
#define VIPAIR_ELECTOR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "advert.h"
#include "conf.h"
#include "ctl.h"
#include "data.h"
#include "election.h"
#include "ipc.h"
#include "log.h"
#include "mono.h"
#include "seq.h"
#include "service.h"

#define PORTS_MAX		64	/* interfaces with pairs on them */
#define CLIENTS_MAX		(2 * CTL_CLIENTS_MAX)
#define CLIENT_OUT_MAX		16384
#define EVENTS_MAX		256
#define HISTORY_MAX		256
#define LISTENERS		2	/* [0] status.sock, [1] control.sock */
#define FILES_MAX		(ROOM_FD_FIRST_FREE + 2 * PORTS_MAX + \
				    CLIENTS_MAX + LISTENERS + 16)

#define KEEPER_WAIT_NS		(2 * NS_PER_S)
#define RETRY_NS		(50 * NS_PER_MS)
#define SOCKET_RETRY_NS		(1 * NS_PER_S)
#define IMPORT_WAIT_NS		(2 * NS_PER_S)
#define MIRROR_WAIT_NS		(5 * NS_PER_S)	/* then it is a problem */
#define PARTNER_NS		(5 * NS_PER_S)	/* its word is news so long */

/* A pair and its election group want no more than these each. */
static_assert(PORTS_MAX * 2 + CLIENTS_MAX < 256, "the poll set is small");

/* Something that was seen lately, and since when without a long pause. */
struct recent {
	mono_t		first, last;
	uint64_t	n;
	struct conf_addr src;
};

/* Messages a full queue or a dead neighbour still owes. */
enum owed {
	OWED_TERM	= 0x01,
	OWED_CEILING	= 0x02,
	OWED_FLOORS	= 0x04,
	OWED_MAINT	= 0x08,
	OWED_RELEASE	= 0x10,
};

struct pair {
	uint16_t	index;		/* in the running configuration */
	bool		used;
	bool		configured;	/* self is known, cfg is filled */
	bool		started;	/* EVENT_START was fed */
	bool		link_up;	/* as the election was told */
	bool		link_closing;	/* leaves in order, then goes down */
	bool		left;		/* ELECTION_LEFT came */
	uint8_t		self;
	struct msg_link	link;		/* type 0: never heard */
	struct conf_addr self_addr;

	struct election_config cfg;
	struct election	election;

	struct service_config service_cfg;
	struct service	service;
	uint8_t		service_told;	/* state the election knows */
	uint8_t		refused;	/* verdict of its last refusal, or 0 */

	struct seq	seq;
	uint64_t	floor[CONF_NODES_PER_PAIR_MAX];
	uint32_t	floors_changed;	/* bit per node, not yet stored */
	mono_t		floors_sent;
	uint64_t	number;		/* of the last advert signed */
	uint32_t	keep_term;	/* asked to be durable, or 0 */
	uint32_t	stored_term;
	uint8_t		stored_term_node;
	bool		not_durable;	/* the keeper could not, or is late */
	int32_t		keep_error;

	uint32_t	owed;		/* enum owed */
	mono_t		retry;		/* when to try again */
	mono_t		want_socket;	/* when to ask for one again */
	mono_t		import_wait;	/* timers rest until the socket is
					   there, or until this */

	bool		maint_on;
	int64_t		maint_until_wall_s;
	mono_t		maint_end;
	char		maint_reason[MAINT_REASON_MAX];

	/* Data, and the partner's word: as the mirror said them last. */
	struct data_plan plan;
	struct msg_data	data;
	mono_t		data_at;	/* unset: never told */
	struct msg_partner partner;
	mono_t		partner_at;	/* unset: no channel */
	struct msg_word	word;		/* as the mirror was told last; type
					   0: it was not */
	bool		word_news;	/* an advert left since */
	mono_t		word_retry;

	/*
	 * History of the role: the outage is known at the hold, the age of
	 * the data once they are in place.
	 */
	bool		history_open;
	bool		history_held;
	struct msg_keep_history history;
	int64_t		silent_ns;
	mono_t		role_at;

	/* What the actuator says of the addresses. */
	bool		addr_known;
	uint32_t	naddrs_present;
	uint8_t		addr_present[(CONF_ADDRS_PER_PAIR_MAX + 7) / 8];
	mono_t		lease_end;
	int32_t		hold_error;
	struct recent	hold_failed;
	struct recent	stripped;

	/* For status and problems. */
	uint64_t	sent, accepted;
	uint64_t	dropped[ADVERT_VERDICTS];
	struct recent	drop[ADVERT_VERDICTS];
	struct recent	unsigned_partner;
	struct recent	other_interval;
	struct recent	other_list;
	struct recent	unheard;	/* yielded though we spoke */
	struct recent	collision;
	uint64_t	arp_conflicts;
	struct recent	arp_conflict;
	uint8_t		conflict_mac[6];
	mono_t		node_heard[CONF_NODES_PER_PAIR_MAX];
	mono_t		node_since[CONF_NODES_PER_PAIR_MAX];
	uint32_t	other_interval_ms;
	uint8_t		other_protocol;	/* heard on our id, last */
	uint8_t		reason;		/* enum reason of the present role */
	int32_t		socket_error;
	int32_t		send_error;
	mono_t		ready_at;	/* configuration seen first */
	struct log_limit lines;
};

/* The two sockets of one interface and family. */
struct port {
	uint32_t	ifindex;	/* 0: free */
	uint8_t		family;
	int		advert, stray;	/* -1: none */
	mono_t		emptied;	/* last time nothing was left in it */
	mono_t		stray_next;	/* not looked at before */
	bool		used;		/* by a pair */
	uint64_t	other_vhid;
	mono_t		rate_start;
	uint32_t	rate_n;		/* frames dropped in this second */
	struct recent	flood;
	uint16_t	by_vhid[256];	/* pair index + 1, 0 none */
};

enum client_phase {
	CLIENT_FREE = 0,
	CLIENT_ASKING,		/* the request is not complete */
	CLIENT_ANSWERED,	/* records go out, then it is closed */
	CLIENT_FOLLOWING,	/* events or adverts until it hangs up */
};

struct cursor {
	uint16_t	command;
	uint16_t	pair, last;	/* next pair, one behind the last */
	uint8_t		stage;
	bool		done;
	uint32_t	i;
	uint32_t	serial;		/* of the configuration it counts in */
	uint64_t	seen;		/* events: number of the next one */
};

struct client {
	int		fd;
	uint8_t		phase;
	bool		control;	/* came in by control.sock */
	uid_t		uid;
	mono_t		since;
	mono_t		limit;		/* progress must come before */
	struct ctl_request rq;
	uint32_t	rq_len;
	struct cursor	cur;
	uint32_t	out_at, out_len;
	uint8_t		out[CLIENT_OUT_MAX];
};

struct elector {
	mono_t		now;
	int64_t		wall_ns;
	int64_t		wall_offset;	/* wall - boot, to see steps */
	bool		wall_stepped;	/* in this turn */
	mono_t		began;

	struct channel	supervisor, actuator, keeper, mirror;
	mono_t		mirror_gone;	/* since when there is none */
	bool		stored;		/* all the keeper had is here */
	bool		keeper_late;
	bool		leaving;
	bool		unfiltered, realtime;

	const struct conf *conf;
	const struct secrets *secrets;
	uint8_t		spare;		/* which buffers are free */
	uint32_t	taken_serial;	/* in the spare ones, or 0 */
	bool		taken_conf, taken_secrets;

	uint16_t	slot[CONF_PAIRS_MAX];	/* by pair index */
	int64_t		due[CONF_PAIRS_MAX];	/* by pair index; 0 never */
	struct pair	pair[CONF_PAIRS_MAX];	/* by slot */
	/* Behind the highest place ever used: each turn looks at few. */
	uint32_t	ports_top, clients_top;
	struct port	port[PORTS_MAX];
	int		listener[LISTENERS];
	struct client	client[CLIENTS_MAX];

	struct ctl_event event[EVENTS_MAX];
	mono_t		event_at[EVENTS_MAX];
	uint64_t	nevents;	/* ever */
	struct msg_keep_history history[HISTORY_MAX];
	uint64_t	nhistory;

	_Alignas(16) uint8_t conf_buf[2][CONF_BLOB_MAX];
	_Alignas(16) uint8_t secret_buf[2][sizeof(struct secrets) +
	    CONF_PAIRS_MAX * sizeof(struct pair_secret)];
};

/* clock.c: reads both clocks into the state */
void		 clock_read(struct elector *el);

/* pairs.c */
struct pair	*pair_at(struct elector *el, uint32_t index);
const struct conf_pair *pair_conf(const struct elector *el,
		    const struct pair *p);
const struct pair_secret *pair_secret(const struct elector *el,
		    const struct pair *p);
void		 pair_new(struct elector *el, struct pair *p, uint16_t index);
/* Feeds one event and does all that follows from it. */
void		 pair_step(struct elector *el, struct pair *p,
		    struct event *ev);
/* The address is, or may still be, ours. */
bool		 pair_holds(const struct pair *p);
/* Starts the election as soon as self and the stored numbers are known. */
void		 pair_begin(struct elector *el, struct pair *p);
void		 pair_link(struct elector *el, struct pair *p,
		    const struct msg_link *m);
void		 pair_link_check(struct elector *el, struct pair *p);
void		 pair_configure(struct elector *el, struct pair *p);
void		 pair_timers(struct elector *el, struct pair *p);
void		 pair_due(struct elector *el, struct pair *p);
void		 pair_maintenance(struct elector *el, struct pair *p, bool on,
		    int64_t until_wall_s, const char *reason);
void		 recent_note(struct recent *r, mono_t now);

/* actions.c */
void		 actions_do(struct elector *el, struct pair *p,
		    const struct actions *first);

/* jobs.c: the policies' hands */
void		 job_want(struct elector *el, struct pair *p, bool run,
		    uint32_t term);
void		 job_done(struct elector *el, struct pair *p,
		    const struct msg_job_done *done);
void		 job_timer(struct elector *el, struct pair *p);
/* The mirror is gone or another one. */
void		 job_lost(struct elector *el, struct pair *p);
void		 job_reconfigured(struct elector *el, struct pair *p);
/* Live data anew; false: not in this state. */
bool		 job_reload_data(struct elector *el, struct pair *p);
/* What the store has, or whether a loader may work, has changed. */
void		 job_plan(struct elector *el, struct pair *p);
void		 job_notify(struct elector *el, struct pair *p,
		    enum role old_role, enum role new_role);

/* ports.c */
struct port	*port_of(struct elector *el, uint32_t ifindex);
bool		 port_take(struct elector *el, const struct msg_socket *m,
		    int fd);
void		 ports_index(struct elector *el);
void		 ports_renew(struct elector *el);
void		 port_want(struct elector *el, struct pair *p);
void		 port_close(struct port *port);

/* advert_in.c */
/* Reads until nothing is left, at most `most` frames; true: more may be. */
bool		 advert_read(struct elector *el, struct port *port,
		    uint32_t most);
/* How one received packet came to us. */
struct arrival {
	const uint8_t	*ip;
	size_t		len;
	int64_t		wall_ns;
	int64_t		age_ns;		/* waited in the socket */
};
void		 advert_take(struct elector *el, struct port *port,
		    const struct arrival *in);
/* For both sockets: the context a pair judges in, and who src is. */
struct advert_context pair_context(const struct elector *el,
		    const struct pair *p);
uint8_t		 pair_node_of(const struct elector *el, const struct pair *p,
		    const struct conf_addr *src);
void		 advert_dropped(struct elector *el, struct port *port,
		    struct pair *p, enum verdict v,
		    const struct conf_addr *src);

/* advert_out.c */
/* Sends one advert; true when it really left. */
bool		 advert_send(struct elector *el, struct pair *p,
		    const struct action *send);
/* The last words behind the advert that left; returns their length. */
size_t		 farewell_make(struct elector *el, struct pair *p,
		    uint8_t *buf, size_t cap);

/* stray.c */
void		 stray_read(struct elector *el, struct port *port);

/* channels.c */
bool		 tell(struct elector *el, struct channel *ch,
		    const union msg *m);
void		 channel_drain(struct elector *el, struct channel *ch);
struct msg_head	 head_for(const struct elector *el, enum msg_type type,
		    const struct pair *p);
/* from_supervisor.c, from_actuator.c, from_keeper.c, from_mirror.c */
void		 from_supervisor(struct elector *el, const union msg *m,
		    int fd);
void		 from_actuator(struct elector *el, const union msg *m);
void		 from_keeper(struct elector *el, const union msg *m);
void		 from_mirror(struct elector *el, const union msg *m);
void		 actuator_new(struct elector *el);
void		 keeper_new(struct elector *el);
void		 mirror_new(struct elector *el);
void		 mirror_gone(struct elector *el);
/* Whether the pair's data are fit for a takeover, told to the election. */
void		 data_feed(struct elector *el, struct pair *p);
/* The partner's word is there and not old. */
bool		 partner_speaks(const struct elector *el,
		    const struct pair *p);

/* word.c: tells the mirror what this node is, if that is news */
void		 word_say(struct elector *el, struct pair *p);

/* keep.c: what is owed to the keeper */
void		 keep_term(struct elector *el, struct pair *p, uint32_t term);
void		 keep_ceiling(struct elector *el, struct pair *p);
void		 keep_floors(struct elector *el, struct pair *p, bool at_once);
void		 keep_maint(struct elector *el, struct pair *p);
void		 keep_owed(struct elector *el, struct pair *p);
void		 history_add(struct elector *el, const struct
		    msg_keep_history *h);
/* The role changed; the record may wait for the hold. */
void		 history_role(struct elector *el, struct pair *p,
		    const struct action *role);
void		 history_held(struct elector *el, struct pair *p);
/* The data of this term are in place, or cannot be. */
void		 history_data(struct elector *el, struct pair *p);

/* reload.c */
void		 conf_start(struct elector *el);
void		 conf_take(struct elector *el, const union msg *m, int fd);
void		 conf_switch(struct elector *el, uint32_t serial);

/* export.c */
_Noreturn void	 state_export(struct elector *el, int fd);
void		 state_import(struct elector *el, int fd);

/* events.c */
void		 note(struct elector *el, const struct pair *p,
		    const struct ctl_event *e);
/* Number of the oldest event that is still there. */
uint64_t	 note_first(const struct elector *el);
void		 note_read(const struct elector *el, uint64_t number,
		    struct ctl_event *e);

/* control.c */
void		 control_accept(struct elector *el, int which);
void		 control_serve(struct elector *el, struct client *c,
		    short revents);
void		 control_timers(struct elector *el);
mono_t		 control_due(const struct elector *el);
short		 control_events(const struct client *c);
void		 control_publish(struct elector *el, const struct ctl_event *e);
void		 control_advert(struct elector *el, const struct port *port,
		    const struct arrival *in, enum verdict v,
		    enum auth_state auth);

/* status.c */
#define RECORD_MAX	1024
/* The next record of the answer, or 0 when all was said. */
size_t		 status_next(struct elector *el, struct cursor *cur,
		    uint8_t buf[static RECORD_MAX]);

/* operator.c: what control.sock may change */
struct ctl_result operator_do(struct elector *el, const struct client *c);

/* filter.c */
void		 filter_on(void);

#endif
