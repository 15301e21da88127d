/* SPDX-License-Identifier: ISC */

/*
 * Capture: reads live data.  See payload.h for what it must never do.
 */

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"
#include "payload.h"

#define RIGHT		(1u << CAP_DAC_READ_SEARCH)
#define SETTLE_STEP_NS	(NS_PER_MS / 2)
#define SETTLE_STEPS_MAX 40

static bool
get_caps(struct __user_cap_data_struct d[2])
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capget, &h, d) == 0;
}

static bool
set_caps(uint32_t effective, uint32_t permitted)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct d[2] = {
		{ .effective = effective, .permitted = permitted },
	};

	return syscall(SYS_capset, &h, d) == 0;
}

bool
payload_keep_right(void)
{
	struct __user_cap_data_struct d[2] = { { .effective = 0 } };

	if (!get_caps(d))
		return false;
	/* Ambient goes first: the kernel ties it to the other two. */
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	    set_caps(0, d[0].permitted & RIGHT);
}

bool
payload_open_base(struct payload *p, const char *base)
{
	struct __user_cap_data_struct d[2] = { { .effective = 0 } };

	*p = (struct payload){ .base = -1 };
	p->cap = get_caps(d) && d[0].permitted == RIGHT;
	payload_begin(p);
	p->base = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	payload_end(p);
	return p->base != -1;
}

void
payload_close(struct payload *p)
{
	if (p->base != -1)
		(void)close(p->base);
	p->base = -1;
}

void
payload_begin(const struct payload *p)
{
	if (p->cap && !set_caps(RIGHT, RIGHT))
		fatal("capture: the right to read cannot be raised");
}

void
payload_end(const struct payload *p)
{
	const int saved = errno;

	if (p->cap && !set_caps(0, RIGHT))
		fatal("capture: the right to read cannot be lowered");
	errno = saved;
}

int
payload_open(int dir, const char *path, int flags)
{
	/* O_NONBLOCK: what has become a pipe meanwhile must not hang us. */
	const struct open_how how = {
		.flags = (uint64_t)(O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC | flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	assert((flags & O_ACCMODE) == O_RDONLY);
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int
payload_look(int dir, const char *name, struct statx *st, bool *mount)
{
	if (statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	    STATX_BASIC_STATS, st) == -1)
		return -1;
	*mount = (st->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return 0;
}

static int64_t
to_ns(const struct statx_timestamp *t)
{
	return t->tv_sec * NS_PER_S + t->tv_nsec;
}

void
payload_identity(const struct statx *st, struct identity *id)
{
	*id = (struct identity){
		.dev = makedev(st->stx_dev_major, st->stx_dev_minor),
		.ino = st->stx_ino,
		.size = st->stx_size,
		.mtime_ns = to_ns(&st->stx_mtime),
		.ctime_ns = to_ns(&st->stx_ctime),
		.nlink = st->stx_nlink,
	};
}

void
payload_settle(const struct statx *st)
{
	const struct timespec step = { .tv_nsec = SETTLE_STEP_NS };
	const int64_t changed = to_ns(&st->stx_ctime);
	struct timespec now;
	int i;

	/* Bounded: after the clock was set back a file is of the future. */
	for (i = 0; i < SETTLE_STEPS_MAX; i++) {
		(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (now.tv_sec * NS_PER_S + now.tv_nsec > changed)
			return;
		(void)nanosleep(&step, NULL);
	}
}

static bool
is_kept(const char *name)
{
	return strncmp(name, "user.", 5) == 0 ||
	    strcmp(name, "system.posix_acl_access") == 0 ||
	    strcmp(name, "system.posix_acl_default") == 0 ||
	    strcmp(name, "security.capability") == 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
read_one(int fd, const char *name, struct payload_xattrs *x)
{
	const size_t left = MANIFEST_XATTR_MAX - x->used, len = strlen(name);
	char *value = x->room + x->used;
	ssize_t n;

	if (x->n == MANIFEST_XATTRS_MAX || len >= left) {
		x->lost = true;
		return;
	}
	n = fgetxattr(fd, name, value, left - len);
	if (n == -1) {
		x->lost |= errno != ENODATA;
		return;
	}
	x->x[x->n++] = (struct entry_xattr){
		.name = name, .value = value, .len = (uint32_t)n,
	};
	x->used += (size_t)n + len;
}

void
payload_xattrs(int fd, struct payload_xattrs *x)
{
	const char *name;
	ssize_t n;

	x->n = 0;
	x->used = 0;
	x->lost = false;
	n = flistxattr(fd, x->names, sizeof(x->names));
	if (n == -1) {
		x->lost = errno != ENOTSUP;
		n = 0;
	}
	for (name = x->names; name < x->names + n; name += strlen(name) + 1)
		if (is_kept(name))
			read_one(fd, name, x);
	if (x->sparse && x->n < MANIFEST_XATTRS_MAX)
		x->x[x->n++] = (struct entry_xattr){
			.name = PAYLOAD_SPARSE, .value = "",
		};
	qsort(x->x, x->n, sizeof(x->x[0]), by_name);
}
