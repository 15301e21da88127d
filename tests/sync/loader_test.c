/* SPDX-License-Identifier: ISC */

/* The loader by example: what is live after a load, and what is not. */

#include <sys/stat.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader_kit.h"

static struct kit *k;

static void
setup(void)
{
	k = kit_new();
}

static void
teardown(void)
{
	kit_free(k);
}

static struct stat
look(const char *path)
{
	char full[8192];
	struct stat st;

	(void)snprintf(full, sizeof(full), "%s/%s", k->base, path);
	ck_assert_msg(lstat(full, &st) == 0, "%s: %s", path,
	    strerror(errno));
	return st;
}

static void
load(void)
{
	enum loader_exit status = kit_run(k, loader_load);

	ck_assert_msg(status == LOADER_DONE, "%d: %s", status, k->l.why);
}

static void
prepare(void)
{
	enum loader_exit status = kit_run(k, loader_prepare);

	ck_assert_msg(status == LOADER_DONE, "%d: %s", status, k->l.why);
}

#define ck_live(path, text) ck_assert_str_eq(kit_get(k, path), text)

static struct tree *
pki(const char *a, const char *b)
{
	struct tree *t = tree_new();

	kit_dir(t, "pki", 0750);
	if (a != NULL)
		kit_text(k, t, "pki/a", a);
	if (b != NULL)
		kit_text(k, t, "pki/b", b);
	return t;
}

START_TEST(test_load_tree)
{
	struct stat st;

	kit_want(k, SYNC_TREE, "pki");
	kit_put(k, "pki/a", "old a");
	kit_put(k, "pki/extra", "old extra");
	kit_put(k, "other", "mine");
	kit_commit(k, pki("new a", "new b"));
	load();
	ck_live("pki/a", "new a");
	ck_live("pki/b", "new b");
	ck_assert(!kit_exists(k, "pki/extra"));
	ck_live("other", "mine");
	st = look("pki/a");
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1700000000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 123456789);
	st = look("pki");
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1700000000);
	ck_assert(!kit_exists(k, ".vipair/journal"));
	ck_assert(!kit_exists(k, ".vipair/next"));
}
END_TEST

/* F5: nothing is deleted. */
START_TEST(test_moved_aside)
{
	char path[256];

	kit_want(k, SYNC_TREE, "pki");
	kit_want(k, SYNC_FILE, "conf/*");
	kit_put(k, "pki/extra", "old extra");
	kit_put(k, "conf/gone", "old conf");
	kit_commit(k, pki("a", NULL));
	load();
	ck_assert(!kit_exists(k, "conf/gone"));
	ck_assert(kit_exists(k, "conf"));
	(void)snprintf(path, sizeof(path), "%s/pki/extra", kit_previous(k));
	ck_live(path, "old extra");
	(void)snprintf(path, sizeof(path), "%s/conf/gone", kit_previous(k));
	ck_live(path, "old conf");
}
END_TEST

/* The clock was set back since: the newest is still the last to go. */
START_TEST(test_moved_aside_later)
{
	char path[256];
	int i;

	kit_want(k, SYNC_TREE, "pki");
	(void)snprintf(path, sizeof(path), "%s/.vipair", k->base);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	for (i = 0; i < LOADER_PREVIOUS_KEPT; i++) {
		(void)snprintf(path, sizeof(path),
		    ".vipair/previous-29991231T23595%dZ-000/f", i);
		kit_put(k, path, "of a time to come");
	}
	kit_put(k, "pki/extra", "an edit");
	kit_commit(k, pki("a", NULL));
	load();
	ck_assert_int_eq(kit_run(k, loader_upkeep), LOADER_DONE);
	(void)snprintf(path, sizeof(path), "%s/pki/extra", kit_previous(k));
	ck_live(path, "an edit");
}
END_TEST

