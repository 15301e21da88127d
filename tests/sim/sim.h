/* SPDX-License-Identifier: ISC */

/*
 * Simulator of a pair: the object code of vrrpd/core under virtual time.
 * What stands around the core in a real node (elector's loop, actuator,
 * kernel, keeper, service) is modelled here, small and by the same rules.
 *
 * One run is a struct scenario (a configuration and a list of faults, made
 * from a seed or read from a file) played in a struct world.  All
 * randomness comes from the seed; the same seed gives the same bytes.
 */
#ifndef VIPAIR_SIM_H
#define VIPAIR_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "election.h"
#include "half.h"
#include "prng.h"
#include "seq.h"

#define SIM_NODES_MAX	5
#define FAULTS_MAX	12
#define INBOX_MAX	192	/* more is dropped, as a socket would */
#define HEAP_MAX	512
#define QUEUE_MAX	64
#define TAPE_MAX	64	/* adverts the hostile sender recorded */
#define EPOCHS_MAX	256
#define FAR		INT64_MAX

#define MS		NS_PER_MS
#define S		NS_PER_S

/* ---- Scenario --------------------------------------------------------- */

enum fault_kind {
	FAULT_NONE = 0,
	FAULT_FREEZE,		/* elector, actuator, keeper; kernel goes on */
	FAULT_FREEZE_ELECTOR,
	FAULT_FREEZE_ACTUATOR,
	FAULT_PAUSE,		/* the whole machine, boot time goes on */
	FAULT_KILL_ELECTOR,
	FAULT_KILL_ACTUATOR,
	FAULT_KILL_ALL,		/* all processes at once; back after a time */
	FAULT_POWER,		/* the machine; back after a time, with disk */
	FAULT_POWER_DISK,	/* and without its disk */
	FAULT_CARRIER,
	FAULT_SEND_FAILS,	/* adverts do not leave, nobody else knows */
	FAULT_HOLD_FAILS,	/* the kernel refuses the address */
	FAULT_ADDR_REMOVED,	/* somebody strips it */
	FAULT_CUT_OUT,		/* heartbeat of node to all, one way */
	FAULT_CUT_IN,		/* heartbeat of all to node, one way */
	FAULT_CUT,		/* heartbeat, both ways; the word goes on */
	FAULT_CUT_WORD,		/* the word only */
	FAULT_ISOLATE,		/* heartbeat and word */
	FAULT_LOSS,		/* percent of all adverts */
	FAULT_KEEPER_SLOW,
	FAULT_KEEPER_FAILS,
	FAULT_HANDOVER,
	FAULT_MAINTENANCE,
	FAULT_LEAVE,		/* SIGTERM; started again after a time */
	FAULT_SERVICE,		/* the service fails */
	FAULT_DATA,		/* the data set is incomplete */
	FAULT_CONFLICT,		/* a stranger answers ARP */
	FAULT_RELOAD,		/* EVENT_CONFIG */
	FAULT_WALL_STEP,	/* the wall clock, which numbers adverts */
	FAULT_REPLAY,		/* hostile: what was recorded, again */
	FAULT_FORGE,		/* hostile: unsigned or wrongly signed */
	FAULT_DEMOTE,		/* a foreign CARP peer counts itself sick */
	FAULT_CLEAR,		/* an operator says: maintenance off */
	FAULT_KINDS
};

struct fault {
	uint8_t		kind;
	uint8_t		node;		/* SIM_ACTIVE: who is active then */
	bool		off;		/* shrunk away */
	uint8_t		mid;		/* after so many actions of a step */
	uint8_t		arg;
	int64_t		at, span;	/* true time, ns */
};

#define SIM_ACTIVE	0xff	/* as a fault's node */

struct scenario {
	uint64_t	seed;
	uint8_t		protocol;
	uint8_t		nodes;
	uint8_t		foreign;	/* bits: not vipair */
	bool		is_signed;
	bool		preempt;
	bool		service;
	bool		word;
	bool		clocks_wild;	/* up to 0.5 % instead of 200 ppm */
	bool		lapse_worst;	/* each lease lapses as late as ever */
	uint8_t		loss;		/* percent, all the time */
	uint8_t		dup;
	uint8_t		flap_limit;
	uint8_t		slow;		/* foreign CARP: times our interval */
	bool		data;		/* with the data half */
	uint32_t	interval_ms;
	uint32_t	spacing_ms;
	uint32_t	delay_us;	/* most; least is a hundredth */
	uint32_t	sched_us;	/* wake-ups come that late at most */
	uint8_t		nfaults;
	struct fault	fault[FAULTS_MAX];
};

