/* SPDX-License-Identifier: ISC */

/*
 * try-capture: the capture by itself, for tests; never installed.
 *
 *	try-capture [-tw] [-e SECONDS] [-s SQLSNAP] STORE BASE ENTRY ...
 *
 * ENTRY is KIND:GLOB or KIND?:GLOB (optional), KIND sqlite, tree, file or
 * never.  -t: BASE was just loaded from the store.  Without -w one pass, else until standard input ends; SIGUSR1
 * makes a comparison by content due, SIGUSR2 asks for everything at once.
 * Prints one line for each generation (the time is CLOCK_MONOTONIC when it
 * was durable) and for each problem.
 * Exit status: 0 published or unchanged, 2 held back, 1 failed.
 */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "payload.h"
#include "policy.h"
#include "sqlsnap.h"
#include "take.h"

static const char *sqlsnap;
static volatile sig_atomic_t content_due, all_due;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		content_due = 1;
	else
		all_due = 1;
}

static int
run_sqlsnap(void *arg, const struct capture_snap *s, int *out)
{
	const struct sync_conf *conf = arg;
	char number[16];
	int fd, status;
	pid_t pid;

	fd = *out = memfd_create("copy", MFD_CLOEXEC);
	(void)snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (pid == 0) {
		(void)fcntl(fd, F_SETFD, 0);
		/* A leak checker cannot look at who has given up all. */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		(void)execl(sqlsnap, "sqlsnap", number, conf->base, s->path,
		    (char *)NULL);
		_exit(SQLSNAP_LOCKED_OUT);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return SQLSNAP_IO;
	return WEXITSTATUS(status);
}

static void
parse_entry(char *text, struct sync_entry *e)
{
	static const char *const kinds[] = {
		[SYNC_SQLITE] = "sqlite", [SYNC_TREE] = "tree",
		[SYNC_FILE] = "file", [SYNC_NEVER] = "never",
	};
	char *colon = strchr(text, ':');
	int k;

	if (colon == NULL)
		exit(64);
	*colon = '\0';
	e->glob = colon + 1;
	if (colon > text && colon[-1] == '?') {
		e->optional = true;
		colon[-1] = '\0';
	}
	for (k = SYNC_SQLITE; k <= SYNC_NEVER; k++)
		if (strcmp(kinds[k], text) == 0) {
			e->kind = (enum sync_kind)k;
			return;
		}
	exit(64);
}

static void
print_path(const char *path)
{
	for (; *path != '\0'; path++)
		if (*path > ' ' && *path < 127 && *path != '%')
			(void)putchar(*path);
		else
			(void)printf("%%%02X", (unsigned char)*path);
}

static void
print_problems(const struct capture *c)
{
	const struct capture_problem *p;
	uint32_t i;

	for (i = 0; (p = capture_problem(c, i)) != NULL; i++) {
		(void)printf("problem %s %s %d ", capture_fault_word(p->fault),
		    p->holds ? "holds" : "told", p->code);
		print_path(p->path);
		(void)printf("\n");
	}
}

static void
print_outcome(const struct capture *c, enum capture_outcome r,
    const struct store_commit *out, const struct store *store)
{
	struct capture_stats s;
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	capture_get_stats(c, &s);
	if (r == CAPTURE_PUBLISHED)
		(void)printf("generation %llu at %lld.%09ld %s %zu\n",
		    (unsigned long long)out->position.generation,
		    (long long)t.tv_sec, t.tv_nsec,
		    out->full ? "full" : "delta", out->len);
	else if (r == CAPTURE_HELD)
		(void)printf("held (%s)\n", store_why(store));
	print_problems(c);
	(void)printf("stats looked %llu read %llu bytes %llu snapshots %llu "
	    "retries %llu events %llu overflows %llu found %llu passes %llu "
	    "rounds %llu trusted %llu nodes %u watches %u\n",
	    (unsigned long long)s.looked, (unsigned long long)s.read_files,
	    (unsigned long long)s.read_bytes, (unsigned long long)s.snapshots,
	    (unsigned long long)s.retries, (unsigned long long)s.events,
	    (unsigned long long)s.overflows, (unsigned long long)s.found,
	    (unsigned long long)s.passes, (unsigned long long)s.rounds, (unsigned long long)s.trusted,
	    s.nodes, s.watches);
	(void)fflush(stdout);
}

/* False: standard input has ended. */
static bool
wait_for_work(struct capture *c)
{
	struct pollfd fd[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = capture_fd(c), .events = POLLIN },
	};
	const mono_t until = capture_deadline(c), now = mono_now();
	struct timespec t = { .tv_sec = 3600 };
	sigset_t none;
	int64_t left;

	if (mono_is_set(until)) {
		left = mono_span_ns(now, until);
		if (left < 0)
			left = 0;
		t = (struct timespec){ .tv_sec = left / NS_PER_S,
		    .tv_nsec = left % NS_PER_S };
	}
	/* Signals come here only, so that none is overlooked. */
	(void)sigemptyset(&none);
	if (ppoll(fd, 2, &t, &none) == -1)
		return true;
	if ((fd[1].revents & POLLIN) != 0)
		capture_events(c, mono_now());
	return (fd[0].revents & (POLLIN | POLLHUP)) == 0;
}

