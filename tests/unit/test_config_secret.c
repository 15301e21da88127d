/* SPDX-License-Identifier: ISC */

/*
 * Secret files: who may own them, what may be in them, and that no message
 * ever shows a piece of one.  Needs root, as reading secrets does.
 */
#include <sys/stat.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define HEX16	"00112233445566778899aabbccddeeff"
#define HEX32	HEX16 HEX16
#define PASS	"Tr0ub4dor&3"

static char	dir[] = "/tmp/vipair-secret-XXXXXX";
static char	conf_path[64], secret_path[64];

static void
write_file(const char *path, const char *text, size_t len, mode_t mode)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static struct config *
load(const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "pair \"vpn\" {\n"
	    " virtual address 10.0.0.9\n node \"a\" address 10.0.0.1\n"
	    " node \"b\" address 10.0.0.2\n secret file \"%s\"\n%s}\n",
	    secret_path, more);
	write_file(conf_path, text, strlen(text), 0644);
	return config_load(conf_path, CONFIG_FULL, 9);
}

static struct config *
load_secret(const char *secret)
{
	write_file(secret_path, secret, strlen(secret), 0600);
	return load("");
}

/* Exactly this one error, and not a word of the secret in it. */
static void
check_refused(const char *secret, uint32_t line, const char *says)
{
	struct config *c = load_secret(secret);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	config_print_problems(c, out);
	fclose(out);
	ck_assert_msg(c->nerrors == 1, "%s: %s", secret, text);
	ck_assert_str_eq(c->problem[0].file, secret_path);
	ck_assert_uint_eq(c->problem[0].line, line);
	ck_assert_msg(strstr(text, says) != NULL, "%s", text);
	ck_assert_ptr_null(strstr(text, "0011"));
	ck_assert_ptr_null(strstr(text, "r0ub"));
	ck_assert_ptr_null(c->secrets);
	ck_assert_ptr_null(c->conf);
	free(text);
	config_free(c);
}

START_TEST(test_good)
{
	struct config *c = load_secret("# ours\n\n\tcarp \"" PASS "\"  # x\r\n"
	    "key 1 hex:" HEX32 "\nkey 255 hex:FF" HEX32 HEX16 "\n"
	    "active 255");
	const struct pair_secret *s;

	ck_assert_uint_eq(c->nerrors + c->nwarnings, 0);
	ck_assert_ptr_nonnull(c->secrets);
	ck_assert_ptr_null(secrets_verify(c->secrets, c->secrets_len,
	    c->conf));
	ck_assert_uint_eq(c->secrets->serial, 9);
	ck_assert(conf_pair(c->conf, 0)->has_keys);
	s = &c->secrets->pair[0];
	ck_assert(s->has_carp);
	ck_assert_mem_eq(s->carp_key, PASS "\0\0\0\0\0\0\0\0\0", 20);
	ck_assert_uint_eq(s->nkeys, 2);
	ck_assert_uint_eq(s->active, 255);
	ck_assert_uint_eq(s->key[0].id, 1);
	ck_assert_uint_eq(s->key[0].len, 32);
	ck_assert_uint_eq(s->key[0].byte[1], 0x11);
	ck_assert_uint_eq(s->key[1].len, 49);
	ck_assert_uint_eq(s->key[1].byte[0], 0xff);
	config_free(c);
}
END_TEST

/* One key needs no `active`; without `carp` the codec derives one. */
START_TEST(test_one_key)
{
	struct config *c = load_secret("key 7 hex:" HEX32 "\n");

	ck_assert_uint_eq(c->nerrors + c->nwarnings, 0);
	ck_assert_uint_eq(c->secrets->pair[0].active, 7);
	ck_assert(!c->secrets->pair[0].has_carp);
	config_free(c);
}
END_TEST

START_TEST(test_passphrase_only)
{
	struct config *c = load_secret("carp \"1234567890123456\\\"8\\\\\"\n");

	ck_assert_uint_eq(c->nerrors, 0);
	ck_assert_uint_eq(c->nwarnings, 1);
	ck_assert_ptr_nonnull(strstr(c->problem[0].text, "no key"));
	ck_assert_mem_eq(c->secrets->pair[0].carp_key,
	    "1234567890123456\"8\\", 20);
	ck_assert(!conf_pair(c->conf, 0)->has_keys);
	ck_assert_ptr_null(secrets_verify(c->secrets, c->secrets_len,
	    c->conf));
	config_free(c);
}
END_TEST

