/* SPDX-License-Identifier: ISC */

/*
 * Adverts as bytes and as values: the codecs of CARP, VRRPv2 and VRRPv3
 * (both families) and of the authentication trailers.  Pure: bytes and
 * length in, struct and verdict out, and back; no clock, no I/O, no
 * allocation.  HMAC is a function handed in.
 *
 * Used by the elector (live), by vipctl monitor (captures), the simulator
 * and the fuzzers: the same object file everywhere.
 *
 * Sources: RFC 3768, RFC 5798, RFC 9568; CARP as measured in the captures;
 * draft-cassen-vrrp-auth-hmac for the trailer of type 1.
 */
#ifndef VIPAIR_ADVERT_H
#define VIPAIR_ADVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define ADVERT_IPPROTO		112
#define ADVERT_TTL		255
#define CARP_LEN		36
#define CARP_DIGEST_LEN		20
#define VRRP_ADDRS_MAX		255
/* The longest VRRP message we send lists 20 addresses (like keepalived). */
#define ADVERT_ADDRS_SENT_MAX	20
#define TRAILER_DRAFT		1	/* type: HMAC-SHA256 cut to 128 bits */
#define TRAILER_DRAFT_LEN	28
#define TRAILER_OWN		0xe1	/* type: ours, draft's head and tail */
#define TRAILER_OWN_LEN		36
/* 8 + 20 * 16 + 8 + 36 */
#define ADVERT_MAX		384

/* Why an advert was refused, or ADVERT_OK.  Counters and tests name these. */
enum verdict {
	ADVERT_OK = 0,
	ADVERT_LENGTH,		/* 2.9, 5.8: shorter or longer than it says */
	ADVERT_TTL_LOW,		/* 2.2: TTL or hop limit is not 255 */
	ADVERT_VERSION,		/* 2.8: not the configured version */
	ADVERT_TYPE,		/* 2.7: type is not 1 */
	ADVERT_OTHER_PROTOCOL,	/* 7.9: CARP heard on VRRPv2, or back */
	ADVERT_CHECKSUM,	/* 2.10 */
	ADVERT_OTHER_VHID,	/* 2.11 */
	ADVERT_INTERVAL,	/* 4.3 v2: differs from ours; zero; 4.7 */
	ADVERT_AUTH_TYPE,	/* 7.1 */
	ADVERT_AUTH,		/* CARP digest or trailer HMAC is wrong */
	ADVERT_KEY_UNKNOWN,	/* trailer's key id is not ours */
	ADVERT_UNSIGNED,	/* own node, keys configured, no trailer */
	ADVERT_REPLAY,		/* sequence not above the floor */
	ADVERT_COUNT,		/* 7.6: no address, or family mixed */
	ADVERT_OWN,		/* 2.15: our own source address */
	ADVERT_STRANGER,	/* unicast or signed, not from a node of ours */
	ADVERT_EPOCH,		/* term jumps by more than 1000 */
	ADVERT_VERDICTS
};

enum checksum_form {
	CHECKSUM_BAD = 0,
	CHECKSUM_GOOD,		/* CARP, VRRPv2, VRRPv3 with pseudo-header */
	CHECKSUM_GOOD_9568,	/* VRRPv3/IPv4 without pseudo-header (7.4) */
};

enum auth_state {
	AUTH_NONE = 0,		/* nothing to verify with, or nothing there */
	AUTH_GOOD,
	AUTH_BAD,
	AUTH_UNKNOWN_KEY,
};

/* Flags of our own trailer. */
#define TRAILER_SOFT		0x01	/* soft claim: nobody yields to it */
#define TRAILER_GO_NOW		0x02	/* resignation: take over at once */
#define TRAILER_HEALTHY		0x04	/* the sender's service is healthy */
#define TRAILER_DATA_READY	0x08	/* the sender's data set is complete */

/*
 * Our own trailer, 36 bytes behind the message of any protocol:
 *	 0  1	type TRAILER_OWN
 *	 1  1	key id
 *	 2  2	filler: makes the one's complement sum of the trailer such
 *		that a checksum over message and trailer stays valid; zero
 *		while the HMAC is computed
 *	 4  8	sequence (draft: seconds, fraction, counter)
 *	12  4	term
 *	16  1	node id: the rank of the sender in the configuration
 *	17  1	flags
 *	18  2	zero
 *	20 16	first 16 bytes of the HMAC-SHA256
 * HMAC input: as in the draft (20-byte pseudo-header with the source
 * address; the message with its checksum read as zero; the trailer up to the
 * tag with the filler read as zero; 16 zero bytes).  The pseudo-header's
 * byte 1 is 2 or 3 for VRRP and 0xca for CARP, so that a tag never fits
 * another protocol.  The tag covers the whole header.
 */
struct trailer {
	uint8_t		type;		/* 0: none */
	uint8_t		key_id;
	uint8_t		node;
	uint8_t		flags;
	uint32_t	term;
	uint64_t	seq;
};

