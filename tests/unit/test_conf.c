/* SPDX-License-Identifier: ISC */

/* conf.c: good blobs, each rule broken once, and every byte changed. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "confblob.h"

static const char *const names[BLOB_PAIRS] = { "vpn", "mail", "web" };
static struct blob blob;

static void
setup(void)
{
	blob_make(&blob, 7, names);
	blob.p[1].service = (struct conf_service){
		.kind = SERVICE_EXEC, .nhealth = 2,
		.start = 17, .stop = 17,
		.health = {
			{ .kind = HEALTH_TCP, .port = 80 },
			{ .kind = HEALTH_EXEC, .command = 17 },
		},
	};
	memcpy(blob.strings + 200, "/srv", 5);
	blob.p[1].has_sync = true;
	blob.p[1].sync = (struct conf_sync){
		.base = 200, .before_capture = 200,
		.first_entry = 0, .nentries = 2,
		.every_ms = 60000, .keep_generations = 2,
		.store_max_bytes = 1 << 20,
	};
	blob.s[0] = (struct conf_sync_entry){ CONF_SYNC_TREE, true, { 0 }, 1 };
	blob.s[1] = (struct conf_sync_entry){ CONF_SYNC_NEVER, false, { 0 }, 7 };
	blob.p[2].ntracks = 1;
	blob.p[2].track[0] = 12;	/* eth0 */
}

/* On the heap in its exact size, so that a sanitizer sees any step outside. */
static const char *
verdict(const void *bytes, size_t len)
{
	void *copy = malloc(len > 0 ? len : 1);
	const char *error;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	error = conf_verify(copy, len);
	free(copy);
	return error;
}

/* Uses all that a room would use of a blob that was found good. */
static size_t
walk(const struct conf *c)
{
	const struct conf_pair *p;
	uint32_t i, j;
	size_t n = strlen(conf_string(c, c->run_dir));

	for (i = 0; i < c->npairs; i++) {
		p = conf_pair(c, i);
		n += strlen(conf_string(c, p->name));
		n += strlen(conf_string(c, p->notify));
		n += strlen(conf_string(c, p->service.check));
		n += p->preempt;
		n += strlen(conf_string(c, p->sync.base));
		n += strlen(conf_string(c, p->sync.before_capture));
		for (j = 0; j < p->sync.nentries; j++)
			n += strlen(conf_string(c,
			    conf_pair_sync(c, p, j)->pattern));
		for (j = 0; j < p->ntracks; j++)
			n += strlen(conf_string(c, p->track[j]));
		for (j = 0; j < p->service.nhealth; j++)
			n += strlen(conf_string(c,
			    p->service.health[j].command));
		for (j = 0; j < p->naddrs; j++)
			n += conf_pair_addr(c, p, j)->byte[15];
		for (j = 0; j < p->nnodes; j++)
			n += strlen(conf_string(c,
			    conf_pair_node(c, p, j)->name));
	}
	return n;
}

START_TEST(test_good)
{
	setup();
	ck_assert_ptr_null(verdict(&blob, sizeof(blob)));
	ck_assert_uint_gt(walk(&blob.c), 0);
	ck_assert_str_eq(conf_string(&blob.c, conf_pair(&blob.c, 1)->name),
	    "mail");
	ck_assert_ptr_eq(conf_pair_addr(&blob.c, &blob.p[2], 0), &blob.a[2]);
	ck_assert_ptr_eq(conf_pair_node(&blob.c, &blob.p[2], 1), &blob.n[5]);
}
END_TEST

START_TEST(test_truncated)
{
	size_t len;

	setup();
	for (len = 0; len < sizeof(blob); len++)
		ck_assert_ptr_nonnull(verdict(&blob, len));
}
END_TEST

START_TEST(test_every_byte)
{
	static const unsigned char change[] = { 0x01, 0x80, 0xff, 0x55 };
	unsigned char *byte = malloc(sizeof(blob));
	size_t i, j, refused = 0;

	setup();
	ck_assert_ptr_nonnull(byte);
	memcpy(byte, &blob, sizeof(blob));
	for (i = 0; i < sizeof(blob); i++)
		for (j = 0; j < sizeof(change); j++) {
			byte[i] ^= change[j];
			if (conf_verify(byte, sizeof(blob)) != NULL)
				refused++;
			else
				(void)walk((const void *)byte);
			byte[i] ^= change[j];
		}
	free(byte);
	ck_assert_uint_gt(refused, 100);
}
END_TEST

