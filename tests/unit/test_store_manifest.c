/* SPDX-License-Identifier: ISC */

/* Manifests as text, trees and deltas in memory, hashes and positions. */

#include <time.h>

#include "store_kit.h"

static const struct manifest_header head1 = { .pair = "vpn",
	.epoch = { 7, 1 }, .generation = 1, .time_ns = 5 };

static struct entry
named(const char *path, char type)
{
	struct entry e = kit_dir_entry(path);

	if (type == 'd')
		return e;
	e = kit_file(NULL, path, path);
	if (type == 'l') {
		e.type = ENTRY_LINK;
		e.object = hash_zero;
		e.target = "../x y";
		e.size = 6;
	}
	return e;
}

static void
put(struct tree *t, const char *path, char type)
{
	struct entry e = named(path, type);
	const char *wrong = tree_put(t, &e);

	ck_assert_msg(wrong == NULL, "%s", wrong);
}

static void
same_tree(const struct tree *a, const struct tree *b)
{
	size_t i;

	ck_assert_uint_eq(tree_count(a), tree_count(b));
	ck_assert_uint_eq(tree_bytes(a), tree_bytes(b));
	for (i = 0; i < tree_count(a); i++)
		ck_assert(entry_equal(tree_at(a, i), tree_at(b, i)));
}

START_TEST(test_hash)
{
	static const char abc[] =
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct hash h, back;
	char hex[HASH_HEX + 1];

	hash_of("abc", 3, &h);
	ck_assert_str_eq(hash_hex(&h, hex), abc);
	ck_assert(hash_parse(abc, 64, &back));
	ck_assert(hash_equal(&h, &back));
	ck_assert(!hash_parse(abc, 63, &back));
	hex[5] = 'A';
	ck_assert(!hash_parse(hex, 64, &back));
	ck_assert(!hash_is_zero(&h));
	ck_assert(hash_is_zero(&hash_zero));
}
END_TEST

START_TEST(test_path)
{
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".",
		"..", "a/..", "../a", "a/./b", "./a" };
	char deep[600], wide[MANIFEST_NAME_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(path_check(bad[i], strlen(bad[i])) != NULL,
		    "%s", bad[i]);
	ck_assert_ptr_null(path_check("...", 3));
	ck_assert_ptr_null(path_check("a/.b", 4));
	ck_assert_ptr_nonnull(path_check("a\0b", 3));
	memset(wide, 'w', sizeof(wide));
	ck_assert_ptr_null(path_check(wide, MANIFEST_NAME_MAX));
	ck_assert_ptr_nonnull(path_check(wide, MANIFEST_NAME_MAX + 1));
	for (i = 0; i < sizeof(deep); i++)
		deep[i] = i % 2 == 0 ? 'a' : '/';
	ck_assert_ptr_null(path_check(deep, 2 * MANIFEST_DEPTH_MAX - 1));
	ck_assert_ptr_nonnull(path_check(deep, 2 * MANIFEST_DEPTH_MAX + 1));
	/* What is below a directory follows it at once. */
	ck_assert_int_lt(path_cmp("a", "a/b"), 0);
	ck_assert_int_lt(path_cmp("a/b", "a-b"), 0);
	ck_assert_int_lt(path_cmp("a/b", "a\001"), 0);
	ck_assert_int_gt(path_cmp("a\xff", "ab"), 0);
	ck_assert_int_eq(path_cmp("a/b", "a/b"), 0);
}
END_TEST