/* What election_configure() reads, laid out as conf.h says. */
struct scenario_conf {
	struct conf	c;
	struct conf_pair p;
	struct conf_addr vip;
	struct conf_node n[SIM_NODES_MAX];
};

/* ---- Messages under way ----------------------------------------------- */

/* An advert, and the word over ssh, as far as the election sees them. */
struct wire {
	uint8_t		from;		/* node index of the source address */
	bool		resigns;
	bool		is_signed;	/* with a good tag */
	bool		replayed;
	bool		forged;		/* by somebody without the key */
	uint8_t		priority, skew, base, demote;
	uint8_t		node_id, flags;
	uint32_t	term;
	uint64_t	seq;
	int64_t		sent;		/* true time */
};

struct word {
	uint8_t		role;
	bool		healthy, ready;
	uint8_t		term_node;
	uint32_t	term;
	int64_t		age_ns;		/* when it was sent */
	int64_t		sent;
};

struct order {
	uint8_t		type;		/* enum action_type */
	mono_t		advert;
	uint32_t	lease_s;
	uint32_t	term;		/* of the farewell, and its number */
	uint64_t	number;
	int64_t		left;		/* when that advert really left */
};

enum msg_kind {
	MSG_NONE = 0,
	MSG_ADVERT,		/* network -> elector */
	MSG_WORD,
	MSG_EVENT,		/* somebody -> elector: a ready event */
	MSG_ORDER,		/* elector -> actuator */
	MSG_WRITTEN,		/* keeper: now it is on disk */
	MSG_THAW,
	MSG_BOOT,		/* elector (and all that is dead) starts */
	MSG_ADOPT,		/* a new actuator gives up on leftovers */
	MSG_ACTUATOR_NEW,
	MSG_STALLED,		/* the supervisor kills a hung elector */
	MSG_FAULT,
	MSG_FAULT_END,
	MSG_HOSTILE,
	MSG_FOREIGN,		/* timer of a foreign peer */
	MSG_HALF,		/* the data half */
};

struct msg {
	int64_t		at;		/* true time it arrives */
	uint8_t		kind;
	uint8_t		node;
	uint16_t	life;		/* of the receiver it is for */
	uint32_t	n;		/* fault index, term, ... */
	union {
		struct wire	wire;
		struct word	word;
		struct event	event;
		struct order	order;
		struct half_msg	half;
	};
};

/* A heap of indices into a pool; no allocation. */
struct heap_entry {
	int64_t		at;
	uint32_t	order;		/* first in, first out */
	uint32_t	slot;
};

struct queue {
	uint32_t	n, pushed, nfree;
	struct heap_entry heap[HEAP_MAX];
	uint32_t	free[HEAP_MAX];
	struct msg	pool[HEAP_MAX];
};

/* ---- Nodes ------------------------------------------------------------ */

/* A step's actions, and SENT's turn among them; what a freeze interrupts. */
struct todo {
	int64_t		decided;	/* true time */
	bool		sent;		/* feed EVENT_SENT, nothing else */
	bool		ok;
	int64_t		left;		/* when it left */
	struct action	a;
};

struct kernel {
	bool		present;
	bool		resumed;	/* by a resume, not by an order */
	int64_t		lapse;		/* true time; FAR: none */
	int64_t		advert;		/* true time the lease rests on */
};

struct disk {
	bool		there;
	uint32_t	term;
	uint8_t		term_node;
	bool		maintenance;
	uint64_t	ceiling;
	uint64_t	floor[SIM_NODES_MAX];
	int64_t		floors_at;
};

struct node {
	struct election	e;
	struct election_config cfg;
	uint8_t		id;
	bool		foreign;

	/* Clock: local = base + t + t * ppm / 10^6. */
	int64_t		base, wall;
	int32_t		ppm;
	double		slower;		/* of ppm, the other way round */
	bool		powered;
	bool		pause_loses;
	uint8_t		paused;		/* counts */
	uint8_t		carrier_down;	/* counts: faults overlap */
	uint8_t		cut_in, cut_out, cut_word;
	uint8_t		send_fails, hold_fails, keeper_slow, keeper_fails;
	uint8_t		stop_elector, stop_actuator;	/* freezes */

