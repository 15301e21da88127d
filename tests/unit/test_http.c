/* SPDX-License-Identifier: ISC */

/* http.c: the pure parts, URL and status line. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

static const struct {
	const char *url, *host, *port, *path;
} good[] = {
	{ "http://192.0.2.1/", "192.0.2.1", "80", "/" },
	{ "http://192.0.2.1", "192.0.2.1", "80", "/" },
	{ "http://a:8080/x?y=1", "a", "8080", "/x?y=1" },
	{ "http://a:8080", "a", "8080", "/" },
	{ "http://[2001:db8::1]/", "2001:db8::1", "80", "/" },
	{ "http://[2001:db8::1]:443/s", "2001:db8::1", "443", "/s" },
	{ "http://a/b:c", "a", "80", "/b:c" },
};

START_TEST(test_url)
{
	struct http_url u;

	ck_assert_ptr_null(http_parse_url(good[_i].url, &u));
	ck_assert_str_eq(u.host, good[_i].host);
	ck_assert_str_eq(u.port, good[_i].port);
	ck_assert_str_eq(u.path, good[_i].path);
}
END_TEST

static const char *const bad[] = {
	"", "a", "https://a/", "http://", "http:///x", "http://:80/",
	"http://a:/", "http://a:0/", "http://a:65536/", "http://a:8x/",
	"http://a:123456/", "http://[::1/", "http://[::1]x/",
	"http://a/b c", "http://a/b\r\nX: y",
};

START_TEST(test_bad_url)
{
	struct http_url u;

	ck_assert_ptr_nonnull(http_parse_url(bad[_i], &u));
}
END_TEST

START_TEST(test_status)
{
	static const char ok[] = "HTTP/1.1 204 No Content\r\n";
	size_t n;

	ck_assert_uint_eq(http_status(ok, strlen(ok)), 204);
	for (n = 0; n < 12; n++)
		ck_assert_uint_eq(http_status(ok, n), 0);
	ck_assert_uint_eq(http_status("HTTP/1.0 2x0 OK", 15), 0);
	ck_assert_uint_eq(http_status("SSH-2.0-OpenSSH", 15), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("pure");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, test_url, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, test_bad_url, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, test_status);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
