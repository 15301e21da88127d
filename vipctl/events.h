/* SPDX-License-Identifier: ISC */

/*
 * What the elector remembers of its last minutes to days, one event a line,
 * as sentences and as JSON.
 */
#ifndef VIPAIR_VIPCTL_EVENTS_H
#define VIPAIR_VIPCTL_EVENTS_H

#include <stddef.h>

#include "json.h"
#include "view.h"

#define EVENTS_MAX	4096	/* more than the elector keeps */
#define EVENT_TEXT_MAX	256

struct events {
	size_t		 n;
	struct ctl_event e[EVENTS_MAX];
};

/* All events of one pair, oldest first; EXIT_DONE or complained. */
int	events_get(struct vipctl *v, uint16_t pair, struct events *ev);
/* "standby -> active (term 8): ..."; vp may be NULL. */
void	event_text(const struct view_pair *vp, const struct ctl_event *e,
	    char *buf, size_t size);
const char	*event_kind_name(uint32_t kind);
void	event_json(struct json *j, const struct view_pair *vp,
	    const struct ctl_event *e);
/*
 * The first event that led to the present role: the one behind the last
 * change to a role that came to rest before it.
 */
size_t	events_chain_start(const struct events *ev);
/* Index of the last change of role, or ev->n. */
size_t	events_last_change(const struct events *ev);

#endif