START_TEST(test_never_stays)
{
	struct tree *t = tree_new();

	kit_want(k, SYNC_TREE, "pki");
	kit_want(k, SYNC_NEVER, "pki/local/*");
	kit_want(k, SYNC_NEVER, "*.pid");
	kit_put(k, "pki/local/node.key", "mine");
	kit_put(k, "pki/local.txt", "old");
	kit_put(k, "pki/deep/er/x.pid", "17");
	kit_put(k, "pki/deep/er/y", "old");
	kit_put(k, "pki/gone/z", "old");
	kit_dir(t, "pki", 0700);
	kit_text(k, t, "pki/new", "new");
	kit_dir(t, "pki/deep", 0711);
	kit_commit(k, t);
	load();
	ck_live("pki/local/node.key", "mine");
	ck_live("pki/deep/er/x.pid", "17");
	ck_live("pki/new", "new");
	ck_assert(!kit_exists(k, "pki/local.txt"));
	ck_assert(!kit_exists(k, "pki/deep/er/y"));
	ck_assert(!kit_exists(k, "pki/gone"));
	ck_assert_uint_eq(look("pki").st_mode & 07777, 0700);
	ck_assert_uint_eq(look("pki/deep").st_mode & 07777, 0711);
	ck_assert_int_eq(look("pki/deep").st_mtim.tv_sec, 1700000000);
}
END_TEST

/* never below a name that is a file in the generation: no way to do both. */
START_TEST(test_never_in_the_way)
{
	struct tree *t = tree_new();

	kit_want(k, SYNC_TREE, "pki");
	kit_want(k, SYNC_NEVER, "pki/x/keep");
	kit_put(k, "pki/x/keep", "mine");
	kit_dir(t, "pki", 0755);
	kit_text(k, t, "pki/x", "a file");
	kit_commit(k, t);
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_FAILED);
	ck_assert_ptr_nonnull(strstr(k->l.why, "never copied"));
	ck_live("pki/x/keep", "mine");
}
END_TEST

START_TEST(test_base_as_tree)
{
	struct tree *t = tree_new();

	kit_want(k, SYNC_TREE, ".");
	kit_want(k, SYNC_NEVER, "local");
	kit_put(k, "local", "mine");
	kit_put(k, "old", "old");
	kit_text(k, t, "new", "new");
	kit_dir(t, "d", 0755);
	kit_commit(k, t);
	load();
	ck_live("local", "mine");
	ck_live("new", "new");
	ck_assert(kit_exists(k, "d"));
	ck_assert(!kit_exists(k, "old"));
	ck_assert(kit_exists(k, ".vipair"));
}
END_TEST

START_TEST(test_sqlite_sidecars)
{
	struct tree *t = tree_new();

	kit_want(k, SYNC_SQLITE, "db/*.db");
	kit_put(k, "db/users.db", "old");
	kit_put(k, "db/users.db-wal", "frames of the old one");
	kit_put(k, "db/users.db-shm", "x");
	kit_put(k, "db/users.db-journal", "hot");
	kit_put(k, "db/other.txt", "mine");
	kit_dir(t, "db", 0755);
	kit_text(k, t, "db/users.db", "new");
	kit_commit(k, t);
	load();
	ck_live("db/users.db", "new");
	ck_live("db/other.txt", "mine");
	ck_assert(!kit_exists(k, "db/users.db-wal"));
	ck_assert(!kit_exists(k, "db/users.db-shm"));
	ck_assert(!kit_exists(k, "db/users.db-journal"));
}
END_TEST

/* Types differ between what is live and what is loaded, both ways. */
START_TEST(test_types_swapped)
{
	struct tree *t = tree_new();
	char full[256];

	kit_want(k, SYNC_TREE, "t");
	kit_want(k, SYNC_NEVER, "t/keep");
	kit_put(k, "t/keep", "so that each goes by itself");
	kit_put(k, "t/file", "was a file");
	kit_put(k, "t/dir/in", "was a directory");
	(void)snprintf(full, sizeof(full), "%s/t/fifo", k->base);
	ck_assert_int_eq(mkfifo(full, 0600), 0);
	(void)snprintf(full, sizeof(full), "%s/t/link", k->base);
	ck_assert_int_eq(symlink("/etc/passwd", full), 0);
	kit_dir(t, "t", 0755);
	kit_dir(t, "t/file", 0755);
	kit_text(k, t, "t/file/in", "new");
	kit_text(k, t, "t/dir", "file now");
	kit_link(t, "t/fifo", "dir");
	kit_text(k, t, "t/link", "file now");
	kit_commit(k, t);
	load();
	ck_live("t/file/in", "new");
	ck_live("t/dir", "file now");
	ck_live("t/fifo", "file now");
	ck_live("t/link", "file now");
	ck_assert(S_ISLNK(look("t/fifo").st_mode));
	ck_assert(S_ISREG(look("t/link").st_mode));
}
END_TEST

