/* SPDX-License-Identifier: ISC */

/* control.c and status.c: clients that ask, follow, ramble and stay silent. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "elector_kit.h"

#define RECORDS_MAX	512

static struct sockaddr_un addr[LISTENERS];
static socklen_t addr_len[LISTENERS];

static void
listen_at(int which)
{
	addr[which].sun_family = AF_UNIX;
	addr_len[which] = sizeof(addr[which]);
	el.listener[which] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	/* No name: the kernel chooses an abstract one. */
	ck_assert_int_eq(bind(el.listener[which],
	    (struct sockaddr *)&addr[which], sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(el.listener[which],
	    (struct sockaddr *)&addr[which], &addr_len[which]), 0);
	ck_assert_int_eq(listen(el.listener[which], 64), 0);
}

static void
setup(void)
{
	elector_make();
	listen_at(0);
	listen_at(1);
}

static int
client(int which)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr[which],
	    addr_len[which]), 0);
	control_accept(&el, which);
	return fd;
}

/* One turn of the loop, as far as clients go. */
static void
serve(void)
{
	struct pollfd pfd;
	uint32_t i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &el.client[i];

		if (c->phase == CLIENT_FREE)
			continue;
		pfd = (struct pollfd){ c->fd, control_events(c), 0 };
		if (poll(&pfd, 1, 0) == 1)
			control_serve(&el, c, pfd.revents);
	}
	control_timers(&el);
}

static uint32_t
clients(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < CLIENTS_MAX; i++)
		n += el.client[i].phase != CLIENT_FREE;
	return n;
}

static void
ask(int fd, enum ctl_command command, uint16_t pair)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC, .version = CTL_VERSION,
		.command = (uint16_t)command, .pair = pair,
	};

	ck_assert_int_eq(write(fd, &rq, sizeof(rq)), sizeof(rq));
}

/* Types of all records that come; returns how many.  Ends at end-of-file. */
static size_t
answer(int fd, uint16_t type[RECORDS_MAX], bool *closed)
{
	static unsigned char buf[1 << 20];
	const struct ctl_head *h;
	size_t len = 0, at, n = 0;
	ssize_t got;
	int i;

	*closed = false;
	for (i = 0; i < 1000 && !*closed; i++) {
		serve();
		got = read(fd, buf + len, sizeof(buf) - len);
		if (got == 0)
			*closed = true;
		if (got > 0)
			len += (size_t)got;
		else if (got == -1 && i > 20)
			break;
	}
	for (at = 0; at < len; at += h->size) {
		h = (const void *)(buf + at);
		ck_assert_uint_ge(h->size, sizeof(*h));
		ck_assert_uint_lt(n, RECORDS_MAX);
		type[n++] = h->type;
	}
	return n;
}

START_TEST(test_status)
{
	static const uint16_t want[] = {
		CTL_NODE, CTL_PAIR, CTL_ADDR, CTL_PEER, CTL_PEER, CTL_PROBLEM,
		CTL_END,
	};
	uint16_t type[RECORDS_MAX];
	bool closed;
	int fd = client(0);

	ask(fd, CTL_GET_STATUS, 1);
	ck_assert_uint_eq(answer(fd, type, &closed), 7);
	ck_assert_mem_eq(type, want, sizeof(want));
	ck_assert(closed);
	ck_assert_uint_eq(clients(), 0);
}
END_TEST

START_TEST(test_status_of_all)
{
	uint16_t type[RECORDS_MAX];
	bool closed;
	int fd = client(1);

	ask(fd, CTL_GET_STATUS, CTL_PAIR_ALL);
	ck_assert_uint_eq(answer(fd, type, &closed), 1 + 3 * 5 + 1);
	ck_assert(closed);
}
END_TEST

START_TEST(test_request_in_pieces)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC, .version = CTL_VERSION,
		.command = CTL_GET_EVENTS, .pair = CTL_PAIR_ALL,
	};
	uint16_t type[RECORDS_MAX];
	bool closed;
	size_t i;
	int fd = client(0);

	for (i = 0; i < sizeof(rq); i++) {
		ck_assert_int_eq(write(fd, (const char *)&rq + i, 1), 1);
		serve();
	}
	ck_assert_uint_eq(answer(fd, type, &closed), 1);
	ck_assert_uint_eq(type[0], CTL_END);
}
END_TEST

