/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: becomes the program on disk.  Process id, lock, descriptors,
 * rooms and jobs stay; what is known of them travels in a memfd.
 *
 * Then the rooms: the elector writes its state, leaves, and a new one goes
 * on from it; the others are started anew.  The address stays in the kernel
 * meanwhile, by its lease.
 */

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "reexec.h"
#include "rooms.h"
#include "snaps.h"
#include "supervisor.h"
#include "version.h"

#define CHECK_WITHIN_NS		(10 * NS_PER_S)
#define EXPORT_WITHIN_NS	(NS_PER_S)
#define IMPORT_WITHIN_NS	(5 * NS_PER_S)
#define STATE_MAX		(16 << 20)	/* its RLIMIT_FSIZE */

#define RESUME_MAGIC		0x76697073u	/* "vips" */
#define RESUME_ROOMS		16	/* more than there are */

static_assert(ROOM_CHANNELS <= RESUME_ROOMS, "all long-lived rooms fit");

/* Only ever appended to: another version of us reads it. */
struct resume_room {
	int32_t		pid, ch_fd, log_fd;
	uint32_t	restarts;
	int64_t		started_ns, ponged_ns, restart_at_ns, window_ns;
};

struct resume {
	uint32_t	magic, size;
	uint32_t	jobs_size;	/* of struct jobs behind this */
	int32_t		lock_fd, conf_fd, secrets_fd;
	int32_t		listener[2], job_log[2];
	uint32_t	ready;
	struct resume_room room[RESUME_ROOMS];
	uint8_t		role[CONF_PAIRS_MAX];
	uint32_t	term[CONF_PAIRS_MAX];
};

static void
give_up(struct supervisor *s, const char *why)
{
	log_warnx("replacement refused: %s: going on as before", why);
	s->swap = SWAP_NONE;
	s->swap_pid = 0;
}

