/* SPDX-License-Identifier: ISC */

/*
 * The mirror's ship: the connection's life.  Connects, notices its end, waits
 * longer after each failure, and keeps every wait within a deadline of ours,
 * whatever ssh or the partner believe about time.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ship_inside.h"

void
ship_show(struct ship *s, enum ship_state st, const char *id,
    const char *text)
{
	s->state = st;
	s->conf.events.state(s->conf.events.arg, st, id, text);
}

static void
read_errors(int fd, short revents, void *arg)
{
	struct ship *s = arg;

	(void)revents;
	if (!ssh_read_err(&s->ssh))
		loop_mute(s->conf.loop, fd, true);
}

static void
hang_up(struct ship *s)
{
	struct loop *l = s->conf.loop;

	talk_drop(s);
	s->welcome = false;
	s->in_len = s->out_len = s->out_at = 0;
	s->ping_sent = MONO_NEVER;
	if (s->ssh.pid == 0)
		return;
	loop_del(l, s->ssh.out);
	loop_del(l, s->ssh.err);
	loop_del(l, s->ssh.in);
	(void)ssh_end(&s->ssh);
}

void
ship_lost(struct ship *s, const char *id, const char *text)
{
	char line[SSH_TEXT_MAX];

	/* The text may be the child's own, which goes with it. */
	(void)fmt_into(line, sizeof(line), "%s", text);
	hang_up(s);
	/* Only a channel that was of use makes up for what was before. */
	if (mono_reached(mono_now(), mono_after(s->dialled,
	    SHIP_BACKOFF_MAX_NS)))
		s->backoff_ns = 0;
	s->backoff_ns = s->backoff_ns == 0 ? SHIP_BACKOFF_MIN_NS :
	    s->backoff_ns * 2;
	if (s->backoff_ns > SHIP_BACKOFF_MAX_NS)
		s->backoff_ns = SHIP_BACKOFF_MAX_NS;
	s->retry = mono_after(mono_now(), s->backoff_ns);
	ship_show(s, SHIP_DOWN, id, line);
}

static void
dial(struct ship *s)
{
	const mono_t now = mono_now();
	struct loop *l = s->conf.loop;

	s->retry = MONO_NEVER;
	s->dialled = now;
	if (ssh_start(&s->ssh, &s->conf.place) == -1) {
		ship_lost(s, "own-ssh", strerrordesc_np(errno));
		return;
	}
	if (!loop_add(l, s->ssh.out, POLLIN, ship_readable, s) ||
	    !loop_add(l, s->ssh.err, POLLIN, read_errors, s) ||
	    !loop_add(l, s->ssh.in, POLLOUT, ship_writable, s))
		fatalx("%s: the table of descriptors is full", s->conf.pair);
	s->heard = s->taken = now;
	s->ping_at = MONO_NEVER;
	ship_show(s, SHIP_CONNECTING, "", "");
	talk_hello(s);
	s->answer_by = mono_after(now, SHIP_CONNECT_NS);
}

/* A question to its disk may take long; silence is no sign then. */
static bool
patient(const struct ship *s)
{
	return s->step == STEP_HELLO || s->step == STEP_FORK ||
	    s->step == STEP_WANT || s->step == STEP_COMMIT;
}

static void
look_at_deadlines(struct ship *s, mono_t now)
{
	if (mono_reached(now, s->answer_by)) {
		(void)ssh_read_err(&s->ssh);
		ship_lost(s, s->welcome ? "no-answer" : "unreachable",
		    s->ssh.text);
	} else if (!patient(s) &&
	    mono_reached(now, mono_after(s->heard, SHIP_IDLE_NS))) {
		ship_lost(s, "silent", "nothing heard from the partner");
	} else if (s->out_len > 0 &&
	    mono_reached(now, mono_after(s->taken, SHIP_STALL_NS))) {
		ship_lost(s, "stalled", "the partner takes nothing");
	} else if (s->step == STEP_BULK &&
	    mono_reached(now, mono_after(s->bulk_at, SHIP_BULK_IDLE_NS))) {
		ship_lost(s, "bulk-stalled", "rsync makes no progress");
	} else if (s->step == STEP_HELD && mono_reached(now, s->retry)) {
		s->retry = MONO_NEVER;
		talk_hello(s);
	}
}

