/* SPDX-License-Identifier: ISC */

/*
 * vipctl sync: how the data travel just now, a copy at once, and the word of
 * an operator that a node may take over with what it has.
 */
#include <inttypes.h>
#include <string.h>

#include "ask.h"
#include "dataview.h"
#include "json.h"
#include "mirror/ship.h"
#include "problems.h"
#include "text.h"

#define ALLOW_NS	(5 * NS_PER_S)

static bool
connected(const struct sync_mirror_state *m)
{
	return m != NULL && m->ship != SHIP_DOWN &&
	    m->ship != SHIP_CONNECTING;
}

static const char *
partner_name(const struct view_pair *vp)
{
	const struct ctl_peer *peer = pair_partner(vp);

	return peer != NULL ? peer->name : "the partner";
}

/* "copying to beta: 40 MB of 120 MB, 12 MB/s, about 7s left" */
static void
state_text(const struct view_pair *vp, char *buf, size_t size)
{
	const struct sync_mirror_state *m = pair_mirror(vp);
	char done[24], total[24], rate[24], left[32], why[SYNC_TEXT_MAX + 2];
	const char *partner = partner_name(vp);

	if (m == NULL) {
		snprintf(buf, size, "not known: the mirror says nothing");
		return;
	}
	snprintf(why, sizeof(why), "%s%s", m->text[0] != '\0' ? ": " : "",
	    m->text);
	if (m->ship == SHIP_LEVEL)
		snprintf(buf, size, "level: %s has all", partner);
	else if (m->ship == SHIP_WATCHING)
		snprintf(buf, size, "standing by: %s ships to this node",
		    partner);
	else if (m->ship == SHIP_HELD)
		snprintf(buf, size, "held: %s takes nothing%s", partner, why);
	else if (m->ship != SHIP_COPYING)
		snprintf(buf, size, "no channel to %s%s", partner, why);
	else if (m->run_total == 0)
		snprintf(buf, size, "copying to %s", partner);
	else {
		bytes_text(m->run_done, done, sizeof(done));
		bytes_text(m->run_total, total, sizeof(total));
		bytes_text(m->rate, rate, sizeof(rate));
		age_text(m->rate == 0 || m->run_done > m->run_total ? -1 :
		    (int64_t)((m->run_total - m->run_done) / m->rate %
		    UINT32_MAX) * NS_PER_S, left, sizeof(left));
		snprintf(buf, size, "copying to %s: %s of %s, %s/s, about %s "
		    "left", partner, done, total, rate, left);
	}
}

/* "0.8 ms", "12 ms", "3.1 s" */
static void
short_text(int64_t ns, char *buf, size_t size)
{
	if (ns < 10 * NS_PER_MS)
		snprintf(buf, size, "%d.%d ms", (int)(ns / NS_PER_MS),
		    (int)(ns % NS_PER_MS / (100 * NS_PER_US)));
	else if (ns < NS_PER_S)
		snprintf(buf, size, "%d ms", (int)(ns / NS_PER_MS));
	else
		snprintf(buf, size, "%" PRId64 ".%d s", ns / NS_PER_S,
		    (int)(ns % NS_PER_S / (100 * NS_PER_MS)));
}

