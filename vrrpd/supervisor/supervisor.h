/* SPDX-License-Identifier: ISC */

/*
 * The one state struct of the supervisor, and what its files share.
 */
#ifndef VIPAIR_SUPERVISOR_H
#define VIPAIR_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"
#include "conffile.h"
#include "ipc.h"
#include "log.h"
#include "logsink.h"
#include "loop.h"
#include "mono.h"

/* The long-lived rooms; mirror and capture only where a pair has sync. */
#define ROOM_FIRST		ROOM_ELECTOR
#define ROOM_LAST		ROOM_CAPTURE

#define PING_EVERY_NS		(10 * NS_PER_S)
#define PING_NEAR_NS		NS_PER_S	/* one wake-up for all */
#define PONG_WITHIN_NS		(20 * NS_PER_S)
#define CAPTURE_PONG_WITHIN_NS	(600 * NS_PER_S)	/* a first copy is long */
#define CONF_OK_WITHIN_NS	(5 * NS_PER_S)

struct options {
	const char	*path;		/* of the configuration */
	bool		foreground;	/* -d */
	bool		verbose;	/* -v */
	bool		check;		/* -n */
	int		resume_fd;	/* after SIGUSR2; -1 */
};

/* One room that is to run. */
struct room_entry {
	struct channel	ch;		/* to it; fd -1 when there is none */
	pid_t		pid;		/* 0: not running */
	int		log_fd;		/* its lines come out here */
	struct logsource log;
	mono_t		started, pinged, ponged;
	mono_t		kill_at;	/* its channel is closed */
	mono_t		restart_at;	/* not running: when to start it */
	mono_t		window;		/* of the restarts counted */
	uint32_t	restarts;
	uint32_t	conf_ok;	/* highest serial it acknowledged */
	bool		planned;	/* we end it to replace it */
	bool		killed;		/* SIGKILL was sent */
};

enum phase {
	PHASE_RUN = 0,
	PHASE_LEAVE,		/* elector hands over, services stop */
	PHASE_END,		/* actuator and keeper leave */
};

enum swap {
	SWAP_NONE = 0,
	SWAP_CHECK,		/* the new program reads the configuration */
	SWAP_EXPORT,		/* the old elector writes its state */
	SWAP_IMPORT,		/* the new elector takes it */
};

struct jobs;
struct snaps;

struct supervisor {
	struct options	opt;
	uid_t		uid[ROOM_COUNT];
	gid_t		gid[ROOM_COUNT];

	const struct conf *conf;	/* cur.conf */
	struct conf_handle cur;
	struct conf_handle next;	/* a reload waits for MSG_CONF_OK */
	mono_t		next_deadline;

	struct loop	loop;
	int		signal_fd, lock_fd, state_fd, state_lock_fd, empty_fd;
	int		null_fd;
	int		store_fd;	/* STATE_DIR/store; -1: no sync */
	int		listener[2];	/* status.sock, control.sock */
	int		job_log[2];	/* [0] ours, [1] runners' */
	struct logsource job_source;
	int		ready_fd;	/* daemon: who started us waits */

	struct room_entry room[ROOM_COUNT];
	bool		ready;		/* READY=1 was said */

	enum phase	phase;
	mono_t		leave_deadline;
	bool		elector_left;	/* it said MSG_LEFT */
	bool		reload_again;	/* SIGHUP while one is under way */

	enum swap	swap;
	pid_t		swap_pid;
	int		swap_fd;	/* memfd of the elector's state */
	int		swap_peer, swap_keeper;	/* the new elector's ends */
	mono_t		swap_deadline;

	/* Roles as the elector told them, by pair: for STATUS and STOP. */
	uint8_t		role[CONF_PAIRS_MAX];
	uint32_t	term[CONF_PAIRS_MAX];
	struct jobs	*jobs;
	struct snaps	*snaps;

	/* What an elector that went mad could make us do, a minute. */
	struct log_limit role_lines, socket_wants;
	/* And a capture. */
	struct log_limit fills, snap_wants;
};

#define FOR_EACH_ROOM(r) \
	for (enum room r = ROOM_FIRST; r <= ROOM_LAST; r++)

/* Of the data half: none of them is there without a sync block. */
static inline bool
room_of_sync(enum room r)
{
	return r == ROOM_MIRROR || r == ROOM_CAPTURE;
}

/* Pair by index; the caller checked the range. */
static inline const char *
pair_name(const struct supervisor *s, uint32_t pair)
{
	return conf_string(s->conf, conf_pair(s->conf, pair)->name);
}

static inline void
sooner(mono_t *deadline, mono_t t)
{
	*deadline = mono_first(*deadline, t);
}

#endif
