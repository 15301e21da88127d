/* SPDX-License-Identifier: ISC */

/*
 * The texts of problems: every number has a row, every row is in the manual
 * with its title, no template is left unfilled, whatever is unknown.
 */
#include <ctype.h>

#include "problems.h"
#include "test_vipctl_records.h"

/* All of enum problem that stands in ctl.h. */
static const uint32_t gaps[] = {
	0, 16, 17, 18, 19, 41, 42, 43, 44, 45, 46, 47, 48, 49, 59, 65, 66, 67,
	68, 69,
};

static bool
is_gap(uint32_t number)
{
	size_t i;

	for (i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (gaps[i] == number)
			return true;
	return false;
}

START_TEST(every_number_has_a_row)
{
	const struct problem_text *t;
	uint32_t i;

	for (i = 0; i < PROBLEM_COUNT; i++) {
		t = problem_find(i);
		ck_assert_msg((t != NULL) != is_gap(i), "number %u", i);
		if (t == NULL)
			continue;
		ck_assert_int_eq(t->letter, i < 20 ? 'C' : 'W');
	}
	ck_assert_uint_eq(problem_texts_count, PROBLEM_COUNT -
	    sizeof(gaps) / sizeof(gaps[0]));
}
END_TEST

START_TEST(ids)
{
	char id[PROBLEM_ID_SIZE];

	problem_id(PROBLEM_DUAL_ACTIVE, id);
	ck_assert_str_eq(id, "C01");
	problem_id(PROBLEM_ADDRESS_CONFLICT, id);
	ck_assert_str_eq(id, "W21");
	ck_assert_ptr_eq(problem_find_id("w21"),
	    problem_find(PROBLEM_ADDRESS_CONFLICT));
	ck_assert_ptr_null(problem_find_id("W01"));
	ck_assert_ptr_null(problem_find_id("C"));
	ck_assert_ptr_null(problem_find_id(""));
}
END_TEST

static void
check_text(const char *s)
{
	ck_assert_msg(strpbrk(s, "[]{}") == NULL, "%s", s);
	ck_assert_msg(strstr(s, "  ") == NULL, "%s", s);
	ck_assert_msg(strlen(s) > 10, "%s", s);
	ck_assert_msg(strlen(s) < PROBLEM_TEXT_MAX - 1, "%s", s);
	ck_assert_msg(s[0] != ' ' && s[0] != ',', "%s", s);
	ck_assert_msg(s[strlen(s) - 1] != ' ', "%s", s);
}

/* With everything known, and with as little as possible. */
START_TEST(templates_are_filled)
{
	char buf[PROBLEM_TEXT_MAX];
	struct ctl_problem full, bare;
	struct view w, little;
	size_t i;

	view_make(&w, ROLE_ACTIVE);
	view_init(&little, WALL_NS);
	view_put(&little, record_pair(ROLE_ACTIVE));
	little.pair[0].p.interface[0] = '\0';
	for (i = 0; i < problem_texts_count; i++) {
		bare = record_problem(problem_texts[i].number).problem;
		full = bare;
		full.error = 28;
		full.age_ns = 5 * NS_PER_S;
		full.value[0] = 3;
		full.value[1] = 2;
		full.address = address4("10.0.0.9");
		memset(full.mac, 0x42, sizeof(full.mac));
		problem_write_text(&w.pair[0], &full, buf, sizeof(buf));
		check_text(buf);
		problem_write_text(&w.pair[0], &bare, buf, sizeof(buf));
		check_text(buf);
		problem_write_fix(&w.pair[0], &full, buf, sizeof(buf));
		check_text(buf);
		problem_write_text(&little.pair[0], &bare, buf, sizeof(buf));
		ck_assert_ptr_null(strpbrk(buf, "[]{}"));
	}
	view_free(&little);
	view_free(&w);
}
END_TEST

START_TEST(particulars_are_there)
{
	char buf[PROBLEM_TEXT_MAX];
	struct ctl_problem pr = record_problem(
	    PROBLEM_ADDRESS_CONFLICT).problem;
	struct view w;

	view_make(&w, ROLE_ACTIVE);
	memset(pr.mac, 0x42, sizeof(pr.mac));
	pr.age_ns = 5 * NS_PER_S;
	problem_write_text(&w.pair[0], &pr, buf, sizeof(buf));
	ck_assert_str_eq(buf, "a stranger at 42:42:42:42:42:42 answers for "
	    "192.168.70.222, for 5.0s now");
	view_free(&w);
}
END_TEST

START_TEST(short_buffer)
{
	char buf[8];
	struct ctl_problem pr = record_problem(PROBLEM_DUAL_ACTIVE).problem;
	struct view w;

	view_make(&w, ROLE_ACTIVE);
	problem_write_text(&w.pair[0], &pr, buf, sizeof(buf));
	ck_assert_str_eq(buf, "this no");
	view_free(&w);
}
END_TEST

/* vipair-troubleshooting(7): ".It Sy W21" and on the next line the title. */
START_TEST(manual_lists_them)
{
	char id[PROBLEM_ID_SIZE], want[256], line[512], next[512];
	bool found;
	size_t i;
	FILE *f;

	for (i = 0; i < problem_texts_count; i++) {
		problem_id(problem_texts[i].number, id);
		snprintf(want, sizeof(want), ".It Sy %s\n", id);
		f = fopen(MANUAL7, "r");
		ck_assert_msg(f != NULL, "no manual at %s", MANUAL7);
		found = false;
		while (!found && fgets(line, sizeof(line), f) != NULL)
			found = strcmp(line, want) == 0;
		ck_assert_msg(found, "the manual does not list %s", id);
		ck_assert_ptr_nonnull(fgets(next, sizeof(next), f));
		next[strcspn(next, "\n")] = '\0';
		fclose(f);
		ck_assert_int_eq(tolower((unsigned char)next[0]),
		    problem_texts[i].title[0]);
		ck_assert_msg(strncmp(next + 1, problem_texts[i].title + 1,
		    strlen(problem_texts[i].title) - 1) == 0, "%s: %s", id,
		    next);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("problems");

	tcase_add_test(tc, every_number_has_a_row);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, templates_are_filled);
	tcase_add_test(tc, particulars_are_there);
	tcase_add_test(tc, short_buffer);
	tcase_add_test(tc, manual_lists_them);
	return run_suite("vipctl_problems", tc);
}
