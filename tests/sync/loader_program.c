/* SPDX-License-Identifier: ISC */

/*
 * The loader as the supervisor starts it, in its sandbox, with a real store:
 * argv[1] is the program.  Prints how long a takeover waits for it.
 * VIPAIR_MB, VIPAIR_FILES: how much (default 64 MB in 2 000 files).
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "loader.h"
#include "room.h"
#include "sealed.h"
#include "store.h"

#define LIMIT_MS	200

static const char *program;
static char	dir[] = "/tmp/vipair-loadprog-XXXXXX";
static int	conf_fd = -1;
static struct epoch epoch = { 1, 0 };

static const char *
in_dir(const char *name)
{
	static char path[4][512];
	static unsigned int i;

	i = (i + 1) % 4;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static long
setting(const char *name, long otherwise)
{
	return getenv(name) != NULL ? atol(getenv(name)) : otherwise;
}

static void
make_conf(void)
{
	struct config *c;
	FILE *out = fopen(in_dir("conf"), "w");

	ck_assert_ptr_nonnull(out);
	(void)fprintf(out, "run directory \"%s/run\"\n"
	    "state directory \"%s/state\"\npair \"vpn\" {\n"
	    "virtual address 10.0.0.9\nnode \"a\" address 10.0.0.1\n"
	    "node \"b\" address 10.0.0.2\nsync on change {\n"
	    "base \"%s/base\"\ntree \"data\"\nfile \"conf/*\"\n"
	    "sqlite \"q.db\"\nnever \"*.pid\"\n}\n}\n"
	    "pair \"none\" {\nvhid 2\n"
	    "virtual address 10.0.0.10\nnode \"a\" address 10.0.0.1\n"
	    "node \"b\" address 10.0.0.2\n}\n", dir, dir, dir);
	(void)fclose(out);
	c = config_load(in_dir("conf"), CONFIG_NO_SECRETS, 1);
	ck_assert_msg(c->conf != NULL, "%s", c->problem[0].text);
	conf_fd = sealed_make("conf", c->conf, c->conf_len);
	ck_assert_int_ne(conf_fd, -1);
	config_free(c);
}

static struct store *
open_store(void)
{
	struct store *s;
	int fd;

	(void)mkdir(in_dir("state"), 0755);
	(void)mkdir(in_dir("state/store"), 0755);
	(void)mkdir(in_dir("state/store/vpn"), 0770);
	fd = open(in_dir("state/store/vpn"), O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(store_open(&s, fd, "vpn", true), STORE_OK);
	(void)close(fd);
	ck_assert_int_eq(store_lock(s), STORE_OK);
	ck_assert_int_eq(store_epoch_raise(s, &epoch), STORE_OK);
	return s;
}

static void
add_file(struct store *s, struct tree *t, const char *path, const void *bytes,
    size_t len)
{
	struct entry e = { .type = ENTRY_FILE, .mode = 0640, .uid = 1234,
	    .gid = 1234, .path = path, .user = "", .group = "",
	    .target = "", .size = len, .mtime_ns = 1000000000 };

	ck_assert_int_eq(store_put(s, PUT_BULK, bytes, len, &e.object),
	    STORE_OK);
	ck_assert_ptr_null(tree_put(t, &e));
}

static void
add_dir(struct tree *t, const char *path)
{
	struct entry e = { .type = ENTRY_DIR, .mode = 0750, .path = path,
	    .user = "", .group = "", .target = "" };

	ck_assert_ptr_null(tree_put(t, &e));
}

static void
publish(struct store *s, struct tree *t)
{
	struct store_commit c;

	ck_assert_msg(store_publish(s, &epoch, 1, NULL, t, &c) == STORE_OK,
	    "%s", store_why(s));
	tree_free(t);
}

/* Files that differ, in a hundred directories. */
static struct tree *
make_tree(struct store *s, long mb, long files)
{
	struct tree *t = tree_new();
	size_t len = (size_t)(mb << 20) / (size_t)files;
	char *bytes = malloc(len + 32), path[64];
	long i;

	memset(bytes, 'v', len + 32);
	add_dir(t, "data");
	for (i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "data/%02ld", i);
		add_dir(t, path);
	}
	for (i = 0; i < files; i++) {
		(void)snprintf(path, sizeof(path), "data/%02ld/%06ld",
		    i % 100, i);
		(void)snprintf(bytes, 32, "%ld", i);
		add_file(s, t, path, bytes, len);
	}
	free(bytes);
	return t;
}

