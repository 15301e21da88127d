/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: a pair and a client on this very machine, in namespaces that
 * end with the command, even when it is killed.  The caller is root; nothing
 * of the host is touched: what the nodes write is in memory.
 *
 *	demo.c		the command: start, table of outages, shell
 *	demo_scenes.c	the faults, and what should happen
 *	demo_nodes.c	namespaces, bridge, power, freeze
 *	demo_install.c	what a node has inside: accounts, sshd, configuration
 *	demo_watch.c	the client's visits, and both kernels' addresses
 *	demo_tally.c	visits that were answered against those in databases
 *	demo_visits.c	the service on the address (a program of its own)
 */
#ifndef VIPAIR_DEMO_H
#define VIPAIR_DEMO_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "mono.h"

#define DEMO_NODES	2
#define DEMO_VIP	"192.168.70.222"
#define DEMO_PORT	7094		/* of the service, TCP */
#define DEMO_PAIR	"vpn"
#define DEMO_DIR	"/run/vipair-demo"	/* in the demo's own mounts */
#define DEMO_SAID	DEMO_DIR "/said"	/* errors of demo_start() */
#define DEMO_BASE	"/var/lib/visits"	/* of the service, on a node */
#define DEMO_DATABASE	DEMO_BASE "/visits.db"
#define DEMO_VISIT_NS	(10 * NS_PER_MS)	/* from one to the next */
#define DEMO_GIVE_UP_NS	(400 * NS_PER_MS)	/* nobody answers this one */
#define DEMO_UNDERWAY	64
#define DEMO_VISITS_MAX	65536		/* numbers of visits we can tell */

struct demo_node {
	const char	*name;
	const char	*address;
	const char	*port;		/* its port of the bridge */
	bool		installed;	/* its disk is not empty */
	pid_t		init;		/* of its pid namespace; 0: no power */
	int		command;	/* to its init; -1 without power */
	int		netlink;	/* address news of its kernel, or -1 */
	bool		holds;		/* the address is in its kernel */
	bool		frozen;
};

/* Which visits the client was answered, by whom, and how often. */
struct demo_tally {
	uint16_t	times[DEMO_NODES][DEMO_VISITS_MAX];
	int64_t		last_ns[DEMO_NODES][DEMO_VISITS_MAX];
	uint64_t	answers;
};

/* The visits in a database: node + 1, or 0 for none. */
struct demo_rows {
	uint8_t		node[DEMO_VISITS_MAX];
	uint32_t	count;
};

struct demo_visit {
	int		fd;		/* -1: free */
	mono_t		begun;
};

struct demo {
	char		prefix[256];	/* where vrrpd and libexec are */
	struct demo_node node[DEMO_NODES];
	struct demo_visit visit[DEMO_UNDERWAY];
	struct demo_tally tally;
	mono_t		start;
	mono_t		next_visit;
	int		answers_from;	/* node of the last answer, or -1 */
	mono_t		last_answer;
	/* Since demo_measure(): */
	uint64_t	answered;
	int64_t		longest_gap_ns;
	int64_t		both_ns;	/* address in two kernels at once */
	mono_t		both_since;
};

/* demo_nodes.c: 0, or -1 with the reason on stderr. */
int	demo_failed(const char *what);
int	demo_lab_open(struct demo *d);
void	demo_lab_close(struct demo *d);
/* The node is there with its sshd; demo_boot() starts its daemon. */
int	demo_power_on(struct demo *d, int node);
int	demo_boot(struct demo *d, int node);
/* The nodes learn each other's keys; once, before they boot. */
int	demo_pair(struct demo *d);
/* The bridge port goes down and every process of the node is killed. */
void	demo_power_off(struct demo *d, int node);
void	demo_freeze(struct demo *d, int node, bool freeze);
void	demo_cable(struct demo *d, int node, bool in);
/* Runs a program from outside and waits; argv ends with NULL. */
int	demo_run(const char *const argv[]);
/*
 * Starts a program of the prefix inside a node; in, out: its standard input
 * and output, -1 for none; its errors go to DEMO_SAID.  Its pid, or -1.
 */
pid_t	demo_start(struct demo *d, int node, int in, int out,
	    const char *program, const char *const argv[]);
/* 0 when it ended well. */
int	demo_wait(pid_t pid);
/* A socket that hears of the addresses of the node's kernel, or -1. */
int	demo_netlink(pid_t init);

/* demo_install.c: called by process 1 of a node, in its namespaces. */
int	demo_install_mounts(const struct demo *d, const struct demo_node *n);
int	demo_install(const struct demo *d, const struct demo_node *n);

/* demo_watch.c */
void	demo_watch_open(struct demo *d);
void	demo_watch_node(struct demo *d, int node);
void	demo_measure(struct demo *d);
/* Watches for that long at most; true as soon as done(d, arg) says so. */
bool	demo_until(struct demo *d, int64_t span_ns,
	    bool (*done)(struct demo *, void *), void *arg);

/* demo_tally.c */
void	demo_tally_answer(struct demo_tally *t, int node, uint64_t visit,
	    mono_t now);
/* The database of that path on a node. */
int	demo_rows_read(struct demo *d, int node, const char *database,
	    struct demo_rows *rows);
/*
 * Answers that are in no row.  *since: when the client got the oldest of
 * those that came after `after`.
 */
uint64_t demo_tally_lost(const struct demo_tally *t,
	    const struct demo_rows *rows, mono_t after, mono_t *since);
/* How many rows of the copy are not in rows. */
uint32_t demo_rows_missing(const struct demo_rows *copy,
	    const struct demo_rows *rows);

#endif
