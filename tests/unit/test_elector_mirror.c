/* SPDX-License-Identifier: ISC */

/*
 * from_mirror.c, word.c, jobs.c, operator.c: what the elector says to the
 * mirror, and what it makes of its answers.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "elector_kit.h"
#include "problems.h"

static struct pair *p;
static struct channel mirror, supervisor;	/* the other ends */

static void
join(struct channel *ours, struct channel *theirs, enum room peer)
{
	int fd[2];

	ck_assert_int_eq(ipc_pair(fd), 0);
	ours->fd = fd[0];
	*theirs = (struct channel){ fd[1], peer, ROOM_ELECTOR };
}

/* The next message of that type; what comes before it is passed over. */
static bool
hear(struct channel *ch, enum msg_type type, union msg *m)
{
	int fd;

	while (ipc_recv(ch, m, &fd) == IPC_OK)
		if (m->head.type == type)
			return true;
	return false;
}

static bool
hear_job(struct channel *ch, enum job_kind kind, union msg *m)
{
	while (hear(ch, MSG_JOB, m))
		if (m->job.kind == (uint32_t)kind)
			return true;
	return false;
}

static void
forget(struct channel *ch)
{
	union msg m;

	(void)hear(ch, MSG_NONE, &m);
}

static void
say(const union msg *m)
{
	ck_assert_int_eq(ipc_send(&mirror, m, -1), IPC_OK);
	channel_drain(&el, &el.mirror);
}

static struct msg_head
about(enum msg_type type)
{
	return (struct msg_head){ .type = (uint16_t)type, .serial = 1 };
}

static void
say_done(enum job_kind kind, enum job_result result, uint32_t check)
{
	say(&(union msg){ .job_done = {
		.head = about(MSG_JOB_DONE), .kind = kind, .result = result,
		.term = p->service.job_term, .check = check,
		.exit_status = 4,
	} });
}

static void
say_data(bool ready, uint64_t generation, uint32_t term)
{
	say(&(union msg){ .data = {
		.head = about(MSG_DATA), .generation = generation,
		.state = ready ? DATA_READY : DATA_FILLING, .ready = ready,
		.term = term, .term_node = 1,
		.made_wall_ns = el.wall_ns - 2500 * NS_PER_MS,
	} });
}

static void
say_partner(enum role role, int64_t age_ns, uint32_t term)
{
	say(&(union msg){ .partner = {
		.head = about(MSG_PARTNER), .role = (uint8_t)role, .node = 1,
		.healthy = 1, .ready = 1, .advert_age_ns = age_ns,
		.term = term, .term_node = 1,
	} });
}

/* A standby with data and no service block; its mirror is not there yet. */
static void
setup(void)
{
	struct event up = { .type = EVENT_LINK, .link.up = true };

	elector_make();
	blob.p[0].has_sync = true;
	p = &el.pair[0];
	pair_new(&el, p, 0);
	el.now = mono_now();
	el.began = el.mirror_gone = p->ready_at = el.now;
	join(&el.supervisor, &supervisor, ROOM_SUPERVISOR);
	p->link = (struct msg_link){
		.head.type = MSG_LINK, .ifindex = 3, .self = 0, .up = 1,
		.carrier = 1, .prefix_ok = 1,
	};
	p->self = 0;
	pair_configure(&el, p);
	pair_begin(&el, p);
	p->link_up = true;
	pair_step(&el, p, &up);
	p->owed = 0;
}

static void
connect_mirror(void)
{
	join(&el.mirror, &mirror, ROOM_MIRROR);
	mirror_new(&el);
}

static void
teardown(void)
{
	(void)close(mirror.fd);
	(void)close(supervisor.fd);
}

static void
supervisor_done(enum job_kind kind, uint32_t term)
{
	const struct msg_job_done done = {
		.kind = kind, .result = JOB_OK, .term = term,
	};

	job_done(&el, p, &done);
}

/* Nothing runs, all is captured. */
static void
settled(void)
{
	union msg m;

	connect_mirror();
	ck_assert(hear_job(&supervisor, JOB_STOP, &m));
	supervisor_done(JOB_STOP, m.job.term);
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_uint_eq(m.word.role, ROLE_STARTING);
	ck_assert(hear_job(&mirror, JOB_END, &m));
	say_done(JOB_END, JOB_OK, 0);
	ck_assert_int_eq(p->service.state, SERVICE_STOPPED);
}

