/* SPDX-License-Identifier: ISC */

/*
 * demo-visits: a small service with a database; the demo's, and the example
 * of the manual.  Each connection is a visit: it gets one line, "visit N from
 * NODE", after the visit was committed.  One from the address itself is a
 * check and is not counted.
 *
 *	demo-visits start DATABASE PIDFILE ADDRESS PORT
 *	demo-visits stop PIDFILE
 *	demo-visits check ADDRESS PORT
 *	demo-visits list DATABASE
 *
 * As with any service that is to move between nodes: start returns when it
 * serves, stop when it has ended, both may be said twice, and nothing is
 * answered that a loss of power could take back.  It runs as the owner of
 * the directory of the database, whatever that user's number here is.
 */

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS		1000	/* a reader or a checkpoint is waited for */
#define STOP_MS		5000
#define CHECK_S		2
#define BACKLOG		128

/* A socket that listens at the address, or is connected to it. */
static int
socket_at(const char *address, const char *port, bool listens)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};
	const void *sa = &sin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1)
		errx(1, "not an IPv4 address: %s", address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listens ? bind(fd, sa, sizeof(sin)) == -1 ||
	    listen(fd, BACKLOG) == -1 : connect(fd, sa, sizeof(sin)) == -1)
		err(1, "%s port %s", address, port);
	return fd;
}

static void
become_owner(const char *database)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s", database);
	if (stat(dirname(path), &st) == -1)
		err(1, "directory of %s", database);
	if (geteuid() == 0 && (setgroups(0, NULL) == -1 ||
	    setgid(st.st_gid) == -1 || setuid(st.st_uid) == -1))
		err(1, "owner of the directory of %s", database);
}

static sqlite3 *
open_database(const char *path, int flags, const char *set_up)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(db, set_up, NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(db));
	return db;
}

/* One visitor.  Without a commit there is no answer. */
static void
answer(int fd, sqlite3 *db, sqlite3_stmt *insert, const char *node)
{
	struct sockaddr_in from, to;
	socklen_t flen = sizeof(from), tlen = sizeof(to);
	char line[128];
	int n;

	if (getpeername(fd, (void *)&from, &flen) == -1 ||
	    getsockname(fd, (void *)&to, &tlen) == -1)
		return;		/* gone already */
	if (from.sin_addr.s_addr == to.sin_addr.s_addr) {
		n = snprintf(line, sizeof(line), "good on %s\n", node);
	} else {
		n = sqlite3_step(insert) == SQLITE_DONE ? snprintf(line,
		    sizeof(line), "visit %lld from %s\n", (long long)
		    sqlite3_last_insert_rowid(db), node) : 0;
		(void)sqlite3_reset(insert);
	}
	if (n > 0)
		(void)send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Until SIGTERM, which needs no handler: what was answered is on disk. */
_Noreturn static void
serve(int fd, sqlite3 *db)
{
	char node[HOST_NAME_MAX + 1] = "";
	sqlite3_stmt *insert;
	int visitor;

	(void)gethostname(node, sizeof(node) - 1);
	if (sqlite3_prepare_v2(db, "insert into visits(node) values (?)", -1,
	    &insert, NULL) != SQLITE_OK || sqlite3_bind_text(insert, 1, node,
	    -1, SQLITE_STATIC) != SQLITE_OK)
		errx(1, "%s", sqlite3_errmsg(db));
	for (;;) {
		visitor = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (visitor == -1)
			continue;
		answer(visitor, db, insert, node);
		(void)close(visitor);
	}
}

/* The pid file is locked for as long as the service lives. */
static int
open_pidfile(const char *pidfile)
{
	int fd = open(pidfile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0644);

	if (fd == -1)
		err(1, "%s", pidfile);
	return fd;
}

_Noreturn static void
daemon_main(int ready, char *const argv[])
{
	int fd = socket_at(argv[2], argv[3], true), null;
	sqlite3 *db;

	become_owner(argv[0]);
	db = open_database(argv[0], SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, "pragma journal_mode = wal;"
	    "pragma synchronous = full;"
	    "create table if not exists visits(n integer primary key, "
	    "node text, at text default (strftime('%Y-%m-%d %H:%M:%f')))");
	(void)setsid();
	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3 && null != -1; i++)
		(void)dup2(null, i);
	(void)!write(ready, "1", 1);
	(void)close(ready);
	serve(fd, db);
}

/* The child says that it serves, or dies, and the pipe ends. */
static int
start(char *const argv[])
{
	int lock = open_pidfile(argv[1]), ready[2];
	char yes;
	pid_t pid;

	if (flock(lock, LOCK_EX | LOCK_NB) == -1)
		return 0;	/* it serves already */
	if (pipe2(ready, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0)
		daemon_main(ready[1], argv);
	(void)close(ready[1]);
	if (ftruncate(lock, 0) == -1 || dprintf(lock, "%d\n", (int)pid) < 0)
		err(1, "%s", argv[1]);
	return read(ready[0], &yes, 1) != 1;
}

static int
stop(const char *pidfile)
{
	int fd = open_pidfile(pidfile);
	char text[16] = "";

	for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; ms++) {
		if (ms == 0 && pread(fd, text, sizeof(text) - 1, 0) > 0 &&
		    atoi(text) > 1)
			(void)kill((pid_t)atoi(text), SIGTERM);
		if (ms == STOP_MS)
			errx(1, "%s: does not end", pidfile);
		(void)poll(NULL, 0, 1);
	}
	return 0;
}

static int
check(const char *address, const char *port)
{
	char line[128];

	(void)alarm(CHECK_S);
	if (recv(socket_at(address, port, false), line, sizeof(line), 0) <= 0)
		errx(1, "%s port %s: no answer", address, port);
	return 0;
}

static int
list(const char *database)
{
	sqlite3 *db = open_database(database, SQLITE_OPEN_READONLY, "");
	sqlite3_stmt *all;

	if (sqlite3_prepare_v2(db, "select n, node from visits order by n",
	    -1, &all, NULL) != SQLITE_OK)
		errx(1, "%s: %s", database, sqlite3_errmsg(db));
	while (sqlite3_step(all) == SQLITE_ROW)
		(void)printf("%s %s\n", sqlite3_column_text(all, 0),
		    sqlite3_column_text(all, 1));
	if (sqlite3_finalize(all) != SQLITE_OK)
		errx(1, "%s: %s", database, sqlite3_errmsg(db));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "start") == 0)
		return start(argv + 2);
	if (argc == 3 && strcmp(argv[1], "stop") == 0)
		return stop(argv[2]);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return check(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	(void)fprintf(stderr, "usage: demo-visits start DATABASE PIDFILE "
	    "ADDRESS PORT |\n    stop PIDFILE | check ADDRESS PORT | "
	    "list DATABASE\n");
	return 64;
}
