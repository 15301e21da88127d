/* SPDX-License-Identifier: ISC */

/*
 * vipctl why and vipctl history: how the present came about.
 */
#include <stdlib.h>
#include <string.h>

#include "dataview.h"
#include "mono.h"
#include "past.h"
#include "problems.h"
#include "text.h"
#include "view.h"

#define CHANGE_NS	(50 * NS_PER_MS)

static void
write_events(FILE *f, const struct view_pair *vp, const struct events *ev,
    size_t from, size_t to)
{
	char when[48], text[EVENT_TEXT_MAX];
	size_t i;

	for (i = from; i < to; i++) {
		clock_text(ev->e[i].wall_ns, true, when, sizeof(when));
		event_text(vp, &ev->e[i], text, sizeof(text));
		fprintf(f, "  %s  %s\n", when, text);
	}
}

/* What the data have to do with it: a step under way, what is wrong. */
static void
write_data(FILE *f, const struct view_pair *vp)
{
	const char *step = data_step_text(vp);
	const struct problem_text *t;
	char text[PROBLEM_TEXT_MAX], took[24];
	uint32_t i;

	if (!vp->has_data)
		return;
	data_self_text(vp, text, sizeof(text));
	fprintf(f, "Data here: %s", text);
	if (vp->data.load_took_ms != UINT32_MAX) {
		seconds_text(vp->data.load_took_ms * NS_PER_MS, took,
		    sizeof(took));
		fprintf(f, "; the last load took %s s", took);
	}
	fputs(".\n", f);
	if (step != NULL)
		fprintf(f, "Just now this node %s.\n", step);
	for (i = 0; i < vp->nproblems; i++) {
		t = problem_find(vp->problem[i].number);
		if (t == NULL || !problem_is_data(t->number))
			continue;
		problem_write_text(vp, &vp->problem[i], text, sizeof(text));
		fprintf(f, "%c%02u: %s.\n", t->letter, t->number, text);
	}
}

/* "alpha is active for 12d 4h, term 7: nothing was heard ..." */
static void
write_present(FILE *f, const struct view_pair *vp)
{
	const struct ctl_peer *self = pair_self(vp);
	char age[32];

	age_text(vp->p.since_ns, age, sizeof(age));
	fprintf(f, "%s: %s is %s for %s, term %u", vp->p.name,
	    self != NULL ? self->name : "this node",
	    vp->p.role < ROLE_COUNT ? role_name((enum role)vp->p.role) :
	    "unknown", age, vp->p.term);
	if (vp->p.reason > REASON_NONE && vp->p.reason < REASON_COUNT)
		fprintf(f, ": %s", reason_text((enum reason)vp->p.reason));
	fputs(".\n", f);
}

void
why_text(FILE *f, const struct view_pair *vp, const struct events *ev)
{
	size_t first = events_chain_start(ev);
	size_t last = events_last_change(ev);
	size_t since = last == ev->n ? ev->n : last + 1;

	/* What the change itself brought with it belongs to it. */
	while (since < ev->n && ev->e[since].wall_ns - ev->e[last].wall_ns <
	    CHANGE_NS)
		since++;
	write_present(f, vp);
	write_data(f, vp);
	if (ev->n == 0) {
		fputs("Nothing happened since the daemon started; what was "
		    "before is in 'vipctl history'.\n", f);
		return;
	}
	fputs("\nHow it came about:\n", f);
	write_events(f, vp, ev, first, since);
	if (since == ev->n)
		return;
	fputs("\nSince then:\n", f);
	write_events(f, vp, ev, since, ev->n);
}

void
why_json(FILE *f, const struct view *w, const struct view_pair *vp,
    const struct events *ev)
{
	const struct ctl_peer *self = pair_self(vp);
	struct json j;
	size_t i;

	json_init(&j, f);
	json_open(&j, NULL);
	json_int(&j, "schema", 1);
	json_string(&j, "pair", vp->p.name);
	json_string(&j, "node", self != NULL ? self->name : NULL);
	json_string(&j, "role", vp->p.role < ROLE_COUNT ?
	    role_name((enum role)vp->p.role) : NULL);
	json_time(&j, "since", vp->p.since_ns < 0 ? 0 :
	    w->wall_ns - vp->p.since_ns);
	json_uint(&j, "term", vp->p.term);
	json_string(&j, "reason", vp->p.reason < REASON_COUNT ?
	    reason_name((enum reason)vp->p.reason) : NULL);
	json_string(&j, "text", vp->p.reason < REASON_COUNT ?
	    reason_text((enum reason)vp->p.reason) : NULL);
	json_string(&j, "step", data_step_text(vp));
	json_open_array(&j, "events");
	for (i = events_chain_start(ev); i < ev->n; i++)
		event_json(&j, vp, &ev->e[i]);
	json_close_array(&j);
	json_close(&j);
	json_end_line(&j);
}

/* The pair of the only operand, from a fresh view. */
static int
pick(struct vipctl *v, int argc, char **argv, struct view *w,
    const struct view_pair **vp)
{
	int n, code;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one pair at a time");
	code = view_get(w, v);
	if (code != EXIT_DONE)
		return code;
	*vp = view_pick(w, v, n == 1 ? argv[1] : NULL);
	if (*vp != NULL)
		return EXIT_DONE;
	view_free(w);
	return EXIT_REFUSED;
}

