/* SPDX-License-Identifier: ISC */

/*
 * Between the files of ship: the connection (ship.c), its bytes (ship_io.c),
 * what is asked and answered (ship_talk.c), what a shipment needs
 * (ship_plan.c), the bulk run (ship_bulk.c), the node's word (ship_word.c).
 */
#ifndef VIPAIR_SHIP_INSIDE_H
#define VIPAIR_SHIP_INSIDE_H

#include "log.h"
#include "ship.h"

#define SHIP_CONNECT_NS		(15 * NS_PER_S)	/* until the WELCOME */
#define SHIP_ANSWER_NS		(10 * NS_PER_S)	/* to a short question */
#define SHIP_COMMIT_NS		(20 * NS_PER_S)	/* a small generation */
#define SHIP_DISK_NS		(180 * NS_PER_S) /* a large one: its disk */
#define SHIP_IDLE_NS		(10 * NS_PER_S)	/* no byte at all */
#define SHIP_STALL_NS		(60 * NS_PER_S)	/* it takes no byte */
#define SHIP_PING_NS		(1 * NS_PER_S)
#define SHIP_WORD_GAP_NS	(50 * NS_PER_MS)	/* unasked words */
#define SHIP_BACKOFF_MIN_NS	(1 * NS_PER_S)
#define SHIP_BACKOFF_MAX_NS	(30 * NS_PER_S)
#define SHIP_BULK_IDLE_NS	(120 * NS_PER_S) /* rsync without progress */

#define SHIP_INLINE_MAX		FRAME_DATA_MAX	/* larger: rsync */
#define SHIP_INLINE_OBJECTS	256u		/* more: rsync */
#define SHIP_INLINE_BYTES	(8u << 20)
#define SHIP_SMALL_OBJECTS	16u		/* sent without asking */
#define SHIP_SMALL_STEPS	4u		/* generations looked into */
#define SHIP_STEPS_MAX		1024u		/* more: jump to a full one */
#define SHIP_RUNS_MAX		3u		/* bulk runs for one commit */
#define SHIP_SIZES_NS		(2 * NS_PER_MS)	/* of disk in one turn */

enum step {
	STEP_NONE,		/* nothing asked, nothing to say */
	STEP_HELLO,		/* waits for WELCOME */
	STEP_FORK,		/* waits for ACK of FORK or RESET */
	STEP_PARTS,		/* manifests go out */
	STEP_WANT,		/* waits for WANT after HAVE or RUN */
	STEP_SIZES,		/* looks up what is wanted */
	STEP_BULK,		/* rsync runs */
	STEP_PUTS,		/* objects go out */
	STEP_COMMIT,		/* waits for ACK */
	STEP_HELD,		/* refused: HELLO again at `retry` */
};

struct object_ref {
	struct hash	hash;
	uint64_t	size;
};

/* One shipment: from the partner's head to ours. */
struct plan {
	struct position	target;
	uint64_t	next, last;	/* generations still to be sent */
	bool		jump;		/* the first is full, out of order */
	bool		ask;		/* HAVE before PUT */
	uint8_t		*text;		/* of manifest `next` */
	size_t		text_len, text_at;
	struct object_ref *wanted;	/* to be sent, in order */
	size_t		nwanted, wanted_size, at;
	size_t		sized;		/* of those the size is known */
	uint64_t	entries;	/* more than these are not wanted */
	uint32_t	runs;
};

struct ship {
	struct ship_conf conf;
	struct ssh_child ssh, rsync;
	enum ship_state	state;
	enum step	step;
	bool		writes, welcome, force_ask, kicked, hello_again;
	struct epoch	epoch;
	struct position	theirs, acked;
	uint64_t	fork;		/* asked for; what is above is parked */
	struct history_list their_history;
	struct plan	plan;
	mono_t		retry;		/* connect or HELLO again */
	mono_t		dialled;
	int64_t		backoff_ns, hold_ns;
	mono_t		answer_by, ping_at, heard, ping_sent, taken;
	uint32_t	serial;
	int64_t		round_trip_ns;
	uint64_t	partner_free;
	/* the node's word */
	struct wordfile	own;
	mono_t		word_at;	/* unasked one, not before */
	bool		word_due;
	int		word_sock;
	struct log_limit absurd;
	/* progress of this run */
	uint64_t	total, done, bulk_done;
	uint64_t	rate, rate_done;
	mono_t		rate_at, bulk_at;
	char		bulk_line[128];
	size_t		bulk_len;
	/* bytes */
	uint8_t		in[FRAME_MAX], out[2 * FRAME_MAX];
	size_t		in_len, out_len, out_at;
	struct frame	frame;		/* of the partner */
	struct frame	mine;		/* being made */
};

/* ship.c */
void	ship_lost(struct ship *s, const char *id, const char *text);
void	ship_show(struct ship *s, enum ship_state st, const char *id,
	    const char *text);

/* ship_io.c: false when it does not fit now (never for a short frame). */
bool	ship_send(struct ship *s, const struct frame *f);
bool	ship_room(const struct ship *s);	/* for one more of any size */
void	ship_pump(struct ship *s);	/* says what is to be said, writes */
void	ship_readable(int fd, short revents, void *arg);
void	ship_writable(int fd, short revents, void *arg);

/* ship_talk.c */
void	talk_hello(struct ship *s);
void	talk_hear(struct ship *s, const struct frame *f);
bool	talk_next(struct ship *s);	/* makes one frame; false: none now */
void	talk_begin(struct ship *s);	/* a shipment, if one is due */
void	talk_drop(struct ship *s);	/* forgets the shipment */
void	talk_sizes(struct ship *s);	/* STEP_SIZES: some of them */

/* ship_plan.c */
bool	plan_make(struct ship *s);	/* false: nothing to ship, or held */
void	plan_free(struct plan *p);
bool	plan_text(struct ship *s);	/* loads manifest `next` */
void	plan_text_done(struct plan *p);
bool	plan_want(struct plan *p, const struct hash *h, uint64_t size);

/* ship_bulk.c: 0, or -1 with errno */
int	bulk_start(struct ship *s);
void	bulk_end(struct ship *s);
void	ship_ran(struct ship *s);	/* ship_talk.c: rsync has ended */

/* ship_word.c */
/* F2: false, and said at a limited rate, when a term is absurd. */
bool	word_believable(struct ship *s, const struct epoch *e);
int	word_listen(struct ship *s);
void	word_close(struct ship *s);
void	word_send(struct ship *s, enum frame_type type, uint32_t serial);

#endif
