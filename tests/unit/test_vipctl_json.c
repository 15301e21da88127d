/* SPDX-License-Identifier: ISC */

/* The JSON writer: commas, nesting, any bytes, numbers. */
#include "json.h"
#include "test_vipctl_records.h"

static struct capture cap;
static struct json j;

static void
begin(void)
{
	json_init(&j, capture_begin(&cap));
}

static void
expect(const char *text)
{
	char *got = capture_end(&cap);

	ck_assert_str_eq(got, text);
	free(got);
}

START_TEST(commas_and_nesting)
{
	begin();
	json_open(&j, NULL);
	json_int(&j, "a", -1);
	json_open_array(&j, "b");
	json_uint(&j, NULL, UINT64_MAX);
	json_open(&j, NULL);
	json_close(&j);
	json_bool(&j, NULL, true);
	json_close_array(&j);
	json_null(&j, "c");
	json_close(&j);
	json_end_line(&j);
	json_open(&j, NULL);
	json_close(&j);
	json_end_line(&j);
	expect("{\"a\":-1,\"b\":[18446744073709551615,{},true],"
	    "\"c\":null}\n{}\n");
}
END_TEST

START_TEST(escapes)
{
	begin();
	json_string(&j, NULL, "\"\\/\n\t\r\x01\x1f\x7f");
	expect("\"\\\"\\\\/\\n\\t\\u000d\\u0001\\u001f\\u007f\"");
}
END_TEST

START_TEST(utf8_passes_the_rest_does_not)
{
	begin();
	json_string(&j, NULL, "\u00e4\u20ac\U0001f600");
	expect("\"\u00e4\u20ac\U0001f600\"");
	begin();
	/* overlong, surrogate, beyond, cut short, lone tail */
	json_string(&j, NULL, "a\xc0\x80" "b\xed\xa0\x80" "c\xf5\x80"
	    "d\xe2\x82" "e\xff");
	expect("\"a\\ufffd\\ufffdb\\ufffd\\ufffd\\ufffdc\\ufffd\\ufffd"
	    "d\\ufffd\\ufffde\\ufffd\"");
	begin();
	/* overlong in three and four bytes, and above U+10FFFF */
	json_string(&j, NULL, "\xe0\x9f\xbf" "a\xf0\x8f\xbf\xbf"
	    "b\xf4\x90\x80\x80");
	expect("\"\\ufffd\\ufffd\\ufffda\\ufffd\\ufffd\\ufffd\\ufffd"
	    "b\\ufffd\\ufffd\\ufffd\\ufffd\"");
	begin();
	/* the first and the last of each length */
	json_string(&j, NULL, "\xc2\x80\u07ff\u0800\uffff\U00010000"
	    "\U0010ffff\ud7ff\ue000");
	expect("\"\xc2\x80\u07ff\u0800\uffff\U00010000\U0010ffff\ud7ff"
	    "\ue000\"");
}
END_TEST

START_TEST(null_string)
{
	begin();
	json_open(&j, NULL);
	json_string(&j, "x", NULL);
	json_close(&j);
	expect("{\"x\":null}");
}
END_TEST

START_TEST(seconds)
{
	begin();
	json_open_array(&j, NULL);
	json_seconds(&j, NULL, 0);
	json_seconds(&j, NULL, NS_PER_S);
	json_seconds(&j, NULL, 23 * NS_PER_MS);
	json_seconds(&j, NULL, 1700 * NS_PER_MS + 999);
	json_seconds(&j, NULL, INT64_MAX);
	json_seconds(&j, NULL, -1);
	json_close_array(&j);
	expect("[0.0,1.0,0.023,1.7,9223372036.854,null]");
}
END_TEST

START_TEST(times)
{
	begin();
	json_open_array(&j, NULL);
	json_time(&j, NULL, WALL_NS + 7 * NS_PER_MS);
	json_time(&j, NULL, 0);
	json_time(&j, NULL, -5);
	json_close_array(&j);
	expect("[\"2023-11-14T22:13:20.007Z\",null,null]");
}
END_TEST

/* Every byte alone and in pairs gives text without control characters. */
START_TEST(any_bytes)
{
	char s[3] = "";
	char *got;
	size_t i;
	int a, b;

	for (a = 1; a < 256; a++)
		for (b = 1; b < 256; b++) {
			s[0] = (char)a;
			s[1] = (char)b;
			begin();
			json_string(&j, NULL, s);
			got = capture_end(&cap);
			ck_assert_int_eq(got[0], '"');
			ck_assert_int_eq(got[strlen(got) - 1], '"');
			for (i = 0; got[i] != '\0'; i++)
				ck_assert((unsigned char)got[i] >= 0x20);
			free(got);
		}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, commas_and_nesting);
	tcase_add_test(tc, escapes);
	tcase_add_test(tc, utf8_passes_the_rest_does_not);
	tcase_add_test(tc, null_string);
	tcase_add_test(tc, seconds);
	tcase_add_test(tc, times);
	tcase_add_test(tc, any_bytes);
	return run_suite("vipctl_json", tc);
}
