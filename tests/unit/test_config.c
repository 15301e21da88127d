/* SPDX-License-Identifier: ISC */

/*
 * The configuration file by example: config/NAME.in is read without secrets;
 * what config_print_problems() says of it is NAME.err (absent: nothing), and
 * what config_print() makes of it is NAME.ok (absent: it is refused).
 */
#include <sys/stat.h>

#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static char	dir[] = "/tmp/vipair-config-XXXXXX";

/* Whole file, or NULL when it is absent. */
static char *
slurp(const char *path)
{
	char *text = NULL;
	size_t len = 0, n;
	char buf[4096];
	FILE *in = fopen(path, "r"), *out;

	if (in == NULL)
		return NULL;
	out = open_memstream(&text, &len);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, n, out);
	fclose(in);
	fclose(out);
	return text;
}

static char *
problems_of(const struct config *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	config_print_problems(c, out);
	fclose(out);
	return text;
}

static char *
print_of(const struct conf *conf)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	config_print(conf, out);
	fclose(out);
	return text;
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* NAME.in with its last three letters replaced. */
static char *
expected_of(const char *in, const char *ending)
{
	char path[256], *text;

	snprintf(path, sizeof(path), "%.*s%s", (int)strlen(in) - 2, in,
	    ending);
	text = slurp(path);
	return text;
}

static void
check_case(const char *in)
{
	char *err = expected_of(in, "err"), *ok = expected_of(in, "ok"), *got;
	struct config *c = config_load(in, CONFIG_NO_SECRETS, 7);

	got = problems_of(c);
	ck_assert_msg(strcmp(got, err == NULL ? "" : err) == 0,
	    "%s says:\n%s", in, got);
	free(got);
	ck_assert_msg((ok != NULL) == (c->conf != NULL), "%s: %s", in,
	    ok == NULL ? "not refused" : "refused");
	ck_assert((c->nerrors == 0) == (c->conf != NULL));
	if (ok != NULL) {
		ck_assert_ptr_null(conf_verify(c->conf, c->conf_len));
		got = print_of(c->conf);
		ck_assert_msg(strcmp(got, ok) == 0, "%s prints:\n%s", in, got);
		free(got);
	}
	free(err);
	free(ok);
	config_free(c);
}

START_TEST(test_cases)
{
	glob_t g;
	size_t i;

	ck_assert_int_eq(chdir(CONFIG_DATA), 0);
	ck_assert_int_eq(glob("*.in", 0, NULL, &g), 0);
	ck_assert_uint_ge(g.gl_pathc, 30);
	for (i = 0; i < g.gl_pathc; i++)
		check_case(g.gl_pathv[i]);
	globfree(&g);
}
END_TEST

/* Printed and read again from the same path: the same bytes. */
static void
check_round_trip(const char *name)
{
	struct config *first, *second;
	char *text, path[256];

	snprintf(path, sizeof(path), "%s/%s", CONFIG_DATA, name);
	text = slurp(path);
	write_file(in_dir("c"), text);
	free(text);
	first = config_load(in_dir("c"), CONFIG_NO_SECRETS, 3);
	ck_assert_ptr_nonnull(first->conf);
	text = print_of(first->conf);
	write_file(in_dir("c"), text);
	free(text);
	second = config_load(in_dir("c"), CONFIG_NO_SECRETS, 3);
	ck_assert_ptr_nonnull(second->conf);
	ck_assert_uint_eq(first->conf_len, second->conf_len);
	ck_assert_mem_eq(first->conf, second->conf, first->conf_len);
	config_free(first);
	config_free(second);
}

START_TEST(test_round_trip)
{
	glob_t g;
	size_t i;

	ck_assert_int_eq(chdir(CONFIG_DATA), 0);
	ck_assert_int_eq(glob("*.ok", 0, NULL, &g), 0);
	ck_assert_uint_ge(g.gl_pathc, 5);
	for (i = 0; i < g.gl_pathc; i++)
		check_round_trip(g.gl_pathv[i]);
	globfree(&g);
}
END_TEST

