/* SPDX-License-Identifier: ISC */

/*
 * vipctl watch: the status as it changes.  This file asks and listens, and
 * writes one line per event where there is no terminal; screen.c draws.  A
 * daemon that goes away is shown as such and waited for.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "mono.h"
#include "status.h"
#include "text.h"
#include "watch.h"

#define RETRY_NS	NS_PER_S

static int64_t
wall_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void
watch_look(struct watch *w)
{
	view_free(&w->view);
	w->code = view_load(&w->view, w->v, w->why, sizeof(w->why));
}

void
watch_subscribe(struct watch *w)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = CTL_SUBSCRIBE,
		.pair = CTL_PAIR_ALL,
	};

	if (w->sub.fd != -1)
		return;
	w->code = client_ask(&w->sub, w->v, CTL_STATUS, &rq, w->why,
	    sizeof(w->why));
}

const struct view_pair *
watch_pair(const struct watch *w, uint32_t pair)
{
	size_t i;

	for (i = 0; i < w->view.npairs; i++)
		if (w->view.pair[i].p.head.pair == pair)
			return &w->view.pair[i];
	return NULL;
}

/* Wanted: not from before we came, and of the pair that was named. */
static bool
wanted(const struct watch *w, const struct ctl_event *e)
{
	const struct view_pair *vp = watch_pair(w, e->head.pair);
	mono_t at = mono_after(mono_now(), -e->age_ns);

	if (mono_span_ns(w->since, at) < 0)
		return false;
	return w->name == NULL || e->head.pair == CTL_PAIR_ALL ||
	    (vp != NULL && strcmp(vp->p.name, w->name) == 0);
}

bool
watch_event(struct watch *w, struct ctl_event *e, int timeout_ms)
{
	enum client_result res;
	union ctl_any r;

	if (w->sub.fd == -1)
		return false;
	res = client_next(&w->sub, &r, timeout_ms);
	while (res == CLIENT_RECORD && (r.head.type != CTL_EVENT ||
	    !wanted(w, &r.event))) {
		if (r.head.type == CTL_RESULT && r.result.code != CTL_OK)
			break;
		res = client_next(&w->sub, &r, timeout_ms);
	}
	if (res == CLIENT_AGAIN)
		return false;
	if (res == CLIENT_RECORD && r.head.type == CTL_EVENT) {
		*e = r.event;
		return true;
	}
	client_close(&w->sub);
	return false;
}

/* The state of each pair, when we come and after an interruption. */
static void
write_state(struct watch *w)
{
	const struct view_pair *vp;
	const struct ctl_peer *self;
	char when[48], age[32];
	size_t i;

	clock_text(wall_now_ns(), true, when, sizeof(when));
	for (i = 0; i < w->view.npairs; i++) {
		vp = &w->view.pair[i];
		if (w->name != NULL && strcmp(w->name, vp->p.name) != 0)
			continue;
		self = pair_self(vp);
		age_text(vp->p.since_ns, age, sizeof(age));
		fprintf(w->v->out, "%s  %s  %s, %s is %s for %s (term %u)\n",
		    when, vp->p.name, pair_verdict_name(pair_verdict(vp)),
		    self != NULL ? self->name : "this node",
		    vp->p.role < ROLE_COUNT ?
		    role_name((enum role)vp->p.role) : "unknown", age,
		    vp->p.term);
	}
}

static void
write_event(struct watch *w, const struct ctl_event *e)
{
	const struct view_pair *vp;
	char when[48], text[EVENT_TEXT_MAX];
	struct json j;

	watch_look(w);		/* the text may name what changed */
	vp = watch_pair(w, e->head.pair);
	if (w->v->json) {
		json_init(&j, w->v->out);
		event_json(&j, vp, e);
		json_end_line(&j);
		return;
	}
	clock_text(e->wall_ns, true, when, sizeof(when));
	event_text(vp, e, text, sizeof(text));
	fprintf(w->v->out, "%s  %s  %s\n", when,
	    vp != NULL ? vp->p.name : "-", text);
}

static void
write_lost(struct watch *w)
{
	char when[48];

	if (w->v->json) {
		status_json_unknown(w->v->out, w->why);
		return;
	}
	clock_text(wall_now_ns(), true, when, sizeof(when));
	fprintf(w->v->out, "%s  -  %s\n", when, w->why);
}

int
watch_lines(struct watch *w)
{
	const struct timespec retry = { .tv_sec = RETRY_NS / NS_PER_S };
	bool told = false;
	struct ctl_event e;

	while (!ferror(w->v->out)) {
		w->since = mono_now();
		watch_subscribe(w);
		if (w->sub.fd != -1)
			watch_look(w);
		if (w->code == EXIT_NOT_PERMITTED)
			break;
		if (w->code == EXIT_DONE) {
			if (w->v->json)
				status_json(w->v->out, &w->view, NULL);
			else
				write_state(w);
			told = false;
		}
		while (fflush(w->v->out) == 0 && watch_event(w, &e, -1))
			write_event(w, &e);
		client_close(&w->sub);
		watch_look(w);
		if (w->code != EXIT_DONE && !told) {
			write_lost(w);
			told = true;
		}
		fflush(w->v->out);
		nanosleep(&retry, NULL);
	}
	return EXIT_REFUSED;
}

int
cmd_watch(struct vipctl *v, int argc, char **argv)
{
	static struct watch w;
	const char *term;
	int n, code;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one pair at a time");
	w = (struct watch){
		.v = v,
		.name = n == 1 ? argv[1] : NULL,
		.sub = { .fd = -1 },
		.since = mono_now(),
	};
	view_init(&w.view, 0);
	watch_look(&w);
	if (n == 1 && w.code == EXIT_DONE &&
	    view_pick(&w.view, v, argv[1]) == NULL)
		return EXIT_REFUSED;
	term = getenv("TERM");
	if (v->tty && !v->json && term != NULL && strcmp(term, "dumb") != 0)
		code = watch_screen(&w);
	else
		code = watch_lines(&w);
	client_close(&w.sub);
	view_free(&w.view);
	return code;
}
