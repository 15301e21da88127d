/* SPDX-License-Identifier: ISC */

/* ipc.c: a hostile neighbour, message by message. */

#include <sys/socket.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc.h"

#define NFDS_MAX	3

static struct channel here;	/* the room under test */
static int far;			/* the neighbour's end: it sends anything */
static int null_fd;

static void
connect_rooms(enum room self, enum room peer)
{
	int fds[2];

	ck_assert_int_eq(ipc_pair(fds), 0);
	here = (struct channel){ fds[0], self, peer };
	far = fds[1];
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(null_fd, -1);
}

static void
send_raw(const void *buf, size_t len, unsigned nfds)
{
	union {
		struct cmsghdr	align;
		char		byte[CMSG_SPACE(NFDS_MAX * sizeof(int))];
	} control = { .byte = { 0 } };
	union {
		const void	*in;
		void		*out;
	} base = { .in = buf };
	struct iovec iov = { .iov_base = base.out, .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	const int fds[NFDS_MAX] = { null_fd, null_fd, null_fd };
	struct cmsghdr *c;

	if (nfds > 0) {
		h.msg_control = control.byte;
		h.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(far, &h, 0), (ssize_t)len);
}

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

/* Sends that and says what the room makes of it; no descriptor may stay. */
static enum ipc_status
outcome(unsigned type, size_t len, unsigned nfds)
{
	union msg m = { .head = { .type = (uint16_t)type } }, got;
	char buf[sizeof(m) + 64] = { 0 };
	const unsigned before = open_descriptors();
	enum ipc_status st;
	int fd;

	memcpy(buf, &m, sizeof(m));
	send_raw(buf, len, nfds);
	st = ipc_recv(&here, &got, &fd);
	if (fd != -1) {
		ck_assert_int_eq(st, IPC_OK);
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		(void)close(fd);
	}
	ck_assert_uint_eq(open_descriptors(), before);
	return st;
}

START_TEST(test_table)
{
	unsigned type, from, to, ways;

	ck_assert(!ipc_allowed(MSG_NONE, ROOM_SUPERVISOR, ROOM_ELECTOR));
	ck_assert(!ipc_allowed(MSG_COUNT, ROOM_SUPERVISOR, ROOM_ELECTOR));
	ck_assert(!ipc_allowed(MSG_PING, ROOM_SUPERVISOR, ROOM_CHANNELS));
	ck_assert_str_eq(ipc_name(MSG_COUNT), "?");
	ck_assert_str_eq(ipc_name(MSG_NONE), "?");
	ck_assert_uint_eq(ipc_size(MSG_COUNT), 0);
	for (type = MSG_NONE + 1; type < MSG_COUNT; type++) {
		ways = 0;
		for (from = 0; from < ROOM_CHANNELS; from++)
			for (to = 0; to < ROOM_CHANNELS; to++)
				ways += ipc_allowed(type, from, to);
		ck_assert_uint_ge(ways, 1);
		ck_assert_str_ne(ipc_name(type), "?");
		ck_assert_uint_ge(ipc_size(type), sizeof(struct msg_head));
		ck_assert_uint_le(ipc_size(type), sizeof(union msg));
	}
}
END_TEST

START_TEST(test_good)
{
	union msg m = { .keep_term = {
		.head = { MSG_KEEP_TERM, 3, 9 }, .term = 7, .node = 1 } };
	union msg got;
	struct channel elector;
	int fd;

	connect_rooms(ROOM_KEEPER, ROOM_ELECTOR);
	elector = (struct channel){ far, ROOM_ELECTOR, ROOM_KEEPER };
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_AGAIN);
	ck_assert_int_eq(ipc_send(&elector, &m, -1), IPC_OK);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_OK);
	ck_assert_int_eq(fd, -1);
	ck_assert_mem_eq(&got, &m, sizeof(m.keep_term));
}
END_TEST

