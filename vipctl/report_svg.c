/* SPDX-License-Identifier: ISC */

/*
 * vipctl report: pictures, as SVG within the page.  One lane for each node
 * says when it was active, by the history of this node; one says what this
 * node was since its daemon started.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "mono.h"
#include "report.h"
#include "text.h"

#define WIDTH		900
#define LEFT		110		/* of the lanes */
#define LANE		34
#define BAR		20
#define TICKS		5
#define BARS_MAX	40		/* newest takeovers drawn */

/* The span of time that is drawn. */
struct span {
	int64_t	from_ns, to_ns;
};

static double
x_of(const struct span *s, int64_t ns)
{
	if (ns < s->from_ns)
		ns = s->from_ns;
	if (ns > s->to_ns)
		ns = s->to_ns;
	return LEFT + (double)(ns - s->from_ns) * (WIDTH - LEFT - 10) /
	    (double)(s->to_ns - s->from_ns);
}

static void
block(FILE *f, const struct span *s, int lane, int64_t from, int64_t to,
    const char *class, const char *title)
{
	double x = x_of(s, from), w = x_of(s, to) - x;

	if (to < s->from_ns || from > s->to_ns)
		return;
	fprintf(f, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
	    "class=\"%s\">", x, lane * LANE + 6, w < 1.5 ? 1.5 : w, BAR,
	    class);
	html_element(f, "title", NULL, title);
	fputs("</rect>\n", f);
}

static void
label(FILE *f, int lane, const char *text)
{
	fprintf(f, "<text x=\"0\" y=\"%d\">", lane * LANE + 21);
	html_text(f, text);
	fputs("</text>\n", f);
}

static void
ticks(FILE *f, const struct span *s, int lanes)
{
	const bool days = s->to_ns - s->from_ns > INT64_C(36) * 3600 *
	    NS_PER_S;
	int i, bottom = lanes * LANE + 6;
	char text[48];
	struct tm tm;
	int64_t at;
	time_t t;

	for (i = 0; i <= TICKS; i++) {
		at = s->from_ns + (s->to_ns - s->from_ns) / TICKS * i;
		t = (time_t)(at / NS_PER_S);
		if (localtime_r(&t, &tm) == NULL || strftime(text,
		    sizeof(text), days ? "%Y-%m-%d" : "%H:%M:%S", &tm) == 0)
			continue;
		fprintf(f, "<line class=\"axis\" x1=\"%.1f\" y1=\"0\" "
		    "x2=\"%.1f\" y2=\"%d\"/><text class=\"dim\" x=\"%.1f\" "
		    "y=\"%d\" text-anchor=\"%s\">", x_of(s, at), x_of(s, at),
		    bottom, x_of(s, at), bottom + 15, i == TICKS ? "end" :
		    "middle");
		html_text(f, text);
		fputs("</text>\n", f);
	}
}

/* One takeover until the next: who was active, and the silence before. */
static void
active_block(FILE *f, const struct report *r, const struct span *s,
    uint32_t i)
{
	const struct msg_keep_history *h = &r->history[i];
	const int64_t at = h->wall_s * NS_PER_S;
	const int64_t to = i + 1 < r->nhistory ?
	    r->history[i + 1].wall_s * NS_PER_S : r->now_ns;
	const struct view_pair *vp = r->vp;
	char title[160], when[48];
	uint32_t lane;

	clock_text(at, true, when, sizeof(when));
	for (lane = 0; lane < vp->npeers; lane++) {
		if (vp->peer[lane].node != h->to_node)
			continue;
		snprintf(title, sizeof(title), "%s active from %s, term %u",
		    vp->peer[lane].name, when, h->term);
		block(f, s, (int)lane, at, to, "active", title);
		if (h->outage_ms == UINT32_MAX || h->outage_ms == 0)
			continue;
		snprintf(title, sizeof(title), "nobody for %u ms before "
		    "term %u", h->outage_ms, h->term);
		block(f, s, (int)lane, at - h->outage_ms * NS_PER_MS, at,
		    "gap", title);
	}
}

static void
own_blocks(FILE *f, const struct report *r, const struct span *s, int lane)
{
	const struct ctl_event *e, *last = NULL;
	char title[96];
	size_t i;

	for (i = 0; i <= r->events.n; i++) {
		e = i < r->events.n ? &r->events.e[i] : NULL;
		if (e != NULL && (e->kind != CTL_EVENT_ROLE ||
		    e->new_ >= ROLE_COUNT))
			continue;
		if (last != NULL) {
			snprintf(title, sizeof(title), "this node %s, term "
			    "%u", role_name(last->new_), last->term);
			block(f, s, lane, last->wall_ns, e != NULL ?
			    e->wall_ns : r->now_ns, role_name(last->new_),
			    title);
		}
		last = e;
	}
}

