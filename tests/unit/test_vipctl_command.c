/* SPDX-License-Identifier: ISC */

/*
 * The table of commands: prefixes, near words, options, and that the manual
 * and the table name the same commands with the same arguments.
 */
#include <ctype.h>

#include "test_vipctl_records.h"
#include "vipctl.h"

static const struct command *cmd;

START_TEST(exact_and_prefix)
{
	ck_assert_int_eq(command_find("status", &cmd), LOOKUP_FOUND);
	ck_assert(cmd->run == cmd_status);
	ck_assert_int_eq(command_find("stat", &cmd), LOOKUP_FOUND);
	ck_assert(cmd->run == cmd_status);
	ck_assert_int_eq(command_find("is", &cmd), LOOKUP_FOUND);
	ck_assert(cmd->run == cmd_is_active);
	ck_assert_int_eq(command_find("hand", &cmd), LOOKUP_FOUND);
	ck_assert(cmd->run == cmd_handover);
}
END_TEST

START_TEST(ambiguous)
{
	ck_assert_int_eq(command_find("h", &cmd), LOOKUP_AMBIGUOUS);
	ck_assert_int_eq(command_find("wa", &cmd), LOOKUP_AMBIGUOUS);
	/* status and sync: a word of another version counts as well */
	ck_assert_int_eq(command_find("s", &cmd), LOOKUP_AMBIGUOUS);
	ck_assert_int_eq(command_find("v", &cmd), LOOKUP_AMBIGUOUS);
	ck_assert_ptr_null(cmd);
}
END_TEST

START_TEST(absent_is_known)
{
	size_t i;

	for (i = 0; commands_absent[i] != NULL; i++)
		ck_assert_int_eq(command_find(commands_absent[i], &cmd),
		    LOOKUP_ABSENT);
	ck_assert_int_eq(command_find("undo", &cmd), LOOKUP_ABSENT);
}
END_TEST

START_TEST(unknown_has_a_near_word)
{
	ck_assert_int_eq(command_find("statsu", &cmd), LOOKUP_UNKNOWN);
	ck_assert_str_eq(command_nearest("statsu"), "status");
	ck_assert_str_eq(command_nearest("handower"), "handover");
	ck_assert_ptr_null(command_nearest("xyzzy"));
	ck_assert_int_eq(command_find("", &cmd), LOOKUP_UNKNOWN);
}
END_TEST

START_TEST(durations)
{
	int64_t ns;

	ck_assert(args_duration("90", &ns) && ns == 90 * NS_PER_S);
	ck_assert(args_duration("5m", &ns) && ns == 300 * NS_PER_S);
	ck_assert(args_duration("250ms", &ns) && ns == 250 * NS_PER_MS);
	ck_assert(args_duration("2h", &ns) && ns == 7200 * NS_PER_S);
	ck_assert(args_duration("1d", &ns) && ns == 86400 * NS_PER_S);
	ck_assert(!args_duration("", &ns));
	ck_assert(!args_duration("-1", &ns));
	ck_assert(!args_duration("5x", &ns));
	ck_assert(!args_duration("5 m", &ns));
	ck_assert(!args_duration("400d", &ns));
	ck_assert(!args_duration("99999999999999999999", &ns));
}
END_TEST

static int
parse(struct vipctl *v, char **argv, const struct option_word *words)
{
	int argc = 0, code = -1, n;

	while (argv[argc] != NULL)
		argc++;
	n = args_parse(v, argc, argv, words, &code);
	return n >= 0 ? n : -code;
}

