/* SPDX-License-Identifier: ISC */

/*
 * Where log lines end: standard error, or the system log.
 */
#ifndef VIPAIR_LOGSINK_H
#define VIPAIR_LOGSINK_H

#include <stdbool.h>

#include "mono.h"

/* What feeds one room's lines, and how much of it is let through. */
struct logsource {
	mono_t		window;		/* start of the ten seconds */
	uint32_t	count;
	uint32_t	skipped;	/* lines of this window, not written */
	bool		muted;		/* not polled until the window ends */
};

enum logsink_kind {
	LOGSINK_PLAIN = 0,	/* standard error, as any program */
	LOGSINK_STDERR,		/* standard error, with the time */
	LOGSINK_SYSLOG,		/* /dev/log; standard error without it */
};

void	logsink_open(enum logsink_kind kind, bool verbose);

/* Reads the lines waiting in fd and writes them with the room's name. */
void	logsink_read(int fd, const char *room, struct logsource *src,
	    mono_t now);

/* True when fd may be polled now; else *deadline is set to when again. */
bool	logsink_wants(struct logsource *src, mono_t now, mono_t *deadline);

#endif
