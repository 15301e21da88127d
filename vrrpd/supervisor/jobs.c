/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: forks runner, checker and loader for the jobs of the pairs, one
 * of a lane at a time, in a process group each, with a time limit each.  Nothing
 * here waits for a child: what ends is told by jobs_reap().
 */

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "election.h"
#include "job_limits.h"
#include "jobs.h"
#include "jobspawn.h"
#include "rooms.h"
#include "supervisor.h"

/* The runner keeps its limit itself; this is for one that does not. */
#define GRACE_NS	(2 * NS_PER_S)

static const struct conf_service *
service_of(const struct supervisor *s, uint32_t pair)
{
	return &conf_pair(s->conf, pair)->service;
}

int64_t
jobs_stop_limit_ms(const struct supervisor *s)
{
	int64_t sum = 0;
	uint32_t i;

	for (i = 0; i < s->conf->npairs; i++) {
		if (service_of(s, i)->kind != SERVICE_NONE)
			sum += service_of(s, i)->stop_timeout_ms;
		if (conf_pair(s->conf, i)->has_sync)
			sum += JOB_LAST_SYNC_MS;
	}
	return sum;
}

static void
job_log_readable(int fd, short revents, void *arg)
{
	struct supervisor *s = arg;

	(void)revents;
	logsink_read(fd, "job", &s->job_source, mono_now());
}

void
jobs_open(struct supervisor *s)
{
	bool ok;

	if (s->job_log[0] == -1 && socketpair(AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s->job_log) == -1)
		fatal("log of the runners");
	ok = loop_add(&s->loop, s->job_log[0], POLLIN, job_log_readable, s);
	assert(ok);
}

static void
tell(struct supervisor *s, uint32_t pair, const struct job_answer *a,
    int64_t took_ns, uint32_t check, uint32_t status)
{
	const union msg m = { .job_done = {
		.head = { .type = MSG_JOB_DONE, .pair = (uint16_t)pair,
		    .serial = s->conf->serial },
		.kind = a->job.kind,
		.result = a->result,
		.term = a->job.term,
		.took_ms = (uint32_t)(took_ns / NS_PER_MS),
		.check = check,
		.exit_status = status,
	} };

	if (a->job.answer)
		rooms_send(s, a->job.kind == JOB_FILL ? ROOM_CAPTURE :
		    ROOM_ELECTOR, &m, -1);
}

static void
add(struct supervisor *s, uint32_t pair, const struct job *j)
{
	struct job_answer out[JOBQUEUE_ANSWERS_MAX];
	size_t i, n;

	n = jobqueue_add(&s->jobs->queue[pair], j, out);
	for (i = 0; i < n; i++)
		tell(s, pair, &out[i], 0, 0, 0);
	s->jobs->pending = true;
}

static struct job
job_of(const struct msg_job *m)
{
	return (struct job){
		.kind = m->kind,
		.role = m->role,
		.old_role = m->old_role,
		.term = m->term,
		.answer = true,
	};
}

void
jobs_add(struct supervisor *s, const struct msg_job *m)
{
	struct job j = job_of(m);

	/* The capture is not who knows the role. */
	if (j.kind == JOB_FILL) {
		j.role = j.old_role = s->role[m->head.pair];
		j.term = s->term[m->head.pair];
	}
	add(s, m->head.pair, &j);
}

void
jobs_refuse(struct supervisor *s, const struct msg_job *m)
{
	const struct job_answer a = { .job = job_of(m),
	    .result = JOB_FAILED };

	tell(s, m->head.pair, &a, 0, 0, JOB_EXIT_REFUSED);
}

void
jobs_capture_died(struct supervisor *s)
{
	uint32_t i;

	for (i = 0; i < s->conf->npairs; i++)
		jobqueue_forget_fill(&s->jobs->queue[i]);
}