int
cmd_why(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *vp = NULL;
	struct events *ev;
	struct view w;
	int code;

	view_init(&w, 0);
	code = pick(v, argc, argv, &w, &vp);
	if (vp == NULL)
		return code;
	ev = calloc(1, sizeof(*ev));
	if (ev == NULL) {
		complain(v, "out of memory");
		code = EXIT_REFUSED;
	} else
		code = events_get(v, view_index(&w, vp), ev);
	if (code == EXIT_DONE && v->json)
		why_json(v->out, &w, vp, ev);
	else if (code == EXIT_DONE)
		why_text(v->out, vp, ev);
	free(ev);
	view_free(&w);
	return code;
}

/* A node of the pair by its index, this one included. */
static const char *
node_name(const struct view_pair *vp, unsigned node)
{
	uint32_t i;

	for (i = 0; i < vp->npeers; i++)
		if (vp->peer[i].node == node)
			return vp->peer[i].name;
	return NULL;
}

static const char *
or_dash(const char *s)
{
	return s != NULL ? s : "-";
}

void
history_line(FILE *f, const struct view_pair *vp,
    const struct msg_keep_history *h)
{
	char when[48], outage[32] = "-", change[40], data[32] = "-";

	clock_text(h->wall_s * NS_PER_S, true, when, sizeof(when));
	when[strcspn(when, ".")] = '\0';
	if (h->outage_ms != UINT32_MAX)
		age_text(h->outage_ms * NS_PER_MS, outage, sizeof(outage));
	if (h->outage_ms < 1000)
		snprintf(outage, sizeof(outage), "%ums", h->outage_ms);
	if (h->data_age_ms != UINT32_MAX)
		age_text(h->data_age_ms * NS_PER_MS, data, sizeof(data));
	snprintf(change, sizeof(change), "%s -> %s",
	    h->old_role < ROLE_COUNT ? role_name(h->old_role) : "?",
	    h->new_role < ROLE_COUNT ? role_name(h->new_role) : "?");
	fprintf(f, "%6u  %-19s  %-10s %-10s %-24s %-8s %-8s %s\n", h->term,
	    when,
	    or_dash(node_name(vp, h->from_node)),
	    or_dash(node_name(vp, h->to_node)), change, outage,
	    data, h->reason < REASON_COUNT ? reason_text((enum reason)h->reason) :
	    "unknown");
}

void
history_json(struct json *j, const struct view_pair *vp,
    const struct msg_keep_history *h)
{
	json_open(j, NULL);
	json_uint(j, "term", h->term);
	json_time(j, "time", h->wall_s * NS_PER_S);
	json_string(j, "from", node_name(vp, h->from_node));
	json_string(j, "to", node_name(vp, h->to_node));
	json_string(j, "old_role", h->old_role < ROLE_COUNT ?
	    role_name(h->old_role) : NULL);
	json_string(j, "new_role", h->new_role < ROLE_COUNT ?
	    role_name(h->new_role) : NULL);
	json_string(j, "reason", h->reason < REASON_COUNT ?
	    reason_name((enum reason)h->reason) : NULL);
	json_seconds(j, "outage_s", h->outage_ms == UINT32_MAX ?
	    CTL_AGE_UNKNOWN : h->outage_ms * NS_PER_MS);
	json_seconds(j, "data_age_s", h->data_age_ms == UINT32_MAX ?
	    CTL_AGE_UNKNOWN : h->data_age_ms * NS_PER_MS);
	json_close(j);
}

/* Reads the records and shows each as it comes, oldest first. */
static int
history_read(struct vipctl *v, struct client *c, const struct view_pair *vp,
    struct json *j)
{
	enum client_result res;
	union ctl_any r;

	while ((res = client_next(c, &r, CLIENT_TIMEOUT_MS)) ==
	    CLIENT_RECORD) {
		if (r.head.type == CTL_RESULT && r.result.code != CTL_OK)
			return client_refused(v, &r.result);
		if (r.head.type != CTL_HISTORY ||
		    r.head.pair != vp->p.head.pair)
			continue;
		if (v->json)
			history_json(j, vp, &r.history.entry);
		else
			history_line(v->out, vp, &r.history.entry);
	}
	return res == CLIENT_END ? EXIT_DONE : client_failed(c, v, res);
}

int
cmd_history(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *vp = NULL;
	struct client c;
	struct json j;
	struct view w;
	int code;

	view_init(&w, 0);
	code = pick(v, argc, argv, &w, &vp);
	if (vp == NULL)
		return code;
	code = client_begin(&c, v, CTL_STATUS, CTL_GET_HISTORY,
	    view_index(&w, vp));
	if (code == EXIT_DONE) {
		json_init(&j, v->out);
		if (v->json)
			json_open_array(&j, NULL);
		else
			fprintf(v->out, "%6s  %-19s  %-10s %-10s %-24s %-8s "
			    "%-8s %s\n", "TERM", "WHEN", "FROM", "TO",
			    "THIS NODE", "OUTAGE", "DATA", "WHY");
		code = history_read(v, &c, vp, &j);
		if (v->json) {
			json_close_array(&j);
			json_end_line(&j);
		}
		client_close(&c);
	}
	view_free(&w);
	return code;
}
