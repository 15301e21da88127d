/* SPDX-License-Identifier: ISC */

/*
 * Hostile trees, generated: manifests that want out, and live trees that the
 * service's user prepared for root to stumble over.  Whatever the loader
 * makes of them, nothing outside the base directory changes.
 * VIPAIR_TREES=n, VIPAIR_SEED=n.
 */

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader_kit.h"

#define TREES	300

static uint64_t	state;

static uint32_t
draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 32) %
	    below;
}

static const char *
pick(const char *const *of, size_t n)
{
	return of[draw((uint32_t)n)];
}

#define PICK(of) pick(of, sizeof(of) / sizeof((of)[0]))

static const char *const names[] = { "a", "b", "c", "t", "db", "keep",
    "x.db", "x.db-wal", "A", "a ", "\xff\xfe", "\n", "-rf", "$(id)", "..a",
    "...", "a%2f..", ".vipair", "next", "journal", "new", "trash" };
static const char *const wild[] = { "..", ".", "", "/", "../..", "a//b",
    "/etc", "t/../../outside", ".vipair/next", ".vipair", "t/", "./t" };
static const char *const targets[] = { "..", "../outside", "/", "/etc",
    "../../outside/secret", ".", "a", "..//..", "/proc/self/root",
    "../.vipair", ".vipair/next", "/dev/null", "../outside/dir" };

/* One to six components; now and then one that is none. */
static void
draw_path(char out[1024], bool wild_too)
{
	uint32_t n = 1 + draw(draw(8) == 0 ? 40 : 4), i;

	if (wild_too && draw(5) == 0) {
		(void)snprintf(out, 1024, "%s", PICK(wild));
		return;
	}
	out[0] = '\0';
	for (i = 0; i < n; i++) {
		if (i > 0)
			(void)strcat(out, "/");
		(void)strcat(out, i == 0 && draw(2) == 0 ? "t" :
		    wild_too && draw(25) == 0 ? PICK(wild) : PICK(names));
	}
}

static void
draw_entry(struct kit *k, struct entry *e, char path[1024], bool wild_too)
{
	static const char types[] = "fffqdddll";
	static const uint16_t modes[] = { 0644, 0755, 0, 0777, 0600, 0700 };
	char text[32];

	draw_path(path, wild_too);
	*e = (struct entry){
		.type = (enum entry_type)types[draw(sizeof(types) - 1)],
		.mode = modes[draw(6)], .uid = draw(3) == 0 ? 1000 : 0,
		.path = path, .user = "", .group = "", .target = "",
		.mtime_ns = (int64_t)draw(1u << 31) * 1000000000,
		.link = draw(8) == 0 ? 1 + draw(3) : 0,
	};
	if (wild_too && draw(20) == 0)
		e->mode = (uint16_t)(draw(2) == 0 ? 04755 : 02755);
	if (wild_too && draw(20) == 0)
		e->type = (enum entry_type)"bcsp?\0"[draw(6)];
	if (e->type == ENTRY_LINK) {
		e->target = PICK(targets);
		e->size = strlen(e->target);
		e->mode = 0777;
		e->link = 0;
	} else if (e->type != ENTRY_DIR) {
		e->size = (uint64_t)snprintf(text, sizeof(text), "%u",
		    e->link != 0 ? e->link : draw(50));
		kit_object(k, text, e->size, &e->object);
		if (draw(100) == 0)
			e->size++;
	} else {
		e->link = 0;
	}
}

/* What a manifest may say, as far as the table accepts it. */
static struct tree *
draw_tree(struct kit *k)
{
	struct tree *t = tree_new();
	char path[1024], parent[1024];
	struct entry e, d;
	uint32_t n = 1 + draw(25), i;
	char *slash;

	for (i = 0; i < n; i++) {
		draw_entry(k, &e, path, true);
		for (slash = strchr(path, '/'); slash != NULL;
		    slash = strchr(slash + 1, '/')) {
			(void)snprintf(parent, sizeof(parent), "%.*s",
			    (int)(slash - path), path);
			d = (struct entry){ .type = ENTRY_DIR, .mode = 0755,
			    .path = parent, .user = "", .group = "",
			    .target = "" };
			if (draw(10) != 0 && tree_find(t, parent) == NULL)
				(void)tree_put(t, &d);
		}
		if (tree_find(t, path) == NULL)
			(void)tree_put(t, &e);
	}
	return t;
}

static void
plant_one(int dir, const char *name, uint32_t what)
{
	int fd;

	switch (what) {
	case 0:
		(void)!symlinkat(PICK(targets), dir, name);
		break;
	case 1:
		(void)mkdirat(dir, name, 0700);
		break;
	case 2:
		(void)mkfifoat(dir, name, 0600);
		break;
	default:
		fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY |
		    O_NOFOLLOW, 0600);
		if (fd != -1)
			(void)close(fd);
		break;
	}
}

/*
 * In live base, as whoever owns it could.  Component by component, through
 * no link: this test must not do itself what it looks for.
 */
static void
plant(struct kit *k)
{
	char path[1024], *name, *rest;
	uint32_t n = draw(25), i;
	int dir, next;

	for (i = 0; i < n; i++) {
		draw_path(path, false);
		if (strncmp(path, ".vipair", 7) == 0 && draw(4) != 0)
			continue;
		dir = open(k->base, O_RDONLY | O_DIRECTORY);
		rest = path;
		name = strsep(&rest, "/");
		while (rest != NULL && dir != -1) {
			(void)mkdirat(dir, name, 0777);
			next = openat(dir, name, O_RDONLY | O_DIRECTORY |
			    O_NOFOLLOW);
			(void)close(dir);
			dir = next;
			name = strsep(&rest, "/");
		}
		if (dir == -1)
			continue;
		plant_one(dir, name, draw(5));
		(void)close(dir);
	}
}

