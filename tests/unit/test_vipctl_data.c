/* SPDX-License-Identifier: ISC */

/*
 * What vipctl says of data: ages, the sentence about the next takeover, and
 * the problems that follow from the files of mirror and capture.
 */
#include "capture/capture.h"
#include "loader/loader.h"
#include "dataview.h"
#include "mirror/ship.h"
#include "problems.h"
#include "status.h"
#define capture test_capture	/* the room has one of that name */
#include "test_vipctl_records.h"
#undef capture
#include "text.h"

#define NOW_NS	(1000 * NS_PER_S)

static union ctl_any
record_data(void)
{
	return (union ctl_any){ .data = {
		.head = { CTL_DATA, sizeof(struct ctl_data), 0 },
		.age_ns = 100 * NS_PER_MS,
		.data = {
			.generation = 48213,
			.made_wall_ns = WALL_NS - 21 * NS_PER_S,
			.partner_generation = 48213,
			.term = 7,
			.state = DATA_READY,
			.ready = 1,
		},
		.partner_age_ns = 200 * NS_PER_MS,
		.partner = {
			.generation = 48213, .term = 7, .node = 1,
			.role = ROLE_STANDBY, .healthy = 1, .ready = 1,
		},
		.load_took_ms = UINT32_MAX,
	} };
}

/* A level pair: the partner acknowledged 20 s ago. */
static struct sync_view *
sync_level(void)
{
	struct sync_view *sv = calloc(1, sizeof(*sv));

	ck_assert_ptr_nonnull(sv);
	sv->mirror_known = sv->capture_known = true;
	sv->now_ns = NOW_NS;
	sv->mirror.ship = SHIP_LEVEL;
	sv->mirror.writes = 1;
	sv->mirror.generation = sv->mirror.acked = 48213;
	sv->mirror.acked_ns = NOW_NS - 20 * NS_PER_S;
	sv->mirror.heard_ns = NOW_NS - NS_PER_S / 5;
	sv->mirror.state_since_ns = NOW_NS - 300 * NS_PER_S;
	sv->capture.writing = 1;
	sv->capture.passed_ns = NOW_NS - 20 * NS_PER_S;
	return sv;
}

static struct sync_view *
data_make(struct view *w, enum role role)
{
	view_make(w, role);
	view_put(w, record_data());
	w->pair[0].sync = sync_level();
	return w->pair[0].sync;
}

static char *
status(const struct view *w, int columns)
{
	const struct look look = { .columns = columns };
	struct test_capture cap;

	text_view(capture_begin(&cap), w, &look);
	return capture_end(&cap);
}

START_TEST(the_table)
{
	struct view w;
	char *got;

	data_make(&w, ROLE_ACTIVE);
	got = status(&w, 0);
	ck_assert_msg(strstr(got, "alpha*  192.168.70.1  active   12d 4h  yes"
	    "  openvpn running  sent 0.4s ago    gen 48213, 21s old\n") !=
	    NULL, "%s", got);
	ck_assert_msg(strstr(got, "beta    192.168.70.2  standby  ?       no "
	    "  ?                by ssh 0.2s ago  gen 48213 verified 20s ago"
	    "\n") != NULL, "%s", got);
	ck_assert_msg(strstr(got, "If alpha dies now: beta takes over in "
	    "3.0-3.6 s, starts openvpn (last start here took 6.1 s), losing "
	    "nothing older than 20s.\n") != NULL, "%s", got);
	free(got);
	view_free(&w);
}
END_TEST

