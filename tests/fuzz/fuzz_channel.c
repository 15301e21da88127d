/* SPDX-License-Identifier: ISC */

/*
 * A hostile neighbour: any bytes, from any room to any room, with and without
 * a descriptor.  Only what the table allows is a message, and no descriptor is
 * left over.
 *
 * FUZZ: common/ipc.c
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "ipc.h"

static void
send_it(int to, const uint8_t *data, size_t len, int fd)
{
	union {
		struct cmsghdr	align;
		char		byte[CMSG_SPACE(sizeof(int))];
	} control = { .byte = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
	    .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd != -1) {
		h.msg_control = control.byte;
		h.msg_controllen = sizeof(control.byte);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	(void)sendmsg(to, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int sent = -1;
	struct channel ch;
	enum ipc_status r;
	union msg m;
	int fds[2], fd, lowest;

	if (sent == -1)
		sent = open("/dev/null", O_RDONLY | O_CLOEXEC);
	lowest = dup(sent);
	(void)close(lowest);
	if (len < 3 || ipc_pair(fds) == -1)
		return 0;
	ch = (struct channel){ .fd = fds[0],
	    .self = (enum room)(data[0] % ROOM_CHANNELS),
	    .peer = (enum room)(data[1] % ROOM_CHANNELS) };
	send_it(fds[1], data + 3, len - 3, data[2] & 1 ? sent : -1);
	r = ipc_recv(&ch, &m, &fd);
	if (r == IPC_OK) {
		FUZZ_MUST(ipc_allowed(m.head.type, ch.peer, ch.self));
		FUZZ_MUST(len - 3 == ipc_size(m.head.type));
		FUZZ_MUST(memcmp(&m, data + 3, len - 3) == 0);
		FUZZ_MUST(fd == -1 || ((data[2] & 1) != 0 &&
		    ch.peer == ROOM_SUPERVISOR));
	} else
		FUZZ_MUST(fd == -1);
	if (fd != -1)
		(void)close(fd);
	(void)close(fds[0]);
	(void)close(fds[1]);
	/* Nothing stays open. */
	fd = dup(sent);
	FUZZ_MUST(fd == lowest);
	(void)close(fd);
	return 0;
}
