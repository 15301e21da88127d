/* SPDX-License-Identifier: ISC */

/* The two faces of vipctl watch: a screen, or lines. */
#ifndef VIPAIR_VIPCTL_WATCH_H
#define VIPAIR_VIPCTL_WATCH_H

#include "events.h"
#include "view.h"

#define WATCH_TAIL	32	/* events kept for the screen */

struct watch {
	struct vipctl	*v;
	const char	*name;		/* only this pair, or NULL */
	struct view	 view;		/* empty while nothing is known */
	int		 code;		/* of the last attempt */
	char		 why[256];
	struct client	 sub;		/* subscription; fd -1: none */
	mono_t		 since;		/* events before it are old news */
	size_t		 ntail;
	char		 tail[WATCH_TAIL][EVENT_TEXT_MAX + 32];
};

/* Asks again; keeps w->view empty when the daemon does not answer. */
void	watch_look(struct watch *w);
/* Subscribes unless that is done. */
void	watch_subscribe(struct watch *w);
/*
 * The next event if there is one within timeout_ms.  False: none, or the
 * subscription is gone (sub.fd is -1 then).
 */
bool	watch_event(struct watch *w, struct ctl_event *e, int timeout_ms);
const struct view_pair	*watch_pair(const struct watch *w, uint32_t pair);

int	watch_lines(struct watch *w);		/* watch.c */
int	watch_screen(struct watch *w);		/* screen.c */
/* One frame as text, rows lines at most; apart from any terminal. */
void	watch_frame(FILE *f, const struct watch *w, const char *clock,
	    int columns, int rows);

#endif