START_TEST(test_noise)
{
	union {
		struct conf	c;
		unsigned char	byte[sizeof(struct blob)];
	} u;
	unsigned seed = 7, i, j, n;

	setup();
	for (i = 0; i < 50000; i++) {
		memcpy(u.byte, &blob, sizeof(blob));
		n = 1 + (unsigned)rand_r(&seed) % 6;
		for (j = 0; j < n; j++)
			u.byte[(unsigned)rand_r(&seed) % sizeof(u)] =
			    (unsigned char)rand_r(&seed);
		if (conf_verify(u.byte, sizeof(u)) == NULL)
			(void)walk(&u.c);
	}
}
END_TEST

#define REFUSED(change, text) do {					\
	const char *e;							\
	setup();							\
	change;								\
	e = verdict(&blob, sizeof(blob));				\
	ck_assert_ptr_nonnull(e);					\
	ck_assert_msg(strstr(e, text) != NULL, "%s", e);		\
} while (0)

START_TEST(test_head)
{
	REFUSED(blob.c.magic ^= 1, "no configuration");
	REFUSED(blob.c.version++, "another version");
	REFUSED(blob.c.size--, "another size");
	REFUSED(blob.c.npairs--, "add up");
	REFUSED(blob.c.npairs = CONF_PAIRS_MAX + 1, "too many pairs");
	REFUSED(blob.c.naddrs++, "add up");
	REFUSED(blob.c.nnodes = UINT32_MAX, "add up");
	REFUSED(blob.c.nsyncs--, "add up");
	REFUSED(blob.c.nsyncs = UINT32_MAX, "add up");
	REFUSED(blob.strings[0] = 'a', "string pool");
	REFUSED(blob.strings[sizeof(blob.strings) - 1] = 'a', "string pool");
	REFUSED(blob.c.run_dir = sizeof(blob.strings), "path");
}
END_TEST

START_TEST(test_pair)
{
	REFUSED(blob.p[0].name = 0, "name");
	REFUSED(memset(blob.strings + BLOB_NAME(0), 'a', 40), "name");
	REFUSED(blob.p[0].interface = BLOB_NAME(7), "interface");
	REFUSED(memset(blob.strings + 12, 'e', 16), "tracked");
	REFUSED(blob.p[0].first_addr = 3, "addresses");
	REFUSED(blob.p[0].first_addr = UINT32_MAX, "addresses");
	REFUSED(blob.p[0].naddrs = 0, "number of addresses");
	REFUSED(blob.p[0].naddrs = 4, "addresses");
	REFUSED(blob.p[0].first_node = 5, "nodes");
	REFUSED(blob.p[0].nnodes = 9, "number of nodes");
	REFUSED(blob.p[0].interval_ms = 1500, "interval");
	REFUSED(blob.p[0].interval_ms = 255000, "interval");
	REFUSED(blob.p[0].protocol = 4, "protocol");
	REFUSED(blob.p[0].claim_spacing_ms = 0, "claim");
	REFUSED(blob.p[0].vhid = 0, "vhid");
	REFUSED(blob.p[0].auth_mode = 3, "authentication");
	REFUSED(blob.p[2].ntracks = 5, "tracked");
	REFUSED(memset(&blob.p[0].preempt, 2, 1), "flag");
	REFUSED(blob.a[0].family = 5, "family");
	setup();
	blob.p[0].protocol = PROTOCOL_VRRP2;
	blob.p[0].interval_ms = 255000;
	blob.p[1].protocol = PROTOCOL_VRRP3;
	blob.p[1].interval_ms = 10;
	ck_assert_ptr_null(verdict(&blob, sizeof(blob)));
}
END_TEST

#define PATTERN(text)							\
	memcpy(blob.strings + 180, text, sizeof(text));			\
	blob.s[0].pattern = 180

START_TEST(test_sync)
{
	REFUSED(blob.p[0].sync.every_ms = 1, "without a block");
	REFUSED(blob.p[1].has_sync = false, "without a block");
	REFUSED(blob.p[1].sync.first_entry = 1, "out of range");
	REFUSED(blob.p[1].sync.first_entry = UINT32_MAX, "out of range");
	REFUSED(blob.p[1].sync.nentries = 3, "out of range");
	REFUSED(blob.p[1].sync.nentries = 0, "number of entries");
	REFUSED(blob.p[1].sync.nentries = CONF_SYNC_ENTRIES_MAX + 1,
	    "number of entries");
	REFUSED(blob.p[1].sync.base = 0, "base");
	REFUSED(blob.p[1].sync.base = 1, "base");
	REFUSED(blob.p[1].sync.base = UINT32_MAX, "base");
	REFUSED(blob.p[1].sync.before_capture = UINT32_MAX, "command");
	REFUSED(blob.p[1].sync.every_ms = 999, "interval");
	REFUSED(blob.p[1].sync.every_ms = 86400001, "interval");
	REFUSED(blob.p[1].sync.keep_generations = 1, "generations");
	REFUSED(blob.p[1].sync.store_max_bytes = 0, "size");
	REFUSED(memset(&blob.p[1].sync.on_change, 2, 1), "flag");
	REFUSED(memset(&blob.s[0].optional, 2, 1), "flag");
	REFUSED(blob.s[0].kind = 0, "kind");
	REFUSED(blob.s[1].kind = CONF_SYNC_NEVER + 1, "kind");
	REFUSED(blob.s[0].pattern = 0, "pattern");
	REFUSED(blob.s[0].pattern = UINT32_MAX, "pattern");
	REFUSED(PATTERN("/a"), "pattern");
	REFUSED(PATTERN("a/"), "pattern");
	REFUSED(PATTERN("a//b"), "pattern");
	REFUSED(PATTERN(".."), "pattern");
	REFUSED(PATTERN("."); blob.s[0].kind = CONF_SYNC_FILE, "pattern");
	REFUSED(PATTERN("a/../b"), "pattern");
	REFUSED(PATTERN("a/."), "pattern");
	setup();
	PATTERN("a/..b/.c");
	ck_assert_ptr_null(verdict(&blob, sizeof(blob)));
	PATTERN(".");
	ck_assert_ptr_null(verdict(&blob, sizeof(blob)));
}
END_TEST

