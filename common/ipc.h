/* SPDX-License-Identifier: ISC */

/*
 * The messages between rooms: SOCK_SEQPACKET, one fixed-size struct each,
 * one enum, one table of who may send what to whom (ipc.c).  Anything that
 * is not in the table is a hostile neighbour, and fatal for the receiver.
 *
 * Only numbers travel towards privilege.  The one exception is the ready
 * made farewell (struct msg_renew), which the actuator checks for length,
 * protocol and destination before it keeps it.
 *
 * Descriptors travel only from the supervisor outwards.
 *
 * `serial` in every head is the serial of the configuration in which `pair`
 * is an index.  A receiver that has switched to another one drops such a
 * message (it is late, not hostile) unless it says otherwise below.
 */
#ifndef VIPAIR_IPC_H
#define VIPAIR_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

enum room {
	ROOM_SUPERVISOR = 0,
	ROOM_ELECTOR,
	ROOM_ACTUATOR,
	ROOM_KEEPER,
	ROOM_MIRROR,		/* syncd: ssh to the partner, its word */
	ROOM_CAPTURE,		/* syncd: live data -> generations */
	ROOM_CHANNELS,		/* those above have channels */
	/* argv in, exit status out */
	ROOM_RUNNER = ROOM_CHANNELS,
	ROOM_CHECKER,
	ROOM_LOADER,
	ROOM_SQLSNAP,
	ROOM_COUNT
};

enum msg_type {
	MSG_NONE = 0,

	/*
	 * supervisor -> every long-lived room; but a new configuration goes
	 * to elector and keeper only: the actuator is killed and started anew
	 * with it, and its leases bridge that.
	 */
	MSG_CONF,		/* msg_blob + fd: a configuration to take */
	MSG_SECRETS,		/* msg_blob + fd: elector only */
	MSG_SWITCH,		/* msg_head: use the serial now */
	MSG_NEIGHBOUR,		/* msg_neighbour + fd: channel to a room */
	MSG_LEAVE,		/* msg_head: hand over in order, then leave */
	MSG_PING,		/* msg_head */
	/* every long-lived room -> supervisor */
	MSG_CONF_OK,		/* msg_head: the serial is copied and good */
	MSG_PONG,		/* msg_head */
	MSG_LEFT,		/* msg_head: done with MSG_LEAVE, exiting */

	/* elector <-> supervisor */
	MSG_SOCKET_WANT,	/* msg_head: open advert sockets of the pair */
	MSG_SOCKET,		/* msg_socket + fd */
	MSG_SOCKET_NONE,	/* msg_socket: could not; error is an errno */
	MSG_LISTENER,		/* msg_listener + fd: a control socket */
	MSG_JOB,		/* msg_job: elector asks; also of the mirror,
				   the mirror of the capture, the capture of
				   the supervisor (JOB_FILL) */
	MSG_JOB_DONE,		/* msg_job_done */
	MSG_ROLE,		/* msg_role: for the log and sd_notify */
	MSG_EXPORT,		/* msg_blob + fd: write your state, exit 0 */
	MSG_IMPORT,		/* msg_blob + fd: go on from this state */

	/* elector -> actuator */
	MSG_HOLD,		/* msg_renew: put the addresses up */
	MSG_RENEW,		/* msg_renew: keep them; never adds one */
	MSG_RELEASE,		/* msg_head */
	MSG_ANNOUNCE,		/* msg_head: a burst now, one 1 s later */
	/* actuator -> elector */
	MSG_HELD,		/* msg_held: answer to HOLD and RENEW */
	MSG_RELEASED,		/* msg_released */
	MSG_LINK,		/* msg_link: first and at every change */
	MSG_ADDR_LOST,		/* msg_addr: somebody removed it */
	MSG_NEIGH_FRAME,	/* msg_frame: ARP/NA of a stranger, unparsed */
	/* actuator -> supervisor */
	MSG_STALLED,		/* msg_head: no renewal came; elector hangs */