START_TEST(options)
{
	FILE *null = fopen("/dev/null", "w");
	struct vipctl v = { .out = stdout, .err = null };
	bool flag = false;
	int64_t timeout = 0;
	uint64_t count = 0;
	const struct option_word words[] = {
		{ "-b", OPTION_FLAG, &flag },
		{ "--timeout", OPTION_DURATION, &timeout },
		{ "--count", OPTION_NUMBER, &count },
		{ NULL, 0, NULL },
	};
	char text[] = "status\0vpn\0-b\0--count=3\0--time\0" "5s\0-j\0--\0-x";
	char *mixed[10], *bad[3] = { text, NULL, NULL }, word[16];
	const char *const wrong[] = {
		"--nothing", "--count=x", "--count", "-b=1", "--", "-x",
	};
	size_t i;

	for (i = 0, mixed[0] = text; i < 8; i++)
		mixed[i + 1] = mixed[i] + strlen(mixed[i]) + 1;
	mixed[9] = NULL;
	ck_assert_int_eq(parse(&v, mixed, words), 2);
	ck_assert_str_eq(mixed[1], "vpn");
	ck_assert_str_eq(mixed[2], "-x");
	ck_assert(flag && v.json);
	ck_assert_int_eq(count, 3);
	ck_assert_int_eq(timeout, 5 * NS_PER_S);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bad[1] = strcpy(word, wrong[i]);
		ck_assert_int_eq(parse(&v, bad, words),
		    strcmp(wrong[i], "--") == 0 ? 0 : -EXIT_USAGE);
	}
	fclose(null);
}
END_TEST

static char *
read_manual(void)
{
	struct capture cap;
	FILE *f = fopen(MANUAL, "r"), *to;
	int c;

	ck_assert_msg(f != NULL, "no manual at %s", MANUAL);
	to = capture_begin(&cap);
	while ((c = getc(f)) != EOF)
		putc(c, to);
	fclose(f);
	return capture_end(&cap);
}

/* "status", and each option of its args, has a line in the manual. */
static void
check_entry(const char *manual, const struct command *c)
{
	char want[64], option[32];
	const char *entry, *end, *s;
	size_t n;

	snprintf(want, sizeof(want), "\n.It Cm %s", c->name);
	entry = strstr(manual, want);
	while (entry != NULL && isalnum((unsigned char)entry[strlen(want)]))
		entry = strstr(entry + 1, want);
	ck_assert_msg(entry != NULL, "vipctl(8) has no entry '%s'", c->name);
	/* A command may have several forms, one below the other. */
	for (end = entry; end != NULL && strncmp(end, want, strlen(want)) == 0;)
		end = strstr(end + 1, "\n.It Cm ");
	for (s = c->args; (s = strchr(s, '-')) != NULL; s += n) {
		n = strspn(s, "-abcdefghijklmnopqrstuvwxyz");
		snprintf(option, sizeof(option), "Fl %.*s", (int)n - 1,
		    s + 1);
		s = n > 0 ? s : s + 1;
		entry = strstr(strstr(manual, want), option);
		ck_assert_msg(entry != NULL && (end == NULL || entry < end),
		    "vipctl(8), %s: '%s' is missing", c->name, option);
	}
}

START_TEST(manual_has_every_command)
{
	const struct command *c;
	char *manual = read_manual();

	for (c = commands; c->name != NULL; c++)
		check_entry(manual, c);
	free(manual);
}
END_TEST

START_TEST(manual_has_no_other_command)
{
	char *manual = read_manual(), name[32];
	const char *s = manual;
	int n = 0;

	while ((s = strstr(s, "\n.It Cm ")) != NULL) {
		s += strlen("\n.It Cm ");
		ck_assert_int_eq(sscanf(s, "%31s", name), 1);
		ck_assert_msg(command_find(name, &cmd) == LOOKUP_FOUND &&
		    strcmp(cmd->name, name) == 0,
		    "vipctl(8) has '%s', the table has not", name);
		n++;
	}
	ck_assert_int_gt(n, 10);
	free(manual);
}
END_TEST

START_TEST(table_is_sound)
{
	const struct command *c;
	size_t i;

	for (c = commands; c->name != NULL; c++) {
		ck_assert(c->run != NULL);
		ck_assert_uint_lt(strlen(c->name), 16);
		ck_assert(islower((unsigned char)c->summary[0]));
		ck_assert_uint_lt(strlen(c->summary), 60);
		for (i = 0; commands_absent[i] != NULL; i++)
			ck_assert_str_ne(c->name, commands_absent[i]);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("command");

	tcase_add_test(tc, exact_and_prefix);
	tcase_add_test(tc, ambiguous);
	tcase_add_test(tc, absent_is_known);
	tcase_add_test(tc, unknown_has_a_near_word);
	tcase_add_test(tc, durations);
	tcase_add_test(tc, options);
	tcase_add_test(tc, manual_has_every_command);
	tcase_add_test(tc, manual_has_no_other_command);
	tcase_add_test(tc, table_is_sound);
	return run_suite("vipctl_command", tc);
}
