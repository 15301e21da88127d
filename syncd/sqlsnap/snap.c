/* SPDX-License-Identifier: ISC */

/*
 * sqlsnap: copies the database with SQLite's backup interface and checks the
 * copy.  Runs as the owner of the database.  Must never write to the source:
 * what SQLite itself does for every reader (rolling back a hot journal,
 * making the shared memory of a log) is all that happens to it.
 */

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"
#include "sqlsnap.h"

#define RETRY_NS	(NS_PER_MS / 2)
#define NAME_SIZE	512

static enum sqlsnap
judge(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
		return SQLSNAP_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:		/* gave up on the log's locks */
		return SQLSNAP_BUSY;
	case SQLITE_CORRUPT:
		return SQLSNAP_CORRUPT;
	case SQLITE_NOTADB:
		return SQLSNAP_NOT_DB;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return SQLSNAP_RIGHTS;
	case SQLITE_FULL:
		return SQLSNAP_SPACE;
	default:
		return SQLSNAP_IO;
	}
}

/*
 * SQLite's own waiting sleeps up to 0.1 s at a time and starves beside a
 * writer that commits without a pause; this looks often, for a limited time.
 */
static int
wait_for_lock(void *arg, int tries)
{
	const struct timespec pause = { .tv_nsec = RETRY_NS };
	const mono_t *until = arg;

	(void)tries;
	if (mono_reached(mono_now(), *until))
		return 0;
	(void)nanosleep(&pause, NULL);
	return 1;
}

/* A database is somebody else's input: nothing it defines may act. */
static void
distrust(sqlite3 *db)
{
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

/*
 * The last one to close a database moves its log into it.  With something in
 * the log that is left to the service: the live file stays as it is.
 */
static void
leave_log(sqlite3 *db, const char *name)
{
	char log[NAME_SIZE];
	struct stat st;

	(void)fmt_into(log, sizeof(log), "%s-wal", name);
	if (stat(log, &st) == 0 && st.st_size > 0)
		(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
		    1, NULL);
}

static int
open_source(const struct snap_file *f, mono_t *until, sqlite3 **db)
{
	char path[NAME_SIZE];
	int rc;

	/* With "./" no name is taken for an option or a URI. */
	(void)fmt_into(path, sizeof(path), "./%s", f->name);
	*until = mono_after(mono_now(), SQLSNAP_WAIT_MS * NS_PER_MS);
	rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, "unix");
	if (rc != SQLITE_OK)
		return rc;
	distrust(*db);
	leave_log(*db, path);
	return sqlite3_busy_handler(*db, wait_for_lock, until);
}

static int
open_copy(sqlite3 **db)
{
	int rc;

	rc = sqlite3_open_v2("copy", db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, "outfile");
	if (rc != SQLITE_OK)
		return rc;
	return sqlite3_exec(*db, "PRAGMA locking_mode = exclusive;"
	    "PRAGMA synchronous = off; PRAGMA journal_mode = off",
	    NULL, NULL, NULL);
}

/* One step: a writer between two steps would make SQLite start over. */
static int
backup(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *b;
	int rc;

	b = sqlite3_backup_init(to, "main", from, "main");
	if (b == NULL)
		return sqlite3_errcode(to);
	rc = sqlite3_backup_step(b, -1);
	if (rc == SQLITE_DONE)
		return sqlite3_backup_finish(b);
	(void)sqlite3_backup_finish(b);
	return rc == SQLITE_OK ? SQLITE_ERROR : rc;
}

/*
 * What is no SQLite file but has no pattern either, in whole sectors.  The
 * squares of the counts of 4096 random bytes sum up to 69 616 on average;
 * 75 000 is far above all of them and far below any text or program.
 */
static bool
looks_encrypted(const char *name)
{
	unsigned count[256] = { 0 };
	unsigned long squares = 0;
	uint8_t buf[4096];
	struct stat st;
	ssize_t n;
	size_t i;
	int fd;

	fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = pread(fd, buf, sizeof(buf), 0);
	if (fstat(fd, &st) == -1)
		n = -1;
	(void)close(fd);
	if (n != (ssize_t)sizeof(buf) || st.st_size % 512 != 0)
		return false;
	for (i = 0; i < sizeof(buf); i++)
		count[buf[i]]++;
	for (i = 0; i < 256; i++)
		squares += (unsigned long)count[i] * count[i];
	return squares < 75000;
}

