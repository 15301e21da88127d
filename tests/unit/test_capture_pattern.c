/* SPDX-License-Identifier: ISC */

/* Patterns of a sync block: what belongs to the data set. */

#include <check.h>
#include <stdlib.h>

#include "pattern.h"

static const struct sync_entry entries[] = {
	{ SYNC_SQLITE, false, "db/users.db" },
	{ SYNC_SQLITE, true, "db/*.sqlite" },
	{ SYNC_TREE, false, "pki" },
	{ SYNC_FILE, false, "server/office.conf" },
	{ SYNC_FILE, true, "licenses/*" },
	{ SYNC_TREE, true, "ccd/*/now" },
	{ SYNC_NEVER, false, "pki/local/*" },
	{ SYNC_NEVER, false, "*.tmp" },
};
static const struct sync_conf conf = {
	.base = "/b", .n = sizeof(entries) / sizeof(entries[0]),
	.entry = entries,
};

#define T	2		/* rule of the tree pki */

static const struct {
	const char	*path;
	bool		 dir;
	uint32_t	 tree;
	enum want	 want;
	uint32_t	 rule;
} cases[] = {
	{ "db", true, RULE_NONE, WANT_PATH, RULE_NONE },
	{ "db", false, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "db/users.db", false, RULE_NONE, WANT_SQLITE, 0 },
	{ "db/users.db", true, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "db/users.db-wal", false, RULE_NONE, WANT_NEVER, RULE_NONE },
	{ "db/users.db-shm", false, RULE_NONE, WANT_NEVER, RULE_NONE },
	{ "db/users.db-journal", false, RULE_NONE, WANT_NEVER, RULE_NONE },
	{ "db/users.dbx", false, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "db/a.sqlite", false, RULE_NONE, WANT_SQLITE, 1 },
	{ "db/.a.sqlite", false, RULE_NONE, WANT_SQLITE, 1 },
	{ "db/x/a.sqlite", false, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "db/x", true, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "pki", true, RULE_NONE, WANT_TREE, T },
	{ "pki/a", false, T, WANT_TREE, T },
	{ "pki/a-wal", false, T, WANT_TREE, T },
	{ "pki/a\nb\377", false, T, WANT_TREE, T },
	{ "pki/local", true, T, WANT_TREE, T },
	{ "pki/local/x", false, T, WANT_NEVER, RULE_NONE },
	{ "pki/local/d", true, T, WANT_NEVER, RULE_NONE },
	{ "pki/deep/er/x.tmp", false, T, WANT_NEVER, RULE_NONE },
	{ "pki2", true, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "server", true, RULE_NONE, WANT_PATH, RULE_NONE },
	{ "server/office.conf", false, RULE_NONE, WANT_FILE, 3 },
	{ "server/other.conf", false, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "licenses/a", false, RULE_NONE, WANT_FILE, 4 },
	{ "licenses/a", true, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "licenses/a.tmp", false, RULE_NONE, WANT_NEVER, RULE_NONE },
	{ "ccd/q", true, RULE_NONE, WANT_PATH, RULE_NONE },
	{ "ccd/q/now", true, RULE_NONE, WANT_TREE, 5 },
	{ "ccd/q/old", true, RULE_NONE, WANT_NOTHING, RULE_NONE },
	{ "pk", true, RULE_NONE, WANT_NOTHING, RULE_NONE },
};

START_TEST(wants)
{
	uint32_t rule = 77;
	enum want w;

	w = pattern_want(&conf, cases[_i].path, cases[_i].dir,
	    cases[_i].tree, &rule);
	ck_assert_msg(w == cases[_i].want && rule == cases[_i].rule,
	    "%s: want %d rule %u", cases[_i].path, w, rule);
}
END_TEST

START_TEST(beside_a_database)
{
	ck_assert_uint_eq(pattern_beside(&conf, "db/users.db-wal"), 11);
	ck_assert_uint_eq(pattern_beside(&conf, "db/b.sqlite-journal"), 11);
	ck_assert_uint_eq(pattern_beside(&conf, "db/users.db"), 0);
	ck_assert_uint_eq(pattern_beside(&conf, "pki/users.db-wal"), 0);
	ck_assert_uint_eq(pattern_beside(&conf, "-wal"), 0);
}
END_TEST

START_TEST(the_base_as_a_tree)
{
	const struct sync_entry e[] = {
		{ SYNC_NEVER, false, "x" }, { SYNC_TREE, false, "." },
	};
	const struct sync_conf c = { .base = "/", .n = 2, .entry = e };

	ck_assert_uint_eq(pattern_base_tree(&c), 1);
	ck_assert_uint_eq(pattern_base_tree(&conf), RULE_NONE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("capture_pattern");
	TCase *t = tcase_create("pattern");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, wants, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, beside_a_database);
	tcase_add_test(t, the_base_as_a_tree);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
