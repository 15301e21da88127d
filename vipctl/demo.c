/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: plays faults on a pair in namespaces and prints what the
 * client at the virtual address saw.  Room: the caller, as root.
 */

#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "demo.h"
#include "election.h"
#include "vipctl.h"

#define TAKEOVER_NS	(15 * NS_PER_S)	/* tells a hang from work */
#define LOOK_NS		(100 * NS_PER_MS)
#define QUIET_NS	(4 * NS_PER_S)	/* more than a down interval: in it
					   nothing may happen */
#define FREEZE_NS	(6 * NS_PER_S)
#define ROWS_MAX	16

struct row {
	const char	*name;
	int64_t		outage_ns, both_ns;
	uint64_t	lost;
	const char	*now_active;
	bool		good;
};

struct play {
	struct vipctl	*v;
	struct demo	d;
	struct row	row[ROWS_MAX];
	int		nrows;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int sig)
{
	interrupted = sig;
}

/* One line: the time, both nodes, what happened. */
static void
draw(struct play *p, const char *text)
{
	static const char *const utf8[] = { "●", "○", "✕", "❄" };
	static const char *const ascii[] = { "*", "o", "x", "#" };
	const char *const *mark = p->v->utf8 ? utf8 : ascii;

	(void)fprintf(p->v->out, "%6.1f s  ", (double)mono_span_ns(p->d.start,
	    mono_now()) / NS_PER_S);
	for (int i = 0; i < DEMO_NODES; i++) {
		const struct demo_node *n = &p->d.node[i];

		(void)fprintf(p->v->out, " %s %s ", mark[n->init == 0 ? 2 :
		    n->frozen ? 3 : n->holds ? 0 : 1], n->name);
	}
	(void)fprintf(p->v->out, "  %s\n", text);
	(void)fflush(p->v->out);
}

/* The role a node says it has; -1 when nobody answers. */
static int
role_of(struct play *p, int node)
{
	struct vipctl v = *p->v;
	struct ctl_request rq = { .magic = CTL_MAGIC, .version = CTL_VERSION,
	    .command = CTL_GET_STATUS, .pair = CTL_PAIR_ALL };
	struct client c;
	union ctl_any r;
	char why[128];
	int role = -1;

	(void)snprintf(v.run_dir, sizeof(v.run_dir),
	    "/proc/%d/root/run/vipair", (int)p->d.node[node].init);
	if (client_ask(&c, &v, CTL_STATUS, &rq, why, sizeof(why)) !=
	    EXIT_DONE)
		return -1;
	while (client_next(&c, &r, CLIENT_TIMEOUT_MS) == CLIENT_RECORD)
		if (r.head.type == CTL_PAIR)
			role = r.pair.role;
	client_close(&c);
	return role;
}

struct wanted {
	struct play	*p;
	int		node;
	enum role	role;
	mono_t		next_look;
};

static bool
answers(struct demo *d, void *arg)
{
	return interrupted || d->answers_from == *(const int *)arg;
}

static bool
has_role(struct demo *d, void *arg)
{
	struct wanted *w = arg;
	mono_t now = mono_now();

	(void)d;
	if (interrupted)
		return true;
	if (now.ns < w->next_look.ns)
		return false;
	w->next_look = mono_after(now, LOOK_NS);
	return role_of(w->p, w->node) == (int)w->role;
}

static bool
stopped(struct demo *d, void *arg)
{
	(void)d;
	(void)arg;
	return interrupted != 0;
}

static bool
await_answers(struct play *p, int node)
{
	return demo_until(&p->d, TAKEOVER_NS, answers, &node) &&
	    p->d.answers_from == node;
}

static bool
await_role(struct play *p, int node, enum role role)
{
	struct wanted w = { .p = p, .node = node, .role = role };

	return demo_until(&p->d, TAKEOVER_NS, has_role, &w) && !interrupted;
}

static void
watch_for(struct play *p, int64_t ns)
{
	(void)demo_until(&p->d, ns, stopped, NULL);
}

