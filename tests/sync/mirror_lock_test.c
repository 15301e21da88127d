/* SPDX-License-Identifier: ISC */

/*
 * syncd/mirror/sandbox.c: what the mirror, and with it ssh and rsync, cannot
 * do any more, each act in a child of its own; and what they still can.  As
 * root, which becomes nobody.
 */

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confblob.h"
#include "landlock.h"
#include "mirror.h"
#include "version.h"

#define NOBODY	65534
#define PORT	6022

static char top[64];
static struct blob blob;
static struct mirror room;

static void
quiet(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
}

static const char *
place(const char *below)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", top, below);
	return path;
}

static void
make_places(void)
{
	static const char *const dirs[] = {
		"run", "run/sync", "state", "state/store",
		"state/store/vpn", "state/store/other", "state/ssh",
		"state/ssh/vpn",
	};
	static const char *const files[] = {
		"state/store/vpn/HEAD", "state/store/other/HEAD",
		"state/ssh/vpn/id_ed25519", "state/secret",
	};
	static const char *const names[] = { "vpn", "mail", "web" };
	size_t i;
	int fd;

	(void)strcpy(top, "/tmp/vipair-mirror-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0755), 0);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		ck_assert_int_eq(mkdir(place(dirs[i]), 0777) |
		    chmod(place(dirs[i]), 0777), 0);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		fd = open(place(files[i]), O_CREAT | O_WRONLY, 0666);
		ck_assert_int_ne(fd, -1);
		ck_assert_int_eq(fchmod(fd, 0666), 0);
		(void)close(fd);
	}
	blob_make(&blob, 1, names);
	(void)snprintf(blob.strings + 130, 64, "%s/state", top);
	blob.c.state_dir = 130;
	blob.p[0].partner_ssh_port = PORT;
	room.conf = &blob.c;
	room.npairs = 1;
	(void)snprintf(room.run_path, sizeof(room.run_path), "%s/run/sync",
	    top);
	room.pair[0] = (struct pair){
		.mirror = &room, .conf = &blob.p[0], .name = "vpn",
	};
}

static void
remove_places(void)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "rm -rf -- '%s'", top);
	ck_assert_int_eq(system(line), 0);
}

/* How a child ends that is locked and then does this. */
static int
locked(int (*act)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		if (setgroups(0, NULL) == -1 ||
		    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		    setresuid(NOBODY, NOBODY, NOBODY) == -1)
			_exit(99);
		log_to(quiet);
		sandbox_enter(&room);
		_exit(act());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* Each returns 0 when it could, else the errno. */

static int
opens(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC, 0600) != -1 ? 0 : errno;
}

static int act_nothing(void) { return 0; }
static int act_read_shadow(void) { return opens("/etc/hostname", O_RDONLY); }
static int act_list_root(void) { return opens("/", O_RDONLY | O_DIRECTORY); }
static int act_read_proc(void) { return opens("/proc/1/status", O_RDONLY); }
static int act_read_passwd(void) { return opens("/etc/passwd", O_RDONLY); }
static int act_write_passwd(void) { return opens("/etc/passwd", O_WRONLY); }
static int act_null(void) { return opens("/dev/null", O_RDWR); }
static int act_make_in_tmp(void) { return opens("/tmp/x", O_CREAT | O_WRONLY); }

static int
act_read_store(void)
{
	return opens(place("state/store/vpn/HEAD"), O_RDONLY);
}

static int
act_write_store(void)
{
	return opens(place("state/store/vpn/HEAD"), O_WRONLY);
}

static int
act_make_in_store(void)
{
	return opens(place("state/store/vpn/new"), O_CREAT | O_WRONLY);
}

static int
act_other_store(void)
{
	return opens(place("state/store/other/HEAD"), O_RDONLY);
}

static int
act_read_key(void)
{
	return opens(place("state/ssh/vpn/id_ed25519"), O_RDONLY);
}

static int
act_write_key(void)
{
	return opens(place("state/ssh/vpn/id_ed25519"), O_WRONLY);
}

static int
act_state(void)
{
	return opens(place("state/secret"), O_RDONLY);
}

static int
act_run(void)
{
	if (opens(place("run/sync/a"), O_CREAT | O_WRONLY) != 0)
		return errno;
	if (rename(place("run/sync/a"), "run/sync/b") == 0)
		return 98;
	return unlink(place("run/sync/a")) == 0 ? 0 : errno;
}

static int
act_run_above(void)
{
	return opens(place("run/a"), O_CREAT | O_WRONLY);
}

static int
act_listen(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)fmt_into(at.sun_path, sizeof(at.sun_path), "%s",
	    place("run/sync/ctl"));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? 0 : errno;
}

static int
runs(const char *program)
{
	char name[] = "x", *argv[] = { name, NULL }, *envp[] = { NULL };

	(void)execve(program, argv, envp);
	return errno;
}

static int act_shell(void) { return runs("/bin/sh"); }
static int act_id(void) { return runs("/usr/bin/id"); }

/* Without arguments it says how it is used, and ends with 255. */
static int
act_ssh(void)
{
	(void)close(STDERR_FILENO);
	return runs("/usr/bin/ssh");
}

static int
tcp(uint16_t port, bool listens)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1)
		return errno;
	return (listens ? bind(fd, (struct sockaddr *)&a, sizeof(a)) :
	    connect(fd, (struct sockaddr *)&a, sizeof(a))) == 0 ? 0 : errno;
}