	/* Elector. */
	bool		elector, started;
	uint16_t	elector_life;
	int64_t		timer;		/* wakes up then; FAR: never */
	int64_t		armed_ns;	/* for this deadline */
	struct seq	seq;
	uint64_t	number;
	uint64_t	floor[SIM_NODES_MAX];
	uint32_t	todo_at, ntodo;
	uint8_t		mid;		/* actions until a freeze strikes */
	uint8_t		mid_fault;
	bool		link_told;
	int64_t		told_at, ordered_at;	/* channels keep order */
	uint32_t	service_job, boots;
	uint32_t	ninbox;

	/* Actuator. */
	uint16_t	spoke_life;
	bool		actuator, held, lapse_unseen;
	uint16_t	actuator_life;
	int64_t		lease_timer;	/* true time; FAR: none */
	mono_t		lease_end;
	bool		has_farewell;
	uint32_t	farewell_term;
	uint64_t	farewell_number;
	uint32_t	norders;

	struct kernel	kernel;
	struct disk	disk;
	bool		service_run;
	bool		service_failed, spoke;
	uint8_t		service_breaks;	/* this many starts fail */

	/* A foreign peer's own. */
	bool		f_active;
	uint8_t		f_demote;	/* counts: faults overlap */
	int64_t		f_timer;
	uint32_t	f_gen;

	/* What the checks remember. */
	int64_t		left;		/* last advert that left, true time */
	int64_t		claim_opened;	/* first earnest one that left */
	int64_t		claim_first;	/* of the present run of adverts */
	uint32_t	claim_soft, claim_open;	/* adverts of it */
	int64_t		quiet_until;	/* 3.2: silent start; local time */
	int64_t		must_by;	/* is active then, or violation */
	int64_t		trouble;	/* last fault that touched it */
	int64_t		entered;	/* became active */
	int64_t		word_until;	/* a fresh word says: active */
	int64_t		word_came;
	int64_t		fooled;		/* believed a replayed advert */
	uint8_t		word_from;
	bool		handed_over;
	uint8_t		why;		/* reason it became active for */
	bool		keeper_failed;
	uint32_t	term_heard;
	uint32_t	own_before;	/* own terms before this one */
	bool		unreliable;	/* its disk is another one */
	bool		blip;		/* resumed over its lease */

	struct half	half;

	/* Big; only the parts in use are looked at.  todo comes first. */
	struct todo	todo[QUEUE_MAX];
	struct msg	inbox[INBOX_MAX];
	struct msg	orders[INBOX_MAX];
};

/* One link, from [a] to [b]. */
struct link {
	int64_t		lost;		/* last advert lost or held up */
	int64_t		came_sent;	/* of those that came, the latest */
	int64_t		word_lost;
	/* came_sent as it was when [b] opened its epoch, [a] or [b] held. */
	int64_t		came_opened, came_from, came_to;
	bool		excused;	/* both hold, and could not know */
};

/* An epoch in which a service was started. */
struct opened {
	uint32_t	term;
	uint8_t		node;
};

/* ---- World ------------------------------------------------------------ */

enum violation {
	V_NONE = 0,
	V_DUAL,			/* invariant 1 */
	V_SETTLE,		/* invariant 1: more than one stay active */
	V_ALONE,		/* invariant 2 */
	V_NOBODY,		/* nobody at the end */
	V_NEEDLESS,		/* invariant 3 */
	V_LEASE,		/* invariant 4 */
	V_TERM,			/* invariant 5 */
	V_EPOCH_TWICE,		/* invariant 5 */
	V_OLDER_WON,		/* the lower epoch stays */
	V_NOT_SILENT,		/* an advert before the down interval */
	V_NO_CLAIM,		/* active without a claim */
	V_RESIGN_EARLY,		/* says it is gone while it is there */
	V_LATE_GO_NOW,
	V_PING_PONG,
	V_SERVICE,		/* runs without the role, or without term */
	V_ALARM,
	V_ENDS,			/* invariant 8: an assertion fails */
	V_DATA_LOST,		/* invariant 6: what was committed is gone */
	V_DATA_LOWER,		/* a lower epoch went over a higher one */
	V_DATA_TWICE,		/* I3: an epoch wrote a generation twice */
	V_DATA_LIVE,		/* invariant 7: overwritten, not captured */
	V_DATA_SERVICE,		/* runs on data that are not its own */
	V_DATA_BEHIND,		/* the standby never gets what it lacks */
	V_COUNT
};

