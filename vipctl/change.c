/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the commands that change something: handover, failback and
 * maintenance.  They go over control.sock; what became of it is read back
 * over status.sock, never assumed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "events.h"
#include "json.h"
#include "mono.h"
#include "text.h"
#include "view.h"

#define HANDOVER_STEP_NS	(5 * NS_PER_MS)
#define HANDOVER_TIMEOUT_NS	(120 * NS_PER_S)

/* What is seen of a handover, in boot time. */
struct handover {
	mono_t	begun;
	mono_t	released;	/* the address went off here */
	mono_t	taken;		/* first advert of the new active one */
	char	by[CONF_NAME_MAX + 1];
	uint32_t term;		/* before, then the new one's */
	bool	back;		/* nobody took it: this node did again */
	bool	here;		/* asked on the standby: comes to this node */
	int64_t	outage_ns;	/* here: as this node measured it */
};

/* When the address went, from the elector's own event. */
static void
find_release(struct vipctl *v, uint16_t pair, struct handover *h)
{
	struct events *ev = calloc(1, sizeof(*ev));
	mono_t now, at;
	size_t i;

	if (ev == NULL)
		return;
	now = mono_now();
	if (events_get(v, pair, ev) != EXIT_DONE)
		ev->n = 0;
	for (i = 0; i < ev->n; i++) {
		if (ev->e[i].kind != CTL_EVENT_ADDR || ev->e[i].new_ != 0)
			continue;
		at = mono_after(now, -ev->e[i].age_ns);
		if (mono_span_ns(h->begun, at) >= 0)
			h->released = at;
	}
	free(ev);
}

/* True when the history has the entry of this takeover. */
static bool
read_outage(struct vipctl *v, uint16_t pair, struct handover *h)
{
	enum client_result res;
	union ctl_any r;
	struct client c;

	if (client_begin(&c, v, CTL_STATUS, CTL_GET_HISTORY, pair) !=
	    EXIT_DONE)
		return true;
	while ((res = client_next(&c, &r, CLIENT_TIMEOUT_MS)) ==
	    CLIENT_RECORD)
		if (r.head.type == CTL_HISTORY && r.head.pair == pair &&
		    r.history.entry.term == h->term &&
		    r.history.entry.new_role == ROLE_ACTIVE &&
		    r.history.entry.outage_ms != UINT32_MAX)
			h->outage_ns = r.history.entry.outage_ms * NS_PER_MS;
	client_close(&c);
	return res != CLIENT_END || h->outage_ns >= 0;
}

/*
 * Asked for on the standby: this node took over.  Its own history has the
 * outage, as it measured it, a moment later.
 */
static void
find_outage(struct vipctl *v, uint16_t pair, struct handover *h)
{
	mono_t deadline = mono_after(mono_now(), NS_PER_S);

	while (!read_outage(v, pair, h) &&
	    !mono_reached(mono_now(), deadline))
		ask_nap();
}

/* True when this node, asked on the standby, is the active one now. */
static bool
took_over(const struct view_pair *vp, struct handover *h)
{
	const struct ctl_peer *self = pair_self(vp);

	if (vp->p.role != ROLE_ACTIVE || vp->p.term <= h->term)
		return false;
	h->taken = mono_after(mono_now(), -vp->p.since_ns);
	h->term = vp->p.term;
	strcpy(h->by, self != NULL ? self->name : "this node");
	return true;
}

/* One look; true when somebody is active again. */
static bool
look(struct vipctl *v, const char *name, struct handover *h, int *code)
{
	const struct ctl_peer *active;
	const struct view_pair *vp;
	struct view w;
	char why[256];
	bool done = false;
	mono_t now;
	size_t i;

	*code = view_load(&w, v, why, sizeof(why));
	now = mono_now();
	if (*code != EXIT_DONE) {
		complain(v, "%s", why);
		return false;
	}
	for (i = 0; i < w.npairs; i++) {
		vp = &w.pair[i];
		active = pair_other_active(vp);
		if (strcmp(vp->p.name, name) != 0)
			continue;
		if (h->here) {
			done = took_over(vp, h);
			continue;
		}
		h->back = vp->p.role == ROLE_ACTIVE && vp->p.term > h->term;
		done = h->back;
		if (active == NULL || vp->p.role == ROLE_ACTIVE)
			continue;
		h->taken = mono_after(now, -active->heard_ns);
		/* An advert from before, as of a claim, takes nothing over. */
		if (mono_span_ns(h->begun, h->taken) < 0)
			continue;
		h->term = vp->p.term;
		strcpy(h->by, active->name);
		done = true;
	}
	view_free(&w);
	return done;
}

