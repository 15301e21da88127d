/* SPDX-License-Identifier: ISC */

/*
 * Elector: carries the wishes of the policies of service and data to the
 * supervisor, which runs them, or to the mirror.  Decides nothing.
 */

#include "elector.h"

static bool
hand_on(struct elector *el, struct pair *p, enum job_kind kind,
    uint32_t term)
{
	union msg m = { .job = {
		.head = head_for(el, MSG_JOB, p),
		.kind = kind,
		.role = election_role(&p->election),
		.term = term,
	} };

	if (!service_is_mirrors(kind))
		return tell(el, &el->supervisor, &m);
	/* It is to know what we are before it is told to do something. */
	word_say(el, p);
	return tell(el, &el->mirror, &m);
}

static void
ask(struct elector *el, struct pair *p, enum job_kind kind)
{
	if (kind != 0 && !hand_on(el, p, kind, p->service.job_term))
		service_unsent(&p->service, el->now);
}

static void
ask_loader(struct elector *el, struct pair *p, enum job_kind kind)
{
	if (kind != 0 && !hand_on(el, p, kind, p->plan.number))
		data_unsent(&p->plan, el->now);
}

void
job_plan(struct elector *el, struct pair *p)
{
	const bool may = pair_conf(el, p)->has_sync && p->started &&
	    service_rests(&p->service) && !pair_holds(p) &&
	    p->data.state != DATA_DAMAGED;

	if (mono_is_set(p->data_at))
		ask_loader(el, p, data_head(&p->plan, p->data.generation,
		    may, el->now));
}

/* pair_step() tells the election when the step that led here is through. */
void
job_want(struct elector *el, struct pair *p, bool run, uint32_t term)
{
	ask(el, p, service_want(&p->service, &p->service_cfg, run, term,
	    el->now));
	job_plan(el, p);
	pair_due(el, p);
}

static void
report(struct elector *el, struct pair *p)
{
	struct event ev = {
		.type = EVENT_SERVICE,
		.service.state = p->service.state,
	};

	if (!p->started || !p->configured ||
	    p->service_told == p->service.state)
		return;
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_SERVICE,
		.old = p->service_told,
		.new_ = p->service.state,
	});
	p->service_told = p->service.state;
	pair_step(el, p, &ev);
}

static void
log_failed_step(const struct elector *el, const struct pair *p)
{
	const struct service *s = &p->service;

	log_warnx("pair %s: service not started, %s %s (status %u)",
	    conf_string(el->conf, pair_conf(el, p)->name),
	    s->failed_step == JOB_LOAD ? "the data could not be loaded" :
	    "the store could not be opened for writing",
	    s->failed_late ? "in time" : "now", s->failed_status);
}

/* What the service's policy made of an answer, or of time. */
static void
moved(struct elector *el, struct pair *p, uint32_t wrote)
{
	const struct service *s = &p->service;

	if (s->failed_step != 0 && p->service_told != SERVICE_FAILED &&
	    s->state == SERVICE_FAILED)
		log_failed_step(el, p);
	/* Captured to the end: the store's head is what lies here. */
	if (wrote != 0 && s->data_term == 0 && s->ended)
		data_is_live(&p->plan);
	if ((wrote == 0 && s->data_term != 0) || s->failed_step != 0)
		history_data(el, p);
	job_plan(el, p);
	report(el, p);
	word_say(el, p);
	pair_due(el, p);
}

void
job_done(struct elector *el, struct pair *p, const struct msg_job_done *done)
{
	const uint32_t wrote = p->service.data_term;

	if (done->kind == JOB_PREPARE || done->kind == JOB_SETTLE) {
		ask_loader(el, p, data_done(&p->plan, done, el->now));
		pair_due(el, p);
		return;
	}
	ask(el, p, service_done(&p->service, &p->service_cfg, done, el->now));
	moved(el, p, wrote);
}

void
job_timer(struct elector *el, struct pair *p)
{
	const uint32_t wrote = p->service.data_term;

	if (mono_reached(el->now, p->service.due)) {
		ask(el, p, service_timer(&p->service, &p->service_cfg,
		    el->now));
		moved(el, p, wrote);
	}
	if (mono_reached(el->now, p->plan.due))
		ask_loader(el, p, data_timer(&p->plan, el->now));
}

void
job_lost(struct elector *el, struct pair *p)
{
	service_lost(&p->service, el->now);
	pair_due(el, p);
}

void
job_reconfigured(struct elector *el, struct pair *p)
{
	ask(el, p, service_reconfigured(&p->service, &p->service_cfg,
	    el->now));
	if (!p->service_cfg.data) {
		data_init(&p->plan);
		p->data_at = MONO_NEVER;
	}
	p->partner_at = MONO_NEVER;
	p->word.head.type = MSG_NONE;
	data_feed(el, p);
	report(el, p);
	pair_due(el, p);
}

bool
job_reload_data(struct elector *el, struct pair *p)
{
	const enum job_kind kind = service_reload(&p->service,
	    &p->service_cfg, el->now);

	if (kind == 0)
		return false;
	ask(el, p, kind);
	report(el, p);
	pair_due(el, p);
	return true;
}

void
job_notify(struct elector *el, struct pair *p, enum role old_role,
    enum role new_role)
{
	union msg m = { .job = {
		.head = head_for(el, MSG_JOB, p),
		.kind = JOB_NOTIFY,
		.role = new_role,
		.old_role = old_role,
		.term = p->election.term,
	} };

	if (pair_conf(el, p)->notify != 0)
		(void)tell(el, &el->supervisor, &m);
}
