/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: users and directories of the data half.  The state directory
 * belongs to the keeper's user: what is found in it is judged by descriptor
 * before it is used, and never reached by a second look at its name.
 */

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "places.h"
#include "room.h"
#include "rooms.h"
#include "supervisor.h"
#include "syncstate.h"

#define STORE_DIR	"store"
#define SSH_DIR		"ssh"

#define MAKE_SYNC	"useradd --system --user-group --no-create-home " \
			    "--home-dir / --shell /usr/sbin/nologin " USER_SYNC
/* sshd looks for its key there; `vipctl pair' makes the directory. */
#define MAKE_RECEIVER	"useradd --system --gid " USER_SYNC \
			    " --no-create-home --home-dir " \
			    "/var/lib/vipair/receiver --shell /bin/sh " \
			    "--password '*' " USER_RECEIVER

static const struct passwd *
find_user(const char *name, const char *make)
{
	const struct passwd *pw;

	pw = getpwnam(name);
	if (pw == NULL)
		log_warnx("user %s is missing, which a sync block needs: "
		    "make it with %s", name, make);
	else if (pw->pw_uid == 0 || pw->pw_gid == 0)
		log_warnx("user %s is root (uid %u, gid %u): it must be an "
		    "ordinary user", name, pw->pw_uid, pw->pw_gid);
	else
		return pw;
	return NULL;
}

static bool
find_users(struct supervisor *s)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;

	pw = find_user(USER_SYNC, MAKE_SYNC);
	if (pw == NULL)
		return false;
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	pw = find_user(USER_RECEIVER, MAKE_RECEIVER);
	if (pw == NULL)
		return false;
	if (pw->pw_gid != gid || pw->pw_uid == uid) {
		log_warnx("user %s must be another one than %s and in its "
		    "group (gid %u): usermod --gid %u %s", USER_RECEIVER,
		    USER_SYNC, gid, gid, USER_RECEIVER);
		return false;
	}
	s->uid[ROOM_MIRROR] = s->uid[ROOM_CAPTURE] = uid;
	s->gid[ROOM_MIRROR] = s->gid[ROOM_CAPTURE] = gid;
	return true;
}

static bool
judge(const struct stat *st, const char *path, mode_t mode, uid_t uid)
{
	const mode_t others = (S_IWGRP | S_IWOTH) & ~mode;

	if (st->st_uid != 0 && st->st_uid != uid)
		log_warnx("%s: belongs to uid %u, expected %u: remove it or "
		    "chown it", path, st->st_uid, uid);
	else if ((st->st_mode & others) != 0)
		log_warnx("%s: others can write to it: chmod go-w %s", path,
		    path);
	else
		return true;
	return false;
}

int
places_own(int at, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;
	int fd;

	if (mkdirat(at, path, mode) == -1 && errno != EEXIST) {
		log_warn("%s: cannot make the directory", path);
		return -1;
	}
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		log_warn("%s: cannot open the directory", path);
	} else if (!judge(&st, path, mode, uid)) {
		;
	} else if ((st.st_uid != uid || st.st_gid != gid) &&
	    fchown(fd, uid, gid) == -1) {
		log_warn("%s: cannot give it to uid %u", path, uid);
	} else if ((st.st_mode & 07777) == mode || fchmod(fd, mode) == 0) {
		return fd;
	} else {
		log_warn("%s: cannot set its mode", path);
	}
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* One that is only to be there. */
static bool
made(int at, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	const int fd = places_own(at, path, mode, uid, gid);

	if (fd == -1)
		return false;
	(void)close(fd);
	return true;
}

static bool
of_pairs(const struct supervisor *s, const struct conf *c, int ssh_fd)
{
	const uid_t uid = s->uid[ROOM_MIRROR];
	const gid_t gid = s->gid[ROOM_MIRROR];
	const char *name;
	bool ok = true;
	uint32_t i;

	for (i = 0; i < c->npairs; i++) {
		if (!conf_pair(c, i)->has_sync)
			continue;
		name = conf_string(c, conf_pair(c, i)->name);
		/* Group: the receivers write there as well. */
		ok = made(s->store_fd, name, 02770, uid, gid) && ok;
		ok = made(ssh_fd, name, 0750, 0, gid) && ok;
	}
	return ok;
}

/* Somebody removed it since: what is found by its name is another one. */
static void
forget_removed(int *fd)
{
	struct stat st;

	if (*fd == -1 || (fstat(*fd, &st) == 0 && st.st_nlink > 0))
		return;
	(void)close(*fd);
	*fd = -1;
}

static bool
in_run(const struct supervisor *s, const struct conf *c)
{
	const char *path = conf_string(c, c->run_dir);
	bool ok;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		log_warn("%s", path);
		return false;
	}
	ok = made(fd, SYNCSTATE_DIR, 02771, s->uid[ROOM_MIRROR],
	    s->gid[ROOM_MIRROR]);
	(void)close(fd);
	return ok;
}

bool
places_make(struct supervisor *s, const struct conf *c)
{
	bool ok;
	int fd;

	if (!rooms_sync_wanted(c))
		return true;
	if (!find_users(s) || !in_run(s, c))
		return false;
	forget_removed(&s->store_fd);
	if (s->store_fd == -1)
		s->store_fd = places_own(s->state_fd, STORE_DIR, 0755, 0, 0);
	fd = places_own(s->state_fd, SSH_DIR, 0750, 0,
	    s->gid[ROOM_MIRROR]);
	ok = s->store_fd != -1 && fd != -1 && of_pairs(s, c, fd);
	if (fd != -1)
		(void)close(fd);
	return ok;
}

int
places_store(const struct supervisor *s, const char *pair)
{
	struct stat st;
	int fd;

	fd = openat(s->store_fd, pair, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == s->uid[ROOM_CAPTURE])
		return fd;
	(void)close(fd);
	errno = EPERM;
	return -1;
}