static void
mirror_lines(FILE *f, const struct view_pair *vp)
{
	const struct sync_mirror_state *m = pair_mirror(vp);
	char age[32], size[24], trip[24];

	if (m == NULL)
		return;
	if (m->generation != 0) {
		bytes_text(m->bytes, size, sizeof(size));
		age_text(data_made_ns(vp), age, sizeof(age));
		fprintf(f, "  newest here    generation %" PRIu64 ", made %s "
		    "ago, %" PRIu64 " entries, %s\n", m->generation, age,
		    m->entries, size);
	}
	age_text(data_verified_ns(vp), age, sizeof(age));
	if (m->writes != 0 && m->acked != 0)
		fprintf(f, "  newest there   generation %" PRIu64
		    ", verified%s%s%s\n", m->acked,
		    data_verified_ns(vp) < 0 ? "" : " ",
		    data_verified_ns(vp) < 0 ? "" : age,
		    data_verified_ns(vp) < 0 ? "" : " ago");
	else if (m->partner_generation != 0)
		fprintf(f, "  newest there   generation %" PRIu64
		    ", as %s says\n", m->partner_generation,
		    partner_name(vp));
	age_text(syncview_age(vp->sync, m->heard_ns), age, sizeof(age));
	short_text(m->round_trip_ns, trip, sizeof(trip));
	if (m->heard_ns > 0)
		fprintf(f, "  channel        heard %s ago%s%s\n", age,
		    m->round_trip_ns > 0 ? ", round trip " : "",
		    m->round_trip_ns > 0 ? trip : "");
	short_text(m->last_lag_ns, trip, sizeof(trip));
	if (m->last_lag_ns > 0)
		fprintf(f, "  last change    %s from made to acknowledged, "
		    "%" PRIu64 " since the start\n", trip, m->changes);
	age_text(data_lag_ns(vp), age, sizeof(age));
	if (data_lag_ns(vp) > 0)
		fprintf(f, "  behind         %s lacks what was made %s ago\n",
		    partner_name(vp), age);
}

static void
capture_lines(FILE *f, const struct view_pair *vp)
{
	const struct sync_capture_state *c = pair_capture(vp);
	const struct sync_mirror_state *m = pair_mirror(vp);
	char age[32], used[24], limit[24], disk[24], there[24];

	if (c == NULL)
		return;
	age_text(syncview_age(vp->sync, c->passed_ns), age, sizeof(age));
	if (c->writing != 0)
		fprintf(f, "  capture        last whole pass %s ago, %" PRIu64
		    " paths, %" PRIu64 " directories watched\n", age,
		    c->nodes, c->watches);
	else
		fprintf(f, "  capture        rests: this node is not active%s"
		    "\n", c->settled != 0 ? "" : ", what is live is not "
		    "captured yet");
	bytes_text(c->store_bytes, used, sizeof(used));
	bytes_text(c->store_limit, limit, sizeof(limit));
	bytes_text(c->disk_free, disk, sizeof(disk));
	/* Zeros say that nobody has counted yet. */
	if (c->store_limit != 0 && c->disk_free != 0)
		fprintf(f, "  store          %s of %s, %s free on the disk\n",
		    used, limit, disk);
	if (m != NULL && m->partner_free != 0) {
		bytes_text(m->partner_free, there, sizeof(there));
		fprintf(f, "  room there     %s\n", there);
	}
	if (c->branches != 0)
		fprintf(f, "  branches       %u parked: 'vipctl diverged'\n",
		    c->branches);
}

/* Everything that the capture names, one by one. */
static void
fault_lines(FILE *f, const struct view_pair *vp, int columns)
{
	const struct sync_capture_state *c = pair_capture(vp);
	char text[SYNCVIEW_TEXT_MAX];
	uint32_t i;

	for (i = 0; c != NULL && i < c->nproblems; i++) {
		fputs(c->problem[i].holds != 0 ? "  held back by   " :
		    "  note           ", f);
		fault_text(&c->problem[i], text, sizeof(text));
		text_wrap(f, text, columns, 17);
		fault_fix(&c->problem[i], text, sizeof(text));
		if (text[0] != '\0') {
			fputs("                 to do: ", f);
			text_wrap(f, text, columns, 24);
		}
	}
}

static void
problem_lines(FILE *f, const struct view_pair *vp, int columns)
{
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];
	uint32_t i, number;

	for (i = 0; i < vp->nproblems; i++) {
		number = vp->problem[i].number;
		if (!problem_is_data(number))
			continue;
		problem_id(number, id);
		fprintf(f, "%s  ", id);
		problem_write_text(vp, &vp->problem[i], text, sizeof(text));
		text_wrap(f, text, columns, 5);
		fputs("     to do: ", f);
		problem_write_fix(vp, &vp->problem[i], text, sizeof(text));
		text_wrap(f, text, columns, 12);
	}
}

