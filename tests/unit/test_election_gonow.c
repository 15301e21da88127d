/* SPDX-License-Identifier: ISC */

/*
 * The election between our own signed nodes: "go now", and who resigns while
 * somebody else is active.  Traces, as in test_election_trace.h.
 */
#include "test_election_trace.h"

#define SIGNED	.protocol = PROTOCOL_CARP
#define V3	.protocol = PROTOCOL_VRRP3
#define GO_NOW	.resigns = true, .flags = TRAILER_GO_NOW

START_TEST(go_now_read_behind_the_others_claims_means_listen)
{
	struct world *w = standby(SIGNED, .nodes = 3);

	until(w, 1500);
	hear(w, .node = 1, .term = 7, GO_NOW, .age_ms = 21);
	until(w, 4499);
	saw(w, "");
	free(w);
}
END_TEST

/* Recorded before our restart, when the floor was not yet on the disk. */
START_TEST(go_now_below_the_term_we_know_is_a_plain_resignation)
{
	struct world *w = boot(SIGNED, .term = 9);

	until(w, 1000);
	hear(w, .node = 1, .term = 8);
	forget(w);
	until(w, 1500);
	hear(w, .node = 1, .term = 8, GO_NOW);
	saw(w, "1500 send 1/2 term 9 soft\n");
	free(w);
}
END_TEST

/* It may be dead already: its lease runs as long as the timer. */
START_TEST(go_now_beside_another_active_leaves_the_timer)
{
	struct world *w = standby(SIGNED, .nodes = 3);

	until(w, 1400);
	hear(w, .node = 2, .term = 7);
	until(w, 1450);
	hear(w, .node = 1, .term = 7);
	until(w, 1500);
	hear(w, .node = 1, .term = 7, GO_NOW);
	until(w, 4449);
	saw(w, "");
	until(w, 4451);
	saw(w, "4450 send 1/2 term 7 soft\n");
	free(w);
}
END_TEST

START_TEST(go_now_of_one_not_heard_last_is_a_plain_resignation)
{
	struct world *w = standby(.protocol = PROTOCOL_VRRP3, .nodes = 3);

	until(w, 1500);
	hear(w, .node = 2, .term = 7);
	hear(w, .node = 1, .term = 7, .resigns = true);
	hear(w, .node = 2, .term = 7, .resigns = true);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(go_now_of_the_last_of_two_is_obeyed)
{
	struct world *w = standby(SIGNED, .nodes = 3);

	until(w, 1400);
	hear(w, .node = 2, .term = 7);
	hear(w, .node = 1, .term = 7);
	until(w, 1500);
	hear(w, .node = 2, .term = 7, .resigns = true);
	saw(w, "");
	hear(w, .node = 1, .term = 7, GO_NOW);
	ck_assert_int_eq(w->e.state, STATE_ACTIVE);
	free(w);
}
END_TEST

START_TEST(go_now_is_obeyed_with_one_advert)
{
	struct world *w = standby(SIGNED);

	w->show_keep = true;
	until(w, 1500);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "1500 keep term 8\n"
	    "1500 send 1/0 term 8\n"
	    "1500 hold\n"
	    "1500 standby -> active, go-now, term 8\n");
	free(w);
}
END_TEST

START_TEST(go_now_that_does_not_leave_holds_nothing)
{
	struct world *w = standby(SIGNED);

	until(w, 1500);
	w->sends_fail = true;
	hear(w, .node = 1, .term = 7, GO_NOW);
	ck_assert(!has(w, "hold"));
	ck_assert_int_eq(w->e.state, STATE_STANDBY);
	free(w);
}
END_TEST

START_TEST(go_now_read_late_means_listen)
{
	struct world *w = standby(SIGNED);

	until(w, 1500);
	hear(w, .node = 1, .term = 7, GO_NOW, .age_ms = 251);
	until(w, 4499);
	saw(w, "");
	until(w, 4500);
	saw(w, "4500 send 1/2 term 7 soft\n");
	free(w);
}
END_TEST

START_TEST(go_now_after_sleep_means_listen)
{
	struct world *w = standby(SIGNED);

	at(w, 4251);
	hear(w, .node = 1, .term = 7);
	forget(w);
	at(w, 4300);
	hear(w, .node = 1, .term = 7, GO_NOW);
	until(w, 7299);
	saw(w, "");
	free(w);
}
END_TEST

/* Half an interval after we woke nothing waits in queues any more. */
START_TEST(go_now_after_sleep_and_a_fresh_advert_is_obeyed)
{
	struct world *w = standby(SIGNED);

	at(w, 4251);
	hear(w, .node = 1, .term = 7);
	at(w, 4749);
	hear(w, .node = 1, .term = 7);
	at(w, 4750);
	forget(w);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "");
	at(w, 5251);
	hear(w, .node = 1, .term = 7);
	at(w, 5300);
	forget(w);
	hear(w, .node = 1, .term = 7, GO_NOW);
	ck_assert(has(w, "standby -> active, go-now"));
	free(w);
}
END_TEST

START_TEST(go_now_of_an_epoch_already_over_is_ignored)
{
	struct world *w = standby(SIGNED, .nodes = 3);

	until(w, 1500);
	hear(w, .node = 2, .term = 6, GO_NOW);
	saw(w, "");
	until(w, 3999);
	saw(w, "");
	free(w);
}
END_TEST

START_TEST(go_now_is_for_the_next_in_line_only)
{
	struct world *w = standby(V3, .nodes = 3, .self = 2);

	until(w, 1500);
	hear(w, .node = 0, .term = 7, GO_NOW);
	saw(w, "");
	/* The others wait for their skew, as the protocol says (3.5). */
	until(w, 1600);
	ck_assert(has(w, "1515.625 send 252 term 7 soft"));
	free(w);
}
END_TEST

START_TEST(go_now_needs_a_signature)
{
	struct world *w = standby(V3);

	until(w, 1500);
	hear(w, .node = 1, GO_NOW, .plain = true);
	saw(w, "");
	until(w, 1600);
	ck_assert(has(w, "1507.812 send 252 term 7 soft"));
	free(w);
}
END_TEST

START_TEST(go_now_is_not_obeyed_by_who_must_not)
{
	struct world *w = standby(SIGNED);

	data(w, false);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "");
	maintenance(w, true);
	forget(w);
	data(w, true);
	hear(w, .node = 1, .term = 7, GO_NOW);
	saw(w, "");
	free(w);
	w = boot(SIGNED);
	until(w, 100);
	hear(w, .node = 1, .term = 7, GO_NOW);
	until(w, 2999);
	saw(w, "");
	free(w);
}
END_TEST

int
main(void)
{
	const TTest *const list[] = {
		go_now_read_behind_the_others_claims_means_listen,
		go_now_below_the_term_we_know_is_a_plain_resignation,
		go_now_beside_another_active_leaves_the_timer,
		go_now_of_one_not_heard_last_is_a_plain_resignation,
		go_now_of_the_last_of_two_is_obeyed,
		go_now_is_obeyed_with_one_advert,
		go_now_that_does_not_leave_holds_nothing,
		go_now_read_late_means_listen,
		go_now_after_sleep_means_listen,
		go_now_after_sleep_and_a_fresh_advert_is_obeyed,
		go_now_of_an_epoch_already_over_is_ignored,
		go_now_is_for_the_next_in_line_only,
		go_now_needs_a_signature,
		go_now_is_not_obeyed_by_who_must_not,
	};

	return run_cases("election: go now", list,
	    sizeof(list) / sizeof(list[0]));
}