/* As the actuator and the keeper would have it. */
static void
become_active(void)
{
	struct election *e = &p->election;

	e->settled = true;
	e->state = STATE_ACTIVE;
	e->holding = e->held = e->kept = true;
	e->own_term = e->term = 9;
	e->sent = e->alive = el.now;
	e->send_at = e->sleep_at = e->ack_at = mono_after(el.now,
	    60 * NS_PER_S);
	p->history = (struct msg_keep_history){
		.new_role = ROLE_ACTIVE, .outage_ms = UINT32_MAX,
		.data_age_ms = UINT32_MAX,
	};
	p->history_open = true;
	e->service_run = true;
	job_want(&el, p, true, 9);
	word_say(&el, p);
}

START_TEST(test_no_word_before_it_is_known)
{
	union msg m;

	connect_mirror();
	ck_assert(!hear(&mirror, MSG_WORD, &m));
	ck_assert(hear_job(&supervisor, JOB_STOP, &m));
	supervisor_done(JOB_STOP, m.job.term);
	/* And then before the job that builds on it. */
	ck_assert_int_eq(ipc_recv(&mirror, &m, &(int){ 0 }), IPC_OK);
	ck_assert_uint_eq(m.head.type, MSG_WORD);
	ck_assert_uint_eq(m.word.self, 0);
	ck_assert_uint_eq(m.word.ready, 0);
	ck_assert(hear_job(&mirror, JOB_END, &m));
}
END_TEST

START_TEST(test_word_of_a_takeover)
{
	union msg m;

	settled();
	ck_assert(!hear(&mirror, MSG_WORD, &m));
	say_data(true, 5, 3);
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_uint_eq(m.word.ready, 1);
	ck_assert_uint_eq(m.word.term, 3);
	become_active();
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_uint_eq(m.word.role, ROLE_ACTIVE);
	ck_assert_uint_eq(m.word.term, 9);
	ck_assert_uint_eq(m.word.healthy, 0);
	/* Not again without news, but behind each advert. */
	word_say(&el, p);
	ck_assert(!hear(&mirror, MSG_WORD, &m));
	p->election.sent = mono_after(el.now, 1);
	word_say(&el, p);
	ck_assert(!hear(&mirror, MSG_WORD, &m));
	p->word_news = true;
	word_say(&el, p);
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_int_eq(m.word.advert_ns, p->election.sent.ns);
	word_say(&el, p);
	ck_assert(!hear(&mirror, MSG_WORD, &m));
	/* The epoch of what is written here, whatever else is known. */
	say_data(true, 5, 11);
	ck_assert_uint_eq(p->election.term, 11);
	p->word_news = true;
	word_say(&el, p);
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_uint_eq(m.word.term, 9);
	/* Out of the mirror's range it would be the mirror's end. */
	p->election.state = STATE_STANDBY;
	p->election.term = UINT32_MAX;
	p->election.term_node = 255;
	word_say(&el, p);
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_uint_eq(m.word.term, INT32_MAX);
	ck_assert_uint_eq(m.word.term_node, CONF_NODES_PER_PAIR_MAX - 1);
}
END_TEST

