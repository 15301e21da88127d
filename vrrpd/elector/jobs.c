/* SPDX-License-Identifier: ISC */

/*
 * Elector: carries the service policy's wishes to the supervisor, which
 * runs them.  Decides nothing.
 */

#include "elector.h"

static void
ask(struct elector *el, struct pair *p, enum job_kind kind)
{
	union msg m = { .job = {
		.head = head_for(el, MSG_JOB, p),
		.kind = kind,
		.role = election_role(&p->election),
		.term = p->service.job_term,
	} };

	if (kind == 0)
		return;
	if (!tell(el, &el->supervisor, &m))
		service_unsent(&p->service, el->now);
}

/* pair_step() tells the election when the step that led here is through. */
void
job_want(struct elector *el, struct pair *p, bool run, uint32_t term)
{
	ask(el, p, service_want(&p->service, &p->service_cfg, run, term,
	    el->now));
	pair_due(el, p);
}

static void
report(struct elector *el, struct pair *p)
{
	struct event ev = {
		.type = EVENT_SERVICE,
		.service.state = p->service.state,
	};

	if (!p->started || p->service_told == p->service.state)
		return;
	note(el, p, &(struct ctl_event){
		.kind = CTL_EVENT_SERVICE,
		.old = p->service_told,
		.new_ = p->service.state,
	});
	p->service_told = p->service.state;
	pair_step(el, p, &ev);
}

void
job_done(struct elector *el, struct pair *p, const struct msg_job_done *done)
{
	ask(el, p, service_done(&p->service, &p->service_cfg, done, el->now));
	report(el, p);
	pair_due(el, p);
}

void
job_timer(struct elector *el, struct pair *p)
{
	ask(el, p, service_timer(&p->service, &p->service_cfg, el->now));
	report(el, p);
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
