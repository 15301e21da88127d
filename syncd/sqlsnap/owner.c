/* SPDX-License-Identifier: ISC */

/*
 * sqlsnap: becomes the owner of the database.  Root until then, and must
 * therefore open nothing for reading or writing: names are resolved to
 * descriptors that can do no more than be looked at (O_PATH).
 */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "room.h"
#include "sqlsnap.h"

#define PATH_SIZE	4096
#define NAME_LEN_MAX	255
#define FILES_MAX	32

static int
look(int dir, const char *path, uint64_t flags)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static enum sqlsnap
cannot_find(const char *path)
{
	const int e = errno;

	say("%s: %s", path, e == ELOOP || e == EXDEV ?
	    "leads through a link or out of its base" : strerror(e));
	if (e == ENOENT)
		return SQLSNAP_GONE;
	/* ENOTDIR: a directory of the path is a file or a link. */
	if (e == ELOOP || e == EXDEV || e == ENOTDIR)
		return SQLSNAP_KIND;
	return e == EACCES ? SQLSNAP_RIGHTS : SQLSNAP_IO;
}

/* Leaves the process in the directory, and *f filled. */
static enum sqlsnap
find(int base, const char *path, struct snap_file *f)
{
	char dir[PATH_SIZE] = ".";
	const char *slash = strrchr(path, '/');
	int fd;

	f->name = slash != NULL ? slash + 1 : path;
	if (strlen(path) >= sizeof(dir) || f->name[0] == '\0' ||
	    strlen(f->name) > NAME_LEN_MAX)
		return SQLSNAP_USAGE;
	if (slash != NULL) {
		(void)memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
	}
	fd = look(base, dir, O_DIRECTORY);
	if (fd == -1)
		return cannot_find(path);
	if (fchdir(fd) == -1) {
		(void)close(fd);
		return cannot_find(path);
	}
	(void)close(fd);
	/* Kept open: its inode is not used again for another file. */
	fd = look(AT_FDCWD, f->name, 0);
	if (fd == -1 || fstat(fd, &f->st) == -1)
		return cannot_find(path);
	if (!S_ISREG(f->st.st_mode)) {
		say("%s: not a regular file", path);
		return SQLSNAP_KIND;
	}
	return SQLSNAP_OK;
}

static bool
drop_bounding_set(void)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return false;
	return true;
}

/* Root's own databases: still uid 0, but with no capability. */
static bool
drop_caps(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { { .effective = 0 } };

	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	    syscall(SYS_capset, &h, d) == 0;
}

static bool
set_limits(void)
{
	const struct rlimit none = { .rlim_cur = 0 };
	const struct rlimit files = {
		.rlim_cur = FILES_MAX, .rlim_max = FILES_MAX,
	};

	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	    setrlimit(RLIMIT_NPROC, &none) == 0 &&
	    setrlimit(RLIMIT_NOFILE, &files) == 0;
}

/* From root to the owner; the directory becomes all there is. */
static bool
change_over(const struct stat *st)
{
	return chroot(".") == 0 &&
	    drop_bounding_set() &&
	    setgroups(0, NULL) == 0 &&
	    setresgid(st->st_gid, st->st_gid, st->st_gid) == 0 &&
	    setresuid(st->st_uid, st->st_uid, st->st_uid) == 0;
}

enum sqlsnap
owner_become(const char *base, const char *path, struct snap_file *f)
{
	enum sqlsnap why;
	int fd;

	fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return cannot_find(base);
	why = find(fd, path, f);
	(void)close(fd);
	if (why != SQLSNAP_OK)
		return why;
	if (geteuid() != 0 && geteuid() != f->st.st_uid) {
		say("%s: belongs to uid %u, and only root can become that",
		    path, f->st.st_uid);
		return SQLSNAP_RIGHTS;
	}
	if ((geteuid() == 0 && !change_over(&f->st)) || !drop_caps() ||
	    !set_limits() || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		say("%s: rights cannot be given up: %s", path,
		    strerror(errno));
		return SQLSNAP_LOCKED_OUT;
	}
	return SQLSNAP_OK;
}

/* Files by name below the directory, memory, time; no socket, no exec. */
static const struct filter_rule calls[] = {
	{ SYS_pread64, -1, 0, 0 },
	{ SYS_pwrite64, -1, 0, 0 },
	{ SYS_read, -1, 0, 0 },
	{ SYS_write, -1, 0, 0 },
	{ SYS_lseek, -1, 0, 0 },
	{ SYS_fcntl, -1, 0, 0 },
	{ SYS_openat, -1, 0, 0 },
	{ SYS_close, -1, 0, 0 },
	{ SYS_fstat, -1, 0, 0 },
	{ SYS_newfstatat, -1, 0, 0 },
	{ SYS_statx, -1, 0, 0 },
	{ SYS_faccessat, -1, 0, 0 },
	{ SYS_faccessat2, -1, 0, 0 },
	{ SYS_readlinkat, -1, 0, 0 },
	{ SYS_getcwd, -1, 0, 0 },
	{ SYS_ftruncate, -1, 0, 0 },
	{ SYS_fallocate, -1, 0, 0 },
	{ SYS_unlinkat, -1, 0, 0 },
	{ SYS_fsync, -1, 0, 0 },
	{ SYS_fdatasync, -1, 0, 0 },
	{ SYS_fchmod, -1, 0, 0 },
	{ SYS_fchown, -1, 0, 0 },
	{ SYS_mmap, -1, 0, 0 },
	{ SYS_munmap, -1, 0, 0 },
	{ SYS_mremap, -1, 0, 0 },
	{ SYS_mprotect, -1, 0, 0 },
	{ SYS_madvise, -1, 0, 0 },
	{ SYS_brk, -1, 0, 0 },
	{ SYS_futex, -1, 0, 0 },
	{ SYS_getpid, -1, 0, 0 },
	{ SYS_geteuid, -1, 0, 0 },
	{ SYS_getuid, -1, 0, 0 },
	{ SYS_getrandom, -1, 0, 0 },
	{ SYS_clock_gettime, -1, 0, 0 },
	{ SYS_gettimeofday, -1, 0, 0 },
	{ SYS_clock_nanosleep, -1, 0, 0 },
	{ SYS_nanosleep, -1, 0, 0 },
	{ SYS_setpriority, -1, 0, 0 },
	{ SYS_rt_sigreturn, -1, 0, 0 },
	{ SYS_exit_group, -1, 0, 0 },
#ifdef SYS_open		/* the older calls, where the architecture has them */
	{ SYS_open, -1, 0, 0 },
	{ SYS_stat, -1, 0, 0 },
	{ SYS_lstat, -1, 0, 0 },
	{ SYS_access, -1, 0, 0 },
	{ SYS_readlink, -1, 0, 0 },
	{ SYS_unlink, -1, 0, 0 },
#endif
};

void
owner_filter(void)
{
	room_filter(calls, sizeof(calls) / sizeof(calls[0]));
}
