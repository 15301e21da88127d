/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: two nodes and a switch, as namespaces.  This process becomes
 * the client: it moves into a network namespace with a bridge.  Each node is
 * an init of its own pid, network, mount and host name namespace, with a
 * private /run and a state directory that outlives its power.
 */

#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

extern char **environ;

enum { GO = 'g', FREEZE = 'f', THAW = 't' };

static int
failed(const char *what)
{
	(void)fprintf(stderr, "vipctl: demo: %s: %s\n", what,
	    strerror(errno));
	return -1;
}

int
demo_run(const char *const argv[])
{
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, (void *)(uintptr_t)
	    argv, environ);
	if (errno != 0)
		return failed(argv[0]);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return failed(argv[0]);
	if (status == 0)
		return 0;
	(void)fprintf(stderr, "vipctl: demo: %s", argv[0]);
	for (int i = 1; argv[i] != NULL; i++)
		(void)fprintf(stderr, " %s", argv[i]);
	(void)fprintf(stderr, ": failed\n");
	return -1;
}

#define IP(...) demo_run((const char *const[]){ "ip", __VA_ARGS__, NULL })

static int
write_file(const char *dir, const char *name, mode_t mode, const char *text)
{
	char path[128];
	FILE *f;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	f = fd == -1 ? NULL : fdopen(fd, "w");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		return failed(path);
	return 0;
}

static int
write_secret(struct demo *d)
{
	uint8_t key[32];
	char text[128];
	size_t n;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return failed("getrandom");
	n = (size_t)snprintf(text, sizeof(text), "key 1 hex:");
	for (size_t i = 0; i < sizeof(key); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x",
		    key[i]);
	(void)snprintf(text + n, sizeof(text) - n, "\nactive 1\n");
	return write_file(d->dir, "vpn.secret", 0600, text);
}

static int
write_conf(struct demo *d)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "pair \"vpn\" {\n"
	    "\tvirtual address " DEMO_VIP "\n"
	    "\tnode \"%s\" address %s prefer\n"
	    "\tnode \"%s\" address %s\n"
	    "\tvhid 94\n"
	    "\tsecret file \"%s/vpn.secret\"\n"
	    "\tservice exec {\n"
	    "\t\tstart \"%s/libexec/vipair/demo-service start "
	    "/run/demo-service.pid " DEMO_VIP " %d\"\n"
	    "\t\tstop \"%s/libexec/vipair/demo-service stop "
	    "/run/demo-service.pid\"\n"
	    "\t}\n"
	    "}\n", d->node[0].name, d->node[0].address, d->node[1].name,
	    d->node[1].address, d->dir, d->prefix, DEMO_PORT, d->prefix);
	return write_file(d->dir, "vipair.conf", 0644, text);
}

int
demo_lab_open(struct demo *d)
{
	(void)snprintf(d->dir, sizeof(d->dir), "/tmp/vipair-demo-XXXXXX");
	if (mkdtemp(d->dir) == NULL)
		return failed(d->dir);
	if (chmod(d->dir, 0755) == -1 || write_secret(d) == -1 ||
	    write_conf(d) == -1)
		return -1;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) == -1)
		return failed("a network namespace of its own");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return failed("private mounts");
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
	if (d->dir[0] == '/')
		(void)demo_run((const char *const[]){ "rm", "-rf", "--",
		    d->dir, NULL });
}

/*
 * The accounts of the package, on an overlay over /etc where they are
 * missing: the host does not see them.
 */
static int
node_accounts(void)
{
	static const char *const names[] = { "_vrrpd", "_vipd" };

	if (getpwnam(names[0]) != NULL && getpwnam(names[1]) != NULL)
		return 0;
	if (mkdir("/run/etc", 0755) == -1 ||
	    mkdir("/run/etc/upper", 0755) == -1 ||
	    mkdir("/run/etc/work", 0755) == -1 ||
	    mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,"
	    "upperdir=/run/etc/upper,workdir=/run/etc/work") == -1)
		return failed("overlay on /etc of a node");
	for (int i = 0; i < 2; i++)
		if (getpwnam(names[i]) == NULL &&
		    demo_run((const char *const[]){ "useradd", "--system",
		    "--no-create-home", "--shell", "/usr/sbin/nologin",
		    names[i], NULL }) == -1)
			return -1;
	return 0;
}

