/* SPDX-License-Identifier: ISC */

/* The table of what was taken, and the set of what changed. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "take.h"

static struct known k;

static void
begin(void)
{
	ck_assert(known_init(&k));
}

static void
end(void)
{
	known_free(&k);
}

static struct node *
add(struct node *parent, const char *name)
{
	struct node *n = known_add(&k, parent, name, strlen(name));

	ck_assert_ptr_nonnull(n);
	return n;
}

START_TEST(finds_by_path)
{
	char path[MANIFEST_PATH_MAX + 1];
	struct node *a = add(k.base, "a"), *b = add(a, "b\n\377");

	ck_assert_ptr_eq(known_find(&k, "a/b\n\377"), b);
	ck_assert_ptr_eq(known_find(&k, "a"), a);
	ck_assert_ptr_eq(known_find(&k, ""), k.base);
	ck_assert_ptr_null(known_find(&k, "a/b"));
	ck_assert_ptr_null(known_find(&k, "b\n\377"));
	ck_assert(known_path(b, path));
	ck_assert_str_eq(path, "a/b\n\377");
	ck_assert(known_path(k.base, path));
	ck_assert_str_eq(path, "");
}
END_TEST

START_TEST(a_path_has_a_limit)
{
	char path[MANIFEST_PATH_MAX + 1], name[256];
	struct node *n = k.base;
	int i;

	(void)memset(name, 'x', sizeof(name));
	name[255] = '\0';
	for (i = 0; i < 15; i++)
		n = add(n, name);
	ck_assert(known_path(n, path));
	n = add(n, name);
	ck_assert(known_path(n, path));	/* 16 * 255 + 15 = 4095 */
	n = add(n, "y");
	ck_assert(!known_path(n, path));
}
END_TEST

/* Through several growths of the tables, with removals in between. */
START_TEST(many)
{
	char name[32];
	struct node *dir, *n;
	int i, j, found = 0;

	for (i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "d%d", i);
		dir = add(k.base, name);
		for (j = 0; j < 200; j++) {
			(void)snprintf(name, sizeof(name), "f%d", j);
			n = add(dir, name);
			n->id.ino = (uint64_t)(i * 100 + j / 2);
			n->id.dev = 3;
			known_list_inode(&k, n);
		}
	}
	ck_assert_uint_eq(k.count, 50 * 201);
	for (i = 0; i < 50; i++)
		for (j = 1; j < 200; j += 2) {
			(void)snprintf(name, sizeof(name), "d%d/f%d", i, j);
			n = known_find(&k, name);
			ck_assert_ptr_nonnull(n);
			known_remove(&k, n);
		}
	ck_assert_ptr_null(known_find(&k, "d49/f3"));
	ck_assert_ptr_nonnull(known_find(&k, "d49/f2"));
	n = NULL;
	while ((n = known_inode(&k, 3, 150, n)) != NULL)
		found++;
	ck_assert_int_eq(found, 1);
	ck_assert_ptr_null(known_inode(&k, 4, 150, NULL));
}
END_TEST

START_TEST(hard_links_are_found_by_inode)
{
	struct node *a = add(k.base, "a"), *b = add(k.base, "b");
	struct node *n;
	int found = 0;

	a->id.ino = b->id.ino = 7;
	known_list_inode(&k, a);
	known_list_inode(&k, b);
	known_list_inode(&k, b);
	for (n = NULL; (n = known_inode(&k, 0, 7, n)) != NULL; found++)
		continue;
	ck_assert_int_eq(found, 2);
	a->gone = true;
	ck_assert_ptr_eq(known_inode(&k, 0, 7, NULL), b);
	known_unlist_inode(&k, b);
	ck_assert_ptr_null(known_inode(&k, 0, 7, NULL));
}
END_TEST

START_TEST(pending_is_a_list)
{
	struct node *a = add(k.base, "a"), *b = add(k.base, "b");

	known_pend(&k, a, NULL);
	known_pend(&k, b, calloc(1, sizeof(struct entry)));
	known_pend(&k, b, calloc(1, sizeof(struct entry)));
	ck_assert_uint_eq(k.npending, 2);
	ck_assert_ptr_eq(k.pending, b);
	known_unpend(&k, a);
	ck_assert_ptr_eq(k.pending, b);
	ck_assert_ptr_null(b->pend_next);
	known_remove(&k, b);
	ck_assert_ptr_null(k.pending);
	ck_assert_uint_eq(k.npending, 0);
}
END_TEST

START_TEST(dirty_is_an_ordered_set)
{
	struct dirty *d = malloc(sizeof(*d));
	struct dirty_path *p;
	char name[16];
	int i;

	ck_assert_ptr_nonnull(d);
	dirty_init(d);
	for (i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "p%d", i % 1500);
		ck_assert(dirty_add(d, name));
	}
	ck_assert_uint_eq(d->n, 1500);
	for (i = 0; i < 1500; i++) {
		(void)snprintf(name, sizeof(name), "p%d", i);
		p = dirty_take(d);
		ck_assert_str_eq(p->path, name);
		free(p);
	}
	ck_assert_ptr_null(dirty_take(d));
	ck_assert(dirty_add(d, "x"));
	dirty_free(d);
	ck_assert_uint_eq(d->n, 0);
	for (i = 0; i < DIRTY_MAX; i++) {
		(void)snprintf(name, sizeof(name), "p%d", i);
		ck_assert(dirty_add(d, name));
	}
	ck_assert(dirty_add(d, "p0"));
	ck_assert(!dirty_add(d, "one more"));
	dirty_free(d);
	free(d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("capture_known");
	TCase *t = tcase_create("known");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, finds_by_path);
	tcase_add_test(t, a_path_has_a_limit);
	tcase_add_test(t, many);
	tcase_add_test(t, hard_links_are_found_by_inode);
	tcase_add_test(t, pending_is_a_list);
	tcase_add_test(t, dirty_is_an_ordered_set);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