START_TEST(test_takeover_and_back)
{
	union msg m;

	settled();
	say_data(true, 5, 3);
	become_active();
	ck_assert(hear_job(&mirror, JOB_BEGIN, &m));
	ck_assert_uint_eq(m.job.term, 9);
	say_done(JOB_BEGIN, JOB_OK, 1);
	ck_assert(hear_job(&supervisor, JOB_LOAD, &m));
	/* What is not the mirror's to answer it cannot answer. */
	say_done(JOB_LOAD, JOB_FAILED, 0);
	ck_assert_int_eq(p->service.state, SERVICE_STARTING);
	job_done(&el, p, &(struct msg_job_done){
		.kind = JOB_PREPARE, .result = JOB_SUPERSEDED,
		.term = p->plan.number,
	});
	supervisor_done(JOB_LOAD, 9);
	ck_assert(hear_job(&mirror, JOB_WRITE, &m));
	history_held(&el, p);
	ck_assert(p->history_open);
	say_done(JOB_WRITE, JOB_OK, 0);
	ck_assert(hear_job(&supervisor, JOB_START, &m));
	ck_assert(!p->history_open);
	ck_assert_uint_eq(el.nhistory, 1);
	ck_assert_uint_ge(el.history[0].data_age_ms, 2500);
	ck_assert_uint_le(el.history[0].data_age_ms, 2600);
	supervisor_done(JOB_START, 9);
	ck_assert_int_eq(p->election.service, SERVICE_RUNNING);
	ck_assert(hear(&mirror, MSG_WORD, &m));
	job_want(&el, p, false, 9);
	supervisor_done(JOB_STOP, 9);
	ck_assert_int_eq(p->service.state, SERVICE_STOPPING);
	say_data(true, 8, 9);
	forget(&supervisor);
	ck_assert(hear_job(&mirror, JOB_END, &m));
	p->election.state = STATE_STANDBY;
	p->plan.prepare_at = MONO_NEVER;	/* long after the last one */
	say_done(JOB_END, JOB_OK, 1);
	ck_assert_int_eq(p->election.service, SERVICE_STOPPED);
	/* Written here: no loader for it, but for the next one. */
	ck_assert(!hear_job(&supervisor, JOB_PREPARE, &m));
	say_data(true, 9, 10);
	ck_assert(hear_job(&supervisor, JOB_PREPARE, &m));
}
END_TEST

/* Told to go and up within the same millisecond: short, but not none. */
START_TEST(test_no_takeover_is_without_outage)
{
	settled();
	p->history_open = true;
	p->history_held = false;
	p->history.from_node = 1;
	p->silent_ns = 0;
	p->role_at = mono_after(el.now, -NS_PER_MS / 3);
	p->service_cfg.data = true;	/* stays open for the data */
	history_held(&el, p);
	ck_assert_uint_eq(p->history.outage_ms, 1);
}
END_TEST

START_TEST(test_own_data_are_of_this_moment)
{
	settled();
	become_active();
	say_done(JOB_BEGIN, JOB_OK, 0);
	say_done(JOB_WRITE, JOB_OK, 0);
	ck_assert_uint_eq(el.nhistory, 1);
	ck_assert_uint_eq(el.history[0].data_age_ms, 0);
}
END_TEST

static const struct ctl_problem *
problem(enum problem number)
{
	static struct problems found;
	uint32_t i;

	problems_of(&el, p, &found);
	for (i = 0; i < found.n; i++)
		if (found.p[i].number == (uint32_t)number)
			return &found.p[i];
	return NULL;
}

START_TEST(test_step_that_fails)
{
	const struct ctl_problem *r;

	settled();
	become_active();
	p->election.word_until = mono_after(el.now, NS_PER_S);
	say_done(JOB_BEGIN, JOB_OK, 1);
	job_done(&el, p, &(struct msg_job_done){
		.kind = JOB_LOAD, .result = JOB_FAILED, .term = 9,
		.exit_status = 77,
	});
	ck_assert_int_eq(p->election.service, SERVICE_FAILED);
	r = problem(PROBLEM_LOAD_FAILED);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->value[0], 77);
	ck_assert_uint_eq(r->value[1], JOB_LOAD);
	/* The service itself has done nothing wrong. */
	ck_assert_ptr_null(problem(PROBLEM_SERVICE_FAILED));
	ck_assert_uint_eq(el.nhistory, 1);
	ck_assert_uint_eq(el.history[0].data_age_ms, UINT32_MAX);
}
END_TEST