void
jobs_elector_died(struct supervisor *s)
{
	struct jobqueue *q;
	struct job stop;
	uint32_t i;
	bool wanted;

	for (i = 0; i < s->conf->npairs; i++) {
		q = &s->jobs->queue[i];
		/* A load goes on to its end; what follows it is a stop. */
		wanted = s->role[i] == ROLE_ACTIVE || q->up ||
		    q->state.kind == JOB_START || q->load.kind != 0 ||
		    q->running[LANE_SERVICE].kind == JOB_START ||
		    q->running[LANE_SERVICE].kind == JOB_LOAD;
		jobqueue_forget(q);
		s->role[i] = ROLE_STARTING;
		if (!wanted || service_of(s, i)->kind == SERVICE_NONE)
			continue;
		log_info("pair %s: stopping the service, the elector is gone",
		    pair_name(s, i));
		stop = (struct job){ .kind = JOB_STOP, .role = ROLE_STARTING,
		    .old_role = ROLE_ACTIVE, .term = s->term[i] };
		add(s, i, &stop);
	}
}

/* A job for which there is nothing to run has its answer at once. */
static bool
answered_without(const struct supervisor *s, uint32_t pair, uint32_t kind,
    uint32_t *result)
{
	const struct conf_pair *p = conf_pair(s->conf, pair);
	const struct conf_service *sv = &p->service;

	*result = JOB_OK;
	switch (kind) {
	case JOB_NOTIFY:
		return p->notify == 0;
	case JOB_CHECK:
		return sv->nhealth == 0 && sv->check == 0;
	case JOB_QUERY:
		*result = JOB_FAILED;
		return sv->kind == SERVICE_NONE ||
		    (sv->kind == SERVICE_EXEC && sv->check == 0);
	case JOB_LOAD:
	case JOB_SETTLE:
		*result = JOB_FAILED;
		return jobqueue_refuses(&s->jobs->queue[pair], kind,
		    s->role[pair] == ROLE_ACTIVE);
	case JOB_PREPARE:
		return false;
	case JOB_FILL:
		return p->sync.before_capture == 0;
	default:
		return sv->kind == SERVICE_NONE;
	}
}

static struct job_slot *
free_slot(struct jobs *jobs)
{
	int i;

	for (i = 0; i < JOBS_RUNNING_MAX; i++)
		if (jobs->slot[i].pid == 0)
			return &jobs->slot[i];
	return NULL;
}

static void
finish(struct supervisor *s, uint32_t pair, enum lane lane, uint32_t result,
    int64_t took_ns, uint32_t check, uint32_t status)
{
	struct job_answer out[JOBQUEUE_ANSWERS_MAX];
	size_t i, n;

	n = jobqueue_done(&s->jobs->queue[pair], lane, result, out);
	for (i = 0; i < n; i++)
		tell(s, pair, &out[i], out[i].ran ? took_ns : 0, check,
		    status);
	s->jobs->pending = true;
}

static bool
start_slot(struct supervisor *s, struct job_slot *slot, uint32_t pair,
    enum lane lane, const struct job *j)
{
	const int64_t limit = jobs_limit_ms(s, pair, j->kind);
	const mono_t now = mono_now();
	const enum room room = jobs_room(s, pair, j->kind);
	pid_t pid;

	pid = jobs_spawn(s, pair, j, limit, room);
	if (pid == -1) {
		log_warn("pair %s: cannot run the %s job", pair_name(s, pair),
		    jobs_verb(j->kind));
		return false;
	}
	*slot = (struct job_slot){
		.pid = pid,
		.pair = pair,
		.lane = (uint8_t)lane,
		.room = (uint8_t)room,
		.started = now,
		.kill_at = mono_after(now, limit * NS_PER_MS + GRACE_NS),
	};
	log_debug("pair %s: %s, process %d", pair_name(s, pair),
	    jobs_verb(j->kind), (int)pid);
	return true;
}

