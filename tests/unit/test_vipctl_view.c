/* SPDX-License-Identifier: ISC */

/*
 * The status as text and JSON, the verdicts and the exit codes, from records
 * as a daemon sends them.
 */
#include "status.h"
#include "test_vipctl_records.h"
#include "text.h"

static const struct look plain;

static char *
text_of(const struct view *w, const struct look *look)
{
	struct capture cap;

	text_view(capture_begin(&cap), w, look);
	return capture_end(&cap);
}

START_TEST(active_text)
{
	struct view w;
	char *got;

	view_make(&w, ROLE_ACTIVE);
	got = text_of(&w, &plain);
	ck_assert_str_eq(got,
"vpn   192.168.70.222   HEALTHY        this node: alpha, ACTIVE for 12d 4h"
" (term 7)\n"
"\n"
"NODE    ADDRESS       ROLE     FOR     VIP  SERVICE          HEARTBEAT"
"      DATA\n"
"alpha*  192.168.70.1  active   12d 4h  yes  openvpn running  sent 0.4s"
" ago  -\n"
"beta    192.168.70.2  unknown  -       ?    ?                not heard"
"      -\n"
"\n"
"If alpha dies now: beta takes over in 3.0-3.6 s, starts openvpn (last "
"start here took 6.1 s). That beta is up is not known here: a standby sends "
"nothing.\n");
	ck_assert_int_eq(view_exit(&w), EXIT_DONE);
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(standby_text)
{
	struct view w;
	char *got;

	view_make(&w, ROLE_STANDBY);
	got = text_of(&w, &plain);
	ck_assert_str_eq(got,
"vpn   192.168.70.222   HEALTHY        this node: alpha, STANDBY for 12d 4h"
" (term 7)\n"
"\n"
"NODE    ADDRESS       ROLE     FOR     VIP  SERVICE          HEARTBEAT"
"       DATA\n"
"alpha*  192.168.70.1  standby  12d 4h  no   openvpn stopped  listens"
"         -\n"
"beta    192.168.70.2  active   1m 0s   ?    ?                heard 0.3s"
" ago  -\n"
"\n"
"If beta dies now: alpha takes over in 3.0-3.6 s, starts openvpn (last start"
" took 6.1 s).\n");
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(brief_is_one_line)
{
	const struct look brief = { .brief = true };
	struct view w;
	char *got;

	view_make(&w, ROLE_ACTIVE);
	view_put(&w, record_problem(PROBLEM_LINK_DOWN));
	got = text_of(&w, &brief);
	ck_assert_ptr_eq(strchr(got, '\n'), got + strlen(got) - 1);
	free(got);
	view_free(&w);
}
END_TEST

/* No line is wider than the terminal, down to 40 columns. */
START_TEST(narrow)
{
	struct look look = { .columns = 0 };
	struct view w;
	char *got, *s;
	int columns;

	view_make(&w, ROLE_ACTIVE);
	view_put(&w, record_problem(PROBLEM_ADDRESS_CONFLICT));
	view_put(&w, record_problem(PROBLEM_FROZEN_ANSWER));
	for (columns = 40; columns <= 200; columns++) {
		look.columns = columns;
		got = text_of(&w, &look);
		for (s = strtok(got, "\n"); s != NULL;
		    s = strtok(NULL, "\n"))
			ck_assert_msg(text_width(s) <= (size_t)columns,
			    "%d columns: %s", columns, s);
		free(got);
	}
	look.columns = 40;
	got = text_of(&w, &look);
	ck_assert_ptr_nonnull(strstr(got, "NODE    ROLE     VIP  HEARTBEAT"));
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(colour_and_dot_only_when_asked)
{
	const struct look both = { .colour = true, .utf8 = true };
	struct view w;
	char *got;

	view_make(&w, ROLE_ACTIVE);
	got = text_of(&w, &plain);
	ck_assert_ptr_null(strchr(got, '\033'));
	ck_assert_ptr_null(strstr(got, "\u25cf"));
	free(got);
	got = text_of(&w, &both);
	ck_assert_ptr_nonnull(strchr(got, '\033'));
	ck_assert_ptr_nonnull(strstr(got, "\u25cf"));
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(control_characters_do_not_pass)
{
	union ctl_any peer = record_peer(1, false, -1);
	struct view w;
	char *got;

	strcpy(peer.peer.name, "be\033[2Jta\xc2\x9b");
	view_init(&w, WALL_NS);
	view_put(&w, record_node());
	view_put(&w, record_pair(ROLE_ACTIVE));
	view_put(&w, peer);
	got = text_of(&w, &plain);
	ck_assert_ptr_null(strchr(got, '\033'));
	ck_assert_ptr_null(strstr(got, "\xc2\x9b"));
	free(got);
	view_free(&w);
}
END_TEST

START_TEST(json_golden)
{
	struct capture cap;
	struct view w;
	char *got;

	view_make(&w, ROLE_ACTIVE);
	view_put(&w, record_problem(PROBLEM_ADDRESS_CONFLICT));
	status_json(capture_begin(&cap), &w, NULL);
	got = capture_end(&cap);
	ck_assert_str_eq(got,
"{\"schema\":1,\"node\":\"alpha\",\"version\":\"0.1.0\",\"uptime_s\":100.0,"
"\"pairs\":[{\"name\":\"vpn\",\"node\":\"alpha\",\"verdict\":\"degraded\","
"\"role\":\"active\",\"since\":\"2023-11-02T18:13:20.000Z\","
"\"role_s\":1051200.0,\"term\":7,\"reason\":\"silence\","
"\"protocol\":\"carp\",\"vhid\":94,\"interface\":\"eth0\",\"link\":true,"
"\"interval_s\":1.0,\"takeover_s\":[3.0,3.6],"
"\"authentication\":\"signed\",\"sent_s\":0.4,\"heard_s\":null,"
"\"addresses\":[{\"address\":\"192.168.70.222\",\"present\":true,"
"\"lease_s\":1.7}],"
"\"partner\":{\"name\":\"beta\",\"role\":null,\"heard_s\":null,"
"\"ssh_s\":null,\"address_present\":null,\"ready\":null},"
"\"nodes\":[{\"name\":\"alpha\",\"address\":\"192.168.70.1\",\"self\":true,"
"\"foreign\":false,\"prefer\":true,\"role\":\"active\","
"\"role_s\":1051200.0,\"heard_s\":null},"
"{\"name\":\"beta\",\"address\":\"192.168.70.2\",\"self\":false,"
"\"foreign\":false,\"prefer\":false,\"role\":null,\"role_s\":null,"
"\"heard_s\":null}],"
"\"service\":{\"unit\":\"openvpn.service\",\"state\":\"running\","
"\"healthy_s\":2.0,\"start_took_s\":6.1},"
"\"data\":{\"generation\":null,\"made_s\":null,"
"\"partner_verified_s\":null,\"lag_bytes\":null,\"lag_s\":null,"
"\"partner_generation\":null,\"state\":null,\"ready\":null,\"step\":null},"
"\"maintenance\":{\"on\":false,\"reason\":null,\"until\":null},"
"\"counters\":{\"sent\":1234,\"accepted\":0,\"dropped\":{\"ttl\":1,"
"\"checksum\":0,\"auth\":5,\"replay\":4,\"length\":0,\"version\":0,"
"\"interval\":0,\"other_vhid\":0,\"own\":0},\"arp_conflicts\":0},"
"\"forecast\":\"If alpha dies now: beta takes over in 3.0-3.6 s, starts "
"openvpn (last start here took 6.1 s). That beta is up is not known here: a "
"standby sends nothing.\","
"\"problems\":[{\"id\":\"W21\",\"severity\":\"warning\","
"\"text\":\"a stranger answers for 192.168.70.222\","
"\"fix\":\"find the machine with this hardware address and take the address "
"from it\",\"age_s\":null}]}]}\n");
	free(got);
	view_free(&w);
}
END_TEST

static enum pair_verdict
verdict_with(enum role role, enum problem number, int *code)
{
	enum pair_verdict pv;
	struct view w;

	view_make(&w, role);
	if (number != 0)
		view_put(&w, record_problem(number));
	pv = pair_verdict(&w.pair[0]);
	*code = view_exit(&w);
	view_free(&w);
	return pv;
}

START_TEST(verdicts)
{
	static const struct {
		enum role role;
		enum problem problem;
		enum pair_verdict verdict;
		int code;
	} cases[] = {
		{ ROLE_ACTIVE, 0, PAIR_HEALTHY, 0 },
		{ ROLE_STANDBY, 0, PAIR_HEALTHY, 0 },
		{ ROLE_ACTIVE, PROBLEM_DUAL_ACTIVE, PAIR_DUAL_ACTIVE, 2 },
		{ ROLE_ACTIVE, PROBLEM_ADDRESS_CONFLICT, PAIR_DEGRADED, 1 },
		{ ROLE_ACTIVE, PROBLEM_SEND_FAILS, PAIR_DEGRADED, 2 },
		{ ROLE_ACTIVE, PROBLEM_UNAUTHENTICATED, PAIR_HEALTHY, 0 },
		{ ROLE_ACTIVE, PROBLEM_FROZEN_ANSWER, PAIR_HEALTHY, 0 },
		{ ROLE_STANDBY, PROBLEM_LINK_DOWN, PAIR_DEGRADED, 2 },
		{ ROLE_FAULTED, PROBLEM_SERVICE_FAILED, PAIR_FAULTED, 2 },
		{ ROLE_MAINTENANCE, PROBLEM_MAINTENANCE, PAIR_MAINTENANCE,
		    1 },
		{ ROLE_STARTING, 0, PAIR_DEGRADED, 1 },
		/* a number this vipctl does not know is a warning */
		{ ROLE_ACTIVE, 999, PAIR_DEGRADED, 1 },
	};
	size_t i;
	int code;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(verdict_with(cases[i].role, cases[i].problem,
		    &code) == cases[i].verdict, "verdict of case %zu", i);
		ck_assert_msg(code == cases[i].code, "code %d of case %zu",
		    code, i);
	}
}
END_TEST

/* A partner not heard for longer than a takeover takes is not active. */
START_TEST(stale_is_unknown)
{
	struct view w;
	struct ctl_peer *beta;

	view_make(&w, ROLE_STANDBY);
	beta = &w.pair[0].peer[1];
	ck_assert_int_eq(peer_role(&w.pair[0], beta), ROLE_ACTIVE);
	beta->heard_ns = 3600 * NS_PER_MS + 1;
	ck_assert_int_eq(peer_role(&w.pair[0], beta), ROLE_UNKNOWN);
	ck_assert_ptr_null(pair_other_active(&w.pair[0]));
	ck_assert_int_eq(pair_verdict(&w.pair[0]), PAIR_NOBODY);
	ck_assert_int_eq(view_exit(&w), EXIT_CRITICAL);
	w.pair[0].p.role = ROLE_MAINTENANCE;
	ck_assert_int_eq(pair_verdict(&w.pair[0]), PAIR_NOBODY);
	view_free(&w);
}
END_TEST

START_TEST(starting_without_link_is_faulted)
{
	struct view w;

	view_init(&w, WALL_NS);
	view_put(&w, record_node());
	view_put(&w, record_pair(ROLE_STARTING));
	w.pair[0].p.heard_ns = -1;
	view_put(&w, record_problem(PROBLEM_INTERFACE_MISSING));
	ck_assert_int_eq(pair_verdict(&w.pair[0]), PAIR_FAULTED);
	view_free(&w);
}
END_TEST

START_TEST(no_pair_is_unknown)
{
	struct view w;

	view_init(&w, WALL_NS);
	view_put(&w, record_node());
	ck_assert_int_eq(view_exit(&w), EXIT_UNKNOWN);
	view_free(&w);
}
END_TEST

/* Too much of anything, or out of place, is refused and not stored. */
START_TEST(limits)
{
	union ctl_any r;
	struct view w;
	int i;

	view_init(&w, WALL_NS);
	r = record_peer(0, true, -1);
	ck_assert(!view_add(&w, &r));
	view_put(&w, record_pair(ROLE_ACTIVE));
	for (i = 0; i < CONF_NODES_PER_PAIR_MAX; i++)
		view_put(&w, r);
	ck_assert(!view_add(&w, &r));
	r = record_problem(PROBLEM_REPLAY);
	for (i = 0; i < VIEW_PROBLEMS_MAX; i++)
		view_put(&w, r);
	ck_assert(!view_add(&w, &r));
	r = record_addr(true);
	for (i = 0; i < CONF_ADDRS_PER_PAIR_MAX; i++)
		view_put(&w, r);
	ck_assert(!view_add(&w, &r));
	r = record_pair(ROLE_ACTIVE);
	for (i = 1; i < CONF_PAIRS_MAX; i++)
		view_put(&w, r);
	ck_assert(!view_add(&w, &r));
	view_free(&w);
}
END_TEST

/* Every verdict on a dropped advert counts under exactly one name. */
START_TEST(dropped_sums)
{
	uint64_t sum[DROPPED_COUNT], all;
	struct ctl_pair p = { .term = 0 };
	int i, k;

	for (i = 1; i < ADVERT_VERDICTS; i++) {
		memset(p.count_dropped, 0, sizeof(p.count_dropped));
		p.count_dropped[i] = 1;
		dropped_sum(&p, sum);
		for (all = 0, k = 0; k < DROPPED_COUNT; k++)
			all += sum[k];
		ck_assert_msg(all == 1, "%s", verdict_name((enum verdict)i));
	}
}
END_TEST

START_TEST(ages)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ -1, "?" }, { 0, "0.0s" }, { 999 * NS_PER_MS, "0.9s" },
		{ 10 * NS_PER_S, "10s" }, { 61 * NS_PER_S, "1m 1s" },
		{ 3600 * NS_PER_S, "1h 0m" }, { 90000 * NS_PER_S, "1d 1h" },
	};
	char buf[32];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		age_text(cases[i].ns, buf, sizeof(buf));
		ck_assert_str_eq(buf, cases[i].text);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("view");

	tcase_add_test(tc, active_text);
	tcase_add_test(tc, standby_text);
	tcase_add_test(tc, brief_is_one_line);
	tcase_add_test(tc, narrow);
	tcase_add_test(tc, colour_and_dot_only_when_asked);
	tcase_add_test(tc, control_characters_do_not_pass);
	tcase_add_test(tc, json_golden);
	tcase_add_test(tc, verdicts);
	tcase_add_test(tc, stale_is_unknown);
	tcase_add_test(tc, starting_without_link_is_faulted);
	tcase_add_test(tc, no_pair_is_unknown);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, dropped_sums);
	tcase_add_test(tc, ages);
	return run_suite("vipctl_view", tc);
}
