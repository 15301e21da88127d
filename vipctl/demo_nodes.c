/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: two nodes and a switch, as namespaces.  This process becomes
 * the client: it moves into a network namespace with a bridge, and into a
 * mount namespace where /run is memory of its own, which is the disks of the
 * nodes.  Each node is an init of its own pid, network, mount and host name
 * namespace; it dies with this process, and the kernel clears all away.
 */

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define VIPCTL	"bin/vipctl"

extern char **environ;

enum { GO = 'g', BOOT = 'b', FREEZE = 'f', THAW = 't' };

int
demo_failed(const char *what)
{
	(void)fprintf(stderr, "vipctl: demo: %s: %s\n", what,
	    strerror(errno));
	return -1;
}

int
demo_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return demo_failed("waitpid");
	return status == 0 ? 0 : -1;
}

int
demo_run(const char *const argv[])
{
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, (void *)(uintptr_t)
	    argv, environ);
	if (errno != 0)
		return demo_failed(argv[0]);
	if (demo_wait(pid) == 0)
		return 0;
	(void)fprintf(stderr, "vipctl: demo: %s", argv[0]);
	for (int i = 1; argv[i] != NULL; i++)
		(void)fprintf(stderr, " %s", argv[i]);
	(void)fprintf(stderr, ": failed\n");
	return -1;
}

#define IP(...) demo_run((const char *const[]){ "ip", __VA_ARGS__, NULL })

int
demo_lab_open(struct demo *d)
{
	(void)d;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) == -1)
		return demo_failed("namespaces of its own");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == -1 ||
	    mkdir(DEMO_DIR, 0755) == -1)
		return demo_failed("private mounts");
	return IP("link", "set", "lo", "up") ||
	    IP("link", "add", "br0", "type", "bridge", "forward_delay", "0",
	    "mcast_snooping", "0") ||
	    IP("addr", "add", "192.168.70.9/24", "dev", "br0") ||
	    IP("link", "set", "br0", "up") ? -1 : 0;
}

void
demo_lab_close(struct demo *d)
{
	for (int i = 0; i < DEMO_NODES; i++)
		if (d->node[i].init != 0)
			demo_power_off(d, i);
}

/* Runs a program with its output in the log of that name. */
static void
node_program(const struct demo_node *n, const char *log,
    const char *const argv[])
{
	char path[128];
	int fd;

	if (fork() != 0)
		return;
	(void)signal(SIGCHLD, SIG_DFL);
	/* On the node's disk. */
	(void)snprintf(path, sizeof(path), "/var/lib/%s.%s", n->name, log);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd != -1) {
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
	}
	(void)execv(argv[0], (void *)(uintptr_t)argv);
	_exit(demo_failed(argv[0]) == 0);
}

static void
node_boot(const struct demo *d, const struct demo_node *n)
{
	char vrrpd[300];

	(void)snprintf(vrrpd, sizeof(vrrpd), "%s/sbin/vrrpd", d->prefix);
	node_program(n, "log", (const char *const[]){ vrrpd, "-d", NULL });
}

/* Process 1 of the node: starts what there is, obeys, reaps. */
_Noreturn static void
node_init(const struct demo *d, const struct demo_node *n, int command)
{
	char word;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setsid();
	if (read(command, &word, 1) != 1 || word != GO)
		_exit(1);
	if (sethostname(n->name, strlen(n->name)) == -1 ||
	    demo_install_mounts(d, n) == -1 ||
	    (!n->installed && demo_install(d, n) == -1))
		_exit(1);
	(void)signal(SIGCHLD, SIG_IGN);
	node_program(n, "sshd.log", (const char *const[]){ "/usr/sbin/sshd",
	    "-D", "-e", NULL });
	(void)!write(command, &word, 1);
	while (read(command, &word, 1) == 1)
		if (word == BOOT)
			node_boot(d, n);
		else
			(void)kill(-1, word == FREEZE ? SIGSTOP : SIGCONT);
	_exit(0);
}

/* A veth between the bridge and the node, which gets its address. */
static int
node_wire(const struct demo_node *n)
{
	char pid[16], net[64], cidr[32];

	(void)snprintf(pid, sizeof(pid), "%d", (int)n->init);
	(void)snprintf(net, sizeof(net), "--net=/proc/%s/ns/net", pid);
	(void)snprintf(cidr, sizeof(cidr), "%s/24", n->address);
#define INSIDE(...) demo_run((const char *const[]){ "nsenter", net, "ip", \
    __VA_ARGS__, NULL })
	if (IP("link", "add", n->port, "type", "veth", "peer", "name", "eth0",
	    "netns", pid) || IP("link", "set", n->port, "master", "br0", "up"))
		return -1;
	return INSIDE("link", "set", "lo", "up") ||
	    INSIDE("addr", "add", cidr, "dev", "eth0") ||
	    INSIDE("link", "set", "eth0", "up") ? -1 : 0;