static void
look_at_ping(struct ship *s, mono_t now)
{
	if (!s->welcome || (mono_is_set(s->ping_at) &&
	    !mono_reached(now, s->ping_at)))
		return;
	s->ping_at = mono_after(now, SHIP_PING_NS);
	if (!ship_room(s))
		return;
	s->ping_sent = now;
	if (++s->serial == 0)
		s->serial = 1;
	word_send(s, FRAME_PING, s->serial);
}

void
ship_turn(struct ship *s)
{
	const mono_t now = mono_now();

	if (s->ssh.pid == 0) {
		if (mono_reached(now, s->retry))
			dial(s);
		if (s->ssh.pid == 0)
			return;
	}
	look_at_deadlines(s, now);
	if (s->ssh.pid == 0)
		return;
	if (s->kicked)
		talk_begin(s);
	look_at_ping(s, now);
	if (s->step == STEP_SIZES)
		talk_sizes(s);
	ship_pump(s);
}

mono_t
ship_deadline(const struct ship *s)
{
	mono_t t = s->retry;

	if (s->ssh.pid == 0)
		return t;
	t = mono_first(t, s->answer_by);
	if (!patient(s))
		t = mono_first(t, mono_after(s->heard, SHIP_IDLE_NS));
	if (s->out_len > 0)
		t = mono_first(t, mono_after(s->taken, SHIP_STALL_NS));
	if (s->step == STEP_BULK)
		t = mono_first(t, mono_after(s->bulk_at, SHIP_BULK_IDLE_NS));
	if (s->welcome)
		t = mono_first(t, mono_is_set(s->ping_at) ? s->ping_at :
		    (mono_t){ 1 });
	if (s->welcome && s->word_due)
		t = mono_first(t, mono_is_set(s->word_at) ? s->word_at :
		    (mono_t){ 1 });
	if ((s->kicked && s->step == STEP_NONE) || s->step == STEP_SIZES)
		t = (mono_t){ 1 };
	return t;
}

/* ---- the owner's calls -------------------------------------------------- */

struct ship *
ship_new(const struct ship_conf *c)
{
	const char *bad = ssh_place_check(&c->place);
	struct ship *s;
	int error;

	if (bad != NULL) {
		log_warnx("%s: the path of the %s is too long, or has a "
		    "space or one of '\"\\%%$~", c->pair, bad);
		errno = EINVAL;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->conf = *c;
	s->ssh = s->rsync = SSH_CHILD_NONE;
	s->own.word.advert_age_ms = FRAME_AGE_UNKNOWN;
	s->retry = c->wait ? MONO_NEVER : (mono_t){ 1 };
	if (word_listen(s) == -1) {
		error = errno;
		free(s);
		errno = error;
		return NULL;
	}
	return s;
}

void
ship_free(struct ship *s)
{
	if (s == NULL)
		return;
	hang_up(s);
	word_close(s);
	free(s);
}

void
ship_reconnect(struct ship *s)
{
	hang_up(s);
	s->backoff_ns = 0;
	s->retry = (mono_t){ 1 };
}

void
ship_role(struct ship *s, bool writes, const struct epoch *e)
{
	if (s->writes == writes && epoch_cmp(&s->epoch, e) == 0)
		return;
	s->writes = writes;
	s->epoch = *e;
	if (s->ssh.pid == 0)
		return;
	if (s->step == STEP_HELLO) {
		s->hello_again = true;
	} else if (s->step == STEP_NONE || s->step == STEP_HELD) {
		s->step = STEP_HELD;
		s->retry = (mono_t){ 1 };
	} else {
		/* In mid-question the answers would be mixed up. */
		ship_reconnect(s);
	}
}

void
ship_kick(struct ship *s)
{
	s->kicked = true;
}

void
ship_progress(const struct ship *s, struct ship_progress *p)
{
	*p = (struct ship_progress){
		.state = s->state,
		.acked = s->acked,
		.target = s->plan.target.generation != 0 ? s->plan.target :
		    s->acked,
		.total = s->total,
		.done = s->done,
		.rate = s->step == STEP_BULK ? s->rate : 0,
		.partner_free = s->partner_free,
		.round_trip_ns = s->round_trip_ns,
		.heard = s->heard,
	};
}
