/* SPDX-License-Identifier: ISC */

/*
 * What the capture room is locked out of: its Landlock with its own paths,
 * its filter with forbidden arguments, and that the real room runs under
 * them.  argv[1] is the room.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_kit.h"
#include "config.h"
#include "landlock.h"
#include "pairs.h"
#include "version.h"

struct capture_room room;
const struct capture_times capture_times = { .retry_ns = 1 };

void
pair_open(struct pair *p, const struct conf *c, uint32_t index)
{
	const struct conf_pair *conf = conf_pair(c, index);

	p->name = conf_string(c, conf->name);
	p->want.base = conf_string(c, conf->sync.base);
}

static void
read_conf(void)
{
	struct config *c;
	uint32_t i;

	kit_conf();
	c = config_load(at("conf"), CONFIG_NO_SECRETS, 1);
	ck_assert_ptr_nonnull(c->conf);
	memcpy(room.byte, c->conf, c->conf_len);
	config_free(c);
	room.npairs = 2;
	for (i = 0; i < 2; i++)
		pair_open(&room.pair[i], &room.conf, i);
}

/* 0, or the errno of opening it; root's files, so that is not the reason. */
static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd == -1)
		return errno;
	(void)close(fd);
	return 0;
}

static int
try_connect(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1 ?
	    errno : 0;
}

#define WANT(call, error)	do {					\
	const int got_ = (call);					\
	if (got_ != (error)) {						\
		(void)fprintf(stderr, "%s: %s\n", #call, strerror(got_)); \
		_exit(1);						\
	}								\
} while (0)

static void
inside(void)
{
	static char self[] = "/bin/true", *argv[] = { self, NULL };

	sandbox_enter(&room);
	WANT(try_open(at("base0/data/f"), O_RDONLY), 0);
	WANT(try_open(at("base1/data"), O_RDONLY | O_DIRECTORY), 0);
	WANT(try_open(at("base0/data/f"), O_WRONLY), EACCES);
	WANT(try_open(at("base0/data/new"), O_WRONLY | O_CREAT), EACCES);
	WANT(try_open(at("state/store/vpn/new"), O_RDWR | O_CREAT), 0);
	WANT(try_open(at("run/sync/new"), O_WRONLY | O_CREAT), 0);
	WANT(try_open(at("run/new"), O_WRONLY | O_CREAT), EACCES);
	WANT(try_open(at("state/secret"), O_RDONLY), EACCES);
	WANT(try_open("/etc/passwd", O_RDONLY), 0);
	WANT(try_open("/etc/passwd", O_WRONLY), EACCES);
	WANT(try_open("/etc/shadow", O_RDONLY), EACCES);
	WANT(try_open("/proc/self/mem", O_RDONLY), EACCES);
	WANT(try_open("/dev/null", O_RDONLY), EACCES);
	if (landlock_abi() >= 4)
		WANT(try_connect(), EACCES);
	(void)execv(self, argv);
	WANT(errno, EACCES);
	_exit(0);
}

START_TEST(test_landlock)
{
	int status;
	pid_t child;

	if (landlock_abi() == 0)
		return;
	put_file(at("base0/data/f"), "x");
	put_file(at("state/secret"), "x");
	/* Only the right to read is left of root's. */
	ck_assert_int_eq(chown(at("state/store/vpn"), 0, 0), 0);
	ck_assert_int_eq(chown(at("run/sync"), 0, 0), 0);
	read_conf();
	child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0)
		inside();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(test_old_sandbox)
{
	mono_t now = mono_now();

	read_conf();
	if (landlock_abi() == 0)
		return;
	if (fork() != 0) {
		int status;

		ck_assert_int_ne(wait(&status), -1);
		ck_assert_int_eq(status, 0);
		return;
	}
	sandbox_enter(&room);
	if (sandbox_is_old(&room, now))
		_exit(1);
	/* Not looked at again within the second. */
	(void)rename(at("base1"), at("was"));
	if (sandbox_is_old(&room, now))
		_exit(2);
	now.ns += 2 * NS_PER_S;
	/* Gone is no reason: nothing new could be read. */
	if (sandbox_is_old(&room, now))
		_exit(3);
	_exit(0);
}
END_TEST

static void
a_socket(void)
{
	(void)socket(AF_UNIX, SOCK_STREAM, 0);
}

static void
a_program(void)
{
	static char self[] = "/bin/true", *argv[] = { self, NULL };

	(void)execv(self, argv);
}

static void
a_child(void)
{
	(void)fork();
}

static void
code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
made_code(void)
{
	static _Alignas(4096) char page[4096];

	(void)mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

static void
a_message_by_name(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET };

	(void)sendto(0, "", 1, 0, (const struct sockaddr *)&to, sizeof(to));
}

static void
an_ioctl(void)
{
	(void)syscall(SYS_ioctl, 0, 0x5412, "x");
}

static void
a_signal(void)
{
	(void)kill(getppid(), 0);
}

static void
memory(void)
{
	if (mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		_exit(1);
}

static const struct act {
	void	(*fn)(void);
	bool	lives;
} acts[] = {
	{ memory, true }, { a_socket, false }, { a_program, false },
	{ a_child, false }, { code, false }, { made_code, false },
	{ a_message_by_name, false }, { an_ioctl, false },
	{ a_signal, false },
};
#define NACTS	((int)(sizeof(acts) / sizeof(acts[0])))

START_TEST(test_filter)
{
	const struct act *a = &acts[_i];
	int status;
	pid_t child;

	if (VIPAIR_SANITIZED)
		return;
	child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		room_filter(capture_calls, capture_ncalls);
		a->fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (a->lives)
		ck_assert_int_eq(status, 0);
	else
		ck_assert_msg(WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGSYS, "act %d: %d", _i, status);
}
END_TEST

/* A line of /proc/PID/status begins so and ends so. */
static bool
has_line(const char *word, const char *value)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, word, strlen(word)) == 0 &&
		    strlen(line) > strlen(value) && strcmp(line +
		    strlen(line) - strlen(value), value) == 0;
	}
	(void)fclose(f);
	return found;
}

START_TEST(test_real_room)
{
	start_room(0);
	say_word(0, ROLE_STANDBY, 0);
	until_settled(0);
	ck_assert(has_line("NoNewPrivs:", "1"));
	if (!VIPAIR_SANITIZED)
		ck_assert(has_line("Seccomp:", "2"));
	ck_assert(has_line("CapPrm:", "\t0000000000000004"));
	ck_assert(has_line("CapEff:", "\t0000000000000000"));
	ck_assert(has_line("CapInh:", "\t0000000000000000"));
	ck_assert(has_line("CapBnd:", "\t0000000000000000"));
	ck_assert(has_line("CapAmb:", "\t0000000000000000"));
	ck_assert(has_line("Groups:", "\t"  " ") ||
	    has_line("Groups:", ":\t"));
	ck_assert(!has_line("Uid:", "\t0"));
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("capture lock");
	TCase *t = tcase_create("capture lock");
	SRunner *r;
	int failed;

	if (argc < 2)
		return 64;
	room_path = realpath(argv[1], NULL);	/* by way of other places */
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
	tcase_add_test(t, test_landlock);
	tcase_add_test(t, test_old_sandbox);
	tcase_add_loop_test(t, test_filter, 0, NACTS);
	tcase_add_test(t, test_real_room);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