static void
report(struct vipctl *v, const char *pair, const struct handover *h)
{
	int64_t gap = h->outage_ns;
	struct json j;

	if (mono_is_set(h->released)) {
		gap = mono_span_ns(h->released, h->taken);
		gap = gap < 0 ? 0 : gap;
	}
	if (v->json) {
		json_init(&j, v->out);
		json_open(&j, NULL);
		json_string(&j, "pair", pair);
		json_string(&j, "active", h->by);
		json_uint(&j, "term", h->term);
		json_seconds(&j, "outage_s", gap);
		json_seconds(&j, "took_s", mono_span_ns(h->begun, h->taken));
		json_close(&j);
		json_end_line(&j);
		return;
	}
	fprintf(v->out, "%s is active (term %u)", h->by, h->term);
	if (gap >= 0)
		fprintf(v->out, "; the address was without an owner for "
		    "about %d.%d ms\n(%s%s)", (int)(gap / NS_PER_MS),
		    (int)(gap % NS_PER_MS / (100 * NS_PER_US)),
		    h->here ? "as measured by " :
		    "from its release here to the first advert of ", h->by);
	fprintf(v->out, "\nnext: 'vipctl status', or 'vipctl handover' to go "
	    "back\n");
}

static int
handover(struct vipctl *v, const struct view *w, const struct view_pair *vp,
    int64_t timeout_ns)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = CTL_HANDOVER,
		.pair = view_index(w, vp),
	};
	const struct timespec step = { .tv_nsec = HANDOVER_STEP_NS };
	struct handover h = { .begun = mono_now(), .term = vp->p.term,
	    .here = vp->p.role != ROLE_ACTIVE,
	    .outage_ns = CTL_AGE_UNKNOWN };
	mono_t deadline = mono_after(h.begun, timeout_ns);
	int code;

	code = ask_change(v, vp, &rq);
	if (code != EXIT_DONE)
		return code;
	while (!look(v, vp->p.name, &h, &code)) {
		if (code != EXIT_DONE)
			return code;
		if (mono_reached(mono_now(), deadline)) {
			complain(v, "%s in time; 'vipctl why' on both nodes "
			    "tells what happened", h.here ? "this node did "
			    "not become active" :
			    "no other node became active");
			return EXIT_REFUSED;
		}
		nanosleep(&step, NULL);
	}
	if (h.back) {
		complain(v, "nobody took over, and this node is active again; "
		    "'vipctl status' on the partner tells why");
		return EXIT_REFUSED;
	}
	if (h.here)
		find_outage(v, rq.pair, &h);
	else
		find_release(v, rq.pair, &h);
	report(v, vp->p.name, &h);
	return EXIT_DONE;
}

