/* SPDX-License-Identifier: ISC */

/*
 * Starts the real capture room below a directory of its own and speaks for
 * supervisor and mirror.  One room at a time; pair 0 "vpn" and pair 1 "web".
 * All functions assert that they succeed.  Needs root.
 */
#ifndef VIPAIR_TEST_CAPTURE_KIT_H
#define VIPAIR_TEST_CAPTURE_KIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "election.h"
#include "ipc.h"
#include "store.h"
#include "syncstate.h"

#define WAIT_MS		8000	/* tells a hang from work */
#define US		0	/* our node's index and rank */
#define THEM		1

extern const char	*room_path;	/* the program */
extern char		 top[64];
extern struct channel	 sup, mir;	/* our ends */
extern pid_t		 pid;		/* of the room, 0: none */

/* Fixture of each test. */
void	kit_setup(void);
void	kit_teardown(void);
/* Words into pair 0's sync block, instead of `tree "data"`. */
void	kit_sync(const char *words);

/* Paths below top: base0/..., state/store/vpn/... */
const char *at(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Writes conf, as start_room() does. */
void	kit_conf(void);
void	put_file(const char *path, const char *text);

/* die_at: 0, or the number of the store's step at which it dies. */
void	start_room(int die_at);
void	kill_room(void);
/* It ends by itself; returns its wait status. */
int	room_ends(void);
/* Wait status, or -1 when it lives. */
int	room_died(void);

/* ---- the store as others see it ------------------------------------------ */

struct store *see_store(const char *pair);	/* for store_close() */
/* Beside the room, which scrubs now and then. */
void	get_lock(struct store *s);
struct epoch stored_epoch(void);
struct epoch stored_live(void);
uint64_t stored_generation(void);
/* The head's text of a file, or NULL; static. */
const char *stored_text(const char *path);
/* A partner's generation on top of the head: data/f says text. */
void	partner_writes(uint32_t term, const char *text);

/* ---- channels ------------------------------------------------------------ */

void	say_word(uint16_t pair, enum role role, uint32_t term);
void	say_job(uint16_t pair, enum job_kind kind, uint32_t term);
void	say_ask(uint16_t pair, enum ask_kind kind, uint64_t token,
	    uint64_t value, uint64_t value2);
/* Answer to the last job; what comes before it is noted. */
struct msg_job_done job_done(uint16_t pair, enum job_kind kind);
/* Until MSG_CAPTURED says so. */
void	until_settled(uint16_t pair);
void	until_generation(uint16_t pair, uint64_t generation);
void	until_held(uint16_t pair, bool held);
/* The last MSG_CAPTURED of a pair. */
extern struct msg_captured captured[2];
/* Nothing else from the mirror's channel for so long. */
void	nothing_for(int ms);
/* Reads one message of a channel, MSG_NONE when there is none in time. */
union msg hear(const struct channel *ch, int ms);
void	ping_pong(void);
/* The supervisor's next message but PONG. */
union msg sup_hears(enum msg_type type);
void	say_filled(uint16_t pair, enum job_result result);
/* fd -1: it failed with that status. */
void	say_snapped(const struct msg_snap *to, uint32_t status, int fd);

/* PAIR.capture of pair 0. */
struct sync_capture_state state(void);
/* Until an ask with that token is answered; its result. */
int	ask_result(uint64_t token);

#endif
