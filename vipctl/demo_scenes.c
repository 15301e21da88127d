/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: the faults, and what should happen then.  The demo does what
 * a person at the machines would do, waits for what it can see from outside,
 * and says so when it is not what it should be.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "demo_play.h"
#include "election.h"
#include "syncstate.h"

#define TAKEOVER_NS	(15 * NS_PER_S)	/* tells a hang from work */
#define LOOK_NS		(100 * NS_PER_MS)
#define WORK_NS		(1 * NS_PER_S)	/* visits before a fault */
#define QUIET_NS	(4 * NS_PER_S)	/* more than a down interval: in it
					   nothing may happen */
#define FREEZE_NS	(6 * NS_PER_S)
#define STILL_NS	(NS_PER_S / 3)	/* less than it takes to notice */
#define YOUNG_NS	(1 * NS_PER_S)	/* what the partner may lack */

volatile sig_atomic_t demo_interrupted;

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

static bool
mirror_of(struct play *p, int node, struct sync_mirror_state *m)
{
	char path[64];
	int dir, r;

	(void)snprintf(path, sizeof(path), "/proc/%d/root/run/vipair/"
	    SYNCSTATE_DIR, (int)p->d.node[node].init);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return false;
	r = syncstate_read(dir, DEMO_PAIR, SYNCSTATE_MIRROR, m, sizeof(*m));
	(void)close(dir);
	return r == 0;
}

struct wanted {
	struct play	*p;
	int		node;
	enum role	role;
	mono_t		next_look, since;
};

static bool
looks(struct wanted *w)
{
	const mono_t now = mono_now();

	if (now.ns < w->next_look.ns)
		return false;
	w->next_look = mono_after(now, LOOK_NS);
	return true;
}

static bool
answers(struct demo *d, void *arg)
{
	return demo_interrupted || d->answers_from == *(const int *)arg;
}

static bool
has_role(struct demo *d, void *arg)
{
	struct wanted *w = arg;

	(void)d;
	return demo_interrupted || (looks(w) &&
	    role_of(w->p, w->node) == (int)w->role);
}

/* Acknowledged since we began to look, and as young as it should be. */
static bool
is_copied(struct demo *d, void *arg)
{
	struct wanted *w = arg;
	struct sync_mirror_state m;

	(void)d;
	if (demo_interrupted)
		return true;
	return looks(w) && mirror_of(w->p, w->node, &m) && m.acked != 0 &&
	    m.acked_ns > w->since.ns && (m.behind_since_ns == 0 ||
	    mono_now().ns - m.behind_since_ns < YOUNG_NS);
}

static bool
stopped(struct demo *d, void *arg)
{
	(void)d;
	(void)arg;
	return demo_interrupted != 0;
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

	return demo_until(&p->d, TAKEOVER_NS, has_role, &w) &&
	    !demo_interrupted;
}

/* The partner of the node has its data. */
static bool
await_copied(struct play *p, int node)
{
	struct wanted w = { .p = p, .node = node, .since = mono_now() };

	return demo_until(&p->d, TAKEOVER_NS, is_copied, &w) &&
	    !demo_interrupted;
}

static void
watch_for(struct play *p, int64_t ns)
{
	(void)demo_until(&p->d, ns, stopped, NULL);
}

static void
scene_begin(struct play *p)
{
	p->began = mono_now();
	p->fault = MONO_NEVER;
	p->acked = 0;
	demo_measure(&p->d);
}

/* The moment after which nothing more can leave the node. */
static void
fault_now(struct play *p, int node)
{
	struct sync_mirror_state m;

	p->fault = mono_now();
	p->acked = mirror_of(p, node, &m) ? m.acked : 0;
}

/*
 * The copy that the partner had acknowledged, as its store has it now: is
 * all of it in the database?
 */
