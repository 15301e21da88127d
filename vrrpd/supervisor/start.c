/* SPDX-License-Identifier: ISC */

/*
 * Supervisor, before the first room: rights, users, directories, lock.
 *
 * Directories are opened once, judged by descriptor, and used by descriptor:
 * a name that somebody exchanges meanwhile changes nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "places.h"
#include "room.h"
#include "start.h"
#include "supervisor.h"

#define LOCK_FILE	"vrrpd.pid"
#define EMPTY_DIR	"empty"

void
start_privileged(void)
{
	if (geteuid() != 0)
		fatalx("not root: run it with sudo, or check a configuration "
		    "with -n");
}

static void
user(struct supervisor *s, const char *name, enum room room)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		fatalx("user %s is missing: make it with useradd --system "
		    "--no-create-home --shell /usr/sbin/nologin %s", name,
		    name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		fatalx("user %s is root (uid %u, gid %u): it must be an "
		    "ordinary user with a group of its own", name, pw->pw_uid,
		    pw->pw_gid);
	s->uid[room] = pw->pw_uid;
	s->gid[room] = pw->pw_gid;
}

void
start_users(struct supervisor *s)
{
	user(s, USER_ELECTOR, ROOM_ELECTOR);
	user(s, USER_ELECTOR, ROOM_KEEPER);
	user(s, USER_ELECTOR, ROOM_CHECKER);
	user(s, USER_ACTUATOR, ROOM_ACTUATOR);
}

/* Somebody else could put another directory in this one's place. */
static void
judge_parent(const char *path)
{
	char copy[PATH_MAX];
	const char *dir;
	struct stat st;

	(void)fmt_into(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (stat(dir, &st) == -1)
		fatal("%s: make it, or name another directory in the "
		    "configuration", dir);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		fatalx("%s: others can write to it, so %s is not safe: "
		    "chmod o-w %s", dir, path, dir);
}

static int
own_directory(int at, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	const int fd = places_own(at, path, mode, uid, gid);

	if (fd == -1)
		exit(1);
	return fd;
}

static void
take_lock(struct supervisor *s, int run_fd, const char *run_dir)
{
	char pid[16] = "";
	ssize_t n;

	/* After a re-exec it is still ours. */
	if (s->lock_fd != -1)
		return;
	s->lock_fd = openat(run_fd, LOCK_FILE,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (s->lock_fd == -1)
		fatal("%s/" LOCK_FILE ": cannot open", run_dir);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return;
	if (errno != EWOULDBLOCK)
		fatal("%s/" LOCK_FILE ": cannot lock", run_dir);
	n = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);
	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	fatalx("%s: another vrrpd uses this run directory (process %s): stop "
	    "it, or set another run directory", run_dir,
	    pid[0] != '\0' ? pid : "unknown");
}

/*
 * The run directory may be removed under a running one; then only this tells
 * a second one that would use the same numbers.  A descriptor of our own,
 * because the keeper's copy of the other one outlives us for a moment.
 */
static void
lock_state(struct supervisor *s, const char *state_dir)
{
	s->state_lock_fd = openat(s->state_fd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->state_lock_fd == -1)
		fatal("%s: cannot open", state_dir);
	if (flock(s->state_lock_fd, LOCK_EX | LOCK_NB) == 0)
		return;
	/* After a re-exec a child may hold it until its own exec. */
	if (errno != EWOULDBLOCK || s->opt.resume_fd != -1)
		log_warn("%s: cannot lock", state_dir);
	else
		fatalx("%s: another vrrpd uses this state directory: stop it, "
		    "or set another state directory", state_dir);
}

void
start_directories(struct supervisor *s)
{
	const char *run_dir, *state_dir;
	int run_fd;

	run_dir = conf_string(s->conf, s->conf->run_dir);
	state_dir = conf_string(s->conf, s->conf->state_dir);
	judge_parent(run_dir);
	judge_parent(state_dir);
	run_fd = own_directory(AT_FDCWD, run_dir, 0755, 0, 0);
	/* After a re-exec the lock came along, and is still ours. */
	if (s->opt.resume_fd == -1)
		take_lock(s, run_fd, run_dir);
	s->empty_fd = own_directory(run_fd, EMPTY_DIR, 0555, 0, 0);
	/* The data half passes through to its own. */
	s->state_fd = own_directory(AT_FDCWD, state_dir, 0711,
	    s->uid[ROOM_KEEPER], s->gid[ROOM_KEEPER]);
	lock_state(s, state_dir);
	(void)close(run_fd);
	if (!places_make(s, s->conf))
		exit(1);
}

void
start_write_pid(const struct supervisor *s)
{
	char pid[16];
	size_t n;

	n = fmt_into(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(s->lock_fd, 0) == -1 ||
	    pwrite(s->lock_fd, pid, n, 0) != (ssize_t)n)
		log_warn(LOCK_FILE ": cannot write the process id");
}

/* The process somebody called: it ends when the daemon is ready. */
_Noreturn static void
wait_for_daemon(int fd)
{
	char c;

	_exit(read(fd, &c, 1) == 1 ? 0 : 1);
}

void
start_daemon(struct supervisor *s)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) == -1)
		fatal("pipe");
	pid = fork();
	if (pid == -1)
		fatal("fork");
	if (pid > 0) {
		(void)close(p[1]);
		wait_for_daemon(p[0]);
	}
	(void)close(p[0]);
	s->ready_fd = p[1];
	(void)setsid();
}

void
start_ready(struct supervisor *s)
{
	int null;

	if (s->ready_fd == -1)
		return;
	(void)!write(s->ready_fd, "", 1);
	(void)close(s->ready_fd);
	s->ready_fd = -1;
	/* Until now an error could still be read by who started us. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
	(void)close(null);
}