static void
pair_text(struct vipctl *v, const struct view_pair *vp)
{
	char text[SYNCVIEW_TEXT_MAX + 128];

	state_text(vp, text, sizeof(text));
	text_clean(text);
	fprintf(v->out, "%s  ", vp->p.name);
	text_wrap(v->out, text, v->columns, (int)strlen(vp->p.name) + 2);
	mirror_lines(v->out, vp);
	capture_lines(v->out, vp);
	fault_lines(v->out, vp, v->columns);
	problem_lines(v->out, vp, v->columns);
}

static void
mirror_json(struct json *j, const struct view_pair *vp)
{
	const struct sync_mirror_state *m = pair_mirror(vp);
	int64_t trip = m != NULL && m->round_trip_ns > 0 ? m->round_trip_ns :
	    CTL_AGE_UNKNOWN;
	uint64_t bytes;

	json_string(j, "state", m != NULL ? ship_state_word(m->ship) : NULL);
	json_string(j, "id", m != NULL && m->id[0] != '\0' ? m->id : NULL);
	json_string(j, "text", m != NULL && m->text[0] != '\0' ? m->text :
	    NULL);
	json_bool(j, "ships", m != NULL && m->writes != 0);
	json_seconds(j, "made_s", data_made_ns(vp));
	json_seconds(j, "partner_verified_s", data_verified_ns(vp));
	json_seconds(j, "lag_s", data_lag_ns(vp));
	if (data_lag_bytes(vp, &bytes))
		json_uint(j, "lag_bytes", bytes);
	else
		json_null(j, "lag_bytes");
	json_seconds(j, "round_trip_s", trip);
	json_seconds(j, "last_lag_s", m != NULL && m->last_lag_ns > 0 ?
	    m->last_lag_ns : CTL_AGE_UNKNOWN);
	json_seconds(j, "heard_s", m != NULL ? syncview_age(vp->sync,
	    m->heard_ns) : CTL_AGE_UNKNOWN);
	if (m == NULL)
		return;
	json_uint(j, "generation", m->generation);
	json_uint(j, "bytes", m->bytes);
	json_uint(j, "entries", m->entries);
	json_uint(j, "partner_generation", m->writes != 0 ? m->acked :
	    m->partner_generation);
	json_uint(j, "run_total", m->run_total);
	json_uint(j, "run_done", m->run_done);
	json_uint(j, "rate", m->rate);
	json_uint(j, "changes", m->changes);
}

static void
capture_json(struct json *j, const struct view_pair *vp)
{
	const struct sync_capture_state *c = pair_capture(vp);
	char text[SYNCVIEW_TEXT_MAX];
	uint32_t i;

	if (c == NULL) {
		json_null(j, "capture");
		return;
	}
	json_open(j, "capture");
	json_bool(j, "writing", c->writing != 0);
	json_bool(j, "settled", c->settled != 0);
	json_seconds(j, "passed_s", syncview_age(vp->sync, c->passed_ns));
	json_seconds(j, "held_s", syncview_age(vp->sync, c->held_since_ns));
	json_uint(j, "paths", c->nodes);
	json_uint(j, "watches", c->watches);
	json_uint(j, "store_bytes", c->store_bytes);
	json_uint(j, "store_limit", c->store_limit);
	json_uint(j, "disk_free", c->disk_free);
	json_uint(j, "branches", c->branches);
	json_seconds(j, "scrubbed_s", syncview_age(vp->sync,
	    c->scrubbed_ns));
	json_open_array(j, "faults");
	for (i = 0; i < c->nproblems; i++) {
		json_open(j, NULL);
		json_string(j, "path", c->problem[i].path);
		json_bool(j, "holds", c->problem[i].holds != 0);
		fault_text(&c->problem[i], text, sizeof(text));
		json_string(j, "text", text);
		fault_fix(&c->problem[i], text, sizeof(text));
		json_string(j, "fix", text);
		json_close(j);
	}
	json_close_array(j);
	json_close(j);
}

