/* SPDX-License-Identifier: ISC */

/*
 * What leaves the node as a page or as a bundle: whatever bytes there are,
 * no markup gets out of the one and no secret out of the other.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "report.h"

static uint32_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static char *
escaped(const char *s)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	ck_assert_ptr_nonnull(f);
	html_text(f, s);
	ck_assert_int_eq(fclose(f), 0);
	return out;
}

START_TEST(known_texts)
{
	static const struct {
		const char *in, *out;
	} each[] = {
		{ "a<b>\"c\"&'", "a&lt;b&gt;&quot;c&quot;&amp;&#39;" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\x01\x7f\n", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		/* overlong '<', a surrogate, cut, beyond the last one */
		{ "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf5", "\xef\xbf\xbd" },
		{ "", "" },
	};
	char *got;
	size_t i;

	for (i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		got = escaped(each[i].in);
		ck_assert_str_eq(got, each[i].out);
		free(got);
	}
}
END_TEST

START_TEST(any_bytes)
{
	char text[64], *got;
	size_t i, n, round;

	for (round = 0; round < 20000; round++) {
		n = draw(sizeof(text));
		for (i = 0; i < n; i++)
			text[i] = (char)(1 + draw(255));
		text[n] = '\0';
		got = escaped(text);
		ck_assert_msg(strpbrk(got, "<>\"'\n\x01\x7f") == NULL, "%s",
		    got);
		free(got);
	}
}
END_TEST

static char *
redacted(const struct redact *r, const char *text)
{
	size_t len;
	char *out = redact_text(r, text, strlen(text), &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(strlen(out), len);
	return out;
}

START_TEST(what_is_left_out)
{
	static char value[] = "own-Value";
	const struct redact r = { .n = 1, .value = { value } };
	static const struct {
		const char *in, *out;
	} each[] = {
		{ "x own-value y", "x (left out) y" },
		{ "password=abc def", "password=(left out) def" },
		{ "Password: 'abc'", "Password: '(left out)'" },
		{ "carp \"abc\"", "carp \"(left out)\"" },
		{ "key 1 hex:00ff", "key 1 hex:(left out)" },
		{ "secret file \"/a/b\"", "secret file \"/a/b\"" },
		{ "secrets are left out", "secrets are left out" },
		{ "\"token\": \"t\", 1", "\"token\": \"(left out)\", 1" },
		{ "http://u:p@h/", "http://(left out)@h/" },
		{ "http://h:80/a@b", "http://h:80/a@b" },
		{ "password=", "password=" },
		{ "-----BEGIN X PRIVATE KEY-----\nab\n"
		    "-----END X PRIVATE KEY-----\nc", "(left out)\nc" },
		{ "-----BEGIN PRIVATE KEY-----\nab", "(left out)" },
		{ "-----BEGIN CERTIFICATE-----\nab",
		    "-----BEGIN CERTIFICATE-----\nab" },
	};
	char *got;
	size_t i;

	for (i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		got = redacted(&r, each[i].in);
		ck_assert_str_eq(got, each[i].out);
		free(got);
	}
}
END_TEST

/* Between any bytes, at any place. */
START_TEST(known_value_anywhere)
{
	static char value[] = "Xq7-known";
	const struct redact r = { .n = 1, .value = { value } };
	static const char some[] = "ab:/@ \"'=-{password secret hex:\n";
	char text[160], *got;
	size_t i, n, round;

	for (round = 0; round < 20000; round++) {
		n = draw(100);
		for (i = 0; i < n; i++)
			text[i] = some[draw(sizeof(some) - 1)];
		strcpy(text + n, value);
		for (i = n + strlen(value); i < n + 40; i++)
			text[i] = some[draw(sizeof(some) - 1)];
		text[i] = '\0';
		got = redacted(&r, text);
		ck_assert_msg(strstr(got, value) == NULL, "%s -> %s", text,
		    got);
		free(got);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vipctl_report");
	TCase *tc = tcase_create("report");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, known_texts);
	tcase_add_test(tc, any_bytes);
	tcase_add_test(tc, what_is_left_out);
	tcase_add_test(tc, known_value_anywhere);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
