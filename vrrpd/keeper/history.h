/* SPDX-License-Identifier: ISC */

/*
 * The past role changes, by the names of pairs and nodes.  File "history":
 * records of one size, each with a checksum, only ever appended; when it has
 * grown enough, the newest ones move to a new file that takes its place.
 */
#ifndef VIPAIR_HISTORY_H
#define VIPAIR_HISTORY_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

#define HISTORY_FILE		"history"
#define HISTORY_TEMP		"history.new"
#define HISTORY_ASIDE		"history.damaged"

#define HISTORY_KEEP		1000
#define HISTORY_REWRITE		1500	/* so many, then down to KEEP */
#define HISTORY_SEND_MAX	200

/* As on disk.  A name is empty where it is not known. */
struct history_entry {
	uint32_t	magic, version;
	int64_t		wall_s;
	uint32_t	term;
	uint8_t		old_role, new_role;
	uint8_t		pad[2];
	uint32_t	reason;
	uint32_t	outage_ms;
	uint32_t	data_age_ms;
	uint32_t	pad2;
	char		pair[CONF_NAME_MAX + 1];
	char		from[CONF_NAME_MAX + 1];
	char		to[CONF_NAME_MAX + 1];
	uint64_t	checksum;
};

static_assert(sizeof(struct history_entry) == 144, "disk format");

struct history {
	int		dir;
	int		fd;		/* -1: could not be opened yet */
	bool		new_name;	/* directory is still to be synced */
	uint32_t	n;		/* entries in the file */
};

void	history_init(struct history *h, int dir);

/*
 * Opens and checks the file unless that was done; damaged entries are left
 * out, the file is set aside.  0 or an errno: history_append() tries again.
 */
int	history_open(struct history *h);

/* Durable when it returns 0; else an errno, and the entry is not kept. */
int	history_append(struct history *h, struct history_entry *e);

/* Entry i, the oldest is 0; false when it is damaged or not there. */
bool	history_read(const struct history *h, uint32_t i,
	    struct history_entry *e);

#endif
