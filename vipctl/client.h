/* SPDX-License-Identifier: ISC */

/*
 * vipctl's end of the control sockets (common/ctl.h): finds the run
 * directory, connects and reads with a time limit, checks every record's
 * size before anybody looks at it.  A daemon that is gone, hangs or talks
 * nonsense is an answer of its own, never a guess at an old state.
 */
#ifndef VIPAIR_VIPCTL_CLIENT_H
#define VIPAIR_VIPCTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl.h"
#include "vipctl.h"

#define CLIENT_TIMEOUT_MS	1000
#define CLIENT_RECORDS_MAX	(1u << 20)	/* of one answer */

union ctl_any {
	struct ctl_head		head;
	struct ctl_node		node;
	struct ctl_pair		pair;
	struct ctl_addr		addr;
	struct ctl_peer		peer;
	struct ctl_problem	problem;
	struct ctl_event	event;
	struct ctl_history	history;
	struct ctl_advert	advert;
	struct ctl_result	result;
	struct ctl_data		data;
};

struct client {
	int		fd;		/* -1: closed */
	uint32_t	nrecords;	/* of this answer */
	size_t		have;		/* bytes in buf */
	uint8_t		buf[sizeof(union ctl_any)];
	char		path[RUN_DIR_MAX + 16];
};

enum client_result {
	CLIENT_RECORD = 1,	/* *r holds one */
	CLIENT_END,		/* CTL_END: the answer is complete */
	CLIENT_AGAIN,		/* time is up; a subscriber may call again */
	CLIENT_GONE,		/* the daemon closed the connection */
	CLIENT_NONSENSE,	/* wrong size, type or too many records */
};

/*
 * Fills v->run_dir from the configuration, leniently: a missing or broken
 * file gives VIPCTL_RUN_DIR.
 */
void	client_run_dir(struct vipctl *v);

/*
 * Connects to CTL_STATUS or CTL_SOCKET and sends the request.  EXIT_DONE, or
 * the exit code of a refusal (69, 75, 77); the reason is then in `why`,
 * without a newline, and nothing was printed.
 */
int	client_ask(struct client *c, struct vipctl *v, const char *socket,
	    const struct ctl_request *rq, char *why, size_t size);

/* The same; prints the reason by complain(). */
int	client_begin(struct client *c, struct vipctl *v, const char *socket,
	    enum ctl_command command, uint16_t pair);

/* The next record; timeout_ms -1 waits for ever. */
enum client_result	client_next(struct client *c, union ctl_any *r,
			    int timeout_ms);

/*
 * For a result that is not CLIENT_RECORD or CLIENT_END, and for a CTL_RESULT
 * that is not CTL_OK: says so by complain() and returns the exit code.
 */
int	client_failed(struct client *c, struct vipctl *v,
	    enum client_result res);
int	client_why(struct client *c, enum client_result res, char *why,
	    size_t size);
int	client_refused(struct vipctl *v, const struct ctl_result *r);

void	client_close(struct client *c);

#endif