static bool
judge_copy(struct play *p, struct row *r, const struct demo_rows *now)
{
	static struct demo_rows copy;
	const int a = p->d.answers_from;
	char number[24], dir[64], path[96];
	const char *const argv[] = { "restore", "--to", dir, number, NULL };
	pid_t pid;

	(void)snprintf(number, sizeof(number), "%" PRIu64, p->acked);
	(void)snprintf(dir, sizeof(dir), "/run/copy-%d", p->nrows);
	(void)snprintf(path, sizeof(path), "%s/visits.db", dir);
	pid = demo_start(&p->d, a, -1, -1, "bin/vipctl", argv);
	if (pid == -1 || demo_wait(pid) == -1 ||
	    demo_rows_read(&p->d, a, path, &copy) == -1)
		return false;
	r->copied = copy.count;
	r->copied_lost = demo_rows_missing(&copy, now);
	return copy.count > 0 && r->copied_lost == 0;
}

/* Every answer the client ever got against the database in use. */
static bool
judge_visits(struct play *p, struct row *r)
{
	static struct demo_rows now;
	uint64_t lost;
	mono_t oldest;

	if (p->d.answers_from == -1 || demo_rows_read(&p->d,
	    p->d.answers_from, DEMO_DATABASE, &now) == -1)
		return false;
	lost = demo_tally_lost(&p->d.tally, &now, p->began, &oldest);
	r->lost = (int64_t)lost - p->lost;
	p->lost = (int64_t)lost;
	if (!mono_is_set(p->fault))
		return r->lost == 0;	/* nobody has to lose anything */
	if (mono_is_set(oldest))
		r->lost_age_ns = mono_span_ns(oldest, p->fault);
	return judge_copy(p, r, &now);
}

/* Ends a scene: what was measured since scene_begin() is a row. */
static bool
scene_end(struct play *p, const char *name, bool good, const char *text)
{
	struct row *r = &p->row[p->nrows++];

	watch_for(p, NS_PER_S / 2);
	*r = (struct row){
		.name = name,
		.outage_ns = p->d.longest_gap_ns,
		.both_ns = p->d.both_ns,
		.answered = p->d.answered,
		.now_active = p->d.answers_from == -1 ? "nobody" :
		    p->d.node[p->d.answers_from].name,
	};
	if (demo_interrupted) {
		p->nrows--;	/* half a scene says nothing */
		return false;
	}
	good = judge_visits(p, r) && good;
	r->good = good && p->d.both_ns == 0;
	draw(p, r->good ? text : "this is not what should have happened");
	return r->good;
}

/* Some visits, and their copies, so that there is something to lose. */
static bool
scene_work(struct play *p, int a)
{
	scene_begin(p);
	watch_for(p, WORK_NS);
	return await_copied(p, a);
}

/* A program on a node, found by its name. */
static bool
signal_on(struct play *p, int node, const char *sig, const char *name)
{
	char target[32];

	(void)snprintf(target, sizeof(target), "--target=%d",
	    (int)p->d.node[node].init);
	return demo_run((const char *const[]){ "nsenter", target, "--all",
	    "pkill", sig, "-x", name, NULL }) == 0;
}

static bool
power_off(struct play *p, bool with_work_of_its_own)
{
	int a = p->d.answers_from, b = !a;
	bool good = scene_work(p, a);

	if (with_work_of_its_own) {
		good = signal_on(p, a, "-STOP", "ssh") && good;
		draw(p, "its ssh stands still: what comes now, only it has");
		watch_for(p, STILL_NS);
	}
	demo_cable(&p->d, a, false);
	fault_now(p, a);
	demo_power_off(&p->d, a);
	draw(p, "the active node loses power");
	good = await_answers(p, b) && good;
	return scene_end(p, "power loss", good,
	    "the standby took over, with the data");
}

static bool
scene_power(struct play *p)
{
	return power_off(p, false);
}

