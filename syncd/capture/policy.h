/* SPDX-License-Identifier: ISC */

/*
 * Capture: when what is looked at.  Pure: time comes in, nothing is done.
 *
 * A change is taken once nothing more has come for 5 ms, at the latest 50 ms
 * after the first one.  What could not be taken is tried again, ever more
 * rarely.  Everything is compared by stat each 60 s and when events were
 * lost, and by content each 6 h.
 */
#ifndef VIPAIR_POLICY_H
#define VIPAIR_POLICY_H

#include "mono.h"

#define POLICY_QUIET_NS		(5 * NS_PER_MS)
#define POLICY_CAP_NS		(50 * NS_PER_MS)
#define POLICY_RETRY_MIN_NS	(100 * NS_PER_MS)
#define POLICY_RETRY_MAX_NS	(10 * NS_PER_S)
#define POLICY_PASS_NS		(60 * NS_PER_S)
#define POLICY_CONTENT_NS	(INT64_C(6) * 3600 * NS_PER_S)
#define POLICY_SLICE_NS		(50 * NS_PER_MS)

enum policy_act {
	POLICY_WAIT,
	POLICY_TAKE,		/* what is dirty */
	POLICY_PASS,		/* compare everything by stat */
	POLICY_SLICE,		/* a piece of the comparison by content */
};

struct policy {
	int64_t		pass_ns;	/* `every` of the configuration */
	mono_t		first, last;	/* changes not yet taken */
	mono_t		retry;
	int64_t		retry_ns;	/* waited last time */
	mono_t		pass;		/* next one */
	mono_t		content;	/* next round */
	bool		content_on;	/* a round is under way */
};

/* A pass is due at once.  pass_ns 0: POLICY_PASS_NS. */
void		policy_init(struct policy *p, int64_t pass_ns, mono_t now);
void		policy_changed(struct policy *p, mono_t now);
/* Something that was put off may be taken now. */
void		policy_ready(struct policy *p, mono_t now);
/* Events were lost, or somebody asked for a pass. */
void		policy_lost(struct policy *p, mono_t now);

/* What is to be done now, and when to ask again at the latest. */
enum policy_act	policy_next(const struct policy *p, mono_t now);
mono_t		policy_deadline(const struct policy *p);

/* After TAKE or PASS; ok: nothing is left that must be tried again. */
void		policy_took(struct policy *p, bool ok, mono_t now);
void		policy_passed(struct policy *p, bool ok, mono_t now);
/* After SLICE; done: the round is complete. */
void		policy_sliced(struct policy *p, bool done, mono_t now);

#endif
