/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: a pair and a client on this very machine, in namespaces that
 * end with the command.  The caller is root; nothing of the host is touched
 * but one directory under /tmp, removed at the end.
 *
 *	demo.c		the scenes and the table of outages
 *	demo_nodes.c	namespaces, bridge, power, freeze
 *	demo_watch.c	the client's probes, and both kernels' addresses
 *	demo_service.c	the service on the address (a program of its own)
 */
#ifndef VIPAIR_DEMO_H
#define VIPAIR_DEMO_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "mono.h"

#define DEMO_NODES	2
#define DEMO_VIP	"192.168.70.222"
#define DEMO_PORT	7094		/* of the demo service, UDP */
#define DEMO_PROBE_NS	(5 * NS_PER_MS)

struct demo_node {
	const char	*name;
	const char	*address;
	const char	*port;		/* its port of the bridge */
	pid_t		init;		/* of its pid namespace; 0: no power */
	int		command;	/* to its init; -1 without power */
	int		netlink;	/* address news of its kernel, or -1 */
	bool		holds;		/* the address is in its kernel */
	bool		frozen;
};

struct demo {
	char		dir[64];	/* configuration, state, logs */
	char		prefix[256];	/* where vrrpd and libexec are */
	struct demo_node node[DEMO_NODES];
	int		probe;		/* UDP socket of the client */
	mono_t		start;
	mono_t		next_probe;
	uint64_t	asked, answered;
	int		answers_from;	/* node of the last answer, or -1 */
	mono_t		last_answer;
	/* Since demo_measure(): */
	int64_t		longest_gap_ns;
	int64_t		both_ns;	/* address in two kernels at once */
	uint64_t	lost;
	mono_t		both_since;
};

/* demo_nodes.c: 0, or -1 with the reason on stderr. */
int	demo_lab_open(struct demo *d);
void	demo_lab_close(struct demo *d);
int	demo_power_on(struct demo *d, int node);
/* The bridge port goes down and every process of the node is killed. */
void	demo_power_off(struct demo *d, int node);
void	demo_freeze(struct demo *d, int node, bool freeze);
void	demo_cable(struct demo *d, int node, bool in);
/* Runs a program from outside and waits; argv ends with NULL. */
int	demo_run(const char *const argv[]);
/* Starts `vipctl ARGS` inside a node, output to /dev/null; its pid or -1. */
pid_t	demo_vipctl(struct demo *d, int node, const char *const argv[]);
/* Every process of a node goes on (leaving SIGSTOP), every way out. */
int	demo_netlink(pid_t init);

/* demo_watch.c */
int	demo_watch_open(struct demo *d);
void	demo_watch_node(struct demo *d, int node);
void	demo_measure(struct demo *d);
/* Watches for that long at most; true as soon as done(d, arg) says so. */
bool	demo_until(struct demo *d, int64_t span_ns,
	    bool (*done)(struct demo *, void *), void *arg);

#endif
