/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: looks for what is wrong, everywhere it can, and says what
 * to do.  Runs as whoever calls it: without root some checks are left out,
 * and it says which.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_show.h"
#include "mono.h"

struct finding *
doctor_found(struct doctor *d, const struct patient *p, enum problem number)
{
	uint32_t i;

	for (i = 0; i < d->nfindings; i++)
		if (d->finding[i].number == number &&
		    (p == NULL || d->finding[i].vp == p->vp))
			return &d->finding[i];
	return NULL;
}

struct finding *
doctor_find(struct doctor *d, const struct patient *p, enum problem number)
{
	static struct finding spare;
	struct finding *f = &spare;

	if (d->nfindings < FINDINGS_MAX)
		f = &d->finding[d->nfindings++];
	*f = (struct finding){
		.number = number,
		.vp = p->vp,
		.problem = {
			.head = { CTL_PROBLEM, sizeof(f->problem),
			    p->vp->p.head.pair },
			.number = number,
			.age_ns = CTL_AGE_UNKNOWN,
		},
	};
	return f;
}

void
doctor_skip(struct doctor *d, const char *check, const char *fmt, ...)
{
	struct skipped *s;
	va_list ap;

	if (d->nskipped == SKIPPED_MAX)
		return;
	s = &d->skipped[d->nskipped++];
	s->check = check;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

/* A pair as the daemon would tell it, from the configuration alone. */
static bool
make_pair(struct doctor *d, uint32_t index)
{
	const struct conf_pair *cp = conf_pair(d->conf, index);
	const struct conf_node *n;
	union ctl_any r = { .pair = {
		.head = { CTL_PAIR, sizeof(r.pair), index },
		.self = ELECTION_NODE_NONE, .role = ROLE_UNKNOWN,
		.protocol = cp->protocol, .vhid = cp->vhid,
		.interval_ms = cp->interval_ms,
		.takeover_least_ns = -1, .takeover_most_ns = -1,
		.sent_ns = -1, .heard_ns = -1, .since_ns = -1,
		.service_kind = cp->service.kind,
	} };
	uint32_t i;

	snprintf(r.pair.name, sizeof(r.pair.name), "%s",
	    conf_string(d->conf, cp->name));
	snprintf(r.pair.service_unit, sizeof(r.pair.service_unit), "%s",
	    conf_string(d->conf, cp->service.unit));
	if (!view_add(&d->made, &r))
		return false;
	for (i = 0; i < cp->naddrs; i++) {
		r = (union ctl_any){ .addr = {
			.head = { CTL_ADDR, sizeof(r.addr), index },
			.address = *conf_pair_addr(d->conf, cp, i),
			.present = 2, .lease_left_ns = -1,
		} };
		if (!view_add(&d->made, &r))
			return false;
	}
	for (i = 0; i < cp->nnodes; i++) {
		n = conf_pair_node(d->conf, cp, i);
		r = (union ctl_any){ .peer = {
			.head = { CTL_PEER, sizeof(r.peer), index },
			.address = n->address, .node = (uint8_t)i,
			.foreign = n->foreign, .prefer = n->prefer,
			.role = ROLE_UNKNOWN, .heard_ns = -1,
			.role_since_ns = -1,
		} };
		snprintf(r.peer.name, sizeof(r.peer.name), "%s",
		    conf_string(d->conf, n->name));
		if (!view_add(&d->made, &r))
			return false;
	}
	return true;
}

static struct view_pair *
find_view(struct view *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->npairs; i++)
		if (strcmp(w->pair[i].p.name, name) == 0)
			return &w->pair[i];
	return NULL;
}

/* Which node of the pair we are, for a pair the daemon does not tell. */
static void
name_self(struct patient *p)
{
	uint32_t i;

	for (i = 0; i < p->vp->npeers; i++)
		if (pair_self(p->vp) == NULL && p->vp->peer[i].node ==
		    p->link.self)
			p->vp->peer[i].self = 1;
}

static void
place_patient(struct doctor *d, struct patient *p)
{
	const struct netview_link *l;

	p->link = (struct msg_link){ .self = LINK_SELF_NONE };
	if (d->host == NULL || p->conf == NULL)
		return;
	netview_judge(d->host, d->conf, p->index, &p->link);
	l = netview_link_by_index(d->host, p->link.ifindex);
	if (l != NULL)
		snprintf(p->interface, sizeof(p->interface), "%s", l->name);
	if (p->vp->p.interface[0] == '\0')
		snprintf(p->vp->p.interface, sizeof(p->vp->p.interface),
		    "%s", p->interface);
	name_self(p);
}

/*
 * The pairs of the file, and those the daemon has beside it.  The table of
 * made pairs is filled first: it moves while it grows.
 */
static bool
admit(struct doctor *d)
{
	const uint32_t nconf = d->conf != NULL ? d->conf->npairs : 0;
	struct patient *p;
	const char *name;
	uint32_t i;
	size_t k;

	d->patient = calloc(nconf + d->view.npairs + 1, sizeof(*d->patient));
	if (d->patient == NULL)
		return false;
	for (i = 0; i < nconf; i++)
		if (!make_pair(d, i))
			return false;
	for (i = 0; i < nconf; i++) {
		p = &d->patient[d->npatients++];
		p->conf = conf_pair(d->conf, i);
		p->index = i;
		name = conf_string(d->conf, p->conf->name);
		p->vp = find_view(&d->view, name);
		if (p->vp == NULL)
			p->vp = find_view(&d->made, name);
		place_patient(d, p);
	}
	for (k = 0; k < d->view.npairs; k++)
		if (find_view(&d->made, d->view.pair[k].p.name) == NULL)
			d->patient[d->npatients++] = (struct patient){
				.vp = &d->view.pair[k],
				.link.self = LINK_SELF_NONE,
			};
	return true;
}

