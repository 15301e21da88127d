/* SPDX-License-Identifier: ISC */

/* why and history: sentences, the chain that led to the present, JSON. */
#include "past.h"
#include "test_vipctl_records.h"

static struct events ev;
static struct view w;
static struct capture cap;

static struct ctl_event *
put(int64_t second, enum ctl_event_kind kind, unsigned old, unsigned new_,
    enum reason reason)
{
	struct ctl_event *e = &ev.e[ev.n++];

	*e = (struct ctl_event){
		.head = { CTL_EVENT, sizeof(*e), 0 },
		.wall_ns = WALL_NS + second * NS_PER_S,
		.age_ns = (100 - second) * NS_PER_S,
		.kind = kind,
		.old = (uint8_t)old,
		.new_ = (uint8_t)new_,
		.reason = (uint8_t)reason,
		.node = ELECTION_NODE_NONE,
		.term = 7,
	};
	return e;
}

static void
setup(void)
{
	setenv("TZ", "UTC", 1);
	ev.n = 0;
	view_make(&w, ROLE_ACTIVE);
}

static void
teardown(void)
{
	view_free(&w);
}

START_TEST(chain)
{
	char *got;

	put(0, CTL_EVENT_ROLE, ROLE_STARTING, ROLE_STANDBY,
	    REASON_HEARD_ACTIVE);
	put(20, CTL_EVENT_ROLE, ROLE_STANDBY, ROLE_ACTIVE, REASON_SILENCE);
	put(30, CTL_EVENT_ROLE, ROLE_ACTIVE, ROLE_STANDBY, REASON_HANDOVER);
	put(31, CTL_EVENT_CLAIM, 0, 1, REASON_HANDOVER);
	put(32, CTL_EVENT_ROLE, ROLE_STANDBY, ROLE_ACTIVE,
	    REASON_SILENCE)->silent_ns = 3100 * NS_PER_MS;
	put(32, CTL_EVENT_ADDR, 0, 1, REASON_NONE);
	put(40, CTL_EVENT_SERVICE, SERVICE_STARTING, SERVICE_RUNNING,
	    REASON_NONE);
	ck_assert_uint_eq(events_chain_start(&ev), 2);
	ck_assert_uint_eq(events_last_change(&ev), 4);
	why_text(capture_begin(&cap), &w.pair[0], &ev);
	got = capture_end(&cap);
	ck_assert_str_eq(got,
"vpn: alpha is active for 12d 4h, term 7: no active node was heard for the "
"down interval.\n"
"\n"
"How it came about:\n"
"  2023-11-14 22:13:50.000  active -> standby, term 7: an operator asked for "
"it\n"
"  2023-11-14 22:13:51.000  claim begins\n"
"  2023-11-14 22:13:52.000  standby -> active, term 7: no active node was "
"heard for the down interval (3.1s of silence)\n"
"  2023-11-14 22:13:52.000  address put up and announced\n"
"\n"
"Since then:\n"
"  2023-11-14 22:14:00.000  openvpn: starting -> running\n");
	free(got);
}
END_TEST

START_TEST(nothing_happened)
{
	char *got;

	ck_assert_uint_eq(events_chain_start(&ev), 0);
	why_text(capture_begin(&cap), &w.pair[0], &ev);
	got = capture_end(&cap);
	ck_assert_ptr_nonnull(strstr(got, "vipctl history"));
	free(got);
}
END_TEST

START_TEST(json)
{
	char *got;

	put(0, CTL_EVENT_ROLE, ROLE_STANDBY, ROLE_ACTIVE,
	    REASON_GO_NOW)->node = 1;
	why_json(capture_begin(&cap), &w, &w.pair[0], &ev);
	got = capture_end(&cap);
	ck_assert_ptr_nonnull(strstr(got,
	    "\"events\":[{\"time\":\"2023-11-14T22:13:20.000Z\","
	    "\"age_s\":100.0,\"pair\":\"vpn\",\"kind\":\"role\","
	    "\"from\":\"standby\",\"to\":\"active\",\"reason\":\"go-now\","
	    "\"node\":\"beta\",\"term\":7,\"silent_s\":null,"));
	free(got);
}
END_TEST

/* Whatever numbers come, there is a sentence without control characters. */
START_TEST(any_event)
{
	char text[EVENT_TEXT_MAX];
	struct ctl_event e = { .age_ns = 0 };
	unsigned kind, value;

	for (kind = 0; kind < 20; kind++)
		for (value = 0; value < 256; value++) {
			e.kind = kind;
			e.old = e.reason = e.node = (uint8_t)value;
			e.new_ = (uint8_t)(255 - value);
			e.value = value * 0x01010101;
			event_text(value % 2 == 0 ? NULL : &w.pair[0], &e,
			    text, sizeof(text));
			ck_assert_uint_gt(strlen(text), 3);
		}
}
END_TEST

START_TEST(history)
{
	struct msg_keep_history h = {
		.wall_s = WALL_NS / NS_PER_S,
		.term = 8,
		.old_role = ROLE_STANDBY,
		.new_role = ROLE_ACTIVE,
		.from_node = 1,
		.to_node = 0,
		.reason = REASON_GO_NOW,
		.outage_ms = 7,
		.data_age_ms = UINT32_MAX,
	};
	struct json j;
	char *got;

	history_line(capture_begin(&cap), &w.pair[0], &h);
	got = capture_end(&cap);
	ck_assert_str_eq(got,
"     8  2023-11-14 22:13:20  beta       alpha      standby -> active        "
"7ms      -        the active node resigned and asked to take over at once\n");
	free(got);
	h.from_node = 0xff;
	h.old_role = h.new_role = 0xff;
	h.reason = 4711;
	h.outage_ms = UINT32_MAX;
	json_init(&j, capture_begin(&cap));
	history_json(&j, &w.pair[0], &h);
	got = capture_end(&cap);
	ck_assert_str_eq(got,
"{\"term\":8,\"time\":\"2023-11-14T22:13:20.000Z\",\"from\":null,"
"\"to\":\"alpha\",\"old_role\":null,\"new_role\":null,\"reason\":null,"
"\"outage_s\":null,\"data_age_s\":null}");
	free(got);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("past");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, chain);
	tcase_add_test(tc, nothing_happened);
	tcase_add_test(tc, json);
	tcase_add_test(tc, any_event);
	tcase_add_test(tc, history);
	return run_suite("vipctl_past", tc);
}
