/* SPDX-License-Identifier: ISC */

/*
 * Every room: the one table of messages, and their sending and receiving.
 * Must never block, never hand out a message that the table does not allow
 * between these two rooms, and never keep a descriptor that came with one.
 */

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ipc.h"

/* Room for a burst of one message per pair; used only when it is needed. */
#define IPC_SNDBUF	(1 << 20)

#define WAY(from, to)	(UINT64_C(1) << ((from) * ROOM_CHANNELS + (to)))
#define S		ROOM_SUPERVISOR
#define E		ROOM_ELECTOR
#define A		ROOM_ACTUATOR
#define K		ROOM_KEEPER
#define M		ROOM_MIRROR
#define C		ROOM_CAPTURE
#define S_TO_ALL	(WAY(S, E) | WAY(S, A) | WAY(S, K) | WAY(S, M) | \
			    WAY(S, C))
#define ALL_TO_S	(WAY(E, S) | WAY(A, S) | WAY(K, S) | WAY(M, S) | \
			    WAY(C, S))

static_assert(ROOM_CHANNELS * ROOM_CHANNELS <= 64, "ways fit in one word");

struct ipc_entry {
	const char	*name;
	uint16_t	 size;
	bool		 with_fd;
	uint64_t	 ways;
};

#define HEAD	sizeof(struct msg_head)