/* Names of every byte, all kinds, attributes: text and back. */
START_TEST(test_round_trip)
{
	static const uint8_t acl[] = { 2, 0, 0, 0, '-', ',', '=', 0xff };
	struct entry_xattr x[] = {
		{ "system.posix_acl_access", acl, sizeof(acl) },
		{ "user.=,% -", "-", 1 }, { "user.empty", "", 0 } };
	char all[256], error[MANIFEST_ERROR_MAX];
	struct tree *t = tree_new(), *back;
	struct manifest_text m = { .text = NULL }, again = { .text = NULL };
	struct manifest_header h;
	struct delta *d;
	struct entry e;
	size_t i, n = 0;

	for (i = 1; i < 256; i++)
		if (i != '/')
			all[n++] = (char)i;
	all[n] = '\0';
	put(t, "-", 'f');
	put(t, "dir", 'd');
	put(t, "dir/link", 'l');
	e = named("dir/odd", 'f');
	e.xattrs = x;
	e.nxattrs = 3;
	e.user = "-";
	e.group = "";
	e.mtime_ns = -1;
	e.mode = 07777;
	e.link = 3;
	ck_assert_ptr_null(tree_put(t, &e));
	put(t, all, 'f');
	put(t, "dir!", 'd');
	ck_assert_ptr_null(tree_check(t));
	ck_assert(manifest_write_full(&m, &head1, t));
	ck_assert_msg(manifest_read(m.text, m.len, &h, &back, &d, NULL,
	    error), "%s", error);
	ck_assert_ptr_null(d);
	same_tree(t, back);
	ck_assert(h.full);
	ck_assert_uint_eq(h.epoch.term, 7);
	ck_assert(manifest_write_full(&again, &h, back));
	ck_assert_uint_eq(again.len, m.len);
	ck_assert_mem_eq(again.text, m.text, m.len);
	tree_free(t);
	tree_free(back);
	manifest_text_free(&m);
	manifest_text_free(&again);
}
END_TEST

#define D16	"0123456789abcdef"
#define HEX	D16 D16 D16 D16
#define Z16	"0000000000000000"
#define ZERO	Z16 Z16 Z16 Z16
#define HEAD(kind, e, b, l) "vipair manifest 1\npair vpn\nterm 1\nnode 0\n" \
	"generation 1\nprevious " ZERO "\ntime 1\nkind " kind "\nentries " e \
	"\nbytes " b "\nlines " l "\n"
#define FULL1	HEAD("full", "1", "3", "1")
#define FULL2	HEAD("full", "2", "0", "2")
#define DIR(p)	"d 0755 0 0 - - 0 1 - 0 - " p "\n"

static const char *const refused[] = {
	"", "vipair manifest 2\n", HEAD("full", "1", "3", "1"),
	HEAD("half", "0", "0", "0"), HEAD("full", "1", "0", "0"),
	HEAD("full", "99999999", "0", "99999999"),
	HEAD("full", "00", "0", "0"), HEAD("full", "0", "1", "0"),
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a",	/* no end */
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a\n\n",	/* more */
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 -  a\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - /a\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a/../b\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - ..\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - %61\n",	/* needless */
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a%0a\n",	/* lower case */
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a%00\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a%0\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - x/a\n",	/* no parent */
	FULL1 "f 644 0 0 - - 3 1 " HEX " 0 - a\n",
	FULL1 "f 10644 0 0 - - 3 1 " HEX " 0 - a\n",
	FULL1 "f 0644 00 0 - - 3 1 " HEX " 0 - a\n",
	FULL1 "f 0644 4294967295 0 - - 3 1 " HEX " 0 - a\n",
	FULL1 "f 0644 0 0 - - 03 1 " HEX " 0 - a\n",
	FULL1 "f 0644 0 0 - - -3 1 " HEX " 0 - a\n",
	FULL1 "f 0644 0 0 - - 4 1 " HEX " 0 - a\n",	/* sums */
	FULL1 "f 0644 0 0 - - 3 -0 " HEX " 0 - a\n",
	FULL1 "f 0644 0 0 - - 3 1 " ZERO " 0 - a\n",
	FULL1 "f 0644 0 0 - - 3 1 ../../etc/passwd 0 - a\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 user.a=1,user.a=2 a\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 user.a=- a\n",
	FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 user.a a\n",
	FULL1 "q 0644 0 0 - - 3 1 " HEX " 1 - a\n",
	FULL1 "l 0777 0 0 - - 3 1 >ab 0 - a\n",
	FULL1 "l 0777 0 0 - - 0 1 > 0 - a\n",
	FULL1 "d 0755 0 0 - - 3 1 - 0 - a\n",
	FULL1 "c 0644 0 0 - - 3 1 " HEX " 0 - a\n",	/* a device */
	FULL1 "+f 0644 0 0 - - 3 1 " HEX " 0 - a\n",
	FULL2 DIR("b") DIR("a"), FULL2 DIR("a") DIR("a"),
	FULL2 DIR("a") DIR("b/c"), FULL2 DIR("a-b") DIR("a/b"),
	HEAD("delta", "0", "0", "1") "a\n",
	HEAD("delta", "0", "0", "1") "-../a\n",
	HEAD("delta", "0", "0", "1") "-\n",
	HEAD("delta", "0", "0", "2") "-b\n-a\n",
	HEAD("delta", "0", "0", "2") "-a\n-a\n",
};

