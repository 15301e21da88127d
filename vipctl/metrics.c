/* SPDX-License-Identifier: ISC */

/*
 * vipctl metrics: the text format of Prometheus, from the same view as the
 * status.  A daemon that does not answer is vipair_up 0, nothing more.
 */
#include <inttypes.h>
#include <string.h>

#include "dataview.h"
#include "mono.h"
#include "status.h"
#include "text.h"
#include "view.h"

static void
head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void
label(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			fputc('\\', f);
		if (*s == '\n')
			fputs("\\n", f);
		else
			fputc(*s, f);
	}
}

static void
sample(FILE *f, const char *name, const struct view_pair *vp)
{
	fprintf(f, "%s{pair=\"", name);
	label(f, vp->p.name);
	fputc('"', f);
}

struct gauge {
	const char	*name, *type, *help;
	/* "" leaves the sample out: not known. */
	void		(*value)(const struct view_pair *, char *, size_t);
};

static void
value_active(const struct view_pair *vp, char *buf, size_t size)
{
	snprintf(buf, size, "%d", vp->p.role == ROLE_ACTIVE);
}

static void
value_exit(const struct view_pair *vp, char *buf, size_t size)
{
	snprintf(buf, size, "%d", pair_exit(vp));
}

static void
value_term(const struct view_pair *vp, char *buf, size_t size)
{
	snprintf(buf, size, "%u", vp->p.term);
}

static void
value_age(int64_t ns, char *buf, size_t size)
{
	buf[0] = '\0';
	if (ns >= 0)
		seconds_text(ns, buf, size);
}

static void
value_since(const struct view_pair *vp, char *buf, size_t size)
{
	value_age(vp->p.since_ns, buf, size);
}

static void
value_heard(const struct view_pair *vp, char *buf, size_t size)
{
	value_age(vp->p.heard_ns, buf, size);
}

static void
value_present(const struct view_pair *vp, char *buf, size_t size)
{
	size_t i, up = 0;

	buf[0] = '\0';
	for (i = 0; i < vp->naddrs; i++) {
		if (vp->addr[i].present > 1)
			return;
		up += vp->addr[i].present;
	}
	snprintf(buf, size, "%zu", up);
}

static void
value_sent(const struct view_pair *vp, char *buf, size_t size)
{
	snprintf(buf, size, "%" PRIu64, vp->p.count_sent);
}

static void
value_accepted(const struct view_pair *vp, char *buf, size_t size)
{
	snprintf(buf, size, "%" PRIu64, vp->p.count_accepted);
}

static void
value_problems(const struct view_pair *vp, char *buf, size_t size)
{
	snprintf(buf, size, "%u", vp->nproblems);
}

static void
value_generation(const struct view_pair *vp, char *buf, size_t size)
{
	buf[0] = '\0';
	if (data_known(vp))
		snprintf(buf, size, "%" PRIu64, vp->data.data.generation);
}

static void
value_made(const struct view_pair *vp, char *buf, size_t size)
{
	value_age(data_made_ns(vp), buf, size);
}

static void
value_ready(const struct view_pair *vp, char *buf, size_t size)
{
	buf[0] = '\0';
	if (data_known(vp))
		snprintf(buf, size, "%u", vp->data.data.ready);
}

static void
value_verified(const struct view_pair *vp, char *buf, size_t size)
{
	value_age(data_verified_ns(vp), buf, size);
}

static void
value_lag(const struct view_pair *vp, char *buf, size_t size)
{
	value_age(data_lag_ns(vp), buf, size);
}

static void
value_lag_bytes(const struct view_pair *vp, char *buf, size_t size)
{
	uint64_t bytes;

	buf[0] = '\0';
	if (data_lag_bytes(vp, &bytes))
		snprintf(buf, size, "%" PRIu64, bytes);
}

static void
value_last_lag(const struct view_pair *vp, char *buf, size_t size)
{
	const struct sync_mirror_state *m = pair_mirror(vp);

	buf[0] = '\0';
	if (m != NULL && m->last_lag_ns > 0)
		value_age(m->last_lag_ns, buf, size);
}

static void
value_ssh(const struct view_pair *vp, char *buf, size_t size)
{
	value_age(pair_word(vp) != NULL ? vp->data.partner_age_ns :
	    CTL_AGE_UNKNOWN, buf, size);
}

static void
value_store(const struct view_pair *vp, char *buf, size_t size)
{
	const struct sync_capture_state *c = pair_capture(vp);

	buf[0] = '\0';
	if (c != NULL && c->store_bytes != 0)
		snprintf(buf, size, "%" PRIu64, c->store_bytes);
}

static void
value_branches(const struct view_pair *vp, char *buf, size_t size)
{
	const struct sync_capture_state *c = pair_capture(vp);

	buf[0] = '\0';
	if (c != NULL)
		snprintf(buf, size, "%u", c->branches);
}

