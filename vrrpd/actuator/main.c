/* SPDX-License-Identifier: ISC */

/* Actuator: entry, loop, and what is due by time. */

#include <linux/capability.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "actuator.h"
#include "room.h"

#define ADOPT_WAIT_NS		NS_PER_S	/* leases end by themselves */

/* All zero at first: megabytes that are in no file and cost no memory. */
struct actuator ac;

/* What is due for one pair; returns when its next thing is. */
static mono_t
pair_timers(uint32_t i, mono_t now)
{
	struct pair_state *ps = &ac.pair[i];

	if (ps->held && mono_reached(now, ps->lease_end))
		let_go(i, RELEASE_LEASE, true);
	if (mono_reached(now, ps->announce_at)) {
		ps->announce_at = MONO_NEVER;
		frames_announce(i);
	}
	return mono_first(ps->held ? ps->lease_end : MONO_NEVER,
	    ps->announce_at);
}

static mono_t
timers(mono_t now)
{
	bool adopted = mono_reached(now, ac.adopt_by);
	mono_t next;

	if (adopted)
		ac.adopt_by = MONO_NEVER;
	next = ac.adopt_by;
	for (uint32_t i = 0; i < ac.conf.npairs; i++) {
		if (adopted && !ac.pair[i].held && addresses_present(i) > 0)
			let_go(i, RELEASE_START, false);
		next = mono_first(next, pair_timers(i, now));
	}
	return next;
}

static void
turn(mono_t next)
{
	struct pollfd p[] = {
		{ mnl_socket_get_fd(ac.nl), POLLIN, 0 },
		{ ac.elector.fd, POLLIN, 0 },
		{ ac.supervisor.fd, POLLIN, 0 },
		{ ac.arp_fd, POLLIN, 0 },
	};
	int64_t left = mono_span_ns(mono_now(), next);
	struct timespec ts = { 0, 0 };

	if (left > 0)
		ts = (struct timespec){ left / NS_PER_S, left % NS_PER_S };
	if (ppoll(p, sizeof(p) / sizeof(p[0]), mono_is_set(next) ? &ts : NULL,
	    NULL) == -1 && errno != EINTR)
		fatal("ppoll");
	/*
	 * First what the kernel did, then what is wanted of it; the elector's
	 * end last, because the supervisor may have said that it is planned.
	 */
	if (p[0].revents)
		netlink_drain(false);
	if (p[2].revents)
		supervisor_read();
	if (p[1].revents)
		elector_read();
	if (p[3].revents)
		frames_hear();
}

int
main(int argc, char **argv)
{
	const struct room_rights rights = {
		.caps = (UINT64_C(1) << CAP_NET_ADMIN) |
		    (UINT64_C(1) << CAP_NET_RAW),
		.chroot_empty = true,
		.realtime = true,
		.lock_memory = true,
		.files_max = 64,
	};
	const char *wrong;
	size_t len;

	room_enter(ROOM_ACTUATOR, argc, argv);
	ac.supervisor = (struct channel){ ROOM_FD_SUPERVISOR, ROOM_ACTUATOR,
	    ROOM_SUPERVISOR };
	ac.elector = (struct channel){ ROOM_FD_PEER, ROOM_ACTUATOR,
	    ROOM_ELECTOR };
	wrong = room_read_blob(ROOM_FD_CONF, ac.blob, sizeof(ac.blob), &len);
	if (wrong == NULL)
		wrong = conf_verify(&ac.conf, len);
	if (wrong != NULL)
		fatalx("configuration: %s", wrong);
	(void)close(ROOM_FD_CONF);
	room_drop(&rights);
	ac.nl = rtnl_open();
	if (ac.nl == NULL)
		fatal("rtnetlink socket");
	frames_open();
	filter_on();
	ac.adopt_by = mono_after(mono_now(), ADOPT_WAIT_NS);
	links_scan();
	for (;;)
		turn(timers(mono_now()));
}
