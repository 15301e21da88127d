/* SPDX-License-Identifier: ISC */

/*
 * Elector: the policy of the service and its data.  Pure; the jobs it asks
 * for are run by others, and at most one of them is awaited at any time.
 */

#include <assert.h>
#include <string.h>

#include "service.h"

#define STOPS_MAX	2	/* then the node goes on, with a problem */

static enum job_kind	next_job(struct service *,
			    const struct service_config *, mono_t);

void
service_config(struct service_config *cfg, const struct conf_service *s,
    bool has_sync)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->exists = s->kind != SERVICE_NONE || has_sync;
	cfg->data = has_sync;
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
	s->load_took_ms = UINT32_MAX;
}

bool
service_is_mirrors(uint32_t kind)
{
	return kind == JOB_BEGIN || kind == JOB_WRITE || kind == JOB_END;
}

bool
service_rests(const struct service *s)
{
	return !s->run && s->state == SERVICE_STOPPED && s->job == 0 &&
	    s->ended;
}

static int64_t
limit_of(const struct service_config *cfg, enum job_kind kind)
{
	switch (kind) {
	case JOB_START:
	case JOB_STOP:		/* a start under way is waited for */
		return cfg->start_limit_ns + cfg->stop_limit_ns +
		    SERVICE_ANSWER_NS;
	case JOB_BEGIN:
		return SERVICE_BEGIN_NS;
	case JOB_WRITE:
		return SERVICE_WRITE_NS;
	case JOB_LOAD:
		return SERVICE_LOAD_NS + SERVICE_ANSWER_NS;
	case JOB_END:
		return SERVICE_END_NS;
	default:
		return 10 * NS_PER_S + SERVICE_ANSWER_NS;
	}
}

static enum job_kind
ask(struct service *s, const struct service_config *cfg, enum job_kind kind,
    mono_t now)
{
	s->job = kind;
	s->job_term = s->term;
	s->unsent = false;
	s->nobody = MONO_NEVER;
	s->give_up = mono_after(now, limit_of(cfg, kind));
	s->due = s->give_up;
	return kind;
}

/* It did not leave: once more.  The time of an END goes on counting. */
static enum job_kind
ask_again(struct service *s, const struct service_config *cfg, mono_t now)
{
	const mono_t give_up = s->give_up, nobody = s->nobody;

	(void)ask(s, cfg, s->job, now);
	if (s->job == JOB_END)
		s->due = s->give_up = give_up;
	s->nobody = nobody;
	return s->job;
}

/* A job of the mirror's has waited long enough for one to take it. */
static bool
waited(const struct service *s, mono_t now)
{
	if (s->job == JOB_END)
		return mono_reached(now, s->give_up);
	return service_is_mirrors(s->job) && mono_reached(now, s->nobody);
}

static enum job_kind
ask_start(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->state = s->restarting ? SERVICE_UNHEALTHY : SERVICE_STARTING;
	s->fails = 0;
	s->known = true;
	return ask(s, cfg, JOB_START, now);
}

static enum job_kind
ask_stop(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->state = s->restarting ? SERVICE_UNHEALTHY : SERVICE_STOPPING;
	s->stops++;
	return ask(s, cfg, JOB_STOP, now);
}

/* Into the role: the data first, unless they are this term's already. */
static enum job_kind
ask_run(struct service *s, const struct service_config *cfg, mono_t now)
{
	if (!cfg->data || s->data_term == s->term)
		return ask_start(s, cfg, now);
	s->state = SERVICE_STARTING;
	s->ended = false;
	s->loaded = false;
	s->failed_step = 0;
	s->data_term = 0;
	return ask(s, cfg, JOB_BEGIN, now);
}

