/* SPDX-License-Identifier: ISC */

/*
 * Simulator: command line.
 *
 *	sim run --seed N		one run, as a trace
 *	sim run --runs N [--first N]	random runs, then figures
 *	sim run --seconds S [--first N]
 *	sim run [--trace] FILE ...	scenarios kept as text
 *
 * --nodes N fixes the number of nodes.  Exits 1 on a violation, which is
 * shrunk and printed, and when a transition that must be reached was not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

#define COVER_RUNS	200000	/* fewer may miss a transition */

static struct world world;
static struct stats stats;

static void
usage(void)
{
	fprintf(stderr, "usage: sim run [--nodes N] [--first SEED] [--keep-on]"
	    " --seed N | --runs N | --seconds S | FILE ...\n");
	exit(64);
}

static uint64_t
number(const char *word, const char *text, uint64_t most)
{
	unsigned long long v;
	char *end;

	errno = 0;
	if (text == NULL || *text < '0' || *text > '9') {
		fprintf(stderr, "sim: %s wants a number\n", word);
		exit(64);
	}
	v = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || v > most) {
		fprintf(stderr, "sim: %s: \"%s\" is no number up to %llu\n",
		    word, text, (unsigned long long)most);
		exit(64);
	}
	return v;
}

/* CPU time: other programs on the machine do not count. */
static double
seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool
still_fails(const struct scenario *sc, enum violation v)
{
	static struct stats ignored;

	return !world_run(&world, sc, &ignored, NULL) && world.wrong == v;
}

/* Drops what the failure does not need. */
static void
shrink(struct scenario *sc, enum violation v)
{
	bool smaller = true;

	while (smaller) {
		smaller = false;
		for (uint32_t i = 0; i < sc->nfaults; i++) {
			struct scenario less = *sc;

			if (sc->fault[i].off)
				continue;
			less.fault[i].off = true;
			if (still_fails(&less, v)) {
				*sc = less;
				smaller = true;
			}
		}
	}
}

static void
shrink_pair(struct scenario *sc, enum violation v)
{
	for (int i = 0; i < 8; i++) {
		struct scenario less = *sc;

		switch (i) {
		case 0: less.loss = 0; break;
		case 1: less.dup = 0; break;
		case 2: less.clocks_wild = false; break;
		case 3: less.word = false; break;
		case 4: less.service = false; break;
		case 5: less.sched_us = 200; break;
		case 6: less.delay_us = 800; break;
		case 7: less.preempt = false; break;
		}
		if (still_fails(&less, v))
			*sc = less;
	}
}

static void
tell_failure(const struct scenario *failed)
{
	struct scenario sc = *failed;
	const enum violation v = world.wrong;
	static struct stats ignored;

	printf("VIOLATION seed %" PRIu64 ": %s: %s\n", sc.seed,
	    violation_name(v), world.why);
	shrink(&sc, v);
	shrink_pair(&sc, v);
	shrink(&sc, v);
	printf("shrunk to:\n");
	scenario_print(&sc, stdout);
	(void)world_run(&world, &sc, &ignored, stdout);
	fflush(stdout);
}

static void
tell_figures(double cpu_s)
{
	const double minutes = (double)stats.virtual_ns / 60e9;

	printf("%" PRIu64 " runs, %" PRIu64 " faults, %.0f simulated "
	    "minutes in %.1f s of CPU: %.0f runs/s, %.2f million simulated "
	    "minutes per minute\n", stats.runs, stats.faults, minutes, cpu_s,
	    (double)stats.runs / cpu_s, minutes / cpu_s * 60 / 1e6);
	printf("takeovers %" PRIu64 ", of them from a healthy active under "
	    "loss %" PRIu64 "; two kernels, not preventable %" PRIu64
	    ", for a tick after a pause %" PRIu64 "; adverts refused %" PRIu64
	    ", forged %" PRIu64 ", replays believed %" PRIu64 "\n", stats.moves, stats.moves_lossy,
	    stats.duals_exempt, stats.blips, stats.refused, stats.forged,
	    stats.replays_taken);
	printf("generations %" PRIu64 ", acknowledged %" PRIu64 ", loaded %"
	    PRIu64 ", branches parked %" PRIu64 ", fenced %" PRIu64 "\n",
	    stats.generations, stats.acked, stats.loads, stats.parked,
	    stats.fenced);
	for (int i = 1; i < V_COUNT; i++)
		if (stats.violation[i] != 0)
			printf("violations: %s: %" PRIu64 "\n",
			    violation_name((enum violation)i),
			    stats.violation[i]);
}

