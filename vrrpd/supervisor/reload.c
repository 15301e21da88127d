/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: reads the configuration anew, hands it to the rooms, and has
 * them switch when all have it.  What is refused changes nothing.
 *
 * Elector and keeper take it in place.  The others are started anew with it:
 * addresses stay meanwhile, by their leases.
 */

#include <string.h>
#include <time.h>

#include "jobs.h"
#include "notify.h"
#include "places.h"
#include "reload.h"
#include "rooms.h"
#include "snaps.h"
#include "supervisor.h"

/* What sd_notify(3) wants to know of a reload. */
static int64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * (NS_PER_S / NS_PER_US) + ts.tv_nsec / NS_PER_US;
}

static bool
takes_in_place(enum room room)
{
	return room == ROOM_ELECTOR || room == ROOM_KEEPER;
}

static bool
same_directories(const struct supervisor *s)
{
	const struct conf *a = s->conf, *b = s->next.conf;

	if (strcmp(conf_string(a, a->run_dir), conf_string(b, b->run_dir)) ==
	    0 && strcmp(conf_string(a, a->state_dir),
	    conf_string(b, b->state_dir)) == 0)
		return true;
	log_warnx("%s: another run or state directory needs a restart",
	    s->opt.path);
	return false;
}

static void
refused(struct supervisor *s)
{
	conffile_drop(&s->next);
	log_warnx("%s: refused, the running configuration stays",
	    s->opt.path);
	notify("READY=1\nSTATUS=new configuration refused");
}

void
reload_begin(struct supervisor *s)
{
	if (s->phase != PHASE_RUN)
		return;
	if (s->next.conf != NULL || s->swap != SWAP_NONE) {
		s->reload_again = true;
		return;
	}
	s->reload_again = false;
	notify("RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)monotonic_us());
	if (!conffile_load(s->opt.path, s->conf->serial + 1, false,
	    &s->next) || !same_directories(s) ||
	    !rooms_find(s->next.conf) || !places_make(s, s->next.conf)) {
		refused(s);
		return;
	}
	s->next_deadline = mono_after(mono_now(), CONF_OK_WITHIN_NS);
	FOR_EACH_ROOM(r)
		reload_offer(s, r);
}

void
reload_offer(struct supervisor *s, enum room room)
{
	union msg m = { .blob = {
		.head = { .type = MSG_CONF },
	} };

	if (s->next.conf == NULL || !takes_in_place(room))
		return;
	m.head.serial = s->next.conf->serial;
	m.blob.size = (uint32_t)s->next.len;
	rooms_send(s, room, &m, s->next.fd);
	if (room != ROOM_ELECTOR)
		return;
	m.head.type = MSG_SECRETS;
	m.blob.size = (uint32_t)s->next.secrets_len;
	rooms_send(s, room, &m, s->next.secrets_fd);
}

static bool
has_it(const struct supervisor *s, enum room room)
{
	return s->room[room].pid != 0 &&
	    s->room[room].conf_ok == s->next.conf->serial;
}

/* Everybody who can has the new one: from here on it counts. */
static void
switch_over(struct supervisor *s)
{
	struct conf_handle old;
	union msg m = { .head = { .type = MSG_SWITCH } };
	bool ok[ROOM_COUNT] = { false };

	FOR_EACH_ROOM(r)
		ok[r] = has_it(s, r);
	jobs_remap(s, s->next.conf);
	/* The capture goes as well. */
	snaps_end(s, true);
	old = s->cur;
	s->cur = s->next;
	s->conf = s->cur.conf;
	s->next = (struct conf_handle){ .fd = -1, .secrets_fd = -1 };
	conffile_drop(&old);
	m.head.serial = s->conf->serial;
	FOR_EACH_ROOM(r) {
		if (ok[r])
			rooms_send(s, r, &m, -1);
		else if (takes_in_place(r))
			rooms_kill(s, r, "did not take the configuration");
	}
	rooms_replace(s, ROOM_ACTUATOR);
	rooms_replace_sync(s);
	log_info("configuration reloaded: serial %u, pairs: %u",
	    s->conf->serial, s->conf->npairs);
	notify("READY=1");
}

void
reload_acknowledged(struct supervisor *s, enum room room, uint32_t serial)
{
	s->room[room].conf_ok = serial;
	if (s->next.conf == NULL)
		return;
	FOR_EACH_ROOM(r)
		if (takes_in_place(r) && !has_it(s, r))
			return;
	switch_over(s);
}

void
reload_timers(struct supervisor *s, mono_t now, mono_t *deadline)
{
	if (s->next.conf != NULL) {
		if (mono_reached(now, s->next_deadline))
			switch_over(s);
		else
			sooner(deadline, s->next_deadline);
	}
	if (s->reload_again && s->next.conf == NULL && s->swap == SWAP_NONE)
		reload_begin(s);
}
