/* SPDX-License-Identifier: ISC */

/*
 * The keeper's one state and the functions that its files share.
 */
#ifndef VIPAIR_KEEPER_H
#define VIPAIR_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "history.h"
#include "ipc.h"
#include "log.h"
#include "loop.h"
#include "numbers.h"
#include "room.h"

/* Orders taken together: one fdatasync() for all of them. */
#define BATCH_MAX	512

/* A configuration and where each of its pairs has its numbers. */
struct keeper_conf {
	bool		valid;
	uint16_t	place[CONF_PAIRS_MAX];
	union {
		struct conf	conf;
		char		byte[CONF_BLOB_MAX];
	};
};

/* An answer that waits for the flush, then for room in the channel. */
struct answer {
	struct msg_kept	kept;
	uint32_t	place;
};

/* What is still to be sent of MSG_STORED_*. */
struct stored_cursor {
	bool		active;
	bool		with_history;
	uint32_t	pair;		/* next one */
	uint32_t	entry;		/* next one */
};

struct keeper {
	struct loop	loop;
	struct channel	supervisor;
	struct channel	elector;	/* fd -1 while there is none */
	uint32_t	current;	/* conf[] in use; the other one is the
					   next or the former one */
	struct keeper_conf conf[2];
	struct numbers	numbers;
	struct history	history;
	uint32_t	nanswers, sent;
	struct answer	answer[BATCH_MAX];
	struct stored_cursor stored;
	struct log_limit disk_limit;
	mono_t		leave_by;	/* set: exits when the elector has */
};

/* The system calls of this room; filter.c. */
extern const struct filter_rule	keeper_calls[];
extern const size_t		keeper_ncalls;

/* keeper.c: configurations, by serial. */
const char	*keeper_take_conf(struct keeper *k, uint32_t which, int fd);
struct keeper_conf *keeper_conf_of(struct keeper *k, uint32_t serial);

/* orders.c: the elector's channel. */
void	elector_attach(struct keeper *k, int fd);
void	elector_detach(struct keeper *k);
/* Takes, makes durable and answers whatever is there. */
void	elector_serve(struct keeper *k, bool readable);

/* stored.c: what the elector is told at its start. */
void	stored_begin(struct keeper *k, bool with_history);
/* False when the channel is full or gone. */
bool	stored_push(struct keeper *k);

/* Disk errors, at a limited rate. */
void	keeper_report(struct keeper *k, const char *what, int error);

#endif