/* Next job of one lane; false when no process slot is left. */
static bool
run_lane(struct supervisor *s, uint32_t pair, enum lane lane)
{
	struct jobqueue *q = &s->jobs->queue[pair];
	struct job_slot *slot;
	struct job j;
	uint32_t result;

	for (;;) {
		slot = free_slot(s->jobs);
		if (slot == NULL)
			return false;
		if (!jobqueue_next(q, lane, &j))
			return true;
		if (answered_without(s, pair, j.kind, &result))
			finish(s, pair, lane, result, 0, 0, 0);
		else if (!start_slot(s, slot, pair, lane, &j))
			finish(s, pair, lane, JOB_FAILED, 0, 0, 0);
		else
			return true;
	}
}

/* Stops and starts first: they must not wait behind checks and hooks. */
static void
run_lanes(struct supervisor *s)
{
	uint32_t lane, i;

	s->jobs->pending = false;
	for (lane = 0; lane < LANE_COUNT; lane++)
		for (i = 0; i < s->conf->npairs; i++)
			if (!run_lane(s, i, (enum lane)lane)) {
				/* A slot that becomes free sets it again. */
				return;
			}
}

static void
kill_slot(struct job_slot *slot)
{
	slot->killed = true;
	(void)kill(-slot->pid, SIGKILL);
}

/* A prepare that is in the way of a load. */
static void
end_prepares(struct supervisor *s)
{
	struct job_slot *slot;

	for (slot = s->jobs->slot; slot < s->jobs->slot + JOBS_RUNNING_MAX;
	    slot++) {
		if (slot->pid == 0 || slot->killed ||
		    slot->pair == JOB_PAIR_GONE ||
		    slot->lane != LANE_PREPARE ||
		    !jobqueue_ends_prepare(&s->jobs->queue[slot->pair]))
			continue;
		slot->obsolete = true;
		kill_slot(slot);
	}
}

void
jobs_run(struct supervisor *s, mono_t now, mono_t *deadline)
{
	mono_t log_again = MONO_NEVER;
	struct job_slot *slot;

	if (s->jobs->pending) {
		end_prepares(s);
		run_lanes(s);
	}
	for (slot = s->jobs->slot; slot < s->jobs->slot + JOBS_RUNNING_MAX;
	    slot++) {
		if (slot->pid == 0 || slot->killed)
			continue;
		if (mono_reached(now, slot->kill_at))
			kill_slot(slot);
		else
			sooner(deadline, slot->kill_at);
	}
	loop_mute(&s->loop, s->job_log[0],
	    !logsink_wants(&s->job_source, now, &log_again));
	sooner(deadline, log_again);
}

void
jobs_kill_all(struct supervisor *s)
{
	int i;

	for (i = 0; i < JOBS_RUNNING_MAX; i++)
		if (s->jobs->slot[i].pid != 0)
			kill_slot(&s->jobs->slot[i]);
}

static uint32_t
result_of(const struct job_slot *slot, int status, uint32_t *check,
    uint32_t *code)
{
	*check = 0;
	*code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) :
	    128 + (uint32_t)WTERMSIG(status);
	if (slot->obsolete)
		return JOB_SUPERSEDED;
	if (slot->killed || *code == JOB_EXIT_TIMEOUT)
		return JOB_TIMEOUT;
	if (*code == 0)
		return JOB_OK;
	if (slot->room == ROOM_CHECKER && *code >= JOB_EXIT_CHECK)
		*check = *code - JOB_EXIT_CHECK;
	/* The runner ended its own group at the limit, and so itself. */
	if (slot->room == ROOM_RUNNER && *code == 128 + SIGKILL)
		return JOB_TIMEOUT;
	return JOB_FAILED;
}