static const struct ipc_entry table[MSG_COUNT] = {
	[MSG_CONF] = { "CONF", sizeof(struct msg_blob), true, S_TO_ALL },
	[MSG_SECRETS] = { "SECRETS", sizeof(struct msg_blob), true,
	    WAY(S, E) },
	[MSG_SWITCH] = { "SWITCH", HEAD, false, S_TO_ALL },
	[MSG_NEIGHBOUR] = { "NEIGHBOUR", sizeof(struct msg_neighbour), true,
	    S_TO_ALL },
	[MSG_LEAVE] = { "LEAVE", HEAD, false, S_TO_ALL },
	[MSG_PING] = { "PING", HEAD, false, S_TO_ALL },
	[MSG_CONF_OK] = { "CONF_OK", HEAD, false, ALL_TO_S },
	[MSG_PONG] = { "PONG", HEAD, false, ALL_TO_S },
	[MSG_LEFT] = { "LEFT", HEAD, false, ALL_TO_S },

	[MSG_SOCKET_WANT] = { "SOCKET_WANT", HEAD, false, WAY(E, S) },
	[MSG_SOCKET] = { "SOCKET", sizeof(struct msg_socket), true,
	    WAY(S, E) },
	[MSG_SOCKET_NONE] = { "SOCKET_NONE", sizeof(struct msg_socket), false,
	    WAY(S, E) },
	[MSG_LISTENER] = { "LISTENER", sizeof(struct msg_listener), true,
	    WAY(S, E) },
	[MSG_JOB] = { "JOB", sizeof(struct msg_job), false, WAY(E, S) |
	    WAY(E, M) | WAY(M, C) | WAY(C, S) },
	[MSG_JOB_DONE] = { "JOB_DONE", sizeof(struct msg_job_done), false,
	    WAY(S, E) | WAY(M, E) | WAY(C, M) | WAY(S, C) },
	[MSG_ROLE] = { "ROLE", sizeof(struct msg_role), false, WAY(E, S) },
	[MSG_EXPORT] = { "EXPORT", sizeof(struct msg_blob), true, WAY(S, E) },
	[MSG_IMPORT] = { "IMPORT", sizeof(struct msg_blob), true, WAY(S, E) },

	[MSG_HOLD] = { "HOLD", sizeof(struct msg_renew), false, WAY(E, A) },
	[MSG_RENEW] = { "RENEW", sizeof(struct msg_renew), false, WAY(E, A) },
	[MSG_WORDS] = { "WORDS", sizeof(struct msg_renew), false, WAY(E, A) },
	[MSG_RELEASE] = { "RELEASE", HEAD, false, WAY(E, A) },
	[MSG_ANNOUNCE] = { "ANNOUNCE", HEAD, false, WAY(E, A) },
	[MSG_HELD] = { "HELD", sizeof(struct msg_held), false, WAY(A, E) },
	[MSG_RELEASED] = { "RELEASED", sizeof(struct msg_released), false,
	    WAY(A, E) },
	[MSG_LINK] = { "LINK", sizeof(struct msg_link), false, WAY(A, E) },
	[MSG_ADDR_LOST] = { "ADDR_LOST", sizeof(struct msg_addr), false,
	    WAY(A, E) },
	[MSG_NEIGH_FRAME] = { "NEIGH_FRAME", sizeof(struct msg_frame), false,
	    WAY(A, E) },
	[MSG_STALLED] = { "STALLED", HEAD, false, WAY(A, S) },

	[MSG_KEEP_TERM] = { "KEEP_TERM", sizeof(struct msg_keep_term), false,
	    WAY(E, K) },
	[MSG_KEEP_CEILING] = { "KEEP_CEILING", sizeof(struct msg_keep_seq),
	    false, WAY(E, K) },
	[MSG_KEEP_FLOOR] = { "KEEP_FLOOR", sizeof(struct msg_keep_seq), false,
	    WAY(E, K) },
	[MSG_KEEP_HISTORY] = { "KEEP_HISTORY",
	    sizeof(struct msg_keep_history), false, WAY(E, K) },
	[MSG_KEEP_MAINT] = { "KEEP_MAINT", sizeof(struct msg_keep_maint),
	    false, WAY(E, K) },
	[MSG_KEPT] = { "KEPT", sizeof(struct msg_kept), false, WAY(K, E) },
	[MSG_STORED_PAIR] = { "STORED_PAIR", sizeof(struct msg_stored_pair),
	    false, WAY(K, E) },
	[MSG_STORED_HISTORY] = { "STORED_HISTORY",
	    sizeof(struct msg_keep_history), false, WAY(K, E) },
	[MSG_STORED_END] = { "STORED_END", HEAD, false, WAY(K, E) },

	[MSG_WORD] = { "WORD", sizeof(struct msg_word), false, WAY(E, M) |
	    WAY(M, C) },
	[MSG_PARTNER] = { "PARTNER", sizeof(struct msg_partner), false,
	    WAY(M, E) },
	[MSG_DATA] = { "DATA", sizeof(struct msg_data), false, WAY(M, E) },
	[MSG_ASK] = { "ASK", sizeof(struct msg_ask), false, WAY(E, M) |
	    WAY(M, C) | WAY(M, E) },
	[MSG_CAPTURED] = { "CAPTURED", sizeof(struct msg_captured), false,
	    WAY(C, M) },
	[MSG_SNAP] = { "SNAP", sizeof(struct msg_snap), false, WAY(C, S) },
	[MSG_SNAPPED] = { "SNAPPED", sizeof(struct msg_snapped), true,
	    WAY(S, C) },
	[MSG_SNAP_FAILED] = { "SNAP_FAILED", sizeof(struct msg_snapped),
	    false, WAY(S, C) },
};

static_assert(sizeof(struct msg_head) == 8, "the head has no padding");
static_assert(sizeof(union msg) <= UINT16_MAX, "sizes fit the table");
static_assert(CMSG_LEN(sizeof(int)) - CMSG_LEN(0) == sizeof(int),
    "a control buffer of CMSG_LEN holds one descriptor");

const char *
ipc_name(unsigned type)
{
	if (type >= MSG_COUNT || table[type].name == NULL)
		return "?";
	return table[type].name;
}

size_t
ipc_size(unsigned type)
{
	return type < MSG_COUNT ? table[type].size : 0;
}

