/* SPDX-License-Identifier: ISC */

/*
 * Elector: the policy of the service.  Pure; the jobs it asks for are run
 * by others, and at most one of them is awaited at any time.
 */

#include <assert.h>
#include <string.h>

#include "service.h"

#define STOPS_MAX	2	/* then the node goes on, with a problem */

static enum job_kind	next_job(struct service *,
			    const struct service_config *, mono_t);

void
service_config(struct service_config *cfg, const struct conf_service *s)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->exists = s->kind != SERVICE_NONE;
	cfg->can_query = s->kind == SERVICE_UNIT || s->check != 0;
	cfg->checks = s->nhealth > 0 || s->check != 0;
	cfg->give_up_after = s->give_up_after != 0 ? s->give_up_after : 3;
	cfg->check_every_ns = (int64_t)s->check_every_ms * NS_PER_MS;
	if (cfg->check_every_ns < NS_PER_S / 10)
		cfg->check_every_ns = 5 * NS_PER_S;
	cfg->start_limit_ns = (int64_t)s->start_timeout_ms * NS_PER_MS;
	cfg->stop_limit_ns = (int64_t)s->stop_timeout_ms * NS_PER_MS;
}

void
service_init(struct service *s)
{
	memset(s, 0, sizeof(*s));
	s->state = SERVICE_UNKNOWN;
	s->start_took_ns = -1;
}

static enum job_kind
ask(struct service *s, const struct service_config *cfg, enum job_kind kind,
    mono_t now)
{
	int64_t limit = 10 * NS_PER_S;

	if (kind == JOB_START)
		limit = cfg->start_limit_ns + cfg->stop_limit_ns;
	if (kind == JOB_STOP)	/* a start under way is waited for */
		limit = cfg->start_limit_ns + cfg->stop_limit_ns;
	s->job = kind;
	s->job_term = s->term;
	s->unsent = false;
	s->due = mono_after(now, limit + SERVICE_ANSWER_NS);
	return kind;
}

static enum job_kind
ask_start(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->state = s->restarting ? SERVICE_UNHEALTHY : SERVICE_STARTING;
	s->fails = 0;
	return ask(s, cfg, JOB_START, now);
}

static enum job_kind
ask_stop(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->state = s->restarting ? SERVICE_UNHEALTHY : SERVICE_STOPPING;
	s->stops++;
	return ask(s, cfg, JOB_STOP, now);
}

/* A start or too many checks failed: once again, then no more. */
static enum job_kind
trouble(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->trouble = now;
	s->fails = 0;
	if (s->restarted) {
		s->restarting = false;
		s->state = SERVICE_FAILED;
		s->job = 0;
		s->due = MONO_NEVER;
		return 0;
	}
	s->restarted = true;
	s->restarting = true;
	s->stops = 0;
	return ask_stop(s, cfg, now);
}

enum job_kind
service_want(struct service *s, const struct service_config *cfg, bool run,
    uint32_t term, mono_t now)
{
	bool changed = run != s->run;

	if (!cfg->exists)
		return 0;
	s->term = term;
	s->run = run;
	if (!changed && s->state != SERVICE_UNKNOWN)
		return 0;
	s->restarting = false;
	s->restarted = false;
	s->stop_failed = false;
	s->stops = 0;
	s->fails = 0;
	if (s->state == SERVICE_UNKNOWN && s->job == JOB_QUERY && !run)
		return 0;
	return next_job(s, cfg, now);
}

/* From what is wanted and known to the next job; nothing is awaited. */
static enum job_kind
next_job(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->job = 0;
	s->due = MONO_NEVER;
	if (s->run) {
		if (s->state == SERVICE_RUNNING)
			return 0;
		return ask_start(s, cfg, now);
	}
	if (s->state == SERVICE_STOPPED)
		return 0;
	if (s->state == SERVICE_UNKNOWN && cfg->can_query)
		return ask(s, cfg, JOB_QUERY, now);
	return ask_stop(s, cfg, now);
}

