/* SPDX-License-Identifier: ISC */

/*
 * The capture's system calls.  Files only where Landlock lets it; no socket
 * is made, no program started, no memory becomes executable.
 */

#include <sys/mman.h>
#include <sys/syscall.h>

#include <fcntl.h>

#include "pairs.h"

const struct filter_rule capture_calls[] = {
	/* channels, log, time */
	{ SYS_ppoll, -1, 0, 0 },
	{ SYS_recvmsg, -1, 0, 0 },
	{ SYS_sendmsg, -1, 0, 0 },
	{ SYS_sendto, 4, 0, 0 },		/* log: to nobody by name */
	{ SYS_clock_gettime, -1, 0, 0 },	/* where the vdso cannot */
	{ SYS_clock_nanosleep, -1, 0, 0 },
	{ SYS_restart_syscall, -1, 0, 0 },	/* of that, after a stop */
	{ SYS_read, -1, 0, 0 },
	{ SYS_write, -1, 0, 0 },
	{ SYS_close, -1, 0, 0 },
	/* looking */
	{ SYS_statx, -1, 0, 0 },
	{ SYS_newfstatat, -1, 0, 0 },
	{ SYS_fstat, -1, 0, 0 },
	{ SYS_openat2, -1, 0, 0 },
	{ SYS_openat, -1, 0, 0 },
	{ SYS_getdents64, -1, 0, 0 },
	{ SYS_lseek, -1, 0, 0 },
	{ SYS_pread64, -1, 0, 0 },
	{ SYS_readlinkat, -1, 0, 0 },
	{ SYS_flistxattr, -1, 0, 0 },
	{ SYS_fgetxattr, -1, 0, 0 },
	{ SYS_fstatfs, -1, 0, 0 },
	{ SYS_fadvise64, -1, 0, 0 },
	{ SYS_fcntl, 1, F_DUPFD_CLOEXEC, 0 },
	{ SYS_fcntl, 1, F_GETFL, 0 },
	{ SYS_fcntl, 1, F_SETFD, 0 },
	{ SYS_inotify_init1, -1, 0, 0 },
	{ SYS_inotify_add_watch, -1, 0, 0 },
	{ SYS_inotify_rm_watch, -1, 0, 0 },
	{ SYS_fchdir, -1, 0, 0 },
	/* the store and the state files */
	{ SYS_pwrite64, -1, 0, 0 },
	{ SYS_ftruncate, -1, 0, 0 },
	{ SYS_fsync, -1, 0, 0 },
	{ SYS_fdatasync, -1, 0, 0 },
	{ SYS_syncfs, -1, 0, 0 },
	{ SYS_flock, -1, 0, 0 },
	{ SYS_fchmod, -1, 0, 0 },
	{ SYS_renameat, -1, 0, 0 },
#ifdef SYS_renameat2
	{ SYS_renameat2, 2, 0, 0 },		/* libc's renameat on some */
#endif
	{ SYS_linkat, -1, 0, 0 },
	{ SYS_unlinkat, -1, 0, 0 },
	{ SYS_mkdirat, -1, 0, 0 },
	/* the one right, and after everybody else */
	{ SYS_capget, -1, 0, 0 },
	{ SYS_capset, -1, 0, 0 },
	{ SYS_ioprio_set, -1, 0, 0 },
	/* memory */
	{ SYS_brk, -1, 0, 0 },
	{ SYS_mmap, 2, PROT_READ | PROT_WRITE, 0 },
	{ SYS_mremap, -1, 0, 0 },
	{ SYS_munmap, -1, 0, 0 },
	{ SYS_madvise, -1, 0, 0 },
	{ SYS_sysinfo, -1, 0, 0 },		/* qsort: how much there is */
	{ SYS_getrandom, -1, 0, 0 },		/* malloc: its first call */
	{ SYS_getpid, -1, 0, 0 },
	{ SYS_exit_group, -1, 0, 0 },
};
const size_t capture_ncalls = sizeof(capture_calls) /
    sizeof(capture_calls[0]);
