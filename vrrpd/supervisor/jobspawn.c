/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: what a job is as a process: which program, which arguments, how
 * long.  Only numbers and words of ours go into argv.
 */

#include "job_limits.h"
#include "jobs.h"
#include "jobspawn.h"
#include "supervisor.h"

static const struct conf_service *
service_of(const struct supervisor *s, uint32_t pair)
{
	return &conf_pair(s->conf, pair)->service;
}

int64_t
jobs_limit_ms(const struct supervisor *s, uint32_t pair, uint32_t kind)
{
	const struct conf_service *sv = service_of(s, pair);

	switch (kind) {
	case JOB_START:
		return sv->start_timeout_ms;
	case JOB_STOP:
		return sv->stop_timeout_ms;
	case JOB_CHECK:
		return sv->check_every_ms < JOB_CHECK_LIMIT_MS ?
		    sv->check_every_ms : JOB_CHECK_LIMIT_MS;
	case JOB_NOTIFY:
		return JOB_NOTIFY_LIMIT_MS;
	case JOB_LOAD:
	case JOB_PREPARE:
	case JOB_SETTLE:
		return JOB_LOADER_LIMIT_MS;
	case JOB_FILL:
		return JOB_FILL_LIMIT_MS;
	default:
		return JOB_QUERY_LIMIT_MS;
	}
}

const char *
jobs_verb(uint32_t kind)
{
	switch (kind) {
	case JOB_START:
		return "start";
	case JOB_STOP:
		return "stop";
	case JOB_NOTIFY:
		return "notify";
	case JOB_CHECK:
		return "check";
	case JOB_LOAD:
		return "load";
	case JOB_PREPARE:
		return "prepare";
	case JOB_SETTLE:
		return "settle";
	case JOB_FILL:
		return "fill";
	default:
		return "query";
	}
}

enum room
jobs_room(const struct supervisor *s, uint32_t pair, uint32_t kind)
{
	switch (kind) {
	case JOB_LOAD:
	case JOB_PREPARE:
	case JOB_SETTLE:
		return ROOM_LOADER;
	case JOB_CHECK:
		return ROOM_CHECKER;
	case JOB_QUERY:
		/* That of the exec form is its check command, unprivileged. */
		return service_of(s, pair)->kind == SERVICE_EXEC ?
		    ROOM_CHECKER : ROOM_RUNNER;
	default:
		return ROOM_RUNNER;
	}
}

void
jobs_table(const struct supervisor *s, struct spawn *sp)
{
	int i;

	sp->cwd_fd = s->empty_fd;
	sp->own_group = sp->dies_with_us = true;
	for (i = 0; i < ROOM_FD_FIRST_FREE; i++)
		sp->fd[i] = -1;
	sp->fd[0] = s->null_fd;
	sp->fd[1] = sp->fd[2] = sp->fd[ROOM_FD_LOG] = s->job_log[1];
	sp->fd[ROOM_FD_CONF] = s->cur.fd;
}

/* Settled or taken over: it is the caller's word that nothing gets lost. */
static pid_t
spawn_loader(const struct supervisor *s, uint32_t pair, const struct job *j)
{
	struct spawn sp = { .room = ROOM_LOADER };
	char number[16];

	jobs_table(s, &sp);
	(void)fmt_into(number, sizeof(number), "%u", pair);
	sp.argv[0] = jobs_verb(j->kind);
	sp.argv[1] = number;
	sp.argv[2] = j->kind == JOB_PREPARE ? NULL : "--captured";
	return spawn(&sp);
}

/* argv: see syncd/runner/main.c and syncd/checker/main.c. */
pid_t
jobs_spawn(const struct supervisor *s, uint32_t pair, const struct job *j,
    int64_t limit, enum room room)
{
	const bool checker = room == ROOM_CHECKER;
	struct spawn sp = { .room = room };
	char number[7][16];
	int i;

	if (room == ROOM_LOADER)
		return spawn_loader(s, pair, j);
	jobs_table(s, &sp);
	(void)fmt_into(number[0], 16, "%u", checker ? s->uid[room] : 0);
	(void)fmt_into(number[1], 16, "%u", checker ? s->gid[room] : 0);
	(void)fmt_into(number[2], 16, "%u", pair);
	(void)fmt_into(number[3], 16, "%lld", (long long)limit);
	(void)fmt_into(number[4], 16, "%u", j->role);
	(void)fmt_into(number[5], 16, "%u", j->old_role);
	(void)fmt_into(number[6], 16, "%u", j->term);
	sp.argv[0] = number[0];
	sp.argv[1] = number[1];
	sp.argv[2] = s->opt.verbose ? "-v" : "-q";
	sp.argv[3] = jobs_verb(j->kind);
	for (i = 2; i < 7; i++)
		sp.argv[i + 2] = number[i];
	return spawn(&sp);
}
