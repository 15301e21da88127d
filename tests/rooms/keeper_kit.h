/* SPDX-License-Identifier: ISC */

/*
 * Starts the real keeper in a directory of its own and speaks for its
 * neighbours.  One keeper at a time; all functions assert that they succeed.
 */
#ifndef VIPAIR_TEST_KEEPER_KIT_H
#define VIPAIR_TEST_KEEPER_KIT_H

#include <stdint.h>
#include <sys/types.h>

#include "../unit/confblob.h"
#include "ipc.h"

#define WAIT_MS		5000	/* tells a hang from work */

extern const char	*keeper_path;
extern char		 state_dir[64];
extern struct channel	 sup, el;	/* our ends */
extern pid_t		 pid;		/* of the keeper, 0: none */
extern struct blob	 blob;		/* what it starts with */

/* Fixture of each test. */
void	kit_setup(void);
void	kit_teardown(void);

uid_t	keeper_uid(void);
void	start_keeper(void);
void	kill_keeper(void);
/* It ends by itself, with that exit status. */
void	ends_with(int status_wanted);

/* The next message; type MSG_NONE when the keeper closed the channel. */
union msg	next(const struct channel *ch);
/* All of MSG_STORED_*; returns the number of history entries. */
unsigned	stored(struct msg_stored_pair pair[BLOB_PAIRS]);
void		order(const union msg *m);
/* The next answer, which is one to such an order. */
struct msg_kept	kept(unsigned what);

/* Messages of the serial in `blob`. */
union msg	head(unsigned type, uint16_t pair);
union msg	keep_term(uint16_t pair, uint32_t term, uint32_t node);
union msg	keep_seq(unsigned type, uint16_t pair, uint64_t seq,
		    uint32_t node);
union msg	keep_history(uint16_t pair, uint32_t term);
union msg	keep_maint(uint16_t pair, const char *reason);

#endif
