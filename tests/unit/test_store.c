/* SPDX-License-Identifier: ISC */

/* The store as its users see it; the invariants of the data path. */

#include <sys/stat.h>

#include "retain.h"
#include "store_kit.h"

static const struct epoch second = { .term = 2, .node = 1 };

static unsigned int
count_objects(struct store *s)
{
	struct store_usage u;

	ok(s, store_usage(s, &u));
	return (unsigned int)u.objects;
}

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
	ck_assert_uint_eq(count_objects(s), 1);
	ok(s, put_open(&p, s, PUT_DURABLE, &want, 5));
	ok(s, put_write(p, "HELLO", 5));
	ck_assert_int_eq(put_commit(p, &h, NULL), STORE_HASH);
	ok(s, put_open(&p, s, PUT_DURABLE, &want, 5));
	ck_assert_int_eq(put_write(p, "hello!", 6), STORE_HASH);
	ck_assert_int_eq(put_commit(p, &h, NULL), STORE_HASH);
	ck_assert_uint_eq(count_objects(s), 1);
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
	ck_assert_uint_eq(count_objects(o.s), 2 * KIT_FILES);
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

static void
whole_round(struct store *s, uint32_t keep, struct store_upkeep *sum)
{
	const struct store_retention r = { .keep = keep };
	struct store_upkeep u = { .done = false };
	unsigned int i;

	*sum = (struct store_upkeep){ .done = false };
	for (i = 0; i < 100000 && !u.done; i++) {
		ok(s, store_upkeep(s, &r, kit_now, 16, &u));
		sum->thinned += u.thinned;
		sum->manifests += u.manifests;
		sum->objects += u.objects;
		sum->branches += u.branches;
	}
	ck_assert(u.done);
}

/* I4: what age keeps can be loaded; what it does not is gone. */
START_TEST(test_retention)
{
	struct store *s = kit_open();
	const int64_t second_ns = 1000000000;
	struct store_generation g;
	struct store_branch b;
	struct store_upkeep u;
	uint64_t cursor = 0;
	unsigned int i, complete = 0;
	struct tree *t;
	int64_t start;

	store_clock_hook = kit_clock;
	ok(s, store_epoch_raise(s, &kit_epoch));
	start = kit_now;
	/* Two a minute for three hours. */
	for (i = 1; i <= 360; i++) {
		kit_now = start + (int64_t)i * 30 * second_ns;
		kit_publish(s, i);
	}
	kit_now = start + 3 * 3600 * second_ns;
	whole_round(s, 5, &u);
	ck_assert_uint_eq(u.thinned, 119);
	while (store_list(s, &cursor, &g)) {
		if (!g.complete)
			continue;
		complete++;
		ok(s, store_load_tree(s, g.generation, &t));
		ck_assert_int_eq(kit_state(s, t), (int)g.generation);
		tree_free(t);
	}
	ck_assert_uint_eq(complete, 241);
	ck_assert_uint_eq(count_objects(s), 241 * KIT_FILES);
	/* A branch keeps its own, for thirty days. */
	ok(s, store_park(s, 350, "test", kit_now, &b));
	kit_now += (int64_t)8 * 86400 * second_ns;
	whole_round(s, 5, &u);
	ok(s, store_branch_tree(s, b.name, &t));
	ck_assert_int_eq(kit_state(s, t), 360);
	tree_free(t);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 350);
	ck_assert_uint_eq(count_objects(s), (5 + 10) * KIT_FILES);
	kit_now += (int64_t)30 * 86400 * second_ns;
	whole_round(s, 5, &u);
	ck_assert_uint_eq(u.branches, 1);
	ck_assert_uint_eq(count_objects(s), 5 * KIT_FILES);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 350);
	store_close(s);
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 350);
	store_close(s);
	kit_now = start;
	store_clock_hook = NULL;
}
END_TEST

/* The chain's file does not grow for ever; what has a text stays listed. */
START_TEST(test_compact)
{
	struct store *s = kit_open();
	struct store_generation g;
	struct store_upkeep u;
	uint64_t cursor = 0;
	struct chain c;
	unsigned int i, n = 0;
	int64_t start = kit_now;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 300; i++)
		kit_publish(s, i);
	store_clock_hook = kit_clock;
	kit_now += INT64_C(20) * 86400 * 1000000000;
	whole_round(s, 3, &u);
	ck_assert_uint_eq(u.thinned, 297);
	ck_assert_uint_gt(u.manifests, 0);
	ck_assert_int_eq(chain_open(&c, kit_dir, "chain", true), 0);
	ok(s, retain_compact(s, &c, 10));
	ck_assert_uint_eq(c.n, 300);
	chain_close(&c);
	while (store_list(s, &cursor, &g))
		n += g.manifest || g.generation > 290;
	ck_assert_uint_lt(n, 300);
	store_unlock(s);
	ok(s, store_lock(s));
	ck_assert_int_eq(kit_state(s, store_tree(s)), 300);
	kit_publish(s, 301);
	store_close(s);
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 301);
	store_close(s);
	kit_now = start;
	store_clock_hook = NULL;
}
END_TEST