START_TEST(test_not_ready_before_the_mirror_spoke)
{
	const struct ctl_problem *r;

	ck_assert(!p->election.data_ready);
	r = problem(PROBLEM_DATA_NOT_READY);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->value[0], DATA_STATES);
	ck_assert_ptr_null(problem(PROBLEM_MIRROR_DOWN));
	el.now = mono_after(el.mirror_gone, MIRROR_WAIT_NS);
	ck_assert_ptr_nonnull(problem(PROBLEM_MIRROR_DOWN));
	settled();
	say_data(false, 0, 2);
	ck_assert(!p->election.data_ready);
	ck_assert_uint_eq(problem(PROBLEM_DATA_NOT_READY)->value[0],
	    DATA_FILLING);
	say_data(true, 1, 2);
	ck_assert(p->election.data_ready);
	ck_assert_ptr_null(problem(PROBLEM_DATA_NOT_READY));
	ck_assert_ptr_null(problem(PROBLEM_MIRROR_DOWN));
	/* Its last word lasts. */
	(void)close(mirror.fd);
	channel_drain(&el, &el.mirror);
	ck_assert_int_eq(el.mirror.fd, -1);
	ck_assert(p->election.data_ready);
	mirror.fd = -1;
}
END_TEST

START_TEST(test_term_of_the_store)
{
	settled();
	ck_assert_uint_eq(p->election.term, 0);
	say_data(true, 1, 41);
	ck_assert_uint_eq(p->election.term, 41);
	ck_assert_uint_eq(p->keep_term, 41);
	/* No poisoned number: more than a thousand is not believed. */
	say_data(true, 1, 41 + 1001);
	ck_assert_uint_eq(p->election.term, 41);
}
END_TEST

START_TEST(test_mirror_is_replaced)
{
	union msg m;

	settled();
	become_active();
	ck_assert(hear_job(&mirror, JOB_BEGIN, &m));
	(void)close(mirror.fd);
	channel_drain(&el, &el.mirror);
	ck_assert_int_eq(el.mirror.fd, -1);
	connect_mirror();
	/* What we are comes first. */
	ck_assert_int_eq(ipc_recv(&mirror, &m, &(int){ 0 }), IPC_OK);
	ck_assert_uint_eq(m.head.type, MSG_WORD);
	ck_assert_uint_eq(m.word.role, ROLE_ACTIVE);
	el.now = mono_now();
	pair_timers(&el, p);
	ck_assert(hear_job(&mirror, JOB_BEGIN, &m));
	ck_assert_uint_eq(m.job.term, 9);
	say_done(JOB_BEGIN, JOB_OK, 0);
	ck_assert(hear_job(&mirror, JOB_WRITE, &m));
	/* In order: the old one's end is never seen. */
	connect_mirror();
	pair_timers(&el, p);
	ck_assert(hear_job(&mirror, JOB_WRITE, &m));
}
END_TEST

START_TEST(test_word_of_the_partner)
{
	settled();
	say_partner(ROLE_ACTIVE, 100 * NS_PER_MS, 3);
	ck_assert(p->election.word_active);
	ck_assert_uint_eq(p->election.term, 3);
	/* It expires as its last advert does. */
	ck_assert_int_le(p->election.word_until.ns,
	    mono_now().ns + 2900 * NS_PER_MS);
	/* A standby's is of now, however long ago it sent adverts. */
	say_partner(ROLE_STANDBY, 3600 * NS_PER_S, 3);
	ck_assert(!p->election.word_active);
	ck_assert(p->election.word_able);
	say_partner(ROLE_COUNT, -1, 0);
	ck_assert(!mono_is_set(p->partner_at));
}
END_TEST

START_TEST(test_mirror_that_lies)
{
	settled();
	say(&(union msg){ .partner = {
		.head = about(MSG_PARTNER), .role = ROLE_COUNT + 1,
		.node = 1,
	} });
	ck_assert_int_eq(el.mirror.fd, -1);
	(void)close(mirror.fd);
	connect_mirror();
	say(&(union msg){ .partner = {
		.head = about(MSG_PARTNER), .node = 2,
	} });
	ck_assert_int_eq(el.mirror.fd, -1);
	(void)close(mirror.fd);
	connect_mirror();
	/* What the table does not allow ends the channel, not the elector. */
	ck_assert_int_eq(write(mirror.fd, "rubbish", 7), 7);
	channel_drain(&el, &el.mirror);
	ck_assert_int_eq(el.mirror.fd, -1);
}
END_TEST

