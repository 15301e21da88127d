/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the status as text.  A narrow terminal loses columns from the
 * least needed one on; words are never cut in the middle of a line that
 * says what to do.
 */
#include <stdarg.h>
#include <string.h>

#include "dataview.h"
#include "problems.h"
#include "text.h"
#include "view.h"

#define CELL_MAX	64

enum column {
	COL_NODE = 0,
	COL_ADDRESS,
	COL_ROLE,
	COL_FOR,
	COL_VIP,
	COL_SERVICE,
	COL_HEARTBEAT,
	COL_DATA,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
	[COL_NODE] = "NODE",
	[COL_ADDRESS] = "ADDRESS",
	[COL_ROLE] = "ROLE",
	[COL_FOR] = "FOR",
	[COL_VIP] = "VIP",
	[COL_SERVICE] = "SERVICE",
	[COL_HEARTBEAT] = "HEARTBEAT",
	[COL_DATA] = "DATA",
};

/* What a narrow terminal loses first. */
static const enum column column_losses[] = {
	COL_DATA, COL_FOR, COL_ADDRESS, COL_SERVICE, COL_VIP,
};
/* The same of a pair that has data. */
static const enum column column_losses_data[] = {
	COL_FOR, COL_ADDRESS, COL_SERVICE, COL_DATA, COL_VIP,
};

struct table {
	char	cell[CONF_NODES_PER_PAIR_MAX + 1][COLUMNS][CELL_MAX];
	size_t	width[COLUMNS];
	bool	shown[COLUMNS];
	uint32_t nrows;
};

