/* SPDX-License-Identifier: ISC */

/*
 * Simulator: scenarios made from a seed, and as text: what a failing run is
 * shrunk to, and what tests/sim/cases keeps.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim.h"

static const char *const fault_names[FAULT_KINDS] = {
	[FAULT_NONE] = "none",
	[FAULT_FREEZE] = "freeze",
	[FAULT_FREEZE_ELECTOR] = "freeze-elector",
	[FAULT_FREEZE_ACTUATOR] = "freeze-actuator",
	[FAULT_PAUSE] = "pause",
	[FAULT_KILL_ELECTOR] = "kill-elector",
	[FAULT_KILL_ACTUATOR] = "kill-actuator",
	[FAULT_KILL_ALL] = "kill-all",
	[FAULT_POWER] = "power",
	[FAULT_POWER_DISK] = "power-disk",
	[FAULT_CARRIER] = "carrier",
	[FAULT_SEND_FAILS] = "send-fails",
	[FAULT_HOLD_FAILS] = "hold-fails",
	[FAULT_ADDR_REMOVED] = "addr-removed",
	[FAULT_CUT_OUT] = "cut-out",
	[FAULT_CUT_IN] = "cut-in",
	[FAULT_CUT] = "cut",
	[FAULT_CUT_WORD] = "cut-word",
	[FAULT_ISOLATE] = "isolate",
	[FAULT_LOSS] = "loss",
	[FAULT_KEEPER_SLOW] = "keeper-slow",
	[FAULT_KEEPER_FAILS] = "keeper-fails",
	[FAULT_HANDOVER] = "handover",
	[FAULT_MAINTENANCE] = "maintenance",
	[FAULT_LEAVE] = "leave",
	[FAULT_SERVICE] = "service",
	[FAULT_DATA] = "data",
	[FAULT_CONFLICT] = "conflict",
	[FAULT_RELOAD] = "reload",
	[FAULT_WALL_STEP] = "wall-step",
	[FAULT_REPLAY] = "replay",
	[FAULT_FORGE] = "forge",
	[FAULT_DEMOTE] = "demote",
	[FAULT_CLEAR] = "clear",
};

const char *
fault_name(enum fault_kind k)
{
	return fault_names[k];
}

/* ---- From a seed ------------------------------------------------------ */

static void
make_pair(struct scenario *sc, struct prng *r)
{
	/*
	 * Below 1 s fewer: their double holds count only behind the fence
	 * (design 3), and each of their minutes has many more steps.
	 */
	static const uint32_t intervals[] = {
		1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000,
		1000, 1000, 1000, 1000, 1000, 1000, 1000, 2000, 2000, 2000,
		3000, 3000, 5000, 10000, 10000, 100, 300, 500,
	};
	const uint32_t kinds = sizeof(intervals) / sizeof(intervals[0]);

	sc->protocol = (uint8_t)(PROTOCOL_CARP + prng_below(r, 3));
	sc->interval_ms = intervals[prng_below(r, kinds)];
	if (sc->interval_ms < 1000)
		sc->protocol = PROTOCOL_VRRP3;
	sc->is_signed = !prng_percent(r, 10);
	sc->preempt = prng_percent(r, 10);
	sc->service = prng_percent(r, 50);
	sc->word = prng_percent(r, 40);
	sc->clocks_wild = prng_percent(r, 20);
	sc->lapse_worst = prng_percent(r, 20);
	sc->flap_limit = (uint8_t)(1 + prng_below(r, 3));
	if (sc->nodes >= 2 && prng_percent(r, 6))
		sc->foreign = (uint8_t)(1u << prng_below(r, sc->nodes));
	/*
	 * Unsigned, a claim looks like an active's advert and is answered
	 * once in a quarter interval: three and more nodes may collide for
	 * a moment.  Known, and warned of by validate; not looked for here.
	 */
	if (sc->nodes > 2)
		sc->is_signed = true;
	/* A pair with data has two nodes, both of them ours. */
	if (sc->nodes > 2 || sc->foreign != 0)
		sc->word = false;
	/* The data half: its partner is asked over ssh. */
	sc->data = sc->word && prng_percent(r, 30);
	if (sc->data)
		sc->service = true;
	/* Beside a foreign VRRP peer nobody of ours signs. */
	if (sc->foreign != 0 && sc->protocol != PROTOCOL_CARP)
		sc->is_signed = false;
	if (sc->foreign != 0 && sc->protocol == PROTOCOL_CARP)
		sc->slow = (uint8_t)(prng_percent(r, 20) ? 4 : 1);
}

