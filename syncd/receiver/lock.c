/* SPDX-License-Identifier: ISC */

/*
 * The receiver: how it locks itself in.  An ordinary user to begin with
 * (sshd's child), so only what needs no privilege: no_new_privs, Landlock,
 * limits, and for the channel a list of system calls.  Whatever fails here
 * ends the process: a receiver that cannot be locked does not serve.
 */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "landlock.h"
#include "log.h"
#include "receiver.h"
#include "version.h"

#define CHANNEL_FILES	128
#define CHANNEL_MEMORY	(UINT64_C(4) << 30)
#define RSYNC_FILES	64
#define RSYNC_MEMORY	(UINT64_C(2) << 30)

const struct filter_rule channel_calls[] = {
	/* each frame */
	{ SYS_poll, -1, 0, 0 },
	{ SYS_ppoll, -1, 0, 0 },
	{ SYS_read, -1, 0, 0 },
	{ SYS_write, -1, 0, 0 },
	{ SYS_clock_gettime, -1, 0, 0 },	/* where the vdso cannot */
	{ SYS_sendto, -1, 0, 0 },		/* log, word to the mirror */
	/* the store; Landlock says where */
	{ SYS_openat, -1, 0, 0 },
	{ SYS_openat2, -1, 0, 0 },
	{ SYS_close, -1, 0, 0 },
	{ SYS_pread64, -1, 0, 0 },
	{ SYS_pwrite64, -1, 0, 0 },
	{ SYS_readv, -1, 0, 0 },
	{ SYS_writev, -1, 0, 0 },
	{ SYS_lseek, -1, 0, 0 },
	{ SYS_fstat, -1, 0, 0 },
#ifdef SYS_newfstatat
	{ SYS_newfstatat, -1, 0, 0 },
#endif
	{ SYS_statx, -1, 0, 0 },
	{ SYS_fstatfs, -1, 0, 0 },
	{ SYS_getdents64, -1, 0, 0 },
	{ SYS_mkdirat, -1, 0, 0 },
	{ SYS_unlinkat, -1, 0, 0 },
#ifdef SYS_renameat
	{ SYS_renameat, -1, 0, 0 },
#endif
	{ SYS_renameat2, -1, 0, 0 },
	{ SYS_linkat, -1, 0, 0 },
	{ SYS_faccessat, -1, 0, 0 },
	{ SYS_fchmod, -1, 0, 0 },
	{ SYS_ftruncate, -1, 0, 0 },
	{ SYS_fallocate, -1, 0, 0 },
	{ SYS_fadvise64, -1, 0, 0 },
	{ SYS_fsync, -1, 0, 0 },
	{ SYS_fdatasync, -1, 0, 0 },
	{ SYS_syncfs, -1, 0, 0 },
	{ SYS_flock, -1, 0, 0 },
	{ SYS_fcntl, -1, 0, 0 },
	{ SYS_copy_file_range, -1, 0, 0 },
	/* memory; nothing that can be executed */
	{ SYS_brk, -1, 0, 0 },
	{ SYS_mmap, 2, 0, 4 },
	{ SYS_mprotect, 2, 0, 4 },
	{ SYS_munmap, -1, 0, 0 },
	{ SYS_mremap, -1, 0, 0 },
	{ SYS_madvise, -1, 0, 0 },
	{ SYS_futex, -1, 0, 0 },
	{ SYS_getrandom, -1, 0, 0 },
	{ SYS_getpid, -1, 0, 0 },
	{ SYS_sysinfo, -1, 0, 0 },		/* qsort() */
	{ SYS_nanosleep, -1, 0, 0 },
	{ SYS_clock_nanosleep, -1, 0, 0 },
	{ SYS_restart_syscall, -1, 0, 0 },
	{ SYS_rt_sigreturn, -1, 0, 0 },
	{ SYS_exit_group, -1, 0, 0 },
};
const size_t channel_ncalls = sizeof(channel_calls) /
    sizeof(channel_calls[0]);

static void
set_limit(int which, rlim_t most, const char *name)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)which, &l) == -1)
		fatal("receiver: limit of %s", name);
	if (l.rlim_max < most)
		most = l.rlim_max;
	l = (struct rlimit){ .rlim_cur = most, .rlim_max = most };
	if (setrlimit((__rlimit_resource_t)which, &l) == -1)
		fatal("receiver: limit of %s", name);
}

/* A kernel without Landlock still has the filter and the ids. */
static int
begin(const struct receiver *r)
{
	int ruleset;

	if (landlock_abi() == 0) {
		log_warnx("%s: the kernel has no Landlock: only file modes "
		    "keep the partner's rsync in the store", r->pair);
		return -1;
	}
	ruleset = landlock_begin();
	if (ruleset == -1)
		fatal("receiver: landlock");
	return ruleset;
}

static void
allow(int ruleset, const char *path, unsigned int may)
{
	if (ruleset == -1)
		return;
	if (landlock_allow(ruleset, path, may) == -1 && errno != ENOENT)
		fatal("receiver: landlock: %s", path);
}

static void
end(int ruleset)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("receiver: no_new_privs");
	if (ruleset != -1 && landlock_end(ruleset) == -1)
		fatal("receiver: landlock");
}

void
lock_channel(const struct receiver *r)
{
	const int ruleset = begin(r);

	allow(ruleset, r->store_path, MAY_STORE);
	allow(ruleset, r->run_path, MAY_READ);
	end(ruleset);
	set_limit(RLIMIT_CORE, 0, "core files");
	set_limit(RLIMIT_NPROC, 0, "processes");
	set_limit(RLIMIT_NOFILE, CHANNEL_FILES, "descriptors");
	if (!VIPAIR_SANITIZED)
		set_limit(RLIMIT_AS, CHANNEL_MEMORY, "memory");
	room_filter(channel_calls, channel_ncalls);
}

void
lock_rsync(const struct receiver *r, uint64_t file_max)
{
	static const char *const readable[] = {
		"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache",
		"/etc/localtime", "/usr/share/zoneinfo",
	};
	const int ruleset = begin(r);
	const char *program = landlock_interpreter();
	size_t i;

	for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow(ruleset, readable[i], MAY_READ);
	allow(ruleset, RECEIVER_RSYNC, MAY_EXEC);
	if (program != NULL)
		allow(ruleset, program, MAY_EXEC);
	allow(ruleset, ".", MAY_STORE);		/* objects.in/ */
	end(ruleset);
	set_limit(RLIMIT_CORE, 0, "core files");
	set_limit(RLIMIT_NOFILE, RSYNC_FILES, "descriptors");
	set_limit(RLIMIT_AS, RSYNC_MEMORY, "memory");
	set_limit(RLIMIT_FSIZE, file_max, "file size");
}