static bool
replaced(const struct snap_file *f)
{
	struct stat st;

	if (fstatat(AT_FDCWD, f->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return true;
	return st.st_ino != f->st.st_ino || st.st_dev != f->st.st_dev;
}

static void
say_why(enum sqlsnap why, const char *name, const char *detail)
{
	static const char *const text[] = {
		[SQLSNAP_BUSY] = "locked by somebody for 20 s",
		[SQLSNAP_CORRUPT] = "the database is damaged",
		[SQLSNAP_NOT_DB] = "not an SQLite database; declare it as "
		    "file or tree",
		[SQLSNAP_ENCRYPTED] = "not a plain SQLite database, looks "
		    "encrypted; use before capture exec",
		[SQLSNAP_RIGHTS] = "its owner may not open it, or not write "
		    "beside it",
		[SQLSNAP_REPLACED] = "another file took its name meanwhile",
		[SQLSNAP_SPACE] = "no room for the copy",
		[SQLSNAP_IO] = "input or output failed",
	};

	say("%s: %s (%s)", name, text[why], detail);
}

enum sqlsnap
snap_copy(const struct snap_file *f, int out_fd)
{
	sqlite3 *from = NULL, *to = NULL;
	enum sqlsnap why;
	const char *detail;
	mono_t until;
	int rc;

	(void)sqlite3_hard_heap_limit64(SQLSNAP_HEAP_MAX);
	if (ftruncate(out_fd, 0) == -1 || outfile_register(out_fd) != 0) {
		say("descriptor %d: cannot be written", out_fd);
		return SQLSNAP_IO;
	}
	rc = open_source(f, &until, &from);
	if (rc == SQLITE_OK)
		rc = open_copy(&to);
	if (rc == SQLITE_OK)
		rc = backup(to, from);
	why = judge(rc);
	detail = sqlite3_errstr(rc);
	(void)sqlite3_close(to);
	(void)sqlite3_close(from);
	if (why == SQLSNAP_NOT_DB && looks_encrypted(f->name))
		why = SQLSNAP_ENCRYPTED;
	if (why == SQLSNAP_OK && replaced(f)) {
		why = SQLSNAP_REPLACED;
		detail = "try again";
	}
	if (why != SQLSNAP_OK)
		say_why(why, f->name, detail);
	return why;
}

/* First column of the first row: "ok", or what is wrong. */
static int
first_row(void *arg, int n, char **value, char **column)
{
	char *text = arg;

	(void)column;
	if (n > 0 && value[0] != NULL && text[0] == '\0')
		(void)fmt_into(text, NAME_SIZE, "%s", value[0]);
	return 0;
}

static int
any_order(void *arg, int alen, const void *a, int blen, const void *b)
{
	const int n = alen < blen ? alen : blen;
	const int r = memcmp(a, b, (size_t)n);

	(void)arg;
	return r != 0 ? r : alen - blen;
}

static void
add_order(void *arg, sqlite3 *db, int encoding, const char *name)
{
	(void)arg;
	(void)sqlite3_create_collation(db, name, encoding, NULL, any_order);
}

/*
 * A CHECK of the application that does not hold is no damage.  Where the
 * full check stumbles over functions or orders that only the application
 * knows, the quick one, which compares nothing, still walks every page; and
 * where that cannot be had either, the copy is as good as its source.
 */
static int
integrity(sqlite3 *db, char *text)
{
	int rc;

	rc = sqlite3_exec(db, "PRAGMA temp_store = memory;"
	    "PRAGMA ignore_check_constraints = on", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	text[0] = '\0';
	rc = sqlite3_exec(db, "PRAGMA integrity_check(1)", first_row, text,
	    NULL);
	if (rc != SQLITE_ERROR)
		return rc;
	text[0] = '\0';
	(void)sqlite3_collation_needed(db, NULL, add_order);
	rc = sqlite3_exec(db, "PRAGMA quick_check(1)", first_row, text, NULL);
	if (rc != SQLITE_ERROR)
		return rc;
	(void)fmt_into(text, NAME_SIZE, "ok");
	return SQLITE_OK;
}

enum sqlsnap
snap_check(int out_fd)
{
	char text[NAME_SIZE] = "";
	sqlite3 *db = NULL;
	enum sqlsnap why;
	int rc;

	/* The source is free again: the rest may take its time. */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	(void)out_fd;
	/* Immutable: a copy in WAL mode is read without a log beside it. */
	rc = sqlite3_open_v2("file:copy?immutable=1", &db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, "outfile");
	if (rc == SQLITE_OK) {
		distrust(db);
		rc = integrity(db, text);
	}
	why = judge(rc);
	if (why == SQLSNAP_OK && strcmp(text, "ok") != 0)
		why = SQLSNAP_CORRUPT;
	if (why != SQLSNAP_OK)
		say_why(why, "copy", text[0] != '\0' ? text :
		    sqlite3_errstr(rc));
	(void)sqlite3_close(db);
	return why;
}
