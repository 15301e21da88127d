/* SPDX-License-Identifier: ISC */

/*
 * Mirror, capture and vipctl: the state files.  Whole or not at all: written
 * beside, then renamed.  They need not survive a crash, so nothing is synced.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"
#include "syncstate.h"

#define NAME_SIZE	(CONF_NAME_MAX + 32)

static const char magic[8] = "vipsync";

int
syncstate_write(int dir, const char *pair, const char *suffix, void *state,
    uint32_t size)
{
	struct sync_state_head *h = state;
	char name[NAME_SIZE], beside[NAME_SIZE + 4];
	int error, fd;

	memcpy(h->magic, magic, sizeof(magic));
	h->version = SYNCSTATE_VERSION;
	h->size = size;
	h->written_ns = mono_now().ns;
	h->pid = (uint32_t)getpid();
	(void)fmt_into(name, sizeof(name), "%s.%s", pair, suffix);
	(void)fmt_into(beside, sizeof(beside), "%s.new", name);
	fd = openat(dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	errno = ENOSPC;
	if (write(fd, state, size) == (ssize_t)size && fchmod(fd, 0644) == 0 &&
	    renameat(dir, beside, dir, name) == 0) {
		(void)close(fd);
		return 0;
	}
	error = errno;
	(void)close(fd);
	(void)unlinkat(dir, beside, 0);
	errno = error;
	return -1;
}

int
syncstate_read(int dir, const char *pair, const char *suffix, void *state,
    uint32_t size)
{
	const struct sync_state_head *h = state;
	char name[NAME_SIZE];
	ssize_t n;
	int fd;

	(void)fmt_into(name, sizeof(name), "%s.%s", pair, suffix);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, state, size);
	(void)close(fd);
	if (n == (ssize_t)size && h->size == size &&
	    h->version == SYNCSTATE_VERSION &&
	    memcmp(h->magic, magic, sizeof(magic)) == 0)
		return 0;
	memset(state, 0, size);
	errno = EPROTO;
	return -1;
}
