/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: the life of elector, actuator and keeper, and of mirror and
 * capture where a pair has a sync block.  Decides when each is started, asked
 * for a sign of life, killed and started again, and connects it with its
 * neighbours.  Reads nothing of what they say: that is messages.c.
 */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "leave.h"
#include "listeners.h"
#include "messages.h"
#include "places.h"
#include "reexec.h"
#include "reload.h"
#include "rooms.h"
#include "snaps.h"
#include "spawn.h"
#include "supervisor.h"

#define WINDOW_NS	(60 * NS_PER_S)
#define QUICK_MAX	10
#define QUICK_NS	(20 * NS_PER_MS)
#define SLOW_NS		(6 * NS_PER_S)

bool
rooms_sync_wanted(const struct conf *c)
{
	return c->nsyncs > 0;
}

static bool
wanted(const struct conf *c, enum room room)
{
	switch (room) {
	case ROOM_MIRROR:
	case ROOM_CAPTURE:
	case ROOM_LOADER:
	case ROOM_SQLSNAP:
		return rooms_sync_wanted(c);
	default:
		return true;
	}
}

bool
rooms_find(const struct conf *c)
{
	enum room r;

	for (r = ROOM_FIRST; r < ROOM_COUNT; r++) {
		if (!wanted(c, r) || access(spawn_path(r), X_OK) == 0)
			continue;
		log_warn("%s: cannot be run: is vipair installed "
		    "completely?", spawn_path(r));
		return false;
	}
	return true;
}

int64_t
rooms_delay_ns(uint32_t n)
{
	if (n == 0)
		return 0;
	return n < QUICK_MAX ? QUICK_NS : SLOW_NS;
}

bool
rooms_any(const struct supervisor *s)
{
	FOR_EACH_ROOM(r)
		if (s->room[r].pid != 0)
			return true;
	return false;
}

static void
log_readable(int fd, short revents, void *arg)
{
	struct supervisor *s = arg;

	(void)revents;
	FOR_EACH_ROOM(r)
		if (s->room[r].log_fd == fd)
			logsink_read(fd, room_name(r), &s->room[r].log,
			    mono_now());
}

void
rooms_watch(struct supervisor *s, enum room room)
{
	struct room_entry *e = &s->room[room];
	bool ok;

	ok = loop_add(&s->loop, e->ch.fd, POLLIN, messages_readable, s) &&
	    loop_add(&s->loop, e->log_fd, POLLIN, log_readable, s);
	assert(ok);
}

/* Descriptors 4-9 of a room besides its supervisor channel. */
static void
fill_table(const struct supervisor *s, struct spawn *sp, int peer_fd,
    int keeper_fd)
{
	sp->fd[0] = sp->fd[1] = s->null_fd;
	sp->fd[ROOM_FD_PEER] = peer_fd;
	sp->fd[ROOM_FD_KEEPER] = keeper_fd;
	sp->fd[ROOM_FD_STATE] = sp->room == ROOM_KEEPER ? s->state_fd : -1;
	sp->fd[ROOM_FD_CONF] = s->cur.fd;
	sp->fd[ROOM_FD_SECRETS] =
	    sp->room == ROOM_ELECTOR ? s->cur.secrets_fd : -1;
}

static void
forked(struct supervisor *s, enum room room, pid_t pid, int ch, int log)
{
	const mono_t now = mono_now();
	const struct room_entry *old = &s->room[room];

	s->room[room] = (struct room_entry){
		.ch = { .fd = ch, .self = ROOM_SUPERVISOR, .peer = room },
		.pid = pid,
		.log_fd = log,
		.log = old->log,
		.started = now,
		/* Asked at once: the answer says that it is ready. */
		.pinged = MONO_NEVER,
		.ponged = now,
		.window = old->window,
		.restarts = old->restarts,
		.conf_ok = s->conf->serial,
	};
	rooms_watch(s, room);
	log_debug("%s: started, process %d", room_name(room), (int)pid);
}

/*
 * The state to go on from, into the elector's channel before it runs: it
 * reads what we say first, and a keeper heard before that would make it
 * begin anew and release an address that is held.
 */
