/* SPDX-License-Identifier: ISC */

/*
 * The parsed configuration as every room sees it: one pointer-free blob,
 * made by common/config (supervisor and vipctl only), carried in a sealed
 * memfd, copied by each room into a static buffer.
 *
 * Layout: struct conf, then npairs struct conf_pair, then naddrs
 * struct conf_addr, then nnodes struct conf_node, then nsyncs struct
 * conf_sync_entry, then strings_len bytes of NUL-terminated strings.  A
 * string is named by its offset in that pool; offset 0 is the empty string.
 * Addresses, nodes and sync entries of a pair lie side by side, from
 * first_addr, first_node and sync.first_entry on.
 *
 * Secrets are never in here: struct secrets travels in a second memfd that
 * only the elector gets.
 */
#ifndef VIPAIR_CONF_H
#define VIPAIR_CONF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_MAGIC		0x76697061u	/* "vipa" */
#define CONF_VERSION		2u

#define CONF_PAIRS_MAX		1024
#define CONF_NODES_PER_PAIR_MAX	8
#define CONF_ADDRS_PER_PAIR_MAX	1000
#define CONF_TRACKS_MAX		4
#define CONF_NAME_MAX		31	/* pair and node names, bytes */
#define CONF_BLOB_MAX		(4u << 20)
#define CONF_KEYS_MAX		4
#define CONF_KEY_LEN_MIN	32
#define CONF_KEY_LEN_MAX	64
#define CONF_CARP_PASS_MAX	19	/* ucarp refuses 20 (captures) */
#define CONF_HEALTH_MAX		4
#define CONF_SYNC_ENTRIES_MAX	256	/* of one pair */
#define CONF_PATTERN_MAX	255	/* bytes of a pattern, or of base */

typedef uint32_t conf_str;	/* offset in the string pool */
/* The blob is aligned to 4. */
typedef uint64_t conf_bytes __attribute__((aligned(4)));

enum conf_protocol {
	PROTOCOL_CARP = 1,
	PROTOCOL_VRRP2,
	PROTOCOL_VRRP3,
};

enum conf_auth_mode {
	AUTH_ENFORCE = 0,	/* unsigned adverts of own nodes are dropped */
	AUTH_PERMISSIVE,	/* signs, accepts unsigned ones */
	AUTH_RECEIVE_ONLY,	/* signs nothing, verifies what is signed */
};

enum conf_service_kind {
	SERVICE_NONE = 0,
	SERVICE_UNIT,		/* a systemd unit */
	SERVICE_EXEC,		/* start, stop and check commands */
};

enum conf_health_kind {
	HEALTH_TCP = 1,		/* port: connect to virtual address 0 */
	HEALTH_HTTP,		/* command: the URL; status: expected */
	HEALTH_EXEC,		/* command: "/path arg ..." */
	HEALTH_UNIT_ACTIVE,
};

/* One address, IPv4 or IPv6, network byte order; IPv4 in the first four. */
struct conf_addr {
	uint8_t		family;		/* 4 or 6 */
	uint8_t		pad[3];
	uint8_t		byte[16];
};

struct conf_node {
	conf_str	name;
	conf_str	interface;	/* this node's own choice, or empty */
	struct conf_addr address;
	uint8_t		priority;	/* VRRP, 1-254; always set */
	uint8_t		skew;		/* CARP advskew, 0-254; always set */
	uint8_t		rank;		/* 0 best ... ; node id in an epoch */
	bool		prefer;
	bool		foreign;	/* not vipair: no trailer on VRRP */
	uint8_t		pad[3];
};

struct conf_health {
	uint8_t		kind;		/* enum conf_health_kind */
	uint8_t		pad;
	uint16_t	port;
	uint16_t	status;
	uint16_t	pad2;
	conf_str	command;
};

struct conf_service {
	uint8_t		kind;		/* enum conf_service_kind */
	uint8_t		nhealth;
	uint16_t	give_up_after;	/* failed checks in a row */
	conf_str	unit;
	conf_str	start;		/* SERVICE_EXEC: "/path arg ..." */
	conf_str	stop;
	conf_str	check;		/* may be empty */
	uint32_t	start_timeout_ms;
	uint32_t	stop_timeout_ms;
	uint32_t	check_every_ms;
	struct conf_health health[CONF_HEALTH_MAX];
};

enum conf_sync_kind {
	CONF_SYNC_SQLITE = 1,	/* a database: copied hot */
	CONF_SYNC_TREE,		/* a directory and all below it */
	CONF_SYNC_FILE,
	CONF_SYNC_NEVER,		/* stays this node's own, with all below it */
};

/*
 * pattern is relative to base, 1 to CONF_PATTERN_MAX bytes, no "." or "..",
 * no empty component, not below ".vipair" (the loader's own); a tree may be
 * ".", the base itself.  How it matches: syncd/capture/pattern.h.
 */
struct conf_sync_entry {
	uint8_t		kind;		/* enum conf_sync_kind */
	bool		optional;	/* may be absent; not of never */
	uint8_t		pad[2];
	conf_str	pattern;
};

