/* SPDX-License-Identifier: ISC */

/*
 * vipctl report: what the page says of one pair.
 */
#include <inttypes.h>
#include <string.h>

#include "dataview.h"
#include "mono.h"
#include "problems.h"
#include "report.h"
#include "text.h"

const char *
report_node(const struct report *r, unsigned node)
{
	uint32_t i;

	for (i = 0; i < r->vp->npeers; i++)
		if (r->vp->peer[i].node == node)
			return r->vp->peer[i].name;
	return "?";
}

static void
row(FILE *f, const char *name, const char *value)
{
	fputs("<tr>", f);
	html_element(f, "th", NULL, name);
	html_element(f, "td", NULL, value);
	fputs("</tr>\n", f);
}

static void
heading(FILE *f, const struct report *r)
{
	const struct view_pair *vp = r->vp;
	const char *verdict = pair_verdict_name(pair_verdict(vp));
	const struct ctl_peer *self = pair_self(vp);
	char text[PROBLEM_TEXT_MAX], age[32], when[48];

	html_element(f, "h2", NULL, vp->p.name);
	fputs("<p>", f);
	snprintf(text, sizeof(text), "verdict %s", verdict);
	html_element(f, "span", text, verdict);
	age_text(vp->p.since_ns, age, sizeof(age));
	clock_text(r->now_ns, true, when, sizeof(when));
	when[strcspn(when, ".")] = '\0';
	snprintf(text, sizeof(text), " %s is %s%s for %s, term %u. As of %s, "
	    "seen from %s, vipair %s.", self != NULL ? self->name :
	    "this node", vp->p.role == ROLE_MAINTENANCE ? "in " : "",
	    vp->p.role < ROLE_COUNT ? role_name(vp->p.role) :
	    "unknown", age, vp->p.term, when, self != NULL ? self->name :
	    "here", r->w->node.version);
	html_text(f, text);
	fputs("</p>\n", f);
	text_forecast(vp, text, sizeof(text));
	html_element(f, "p", NULL, text);
	fputc('\n', f);
}

static void
problem_list(FILE *f, const struct report *r)
{
	const struct view_pair *vp = r->vp;
	char text[PROBLEM_TEXT_MAX], id[PROBLEM_ID_SIZE];
	uint32_t i;

	html_element(f, "h3", NULL, "Problems");
	if (vp->nproblems == 0) {
		html_element(f, "p", NULL, "None.");
		fputc('\n', f);
		return;
	}
	fputs("<ul>\n", f);
	for (i = 0; i < vp->nproblems; i++) {
		problem_id(vp->problem[i].number, id);
		fputs("<li>", f);
		html_element(f, "strong", NULL, id);
		fputc(' ', f);
		problem_write_text(vp, &vp->problem[i], text, sizeof(text));
		html_text(f, text);
		fputs(".<br/>To do: ", f);
		problem_write_fix(vp, &vp->problem[i], text, sizeof(text));
		html_text(f, text);
		fputs(".</li>\n", f);
	}
	fputs("</ul>\n", f);
}

static void
sync_table(FILE *f, const struct report *r)
{
	const struct sync_mirror_state *m = pair_mirror(r->vp);
	char text[160], a[32], b[32];
	uint64_t bytes;

	html_element(f, "h3", NULL, "Sync");
	if (!r->vp->has_data) {
		html_element(f, "p", NULL, "This pair copies no data.");
		fputc('\n', f);
		return;
	}
	fputs("<table>\n", f);
	data_self_text(r->vp, text, sizeof(text));
	row(f, "data here", text);
	age_text(data_lag_ns(r->vp), a, sizeof(a));
	row(f, "lag: the partner lacks what is older than",
	    data_lag_ns(r->vp) == 0 ? "nothing, it has all" :
	    data_lag_ns(r->vp) < 0 ? "not known here" : a);
	if (data_lag_bytes(r->vp, &bytes)) {
		bytes_text(bytes, a, sizeof(a));
		row(f, "bytes to go", a);
	}
	if (m != NULL) {
		age_text(m->last_lag_ns > 0 ? m->last_lag_ns : -1, a,
		    sizeof(a));
		age_text(m->round_trip_ns > 0 ? m->round_trip_ns : -1, b,
		    sizeof(b));
		row(f, "last change, from made to acknowledged", a);
		row(f, "round trip by ssh", b);
		snprintf(text, sizeof(text), "%" PRIu64, m->changes);
		row(f, "generations acknowledged since the start", text);
	}
	fputs("</table>\n", f);
}

/*
 * What arrived of what must have been sent.  Known only of a standby that has
 * been one since its daemon started, because only then somebody sent all the
 * time.
 */
