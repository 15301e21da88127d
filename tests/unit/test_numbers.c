/* SPDX-License-Identifier: ISC */

/*
 * numbers.c: what was called durable is there after kill -9, power loss in
 * the middle of a write, damage and a full disk; nothing ever goes down.
 */

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "numbers.h"

#define KILLS	150
#define TEARS	400

static char dir_name[] = "/tmp/vipair-numbers-XXXXXX";
static int dir;
static struct numbers numbers;
static const struct conf_addr alpha = { 4, { 0 }, { 192, 168, 70, 1 } };
static const struct conf_addr beta = { 4, { 0 }, { 192, 168, 70, 2 } };

static void
setup(void)
{
	(void)strcpy(dir_name + strlen(dir_name) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_name));
	dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
teardown(void)
{
	(void)nftw(dir_name, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)close(dir);
}

/* As after a restart of the room. */
static void
restart(void)
{
	if (numbers.fd > 0)
		(void)close(numbers.fd);
	memset(&numbers, 0, sizeof(numbers));
	numbers_init(&numbers, dir);
}

static uint32_t
reopen(const char *name)
{
	restart();
	ck_assert_int_eq(numbers_open(&numbers), 0);
	return numbers_place(&numbers, name);
}

static const struct numbers_record *
record(const char *name)
{
	return &numbers.record[numbers_place(&numbers, name)];
}

static bool
exists(const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

START_TEST(test_round_trip)
{
	const struct numbers_record *r;
	uint32_t vpn = reopen("vpn"), mail = numbers_place(&numbers, "mail");

	ck_assert_uint_ne(vpn, mail);
	ck_assert(numbers_fresh(&numbers, vpn));
	numbers_term(&numbers, vpn, 7, &beta);
	numbers_ceiling(&numbers, vpn, 1000);
	numbers_floor(&numbers, vpn, &alpha, 500);
	numbers_floor(&numbers, vpn, &beta, 600);
	numbers_maint(&numbers, vpn, true, 99, "disk change");
	ck_assert(!numbers_durable(&numbers, vpn));
	ck_assert(numbers_durable(&numbers, mail));
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	ck_assert(numbers_durable(&numbers, vpn));

	vpn = reopen("vpn");
	r = record("vpn");
	ck_assert(!numbers_fresh(&numbers, vpn));
	ck_assert_uint_eq(r->term, 7);
	ck_assert(conf_addr_equal(&r->term_node, &beta));
	ck_assert_uint_eq(r->ceiling, 1000);
	ck_assert_uint_eq(numbers_floor_of(r, &alpha), 500);
	ck_assert_uint_eq(numbers_floor_of(r, &beta), 600);
	ck_assert_uint_eq(r->maint_on, 1);
	ck_assert_int_eq(r->maint_until_wall_s, 99);
	ck_assert_str_eq(r->maint_reason, "disk change");
	ck_assert(numbers_fresh(&numbers, numbers_place(&numbers, "mail")));
}
END_TEST

START_TEST(test_never_down)
{
	uint32_t vpn = reopen("vpn");
	const struct numbers_record *r;
	int i;

	numbers_term(&numbers, vpn, 7, &beta);
	numbers_ceiling(&numbers, vpn, 1000);
	numbers_floor(&numbers, vpn, &alpha, 500);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(numbers_flush(&numbers), 0);
		vpn = reopen("vpn");
		numbers_term(&numbers, vpn, 6, &alpha);
		numbers_ceiling(&numbers, vpn, 999);
		numbers_floor(&numbers, vpn, &alpha, 499);
		ck_assert(numbers_durable(&numbers, vpn));
		r = record("vpn");
		ck_assert_uint_eq(r->term, 7);
		ck_assert(conf_addr_equal(&r->term_node, &beta));
		ck_assert_uint_eq(r->ceiling, 1000);
		ck_assert_uint_eq(numbers_floor_of(r, &alpha), 500);
	}
}
END_TEST

START_TEST(test_by_name)
{
	uint32_t i;
	char name[16];

	reopen("c");
	for (i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "%c", 'a' + (int)i);
		numbers_term(&numbers, numbers_place(&numbers, name), 10 + i,
		    &alpha);
	}
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	/* Another order of the configuration, and a new one before them. */
	reopen("new");
	for (i = 5; i-- > 0;) {
		(void)snprintf(name, sizeof(name), "%c", 'a' + (int)i);
		ck_assert_uint_eq(record(name)->term, 10 + i);
	}
	ck_assert_uint_eq(record("new")->term, 0);
}
END_TEST