static void
make_network(struct scenario *sc, struct prng *r)
{
	sc->spacing_ms = sc->interval_ms / 4 < 20 ? sc->interval_ms / 4 : 20;
	sc->delay_us = prng_percent(r, 70) ? 800 : 8000;
	sc->sched_us = prng_percent(r, 80) ? 200 : 5000;
	if (prng_percent(r, 8) && sc->interval_ms >= 1000) {
		sc->delay_us = 50000;
		/* The round trip has to fit where all is in earnest. */
		sc->spacing_ms = sc->preempt || (sc->foreign != 0 &&
		    sc->protocol == PROTOCOL_CARP) ? 110 : 50;
	}
	if (sc->interval_ms < 1000 && sc->delay_us > 800)
		sc->delay_us = 2000;
	if (prng_percent(r, 10))
		sc->loss = (uint8_t)(1 + prng_below(r, 10));
	if (prng_percent(r, 10))
		sc->dup = 10;
}

static enum fault_kind
make_kind(const struct scenario *sc, struct prng *r)
{
	bool disk = false, clock = false;
	enum fault_kind k;

	/*
	 * A disk that is lost or fails and a clock that was wrong together
	 * repeat numbers: design 2 promises it of either alone.
	 */
	for (uint32_t i = 0; i < sc->nfaults; i++) {
		disk |= sc->fault[i].kind == FAULT_POWER_DISK ||
		    sc->fault[i].kind == FAULT_KEEPER_FAILS;
		clock |= sc->fault[i].kind == FAULT_WALL_STEP;
	}
	do {
		k = (enum fault_kind)(1 + prng_below(r, FAULT_KINDS - 1));
	} while ((k == FAULT_SERVICE && !sc->service) ||
	    (k == FAULT_CUT_WORD && !sc->word) ||
	    ((k == FAULT_REPLAY || k == FAULT_FORGE) &&
	    (!sc->is_signed || sc->foreign != 0)) ||
	    (k == FAULT_DATA && sc->data) ||
	    (k == FAULT_DEMOTE && (sc->foreign == 0 ||
	    sc->protocol != PROTOCOL_CARP)) ||
	    (k == FAULT_WALL_STEP && (sc->foreign != 0 || disk)) ||
	    ((k == FAULT_POWER_DISK || k == FAULT_KEEPER_FAILS) && clock));
	return k;
}

static bool
may_be_mid(enum fault_kind k)
{
	return k == FAULT_FREEZE || k == FAULT_FREEZE_ELECTOR ||
	    k == FAULT_PAUSE || k == FAULT_KILL_ELECTOR ||
	    k == FAULT_KILL_ALL || k == FAULT_POWER ||
	    k == FAULT_FREEZE_ACTUATOR || k == FAULT_KILL_ACTUATOR ||
	    k == FAULT_SEND_FAILS;
}

/* Short ones around the quarter interval, long ones beyond the lease. */
static int64_t
make_span(const struct scenario *sc, struct prng *r, int64_t unit)
{
	switch (prng_below(r, 5)) {
	case 0:
		return prng_range(r, MS, unit / 10);
	case 1:
		return prng_range(r, MS, unit / 2);
	case 2:
		return prng_range(r, unit / 2, 3 * unit);
	case 3:
		return prng_range(r, unit, 4 * unit);
	default:
		return prng_range(r, 3 * sc->interval_ms * MS, 12 * unit);
	}
}