START_TEST(test_descriptor)
{
	union msg m = { .blob = { .head = { MSG_CONF, 0, 2 }, .size = 5 } };
	struct channel supervisor;
	union msg got;
	int fd;

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	supervisor = (struct channel){ far, ROOM_SUPERVISOR, ROOM_KEEPER };
	ck_assert_int_eq(ipc_send(&supervisor, &m, null_fd), IPC_OK);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_OK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fd, null_fd);
	ck_assert_int_eq(outcome(MSG_CONF, sizeof(m.blob), 1), IPC_OK);
}
END_TEST

START_TEST(test_wrong_size)
{
	const size_t right = sizeof(struct msg_keep_term);
	size_t len;

	connect_rooms(ROOM_KEEPER, ROOM_ELECTOR);
	ck_assert_int_eq(outcome(MSG_KEEP_TERM, right, 0), IPC_OK);
	for (len = 1; len < sizeof(union msg) + 64; len++)
		if (len != right)
			ck_assert_int_eq(outcome(MSG_KEEP_TERM, len, 0),
			    IPC_HOSTILE);
}
END_TEST

START_TEST(test_not_in_table)
{
	unsigned type;

	connect_rooms(ROOM_KEEPER, ROOM_ELECTOR);
	ck_assert_int_eq(outcome(MSG_NONE, sizeof(struct msg_head), 0),
	    IPC_HOSTILE);
	ck_assert_int_eq(outcome(MSG_COUNT, sizeof(struct msg_head), 0),
	    IPC_HOSTILE);
	ck_assert_int_eq(outcome(0xffff, sizeof(struct msg_head), 0),
	    IPC_HOSTILE);
	for (type = 1; type < MSG_COUNT; type++)
		ck_assert_int_eq(outcome(type, ipc_size(type), 0),
		    ipc_allowed(type, ROOM_ELECTOR, ROOM_KEEPER) ?
		    IPC_OK : IPC_HOSTILE);
}
END_TEST

START_TEST(test_descriptors_miscounted)
{
	const size_t len = sizeof(struct msg_blob);

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	ck_assert_int_eq(outcome(MSG_CONF, len, 0), IPC_HOSTILE);
	ck_assert_int_eq(outcome(MSG_CONF, len, 2), IPC_HOSTILE);
	ck_assert_int_eq(outcome(MSG_CONF, len, 3), IPC_HOSTILE);
	ck_assert_int_eq(outcome(MSG_PING, sizeof(struct msg_head), 1),
	    IPC_HOSTILE);
	ck_assert_int_eq(outcome(MSG_CONF, len - 1, 1), IPC_HOSTILE);
}
END_TEST

START_TEST(test_descriptor_towards_privilege)
{
	connect_rooms(ROOM_ACTUATOR, ROOM_ELECTOR);
	ck_assert_int_eq(outcome(MSG_RELEASE, sizeof(struct msg_head), 0),
	    IPC_OK);
	ck_assert_int_eq(outcome(MSG_RELEASE, sizeof(struct msg_head), 1),
	    IPC_HOSTILE);
	connect_rooms(ROOM_SUPERVISOR, ROOM_ELECTOR);
	ck_assert_int_eq(outcome(MSG_PONG, sizeof(struct msg_head), 1),
	    IPC_HOSTILE);
	ck_assert_int_eq(outcome(MSG_JOB, sizeof(struct msg_job), 0), IPC_OK);
}
END_TEST

START_TEST(test_closed)
{
	union msg m = { .head = { .type = MSG_PONG } };
	union msg got;
	int fd;

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	send_raw("", 0, 0);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_CLOSED);
	(void)close(far);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_CLOSED);
	ck_assert_int_eq(ipc_send(&here, &m, -1), IPC_CLOSED);

	/* It dies with something unread: connection reset, not end-of-file. */
	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	ck_assert_int_eq(ipc_send(&here, &m, -1), IPC_OK);
	(void)close(far);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_CLOSED);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_CLOSED);
}
END_TEST

