/* SPDX-License-Identifier: ISC */

/* What mirror and capture show: whole, of this build, or nothing. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syncstate.h"

static char path[] = "/tmp/syncstate.XXXXXX";
static int dir = -1;

static void
setup(void)
{
	(void)strcpy(path + sizeof(path) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(dir, -1);
}

static void
teardown(void)
{
	(void)unlinkat(dir, "vpn.mirror", 0);
	(void)close(dir);
	ck_assert_int_eq(rmdir(path), 0);
}

START_TEST(test_there_and_back)
{
	struct sync_mirror_state out = { .generation = 7, .partner = "beta" };
	struct sync_mirror_state in;
	struct stat st;

	ck_assert_int_eq(syncstate_write(dir, "vpn", SYNCSTATE_MIRROR, &out,
	    sizeof(out)), 0);
	ck_assert_int_eq(fstatat(dir, "vpn.mirror", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(syncstate_read(dir, "vpn", SYNCSTATE_MIRROR, &in,
	    sizeof(in)), 0);
	ck_assert_uint_eq(in.generation, 7);
	ck_assert_str_eq(in.partner, "beta");
	ck_assert_int_gt(in.head.written_ns, 0);
}
END_TEST

START_TEST(test_not_there)
{
	struct sync_mirror_state in;

	ck_assert_int_eq(syncstate_read(dir, "vpn", SYNCSTATE_MIRROR, &in,
	    sizeof(in)), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* Cut, of another version or size: never half believed. */
START_TEST(test_of_another_build)
{
	struct sync_mirror_state out = { .generation = 7 }, in;
	const uint32_t version = SYNCSTATE_VERSION + 1;
	int fd;

	ck_assert_int_eq(syncstate_write(dir, "vpn", SYNCSTATE_MIRROR, &out,
	    sizeof(out)), 0);
	fd = openat(dir, "vpn.mirror", O_RDWR | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	if (_i == 0)
		ck_assert_int_eq(ftruncate(fd, sizeof(out) - 1), 0);
	else
		ck_assert_int_eq(pwrite(fd, &version, sizeof(version), 8),
		    sizeof(version));
	(void)close(fd);
	ck_assert_int_eq(syncstate_read(dir, "vpn", SYNCSTATE_MIRROR, &in,
	    sizeof(in)), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_uint_eq(in.generation, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("syncstate");
	TCase *t = tcase_create("files");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_there_and_back);
	tcase_add_test(t, test_not_there);
	tcase_add_loop_test(t, test_of_another_build, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