#undef INSIDE
}

static int
node_word(const struct demo_node *n, char word)
{
	/* A dead init must not kill us. */
	return send(n->command, &word, 1, MSG_NOSIGNAL) == 1 ? 0 :
	    demo_failed(n->name);
}

int
demo_power_on(struct demo *d, int node)
{
	struct demo_node *n = &d->node[node];
	const unsigned long flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS |
	    CLONE_NEWUTS | SIGCHLD;
	int ends[2];
	char word;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return demo_failed("socketpair");
	n->init = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0);
	if (n->init == -1) {
		n->init = 0;
		return demo_failed("namespaces of a node");
	}
	if (n->init == 0) {
		(void)close(ends[0]);
		node_init(d, n, ends[1]);
	}
	(void)close(ends[1]);
	n->command = ends[0];
	if (node_wire(n) == -1)
		return -1;
	demo_watch_node(d, node);
	if (node_word(n, GO) == -1 || read(n->command, &word, 1) != 1)
		return -1;	/* it said why */
	n->installed = true;
	return 0;
}

int
demo_boot(struct demo *d, int node)
{
	return node_word(&d->node[node], BOOT);
}

/* What one node prints about itself, the other takes in. */
static int
pair_one_way(struct demo *d, int from, int to)
{
	const char *const print[] = { "pair", "--print", NULL };
	const char *const accept[] = { "pair", "--accept", "-", NULL };
	int card = open(DEMO_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int r = -1;
	pid_t pid;

	if (card == -1)
		return demo_failed("a file in " DEMO_DIR);
	pid = demo_start(d, from, -1, card, VIPCTL, print);
	if (pid != -1 && demo_wait(pid) == 0 && lseek(card, 0, SEEK_SET) ==
	    0) {
		pid = demo_start(d, to, card, -1, VIPCTL, accept);
		r = pid == -1 ? -1 : demo_wait(pid);
	}
	(void)close(card);
	return r;
}

int
demo_pair(struct demo *d)
{
	return pair_one_way(d, 0, 1) == 0 && pair_one_way(d, 1, 0) == 0 ?
	    0 : -1;
}

void
demo_power_off(struct demo *d, int node)
{
	struct demo_node *n = &d->node[node];

	demo_cable(d, node, false);
	(void)kill(n->init, SIGKILL);
	(void)waitpid(n->init, NULL, 0);
	(void)IP("link", "del", n->port);
	(void)close(n->command);
	n->init = 0;
	n->command = -1;
	demo_watch_node(d, node);
}

void
demo_freeze(struct demo *d, int node, bool freeze)
{
	d->node[node].frozen = freeze;
	(void)node_word(&d->node[node], freeze ? FREEZE : THAW);
}

void
demo_cable(struct demo *d, int node, bool in)
{
	(void)IP("link", "set", d->node[node].port, in ? "up" : "down");
}

static void
redirect(posix_spawn_file_actions_t *fa, int fd, int to)
{
	if (fd == -1)
		(void)posix_spawn_file_actions_addopen(fa, to, "/dev/null",
		    to == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
	else if (fd != to)
		(void)posix_spawn_file_actions_adddup2(fa, fd, to);
}

pid_t
demo_start(struct demo *d, int node, int in, int out, const char *program,
    const char *const argv[])
{
	const char *all[16] = { "nsenter" };
	posix_spawn_file_actions_t fa;
	char target[32], path[300];
	int n = 1;
	pid_t pid;

	(void)snprintf(target, sizeof(target), "--target=%d",
	    (int)d->node[node].init);
	(void)snprintf(path, sizeof(path), "%s/%s", d->prefix, program);
	all[n++] = target;
	all[n++] = "--all";
	all[n++] = path;
	while (*argv != NULL && n < 15)
		all[n++] = *argv++;
	if (posix_spawn_file_actions_init(&fa) != 0)
		return -1;
	redirect(&fa, in, STDIN_FILENO);
	redirect(&fa, out, STDOUT_FILENO);
	(void)posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, DEMO_SAID,
	    O_WRONLY | O_CREAT | O_APPEND, 0644);
	errno = posix_spawnp(&pid, all[0], &fa, NULL, (void *)(uintptr_t)all,
	    environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	return errno == 0 ? pid : demo_failed(path);
}

int
demo_netlink(pid_t init)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR,
	};
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, fd;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)init);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here == -1 || there == -1 || setns(there, CLONE_NEWNET) == -1)
		return demo_failed(path);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	if (fd != -1 && bind(fd, (const void *)&nl, sizeof(nl)) == -1) {
		(void)close(fd);
		fd = -1;
	}
	if (setns(here, CLONE_NEWNET) == -1)
		abort();	/* the client would visit from a node */
	(void)close(here);
	(void)close(there);
	return fd;
}
