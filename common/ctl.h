/* SPDX-License-Identifier: ISC */

/*
 * The control protocol between vipctl and the elector, over two stream
 * sockets in the run directory: control.sock (root and group _vrrpd:
 * changes) and status.sock (everyone: read-only).
 *
 * The client sends one struct ctl_request and reads records until
 * CTL_END; with CTL_SUBSCRIBE and CTL_MONITOR records come as they happen
 * until the client hangs up.  Both ends are the same machine and the same
 * build: numbers are in host order, CTL_VERSION must match.
 *
 * Text and JSON are both made from these records, by vipctl.
 */
#ifndef VIPAIR_CTL_H
#define VIPAIR_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "advert.h"
#include "conf.h"
#include "ipc.h"

#define CTL_MAGIC	0x76697063u	/* "vipc" */
#define CTL_VERSION	2u
#define CTL_SOCKET	"control.sock"
#define CTL_STATUS	"status.sock"
#define CTL_CLIENTS_MAX	16		/* on each socket */
#define CTL_PAIR_ALL	0xffff

enum ctl_command {
	CTL_GET_STATUS = 1,	/* NODE, then PAIR ADDR* PEER* PROBLEM* each */
	CTL_GET_EVENTS,		/* EVENT*: for `why` */
	CTL_GET_HISTORY,	/* HISTORY* */
	CTL_SUBSCRIBE,		/* EVENT now and as they happen */
	CTL_MONITOR,		/* ADVERT as they are heard */
	/* control.sock only */
	CTL_HANDOVER,
	CTL_MAINTENANCE,	/* arg[0]: 1 on, 0 off; arg[1]: seconds or 0 */
	CTL_LOG_LEVEL,		/* arg[0]: enum log_level */
	CTL_ASK,		/* arg[0]: enum ask_kind, arg[1], arg[2]: its
				   values; token: comes back in the state file
				   of the capture (syncstate.h) */
	CTL_RELOAD_DATA,	/* active: stop, load what is to be adopted,
				   start */
};

struct ctl_request {
	uint32_t	magic, version;
	uint16_t	command;	/* enum ctl_command */
	uint16_t	pair;		/* index, or CTL_PAIR_ALL */
	uint32_t	pad;
	int64_t		arg[3];
	uint64_t	token;
	char		reason[MAINT_REASON_MAX];
};

enum ctl_record {
	CTL_NODE = 1,
	CTL_PAIR,
	CTL_ADDR,
	CTL_PEER,
	CTL_PROBLEM,
	CTL_EVENT,
	CTL_HISTORY,
	CTL_ADVERT,
	CTL_RESULT,
	CTL_END,
	CTL_DATA,		/* after the peers of a pair with data */
};

struct ctl_head {
	uint16_t	type;		/* enum ctl_record */
	uint16_t	size;		/* of the whole record, bytes */
	uint32_t	pair;
};

#define CTL_AGE_UNKNOWN	INT64_C(-1)	/* JSON null */

struct ctl_node {
	struct ctl_head	head;
	char		version[24];
	uint32_t	npairs;
	uint32_t	conf_serial;
	uint32_t	conf_fingerprint;
	uint32_t	unfiltered;	/* sanitizer build: no sandbox */
	int64_t		uptime_ns;
	uint32_t	realtime;	/* 1: real-time priority was allowed */
	uint32_t	log_dropped;
};

struct ctl_pair {
	struct ctl_head	head;
	char		name[CONF_NAME_MAX + 1];
	char		interface[16];
	uint8_t		self;		/* node index, ELECTION_NODE_NONE */
	uint8_t		role;		/* enum role */
	uint8_t		state;		/* enum state */
	uint8_t		reason;		/* enum reason */
	uint8_t		protocol;
	uint8_t		vhid;
	uint8_t		authenticated;	/* enum ctl_auth */
	uint8_t		maintenance;
	uint32_t	term;
	uint32_t	alarms;		/* ALARM_* */
	uint32_t	interval_ms;
	uint32_t	lease_s;
	int64_t		since_ns;	/* age of the role */
	int64_t		takeover_least_ns, takeover_most_ns;
	int64_t		sent_ns;	/* age of the last advert sent */
	int64_t		heard_ns;	/* age of the last advert heard */
	uint8_t		heard_node;	/* who is active elsewhere, or NONE */
	uint8_t		service_kind;	/* enum conf_service_kind */
	uint8_t		service_state;	/* enum service_state */
	uint8_t		link_up;
	uint32_t	ifindex;
	int64_t		service_healthy_ns;	/* age of last good check */
	int64_t		service_start_took_ns;	/* last start, or UNKNOWN */
	char		service_unit[96];
	char		maint_reason[MAINT_REASON_MAX];
	int64_t		maint_until_wall_s;
	uint64_t	count_sent, count_accepted;
	uint64_t	count_dropped[ADVERT_VERDICTS];
	uint64_t	count_arp_conflicts;
};