START_TEST(test_refused)
{
	char error[MANIFEST_ERROR_MAX];
	struct manifest_header h;
	struct delta *d;
	struct tree *t;
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ck_assert_msg(!manifest_read(refused[i], strlen(refused[i]),
		    &h, &t, &d, NULL, error), "number %zu: %s", i,
		    refused[i]);
		ck_assert_msg(strncmp(error, "manifest line ", 14) == 0, "%s",
		    error);
		ck_assert_ptr_null(t);
		ck_assert_ptr_null(d);
	}
	/* The same, right: so that each is refused for its own reason. */
	static const char good[] = FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a\n";
	ck_assert(manifest_read(good, sizeof(good) - 1, &h, &t, &d, NULL,
	    error));
	tree_free(t);
}
END_TEST

START_TEST(test_error_line)
{
	static const char text[] = FULL2 DIR("a") DIR("b/..");
	char error[MANIFEST_ERROR_MAX];
	struct manifest_header h;
	struct delta *d;
	struct tree *t;

	ck_assert(!manifest_read(text, sizeof(text) - 1, &h, &t, &d, NULL,
	    error));
	ck_assert_str_eq(error,
	    "manifest line 13: path has a component \"..\"");
}
END_TEST

START_TEST(test_limits)
{
	static const char text[] = FULL2 DIR("a") DIR("b");
	const struct manifest_limits entries = { .entries = 1 },
	    bytes = { .bytes = 2 }, size = { .text = 100 };
	static const char file[] = FULL1 "f 0644 0 0 - - 3 1 " HEX " 0 - a\n";
	char error[MANIFEST_ERROR_MAX], *line;
	struct manifest_reader *r;
	struct manifest_events none = { .arg = NULL };
	struct manifest_header h;
	struct delta *d;
	struct tree *t;

	ck_assert(!manifest_read(text, sizeof(text) - 1, &h, &t, &d, &entries,
	    error));
	ck_assert(!manifest_read(text, sizeof(text) - 1, &h, &t, &d, &size,
	    error));
	ck_assert(!manifest_read(file, sizeof(file) - 1, &h, &t, &d, &bytes,
	    error));
	/* A line without end costs no more than its limit. */
	r = manifest_reader_new(&none, NULL);
	line = calloc(1, MANIFEST_LINE_MAX + 1);
	memset(line, 'v', MANIFEST_LINE_MAX + 1);
	ck_assert(!manifest_feed(r, line, MANIFEST_LINE_MAX + 1));
	ck_assert(!manifest_feed(r, "\n", 1));
	ck_assert(!manifest_end(r));
	manifest_reader_free(r);
	free(line);
}
END_TEST

/* In pieces of every size. */
START_TEST(test_pieces)
{
	static const char text[] = FULL2 DIR("a") DIR("b");
	struct manifest_events none = { .arg = NULL };
	struct manifest_reader *r;
	size_t at, n, len = sizeof(text) - 1;

	for (n = 1; n < len; n++) {
		r = manifest_reader_new(&none, NULL);
		for (at = 0; at < len; at += n)
			ck_assert(manifest_feed(r, text + at,
			    len - at < n ? len - at : n));
		ck_assert(manifest_end(r));
		manifest_reader_free(r);
	}
}
END_TEST