/*
 * Each fault lands anywhere, or where the last one hurts: at the moment the
 * standby's timer runs out and it claims.
 */
static int64_t
make_time(const struct scenario *sc, struct prng *r, const struct fault *last,
    int64_t unit)
{
	const int64_t down = 3 * sc->interval_ms * MS;
	int64_t at;

	if (last == NULL || prng_percent(r, 40))
		return prng_range(r, unit / 10, 26 * unit);
	switch (prng_below(r, 4)) {
	case 0:		/* the claim */
		at = last->at + down + prng_range(r, -unit, 5 *
		    sc->spacing_ms * MS);
		break;
	case 1:		/* just behind it */
		at = last->at + prng_range(r, 0, unit / 20);
		break;
	case 2:		/* as it ends */
		at = last->at + last->span + prng_range(r, -unit / 50,
		    unit / 5);
		break;
	default:
		at = last->at + prng_range(r, 0, 5 * unit);
		break;
	}
	if (at < 0)
		at = 0;
	return at < 26 * unit ? at : 26 * unit;
}

static void
make_fault(struct scenario *sc, struct prng *r, uint32_t i)
{
	const int64_t unit = (sc->interval_ms > 1000 ? sc->interval_ms :
	    1000) * MS;
	struct fault *f = &sc->fault[i];

	f->kind = (uint8_t)make_kind(sc, r);
	f->node = (uint8_t)(prng_percent(r, 50) ? SIM_ACTIVE :
	    prng_below(r, sc->nodes));
	f->at = make_time(sc, r, i > 0 ? f - 1 : NULL, unit);
	f->span = make_span(sc, r, unit);
	f->arg = (uint8_t)(1 + prng_below(r, 60));
	if (f->kind == FAULT_SERVICE)
		f->arg = (uint8_t)(1 + f->arg % 3);
	if (f->kind == FAULT_LOSS)
		f->arg = (uint8_t)(5 + f->arg / 2);
	if (may_be_mid((enum fault_kind)f->kind) && prng_percent(r, 50))
		f->mid = (uint8_t)(1 + prng_below(r, 6));
	if (f->kind == FAULT_HANDOVER)
		f->node = SIM_ACTIVE;
	if (f->kind == FAULT_DEMOTE)
		for (f->node = 0; (sc->foreign >> f->node & 1) == 0;)
			f->node++;
	if (f->at + f->span > 37 * unit)
		f->span = 37 * unit - f->at;
}

void
scenario_make(struct scenario *sc, uint64_t seed, uint8_t nodes)
{
	struct prng r;
	uint32_t n;

	memset(sc, 0, sizeof(*sc));
	prng_seed(&r, seed ^ UINT64_C(0x5ce7a210));
	sc->seed = seed;
	sc->nodes = 2;
	if (prng_percent(&r, 12))
		sc->nodes = (uint8_t)(3 + prng_below(&r, 3));
	if (nodes != 0)
		sc->nodes = nodes;
	make_pair(sc, &r);
	make_network(sc, &r);
	n = prng_below(&r, prng_percent(&r, 80) ? 5 : 9);
	for (uint32_t i = 0; i < n; i++) {
		make_fault(sc, &r, i);
		sc->nfaults++;
	}
}

/* ---- As text ---------------------------------------------------------- */

static const char *const protocols[] = { "", "carp", "vrrp2", "vrrp3" };

void
scenario_print(const struct scenario *sc, FILE *f)
{
	fprintf(f, "pair seed=%" PRIu64 " protocol=%s nodes=%u foreign=%u "
	    "signed=%d preempt=%d service=%d word=%d wild=%d worst=%d "
	    "loss=%u dup=%u flap=%u interval_ms=%u spacing_ms=%u "
	    "delay_us=%u sched_us=%u slow=%u data=%d\n", sc->seed, protocols[sc->protocol],
	    sc->nodes, sc->foreign, sc->is_signed, sc->preempt, sc->service,
	    sc->word, sc->clocks_wild, sc->lapse_worst, sc->loss, sc->dup,
	    sc->flap_limit, sc->interval_ms, sc->spacing_ms, sc->delay_us,
	    sc->sched_us, sc->slow, sc->data);
	for (uint32_t i = 0; i < sc->nfaults; i++) {
		const struct fault *x = &sc->fault[i];

		if (x->off)
			continue;
		fprintf(f, "fault %s node=%u mid=%u arg=%u at=%" PRId64
		    " for=%" PRId64 "\n", fault_names[x->kind], x->node,
		    x->mid, x->arg, x->at, x->span);
	}
}