static bool
give_state(const struct supervisor *s, int fd, int state_fd)
{
	const struct channel ch = { .fd = fd, .self = ROOM_SUPERVISOR,
	    .peer = ROOM_ELECTOR };
	union msg m = { .blob = { .head = { .type = MSG_IMPORT,
	    .serial = s->conf->serial } } };
	struct stat st;

	if (fstat(state_fd, &st) == -1 || lseek(state_fd, 0, SEEK_SET) != 0)
		return false;
	m.blob.size = (uint32_t)st.st_size;
	return ipc_send(&ch, &m, state_fd) == IPC_OK;
}

/*
 * Starts one room; what it is given stays the caller's to close.  state_fd
 * is the elector's, or -1.
 */
static bool
start_room(struct supervisor *s, enum room room, int peer_fd, int keeper_fd,
    int state_fd)
{
	struct spawn sp = { .room = room, .cwd_fd = s->empty_fd,
	    .dies_with_us = room == ROOM_KEEPER || room_of_sync(room) };
	char uid[12], gid[12];
	int ch[2], log[2];
	pid_t pid;

	if (ipc_pair(ch) == -1)
		return false;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    log) == -1) {
		(void)close(ch[0]);
		(void)close(ch[1]);
		return false;
	}
	(void)fmt_into(uid, sizeof(uid), "%u", s->uid[room]);
	(void)fmt_into(gid, sizeof(gid), "%u", s->gid[room]);
	sp.argv[0] = uid;
	sp.argv[1] = gid;
	sp.argv[2] = s->opt.verbose ? "-v" : NULL;
	fill_table(s, &sp, peer_fd, keeper_fd);
	sp.fd[2] = sp.fd[ROOM_FD_LOG] = log[1];
	sp.fd[ROOM_FD_SUPERVISOR] = ch[1];
	if (state_fd != -1 && !give_state(s, ch[0], state_fd))
		log_warn("%s: its state cannot be given on", room_name(room));
	pid = spawn(&sp);
	(void)close(ch[1]);
	(void)close(log[1]);
	if (pid == -1) {
		(void)close(ch[0]);
		(void)close(log[0]);
		return false;
	}
	forked(s, room, pid, ch[0], log[0]);
	return true;
}

static void
try_again(struct supervisor *s, enum room room)
{
	log_warn("%s: cannot be started, trying again in a second",
	    room_name(room));
	s->room[room].restart_at = mono_after(mono_now(), NS_PER_S);
}

static void
offer(struct supervisor *s, enum room to, enum room from, int fd,
    bool planned)
{
	const union msg m = { .neighbour = {
		.head = { .type = MSG_NEIGHBOUR, .serial = s->conf->serial },
		.room = from,
		.planned = planned,
	} };

	rooms_send(s, to, &m, fd);
}

int
rooms_new_channel(struct supervisor *s, enum room to, enum room from,
    bool planned)
{
	int fd[2];

	if (ipc_pair(fd) == -1) {
		log_warn("channel between %s and %s", room_name(from),
		    room_name(to));
		return -1;
	}
	offer(s, to, from, fd[1], planned);
	(void)close(fd[1]);
	return fd[0];
}

static bool
runs(const struct supervisor *s, enum room room)
{
	const struct room_entry *e = &s->room[room];

	return e->pid != 0 && e->ch.fd != -1 && !e->killed;
}