/* What was put, but not yet committed, stays; and what a commit under way
 * of a collection brings. */
START_TEST(test_collect_beside)
{
	const struct store_retention keep = { .keep = 1 };
	struct store *s = kit_open();
	struct store_upkeep u = { .done = false };
	int64_t start = kit_now;
	unsigned int i, n = 10;
	struct hash h;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i < n; i++)
		kit_publish(s, i);
	store_clock_hook = kit_clock;
	kit_now += INT64_C(20) * 86400 * 1000000000;
	ok(s, store_put(s, PUT_DURABLE, "waiting", 7, &h));
	for (i = 0; !u.done && i < 100000; i++) {
		ok(s, store_upkeep(s, &keep, kit_now, 1, &u));
		if (i % 16 == 3) {
			kit_publish(s, n++);
			ok(s, store_put(s, PUT_DURABLE, "waiting", 7, &h));
		}
	}
	ck_assert(store_has(s, &h));
	ck_assert_int_eq(kit_state(s, store_tree(s)), (int)n - 1);
	store_close(s);
	kit_now = start;
	store_clock_hook = NULL;
}
END_TEST

START_TEST(test_scrub)
{
	struct store *s = kit_open();
	struct store_scrub r;
	const struct entry *e;
	char path[200], hex[HASH_HEX + 1];
	unsigned int bad = 0, calls = 0;
	struct hash h;
	int fd;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	e = tree_find(store_tree(s), "d/f3");
	h = e->object;
	hash_hex(&h, hex);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", kit_path, hex, hex);
	ck_assert_int_eq(chmod(path, 0640), 0);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "X", 1, 3), 1);
	close(fd);
	do {
		ok(s, store_scrub(s, 1, &r));
		bad += r.nbad;
		if (r.nbad > 0)
			ck_assert(hash_equal(&r.bad[0], &h));
		calls++;
	} while (!r.done && calls < 1000);
	ck_assert_uint_eq(bad, 1);
	ck_assert_uint_ge(calls, KIT_FILES);
	ck_assert(!store_has(s, &h));
	ok(s, store_put(s, PUT_DURABLE, "state 1 of file 3", 17, &h));
	ck_assert_int_eq(kit_state(s, store_tree(s)), 1);
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

static void
scribble(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", kit_path, name);
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "Z", 1, 20), 1);
	close(fd);
}

/* I6: what does not verify is not opened as good, and can be repaired. */
START_TEST(test_damage)
{
	static const char *const name[] = { "HEAD", "history", "EPOCH" };
	struct store *s = kit_open();
	struct epoch e;
	uint64_t lost;
	size_t i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	store_close(s);
	for (i = 0; i < 3; i++) {
		scribble(name[i]);
		(void)store_open(&s, kit_dir, "vpn", false);
		if (i < 2)
			ck_assert_int_eq(store_lock(s), STORE_DAMAGED);
		else {
			ok(s, store_lock(s));
			ck_assert_int_eq(store_epoch(s, &e), STORE_DAMAGED);
		}
		ok(s, store_repair(s, &lost));
		ck_assert_uint_eq(lost, 0);
		ck_assert_int_eq(kit_state(s, store_tree(s)), 2);
		ok(s, store_epoch(s, &e));
		ck_assert_uint_eq(e.term, 1);
		store_close(s);
	}
	/* The chain is made anew without a word. */
	scribble("chain");
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 2);
	store_close(s);
}
END_TEST

START_TEST(test_damage_object)
{
	struct store *s = kit_open();
	const struct entry *e;
	char path[200], hex[HASH_HEX + 1];
	uint64_t lost;

	ok(s, store_epoch_raise(s, &kit_epoch));
	kit_publish(s, 1);
	kit_publish(s, 2);
	e = tree_find(store_tree(s), "d/f0");
	hash_hex(&e->object, hex);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", kit_path, hex, hex);
	ck_assert_int_eq(unlink(path), 0);
	ok(s, store_repair(s, &lost));
	ck_assert_uint_eq(lost, 1);
	ck_assert_int_eq(kit_state(s, store_tree(s)), 1);
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
	tcase_add_test(t, test_receive);
	tcase_add_test(t, test_receive_hostile);
	tcase_add_test(t, test_park);
	tcase_add_test(t, test_park_all);
	tcase_add_test(t, test_jump);
	tcase_add_test(t, test_retention);
	tcase_add_test(t, test_compact);
	tcase_add_test(t, test_collect_beside);
	tcase_add_test(t, test_scrub);
	tcase_add_test(t, test_quota);
	tcase_add_test(t, test_damage);
	tcase_add_test(t, test_damage_object);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
