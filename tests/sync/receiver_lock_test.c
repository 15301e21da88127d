/* SPDX-License-Identifier: ISC */

/*
 * syncd/receiver/lock.c: what the receiver cannot do any more, each act in a
 * child of its own; and what it still can.  As root, which becomes nobody.
 */

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "landlock.h"
#include "log.h"
#include "receiver.h"
#include "version.h"

#define NOBODY	65534

static char top[64];
static struct receiver me;

static void
make_places(void)
{
	static char store[96], run[96];

	(void)strcpy(top, "/tmp/vipair-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	(void)snprintf(store, sizeof(store), "%s/store", top);
	(void)snprintf(run, sizeof(run), "%s/run", top);
	ck_assert_int_eq(mkdir(store, 0777) | mkdir(run, 0777), 0);
	ck_assert_int_eq(chmod(top, 0755) | chmod(store, 0777) |
	    chmod(run, 0777), 0);
	me = (struct receiver){
		.pair = "vpn", .store_path = store, .run_path = run,
	};
}

static void
remove_places(void)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "rm -rf -- '%s'", top);
	ck_assert_int_eq(system(line), 0);
}

static void
quiet(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
}

/* How a child ends that is locked and then does this. */
static int
locked(int (*act)(void), bool rsync)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)signal(SIGSYS, SIG_DFL);
		(void)signal(SIGXFSZ, SIG_IGN);
		log_to(quiet);
		if (setgroups(0, NULL) == -1 ||
		    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		    setresuid(NOBODY, NOBODY, NOBODY) == -1 ||
		    chdir(me.store_path) == -1)
			_exit(99);
		if (rsync)
			lock_rsync(&me, 4096);
		else
			lock_channel(&me);
		_exit(act());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- acts: 0 when they succeed, errno when refused ---------------------- */

static int
read_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) == -1 ? errno : 0;
}

static int
act_read_passwd(void)
{
	return read_file("/etc/passwd");
}

static int
act_read_proc(void)
{
	return read_file("/proc/self/environ");
}

static int
act_write_tmp(void)
{
	return open("/tmp/vipair-lock-out", O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600) == -1 ? errno : 0;
}

static int
act_write_run(void)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/x", me.run_path);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 ?
	    errno : 0;
}

static int
act_write_store(void)
{
	return open("x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 ?
	    errno : 0;
}

static int
act_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) == -1 ? errno : 0;
}

static int
act_exec(void)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };

	(void)execv("/usr/bin/true", argv);
	return errno;
}

static int
act_fork(void)
{
	return fork() == -1 ? errno : 0;
}

static int
act_link(void)
{
	return symlinkat("/etc/passwd", AT_FDCWD, "l") == -1 ? errno : 0;
}

static int
act_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int
act_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 ? errno : 0;
}

static int
act_device(void)
{
	return mknod("fifo", S_IFIFO | 0600, 0) == -1 ? errno : 0;
}

static int
act_tcp(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(22),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s == -1)
		return errno;
	return connect(s, (struct sockaddr *)&to, sizeof(to)) == -1 ?
	    errno : 0;
}

static int
act_large_file(void)
{
	static char page[8192];
	int fd = open("large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return errno;
	if (write(fd, page, sizeof(page)) != 4096)
		return 98;
	return write(fd, page, 1) == -1 ? errno : 0;
}

static int
act_rsync(void)
{
	char name[] = "rsync", version[] = "--version";
	char *const argv[] = { name, version, NULL };

	(void)close(STDOUT_FILENO);
	(void)execv(RECEIVER_RSYNC, argv);
	return errno;
}

/* ---- tests -------------------------------------------------------------- */

struct act {
	int	(*act)(void);
	int	 code;		/* exit status, or -1: killed by the filter */
	bool	 needs_landlock;
};

static const struct act channel_acts[] = {
	{ act_write_store, 0, false },
	{ act_read_passwd, EACCES, true },
	{ act_read_proc, EACCES, true },
	{ act_write_tmp, EACCES, true },
	{ act_write_run, EACCES, true },
	{ act_socket, -1, false },
	{ act_exec, -1, false },
	{ act_fork, -1, false },
	{ act_link, -1, false },
	{ act_code, -1, false },
	{ act_ptrace, -1, false },
	{ act_device, -1, false },
};

static const struct act rsync_acts[] = {
	{ act_write_store, 0, false },
	{ act_large_file, EFBIG, false },
	{ act_rsync, 0, false },
	{ act_read_passwd, EACCES, true },
	{ act_read_proc, EACCES, true },
	{ act_write_tmp, EACCES, true },
	{ act_write_run, EACCES, true },
	{ act_exec, EACCES, true },
	{ act_link, EACCES, true },
	{ act_device, EACCES, true },
	{ act_tcp, EACCES, true },
};

static void
judge(const struct act *a, bool rsync)
{
	int status;

	if (a->needs_landlock && landlock_abi() == 0)
		return;
	status = locked(a->act, rsync);
	if (a->code == -1) {
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGSYS);
		return;
	}
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), a->code);
}

START_TEST(test_channel)
{
	if (channel_acts[_i].code == -1 && VIPAIR_SANITIZED)
		return;		/* no filter in such a build */
	judge(&channel_acts[_i], false);
}
END_TEST

START_TEST(test_rsync)
{
	judge(&rsync_acts[_i], true);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("receiver_lock");
	TCase *tc = tcase_create("acts");
	SRunner *sr;
	int failed;

	if (geteuid() != 0)
		return 77;
	tcase_add_checked_fixture(tc, make_places, remove_places);
	tcase_add_loop_test(tc, test_channel, 0,
	    sizeof(channel_acts) / sizeof(channel_acts[0]));
	tcase_add_loop_test(tc, test_rsync, 0,
	    sizeof(rsync_acts) / sizeof(rsync_acts[0]));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
