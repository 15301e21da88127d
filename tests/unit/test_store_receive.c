/* SPDX-License-Identifier: ISC */

/* What came from a partner, and what becomes of a fork. */

#include <sys/stat.h>

#include "store_kit.h"

static const struct epoch second = { .term = 2, .node = 1 };

struct other {
	char		path[80];
	int		dir;
	struct store	*s;
};

static struct other
open_other(void)
{
	struct other o = { .dir = -1 };

	snprintf(o.path, sizeof(o.path), "%s-b", kit_path);
	ck_assert_int_eq(mkdir(o.path, 0700), 0);
	o.dir = open(o.path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(store_open(&o.s, o.dir, "vpn", true), STORE_OK);
	ok(o.s, store_lock(o.s));
	return o;
}

static void
close_other(struct other *o)
{
	store_close(o->s);
	(void)close(o->dir);
	kit_remove(o->path);
}

/* Text of a generation, free() it. */
static char *
text_of(struct store *s, uint64_t generation, size_t *len)
{
	uint64_t size;
	int fd = store_manifest(s, generation, &size);
	char *text;

	ck_assert_int_ge(fd, 0);
	text = malloc(size + 1);
	ck_assert_int_eq(read(fd, text, size), (ssize_t)size);
	(void)close(fd);
	*len = size;
	return text;
}

static enum store_result
receive(struct store *from, struct store *to, uint64_t generation)
{
	enum store_result r;
	size_t len;
	char *text = text_of(from, generation, &len);

	r = store_receive(to, text, len);
	free(text);
	return r;
}

static void
send_missing(struct store *from, struct store *to)
{
	uint64_t got, size;
	struct hash h, is;
	struct put *p;
	size_t i = 0;
	int fd;

	while (store_missing(to, &i, &h, &size)) {
		fd = store_object(from, &h, NULL);
		ck_assert_int_ge(fd, 0);
		ok(to, put_open(&p, to, PUT_DURABLE, &h, size));
		ok(to, put_from_fd(p, fd, UINT64_MAX, &got));
		ok(to, put_commit(p, &is, NULL));
		(void)close(fd);
	}
}

static void
ship(struct store *from, struct store *to, uint64_t generation,
    const struct epoch *e)
{
	struct store_commit c;

	ok(to, store_epoch_raise(to, e));
	ok(to, receive(from, to, generation));
	send_missing(from, to);
	ok(to, store_commit(to, e, &c));
}

START_TEST(test_receive)
{
	struct store *a = kit_open();
	struct other o = open_other();
	struct store_commit c;
	struct tree *t;

	ok(a, store_epoch_raise(a, &kit_epoch));
	kit_publish(a, 1);
	ok(o.s, receive(a, o.s, 1));
	/* The sender's epoch must be stored first, then the objects be here. */
	ck_assert_int_eq(store_commit(o.s, &kit_epoch, &c), STORE_REFUSED);
	ok(o.s, store_epoch_raise(o.s, &kit_epoch));
	ok(o.s, receive(a, o.s, 1));
	ck_assert_int_eq(store_commit(o.s, &kit_epoch, &c), STORE_MISSING);
	send_missing(a, o.s);
	ok(o.s, store_commit(o.s, &kit_epoch, &c));
	ck_assert(position_equal(&store_head(a)->position, &c.position));
	/* Idempotent. */
	ok(o.s, receive(a, o.s, 1));
	ok(o.s, store_commit(o.s, &kit_epoch, &c));
	ck_assert(position_equal(&store_head(a)->position, &c.position));
	kit_publish(a, 2);
	kit_publish(a, 3);
	kit_publish(a, 4);
	/* F4: nothing but what follows. */
	ck_assert_int_eq(receive(a, o.s, 3), STORE_FORK);
	/* Several at once: only the last one's objects travel. */
	ok(o.s, receive(a, o.s, 2));
	ok(o.s, receive(a, o.s, 3));
	ok(o.s, receive(a, o.s, 4));
	send_missing(a, o.s);
	ok(o.s, store_commit(o.s, &kit_epoch, &c));
	ck_assert(position_equal(&store_head(a)->position, &c.position));
	ck_assert_int_eq(kit_state(o.s, store_tree(o.s)), 4);
	ck_assert_uint_eq(kit_objects(o.s), 2 * KIT_FILES);
	ok(o.s, store_load_tree(o.s, 3, &t));
	tree_free(t);
	close_other(&o);
	store_close(a);
}
END_TEST

START_TEST(test_receive_hostile)
{
	struct store *a = kit_open();
	struct other o = open_other();
	struct store_commit c;
	size_t i, len;
	char *text;

	ok(a, store_epoch_raise(a, &kit_epoch));
	kit_publish(a, 1);
	kit_publish(a, 2);
	ship(a, o.s, 1, &kit_epoch);
	text = text_of(a, 2, &len);
	/* Cut anywhere: refused. */
	for (i = 0; i < len; i++)
		ck_assert_int_eq(store_receive(o.s, text, i), STORE_REFUSED);
	ok(o.s, store_receive(o.s, text, len));
	store_receive_abort(o.s);
	/* Another pair's. */
	free(text);
	text = text_of(a, 2, &len);
	*(char *)memmem(text, len, "pair vpn", 8) = 'q';
	ck_assert_int_eq(store_receive(o.s, text, len), STORE_REFUSED);
	free(text);
	ck_assert_int_eq(kit_state(o.s, store_tree(o.s)), 1);
	ok(o.s, store_commit(o.s, &kit_epoch, &c));
	ck_assert_uint_eq(c.position.generation, 1);
	close_other(&o);
	store_close(a);
}
END_TEST

/* I3, I4: a branch is parked, stays loadable, and is never written again. */
START_TEST(test_park)
{
	struct store *s = kit_open();
	struct store_branch b, seen;
	struct store_commit c;
	struct tree *t;
	size_t cursor = 0;
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 6; i++)
		kit_publish(s, i);
	ok(s, store_park(s, 6, "nothing", kit_now, &b));
	ck_assert_str_eq(b.name, "");
	ok(s, store_park(s, 4, "split\n\x1b[31m", kit_now, &b));
	ck_assert_uint_eq(store_head(s)->position.generation, 4);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 4);
	/* I3: this term wrote 5 and 6 already. */
	ck_assert_int_eq(kit_publish_as(s, &kit_epoch, 50, &c), STORE_STALE);
	ok(s, store_epoch_raise(s, &second));
	ok(s, kit_publish_as(s, &second, 50, &c));
	ck_assert(c.full);
	ck_assert_uint_eq(c.position.generation, 5);
	store_close(s);
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 50);
	ck_assert(store_branches(s, &cursor, &seen));
	ck_assert_str_eq(seen.name, b.name);
	ck_assert_uint_eq(seen.fork, 4);
	ck_assert_uint_eq(seen.position.generation, 6);
	ck_assert_str_eq(seen.reason, "split??[31m");
	ck_assert(!store_branches(s, &cursor, &seen));
	ok(s, store_branch_tree(s, b.name, &t));
	ck_assert_int_eq(kit_state(s, t), 6);
	/* Adopting: a new generation with its tree. */
	ok(s, store_adopt(s, b.name));
	ok(s, store_adopting(s, &seen));
	ck_assert_int_eq(store_dismiss(s, b.name), STORE_REFUSED);
	ok(s, store_publish(s, &second, kit_now, NULL, t, &c));
	tree_free(t);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 6);
	ok(s, store_adopt(s, NULL));
	ck_assert_int_eq(store_adopting(s, &seen), STORE_NOTHING);
	ok(s, store_dismiss(s, b.name));
	ck_assert_int_eq(store_branch_tree(s, b.name, &t), STORE_NOTHING);
	ck_assert_int_eq(store_branch_tree(s, "../objects", &t),
	    STORE_NOTHING);
	ck_assert_int_eq(store_dismiss(s, "../HEAD"), STORE_NOTHING);
	store_close(s);
}
END_TEST

