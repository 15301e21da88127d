/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: when was it last proven that the other node can take over?
 * A drill is two takeovers that somebody asked for, and history has them.
 */
#include <time.h>

#include "doctor.h"
#include "mono.h"

#define DRILL_S		(INT64_C(90) * 86400)

/* The newest takeover of the pair; false: the daemon does not tell. */
static bool
newest(struct doctor *d, const struct patient *p, int64_t *wall_s)
{
	enum client_result res;
	union ctl_any r;
	struct client c;
	char why[256];
	const struct ctl_request rq = {
		.magic = CTL_MAGIC, .version = CTL_VERSION,
		.command = CTL_GET_HISTORY,
		.pair = view_index(&d->view, p->vp),
	};

	*wall_s = 0;
	if (client_ask(&c, d->v, CTL_STATUS, &rq, why, sizeof(why)) !=
	    EXIT_DONE)
		return false;
	while ((res = client_next(&c, &r, CLIENT_TIMEOUT_MS)) ==
	    CLIENT_RECORD)
		if (r.head.type == CTL_HISTORY &&
		    r.head.pair == p->vp->p.head.pair &&
		    r.history.entry.wall_s > *wall_s)
			*wall_s = r.history.entry.wall_s;
	client_close(&c);
	return res == CLIENT_END;
}

static bool
is_of_daemon(const struct doctor *d, const struct patient *p)
{
	return d->view.pair != NULL && p->vp >= d->view.pair &&
	    p->vp < d->view.pair + d->view.npairs;
}

void
doctor_drill(struct doctor *d, const struct patient *p)
{
	const int64_t now = time(NULL);
	struct finding *f;
	int64_t last;

	/* A pair of one node has nobody to drill with. */
	if (!d->answers || !is_of_daemon(d, p) || p->vp->npeers < 2)
		return;
	if (!newest(d, p, &last)) {
		doctor_skip(d, "drill", "the daemon does not tell its "
		    "history");
		return;
	}
	d->nchecks++;
	if (last == 0 || now - last < DRILL_S)
		return;
	f = doctor_find(d, p, PROBLEM_NO_DRILL);
	f->problem.age_ns = (now - last) * NS_PER_S;
}