static void
log_result(const struct supervisor *s, const struct job_slot *slot,
    const struct job *j, uint32_t result, uint32_t code, int64_t took_ns)
{
	const long long ms = took_ns / NS_PER_MS;

	if (result == JOB_TIMEOUT)
		log_warnx("pair %s: %s was ended at its time limit, %lld ms",
		    pair_name(s, slot->pair), jobs_verb(j->kind), ms);
	else if (result == JOB_OK && j->kind == JOB_LOAD)
		log_info("pair %s: %s done, took %lld ms",
		    pair_name(s, slot->pair), jobs_verb(j->kind), ms);
	else if (result == JOB_OK && (j->kind == JOB_START ||
	    j->kind == JOB_STOP))
		log_info("pair %s: service %s, took %lld ms",
		    pair_name(s, slot->pair),
		    j->kind == JOB_START ? "started" : "stopped", ms);
	else if (result == JOB_FAILED && j->kind != JOB_QUERY &&
	    j->kind != JOB_CHECK)
		log_warnx("pair %s: %s failed with status %u",
		    pair_name(s, slot->pair), jobs_verb(j->kind), code);
	else
		log_debug("pair %s: %s: result %u, status %u, %lld ms",
		    pair_name(s, slot->pair), jobs_verb(j->kind), result, code,
		    ms);
}

static void
slot_ended(struct supervisor *s, struct job_slot *slot, int status)
{
	const struct job_slot was = *slot;
	const int64_t took = mono_span_ns(was.started, mono_now());
	const struct job *j;
	uint32_t result, check, code;

	*slot = (struct job_slot){ .pid = 0 };
	s->jobs->pending = true;
	result = result_of(&was, status, &check, &code);
	if (was.pair == JOB_PAIR_GONE)
		return;
	j = &s->jobs->queue[was.pair].running[was.lane];
	log_result(s, &was, j, result, code, took);
	finish(s, was.pair, (enum lane)was.lane, result, took, check, code);
}

void
jobs_before_reap(struct supervisor *s, pid_t pid, bool failed)
{
	struct job_slot *slot;

	for (slot = s->jobs->slot; slot < s->jobs->slot + JOBS_RUNNING_MAX;
	    slot++)
		/* A service that was started stays; nothing else does. */
		if (slot->pid == pid && (slot->room == ROOM_CHECKER || failed))
			(void)kill(-pid, SIGKILL);
}

bool
jobs_reap(struct supervisor *s, pid_t pid, int status)
{
	struct job_slot *slot;

	for (slot = s->jobs->slot; slot < s->jobs->slot + JOBS_RUNNING_MAX;
	    slot++) {
		if (slot->pid != pid)
			continue;
		slot_ended(s, slot, status);
		return true;
	}
	return false;
}

bool
jobs_idle(const struct supervisor *s)
{
	const struct job_slot *slot;
	uint32_t i;

	for (slot = s->jobs->slot; slot < s->jobs->slot + JOBS_RUNNING_MAX;
	    slot++)
		if (slot->pid != 0 && slot->room != ROOM_CHECKER &&
		    slot->lane != LANE_PREPARE && slot->lane != LANE_FILL)
			return false;
	for (i = 0; i < s->conf->npairs; i++)
		if (!jobqueue_idle(&s->jobs->queue[i]))
			return false;
	return true;
}

/* Index of the pair of that name, or JOB_PAIR_GONE. */
static uint32_t
find_pair(const struct conf *c, const char *name)
{
	uint32_t i;

	for (i = 0; i < c->npairs; i++)
		if (strcmp(conf_string(c, conf_pair(c, i)->name), name) == 0)
			return i;
	return JOB_PAIR_GONE;
}

static bool
same_string(const struct conf *a, conf_str sa, const struct conf *b,
    conf_str sb)
{
	return strcmp(conf_string(a, sa), conf_string(b, sb)) == 0;
}

static bool
same_service(const struct conf *a, const struct conf_service *sa,
    const struct conf *b, const struct conf_service *sb)
{
	return sa->kind == sb->kind &&
	    same_string(a, sa->unit, b, sb->unit) &&
	    same_string(a, sa->start, b, sb->start) &&
	    same_string(a, sa->stop, b, sb->stop);
}

