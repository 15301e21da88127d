/* SPDX-License-Identifier: ISC */

/*
 * vipctl: tables and rows of a stored database.  It may have been made by a
 * hostile partner, so SQLite reads it in a child that has no file, no right
 * and no system call beyond memory and one pipe: from a copy in memory.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mono.h"
#include "room.h"
#include "storeview.h"
#include "text.h"

#define DB_SIZE_MAX	(UINT64_C(256) << 20)
#define DB_MEMORY	(UINT64_C(1) << 30)
#define DB_TIME_NS	(20 * NS_PER_S)
#define DB_TIME_S	20
#define NOBODY		65534

/* Only what reading memory needs. */
static void
lock_up(void)
{
	static const struct filter_rule rules[] = {
		{ __NR_write, -1, 0, 0 }, { __NR_exit_group, -1, 0, 0 },
		{ __NR_brk, -1, 0, 0 }, { __NR_mmap, -1, 0, 0 },
		{ __NR_munmap, -1, 0, 0 }, { __NR_mremap, -1, 0, 0 },
		{ __NR_madvise, -1, 0, 0 }, { __NR_futex, -1, 0, 0 },
		{ __NR_clock_gettime, -1, 0, 0 }, { __NR_getpid, -1, 0, 0 },
		{ __NR_getrandom, -1, 0, 0 },
	};

	room_filter(rules, sizeof(rules) / sizeof(rules[0]));
}

static void
drop(void)
{
	const struct rlimit memory = { DB_MEMORY, DB_MEMORY };
	const struct rlimit seconds = { DB_TIME_S, DB_TIME_S };
	const struct rlimit none = { 0, 0 };

	/* A sanitizer's own maps are beyond any limit. */
	if ((!VIPAIR_SANITIZED && setrlimit(RLIMIT_AS, &memory) == -1) ||
	    setrlimit(RLIMIT_CPU, &seconds) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0) == -1)
		_exit(1);
	if (geteuid() == 0 && (setgroups(0, NULL) == -1 ||
	    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1))
		_exit(1);
}

static bool
read_whole(int fd, uint8_t *buf, size_t size)
{
	size_t have = 0;
	ssize_t n;

	while (have < size) {
		n = pread(fd, buf + have, size - have, (off_t)have);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static bool
open_copy(sqlite3 **db, uint8_t *buf, size_t size)
{
	/* A log that is not here is not waited for. */
	buf[18] = buf[19] = 1;
	if (sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK ||
	    sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
	    SQLITE_OK ||
	    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) !=
	    SQLITE_OK)
		return false;
	sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, 1 << 20);
	sqlite3_limit(*db, SQLITE_LIMIT_SQL_LENGTH, 1 << 16);
	sqlite3_limit(*db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(*db, SQLITE_LIMIT_WORKER_THREADS, 0);
	return sqlite3_deserialize(*db, "main", buf, (sqlite3_int64)size,
	    (sqlite3_int64)size, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK &&
	    sqlite3_exec(*db, "PRAGMA cell_size_check=ON", NULL, NULL,
	    NULL) == SQLITE_OK;
}

static int64_t
count_rows(sqlite3 *db, const char *name)
{
	int64_t rows = -1;
	sqlite3_stmt *st = NULL;
	char *sql = sqlite3_mprintf("SELECT count(*) FROM main.\"%w\"", name);

	if (sql != NULL && sqlite3_prepare_v2(db, sql, -1, &st, NULL) ==
	    SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		rows = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	sqlite3_free(sql);
	return rows;
}

static bool
count_tables(sqlite3 *db, struct db_tables *t)
{
	static const char sql[] = "SELECT name FROM main.sqlite_schema WHERE "
	    "type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' "
	    "ESCAPE '\\' ORDER BY name";
	sqlite3_stmt *st = NULL;
	const char *name;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		name = (const char *)sqlite3_column_text(st, 0);
		if (t->n == DB_TABLES_MAX) {
			t->more = 1;
			break;
		}
		if (name == NULL)
			continue;
		t->table[t->n].rows = count_rows(db, name);
		snprintf(t->table[t->n++].name, DB_NAME_MAX, "%s", name);
	}
	(void)sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static void
child(int fd, size_t size, int out)
{
	static struct db_tables t;
	uint8_t *buf = malloc(size), seed[8];
	sqlite3 *db = NULL;

	if (buf == NULL || !read_whole(fd, buf, size) ||
	    memcmp(buf, "SQLite format 3", 16) != 0 ||
	    sqlite3_initialize() != SQLITE_OK)
		_exit(1);
	/* It opens its source of random numbers with the first use. */
	sqlite3_randomness(sizeof(seed), seed);
	drop();
	lock_up();
	if (open_copy(&db, buf, size) && count_tables(db, &t) &&
	    write(out, &t, sizeof(t)) == (ssize_t)sizeof(t))
		_exit(0);
	_exit(1);
}

/* Whole and in time, else false. */
static bool
read_answer(int in, struct db_tables *t)
{
	mono_t deadline = mono_after(mono_now(), DB_TIME_NS);
	struct pollfd p = { .fd = in, .events = POLLIN };
	size_t have = 0;
	int64_t left;
	ssize_t n;

	while (have < sizeof(*t)) {
		left = mono_span_ns(mono_now(), deadline);
		if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) != 1)
			return false;
		n = read(in, (uint8_t *)t + have, sizeof(*t) - have);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

/* The child may have been taken over: what it says is no more than bytes. */
static bool
tidy(struct db_tables *t)
{
	uint32_t i;

	if (t->n > DB_TABLES_MAX)
		return false;
	for (i = 0; i < t->n; i++) {
		t->table[i].name[DB_NAME_MAX - 1] = '\0';
		text_clean(t->table[i].name);
		if (t->table[i].rows < -1)
			t->table[i].rows = -1;
	}
	return true;
}

bool
db_count(int fd, uint64_t size, struct db_tables *t)
{
	bool done = false;
	int ends[2];
	pid_t pid;

	*t = (struct db_tables){ .n = 0 };
	if (size < 512 || size > DB_SIZE_MAX || pipe2(ends, O_CLOEXEC) == -1)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child(fd, (size_t)size, ends[1]);
	}
	close(ends[1]);
	if (pid > 0) {
		done = read_answer(ends[0], t) && tidy(t);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(ends[0]);
	if (!done)
		*t = (struct db_tables){ .n = 0 };
	return done;
}
