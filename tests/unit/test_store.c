/* SPDX-License-Identifier: ISC */

/* The store as its users see it: objects, generations, epoch, lock. */

#include <sys/stat.h>

#include "store_kit.h"

static const struct epoch second = { .term = 2, .node = 1 };

START_TEST(test_empty)
{
	struct store *s = kit_open();

	ck_assert_uint_eq(store_head(s)->position.generation, 0);
	ck_assert(hash_is_zero(&store_head(s)->position.head));
	ck_assert_uint_eq(tree_count(store_tree(s)), 0);
	ck_assert_int_eq(store_epoch_raise(s, &kit_epoch), STORE_OK);
	store_close(s);
}
END_TEST

START_TEST(test_put)
{
	struct store *s = kit_open();
	struct hash h, want;
	struct put *p;
	struct stat st;
	char path[160], hex[HASH_HEX + 1];
	uint64_t size;

	hash_of("hello", 5, &want);
	ck_assert(!store_has(s, &want));
	ok(s, put_open(&p, s, PUT_DURABLE, &want, 5));
	ok(s, put_write(p, "hel", 3));
	ok(s, put_write(p, "lo", 2));
	ok(s, put_commit(p, &h, &size));
	ck_assert(hash_equal(&h, &want));
	ck_assert_uint_eq(size, 5);
	ck_assert(store_has(s, &h));
	ok(s, store_verify(s, &h));
	hash_hex(&h, hex);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", kit_path, hex, hex);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0440);
	/* The same again is one object; other bytes than announced: none. */
	ok(s, store_put(s, PUT_DURABLE, "hello", 5, &h));
	ck_assert_uint_eq(kit_objects(s), 1);
	ok(s, put_open(&p, s, PUT_DURABLE, &want, 5));
	ok(s, put_write(p, "HELLO", 5));
	ck_assert_int_eq(put_commit(p, &h, NULL), STORE_HASH);
	ok(s, put_open(&p, s, PUT_DURABLE, &want, 5));
	ck_assert_int_eq(put_write(p, "hello!", 6), STORE_HASH);
	ck_assert_int_eq(put_commit(p, &h, NULL), STORE_HASH);
	ck_assert_uint_eq(kit_objects(s), 1);
	store_close(s);
}
END_TEST

START_TEST(test_put_given)
{
	struct store *s = kit_open();
	struct hash h, want;
	struct put *p;

	ok(s, put_open(&p, s, PUT_DURABLE, NULL, 0));
	ck_assert_int_eq(write(put_fd(p), "a database", 10), 10);
	ok(s, put_commit(p, &h, NULL));
	hash_of("a database", 10, &want);
	ck_assert(hash_equal(&h, &want));
	ok(s, store_verify(s, &h));
	store_close(s);
}
END_TEST

START_TEST(test_bulk)
{
	struct store *s = kit_open();
	struct hash h;
	char path[160], hex[HASH_HEX + 1];

	ok(s, store_put(s, PUT_BULK, "bulk", 4, &h));
	snprintf(path, sizeof(path), "%s/staged/%s", kit_path,
	    hash_hex(&h, hex));
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert(store_has(s, &h));
	ok(s, store_sync(s));
	ck_assert_int_ne(access(path, F_OK), 0);
	ok(s, store_verify(s, &h));
	store_close(s);
}
END_TEST

/* A dead writer's staged bytes count only when they verify. */
START_TEST(test_bulk_torn)
{
	struct store *s = kit_open();
	struct hash good, torn;
	char path[160], hex[HASH_HEX + 1];

	ok(s, store_put(s, PUT_BULK, "good", 4, &good));
	ok(s, store_put(s, PUT_BULK, "torn", 4, &torn));
	store_close(s);
	snprintf(path, sizeof(path), "%s/staged/%s", kit_path,
	    hash_hex(&torn, hex));
	ck_assert_int_eq(truncate(path, 0), 0);
	s = kit_open();
	ck_assert(store_has(s, &good));
	ck_assert(!store_has(s, &torn));
	ok(s, store_sync(s));
	ck_assert(store_has(s, &good));
	ck_assert(!store_has(s, &torn));
	store_close(s);
}
END_TEST

