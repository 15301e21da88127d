/* SPDX-License-Identifier: ISC */

/*
 * The mirror: BEGIN, WRITE and END between elector and capture.  Every job is
 * answered; what is in hand when the capture dies goes to the next one.
 *
 * BEGIN shuts our receivers before the capture hears of it.  END is over when
 * the partner has what the capture published last, or cannot be waited for.
 */

#include "mirror.h"

static void
answer(struct pair *p)
{
	struct job *j = &p->job;
	union msg m = { .job_done = j->done };

	if (j->mute || elector_send(p->mirror, &m) ||
	    p->mirror->elector.fd == -1) {
		j->step = JOB_STEP_NONE;
		return;
	}
	j->step = JOB_STEP_ANSWER;
	j->by = mono_after(mono_now(), MIRROR_RETRY_NS);
}

static void
finish(struct pair *p, enum job_result result)
{
	struct job *j = &p->job;
	const union msg m = pair_msg(p, MSG_JOB_DONE);

	if (j->step != JOB_STEP_ACK)
		j->done = (struct msg_job_done){ .check = 0 };
	j->done.head = m.head;
	j->done.kind = j->ask.kind;
	j->done.term = j->ask.term;
	j->done.result = result;
	j->done.took_ms = (uint32_t)(mono_span_ns(j->asked, mono_now()) /
	    NS_PER_MS);
	answer(p);
}

/* As which epoch we ship: what the capture says, and what it was told. */
void
jobs_writing(struct pair *p)
{
	const bool ending = p->job.step != JOB_STEP_NONE &&
	    p->job.step != JOB_STEP_ANSWER && p->job.ask.kind == JOB_END;
	struct epoch e = { .term = 0 };
	uint32_t term = p->captured.term;

	if (term == 0)
		term = p->write.kind == JOB_WRITE ? p->write.term :
		    ending ? p->write_term : 0;
	if (!p->known || p->word.self == LINK_SELF_NONE)
		term = 0;
	p->write_term = term;
	if (term != 0)
		e = (struct epoch){ .term = term, .node = p->word.self_id };
	ship_role(p->ship, term != 0, &e);
}

/* ---- END: the last sync ------------------------------------------------- */

enum last { LAST_WAIT, LAST_THERE, LAST_NOT };

static enum last
last_sync(struct pair *p)
{
	const struct position *head = &store_head(p->store)->position;
	struct ship_progress g;

	ship_progress(p->ship, &g);
	if (head->generation == 0 || position_equal(head, &g.acked))
		return LAST_THERE;
	if (p->write_term == 0)
		return LAST_NOT;
	switch (g.state) {
	case SHIP_WATCHING:		/* about to say HELLO as a writer */
	case SHIP_COPYING:
	case SHIP_LEVEL:		/* about to see the new head */
		return LAST_WAIT;
	case SHIP_HELD:			/* a passing reason, or a lasting one */
		return p->passing ? LAST_WAIT : LAST_NOT;
	case SHIP_DOWN:
	case SHIP_CONNECTING:
		break;
	}
	return LAST_NOT;
}

static void
look_at_last(struct pair *p, mono_t now)
{
	enum last last = last_sync(p);

	if (last == LAST_WAIT && !mono_reached(now, p->job.by))
		return;
	if (last != LAST_THERE)
		log_info("%s: the partner does not have the last generation",
		    p->name);
	p->job.done.check = last == LAST_THERE;
	finish(p, JOB_OK);
	jobs_writing(p);
}

/* ---- the capture -------------------------------------------------------- */

static void
pass_on(struct pair *p)
{
	struct job *j = &p->job;
	union msg m = { .job = j->ask };

	if (capture_send(p->mirror, &m)) {
		j->step = JOB_STEP_CAPTURE;
		j->by = MONO_NEVER;
	} else {
		j->step = JOB_STEP_SEND;
	}
}