START_TEST(test_park_all)
{
	struct store *s = kit_open();
	struct store_branch b;
	struct tree *t;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	ok(s, store_park(s, 0, "reset", kit_now, &b));
	ck_assert_uint_eq(store_head(s)->position.generation, 0);
	ck_assert_uint_eq(store_history(s)->n, 0);
	ok(s, store_branch_tree(s, b.name, &t));
	ck_assert_int_eq(kit_state(s, t), 2);
	tree_free(t);
	store_close(s);
}
END_TEST

START_TEST(test_jump)
{
	struct store *a = kit_open();
	struct other o = open_other();
	struct history_list theirs;
	struct store_branch b;
	struct store_commit c;
	size_t len;
	char *text;

	ok(a, store_epoch_raise(a, &kit_epoch));
	kit_publish(a, 1);
	ship(a, o.s, 1, &kit_epoch);
	kit_publish(a, 2);
	/* A forked one: the next is full. */
	kit_publish(a, 3);
	ok(a, store_park(a, 2, "test", kit_now, &b));
	ok(a, store_epoch_raise(a, &second));
	ok(a, kit_publish_as(a, &second, 30, &c));
	ck_assert(c.full);
	theirs = *store_history(a);
	text = text_of(a, 3, &len);
	ck_assert_int_eq(store_receive(o.s, text, len), STORE_FORK);
	ok(o.s, store_epoch_raise(o.s, &second));
	ok(o.s, store_receive_jump(o.s, text, len, &theirs));
	send_missing(a, o.s);
	ok(o.s, store_commit(o.s, &second, &c));
	ck_assert(position_equal(&c.position, &store_head(a)->position));
	ck_assert_int_eq(kit_state(o.s, store_tree(o.s)), 30);
	ck_assert_uint_eq(store_history(o.s)->n, 2);
	free(text);
	/* Deltas go on from there. */
	ok(a, kit_publish_as(a, &second, 31, &c));
	ship(a, o.s, 4, &second);
	store_unlock(o.s);
	ok(o.s, store_lock(o.s));
	ck_assert_int_eq(kit_state(o.s, store_tree(o.s)), 31);
	/* One whose past is another's must be parked first. */
	ok(o.s, store_epoch_raise(o.s, &(struct epoch){ 3, 1 }));
	ok(o.s, kit_publish_as(o.s, &(struct epoch){ 3, 1 }, 77, &c));
	ok(a, store_epoch_raise(a, &(struct epoch){ 4, 0 }));
	ok(a, store_park(a, 0, "test", kit_now, &b));
	ok(a, kit_publish_as(a, &(struct epoch){ 4, 0 }, 90, &c));
	theirs = *store_history(a);
	text = text_of(a, 1, &len);
	ck_assert_int_ne(store_receive_jump(o.s, text, len, &theirs),
	    STORE_OK);
	free(text);
	close_other(&o);
	store_close(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_receive");
	TCase *t = tcase_create("store_receive");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_begin, kit_end);
	tcase_add_test(t, test_receive);
	tcase_add_test(t, test_receive_hostile);
	tcase_add_test(t, test_park);
	tcase_add_test(t, test_park_all);
	tcase_add_test(t, test_jump);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
