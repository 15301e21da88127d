/* SPDX-License-Identifier: ISC */

/*
 * Walks the core along a trace of the model: what happens to a node there is
 * fed to election_step(), and what the model's node does next (state, terms,
 * adverts, orders to the actuator, start of the service) the core must have
 * done as well, no more and no less.  Reads the trace on standard input;
 * arguments are the model's options, of which -DSKEW= counts.  Ends with 1
 * and the line at which the core goes elsewhere.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "election.h"

#define NODES		2
#define TICK_NS		(250 * NS_PER_MS)
#define LINE_MAX_LEN	80

/* What the core wants, until the model has done the same. */
struct wish {
	bool		send, service;
	struct action	advert;
	uint8_t		order;		/* enum action_type, 0: none */
	uint32_t	keep;
};

struct node {
	struct election_config cfg;
	struct election	e;
	struct wish	wish;
	bool		runs, frozen;
	mono_t		order_advert;
	bool		order_renews;
};

static struct node node[NODES];
static mono_t now = { 1000 * NS_PER_S };
static unsigned line_no;
static char line[LINE_MAX_LEN];

static void
differ(const char *what)
{
	fprintf(stderr, "replay: line %u: \"%s\": %s\n", line_no, line, what);
	exit(1);
}

static void
expect(bool ok, const char *what)
{
	if (!ok)
		differ(what);
}

static void
configure(struct node *n, uint8_t self, unsigned skew)
{
	n->cfg = (struct election_config){
		.protocol = PROTOCOL_CARP,
		.family = 4,
		.self = self,
		.nnodes = NODES,
		.signs = true,
		.has_service = true,
		.interval_ns = 4 * TICK_NS,
		.claim_spacing_ns = TICK_NS,
		.lease_s = 2,
		.lease_longest_ns = 2700 * NS_PER_MS,
	};
	for (uint8_t i = 0; i < NODES; i++)
		n->cfg.node[i] = (struct election_node){
			.address = { .family = 4,
			    .byte = { 192, 0, 2, (uint8_t)(i + 1) } },
			.id = i,
			.skew = (uint8_t)(64 * i * skew),
		};
}

static void
feed(struct node *n, struct event ev)
{
	struct actions out;

	expect(!n->wish.send && n->wish.order == 0 && !n->wish.service,
	    "before this the core wants to send, to order or to serve");
	ev.now = now;
	election_step(&n->e, &n->cfg, &ev, &out);
	for (uint32_t i = 0; i < out.n; i++) {
		const struct action *a = &out.a[i];

		switch (a->type) {
		case ELECTION_SEND:
			n->wish.send = true;
			n->wish.advert = *a;
			break;
		case ELECTION_HOLD:
		case ELECTION_RENEW:
			n->order_advert = a->hold.advert;
			n->order_renews = a->type == ELECTION_RENEW;
			n->wish.order = (uint8_t)a->type;
			break;
		case ELECTION_RELEASE:
			n->wish.order = ELECTION_RELEASE;
			break;
		case ELECTION_KEEP_TERM:
			n->wish.keep = a->keep.term;
			break;
		case ELECTION_SERVICE:
			n->wish.service = a->service.run;
			break;
		case ELECTION_ANNOUNCE:
		case ELECTION_ROLE:
		case ELECTION_REFUSED:
		case ELECTION_LEFT:
			break;
		}
	}
}

static void
start(struct node *n, unsigned term)
{
	election_init(&n->e);
	n->wish = (struct wish){ 0 };
	n->runs = true;
	n->frozen = false;
	feed(n, (struct event){ .type = EVENT_START,
	    .start = { .term = term } });
	feed(n, (struct event){ .type = EVENT_LINK, .link = { .up = true } });
}

static const char *
kind_of(const struct action *a)
{
	if (a->send.carp_base == 255 && a->send.carp_skew == 255)
		return (a->send.flags & TRAILER_GO_NOW) != 0 ? "go_now" :
		    "resign";
	return (a->send.flags & TRAILER_SOFT) != 0 ? "soft" : "advert";
}

/* "go_now_1" has waited for a tick, "go_now_late" for more. */
static void
hear(struct node *n, const char *kind, unsigned term)
{
	const uint8_t from = n == &node[0];
	const bool go = strncmp(kind, "go_now", 6) == 0;
	const bool resigns = go || strncmp(kind, "resign", 6) == 0;
	struct advert a = {
		.protocol = PROTOCOL_CARP,
		.family = 4,
		.carp_base = resigns ? 255 : 1,
		.carp_skew = resigns ? 255 : n->cfg.node[from].skew,
		.auth = AUTH_GOOD,
		.trailer = { .type = TRAILER_OWN, .node = from, .term = term,
		    .flags = (uint8_t)((go ? TRAILER_GO_NOW : 0) |
		    (strcmp(kind, "soft") == 0 ? TRAILER_SOFT : 0)) },
	};
	int64_t ticks = 0;

	if (strstr(kind, "_1") != NULL)
		ticks = 1;
	else if (strstr(kind, "_late") != NULL)
		ticks = 2;
	feed(n, (struct event){ .type = EVENT_ADVERT,
	    .advert = { .advert = &a, .node = from,
	    .src = n->cfg.node[from].address, .age_ns = ticks * TICK_NS } });
}

