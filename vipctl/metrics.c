/* SPDX-License-Identifier: ISC */

/*
 * vipctl metrics: the text format of Prometheus, from the same view as the
 * status.  A daemon that does not answer is vipair_up 0, nothing more.
 */
#include <inttypes.h>
#include <string.h>

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

void
metrics_write(FILE *f, const struct view *w)
{
	const size_t n = sizeof(gauges) / sizeof(gauges[0]);
	char value[32];
	size_t g, i;

	for (g = 0; g < n; g++) {
		head(f, gauges[g].name, gauges[g].type, gauges[g].help);
		for (i = 0; i < w->npairs; i++) {
			gauges[g].value(&w->pair[i], value, sizeof(value));
			if (value[0] == '\0')
				continue;
			sample(f, gauges[g].name, &w->pair[i]);
			fprintf(f, "} %s\n", value);
		}
	}
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