static void
loss_text(const struct report *r, char *buf, size_t size)
{
	const struct ctl_pair *p = &r->vp->p;
	const int64_t settle = 2 * p->takeover_most_ns;
	const int64_t up = r->w->node.uptime_ns;
	uint64_t expected, lost;

	if (p->role != ROLE_STANDBY || p->interval_ms == 0 ||
	    p->takeover_most_ns < 0 || up - p->since_ns > settle ||
	    p->since_ns < 10 * p->interval_ms * NS_PER_MS) {
		snprintf(buf, size, "not known: it is counted on a node that "
		    "has been standby since its start");
		return;
	}
	expected = (uint64_t)(p->since_ns / (p->interval_ms * NS_PER_MS));
	lost = expected > p->count_accepted + 1 ?
	    expected - p->count_accepted : 0;
	snprintf(buf, size, "%" PRIu64 " of about %" PRIu64 " (%" PRIu64
	    ".%02" PRIu64 " %%)", lost, expected, lost * 100 / expected,
	    lost * 10000 / expected % 100);
}

static const char *
verdict_word(int v)
{
	static const char *const word[ADVERT_VERDICTS] = {
		[ADVERT_LENGTH] = "wrong length",
		[ADVERT_TTL_LOW] = "TTL is not 255",
		[ADVERT_VERSION] = "another version",
		[ADVERT_TYPE] = "another type",
		[ADVERT_OTHER_PROTOCOL] = "another protocol",
		[ADVERT_CHECKSUM] = "bad checksum",
		[ADVERT_OTHER_VHID] = "another vhid",
		[ADVERT_INTERVAL] = "another interval",
		[ADVERT_AUTH_TYPE] = "another kind of authentication",
		[ADVERT_AUTH] = "wrong password or signature",
		[ADVERT_KEY_UNKNOWN] = "signed with an unknown key",
		[ADVERT_UNSIGNED] = "not signed",
		[ADVERT_REPLAY] = "sent again",
		[ADVERT_COUNT] = "wrong number of addresses",
		[ADVERT_OWN] = "our own",
		[ADVERT_STRANGER] = "from a stranger",
		[ADVERT_EPOCH] = "an impossible term",
	};

	return word[v] != NULL ? word[v] : "else";
}

static void
advert_table(FILE *f, const struct report *r)
{
	const struct ctl_pair *p = &r->vp->p;
	char text[160], name[80];
	int v;

	html_element(f, "h3", NULL, "Adverts since the daemon started");
	fputs("<table>\n", f);
	snprintf(text, sizeof(text), "%" PRIu64, p->count_sent);
	row(f, "sent", text);
	snprintf(text, sizeof(text), "%" PRIu64, p->count_accepted);
	row(f, "accepted", text);
	loss_text(r, text, sizeof(text));
	row(f, "lost on the way", text);
	for (v = ADVERT_OK + 1; v < ADVERT_VERDICTS; v++) {
		if (p->count_dropped[v] == 0)
			continue;
		snprintf(name, sizeof(name), "dropped: %s", verdict_word(v));
		snprintf(text, sizeof(text), "%" PRIu64,
		    p->count_dropped[v]);
		row(f, name, text);
	}
	fputs("</table>\n", f);
}

static void
span_cell(FILE *f, uint32_t ms)
{
	char text[32] = "-";

	if (ms != UINT32_MAX && ms < 1000)
		snprintf(text, sizeof(text), "%u ms", ms);
	else if (ms != UINT32_MAX)
		age_text(ms * NS_PER_MS, text, sizeof(text));
	html_element(f, "td", "n", text);
}

static void
term_table(FILE *f, const struct report *r)
{
	const struct msg_keep_history *h;
	char text[48];
	uint32_t i;

	html_element(f, "h3", NULL, "Terms");
	fputs("<div class=\"scroll\"><table>\n<tr><th class=\"n\">term</th>"
	    "<th>when</th><th>from</th><th>to</th><th class=\"n\">outage</th>"
	    "<th class=\"n\">age of data</th><th>why</th></tr>\n", f);
	for (i = r->nhistory; i-- > 0;) {
		h = &r->history[i];
		snprintf(text, sizeof(text), "%u", h->term);
		fputs("<tr>", f);
		html_element(f, "td", "n", text);
		clock_text(h->wall_s * NS_PER_S, true, text, sizeof(text));
		text[strcspn(text, ".")] = '\0';
		html_element(f, "td", "t", text);
		html_element(f, "td", NULL, report_node(r, h->from_node));
		html_element(f, "td", NULL, report_node(r, h->to_node));
		span_cell(f, h->outage_ms);
		span_cell(f, h->data_age_ms);
		html_element(f, "td", NULL, h->reason < REASON_COUNT ?
		    reason_text(h->reason) : "not known");
		fputs("</tr>\n", f);
	}
	fputs("</table></div>\n", f);
}

void
report_pair(FILE *f, const struct report *r)
{
	heading(f, r);
	html_element(f, "h3", NULL, "Timeline");
	fputc('\n', f);
	report_timeline(f, r);
	problem_list(f, r);
	sync_table(f, r);
	advert_table(f, r);
	if (r->nhistory > 0) {
		html_element(f, "h3", NULL, "Takeovers");
		fputc('\n', f);
		report_takeovers(f, r);
		term_table(f, r);
	}
}