/* Ends a scene: what was measured since demo_measure() is a row. */
static bool
scene_end(struct play *p, const char *name, bool good, const char *text)
{
	struct row *r = &p->row[p->nrows++];

	watch_for(p, NS_PER_S / 2);
	*r = (struct row){
		.name = name,
		.outage_ns = p->d.longest_gap_ns,
		.both_ns = p->d.both_ns,
		.lost = p->d.asked > p->d.answered + 1 ?
		    p->d.asked - p->d.answered - 1 : 0,
		.now_active = p->d.answers_from == -1 ? "nobody" :
		    p->d.node[p->d.answers_from].name,
		.good = good && p->d.both_ns == 0,
	};
	draw(p, r->good ? text : "this is not what should have happened");
	return r->good;
}

static bool
scene_power(struct play *p)
{
	int a = p->d.answers_from, b = !a;
	bool good;

	demo_measure(&p->d);
	demo_power_off(&p->d, a);
	draw(p, "the active node loses power");
	good = await_answers(p, b);
	return scene_end(p, "power loss", good, "the standby took over");
}

static bool
scene_return(struct play *p)
{
	int a = p->d.answers_from, b = !a;
	bool good;

	demo_measure(&p->d);
	if (demo_power_on(&p->d, b) == -1)
		return false;
	draw(p, "the old one gets its power back");
	good = await_role(p, b, ROLE_STANDBY);
	watch_for(p, QUIET_NS);
	good = good && p->d.answers_from == a && !p->d.node[b].holds;
	return scene_end(p, "return", good, "it is standby: no failback");
}

