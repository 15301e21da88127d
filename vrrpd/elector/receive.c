/* SPDX-License-Identifier: ISC */

/*
 * Elector: one frame from a raw socket, and how long it lay there.  Never
 * fatal: an interface that goes away is the actuator's news to tell.
 */

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "receive.h"

/* The kernel's stamp, or 0. */
static int64_t
stamp_of(struct msghdr *h)
{
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return ts.tv_sec * NS_PER_S + ts.tv_nsec;
	}
	return 0;
}

/*
 * The stamp is wall time, which may have been set meanwhile: then the frame
 * is taken to have come right after the socket was empty last.
 */
static int64_t
age_of(const struct elector *el, const struct port *port, int64_t stamp)
{
	int64_t most = mono_span_ns(port->emptied, el->now);
	int64_t age = el->wall_ns - stamp;

	if (most < 0)
		most = 0;
	if (stamp == 0 || el->wall_stepped)
		return most;
	if (age < 0)
		return 0;
	return age < most ? age : most;
}

bool
receive(struct elector *el, const struct port *port, int fd,
    uint8_t buf[static RECEIVE_MAX], struct arrival *in)
{
	union {
		struct cmsghdr	align;
		char		byte[128];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = RECEIVE_MAX };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.byte,
		.msg_controllen = sizeof(control.byte),
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &h, MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return false;
	clock_read(el);
	*in = (struct arrival){ .ip = buf, .len = (size_t)n };
	in->wall_ns = stamp_of(&h);
	in->age_ns = age_of(el, port, in->wall_ns);
	if (in->wall_ns == 0)
		in->wall_ns = el->wall_ns;
	return true;
}