static void
problems_json(struct json *j, const struct view_pair *vp)
{
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];
	uint32_t i;

	json_open_array(j, "problems");
	for (i = 0; i < vp->nproblems; i++) {
		if (!problem_is_data(vp->problem[i].number))
			continue;
		problem_id(vp->problem[i].number, id);
		json_open(j, NULL);
		json_string(j, "id", id);
		problem_write_text(vp, &vp->problem[i], text, sizeof(text));
		json_string(j, "text", text);
		problem_write_fix(vp, &vp->problem[i], text, sizeof(text));
		json_string(j, "fix", text);
		json_close(j);
	}
	json_close_array(j);
}

static int
sync_status(struct vipctl *v, const struct view *w,
    const struct view_pair *only)
{
	const struct view_pair *vp;
	struct json j;
	size_t i, n = 0;

	json_init(&j, v->out);
	if (v->json) {
		json_open(&j, NULL);
		json_int(&j, "schema", 1);
		json_open_array(&j, "pairs");
	}
	for (i = 0; i < w->npairs; i++) {
		vp = &w->pair[i];
		if (!vp->has_data || (only != NULL && vp != only))
			continue;
		if (v->json) {
			json_open(&j, NULL);
			json_string(&j, "name", vp->p.name);
			json_string(&j, "partner", partner_name(vp));
			mirror_json(&j, vp);
			capture_json(&j, vp);
			problems_json(&j, vp);
			json_close(&j);
		} else {
			fputs(n > 0 ? "\n" : "", v->out);
			pair_text(v, vp);
		}
		n++;
	}
	if (v->json) {
		json_close_array(&j);
		json_close(&j);
		json_end_line(&j);
	}
	if (n > 0)
		return EXIT_DONE;
	complain(v, "no pair has a sync block: no data are copied");
	return EXIT_REFUSED;
}

/* Waits until the partner has it.  NULL when it has, else why not. */
static const char *
wait_acked(struct vipctl *v, const struct view_pair *vp, uint64_t generation,
    mono_t deadline, struct sync_view *sv)
{
	mono_t patience = mono_after(mono_now(), 3 * NS_PER_S);

	for (;;) {
		syncview_read(sv, v->run_dir, vp->p.name);
		if (!sv->mirror_known)
			return "the mirror says nothing";
		if (sv->mirror.acked >= generation && generation != 0)
			return NULL;
		/* A channel may just be coming up, a refusal just passing. */
		if (mono_reached(mono_now(), patience)) {
			if (!connected(&sv->mirror))
				return "no channel to it";
			if (sv->mirror.ship == SHIP_HELD)
				return "it takes nothing just now";
		}
		if (mono_reached(mono_now(), deadline))
			return "it did not confirm it in time";
		ask_nap();
	}
}

static void
now_report(struct vipctl *v, const struct view_pair *vp, mono_t begun,
    uint64_t old, uint64_t generation, bool acked)
{
	int64_t took = mono_span_ns(begun, mono_now());
	char span[24];
	struct json j;

	if (v->json) {
		json_init(&j, v->out);
		json_open(&j, NULL);
		json_string(&j, "pair", vp->p.name);
		json_uint(&j, "generation", generation);
		json_bool(&j, "new", generation > old);
		json_bool(&j, "acknowledged", acked);
		json_seconds(&j, "took_s", took);
		json_close(&j);
		json_end_line(&j);
	} else if (acked) {
		seconds_text(took, span, sizeof(span));
		fprintf(v->out, "%s: %s has generation %" PRIu64 ", complete "
		    "and verified (%s, %s s)\n", vp->p.name,
		    partner_name(vp), generation, generation > old ?
		    "new" : "nothing had changed", span);
	}
}