/* Options and the pair of handover and failback. */
static int
begin(struct vipctl *v, int argc, char **argv, struct view *w,
    const struct view_pair **vp, int64_t *timeout_ns)
{
	const struct option_word words[] = {
		{ "--timeout", OPTION_DURATION, timeout_ns },
		{ NULL, 0, NULL },
	};
	int n, code;

	*timeout_ns = HANDOVER_TIMEOUT_NS;
	n = args_parse(v, argc, argv, words, &code);
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
cmd_handover(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *vp = NULL;
	int64_t timeout_ns;
	struct view w;
	int code;

	code = begin(v, argc, argv, &w, &vp, &timeout_ns);
	if (vp == NULL)
		return code;
	code = handover(v, &w, vp, timeout_ns);
	view_free(&w);
	return code;
}

static const struct ctl_peer *
preferred(const struct view_pair *vp)
{
	uint32_t i;

	for (i = 0; i < vp->npeers; i++)
		if (vp->peer[i].prefer != 0)
			return &vp->peer[i];
	return NULL;
}

static void
already_json(struct vipctl *v, const struct view_pair *vp,
    const struct ctl_peer *active)
{
	struct json j;

	json_init(&j, v->out);
	json_open(&j, NULL);
	json_string(&j, "pair", vp->p.name);
	json_string(&j, "active", active->name);
	json_uint(&j, "term", vp->p.term);
	json_null(&j, "outage_s");
	json_seconds(&j, "took_s", 0);
	json_close(&j);
	json_end_line(&j);
}

static int
failback(struct vipctl *v, const struct view *w, const struct view_pair *vp,
    int64_t timeout_ns)
{
	const struct ctl_peer *best = preferred(vp);
	const struct ctl_peer *active = vp->p.role == ROLE_ACTIVE ?
	    pair_self(vp) : pair_other_active(vp);

	if (best == NULL) {
		complain(v, "refused: no node of pair %s is marked 'prefer'; "
		    "use 'vipctl handover'", vp->p.name);
		return EXIT_REFUSED;
	}
	if (active == best) {
		if (v->json)
			already_json(v, vp, best);
		else
			fprintf(v->out, "nothing to do: %s, the preferred "
			    "node, is active\n", best->name);
		return EXIT_DONE;
	}
	return handover(v, w, vp, timeout_ns);
}

int
cmd_failback(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *vp = NULL;
	int64_t timeout_ns;
	struct view w;
	int code;

	code = begin(v, argc, argv, &w, &vp, &timeout_ns);
	if (vp == NULL)
		return code;
	code = failback(v, &w, vp, timeout_ns);
	view_free(&w);
	return code;
}

/* The pair's index by name; CTL_PAIR_ALL without one. */
static int
pair_index(struct vipctl *v, const char *name, uint16_t *pair)
{
	const struct view_pair *vp;
	struct view w;
	int code;

	*pair = CTL_PAIR_ALL;
	if (name == NULL)
		return EXIT_DONE;
	code = view_get(&w, v);
	if (code != EXIT_DONE)
		return code;
	vp = view_pick(&w, v, name);
	if (vp != NULL)
		*pair = view_index(&w, vp);
	view_free(&w);
	return vp != NULL ? EXIT_DONE : EXIT_REFUSED;
}

static int
maintenance(struct vipctl *v, bool on, int64_t for_ns, const char *reason,
    const char *name)
{
	struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = CTL_MAINTENANCE,
		.arg = { on, for_ns > 0 ? for_ns / NS_PER_S : 0 },
	};
	char span[32];
	int code;

	code = pair_index(v, name, &rq.pair);
	if (code != EXIT_DONE)
		return code;
	snprintf(rq.reason, sizeof(rq.reason), "%s", reason);
	text_clean(rq.reason);
	code = ask_change(v, NULL, &rq);
	if (code != EXIT_DONE || v->json)
		return code;
	if (!on) {
		fputs("maintenance is off: this node takes part again\n"
		    "next: 'vipctl status'\n", v->out);
		return EXIT_DONE;
	}
	fputs("maintenance is on: this node does not take over, and hands "
	    "over what it has", v->out);
	if (for_ns > 0) {
		age_text(for_ns, span, sizeof(span));
		fprintf(v->out, "; it ends by itself in %s", span);
	}
	fputs("\nnext: 'vipctl wait --for maintenance', and 'vipctl "
	    "maintenance off' when the work is done\n", v->out);
	return EXIT_DONE;
}

int
cmd_maintenance(struct vipctl *v, int argc, char **argv)
{
	const char *reason = "";
	int64_t for_ns = -1;	/* until it is taken off */
	const struct option_word words[] = {
		{ "--for", OPTION_DURATION, &for_ns },
		{ "--reason", OPTION_STRING, &reason },
		{ NULL, 0, NULL },
	};
	int n, code;
	bool on;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n < 1 || n > 2)
		return usage_error(v, argv[0], "on or off?");
	on = strcmp(argv[1], "on") == 0;
	if (!on && strcmp(argv[1], "off") != 0)
		return usage_error(v, argv[0], "on or off, not '%s'",
		    argv[1]);
	if (!on && (for_ns >= 0 || *reason != '\0'))
		return usage_error(v, argv[0],
		    "--for and --reason go with 'on'");
	if (for_ns >= 0 && for_ns < NS_PER_S)
		return usage_error(v, argv[0], "--for: 1s at least");
	if (strlen(reason) >= MAINT_REASON_MAX)
		return usage_error(v, argv[0], "--reason: %d bytes at most",
		    MAINT_REASON_MAX - 1);
	return maintenance(v, on, for_ns, reason, n == 2 ? argv[2] : NULL);
}