static struct config *
load_text(const char *text, enum config_mode mode)
{
	write_file(in_dir("c"), text);
	return config_load(in_dir("c"), mode, 1);
}

#define MINIMAL(more) "pair \"vpn\" {\n virtual address 10.0.0.9\n" \
	" node \"a\" address 10.0.0.1\n" \
	" node \"b\" address 10.0.0.2\n" more "}\n"

static uint32_t
fingerprint_of(const char *text)
{
	struct config *c = load_text(text, CONFIG_NO_SECRETS);
	uint32_t f;

	ck_assert_ptr_nonnull(c->conf);
	f = c->conf->fingerprint;
	config_free(c);
	return f;
}

/* The same for another layout, another for another value. */
START_TEST(test_fingerprint)
{
	uint32_t f = fingerprint_of(MINIMAL(""));

	ck_assert_uint_eq(f, fingerprint_of(MINIMAL("\n vhid 94 # x\n")));
	ck_assert_uint_eq(f, fingerprint_of(MINIMAL(" advertise every "
	    "1000ms;protocol carp\n")));
	ck_assert_uint_ne(f, fingerprint_of(MINIMAL(" vhid 95\n")));
	ck_assert_uint_ne(f, fingerprint_of(MINIMAL(" preempt\n")));
	ck_assert_uint_ne(f, fingerprint_of("run directory \"/x\"\n"
	    MINIMAL("")));
	/* As printed once; both nodes of a pair may run other versions. */
	ck_assert_uint_eq(f, 0xf23f10f4);
}
END_TEST

START_TEST(test_blob)
{
	struct config *c = load_text(MINIMAL(" protocol vrrp 3\n"
	    " track interface eth5\n service \"x\"\n"), CONFIG_NO_SECRETS);
	const struct conf_pair *p;

	ck_assert_ptr_nonnull(c->conf);
	ck_assert_uint_eq(c->conf->magic, CONF_MAGIC);
	ck_assert_uint_eq(c->conf->serial, 1);
	ck_assert_uint_eq(c->conf->npairs, 1);
	ck_assert_str_eq(conf_string(c->conf, c->conf->run_dir),
	    "/run/vipair");
	ck_assert_str_eq(conf_string(c->conf, c->conf->config_path),
	    in_dir("c"));
	p = conf_pair(c->conf, 0);
	ck_assert_uint_eq(p->protocol, PROTOCOL_VRRP3);
	ck_assert_uint_eq(p->interval_ms, 1000);
	ck_assert_uint_eq(p->claim_spacing_ms, 20);
	ck_assert_uint_eq(p->flap_window_ms, 600000);
	ck_assert_uint_eq(p->ntracks, 1);
	ck_assert_str_eq(conf_string(c->conf, p->track[0]), "eth5");
	ck_assert_uint_eq(p->service.kind, SERVICE_UNIT);
	ck_assert_uint_eq(p->service.start_timeout_ms, 90000);
	ck_assert_uint_eq(conf_pair_node(c->conf, p, 0)->priority, 254);
	ck_assert_uint_eq(conf_pair_node(c->conf, p, 0)->rank, 0);
	ck_assert_uint_eq(conf_pair_node(c->conf, p, 1)->priority, 253);
	ck_assert_uint_eq(conf_pair_node(c->conf, p, 1)->skew, 1);
	ck_assert_uint_eq(conf_pair_addr(c->conf, p, 0)->byte[3], 9);
	ck_assert(!p->has_keys);
	ck_assert_ptr_null(c->secrets);
	config_free(c);
}
END_TEST

#define SYNC " sync every 2s {\n base \"/srv/x\"\n tree \"a\" \"b\"\n" \
	" file \"c\" optional\n sqlite \"d\" never \"a/e\"\n" \
	" bandwidth 4G\n store at most 1T\n }\n"