	/* elector -> keeper */
	MSG_KEEP_TERM,		/* msg_keep_term: durable before MSG_KEPT */
	MSG_KEEP_CEILING,	/* msg_keep_seq: own sequence ceiling */
	MSG_KEEP_FLOOR,		/* msg_keep_seq: floor of one sender */
	MSG_KEEP_HISTORY,	/* msg_keep_history */
	MSG_KEEP_MAINT,		/* msg_keep_maint */
	/* keeper -> elector */
	MSG_KEPT,		/* msg_kept */
	MSG_STORED_PAIR,	/* msg_stored_pair: each pair, at start and
				   after a switch; that may come before the
				   elector's own MSG_SWITCH */
	MSG_STORED_HISTORY,	/* msg_keep_history: at start, oldest first */
	MSG_STORED_END,		/* msg_head: all of it was sent */

	/* elector -> actuator */
	MSG_WORDS,		/* msg_renew: an advert left; its farewell only,
				   the lease has most of its time yet */

	/* elector -> mirror, mirror -> capture: what this node is */
	MSG_WORD,		/* msg_word: at each advert, each change */
	/* mirror -> elector */
	MSG_PARTNER,		/* msg_partner: the partner's word */
	MSG_DATA,		/* msg_data: what our store holds */
	/* elector -> mirror -> capture; mirror -> elector (ASK_HANDOVER) */
	MSG_ASK,		/* msg_ask: an operator, or the partner */
	/* capture -> mirror */
	MSG_CAPTURED,		/* msg_captured: at each change */
	/* capture <-> supervisor */
	MSG_SNAP,		/* msg_snap: copy that database */
	MSG_SNAPPED,		/* msg_snapped + fd: the copy, status 0 */
	MSG_SNAP_FAILED,	/* msg_snapped: no copy */

	MSG_COUNT
};

struct msg_head {
	uint16_t	type;		/* enum msg_type */
	uint16_t	pair;		/* index, or 0 where none is meant */
	uint32_t	serial;
};

struct msg_blob {			/* + fd: a sealed memfd */
	struct msg_head	head;
	uint32_t	size;
	uint32_t	pad;
};

struct msg_neighbour {			/* + fd: the new end of a channel */
	struct msg_head	head;
	uint32_t	room;		/* enum room at the other end */
	uint32_t	planned;	/* 1: replaced in order, not dead */
};

enum socket_kind {
	SOCKET_ADVERT = 0,	/* only adverts of our ids that may be valid */
	SOCKET_STRAY,		/* protocol 112, all the rest; for diagnosis */
};

/* Sockets are per interface and shared by the pairs on it. */
struct msg_socket {			/* + fd (MSG_SOCKET) */
	struct msg_head	head;
	uint32_t	ifindex;
	uint8_t		kind;		/* enum socket_kind */
	uint8_t		family;		/* 4 or 6 */
	uint16_t	pad;
	int32_t		error;		/* errno (MSG_SOCKET_NONE), or 0 */
	uint32_t	pad2;
};

struct msg_listener {			/* + fd */
	struct msg_head	head;
	uint32_t	control;	/* 1 control.sock, 0 status.sock */
	uint32_t	pad;
};

enum job_kind {
	JOB_START = 1,		/* service start; result at the end of it */
	JOB_STOP,
	JOB_CHECK,		/* all health lines of the pair, once */
	JOB_NOTIFY,		/* notify hooks, told the new role */
	JOB_QUERY,		/* is the service running? no change */

	/*
	 * Data, in the order of a takeover.  BEGIN, WRITE and END are the
	 * capture's: the elector sends them to the mirror, which hands them
	 * on and answers.  LOAD, PREPARE and SETTLE are the loader's, FILL
	 * is the runner's.
	 */
	JOB_BEGIN,		/* epoch (term, node) durable, receivers shut;
				   done.check: 1 a load is needed */
	JOB_LOAD,		/* head, or what is to be adopted, goes live */
	JOB_WRITE,		/* live data is ours: marked so, captured from
				   now on; before the service starts */
	JOB_END,		/* service stopped: last capture, last sync;
				   done.check: 1 the partner has it all */
	JOB_PREPARE,		/* standby: the head beside the live data */
	JOB_SETTLE,		/* standby: and in its place */
	JOB_FILL,		/* before capture exec; the capture asks */
	JOB_KINDS
};