static long
ms_since(const struct timespec *begun)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begun->tv_sec) * 1000 +
	    (now.tv_nsec - begun->tv_nsec) / 1000000;
}

/* The exit status; *ms: from fork to the end. */
static int
run(const char *const *words, long *ms)
{
	const char *argv[8] = { "loader" };
	struct timespec begun;
	int status, i;
	pid_t pid;

	for (i = 0; words[i] != NULL; i++)
		argv[i + 1] = words[i];
	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	pid = fork();
	if (pid == 0) {
		(void)dup2(conf_fd, ROOM_FD_CONF);
		/* A leak checker wants rights that the sandbox takes. */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		(void)execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	*ms = ms_since(&begun);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d",
	    WTERMSIG(status));
	return WEXITSTATUS(status);
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL }, &ms)

START_TEST(test_refused)
{
	struct store *s;
	long ms;

	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_NOTHING);
	s = open_store();
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_NOTHING);
	ck_assert_int_eq(RUN("load", "0"), LOADER_UNCAPTURED);
	ck_assert_int_eq(RUN("load", "1", "--captured"), LOADER_CONFIG);
	ck_assert_int_eq(RUN("load", "2", "--captured"), LOADER_CONFIG);
	ck_assert_int_eq(RUN("load"), LOADER_USAGE);
	ck_assert_int_eq(RUN("load", "0x", "--captured"), LOADER_USAGE);
	ck_assert_int_eq(RUN("bogus", "0"), LOADER_USAGE);
	ck_assert_int_eq(RUN("restore", "0", "9", "--to", in_dir("to")),
	    LOADER_NOTHING);
	store_close(s);
}
END_TEST

/* A link on the way to base leads elsewhere tomorrow. */
START_TEST(test_linked_base)
{
	struct store *s = open_store();
	long ms;

	publish(s, make_tree(s, 1, 10));
	store_close(s);
	ck_assert_int_eq(rename(in_dir("base"), in_dir("real")), 0);
	ck_assert_int_eq(symlink("real", in_dir("base")), 0);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_CONFIG);
}
END_TEST

START_TEST(test_takeover)
{
	const long mb = setting("VIPAIR_MB", 64);
	const long files = setting("VIPAIR_FILES", 2000);
	struct store *s = open_store();
	struct tree *t = make_tree(s, mb, files);
	struct stat st;
	long ms, first, change, prepared, bare;

	publish(s, tree_copy(t));
	/* Live data to be replaced, as much again. */
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(RUN("prepare", "0"), LOADER_DONE);
	first = ms;
	add_file(s, t, "data/00/000000", "changed", 7);
	add_file(s, t, "q.db", "database", 8);
	publish(s, tree_copy(t));
	ck_assert_int_eq(RUN("prepare", "0"), LOADER_DONE);
	change = ms;
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	prepared = ms;
	ck_assert_int_eq(stat(in_dir("base/data/00/000000"), &st), 0);
	ck_assert_int_eq(st.st_size, 7);
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_int_eq(stat(in_dir("base/q.db"), &st), 0);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	bare = ms;
	printf("%ld MB in %ld files: prepare all %ld ms, one change %ld ms; "
	    "load prepared %ld ms, unprepared %ld ms\n", mb, files, first,
	    change, prepared, bare);
	ck_assert_int_lt(prepared, LIMIT_MS);
	ck_assert_int_eq(RUN("restore", "0", "1", "--to", in_dir("to")),
	    LOADER_DONE);
	ck_assert_int_eq(stat(in_dir("to/data/00/000000"), &st), 0);
	ck_assert_int_ne(st.st_size, 7);
	/* A directory that only leads to data has no time of its own. */
	ck_assert_int_eq(stat(in_dir("to/data"), &st), 0);
	ck_assert_int_gt(st.st_mtime, 1000000000);
	ck_assert_int_eq(stat(in_dir("to/.vipair"), &st), -1);
	ck_assert_int_eq(stat(in_dir("to/q.db"), &st), -1);
	tree_free(t);
	store_close(s);
}
END_TEST

