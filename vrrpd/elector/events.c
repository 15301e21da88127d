/* SPDX-License-Identifier: ISC */

/*
 * Elector: what happened lately, for `why` and for those who follow.  A ring:
 * the oldest goes when the newest comes.
 */

#include <assert.h>

#include "elector.h"

void
note(struct elector *el, const struct pair *p, const struct ctl_event *e)
{
	struct ctl_event *at = &el->event[el->nevents % EVENTS_MAX];

	*at = *e;
	at->head = (struct ctl_head){
		.type = CTL_EVENT,
		.size = sizeof(*at),
		.pair = p == NULL ? CTL_PAIR_ALL : p->index,
	};
	at->wall_ns = el->wall_ns;
	el->event_at[el->nevents % EVENTS_MAX] = el->now;
	el->nevents++;
	control_publish(el, at);
}

uint64_t
note_first(const struct elector *el)
{
	return el->nevents < EVENTS_MAX ? 0 : el->nevents - EVENTS_MAX;
}

void
note_read(const struct elector *el, uint64_t number, struct ctl_event *e)
{
	assert(number < el->nevents);
	assert(number >= note_first(el));
	*e = el->event[number % EVENTS_MAX];
	e->age_ns = mono_span_ns(el->event_at[number % EVENTS_MAX], el->now);
}