/* All the daemon says of itself: the same problems as those of status. */
static void
ask_daemon(struct doctor *d)
{
	struct finding *f;
	struct patient *p;
	uint32_t i, k;

	for (i = 0; d->answers && i < d->npatients; i++) {
		p = &d->patient[i];
		if (find_view(&d->view, p->vp->p.name) != p->vp)
			continue;
		for (k = 0; k < p->vp->nproblems; k++) {
			f = doctor_find(d, p, p->vp->problem[k].number);
			f->problem = p->vp->problem[k];
		}
	}
}

static void
ask_conf(struct doctor *d)
{
	static struct view_pair none;
	const struct patient all = { .vp = d->npatients > 0 ?
	    d->patient[0].vp : &none };
	struct finding *f;

	if (d->conf != NULL)
		return;
	f = doctor_find(d, &all, PROBLEM_CONFIG_BROKEN);
	doctor_word(f->detail, "%s: %s", d->v->conf_path,
	    d->config->nproblems > 0 ? d->config->problem[0].text :
	    "cannot be read");
}

static void
open_conf(struct doctor *d)
{
	struct vipctl *v = d->v;

	d->config = config_load(v->conf_path, d->root ? CONFIG_FULL :
	    CONFIG_NO_SECRETS, 0);
	d->conf = d->config->conf;
	d->host = calloc(1, sizeof(*d->host));
	if (d->host != NULL && netview_read(d->host, d->conf) == -1) {
		free(d->host);
		d->host = NULL;
	}
}

static int
open_doctor(struct doctor *d)
{
	char why[256];
	int code;

	open_conf(d);
	view_init(&d->made, 0);
	code = view_load(&d->view, d->v, why, sizeof(why));
	d->answers = code == EXIT_DONE;
	if (!admit(d)) {
		complain(d->v, "out of memory");
		return EXIT_UNKNOWN;
	}
	if (!d->answers && d->npatients > 0)
		doctor_word(doctor_find(d, &d->patient[0],
		    PROBLEM_DAEMON_DOWN)->detail, "%s", why);
	else if (!d->answers && code != EXIT_UNREACHABLE)
		doctor_skip(d, "daemon", "%s", why);
	return EXIT_DONE;
}

static void
close_doctor(struct doctor *d)
{
	view_free(&d->view);
	view_free(&d->made);
	free(d->patient);
	free(d->host);
	config_free(d->config);
	free(d);
}

static void
examine(struct doctor *d)
{
	uint32_t i;

	ask_daemon(d);
	ask_conf(d);
	for (i = 0; i < d->npatients; i++) {
		doctor_manager(d, &d->patient[i]);
		doctor_static(d, &d->patient[i]);
		doctor_boot(d, &d->patient[i]);
		doctor_service(d, &d->patient[i]);
		doctor_drill(d, &d->patient[i]);
	}
	doctor_cloud(d);
	doctor_rooms(d);
	doctor_network(d);
	for (i = 0; i < d->npatients; i++)
		doctor_partner(d, &d->patient[i]);
}

static int
by_id(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->vp != y->vp)
		return x->vp->p.head.pair < y->vp->p.head.pair ? -1 :
		    x->vp->p.head.pair > y->vp->p.head.pair;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Only one id was asked for. */
static void
narrow(struct doctor *d, uint32_t number)
{
	uint32_t i, n = 0;

	for (i = 0; i < d->nfindings; i++)
		if (d->finding[i].number == number)
			d->finding[n++] = d->finding[i];
	d->nfindings = n;
}

static void
repair(struct doctor *d)
{
	uint32_t i;

	for (i = 0; i < d->nfindings; i++)
		if (d->finding[i].repair != REPAIR_NONE)
			doctor_repair(&d->finding[i]);
}

static int
doctor(struct vipctl *v, const struct problem_text *only, bool fix)
{
	struct doctor *d = calloc(1, sizeof(*d));
	const mono_t began = mono_now();
	int code;

	if (d == NULL) {
		complain(v, "out of memory");
		return EXIT_UNKNOWN;
	}
	d->v = v;
	d->root = geteuid() == 0;
	code = open_doctor(d);
	if (code == EXIT_DONE) {
		examine(d);
		if (only != NULL)
			narrow(d, only->number);
		qsort(d->finding, d->nfindings, sizeof(d->finding[0]), by_id);
		if (fix)
			repair(d);
		doctor_show(d, mono_span_ns(began, mono_now()));
		code = doctor_exit(d);
	}
	close_doctor(d);
	return code;
}

int
cmd_doctor(struct vipctl *v, int argc, char **argv)
{
	bool fix = false;
	const struct option_word words[] = {
		{ "--fix", OPTION_FLAG, &fix },
		{ NULL, 0, NULL },
	};
	const struct problem_text *only = NULL;
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one id at a time");
	if (n == 1 && (only = problem_find_id(argv[1])) == NULL) {
		complain(v, "no problem has the id '%s'; 'vipctl explain' "
		    "lists them", argv[1]);
		return EXIT_UNKNOWN;
	}
	if (fix && geteuid() != 0) {
		complain(v, "--fix: not permitted, needs root: use sudo");
		return EXIT_NOT_PERMITTED;
	}
	return doctor(v, only, fix);
}
