/* SPDX-License-Identifier: ISC */

/*
 * What supervisor, runner and checker agree on besides argv: time limits of
 * jobs that the configuration gives none, and exit statuses.
 *
 * argv of both: name, uid, gid, "-v" or "-q", verb (start, stop, notify,
 * query, fill; check, query), pair, time limit in ms, role, old role, term.
 */
#ifndef VIPAIR_JOB_LIMITS_H
#define VIPAIR_JOB_LIMITS_H

#define JOB_CHECK_LIMIT_MS	5000
#define JOB_NOTIFY_LIMIT_MS	60000
#define JOB_QUERY_LIMIT_MS	10000
#define JOB_FILL_LIMIT_MS	60000
#define JOB_LOADER_LIMIT_MS	600000
#define JOB_LAST_SYNC_MS	15000	/* behind a stop, where there is sync */

#define JOB_EXIT_CHECK		10	/* + index of the line that failed */
#define JOB_EXIT_TIMEOUT	124
#define JOB_EXIT_REFUSED	125	/* not run: path not safe, ... */

#endif