static struct span
span_of(const struct report *r)
{
	struct span s = { r->now_ns - 10 * NS_PER_S, r->now_ns };

	if (r->nhistory > 0 && r->history[0].wall_s * NS_PER_S < s.from_ns)
		s.from_ns = r->history[0].wall_s * NS_PER_S - NS_PER_S;
	if (r->events.n > 0 && r->events.e[0].wall_ns < s.from_ns)
		s.from_ns = r->events.e[0].wall_ns;
	if (s.from_ns < 0)
		s.from_ns = 0;
	return s;
}

static void
legend(FILE *f)
{
	static const char *const role[] = { "active", "standby", "starting",
	    "faulted", "maintenance" };
	size_t i;

	fputs("<svg viewBox=\"0 0 600 24\" width=\"600\" height=\"24\" "
	    "role=\"img\" aria-label=\"colours of the roles\">\n", f);
	for (i = 0; i < sizeof(role) / sizeof(role[0]); i++)
		fprintf(f, "<rect x=\"%zu\" y=\"6\" width=\"12\" "
		    "height=\"12\" class=\"%s\"/><text x=\"%zu\" y=\"16\">%s"
		    "</text>\n", i * 110, role[i], i * 110 + 17, role[i]);
	fputs("</svg>\n", f);
}

void
report_timeline(FILE *f, const struct report *r)
{
	const struct span s = span_of(r);
	const int lanes = (int)r->vp->npeers + 1;
	char name[64];
	uint32_t i;

	fprintf(f, "<div class=\"scroll\"><svg viewBox=\"0 0 %d %d\" "
	    "width=\"%d\" height=\"%d\" role=\"img\" "
	    "aria-label=\"timeline of the roles\">\n", WIDTH,
	    lanes * LANE + 26, WIDTH, lanes * LANE + 26);
	ticks(f, &s, lanes);
	for (i = 0; i < r->vp->npeers; i++) {
		snprintf(name, sizeof(name), "%.14s%s", r->vp->peer[i].name,
		    r->vp->peer[i].self != 0 ? " *" : "");
		label(f, (int)i, name);
	}
	for (i = 0; i < r->nhistory; i++)
		active_block(f, r, &s, i);
	label(f, lanes - 1, "this node");
	own_blocks(f, r, &s, lanes - 1);
	fputs("</svg></div>\n", f);
	legend(f);
}

static void
bar(FILE *f, uint32_t n, uint32_t value, uint32_t most, int y, uint32_t term,
    const char *what)
{
	const double h = value == UINT32_MAX || most == 0 ? 0 :
	    (double)value * 60 / most;
	char title[96];

	fprintf(f, "<rect class=\"bar\" x=\"%u\" y=\"%.1f\" width=\"14\" "
	    "height=\"%.1f\">", LEFT + n * 19, y - h, h < 1 ? 1 : h);
	if (value == UINT32_MAX)
		snprintf(title, sizeof(title), "term %u: %s not known", term,
		    what);
	else
		snprintf(title, sizeof(title), "term %u: %s %u ms", term,
		    what, value);
	html_element(f, "title", NULL, title);
	fputs("</rect>\n", f);
}

static uint32_t
most_of(const struct report *r, uint32_t first, bool data)
{
	uint32_t most = 0, value;

	for (; first < r->nhistory; first++) {
		value = data ? r->history[first].data_age_ms :
		    r->history[first].outage_ms;
		if (value != UINT32_MAX && value > most)
			most = value;
	}
	return most;
}

static void
chart_label(FILE *f, int y, const char *what, uint32_t most)
{
	char age[32];

	if (most < 1000)
		snprintf(age, sizeof(age), "%u ms", most);
	else
		age_text(most * NS_PER_MS, age, sizeof(age));
	fprintf(f, "<text x=\"0\" y=\"%d\">%s</text><text class=\"dim\" "
	    "x=\"0\" y=\"%d\">worst ", y - 18, what, y - 2);
	html_text(f, age);
	fputs("</text>\n", f);
}

void
report_takeovers(FILE *f, const struct report *r)
{
	const uint32_t first = r->nhistory > BARS_MAX ?
	    r->nhistory - BARS_MAX : 0;
	const uint32_t outage = most_of(r, first, false);
	const uint32_t age = most_of(r, first, true);
	const struct msg_keep_history *h;
	uint32_t i;

	fprintf(f, "<div class=\"scroll\"><svg viewBox=\"0 0 %d 160\" "
	    "width=\"%d\" height=\"160\" role=\"img\" aria-label=\"outage "
	    "and age of the data at each takeover\">\n", WIDTH, WIDTH);
	chart_label(f, 70, "outage", outage);
	chart_label(f, 150, "age of data", age);
	for (i = first; i < r->nhistory; i++) {
		h = &r->history[i];
		bar(f, i - first, h->outage_ms, outage, 70, h->term,
		    "outage");
		bar(f, i - first, h->data_age_ms, age, 150, h->term,
		    "age of the data");
	}
	fputs("</svg></div>\n", f);
}
