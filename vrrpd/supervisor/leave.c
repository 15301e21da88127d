/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: the way out.  The elector hands over first (service stopped,
 * address removed, resignation sent), then the others leave.  Everything has
 * a deadline; nothing of it can be prevented by a room.
 */

#include "jobs.h"
#include "leave.h"
#include "notify.h"
#include "reexec.h"
#include "rooms.h"
#include "snaps.h"
#include "supervisor.h"

#define LEAVE_MORE_NS	(10 * NS_PER_S)
#define END_NS		(2 * NS_PER_S)

static void
ask(struct supervisor *s, enum room room)
{
	const union msg m = { .head = { .type = MSG_LEAVE,
	    .serial = s->conf->serial } };

	rooms_send(s, room, &m, -1);
}

static void
hurry(struct supervisor *s)
{
	if (s->phase != PHASE_LEAVE)
		return;
	log_warnx("second signal: not waiting any longer");
	s->leave_deadline = mono_now();
}

void
leave_begin(struct supervisor *s)
{
	int64_t limit_ns;

	if (s->phase != PHASE_RUN) {
		hurry(s);
		return;
	}
	limit_ns = jobs_stop_limit_ms(s) * NS_PER_MS + LEAVE_MORE_NS;
	s->phase = PHASE_LEAVE;
	s->leave_deadline = mono_after(mono_now(), limit_ns);
	log_info("leaving: handing over, %lld s at most",
	    (long long)(limit_ns / NS_PER_S));
	notify("STOPPING=1\nSTATUS=handing over\nEXTEND_TIMEOUT_USEC=%lld",
	    (long long)((limit_ns + 2 * END_NS) / NS_PER_US));
	conffile_drop(&s->next);
	reexec_cancel(s);
	ask(s, ROOM_ELECTOR);
}

void
leave_room_left(struct supervisor *s, enum room room)
{
	if (room == ROOM_ELECTOR && s->phase == PHASE_LEAVE)
		s->elector_left = true;
}

void
leave_room_ended(struct supervisor *s, enum room room)
{
	/* It ended before it was through: the services are ours to stop. */
	if (room == ROOM_ELECTOR && s->phase == PHASE_LEAVE &&
	    !s->elector_left)
		jobs_elector_died(s);
}

static void
end(struct supervisor *s, mono_t now)
{
	s->phase = PHASE_END;
	s->leave_deadline = mono_after(now, END_NS);
	rooms_replace(s, ROOM_ELECTOR);
	reexec_end(s);
	jobs_kill_all(s);
	snaps_end(s, true);
	ask(s, ROOM_ACTUATOR);
	ask(s, ROOM_KEEPER);
	ask(s, ROOM_MIRROR);
	ask(s, ROOM_CAPTURE);
}

bool
leave_timers(struct supervisor *s, mono_t now, mono_t *deadline)
{
	const bool late = mono_reached(now, s->leave_deadline);

	if (s->phase == PHASE_RUN)
		return false;
	if (s->phase == PHASE_LEAVE) {
		if (late)
			log_warnx("leaving: not everything was in order");
		if (late || (s->room[ROOM_ELECTOR].pid == 0 && jobs_idle(s)))
			end(s, now);
	} else if (late) {
		FOR_EACH_ROOM(r)
			rooms_kill(s, r, "does not leave");
		s->leave_deadline = MONO_NEVER;
	}
	sooner(deadline, s->leave_deadline);
	return s->phase == PHASE_END && !rooms_any(s);
}