START_TEST(test_rubbish)
{
	static const char *const rubbish[] = {
		"GET / HTTP/1.0\r\n\r\n", "xxxxxxxx", "cpivxxxx",
	};
	uint16_t type[RECORDS_MAX];
	bool closed;
	size_t i;
	int fd;

	for (i = 0; i < 3; i++) {
		fd = client(0);
		ck_assert_int_gt(write(fd, rubbish[i], strlen(rubbish[i])), 0);
		ck_assert_uint_eq(answer(fd, type, &closed), 2);
		ck_assert_uint_eq(type[0], CTL_RESULT);
		ck_assert(closed);
	}
	fd = client(0);
	ask(fd, CTL_GET_STATUS, BLOB_PAIRS);
	ck_assert_uint_eq(answer(fd, type, &closed), 2);
	ck_assert_uint_eq(type[0], CTL_RESULT);
}
END_TEST

static uint32_t
code_of(int fd)
{
	struct ctl_result r = { .code = UINT32_MAX };

	serve();
	ck_assert_int_eq(read(fd, &r, sizeof(r)), sizeof(r));
	ck_assert_uint_eq(r.head.type, CTL_RESULT);
	return r.code;
}

START_TEST(test_who_may_change)
{
	int fd = client(0);

	ask(fd, CTL_HANDOVER, 0);
	ck_assert_uint_eq(code_of(fd), CTL_NOT_PERMITTED);
	fd = client(0);
	ask(fd, CTL_MAINTENANCE, CTL_PAIR_ALL);
	ck_assert_uint_eq(code_of(fd), CTL_NOT_PERMITTED);
	ck_assert(!el.pair[0].maint_on);
	/* A node that is not active says whom to ask, or that it knows none. */
	fd = client(1);
	ask(fd, CTL_HANDOVER, 0);
	ck_assert_uint_eq(code_of(fd), CTL_REFUSED_STANDBY);
}
END_TEST

START_TEST(test_reason_without_end)
{
	struct ctl_request rq = {
		.magic = CTL_MAGIC, .version = CTL_VERSION,
		.command = CTL_MAINTENANCE, .pair = 0, .arg = { 1, 0 },
	};
	int fd = client(1);

	memset(rq.reason, 'x', sizeof(rq.reason));
	ck_assert_int_eq(write(fd, &rq, sizeof(rq)), sizeof(rq));
	ck_assert_uint_eq(code_of(fd), CTL_BAD_REQUEST);
	ck_assert(!el.pair[0].maint_on);
	fd = client(1);
	memcpy(rq.reason, "new\ndisk", 9);
	ck_assert_int_eq(write(fd, &rq, sizeof(rq)), sizeof(rq));
	ck_assert_uint_eq(code_of(fd), CTL_OK);
	ck_assert(el.pair[0].maint_on);
	ck_assert_str_eq(el.pair[0].maint_reason, "new?disk");
}
END_TEST

START_TEST(test_silent_client_is_dropped)
{
	(void)client(0);
	ck_assert_uint_eq(clients(), 1);
	ck_assert_int_eq(control_due(&el).ns, el.now.ns + 5 * NS_PER_S);
	el.now = mono_after(el.now, 5 * NS_PER_S - 1);
	serve();
	ck_assert_uint_eq(clients(), 1);
	el.now = mono_after(el.now, 1);
	serve();
	ck_assert_uint_eq(clients(), 0);
}
END_TEST

START_TEST(test_full_house)
{
	int fd[CTL_CLIENTS_MAX + 1], i;
	char c;

	for (i = 0; i <= CTL_CLIENTS_MAX; i++) {
		fd[i] = client(0);
		el.now = mono_after(el.now, NS_PER_MS);
	}
	/* The oldest went; the other socket has places of its own. */
	ck_assert_uint_eq(clients(), CTL_CLIENTS_MAX);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	ck_assert_int_eq(read(fd[1], &c, 1), -1);
	(void)client(1);
	ck_assert_uint_eq(clients(), CTL_CLIENTS_MAX + 1);
}
END_TEST

