/* SPDX-License-Identifier: ISC */

/* words.c: a command line without a shell; trust.c: who could change it. */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trust.h"
#include "words.h"

static const struct {
	const char	*command;
	size_t		 n;
	const char	*word[4];
} good[] = {
	{ "/bin/true", 1, { "/bin/true" } },
	{ "  /a  b\tc ", 3, { "/a", "b", "c" } },
	{ "/a 'b c' \"d e\"", 3, { "/a", "b c", "d e" } },
	{ "/a b\\ c", 2, { "/a", "b c" } },
	{ "/a 'b\\c'", 2, { "/a", "b\\c" } },
	{ "/a \"b\\\"c\\\\d\\e\"", 2, { "/a", "b\"c\\d\\e" } },
	{ "/a b'c'\"d\"e", 2, { "/a", "bcde" } },
	{ "/a '' \"\"", 3, { "/a", "", "" } },
	/* What a shell would act on is text. */
	{ "/a $HOME `id` ;", 4, { "/a", "$HOME", "`id`", ";" } },
	{ "/a *|>x", 2, { "/a", "*|>x" } },
};

START_TEST(test_good)
{
	struct words w;
	size_t i;

	ck_assert_ptr_null(words_split(&w, good[_i].command));
	ck_assert_uint_eq(w.n, good[_i].n);
	for (i = 0; i < w.n; i++)
		ck_assert_str_eq(w.argv[i], good[_i].word[i]);
	ck_assert_ptr_null(w.argv[w.n]);
}
END_TEST

static const char *const bad[] = {
	"", "  \t ", "/a 'b", "/a \"b", "/a \"b\\\"", "/a b\\",
};

START_TEST(test_bad)
{
	struct words w;

	ck_assert_ptr_nonnull(words_split(&w, bad[_i]));
}
END_TEST

START_TEST(test_limits)
{
	char text[WORDS_TEXT_MAX * 2];
	struct words w;
	size_t i;

	for (i = 0; i < WORDS_MAX; i++)
		memcpy(text + i * 2, "a ", 2);
	text[WORDS_MAX * 2] = '\0';
	ck_assert_ptr_null(words_split(&w, text));
	ck_assert_uint_eq(w.n, WORDS_MAX);
	strcat(text, "b");
	ck_assert_ptr_nonnull(words_split(&w, text));
	for (i = WORDS_TEXT_MAX - 2; i < WORDS_TEXT_MAX + 2; i++) {
		memset(text, 'x', i);
		text[i] = '\0';
		ck_assert_int_eq(words_split(&w, text) == NULL,
		    i < WORDS_TEXT_MAX);
	}
}
END_TEST

static char dir[] = "/tmp/vipair-words-XXXXXX", path[PATH_MAX],
    where[PATH_MAX];

static void
setup(void)
{
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/program", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0755);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

static void
teardown(void)
{
	char link_path[PATH_MAX];

	(void)snprintf(link_path, sizeof(link_path), "%s/link", dir);
	(void)unlink(link_path);
	(void)unlink(path);
	(void)rmdir(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

START_TEST(test_trust)
{
	if (geteuid() != 0)
		return;		/* nothing here would be root's */
	ck_assert_ptr_null(trust_path("/usr/bin/env", S_IFREG, where));
	ck_assert_ptr_null(trust_path(path, S_IFREG, where));
	ck_assert_ptr_null(trust_path("/usr/bin", S_IFDIR, where));
	ck_assert_ptr_nonnull(trust_path(path, S_IFDIR, where));
	ck_assert_ptr_nonnull(trust_path("usr/bin/env", S_IFREG, where));
	ck_assert_ptr_nonnull(trust_path("/nonexistent/x", S_IFREG, where));
	ck_assert_str_eq(where, "/nonexistent");
}
END_TEST

START_TEST(test_writable)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(path, 0757), 0);
	ck_assert_ptr_nonnull(trust_path(path, S_IFREG, where));
	ck_assert_str_eq(where, path);
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert_int_eq(chmod(dir, 0757), 0);
	ck_assert_ptr_nonnull(trust_path(path, S_IFREG, where));
	ck_assert_str_eq(where, dir);
	/* The sticky bit helps above, not for the directory itself. */
	ck_assert_int_eq(chmod(dir, 01757), 0);
	ck_assert_ptr_nonnull(trust_path(path, S_IFREG, where));
}
END_TEST

START_TEST(test_owner)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 12345, 0), 0);
	ck_assert_ptr_nonnull(trust_path(path, S_IFREG, where));
	ck_assert_int_eq(chown(path, 0, 12345), 0);
	ck_assert_ptr_null(trust_path(path, S_IFREG, where));
	ck_assert_int_eq(chmod(path, 0775), 0);
	ck_assert_ptr_nonnull(trust_path(path, S_IFREG, where));
}
END_TEST

/* A safe link to an unsafe place is not safe. */
START_TEST(test_link)
{
	char link_path[PATH_MAX];

	if (geteuid() != 0)
		return;
	(void)snprintf(link_path, sizeof(link_path), "%s/link", dir);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_ptr_null(trust_path(link_path, S_IFREG, where));
	ck_assert_int_eq(chmod(path, 0757), 0);
	ck_assert_ptr_nonnull(trust_path(link_path, S_IFREG, where));
	ck_assert_str_eq(where, path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("words");
	TCase *t = tcase_create("split");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, test_good, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, test_limits);
	suite_add_tcase(s, t);
	t = tcase_create("trust");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_trust);
	tcase_add_test(t, test_writable);
	tcase_add_test(t, test_owner);
	tcase_add_test(t, test_link);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
