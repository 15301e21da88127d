/* SPDX-License-Identifier: ISC */

/*
 * The capture room: copies of databases, which the supervisor has made by a
 * helper that becomes the file's owner.  Called from within a step: waits,
 * and hears what comes meanwhile.
 */

#include <unistd.h>

#include "pairs.h"
#include "sqlsnap.h"

#define SNAP_LIMIT_NS	(600 * NS_PER_S)
#define OTHERS_NS	(2 * NS_PER_S)	/* a takeover waits so long */

/* Another pair's job, or this one's takeover; its END wants the copy. */
static bool
others_wait(const struct pair *p, mono_t now)
{
	const struct pair *q;
	uint32_t i;

	for (i = 0; i < room.npairs; i++) {
		q = &room.pair[i];
		if (q->job_waits && (q != p || q->job.kind == JOB_BEGIN) &&
		    mono_span_ns(q->job_came, now) > OTHERS_NS)
			return true;
	}
	return false;
}

static bool
ask(struct pair *p, const struct capture_snap *s)
{
	const union msg m = { .snap = {
		.head = {
			.type = MSG_SNAP, .pair = p->index,
			.serial = room.conf.serial,
		},
		.dev = s->dev, .ino = s->ino, .entry = s->entry,
		.number = ++p->snap.number,
	} };

	p->snap.answered = false;
	p->snap.waiting = talk_supervisor(&room, &m);
	return p->snap.waiting;
}

int
snap_take(void *arg, const struct capture_snap *s, int *fd)
{
	struct pair *p = arg;
	const mono_t until = mono_after(mono_now(), SNAP_LIMIT_NS);
	mono_t now = mono_now();

	/* One at a time: the former one may still be under way. */
	if (p->snap.waiting || !ask(p, s))
		return SQLSNAP_BUSY;
	while (!p->snap.answered && !room.leaving && !others_wait(p, now) &&
	    !mono_reached(now, until)) {
		talk_wait(&room, mono_first(until,
		    mono_after(now, OTHERS_NS / 4)));
		now = mono_now();
	}
	if (!p->snap.answered)
		return SQLSNAP_BUSY;
	*fd = p->snap.fd;
	p->snap.fd = -1;
	return (int)p->snap.status;
}

void
snap_answer(struct pair *p, const struct msg_snapped *s, int fd)
{
	if (s->number != p->snap.number || !p->snap.waiting) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	p->snap.waiting = false;
	p->snap.answered = true;
	/* Nobody waits for it any more: it is closed by the next one. */
	if (p->snap.fd != -1)
		(void)close(p->snap.fd);
	p->snap.fd = fd;
	p->snap.status = fd != -1 ? SQLSNAP_OK : s->status;
	if (fd == -1 && s->status == SQLSNAP_OK)
		p->snap.status = SQLSNAP_IO;
}