struct stats {
	uint64_t	runs, steps, duals_exempt, moves, moves_lossy;
	uint64_t	stale, replays_taken;
	uint64_t	generations, acked, parked, loads, fenced;
	uint64_t	blips, refused, forged, virtual_ns, faults;
	uint64_t	failed;
	uint64_t	violation[V_COUNT];
	uint64_t	state[STATE_COUNT];
	uint64_t	edge[STATE_COUNT][STATE_COUNT];
	uint64_t	event[STATE_COUNT][EVENT_TYPES];
	uint64_t	action[ELECTION_LEFT + 1];
	uint64_t	reason[REASON_COUNT];
	uint64_t	fault[FAULT_KINDS];
};

struct world {
	struct scenario	sc;
	struct prng	rng;
	int64_t		now, end, quiet;	/* no faults after `quiet` */
	uint8_t		n;
	uint8_t		holders;	/* bits: in a kernel that runs */
	uint8_t		loss;
	bool		trace;
	FILE		*out;
	enum violation	wrong;
	char		why[160];
	uint8_t		fault_node[FAULTS_MAX];	/* SIM_ACTIVE resolved */
	int64_t		must_first;	/* no node's must_by is before */
	int64_t		global_trouble;	/* loss and the like */
	int64_t		last_move;
	uint8_t		last_active;
	uint32_t	moves;
	uint32_t	nepochs, ngenerations, writes;
	struct opened	epoch[EPOCHS_MAX];
	bool		hostile_listens;
	uint32_t	ntape;
	struct wire	tape[TAPE_MAX];
	struct advert	rx;		/* handed to the core */
	struct generation generation[GENERATIONS_MAX];
	struct link	link[SIM_NODES_MAX][SIM_NODES_MAX];
	struct node	node[SIM_NODES_MAX];
	struct queue	q;
	struct stats	*st;
};

/* The core's state before a step, as far as the checks look at it. */
struct before {
	uint8_t		state;
	bool		service_run;
	uint32_t	term, own_term;
};

/* queue.c */
void	queue_init(struct queue *q);
struct msg *queue_add(struct world *w, int64_t at, enum msg_kind kind,
    uint8_t node);
const struct heap_entry *queue_top(const struct queue *q);
const struct msg *queue_take(struct queue *q);
void	queue_free(struct queue *q, const struct msg *m);

/* world.c: the clock, and one run */
static inline int64_t
local_of(const struct node *n, int64_t t)
{
	return n->base + t + t * n->ppm / 1000000;
}

int64_t	true_of(const struct node *n, int64_t local);
void	world_play(struct world *w, const struct scenario *sc,
    struct stats *st, FILE *trace);
