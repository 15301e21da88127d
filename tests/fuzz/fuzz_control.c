/* SPDX-License-Identifier: ISC */

/*
 * A client of the control sockets that says anything, in pieces: it gets
 * whole records or nothing, and never a descriptor of ours for longer than it
 * stays.
 *
 * FUZZ: vrrpd/elector/actions.c vrrpd/elector/advert_in.c vrrpd/elector/advert_out.c vrrpd/elector/auth.c vrrpd/elector/channels.c vrrpd/elector/clock.c vrrpd/elector/control.c vrrpd/elector/data.c vrrpd/elector/events.c vrrpd/elector/export.c vrrpd/elector/from_actuator.c vrrpd/elector/from_keeper.c vrrpd/elector/from_mirror.c vrrpd/elector/from_supervisor.c vrrpd/elector/hmac.c vrrpd/elector/keep.c vrrpd/elector/jobs.c vrrpd/elector/operator.c vrrpd/elector/pairs.c vrrpd/elector/ports.c vrrpd/elector/problems.c vrrpd/elector/receive.c vrrpd/elector/reload.c vrrpd/elector/seq.c vrrpd/elector/service.c vrrpd/elector/status.c vrrpd/elector/stray.c vrrpd/elector/word.c vrrpd/core/election.c vrrpd/core/election_active.c vrrpd/core/election_claim.c vrrpd/core/election_config.c vrrpd/core/election_emit.c vrrpd/core/election_hear.c vrrpd/core/election_names.c vrrpd/core/election_release.c vrrpd/core/election_standby.c vrrpd/core/election_timers.c vrrpd/core/advert.c vrrpd/core/carp.c vrrpd/core/checksum.c vrrpd/core/neigh.c vrrpd/core/packet.c vrrpd/core/trailer.c vrrpd/core/vrrp2.c vrrpd/core/vrrp3.c common/conf.c common/conf_find.c common/farewell.c common/ipc.c common/ipc_drain.c common/log.c common/mono.c common/netview.c common/filter.c common/room.c common/sealed.c -Ivrrpd/elector -Itests/unit -lcrypto
 */
#include <sys/socket.h>

#include <poll.h>
#include <unistd.h>

#include "elector_kit.h"
#include "fuzz.h"

static void
come(struct client *c, int fd, bool control)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->control = control;
	c->phase = CLIENT_ASKING;
	c->since = el.now;
	c->limit = mono_after(el.now, NS_PER_S);
}

/* Whole records, each with a head that says how long it is. */
static void
read_records(int fd)
{
	static uint8_t buf[65536];
	struct ctl_head h;
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	size_t at = 0;

	while (n > 0 && at < (size_t)n) {
		FUZZ_MUST((size_t)n - at >= sizeof(h));
		memcpy(&h, buf + at, sizeof(h));
		FUZZ_MUST(h.type >= CTL_NODE);
		FUZZ_MUST(h.type <= CTL_DATA);
		FUZZ_MUST(h.size >= sizeof(h));
		FUZZ_MUST((size_t)n - at >= h.size);
		at += h.size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool made;
	struct client *c = &el.client[0];
	int fds[2];
	size_t cut;

	if (!made)
		elector_make();
	made = true;
	if (len < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds) == -1)
		return 0;
	come(c, fds[0], (data[0] & 1) != 0);
	cut = data[1] < len - 2 ? data[1] : len - 2;
	(void)send(fds[1], data + 2, cut, MSG_DONTWAIT | MSG_NOSIGNAL);
	control_serve(&el, c, POLLIN);
	if (c->fd != -1) {
		(void)send(fds[1], data + 2 + cut, len - 2 - cut,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		control_serve(&el, c, POLLIN | POLLOUT);
	}
	for (int i = 0; i < 8 && c->fd != -1; i++) {
		read_records(fds[1]);
		control_serve(&el, c, POLLOUT);
	}
	read_records(fds[1]);
	(void)close(fds[1]);
	el.now = mono_after(el.now, 20 * NS_PER_S);
	if (c->fd != -1)
		control_serve(&el, c, POLLIN | POLLHUP);
	control_timers(&el);
	if (c->fd != -1) {
		(void)close(c->fd);
		c->fd = -1;
	}
	return 0;
}