static void
check_entry(const struct conf *c, uint32_t i, enum conf_sync_kind kind,
    const char *pattern, bool optional)
{
	const struct conf_sync_entry *e = conf_pair_sync(c, conf_pair(c, 0),
	    i);

	ck_assert_uint_eq(e->kind, kind);
	ck_assert_str_eq(conf_string(c, e->pattern), pattern);
	ck_assert(e->optional == optional);
}

START_TEST(test_blob_sync)
{
	struct config *c = load_text(MINIMAL(SYNC), CONFIG_NO_SECRETS);
	const struct conf_pair *p;

	ck_assert_ptr_nonnull(c->conf);
	ck_assert_ptr_null(conf_verify(c->conf, c->conf_len));
	p = conf_pair(c->conf, 0);
	ck_assert(p->has_sync);
	ck_assert(!p->sync.on_change);
	ck_assert_uint_eq(p->sync.every_ms, 2000);
	ck_assert_uint_eq(p->sync.keep_generations, 24);
	ck_assert_uint_eq(p->sync.bandwidth, UINT64_C(4) << 30);
	ck_assert_uint_eq(p->sync.store_max_bytes, UINT64_C(1) << 40);
	ck_assert_str_eq(conf_string(c->conf, p->sync.base), "/srv/x");
	ck_assert_uint_eq(p->sync.nentries, 5);
	check_entry(c->conf, 0, CONF_SYNC_TREE, "a", false);
	check_entry(c->conf, 1, CONF_SYNC_TREE, "b", false);
	check_entry(c->conf, 2, CONF_SYNC_FILE, "c", true);
	check_entry(c->conf, 3, CONF_SYNC_SQLITE, "d", false);
	check_entry(c->conf, 4, CONF_SYNC_NEVER, "a/e", false);
	config_free(c);
}
END_TEST

/* Eight fit into mirror and capture, a ninth is named. */
static uint32_t
errors_of_sync_pairs(int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct config *c;
	uint32_t errors;
	int i;

	for (i = 0; i < n; i++)
		fprintf(out, "pair \"p%d\" {\nvhid %d\n"
		    "virtual address 10.%d.0.9\n"
		    "node \"a\" address 10.%d.0.1\n"
		    "node \"b\" address 10.%d.0.2\nsecret file \"/s\"\n"
		    "sync on change { base \"/srv/%d\"; tree \".\" }\n}\n",
		    i, i + 1, i, i, i, i);
	fclose(out);
	c = load_text(text, CONFIG_NO_SECRETS);
	errors = c->nerrors;
	if (errors > 0)
		ck_assert_str_eq(c->problem[0].text,
		    "expected at most 8 pairs with a sync block");
	config_free(c);
	free(text);
	return errors;
}

START_TEST(test_sync_pair_limit)
{
	ck_assert_uint_eq(errors_of_sync_pairs(8), 0);
	ck_assert_uint_eq(errors_of_sync_pairs(9), 1);
	ck_assert_uint_eq(errors_of_sync_pairs(12), 1);
}
END_TEST

/* As many paths as fit, and one more. */
static uint32_t
errors_of_paths(int n)
{
	struct config *c;
	uint32_t errors;
	FILE *out = fopen(in_dir("c"), "w");
	int i;

	fputs("pair \"a\" {\n virtual address 10.0.0.9\n node \"a\" address "
	    "10.0.0.1\n node \"b\" address 10.0.0.2\n secret file \"/s\"\n sync on change {\n "
	    "base \"/b\"\n", out);
	for (i = 0; i < n; i++)
		fprintf(out, "tree \"t%d\"\n", i);
	fputs("}\n}\n", out);
	fclose(out);
	c = config_load(in_dir("c"), CONFIG_NO_SECRETS, 1);
	errors = c->nerrors;
	ck_assert(c->conf == NULL || conf_verify(c->conf, c->conf_len) == NULL);
	config_free(c);
	return errors;
}