static void
cell(struct table *t, enum column col, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
cell(struct table *t, enum column col, const char *fmt, ...)
{
	char *at = t->cell[t->nrows][col];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(at, CELL_MAX, fmt, ap);
	va_end(ap);
	text_clean(at);
	if (text_width(at) > t->width[col])
		t->width[col] = text_width(at);
}

/* Is the address really on this node?  All of them, or "no". */
static const char *
present_word(const struct view_pair *vp)
{
	size_t i, up = 0;

	for (i = 0; i < vp->naddrs; i++) {
		if (vp->addr[i].present > 1)
			return "?";
		up += vp->addr[i].present;
	}
	if (up == 0)
		return "no";
	return up == vp->naddrs ? "yes" : "some";
}

static void
self_cells(struct table *t, const struct view_pair *vp)
{
	char age[32], label[96], data[CELL_MAX];
	const char *state = service_state_name(vp->p.service_state);

	age_text(vp->p.since_ns, age, sizeof(age));
	cell(t, COL_FOR, "%s", age);
	cell(t, COL_VIP, "%s", present_word(vp));
	service_label(vp, label, sizeof(label));
	if (vp->p.service_kind == SERVICE_NONE)
		cell(t, COL_SERVICE, "-");
	else
		cell(t, COL_SERVICE, "%.40s %s", label,
		    state != NULL ? state : "?");
	age_text(vp->p.sent_ns, age, sizeof(age));
	if (vp->p.role == ROLE_ACTIVE && vp->p.sent_ns >= 0)
		cell(t, COL_HEARTBEAT, "sent %s ago", age);
	else
		cell(t, COL_HEARTBEAT, "%s", vp->p.role == ROLE_STANDBY ?
		    "listens" : "-");
	data_self_text(vp, data, sizeof(data));
	cell(t, COL_DATA, "%s", data);
}

static void
peer_cells(struct table *t, const struct view_pair *vp,
    const struct ctl_peer *peer)
{
	const struct msg_partner *word = pair_word(vp);
	char age[32], data[CELL_MAX];

	if (word != NULL && word->node != peer->node)
		word = NULL;
	if (peer_role(vp, peer) == ROLE_UNKNOWN)
		cell(t, COL_FOR, "-");
	else {
		age_text(peer->role_since_ns, age, sizeof(age));
		cell(t, COL_FOR, "%s", age);
	}
	cell(t, COL_VIP, word == NULL ? "?" : word->present != 0 ? "yes" :
	    "no");
	cell(t, COL_SERVICE, vp->p.service_kind == SERVICE_NONE ? "-" : "?");
	age_text(peer->heard_ns, age, sizeof(age));
	if (peer->heard_ns >= 0)
		cell(t, COL_HEARTBEAT, "heard %s ago", age);
	else if (word != NULL) {
		age_text(vp->data.partner_age_ns, age, sizeof(age));
		cell(t, COL_HEARTBEAT, "by ssh %s ago", age);
	} else
		cell(t, COL_HEARTBEAT, "not heard");
	data_peer_text(vp, peer, data, sizeof(data));
	cell(t, COL_DATA, "%s", data);
}

static void
table_fill(struct table *t, const struct view_pair *vp)
{
	const struct ctl_peer *peer;
	char addr[64];
	unsigned role;
	uint32_t i;
	int c;

	for (c = 0; c < COLUMNS; c++) {
		cell(t, (enum column)c, "%s", column_names[c]);
		t->shown[c] = true;
	}
	for (i = 0; i < vp->npeers; i++) {
		t->nrows++;
		peer = &vp->peer[i];
		role = peer_role(vp, peer);
		address_text(&peer->address, addr, sizeof(addr));
		cell(t, COL_NODE, "%s%s", peer->name,
		    peer->self != 0 ? "*" : "");
		cell(t, COL_ADDRESS, "%s", addr);
		cell(t, COL_ROLE, "%s", role == ROLE_UNKNOWN ? "unknown" :
		    role_name((enum role)role));
		if (peer->self != 0)
			self_cells(t, vp);
		else
			peer_cells(t, vp, peer);
	}
	t->nrows++;
}

static size_t
table_width(const struct table *t)
{
	size_t width = 0;
	int c;

	for (c = 0; c < COLUMNS; c++)
		if (t->shown[c])
			width += t->width[c] + (width > 0 ? 2 : 0);
	return width;
}

/* One line, at most `columns` wide, without blanks at its end. */
static void
table_line(FILE *f, const struct table *t, uint32_t row, int columns)
{
	char line[COLUMNS * (CELL_MAX + 2) + 1];
	size_t len = 0, pad;
	const char *s;
	int c;

	for (c = 0; c < COLUMNS; c++) {
		if (!t->shown[c])
			continue;
		s = t->cell[row][c];
		pad = t->width[c] - text_width(s) + 2;
		len += (size_t)snprintf(line + len, sizeof(line) - len,
		    "%s%*s", s, (int)pad, "");
	}
	if (columns > 0 && len > (size_t)columns)
		len = (size_t)columns;
	while (len > 0 && line[len - 1] == ' ')
		len--;
	fprintf(f, "%.*s\n", (int)len, line);
}

static void
table_write(FILE *f, const struct view_pair *vp, int columns)
{
	const enum column *losses = vp->has_data ? column_losses_data :
	    column_losses;
	struct table t = { .nrows = 0 };
	uint32_t row;
	size_t i;

	table_fill(&t, vp);
	for (i = 0; columns > 0 && table_width(&t) > (size_t)columns &&
	    i < sizeof(column_losses) / sizeof(column_losses[0]); i++)
		t.shown[losses[i]] = false;
	for (row = 0; row < t.nrows; row++)
		table_line(f, &t, row, columns);
}

static const char *
colour_of(int code)
{
	switch (code) {
	case EXIT_DONE:
		return "\033[32m";
	case EXIT_WARNING:
		return "\033[33m";
	}
	return "\033[31m";
}

static void
upper(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'a' && *s <= 'z')
			*s = (char)(*s - 'a' + 'A');
}

