/* SPDX-License-Identifier: ISC */

/*
 * vipctl and the store: generations, diff with rows of databases, branches
 * by the beginning of their names; and what a hostile database gets.
 */
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "store_kit.h"
#include "storeview.h"
#include "syncview.h"

static char conf_path[128];
static const struct epoch first = { .term = 1, .node = 0 };
static const struct epoch second = { .term = 2, .node = 1 };

/* STATE_DIR/store/vpn below the kit's directory, and a configuration. */
static void
begin(void)
{
	static const char *const dirs[] = { "state", "state/store",
	    "state/store/vpn", "base" };
	char path[160];
	size_t i;
	FILE *f;

	kit_begin();
	(void)close(kit_dir);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", kit_path, dirs[i]);
		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof(path), "%s/state/store/vpn", kit_path);
	kit_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(kit_dir, 0);
	snprintf(conf_path, sizeof(conf_path), "%s/conf", kit_path);
	f = fopen(conf_path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "state directory \"%s/state\"\nrun directory \"%s/run\"\n"
	    "pair \"vpn\" {\n\tvirtual address 192.168.70.222\n"
	    "\tnode \"alpha\" address 192.168.70.1 prefer\n"
	    "\tnode \"beta\" address 192.168.70.2\n"
	    "\tsync on change and every 60s {\n\t\tbase \"%s/base\"\n"
	    "\t\ttree \"d\"\n\t}\n}\n", kit_path, kit_path, kit_path);
	fclose(f);
	store_clock_hook = kit_clock;
}

/* A database with that many rows, put into the store. */
static struct entry
database(struct store *s, const char *path, int rows)
{
	struct entry e = kit_dir_entry(path);
	char name[128], sql[256];
	sqlite3 *db;
	struct stat st;
	void *text;
	int fd;

	snprintf(name, sizeof(name), "%s/db", kit_path);
	(void)unlink(name);
	ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
	snprintf(sql, sizeof(sql), "PRAGMA journal_mode=WAL; CREATE TABLE "
	    "users(n); CREATE TABLE \"odd\"\"name\"(n); WITH RECURSIVE c(x) "
	    "AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < %d) "
	    "INSERT INTO users SELECT x FROM c;", rows);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	fd = open(name, O_RDONLY);
	ck_assert_int_eq(fstat(fd, &st), 0);
	text = malloc((size_t)st.st_size);
	ck_assert_int_eq(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	e.type = ENTRY_SQLITE;
	e.mode = 0600;
	e.size = (uint64_t)st.st_size;
	ok(s, store_put(s, PUT_DURABLE, text, e.size, &e.object));
	free(text);
	return e;
}

static void
publish(struct store *s, const struct epoch *e, const char *text, int rows,
    bool extra)
{
	struct delta *d = delta_new();
	struct store_commit c;
	struct entry one;

	kit_now += INT64_C(60000000000);
	one = kit_dir_entry("d");
	ck_assert_ptr_null(delta_put(d, &one));
	one = kit_file(s, "d/text", text);
	ck_assert_ptr_null(delta_put(d, &one));
	one = database(s, "d/users.db", rows);
	ck_assert_ptr_null(delta_put(d, &one));
	one = kit_file(s, "d/extra\x1b[1m", "x");
	if (extra)
		ck_assert_ptr_null(delta_put(d, &one));
	ok(s, store_publish(s, e, kit_now, d, NULL, &c));
	delta_free(d);
}

/* Generations 1 and 2; 3 of alpha is parked, 3 of beta is the head. */
static void
fill(void)
{
	struct store *s = kit_open();
	struct store_branch b;

	ok(s, store_epoch_raise(s, &first));
	publish(s, &first, "one", 3, false);
	publish(s, &first, "two and more", 5, true);
	publish(s, &first, "three, alone", 7, true);
	ok(s, store_park(s, 2, "the partner went on", kit_now, &b));
	ok(s, store_epoch_raise(s, &second));
	publish(s, &second, "three, together", 5, true);
	store_close(s);
}

/* What a command writes; code is compared. */
static char *
run(int (*cmd)(struct vipctl *, int, char **), int want, bool json,
    const char *words)
{
	char copy[160], *argv[12], *out = NULL, *save = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);
	struct vipctl v = { .out = f, .err = f, .conf_path = conf_path,
	    .json = json };
	int argc = 0, code;

	snprintf(copy, sizeof(copy), "%s", words);
	for (argv[0] = strtok_r(copy, " ", &save); argv[argc] != NULL;)
		argv[++argc] = strtok_r(NULL, " ", &save);
	code = cmd(&v, argc, argv);
	fclose(f);
	ck_assert_msg(code == want, "%s: %d: %s", words, code, out);
	return out;
}

static void
says(const char *out, const char *want)
{
	ck_assert_msg(strstr(out, want) != NULL, "no '%s' in: %s", want, out);
}

START_TEST(generations)
{
	char *out;

	out = run(cmd_generations, 0, false, "generations");
	says(out, "there is none yet");
	free(out);
	fill();
	out = run(cmd_generations, 0, false, "generations");
	says(out, "  beta              2         4  ");
	says(out, "newest\n");
	says(out, "  alpha             1         3  ");
	free(out);
	out = run(cmd_generations, 0, true, "generations --count 1 vpn");
	says(out, "\"generations\":[{\"generation\":3,\"time\":\"");
	says(out, "\"node\":\"beta\",\"term\":2,\"entries\":4,");
	ck_assert_ptr_null(strstr(out, "\"generation\":2"));
	free(out);
	free(run(cmd_generations, EXIT_REFUSED, false, "generations nopair"));
}
END_TEST

