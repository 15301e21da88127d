/* SPDX-License-Identifier: ISC */

/*
 * The real filter of elector, actuator or capture against every system call number:
 * those below live, all others die by SIGSYS.  The list is written down here
 * once more on purpose: a call that is added to a room turns this red.
 */

#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

void	filter_on(void);	/* of the room that is linked in */

#define CALLS	512
#define ALIVE	17

#ifdef CAPTURE
#include "pairs.h"

void
filter_on(void)
{
	room_filter(capture_calls, capture_ncalls);
}
#endif

static const int allowed[] = {
	SYS_ppoll, SYS_recvmsg, SYS_sendmsg,
	SYS_close, SYS_clock_gettime, SYS_exit_group,
#ifdef CAPTURE
	/* Not with these arguments: mmap, fcntl, sendto, renameat2. */
	SYS_clock_nanosleep, SYS_restart_syscall, SYS_read, SYS_write,
	SYS_statx, SYS_newfstatat, SYS_fstat, SYS_openat2, SYS_openat,
	SYS_getdents64, SYS_lseek, SYS_pread64, SYS_readlinkat,
	SYS_flistxattr, SYS_fgetxattr, SYS_fstatfs, SYS_fadvise64,
	SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
	SYS_fchdir, SYS_pwrite64, SYS_ftruncate, SYS_fsync, SYS_fdatasync,
	SYS_syncfs, SYS_flock, SYS_fchmod, SYS_renameat, SYS_linkat,
	SYS_unlinkat, SYS_mkdirat, SYS_capget, SYS_capset, SYS_ioprio_set,
	SYS_brk, SYS_mremap, SYS_munmap, SYS_madvise, SYS_sysinfo,
	SYS_getrandom, SYS_getpid,
#else
	SYS_recvfrom, SYS_sendto, SYS_rt_sigreturn,
#endif
#ifdef ELECTOR
	SYS_accept4, SYS_getsockopt, SYS_fcntl, SYS_pread64, SYS_write,
#endif
};

static bool
is_allowed(int nr)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (allowed[i] == nr)
			return true;
	return false;
}

/* Wait status of a child that makes the call under the filter. */
static int
outcome(int nr)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		filter_on();
		/* Arguments that do no harm where the call is let through. */
		(void)syscall(nr, -1, -1, -1, -1, -1, -1);
		(void)syscall(SYS_exit_group, ALIVE);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(listed_calls_live)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int status;

		/* These two do not come back. */
		if (allowed[i] == SYS_exit_group ||
		    allowed[i] == SYS_rt_sigreturn)
			continue;
		status = outcome(allowed[i]);
		ck_assert_msg(WIFEXITED(status) &&
		    WEXITSTATUS(status) == ALIVE, "call %d", allowed[i]);
	}
}
END_TEST

START_TEST(all_others_die)
{
	for (int nr = 0; nr < CALLS; nr++) {
		int status;

		/* uretprobe, uprobe: the kernel never asks a filter. */
		if (is_allowed(nr) || nr == 335 || nr == 336)
			continue;
		status = outcome(nr);
		ck_assert_msg(WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGSYS, "call %d lives", nr);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter of a room");
	TCase *t = tcase_create("every call");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, listed_calls_live);
	tcase_add_test(t, all_others_die);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
