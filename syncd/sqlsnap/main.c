/* SPDX-License-Identifier: ISC */

/*
 * sqlsnap: one consistent copy of one SQLite database, made by its owner.
 *
 *	sqlsnap OUTFD PAIR ENTRY DEV INO
 *	sqlsnap OUTFD [BASE] PATH
 *
 * The supervisor uses the first form: all numbers, and what they mean stands
 * in the configuration, descriptor 8.  The second one is for hand and test.
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

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
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

static bool
number(const char *text, uint64_t max, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	    *v <= max;
}

static bool
numbers(char **argv, struct snap_numbers *n)
{
	uint64_t pair, entry;

	if (!number(argv[2], UINT32_MAX, &pair) ||
	    !number(argv[3], UINT32_MAX, &entry) ||
	    !number(argv[4], UINT64_MAX, &n->dev) ||
	    !number(argv[5], UINT64_MAX, &n->ino))
		return false;
	n->pair = (uint32_t)pair;
	n->entry = (uint32_t)entry;
	return true;
}

/* It has another name by now, or the name another file. */
static enum sqlsnap
same_file(const struct snap_file *f, const struct snap_numbers *n)
{
	if (f->st.st_dev == n->dev && f->st.st_ino == n->ino)
		return SQLSNAP_OK;
	say("%s: another file took its name meanwhile", f->name);
	return SQLSNAP_REPLACED;
}

int
main(int argc, char **argv)
{
	static char found[SNAP_PATH_SIZE];
	struct snap_numbers n = { .pair = 0 };
	const bool by_number = argc == 6;
	struct snap_file f;
	struct stat st;
	enum sqlsnap why;
	const char *base = "/", *path;
	int out;

	if ((argc != 3 && argc != 4 && !by_number) ||
	    (out = parse_fd(argv[1])) == -1 ||
	    (by_number && !numbers(argv, &n))) {
		say("usage: sqlsnap OUTFD PAIR ENTRY DEV INO | OUTFD [BASE] "
		    "PATH");
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
	if (by_number) {
		why = find_by_number(&n, &base, found, sizeof(found));
		if (why != SQLSNAP_OK)
			return why;
		path = found;
	}
	keep_only(out);
	why = owner_become(base, path, &f);
	if (why == SQLSNAP_OK && by_number)
		why = same_file(&f, &n);
	if (why != SQLSNAP_OK)
		return why;
	owner_filter();
	why = snap_copy(&f, out);
	if (why == SQLSNAP_OK)
		why = snap_check(out);
	return why;
}