/* An advert as values.  Not all fields exist in every protocol. */
struct advert {
	uint8_t		protocol;	/* enum conf_protocol */
	uint8_t		family;		/* 4 or 6 */
	uint8_t		vhid;
	uint8_t		priority;	/* VRRP; 0 resigns */
	uint8_t		carp_skew;	/* CARP; 255 with base 255 resigns */
	uint8_t		carp_base;	/* CARP; seconds */
	uint8_t		carp_demote;
	uint8_t		auth_type;	/* VRRPv2 */
	uint16_t	naddrs;
	uint32_t	interval_ms;	/* announced; CARP: base + skew/256 */
	uint64_t	carp_counter;
	uint8_t		carp_digest[CARP_DIGEST_LEN];
	uint8_t		auth_data[8];	/* VRRPv2 */
	const uint8_t	*addrs;		/* naddrs * 4 or 16, in the packet */
	enum checksum_form checksum;
	enum auth_state	auth;		/* trailer or CARP digest */
	struct trailer	trailer;
	uint16_t	message_len;	/* without trailer */
};

/* The packet around it. */
struct packet {
	uint8_t		family;		/* 4 or 6 */
	uint8_t		ttl;
	struct conf_addr src, dst;
	const uint8_t	*payload;	/* behind the IP header */
	size_t		len;		/* by the IP length, not the frame's */
};

enum hmac_hash { HMAC_SHA1 = 20, HMAC_SHA256 = 32 };

/* Data in pieces, so that a field can be read as zero without a copy. */
struct piece {
	const void	*at;
	size_t		len;
};

/* out has room for the hash's length (the enum's value). */
typedef void	hmac_fn(enum hmac_hash hash, const uint8_t *key, size_t keylen,
		    const struct piece *piece, size_t npieces, uint8_t *out);

/* What a receiver knows of the pair; v4 in ascending order (5.5). */
struct advert_context {
	uint8_t			protocol;	/* configured one */
	uint8_t			vhid;
	uint32_t		interval_ms;	/* VRRPv2 must match (4.3) */
	const struct pair_secret *secret;	/* or NULL */
	const struct conf_addr	*vip;		/* any order, v4 and v6 */
	uint32_t		nvips;
	hmac_fn			*hmac;
};

/*
 * Decodes any protocol 112 packet without judging it against a pair: shape,
 * checksum, trailer presence.  ADVERT_OK, _LENGTH, _VERSION, _TYPE, _COUNT
 * or _CHECKSUM; the struct is filled as far as it was read.  CARP is told
 * from VRRPv2 by byte 3 = 7 and its length (7.9).
 */
enum verdict	advert_decode(const struct packet *p, struct advert *a);

/*
 * Judges a decoded advert for one pair: TTL, protocol, vhid, interval,
 * digest, trailer's HMAC.  Knows no floors, no nodes, no modes: those are
 * the caller's (advert_seq_judge, election).  Sets a->auth.
 */
enum verdict	advert_judge(const struct packet *p, struct advert *a,
		    const struct advert_context *cx);

/*
 * Encodes the message and, when a->trailer.type is set and the secret has
 * the key, the signed trailer; fills checksums, digest and tag.  src is what
 * the IP header will carry.  Returns the length, or 0 when cap is too small
 * or a field is out of range.  Inverse of advert_decode to the byte.
 */
size_t	advert_encode(const struct advert *a, const struct advert_context *cx,
	    const struct conf_addr *src, const struct conf_addr *dst,
	    uint8_t *buf, size_t cap);

/*
 * True when the advert says "I resign": VRRP priority 0, CARP 255/255.
 */
bool	advert_resigns(const struct advert *a);

/*
 * A whole IPv4 packet around a payload, as the farewell needs it (TTL 255,
 * DF, TOS 0x10 for CARP and 0xc0 for VRRP).  Returns the length or 0.
 */
size_t	ipv4_wrap(const struct conf_addr *src, const struct conf_addr *dst,
	    uint8_t tos, const uint8_t *payload, size_t len, uint8_t *buf,
	    size_t cap);

/*
 * Takes an IPv4 or IPv6 packet apart up to the payload of protocol 112,
 * honouring the IP total length (2.9: padding), options, fragments (refused).
 * ADVERT_OK or ADVERT_LENGTH / ADVERT_TYPE.
 */
enum verdict	packet_parse(const uint8_t *ip, size_t len, struct packet *p);

/* "checksum", "other-vhid", ... for counters, JSON and logs. */
const char	*verdict_name(enum verdict v);

/* 224.0.0.18 or ff02::12. */
struct conf_addr advert_group(uint8_t family);

/* Internet checksum (RFC 1071) over pieces; the stored form, host order. */
uint16_t	checksum_of(const struct piece *piece, size_t npieces);

#endif