static bool
read_pair(struct scenario *sc, const char *line)
{
	char protocol[16];
	unsigned v[17] = { [15] = 0 };
	uint64_t seed;
	int words;

	words = sscanf(line, "pair seed=%" SCNu64 " protocol=%15s nodes=%u "
	    "foreign=%u signed=%u preempt=%u service=%u word=%u wild=%u "
	    "worst=%u loss=%u dup=%u flap=%u interval_ms=%u spacing_ms=%u "
	    "delay_us=%u sched_us=%u slow=%u data=%u", &seed, protocol, &v[0], &v[1], &v[2],
	    &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11],
	    &v[12], &v[13], &v[14], &v[15], &v[16]);
	/* Cases older than the last words do without them. */
	if (words < 17 || words > 19)
		return false;
	*sc = (struct scenario){
		.seed = seed, .nodes = (uint8_t)v[0],
		.foreign = (uint8_t)v[1], .is_signed = v[2] != 0,
		.preempt = v[3] != 0, .service = v[4] != 0,
		.word = v[5] != 0, .clocks_wild = v[6] != 0,
		.lapse_worst = v[7] != 0, .loss = (uint8_t)v[8],
		.dup = (uint8_t)v[9], .flap_limit = (uint8_t)v[10],
		.interval_ms = v[11], .spacing_ms = v[12], .delay_us = v[13],
		.sched_us = v[14], .slow = (uint8_t)v[15],
		.data = v[16] != 0,
	};
	for (uint8_t i = 1; i <= 3; i++)
		if (strcmp(protocol, protocols[i]) == 0)
			sc->protocol = i;
	return sc->protocol != 0 && sc->nodes >= 1 &&
	    sc->nodes <= SIM_NODES_MAX && sc->interval_ms >= 10 &&
	    sc->interval_ms <= 40950 && sc->spacing_ms >= 1 &&
	    sc->delay_us >= 1 && sc->sched_us >= 1;
}

static bool
read_fault(struct scenario *sc, const char *line)
{
	struct fault f = { 0 };
	unsigned node, mid, arg;
	char kind[32];

	if (sc->nfaults == FAULTS_MAX)
		return false;
	if (sscanf(line, "fault %31s node=%u mid=%u arg=%u at=%" SCNd64
	    " for=%" SCNd64, kind, &node, &mid, &arg, &f.at, &f.span) != 6)
		return false;
	f.node = (uint8_t)node;
	f.mid = (uint8_t)mid;
	f.arg = (uint8_t)arg;
	for (uint8_t i = 1; i < FAULT_KINDS; i++)
		if (strcmp(kind, fault_names[i]) == 0)
			f.kind = i;
	if (f.kind == FAULT_NONE || f.at < 0 || f.span < 0 ||
	    (f.node >= sc->nodes && f.node != SIM_ACTIVE))
		return false;
	sc->fault[sc->nfaults++] = f;
	return true;
}

bool
scenario_read(struct scenario *sc, FILE *f, const char *name)
{
	char line[512];
	unsigned n = 0;
	bool ok = false;

	while (fgets(line, sizeof(line), f) != NULL) {
		n++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (strncmp(line, "pair ", 5) == 0)
			ok = read_pair(sc, line);
		else
			ok = ok && read_fault(sc, line);
		if (!ok) {
			fprintf(stderr, "%s:%u: no line of a scenario: %s",
			    name, n, line);
			return false;
		}
	}
	if (!ok)
		fprintf(stderr, "%s: no scenario in it\n", name);
	return ok;
}
