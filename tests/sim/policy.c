/* SPDX-License-Identifier: ISC */

/* Simulator: see policy.h.  Follows vrrpd/elector/jobs.c. */
#include <assert.h>

#include "data.h"
#include "policy.h"
#include "service.h"

static const struct service_config config = {
	.exists = true, .data = true, .can_query = true, .checks = true,
	.give_up_after = 1, .check_every_ns = 5 * NS_PER_S,
	.start_limit_ns = 30 * NS_PER_S, .stop_limit_ns = 30 * NS_PER_S,
};

static const uint8_t kinds[WORK_COUNT] = {
	[WORK_QUERY] = JOB_QUERY, [WORK_STOP] = JOB_STOP,
	[WORK_START] = JOB_START, [WORK_CHECK] = JOB_CHECK,
	[WORK_BEGIN] = JOB_BEGIN, [WORK_LOAD] = JOB_LOAD,
	[WORK_WRITE] = JOB_WRITE, [WORK_END] = JOB_END,
	[WORK_PREPARE] = JOB_PREPARE, [WORK_SETTLE] = JOB_SETTLE,
};

static_assert(sizeof(struct service) <= sizeof(((struct policy *)0)->service),
    "a policy has room for it");
static_assert(sizeof(struct data_plan) <= sizeof(((struct policy *)0)->plan),
    "a policy has room for it");

static struct service *
service_of(struct policy *p)
{
	return (struct service *)(void *)p->service;
}

static struct data_plan *
plan_of(struct policy *p)
{
	return (struct data_plan *)(void *)p->plan;
}

static struct work_ask
asked(const struct policy *p, enum job_kind kind)
{
	const struct service *s = (const struct service *)
	    (const void *)p->service;
	const struct data_plan *d = (const struct data_plan *)
	    (const void *)p->plan;
	struct work_ask a = { .work = WORK_NONE };

	if (kind == 0)
		return a;
	for (uint8_t i = 1; i < WORK_COUNT; i++)
		if (kinds[i] == (uint8_t)kind)
			a.work = i;
	assert(a.work != WORK_NONE);
	a.term = a.work >= WORK_PREPARE ? d->number : s->job_term;
	return a;
}

void
policy_start(struct policy *p)
{
	service_init(service_of(p));
	data_init(plan_of(p));
}

struct work_ask
policy_want(struct policy *p, bool run, uint32_t term, mono_t now)
{
	return asked(p, service_want(service_of(p), &config, run, term, now));
}

struct work_ask
policy_done(struct policy *p, struct work_ask of, enum work_result r,
    bool check, mono_t now)
{
	const struct msg_job_done done = {
		.kind = kinds[of.work], .term = of.term, .check = check,
		.result = r == WORK_OK ? JOB_OK : r == WORK_SUPERSEDED ?
		    JOB_SUPERSEDED : JOB_FAILED,
	};
	struct service *s = service_of(p);
	const uint32_t wrote = s->data_term;
	enum job_kind next;

	if (of.work >= WORK_PREPARE)
		return asked(p, data_done(plan_of(p), &done, now));
	next = service_done(s, &config, &done, now);
	if (wrote != 0 && s->data_term == 0 && s->ended)
		data_is_live(plan_of(p));
	return asked(p, next);
}

struct work_ask
policy_timer(struct policy *p, mono_t now)
{
	if (mono_reached(now, service_of(p)->due))
		return asked(p, service_timer(service_of(p), &config, now));
	return asked(p, data_timer(plan_of(p), now));
}

struct work_ask
policy_head(struct policy *p, uint64_t generation, bool holds, mono_t now)
{
	return asked(p, data_head(plan_of(p), generation,
	    service_rests(service_of(p)) && !holds, now));
}

void
policy_unsent(struct policy *p, struct work_ask of, mono_t now)
{
	if (of.work >= WORK_PREPARE)
		data_unsent(plan_of(p), now);
	else
		service_unsent(service_of(p), now);
}

mono_t
policy_due(const struct policy *p)
{
	const struct service *s = (const struct service *)
	    (const void *)p->service;
	const struct data_plan *d = (const struct data_plan *)
	    (const void *)p->plan;

	return mono_first(s->due, d->due);
}

bool
policy_known(const struct policy *p)
{
	return ((const struct service *)(const void *)p->service)->known;
}

uint8_t
policy_state(const struct policy *p)
{
	return ((const struct service *)(const void *)p->service)->state;
}
