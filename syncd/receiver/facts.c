/* SPDX-License-Identifier: ISC */

/*
 * The receiver's word `facts`: what this node's vrrpd says of itself to
 * everybody on this machine, as lines of text for the partner's doctor.
 * Reads nothing from the partner and touches nothing but one local socket,
 * which is open before the process locks itself in.
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "landlock.h"
#include "log.h"
#include "receiver.h"
#include "version.h"

#define RECORDS_MAX	20000	/* of one answer */
#define ANSWER_S	2

union record {
	struct ctl_head	head;
	struct ctl_node	node;
	struct ctl_pair	pair;
	char		room[1024];
};

/* RUN_DIR/sync is what authorized_keys names; the socket lies above. */
static int
connect_daemon(const char *run_path)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC, .version = CTL_VERSION,
		.command = CTL_GET_STATUS, .pair = CTL_PAIR_ALL,
	};
	const struct timeval limit = { .tv_sec = ANSWER_S };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	(void)fmt_into(sun.sun_path, sizeof(sun.sun_path), "%s/../%s",
	    run_path, CTL_STATUS);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    send(fd, &rq, sizeof(rq), MSG_NOSIGNAL) == (ssize_t)sizeof(rq))
		return fd;
	(void)close(fd);
	return -1;
}

/* No file any more, and no program. */
static void
lock_in(void)
{
	int ruleset = landlock_abi() != 0 ? landlock_begin() : -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    (ruleset != -1 && landlock_end(ruleset) == -1))
		fatal("receiver: facts: landlock");
}

static bool
read_all(int fd, void *at, size_t len)
{
	uint8_t *b = at;
	ssize_t n;

	for (; len > 0; b += n, len -= (size_t)n) {
		n = recv(fd, b, len, MSG_WAITALL);
		if (n <= 0)
			return false;
	}
	return true;
}

/* One record; what is larger than any we look at is read over. */
static bool
next_record(int fd, union record *r)
{
	if (!read_all(fd, &r->head, sizeof(r->head)) ||
	    r->head.size < sizeof(r->head) || r->head.size > sizeof(*r))
		return false;
	return read_all(fd, r->room + sizeof(r->head),
	    r->head.size - sizeof(r->head));
}

static void
say(const char *line, size_t len)
{
	(void)!write(STDOUT_FILENO, line, len);
}

#define SAY(...) do {							\
	char line_[160];						\
	size_t len_ = fmt_into(line_, sizeof(line_), __VA_ARGS__);	\
	say(line_, len_);						\
} while (0)

static void
say_pair(const struct ctl_pair *p)
{
	uint64_t dropped = 0;

	/* What the doctor of the other node sends is short of an advert. */
	dropped += p->count_dropped[ADVERT_LENGTH];
	dropped += p->count_dropped[ADVERT_COUNT];
	SAY("role %u\n", p->role);
	SAY("self %u\n", p->self);
	SAY("term %u\n", p->term);
	SAY("sent_ms %lld\n", (long long)(p->sent_ns < 0 ? -1 :
	    p->sent_ns / NS_PER_MS));
	SAY("heard_ms %lld\n", (long long)(p->heard_ns < 0 ? -1 :
	    p->heard_ns / NS_PER_MS));
	SAY("probes %llu\n", (unsigned long long)dropped);
}

static void
say_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	SAY("wall_ms %lld\n", (long long)ts.tv_sec * 1000 +
	    ts.tv_nsec / NS_PER_MS);
}

int
facts_run(struct receiver *r)
{
	static union record rec;
	int fd = connect_daemon(r->run_path), n;

	lock_in();
	SAY("vipair-facts 1\n");
	SAY("version %s\n", VIPAIR_VERSION);
	say_clock();
	for (n = 0; fd != -1 && n < RECORDS_MAX; n++) {
		if (!next_record(fd, &rec) || rec.head.type == CTL_END)
			break;
		if (rec.head.type == CTL_NODE &&
		    rec.head.size == sizeof(rec.node))
			SAY("fingerprint %x\n", rec.node.conf_fingerprint);
		if (rec.head.type == CTL_PAIR &&
		    rec.head.size == sizeof(rec.pair) &&
		    strncmp(rec.pair.name, r->pair, sizeof(rec.pair.name)) == 0)
			say_pair(&rec.pair);
	}
	SAY("daemon %d\n", fd != -1 && rec.head.type == CTL_END);
	SAY("end\n");
	return 0;
}
