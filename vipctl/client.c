/* SPDX-License-Identifier: ISC */

/*
 * vipctl: one connection to the daemon.  Believes nothing: every record's
 * size is checked against its type, strings are ended, time is limited.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "mono.h"

void
client_run_dir(struct vipctl *v)
{
	struct config *c;

	if (v->run_dir[0] != '\0')
		return;
	c = config_load(v->conf_path, CONFIG_LENIENT, 0);
	if (c->run_dir != NULL && strlen(c->run_dir) < sizeof(v->run_dir))
		strcpy(v->run_dir, c->run_dir);
	else
		strcpy(v->run_dir, VIPCTL_RUN_DIR);
	config_free(c);
}

/* Milliseconds left until the deadline; -1 without one. */
static int
left_ms(mono_t deadline)
{
	int64_t left;

	if (!mono_is_set(deadline))
		return -1;
	left = mono_span_ns(mono_now(), deadline);
	return left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1;
}

/* True when the descriptor is ready before the deadline. */
static bool
ready(int fd, short what, mono_t deadline)
{
	struct pollfd p = { .fd = fd, .events = what };
	int n;

	do {
		n = poll(&p, 1, left_ms(deadline));
	} while (n == -1 && errno == EINTR &&
	    !mono_reached(mono_now(), deadline));
	return n == 1;
}

static int
unreachable(struct client *c, int error, char *why, size_t size)
{
	switch (error) {
	case EACCES:
	case EPERM:
		snprintf(why, size, "%s: permission denied, needs root or "
		    "group _vrrpd", c->path);
		return EXIT_NOT_PERMITTED;
	case EAGAIN:
	case ETIMEDOUT:
		snprintf(why, size, "daemon does not answer at %s within "
		    "%d s; try again, then look at its log", c->path,
		    CLIENT_TIMEOUT_MS / 1000);
		return EXIT_UNREACHABLE;
	case ENOENT:
	case ECONNREFUSED:
		snprintf(why, size, "daemon not reachable: nobody listens "
		    "at %s; start vrrpd, or name its file with -f", c->path);
		return EXIT_UNREACHABLE;
	}
	snprintf(why, size, "daemon not reachable at %s: %s", c->path,
	    strerror(error));
	return EXIT_UNREACHABLE;
}

/* Connects to path; 0 or an errno.  A full backlog blocks no longer than
 * the time limit. */
static int
dial(struct client *c)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval limit = {
		.tv_sec = CLIENT_TIMEOUT_MS / 1000,
		.tv_usec = CLIENT_TIMEOUT_MS % 1000 * 1000,
	};

	static_assert(sizeof(c->path) <= sizeof(sun.sun_path), "path fits");
	strcpy(sun.sun_path, c->path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return errno;
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return errno;
	return 0;
}

int
client_ask(struct client *c, struct vipctl *v, const char *socket_name,
    const struct ctl_request *rq, char *why, size_t size)
{
	int error;

	client_run_dir(v);
	*c = (struct client){ .fd = -1 };
	snprintf(c->path, sizeof(c->path), "%s/%s", v->run_dir, socket_name);
	error = dial(c);
	/*
	 * A daemon that refuses us may have closed already; what it said
	 * before is still to be read, so a failed send is no end yet.
	 */
	if (error == 0 && send(c->fd, rq, sizeof(*rq), MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(*rq) && errno != EPIPE && errno != ECONNRESET)
		error = errno;
	if (error == 0)
		return EXIT_DONE;
	client_close(c);
	return unreachable(c, error, why, size);
}

int
client_begin(struct client *c, struct vipctl *v, const char *socket_name,
    enum ctl_command command, uint16_t pair)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = (uint16_t)command,
		.pair = pair,
	};
	char why[256];
	int code;

	code = client_ask(c, v, socket_name, &rq, why, sizeof(why));
	if (code != EXIT_DONE)
		complain(v, "%s", why);
	return code;
}

/* What the type must measure; 0 for a type that is none. */
static size_t
record_size(unsigned type)
{
	switch (type) {
	case CTL_NODE:
		return sizeof(struct ctl_node);
	case CTL_PAIR:
		return sizeof(struct ctl_pair);
	case CTL_ADDR:
		return sizeof(struct ctl_addr);
	case CTL_PEER:
		return sizeof(struct ctl_peer);
	case CTL_PROBLEM:
		return sizeof(struct ctl_problem);
	case CTL_EVENT:
		return sizeof(struct ctl_event);
	case CTL_HISTORY:
		return sizeof(struct ctl_history);
	case CTL_ADVERT:
		return sizeof(struct ctl_advert);
	case CTL_RESULT:
		return sizeof(struct ctl_result);
	case CTL_DATA:
		return sizeof(struct ctl_data);
	case CTL_END:
		return sizeof(struct ctl_head);
	}
	return 0;
}