static int
work(struct capture *c, struct store *store, bool watch)
{
	static const struct epoch epoch = { .term = 1 };
	enum capture_outcome r;
	struct store_commit out;
	struct capture_stats before, after;

	do {
		if (content_due != 0) {
			content_due = 0;
			c->policy.content = mono_now();
		}
		if (all_due != 0) {
			all_due = 0;
			capture_ask(c, mono_now());
		}
		capture_get_stats(c, &before);
		r = capture_run(c, &epoch, mono_now(), &out);
		capture_get_stats(c, &after);
		if (r != CAPTURE_NOTHING || !watch ||
		    after.passes != before.passes ||
		    after.rounds != before.rounds)
			print_outcome(c, r, &out, store);
	} while (watch && wait_for_work(c));
	return r == CAPTURE_HELD ? 2 : 0;
}

static struct store *
open_store(const char *path)
{
	static const struct epoch epoch = { .term = 1 };
	struct store *s;
	int dir;

	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || store_open(&s, dir, "test", true) != STORE_OK ||
	    store_lock(s) != STORE_OK) {
		(void)fprintf(stderr, "%s: no store: %s\n", path,
		    dir == -1 ? strerror(errno) : store_why(s));
		exit(1);
	}
	(void)close(dir);
	if (store_epoch_raise(s, &epoch) != STORE_OK)
		exit(1);
	return s;
}

int
main(int argc, char **argv)
{
	struct sync_entry entry[SYNC_ENTRIES_MAX];
	struct sync_conf conf = { .entry = entry };
	struct capture_hooks hooks = { .arg = &conf };
	const struct sigaction sa = { .sa_handler = on_signal };
	sigset_t usr;
	bool trust = false, watch = false;
	int64_t every_ns = 0;
	struct capture *c;
	struct store *store;
	const char *wrong;
	int o, status;

	while ((o = getopt(argc, argv, "+twe:s:")) != -1)
		switch (o) {
		case 't': trust = true; break;
		case 'w': watch = true; break;
		case 'e': every_ns = atoll(optarg) * NS_PER_S; break;
		case 's': sqlsnap = optarg; break;
		default: return 64;
		}
	if (argc - optind < 3 || argc - optind - 2 > SYNC_ENTRIES_MAX)
		return 64;
	if (geteuid() != 0 && !payload_keep_right())
		return 1;
	if (sqlsnap != NULL)
		hooks.snapshot = run_sqlsnap;
	conf.base = argv[optind + 1];
	for (o = optind + 2; o < argc; o++) {
		entry[conf.n] = (struct sync_entry){ .optional = false };
		parse_entry(argv[o], &entry[conf.n++]);
	}
	(void)umask(0007);
	store = open_store(argv[optind]);
	wrong = capture_open(&c, &conf, store, &hooks, every_ns, mono_now());
	if (wrong != NULL) {
		(void)fprintf(stderr, "%s\n", wrong);
		return 1;
	}
	if (trust)
		capture_trust(c);
	(void)sigaction(SIGUSR1, &sa, NULL);
	(void)sigaction(SIGUSR2, &sa, NULL);
	(void)sigemptyset(&usr);
	(void)sigaddset(&usr, SIGUSR1);
	(void)sigaddset(&usr, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &usr, NULL);
	status = work(c, store, watch);
	capture_close(c);
	store_unlock(store);
	store_close(store);
	return status;
}