static int act_connect(void) { return tcp(PORT, false); }
static int act_connect_other(void) { return tcp(PORT + 1, false); }
static int act_bind(void) { return tcp(PORT, true); }

static int
makes(int family, int type)
{
	return socket(family, type, 0) != -1 ? 0 : errno;
}

static int act_netlink(void) { return makes(AF_NETLINK, SOCK_RAW); }
static int act_packet(void) { return makes(AF_PACKET, SOCK_RAW); }
static int act_vsock(void) { return makes(AF_VSOCK, SOCK_STREAM); }
static int act_raw(void) { return makes(AF_INET, SOCK_RAW); }

static int
act_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

static int act_mount(void) { return mount("a", "/", "tmpfs", 0, NULL); }
static int act_unshare(void) { return unshare(CLONE_NEWUSER); }
static int act_setns(void) { return setns(0, 0); }
static int act_chroot(void) { return chroot("/"); }
static int act_bpf(void) { return (int)syscall(SYS_bpf, 0, NULL, 0); }
static int act_perf(void) { return (int)syscall(SYS_perf_event_open); }
static int act_uring(void) { return (int)syscall(SYS_io_uring_setup); }
static int act_fault(void) { return (int)syscall(SYS_userfaultfd, 0); }
static int act_module(void) { return (int)syscall(SYS_finit_module); }

static int
act_clone(void)
{
	return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
}

static int
act_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0) == -1 ? errno : 0;
}

static int
act_keys(void)
{
	return syscall(SYS_keyctl, 0, 0, 0, 0, 0) == -1 ? errno : 0;
}

static int
act_terminal(void)
{
	return ioctl(0, TIOCSTI, "x") == -1 ? errno : 0;
}

static int
act_fork(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return waitpid(pid, &status, 0) == pid ? 0 : errno;
}

enum fate { GOES_ON, DIES };

static const struct {
	const char	*what;
	int		(*act)(void);
	enum fate	fate;
	int		status;		/* exit status: 0 or an errno */
} cases[] = {
	{ "nothing", act_nothing, GOES_ON, 0 },
	/* what it needs */
	{ "passwd", act_read_passwd, GOES_ON, 0 },
	{ "null", act_null, GOES_ON, 0 },
	{ "store", act_read_store, GOES_ON, 0 },
	{ "key", act_read_key, GOES_ON, 0 },
	{ "run", act_run, GOES_ON, 0 },
	{ "socket in run", act_listen, GOES_ON, 0 },
	{ "ssh", act_ssh, GOES_ON, 255 },
	{ "fork", act_fork, GOES_ON, 0 },
	{ "ssh's port", act_connect, GOES_ON, ECONNREFUSED },
	/* what it does not */
	{ "etc", act_read_shadow, GOES_ON, EACCES },
	{ "root", act_list_root, GOES_ON, EACCES },
	{ "proc", act_read_proc, GOES_ON, EACCES },
	{ "passwd, writing", act_write_passwd, GOES_ON, EACCES },
	{ "tmp", act_make_in_tmp, GOES_ON, EACCES },
	{ "store, writing", act_write_store, GOES_ON, EACCES },
	{ "store, a new file", act_make_in_store, GOES_ON, EACCES },
	{ "another store", act_other_store, GOES_ON, EACCES },
	{ "key, writing", act_write_key, GOES_ON, EACCES },
	{ "state", act_state, GOES_ON, EACCES },
	{ "above run", act_run_above, GOES_ON, EACCES },
	{ "shell", act_shell, GOES_ON, EACCES },
	{ "id", act_id, GOES_ON, EACCES },
	{ "another port", act_connect_other, GOES_ON, EACCES },
	{ "bind", act_bind, GOES_ON, EACCES },
	{ "netlink", act_netlink, GOES_ON, EPERM },
	{ "packet", act_packet, GOES_ON, EPERM },
	{ "vsock", act_vsock, GOES_ON, EPERM },
	{ "raw", act_raw, GOES_ON, EPERM },
	{ "keys", act_keys, GOES_ON, EPERM },
	{ "terminal", act_terminal, GOES_ON, EPERM },
	{ "clone3", act_clone3, GOES_ON, ENOSYS },
	{ "ptrace", act_ptrace, DIES, 0 },
	{ "mount", act_mount, DIES, 0 },
	{ "unshare", act_unshare, DIES, 0 },
	{ "setns", act_setns, DIES, 0 },
	{ "chroot", act_chroot, DIES, 0 },
	{ "clone", act_clone, DIES, 0 },
	{ "bpf", act_bpf, DIES, 0 },
	{ "perf", act_perf, DIES, 0 },
	{ "io_uring", act_uring, DIES, 0 },
	{ "userfaultfd", act_fault, DIES, 0 },
	{ "module", act_module, DIES, 0 },
};

START_TEST(test_act)
{
	const int status = locked(cases[_i].act);

	if (cases[_i].fate == DIES) {
		ck_assert_msg(WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGSYS, "%s: status %x",
		    cases[_i].what, (unsigned int)status);
		return;
	}
	ck_assert_msg(WIFEXITED(status) &&
	    WEXITSTATUS(status) == cases[_i].status,
	    "%s: status %x, expected exit %d", cases[_i].what,
	    (unsigned int)status, cases[_i].status);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mirror_lock");
	TCase *tc = tcase_create("acts");
	SRunner *sr;
	int failed;

	if (geteuid() != 0 || landlock_abi() < 4 || VIPAIR_SANITIZED)
		return 77;
	tcase_add_checked_fixture(tc, make_places, remove_places);
	tcase_add_loop_test(tc, test_act, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