static void
set_shut(struct pair *p, bool shut)
{
	p->shut = shut;
	ownword_changed(p);
}

void
jobs_ask(struct pair *p, const struct msg_job *job)
{
	struct job *j = &p->job;

	if (job->kind != JOB_BEGIN && job->kind != JOB_WRITE &&
	    job->kind != JOB_END)
		fatalx("mirror: the elector asks for a job that is not ours");
	if (j->step == JOB_STEP_ANSWER)
		answer(p);
	else if (j->step != JOB_STEP_NONE && (j->ask.kind != job->kind ||
	    j->ask.term != job->term))
		finish(p, JOB_SUPERSEDED);
	*j = (struct job){
		.step = JOB_STEP_SEND, .ask = *job, .asked = mono_now(),
		.by = mono_after(mono_now(), MIRROR_CAPTURE_NS),
	};
	if (job->kind != JOB_WRITE)
		p->write.kind = 0;
	if (job->kind == JOB_BEGIN)
		set_shut(p, true);
	pass_on(p);
}

void
jobs_done(struct pair *p, const struct msg_job_done *done)
{
	struct job *j = &p->job;

	/* Of a job that was superseded, or of one that was told again. */
	if (j->step != JOB_STEP_CAPTURE || done->kind != j->ask.kind ||
	    done->term != j->ask.term)
		return;
	j->done = *done;
	if (done->kind == JOB_END)
		set_shut(p, false);
	else if (done->kind == JOB_BEGIN && done->result != JOB_OK)
		set_shut(p, false);
	else if (done->kind == JOB_WRITE && done->result == JOB_OK)
		p->write = j->ask;
	if (done->kind == JOB_END && done->result == JOB_OK) {
		j->step = JOB_STEP_ACK;
		j->by = mono_after(mono_now(), MIRROR_ACK_NS);
		data_look(p);
		ship_kick(p->ship);
		jobs_writing(p);
		return;		/* jobs_turn() looks, after the ship */
	}
	answer(p);
	jobs_writing(p);
}

void
jobs_captured(struct pair *p, const struct msg_captured *c)
{
	const bool moved = c->generation != p->captured.generation ||
	    c->published != 0;

	p->captured = *c;
	if (moved) {
		data_look(p);
		ship_kick(p->ship);
	}
	ownword_changed(p);
	jobs_writing(p);
}

/* ---- who comes and goes ------------------------------------------------- */

void
jobs_capture_gone(struct pair *p)
{
	struct job *j = &p->job;

	/* What it has not read of live data nobody knows now. */
	p->captured.settled = 0;
	ownword_changed(p);
	if (j->step != JOB_STEP_CAPTURE)
		return;
	j->step = JOB_STEP_SEND;
	j->by = mono_after(mono_now(), MIRROR_CAPTURE_NS);
}

void
jobs_capture_came(struct pair *p)
{
	union msg m = { .job = p->write };

	if (p->write.kind == JOB_WRITE && !capture_send(p->mirror, &m))
		log_warnx("%s: the new capture takes nothing", p->name);
	if (p->job.step == JOB_STEP_SEND)
		pass_on(p);
}

void
jobs_elector_gone(struct pair *p)
{
	p->job.mute = true;
}

void
jobs_turn(struct pair *p, mono_t now)
{
	struct job *j = &p->job;

	switch (j->step) {
	case JOB_STEP_NONE:
	case JOB_STEP_CAPTURE:
		break;
	case JOB_STEP_SEND:
		if (!mono_reached(now, j->by))
			break;
		log_warnx("%s: no capture to do what was asked", p->name);
		if (j->ask.kind == JOB_BEGIN)
			set_shut(p, false);
		finish(p, JOB_FAILED);
		jobs_writing(p);
		break;
	case JOB_STEP_ACK:
		look_at_last(p, now);
		break;
	case JOB_STEP_ANSWER:
		if (mono_reached(now, j->by))
			answer(p);
		break;
	}
}