START_TEST(test_apply)
{
	struct tree *t = tree_new();
	struct delta *d = delta_new();
	struct entry e;

	put(t, "a", 'd');
	put(t, "a/b", 'd');
	put(t, "a/b/c", 'f');
	put(t, "z", 'f');
	ck_assert_ptr_null(delta_drop(d, "none"));
	ck_assert_ptr_nonnull(tree_apply(t, d));
	delta_clear(d);
	ck_assert_ptr_null(delta_drop(d, "a/b"));	/* c stays */
	ck_assert_ptr_nonnull(tree_apply(t, d));
	e = named("a/b", 'l');				/* under c */
	ck_assert_ptr_null(delta_put(d, &e));
	ck_assert_ptr_nonnull(tree_apply(t, d));
	delta_clear(d);
	e = named("z/y", 'f');				/* z is a file */
	ck_assert_ptr_null(delta_put(d, &e));
	ck_assert_ptr_nonnull(tree_apply(t, d));
	e = named("z", 'd');				/* now it is not */
	ck_assert_ptr_null(delta_put(d, &e));
	ck_assert_ptr_null(tree_apply(t, d));
	delta_clear(d);
	ck_assert_ptr_null(delta_drop(d, "a"));		/* and put below */
	ck_assert_ptr_null(delta_drop(d, "a/b"));
	ck_assert_ptr_null(delta_drop(d, "a/b/c"));
	e = named("a/n", 'f');
	ck_assert_ptr_null(delta_put(d, &e));
	ck_assert_ptr_nonnull(tree_apply(t, d));
	ck_assert_ptr_null(delta_drop(d, "z/y"));
	ck_assert_ptr_null(delta_drop(d, "z"));
	ck_assert_ptr_nonnull(tree_apply(t, d));
	ck_assert_uint_eq(tree_count(t), 5);
	ck_assert_ptr_null(tree_check(t));
	delta_free(d);
	tree_free(t);
}
END_TEST

static struct tree *
random_tree(void)
{
	struct tree *t = tree_new();
	char path[32];
	struct entry e;
	int i, k;

	for (i = 0; i < 12; i++) {
		if (rand() % 3 == 0)
			continue;
		snprintf(path, sizeof(path), "d%d", i);
		put(t, path, 'd');
		for (k = 0; k < 12; k++) {
			if (rand() % 2 == 0)
				continue;
			snprintf(path, sizeof(path), "d%d/%c%d", i,
			    "-f/"[rand() % 2], k);
			e = named(path, 'f');
			e.mode = (uint16_t)(rand() % 4);
			e.size = (uint64_t)(rand() % 3);
			ck_assert_ptr_null(tree_put(t, &e));
		}
	}
	return t;
}

/* old + diff(old, new) = new, also by way of text. */
START_TEST(test_diff)
{
	char error[MANIFEST_ERROR_MAX];
	struct manifest_text m = { .text = NULL };
	struct manifest_header h = head1, got;
	struct delta *d, *read;
	struct tree *a, *b, *none;
	int i;

	srand(4711);
	h.generation = 2;
	hash_of("x", 1, &h.previous);
	for (i = 0; i < 500; i++) {
		a = random_tree();
		b = random_tree();
		ck_assert_ptr_null(tree_check(b));
		d = tree_diff(a, b);
		ck_assert(manifest_write_delta(&m, &h, b, d));
		ck_assert_msg(manifest_read(m.text, m.len, &got, &none, &read,
		    NULL, error), "%s", error);
		ck_assert_uint_eq(delta_count(read), delta_count(d));
		ck_assert_ptr_null(tree_apply(a, read));
		same_tree(a, b);
		delta_free(d);
		delta_free(read);
		tree_free(a);
		tree_free(b);
	}
	manifest_text_free(&m);
}
END_TEST

