/* SPDX-License-Identifier: ISC */

/*
 * Twenty thousand mutations of a full configuration (and of a secret file):
 * no crash, and either a blob that every room accepts or at least one error.
 * A seed gives the same run again: VIPAIR_SEED.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define ROUNDS	20000
#define TEXT_MAX 8192

static uint64_t	state;

/* xorshift64*: the same numbers everywhere. */
static uint32_t
draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 32) %
	    below;
}

static size_t
slurp(const char *path, char *buf)
{
	FILE *in = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(in);
	n = fread(buf, 1, TEXT_MAX / 2, in);
	fclose(in);
	return n;
}

static size_t
insert(char *s, size_t len, size_t at, const char *what, size_t n)
{
	if (len + n > TEXT_MAX)
		return len;
	memmove(s + at + n, s + at, len - at);
	memcpy(s + at, what, n);
	return len + n;
}

/* One small damage: bytes changed, cut, doubled; a word put anywhere. */
static size_t
mutate(char *s, size_t len)
{
	static const char *const odd[] = { "\"", "{", "}", "\n", ";", ",",
	    "\0", "\xff", "\\", "#", " 0 ", " 99999999999 ", "-1", "1.5s",
	    "hex:", "active", "\r", "..", "/", ".", ".vipair", "T", "255.255.255.255" };
	size_t at = draw((uint32_t)len + 1), n, i;
	char piece[64];
	const char *word;

	switch (draw(6)) {
	case 0:
		if (at < len)
			s[at] = (char)draw(256);
		return len;
	case 1:
		n = draw(40);
		n = n > len - at ? len - at : n;
		memmove(s + at, s + at + n, len - at - n);
		return len - n;
	case 2:
		n = draw(64);
		n = n > len - at ? len - at : n;
		memcpy(piece, s + at, n);
		return insert(s, len, draw((uint32_t)len + 1), piece, n);
	case 3:
		i = draw(sizeof(odd) / sizeof(odd[0]));
		return insert(s, len, at, odd[i],
		    odd[i][0] == '\0' ? 1 : strlen(odd[i]));
	case 4:
		for (n = 0; config_keyword(n) != NULL; n++)
			;
		word = config_keyword(draw((uint32_t)n));
		return insert(s, len, at, word, strlen(word));
	default:
		return at;
	}
}

/* A file in memory that has a path, as config_load() wants one. */
static int
memory_file(char path[32])
{
	int fd = memfd_create("fuzz", 0);

	ck_assert_int_ne(fd, -1);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void
put(int fd, const char *s, size_t len)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, s, len, 0), (ssize_t)len);
}

static void
check_load(const char *path, enum config_mode mode, FILE *sink)
{
	struct config *c = config_load(path, mode, 1);

	if (c->nerrors > 0) {
		ck_assert_ptr_null(c->conf);
		ck_assert_ptr_null(c->secrets);
		ck_assert_uint_gt(c->nproblems, 0);
	} else {
		ck_assert_ptr_nonnull(c->conf);
		ck_assert_ptr_null(conf_verify(c->conf, c->conf_len));
		if (c->secrets != NULL)
			ck_assert_ptr_null(secrets_verify(c->secrets,
			    c->secrets_len, c->conf));
		config_print(c->conf, sink);
	}
	config_print_problems(c, sink);
	rewind(sink);
	config_free(c);
}

static void
run(const char *from, enum config_mode mode, int rounds)
{
	char original[TEXT_MAX], s[TEXT_MAX], path[32];
	size_t whole = slurp(from, original), len;
	FILE *sink = fopen("/dev/null", "w");
	int fd = memory_file(path), i;
	uint32_t n;

	for (i = 0; i < rounds; i++) {
		memcpy(s, original, whole);
		len = whole;
		for (n = draw(4) + 1; n > 0; n--)
			len = mutate(s, len);
		put(fd, s, len);
		check_load(path, mode, sink);
	}
	fclose(sink);
	close(fd);
}

START_TEST(test_configuration)
{
	run(CONFIG_DATA "/full.in", CONFIG_NO_SECRETS, ROUNDS / 2);
	run(CONFIG_DATA "/later.in", CONFIG_LENIENT, ROUNDS / 4);
	run(CONFIG_EXAMPLE, CONFIG_NO_SECRETS, ROUNDS / 4);
}
END_TEST

/* The secret file changes under a configuration that does not. */
START_TEST(test_secret)
{
	static const char original[] = "carp \"passphrase\"\nkey 1 hex:"
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	    "\nkey 2 hex:"
	    "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	    "\nactive 2\n";
	char s[TEXT_MAX], dir[] = "/tmp/vipair-fuzz-XXXXXX";
	char conf[64], secret[64];
	FILE *out, *sink = fopen("/dev/null", "w");
	size_t len;
	int i;

	if (geteuid() != 0)
		return;		/* others' secrets are refused unread */
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/c", dir);
	snprintf(secret, sizeof(secret), "%s/s", dir);
	out = fopen(conf, "w");
	fprintf(out, "pair \"a\" {\nvirtual address 10.0.0.9\nnode \"a\" "
	    "address 10.0.0.1\nsecret file \"%s\"\n}\n", secret);
	fclose(out);
	umask(077);
	for (i = 0; i < ROUNDS / 10; i++) {
		memcpy(s, original, sizeof(original) - 1);
		len = mutate(s, sizeof(original) - 1);
		out = fopen(secret, "w");
		fwrite(s, 1, len, out);
		fclose(out);
		check_load(conf, CONFIG_FULL, sink);
	}
	fclose(sink);
	unlink(conf);
	unlink(secret);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	const char *seed = getenv("VIPAIR_SEED");
	Suite *s = suite_create("config_fuzz");
	TCase *t = tcase_create("fuzz");
	SRunner *r;
	int failed;

	state = seed == NULL ? UINT64_C(0x9e3779b97f4a7c15) :
	    strtoull(seed, NULL, 0) | 1;
	printf("VIPAIR_SEED=%#llx\n", (unsigned long long)state);
	tcase_set_timeout(t, 100);
	tcase_add_test(t, test_configuration);
	tcase_add_test(t, test_secret);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
