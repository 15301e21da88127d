/* SPDX-License-Identifier: ISC */

/*
 * What the mirror and the partner's receiver say to each other over the held
 * ssh channel: bytes to values and back.  Pure: no I/O, no clock, nothing
 * allocated; whatever is decoded comes from a partner that may lie.
 *
 * A frame is 8 bytes of head (magic, type, 0, length of the body) and the
 * body.  Numbers are big-endian.  A body has exactly one valid length for
 * what it says it holds; bytes that mean nothing are zero.  The only string
 * is the pair's name, the only names of objects are 32 bytes.
 *
 * The sender asks, the receiver answers each question once and in order:
 *
 *	HELLO		WELCOME or NAK
 *	PUT		nothing: a failure is the answer to the next COMMIT
 *	PART		nothing: likewise
 *	HAVE, RUN	WANT or NAK
 *	COMMIT		ACK or NAK
 *	FORK, RESET	ACK or NAK
 *	PING		PONG of the same number
 *	ASK		PONG 0: it was handed on, or came too often
 *
 * Unasked, either side may send its word: PONG 0.  After NAK_PROTOCOL the
 * receiver closes.
 */
#ifndef VIPAIR_FRAME_H
#define VIPAIR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"
#include "position.h"

#define FRAME_PROTOCOL		1
#define FRAME_HEAD_LEN		8
#define FRAME_BODY_MAX		(1u << 20)
#define FRAME_MAX		(FRAME_HEAD_LEN + FRAME_BODY_MAX)
#define FRAME_DATA_MAX		(256u * 1024)	/* one PUT, one PART */
#define FRAME_WANT_MAX		4096u		/* hashes in one WANT */
#define FRAME_AGE_UNKNOWN	UINT32_MAX

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_WELCOME,
	FRAME_HAVE,
	FRAME_WANT,
	FRAME_PUT,
	FRAME_PART,
	FRAME_RUN,
	FRAME_COMMIT,
	FRAME_ACK,
	FRAME_NAK,
	FRAME_FORK,
	FRAME_RESET,
	FRAME_PING,
	FRAME_PONG,
	FRAME_ASK,
	FRAME_TYPES
};

/* Why a frame is refused; tests and counters name each. */
enum frame_verdict {
	FRAME_OK = 0,
	FRAME_SHORT,		/* not all here yet */
	FRAME_MAGIC,		/* not ours: a banner, a shell's greeting */
	FRAME_TYPE,
	FRAME_LENGTH,		/* of the body, for what it says it holds */
	FRAME_ZERO,		/* bytes that must be zero are not */
	FRAME_VALUE,		/* a number out of its range */
	FRAME_NAME,		/* of the pair */
};

enum nak_reason {
	NAK_MISSING = 1,	/* objects are not here */
	NAK_SPACE,		/* quota or disk full */
	NAK_HASH,		/* bytes are not what their name says */
	NAK_STALE,		/* epoch lower than one seen */
	NAK_DUAL,		/* I am active */
	NAK_FORKED,		/* previous head is not mine */
	NAK_ABSURD,		/* term too far ahead */
	NAK_REFUSED,		/* the manifest is wrong */
	NAK_BUSY,		/* somebody else writes my store */
	NAK_ERROR,		/* my disk or my store failed */
	NAK_PAIR,		/* not the pair of this key */
	NAK_VERSION,		/* protocol number */
	NAK_PROTOCOL,		/* a frame out of turn or malformed */
	NAK_REASONS
};

/* The word for the partner's election: what I am, and since when unheard. */
struct frame_word {
	uint8_t		role;		/* enum role */
	bool		healthy, data_ready;
	bool		present;	/* address in its kernel */
	bool		deaf;		/* hears no advert though the other says
					   that it is active */
	struct epoch	epoch;		/* that I am in */
	uint32_t	advert_age_ms;	/* since my last advert left */
	struct position	position;
};
#define FRAME_ROLES	5	/* ROLE_COUNT, without the core's headers */

struct frame_hello {		/* HELLO and WELCOME */
	uint16_t	protocol;
	bool		writes;		/* HELLO: will ship, not only look */
	char		pair[MANIFEST_PAIR_MAX + 1];
	struct epoch	epoch;		/* the highest seen; HELLO: mine */
	struct position	position;
	uint64_t	free_bytes;	/* WELCOME; HELLO: 0 */
	struct history_list history;	/* history_check() is the reader's */
};

struct frame_have {		/* the manifests are all there: what is not? */
	uint64_t	cursor;		/* 0, or where the last WANT ended */
};

struct frame_want {
	uint64_t	cursor;		/* to go on from; 0: that was all */
	uint32_t	n;
	const uint8_t	*hashes;	/* n times HASH_LEN, in the body */
};

struct frame_put {
	bool		bulk;		/* one of many: durable at COMMIT */
	struct hash	hash;
	const uint8_t	*data;
	uint32_t	len;
};

struct frame_part {		/* of a manifest's text, in order */
	bool		last;
	bool		jump;		/* full, follows no head of yours */
	const uint8_t	*data;
	uint32_t	len;
};

struct frame_commit {
	struct epoch	epoch;
	uint64_t	generation;
	struct hash	previous;	/* head below the first manifest sent */
	struct hash	head;		/* after the last one */
};

struct frame_nak {
	enum nak_reason	reason;
	struct epoch	epoch;		/* the highest seen */
	struct position	position;
};

struct frame_fork {		/* FORK; RESET: fork is 0 */
	struct epoch	epoch;
	uint64_t	fork;		/* newest common generation */
};

struct frame_ping {		/* PING and PONG */
	uint32_t	serial;
	struct frame_word word;
};

enum frame_request {
	REQUEST_HANDOVER = 1,	/* you are active: hand over to me */
	REQUESTS
};

struct frame_ask {
	enum frame_request request;
};

struct frame {
	enum frame_type	type;
	union {
		struct frame_hello hello;
		struct frame_have have;
		struct frame_want want;
		struct frame_put put;
		struct frame_part part;
		struct frame_commit commit;
		struct position	ack;
		struct frame_nak nak;
		struct frame_fork fork;
		struct frame_ping ping;
		struct frame_ask ask;
	};
};

/*
 * Looks at a head.  FRAME_SHORT until 8 bytes are there.  *len is the length
 * of the whole frame; at most FRAME_MAX, and within what the type can have.
 */
enum frame_verdict frame_head(const uint8_t *buf, size_t have,
	    enum frame_type *type, size_t *len);
/* One whole frame, exactly.  Data and hashes point into buf. */
enum frame_verdict frame_decode(const uint8_t *buf, size_t len,
	    struct frame *f);
/* The reverse; the length written, or 0 when it does not fit or is wrong. */
size_t	frame_encode(const struct frame *f, uint8_t *buf, size_t size);

/* The i-th hash of a WANT. */
void	frame_want_at(const struct frame_want *w, uint32_t i, struct hash *h);

const char	*frame_type_word(enum frame_type t);
const char	*frame_verdict_word(enum frame_verdict v);
const char	*nak_word(enum nak_reason r);

#endif