static void
sends(struct node *n, const char *kind, unsigned term)
{
	expect(n->wish.send, "the core sends nothing");
	expect(strcmp(kind_of(&n->wish.advert), kind) == 0,
	    kind_of(&n->wish.advert));
	expect(n->wish.advert.send.term == term, "another term");
	n->wish.send = false;
}

static void
order(struct node *n, const char *what)
{
	static const char *const names[] = { [ELECTION_HOLD] = "hold",
	    [ELECTION_RENEW] = "renew", [ELECTION_RELEASE] = "release" };

	expect(n->wish.order != 0, "the core orders nothing");
	expect(strcmp(names[n->wish.order], what) == 0,
	    names[n->wish.order]);
	n->wish.order = 0;
}

static void
told(struct node *n, const char *answer)
{
	if (strcmp(answer, "released") == 0)
		feed(n, (struct event){ .type = EVENT_RELEASED,
		    .released = { .ordered = true } });
	else
		feed(n, (struct event){ .type = EVENT_HELD, .held = {
		    .ok = strcmp(answer, "yes") == 0,
		    .renew = n->order_renews,
		    .missing = strcmp(answer, "no") == 0,
		    .advert = n->order_advert } });
}

static void
hand_over(struct node *n)
{
	feed(n, (struct event){ .type = EVENT_HANDOVER });
	if (n->e.state == STATE_LEAVING)
		feed(n, (struct event){ .type = EVENT_SERVICE,
		    .service = { SERVICE_STOPPED } });
}

static void
compare(const struct node *n, const char *state, unsigned term, unsigned own)
{
	static const char *const names[STATE_COUNT] = {
		[STATE_STANDBY] = "STANDBY", [STATE_CLAIM] = "CLAIM",
		[STATE_ACTIVE] = "ACTIVE", [STATE_RELEASING] = "RELEASING",
	};

	expect(names[n->e.state] != NULL, state_name(n->e.state));
	expect(strcmp(names[n->e.state], state) == 0,
	    state_name(n->e.state));
	expect(n->e.term == term, "another highest term");
	if (n->e.state == STATE_ACTIVE ||
	    (n->e.state == STATE_CLAIM && n->e.claim_open))
		expect(n->e.own_term == own, "another term of its own");
}

/* Whatever was due in the tick that ends has been done in the model. */
static void
tick(void)
{
	for (int i = 0; i < NODES; i++)
		expect(!node[i].runs || node[i].frozen ||
		    !mono_reached(now, election_deadline(&node[i].e)),
		    "a timer of the core is due and the model's is not");
	now = mono_after(now, TICK_NS);
}

static void
happen(struct node *n, const char *what, const char *with, unsigned term,
    unsigned own)
{
	if (strcmp(what, "starts") == 0)
		start(n, (unsigned)atoi(with));
	else if (strcmp(what, "dies") == 0)
		n->runs = false;
	else if (strcmp(what, "freezes") == 0)
		n->frozen = true;
	else if (strcmp(what, "thaws") == 0)
		n->frozen = false;
	else if (strcmp(what, "timer") == 0)
		feed(n, (struct event){ .type = EVENT_TIMER });
	else if (strcmp(what, "hears") == 0)
		hear(n, with, term);
	else if (strcmp(what, "sends") == 0)
		sends(n, with, term);
	else if (strcmp(what, "sent") == 0)
		feed(n, (struct event){ .type = EVENT_SENT,
		    .sent = { atoi(with) != 0 } });
	else if (strcmp(what, "order") == 0)
		order(n, with);
	else if (strcmp(what, "told") == 0)
		told(n, with);
	else if (strcmp(what, "kept") == 0)
		feed(n, (struct event){ .type = EVENT_KEPT,
		    .kept = { (unsigned)atoi(with), true } });
	else if (strcmp(what, "serves") == 0) {
		expect(n->wish.service, "the core starts no service");
		n->wish.service = false;
	} else if (strcmp(what, "hands-over") == 0)
		hand_over(n);
	else if (strcmp(what, "is") == 0)
		compare(n, with, term, own);
	else
		differ("no line of a trace");
}

int
main(int argc, char **argv)
{
	char what[LINE_MAX_LEN], with[LINE_MAX_LEN];
	unsigned i, term, own, skew = 0, done = 0;
	int words;

	for (int k = 1; k < argc; k++)
		if (strncmp(argv[k], "-DSKEW=", 7) == 0)
			skew = (unsigned)atoi(argv[k] + 7);
	for (i = 0; i < NODES; i++)
		configure(&node[i], (uint8_t)i, skew);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line_no++;
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "tick") == 0) {
			tick();
			continue;
		}
		term = own = 0;
		with[0] = '\0';
		words = sscanf(line, "%u %79s %79s %u %u", &i, what, with,
		    &term, &own);
		/* spin's own remarks are no events. */
		if (words < 2 || i >= NODES || line[1] != ' ')
			continue;
		happen(&node[i], what, with, term, own);
		done++;
	}
	if (done == 0) {
		fprintf(stderr, "replay: an empty trace\n");
		return 1;
	}
	return 0;
}