START_TEST(differences)
{
	char *out;

	fill();
	out = run(cmd_diff, 0, false, "diff 1 2");
	says(out, "  + d/extra?[1m  1 byte\n");
	says(out, "  ~ d/text  3 bytes -> 12 bytes\n");
	says(out, "  ~ d/users.db  ");
	says(out, "      table users: 3 -> 5 rows\n");
	ck_assert_ptr_null(strstr(out, "odd"));
	says(out, "  1 added, 0 removed, 2 changed\n");
	free(out);
	out = run(cmd_diff, 0, true, "diff 2 1");
	says(out, "{\"change\":\"removed\",\"path\":\"d/extra\\u001b[1m\","
	    "\"type\":\"file\"");
	says(out, "\"tables\":[{\"name\":\"odd\\\"name\",\"old_rows\":0,"
	    "\"rows\":0},{\"name\":\"users\",\"old_rows\":5,\"rows\":3}]");
	free(out);
	out = run(cmd_diff, 0, false, "diff 2 2");
	says(out, "nothing differs");
	free(out);
	out = run(cmd_diff, EXIT_REFUSED, false, "diff 1 9");
	says(out, "'vipctl generations'");
	free(out);
	free(run(cmd_diff, EXIT_USAGE, false, "diff 1"));
}
END_TEST

START_TEST(branches)
{
	char *out;

	out = run(cmd_diverged, 0, false, "diverged");
	says(out, "no branch is parked");
	free(out);
	fill();
	out = run(cmd_diverged, 0, false, "diverged");
	says(out, "the partner went on");
	says(out, "  alpha           1  ");
	free(out);
	out = run(cmd_diverged, 0, true, "diverged");
	says(out, "\"generation\":3,");
	says(out, "\"fork\":2,");
	free(out);
	out = run(cmd_diverged, 0, false, "diverged show 3");
	says(out, "against the last common one, generation 2:\n");
	says(out, "      table users: 5 -> 7 rows\n");
	says(out, "against the present data, generation 3:\n");
	says(out, "  ~ d/text  15 bytes -> 12 bytes\n");
	free(out);
	out = run(cmd_diff, 0, false, "diff 2 3.");
	says(out, "  ~ d/text  12 bytes -> 12 bytes\n");
	free(out);
	out = run(cmd_diverged, EXIT_REFUSED, false, "diverged show zz");
	says(out, "no branch begins with 'zz'");
	free(out);
	free(run(cmd_diverged, EXIT_USAGE, false, "diverged show"));
	free(run(cmd_diverged, EXIT_USAGE, false, "diverged sow 3"));
	free(run(cmd_diverged, EXIT_USAGE, false, "diverged show 3 --yes"));
	/* The daemon is not there: nothing is changed. */
	free(run(cmd_diverged, EXIT_UNREACHABLE, false,
	    "diverged dismiss 3 --yes"));
}
END_TEST

START_TEST(restores)
{
	free(run(cmd_restore, EXIT_USAGE, false, "restore 1"));
	free(run(cmd_restore, EXIT_USAGE, false, "restore x --live"));
	free(run(cmd_restore, EXIT_USAGE, false, "restore 1 --live --to x"));
	free(run(cmd_restore, EXIT_USAGE, false, "restore 1 --live --yes"));
	fill();
	free(run(cmd_restore, EXIT_REFUSED, false, "restore 77 --live"));
	free(run(cmd_restore, EXIT_UNREACHABLE, false, "restore 1 --live"));
	if (geteuid() == 0)
		free(run(cmd_restore, EXIT_REFUSED, false,
		    "restore 1 --to /nowhere/at/all"));
}
END_TEST

static int
memory(const void *bytes, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	return fd;
}

/* No database, one with noise in it, and one that never ends counting. */
START_TEST(hostile_databases)
{
	static uint8_t bytes[65536];
	struct db_tables t;
	struct store *s = kit_open();
	struct entry e = database(s, "d/users.db", 2000);
	unsigned int seed;
	uint64_t size;
	size_t i;
	int fd;

	fd = memory("hello", 5);
	ck_assert(!db_count(fd, 5, &t));
	close(fd);
	fd = memory(bytes, sizeof(bytes));
	ck_assert(!db_count(fd, sizeof(bytes), &t));
	ck_assert(!db_count(fd, UINT64_MAX, &t));
	close(fd);
	fd = store_object(s, &e.object, &size);
	ck_assert(db_count(fd, size, &t));
	ck_assert_uint_eq(t.n, 2);
	ck_assert_str_eq(t.table[1].name, "users");
	ck_assert_int_eq(t.table[1].rows, 2000);
	ck_assert_uint_le(size, sizeof(bytes));
	for (seed = 1; seed <= 30; seed++) {
		ck_assert_int_eq(pread(fd, bytes, size, 0), (ssize_t)size);
		srand(seed);
		for (i = 0; i < 40; i++)
			bytes[20 + (unsigned)rand() % (size - 20)] =
			    (uint8_t)rand();
		i = (size_t)memory(bytes, size);
		(void)db_count((int)i, size, &t);
		ck_assert_uint_le(t.n, DB_TABLES_MAX);
		close((int)i);
	}
	close(fd);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vipctl_store");
	TCase *tc = tcase_create("store");
	SRunner *sr;
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, begin, kit_end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, generations);
	tcase_add_test(tc, differences);
	tcase_add_test(tc, branches);
	tcase_add_test(tc, restores);
	tcase_add_test(tc, hostile_databases);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
