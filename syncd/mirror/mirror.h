/* SPDX-License-Identifier: ISC */

/*
 * The mirror: tells the partner what this node is and hears the same of it,
 * ships what the capture has published, and stands between elector and
 * capture.  One process for all pairs with a sync block, user _syncd, no
 * capability; starts ssh and rsync and nothing else.
 *
 * Its loop must never wait: neither for the network, nor for a child, nor for
 * the capture.  Of the store it reads two small records (HEAD, EPOCH) and
 * what is being shipped.
 */
#ifndef VIPAIR_MIRROR_H
#define VIPAIR_MIRROR_H

#include "election.h"
#include "log.h"
#include "room.h"
#include "ship.h"
#include "syncstate.h"

#define MIRROR_PATH_MAX		256
#define MIRROR_TICK_NS		(1 * NS_PER_S)
#define MIRROR_SILENCE_NS	(3 * NS_PER_S)	/* then: no word */
#define MIRROR_WORD_GAP_NS	(100 * NS_PER_MS) /* unchanged but its age */
#define MIRROR_DATA_GAP_NS	(100 * NS_PER_MS) /* generations only */
#define MIRROR_STATE_GAP_NS	(5 * NS_PER_MS)	/* an ACK is to be seen */
#define MIRROR_CAPTURE_NS	(2 * NS_PER_S)	/* for one to come back */
#define MIRROR_ACK_NS		(10 * NS_PER_S)	/* the last sync */
#define MIRROR_ASK_GAP_NS	(1 * NS_PER_S)	/* of the partner */
#define MIRROR_RETRY_NS		(20 * NS_PER_MS) /* a queue that is full */
#define MIRROR_HEAL_NS		(3 * NS_PER_S)	/* the capture repairs */
#define MIRROR_MADE_MAX		64	/* generations not acknowledged */

enum job_step {
	JOB_STEP_NONE,
	JOB_STEP_SEND,		/* waits for a capture that takes it */
	JOB_STEP_CAPTURE,	/* the capture works on it */
	JOB_STEP_ACK,		/* END: waits for the partner */
	JOB_STEP_ANSWER,	/* waits for room in the elector's queue */
};

/* BEGIN, WRITE or END; one at a time for each pair. */
struct job {
	enum job_step	step;
	bool		mute;		/* the elector that asked is gone */
	struct msg_job	ask;
	struct msg_job_done done;
	mono_t		asked, by;	/* by: then it has failed, or is over */
};

struct made {
	uint64_t	generation;
	mono_t		at;		/* when we saw it */
};

struct pair {
	struct mirror	*mirror;
	const struct conf_pair *conf;
	const char	*name;
	uint16_t	index;		/* of the configuration */
	char		config[MIRROR_PATH_MAX];	/* RUN/sync/PAIR.ssh */
	char		control[MIRROR_PATH_MAX];
	char		objects[MIRROR_PATH_MAX];
	int		watch;		/* of the store's directory, or -1 */
	struct store	*store;
	bool		damaged;
	mono_t		failing;	/* to verify, since then */
	struct epoch	seen;		/* the highest that was stored */
	struct ship	*ship;

	/* the elector's word, and our partner by it */
	struct msg_word	word;
	bool		known;		/* there was one */
	uint8_t		partner;	/* node index, or LINK_SELF_NONE */
	bool		capture_due;	/* the capture is to hear it */
	struct wordfile	file;		/* as written */
	mono_t		file_at;	/* to be written then, or unset */
	mono_t		file_last;
	struct log_limit file_limit;

	/* the capture */
	struct msg_captured captured;
	bool		shut;		/* between BEGIN and END */
	struct job	job;
	struct msg_job	write;		/* the last WRITE; kind 0: none */
	uint32_t	write_term;	/* we ship as this epoch, 0: not */

	/* our data */
	mono_t		look_at;	/* look into the store then */
	struct msg_data	data;		/* as told */
	mono_t		data_at;	/* to be told then, or unset */
	mono_t		data_last;
	bool		allowed;	/* by the operator */