/* A directory on the way is a link of the service's user. */
START_TEST(test_planted_parent)
{
	struct tree *t = tree_new();
	char full[256], out[256];
	uint64_t before;

	(void)snprintf(out, sizeof(out), "%s/outside", k->dir);
	ck_assert_int_eq(mkdir(out, 0755), 0);
	(void)snprintf(full, sizeof(full), "%s/outside/users.db", k->dir);
	ck_assert_int_eq(close(open(full, O_CREAT | O_WRONLY, 0600)), 0);
	(void)snprintf(full, sizeof(full), "%s/db", k->base);
	ck_assert_int_eq(symlink(out, full), 0);
	before = kit_sum(k, "outside");
	kit_want(k, SYNC_FILE, "db/users.db");
	kit_dir(t, "db", 0755);
	kit_text(k, t, "db/users.db", "new");
	kit_commit(k, t);
	load();
	ck_assert_uint_eq(kit_sum(k, "outside"), before);
	ck_live("db/users.db", "new");
	ck_assert(S_ISDIR(look("db").st_mode));
}
END_TEST

START_TEST(test_links_and_holes)
{
	static uint8_t big[1 << 20];
	struct tree *t = tree_new();
	struct entry e = { .type = ENTRY_FILE, .mode = 0600, .link = 1,
	    .path = "t/one", .user = "", .group = "", .target = "",
	    .uid = 12345, .gid = 54321 };
	struct entry_xattr x = { "user.k", "value", 5 };

	memset(big + (512 << 10), 'x', 4096);
	big[sizeof(big) - 1] = 1;
	kit_want(k, SYNC_TREE, "t");
	kit_dir(t, "t", 02770);
	kit_file(k, t, "t/sparse", big, sizeof(big));
	kit_file(k, t, "t/empty", "", 0);
	kit_link(t, "t/out", "/etc/passwd");
	kit_text(k, t, "t/odd\n\xff name", "odd");
	kit_object(k, "linked", 6, &e.object);
	e.size = 6;
	e.xattrs = &x;
	e.nxattrs = 1;
	ck_assert_ptr_null(tree_put(t, &e));
	e.path = "t/two";
	ck_assert_ptr_null(tree_put(t, &e));
	kit_commit(k, t);
	load();
	ck_live("t/two", "linked");
	ck_assert_uint_eq(look("t/one").st_ino, look("t/two").st_ino);
	ck_assert_uint_eq(look("t/one").st_nlink, 2);
	ck_assert_uint_eq(look("t/one").st_uid, 12345);
	ck_assert_uint_eq(look("t/one").st_gid, 54321);
	ck_assert_uint_eq(look("t").st_mode & 07777, 02770);
	ck_assert_int_eq(look("t/sparse").st_size, sizeof(big));
	ck_assert_int_lt(look("t/sparse").st_blocks, 64);
	ck_assert_int_eq(look("t/empty").st_size, 0);
	ck_assert(S_ISLNK(look("t/out").st_mode));
	ck_live("t/odd\n\xff name", "odd");
}
END_TEST

START_TEST(test_owner_by_name)
{
	struct tree *t = tree_new();
	struct entry e = { .type = ENTRY_DIR, .mode = 0755, .path = "t",
	    .user = "root", .group = "nobody-of-this-name", .target = "",
	    .uid = 12345, .gid = 54321 };

	idmap_read(&k->l.ids);
	kit_want(k, SYNC_TREE, "t");
	ck_assert_ptr_null(tree_put(t, &e));
	kit_commit(k, t);
	load();
	ck_assert_uint_eq(look("t").st_uid, 0);
	ck_assert_uint_eq(look("t").st_gid, 54321);
	idmap_free(&k->l.ids);
}
END_TEST