/* The service is down, or went on without us: the data's turn. */
static enum job_kind
ask_end(struct service *s, const struct service_config *cfg, mono_t now)
{
	if (s->state != SERVICE_STOPPED)
		s->state = SERVICE_STOPPING;
	s->known = true;
	s->ended = false;
	s->synced = false;
	return ask(s, cfg, JOB_END, now);
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

	if (!cfg->exists) {
		/* Taken out of the configuration while it ran: nobody's. */
		if (s->run && !run)
			s->state = SERVICE_STOPPED;
		s->run = false;
		return 0;
	}
	s->term = term;
	s->run = run;
	if (!changed && s->state != SERVICE_UNKNOWN)
		return 0;
	s->restarting = false;
	s->restarted = false;
	s->reloading = false;
	s->stop_failed = false;
	s->stops = 0;
	s->fails = 0;
	if (s->state == SERVICE_UNKNOWN && s->job != 0 && !run)
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
		return ask_run(s, cfg, now);
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

/* Down, and captured if there is something to capture. */
static enum job_kind
stopped(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->state = SERVICE_STOPPED;
	s->known = true;
	s->data_term = 0;
	s->due = MONO_NEVER;
	if (cfg->data && !s->ended && !s->run)
		s->due = mono_after(now, SERVICE_END_AGAIN_NS);
	return s->run ? ask_run(s, cfg, now) : 0;
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
	if (s->reloading && s->stop_failed) {
		/* Nothing is loaded below a service that may still run. */
		s->reloading = false;
		s->state = SERVICE_FAILED;
		s->due = MONO_NEVER;
		return 0;
	}
	if (s->restarting)
		return ask_start(s, cfg, now);
	if (cfg->data)
		return ask_end(s, cfg, now);
	return stopped(s, cfg, now);
}

/*
 * Whatever came of it, the node goes on: what was not captured or not sent
 * stays in this node's live data and its store.
 */
static enum job_kind
end_done(struct service *s, const struct service_config *cfg,
    const struct msg_job_done *done, mono_t now)
{
	s->ended = done->result == JOB_OK;
	s->end_late = done->result == JOB_TIMEOUT;
	s->synced = s->ended && done->check != 0;
	if (!s->reloading)
		return stopped(s, cfg, now);
	s->reloading = false;
	s->state = SERVICE_STARTING;
	s->data_term = 0;
	if (s->ended)
		return ask_run(s, cfg, now);
	/* Not captured, so not to be loaded over: as it was, then. */
	return ask(s, cfg, JOB_WRITE, now);
}

/* BEGIN, LOAD or WRITE came to nothing: no service on doubtful data. */
static enum job_kind
step_failed(struct service *s, enum job_kind step,
    const struct msg_job_done *done, mono_t now)
{
	s->trouble = now;
	s->state = SERVICE_FAILED;
	s->failed_step = (uint8_t)step;
	s->failed_status = done->exit_status;
	s->failed_late = done->result == JOB_TIMEOUT;
	s->due = MONO_NEVER;
	return 0;
}

static enum job_kind
step_done(struct service *s, const struct service_config *cfg,
    enum job_kind step, const struct msg_job_done *done, mono_t now)
{
	if (done->result != JOB_OK)
		return step_failed(s, step, done, now);
	switch (step) {
	case JOB_BEGIN:
		if (done->check != 0)
			return ask(s, cfg, JOB_LOAD, now);
		return ask(s, cfg, JOB_WRITE, now);
	case JOB_LOAD:
		s->loaded = true;
		s->load_took_ms = done->took_ms;
		return ask(s, cfg, JOB_WRITE, now);
	default:
		s->data_term = s->job_term;
		return ask_start(s, cfg, now);
	}
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

static enum job_kind
query_done(struct service *s, const struct service_config *cfg,
    const struct msg_job_done *done, mono_t now)
{
	s->due = MONO_NEVER;
	if (done->result == JOB_OK)
		return ask_stop(s, cfg, now);
	/* Nothing runs; what an earlier life wrote may not be captured. */
	if (cfg->data)
		return ask_end(s, cfg, now);
	return stopped(s, cfg, now);
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
		s->job = kind;
		if (!service_is_mirrors(kind))
			return ask_again(s, cfg, now);
		service_unsent(s, now);
		return 0;
	}
	switch (kind) {
	case JOB_START:
		return start_done(s, cfg, done, now);
	case JOB_STOP:
		return stop_done(s, cfg, done, now);
	case JOB_CHECK:
		return check_done(s, cfg, done, now);
	case JOB_QUERY:
		return query_done(s, cfg, done, now);
	case JOB_END:
		return end_done(s, cfg, done, now);
	case JOB_BEGIN:
	case JOB_LOAD:
	case JOB_WRITE:
		return step_done(s, cfg, kind, done, now);
	default:
		break;
	}
	return 0;
}

/* Nothing is awaited, and it is time for something. */
static enum job_kind
idle_timer(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->due = MONO_NEVER;
	if (s->state == SERVICE_RUNNING && cfg->checks)
		return ask(s, cfg, JOB_CHECK, now);
	if (s->state == SERVICE_STOPPED && cfg->data && !s->ended)
		return ask_end(s, cfg, now);
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
	if (s->job == 0)
		return idle_timer(s, cfg, now);
	if (s->unsent && !waited(s, now))
		return ask_again(s, cfg, now);
	return service_done(s, cfg, &late, now);
}

enum job_kind
service_reload(struct service *s, const struct service_config *cfg,
    mono_t now)
{
	if (!cfg->data || !s->run || s->reloading)
		return 0;
	s->reloading = true;
	s->restarting = false;
	s->restarted = false;
	s->stops = 0;
	s->fails = 0;
	return ask_stop(s, cfg, now);
}

/* Data that came with the new configuration. */
static enum job_kind
data_came(struct service *s, const struct service_config *cfg, mono_t now)
{
	/* Marked and loaded as in a takeover, for which the service rests. */
	if (s->run && s->data_term == 0 && s->state == SERVICE_RUNNING)
		return service_reload(s, cfg, now);
	if (s->job != 0 || s->run)
		return 0;
	if (s->state == SERVICE_STOPPED && !s->ended)
		return ask_end(s, cfg, now);
	return 0;
}

/* Data that went with it, maybe in the middle of a step. */
static enum job_kind
data_went(struct service *s, const struct service_config *cfg, mono_t now)
{
	s->data_term = 0;
	s->reloading = false;
	s->ended = false;
	s->end_late = false;
	s->failed_step = 0;
	if (!service_is_mirrors(s->job) && s->job != JOB_LOAD)
		return 0;
	s->job = 0;
	return s->run ? ask_start(s, cfg, now) : stopped(s, cfg, now);
}

enum job_kind
service_reconfigured(struct service *s, const struct service_config *cfg,
    mono_t now)
{
	if (!cfg->exists) {
		s->job = 0;
		s->due = MONO_NEVER;
		return 0;
	}
	if (s->state == SERVICE_UNKNOWN && s->job == 0 && !s->run)
		return next_job(s, cfg, now);
	return cfg->data ? data_came(s, cfg, now) : data_went(s, cfg, now);
}

void
service_unsent(struct service *s, mono_t now)
{
	assert(s->job != 0);
	if (!mono_is_set(s->nobody))
		s->nobody = mono_after(now, SERVICE_NOBODY_NS);
	s->unsent = true;
	s->due = mono_after(now, SERVICE_RESEND_NS);
}

/* Its five seconds begin anew, for there may be another soon. */
void
service_lost(struct service *s, mono_t now)
{
	if (!service_is_mirrors(s->job))
		return;
	s->nobody = mono_after(now, SERVICE_NOBODY_NS);
	s->unsent = true;
	s->due = now;
}