START_TEST(test_path_limit)
{
	ck_assert_uint_eq(errors_of_paths(CONF_SYNC_ENTRIES_MAX), 0);
	ck_assert_uint_eq(errors_of_paths(CONF_SYNC_ENTRIES_MAX + 1), 1);
	ck_assert_uint_eq(errors_of_paths(5000), 1);
}
END_TEST

static void
check_unreadable(const char *path, enum config_mode mode, const char *says)
{
	struct config *c = config_load(path, mode, 1);

	ck_assert_ptr_null(c->conf);
	ck_assert_uint_eq(c->nerrors, 1);
	ck_assert_msg(strstr(c->problem[0].text, says) != NULL, "%s: %s",
	    path, c->problem[0].text);
	ck_assert_str_eq(c->run_dir, "/run/vipair");
	config_free(c);
}

START_TEST(test_unreadable)
{
	char path[128];
	FILE *out;
	int i;

	check_unreadable("/nonexistent/x", CONFIG_FULL, "No such file");
	check_unreadable(dir, CONFIG_FULL, "regular file");
	check_unreadable("/dev/zero", CONFIG_FULL, "regular file");
	snprintf(path, sizeof(path), "%s", in_dir("fifo"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_unreadable(path, CONFIG_FULL, "regular file");
	write_file(in_dir("w"), MINIMAL(""));
	ck_assert_int_eq(chmod(in_dir("w"), 0666), 0);
	check_unreadable(in_dir("w"), CONFIG_FULL, "anybody may write it");
	out = fopen(in_dir("big"), "w");
	for (i = 0; i <= (int)CONFIG_FILE_MAX; i++)
		fputc('\n', out);
	fclose(out);
	check_unreadable(in_dir("big"), CONFIG_FULL, "at most 1 MB");
	unlink(path);
}
END_TEST

/* A broken file still tells where the sockets are, and the pairs. */
START_TEST(test_lenient)
{
	struct config *c = load_text("run directory \"/run/elsewhere\"\n"
	    "bogus { }\n" "pair \"one\" {\n vhid x y z\n node\n"
	    " service \"x\" {\n start\n }\n}\npair \"two\" {\n \"\n}\n"
	    "pair \"three\" {", CONFIG_LENIENT);

	ck_assert_ptr_null(c->conf);
	ck_assert_uint_gt(c->nerrors, 3);
	ck_assert_str_eq(c->run_dir, "/run/elsewhere");
	ck_assert_uint_eq(c->npair_names, 3);
	ck_assert_str_eq(c->pair_name[0], "one");
	ck_assert_str_eq(c->pair_name[1], "two");
	ck_assert_str_eq(c->pair_name[2], "three");
	config_free(c);
}
END_TEST

START_TEST(test_line)
{
	struct config *c = load_text(MINIMAL(" vhidd 3\n"), CONFIG_FULL);
	char line[512], want[512];

	ck_assert_uint_eq(c->nerrors, 1);
	config_problem_line(&c->problem[0], line, sizeof(line));
	snprintf(want, sizeof(want), "%s:5:2: error: unknown word \"vhidd\"; "
	    "did you mean \"vhid\"?", in_dir("c"));
	ck_assert_str_eq(line, want);
	config_problem_line(&c->problem[0], line, 10);
	ck_assert_uint_eq(strlen(line), 9);
	config_free(c);
}
END_TEST

static void
repeat(FILE *out, int n, const char *words)
{
	int i;

	for (i = 0; i < n; i++)
		fprintf(out, "%s10.1.%d.%d\n", words, i / 250, i % 250 + 1);
}

/* As many as fit, and one more. */
static uint32_t
errors_of_addresses(int n)
{
	struct config *c;
	uint32_t errors;
	FILE *out = fopen(in_dir("c"), "w");

	fputs("pair \"a\" {\n node \"a\" address 10.0.0.1\n"
	    "secret file \"/s\"\n", out);
	repeat(out, n, " virtual address ");
	fputs("}\n", out);
	fclose(out);
	c = config_load(in_dir("c"), CONFIG_NO_SECRETS, 1);
	errors = c->nerrors;
	ck_assert(c->conf == NULL || conf_verify(c->conf, c->conf_len) == NULL);
	config_free(c);
	return errors;
}

START_TEST(test_address_limit)
{
	ck_assert_uint_eq(errors_of_addresses(CONF_ADDRS_PER_PAIR_MAX), 0);
	ck_assert_uint_eq(errors_of_addresses(CONF_ADDRS_PER_PAIR_MAX + 1),
	    1);
	ck_assert_uint_eq(errors_of_addresses(20000), 1);
}
END_TEST

static uint32_t
errors_of_pairs(int n)
{
	struct config *c;
	uint32_t errors;
	FILE *out = fopen(in_dir("c"), "w");
	int i;

	for (i = 0; i < n; i++)
		fprintf(out, "pair \"p%d\" {\n virtual address 10.%d.%d.9\n"
		    " node \"a\" address 10.%d.%d.1\n"
		    " node \"b\" address 10.%d.%d.2\n"
		    " secret file \"/s\"\n}\n", i, i / 250, i % 250, i / 250,
		    i % 250, i / 250, i % 250);
	fclose(out);
	c = config_load(in_dir("c"), CONFIG_NO_SECRETS, 1);
	errors = c->nerrors;
	ck_assert(c->conf == NULL || conf_verify(c->conf, c->conf_len) == NULL);
	config_free(c);
	return errors;
}

START_TEST(test_pair_limit)
{
	ck_assert_uint_eq(errors_of_pairs(CONF_PAIRS_MAX), 0);
	ck_assert_uint_eq(errors_of_pairs(CONF_PAIRS_MAX + 1), 1);
}
END_TEST

/* A flood of errors is counted, and the first ones are kept. */
START_TEST(test_many_errors)
{
	struct config *c;
	FILE *out = fopen(in_dir("c"), "w");
	char *text;

	repeat(out, 5000, "what is ");
	fclose(out);
	c = config_load(in_dir("c"), CONFIG_FULL, 1);
	ck_assert_uint_eq(c->nerrors, 5000);
	ck_assert_uint_eq(c->nproblems, CONFIG_PROBLEMS_MAX);
	ck_assert_uint_eq(c->problem[99].line, 100);
	text = problems_of(c);
	ck_assert_ptr_nonnull(strstr(text, "... and 4900 more\n"));
	free(text);
	config_free(c);
}
END_TEST

START_TEST(test_suggest)
{
	static const char *const word[] = { "status", "start", "stop", "up" };

	ck_assert_str_eq(config_suggest("stauts", word, 4), "status");
	ck_assert_str_eq(config_suggest("STOP", word, 4), "stop");
	ck_assert_str_eq(config_suggest("sart", word, 4), "start");
	ck_assert_str_eq(config_suggest("pu", word, 4), "up");
	ck_assert_ptr_null(config_suggest("handover", word, 4));
	ck_assert_ptr_null(config_suggest("x", word, 4));
	ck_assert_ptr_null(config_suggest("", word, 4));
	ck_assert_ptr_null(config_suggest("ssssssssssssssssssssssssssssssssss"
	    "sssssssssssssssssss", word, 4));
}
END_TEST

static void
clean_up(void)
{
	static const char *const name[] = { "c", "w", "big", "fifo" };
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		unlink(in_dir(name[i]));
	rmdir(dir);
}

int
main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");
	SRunner *r;
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_cases);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_fingerprint);
	tcase_add_test(t, test_blob);
	tcase_add_test(t, test_blob_sync);
	tcase_add_test(t, test_sync_pair_limit);
	tcase_add_test(t, test_path_limit);
	tcase_add_test(t, test_unreadable);
	tcase_add_test(t, test_lenient);
	tcase_add_test(t, test_line);
	tcase_add_test(t, test_address_limit);
	tcase_add_test(t, test_pair_limit);
	tcase_add_test(t, test_many_errors);
	tcase_add_test(t, test_suggest);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	clean_up();
	return failed != 0;
}
