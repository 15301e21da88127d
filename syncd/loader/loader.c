/* SPDX-License-Identifier: ISC */

/* Loader: our directory in base, reasons, and the load as a whole. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "loader.h"

#define PREVIOUS	"previous-"
#define PREVIOUS_SIZE	64
#define PREVIOUS_MAX	1024

void (*loader_fault)(const char *step);

static void
keep_reason(struct loader *l, enum loader_exit status, const char *text)
{
	if (l->status != LOADER_DONE)
		return;
	l->status = status;
	(void)snprintf(l->why, sizeof(l->why), "%s", text);
}

int
loader_fail(struct loader *l, enum loader_exit status, const char *fmt, ...)
{
	char text[LOADER_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	keep_reason(l, status, text);
	return -1;
}

int
loader_error(struct loader *l, const char *fmt, ...)
{
	char text[LOADER_WHY_MAX];
	const char *error = strerror(errno);
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	(void)snprintf(text + n, sizeof(text) - n, ": %s", error);
	keep_reason(l, LOADER_FAILED, text);
	return -1;
}

/*
 * Who owns base can put anything there under our name, but nothing that is
 * root's and closed to him.
 */
static int
check_own(struct loader *l)
{
	struct stat base, own;

	if (fstat(l->base, &base) == -1 || fstat(l->own, &own) == -1)
		return loader_error(l, "%s", LOADER_DIR);
	if (own.st_uid != geteuid() || (own.st_mode & 077) != 0)
		return loader_fail(l, LOADER_CONFIG, "%s in the base "
		    "directory is not root's with mode 0700: remove it",
		    LOADER_DIR);
	if (own.st_dev != base.st_dev)
		return loader_fail(l, LOADER_CONFIG, "%s in the base "
		    "directory is another file system", LOADER_DIR);
	return 0;
}

static int
take_lock(struct loader *l)
{
	int fd = openat(l->own, "lock", O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);

	if (fd == -1)
		return loader_error(l, "%s/lock", LOADER_DIR);
	/* Held by the descriptor until the process ends. */
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		(void)close(fd);
		return loader_fail(l, LOADER_BUSY,
		    "another loader works in this base directory");
	}
	l->lock = fd;
	return 0;
}

static int
finish_swap(struct loader *l)
{
	struct journal j = { .n = 0 };
	int rc = journal_read(l, &j);

	if (rc == 1)
		rc = swap_run(l, &j);
	journal_free(&j);
	return rc;
}

int
loader_open(struct loader *l)
{
	l->own = l->lock = -1;
	if (mkdirat(l->base, LOADER_DIR, 0700) == -1 && errno != EEXIST)
		return loader_error(l, "%s", LOADER_DIR);
	l->own = below_dir(l->base, LOADER_DIR);
	if (l->own == -1)
		return loader_fail(l, LOADER_CONFIG, "%s in the base "
		    "directory is no directory: remove it", LOADER_DIR);
	if (check_own(l) == -1 || take_lock(l) == -1)
		return -1;
	return finish_swap(l);
}

void
loader_close(struct loader *l)
{
	if (l->own != -1)
		(void)close(l->own);
	if (l->lock != -1)
		(void)close(l->lock);
	l->own = l->lock = -1;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What loads replaced; the names sort by time. */
static size_t
list_previous(struct loader *l, char (*name)[PREVIOUS_SIZE])
{
	struct dirent *d;
	size_t n = 0;
	int fd = below_dir(l->own, "");
	DIR *list = fd == -1 ? NULL : fdopendir(fd);

	while (list != NULL && n < PREVIOUS_MAX &&
	    (d = readdir(list)) != NULL)
		if (strncmp(d->d_name, PREVIOUS, sizeof(PREVIOUS) - 1) == 0 &&
		    strlen(d->d_name) < PREVIOUS_SIZE)
			(void)strcpy(name[n++], d->d_name);
	if (list != NULL)
		(void)closedir(list);
	qsort(name, n, sizeof(name[0]), by_name);
	return n;
}

/* Not while somebody waits for a load. */
static int
thin_previous(struct loader *l)
{
	char (*name)[PREVIOUS_SIZE] = calloc(PREVIOUS_MAX, sizeof(*name));
	size_t n, i;
	int rc = 0;

	if (name == NULL)
		return loader_fail(l, LOADER_FAILED, "out of memory");
	n = list_previous(l, name);
	for (i = 0; rc == 0 && i + LOADER_PREVIOUS_KEPT < n; i++)
		rc = below_remove(l, l->own, name[i]);
	free(name);
	return rc;
}

int
loader_upkeep(struct loader *l)
{
	return thin_previous(l) == -1 ? -1 : below_empty_trash(l);
}

int
loader_load(struct loader *l)
{
	struct journal j = { .position = l->source->position };
	int rc;

	rc = loader_prepare(l);
	if (rc == 0)
		rc = plan_make(l, &j);
	loader_step("planned");
	if (rc == 0)
		rc = journal_write(l, &j);
	if (rc == 0)
		rc = swap_run(l, &j);
	journal_free(&j);
	return rc;
}