/* What a child has been told is durable; shared with it. */
struct promised {
	volatile uint32_t	term;
	volatile uint64_t	ceiling, floor;
};

static _Noreturn void
write_for_ever(struct promised *p)
{
	uint32_t vpn = reopen("vpn"), other;
	uint64_t i = numbers.record[vpn].ceiling;

	other = numbers_place(&numbers, "other");
	for (;;) {
		i++;
		numbers_term(&numbers, vpn, (uint32_t)i, &alpha);
		numbers_ceiling(&numbers, vpn, i);
		numbers_floor(&numbers, other, &beta, i);
		if (numbers_flush(&numbers) != 0)
			_exit(1);
		p->term = (uint32_t)i;
		p->ceiling = i;
		p->floor = i;
	}
}

START_TEST(test_kill)
{
	struct promised *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = 94;
	int i, status;
	pid_t pid;

	ck_assert_ptr_ne(p, MAP_FAILED);
	for (i = 0; i < KILLS; i++) {
		pid = fork();
		if (pid == 0)
			write_for_ever(p);
		/* Any moment will do, so this is no wait for an event. */
		(void)usleep((useconds_t)(rand_r(&seed) % 4000));
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		reopen("vpn");
		ck_assert_uint_ge(record("vpn")->term, p->term);
		ck_assert_uint_ge(record("vpn")->ceiling, p->ceiling);
		ck_assert_uint_ge(numbers_floor_of(record("other"), &beta),
		    p->floor);
	}
	ck_assert_uint_gt(p->term, 0);
	ck_assert(!exists(NUMBERS_ASIDE));
}
END_TEST

static size_t
load_file(char *buf, size_t cap)
{
	int fd = openat(dir, NUMBERS_FILE, O_RDONLY);
	ssize_t n;

	memset(buf, 0, cap);
	n = read(fd, buf, cap);

	ck_assert_int_gt(n, 0);
	(void)close(fd);
	return (size_t)n;
}

static void
store_file(const char *buf, size_t len)
{
	int fd = openat(dir, NUMBERS_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, buf, len), (ssize_t)len);
	(void)close(fd);
}

/*
 * Power fails in the middle of one write: each sector of the slot that was
 * being written holds old, new or no sensible bytes.
 */
