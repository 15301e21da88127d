/* SPDX-License-Identifier: ISC */

/*
 * The real capture room and what others do for it: copies of databases, the
 * program before a capture; and what it does when it is idle.  argv[1] is
 * the room.
 */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_kit.h"
#include "sqlsnap.h"

static void
begin_writing(uint32_t term, uint32_t load)
{
	say_word(0, ROLE_ACTIVE, term);
	say_job(0, JOB_BEGIN, term);
	ck_assert_uint_eq(job_done(0, JOB_BEGIN).check, load);
	say_job(0, JOB_WRITE, term);
	ck_assert_uint_eq(job_done(0, JOB_WRITE).result, JOB_OK);
}

static int
copy_of(const char *text)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, text, strlen(text)),
	    (ssize_t)strlen(text));
	return fd;
}

static struct msg_snap
snap_wanted(const char *path)
{
	struct msg_snap m = sup_hears(MSG_SNAP).snap;
	struct stat st;

	ck_assert_int_eq(stat(at("base0/%s", path), &st), 0);
	ck_assert_uint_eq(m.ino, st.st_ino);
	ck_assert_uint_eq(m.dev, st.st_dev);
	ck_assert_uint_eq(m.entry, 1);
	return m;
}

START_TEST(test_snapshot)
{
	struct msg_snap m, old;
	int fd;

	kit_sync("tree \"data\"\nsqlite \"q.db\"");
	put_file(at("base0/data/f"), "beside");
	put_file(at("base0/q.db"), "live");
	start_room(0);
	begin_writing(1, 0);
	m = snap_wanted("q.db");
	ping_pong();		/* while it waits */
	fd = copy_of("the copy");
	say_snapped(&m, SQLSNAP_OK, fd);
	until_generation(0, 1);
	ck_assert_str_eq(stored_text("q.db"), "the copy");
	ck_assert_str_eq(stored_text("data/f"), "beside");
	/* None: held back, told, tried again. */
	put_file(at("base0/q.db"), "live too");
	m = snap_wanted("q.db");
	say_snapped(&m, SQLSNAP_BUSY, -1);
	until_held(0, true);
	old = m;
	m = snap_wanted("q.db");
	ck_assert_uint_ne(m.number, old.number);
	/* What was not asked for is nobody's answer. */
	say_snapped(&old, SQLSNAP_OK, fd);
	nothing_for(100);
	(void)close(fd);
	fd = copy_of("second copy");
	say_snapped(&m, SQLSNAP_OK, fd);
	until_generation(0, 2);
	until_held(0, false);
	ck_assert_str_eq(stored_text("q.db"), "second copy");
	(void)close(fd);
}
END_TEST

/* Another pair's takeover does not wait for a database. */
START_TEST(test_snapshot_lets_go)
{
	struct msg_snap m;
	int fd = copy_of("late");

	kit_sync("tree \"data\"\nsqlite \"q.db\"");
	put_file(at("base0/q.db"), "live");
	start_room(0);
	begin_writing(1, 0);
	say_word(1, ROLE_STANDBY, 0);
	m = snap_wanted("q.db");
	say_job(1, JOB_BEGIN, 1);
	ck_assert_uint_eq(job_done(1, JOB_BEGIN).result, JOB_OK);
	until_held(0, true);
	/* Not asked again before the former one is answered. */
	ck_assert_uint_eq(hear(&sup, 500).head.type, MSG_NONE);
	say_snapped(&m, SQLSNAP_OK, fd);
	m = snap_wanted("q.db");
	say_snapped(&m, SQLSNAP_OK, fd);
	until_generation(0, 1);
	ck_assert_str_eq(stored_text("q.db"), "late");
	(void)close(fd);
}
END_TEST