START_TEST(test_pair_that_is_none)
{
	union msg m = { .data = {
		.head = about(MSG_DATA), .ready = 1,
	} };

	settled();
	m.head.pair = BLOB_PAIRS;
	say(&m);
	m.head.pair = 1;	/* has no data */
	say(&m);
	m.head.pair = 0;
	m.head.serial = 2;	/* of another configuration */
	say(&m);
	ck_assert_int_ne(el.mirror.fd, -1);
	ck_assert(!mono_is_set(p->data_at));
	ck_assert(!mono_is_set(el.pair[1].data_at));
}
END_TEST

/* After a reload that gave our address to no node. */
START_TEST(test_pair_without_a_place)
{
	union msg m;

	settled();
	p->configured = false;
	p->self = ELECTION_NODE_NONE;
	forget(&mirror);
	say_data(true, 5, 3);
	say_partner(ROLE_ACTIVE, 0, 3);
	job_reconfigured(&el, p);
	ck_assert(!hear(&mirror, MSG_WORD, &m));
	ck_assert(!p->election.data_ready);
	/* And with one again. */
	pair_link(&el, p, &(struct msg_link){
		.head.type = MSG_LINK, .ifindex = 3, .self = 1, .up = 1,
		.carrier = 1, .prefix_ok = 1,
	});
	ck_assert(hear(&mirror, MSG_WORD, &m));
	ck_assert_uint_eq(m.word.self, 1);
	ck_assert(p->election.data_ready);
}
END_TEST

static struct ctl_result
ask(enum ctl_command command, uint16_t pair, int64_t kind)
{
	const struct client c = {
		.control = true,
		.rq = {
			.command = (uint16_t)command, .pair = pair,
			.arg = { kind, 17, -1 }, .token = 99,
		},
	};

	return operator_do(&el, &c);
}

START_TEST(test_operator_asks_the_mirror)
{
	union msg m;

	ck_assert_uint_eq(ask(CTL_ASK, 0, ASK_SYNC).code, CTL_NO_MIRROR);
	settled();
	ck_assert_uint_eq(ask(CTL_ASK, 0, ASK_ADOPT).code, CTL_OK);
	ck_assert(hear(&mirror, MSG_ASK, &m));
	ck_assert_uint_eq(m.ask.kind, ASK_ADOPT);
	ck_assert_uint_eq(m.ask.value, 17);
	ck_assert_uint_eq(m.ask.value2, UINT64_MAX);
	ck_assert_uint_eq(m.ask.token, 99);
	ck_assert_uint_eq(ask(CTL_ASK, 1, ASK_SYNC).code, CTL_NO_DATA);
	ck_assert_uint_eq(ask(CTL_ASK, CTL_PAIR_ALL, ASK_SYNC).code, CTL_OK);
	ck_assert(hear(&mirror, MSG_ASK, &m));
	ck_assert_uint_eq(ask(CTL_ASK, CTL_PAIR_ALL, ASK_ALLOW).code,
	    CTL_BAD_REQUEST);
	ck_assert_uint_eq(ask(CTL_ASK, 0, ASK_HANDOVER).code,
	    CTL_BAD_REQUEST);
	ck_assert_uint_eq(ask(CTL_ASK, 0, ASK_KINDS).code, CTL_BAD_REQUEST);
}
END_TEST

START_TEST(test_reload_data)
{
	union msg m;

	settled();
	ck_assert_uint_eq(ask(CTL_RELOAD_DATA, 1, 0).code, CTL_NO_DATA);
	ck_assert_uint_eq(ask(CTL_RELOAD_DATA, 0, 0).code,
	    CTL_REFUSED_STANDBY);
	become_active();
	say_done(JOB_BEGIN, JOB_OK, 0);
	say_done(JOB_WRITE, JOB_OK, 0);
	supervisor_done(JOB_START, 9);
	forget(&supervisor);
	ck_assert_uint_eq(ask(CTL_RELOAD_DATA, 0, 0).code, CTL_OK);
	ck_assert(hear_job(&supervisor, JOB_STOP, &m));
	ck_assert_uint_eq(ask(CTL_RELOAD_DATA, 0, 0).code,
	    CTL_REFUSED_STATE);
}
END_TEST