const char *node_name(uint8_t node);
void	say(struct world *w, int node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define TELL(w, node, ...) do {						\
	if ((w)->trace)							\
		say((w), (node), __VA_ARGS__);				\
} while (0)

/* elector.c */
void	elector_boot(struct world *w, struct node *n);
void	elector_kill(struct world *w, struct node *n, int64_t back_ns);
void	elector_feed(struct world *w, struct node *n, struct event *ev);
void	elector_take(struct world *w, struct node *n, const struct msg *m);
void	elector_timer(struct world *w, struct node *n);
void	elector_thaw(struct world *w, struct node *n);
void	elector_rearm(struct world *w, struct node *n);
void	elector_tell(struct world *w, struct node *n, const struct event *ev,
    int64_t after_ns);
void	elector_farewell(const struct node *n, uint32_t term, uint64_t number,
    struct wire *x);
bool	elector_runs(const struct node *n);

/* machine.c: actuator, kernel, keeper, service */
void	actuator_take(struct world *w, struct node *n, const struct msg *m);
void	actuator_lease(struct world *w, struct node *n);
void	actuator_eof(struct world *w, struct node *n);
void	actuator_kill(struct world *w, struct node *n, bool back);
void	actuator_new(struct world *w, struct node *n);
void	actuator_adopt(struct world *w, struct node *n);
void	actuator_thaw(struct world *w, struct node *n);
bool	actuator_runs(const struct node *n);
void	kernel_lapse(struct world *w, struct node *n);
void	kernel_set(struct world *w, struct node *n, bool present);
void	keeper_write(struct world *w, struct node *n, uint32_t term);
void	keeper_written(struct world *w, struct node *n, uint32_t term);
void	keeper_ceiling(struct world *w, struct node *n);
void	service_order(struct world *w, struct node *n, bool run);

/* net.c */
void	net_send(struct world *w, struct node *n, const struct wire *x);
void	net_word(struct world *w, struct node *n);
enum verdict net_judge(struct world *w, struct node *n,
    const struct wire *x);
void	hostile_send(struct world *w, const struct msg *m);

/* foreign.c */
void	foreign_start(struct world *w, struct node *n);
void	foreign_timer(struct world *w, struct node *n, uint32_t gen);
void	foreign_hear(struct world *w, struct node *n, const struct wire *x);

/* fault.c */
void	fault_begin(struct world *w, uint32_t i);
void	fault_strike(struct world *w, struct node *n, uint32_t i);
void	fault_end(struct world *w, uint32_t i);

/* scenario.c */
void	scenario_make(struct scenario *sc, uint64_t seed, uint8_t nodes);
void	scenario_print(const struct scenario *sc, FILE *f);
bool	scenario_read(struct scenario *sc, FILE *f, const char *name);
const char *fault_name(enum fault_kind k);

/* check.c */
void	check_wrong(struct world *w, enum violation v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void	check_step(struct world *w, struct node *n, const struct event *ev,
    const struct before *was, const struct actions *out);
void	check_holds(struct world *w, struct node *n);
void	check_decides(struct world *w, const struct node *n);
void	check_gone(struct world *w, const struct node *n);
void	check_lease(struct world *w, struct node *n);
void	check_sends(struct world *w, struct node *n,
    const struct action *a, bool left);
void	check_stale(struct world *w, const struct node *n, int64_t decided);
void	check_farewell(struct world *w, struct node *n);
void	check_clock(struct world *w);
void	check_end(struct world *w);
void	check_service(struct world *w, struct node *n,
    const struct action *a);
void	check_trouble(struct world *w, struct node *n);
void	check_again(struct world *w, struct node *n);
const char *violation_name(enum violation v);

/* ends.c: false when something is wrong */
bool	world_run(struct world *w, const struct scenario *sc,
    struct stats *st, FILE *trace);

/* half.c: the data half of a node */
void	half_boot(struct world *w, struct node *n);
void	half_down(struct world *w, struct node *n);
void	half_elector_gone(struct world *w, struct node *n);
void	half_power_off(struct world *w, struct node *n, bool disk);
void	half_want(struct world *w, struct node *n, bool run, uint32_t term);
void	half_word(struct world *w, struct node *n);
void	half_sick(struct world *w, struct node *n);
void	half_take(struct world *w, struct node *n, const struct msg *m);
struct half_msg *half_later(struct world *w, struct node *n, enum half_op op,
    int64_t after_ns);

/* capture.c: who may write into a store, and what */
void	capture_job(struct world *w, struct node *n);
void	capture_step(struct world *w, struct node *n);
void	capture_pass(struct world *w, struct node *n);
void	capture_changed(struct world *w, struct node *n);
bool	copy_load(struct world *w, struct node *n);
bool	copy_commit(struct world *w, struct node *n, uint8_t g,
    const struct epoch *e);
bool	copy_back(struct world *w, struct node *n, uint32_t number);

/* channel.c: from one store to the other */
void	channel_take(struct world *w, struct node *n, const struct msg *m);
void	channel_kick(struct world *w, struct node *n);
bool	channel_ships(const struct node *n);

/* checkdata.c */
void	check_copy(struct world *w, struct node *n, const struct copy *was);
void	check_overwrites(struct world *w, struct node *n);
void	check_runs(struct world *w, struct node *n);
void	check_starts(struct world *w, struct node *n);
void	check_made(struct world *w, uint8_t g);
void	check_data_end(struct world *w);

/* cover.c */
bool	cover_report(const struct stats *st, FILE *f);

#endif