enum ctl_auth {
	CTL_AUTH_NONE = 0,	/* anybody on the LAN can speak */
	CTL_AUTH_CARP,		/* CARP digest: header open, replay open */
	CTL_AUTH_SIGNED,	/* trailer between own nodes */
};

struct ctl_addr {
	struct ctl_head	head;
	struct conf_addr address;
	uint32_t	present;	/* 1 yes, 0 no, 2 unknown */
	int64_t		lease_left_ns;	/* or UNKNOWN */
};

struct ctl_peer {			/* every node of the pair, also self */
	struct ctl_head	head;
	char		name[CONF_NAME_MAX + 1];
	struct conf_addr address;
	uint8_t		node, self, foreign, prefer;
	uint8_t		role;		/* enum role, or 0xff unknown */
	uint8_t		pad[3];
	int64_t		heard_ns;	/* age, or UNKNOWN */
	int64_t		role_since_ns;	/* age, or UNKNOWN */
};

/*
 * What the election knows of data and of the partner by ssh.  Details for
 * people are in the files of syncstate.h.
 */
struct ctl_data {
	struct ctl_head	head;
	int64_t		age_ns;		/* of what the mirror said; UNKNOWN */
	struct msg_data	data;
	int64_t		partner_age_ns;	/* of its word; UNKNOWN: no channel */
	struct msg_partner partner;
	uint32_t	step;		/* enum job_kind under way, or 0 */
	uint32_t	load_took_ms;	/* last one; UINT32_MAX unknown */
};

/* id "W21" is 'W' and 21; texts and fixes are vipctl's (problems.c). */
struct ctl_problem {
	struct ctl_head	head;
	uint32_t	number;		/* enum problem */
	int32_t		error;		/* errno, or 0 */
	int64_t		age_ns;
	uint64_t	value[2];	/* as the problem says */
	struct conf_addr address;
	uint8_t		mac[6];
	uint8_t		pad[2];
};

enum ctl_event_kind {
	CTL_EVENT_ROLE = 1,	/* old, new, reason, term */
	CTL_EVENT_SERVICE,	/* old, new: enum service_state */
	CTL_EVENT_LINK,		/* new: 1 up, 0 down */
	CTL_EVENT_ALARM_ON,	/* value: ALARM_* bit */
	CTL_EVENT_ALARM_OFF,
	CTL_EVENT_ADDR,		/* new: 1 up, 0 down; reason: release_cause */
	CTL_EVENT_CLAIM,	/* a claim began or ended; new: 1/0, reason */
	CTL_EVENT_OPERATOR,	/* value: enum ctl_command */
	CTL_EVENT_ROOM,		/* a room was restarted; value: enum room */
	CTL_EVENT_RELOAD,
};

struct ctl_event {
	struct ctl_head	head;
	int64_t		wall_ns;	/* UTC */
	int64_t		age_ns;
	uint32_t	kind;		/* enum ctl_event_kind */
	uint8_t		old, new_, reason, node;
	uint32_t	term;
	uint32_t	value;
	int64_t		silent_ns;	/* role: silence before it */
};

struct ctl_history {
	struct ctl_head	head;
	struct msg_keep_history entry;
};

struct ctl_advert {
	struct ctl_head	head;
	int64_t		wall_ns;
	uint32_t	ifindex;
	uint8_t		verdict;	/* enum verdict */
	uint8_t		auth;		/* enum auth_state */
	uint16_t	len;
	uint8_t		ip[20 + ADVERT_MAX];	/* from the IP header on */
};

struct ctl_result {
	struct ctl_head	head;
	uint32_t	code;		/* enum ctl_code */
	uint8_t		node;		/* REFUSED_STANDBY: who is active */
	uint8_t		pad[3];
};

enum ctl_code {
	CTL_OK = 0,
	CTL_REFUSED_STANDBY,	/* ask on the active node */
	CTL_REFUSED_NOBODY,	/* nobody is there to hand over to */
	CTL_REFUSED_STATE,	/* not in this role */
	CTL_BAD_REQUEST,
	CTL_NOT_PERMITTED,
	CTL_BUSY,		/* too many clients: try again */
	CTL_NO_DATA,		/* the pair has no sync block */
	CTL_NO_MIRROR,		/* the data half is not running just now */
};

