/* SPDX-License-Identifier: ISC */

/*
 * vipctl report: one HTML file that needs nothing else: no script, no picture
 * beside it, no address.  Everything in it that came from elsewhere is
 * escaped by the functions here, whatever bytes it holds.
 */
#ifndef VIPAIR_VIPCTL_REPORT_H
#define VIPAIR_VIPCTL_REPORT_H

#include <stdio.h>

#include "events.h"
#include "ipc.h"
#include "view.h"

#define REPORT_HISTORY_MAX	1000

struct report {
	const struct view *w;
	const struct view_pair *vp;
	int64_t		now_ns;		/* UTC */
	uint32_t	nhistory;
	struct msg_keep_history history[REPORT_HISTORY_MAX];
	struct events	events;
};

/* Text between tags or in an attribute in double quotes. */
void	html_text(FILE *f, const char *s);
/* "<tag class="c">text</tag>"; class may be NULL. */
void	html_element(FILE *f, const char *tag, const char *class,
	    const char *text);
void	html_begin(FILE *f, const char *title);
void	html_end(FILE *f);

/* report_page.c: everything about one pair. */
void	report_pair(FILE *f, const struct report *r);
/* report_svg.c: who was active when, and what this node was. */
void	report_timeline(FILE *f, const struct report *r);
/* The age of the data and the silence at each takeover, as bars. */
void	report_takeovers(FILE *f, const struct report *r);

/* Name of a node of the pair by index, or "?". */
const char	*report_node(const struct report *r, unsigned node);

#endif