void
reexec_begin(struct supervisor *s)
{
	const char *argv[] = { "vrrpd", "-n", "-f", s->opt.path, NULL };
	pid_t pid;

	if (s->phase != PHASE_RUN)
		return;
	if (s->swap != SWAP_NONE || s->next.conf != NULL) {
		log_warnx("replacement refused: a reload or another one is "
		    "under way, try again");
		return;
	}
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execv(VRRPD_PATH, (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	if (pid == -1) {
		give_up(s, "cannot fork");
		return;
	}
	s->swap = SWAP_CHECK;
	s->swap_pid = pid;
	s->swap_deadline = mono_after(mono_now(), CHECK_WITHIN_NS);
}

static void
keep_open(int fd, bool keep)
{
	if (fd != -1)
		(void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

/* Every descriptor that goes along. */
static void
keep_all(const struct supervisor *s, bool keep)
{
	int i;

	keep_open(s->lock_fd, keep);
	keep_open(s->cur.fd, keep);
	keep_open(s->cur.secrets_fd, keep);
	for (i = 0; i < 2; i++) {
		keep_open(s->listener[i], keep);
		keep_open(s->job_log[i], keep);
	}
	FOR_EACH_ROOM(r) {
		keep_open(s->room[r].ch.fd, keep);
		keep_open(s->room[r].log_fd, keep);
	}
}

static void
fill(const struct supervisor *s, struct resume *m)
{
	*m = (struct resume){
		.magic = RESUME_MAGIC,
		.size = sizeof(*m),
		.jobs_size = sizeof(*s->jobs),
		.lock_fd = s->lock_fd,
		.conf_fd = s->cur.fd,
		.secrets_fd = s->cur.secrets_fd,
		.listener = { s->listener[0], s->listener[1] },
		.job_log = { s->job_log[0], s->job_log[1] },
		.ready = s->ready,
	};
	FOR_EACH_ROOM(r)
		m->room[r] = (struct resume_room){
			.pid = s->room[r].pid,
			.ch_fd = s->room[r].ch.fd,
			.log_fd = s->room[r].log_fd,
			.restarts = s->room[r].restarts,
			.started_ns = s->room[r].started.ns,
			.ponged_ns = s->room[r].ponged.ns,
			.restart_at_ns = s->room[r].restart_at.ns,
			.window_ns = s->room[r].window.ns,
		};
	memcpy(m->role, s->role, sizeof(m->role));
	memcpy(m->term, s->term, sizeof(m->term));
}

static int
write_state(const struct supervisor *s)
{
	static struct resume m;
	int fd;

	fill(s, &m);
	fd = memfd_create("vrrpd", 0);
	if (fd == -1)
		return -1;
	if (pwrite(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m) &&
	    pwrite(fd, s->jobs, sizeof(*s->jobs), sizeof(m)) ==
	    (ssize_t)sizeof(*s->jobs))
		return fd;
	(void)close(fd);
	return -1;
}

static void
become(struct supervisor *s)
{
	const char *argv[8] = { "vrrpd", "-f", s->opt.path, "-R" };
	char number[12];
	int fd, n;

	fd = write_state(s);
	if (fd == -1) {
		give_up(s, "cannot write the state");
		return;
	}
	(void)fmt_into(number, sizeof(number), "%d", fd);
	n = 4;
	argv[n++] = number;
	if (s->opt.foreground)
		argv[n++] = "-d";
	if (s->opt.verbose)
		argv[n++] = "-v";
	log_info("replacing %s by the program on disk", VIPAIR_VERSION);
	/* Their files do not come along, nor does the capture that waits. */
	snaps_end(s, false);
	keep_all(s, true);
	(void)execv(VRRPD_PATH, (char *const *)(uintptr_t)argv);
	log_warn("%s", VRRPD_PATH);
	keep_all(s, false);
	(void)close(fd);
	give_up(s, "cannot run the new program");
}

bool
reexec_reap(struct supervisor *s, pid_t pid, int status)
{
	if (s->swap != SWAP_CHECK || s->swap_pid != pid)
		return false;
	s->swap_pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		become(s);
	else
		give_up(s, "the new program does not accept the "
		    "configuration, see vrrpd -n");
	return true;
}

/*
 * The check may end as it likes: nobody waits for it any more.  An elector
 * that writes its state ends in any case, one that reads it goes on.
 */
void
reexec_cancel(struct supervisor *s)
{
	if (s->swap == SWAP_EXPORT)
		return;
	if (s->swap == SWAP_CHECK)
		(void)kill(s->swap_pid, SIGKILL);
	s->swap = SWAP_NONE;
	s->swap_pid = 0;
}

void
reexec_end(struct supervisor *s)
{
	if (s->swap != SWAP_EXPORT)
		return;
	if (s->swap_peer != -1)
		(void)close(s->swap_peer);
	if (s->swap_keeper != -1)
		(void)close(s->swap_keeper);
	s->swap_peer = s->swap_keeper = -1;
	s->swap = SWAP_NONE;
}

/* A descriptor the memfd names is really there, and ours alone again. */
static int
adopt(int fd)
{
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	return fd;
}

static void
adopt_rooms(struct supervisor *s, const struct resume *m)
{
	FOR_EACH_ROOM(r) {
		const struct resume_room *o = &m->room[r];

		s->room[r] = (struct room_entry){
			.ch = { .fd = adopt(o->ch_fd),
			    .self = ROOM_SUPERVISOR, .peer = r },
			.pid = o->pid,
			.log_fd = adopt(o->log_fd),
			.restarts = o->restarts,
			.started = { o->started_ns },
			.ponged = { o->ponged_ns },
			.restart_at = { o->restart_at_ns },
			.window = { o->window_ns },
		};
	}
}

static bool
read_state(int fd, struct resume *m, struct jobs *jobs)
{
	struct stat st;
	size_t n;

	if (fstat(fd, &st) == -1 ||
	    pread(fd, m, 2 * sizeof(uint32_t), 0) != 2 * sizeof(uint32_t) ||
	    m->magic != RESUME_MAGIC || st.st_size < (off_t)m->size)
		return false;
	/* An older one knew less: the rest stays zero. */
	n = m->size < sizeof(*m) ? m->size : sizeof(*m);
	if (n < offsetof(struct resume, role) ||
	    pread(fd, m, n, 0) != (ssize_t)n)
		return false;
	if (m->jobs_size != sizeof(*jobs) || pread(fd, jobs, sizeof(*jobs),
	    (off_t)m->size) != (ssize_t)sizeof(*jobs)) {
		log_warnx("jobs of the version before are not followed up");
		memset(jobs, 0, sizeof(*jobs));
	}
	return true;
}

bool
reexec_resume(struct supervisor *s)
{
	static struct resume m;
	int i;

	if (!read_state(s->opt.resume_fd, &m, s->jobs))
		return false;
	(void)close(s->opt.resume_fd);
	s->lock_fd = adopt(m.lock_fd);
	s->cur.fd = adopt(m.conf_fd);
	s->cur.secrets_fd = adopt(m.secrets_fd);
	for (i = 0; i < 2; i++) {
		s->listener[i] = adopt(m.listener[i]);
		s->job_log[i] = adopt(m.job_log[i]);
	}
	adopt_rooms(s, &m);
	s->ready = m.ready != 0;
	memcpy(s->role, m.role, sizeof(s->role));
	memcpy(s->term, m.term, sizeof(s->term));
	s->cur.conf = conffile_map(s->cur.fd, &s->cur.len);
	s->conf = s->cur.conf;
	return s->lock_fd != -1 && s->cur.secrets_fd != -1 &&
	    s->job_log[0] != -1 && s->job_log[1] != -1 &&
	    s->listener[0] != -1 && s->listener[1] != -1;
}

void
reexec_swap(struct supervisor *s)
{
	const union msg m = { .blob = {
		.head = { .type = MSG_EXPORT, .serial = s->conf->serial },
		.size = STATE_MAX,
	} };

	if (s->room[ROOM_ELECTOR].pid == 0) {
		s->swap = SWAP_IMPORT;
		s->swap_deadline = mono_after(mono_now(), IMPORT_WITHIN_NS);
		return;
	}
	s->swap_fd = memfd_create("election", MFD_CLOEXEC);
	s->swap_peer = rooms_new_channel(s, ROOM_ACTUATOR, ROOM_ELECTOR,
	    true);
	s->swap_keeper = rooms_new_channel(s, ROOM_KEEPER, ROOM_ELECTOR,
	    true);
	s->swap = SWAP_EXPORT;
	s->swap_deadline = mono_after(mono_now(), EXPORT_WITHIN_NS);
	if (s->swap_fd != -1)
		rooms_send(s, ROOM_ELECTOR, &m, s->swap_fd);
}

/* The old elector wrote its state, as far as can be seen from here. */
static bool
state_is_whole(int fd, int status)
{
	struct stat st;

	return WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	    st.st_size <= STATE_MAX;
}

bool
reexec_elector_ended(struct supervisor *s, int status)
{
	bool whole;

	if (s->swap != SWAP_EXPORT)
		return false;
	s->swap = SWAP_IMPORT;
	s->swap_deadline = mono_after(mono_now(), IMPORT_WITHIN_NS);
	whole = state_is_whole(s->swap_fd, status);
	rooms_start_elector(s, s->swap_peer, s->swap_keeper,
	    whole ? s->swap_fd : -1);
	s->swap_peer = s->swap_keeper = -1;
	if (!whole) {
		log_warnx("the elector left no state: it starts anew");
		jobs_elector_died(s);
	}
	if (s->swap_fd != -1)
		(void)close(s->swap_fd);
	s->swap_fd = -1;
	return true;
}

void
reexec_elector_alive(struct supervisor *s)
{
	if (s->swap != SWAP_IMPORT)
		return;
	s->swap = SWAP_NONE;
	rooms_replace(s, ROOM_KEEPER);
	rooms_replace(s, ROOM_ACTUATOR);
	rooms_replace_sync(s);
	log_info("all rooms are replaced, version %s", VIPAIR_VERSION);
}

void
reexec_timers(struct supervisor *s, mono_t now, mono_t *deadline)
{
	if (s->swap == SWAP_NONE)
		return;
	if (!mono_reached(now, s->swap_deadline)) {
		sooner(deadline, s->swap_deadline);
		return;
	}
	switch (s->swap) {
	case SWAP_CHECK:
		(void)kill(s->swap_pid, SIGKILL);
		break;
	case SWAP_EXPORT:
		rooms_kill(s, ROOM_ELECTOR, "does not write its state");
		break;
	default:
		reexec_elector_alive(s);
		break;
	}
	s->swap_deadline = MONO_NEVER;
}
