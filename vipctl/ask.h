/* SPDX-License-Identifier: ISC */

/*
 * How a change is asked for: over control.sock, and for the data half with a
 * token that comes back in the capture's state file.
 */
#ifndef VIPAIR_VIPCTL_ASK_H
#define VIPAIR_VIPCTL_ASK_H

#include "syncview.h"
#include "view.h"

#define ASK_STEP_NS	(20 * NS_PER_MS)
#define ASK_TIMEOUT_NS	(600 * NS_PER_S)	/* a whole pass may be long */

/*
 * Sends one change and reads the verdict on it; says why it was refused.
 * vp names who is active then; NULL: nobody is named.
 */
int	ask_change(struct vipctl *v, const struct view_pair *vp,
	    const struct ctl_request *rq);
/* CTL_ASK without waiting for anything; token 0 is fine. */
int	ask_data(struct vipctl *v, const struct view *w,
	    const struct view_pair *vp, enum ask_kind kind, uint64_t value,
	    uint64_t value2, uint64_t token);
/*
 * The same, and waits until the capture has done it: EXIT_DONE, or a code
 * with the reason said.  sv: what the files said then.
 */
int	ask_capture(struct vipctl *v, const struct view *w,
	    const struct view_pair *vp, enum ask_kind kind, uint64_t value,
	    uint64_t value2, mono_t deadline, struct sync_view *sv);

void	ask_nap(void);
/*
 * Active: has what was wished for put in place of the live data, waits until
 * the service runs again and says what became of it (restore.c).
 */
int	reload_data(struct vipctl *v, const char *pair, const char *what);

/* Wants the word typed at standard input; says that nothing was done. */
bool	ask_typed(struct vipctl *v, const char *word);

#endif
