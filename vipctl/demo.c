/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: plays faults on a pair in namespaces and prints what the
 * client at the virtual address saw.  Room: the caller, as root.
 */

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo_play.h"

static void
on_signal(int sig)
{
	demo_interrupted = sig;
}

static bool
play_scenes(struct play *p, const char *only)
{
	const struct scene *s, *alone = only != NULL ? scene_find(only) : NULL;
	bool good = play_start(p);

	for (s = demo_scenes; s->name != NULL && good && !demo_interrupted;
	    s++)
		if (alone == NULL ? s->by_default : s == alone ||
		    (alone->after != NULL && strcmp(s->name, alone->after) ==
		    0))
			good = s->run(p);
	return good;
}

static void
print_row(FILE *out, const struct row *r)
{
	char lost[48], copied[32] = "-";

	(void)snprintf(lost, sizeof(lost), "%" PRId64, r->lost);
	if (r->lost > 0 && r->lost_age_ns > 0)
		(void)snprintf(lost, sizeof(lost), "%" PRId64 " (last %.0f ms)",
		    r->lost, (double)r->lost_age_ns / NS_PER_MS);
	if (r->copied != 0)
		(void)snprintf(copied, sizeof(copied), "%u of %u",
		    r->copied_lost, r->copied);
	(void)fprintf(out, "%-11s %7.0f ms %6.0f ms %8" PRIu64 "  %-17s %-12s "
	    "%s%s\n", r->name, (double)r->outage_ns / NS_PER_MS,
	    (double)r->both_ns / NS_PER_MS, r->answered, lost, copied,
	    r->now_active, r->good ? "" : "   WRONG");
}

static void
print_table(struct play *p)
{
	FILE *out = p->v->out;

	if (p->nrows == 0)
		return;
	(void)fprintf(out, "\n%-11s %10s %9s %8s  %-17s %-12s %s\n", "FAULT",
	    "OUTAGE", "ON BOTH", "VISITS", "LOST", "LOST COPIED", "ACTIVE");
	for (int i = 0; i < p->nrows; i++)
		print_row(out, &p->row[i]);
	(void)fprintf(out, "\n"
	    "outage: longest time between two answers at " DEMO_VIP "\n"
	    "on both: how long the address was on both nodes\n"
	    "visits: answered to the client, each after its commit; lost: of "
	    "these, not in the\n"
	    "  database afterwards (the oldest: so long before the fault)\n"
	    "lost copied: of the visits in the last generation that the "
	    "partner had\n  acknowledged before the fault, those that are "
	    "lost: none may be\n");
}

/* Logs are all there is when a scene went wrong. */
static void
print_logs(struct play *p)
{
	char path[128];

	for (int i = 0; i < DEMO_NODES; i++) {
		(void)snprintf(path, sizeof(path), DEMO_DIR "/%s/lib/%s.log",
		    p->d.node[i].name, p->d.node[i].name);
		(void)fprintf(stderr, "--- log of %s, its end\n",
		    p->d.node[i].name);
		(void)demo_run((const char *const[]){ "tail", "-n", "40",
		    path, NULL });
	}
	(void)fprintf(stderr, "--- what commands said\n");
	if (access(DEMO_SAID, F_OK) == 0)
		(void)demo_run((const char *const[]){ "tail", "-n", "40",
		    DEMO_SAID, NULL });
}

static void
shell(struct play *p)
{
	static const char rc[] = DEMO_DIR "/shell.rc";
	FILE *f = fopen(rc, "we");

	if (f == NULL)
		return;
	for (int i = 0; i < DEMO_NODES; i++)
		(void)fprintf(f, "%s() { nsenter --target=%d --all -- "
		    "\"$@\"; }\n", p->d.node[i].name,
		    (int)p->d.node[i].init);
	(void)fprintf(f, "visit() { (exec 3<>/dev/tcp/" DEMO_VIP "/%d && "
	    "cat <&3); }\nPATH=%s/bin:%s/sbin:$PATH\nPS1='demo# '\n",
	    DEMO_PORT, p->d.prefix, p->d.prefix);
	(void)fclose(f);
	(void)fprintf(p->v->out, "\nYou are the client: visit.  alpha COMMAND "
	    "or beta COMMAND runs it on a node:\n"
	    "    alpha vipctl status\n"
	    "    beta vipctl sync status\n"
	    "    beta vipctl generations\n"
	    "    alpha pkill -KILL elector\n"
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

static void
print_intro(struct vipctl *v)
{
	(void)fprintf(v->out,
	    "alpha 192.168.70.1, beta 192.168.70.2, virtual address "
	    DEMO_VIP " (CARP, vhid 94),\nand a client that visits the service "
	    "on it each 10 ms: in namespaces of their own.\nThe service "
	    "counts visits in an SQLite database, which follows the address "
	    "over ssh.\n%s\n\n", v->utf8 ?
	    "● holds the address   ○ standby   ✕ no power   ❄ frozen" :
	    "* holds the address   o standby   x no power   # frozen");
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
	demo_watch_open(&p.d);
	good = demo_lab_open(&p.d) == 0;
	if (good) {
		print_intro(v);
		good = with_shell ? play_start(&p) : play_scenes(&p, only);
		if (good && with_shell)
			shell(&p);
		print_table(&p);
		if (!good && !demo_interrupted)
			print_logs(&p);
	}
	demo_lab_close(&p.d);
	return good && !demo_interrupted ? EXIT_DONE : EXIT_REFUSED;
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
		for (const struct scene *s = demo_scenes; s->name != NULL;
		    s++)
			(void)fprintf(stderr, "%-10s %s\n", s->name, s->text);
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
