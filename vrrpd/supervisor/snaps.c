/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: copies of SQLite databases.  The capture asks by numbers; a
 * helper that becomes the owner of the database finds it and writes the copy
 * into a file without a name, which the capture then gets.  Nothing of the
 * database is looked at here.
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobspawn.h"
#include "places.h"
#include "rooms.h"
#include "snaps.h"
#include "sqlsnap.h"
#include "supervisor.h"

/* A hundred a second is more than the disk does. */
#define SNAPS_A_MINUTE	6000

/* Where the helper finds the file for the copy. */
#define OUT_FD		ROOM_FD_STATE

static void
refuse(struct supervisor *s, uint32_t pair, uint32_t number, uint32_t status)
{
	const union msg m = { .snapped = {
		.head = { .type = MSG_SNAP_FAILED, .pair = (uint16_t)pair,
		    .serial = s->conf->serial },
		.number = number,
		.status = status,
	} };

	rooms_send(s, ROOM_CAPTURE, &m, -1);
}

static void
hand_over(struct supervisor *s, const struct snap *sn)
{
	const union msg m = { .snapped = {
		.head = { .type = MSG_SNAPPED, .pair = (uint16_t)sn->pair,
		    .serial = s->conf->serial },
		.number = sn->number,
	} };

	(void)lseek(sn->fd, 0, SEEK_SET);
	rooms_send(s, ROOM_CAPTURE, &m, sn->fd);
}

/* A file without a name in the pair's store, the capture's own; or -1. */
static int
make_file(const struct supervisor *s, uint32_t pair)
{
	int dir, fd;

	dir = places_store(s, pair_name(s, pair));
	if (dir == -1)
		return -1;
	fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	(void)close(dir);
	if (fd == -1)
		return -1;
	if (fchown(fd, s->uid[ROOM_CAPTURE], s->gid[ROOM_CAPTURE]) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* argv: see syncd/sqlsnap/main.c. */
static pid_t
spawn_snap(const struct supervisor *s, const struct msg_snap *m, int out)
{
	struct spawn sp = { .room = ROOM_SQLSNAP };
	char number[5][24];
	int i;

	jobs_table(s, &sp);
	sp.fd[OUT_FD] = out;
	(void)fmt_into(number[0], 24, "%d", OUT_FD);
	(void)fmt_into(number[1], 24, "%u", m->head.pair);
	(void)fmt_into(number[2], 24, "%u", m->entry);
	(void)fmt_into(number[3], 24, "%llu", (unsigned long long)m->dev);
	(void)fmt_into(number[4], 24, "%llu", (unsigned long long)m->ino);
	for (i = 0; i < 5; i++)
		sp.argv[i] = number[i];
	return spawn(&sp);
}

/* NULL: the pair has one at work. */
static struct snap *
free_snap(struct snaps *all, uint32_t pair)
{
	struct snap *sn, *found = NULL;

	for (sn = all->at; sn < all->at + SNAPS_MAX; sn++) {
		if (sn->pid == 0)
			found = sn;
		else if (sn->pair == pair)
			return NULL;
	}
	return found;
}

static uint32_t
begin(struct supervisor *s, const struct msg_snap *m)
{
	struct snap *sn;
	pid_t pid;
	int fd;

	sn = free_snap(s->snaps, m->head.pair);
	if (sn == NULL || !log_allowed(&s->snap_wants, mono_now().ns,
	    SNAPS_A_MINUTE))
		return SQLSNAP_BUSY;
	fd = make_file(s, m->head.pair);
	if (fd == -1) {
		log_warn("pair %s: no file for the copy of a database",
		    pair_name(s, m->head.pair));
		return SQLSNAP_SPACE;
	}
	pid = spawn_snap(s, m, fd);
	if (pid == -1) {
		log_warn("pair %s: cannot copy a database",
		    pair_name(s, m->head.pair));
		(void)close(fd);
		return SQLSNAP_IO;
	}
	*sn = (struct snap){
		.pid = pid,
		.pair = m->head.pair,
		.number = m->number,
		.fd = fd,
		.kill_at = mono_after(mono_now(), SNAP_LIMIT_NS),
	};
	return SQLSNAP_OK;
}

bool
snaps_add(struct supervisor *s, const struct msg_snap *m)
{
	const struct conf_pair *p = conf_pair(s->conf, m->head.pair);
	uint32_t status;

	if (!p->has_sync || m->entry >= p->sync.nentries ||
	    conf_pair_sync(s->conf, p, m->entry)->kind != CONF_SYNC_SQLITE)
		return false;
	status = begin(s, m);
	if (status != SQLSNAP_OK)
		refuse(s, m->head.pair, m->number, status);
	return true;
}

static void
end(struct snap *sn)
{
	(void)kill(-sn->pid, SIGKILL);
	sn->killed = true;
}

bool
snaps_reap(struct supervisor *s, pid_t pid, int status)
{
	struct snap *sn;

	for (sn = s->snaps->at; sn < s->snaps->at + SNAPS_MAX; sn++) {
		if (sn->pid != pid)
			continue;
		if (sn->forgotten)
			;
		else if (WIFEXITED(status) &&
		    WEXITSTATUS(status) == SQLSNAP_OK)
			hand_over(s, sn);
		else
			refuse(s, sn->pair, sn->number, WIFEXITED(status) ?
			    (uint32_t)WEXITSTATUS(status) : SQLSNAP_IO);
		(void)close(sn->fd);
		*sn = (struct snap){ .pid = 0 };
		return true;
	}
	return false;
}

void
snaps_timers(struct supervisor *s, mono_t now, mono_t *deadline)
{
	struct snap *sn;

	for (sn = s->snaps->at; sn < s->snaps->at + SNAPS_MAX; sn++) {
		if (sn->pid == 0 || sn->killed)
			continue;
		if (!mono_reached(now, sn->kill_at)) {
			sooner(deadline, sn->kill_at);
			continue;
		}
		log_warnx("pair %s: copy of a database was ended at its time "
		    "limit", pair_name(s, sn->pair));
		end(sn);
	}
}

void
snaps_end(struct supervisor *s, bool forget)
{
	struct snap *sn;

	for (sn = s->snaps->at; sn < s->snaps->at + SNAPS_MAX; sn++) {
		if (sn->pid == 0)
			continue;
		sn->forgotten |= forget;
		if (!sn->killed)
			end(sn);
	}
}