START_TEST(test_fill)
{
	struct sync_capture_state s;

	kit_sync("tree \"data\"\nbefore capture exec \"/bin/true\"");
	put_file(at("base0/data/f"), "one");
	start_room(0);
	begin_writing(1, 0);
	ck_assert_uint_eq(sup_hears(MSG_JOB).job.kind, JOB_FILL);
	put_file(at("base0/data/f"), "filled");
	say_filled(0, JOB_OK);
	until_generation(0, 1);
	ck_assert_str_eq(stored_text("data/f"), "filled");
	/* A change needs no filling, the last pass does. */
	put_file(at("base0/data/f"), "two");
	until_generation(0, 2);
	put_file(at("base0/data/f"), "three");
	until_generation(0, 3);
	say_job(0, JOB_END, 1);
	ck_assert_uint_eq(sup_hears(MSG_JOB).job.kind, JOB_FILL);
	say_filled(0, JOB_FAILED);
	until_held(0, true);
	(void)poll(NULL, 0, 250);
	s = state();
	ck_assert_uint_eq(s.problem[0].holds, 1);
	ck_assert_int_eq(s.problem[0].code, 3);
	ck_assert_uint_eq(s.settled, 0);
	ck_assert_uint_eq(sup_hears(MSG_JOB).job.kind, JOB_FILL);
	put_file(at("base0/data/f"), "at last");
	say_filled(0, JOB_OK);
	ck_assert_uint_eq(job_done(0, JOB_END).result, JOB_OK);
	ck_assert_str_eq(stored_text("data/f"), "at last");
}
END_TEST

/* Bytes of an object change on the disk; its path, static. */
static const char *
rot(const char *path)
{
	struct store *s = see_store("vpn");
	const struct entry *e = tree_find(store_tree(s), path);
	static char name[512];
	char hex[HASH_HEX + 1];
	int fd;

	ck_assert_ptr_nonnull(e);
	(void)hash_hex(&e->object, hex);
	(void)snprintf(name, sizeof(name), "%s",
	    at("state/store/vpn/objects/%.2s/%s", hex, hex));
	fd = open(name, O_WRONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pwrite(fd, "X", 1, 0), 1);
	(void)close(fd);
	store_close(s);
	return name;
}

static bool
is_good(const char *name)
{
	char buf[64] = "";
	int fd = open(name, O_RDONLY);

	if (fd == -1)
		return false;
	(void)!read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	return strcmp(buf, "precious") == 0;
}

START_TEST(test_scrub_active)
{
	const char *name;
	int i;

	put_file(at("base0/data/f"), "precious");
	start_room(0);
	begin_writing(1, 0);
	until_generation(0, 1);
	name = rot("data/f");
	for (i = 0; i < WAIT_MS && !is_good(name); i++)
		(void)poll(NULL, 0, 1);
	ck_assert(is_good(name));
	ck_assert_uint_eq(stored_generation(), 1);
	(void)poll(NULL, 0, 300);
	ck_assert_uint_ge(state().bad_objects, 1);
}
END_TEST

START_TEST(test_scrub_standby)
{
	struct manifest_header h = { .pair = "vpn", .epoch = { 1, THEM },
	    .generation = 2, .time_ns = 1 };
	struct manifest_text m = { .text = NULL };
	struct store_commit c;
	struct delta *d = delta_new();
	struct entry e;
	struct store *s;
	struct tree *t;
	struct hash hash;
	uint64_t size;
	size_t i = 0;

	partner_writes(1, "precious");
	start_room(0);
	say_word(0, ROLE_STANDBY, 1);
	until_settled(0);
	(void)rot("data/f");
	s = see_store("vpn");
	for (i = 0; i < WAIT_MS && !store_lost(s); i++)
		(void)poll(NULL, 0, 1);
	ck_assert(store_lost(s));
	for (i = 0; i < WAIT_MS && state().damaged == 0; i++)
		(void)poll(NULL, 0, 1);
	ck_assert_uint_eq(state().damaged, 1);
	/* The next delta, which does not name it, wants it all the same. */
	get_lock(s);
	h.previous = store_head(s)->position.head;
	t = tree_copy(store_tree(s));
	e = *tree_find(t, "data");
	e.mode = 0750;
	ck_assert_ptr_null(delta_put(d, &e));
	ck_assert_ptr_null(tree_apply(t, d));
	ck_assert(manifest_write_delta(&m, &h, t, d));
	ck_assert_int_eq(store_receive(s, m.text, m.len), STORE_OK);
	ck_assert_int_eq(store_commit(s, &h.epoch, &c), STORE_MISSING);
	i = 0;
	ck_assert(store_missing(s, &i, &hash, &size));
	ck_assert_uint_eq(size, 8);
	ck_assert(!store_missing(s, &i, &hash, &size));
	ck_assert_int_eq(store_put(s, PUT_DURABLE, "precious", 8, &hash),
	    STORE_OK);
	ck_assert_int_eq(store_commit(s, &h.epoch, &c), STORE_OK);
	ck_assert(!store_lost(s));
	manifest_text_free(&m);
	tree_free(t);
	delta_free(d);
	store_close(s);
}
END_TEST