static int
sync_now(struct vipctl *v, const struct view *w, const struct view_pair *vp,
    int64_t timeout_ns)
{
	const mono_t begun = mono_now();
	const mono_t deadline = mono_after(begun, timeout_ns);
	const struct ctl_peer *active = pair_other_active(vp);
	uint64_t old = vp->data.data.generation, generation;
	struct sync_view sv;
	const char *why;
	int code;

	if (vp->p.role != ROLE_ACTIVE) {
		complain(v, "refused: the active node ships, and this one is "
		    "not it; ask on %s", active != NULL ? active->name :
		    "the active node");
		return EXIT_REFUSED;
	}
	code = ask_capture(v, w, vp, ASK_SYNC, 0, 0, deadline, &sv);
	if (code != EXIT_DONE)
		return code;
	generation = sv.capture.generation;
	if (generation == 0)
		generation = old;
	why = wait_acked(v, vp, generation, deadline, &sv);
	now_report(v, vp, begun, old, generation, why == NULL);
	if (why == NULL)
		return EXIT_DONE;
	complain(v, "generation %" PRIu64 " holds all, but %s does not have "
	    "it: %s; 'vipctl sync status' tells more", generation,
	    partner_name(vp), why);
	return EXIT_TRY_AGAIN;
}

/* Waits until the node counts as ready. */
static int
wait_allowed(struct vipctl *v, const char *pair)
{
	mono_t deadline = mono_after(mono_now(), ALLOW_NS);
	const struct view_pair *vp;
	bool ready = false;
	struct view w;
	char why[256];

	while (!ready && !mono_reached(mono_now(), deadline)) {
		if (view_load(&w, v, why, sizeof(why)) == EXIT_DONE) {
			vp = view_pick_data(&w, v, pair);
			ready = vp != NULL && vp->data.data.ready != 0;
			view_free(&w);
		}
		if (!ready)
			ask_nap();
	}
	if (!ready) {
		complain(v, "it was asked for, but this node is not ready "
		    "yet; 'vipctl status' tells why");
		return EXIT_TRY_AGAIN;
	}
	if (!v->json)
		fputs("this node may take over with the data it has\n"
		    "next: 'vipctl status'\n", v->out);
	return EXIT_DONE;
}

static int
sync_allow(struct vipctl *v, const struct view *w,
    const struct view_pair *vp, bool yes)
{
	char text[64];
	int code;

	if (data_known(vp) && vp->data.data.ready != 0) {
		if (!v->json)
			fputs("nothing to do: this node may take over as it "
			    "is\n", v->out);
		return EXIT_DONE;
	}
	data_self_text(vp, text, sizeof(text));
	if (!yes) {
		fprintf(v->json ? stderr : v->out, "This node may take over "
		    "with the data it has: %s. What the other node wrote\n"
		    "and this one lacks is then not served, and becomes a "
		    "branch when that node returns.\n", text);
		if (!ask_typed(v, "ALLOW"))
			return EXIT_REFUSED;
	}
	code = ask_data(v, w, vp, ASK_ALLOW, 0, 0, 0);
	return code == EXIT_DONE ? wait_allowed(v, vp->p.name) : code;
}

int
cmd_sync(struct vipctl *v, int argc, char **argv)
{
	int64_t timeout_ns = ASK_TIMEOUT_NS;
	const struct view_pair *vp = NULL;
	const char *verb, *name;
	bool yes = false;
	const struct option_word words[] = {
		{ "--timeout", OPTION_DURATION, &timeout_ns },
		{ "--yes", OPTION_FLAG, &yes },
		{ NULL, 0, NULL },
	};
	struct view w;
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	verb = n > 0 ? argv[1] : "";
	if (n < 1 || n > 2 || (strcmp(verb, "status") != 0 &&
	    strcmp(verb, "now") != 0 && strcmp(verb, "allow") != 0))
		return usage_error(v, argv[0], "status, now or allow?");
	if (yes && strcmp(verb, "allow") != 0)
		return usage_error(v, argv[0], "--yes goes with allow");
	name = n == 2 ? argv[2] : NULL;
	code = view_get(&w, v);
	if (code != EXIT_DONE)
		return code;
	if (name != NULL || *verb != 's')
		vp = view_pick_data(&w, v, name);
	if (vp == NULL && (name != NULL || *verb != 's'))
		code = EXIT_REFUSED;
	else if (*verb == 's')
		code = sync_status(v, &w, vp);
	else if (*verb == 'n')
		code = sync_now(v, &w, vp, timeout_ns);
	else
		code = sync_allow(v, &w, vp, yes);
	view_free(&w);
	return code;
}