struct msg_job {
	struct msg_head	head;
	uint32_t	kind;		/* enum job_kind */
	uint32_t	role;		/* enum role when asked */
	uint32_t	old_role;	/* JOB_NOTIFY */
	uint32_t	term;
};

enum job_result {
	JOB_OK = 0,		/* started, stopped, healthy, running */
	JOB_FAILED,		/* not; for JOB_QUERY: not running */
	JOB_TIMEOUT,		/* killed at its time limit */
	JOB_SUPERSEDED,		/* never ran: a later job took its place */
};

struct msg_job_done {
	struct msg_head	head;
	uint32_t	kind;
	uint32_t	result;		/* enum job_result */
	uint32_t	term;		/* as it was asked */
	uint32_t	took_ms;
	uint32_t	check;		/* JOB_CHECK: first line that failed */
	uint32_t	exit_status;	/* of the program that decided */
};

struct msg_role {
	struct msg_head	head;
	uint32_t	old_role, new_role;	/* enum role */
	uint32_t	term;
	uint32_t	reason;		/* enum reason (core/election.h) */
};

/* An IPv4 or IPv6 packet of protocol 112 without link header. */
#define FAREWELL_MAX	192

struct msg_renew {
	struct msg_head	head;
	int64_t		advert_ns;	/* CLOCK_BOOTTIME of the advert sent */
	uint32_t	lease_s;	/* whole seconds, 1-3600 */
	uint32_t	fence_ms;	/* 0: no second fence */
	uint16_t	farewell_len;	/* 0: none */
	uint16_t	pad[3];
	uint8_t		farewell[FAREWELL_MAX];
};

struct msg_held {
	struct msg_head	head;
	int64_t		advert_ns;	/* as in the order */
	uint32_t	order;		/* MSG_HOLD or MSG_RENEW */
	uint32_t	ok;		/* all addresses are in place */
	uint32_t	refused_late;	/* order was older than 20 ms */
	uint32_t	missing;	/* RENEW: addresses not there */
	int32_t		error;		/* errno of netlink, or 0 */
	uint32_t	pad;
};

enum release_cause {
	RELEASE_ORDERED = 1,
	RELEASE_LEASE,		/* no renewal: the actuator let go */
	RELEASE_LINK,		/* the interface is gone */
	RELEASE_START,		/* leftovers removed at start */
};

struct msg_released {
	struct msg_head	head;
	uint32_t	cause;		/* enum release_cause */
	uint32_t	pad;
};

#define LINK_SELF_NONE	0xff

struct msg_link {
	struct msg_head	head;
	uint32_t	ifindex;	/* 0: no such interface now */
	uint8_t		self;		/* node of the pair that is us, or
					   LINK_SELF_NONE */
	uint8_t		up;		/* administratively up */
	uint8_t		carrier;
	uint8_t		tracked_down;	/* bit i: track interface i is down */
	uint8_t		mac[6];
	uint16_t	mtu;
	uint8_t		prefix_ok;	/* all virtual addresses lie inside
					   a network of the interface */
	uint8_t		foreign_manager; /* 1 networkd, 2 NetworkManager owns
					   it; 0 nobody known */
	uint16_t	unmarked;	/* 1 + index of a virtual address that
					   somebody else configured here; 0 */
	uint32_t	pad2;
};

struct msg_addr {
	struct msg_head	head;
	uint32_t	addr;		/* index within the pair */
	uint32_t	pad;
};

#define NEIGH_FRAME_MAX	96

struct msg_frame {
	struct msg_head	head;
	uint32_t	len;
	uint32_t	ifindex;
	uint8_t		byte[NEIGH_FRAME_MAX];	/* from the link header on */
};

struct msg_keep_term {
	struct msg_head	head;
	uint32_t	term;
	uint32_t	node;		/* node id (rank) that opened it */
};

