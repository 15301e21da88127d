/* SPDX-License-Identifier: ISC */

/*
 * How a room is entered.  The supervisor starts each room with a fixed
 * descriptor table and a fixed argv; the room takes what it needs from it,
 * gives up its rights in steps and locks itself in before the first byte
 * from outside.
 *
 * Descriptors at exec (all others are closed):
 *	0, 1, 2		/dev/null (2: the log socket as well, for libc's
 *			last words and sanitizers)
 *	3		log socket
 *	4		channel to the supervisor
 *	5		channel to the elector (actuator, keeper, mirror), to
 *			the actuator (elector), or to the mirror (capture)
 *	6		channel to the keeper (elector)
 *	7		state directory (keeper)
 *	8		configuration memfd
 *	9		secrets memfd (elector)
 *
 * The working directory at exec is an empty directory that only root could
 * write, for chroot(".").  argv: the room's name, uid, gid (looked up by the
 * supervisor, a room asks no name service), and "-v" when debug lines are
 * wanted.  The environment is empty.
 */
#ifndef VIPAIR_ROOM_H
#define VIPAIR_ROOM_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "ipc.h"

#define ROOM_FD_LOG		3
#define ROOM_FD_SUPERVISOR	4
#define ROOM_FD_PEER		5
#define ROOM_FD_KEEPER		6
#define ROOM_FD_STATE		7
#define ROOM_FD_CONF		8
#define ROOM_FD_SECRETS		9
#define ROOM_FD_FIRST_FREE	10

#define USER_ELECTOR	"_vrrpd"	/* elector, keeper, checker */
#define USER_ACTUATOR	"_vipd"
#define USER_SYNC	"_syncd"	/* mirror, capture; and its group */
#define USER_RECEIVER	"_syncr"	/* the partner, by ssh */

/* What a room is to be left with. */
struct room_rights {
	uint64_t	caps;		/* 1 << CAP_*: permitted + effective */
	bool		chroot_empty;
	bool		realtime;	/* SCHED_FIFO where allowed */
	bool		lock_memory;	/* mlockall on fault, where allowed */
	rlim_t		files_max;
};

/* True when room_drop() got the real-time priority that was asked for. */
bool	room_is_realtime(void);

/* One entry of a system call filter; a filter is an array of these. */
struct filter_rule {
	int		nr;		/* __NR_* */
	int		arg;		/* -1: any; else 0..5 */
	uint64_t	value;		/* of arg & mask (low word) */
	uint64_t	mask;		/* 0: all bits */
};

/*
 * For a room that starts large programs of others: the first entry whose rule
 * matches decides, what is in none passes.
 */
enum filter_fate {
	FILTER_PASS,
	FILTER_REFUSE,		/* EPERM */
	FILTER_ABSENT,		/* ENOSYS */
	FILTER_KILL,		/* the process */
};

struct filter_deny {
	struct filter_rule	rule;
	enum filter_fate	fate;
};

/*
 * First thing in a room's main: reads argv, sets up logging, checks the
 * descriptor table, ignores SIGTERM, SIGINT, SIGHUP and SIGPIPE, forbids
 * core dumps and ptrace.  Runner and checker, which run other programs, get
 * the default action of every signal instead, and may have more arguments.
 */
void	room_enter(enum room self, int argc, char **argv);

/*
 * Second: priority, memory, chroot, ids, capabilities, limits, in this
 * order, then proves that they are gone.  Fatal on any failure: a room that
 * cannot be locked does not run.
 */
void	room_drop(const struct room_rights *r);

/*
 * Loads the filter, last thing before the loop: no_new_privs, then one
 * instruction list whose default action kills the process.  Built with a
 * sanitizer it loads nothing and logs a line that says so.
 */
void	room_filter(const struct filter_rule *rule, size_t n);
/* The same for a list of what is forbidden; children inherit it. */
void	room_filter_deny(const struct filter_deny *deny, size_t n);

/*
 * Copies a sealed memfd of the configuration into buf; verifies seals and
 * contents.  Returns NULL or what is wrong.  fd stays the caller's.
 */
const char	*room_read_blob(int fd, void *buf, size_t cap, size_t *len);

#endif
