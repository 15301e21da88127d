/* SPDX-License-Identifier: ISC */

/*
 * The receiver, and whoever else runs programs he cannot vouch for.  Knows
 * no paths of its own.
 */

#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "landlock.h"

/* The kernel's numbers; its header may be older than the kernel. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_add_rule		445
#define SYS_landlock_restrict_self	446
#endif
#define CREATE_VERSION	1u
#define PATH_BENEATH	1
#define NET_PORT	2

#define FS_EXECUTE	(UINT64_C(1) << 0)
#define FS_WRITE_FILE	(UINT64_C(1) << 1)
#define FS_READ_FILE	(UINT64_C(1) << 2)
#define FS_READ_DIR	(UINT64_C(1) << 3)
#define FS_REMOVE_DIR	(UINT64_C(1) << 4)
#define FS_REMOVE_FILE	(UINT64_C(1) << 5)
#define FS_MAKE_DIR	(UINT64_C(1) << 7)
#define FS_MAKE_REG	(UINT64_C(1) << 8)
#define FS_MAKE_SOCK	(UINT64_C(1) << 9)
#define FS_REFER	(UINT64_C(1) << 13)	/* ABI 2 */
#define FS_TRUNCATE	(UINT64_C(1) << 14)	/* ABI 3 */
#define FS_ABI1		((UINT64_C(1) << 13) - 1)
#define FS_IOCTL_DEV	(UINT64_C(1) << 15)	/* ABI 5 */
#define NET_ALL		UINT64_C(3)		/* ABI 4: bind, connect */
#define NET_CONNECT	UINT64_C(2)
#define SCOPE_ALL	UINT64_C(3)		/* ABI 6: abstract, signal */
#define FS_OF_FILES	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | \
			    FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attr {
	uint64_t	fs, net, scope;
};

struct path_attr {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((packed));

struct port_attr {
	uint64_t	allowed, port;
};

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t
handled_fs(int abi)
{
	uint64_t fs = FS_ABI1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

int
landlock_begin(void)
{
	const int abi = landlock_abi();
	const struct ruleset_attr attr = {
		.fs = handled_fs(abi),
		.net = abi >= 4 ? NET_ALL : 0,
		.scope = abi >= 6 ? SCOPE_ALL : 0,
	};
	size_t len = sizeof(attr.fs);

	if (abi == 0) {
		errno = ENOSYS;
		return -1;
	}
	if (abi >= 6)
		len = sizeof(attr);
	else if (abi >= 4)
		len = 2 * sizeof(attr.fs);
	return (int)syscall(SYS_landlock_create_ruleset, &attr, len, 0);
}

static uint64_t
rights(unsigned int may)
{
	uint64_t fs = 0;

	if ((may & (MAY_READ | MAY_STORE)) != 0)
		fs |= FS_READ_FILE | FS_READ_DIR;
	if ((may & MAY_STORE) != 0)
		fs |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE |
		    FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE;
	if ((may & MAY_EXEC) != 0)
		fs |= FS_EXECUTE | FS_READ_FILE;
	if ((may & MAY_SOCKET) != 0)
		fs |= FS_MAKE_SOCK;
	return fs & handled_fs(landlock_abi());
}

int
landlock_allow(int ruleset, const char *path, unsigned int may)
{
	struct path_attr attr = { .allowed = rights(may) };
	struct stat st;
	int error, rc;

	attr.fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.fd == -1)
		return -1;
	if (fstat(attr.fd, &st) == -1) {
		rc = -1;
	} else {
		if (!S_ISDIR(st.st_mode))
			attr.allowed &= FS_OF_FILES;
		rc = (int)syscall(SYS_landlock_add_rule, ruleset,
		    PATH_BENEATH, &attr, 0);
	}
	error = errno;
	(void)close(attr.fd);
	errno = error;
	return rc;
}

int
landlock_allow_connect(int ruleset, uint16_t port)
{
	const struct port_attr attr = { .allowed = NET_CONNECT, .port = port };

	if (landlock_abi() < 4)
		return 0;
	return (int)syscall(SYS_landlock_add_rule, ruleset, NET_PORT, &attr,
	    0);
}

int
landlock_end(int ruleset)
{
	int error, rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	error = errno;
	(void)close(ruleset);
	errno = error;
	return rc;
}

const char *
landlock_interpreter(void)
{
	const ElfW(Phdr) *p = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	const unsigned long n = getauxval(AT_PHNUM);
	const char *name = NULL;
	uintptr_t base = 0;
	unsigned long i;

	for (i = 0; p != NULL && i < n; i++) {
		if (p[i].p_type == PT_PHDR)
			base = (uintptr_t)p - p[i].p_vaddr;
		if (p[i].p_type == PT_INTERP)
			name = (const char *)(base + p[i].p_vaddr);
	}
	return name;
}