/* One change costs one change, and gives what a fresh start gives. */
START_TEST(test_incremental)
{
	char name[32], text[32];
	struct tree *t;
	uint64_t sum;
	int i;

	kit_want(k, SYNC_TREE, "t");
	t = tree_new();
	kit_dir(t, "t", 0755);
	for (i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "t/%03d", i);
		kit_text(k, t, name, name);
	}
	kit_commit(k, t);
	prepare();
	t = tree_copy(t);
	(void)snprintf(text, sizeof(text), "changed");
	kit_text(k, t, "t/100", text);
	kit_dir(t, "t/d", 0700);
	kit_text(k, t, "t/d/x", "in it");
	ck_assert(tree_drop(t, "t/007"));
	kit_commit(k, t);
	k->objects_read = 0;
	prepare();
	ck_assert_uint_eq(k->objects_read, 2);
	k->objects_read = 0;
	prepare();
	ck_assert_uint_eq(k->objects_read, 0);
	t = tree_copy(t);
	ck_assert(tree_drop(t, "t/d/x"));
	ck_assert(tree_drop(t, "t/d"));
	kit_text(k, t, "t/d", "a file now");
	kit_commit(k, t);
	prepare();
	load();
	ck_live("t/100", "changed");
	ck_live("t/d", "a file now");
	ck_assert(!kit_exists(k, "t/007"));
	ck_assert_int_eq(look("t").st_mtim.tv_sec, 1700000000);
	sum = kit_sum(k, "base");
	load();			/* again, from nothing: the same */
	ck_assert_uint_eq(kit_sum(k, "base"), sum);
}
END_TEST

/* A branch was parked: the head is not a successor of what is prepared. */
START_TEST(test_head_went_back)
{
	struct position first;

	kit_want(k, SYNC_TREE, "pki");
	kit_commit(k, pki("one", NULL));
	first = k->source.position;
	kit_commit(k, pki("two", "b"));
	prepare();
	k->source.position = first;
	load();
	ck_live("pki/a", "one");
	ck_assert(!kit_exists(k, "pki/b"));
}
END_TEST

static void
check_refused(const struct entry *e, const char *why)
{
	struct tree *t = tree_new();

	kit_dir(t, "t", 0755);
	if (tree_put(t, e) != NULL) {
		tree_free(t);
		ck_assert_ptr_nonnull(build_refused(e));
		return;
	}
	kit_put(k, "t/live", "live");
	kit_commit(k, t);
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_DAMAGED);
	ck_assert_msg(strstr(k->l.why, why) != NULL, "%s", k->l.why);
	ck_live("t/live", "live");
}

START_TEST(test_refused)
{
	struct entry e = { .type = ENTRY_FILE, .mode = 04755, .path = "t/x",
	    .user = "", .group = "", .target = "", .size = 1 };
	struct entry_xattr x = { "security.capability", "\1\0\0\2", 4 };

	kit_want(k, SYNC_TREE, "t");
	kit_object(k, "y", 1, &e.object);
	check_refused(&e, "setuid");
	e.mode = 02755;
	check_refused(&e, "setgid");
	e.mode = 0755;
	e.xattrs = &x;
	e.nxattrs = 1;
	check_refused(&e, "attribute");
	e.nxattrs = 0;
	e.path = ".vipair/journal";
	check_refused(&e, "our own");
	e.path = "t/x";
	e.size = 2;
	check_refused(&e, "object");
	e.size = 1;
	e.object.b[0] ^= 1;
	check_refused(&e, "not in the store");
	e.path = "t/../x";
	check_refused(&e, "");
	e.path = "/x";
	check_refused(&e, "");
}
END_TEST

/* An object that changed on disk is found while it is copied. */
START_TEST(test_rotten_object)
{
	kit_want(k, SYNC_TREE, "pki");
	kit_put(k, "pki/a", "live");
	kit_commit(k, pki("good", NULL));
	((char *)k->object[k->nobjects - 1].bytes)[0] ^= 1;
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_DAMAGED);
	ck_live("pki/a", "live");
	((char *)k->object[k->nobjects - 1].bytes)[0] ^= 1;
	load();
	ck_live("pki/a", "good");
}
END_TEST

