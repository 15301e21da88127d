/* SPDX-License-Identifier: ISC */

/*
 * Supervisor (sbin/vrrpd), root: options and the order of the start.
 *
 *	main.c		options, start, end
 *	start.c		what must hold before: root, users, directories, lock
 *	places.c	users and directories of the data half
 *	conffile.c	the configuration file into sealed memory
 *	supervise.c	the loop: signals, children, timers
 *	spawn.c		fork and exec with the descriptor table
 *	rooms.c		life of the long-lived rooms
 *	messages.c	what they say
 *	sockets.c	advert sockets (advert_filter.c: their kernel filters)
 *	listeners.c	control sockets
 *	jobs.c		runner, checker and loader (jobqueue.c: their order,
 *			jobspawn.c: what they are as processes)
 *	snaps.c		copies of databases for the capture
 *	reload.c	SIGHUP
 *	reexec.c	SIGUSR2
 *	leave.c		SIGTERM
 *	logsink.c	standard error or syslog
 *	notify.c	the service manager
 *
 * It never parses a packet, never keeps an advert socket, never reads what a
 * client sends.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "jobs.h"
#include "listeners.h"
#include "notify.h"
#include "reexec.h"
#include "rooms.h"
#include "snaps.h"
#include "start.h"
#include "supervise.h"
#include "supervisor.h"
#include "version.h"

#define EXIT_USAGE	64

static struct jobs jobs;
static struct snaps snaps;

static struct supervisor supervisor = {
	.cur = { .fd = -1, .secrets_fd = -1 },
	.next = { .fd = -1, .secrets_fd = -1 },
	.signal_fd = -1, .lock_fd = -1, .state_fd = -1,
	.empty_fd = -1, .store_fd = -1,
	.null_fd = -1, .ready_fd = -1,
	.listener = { -1, -1 },
	.job_log = { -1, -1 },
	.swap_fd = -1, .swap_peer = -1, .swap_keeper = -1,
	.jobs = &jobs,
	.snaps = &snaps,
};

_Noreturn static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: vrrpd [-dnv] [-f file]\n"
	    "  -d  stay in the foreground, log to standard error\n"
	    "  -n  check the configuration and exit; -nv prints it back\n"
	    "  -v  log debug lines\n"
	    "  -f  configuration file (" CONFIG_PATH_DEFAULT ")\n");
	exit(EXIT_USAGE);
}

static int
number(const char *text)
{
	char *end;
	long v;

	v = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || v < 3 || v > 65535)
		usage();
	return (int)v;
}

/* -R is ours alone: the descriptor a re-exec hands over. */
static void
parse_options(struct options *opt, int argc, char **argv)
{
	int c;

	*opt = (struct options){ .path = CONFIG_PATH_DEFAULT,
	    .resume_fd = -1 };
	while ((c = getopt(argc, argv, "df:nR:v")) != -1) {
		switch (c) {
		case 'd':
			opt->foreground = true;
			break;
		case 'f':
			opt->path = optarg;
			break;
		case 'n':
			opt->check = true;
			break;
		case 'R':
			opt->resume_fd = number(optarg);
			break;
		case 'v':
			opt->verbose = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

/* The daemon's working directory is /: the path must not depend on it. */
static void
make_absolute(struct options *opt)
{
	char *path;

	path = realpath(opt->path, NULL);
	if (path != NULL)
		opt->path = path;
}

static void
first_line(const struct supervisor *s)
{
	char data[120] = "";

	if (rooms_sync_wanted(s->conf))
		(void)fmt_into(data, sizeof(data), ", mirror (uid %u), "
		    "capture (uid %u), loader (uid 0), sqlsnap (uid of a "
		    "database)", s->uid[ROOM_MIRROR], s->uid[ROOM_CAPTURE]);
	log_info("version %s: supervisor (uid 0), elector (uid %u), "
	    "actuator (uid %u), keeper (uid %u), runner (uid 0), "
	    "checker (uid %u)%s; pairs: %u", VIPAIR_VERSION,
	    s->uid[ROOM_ELECTOR], s->uid[ROOM_ACTUATOR],
	    s->uid[ROOM_KEEPER], s->uid[ROOM_CHECKER], data,
	    s->conf->npairs);
}

static void
open_log(const struct supervisor *s)
{
	logsink_open(s->opt.foreground ? LOGSINK_STDERR : LOGSINK_SYSLOG,
	    s->opt.verbose);
}

static void
start(struct supervisor *s)
{
	start_privileged();
	start_users(s);
	if (!conffile_load(s->opt.path, 1, true, &s->cur))
		exit(1);
	s->conf = s->cur.conf;
	if (!rooms_find(s->conf))
		exit(1);
	start_directories(s);
	if (!s->opt.foreground && !notify_wanted())
		start_daemon(s);
	start_write_pid(s);
	listeners_open(s);
	open_log(s);
	first_line(s);
	supervise_signals(s);
	jobs_open(s);
	rooms_start(s);
}

/* After SIGUSR2: nothing is made anew that the rooms still use. */
static void
resume(struct supervisor *s)
{
	start_privileged();
	open_log(s);
	start_users(s);
	if (!reexec_resume(s))
		fatalx("the state of the program before cannot be used");
	/* Its form changed with the version: the file says the same. */
	if (s->conf == NULL &&
	    !conffile_load(s->opt.path, 1, false, &s->cur))
		fatalx("%s: cannot be used", s->opt.path);
	s->conf = s->cur.conf;
	if (!rooms_find(s->conf))
		fatalx("the new program cannot go on");
	start_directories(s);
	first_line(s);
	supervise_signals(s);
	jobs_open(s);
	FOR_EACH_ROOM(r)
		if (s->room[r].pid != 0)
			rooms_watch(s, r);
	reexec_swap(s);
}

int
main(int argc, char **argv)
{
	struct supervisor *s = &supervisor;

	logsink_open(LOGSINK_PLAIN, false);
	parse_options(&s->opt, argc, argv);
	if (s->opt.check)
		return conffile_check(&s->opt);
	make_absolute(&s->opt);
	(void)umask(022);
	FOR_EACH_ROOM(r)
		s->room[r].ch.fd = s->room[r].log_fd = -1;
	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null_fd == -1 || chdir("/") == -1)
		fatal("/dev/null");
	notify_open();
	if (s->opt.resume_fd == -1)
		start(s);
	else
		resume(s);
	supervise(s);
	listeners_remove(s);
	log_info("left");
	return 0;
}