static enum job_kind
start_done(struct service *s, const struct service_config *cfg,
    const struct msg_job_done *done, mono_t now)
{
	if (done->result != JOB_OK)
		return trouble(s, cfg, now);
	s->restarting = false;
	s->state = SERVICE_RUNNING;
	s->healthy = now;
	s->start_took_ns = (int64_t)done->took_ms * NS_PER_MS;
	s->due = MONO_NEVER;
	if (cfg->checks)
		s->due = mono_after(now, cfg->check_every_ns);
	return 0;
}

static enum job_kind
stop_done(struct service *s, const struct service_config *cfg,
    const struct msg_job_done *done, mono_t now)
{
	if (done->result != JOB_OK && s->stops < STOPS_MAX)
		return ask_stop(s, cfg, now);
	/*
	 * A service that does not stop must not keep the address here: the
	 * node goes on as if it had, and says so.
	 */
	s->stop_failed = done->result != JOB_OK;
	s->stops = 0;
	if (s->restarting)
		return ask_start(s, cfg, now);
	s->state = SERVICE_STOPPED;
	s->due = MONO_NEVER;
	return s->run ? ask_start(s, cfg, now) : 0;
}

static enum job_kind
check_done(struct service *s, const struct service_config *cfg,
    const struct msg_job_done *done, mono_t now)
{
	s->due = mono_after(now, cfg->check_every_ns);
	if (done->result == JOB_OK) {
		s->fails = 0;
		s->healthy = now;
		s->state = SERVICE_RUNNING;
		if (s->restarted && mono_span_ns(s->trouble, now) >=
		    SERVICE_FORGIVE_NS)
			s->restarted = false;
		return 0;
	}
	s->failed_check = done->check;
	s->fails++;
	if (s->fails < cfg->give_up_after)
		return 0;
	return trouble(s, cfg, now);
}

enum job_kind
service_done(struct service *s, const struct service_config *cfg,
    const struct msg_job_done *done, mono_t now)
{
	enum job_kind kind = s->job;

	/* An answer to what is no longer awaited: its successor answers. */
	if (kind == 0 || done->kind != kind || done->term != s->job_term)
		return 0;
	s->job = 0;
	if (done->result == JOB_SUPERSEDED) {
		if (kind == JOB_CHECK) {
			s->due = mono_after(now, cfg->check_every_ns);
			return 0;
		}
		return ask(s, cfg, kind, now);
	}
	switch (kind) {
	case JOB_START:
		return start_done(s, cfg, done, now);
	case JOB_STOP:
		return stop_done(s, cfg, done, now);
	case JOB_CHECK:
		return check_done(s, cfg, done, now);
	case JOB_QUERY:
		s->state = done->result == JOB_OK ? SERVICE_UNKNOWN :
		    SERVICE_STOPPED;
		s->due = MONO_NEVER;
		return done->result == JOB_OK ? ask_stop(s, cfg, now) : 0;
	default:
		break;
	}
	return 0;
}

enum job_kind
service_timer(struct service *s, const struct service_config *cfg,
    mono_t now)
{
	struct msg_job_done late = {
		.kind = s->job, .result = JOB_TIMEOUT, .term = s->job_term,
	};

	if (!mono_reached(now, s->due))
		return 0;
	if (s->job == 0) {
		s->due = MONO_NEVER;
		if (s->state != SERVICE_RUNNING || !cfg->checks)
			return 0;
		return ask(s, cfg, JOB_CHECK, now);
	}
	if (s->unsent)
		return ask(s, cfg, s->job, now);
	return service_done(s, cfg, &late, now);
}

void
service_unsent(struct service *s, mono_t now)
{
	assert(s->job != 0);
	s->unsent = true;
	s->due = mono_after(now, SERVICE_RESEND_NS);
}
