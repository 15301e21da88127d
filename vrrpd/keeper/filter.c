/* SPDX-License-Identifier: ISC */

/*
 * The keeper's system calls.  Files only below the directory it was given:
 * its root is an empty directory, and every name it opens is its own.
 */

#include <fcntl.h>
#include <sys/syscall.h>

#include "keeper.h"

const struct filter_rule keeper_calls[] = {
	/* every second */
	{ SYS_ppoll, -1, 0, 0 },
	{ SYS_recvmsg, -1, 0, 0 },
	{ SYS_sendmsg, -1, 0, 0 },
	{ SYS_pwrite64, -1, 0, 0 },
	{ SYS_fdatasync, -1, 0, 0 },
	{ SYS_clock_gettime, -1, 0, 0 },	/* where the vdso cannot */
	{ SYS_sendto, -1, 0, 0 },		/* log */
	/* at start, reload and when a file is rewritten */
	{ SYS_pread64, -1, 0, 0 },
	{ SYS_openat, 0, ROOM_FD_STATE, 0 },
	{ SYS_renameat, 0, ROOM_FD_STATE, 0 },
#ifdef SYS_renameat2
	{ SYS_renameat2, 0, ROOM_FD_STATE, 0 },
#endif
	{ SYS_linkat, 0, ROOM_FD_STATE, 0 },
	{ SYS_unlinkat, 0, ROOM_FD_STATE, 0 },
	{ SYS_fsync, -1, 0, 0 },
	{ SYS_lseek, -1, 0, 0 },
	{ SYS_fallocate, -1, 0, 0 },
	{ SYS_fcntl, 1, F_GET_SEALS, 0 },
	{ SYS_close, -1, 0, 0 },
	{ SYS_exit_group, -1, 0, 0 },
};
const size_t keeper_ncalls = sizeof(keeper_calls) / sizeof(keeper_calls[0]);