/* In the node's namespaces: private /run, and what survives the power. */
static int
node_mounts(const struct demo *d, const struct demo_node *n)
{
	char state[128];

	(void)snprintf(state, sizeof(state), "%s/%s.lib", d->dir, n->name);
	(void)mkdir(state, 0755);
	(void)mkdir("/var/lib/vipair", 0700);
	if (mount("proc", "/proc", "proc", 0, NULL) == -1 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == -1 ||
	    mount(state, "/var/lib", NULL, MS_BIND, NULL) == -1)
		return failed("mounts of a node");
	return node_accounts();
}

static void
node_daemon(const struct demo *d, const struct demo_node *n)
{
	char log[128], conf[128], vrrpd[300];
	int fd;

	(void)snprintf(log, sizeof(log), "%s/%s.log", d->dir, n->name);
	(void)snprintf(conf, sizeof(conf), "%s/vipair.conf", d->dir);
	(void)snprintf(vrrpd, sizeof(vrrpd), "%s/sbin/vrrpd", d->prefix);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd != -1) {
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
	}
	(void)execl(vrrpd, "vrrpd", "-d", "-f", conf, (char *)NULL);
	_exit(failed(vrrpd) == 0);
}

/* Process 1 of the node: starts the daemon, obeys, reaps. */
_Noreturn static void
node_init(const struct demo *d, const struct demo_node *n, int command)
{
	char word;

	if (read(command, &word, 1) != 1 || word != GO)
		_exit(1);
	if (sethostname(n->name, strlen(n->name)) == -1 ||
	    node_mounts(d, n) == -1)
		_exit(1);
	(void)signal(SIGCHLD, SIG_IGN);
	if (fork() == 0) {
		(void)signal(SIGCHLD, SIG_DFL);
		(void)close(command);
		node_daemon(d, n);
	}
	while (read(command, &word, 1) == 1)
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

int
demo_power_on(struct demo *d, int node)
{
	struct demo_node *n = &d->node[node];
	const unsigned long flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS |
	    CLONE_NEWUTS | SIGCHLD;
	const char go = GO;
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) == -1)
		return failed("pipe");
	n->init = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0);
	if (n->init == -1) {
		n->init = 0;
		return failed("namespaces of a node");
	}
	if (n->init == 0) {
		(void)close(pipe_fds[1]);
		node_init(d, n, pipe_fds[0]);
	}
	(void)close(pipe_fds[0]);
	n->command = pipe_fds[1];
	if (node_wire(n) == -1)
		return -1;
	demo_watch_node(d, node);
	return write(n->command, &go, 1) == 1 ? 0 : failed(n->name);
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
	const char word = freeze ? FREEZE : THAW;

	d->node[node].frozen = freeze;
	(void)!write(d->node[node].command, &word, 1);
}

void
demo_cable(struct demo *d, int node, bool in)
{
	(void)IP("link", "set", d->node[node].port, in ? "up" : "down");
}

pid_t
demo_vipctl(struct demo *d, int node, const char *const argv[])
{
	const char *all[16] = { "nsenter" };
	char target[32], path[300], conf[128];
	posix_spawn_file_actions_t fa;
	int n = 1;
	pid_t pid;

	(void)snprintf(target, sizeof(target), "--target=%d",
	    (int)d->node[node].init);
	(void)snprintf(path, sizeof(path), "%s/bin/vipctl", d->prefix);
	(void)snprintf(conf, sizeof(conf), "%s/vipair.conf", d->dir);
	all[n++] = target;
	all[n++] = "--all";
	all[n++] = path;
	all[n++] = "-f";
	all[n++] = conf;
	while (*argv != NULL && n < 15)
		all[n++] = *argv++;
	if (posix_spawn_file_actions_init(&fa) != 0)
		return -1;
	(void)posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY,
	    0);
	errno = posix_spawnp(&pid, all[0], &fa, NULL, (void *)(uintptr_t)all,
	    environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	return errno == 0 ? pid : -1;
}

/* A socket that hears of the addresses of the node's kernel. */
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
		return failed(path);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	if (fd != -1 && bind(fd, (const void *)&nl, sizeof(nl)) == -1) {
		(void)close(fd);
		fd = -1;
	}
	if (setns(here, CLONE_NEWNET) == -1)
		abort();	/* the client would probe from a node */
	(void)close(here);
	(void)close(there);
	return fd;
}
