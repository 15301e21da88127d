/* SPDX-License-Identifier: ISC */

/* sealed.c, and room_read_blob() on top of it. */

#include <sys/mman.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confblob.h"
#include "room.h"
#include "sealed.h"

static const char *const names[BLOB_PAIRS] = { "vpn", "mail", "web" };

START_TEST(test_round_trip)
{
	char buf[64];
	size_t len;
	int fd = sealed_make("test", "twelve bytes", 12);

	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(sealed_read(fd, buf, sizeof(buf), &len));
	ck_assert_uint_eq(len, 12);
	ck_assert_mem_eq(buf, "twelve bytes", 12);
	/* Once more: the offset, which all rooms share, must not count. */
	ck_assert_ptr_null(sealed_read(fd, buf, 12, &len));
	ck_assert_uint_eq(len, 12);
	ck_assert_ptr_nonnull(sealed_read(fd, buf, 11, &len));
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 1), -1);
	ck_assert_int_eq(ftruncate(fd, 100), -1);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	(void)close(fd);
}
END_TEST

START_TEST(test_unsealed)
{
	static const int some[] = {
		0, F_SEAL_WRITE, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	};
	char buf[64];
	size_t i, len;
	int fd, p[2];

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		ck_assert_int_eq(write(fd, "abc", 3), 3);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, some[i]), 0);
		ck_assert_ptr_nonnull(sealed_read(fd, buf, sizeof(buf),
		    &len));
		(void)close(fd);
	}
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_ptr_nonnull(sealed_read(p[0], buf, sizeof(buf), &len));
	ck_assert_ptr_nonnull(sealed_read(-1, buf, sizeof(buf), &len));
}
END_TEST

START_TEST(test_read_blob)
{
	struct blob blob, copy;
	size_t len;
	int fd;

	blob_make(&blob, 3, names);
	fd = sealed_make("conf", &blob, sizeof(blob));
	ck_assert_ptr_null(room_read_blob(fd, &copy, sizeof(copy), &len));
	ck_assert_mem_eq(&copy, &blob, sizeof(blob));
	(void)close(fd);
	blob.p[1].nnodes = 99;
	fd = sealed_make("conf", &blob, sizeof(blob));
	ck_assert_ptr_nonnull(room_read_blob(fd, &copy, sizeof(copy), &len));
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sealed");
	TCase *t = tcase_create("sealed");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_unsealed);
	tcase_add_test(t, test_read_blob);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
