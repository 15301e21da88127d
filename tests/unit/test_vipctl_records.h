/* SPDX-License-Identifier: ISC */

/*
 * Records as a daemon would send them: a pair vpn with the nodes alpha
 * (this one, preferred) and beta, for the tests of vipctl.
 */
#ifndef VIPAIR_TEST_VIPCTL_RECORDS_H
#define VIPAIR_TEST_VIPCTL_RECORDS_H

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mono.h"
#include "view.h"

/* 2023-11-14 22:13:20 UTC */
#define WALL_NS	(INT64_C(1700000000) * NS_PER_S)

static inline struct conf_addr
address4(const char *text)
{
	struct conf_addr a = { .family = 4 };

	ck_assert_int_eq(inet_pton(AF_INET, text, a.byte), 1);
	return a;
}

static inline union ctl_any
record_node(void)
{
	return (union ctl_any){ .node = {
		.head = { CTL_NODE, sizeof(struct ctl_node), 0 },
		.version = "0.1.0",
		.npairs = 1,
		.uptime_ns = 100 * NS_PER_S,
	} };
}

static inline union ctl_any
record_pair(enum role role)
{
	return (union ctl_any){ .pair = {
		.head = { CTL_PAIR, sizeof(struct ctl_pair), 0 },
		.name = "vpn",
		.interface = "eth0",
		.role = (uint8_t)role,
		.state = role == ROLE_ACTIVE ? STATE_ACTIVE : STATE_STANDBY,
		.reason = REASON_SILENCE,
		.protocol = PROTOCOL_CARP,
		.vhid = 94,
		.authenticated = CTL_AUTH_SIGNED,
		.term = 7,
		.interval_ms = 1000,
		.since_ns = (12 * 24 + 4) * 3600 * NS_PER_S,
		.takeover_least_ns = 3000 * NS_PER_MS,
		.takeover_most_ns = 3600 * NS_PER_MS,
		.sent_ns = role == ROLE_ACTIVE ? 400 * NS_PER_MS : -1,
		.heard_ns = role == ROLE_ACTIVE ? -1 : 300 * NS_PER_MS,
		.heard_node = role == ROLE_ACTIVE ? ELECTION_NODE_NONE : 1,
		.service_kind = SERVICE_UNIT,
		.service_state = role == ROLE_ACTIVE ? SERVICE_RUNNING :
		    SERVICE_STOPPED,
		.link_up = 1,
		.service_healthy_ns = role == ROLE_ACTIVE ? 2 * NS_PER_S : -1,
		.service_start_took_ns = 6100 * NS_PER_MS,
		.service_unit = "openvpn.service",
		.count_sent = 1234,
		.count_dropped = {
			[ADVERT_TTL_LOW] = 1, [ADVERT_AUTH] = 2,
			[ADVERT_STRANGER] = 3, [ADVERT_REPLAY] = 4,
		},
	} };
}

static inline union ctl_any
record_addr(bool present)
{
	return (union ctl_any){ .addr = {
		.head = { CTL_ADDR, sizeof(struct ctl_addr), 0 },
		.address = address4("192.168.70.222"),
		.present = present,
		.lease_left_ns = present ? 1700 * NS_PER_MS : -1,
	} };
}

/* heard_ns -1: nothing is known of the node. */
static inline union ctl_any
record_peer(int node, bool self, int64_t heard_ns)
{
	union ctl_any r = { .peer = {
		.head = { CTL_PEER, sizeof(struct ctl_peer), 0 },
		.address = address4(node == 0 ? "192.168.70.1" :
		    "192.168.70.2"),
		.node = (uint8_t)node,
		.self = self,
		.prefer = node == 0,
		.role = heard_ns >= 0 ? ROLE_ACTIVE : 0xff,
		.heard_ns = heard_ns,
		.role_since_ns = heard_ns >= 0 ? 60 * NS_PER_S : -1,
	} };

	strcpy(r.peer.name, node == 0 ? "alpha" : "beta");
	return r;
}

static inline union ctl_any
record_problem(enum problem number)
{
	return (union ctl_any){ .problem = {
		.head = { CTL_PROBLEM, sizeof(struct ctl_problem), 0 },
		.number = number,
		.age_ns = -1,
	} };
}

static inline void
view_put(struct view *w, union ctl_any r)
{
	ck_assert(view_add(w, &r));
}

/* alpha's view as the active node, or as a standby that hears beta. */
static inline void
view_make(struct view *w, enum role role)
{
	bool active = role == ROLE_ACTIVE;

	view_init(w, WALL_NS);
	view_put(w, record_node());
	view_put(w, record_pair(role));
	view_put(w, record_addr(active));
	view_put(w, record_peer(0, true, -1));
	view_put(w, record_peer(1, false, active ? -1 : 300 * NS_PER_MS));
}

/* What fn writes, as one string; the caller frees it. */
struct capture {
	FILE	*f;
	char	*text;
	size_t	 size;
};

static inline FILE *
capture_begin(struct capture *c)
{
	c->f = open_memstream(&c->text, &c->size);
	ck_assert_ptr_nonnull(c->f);
	return c->f;
}

static inline char *
capture_end(struct capture *c)
{
	ck_assert_int_eq(fclose(c->f), 0);
	return c->text;
}

static inline int
run_suite(const char *name, TCase *tc)
{
	Suite *s = suite_create(name);
	SRunner *sr;
	int failed;

	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