struct options {
	bool		keep_on, trace;
	uint64_t	seed, runs, seconds, first;
	bool		has_seed;
	uint8_t		nodes;
};

/* Random runs; the first failure ends them unless told otherwise. */
static int
run_many(const struct options *o)
{
	const double began = seconds(CLOCK_PROCESS_CPUTIME_ID);
	const double wall = seconds(CLOCK_MONOTONIC);
	bool failed = false, covered;
	struct scenario sc;

	for (uint64_t i = 0; o->runs == 0 || i < o->runs; i++) {
		if (o->seconds != 0 && i % 256 == 0 &&
		    seconds(CLOCK_MONOTONIC) - wall >= (double)o->seconds)
			break;
		scenario_make(&sc, o->first + i, o->nodes);
		if (world_run(&world, &sc, &stats, NULL))
			continue;
		failed = true;
		if (!o->keep_on) {
			tell_failure(&sc);
			break;
		}
		if (stats.violation[world.wrong] <= 2)
			printf("seed %" PRIu64 ": %s: %s\n", sc.seed,
			    violation_name(world.wrong), world.why);
	}
	tell_figures(seconds(CLOCK_PROCESS_CPUTIME_ID) - began);
	covered = cover_report(&stats, stdout);
	if (!covered && stats.runs >= COVER_RUNS && !failed)
		printf("a transition that must be reached was not\n");
	return failed || (!covered && stats.runs >= COVER_RUNS);
}

static int
run_one(const struct options *o)
{
	struct scenario sc;

	scenario_make(&sc, o->seed, o->nodes);
	scenario_print(&sc, stdout);
	return world_run(&world, &sc, &stats, stdout) ? 0 : 1;
}

static int
run_file(const char *name, bool trace)
{
	struct scenario sc;
	FILE *f = fopen(name, "r");
	bool ok;

	if (f == NULL) {
		fprintf(stderr, "sim: %s: %s\n", name, strerror(errno));
		return 1;
	}
	ok = scenario_read(&sc, f, name);
	fclose(f);
	if (!ok)
		return 1;
	ok = world_run(&world, &sc, &stats, NULL);
	printf("%s %s\n", ok ? "ok  " : "FAIL", name);
	if (!ok || trace)
		(void)world_run(&world, &sc, &stats, stdout);
	return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct options o = { .first = 1 };
	int i, status = 0;

	if (argc < 3 || strcmp(argv[1], "run") != 0)
		usage();
	for (i = 2; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--keep-on") == 0) {
			o.keep_on = true;
			continue;
		}
		if (strcmp(word, "--trace") == 0) {
			o.trace = true;
			continue;
		}
		i++;
		if (strcmp(word, "--seed") == 0) {
			o.seed = number(word, argv[i], UINT64_MAX);
			o.has_seed = true;
		} else if (strcmp(word, "--runs") == 0)
			o.runs = number(word, argv[i], UINT64_MAX);
		else if (strcmp(word, "--seconds") == 0)
			o.seconds = number(word, argv[i], 1000000);
		else if (strcmp(word, "--first") == 0)
			o.first = number(word, argv[i], UINT64_MAX);
		else if (strcmp(word, "--nodes") == 0)
			o.nodes = (uint8_t)number(word, argv[i],
			    SIM_NODES_MAX);
		else
			usage();
	}
	if (o.has_seed)
		return run_one(&o);
	if (o.runs != 0 || o.seconds != 0)
		return run_many(&o);
	if (i == argc)
		usage();
	for (; i < argc; i++)
		status |= run_file(argv[i], o.trace);
	return status;
}