START_TEST(test_handover_from_the_standby)
{
	union msg m;

	settled();
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_REFUSED_STANDBY);
	say_partner(ROLE_ACTIVE, 0, 3);
	/* Not to one that could not follow. */
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_REFUSED_STATE);
	say_data(true, 4, 3);
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_OK);
	ck_assert(hear(&mirror, MSG_ASK, &m));
	ck_assert_uint_eq(m.ask.kind, ASK_HANDOVER);
	say_partner(ROLE_COUNT, -1, 0);
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_REFUSED_STANDBY);
	ck_assert(!hear(&mirror, MSG_ASK, &m));
}
END_TEST

START_TEST(test_no_handover_to_one_that_cannot)
{
	settled();
	become_active();
	/* Nor to one of whom nothing is known. */
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_REFUSED_NOBODY);
	say_partner(ROLE_MAINTENANCE, -1, 3);
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_REFUSED_NOBODY);
	ck_assert_int_eq(p->election.state, STATE_ACTIVE);
	say_partner(ROLE_STANDBY, -1, 3);
	ck_assert_uint_eq(ask(CTL_HANDOVER, 0, 0).code, CTL_OK);
	ck_assert_int_eq(p->election.state, STATE_LEAVING);
}
END_TEST

START_TEST(test_partner_asks_for_handover)
{
	union msg m = { .ask = {
		.head = about(MSG_ASK), .kind = ASK_HANDOVER,
	} };

	settled();
	say(&m);
	ck_assert_int_eq(p->election.state, STATE_STANDBY);
	become_active();
	m.ask.kind = ASK_DISMISS;
	say(&m);
	ck_assert_int_eq(p->election.state, STATE_ACTIVE);
	m.ask.kind = ASK_HANDOVER;
	say(&m);
	ck_assert_int_eq(p->election.state, STATE_LEAVING);
}
END_TEST

START_TEST(test_status_says_data)
{
	static _Alignas(8) uint8_t buf[RECORD_MAX];
	struct cursor cur = { .command = CTL_GET_STATUS, .last = 1,
	    .serial = 1 };
	const struct ctl_data *d = (const void *)buf;
	const struct ctl_peer *peer = (const void *)buf;
	bool by_word = false;

	settled();
	say_data(true, 4, 3);
	say_partner(ROLE_ACTIVE, 0, 3);
	become_active();
	while (!cur.done && status_next(&el, &cur, buf) != 0) {
		if (peer->head.type == CTL_PEER && peer->node == 1)
			by_word = peer->role == ROLE_ACTIVE &&
			    peer->heard_ns >= 0;
		if (d->head.type == CTL_DATA)
			break;
	}
	ck_assert(by_word);
	ck_assert_uint_eq(d->head.type, CTL_DATA);
	ck_assert_uint_eq(d->data.generation, 4);
	ck_assert_uint_eq(d->step, JOB_BEGIN);
	ck_assert_int_ge(d->age_ns, 0);
	ck_assert_int_ge(d->partner_age_ns, 0);
	ck_assert_uint_eq(d->load_took_ms, UINT32_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("elector_mirror");
	TCase *t = tcase_create("elector_mirror");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_no_word_before_it_is_known);
	tcase_add_test(t, test_word_of_a_takeover);
	tcase_add_test(t, test_takeover_and_back);
	tcase_add_test(t, test_no_takeover_is_without_outage);
	tcase_add_test(t, test_own_data_are_of_this_moment);
	tcase_add_test(t, test_step_that_fails);
	tcase_add_test(t, test_not_ready_before_the_mirror_spoke);
	tcase_add_test(t, test_term_of_the_store);
	tcase_add_test(t, test_mirror_is_replaced);
	tcase_add_test(t, test_word_of_the_partner);
	tcase_add_test(t, test_mirror_that_lies);
	tcase_add_test(t, test_pair_that_is_none);
	tcase_add_test(t, test_pair_without_a_place);
	tcase_add_test(t, test_operator_asks_the_mirror);
	tcase_add_test(t, test_reload_data);
	tcase_add_test(t, test_handover_from_the_standby);
	tcase_add_test(t, test_no_handover_to_one_that_cannot);
	tcase_add_test(t, test_partner_asks_for_handover);
	tcase_add_test(t, test_status_says_data);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