/* .vipair belongs to whoever owns base, unless it is root's alone. */
START_TEST(test_own_planted)
{
	char own[256], out[256];

	kit_want(k, SYNC_TREE, "pki");
	kit_commit(k, pki("a", NULL));
	(void)snprintf(own, sizeof(own), "%s/.vipair", k->base);
	(void)snprintf(out, sizeof(out), "%s/outside", k->dir);
	ck_assert_int_eq(mkdir(out, 0700), 0);
	ck_assert_int_eq(symlink(out, own), 0);
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_CONFIG);
	ck_assert_int_eq(unlink(own), 0);
	ck_assert_int_eq(mkdir(own, 0755), 0);
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_CONFIG);
	ck_assert_int_eq(chmod(own, 0700), 0);
	ck_assert_int_eq(chown(own, 12345, 0), 0);
	ck_assert_int_eq(kit_run(k, loader_load), LOADER_CONFIG);
	ck_assert_int_eq(chown(own, 0, 0), 0);
	load();
	ck_assert_int_eq(rmdir(out), 0);
}
END_TEST

START_TEST(test_busy)
{
	char lock[256];
	int fd;

	kit_want(k, SYNC_TREE, "pki");
	kit_commit(k, pki("a", NULL));
	prepare();
	(void)snprintf(lock, sizeof(lock), "%s/.vipair/lock", k->base);
	fd = open(lock, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(kit_run(k, loader_prepare), LOADER_BUSY);
	close(fd);
	prepare();
}
END_TEST

/* A few previous copies stay, the oldest go. */
START_TEST(test_upkeep)
{
	char path[300];
	int i;

	kit_want(k, SYNC_TREE, "pki");
	kit_commit(k, pki("a", NULL));
	load();
	for (i = 0; i < 6; i++) {
		(void)snprintf(path, sizeof(path),
		    ".vipair/previous-1999010%dT000000Z-000/deep/x", i);
		kit_put(k, path, "x");
	}
	ck_assert_int_eq(kit_run(k, loader_upkeep), LOADER_DONE);
	ck_assert(!kit_exists(k, ".vipair/previous-19990103T000000Z-000"));
	ck_assert(kit_exists(k, ".vipair/previous-19990104T000000Z-000"));
	ck_assert(kit_exists(k, ".vipair/previous-19990105T000000Z-000"));
}
END_TEST

START_TEST(test_restore)
{
	char path[300];
	int base, dir;

	kit_want(k, SYNC_TREE, "pki");
	kit_commit(k, pki("one", "b"));
	kit_commit(k, pki("two", NULL));
	(void)snprintf(path, sizeof(path), "%s/to/.vipair", k->dir);
	(void)snprintf(path + strlen(k->dir), 100, "/to");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(mkdirat(dir, ".vipair", 0700), 0);
	base = k->l.base;
	k->l.source = &k->source;
	k->l.own = openat(dir, ".vipair", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(loader_restore(&k->l, dir, k->generation[1].tree),
	    0);
	k->l.base = base;
	close(k->l.own);
	close(dir);
	ck_live("../to/pki/a", "one");
	ck_live("../to/pki/b", "b");
	ck_assert(!kit_exists(k, "pki"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_load_tree, test_moved_aside, test_moved_aside_later,
		test_never_stays,
		test_never_in_the_way, test_base_as_tree,
		test_sqlite_sidecars, test_types_swapped,
		test_planted_parent, test_links_and_holes,
		test_owner_by_name, test_incremental, test_head_went_back,
		test_refused, test_rotten_object, test_own_planted,
		test_busy, test_upkeep, test_restore,
	};
	Suite *s = suite_create("loader");
	TCase *t = tcase_create("loader");
	SRunner *r;
	int failed;
	size_t i;

	if (geteuid() != 0) {
		puts("needs root");
		return 77;
	}
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