#define END(array) ((array)[sizeof(array) - 1] = '\0')

/* Strings in a record end, whoever wrote it. */
static void
end_strings(union ctl_any *r)
{
	switch (r->head.type) {
	case CTL_NODE:
		END(r->node.version);
		break;
	case CTL_PAIR:
		END(r->pair.name);
		END(r->pair.interface);
		END(r->pair.service_unit);
		END(r->pair.maint_reason);
		break;
	case CTL_PEER:
		END(r->peer.name);
		break;
	}
}

/* Reads until n bytes are there; CLIENT_RECORD when they are. */
static enum client_result
fill(struct client *c, size_t n, mono_t deadline)
{
	ssize_t got;

	assert(n <= sizeof(c->buf));
	while (c->have < n) {
		if (!ready(c->fd, POLLIN, deadline))
			return CLIENT_AGAIN;
		got = recv(c->fd, c->buf + c->have, n - c->have,
		    MSG_DONTWAIT);
		if (got == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return CLIENT_GONE;
		c->have += (size_t)got;
	}
	return CLIENT_RECORD;
}

enum client_result
client_next(struct client *c, union ctl_any *r, int timeout_ms)
{
	mono_t deadline = MONO_NEVER;
	enum client_result res;
	struct ctl_head head;

	if (timeout_ms >= 0)
		deadline = mono_after(mono_now(), timeout_ms * NS_PER_MS);
	res = fill(c, sizeof(head), deadline);
	if (res != CLIENT_RECORD)
		return res;
	memcpy(&head, c->buf, sizeof(head));
	if (head.size < sizeof(head) || head.size != record_size(head.type))
		return CLIENT_NONSENSE;
	res = fill(c, head.size, deadline);
	if (res != CLIENT_RECORD)
		return res;
	/* Events and adverts come for as long as the client stays. */
	if (head.type != CTL_EVENT && head.type != CTL_ADVERT &&
	    ++c->nrecords > CLIENT_RECORDS_MAX)
		return CLIENT_NONSENSE;
	memset(r, 0, sizeof(*r));
	memcpy(r, c->buf, head.size);
	c->have = 0;
	end_strings(r);
	return head.type == CTL_END ? CLIENT_END : CLIENT_RECORD;
}

int
client_failed(struct client *c, struct vipctl *v, enum client_result res)
{
	char why[256];
	int code;

	code = client_why(c, res, why, sizeof(why));
	complain(v, "%s", why);
	return code;
}

int
client_why(struct client *c, enum client_result res, char *why, size_t size)
{
	switch (res) {
	case CLIENT_AGAIN:
		return unreachable(c, ETIMEDOUT, why, size);
	case CLIENT_GONE:
		snprintf(why, size, "daemon not reachable: it closed the "
		    "connection at %s before it had answered", c->path);
		return EXIT_UNREACHABLE;
	case CLIENT_NONSENSE:
	case CLIENT_RECORD:
	case CLIENT_END:
		break;
	}
	snprintf(why, size, "answer at %s is not understood: vipctl is "
	    "version %s, restart vrrpd if it is another", c->path,
	    VIPAIR_VERSION);
	return EXIT_UNREACHABLE;
}

int
client_refused(struct vipctl *v, const struct ctl_result *r)
{
	switch ((enum ctl_code)r->code) {
	case CTL_OK:
		return EXIT_DONE;
	case CTL_REFUSED_STANDBY:
		complain(v, "refused: this node is not the active one");
		return EXIT_REFUSED;
	case CTL_REFUSED_NOBODY:
		complain(v, "refused: no partner is known to be up and able; "
		    "'vipctl status' and 'vipctl sync status' tell more");
		return EXIT_REFUSED;
	case CTL_REFUSED_STATE:
		complain(v, "refused: not possible in the present role");
		return EXIT_REFUSED;
	case CTL_NOT_PERMITTED:
		complain(v, "not permitted, needs root or group _vrrpd");
		return EXIT_NOT_PERMITTED;
	case CTL_BUSY:
		complain(v, "the daemon serves as many clients as it may; "
		    "try again");
		return EXIT_TRY_AGAIN;
	case CTL_NO_DATA:
		complain(v, "refused: the pair has no sync block in the "
		    "configuration");
		return EXIT_REFUSED;
	case CTL_NO_MIRROR:
		complain(v, "the data half of vipair is not running just "
		    "now; try again, 'vipctl status' tells more");
		return EXIT_TRY_AGAIN;
	case CTL_BAD_REQUEST:
		break;
	}
	complain(v, "the daemon did not understand the request: vipctl is "
	    "version %s, restart vrrpd if it is another", VIPAIR_VERSION);
	return EXIT_REFUSED;
}

void
client_close(struct client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}