/* A new channel between two that run; each is told by its own message. */
static void
join(struct supervisor *s, enum room a, enum room b, bool planned)
{
	int fd[2];

	if (!runs(s, a) || !runs(s, b))
		return;
	if (ipc_pair(fd) == -1) {
		log_warn("channel between %s and %s", room_name(a),
		    room_name(b));
		return;
	}
	offer(s, a, b, fd[0], planned);
	offer(s, b, a, fd[1], planned);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

void
rooms_start_elector(struct supervisor *s, int peer_fd, int keeper_fd,
    int state_fd)
{
	if (peer_fd == -1)
		peer_fd = rooms_new_channel(s, ROOM_ACTUATOR, ROOM_ELECTOR,
		    false);
	if (keeper_fd == -1)
		keeper_fd = rooms_new_channel(s, ROOM_KEEPER, ROOM_ELECTOR,
		    false);
	if (peer_fd == -1 || keeper_fd == -1 ||
	    !start_room(s, ROOM_ELECTOR, peer_fd, keeper_fd, state_fd))
		try_again(s, ROOM_ELECTOR);
	else {
		listeners_offer(s);
		reload_offer(s, ROOM_ELECTOR);
		join(s, ROOM_ELECTOR, ROOM_MIRROR, s->swap != SWAP_NONE);
	}
	if (peer_fd != -1)
		(void)close(peer_fd);
	if (keeper_fd != -1)
		(void)close(keeper_fd);
}

/*
 * Any but the elector.  Whose neighbour it is gets the channel, if it is
 * there: the mirror for the capture, the elector for all others.
 */
static void
start_neighbour(struct supervisor *s, enum room room, bool planned)
{
	const enum room to =
	    room == ROOM_CAPTURE ? ROOM_MIRROR : ROOM_ELECTOR;
	int fd[2];

	if (ipc_pair(fd) == -1) {
		try_again(s, room);
		return;
	}
	/* What somebody removed meanwhile; what cannot be made it will say. */
	if (room_of_sync(room))
		(void)places_make(s, s->conf);
	if (!start_room(s, room, fd[1], -1, -1))
		try_again(s, room);
	else {
		offer(s, to, room, fd[0], planned);
		reload_offer(s, room);
		if (room == ROOM_MIRROR)
			join(s, ROOM_MIRROR, ROOM_CAPTURE, planned);
	}
	(void)close(fd[0]);
	(void)close(fd[1]);
}

void
rooms_start(struct supervisor *s)
{
	int actuator[2], keeper[2];

	if (ipc_pair(actuator) == -1 || ipc_pair(keeper) == -1)
		fatal("channels");
	if (!start_room(s, ROOM_KEEPER, keeper[1], -1, -1) ||
	    !start_room(s, ROOM_ACTUATOR, actuator[1], -1, -1))
		fatal("rooms cannot be started");
	(void)close(actuator[1]);
	(void)close(keeper[1]);
	rooms_start_elector(s, actuator[0], keeper[0], -1);
	rooms_replace_sync(s);
}

void
rooms_replace_sync(struct supervisor *s)
{
	FOR_EACH_ROOM(r) {
		if (!room_of_sync(r))
			continue;
		if (s->room[r].pid != 0)
			rooms_replace(s, r);
		else
			s->room[r].restart_at = mono_now();
	}
}

void
rooms_send(struct supervisor *s, enum room room, const union msg *m, int fd)
{
	struct room_entry *e = &s->room[room];

	if (e->pid == 0 || e->ch.fd == -1)
		return;
	/* A room that closed its end is about to be reaped. */
	if (ipc_send(&e->ch, m, fd) == IPC_AGAIN)
		rooms_kill(s, room, "does not read its channel");
}

void
rooms_kill(struct supervisor *s, enum room room, const char *why)
{
	struct room_entry *e = &s->room[room];

	if (e->pid == 0 || e->killed)
		return;
	log_warnx("%s: %s, ending it", room_name(room), why);
	(void)kill(e->pid, SIGKILL);
	e->killed = true;
}

void
rooms_closed(struct supervisor *s, enum room room)
{
	struct room_entry *e = &s->room[room];

	if (e->ch.fd == -1)
		return;
	loop_del(&s->loop, e->ch.fd);
	(void)close(e->ch.fd);
	e->ch.fd = -1;
	e->kill_at = mono_after(mono_now(), NS_PER_S);
}

void
rooms_replace(struct supervisor *s, enum room room)
{
	struct room_entry *e = &s->room[room];

	if (e->pid == 0 || e->killed)
		return;
	(void)kill(e->pid, SIGKILL);
	e->killed = e->planned = true;
}

static void
close_watched(struct supervisor *s, int *fd)
{
	if (*fd == -1)
		return;
	loop_del(&s->loop, *fd);
	(void)close(*fd);
	*fd = -1;
}

static void
log_end(const struct room_entry *e, enum room room, int status)
{
	if (e->planned)
		log_debug("%s: ended to be replaced", room_name(room));
	else if (WIFSIGNALED(status))
		log_warnx("%s: died of signal %d (%s)%s", room_name(room),
		    WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS ?
		    ": a system call its filter forbids" : "");
	else if (WEXITSTATUS(status) != 0)
		log_warnx("%s: ended with status %d", room_name(room),
		    WEXITSTATUS(status));
	else
		log_debug("%s: left", room_name(room));
}

static void
schedule(struct supervisor *s, enum room room, bool planned)
{
	struct room_entry *e = &s->room[room];
	const mono_t now = mono_now();

	if (!mono_is_set(e->window) ||
	    mono_span_ns(e->window, now) > WINDOW_NS) {
		e->window = now;
		e->restarts = 0;
	}
	e->restart_at = mono_after(now,
	    planned ? 0 : rooms_delay_ns(e->restarts));
	if (!planned)
		e->restarts++;
	if (!planned && e->restarts == QUICK_MAX + 1)
		log_warnx("%s: died %u times in a minute, starting it every "
		    "%d s from now on", room_name(room), e->restarts,
		    (int)(SLOW_NS / NS_PER_S));
}

/*
 * To be started again when it ends.  A hand-over on the way out still needs
 * its actuator and keeper; a second elector would begin from the start.
 */
static bool
needed(const struct supervisor *s, enum room room)
{
	if (!wanted(s->conf, room))
		return false;
	/* The last sync is over when the elector has left. */
	if (s->phase == PHASE_LEAVE && room_of_sync(room))
		return s->room[ROOM_ELECTOR].pid != 0;
	return s->phase == PHASE_RUN ||
	    (s->phase == PHASE_LEAVE && room != ROOM_ELECTOR);
}

static void
capture_died(struct supervisor *s)
{
	jobs_capture_died(s);
	snaps_end(s, true);
}

bool
rooms_reap(struct supervisor *s, pid_t pid, int status)
{
	struct room_entry *e;
	bool planned;

	FOR_EACH_ROOM(r) {
		e = &s->room[r];
		if (e->pid != pid)
			continue;
		/* Its last lines and messages say why. */
		messages_read(s, r);
		logsink_read(e->log_fd, room_name(r), &e->log, mono_now());
		log_end(e, r, status);
		planned = e->planned;
		close_watched(s, &e->ch.fd);
		close_watched(s, &e->log_fd);
		e->pid = 0;
		if (!needed(s, r)) {
			leave_room_ended(s, r);
			return true;
		}
		if (r == ROOM_ELECTOR && reexec_elector_ended(s, status))
			return true;
		if (r == ROOM_ELECTOR && !planned)
			jobs_elector_died(s);
		if (r == ROOM_CAPTURE)
			capture_died(s);
		/* One that left by itself wants to begin anew. */
		schedule(s, r, planned || (room_of_sync(r) &&
		    WIFEXITED(status) && WEXITSTATUS(status) == 0));
		e->planned = planned;
		return true;
	}
	return false;
}

static void
ping(struct supervisor *s, enum room room, mono_t now)
{
	const union msg m = { .head = { .type = MSG_PING,
	    .serial = s->conf->serial } };

	s->room[room].pinged = now;
	rooms_send(s, room, &m, -1);
}

static void
timers_of(struct supervisor *s, enum room room, mono_t now, mono_t *deadline)
{
	struct room_entry *e = &s->room[room];

	if (e->pid == 0) {
		if (mono_reached(now, e->restart_at)) {
			e->restart_at = MONO_NEVER;
			if (room == ROOM_ELECTOR)
				rooms_start_elector(s, -1, -1, -1);
			else
				start_neighbour(s, room, e->planned);
		}
		sooner(deadline, e->restart_at);
		return;
	}
	if (mono_reached(now, e->kill_at))
		rooms_kill(s, room, "closed its channel and stays");
	sooner(deadline, e->killed ? MONO_NEVER : e->kill_at);
	if (!mono_is_set(e->pinged) ||
	    mono_span_ns(e->pinged, now) >= PING_EVERY_NS - PING_NEAR_NS) {
		/* We slept ourselves: nobody could have answered. */
		if (mono_is_set(e->pinged) &&
		    mono_span_ns(e->pinged, now) > 2 * PING_EVERY_NS)
			e->ponged = now;
		ping(s, room, now);
	}
	if (mono_span_ns(e->ponged, now) > (room == ROOM_CAPTURE ?
	    CAPTURE_PONG_WITHIN_NS : PONG_WITHIN_NS))
		rooms_kill(s, room, "gives no sign of life");
	sooner(deadline, mono_after(e->pinged, PING_EVERY_NS));
}

void
rooms_timers(struct supervisor *s, mono_t now, mono_t *deadline)
{
	mono_t log_again = MONO_NEVER;

	FOR_EACH_ROOM(r) {
		if (needed(s, r) || s->room[r].pid != 0)
			timers_of(s, r, now, deadline);
		if (s->room[r].log_fd != -1)
			loop_mute(&s->loop, s->room[r].log_fd,
			    !logsink_wants(&s->room[r].log, now, &log_again));
	}
	sooner(deadline, log_again);
}