/* "192.168.70.222", "192.168.70.222 +3" */
static void
vip_text(const struct view_pair *vp, char *buf, size_t size)
{
	char addr[48];

	snprintf(buf, size, "-");
	if (vp->naddrs == 0)
		return;
	address_text(&vp->addr[0].address, addr, sizeof(addr));
	if (vp->naddrs == 1)
		snprintf(buf, size, "%s", addr);
	else
		snprintf(buf, size, "%s +%u", addr,
		    (unsigned)(vp->naddrs - 1) % 10000);
}

/* "this node: alpha, ACTIVE for 12d 4h (term 7)" */
static void
self_text(const struct view_pair *vp, char *buf, size_t size)
{
	const struct ctl_peer *self = pair_self(vp);
	char role[16], age[32];

	snprintf(role, sizeof(role), "%s", vp->p.role < ROLE_COUNT ?
	    role_name((enum role)vp->p.role) : "unknown");
	upper(role);
	age_text(vp->p.since_ns, age, sizeof(age));
	snprintf(buf, size, "this node: %s, %s for %s (term %u)",
	    self != NULL ? self->name : "not known yet", role, age,
	    vp->p.term);
	text_clean(buf);
}

static void
heading(FILE *f, const struct view_pair *vp, const struct look *look)
{
	enum pair_verdict pv = pair_verdict(vp);
	char vip[80], word[16], self[160], name[CONF_NAME_MAX + 1];
	size_t used;

	snprintf(name, sizeof(name), "%s", vp->p.name);
	text_clean(name);
	vip_text(vp, vip, sizeof(vip));
	snprintf(word, sizeof(word), "%s", pair_verdict_name(pv));
	upper(word);
	self_text(vp, self, sizeof(self));
	fprintf(f, "%s%s%-5s %s   %s%-13s%s",
	    look->colour && look->utf8 ? colour_of(pair_exit(vp)) : "",
	    look->utf8 ? "\u25cf " : "",
	    name, vip, look->colour ? colour_of(pair_exit(vp)) : "", word,
	    look->colour ? "\033[0m" : "");
	used = (look->utf8 ? 2 : 0) + (text_width(name) > 5 ?
	    text_width(name) : 5) + 4 + strlen(vip) + 13;
	if (look->columns > 0 &&
	    used + 2 + text_width(self) > (size_t)look->columns)
		fputs("\n", f);
	else
		fputs("  ", f);
	fprintf(f, "%.*s\n", look->columns > 0 ? look->columns : 160, self);
}

static void
problems(FILE *f, const struct view_pair *vp, const struct look *look)
{
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];
	uint32_t i;

	for (i = 0; i < vp->nproblems; i++) {
		problem_id(vp->problem[i].number, id);
		fprintf(f, "%s%s%s  ", look->colour ? colour_of(
		    id[0] == 'C' ? EXIT_CRITICAL : EXIT_WARNING) : "", id,
		    look->colour ? "\033[0m" : "");
		problem_write_text(vp, &vp->problem[i], text, sizeof(text));
		text_wrap(f, text, look->columns, 5);
		fputs("     to do: ", f);
		problem_write_fix(vp, &vp->problem[i], text, sizeof(text));
		text_wrap(f, text, look->columns, 12);
	}
}

void
text_pair(FILE *f, const struct view_pair *vp, const struct look *look)
{
	char text[PROBLEM_TEXT_MAX];

	heading(f, vp, look);
	if (look->brief)
		return;
	fputc('\n', f);
	table_write(f, vp, look->columns);
	fputc('\n', f);
	text_forecast(vp, text, sizeof(text));
	text_wrap(f, text, look->columns, 0);
	if (vp->nproblems > 0)
		fputc('\n', f);
	problems(f, vp, look);
}

void
text_view(FILE *f, const struct view *w, const struct look *look)
{
	size_t i;

	for (i = 0; i < w->npairs; i++) {
		if (i > 0 && !look->brief)
			fputc('\n', f);
		text_pair(f, &w->pair[i], look);
	}
}