START_TEST(test_last_words_before_end)
{
	union msg m = { .head = { .type = MSG_PING } }, got;
	int fd;

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	send_raw(&m, sizeof(m.head), 0);
	(void)close(far);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_OK);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_CLOSED);

	/* The same of one that has not read what we sent. */
	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	m.head.type = MSG_PONG;
	ck_assert_int_eq(ipc_send(&here, &m, -1), IPC_OK);
	m.head.type = MSG_PING;
	send_raw(&m, sizeof(m.head), 0);
	send_raw(&m, sizeof(m.head), 0);
	(void)close(far);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_OK);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_OK);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_CLOSED);
}
END_TEST

START_TEST(test_empty_with_descriptor)
{
	const unsigned before = open_descriptors();
	union msg got;
	int fd;

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	send_raw("", 0, 1);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_HOSTILE);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(open_descriptors(), before + 3);
	send_raw("", 0, 2);
	ck_assert_int_eq(ipc_recv(&here, &got, &fd), IPC_HOSTILE);
	ck_assert_uint_eq(open_descriptors(), before + 3);
}
END_TEST

START_TEST(test_full_queue)
{
	union msg m = { .head = { .type = MSG_PONG } };
	enum ipc_status st;
	unsigned n = 0;

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	while ((st = ipc_send(&here, &m, -1)) == IPC_OK)
		ck_assert_uint_lt(n++, 1000000);
	ck_assert_int_eq(st, IPC_AGAIN);
	/* A burst of one message for each of 1024 pairs must fit (root). */
	if (geteuid() == 0)
		ck_assert_uint_ge(n, 1024);
}
END_TEST

START_TEST(test_own_mistake)
{
	union msg m = { .head = { .type = MSG_HOLD } };

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	(void)ipc_send(&here, &m, -1);
}
END_TEST

START_TEST(test_own_mistake_descriptor)
{
	union msg m = { .head = { .type = MSG_PONG } };

	connect_rooms(ROOM_KEEPER, ROOM_SUPERVISOR);
	(void)ipc_send(&here, &m, null_fd);
}
END_TEST

START_TEST(test_noise)
{
	unsigned seed = 94, i;

	connect_rooms(ROOM_ELECTOR, ROOM_SUPERVISOR);
	for (i = 0; i < 20000; i++) {
		unsigned char buf[sizeof(union msg) + 32];
		size_t len = 1 + (size_t)rand_r(&seed) % (sizeof(buf) - 1), j;
		union msg got;
		enum ipc_status st;
		int fd;

		for (j = 0; j < len; j++)
			buf[j] = (unsigned char)rand_r(&seed);
		if (i % 2 == 0 && len > 1) {
			buf[0] %= MSG_COUNT;
			buf[1] = 0;
		}
		send_raw(buf, len, i % 4);
		st = ipc_recv(&here, &got, &fd);
		ck_assert(st == IPC_OK || st == IPC_HOSTILE);
		if (st == IPC_OK)
			ck_assert_uint_eq(len, ipc_size(got.head.type));
		if (fd != -1)
			(void)close(fd);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc");
	TCase *t = tcase_create("ipc");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_table);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_descriptor);
	tcase_add_test(t, test_wrong_size);
	tcase_add_test(t, test_not_in_table);
	tcase_add_test(t, test_descriptors_miscounted);
	tcase_add_test(t, test_descriptor_towards_privilege);
	tcase_add_test(t, test_closed);
	tcase_add_test(t, test_last_words_before_end);
	tcase_add_test(t, test_empty_with_descriptor);
	tcase_add_test(t, test_full_queue);
	tcase_add_test_raise_signal(t, test_own_mistake, SIGABRT);
	tcase_add_test_raise_signal(t, test_own_mistake_descriptor, SIGABRT);
	tcase_add_test(t, test_noise);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