START_TEST(test_import)
{
	static const char *const name[] = { "not-a-hash", "../x",
		("2cf24dba5fb0a30e26e83b2ac5b9e29e"
		"1b161e5c1fa7425e73043362938b9824") };
	struct store *s = kit_open();
	struct store_import i;
	struct hash h;
	char hex[HASH_HEX + 1];
	int dir = store_import_dir(s), fd;

	/* good, wrong bytes, odd name, link, fifo, directory, hard link */
	fd = openat(dir, name[2], O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, "hello", 5), 5);
	close(fd);
	hash_of("other", 5, &h);
	fd = openat(dir, hash_hex(&h, hex), O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, "wrong", 5), 5);
	close(fd);
	close(openat(dir, name[0], O_CREAT | O_WRONLY, 0600));
	hash_of("1", 1, &h);
	ck_assert_int_eq(symlinkat("/etc/passwd", dir, hash_hex(&h, hex)), 0);
	hash_of("2", 1, &h);
	ck_assert_int_eq(mkfifoat(dir, hash_hex(&h, hex), 0600), 0);
	hash_of("3", 1, &h);
	ck_assert_int_eq(mkdirat(dir, hash_hex(&h, hex), 0700), 0);
	hash_of("4", 1, &h);
	fd = openat(dir, hash_hex(&h, hex), O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, "4", 1), 1);
	close(fd);
	ck_assert_int_eq(linkat(dir, hex, dir, "second-name", 0), 0);
	ok(s, store_import(s, UINT64_MAX, &i));
	/* Two names of one file: the first to go leaves the other single. */
	ck_assert_uint_eq(i.taken + i.refused, 8);
	hash_of("hello", 5, &h);
	ck_assert(store_has(s, &h));
	ok(s, store_verify(s, &h));
	hash_of("other", 5, &h);
	ck_assert(!store_has(s, &h));
	ok(s, store_sync(s));
	ok(s, store_import(s, UINT64_MAX, &i));
	ck_assert_uint_eq(i.taken + i.refused + i.had, 0);
	close(dir);
	store_close(s);
}
END_TEST

/* I1, I2: what was published is there after a new start, and verifies. */
START_TEST(test_publish)
{
	struct store *s = kit_open();
	struct store_generation g;
	struct store_commit c;
	uint64_t cursor = 0;
	struct tree *t;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 5; i++)
		kit_publish(s, i);
	/* No change: no generation. */
	ok(s, kit_publish_as(s, &kit_epoch, 5, &c));
	ck_assert_uint_eq(c.len, 0);
	ck_assert_uint_eq(c.position.generation, 5);
	store_close(s);
	s = kit_open();
	ck_assert_uint_eq(store_head(s)->position.generation, 5);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 5);
	for (i = 5; i > 0; i--) {
		ck_assert(store_list(s, &cursor, &g));
		ck_assert_uint_eq(g.generation, i);
		ck_assert(g.complete);
		ck_assert_int_eq(g.full, i == 1);
		ok(s, store_load_tree(s, i, &t));
		ck_assert_int_eq(kit_state(s, t), (int)i);
		tree_free(t);
	}
	ck_assert(!store_list(s, &cursor, &g));
	ck_assert_uint_eq(store_history(s)->n, 1);
	store_close(s);
}
END_TEST

/* A full manifest comes round by itself. */
START_TEST(test_full_again)
{
	struct store *s = kit_open();
	struct store_commit c;
	struct delta *d;
	struct entry e;
	unsigned int i, full = 0;
	char text[32];

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	for (i = 0; i < 600; i++) {
		d = delta_new();
		snprintf(text, sizeof(text), "text %u", i);
		e = kit_file(s, "x", text);
		ck_assert_ptr_null(delta_put(d, &e));
		ok(s, store_publish(s, &kit_epoch, kit_now, d, NULL, &c));
		full += c.full;
		delta_free(d);
	}
	ck_assert_uint_ge(full, 2);
	ck_assert_uint_le(full, 6);
	store_close(s);
	s = kit_open();
	ck_assert_uint_eq(tree_count(store_tree(s)), KIT_FILES + 2);
	store_close(s);
}
END_TEST