static bool
scene_return(struct play *p)
{
	int a = p->d.answers_from, b = !a;
	bool good;

	scene_begin(p);
	if (demo_power_on(&p->d, b) == -1 || demo_boot(&p->d, b) == -1)
		return false;
	draw(p, "the old one gets its power back");
	good = await_role(p, b, ROLE_STANDBY) && await_copied(p, a);
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
	bool good = await_copied(p, a);
	pid_t pid;

	scene_begin(p);
	pid = demo_start(&p->d, a, -1, -1, "bin/vipctl", argv);
	good = good && pid != -1 && await_answers(p, b) &&
	    await_role(p, a, ROLE_STANDBY);
	if (pid != -1) {
		if (!good)
			(void)kill(pid, SIGKILL);
		(void)demo_wait(pid);
	}
	return scene_end(p, word, good, text);
}

static bool
scene_handover(struct play *p)
{
	return scene_word(p, "handover",
	    "vipctl handover: roles changed, no visit lost");
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
	bool good = scene_work(p, a);

	demo_freeze(&p->d, a, true);
	fault_now(p, a);
	draw(p, "every process of the active node is frozen");
	good = await_answers(p, b) && good;
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
	bool good = scene_work(p, a);

	demo_cable(&p->d, a, false);
	fault_now(p, a);
	draw(p, "the cable of the active node is pulled");
	good = await_answers(p, b) && good;
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
	bool good = scene_work(p, a);

	good = signal_on(p, a, "-KILL", "elector") && good;
	fault_now(p, a);
	draw(p, "the elector of the active node is killed");
	good = good && await_answers(p, b) &&
	    await_role(p, a, ROLE_STANDBY);
	return scene_end(p, "kill", good, "last words: the other went at once");
}

/* The node that came back keeps what only it has, for a person to look at. */
static bool
scene_diverged(struct play *p)
{
	const char *const argv[] = { "diverged", NULL };
	const int old = p->d.answers_from;
	pid_t pid;

	if (!power_off(p, true) || !scene_return(p))
		return false;
	(void)fprintf(p->v->out, "\n%s# vipctl diverged\n",
	    p->d.node[old].name);
	(void)fflush(p->v->out);
	pid = demo_start(&p->d, old, -1, STDOUT_FILENO, "bin/vipctl", argv);
	return pid != -1 && demo_wait(pid) == 0;
}

const struct scene demo_scenes[] = {
	{ "power", "the active node loses power", scene_power, NULL, true },
	{ "return", "it comes back (after power)", scene_return, "power",
	    true },
	{ "handover", "vipctl handover", scene_handover, NULL, true },
	{ "freeze", "the active node is frozen, and thaws", scene_freeze,
	    NULL, true },
	{ "failback", "vipctl failback (after handover)", scene_failback,
	    "handover", true },
	{ "cable", "the active node's cable is pulled", scene_cable, NULL,
	    false },
	{ "kill", "kill -9 of one process of the active", scene_kill, NULL,
	    false },
	{ "diverged", "power loss with data that only the lost node has",
	    scene_diverged, NULL, false },
	{ .name = NULL },
};

const struct scene *
scene_find(const char *name)
{
	for (const struct scene *s = demo_scenes; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

bool
play_start(struct play *p)
{
	bool good = true;

	for (int i = 0; i < DEMO_NODES && good; i++)
		good = demo_power_on(&p->d, i) == 0;
	good = good && demo_pair(&p->d) == 0;
	for (int i = 0; i < DEMO_NODES && good; i++)
		good = demo_boot(&p->d, i) == 0;
	draw(p, "both nodes start");
	good = good && await_answers(p, 0) && await_role(p, 1, ROLE_STANDBY);
	if (demo_interrupted)
		return false;
	draw(p, good ? "alpha is preferred: it took the address" :
	    "nobody became active");
	if (good && !await_copied(p, 0)) {
		draw(p, "the data do not arrive at beta");
		return false;
	}
	if (good)
		draw(p, "beta has its data");
	return good && !demo_interrupted;
}