static const struct gauge gauges[] = {
	{ "vipair_active", "gauge", "1 when this node is active",
	    value_active },
	{ "vipair_status", "gauge", "exit code of vipctl status: 0, 1 or 2",
	    value_exit },
	{ "vipair_term", "gauge", "term, one higher at each takeover",
	    value_term },
	{ "vipair_role_seconds", "gauge", "age of this node's role",
	    value_since },
	{ "vipair_heard_seconds", "gauge",
	    "age of the last advert heard from an active node",
	    value_heard },
	{ "vipair_addresses_present", "gauge",
	    "virtual addresses that are on this node", value_present },
	{ "vipair_problems", "gauge", "problems reported", value_problems },
	{ "vipair_adverts_sent_total", "counter", "adverts sent",
	    value_sent },
	{ "vipair_adverts_accepted_total", "counter", "adverts accepted",
	    value_accepted },
};

/* Only of pairs with data; no header when there is none. */
static const struct gauge data_gauges[] = {
	{ "vipair_data_generation", "gauge", "newest generation on this node",
	    value_generation },
	{ "vipair_data_made_seconds", "gauge",
	    "age of the newest generation on this node", value_made },
	{ "vipair_data_ready", "gauge",
	    "1 when the data are fit for a takeover", value_ready },
	{ "vipair_data_verified_seconds", "gauge",
	    "since the partner last acknowledged a generation",
	    value_verified },
	{ "vipair_data_lag_seconds", "gauge",
	    "for how long the partner lacks something; 0 when it has all",
	    value_lag },
	{ "vipair_data_lag_bytes", "gauge", "bytes still to be sent",
	    value_lag_bytes },
	{ "vipair_data_last_lag_seconds", "gauge",
	    "from made to acknowledged, of the last generation",
	    value_last_lag },
	{ "vipair_partner_ssh_seconds", "gauge",
	    "age of the partner's word by ssh", value_ssh },
	{ "vipair_store_bytes", "gauge", "bytes of objects in the store",
	    value_store },
	{ "vipair_branches", "gauge", "branches parked on this node",
	    value_branches },
};

static void
write_roles(FILE *f, const struct view *w)
{
	size_t i;
	int r;

	head(f, "vipair_role", "gauge", "1 for the role this node has");
	for (i = 0; i < w->npairs; i++)
		for (r = 0; r < ROLE_COUNT; r++) {
			sample(f, "vipair_role", &w->pair[i]);
			fprintf(f, ",role=\"%s\"} %d\n",
			    role_name((enum role)r), w->pair[i].p.role == r);
		}
}

static void
write_dropped(FILE *f, const struct view *w)
{
	static const char name[] = "vipair_adverts_dropped_total";
	uint64_t sum[DROPPED_COUNT];
	size_t i;
	int k;

	head(f, name, "counter", "adverts dropped, by reason");
	for (i = 0; i < w->npairs; i++) {
		dropped_sum(&w->pair[i].p, sum);
		for (k = 0; k < DROPPED_COUNT; k++) {
			sample(f, name, &w->pair[i]);
			fprintf(f, ",reason=\"%s\"} %" PRIu64 "\n",
			    dropped_names[k], sum[k]);
		}
	}
}

static void
write_gauges(FILE *f, const struct view *w, const struct gauge *gauge,
    size_t n)
{
	char value[32];
	size_t g, i;

	for (g = 0; g < n; g++) {
		head(f, gauge[g].name, gauge[g].type, gauge[g].help);
		for (i = 0; i < w->npairs; i++) {
			gauge[g].value(&w->pair[i], value, sizeof(value));
			if (value[0] == '\0')
				continue;
			sample(f, gauge[g].name, &w->pair[i]);
			fprintf(f, "} %s\n", value);
		}
	}
}

void
metrics_write(FILE *f, const struct view *w)
{
	bool data = false;
	size_t i;

	for (i = 0; i < w->npairs; i++)
		data |= w->pair[i].has_data;
	write_gauges(f, w, gauges, sizeof(gauges) / sizeof(gauges[0]));
	if (data)
		write_gauges(f, w, data_gauges, sizeof(data_gauges) /
		    sizeof(data_gauges[0]));
	write_roles(f, w);
	write_dropped(f, w);
}

int
cmd_metrics(struct vipctl *v, int argc, char **argv)
{
	struct view w;
	int n, code;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 0)
		return usage_error(v, argv[0], "takes no operand");
	code = view_get(&w, v);
	head(v->out, "vipair_up", "gauge", "1 when the daemon answers");
	fprintf(v->out, "vipair_up %d\n", code == EXIT_DONE);
	if (code == EXIT_DONE)
		metrics_write(v->out, &w);
	view_free(&w);
	return code;
}
