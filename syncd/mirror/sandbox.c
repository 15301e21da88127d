/* SPDX-License-Identifier: ISC */

/*
 * The mirror: what it and all that it starts may not do.  ssh and rsync are
 * large and will change, so their system calls are not listed; what no
 * transport of bytes ever needs is forbidden, and Landlock says which files
 * and which ports there are.
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "landlock.h"
#include "mirror.h"
#include "version.h"

#define PLACE_MAX	512
#define NEW_NAMESPACES	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
			    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
			    CLONE_NEWNET)

#define KILL(call)	{ { SYS_##call, -1, 0, 0 }, FILTER_KILL }
#define REFUSE(call)	{ { SYS_##call, -1, 0, 0 }, FILTER_REFUSE }

const struct filter_deny mirror_denied[] = {
	/* sockets: to the partner and within this node */
	{ { SYS_socket, 1, SOCK_RAW, 0xf }, FILTER_REFUSE },
	{ { SYS_socket, 0, AF_UNIX, 0 }, FILTER_PASS },
	{ { SYS_socket, 0, AF_INET, 0 }, FILTER_PASS },
	{ { SYS_socket, 0, AF_INET6, 0 }, FILTER_PASS },
	REFUSE(socket),
	/* other processes, other kernels */
	KILL(ptrace),
	KILL(process_vm_readv),
	KILL(process_vm_writev),
	KILL(pidfd_getfd),
	KILL(kcmp),
	KILL(bpf),
	KILL(perf_event_open),
	KILL(userfaultfd),
	KILL(io_uring_setup),
	KILL(io_uring_enter),
	KILL(io_uring_register),
	KILL(init_module),
	KILL(finit_module),
	KILL(delete_module),
	KILL(kexec_load),
	KILL(reboot),
	KILL(syslog),
	KILL(acct),
	KILL(swapon),
	KILL(swapoff),
	KILL(quotactl),
	KILL(settimeofday),
	KILL(clock_settime),
	KILL(adjtimex),
	KILL(clock_adjtime),
	KILL(sethostname),
	KILL(setdomainname),
	/* another view of the files */
	KILL(mount),
	KILL(umount2),
	KILL(pivot_root),
	KILL(chroot),
	KILL(open_tree),
	KILL(move_mount),
	KILL(fsopen),
	KILL(fsmount),
	KILL(fspick),
	KILL(fsconfig),
	KILL(mount_setattr),
	KILL(open_by_handle_at),
	KILL(name_to_handle_at),
	KILL(fanotify_init),
	KILL(unshare),
	KILL(setns),
	/* libraries that ssh is linked with look at these two */
	REFUSE(keyctl),
	REFUSE(add_key),
	REFUSE(request_key),
	REFUSE(personality),
	/* libc goes on with clone(), whose flags can be read */
	{ { SYS_clone3, -1, 0, 0 }, FILTER_ABSENT },
	{ { SYS_clone, 0, CLONE_NEWNS, CLONE_NEWNS }, FILTER_KILL },
	{ { SYS_clone, 0, CLONE_NEWCGROUP, CLONE_NEWCGROUP }, FILTER_KILL },
	{ { SYS_clone, 0, CLONE_NEWUTS, CLONE_NEWUTS }, FILTER_KILL },
	{ { SYS_clone, 0, CLONE_NEWIPC, CLONE_NEWIPC }, FILTER_KILL },
	{ { SYS_clone, 0, CLONE_NEWUSER, CLONE_NEWUSER }, FILTER_KILL },
	{ { SYS_clone, 0, CLONE_NEWPID, CLONE_NEWPID }, FILTER_KILL },
	{ { SYS_clone, 0, CLONE_NEWNET, CLONE_NEWNET }, FILTER_KILL },
	/* words into somebody's terminal */
	{ { SYS_ioctl, 1, TIOCSTI, 0 }, FILTER_REFUSE },
#ifdef SYS_iopl
	KILL(iopl),
	KILL(ioperm),
	KILL(modify_ldt),
#endif
#ifdef SYS_kexec_file_load
	KILL(kexec_file_load),
#endif
};
const size_t mirror_ndenied = sizeof(mirror_denied) /
    sizeof(mirror_denied[0]);

static void
allow(int ruleset, const char *path, unsigned int may)
{
	if (landlock_allow(ruleset, path, may) == -1 && errno != ENOENT)
		fatal("mirror: landlock: %s", path);
}

static void
allow_programs(int ruleset)
{
	static const char *const readable[] = {
		"/lib", "/lib64", "/usr/lib", "/usr/lib64",
		"/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",
		/* who am I, and how are names looked up: ssh */
		"/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
		"/etc/host.conf", "/etc/hosts", "/etc/gai.conf",
		"/etc/ssl/openssl.cnf", "/etc/crypto-policies",
		"/dev/urandom", "/dev/random",
	};
	static const char *const programs[] = {
		"/usr/bin/ssh", "/usr/bin/rsync", VIPAIR_LIBEXEC "/bulkssh",
	};
	const char *loader = landlock_interpreter();
	size_t i;

	for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow(ruleset, readable[i], MAY_READ);
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		allow(ruleset, programs[i], MAY_EXEC);
	if (loader != NULL)
		allow(ruleset, loader, MAY_EXEC);
	allow(ruleset, "/dev/null", MAY_STORE);
}

static void
allow_pair(int ruleset, const struct pair *p)
{
	const struct conf *c = p->mirror->conf;
	const char *state = conf_string(c, c->state_dir);
	char path[PLACE_MAX];

	(void)fmt_into(path, sizeof(path), "%s/store/%s", state, p->name);
	allow(ruleset, path, MAY_READ);
	(void)fmt_into(path, sizeof(path), "%s/ssh/%s", state, p->name);
	allow(ruleset, path, MAY_READ);
	if (landlock_allow_connect(ruleset, p->conf->partner_ssh_port) == -1)
		fatal("mirror: landlock: port of ssh");
}

static void
enter_landlock(const struct mirror *m)
{
	uint32_t i;
	int ruleset;

	if (landlock_abi() == 0) {
		log_warnx("mirror: the kernel has no Landlock: only file "
		    "modes keep ssh and rsync from other files");
		return;
	}
	ruleset = landlock_begin();
	if (ruleset == -1)
		fatal("mirror: landlock");
	allow_programs(ruleset);
	allow(ruleset, m->run_path, MAY_STORE | MAY_SOCKET);
	for (i = 0; i < m->npairs; i++)
		allow_pair(ruleset, &m->pair[i]);
	if (landlock_end(ruleset) == -1)
		fatal("mirror: landlock");
}

void
sandbox_enter(const struct mirror *m)
{
	enter_landlock(m);
	room_filter_deny(mirror_denied, mirror_ndenied);
}