START_TEST(test_node_and_service)
{
	REFUSED(blob.n[0].name = 0, "name");
	REFUSED(blob.n[0].priority = 0, "priority");
	REFUSED(blob.n[0].priority = 255, "priority");
	REFUSED(blob.n[0].skew = 255, "skew");
	REFUSED(blob.n[0].rank = 2, "rank");
	REFUSED(blob.n[0].rank = 1, "twice");
	REFUSED(memset(&blob.n[0].foreign, 7, 1), "flag");
	REFUSED(blob.p[1].service.kind = 3, "kind");
	REFUSED(blob.p[1].service.start = 0, "command");
	REFUSED(blob.p[1].service.nhealth = 5, "health");
	REFUSED(blob.p[1].service.health[0].kind = 0, "health");
	REFUSED(blob.p[1].service.health[0].port = 0, "port");
	REFUSED(blob.p[1].service.health[1].command = 0, "health");
	REFUSED(blob.p[1].service.kind = SERVICE_UNIT, "unit");
}
END_TEST

#define SECRETS_LEN	(sizeof(struct secrets) + \
			    BLOB_PAIRS * sizeof(struct pair_secret))

static union {
	struct secrets	s;
	char		byte[SECRETS_LEN];
} sec;

static void
setup_secrets(void)
{
	unsigned i;

	setup();
	memset(sec.byte, 0, SECRETS_LEN);
	sec.s.magic = CONF_MAGIC;
	sec.s.version = CONF_VERSION;
	sec.s.serial = 7;
	sec.s.npairs = BLOB_PAIRS;
	for (i = 0; i < BLOB_PAIRS; i++) {
		blob.p[i].has_keys = true;
		sec.s.pair[i].nkeys = 1;
		sec.s.pair[i].active = 1;
		sec.s.pair[i].key[0].id = 1;
		sec.s.pair[i].key[0].len = CONF_KEY_LEN_MIN;
	}
}

#define SECRET_REFUSED(change) do {					\
	setup_secrets();						\
	change;								\
	ck_assert_ptr_nonnull(secrets_verify(&sec, SECRETS_LEN,		\
	    &blob.c));							\
} while (0)

START_TEST(test_secrets)
{
	size_t len;

	setup_secrets();
	ck_assert_ptr_null(secrets_verify(&sec, SECRETS_LEN, &blob.c));
	for (len = 0; len < SECRETS_LEN; len++)
		ck_assert_ptr_nonnull(secrets_verify(&sec, len, &blob.c));
	SECRET_REFUSED(sec.s.magic = 0);
	SECRET_REFUSED(sec.s.serial = 8);
	SECRET_REFUSED(sec.s.npairs = 2);
	SECRET_REFUSED(sec.s.pair[0].nkeys = 5);
	SECRET_REFUSED(sec.s.pair[0].nkeys = 0);
	SECRET_REFUSED(sec.s.pair[0].key[0].len = 31);
	SECRET_REFUSED(sec.s.pair[0].key[0].len = 65);
	SECRET_REFUSED(sec.s.pair[0].active = 2);
	SECRET_REFUSED((sec.s.pair[0].nkeys = 2,
	    sec.s.pair[0].key[1] = sec.s.pair[0].key[0]));
	SECRET_REFUSED(memset(&sec.s.pair[0].has_carp, 9, 1));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("conf");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_truncated);
	tcase_add_test(t, test_every_byte);
	tcase_add_test(t, test_noise);
	tcase_add_test(t, test_head);
	tcase_add_test(t, test_pair);
	tcase_add_test(t, test_sync);
	tcase_add_test(t, test_node_and_service);
	tcase_add_test(t, test_secrets);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