START_TEST(test_content)
{
	check_refused("", 0, "neither a key nor");
	check_refused("# nothing\n", 0, "neither a key nor");
	check_refused("crap \"" PASS "\"\n", 1, "did you mean \"carp\"?");
	check_refused(PASS "\n", 1, "unknown word");
	check_refused(HEX32 HEX32 HEX32 "\n", 1, "unknown word");
	check_refused("\ncarp " PASS "\n", 2, "in quotes");
	check_refused("carp \"" PASS "\n", 1, "without closing quote");
	check_refused("carp \"" PASS "\" x\n", 1, "end of the line");
	check_refused("carp \"\"\n", 1, "1 to 19 bytes");
	check_refused("carp \"" PASS PASS "\"\n", 1, "1 to 19 bytes");
	check_refused("carp \"a\"\ncarp \"" PASS "\"\n", 2, "given twice");
	check_refused("key 0 hex:" HEX32 "\n", 1, "key number");
	check_refused("key 256 hex:" HEX32 "\n", 1, "key number");
	check_refused("key hex:" HEX32 "\n", 1, "key number");
	check_refused("key 1 " HEX32 "\n", 1, "expected hex:");
	check_refused("key 1 hex:" HEX16 "\n", 1, "32 to 64 bytes");
	check_refused("key 1 hex:" HEX32 HEX32 "0011\n", 1, "32 to 64 bytes");
	check_refused("key 1 hex:" HEX32 "0\n", 1, "32 to 64 bytes");
	check_refused("key 1 hex:" HEX32 "0x\n", 1, "hex digits");
	check_refused("key 1 hex:" HEX32 " 0011\n", 1, "end of the line");
	check_refused("key 1 hex:" HEX32 "\nkey 1 hex:" HEX32 "\n", 2,
	    "given twice");
	check_refused("key 1 hex:" HEX32 "\nactive 2\n", 0, "not in the file");
	check_refused("key 1 hex:" HEX32 "\nactive 1\nactive 1\n", 3,
	    "given twice");
	check_refused("key 1 hex:" HEX32 "\nkey 2 hex:ff" HEX32 "\n", 0,
	    "names the active one");
	check_refused("key 1 hex:000000000000000000000000000000000000000000"
	    "0000000000000000000000\n", 1, "all zeros");
	check_refused("key 1 hex:" HEX32 "\nkey 2 hex:" HEX32 "\nkey 3 hex:"
	    HEX32 "\nkey 4 hex:" HEX32 "\nkey 5 hex:" HEX32 "\nactive 1\n",
	    5, "at most 4 keys");
}
END_TEST

START_TEST(test_nul)
{
	static const char secret[] = "key 1 hex:" HEX32 "\n\0carp \"x\"\n";
	struct config *c;

	write_file(secret_path, secret, sizeof(secret) - 1, 0600);
	c = load("");
	ck_assert_uint_eq(c->nerrors, 1);
	ck_assert_ptr_nonnull(strstr(c->problem[0].text, "NUL"));
	config_free(c);
}
END_TEST

/* The error stands at the word in the configuration. */
static void
check_careless(const char *says)
{
	struct config *c = load(" vhid 0\n");

	ck_assert_uint_eq(c->nerrors, 2);	/* vhid: found all the same */
	ck_assert_str_eq(c->problem[0].file, conf_path);
	ck_assert_uint_eq(c->problem[0].line, 5);
	ck_assert_uint_eq(c->problem[0].column, 14);
	ck_assert_msg(strstr(c->problem[0].text, says) != NULL, "%s",
	    c->problem[0].text);
	config_free(c);
}

START_TEST(test_careless)
{
	static const char good[] = "key 1 hex:" HEX32 "\n";
	char other[80];

	unlink(secret_path);
	check_careless("No such file");
	write_file(secret_path, good, sizeof(good) - 1, 0604);
	check_careless("no access for group and others");
	write_file(secret_path, good, sizeof(good) - 1, 0640);
	check_careless("no access for group and others");
	write_file(secret_path, good, sizeof(good) - 1, 0600);
	ck_assert_int_eq(chown(secret_path, 65534, (gid_t)-1), 0);
	check_careless("root to be its owner");
	unlink(secret_path);
	ck_assert_int_eq(mkdir(secret_path, 0700), 0);
	check_careless("regular file");
	rmdir(secret_path);
	ck_assert_int_eq(mkfifo(secret_path, 0600), 0);
	check_careless("regular file");
	unlink(secret_path);
	snprintf(other, sizeof(other), "%s.real", secret_path);
	write_file(other, good, sizeof(good) - 1, 0600);
	ck_assert_int_eq(symlink(other, secret_path), 0);
	check_careless("not a symbolic link");
	unlink(secret_path);
	unlink(other);
	write_file(secret_path, good, sizeof(good) - 1, 0600);
	ck_assert_int_eq(truncate(secret_path, 9000), 0);
	check_careless("at most 8192 bytes");
}
END_TEST

/* Whoever may not read secrets can check the rest. */
START_TEST(test_not_opened)
{
	struct config *c;

	unlink(secret_path);
	config_free(load(""));
	c = config_load(conf_path, CONFIG_NO_SECRETS, 1);
	ck_assert_uint_eq(c->nerrors, 0);
	ck_assert_ptr_null(c->secrets);
	ck_assert(conf_pair(c->conf, 0)->has_keys);
	config_free(c);
}
END_TEST

START_TEST(test_foreign)
{
	struct config *c;

	write_file(secret_path, "key 1 hex:" HEX32, 10 + 64, 0600);
	c = load(" protocol vrrp 3\n node \"gw\" address 10.0.0.3 foreign\n");
	ck_assert_uint_eq(c->nerrors, 0);
	ck_assert_uint_eq(c->nwarnings, 1);
	ck_assert_ptr_nonnull(strstr(c->problem[0].text, "foreign"));
	config_free(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config_secret");
	TCase *t = tcase_create("secret");
	SRunner *r;
	int failed;

	if (geteuid() != 0)
		return 77;	/* meson: skipped */
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(conf_path, sizeof(conf_path), "%s/conf", dir);
	snprintf(secret_path, sizeof(secret_path), "%s/secret", dir);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_one_key);
	tcase_add_test(t, test_passphrase_only);
	tcase_add_test(t, test_content);
	tcase_add_test(t, test_nul);
	tcase_add_test(t, test_careless);
	tcase_add_test(t, test_not_opened);
	tcase_add_test(t, test_foreign);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	unlink(conf_path);
	unlink(secret_path);
	rmdir(dir);
	return failed != 0;
}
