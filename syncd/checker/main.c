/* SPDX-License-Identifier: ISC */

/*
 * Checker: user _vrrpd, no capability, one job, then gone.  Asks once whether
 * the service of a pair is healthy, line by line as configured.
 *
 * Exit status: 0 healthy, JOB_EXIT_CHECK + index of the first line that
 * failed; the check command of `service exec` counts as the line behind the
 * last.  An alarm ends it within its time limit whatever it waits for.
 */

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "http.h"
#include "job.h"
#include "job_limits.h"
#include "log.h"
#include "room.h"

#define FILES_MAX	256

static volatile sig_atomic_t line;	/* being checked */

static void
out_of_time(int sig)
{
	(void)sig;
	/* The supervisor ends what else is left of the process group. */
	_exit(JOB_EXIT_CHECK + line);
}

static void
set_alarm(mono_t deadline)
{
	const struct sigaction sa = { .sa_handler = out_of_time };
	int64_t left_us;
	struct itimerval it;

	left_us = mono_span_ns(mono_now(), deadline) / NS_PER_US;
	if (left_us < 1000)
		left_us = 1000;
	it = (struct itimerval){ .it_value = {
		.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000,
	} };
	if (sigaction(SIGALRM, &sa, NULL) == -1 ||
	    setitimer(ITIMER_REAL, &it, NULL) == -1)
		fatal("alarm");
}

static bool
check_tcp(const struct job_args *j, const struct conf_health *h)
{
	const struct conf_addr *a = conf_pair_addr(j->conf, j->pair, 0);
	char host[INET6_ADDRSTRLEN], port[6];
	int fd;

	if (inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->byte, host,
	    sizeof(host)) == NULL)
		return false;
	(void)fmt_into(port, sizeof(port), "%u", h->port);
	fd = http_connect(host, port);
	if (fd == -1)
		return false;
	(void)close(fd);
	return true;
}

static bool
check_http(const struct job_args *j, const struct conf_health *h)
{
	const char *url = conf_string(j->conf, h->command);
	struct http_url u;
	const char *error;
	unsigned status;

	error = http_parse_url(url, &u);
	if (error != NULL) {
		log_warnx("%s: %s", url, error);
		return false;
	}
	status = http_get(&u);
	if (status != h->status)
		log_debug("%s: status %u, expected %u", url, status,
		    h->status);
	return status == h->status;
}

static bool
check_line(const struct job_args *j, const struct conf_health *h)
{
	switch (h->kind) {
	case HEALTH_TCP:
		return check_tcp(j, h);
	case HEALTH_HTTP:
		return check_http(j, h);
	case HEALTH_EXEC:
		return job_command(j, conf_string(j->conf, h->command),
		    NULL) == 0;
	case HEALTH_UNIT_ACTIVE:
		return job_systemctl(j, "is-active") == 0;
	default:
		return false;
	}
}

static bool
check_command(const struct job_args *j)
{
	const struct conf_service *sv = &j->pair->service;

	return sv->check == 0 || job_command(j,
	    conf_string(j->conf, sv->check), NULL) == 0;
}

int
main(int argc, char **argv)
{
	static const struct room_rights rights = { .files_max = FILES_MAX };
	const struct conf_service *sv;
	struct job_args job;
	int i;

	room_enter(ROOM_CHECKER, argc, argv);
	room_drop(&rights);
	job_read(&job, argc, argv);
	set_alarm(job.deadline);
	sv = &job.pair->service;
	/* "query": is it running at all?  Only the check command knows. */
	if (strcmp(job.verb, "query") == 0)
		return check_command(&job) ? 0 : JOB_EXIT_CHECK;
	for (i = 0; i < sv->nhealth; i++) {
		line = i;
		if (!check_line(&job, &sv->health[i]))
			return JOB_EXIT_CHECK + i;
	}
	line = i;
	return check_command(&job) ? 0 : JOB_EXIT_CHECK + i;
}
