/* SPDX-License-Identifier: ISC */

/*
 * Every room but the supervisor: its way in.  Takes over the descriptor table
 * and argv, then gives up rights in steps and proves that they are gone.
 * Runs before the first byte from outside; any failure is fatal, because a
 * room that cannot be locked must not run.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "room.h"
#include "sealed.h"
#include "version.h"

#define REALTIME_PRIORITY	10
#define ID_MAX			UINT32_C(0xfffffffe)	/* -1 means none */

/* Descriptors as bits; 0-2 are in every set. */
#define FD(n)		(1u << (n))
#define FDS_STDIO	(FD(0) | FD(1) | FD(2) | FD(ROOM_FD_LOG))
#define FDS_ROOM	(FDS_STDIO | FD(ROOM_FD_SUPERVISOR) | \
			    FD(ROOM_FD_PEER) | FD(ROOM_FD_CONF))
#define FDS_ALL		(FD(ROOM_FD_FIRST_FREE) - 1)

static const struct room_kind {
	unsigned int	needs;		/* descriptors that must be there */
	unsigned int	may;		/* others of 0-9 are closed */
	rlim_t		file_size_max;
	bool		runs_programs;
	bool		starts_programs;	/* and stays itself */
} kinds[ROOM_COUNT] = {
	[ROOM_ELECTOR] = {
		.needs = FDS_ROOM | FD(ROOM_FD_KEEPER) | FD(ROOM_FD_SECRETS),
		.may = FDS_ROOM | FD(ROOM_FD_KEEPER) | FD(ROOM_FD_SECRETS),
		.file_size_max = 16u << 20,	/* MSG_EXPORT */
	},
	[ROOM_ACTUATOR] = { .needs = FDS_ROOM, .may = FDS_ROOM },
	[ROOM_KEEPER] = {
		.needs = FDS_ROOM | FD(ROOM_FD_STATE),
		.may = FDS_ROOM | FD(ROOM_FD_STATE),
		.file_size_max = 32u << 20,
	},
	[ROOM_MIRROR] = {
		.needs = FDS_ROOM, .may = FDS_ROOM,
		.file_size_max = RLIM_INFINITY, .starts_programs = true,
	},
	[ROOM_CAPTURE] = {
		.needs = FDS_ROOM, .may = FDS_ROOM,
		.file_size_max = RLIM_INFINITY,
	},
	[ROOM_RUNNER] = {
		.needs = FDS_STDIO, .may = FDS_ALL, .runs_programs = true,
	},
	[ROOM_CHECKER] = {
		.needs = FDS_STDIO, .may = FDS_ALL, .runs_programs = true,
	},
};

static struct room_state {
	enum room	self;
	uid_t		uid;
	gid_t		gid;
	bool		realtime;
} state;

static uint32_t
parse_id(const char *text)
{
	uint64_t v = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && v <= ID_MAX; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == text || *p != '\0' || v > ID_MAX)
		fatalx("room: bad id in the arguments, expected a number");
	return (uint32_t)v;
}

static void
read_arguments(int argc, char **argv)
{
	const char *name = room_name(state.self);
	const bool programs = kinds[state.self].runs_programs;

	if (argc < 3 || (argc > 4 && !programs))
		fatalx("%s: started by hand? vrrpd starts it", name);
	if (strcmp(argv[0], name) != 0)
		fatalx("%s: started under another name", name);
	if (argc > 3 && strcmp(argv[3], "-v") == 0)
		log_set_level(LOG_LEVEL_DEBUG);
	else if (argc > 3 && !programs)
		fatalx("%s: unknown argument", name);
	state.uid = parse_id(argv[1]);
	state.gid = parse_id(argv[2]);
	/* Only the runner, whose programs are root's business, stays root. */
	if (state.uid == 0 && state.self != ROOM_RUNNER)
		fatalx("%s: refuses to run as root", name);
}

static void
check_descriptors(const struct room_kind *k)
{
	int fd;

	for (fd = 0; fd < ROOM_FD_FIRST_FREE; fd++) {
		if ((k->may & FD(fd)) == 0) {
			(void)close(fd);
			continue;
		}
		if (fcntl(fd, F_GETFD) == -1) {
			if ((k->needs & FD(fd)) != 0)
				fatalx("%s: descriptor %d is missing",
				    room_name(state.self), fd);
			continue;
		}
		if (fd > 2)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	if (close_range(ROOM_FD_FIRST_FREE, ~0u, 0) == -1)
		fatal("%s: close_range", room_name(state.self));
}

/*
 * Long-lived rooms leave when the supervisor says so or is gone, never by a
 * signal: a stopped elector could not say its last words.  What the others
 * start must find every signal as a shell would leave it.
 */
static void
set_signals(bool runs_programs)
{
	static const int ignored[] = {
		SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ,
	};
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], runs_programs ? SIG_DFL : SIG_IGN);
	if (runs_programs)
		(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		fatal("%s: signal mask", room_name(state.self));
}

static void
set_limit(int which, rlim_t soft, rlim_t hard, const char *name)
{
	const struct rlimit l = { .rlim_cur = soft, .rlim_max = hard };

	if (setrlimit((__rlimit_resource_t)which, &l) == -1)
		fatal("%s: limit of %s", room_name(state.self), name);
}

/* Secrets must not end up in a core file or in a debugger. */
static void
forbid_dumps(void)
{
	if (VIPAIR_SANITIZED)
		return;		/* the leak checker looks at itself */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("%s: cannot forbid core dumps", room_name(state.self));
}