bool
ipc_allowed(unsigned type, enum room from, enum room to)
{
	if (type >= MSG_COUNT || from >= ROOM_CHANNELS ||
	    to >= ROOM_CHANNELS)
		return false;
	return (table[type].ways & WAY(from, to)) != 0;
}

const char *
room_name(enum room r)
{
	static const char *const name[ROOM_COUNT] = {
		[ROOM_SUPERVISOR] = "supervisor",
		[ROOM_ELECTOR] = "elector",
		[ROOM_ACTUATOR] = "actuator",
		[ROOM_KEEPER] = "keeper",
		[ROOM_MIRROR] = "mirror",
		[ROOM_CAPTURE] = "capture",
		[ROOM_RUNNER] = "runner",
		[ROOM_CHECKER] = "checker",
		[ROOM_LOADER] = "loader",
		[ROOM_SQLSNAP] = "sqlsnap",
	};

	return r < ROOM_COUNT ? name[r] : "?";
}

int
ipc_pair(int fds[2])
{
	const int size = IPC_SNDBUF;
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, fds) == -1)
		return -1;
	for (i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size,
		    sizeof(size)) == -1)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size,
			    sizeof(size));
	return 0;
}

static int
take_fd(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	int fd;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static bool
plausible(const struct channel *ch, const union msg *m, size_t len,
    int flags, bool has_fd)
{
	if ((flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return false;
	if (len < sizeof(m->head))
		return false;
	if (!ipc_allowed(m->head.type, ch->peer, ch->self))
		return false;
	return len == table[m->head.type].size &&
	    has_fd == table[m->head.type].with_fd;
}

/*
 * A neighbour that died with something unread makes one ECONNRESET, before
 * what it had still sent: that is taken first, its end comes after it.
 */
static ssize_t
receive(int fd, struct msghdr *h)
{
	bool reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(fd, h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n != -1)
			return n;
		if (errno == ECONNRESET && !reset)
			reset = true;
		else if (errno != EINTR)
			return -1;
	}
}

enum ipc_status
ipc_recv(const struct channel *ch, union msg *m, int *fd)
{
	union {
		struct cmsghdr	align;
		char		byte[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	*fd = -1;
	/*
	 * CMSG_LEN, not CMSG_SPACE: the padding would admit a second
	 * descriptor.  From anybody but the supervisor none is taken at all.
	 */
	if (ch->peer == ROOM_SUPERVISOR) {
		h.msg_control = control.byte;
		h.msg_controllen = CMSG_LEN(sizeof(int));
	}
	n = receive(ch->fd, &h);
	if (n == -1)
		return errno == EAGAIN ? IPC_AGAIN : IPC_CLOSED;
	*fd = take_fd(&h);
	/* An empty message looks like end-of-file; nobody sends one. */
	if (n == 0 && *fd == -1)
		return (h.msg_flags & MSG_CTRUNC) ? IPC_HOSTILE : IPC_CLOSED;
	if (plausible(ch, m, (size_t)n, h.msg_flags, *fd != -1))
		return IPC_OK;
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
	return IPC_HOSTILE;
}

static void
attach_fd(struct msghdr *h, char *control, int fd)
{
	struct cmsghdr *c;

	h->msg_control = control;
	h->msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

enum ipc_status
ipc_send(const struct channel *ch, const union msg *m, int fd)
{
	union {
		struct cmsghdr	align;
		char		byte[CMSG_SPACE(sizeof(int))];
	} control = { .byte = { 0 } };
	union {
		const union msg	*in;
		void		*out;
	} base = { .in = m };
	struct iovec iov = { .iov_base = base.out };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	assert(ipc_allowed(m->head.type, ch->self, ch->peer));
	assert(table[m->head.type].with_fd == (fd != -1));
	iov.iov_len = table[m->head.type].size;
	if (fd != -1)
		attach_fd(&h, control.byte, fd);
	do {
		n = sendmsg(ch->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n != -1)
		return IPC_OK;
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		return IPC_AGAIN;
	default:
		return IPC_CLOSED;
	}
}