START_TEST(test_lock)
{
	struct store *a = kit_open(), *b;

	ck_assert_int_eq(store_open(&b, kit_dir, "vpn", true), STORE_OK);
	ck_assert_int_eq(store_lock(b), STORE_BUSY);
	store_unlock(a);
	ok(b, store_lock(b));
	ck_assert_int_eq(store_lock(a), STORE_BUSY);
	/* The epoch does not wait for the writer. */
	ok(a, store_epoch_raise(a, &kit_epoch));
	store_close(b);
	store_close(a);
}
END_TEST

START_TEST(test_epoch)
{
	struct store *s = kit_open();
	struct epoch e;

	ok(s, store_epoch(s, &e));
	ck_assert_uint_eq(e.term, 0);
	ok(s, store_epoch_take(s, 1, 0, &e));
	ck_assert_uint_eq(e.term, 1);
	ok(s, store_epoch_take(s, 1, 41, &e));
	ck_assert_uint_eq(e.term, 42);
	e.term = 41;
	ck_assert_int_eq(store_epoch_raise(s, &e), STORE_STALE);
	e = (struct epoch){ 42, 2 };	/* a worse rank, the same term */
	ck_assert_int_eq(store_epoch_raise(s, &e), STORE_STALE);
	e = (struct epoch){ 42, 0 };
	ok(s, store_epoch_raise(s, &e));
	e.term = 42 + EPOCH_LEAP_MAX + 1;
	ck_assert_int_eq(store_epoch_raise(s, &e), STORE_ABSURD);
	e.term--;
	ok(s, store_epoch_raise(s, &e));
	e.term = UINT32_MAX;
	ck_assert_int_eq(store_epoch_raise(s, &e), STORE_ABSURD);
	store_close(s);
	s = kit_open();
	ok(s, store_epoch(s, &e));
	ck_assert_uint_eq(e.term, 42 + EPOCH_LEAP_MAX);
	store_close(s);
}
END_TEST

/* I5: nothing is written or applied with an older epoch. */
START_TEST(test_stale)
{
	struct store *s = kit_open();
	struct store_commit c;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	ok(s, store_epoch_raise(s, &second));
	ck_assert_int_eq(kit_publish_as(s, &kit_epoch, 2, &c), STORE_STALE);
	ck_assert_int_eq(store_commit(s, &kit_epoch, &c), STORE_STALE);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 1);
	ok(s, kit_publish_as(s, &second, 2, &c));
	ck_assert_uint_eq(store_history(s)->n, 2);
	ck_assert_uint_eq(store_history(s)->item[1].first, 2);
	store_close(s);
}
END_TEST

START_TEST(test_quota)
{
	struct store *s = kit_open();
	struct store_limits l = { .bytes = 1000, .inodes = 3 };
	struct hash h;
	struct put *p;
	char big[2000] = "";

	store_set_limits(s, &l);
	ok(s, store_put(s, PUT_DURABLE, big, 900, &h));
	ck_assert_int_eq(store_put(s, PUT_DURABLE, big, 200, &h),
	    STORE_SPACE);
	/* Without a size: found while it is written. */
	ok(s, put_open(&p, s, PUT_DURABLE, NULL, 0));
	ck_assert_int_eq(put_write(p, big, sizeof(big)), STORE_SPACE);
	ck_assert_int_eq(put_commit(p, &h, NULL), STORE_SPACE);
	ok(s, store_put(s, PUT_DURABLE, "a", 1, &h));
	ok(s, store_put(s, PUT_BULK, "b", 1, &h));
	ck_assert_int_eq(store_put(s, PUT_DURABLE, "c", 1, &h), STORE_SPACE);
	l = (struct store_limits){ .reserve = UINT64_MAX / 2 };
	store_set_limits(s, &l);
	ck_assert_int_eq(store_put(s, PUT_DURABLE, "c", 1, &h), STORE_SPACE);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_empty);
	tcase_add_test(t, test_put);
	tcase_add_test(t, test_put_given);
	tcase_add_test(t, test_bulk);
	tcase_add_test(t, test_bulk_torn);
	tcase_add_test(t, test_import);
	tcase_add_test(t, test_publish);
	tcase_add_test(t, test_full_again);
	tcase_add_test(t, test_lock);
	tcase_add_test(t, test_epoch);
	tcase_add_test(t, test_stale);
	tcase_add_test(t, test_quota);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