/* Nobody looks at another node's word for ever. */
START_TEST(old_word_is_none)
{
	struct view w;
	char *got;

	data_make(&w, ROLE_ACTIVE);
	w.pair[0].data.partner_age_ns = 6 * NS_PER_S;
	ck_assert_ptr_null(pair_word(&w.pair[0]));
	ck_assert_uint_eq(peer_role(&w.pair[0], &w.pair[0].peer[1]),
	    ROLE_UNKNOWN);
	w.pair[0].data.partner_age_ns = NS_PER_S;
	w.pair[0].data.partner.role = ROLE_COUNT;
	ck_assert_ptr_null(pair_word(&w.pair[0]));
	w.pair[0].sync->mirror_known = false;
	got = status(&w, 0);
	ck_assert_msg(strstr(got, "not heard         ?\n") != NULL ||
	    strstr(got, "not heard      ?\n") != NULL, "%s", got);
	ck_assert_msg(strstr(got, "losing nothing older than 21s") != NULL ||
	    strstr(got, "with data of unknown age") != NULL, "%s", got);
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(the_json)
{
	struct test_capture cap;
	struct view w;
	char *got;

	data_make(&w, ROLE_ACTIVE);
	status_json(capture_begin(&cap), &w, NULL);
	got = capture_end(&cap);
	ck_assert_msg(strstr(got, "\"data\":{\"generation\":48213,\"made_s\":"
	    "21.0,\"partner_verified_s\":20.0,\"lag_bytes\":0,\"lag_s\":0.0,"
	    "\"partner_generation\":48213,\"state\":\"ready\",\"ready\":true,"
	    "\"step\":null}") != NULL, "%s", got);
	ck_assert_msg(strstr(got, "\"partner\":{\"name\":\"beta\",\"role\":"
	    "\"standby\",\"heard_s\":null,\"ssh_s\":0.2,"
	    "\"address_present\":false,\"ready\":true}") != NULL, "%s", got);
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(what_would_be_lost)
{
	struct sync_view *sv;
	struct view_pair *vp;
	uint64_t bytes;
	struct view w;

	sv = data_make(&w, ROLE_ACTIVE);
	vp = &w.pair[0];
	ck_assert_int_eq(data_loss_ns(vp), 20 * NS_PER_S);
	/* A generation that is held back: as old as the last good one. */
	sv->capture.held_since_ns = NOW_NS - NS_PER_S;
	ck_assert_int_eq(data_loss_ns(vp), 21 * NS_PER_S);
	/* Behind: since what it lacks was made. */
	sv->mirror.behind_since_ns = NOW_NS - 70 * NS_PER_S;
	sv->mirror.generation = 48220;
	ck_assert_int_eq(data_loss_ns(vp), 70 * NS_PER_S);
	ck_assert(!data_lag_bytes(vp, &bytes));
	sv->mirror.ship = SHIP_COPYING;
	sv->mirror.run_total = 1000;
	sv->mirror.run_done = 400;
	ck_assert(data_lag_bytes(vp, &bytes));
	ck_assert_uint_eq(bytes, 600);
	/* Nothing acknowledged: no bound. */
	sv->mirror.acked = 0;
	ck_assert_int_eq(data_loss_ns(vp), CTL_AGE_UNKNOWN);
	view_free(&w);
}
END_TEST

START_TEST(unready_partner_is_named)
{
	struct view w;
	char text[PROBLEM_TEXT_MAX];

	data_make(&w, ROLE_ACTIVE);
	w.pair[0].data.partner.ready = 0;
	text_forecast(&w.pair[0], text, sizeof(text));
	ck_assert_str_eq(text, "If alpha dies now: nobody takes over, the "
	    "data of beta are not complete.");
	view_free(&w);
	data_make(&w, ROLE_STANDBY);
	text_forecast(&w.pair[0], text, sizeof(text));
	ck_assert_str_eq(text, "If beta dies now: alpha takes over in 3.0-3.6"
	    " s, starts openvpn (last start took 6.1 s), with generation "
	    "48213, made 21s ago.");
	w.pair[0].data.data.ready = 0;
	w.pair[0].data.data.state = DATA_FILLING;
	text_forecast(&w.pair[0], text, sizeof(text));
	ck_assert_str_eq(text, "If beta dies now: alpha does not take over, "
	    "it has no complete data yet.");
	view_free(&w);
}
END_TEST

/* The only problem there is, or 0. */
static uint32_t
problem_of(struct view_pair *vp)
{
	vp->nproblems = 0;
	syncview_problems(vp, 100 * NS_PER_S);
	ck_assert_uint_le(vp->nproblems, 1);
	return vp->nproblems == 0 ? 0 : vp->problem[0].number;
}

START_TEST(channel_problems)
{
	static const struct {
		const char	*id;
		uint32_t	 ship, number;
	} rows[] = {
		{ "", SHIP_LEVEL, 0 },
		{ "unreachable", SHIP_DOWN, PROBLEM_PARTNER_SSH },
		{ "", SHIP_CONNECTING, PROBLEM_PARTNER_SSH },
		{ "host-key-changed", SHIP_DOWN, PROBLEM_HOST_KEY },
		{ "partner-protocol", SHIP_DOWN, PROBLEM_PARTNER_OTHER },
		{ "partner-space", SHIP_HELD, PROBLEM_PARTNER_FULL },
		{ "stale", SHIP_HELD, PROBLEM_SHIP_STALE },
		{ "dual-active", SHIP_HELD, PROBLEM_PARTNER_REFUSES },
		{ "partner-busy", SHIP_HELD, PROBLEM_PARTNER_REFUSES },
	};
	struct sync_view *sv;
	struct view w;
	size_t i;

	sv = data_make(&w, ROLE_ACTIVE);
	sv->mirror.heard_ns = NOW_NS - 10 * NS_PER_S;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(sv->mirror.id, rows[i].id);
		sv->mirror.ship = rows[i].ship;
		ck_assert_uint_eq(problem_of(&w.pair[0]), rows[i].number);
	}
	/* One that is just coming up is none, nor one that is just busy. */
	sv->mirror.state_since_ns = NOW_NS;
	ck_assert_uint_eq(problem_of(&w.pair[0]), 0);
	sv->mirror.id[0] = '\0';
	sv->mirror.ship = SHIP_CONNECTING;
	sv->mirror.heard_ns = NOW_NS - NS_PER_S;
	ck_assert_uint_eq(problem_of(&w.pair[0]), 0);
	sv->mirror.ship = SHIP_COPYING;
	sv->mirror.behind_since_ns = NOW_NS - 61 * NS_PER_S;
	ck_assert_uint_eq(problem_of(&w.pair[0]), PROBLEM_DATA_LATE);
	/* One that cannot take over lacks something, however new. */
	sv->mirror.behind_since_ns = NOW_NS;
	ck_assert_uint_eq(problem_of(&w.pair[0]), 0);
	w.pair[0].data.partner.ready = 0;
	ck_assert_uint_eq(problem_of(&w.pair[0]), PROBLEM_DATA_LATE);
	/* Silent mirror: the elector says so, not we. */
	sv->mirror_known = false;
	ck_assert_uint_eq(problem_of(&w.pair[0]), 0);
	view_free(&w);
}
END_TEST

static void
check_line(struct view_pair *vp, const char *text, const char *fix)
{
	char buf[PROBLEM_TEXT_MAX];

	problem_write_text(vp, &vp->problem[0], buf, sizeof(buf));
	ck_assert_str_eq(buf, text);
	problem_write_fix(vp, &vp->problem[0], buf, sizeof(buf));
	ck_assert_msg(strncmp(buf, fix, strlen(fix)) == 0, "%s", buf);
}

/* Only some steps are the loader's: its status says nothing of the others. */
START_TEST(failed_step_is_named)
{
	static const struct { uint64_t step; const char *why; } want[] = {
		{ JOB_BEGIN, ": the new term was not opened in the store" },
		{ JOB_WRITE,
		    ": the data were not marked as this node's own" },
		{ JOB_LOAD, ": the system refused" },
	};
	char buf[PROBLEM_TEXT_MAX];
	struct ctl_problem pr = { .number = PROBLEM_LOAD_FAILED,
	    .value = { LOADER_FAILED } };
	struct view w;
	size_t i;

	(void)data_make(&w, ROLE_STANDBY);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		pr.value[1] = want[i].step;
		problem_write_text(&w.pair[0], &pr, buf, sizeof(buf));
		ck_assert_msg(strstr(buf, want[i].why) != NULL, "%s", buf);
		if (pr.value[1] != JOB_LOAD)
			ck_assert_ptr_null(strstr(buf, "the system refused"));
	}
	view_free(&w);
}
END_TEST