void
room_enter(enum room self, int argc, char **argv)
{
	struct rlimit core = { .rlim_max = 0 };

	assert(self > ROOM_SUPERVISOR);
	assert(self < ROOM_COUNT);
	state.self = self;
	log_init(ROOM_FD_LOG, LOG_LEVEL_INFO);
	read_arguments(argc, argv);
	set_signals(kinds[self].runs_programs);
	check_descriptors(&kinds[self]);
	(void)prctl(PR_SET_NAME, room_name(self), 0, 0, 0);
	/* A service may raise its own core limit again; a room may not. */
	if (kinds[self].runs_programs)
		(void)getrlimit(RLIMIT_CORE, &core);
	set_limit(RLIMIT_CORE, 0, core.rlim_max, "core files");
	forbid_dumps();
}

/*
 * No RLIMIT_RTTIME: under a flood a room may be busy for long without being
 * hung.  Who hangs does not answer MSG_PING.
 */
static void
raise_priority(void)
{
	const struct sched_param p = {
		.sched_priority = REALTIME_PRIORITY,
	};

	state.realtime = sched_setscheduler(0,
	    SCHED_FIFO | SCHED_RESET_ON_FORK, &p) == 0;
	if (!state.realtime)
		log_info("%s: no real-time priority here, going on without",
		    room_name(state.self));
}

bool
room_is_realtime(void)
{
	return state.realtime;
}

/*
 * On fault: pages that are never touched cost nothing.  Without an infinite
 * limit the stack could not grow once the capability is gone.
 */
static void
lock_memory(void)
{
	const struct rlimit l = {
		.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY,
	};

	if (setrlimit(RLIMIT_MEMLOCK, &l) == -1 ||
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
		log_info("%s: memory cannot be locked here, going on without",
		    room_name(state.self));
}

static void
enter_chroot(void)
{
	const char *name = room_name(state.self);
	struct stat st;

	if (stat(".", &st) == -1)
		fatal("%s: working directory", name);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fatalx("%s: working directory must be root's and writable "
		    "by nobody else", name);
	if (chroot(".") == -1 || chdir("/") == -1)
		fatal("%s: chroot", name);
}

/* Needs CAP_SETPCAP, hence before the ids. */
static void
drop_bounding_set(void)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			fatal("%s: bounding set", room_name(state.self));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		fatal("%s: ambient set", room_name(state.self));
}

static void
drop_ids(bool keep_caps)
{
	const char *name = room_name(state.self);

	if (prctl(PR_SET_KEEPCAPS, keep_caps ? 1 : 0, 0, 0, 0) == -1)
		fatal("%s: keep capabilities", name);
	if (setgroups(0, NULL) == -1)
		fatal("%s: setgroups", name);
	if (setresgid(state.gid, state.gid, state.gid) == -1)
		fatal("%s: setresgid", name);
	if (setresuid(state.uid, state.uid, state.uid) == -1)
		fatal("%s: setresuid", name);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1)
		fatal("%s: keep capabilities", name);
}

static void
capset_exactly(uint64_t caps)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32),
		  .permitted = (uint32_t)(caps >> 32) },
	};

	if (syscall(SYS_capset, &h, d) == -1)
		fatal("%s: capset", room_name(state.self));
}

static void
set_limits(const struct room_rights *r)
{
	const struct room_kind *k = &kinds[state.self];

	set_limit(RLIMIT_NOFILE, r->files_max, r->files_max, "descriptors");
	set_limit(RLIMIT_RTPRIO, 0, 0, "real-time priority");
	if (k->runs_programs)
		return;
	if (!k->starts_programs)
		set_limit(RLIMIT_NPROC, 0, 0, "processes");
	set_limit(RLIMIT_FSIZE, k->file_size_max, k->file_size_max,
	    "file size");
}

static void
prove_caps(uint64_t caps)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { { .effective = 0 } };
	const char *name = room_name(state.self);
	int i;

	if (syscall(SYS_capget, &h, d) == -1)
		fatal("%s: capget", name);
	for (i = 0; i < 2; i++)
		if (d[i].effective != (uint32_t)(caps >> (32 * i)) ||
		    d[i].permitted != (uint32_t)(caps >> (32 * i)) ||
		    d[i].inheritable != 0)
			fatalx("%s: capabilities are not what was asked for",
			    name);
}

static void
prove_ids(void)
{
	const char *name = room_name(state.self);
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) == -1 ||
	    getresgid(&rgid, &egid, &sgid) == -1)
		fatal("%s: ids cannot be read back", name);
	if (ruid != state.uid || euid != state.uid || suid != state.uid ||
	    rgid != state.gid || egid != state.gid || sgid != state.gid)
		fatalx("%s: ids are not what was asked for", name);
	if (getgroups(0, NULL) != 0)
		fatalx("%s: still in groups", name);
	if (state.uid != 0 && setuid(0) != -1)
		fatalx("%s: could become root again", name);
	if (state.gid != 0 && setgid(0) != -1)
		fatalx("%s: could enter group 0 again", name);
}

void
room_drop(const struct room_rights *r)
{
	assert(state.self != ROOM_SUPERVISOR);
	if (r->realtime)
		raise_priority();
	if (r->lock_memory)
		lock_memory();
	if (r->chroot_empty)
		enter_chroot();
	drop_bounding_set();
	drop_ids(r->caps != 0);
	capset_exactly(r->caps);
	/* A change of ids has made the process dumpable again or may have. */
	forbid_dumps();
	set_limits(r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("%s: no_new_privs", room_name(state.self));
	prove_ids();
	prove_caps(r->caps);
}

const char *
room_read_blob(int fd, void *buf, size_t cap, size_t *len)
{
	const char *error;

	error = sealed_read(fd, buf, cap, len);
	if (error != NULL)
		return error;
	return conf_verify(buf, *len);
}
