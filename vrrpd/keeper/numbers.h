/* SPDX-License-Identifier: ISC */

/*
 * The numbers that must outlive everything: per pair, by the pair's name,
 * the highest term and who opened it, the ceiling of our own sequence, the
 * floor of each sender, and maintenance.
 *
 * File "numbers": each pair has a place of two slots, each slot a block of
 * its own so that a torn write can hit nothing else.  A change is written
 * whole into the slot that does not hold the newest state; the newest one
 * with a good checksum counts.  So one pwrite and one fdatasync make a
 * change durable, and whatever happens in between, either the old or the new
 * state is there.
 *
 * Terms, ceilings and floors only rise.
 */
#ifndef VIPAIR_NUMBERS_H
#define VIPAIR_NUMBERS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "ipc.h"

#define NUMBERS_FILE		"numbers"
#define NUMBERS_TEMP		"numbers.new"
#define NUMBERS_ASIDE		"numbers.damaged"

#define NUMBERS_SLOT		4096
#define NUMBERS_PLACE		(2 * NUMBERS_SLOT)
/* Two configurations may be in use at once, during a reload. */
#define NUMBERS_MAX		(2 * CONF_PAIRS_MAX)
/* By address, since the tag covers it; those of former nodes are kept. */
#define NUMBERS_FLOORS_MAX	(2 * CONF_NODES_PER_PAIR_MAX)

struct numbers_floor {
	struct conf_addr address;
	uint32_t	pad;
	uint64_t	seq;
};

/* As on disk, and in memory. */
struct numbers_record {
	uint32_t	magic, version;
	uint64_t	stamp;		/* rises with each write; 0: none yet */
	char		name[CONF_NAME_MAX + 1];
	uint32_t	term;
	struct conf_addr term_node;	/* family 0: not known */
	uint64_t	ceiling;
	int64_t		maint_until_wall_s;
	uint32_t	maint_on;
	uint32_t	nfloors;
	char		maint_reason[MAINT_REASON_MAX];
	struct numbers_floor floor[NUMBERS_FLOORS_MAX];
	uint64_t	checksum;	/* of all before it */
};

static_assert(sizeof(struct numbers_record) == 680, "disk format");
static_assert(sizeof(struct numbers_record) <= NUMBERS_SLOT, "fits a slot");

struct numbers {
	int		dir;
	int		fd;		/* -1: could not be opened yet */
	bool		new_name;	/* directory is still to be synced */
	uint32_t	n;		/* places in use: all below this */
	uint32_t	places;		/* places the file has room for */
	uint64_t	stamp;		/* of the last write */
	struct numbers_state {
		uint8_t	used;		/* bit per configuration naming it */
		bool	dirty;		/* not durable as it is */
		bool	written;	/* in this flush, waits for the sync */
		int8_t	slot;		/* newest state on disk; -1: none */
	} state[NUMBERS_MAX];
	struct numbers_record record[NUMBERS_MAX];
};

/* Opens nothing yet.  s is all zero (static). */
void	numbers_init(struct numbers *s, int dir);

/*
 * Opens and reads the file unless that was done; numbers learned before are
 * merged.  A damaged slot is reported, the file set aside, and the state
 * taken from the other slot.  0 or an errno: numbers_flush() tries again.
 */
int	numbers_open(struct numbers *s);

/*
 * The place of a pair by name, made when it is new; the oldest one that no
 * configuration names makes room.
 */
uint32_t numbers_place(struct numbers *s, const char *name);

/* Configuration `which` (0 or 1) names this place; or: names none any more. */
void	numbers_use(struct numbers *s, uint32_t place, unsigned int which);
void	numbers_use_none(struct numbers *s, unsigned int which);

/* What is to be kept.  Nothing goes down; nothing is durable yet. */
void	numbers_term(struct numbers *s, uint32_t place, uint32_t term,
	    const struct conf_addr *node);
void	numbers_ceiling(struct numbers *s, uint32_t place, uint64_t seq);
void	numbers_floor(struct numbers *s, uint32_t place,
	    const struct conf_addr *node, uint64_t seq);
void	numbers_maint(struct numbers *s, uint32_t place, bool on,
	    int64_t until_wall_s, const char *reason);

/* Makes all of it durable.  0, or the errno of what could not be. */
int	numbers_flush(struct numbers *s);
bool	numbers_durable(const struct numbers *s, uint32_t place);

/* Nothing was ever stored for it. */
bool	numbers_fresh(const struct numbers *s, uint32_t place);
uint64_t numbers_floor_of(const struct numbers_record *r,
	    const struct conf_addr *node);

#endif