START_TEST(test_most_numerous_goes_first)
{
	int fd[CTL_CLIENTS_MAX], i;
	char c;

	for (i = 0; i < CTL_CLIENTS_MAX; i++)
		fd[i] = client(0);
	/* The first one is somebody else's, and the oldest. */
	el.client[0].uid = 12345;
	(void)client(0);
	ck_assert_int_eq(read(fd[0], &c, 1), -1);
	ck_assert_int_eq(read(fd[1], &c, 1), 0);
}
END_TEST

START_TEST(test_follower)
{
	uint16_t type[RECORDS_MAX];
	bool closed;
	int fd = client(0);

	ask(fd, CTL_SUBSCRIBE, 0);
	ck_assert_uint_eq(answer(fd, type, &closed), 1);
	ck_assert(!closed);
	note(&el, &el.pair[1], &(struct ctl_event){ .kind = CTL_EVENT_LINK });
	note(&el, &el.pair[0], &(struct ctl_event){ .kind = CTL_EVENT_LINK });
	ck_assert_uint_eq(answer(fd, type, &closed), 1);
	/* It may stay as long as it likes. */
	el.now = mono_after(el.now, 3600 * NS_PER_S);
	serve();
	ck_assert_uint_eq(clients(), 1);
	(void)close(fd);
	serve();
	ck_assert_uint_eq(clients(), 0);
}
END_TEST

START_TEST(test_slow_follower_is_dropped)
{
	int i, fd = client(0);

	ask(fd, CTL_SUBSCRIBE, 0);
	serve();
	for (i = 0; i < 100000 && clients() == 1; i++) {
		note(&el, &el.pair[0],
		    &(struct ctl_event){ .kind = CTL_EVENT_LINK });
		if (i % 100 == 0)
			serve();
	}
	ck_assert_uint_eq(clients(), 0);
	(void)close(fd);
}
END_TEST

START_TEST(test_monitor_survives_a_flood)
{
	const uint8_t frame[64] = { 0x45 };
	const struct arrival in = { .ip = frame, .len = sizeof(frame) };
	int i, fd = client(0);

	ask(fd, CTL_MONITOR, CTL_PAIR_ALL);
	serve();
	for (i = 0; i < 10000; i++)
		control_advert(&el, &el.port[0], &in, ADVERT_AUTH, AUTH_BAD);
	ck_assert_uint_eq(clients(), 1);
	/* One that never reads goes all the same. */
	for (i = 0; i < 100; i++) {
		serve();
		control_advert(&el, &el.port[0], &in, ADVERT_AUTH, AUTH_BAD);
	}
	el.now = mono_after(el.now, 6 * NS_PER_S);
	for (i = 0; i < 1000; i++) {
		control_advert(&el, &el.port[0], &in, ADVERT_AUTH, AUTH_BAD);
		serve();
	}
	el.now = mono_after(el.now, 6 * NS_PER_S);
	serve();
	ck_assert_uint_eq(clients(), 0);
	(void)close(fd);
}
END_TEST

START_TEST(test_events_are_a_ring)
{
	uint16_t type[RECORDS_MAX];
	bool closed;
	int i, fd = client(0);

	for (i = 0; i < EVENTS_MAX + 50; i++)
		note(&el, &el.pair[i % 2],
		    &(struct ctl_event){ .kind = CTL_EVENT_LINK });
	ask(fd, CTL_GET_EVENTS, CTL_PAIR_ALL);
	ck_assert_uint_eq(answer(fd, type, &closed), EVENTS_MAX + 1);
	fd = client(0);
	ask(fd, CTL_GET_EVENTS, 1);
	ck_assert_uint_eq(answer(fd, type, &closed), EVENTS_MAX / 2 + 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("control");
	TCase *t = tcase_create("control");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_status);
	tcase_add_test(t, test_status_of_all);
	tcase_add_test(t, test_request_in_pieces);
	tcase_add_test(t, test_rubbish);
	tcase_add_test(t, test_who_may_change);
	tcase_add_test(t, test_reason_without_end);
	tcase_add_test(t, test_silent_client_is_dropped);
	tcase_add_test(t, test_full_house);
	tcase_add_test(t, test_most_numerous_goes_first);
	tcase_add_test(t, test_follower);
	tcase_add_test(t, test_slow_follower_is_dropped);
	tcase_add_test(t, test_monitor_survives_a_flood);
	tcase_add_test(t, test_events_are_a_ring);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
