/* SPDX-License-Identifier: ISC */

/*
 * The receiver's word `rsync`: /usr/bin/rsync with arguments of ours, locked
 * into objects.in/.  No links, devices, owners, modes or deletes are asked
 * for, nothing that is there is replaced, and no word of the partner's
 * command line is used.  What arrives is believed by nobody: the channel's
 * RUN reads, hashes and moves it.
 *
 * This process stays as rsync's parent to hold it to the quota.
 */

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "receiver.h"

#define LOOK_EVERY_MS	200

static uint64_t
arrived(int dir)
{
	struct dirent *e;
	uint64_t sum = 0;
	struct stat st;
	DIR *d;
	int fd;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += (uint64_t)st.st_blocks * 512;
	(void)closedir(d);
	return sum;
}

static _Noreturn void
become_rsync(struct receiver *r, int dir, uint64_t left)
{
	char program[] = "rsync", server[] = "--server",
	    flags[] = "-We.LsfxCIvu", existing[] = "--ignore-existing",
	    size[40], timeout[] = "--timeout=60", dot[] = ".", here[] = ".";
	char *const argv[] = {
		program, server, flags, existing, size, timeout, dot, here,
		NULL,
	};
	char lang[] = "LC_ALL=C", path[] = "PATH=/usr/bin:/bin";
	char *const env[] = { lang, path, NULL };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)fmt_into(size, sizeof(size), "--max-size=%llu",
	    (unsigned long long)left);
	if (fchdir(dir) == -1)
		fatal("receiver: objects.in");
	(void)umask(0137);		/* plain files only */
	lock_rsync(r, left);
	(void)execve(RECEIVER_RSYNC, argv, env);
	fatal("receiver: %s", RECEIVER_RSYNC);
}

/* Until rsync ends, may not go on, or has brought more than there is room. */
static int
hold(struct receiver *r, pid_t pid, int dir, uint64_t left)
{
	struct pollfd p = { .events = POLLIN };
	int status;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd == -1)
		fatal("receiver: pidfd");
	while (poll(&p, 1, LOOK_EVERY_MS) <= 0) {
		if (own_refuses(r) != 0)
			log_info("%s: nobody may write any more: rsync "
			    "ended", r->pair);
		else if (arrived(dir) > left)
			log_warnx("%s: more than the store may hold: rsync "
			    "ended", r->pair);
		else
			continue;
		(void)kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

int
rsync_run(struct receiver *r)
{
	uint64_t left;
	pid_t pid;
	int dir;

	if (own_refuses(r) != 0) {
		log_info("%s: nobody may write now: no rsync", r->pair);
		return 1;
	}
	if (!own_room(r, &left))
		fatalx("%s: store: %s", r->pair, store_why(r->store));
	dir = store_import_dir(r->store);
	if (dir == -1)
		fatal("receiver: objects.in");
	pid = fork();
	if (pid == -1)
		fatal("receiver: fork");
	if (pid == 0)
		become_rsync(r, dir, left);
	/* rsync's end must be seen by the partner, not ours. */
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	return hold(r, pid, dir, left);
}
