/* SPDX-License-Identifier: ISC */

/*
 * Loader: what is given up before the first byte of a generation is read.
 * Root stays root, as files get their owners, but without network, without
 * any path but two, and without the capabilities that make devices, file
 * capabilities or mounts.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <unistd.h>

#include "landlock.h"
#include "loader.h"
#include "room.h"
#include "version.h"

#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule	445
#endif
#define PATH_BENEATH	1

/* linux/landlock.h may be older than the kernel; these are in ABI 1 and 2. */
#define FS_WRITE_FILE	(UINT64_C(1) << 1)
#define FS_READ		(UINT64_C(3) << 2)	/* files, directories */
#define FS_REMOVE	(UINT64_C(3) << 4)	/* directories, files */
/* Whatever type a live file has, it can be moved aside. */
#define FS_MAKE		(UINT64_C(0x7f) << 6)
#define FS_REFER	(UINT64_C(1) << 13)
#define FS_TRUNCATE	(UINT64_C(1) << 14)

#define CAPS	(UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE | \
		    UINT64_C(1) << CAP_DAC_READ_SEARCH | \
		    UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_FSETID)

struct path_attr {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((packed));

static const struct filter_rule calls[] = {
	/* paths, all below descriptors */
	{ SYS_openat2, -1, 0, 0 },
	{ SYS_openat, -1, 0, 0 },
	{ SYS_newfstatat, -1, 0, 0 },
	{ SYS_statx, -1, 0, 0 },
	{ SYS_mkdirat, -1, 0, 0 },
	{ SYS_symlinkat, -1, 0, 0 },
	{ SYS_linkat, -1, 0, 0 },
	{ SYS_unlinkat, -1, 0, 0 },
	{ SYS_renameat, -1, 0, 0 },
	{ SYS_renameat2, -1, 0, 0 },
	{ SYS_fchownat, -1, 0, 0 },
	{ SYS_utimensat, -1, 0, 0 },
	{ SYS_faccessat, -1, 0, 0 },
	{ SYS_faccessat2, -1, 0, 0 },
	/* descriptors */
	{ SYS_fstat, -1, 0, 0 },
	{ SYS_fstatfs, -1, 0, 0 },
	{ SYS_getdents64, -1, 0, 0 },
	{ SYS_read, -1, 0, 0 },
	{ SYS_pread64, -1, 0, 0 },
	{ SYS_write, -1, 0, 0 },
	{ SYS_pwrite64, -1, 0, 0 },
	{ SYS_lseek, -1, 0, 0 },
	{ SYS_ftruncate, -1, 0, 0 },
	{ SYS_fchown, -1, 0, 0 },
	{ SYS_fchmod, -1, 0, 0 },
	{ SYS_fsetxattr, -1, 0, 0 },
	{ SYS_fgetxattr, -1, 0, 0 },
	{ SYS_flistxattr, -1, 0, 0 },
	{ SYS_fremovexattr, -1, 0, 0 },
	{ SYS_fsync, -1, 0, 0 },
	{ SYS_fdatasync, -1, 0, 0 },
	{ SYS_syncfs, -1, 0, 0 },
	{ SYS_fadvise64, -1, 0, 0 },
	{ SYS_flock, -1, 0, 0 },
	{ SYS_fcntl, 1, F_GETFL, 0 },
	{ SYS_fcntl, 1, F_GETFD, 0 },
	{ SYS_fcntl, 1, F_SETFD, 0 },
	{ SYS_fcntl, 1, F_DUPFD_CLOEXEC, 0 },
	{ SYS_fcntl, 1, F_OFD_SETLK, 0 },
	{ SYS_dup, -1, 0, 0 },
	{ SYS_close, -1, 0, 0 },
	/* memory and time */
	{ SYS_brk, -1, 0, 0 },
	{ SYS_mmap, 2, 0, PROT_EXEC },
	{ SYS_munmap, -1, 0, 0 },
	{ SYS_mremap, -1, 0, 0 },
	{ SYS_madvise, -1, 0, 0 },
	{ SYS_futex, -1, 0, 0 },
	{ SYS_clock_gettime, -1, 0, 0 },
	{ SYS_getrandom, -1, 0, 0 },
	{ SYS_getpid, -1, 0, 0 },
	{ SYS_geteuid, -1, 0, 0 },
	{ SYS_sendto, -1, 0, 0 },		/* log; there is no socket() */
	{ SYS_exit_group, -1, 0, 0 },
	{ SYS_rt_sigreturn, -1, 0, 0 },
	{ SYS_restart_syscall, -1, 0, 0 },
};

static int
allow(struct loader *l, int ruleset, int dir, uint64_t rights)
{
	const struct path_attr attr = { .allowed = rights, .fd = dir };

	if (dir == -1)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, PATH_BENEATH, &attr, 0) ==
	    -1)
		return loader_error(l, "sandbox: rule");
	return 0;
}

static int
close_paths(struct loader *l, int dir, int store)
{
	uint64_t all = FS_WRITE_FILE | FS_READ | FS_REMOVE | FS_MAKE;
	const int abi = landlock_abi();
	int ruleset;

	/* Without REFER a file could not move between directories at all. */
	if (abi < 2)
		return 0;
	if (abi >= 3)
		all |= FS_TRUNCATE;
	ruleset = landlock_begin();
	if (ruleset == -1)
		return loader_error(l, "sandbox");
	if (allow(l, ruleset, dir, all | FS_REFER) == -1 ||
	    allow(l, ruleset, store, FS_READ) == -1 ||
	    landlock_end(ruleset) == -1)
		return loader_error(l, "sandbox");
	return 0;
}

static int
drop_caps(struct loader *l)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = {
		{ .effective = (uint32_t)CAPS, .permitted = (uint32_t)CAPS },
		{ .effective = (uint32_t)(CAPS >> 32),
		  .permitted = (uint32_t)(CAPS >> 32) },
	};
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &h, d) == -1)
		return loader_error(l, "capabilities");
	return 0;
}

int
sandbox_enter(struct loader *l, int dir, int store)
{
	const struct rlimit none = { 0, 0 };

	/*
	 * Where a service manager allows no namespace the filter alone keeps
	 * us from the network: there is no socket().
	 */
	if (unshare(CLONE_NEWNET) == -1 && errno != EPERM)
		return loader_error(l, "leaving the network");
	if (setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		return loader_error(l, "limits");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return loader_error(l, "no_new_privs");
	if (close_paths(l, dir, store) == -1 || drop_caps(l) == -1)
		return -1;
	room_filter(calls, sizeof(calls) / sizeof(calls[0]));
	return 0;
}
