/* SPDX-License-Identifier: ISC */

/*
 * Capture: the times of change detection.  Pure.
 */

#include <assert.h>

#include "policy.h"

void
policy_init(struct policy *p, int64_t pass_ns, mono_t now)
{
	assert(pass_ns >= 0);
	*p = (struct policy){
		.pass_ns = pass_ns != 0 ? pass_ns : POLICY_PASS_NS,
		.pass = now,
		.content = mono_after(now, POLICY_CONTENT_NS),
	};
}

void
policy_changed(struct policy *p, mono_t now)
{
	if (!mono_is_set(p->first))
		p->first = now;
	p->last = now;
}

void
policy_ready(struct policy *p, mono_t now)
{
	p->retry = now;
}

void
policy_lost(struct policy *p, mono_t now)
{
	p->pass = now;
}

/* The burst is over, or goes on for too long. */
static mono_t
take_at(const struct policy *p)
{
	if (!mono_is_set(p->first))
		return MONO_NEVER;
	return mono_first(mono_after(p->last, POLICY_QUIET_NS),
	    mono_after(p->first, POLICY_CAP_NS));
}

enum policy_act
policy_next(const struct policy *p, mono_t now)
{
	if (mono_reached(now, p->pass))
		return POLICY_PASS;
	if (mono_reached(now, take_at(p)) || mono_reached(now, p->retry))
		return POLICY_TAKE;
	if (mono_reached(now, p->content))
		return POLICY_SLICE;
	return POLICY_WAIT;
}

mono_t
policy_deadline(const struct policy *p)
{
	return mono_first(mono_first(take_at(p), p->retry),
	    mono_first(p->pass, p->content));
}

static void
plan_retry(struct policy *p, bool ok, mono_t now)
{
	if (ok) {
		p->retry = MONO_NEVER;
		p->retry_ns = 0;
		return;
	}
	p->retry_ns = p->retry_ns == 0 ? POLICY_RETRY_MIN_NS :
	    p->retry_ns * 2;
	if (p->retry_ns > POLICY_RETRY_MAX_NS)
		p->retry_ns = POLICY_RETRY_MAX_NS;
	p->retry = mono_after(now, p->retry_ns);
}

void
policy_took(struct policy *p, bool ok, mono_t now)
{
	p->first = p->last = MONO_NEVER;
	plan_retry(p, ok, now);
}

void
policy_passed(struct policy *p, bool ok, mono_t now)
{
	policy_took(p, ok, now);
	p->pass = mono_after(now, p->pass_ns);
}

void
policy_sliced(struct policy *p, bool done, mono_t now)
{
	p->content_on = !done;
	p->content = mono_after(now, done ? POLICY_CONTENT_NS :
	    POLICY_SLICE_NS);
}