START_TEST(capture_problems_are_named)
{
	struct sync_capture_state *c;
	struct view_pair *vp;
	struct view w;

	c = &data_make(&w, ROLE_ACTIVE)->capture;
	vp = &w.pair[0];
	c->held_since_ns = NOW_NS - 90 * NS_PER_S;
	c->nproblems = 1;
	c->problem[0] = (struct sync_problem){
		.fault = FAULT_UNREADABLE, .holds = 1, .code = 5,
		.path = "pki/private\n/key",
	};
	ck_assert_uint_eq(problem_of(vp), PROBLEM_CAPTURE_HELD);
	check_line(vp, "no new generation is made for 1m 30s: pki/private?/key"
	    " cannot be read: Input/output error", "look at its file system");
	c->held_since_ns = 0;
	c->nproblems = 2;
	c->problem[0] = (struct sync_problem){
		.fault = FAULT_UNDECLARED, .path = "db/users.db",
	};
	c->problem[1] = (struct sync_problem){
		.fault = FAULT_SPECIAL, .path = "run/sock",
	};
	ck_assert_uint_eq(problem_of(vp), PROBLEM_CAPTURE_LEFT_OUT);
	check_line(vp, "not everything is copied as it should be: db/users.db "
	    "is an SQLite database but is copied like any file, which may "
	    "tear it, and 1 more", "declare it: sqlite \"db/users.db\"");
	c->nproblems = 0;
	c->branches = 1;
	ck_assert_uint_eq(problem_of(vp), PROBLEM_DIVERGED);
	check_line(vp, "one branch is parked on this node: written here, but "
	    "not part of what the pair went on with", "'vipctl diverged'");
	c->branches = 0;
	c->bad_objects = 3;
	ck_assert_uint_eq(problem_of(vp), PROBLEM_BIT_ROT);
	check_line(vp, "3 objects of the store had gone bad and were set "
	    "aside", "look at the disk");
	c->bad_objects = 0;
	c->store_full = 1;
	c->store_bytes = 2100000000;
	c->store_limit = 10000000000;
	ck_assert_uint_eq(problem_of(vp), PROBLEM_STORE_FULL);
	check_line(vp, "no room for a new generation on this node: 2.1 GB of "
	    "10 GB used, 0 bytes free on the disk", "raise");
	view_free(&w);
}
END_TEST

