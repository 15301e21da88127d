/* SPDX-License-Identifier: ISC */

/*
 * The capture room: `before capture exec`.  The supervisor has it run before
 * each whole pass; meanwhile nothing of the pair is taken, for what is being
 * filled would be torn.
 */

#include "pairs.h"

#define FILL_LIMIT_NS	(75 * NS_PER_S)	/* the runner has 60 s */

static void
failed(struct pair *p, uint32_t status, mono_t now)
{
	p->fill = FILL_NONE;
	p->fill_due = mono_after(now, capture_times.retry_ns);
	p->fill_fails++;
	p->fill_status = status;
	if (!p->fill_failed)
		log_warnx("%s: before capture exec failed with status %u: "
		    "no generation until it succeeds", p->name, status);
	if (!mono_is_set(p->held_since))
		p->held_since = now;
	p->fill_failed = true;
	pair_changed(p);
}

/* True: the pass that is due has to wait for it. */
bool
fill_wanted(struct pair *p, mono_t now)
{
	const union msg m = { .job = {
		.head = {
			.type = MSG_JOB, .pair = p->index,
			.serial = room.conf.serial,
		},
		.kind = JOB_FILL,
	} };

	if (p->conf->sync.before_capture == 0 || p->fill == FILL_DONE ||
	    !capture_pass_due(p->capture, now))
		return false;
	if (p->fill_failed && !mono_reached(now, p->fill_due))
		return true;
	if (talk_supervisor(&room, &m)) {
		p->fill = FILL_ASKED;
		p->fill_due = mono_after(now, FILL_LIMIT_NS);
	}
	return true;
}

void
fill_done(struct pair *p, const struct msg_job_done *d)
{
	if (p->fill != FILL_ASKED)
		return;
	if (d->result != JOB_OK) {
		failed(p, d->exit_status, mono_now());
		return;
	}
	p->fill = FILL_DONE;
	if (p->fill_failed)
		pair_changed(p);
	p->fill_failed = false;
}

/* The supervisor has lost it. */
bool
fill_late(struct pair *p, mono_t now)
{
	if (p->fill != FILL_ASKED || !mono_reached(now, p->fill_due))
		return false;
	failed(p, JOB_TIMEOUT, now);
	return true;
}