/* handover and failback: the same words on the active node. */
static bool
scene_word(struct play *p, const char *word, const char *text)
{
	const char *const argv[] = { word, NULL };
	int a = p->d.answers_from, b = !a;
	bool good;
	pid_t pid;

	demo_measure(&p->d);
	pid = demo_vipctl(&p->d, a, argv);
	good = pid != -1 && await_answers(p, b) &&
	    await_role(p, a, ROLE_STANDBY);
	if (pid != -1) {
		if (!good)
			(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return scene_end(p, word, good, text);
}

static bool
scene_handover(struct play *p)
{
	return scene_word(p, "handover", "vipctl handover: roles changed");
}

/* Only the preferred node gets it back; else it is there already. */
static bool
scene_failback(struct play *p)
{
	if (p->d.answers_from == 0)
		return true;
	return scene_word(p, "failback", "vipctl failback: as it began");
}

static bool
scene_freeze(struct play *p)
{
	int a = p->d.answers_from, b = !a;
	bool good;

	demo_measure(&p->d);
	demo_freeze(&p->d, a, true);
	draw(p, "every process of the active node is frozen");
	good = await_answers(p, b);
	draw(p, "the kernel dropped the address, the other took it");
	watch_for(p, FREEZE_NS);
	demo_freeze(&p->d, a, false);
	draw(p, "it wakes up again");
	good = await_role(p, a, ROLE_STANDBY) && good;
	watch_for(p, QUIET_NS);
	good = good && p->d.answers_from == b;
	return scene_end(p, "freeze", good, "it is standby, the newer stays");
}

static bool
scene_cable(struct play *p)
{
	int a = p->d.answers_from, b = !a;
	bool good;

	demo_measure(&p->d);
	demo_cable(&p->d, a, false);
	draw(p, "the cable of the active node is pulled");
	good = await_answers(p, b);
	demo_cable(&p->d, a, true);
	draw(p, "and put back");
	good = await_role(p, a, ROLE_STANDBY) && good;
	watch_for(p, QUIET_NS);
	good = good && p->d.answers_from == b;
	return scene_end(p, "cable", good, "the newer stays active");
}

static bool
scene_kill(struct play *p)
{
	int a = p->d.answers_from, b = !a;
	char target[32];
	bool good;

	(void)snprintf(target, sizeof(target), "--target=%d",
	    (int)p->d.node[a].init);
	demo_measure(&p->d);
	good = demo_run((const char *const[]){ "nsenter", target, "--all",
	    "pkill", "-KILL", "-x", "elector", NULL }) == 0;
	draw(p, "the elector of the active node is killed");
	good = good && await_answers(p, b) &&
	    await_role(p, a, ROLE_STANDBY);
	return scene_end(p, "kill", good, "last words: the other went at once");
}

static const struct scene {
	const char	*name, *text;
	bool		(*run)(struct play *);
	bool		by_default;
} scenes[] = {
	{ "power", "the active node loses power", scene_power, true },
	{ "return", "it comes back (after power)", scene_return, true },
	{ "handover", "vipctl handover", scene_handover, true },
	{ "freeze", "the active node is frozen, and thaws", scene_freeze,
	    true },
	{ "failback", "vipctl failback", scene_failback, true },
	{ "cable", "the active node's cable is pulled", scene_cable, false },
	{ "kill", "kill -9 of one process of the active", scene_kill, false },
};
#define NSCENES	(sizeof(scenes) / sizeof(scenes[0]))

static const struct scene *
scene_find(const char *name)
{
	for (size_t i = 0; i < NSCENES; i++)
		if (strcmp(scenes[i].name, name) == 0)
			return &scenes[i];
	return NULL;
}

static bool
play_start(struct play *p)
{
	bool good = true;

	(void)fprintf(p->v->out,
	    "alpha 192.168.70.1, beta 192.168.70.2, virtual address "
	    DEMO_VIP " (CARP, vhid 94),\nand a client that asks the service "
	    "on it each 5 ms: in namespaces of their own.\n"
	    "%s\n\n", p->v->utf8 ?
	    "● holds the address   ○ standby   ✕ no power   ❄ frozen" :
	    "* holds the address   o standby   x no power   # frozen");
	for (int i = 0; i < DEMO_NODES && good; i++)
		good = demo_power_on(&p->d, i) == 0;
	draw(p, "both nodes start");
	good = good && await_answers(p, 0) && await_role(p, 1, ROLE_STANDBY);
	if (interrupted)
		return false;
	draw(p, good ? "alpha is preferred: it took the address" :
	    "nobody became active");
	return good;
}

static bool
play_scenes(struct play *p, const char *only)
{
	bool good = play_start(p);

	for (size_t i = 0; i < NSCENES && good && !interrupted; i++)
		if (only == NULL ? scenes[i].by_default :
		    strcmp(scenes[i].name, only) == 0 ||
		    (strcmp(only, "return") == 0 && i == 0))
			good = scenes[i].run(p);
	return good;
}

static void
print_table(struct play *p)
{
	if (p->nrows == 0)
		return;
	(void)fprintf(p->v->out, "\n%-12s %12s %8s %18s  %s\n", "FAULT",
	    "OUTAGE", "LOST", "ON TWO NODES FOR", "ACTIVE THEN");
	for (int i = 0; i < p->nrows; i++) {
		const struct row *r = &p->row[i];

		(void)fprintf(p->v->out, "%-12s %9.0f ms %8llu %15.0f ms  "
		    "%s%s\n", r->name, (double)r->outage_ns / NS_PER_MS,
		    (unsigned long long)r->lost,
		    (double)r->both_ns / NS_PER_MS, r->now_active,
		    r->good ? "" : "   WRONG");
	}
	(void)fprintf(p->v->out, "\noutage: longest time between two answers "
	    "at " DEMO_VIP "; lost: probes without an answer\n");
}

/* Logs are all there is when a scene went wrong. */
static void
print_logs(struct play *p)
{
	char path[128];

	for (int i = 0; i < DEMO_NODES; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s.log", p->d.dir,
		    p->d.node[i].name);
		(void)fprintf(stderr, "--- log of %s, its end\n",
		    p->d.node[i].name);
		(void)demo_run((const char *const[]){ "tail", "-n", "40",
		    path, NULL });
	}
}

static void
shell(struct play *p)
{
	char rc[128], *argv[] = { NULL };
	FILE *f;

	(void)argv;
	(void)snprintf(rc, sizeof(rc), "%s/shell.rc", p->d.dir);
	f = fopen(rc, "we");
	if (f == NULL)
		return;
	for (int i = 0; i < DEMO_NODES; i++)
		(void)fprintf(f, "%s() { nsenter --target=%d --all -- "
		    "\"$@\"; }\n", p->d.node[i].name,
		    (int)p->d.node[i].init);
	(void)fprintf(f, "PATH=%s/bin:%s/sbin:$PATH\nPS1='demo# '\n"
	    "export VIPCTL='vipctl -f %s/vipair.conf'\n", p->d.prefix,
	    p->d.prefix, p->d.dir);
	(void)fclose(f);
	(void)fprintf(p->v->out, "\nYou are the client.  alpha COMMAND or "
	    "beta COMMAND runs it on a node, for example\n    alpha $VIPCTL "
	    "status\n    beta ip address\n    alpha killall -9 elector\n"
	    "exit ends it all.\n");
	(void)fflush(p->v->out);
	(void)demo_run((const char *const[]){ "bash", "--rcfile", rc, "-i",
	    NULL });
}

/* P, of P/bin/vipctl: the daemon beside this very program. */
static bool
find_prefix(struct vipctl *v, struct demo *d)
{
	char exe[PATH_MAX], vrrpd[PATH_MAX + 16], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n == -1)
		n = 0;
	exe[n] = '\0';
	for (int i = 0; i < 2; i++)
		if ((slash = strrchr(exe, '/')) != NULL)
			*slash = '\0';
	(void)snprintf(vrrpd, sizeof(vrrpd), "%s/sbin/vrrpd", exe);
	if (strlen(exe) >= sizeof(d->prefix) || access(vrrpd, X_OK) == -1) {
		complain(v, "demo needs an installed vrrpd beside vipctl, "
		    "and %s is not there; ./try builds and installs both",
		    vrrpd);
		return false;
	}
	(void)strcpy(d->prefix, exe);
	return true;
}