static void
grow(struct history_list *h, uint32_t term, uint32_t node, uint64_t first,
    const char *parent)
{
	struct history_item i = { { term, node }, first, hash_zero };

	if (first > 1)
		hash_of(parent, strlen(parent), &i.parent);
	ck_assert(history_add(h, &i));
}

START_TEST(test_kin)
{
	static struct history_list a, b;
	struct position pa = { { 1, 0 }, 10, hash_zero }, pb = pa,
	    empty = { .generation = 0 };
	uint64_t fork;

	hash_of("a10", 3, &pa.head);
	pb.head = pa.head;
	grow(&a, 1, 0, 1, "");
	grow(&b, 1, 0, 1, "");
	ck_assert_int_eq(position_kin(&pa, &a, &pb, &b, &fork), KIN_SAME);
	pb.generation = 8;
	hash_of("a8", 2, &pb.head);
	ck_assert_int_eq(position_kin(&pa, &a, &pb, &b, &fork), KIN_AHEAD);
	ck_assert_int_eq(position_kin(&pb, &b, &pa, &a, &fork), KIN_BEHIND);
	ck_assert_uint_eq(fork, 8);
	ck_assert_int_eq(position_kin(&empty, &b, &pa, &a, &fork),
	    KIN_BEHIND);
	/* b took over after 8, a went on to 10. */
	grow(&b, 2, 1, 9, "a8");
	pb = (struct position){ { 2, 1 }, 9, hash_zero };
	hash_of("b9", 2, &pb.head);
	ck_assert_int_eq(position_kin(&pa, &a, &pb, &b, &fork), KIN_FORKED);
	ck_assert_uint_eq(fork, 8);
	/* Both took over: terms 2 and 3. */
	grow(&a, 3, 0, 11, "a10");
	pa.generation = 12;
	hash_of("a12", 3, &pa.head);
	ck_assert_int_eq(position_kin(&pb, &b, &pa, &a, &fork), KIN_FORKED);
	ck_assert_uint_eq(fork, 8);
	b.item[0].epoch.node = 1;
	ck_assert_int_eq(position_kin(&pb, &b, &pa, &a, &fork),
	    KIN_STRANGERS);
	ck_assert_ptr_null(history_check(&a));
	a.item[1].first = 1;
	ck_assert_ptr_nonnull(history_check(&a));
}
END_TEST

static double
cpu_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* One change among 100 000 entries: printed, not judged. */
START_TEST(test_cost)
{
	struct store *s;
	struct store_commit c;
	struct tree *t = tree_new();
	struct delta *d;
	struct entry e;
	char path[32];
	double began;
	int i;

	kit_begin();
	s = kit_open();
	ok(s, store_epoch_raise(s, &kit_epoch));
	e = kit_file(s, "one", "content");
	for (i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "f%06d", i);
		e.path = path;
		ck_assert_ptr_null(tree_put(t, &e));
	}
	began = cpu_ms();
	ok(s, store_publish(s, &kit_epoch, kit_now, NULL, t, &c));
	printf("100 000 entries: full %.1f ms CPU, ", cpu_ms() - began);
	began = cpu_ms();
	for (i = 0; i < 50; i++) {
		d = delta_new();
		snprintf(path, sizeof(path), "f%06dx", i);
		e = kit_file(s, path, path);
		ck_assert_ptr_null(delta_put(d, &e));
		ok(s, store_publish(s, &kit_epoch, kit_now, d, NULL, &c));
		ck_assert(!c.full);
		delta_free(d);
	}
	printf("one change %.3f ms CPU\n", (cpu_ms() - began) / 50);
	tree_free(t);
	store_close(s);
	kit_end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_manifest");
	TCase *t = tcase_create("store_manifest");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_hash);
	tcase_add_test(t, test_path);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_error_line);
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_pieces);
	tcase_add_test(t, test_apply);
	tcase_add_test(t, test_diff);
	tcase_add_test(t, test_kin);
	tcase_add_test(t, test_cost);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
