/* SPDX-License-Identifier: ISC */

/*
 * Simulator: names of the invariants, and which states, transitions and
 * reasons of the core the runs have reached, and which are missing though
 * they must be reached.
 */
#include <inttypes.h>

#include "sim.h"

static const char *const names[V_COUNT] = {
	[V_NONE] = "none",
	[V_DUAL] = "address in two kernels",
	[V_SETTLE] = "more than one stays active",
	[V_ALONE] = "healthy, hears nobody, and is not active",
	[V_NOBODY] = "nobody is active at the end",
	[V_NEEDLESS] = "role moved away from a healthy active node",
	[V_LEASE] = "address outlives the lease of its advert",
	[V_TERM] = "term does not grow",
	[V_EPOCH_TWICE] = "service started twice in one epoch",
	[V_OLDER_WON] = "the lower epoch won",
	[V_NOT_SILENT] = "advert before a full down interval of listening",
	[V_NO_CLAIM] = "active without a whole claim",
	[V_RESIGN_EARLY] = "resigns while the address is in its kernel",
	[V_LATE_GO_NOW] = "obeyed a go-now that was read late",
	[V_PING_PONG] = "role moves although nothing happens",
	[V_SERVICE] = "service started without role or durable term",
	[V_ALARM] = "alarm stays on",
	[V_ENDS] = "the elector's process ends",
	[V_DATA_LOST] = "a committed generation is lost",
	[V_DATA_LOWER] = "a lower epoch went over a higher one",
	[V_DATA_TWICE] = "an epoch wrote one generation twice",
	[V_DATA_LIVE] = "live data overwritten before they were captured",
	[V_DATA_SERVICE] = "the service runs on data that are not its own",
	[V_DATA_BEHIND] = "the standby stays behind",
};

const char *
violation_name(enum violation v)
{
	return names[v];
}

static const char *const actions[ELECTION_LEFT + 1] = {
	[ELECTION_SEND] = "send",
	[ELECTION_HOLD] = "hold",
	[ELECTION_RENEW] = "renew",
	[ELECTION_RELEASE] = "release",
	[ELECTION_ANNOUNCE] = "announce",
	[ELECTION_KEEP_TERM] = "keep-term",
	[ELECTION_SERVICE] = "service",
	[ELECTION_ROLE] = "role",
	[ELECTION_REFUSED] = "refused",
	[ELECTION_LEFT] = "left",
};

/*
 * The transitions there are: some run has to show each, and none another.
 * The core's own table (election.c) is wider: home is anywhere there.
 */
static const struct {
	uint8_t		from, to;
} must[] = {
	{ STATE_INIT, STATE_STANDBY },
	{ STATE_INIT, STATE_FAULTED },
	{ STATE_INIT, STATE_MAINTENANCE },
	{ STATE_INIT, STATE_LEFT },
	{ STATE_STANDBY, STATE_INIT },
	{ STATE_STANDBY, STATE_CLAIM },
	{ STATE_STANDBY, STATE_MAINTENANCE },
	{ STATE_STANDBY, STATE_LEFT },
	{ STATE_CLAIM, STATE_INIT },
	{ STATE_CLAIM, STATE_STANDBY },
	{ STATE_CLAIM, STATE_ACTIVE },
	{ STATE_CLAIM, STATE_FAULTED },
	{ STATE_CLAIM, STATE_MAINTENANCE },
	{ STATE_CLAIM, STATE_LEFT },
	{ STATE_ACTIVE, STATE_STANDBY },
	{ STATE_ACTIVE, STATE_LEAVING },
	{ STATE_ACTIVE, STATE_RELEASING },
	{ STATE_LEAVING, STATE_STANDBY },
	{ STATE_LEAVING, STATE_RELEASING },
	{ STATE_LEAVING, STATE_FAULTED },
	{ STATE_LEAVING, STATE_MAINTENANCE },
	{ STATE_LEAVING, STATE_LEFT },
	{ STATE_RELEASING, STATE_INIT },
	{ STATE_RELEASING, STATE_STANDBY },
	{ STATE_RELEASING, STATE_FAULTED },
	{ STATE_RELEASING, STATE_MAINTENANCE },
	{ STATE_RELEASING, STATE_LEFT },
	{ STATE_FAULTED, STATE_INIT },
	{ STATE_FAULTED, STATE_STANDBY },
	{ STATE_FAULTED, STATE_CLAIM },
	{ STATE_FAULTED, STATE_MAINTENANCE },
	{ STATE_FAULTED, STATE_LEFT },
	{ STATE_MAINTENANCE, STATE_INIT },
	{ STATE_MAINTENANCE, STATE_STANDBY },
	{ STATE_MAINTENANCE, STATE_LEFT },
};

static bool
is_must(uint8_t from, uint8_t to)
{
	for (uint32_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (must[i].from == from && must[i].to == to)
			return true;
	return false;
}

static bool
report_edges(const struct stats *st, FILE *f)
{
	bool ok = true;

	for (uint8_t a = 0; a < STATE_COUNT; a++) {
		for (uint8_t b = 0; b < STATE_COUNT; b++) {
			const uint64_t n = st->edge[a][b];
			const bool known = is_must(a, b);

			if (n == 0 && !known)
				continue;
			fprintf(f, "  %-11s -> %-11s %12" PRIu64 "%s\n",
			    state_name((enum state)a),
			    state_name((enum state)b), n,
			    n == 0 ? "  MISSING" : known ? "" : "  UNKNOWN");
			ok = ok && n != 0 && known;
		}
	}
	return ok;
}

static bool
report_one(FILE *f, const char *name, uint64_t n)
{
	fprintf(f, " %s %" PRIu64 "%s", name, n, n == 0 ? " MISSING" : "");
	return n != 0;
}

static bool
report_names(const struct stats *st, FILE *f)
{
	bool ok = true;

	fprintf(f, "reasons:");
	for (int i = 1; i < REASON_COUNT; i++)
		ok = report_one(f, reason_name((enum reason)i),
		    st->reason[i]) && ok;
	fprintf(f, "\nactions:");
	for (int i = ELECTION_SEND; i <= ELECTION_LEFT; i++)
		ok = report_one(f, actions[i], st->action[i]) && ok;
	fprintf(f, "\nfaults:");
	for (int i = 1; i < FAULT_KINDS; i++)
		ok = report_one(f, fault_name((enum fault_kind)i),
		    st->fault[i]) && ok;
	fputc('\n', f);
	return ok;
}

/* Each event in each state that it can meet. */
static void
report_events(const struct stats *st, FILE *f)
{
	unsigned reached = 0;

	for (int s = 0; s < STATE_COUNT; s++)
		for (int e = EVENT_START; e < EVENT_TYPES; e++)
			reached += st->event[s][e] != 0;
	fprintf(f, "events met in states: %u of %u pairs\n", reached,
	    STATE_COUNT * (EVENT_TYPES - 1u));
}

bool
cover_report(const struct stats *st, FILE *f)
{
	bool ok = true;

	fprintf(f, "states:\n");
	for (int i = 0; i < STATE_COUNT; i++) {
		fprintf(f, "  %-11s %12" PRIu64 "%s\n",
		    state_name((enum state)i), st->state[i],
		    st->state[i] == 0 ? "  MISSING" : "");
		ok = ok && st->state[i] != 0;
	}
	fprintf(f, "transitions:\n");
	ok = report_edges(st, f) && ok;
	report_events(st, f);
	return report_names(st, f) && ok;
}
