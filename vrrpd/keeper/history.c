/* SPDX-License-Identifier: ISC */

/*
 * The keeper: history file.  Must never lose an entry that was called
 * durable while it is among the newest HISTORY_KEEP, and never grow without
 * bound.
 */

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "disk.h"
#include "history.h"
#include "log.h"

#define MAGIC	0x76697068u	/* "viph" */
#define VERSION	1u
#define ENTRY	((off_t)sizeof(struct history_entry))

static_assert(HISTORY_KEEP < HISTORY_REWRITE, "a rewrite makes room");
static_assert(HISTORY_SEND_MAX <= HISTORY_KEEP, "what is sent is kept");

void
history_init(struct history *h, int dir)
{
	h->dir = dir;
	h->fd = -1;
}

static uint64_t
checksum(const struct history_entry *e)
{
	return disk_checksum(e, offsetof(struct history_entry, checksum));
}

static bool
good(const struct history_entry *e)
{
	return e->magic == MAGIC && e->version == VERSION &&
	    e->checksum == checksum(e) &&
	    e->pair[sizeof(e->pair) - 1] == '\0' &&
	    e->from[sizeof(e->from) - 1] == '\0' &&
	    e->to[sizeof(e->to) - 1] == '\0';
}

bool
history_read(const struct history *h, uint32_t i, struct history_entry *e)
{
	if (h->fd == -1 || i >= h->n)
		return false;
	return disk_read(h->fd, e, sizeof(*e), i * ENTRY) == 0 && good(e);
}

/* Copies the newest good entries to fd; their number, or -1. */
static int64_t
copy_newest(const struct history *h, int fd)
{
	struct history_entry e;
	uint32_t i, n = 0;

	i = h->n > HISTORY_KEEP ? h->n - HISTORY_KEEP : 0;
	for (; i < h->n; i++) {
		if (!history_read(h, i, &e))
			continue;
		if (disk_write(fd, &e, sizeof(e), n * ENTRY) == -1)
			return -1;
		n++;
	}
	return n;
}

static int
rewrite(struct history *h, bool aside)
{
	int64_t n;
	int error, fd;

	fd = disk_open_new(h->dir, HISTORY_TEMP);
	if (fd == -1)
		return errno;
	n = copy_newest(h, fd);
	if (n == -1 || disk_replace(h->dir, fd, HISTORY_TEMP, HISTORY_FILE,
	    aside ? HISTORY_ASIDE : NULL) == -1) {
		error = errno;
		(void)close(fd);
		return error;
	}
	(void)close(h->fd);
	h->fd = fd;
	h->n = (uint32_t)n;
	return 0;
}

static uint32_t
count_damaged(const struct history *h)
{
	struct history_entry e;
	uint32_t i, n = 0;

	for (i = 0; i < h->n; i++)
		if (!history_read(h, i, &e))
			n++;
	return n;
}

static int
open_file(struct history *h)
{
	off_t size;
	int error;

	h->fd = disk_open(h->dir, HISTORY_FILE, false);
	if (h->fd == -1 && errno == ENOENT) {
		h->fd = disk_open(h->dir, HISTORY_FILE, true);
		h->new_name = true;
	}
	if (h->fd == -1)
		return errno;
	size = disk_size(h->fd);
	if (size == -1) {
		error = errno;
		(void)close(h->fd);
		h->fd = -1;
		return error;
	}
	/* A last entry that is not whole was never called durable. */
	if (size > 100 * HISTORY_REWRITE * ENTRY)
		size = 100 * HISTORY_REWRITE * ENTRY;
	h->n = (uint32_t)(size / ENTRY);
	return 0;
}

int
history_open(struct history *h)
{
	uint32_t damaged;
	int error;

	if (h->fd != -1)
		return 0;
	error = open_file(h);
	if (error != 0)
		return error;
	damaged = count_damaged(h);
	if (damaged == 0)
		return 0;
	log_warnx("history: %u of %u entries are damaged and left out; the "
	    "file is kept as %s", damaged, h->n, HISTORY_ASIDE);
	/* Not fatal: damaged entries are skipped when they are read. */
	(void)rewrite(h, true);
	return 0;
}

int
history_append(struct history *h, struct history_entry *e)
{
	int error;

	error = history_open(h);
	if (error != 0)
		return error;
	if (h->n >= HISTORY_REWRITE) {
		error = rewrite(h, false);
		if (error != 0)
			return error;
	}
	e->magic = MAGIC;
	e->version = VERSION;
	e->checksum = checksum(e);
	if (disk_write(h->fd, e, sizeof(*e), h->n * ENTRY) == -1 ||
	    fdatasync(h->fd) == -1)
		return errno;
	if (h->new_name && disk_sync_dir(h->dir) == -1)
		return errno;
	h->new_name = false;
	h->n++;
	return 0;
}