/* What this node is.  role is active until the address is confirmed gone. */
struct msg_word {
	struct msg_head	head;
	int64_t		advert_ns;	/* CLOCK_BOOTTIME of the last one that
					   left; 0: none */
	uint32_t	term;		/* own epoch, or the highest known */
	uint8_t		term_node;	/* node id (rank) */
	uint8_t		self;		/* node index, LINK_SELF_NONE */
	uint8_t		self_id;	/* node id (rank) */
	uint8_t		role;		/* enum role */
	uint8_t		healthy;
	uint8_t		ready;
	uint8_t		present;	/* address in our kernel */
	uint8_t		deaf;		/* the partner says that it is active,
					   and no advert of it is heard */
	uint8_t		writing;	/* live data were marked as ours in
					   this term (JOB_WRITE) */
	uint8_t		pad[3];
};

/* What the partner says of itself, by ssh.  Ages as of the sending. */
struct msg_partner {
	struct msg_head	head;
	int64_t		advert_age_ns;	/* -1: unknown */
	uint64_t	generation;
	uint32_t	term;
	uint8_t		term_node;
	uint8_t		node;		/* index in the pair */
	uint8_t		role;		/* enum role; ROLE_COUNT: no word, the
					   channel is down */
	uint8_t		healthy;
	uint8_t		ready;
	uint8_t		present;
	uint8_t		deaf;		/* it does not hear us */
	uint8_t		pad[5];
};

/* Why a node cannot take over with what it has. */
enum data_state {
	DATA_NONE = 0,		/* nobody ever wrote: own live data count */
	DATA_READY,
	DATA_FILLING,		/* the first copy is not complete */
	DATA_DAMAGED,		/* the store does not verify */
	DATA_ALLOWED,		/* the operator said so (ASK_ALLOW) */
	DATA_STATES
};

struct msg_data {
	struct msg_head	head;
	uint64_t	generation;	/* of our head; 0: empty */
	int64_t		made_wall_ns;	/* of it, by its writer's clock */
	uint64_t	partner_generation;	/* acknowledged; 0 unknown */
	uint32_t	term;		/* highest the store knows */
	uint8_t		term_node;
	uint8_t		state;		/* enum data_state */
	uint8_t		ready;		/* may take over */
	uint8_t		pad;
};

enum ask_kind {
	ASK_HANDOVER = 1,	/* forwarded to the partner, which is active */
	ASK_SYNC,		/* capture all now */
	ASK_DISMISS,		/* branch: value generation, value2 head */
	ASK_ADOPT,		/* branch; value 0: no wish any more */
	ASK_RESTORE,		/* value: generation to go back to */
	ASK_ALLOW,		/* take over with what there is */
	ASK_KINDS
};

/*
 * value2 names a branch: the first 8 bytes of its head, big-endian.  The
 * token comes back in the capture's state file (common/syncstate.h).
 */
struct msg_ask {
	struct msg_head	head;
	uint64_t	token;
	uint64_t	value, value2;
	uint32_t	kind;		/* enum ask_kind */
	uint32_t	pad;
};

struct msg_captured {
	struct msg_head	head;
	uint64_t	generation;	/* of the head */
	uint32_t	term;		/* epoch that may write, or 0 */
	uint8_t		settled;	/* nothing live is uncaptured: a
					   receiver may write */
	uint8_t		published;	/* the store has a new head */
	uint8_t		held;		/* a generation is held back */
	uint8_t		pad;
};

/* The database below base that is this inode and matches that entry. */
struct msg_snap {
	struct msg_head	head;
	uint64_t	dev, ino;
	uint32_t	entry;		/* index of the sync entry */
	uint32_t	number;		/* comes back */
};

struct msg_snapped {
	struct msg_head	head;
	uint32_t	number;
	uint32_t	status;		/* enum sqlsnap (syncd/sqlsnap) */
};

struct msg_keep_seq {
	struct msg_head	head;
	uint64_t	seq;
	uint32_t	node;		/* sender's node index (floors) */
	uint32_t	pad;
};

/* One line of `vipctl history`: a role change of this node or a takeover. */
struct msg_keep_history {
	struct msg_head	head;
	int64_t		wall_s;		/* UTC seconds */
	uint32_t	term;
	uint8_t		old_role, new_role;	/* enum role, this node's */
	uint8_t		from_node, to_node;	/* index, 0xff unknown */
	uint32_t	reason;		/* enum reason */
	uint32_t	outage_ms;	/* with no holder; UINT32_MAX unknown */
	uint32_t	data_age_ms;	/* UINT32_MAX unknown */
	uint32_t	pad;
};

