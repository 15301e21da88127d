/* SPDX-License-Identifier: ISC */

/*
 * vipctl's end of the sockets against daemons that are not there, hang, close
 * too early, talk nonsense, or refuse.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test_vipctl_records.h"

/* A daemon for one client: reads the request, writes bytes, closes. */
static struct {
	char		dir[32];
	int		listener;
	pthread_t	thread;
	const void	*bytes;
	size_t		len;
	bool		hangs;
} fake;

static struct vipctl v;
static char why[256];

static void *
serve(void *unused)
{
	struct ctl_request rq;
	int fd = accept(fake.listener, NULL, NULL);

	(void)unused;
	if (fd == -1)
		return NULL;
	if (recv(fd, &rq, sizeof(rq), MSG_WAITALL) == sizeof(rq) &&
	    fake.len > 0)
		(void)!write(fd, fake.bytes, fake.len);
	if (fake.hangs)
		(void)!recv(fd, &rq, 1, 0);	/* until the client goes */
	close(fd);
	return NULL;
}

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strcpy(fake.dir, "/tmp/vipctl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake.dir));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", fake.dir,
	    CTL_STATUS);
	fake.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fake.listener, (struct sockaddr *)&sun,
	    sizeof(sun)), 0);
	ck_assert_int_eq(listen(fake.listener, 1), 0);
	v = (struct vipctl){ .out = stdout, .err = stderr, .quiet = true };
	strcpy(v.run_dir, fake.dir);
}

static void
teardown(void)
{
	char path[64];

	close(fake.listener);
	snprintf(path, sizeof(path), "%s/%s", fake.dir, CTL_STATUS);
	unlink(path);
	rmdir(fake.dir);
}

/* What view_load() makes of a daemon that writes these bytes. */
static int
load(const void *bytes, size_t len, bool hangs, struct view *w)
{
	int code;

	fake.bytes = bytes;
	fake.len = len;
	fake.hangs = hangs;
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, serve, NULL), 0);
	code = view_load(w, &v, why, sizeof(why));
	pthread_join(fake.thread, NULL);
	return code;
}

static const struct ctl_head end = { CTL_END, sizeof(end), 0 };

static size_t
add(uint8_t *to, size_t at, const union ctl_any *r)
{
	memcpy(to + at, r, r->head.size);
	return at + r->head.size;
}

START_TEST(whole_answer)
{
	uint8_t buf[4096];
	union ctl_any r[3] = { record_node(), record_pair(ROLE_ACTIVE),
	    record_addr(true) };
	struct view w;
	size_t n = 0;
	int i;

	for (i = 0; i < 3; i++)
		n = add(buf, n, &r[i]);
	memcpy(buf + n, &end, sizeof(end));
	ck_assert_int_eq(load(buf, n + sizeof(end), false, &w), EXIT_DONE);
	ck_assert_uint_eq(w.npairs, 1);
	ck_assert_uint_eq(w.pair[0].naddrs, 1);
	ck_assert_str_eq(w.pair[0].p.name, "vpn");
	view_free(&w);
}
END_TEST

/* Cut at every place, the answer is never taken for a whole one. */
START_TEST(cut_short)
{
	uint8_t buf[4096];
	union ctl_any r[2] = { record_node(), record_pair(ROLE_ACTIVE) };
	struct view w;
	size_t n, cut;

	n = add(buf, add(buf, 0, &r[0]), &r[1]);
	for (cut = 0; cut <= n; cut += 37) {
		ck_assert_int_eq(load(buf, cut, false, &w),
		    EXIT_UNREACHABLE);
		ck_assert_uint_eq(w.npairs, 0);
		ck_assert_ptr_nonnull(strstr(why, "not reachable"));
	}
}
END_TEST

START_TEST(nobody_listens)
{
	struct view w;

	strcpy(v.run_dir, "/nonexistent");
	ck_assert_int_eq(view_load(&w, &v, why, sizeof(why)),
	    EXIT_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(why, "/nonexistent/status.sock"));
}
END_TEST

START_TEST(hangs)
{
	union ctl_any r = record_node();
	mono_t begun = mono_now();
	struct view w;
	int64_t took;

	ck_assert_int_eq(load(&r, r.head.size, true, &w), EXIT_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(why, "does not answer"));
	took = mono_span_ns(begun, mono_now());
	ck_assert_int_ge(took, CLIENT_TIMEOUT_MS * NS_PER_MS);
	ck_assert_int_lt(took, 3 * CLIENT_TIMEOUT_MS * NS_PER_MS);
}
END_TEST

static void
is_nonsense(const void *bytes, size_t len)
{
	struct view w;

	ck_assert_int_eq(load(bytes, len, true, &w), EXIT_UNREACHABLE);
	ck_assert_msg(strstr(why, "not understood") != NULL, "%s", why);
}

START_TEST(nonsense)
{
	union ctl_any r;
	uint8_t junk[64];

	memset(junk, 0xff, sizeof(junk));
	is_nonsense(junk, sizeof(junk));
	memset(junk, 0, sizeof(junk));
	is_nonsense(junk, sizeof(junk));
	is_nonsense(&end, sizeof(end));		/* an end without a node */
	r = record_node();
	r.head.size--;
	is_nonsense(&r, sizeof(r.node));
	r = record_node();
	r.head.type = 99;
	is_nonsense(&r, sizeof(r.node));
	r = record_addr(true);			/* an address of no pair */
	is_nonsense(&r, r.head.size);
}
END_TEST

/* Strings without an end are ended before anybody reads them. */
START_TEST(endless_strings)
{
	uint8_t buf[4096];
	union ctl_any r[2] = { record_node(), record_pair(ROLE_ACTIVE) };
	struct view w;
	size_t n;

	memset(r[1].pair.name, 'x', sizeof(r[1].pair.name));
	memset(r[1].pair.service_unit, 'y', sizeof(r[1].pair.service_unit));
	n = add(buf, add(buf, 0, &r[0]), &r[1]);
	memcpy(buf + n, &end, sizeof(end));
	ck_assert_int_eq(load(buf, n + sizeof(end), false, &w), EXIT_DONE);
	ck_assert_uint_eq(strlen(w.pair[0].p.name), CONF_NAME_MAX);
	ck_assert_uint_eq(strlen(w.pair[0].p.service_unit), 95);
	view_free(&w);
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		enum ctl_code code;
		int exit;
	} cases[] = {
		{ CTL_BUSY, EXIT_TRY_AGAIN },
		{ CTL_NOT_PERMITTED, EXIT_NOT_PERMITTED },
		{ CTL_BAD_REQUEST, EXIT_REFUSED },
		{ CTL_REFUSED_STANDBY, EXIT_REFUSED },
		{ (enum ctl_code)99, EXIT_REFUSED },
	};
	union ctl_any r = { .result = {
		.head = { CTL_RESULT, sizeof(struct ctl_result), 0 },
	} };
	struct view w;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r.result.code = cases[i].code;
		ck_assert_int_eq(load(&r, r.head.size, false, &w),
		    cases[i].exit);
		ck_assert_uint_eq(w.npairs, 0);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, whole_answer);
	tcase_add_test(tc, cut_short);
	tcase_add_test(tc, nobody_listens);
	tcase_add_test(tc, hangs);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, endless_strings);
	tcase_add_test(tc, refusals);
	return run_suite("vipctl_client", tc);
}