/* Stable numbers of what can be wrong; never reused. */
enum problem {
	PROBLEM_DUAL_ACTIVE = 1,	/* C01 */
	PROBLEM_HEARTBEAT_BLOCKED = 2,	/* C02 */
	PROBLEM_NOBODY = 3,		/* C03 nobody is active */
	PROBLEM_SERVICE_FAILED = 4,	/* C04 */
	PROBLEM_INTERFACE_MISSING = 5,	/* C05 */
	PROBLEM_OWN_ADDRESS_MISSING = 6,/* C06 */
	PROBLEM_LINK_DOWN = 7,		/* C07 no carrier or down */
	PROBLEM_FLAPPING = 8,		/* C08 flap limit reached */
	PROBLEM_SEND_FAILS = 9,		/* C09 adverts cannot leave */
	PROBLEM_HOLD_FAILS = 10,	/* C10 the address cannot be put up */
	PROBLEM_DATA_NOT_READY = 11,	/* C11 cannot take over: value[0] is
					   enum data_state */
	PROBLEM_LOAD_FAILED = 12,	/* C12 value[0]: the loader's status */
	PROBLEM_STORE_DAMAGED = 13,	/* C13 * */
	/* Those marked + only vipctl doctor finds, by looking for itself. */
	PROBLEM_DAEMON_DOWN = 14,	/* C14 + nobody answers */
	PROBLEM_CONFIG_BROKEN = 15,	/* C15 + */
	PROBLEM_ADDRESS_STRIPPED = 20,	/* W20 somebody removed the address */
	PROBLEM_ADDRESS_CONFLICT = 21,	/* W21 a stranger answers for it */
	PROBLEM_VHID_COLLISION = 22,	/* W22 our id, not our partner */
	PROBLEM_OTHER_PROTOCOL = 23,	/* W23 CARP against VRRP on one id */
	PROBLEM_AUTH_FAILS = 24,	/* W24 wrong key or password heard */
	PROBLEM_INTERVAL_MISMATCH = 25,	/* W25 */
	PROBLEM_UNAUTHENTICATED = 26,	/* W26 */
	PROBLEM_NOT_DURABLE = 27,	/* W27 the state directory fails */
	PROBLEM_TERM_JUMP = 28,		/* W28 */
	PROBLEM_FROZEN_ANSWER = 29,	/* W29 interval below 1 s, no fence */
	PROBLEM_REPLAY = 30,		/* W30 replayed adverts are heard */
	PROBLEM_FLOOD = 31,		/* W31 */
	PROBLEM_SANDBOX_WEAK = 32,	/* W32 */
	PROBLEM_PREFIX = 33,		/* W33 address outside the network */
	PROBLEM_PARTNER_SILENT = 34,	/* W34 partner never heard since start */
	PROBLEM_UNSIGNED_PARTNER = 35,	/* W35 partner speaks without trailer */
	PROBLEM_TRACK_DOWN = 36,	/* W36 */
	PROBLEM_MAINTENANCE = 37,	/* W37 */
	PROBLEM_SERVICE_UNHEALTHY = 38,	/* W38 */
	PROBLEM_ADDRESS_LIST = 39,	/* W39 partner lists other addresses */
	PROBLEM_ADDRESS_UNMARKED = 40,	/* W40 a virtual address in our kernel
					   that is not ours to lease */
	/*
	 * Data.  Those marked * vipctl makes from the files of syncstate.h.
	 */
	PROBLEM_MIRROR_DOWN = 50,	/* W50 the data half does not answer */
	PROBLEM_PARTNER_SSH = 51,	/* W51 * no channel to the partner */
	PROBLEM_HOST_KEY = 52,		/* W52 * its host key is another one */
	PROBLEM_DATA_LATE = 53,		/* W53 * it lacks what is older than a
					   minute; value[0]: seconds */
	PROBLEM_CAPTURE_HELD = 54,	/* W54 * a generation is held back */
	PROBLEM_CAPTURE_LEFT_OUT = 55,	/* W55 * something is left out */
	PROBLEM_STORE_FULL = 56,	/* W56 * our store or disk is full */
	PROBLEM_PARTNER_FULL = 57,	/* W57 * the partner's */
	PROBLEM_DIVERGED = 58,		/* W58 * value[0] branches are parked */
	PROBLEM_BIT_ROT = 60,		/* W60 * scrub set objects aside:
					   value[0] of them */
	PROBLEM_PARTNER_REFUSES = 61,	/* W61 * dual, absurd, its store... */
	PROBLEM_SHIP_STALE = 62,	/* W62 * the partner knows a newer
					   epoch */
	PROBLEM_PARTNER_OTHER = 63,	/* W63 * what it says is no receiver */
	PROBLEM_STORE_REMOVED = 64,	/* W64 * somebody removed the store */
	PROBLEM_FIREWALL = 70,		/* W70 + this host drops protocol 112 */
	PROBLEM_ADDRESS_MANAGER = 71,	/* W71 + may strip the address */
	PROBLEM_ADDRESS_STATIC = 72,	/* W72 + configured elsewhere */
	PROBLEM_SERVICE_AT_BOOT = 73,	/* W73 + enabled by itself */
	PROBLEM_SERVICE_ELSEWHERE = 74,	/* W74 + not on the address */
	PROBLEM_CLOCK = 75,		/* W75 + the partner's is another */
	PROBLEM_CONF_DIFFERS = 76,	/* W76 + from the partner's */
	PROBLEM_VERSION_DIFFERS = 77,	/* W77 + */
	PROBLEM_CLOUD = 78,		/* W78 + */
	PROBLEM_NO_DRILL = 79,		/* W79 + for 90 days */
	PROBLEM_COUNT
};

#endif