/* All zero unless the pair has_sync. */
struct conf_sync {
	conf_str	base;		/* absolute, never "/" */
	conf_str	before_capture;	/* "/path arg ...", or empty */
	uint32_t	first_entry, nentries;	/* 1 at least */
	uint32_t	every_ms;	/* 1 s to 24 h; always set */
	uint32_t	keep_generations;	/* 2 at least */
	conf_bytes	store_max_bytes;	/* always set */
	conf_bytes	bandwidth;	/* bytes a second; 0: no limit */
	bool		on_change;
	uint8_t		pad[3];
};

struct conf_pair {
	conf_str	name;
	conf_str	interface;	/* of the pair, or empty: by address */
	conf_str	secret_file;	/* or empty */
	conf_str	notify;		/* directory or program, or empty */
	conf_str	track[CONF_TRACKS_MAX];	/* interface names */
	uint32_t	first_addr, naddrs;
	uint32_t	first_node, nnodes;
	uint32_t	interval_ms;	/* 10-40950, carp and vrrp 2 whole s */
	uint32_t	claim_spacing_ms;	/* 1-1000 */
	uint32_t	flap_window_ms;
	uint16_t	flap_limit;	/* takeovers in the window */
	uint16_t	partner_ssh_port;
	uint8_t		protocol;	/* enum conf_protocol */
	uint8_t		vhid;		/* 1-255 */
	uint8_t		auth_mode;	/* enum conf_auth_mode */
	uint8_t		ntracks;
	bool		preempt;
	bool		unicast;
	bool		has_keys;	/* the secret file holds key lines */
	bool		has_sync;	/* a sync block is there */
	struct conf_service service;
	struct conf_sync sync;
};

struct conf {
	uint32_t	magic, version;
	uint32_t	size;		/* of the whole blob, bytes */
	uint32_t	serial;		/* of this load; rises by one */
	uint32_t	npairs, naddrs, nnodes, strings_len;
	conf_str	run_dir, state_dir, config_path;
	uint32_t	fingerprint;	/* of the effective configuration */
	uint32_t	nsyncs;		/* sync entries of all pairs */
};

/* Secrets of one pair: struct secrets is an array of these, by pair index. */
struct conf_key {
	uint8_t		id;		/* 1-255; 0: slot unused */
	uint8_t		len;		/* CONF_KEY_LEN_MIN..MAX */
	uint8_t		byte[CONF_KEY_LEN_MAX];
};

struct pair_secret {
	uint8_t		carp_key[20];	/* passphrase, zero-padded */
	bool		has_carp;
	uint8_t		active;		/* key id to sign with; 0: none */
	uint8_t		nkeys;
	uint8_t		pad;
	struct conf_key	key[CONF_KEYS_MAX];
};

struct secrets {
	uint32_t	magic, version, serial, npairs;
	struct pair_secret pair[];
};

/*
 * Checks that len bytes at blob are a well-formed configuration: sizes add
 * up, every index, count, enum and string offset is in range, every string
 * ends.  Returns NULL or a static text that says what is wrong.  Rooms call
 * it once after copying and then trust the accessors below.
 */
const char	*conf_verify(const void *blob, size_t len);
const char	*secrets_verify(const void *blob, size_t len,
		    const struct conf *c);

const struct conf_pair	*conf_pair(const struct conf *c, uint32_t pair);
/* Address i of the pair, 0 <= i < p->naddrs; asserts the range. */
const struct conf_addr	*conf_pair_addr(const struct conf *c,
			    const struct conf_pair *p, uint32_t i);
const struct conf_node	*conf_pair_node(const struct conf *c,
			    const struct conf_pair *p, uint32_t i);
/* Sync entry i of the pair, 0 <= i < p->sync.nentries. */
const struct conf_sync_entry *conf_pair_sync(const struct conf *c,
			    const struct conf_pair *p, uint32_t i);
const char		*conf_string(const struct conf *c, conf_str s);

/* All virtual addresses of all pairs: c->naddrs of them (conf_find.c). */
const struct conf_addr	*conf_addrs(const struct conf *c);
/*
 * Index of a virtual address among them, or c->naddrs; the search begins at
 * *hint, which is moved behind what was found.
 */
uint32_t		 conf_find_addr(const struct conf *c,
			    const struct conf_addr *a, uint32_t *hint);
/* The pair the address of that index belongs to, or c->npairs. */
uint32_t		 conf_addr_pair(const struct conf *c, uint32_t addr);

static inline bool
conf_addr_equal(const struct conf_addr *a, const struct conf_addr *b)
{
	return a->family == b->family && __builtin_memcmp(a->byte, b->byte,
	    a->family == 4 ? 4 : 16) == 0;
}

static inline struct in_addr
conf_addr_v4(const struct conf_addr *a)
{
	struct in_addr in;

	__builtin_memcpy(&in, a->byte, sizeof(in));
	return in;
}

#endif