static void
make_outside(struct kit *k)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/outside", k->dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/outside/dir", k->dir);
	ck_assert_int_eq(mkdir(path, 0750), 0);
	(void)snprintf(path, sizeof(path), "%s/outside/secret", k->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, "secret", 6), 6);
	close(fd);
}

static struct kit *
new_kit(void)
{
	struct kit *k = kit_new();

	make_outside(k);
	if (draw(3) == 0)
		kit_want(k, SYNC_TREE, ".");
	kit_want(k, SYNC_TREE, draw(2) == 0 ? "t" : "t/*");
	kit_want(k, SYNC_FILE, "db/*");
	kit_want(k, SYNC_SQLITE, "*/x.db");
	kit_want(k, SYNC_NEVER, draw(2) == 0 ? "keep" : "t/keep/*");
	return k;
}

static uint64_t
outside(const struct kit *k)
{
	return kit_sum_world(k);
}

START_TEST(test_manifests)
{
	const char *env = getenv("VIPAIR_TREES");
	uint32_t n = env != NULL ? (uint32_t)atoi(env) : TREES, i, j;
	uint32_t loaded = 0, refused = 0;
	struct kit *k;
	uint64_t before;

	for (i = 0; i < n; i++) {
		k = new_kit();
		plant(k);
		before = outside(k);
		for (j = 0; j < 1 + draw(3); j++) {
			kit_commit(k, draw_tree(k));
			if (draw(2) == 0)
				(void)kit_run(k, loader_prepare);
			if (draw(3) == 0)
				plant(k);
			before = outside(k);
			if (kit_run(k, loader_load) == LOADER_DONE)
				loaded++;
			else
				refused++;
			ck_assert_msg(outside(k) == before, "tree %u", i);
		}
		kit_free(k);
	}
	printf("manifests: %u loaded, %u refused\n", loaded, refused);
	ck_assert_uint_gt(loaded, n / 20);
	ck_assert_uint_gt(refused, n / 20);
}
END_TEST

/* Entries that no table would accept, straight to the builder. */
START_TEST(test_entries)
{
	const char *env = getenv("VIPAIR_TREES");
	uint32_t n = env != NULL ? (uint32_t)atoi(env) : TREES, i, j;
	const struct entry *group[3];
	char path[1024], root[256];
	struct build b;
	struct entry e;
	struct kit *k;
	uint64_t before;

	for (i = 0; i < n; i++) {
		k = new_kit();
		(void)snprintf(root, sizeof(root), "%s/root", k->base);
		ck_assert_int_eq(mkdir(root, 0700), 0);
		k->l.source = &k->source;
		k->l.base = -1;
		k->l.own = open(k->base, O_RDONLY | O_DIRECTORY);
		b = (struct build){ .l = &k->l, .own = k->l.own,
		    .root = open(root, O_RDONLY | O_DIRECTORY),
		    .ngroups = 3, .group = group };
		before = outside(k);
		for (j = 0; j < 40; j++) {
			memset(group, 0, sizeof(group));
			draw_entry(k, &e, path, true);
			if (draw(6) == 0)
				(void)build_drop(&b, path);
			else
				(void)build_entry(&b, &e);
			(void)build_times(&b, &e);
		}
		ck_assert_msg(outside(k) == before, "tree %u", i);
		close(b.root);
		close(b.own);
		kit_free(k);
	}
}
END_TEST

static void
must(int rc, const char *what)
{
	if (rc == -1) {
		perror(what);
		_exit(1);
	}
}

/*
 * Everything there is lies in memory and counts: links to / and /etc lead
 * here, and what went wrong would be seen and harm nobody.
 */
static void
enter_world(const char *world)
{
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	must(mount("none", world, "tmpfs", 0, NULL), "tmpfs");
	must(chdir(world), world);
	must(mkdir("proc", 0755), "proc");
	must(mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL), "proc");
	must(mkdir("tmp", 01777), "tmp");
	must(mkdir("etc", 0755), "etc");
	must(close(open("etc/passwd", O_CREAT | O_WRONLY, 0644)), "passwd");
	must(chroot("."), "chroot");
	(void)unsetenv("TMPDIR");
}

static int
run_tests(void)
{
	const char *seed = getenv("VIPAIR_SEED");
	Suite *s = suite_create("loader_hostile");
	TCase *t = tcase_create("hostile");
	SRunner *r;
	int failed;

	state = seed == NULL ? UINT64_C(0x9e3779b97f4a7c15) :
	    strtoull(seed, NULL, 0) | 1;
	printf("VIPAIR_SEED=%#llx\n", (unsigned long long)state);
	tcase_set_timeout(t, 3000);
	tcase_add_test(t, test_manifests);
	tcase_add_test(t, test_entries);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

int
main(void)
{
	char world[] = "/tmp/vipair-world-XXXXXX";
	int status = 1;
	pid_t pid;

	if (geteuid() != 0) {
		puts("needs root");
		return 77;
	}
	must(mkdtemp(world) == NULL ? -1 : 0, "directory");
	pid = fork();
	if (pid == 0) {
		enter_world(world);
		exit(run_tests());
	}
	(void)waitpid(pid, &status, 0);
	(void)rmdir(world);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
