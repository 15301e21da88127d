/* SPDX-License-Identifier: ISC */

/*
 * The receiver's parts.  argv says which pair and which two directories, the
 * key holder says one of three words, and nothing he sends ever becomes a path.
 */
#ifndef VIPAIR_RECEIVER_H
#define VIPAIR_RECEIVER_H

#include <sys/types.h>

#include "frame.h"
#include "mono.h"
#include "room.h"
#include "store.h"
#include "wordfile.h"

#define RECEIVER_IDLE_NS	(15 * NS_PER_S)	/* a ping is due each second */
#define RECEIVER_ASK_NS		(1 * NS_PER_S)	/* between two ASK */
#define RECEIVER_LOCK_WAIT_NS	(2 * NS_PER_S)
#define RECEIVER_TEXT_MAX	(256u << 20)	/* manifests of one commit */
#define RECEIVER_IMPORT_STEP	(8u << 20)	/* between two looks at pings */
#define RECEIVER_RESERVE	(16u << 20)	/* left free on the disk */
#define RECEIVER_RSYNC		"/usr/bin/rsync"

struct receiver {
	const char	*pair, *store_path, *run_path;
	int		run_dir;
	int		notices;	/* inotify on the word, or -1 */
	int		out_sock;	/* datagrams: log, partner's word */
	struct store	*store;
	dev_t		store_dev;	/* its directory, as we opened it */
	ino_t		store_ino;
};

/* What one channel knows. */
struct session {
	struct receiver	*r;
	bool		greeted;	/* a HELLO was answered by WELCOME */
	bool		writes;		/* and it may write */
	bool		over;		/* close once the answer has left */
	struct epoch	epoch;		/* of the HELLO */
	uint32_t	first_term;	/* of the first writer, or 0 */
	struct position	theirs;
	struct history_list their_history;
	enum nak_reason	failed;		/* of a PUT or PART, or shut; 0: no */
	uint8_t		*text;		/* of a manifest that is coming */
	size_t		text_len, text_size;
	uint64_t	text_sum;	/* of all since the last commit */
	bool		text_jump;
	bool		importing;	/* RUN, or HAVE with leftovers */
	uint64_t	missing;	/* bytes, of the pages so far */
	mono_t		asked;		/* last ASK that was handed on */
};

/* lock.c: gives up all that is not needed; fatal when it cannot be done. */
void	lock_channel(const struct receiver *r);
void	lock_rsync(const struct receiver *r, uint64_t file_max);
extern const struct filter_rule channel_calls[];
extern const size_t channel_ncalls;

/* channel.c, rsync.c, facts.c: the three words. */
int	channel_run(struct receiver *r);
int	rsync_run(struct receiver *r);
int	facts_run(struct receiver *r);

/* verbs.c: one frame in, at most one answer; false: none. */
bool	verb_do(struct session *s, const struct frame *f,
	    struct frame *answer);
/* One step of an import; true when the answer is ready. */
bool	verb_import(struct session *s, struct frame *answer);
void	verb_end(struct session *s);
/* The word has changed: a writer that may not any more is stopped. */
bool	verb_shut(struct session *s, struct frame *answer);

/* own.c: what this node says of itself, and what it hears. */
bool	own_word(struct receiver *r, struct frame_word *w);
/* F3, F5: NAK_DUAL or NAK_BUSY while nobody may write here, else 0. */
enum nak_reason	own_refuses(struct receiver *r);
void	own_limits(struct receiver *r, struct store_limits *l);
/* What quota and disk have left for objects; false: nobody can tell. */
bool	own_room(struct receiver *r, uint64_t *left);
void	own_heard(struct receiver *r, const struct frame_word *w);
void	own_asked(struct receiver *r, const struct frame_ask *ask);

#endif