static off_t
size_of(const char *name)
{
	struct stat st;

	return lstat(in_dir(name), &st) == 0 ? st.st_size : -1;
}

/* A wish goes before the head, for a takeover; a standby stays with it. */
START_TEST(test_wish)
{
	struct store *s = open_store();
	struct tree *t = tree_new();
	struct store_branch b;
	long ms;

	add_dir(t, "data");
	add_file(s, t, "data/f", "1", 1);
	publish(s, tree_copy(t));
	add_file(s, t, "data/f", "22", 2);
	publish(s, tree_copy(t));
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 2);
	/* An earlier generation. */
	ck_assert_int_eq(store_adopt(s, "generation 1"), STORE_OK);
	ck_assert_int_eq(RUN("settle", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 2);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 1);
	ck_assert_int_eq(store_adopt(s, NULL), STORE_OK);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 2);
	/* A branch, whose generation is one of the head's chain by number. */
	ck_assert_int_eq(store_park(s, 1, "a test", 1, &b), STORE_OK);
	epoch.term++;
	ck_assert_int_eq(store_epoch_raise(s, &epoch), STORE_OK);
	add_file(s, t, "data/f", "333", 3);
	publish(s, tree_copy(t));
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 3);
	ck_assert_int_eq(store_adopt(s, b.name), STORE_OK);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 2);
	/* And from what was a branch back to the head. */
	ck_assert_int_eq(store_adopt(s, NULL), STORE_OK);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_DONE);
	ck_assert_int_eq(size_of("base/data/f"), 3);
	tree_free(t);
	store_close(s);
}
END_TEST

START_TEST(test_base_is_made)
{
	struct store *s = open_store();
	struct stat st;
	long ms;

	publish(s, make_tree(s, 1, 10));
	ck_assert_int_eq(rmdir(in_dir("base")), 0);
	/* Not where somebody else could have put a link meanwhile. */
	ck_assert_int_eq(chown(dir, 1, 1), 0);
	ck_assert_int_eq(RUN("prepare", "0"), LOADER_CONFIG);
	ck_assert_int_eq(lstat(in_dir("base"), &st), -1);
	ck_assert_int_eq(chown(dir, 0, 0), 0);
	ck_assert_int_eq(RUN("prepare", "0"), LOADER_DONE);
	ck_assert_int_eq(lstat(in_dir("base"), &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	store_close(s);
}
END_TEST

/* The store's parent is an ordinary user's. */
START_TEST(test_foreign_store)
{
	struct store *s = open_store();
	long ms;

	publish(s, make_tree(s, 1, 10));
	store_close(s);
	ck_assert_int_eq(chown(in_dir("state/store"), 1, 1), 0);
	ck_assert_int_eq(RUN("load", "0", "--captured"), LOADER_CONFIG);
}
END_TEST

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(in_dir("base"), 0755), 0);
	make_conf();
}

static void
teardown(void)
{
	(void)nftw(dir, remove_one, 64, FTW_DEPTH | FTW_PHYS);
}

int
main(int argc, char **argv)
{
	Suite *s = suite_create("loader_program");
	TCase *t = tcase_create("program");
	SRunner *r;
	int failed;

	if (argc != 2 || geteuid() != 0) {
		puts("needs root, and the loader as its argument");
		return 77;
	}
	program = argv[1];
	tcase_set_timeout(t, 600);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_linked_base);
	tcase_add_test(t, test_wish);
	tcase_add_test(t, test_base_is_made);
	tcase_add_test(t, test_foreign_store);
	tcase_add_test(t, test_takeover);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