START_TEST(test_torn_write)
{
	static char before[NUMBERS_PLACE], after[NUMBERS_PLACE];
	static char torn[NUMBERS_PLACE];
	unsigned seed = 1, i, j, kind;
	uint32_t vpn = reopen("vpn"), term;
	size_t at;

	numbers_term(&numbers, vpn, 1, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	for (i = 0; i < TEARS; i++) {
		term = record("vpn")->term;
		(void)load_file(before, sizeof(before));
		numbers_term(&numbers, vpn, term + 1, &beta);
		ck_assert_int_eq(numbers_flush(&numbers), 0);
		(void)load_file(after, sizeof(after));
		at = memcmp(before, after, NUMBERS_SLOT) != 0 ? 0 :
		    NUMBERS_SLOT;
		memcpy(torn, before, sizeof(torn));
		for (j = 0; j < NUMBERS_SLOT; j += 512) {
			kind = (unsigned)rand_r(&seed) % 3;
			if (kind == 1)
				memcpy(torn + at + j, after + at + j, 512);
			if (kind == 2)
				memset(torn + at + j, rand_r(&seed), 512);
		}
		store_file(torn, sizeof(torn));
		vpn = reopen("vpn");
		ck_assert(record("vpn")->term == term ||
		    record("vpn")->term == term + 1);
	}
	ck_assert(exists(NUMBERS_ASIDE));
}
END_TEST

START_TEST(test_damaged_slot)
{
	static char bytes[NUMBERS_PLACE], kept[NUMBERS_PLACE];
	uint32_t vpn = reopen("vpn");
	size_t newest, len;
	int fd;

	numbers_term(&numbers, vpn, 7, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	numbers_ceiling(&numbers, vpn, 1000);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	newest = (size_t)numbers.state[vpn].slot * NUMBERS_SLOT;
	len = load_file(bytes, sizeof(bytes));
	bytes[newest + 60] ^= 0x10;
	store_file(bytes, len);

	vpn = reopen("vpn");
	ck_assert_uint_eq(record("vpn")->term, 7);
	ck_assert_uint_eq(record("vpn")->ceiling, 0);
	ck_assert(!numbers_fresh(&numbers, vpn));
	fd = openat(dir, NUMBERS_ASIDE, O_RDONLY);
	ck_assert_int_eq(read(fd, kept, sizeof(kept)), (ssize_t)len);
	ck_assert_mem_eq(kept, bytes, len);
	(void)close(fd);
	/* The new file is whole. */
	ck_assert_int_eq(unlinkat(dir, NUMBERS_ASIDE, 0), 0);
	reopen("vpn");
	ck_assert_uint_eq(record("vpn")->term, 7);
	ck_assert(!exists(NUMBERS_ASIDE));
}
END_TEST

START_TEST(test_noise_in_file)
{
	static char bytes[3 * NUMBERS_PLACE];
	uint32_t vpn = reopen("vpn");
	unsigned seed = 3, i;

	numbers_term(&numbers, vpn, 7, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)rand_r(&seed);
	store_file(bytes, sizeof(bytes) - 1000);
	vpn = reopen("vpn");
	ck_assert(numbers_fresh(&numbers, vpn));
	ck_assert(exists(NUMBERS_ASIDE));
	numbers_term(&numbers, vpn, 3, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	reopen("vpn");
	ck_assert_uint_eq(record("vpn")->term, 3);
}
END_TEST

/* A child of its own: the limit would hit the test's own files, too. */
static _Noreturn void
write_under_limit(void)
{
	struct rlimit none = { 0, RLIM_INFINITY };
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint32_t vpn = reopen("vpn");

	(void)signal(SIGXFSZ, SIG_IGN);
	numbers_term(&numbers, vpn, 7, &alpha);
	if (setrlimit(RLIMIT_FSIZE, &none) == -1)
		_exit(1);
	if (numbers_flush(&numbers) != EFBIG)
		_exit(2);
	if (numbers_durable(&numbers, vpn))
		_exit(3);
	if (setrlimit(RLIMIT_FSIZE, &all) == -1)
		_exit(4);
	if (numbers_flush(&numbers) != 0)
		_exit(5);
	_exit(numbers_durable(&numbers, vpn) ? 0 : 6);
}

START_TEST(test_file_limit)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		write_under_limit();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	reopen("vpn");
	ck_assert_uint_eq(record("vpn")->term, 7);
}
END_TEST

static void
fill(int fd)
{
	static const char block[4096];

	while (write(fd, block, sizeof(block)) > 0)
		;
}

/* A full disk stops a new pair, but not one whose place is reserved. */
START_TEST(test_full_disk)
{
	uint32_t vpn, mail;
	int fd, i;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", dir_name, "tmpfs", 0, "size=64k") == -1)
		return;
	(void)close(dir);
	dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	vpn = reopen("vpn");
	numbers_term(&numbers, vpn, 7, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	fd = openat(dir, "filler", O_CREAT | O_WRONLY, 0600);
	fill(fd);
	mail = numbers_place(&numbers, "mail");
	numbers_term(&numbers, mail, 3, &alpha);
	for (i = 8; i < 20; i++) {
		numbers_term(&numbers, vpn, (uint32_t)i, &alpha);
		ck_assert_int_eq(numbers_flush(&numbers), ENOSPC);
		ck_assert(numbers_durable(&numbers, vpn));
		ck_assert(!numbers_durable(&numbers, mail));
	}
	reopen("vpn");
	ck_assert_uint_eq(record("vpn")->term, 19);
	mail = numbers_place(&numbers, "mail");
	ck_assert(numbers_fresh(&numbers, mail));
	numbers_term(&numbers, mail, 4, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), ENOSPC);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	reopen("vpn");
	ck_assert_uint_eq(record("mail")->term, 4);
	ck_assert_uint_eq(record("vpn")->term, 19);
	(void)close(fd);
	(void)close(numbers.fd);
	(void)close(dir);
	(void)umount(dir_name);
}
END_TEST

/* The file could not be read at start: what came since is merged later. */
START_TEST(test_late_open)
{
	uint32_t place;

	reopen("x");
	numbers_term(&numbers, numbers_place(&numbers, "vpn"), 7, &alpha);
	numbers_ceiling(&numbers, numbers_place(&numbers, "vpn"), 1000);
	numbers_maint(&numbers, numbers_place(&numbers, "vpn"), true, 0, "m");
	numbers_term(&numbers, numbers_place(&numbers, "mail"), 5, &alpha);
	ck_assert_int_eq(numbers_flush(&numbers), 0);

	ck_assert_int_eq(renameat(dir, NUMBERS_FILE, dir, "hidden"), 0);
	ck_assert_int_eq(mkdirat(dir, NUMBERS_FILE, 0700), 0);
	restart();
	ck_assert_int_eq(numbers_open(&numbers), EISDIR);
	place = numbers_place(&numbers, "mail");
	numbers_term(&numbers, place, 9, &beta);
	ck_assert_int_eq(numbers_flush(&numbers), EISDIR);
	place = numbers_place(&numbers, "vpn");
	numbers_term(&numbers, place, 6, &beta);
	numbers_ceiling(&numbers, place, 2000);
	ck_assert_int_eq(numbers_flush(&numbers), EISDIR);

	ck_assert_int_eq(unlinkat(dir, NUMBERS_FILE, AT_REMOVEDIR), 0);
	ck_assert_int_eq(renameat(dir, "hidden", dir, NUMBERS_FILE), 0);
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	ck_assert(numbers_durable(&numbers, place));
	reopen("vpn");
	ck_assert_uint_eq(record("vpn")->term, 7);
	ck_assert(conf_addr_equal(&record("vpn")->term_node, &alpha));
	ck_assert_uint_eq(record("vpn")->ceiling, 2000);
	ck_assert_uint_eq(record("mail")->term, 9);
	ck_assert(!exists(NUMBERS_ASIDE));
}
END_TEST

START_TEST(test_symlink_refused)
{
	ck_assert_int_eq(symlinkat("/dev/null", dir, NUMBERS_FILE), 0);
	restart();
	ck_assert_int_eq(numbers_open(&numbers), ELOOP);
}
END_TEST

START_TEST(test_former_senders)
{
	struct conf_addr a = alpha;
	uint32_t vpn = reopen("vpn"), i;

	for (i = 0; i < 40; i++) {
		a.byte[3] = (uint8_t)(10 + i);
		numbers_floor(&numbers, vpn, &a, 100 + i);
	}
	ck_assert_uint_eq(record("vpn")->nfloors, NUMBERS_FLOORS_MAX);
	ck_assert_uint_eq(numbers_floor_of(record("vpn"), &a), 139);
	a.byte[3] = 10;
	ck_assert_uint_eq(numbers_floor_of(record("vpn"), &a), 0);
}
END_TEST

START_TEST(test_oldest_makes_room)
{
	char name[16];
	uint32_t i, place;

	reopen("keep");
	place = numbers_place(&numbers, "keep");
	numbers_term(&numbers, place, 1, &alpha);
	numbers_use(&numbers, place, 1);
	for (i = 0; i < NUMBERS_MAX + 5; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		place = numbers_place(&numbers, name);
		numbers_term(&numbers, place, i + 1, &alpha);
		if (i % 256 == 0 || i > NUMBERS_MAX - 3)
			ck_assert_int_eq(numbers_flush(&numbers), 0);
	}
	ck_assert_int_eq(numbers_flush(&numbers), 0);
	reopen("keep");
	ck_assert_uint_eq(record("keep")->term, 1);
	(void)snprintf(name, sizeof(name), "p%u", NUMBERS_MAX + 4);
	ck_assert_uint_eq(record(name)->term, NUMBERS_MAX + 5);
	ck_assert_uint_eq(record("p100")->term, 101);
	ck_assert_uint_eq(record("p0")->term, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("numbers");
	TCase *t = tcase_create("numbers");
	SRunner *r;
	int failed;

	log_init(-1, LOG_LEVEL_ERROR);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_never_down);
	tcase_add_test(t, test_by_name);
	tcase_add_test(t, test_kill);
	tcase_add_test(t, test_torn_write);
	tcase_add_test(t, test_damaged_slot);
	tcase_add_test(t, test_noise_in_file);
	tcase_add_test(t, test_file_limit);
	tcase_add_test(t, test_full_disk);
	tcase_add_test(t, test_late_open);
	tcase_add_test(t, test_symlink_refused);
	tcase_add_test(t, test_former_senders);
	tcase_add_test(t, test_oldest_makes_room);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
