/* SPDX-License-Identifier: ISC */

/*
 * sqlsnap: one consistent copy of one SQLite database, made by its owner.
 *
 *	sqlsnap OUTFD [BASE] PATH
 *
 * The supervisor starts it as root because nobody else can become the owner;
 * a reader with other rights cannot take part in the locks of a database in
 * WAL mode.  PATH is below BASE ("/" when not given) and no part of it may
 * be a link.  The copy goes to the descriptor OUTFD, open for reading and
 * writing, whatever was in it.  Exit status: enum sqlsnap, with a line on
 * standard error when it is not 0.
 *
 * Must never open a file as root, nor talk to anybody.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sqlsnap.h"

#define OUTFD_MAX	1023

void
say(const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;
	size_t n;

	n = fmt_into(line, sizeof(line) - 1, "sqlsnap: ");
	va_start(ap, fmt);
	n += fmt_vinto(line + n, sizeof(line) - 1 - n, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, n);
}

static int
parse_fd(const char *text)
{
	int fd = 0;

	if (text[0] == '\0')
		return -1;
	for (; *text >= '0' && *text <= '9' && fd <= OUTFD_MAX; text++)
		fd = fd * 10 + (*text - '0');
	return *text != '\0' || fd > OUTFD_MAX || fd < 3 ? -1 : fd;
}

static void
keep_only(int fd)
{
	if (fd > 3)
		(void)close_range(3, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0u, 0);
}

int
main(int argc, char **argv)
{
	struct snap_file f;
	struct stat st;
	enum sqlsnap why;
	const char *base = "/", *path;
	int out;

	if (argc < 3 || argc > 4 || (out = parse_fd(argv[1])) == -1) {
		say("usage: sqlsnap OUTFD [BASE] PATH");
		return SQLSNAP_USAGE;
	}
	if (argc == 4)
		base = argv[2];
	path = argv[argc - 1];
	while (*path == '/')
		path++;
	if (fstat(out, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (fcntl(out, F_GETFL) & O_ACCMODE) != O_RDWR) {
		say("descriptor %d: expected a file open for reading and "
		    "writing", out);
		return SQLSNAP_USAGE;
	}
	(void)clearenv();
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	keep_only(out);
	why = owner_become(base, path, &f);
	if (why != SQLSNAP_OK)
		return why;
	owner_filter();
	why = snap_copy(&f, out);
	if (why == SQLSNAP_OK)
		why = snap_check(out);
	return why;
}