START_TEST(every_fault_has_words)
{
	char text[SYNCVIEW_TEXT_MAX], fix[SYNCVIEW_TEXT_MAX];
	struct sync_problem p = { .path = "a" };

	for (p.fault = 0; p.fault <= FAULT_COUNT; p.fault++) {
		p.code = p.fault == FAULT_SNAPSHOT ? 11 : 1;
		fault_text(&p, text, sizeof(text));
		fault_fix(&p, fix, sizeof(fix));
		ck_assert_uint_gt(strlen(text), 10);
		ck_assert_uint_gt(strlen(fix), 10);
		ck_assert_ptr_null(strchr(text, '%'));
		ck_assert_ptr_null(strchr(fix, '%'));
	}
}
END_TEST

START_TEST(hostile_files)
{
	struct sync_view sv;
	struct sync_problem p;
	char text[SYNCVIEW_TEXT_MAX];

	memset(&sv, 0xff, sizeof(sv));
	syncview_tidy(&sv);
	ck_assert_uint_eq(sv.capture.nproblems, SYNC_PROBLEMS_MAX);
	ck_assert_uint_eq(strlen(sv.mirror.text), SYNC_TEXT_MAX - 1);
	memset(&p, '%', sizeof(p));
	p.path[sizeof(p.path) - 1] = '\0';
	for (p.fault = 0; p.fault < FAULT_COUNT; p.fault++) {
		fault_text(&p, text, sizeof(text));
		fault_fix(&p, text, sizeof(text));
	}
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		uint64_t	 n;
		const char	*text;
	} rows[] = {
		{ 0, "0 bytes" }, { 1, "1 byte" }, { 999, "999 bytes" },
		{ 1000, "1.0 kB" }, { 1549, "1.5 kB" }, { 20000000, "20 MB" },
		{ UINT64_MAX, "18446 PB" },
	};
	char buf[32];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bytes_text(rows[i].n, buf, sizeof(buf));
		ck_assert_str_eq(buf, rows[i].text);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("data");

	tcase_add_test(tc, the_table);
	tcase_add_test(tc, old_word_is_none);
	tcase_add_test(tc, the_json);
	tcase_add_test(tc, what_would_be_lost);
	tcase_add_test(tc, unready_partner_is_named);
	tcase_add_test(tc, channel_problems);
	tcase_add_test(tc, failed_step_is_named);
	tcase_add_test(tc, capture_problems_are_named);
	tcase_add_test(tc, every_fault_has_words);
	tcase_add_test(tc, hostile_files);
	tcase_add_test(tc, sizes);
	return run_suite("vipctl_data", tc);
}