#define MAINT_REASON_MAX	64

struct msg_keep_maint {
	struct msg_head	head;
	uint32_t	on;
	uint32_t	pad;
	int64_t		until_wall_s;	/* 0: until taken off */
	char		reason[MAINT_REASON_MAX];	/* printable, NUL */
};

struct msg_kept {
	struct msg_head	head;
	uint32_t	what;		/* MSG_KEEP_* that is durable now */
	uint32_t	term;		/* MSG_KEEP_TERM */
	int32_t		error;		/* errno: it is not durable */
	uint32_t	node;		/* MSG_KEEP_FLOOR: as in the order */
	uint64_t	seq;		/* MSG_KEEP_CEILING, _FLOOR: what is on
					   disk, at least what was asked */
};

struct msg_stored_pair {
	struct msg_head	head;
	uint32_t	term;		/* highest ever seen */
	uint32_t	term_node;
	uint64_t	ceiling;	/* own sequence, begin above it */
	uint64_t	floor[CONF_NODES_PER_PAIR_MAX];
	uint32_t	fresh;		/* 1: nothing was stored before */
	uint32_t	maint_on;
	int64_t		maint_until_wall_s;
	char		maint_reason[MAINT_REASON_MAX];
};

union msg {
	struct msg_head		head;
	struct msg_blob		blob;
	struct msg_neighbour	neighbour;
	struct msg_socket	socket;
	struct msg_listener	listener;
	struct msg_job		job;
	struct msg_job_done	job_done;
	struct msg_role		role;
	struct msg_renew	renew;
	struct msg_held		held;
	struct msg_released	released;
	struct msg_link		link;
	struct msg_addr		addr;
	struct msg_frame	frame;
	struct msg_keep_term	keep_term;
	struct msg_keep_seq	keep_seq;
	struct msg_keep_history	keep_history;
	struct msg_keep_maint	keep_maint;
	struct msg_kept		kept;
	struct msg_stored_pair	stored_pair;
	struct msg_word		word;
	struct msg_partner	partner;
	struct msg_data		data;
	struct msg_ask		ask;
	struct msg_captured	captured;
	struct msg_snap		snap;
	struct msg_snapped	snapped;
};

/* A channel as one room sees it. */
struct channel {
	int		fd;		/* -1: closed */
	enum room	self, peer;
};

enum ipc_status {
	IPC_OK = 1,
	IPC_AGAIN = 0,		/* nothing there, or the queue is full */
	IPC_CLOSED = -1,	/* the neighbour is gone */
	IPC_HOSTILE = -2,	/* not in the table; the caller is to die */
};

/*
 * Receives one message without blocking.  *fd is set to the descriptor that
 * came along or -1; where the table allows none, one that comes is hostile.
 * The caller owns *fd.
 */
enum ipc_status	ipc_recv(const struct channel *ch, union msg *m, int *fd);

/*
 * Sends one message without blocking; its size comes from the table, and
 * the table must allow it (assert: that is our own mistake).  fd -1: none.
 * The descriptor stays the caller's.
 */
enum ipc_status	ipc_send(const struct channel *ch, const union msg *m, int fd);

/*
 * Reads all that is queued: says() for each message, whose fd is then its
 * own; gone() when the neighbour closed; hostile() and then fatal when it
 * broke the table; both may be NULL.  Stops when ch is replaced or closed
 * by what one of the messages says.
 */
void		 ipc_drain(struct channel *ch,
		    void (*says)(const union msg *m, int fd),
		    void (*gone)(void), void (*hostile)(void));

/* Name of a message type for logs; "?" for a number that is none. */
const char	*ipc_name(unsigned type);
/* Size by type, 0 for a number that is none. */
size_t		 ipc_size(unsigned type);
/* True when the table allows `type` from one room to the other. */
bool		 ipc_allowed(unsigned type, enum room from, enum room to);
const char	*room_name(enum room r);

/* A connected pair of channels, close-on-exec; 0 or -1 with errno. */
int		 ipc_pair(int fds[2]);

#endif