static int
play(struct vipctl *v, const char *only, bool with_shell)
{
	static struct play p = { .d.node = {
		{ .name = "alpha", .address = "192.168.70.1",
		    .port = "port-alpha", .command = -1, .netlink = -1 },
		{ .name = "beta", .address = "192.168.70.2",
		    .port = "port-beta", .command = -1, .netlink = -1 },
	} };
	bool good;

	p.v = v;
	p.d.start = mono_now();
	if (!find_prefix(v, &p.d))
		return EXIT_REFUSED;
	good = demo_lab_open(&p.d) == 0 && demo_watch_open(&p.d) == 0;
	if (good) {
		good = with_shell ? play_start(&p) : play_scenes(&p, only);
		if (good && with_shell)
			shell(&p);
		print_table(&p);
		if (!good && !interrupted)
			print_logs(&p);
	}
	demo_lab_close(&p.d);
	return good && !interrupted ? EXIT_DONE : EXIT_REFUSED;
}

int
cmd_demo(struct vipctl *v, int argc, char **argv)
{
	const struct sigaction sa = { .sa_handler = on_signal };
	const char *only = NULL;
	bool with_shell = false;
	const struct option_word words[] = {
		{ "--scenario", OPTION_STRING, &only },
		{ "--shell", OPTION_FLAG, &with_shell },
		{ NULL, OPTION_FLAG, NULL },
	};
	int code, n = args_parse(v, argc, argv, words, &code);

	if (n == -1)
		return code;
	if (n > 0 || (only != NULL && scene_find(only) == NULL)) {
		for (size_t i = 0; i < NSCENES; i++)
			(void)fprintf(stderr, "%-10s %s\n", scenes[i].name,
			    scenes[i].text);
		return usage_error(v, "demo", "expected --scenario with one "
		    "of the names above");
	}
	if (geteuid() != 0) {
		complain(v, "demo makes namespaces and needs root: "
		    "sudo vipctl demo");
		return EXIT_NOT_PERMITTED;
	}
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	return play(v, only, with_shell);
}