	/* the partner */
	struct msg_partner theirs;
	mono_t		heard;		/* unset: silence was told */
	mono_t		asked;		/* it wanted something */
	bool		passing;	/* refuses for a moment only */

	/* for people */
	struct sync_mirror_state state;
	mono_t		state_at, state_last;
	struct made	made[MIRROR_MADE_MAX];	/* oldest first */
	uint32_t	nmade;
};

struct mirror {
	struct loop	loop;
	struct channel	supervisor, elector, capture;
	mono_t		leave_by;
	mono_t		tick_at;
	int		run_dir;	/* RUN_DIR/sync */
	int		notices;	/* inotify, or -1 */
	char		run_path[MIRROR_PATH_MAX];
	uint32_t	npairs;
	struct pair	pair[SYNC_PAIRS_MAX];
	const struct conf *conf;
	uint8_t		blob[CONF_BLOB_MAX];
};

/* pairs.c */
void	pairs_open(struct mirror *m);	/* before the doors close */
void	pairs_close(struct mirror *m);
struct pair	*pair_find(struct mirror *m, const struct msg_head *h);
void	pairs_turn(struct mirror *m);
mono_t	pairs_deadline(const struct mirror *m);
/* The earlier of two times, of which either may be unset, into *t. */
void	sooner(mono_t *t, mono_t other);
/* t, but not before `last` was `gap_ns` ago. */
mono_t	not_before(mono_t t, mono_t last, int64_t gap_ns);

/* sandbox.c: Landlock and filter, for us and all that we start. */
void	sandbox_enter(const struct mirror *m);
extern const struct filter_deny mirror_denied[];
extern const size_t mirror_ndenied;

/* sshconf.c: RUN_DIR/sync/PAIR.ssh.  0, or -1 with errno. */
int	sshconf_write(const struct pair *p);

/* neighbours.c */
void	elector_attach(struct mirror *m, int fd);
void	capture_attach(struct mirror *m, int fd);
/* False when it cannot go now or nobody is there. */
bool	elector_send(struct mirror *m, const union msg *msg);
bool	capture_send(struct mirror *m, const union msg *msg);
union msg	pair_msg(const struct pair *p, enum msg_type type);

/* ownword.c */
void	ownword_hear(struct pair *p, const struct msg_word *w);
void	ownword_changed(struct pair *p);	/* settled, shut */
void	ownword_put(struct pair *p);		/* now */
void	ownword_turn(struct pair *p, mono_t now);
void	ownword_attach(struct pair *p);		/* a new capture */

/* jobs.c */
void	jobs_ask(struct pair *p, const struct msg_job *job);
void	jobs_done(struct pair *p, const struct msg_job_done *done);
void	jobs_captured(struct pair *p, const struct msg_captured *c);
void	jobs_capture_gone(struct pair *p);
void	jobs_capture_came(struct pair *p);
void	jobs_elector_gone(struct pair *p);
void	jobs_writing(struct pair *p);	/* another epoch to ship as? */
void	jobs_turn(struct pair *p, mono_t now);

/* data.c */
void	data_look(struct pair *p);	/* reads HEAD and EPOCH anew */
void	data_tell(struct pair *p);	/* whatever was told before */
void	data_gone(struct pair *p);	/* was the store removed? */
void	data_allow(struct pair *p);
void	data_turn(struct pair *p, mono_t now);

/* partner.c */
extern const struct ship_events partner_events;
void	partner_tell(struct pair *p);	/* a new elector */
void	partner_turn(struct pair *p, mono_t now);

/* state.c */
void	state_ship(struct pair *p, enum ship_state st, const char *id,
	    const char *text);
void	state_made(struct pair *p);	/* the store has another head */
void	state_acked(struct pair *p, const struct position *pos);
void	state_due(struct pair *p);
void	state_turn(struct pair *p, mono_t now);

#endif