static int
count(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

/* What a commit that failed has left goes, on both sides. */
START_TEST(test_upkeep)
{
	const char *stray = "state/store/vpn/manifests/00000000000000000000."
	    "0000000000000000000000000000000000000000000000000000000000000000";
	int i;

	partner_writes(1, "one");
	start_room(0);
	say_word(0, ROLE_STANDBY, 1);
	until_settled(0);
	put_file(at("%s", stray), "x");
	for (i = 0; i < WAIT_MS && count(at("state/store/vpn/manifests")) > 1;
	    i++)
		(void)poll(NULL, 0, 1);
	ck_assert_int_eq(count(at("state/store/vpn/manifests")), 1);
	begin_writing(2, 1);
	put_file(at("%s", stray), "x");
	for (i = 0; i < WAIT_MS && access(at("%s", stray), F_OK) == 0; i++)
		(void)poll(NULL, 0, 1);
	ck_assert_int_ne(access(at("%s", stray), F_OK), 0);
}
END_TEST

/* Our own files do not verify: back to what does, and on. */
START_TEST(test_damaged)
{
	int fd;

	partner_writes(1, "one");
	partner_writes(1, "two");
	fd = open(at("state/store/vpn/HEAD"), O_WRONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pwrite(fd, "x", 1, 30), 1);
	(void)close(fd);
	start_room(0);
	say_word(0, ROLE_STANDBY, 1);
	until_settled(0);
	ck_assert_uint_eq(stored_generation(), 2);
	ck_assert_str_eq(stored_text("data/f"), "two");
	(void)poll(NULL, 0, 250);
	ck_assert_uint_eq(state().damaged, 0);
}
END_TEST

/* What the loader made is not read again; what only looks like it is found. */
START_TEST(test_trust)
{
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	partner_writes(1, "theirs");
	start_room(0);
	say_word(0, ROLE_STANDBY, 1);
	until_settled(0);
	/* As the loader does, but other bytes. */
	put_file(at("base0/data/f"), "THEIRS");
	ck_assert_int_eq(chmod(at("base0/data/f"), 0600), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, at("base0/data/f"), times, 0),
	    0);
	put_file(at("base0/data/g"), "new");
	begin_writing(2, 1);
	until_generation(0, 2);
	ck_assert_str_eq(stored_text("data/g"), "new");
	ck_assert_str_eq(stored_text("data/f"), "theirs");
	/* Not without a load. */
	kill_room();
	start_room(0);
	say_word(0, ROLE_ACTIVE, 2);
	until_generation(0, 3);
	ck_assert_str_eq(stored_text("data/f"), "THEIRS");
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("capture help");
	TCase *t = tcase_create("capture help");
	SRunner *r;
	int failed;

	if (argc < 2)
		return 64;
	room_path = realpath(argv[1], NULL);	/* by way of other places */
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
	tcase_add_test(t, test_snapshot);
	tcase_add_test(t, test_snapshot_lets_go);
	tcase_add_test(t, test_fill);
	tcase_add_test(t, test_scrub_active);
	tcase_add_test(t, test_scrub_standby);
	tcase_add_test(t, test_upkeep);
	tcase_add_test(t, test_damaged);
	tcase_add_test(t, test_trust);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
