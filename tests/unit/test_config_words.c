/* SPDX-License-Identifier: ISC */

/*
 * The words of the grammar, the table of defaults, the manual and the example
 * say the same.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define TEXT_MAX	(128 << 10)

static void
slurp(const char *path, char *buf)
{
	FILE *in = fopen(path, "r");
	size_t n;

	ck_assert_msg(in != NULL, "%s", path);
	n = fread(buf, 1, TEXT_MAX - 1, in);
	ck_assert_uint_lt(n, TEXT_MAX - 1);
	buf[n] = '\0';
	fclose(in);
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    c == '-' || c == '_';
}

/* As a word of its own, on a line with a macro for literal words. */
static bool
in_manual(const char *man, const char *word)
{
	const char *s, *line;
	size_t len = strlen(word);

	for (s = man; (s = strstr(s, word)) != NULL; s += len) {
		for (line = s; line > man && line[-1] != '\n'; line--)
			;
		if (line[0] == '.' && strncmp(line, ".\\\"", 3) != 0 &&
		    !is_letter(s[-1]) && !is_letter(s[len]))
			return true;
	}
	return false;
}

START_TEST(test_sorted)
{
	size_t i;

	for (i = 1; config_keyword(i) != NULL; i++)
		ck_assert_str_lt(config_keyword(i - 1), config_keyword(i));
	ck_assert_uint_gt(i, 60);
}
END_TEST

START_TEST(test_keywords_in_manual)
{
	static char man[TEXT_MAX];
	size_t i;

	slurp(CONFIG_MANUAL, man);
	for (i = 0; config_keyword(i) != NULL; i++)
		ck_assert_msg(in_manual(man, config_keyword(i)),
		    "\"%s\" is not in vipair.conf.5", config_keyword(i));
	ck_assert(!in_manual(man, "xyzzy"));
}
END_TEST

/*
 * The paragraph of a word ends with "The default is" and a literal; defaults
 * of two words in one statement share its paragraph.
 */
static bool
default_in_manual(const char *man, const char *word, const char *text)
{
	char item[64], value[64];
	const char *s, *end, *said;

	snprintf(value, sizeof(value), "\n.Ql %s ", text);
	for (s = man; (s = strstr(s, "\n.It ")) != NULL; s = end) {
		end = strstr(s + 1, "\n.It ");
		if (end == NULL)
			end = man + strlen(man);
		snprintf(item, sizeof(item), "Ic %s", word);
		said = strstr(s, item);
		if (said == NULL || said > strchr(s + 1, '\n'))
			continue;
		said = strstr(s, "The default is");
		if (said == NULL || said > end)
			continue;
		said = strstr(said, value);
		if (said != NULL && said < end)
			return true;
	}
	return false;
}

START_TEST(test_defaults_in_manual)
{
	static char man[TEXT_MAX];
	const struct config_default *d;
	size_t i;

	slurp(CONFIG_MANUAL, man);
	for (i = 0; (d = config_default(i)) != NULL; i++)
		ck_assert_msg(default_in_manual(man, d->word, d->text),
		    "default of \"%s\" is not \"%s\" in vipair.conf.5",
		    d->word, d->text);
	ck_assert_uint_ge(i, 15);
	ck_assert(!default_in_manual(man, "vhid", "95"));
}
END_TEST

/* Each word has been parsed by some case of tests/unit/config. */
START_TEST(test_keywords_tried)
{
	static char cases[TEXT_MAX];
	size_t i;

	slurp(CONFIG_DATA "/full.in", cases);
	slurp(CONFIG_DATA "/later.in", cases + strlen(cases));
	slurp(CONFIG_DATA "/twice.in", cases + strlen(cases));
	for (i = 0; config_keyword(i) != NULL; i++)
		ck_assert_msg(strstr(cases, config_keyword(i)) != NULL,
		    "\"%s\" is in no case", config_keyword(i));
}
END_TEST

START_TEST(test_example)
{
	struct config *c = config_load(CONFIG_EXAMPLE, CONFIG_FULL, 1);

	ck_assert_msg(c->nerrors == 0, "line %u: %s", c->problem[0].line,
	    c->problem[0].text);
	ck_assert_uint_eq(c->npair_names, 1);
	ck_assert_str_eq(c->pair_name[0], "vpn");
	config_free(c);
}
END_TEST

/*
 * The lines of the example that are off are good as well, each by itself:
 * one that is a statement of a pair takes the place of a comment.
 */
START_TEST(test_example_off)
{
	static const char *const off[] = { "interface \"eth0\"",
	    "claim spacing 20ms", "secret file \"/etc/vipair/vpn.secret\"",
	    "authentication enforce", "preempt", "track interface \"eth1\"",
	    "notify exec \"/etc/vipair/notify.d\"", "service exec {",
	    "run directory \"/run/vipair\"",
	    "state directory \"/var/lib/vipair\"" };
	static char example[TEXT_MAX];
	char line[96];
	size_t i;

	slurp(CONFIG_EXAMPLE, example);
	for (i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		snprintf(line, sizeof(line), "# %s", off[i]);
		ck_assert_msg(strstr(example, line) != NULL, "%s", line);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config_words");
	TCase *t = tcase_create("words");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_sorted);
	tcase_add_test(t, test_keywords_in_manual);
	tcase_add_test(t, test_defaults_in_manual);
	tcase_add_test(t, test_keywords_tried);
	tcase_add_test(t, test_example);
	tcase_add_test(t, test_example_off);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
