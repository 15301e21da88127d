/* SPDX-License-Identifier: ISC */

/* What why and history write, apart from the daemon; for tests, too. */
#ifndef VIPAIR_VIPCTL_PAST_H
#define VIPAIR_VIPCTL_PAST_H

#include "events.h"

void	why_text(FILE *f, const struct view_pair *vp,
	    const struct events *ev);
void	why_json(FILE *f, const struct view *w, const struct view_pair *vp,
	    const struct events *ev);
void	history_line(FILE *f, const struct view_pair *vp,
	    const struct msg_keep_history *h);
void	history_json(struct json *j, const struct view_pair *vp,
	    const struct msg_keep_history *h);

#endif