/* By the old configuration, while it is still the one in use. */
static void
stop_old(struct supervisor *s, uint32_t pair)
{
	const struct job j = { .kind = JOB_STOP, .role = ROLE_STARTING,
	    .old_role = ROLE_ACTIVE, .term = s->term[pair] };
	struct job_slot *slot;

	log_info("pair %s: stopping its service, which the new configuration "
	    "does not have", pair_name(s, pair));
	slot = free_slot(s->jobs);
	if (slot == NULL)
		log_warnx("pair %s: too many jobs, its service runs on",
		    pair_name(s, pair));
	else if (start_slot(s, slot, pair, LANE_SERVICE, &j))
		slot->pair = JOB_PAIR_GONE;
}

static void
remap_slots(struct supervisor *s, const uint32_t *to, const bool *stop)
{
	struct job_slot *slot;

	for (slot = s->jobs->slot; slot < s->jobs->slot + JOBS_RUNNING_MAX;
	    slot++) {
		if (slot->pid == 0 || slot->pair == JOB_PAIR_GONE)
			continue;
		/* Never a start and a stop of one service at once. */
		if (slot->lane == LANE_SERVICE && stop[slot->pair])
			kill_slot(slot);
		slot->pair = to[slot->pair];
	}
}

/* The service of an active pair was exchanged: the new one is started. */
static void
restart_changed(struct supervisor *s, uint32_t npairs, const uint32_t *to,
    const bool *stop)
{
	struct job_answer out[JOBQUEUE_ANSWERS_MAX];
	struct job start;
	uint32_t i;

	for (i = 0; i < npairs; i++) {
		if (!stop[i] || to[i] == JOB_PAIR_GONE)
			continue;
		start = (struct job){ .kind = JOB_START, .role = ROLE_ACTIVE,
		    .old_role = ROLE_ACTIVE, .term = s->term[to[i]] };
		(void)jobqueue_add(&s->jobs->queue[to[i]], &start, out);
	}
	s->jobs->pending = true;
}

void
jobs_remap(struct supervisor *s, const struct conf *next)
{
	static struct jobqueue queue[CONF_PAIRS_MAX];
	static uint32_t to[CONF_PAIRS_MAX], term[CONF_PAIRS_MAX];
	static uint8_t role[CONF_PAIRS_MAX];
	static bool stop[CONF_PAIRS_MAX];
	uint32_t i, n;

	memset(queue, 0, next->npairs * sizeof(queue[0]));
	memset(term, 0, next->npairs * sizeof(term[0]));
	memset(role, 0, next->npairs * sizeof(role[0]));
	for (i = 0; i < s->conf->npairs; i++) {
		n = to[i] = find_pair(next, pair_name(s, i));
		stop[i] = service_of(s, i)->kind != SERVICE_NONE &&
		    (n == JOB_PAIR_GONE || !same_service(s->conf,
		    service_of(s, i), next, &conf_pair(next, n)->service)) &&
		    (s->role[i] == ROLE_ACTIVE ||
		    s->jobs->queue[i].running[LANE_SERVICE].kind ==
		    JOB_START);
		if (n == JOB_PAIR_GONE)
			continue;
		queue[n] = s->jobs->queue[i];
		role[n] = s->role[i];
		term[n] = s->term[i];
	}
	remap_slots(s, to, stop);
	for (i = 0; i < s->conf->npairs; i++)
		if (stop[i])
			stop_old(s, i);
	memcpy(s->jobs->queue, queue, next->npairs * sizeof(queue[0]));
	memcpy(s->role, role, next->npairs * sizeof(role[0]));
	memcpy(s->term, term, next->npairs * sizeof(term[0]));
	restart_changed(s, s->conf->npairs, to, stop);
}
