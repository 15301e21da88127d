/* SPDX-License-Identifier: ISC */

/*
 * sealed_make: the supervisor.  sealed_read: every room, also under its
 * filter; it must never trust a memfd that could still change.
 */

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sealed.h"

#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U		/* since Linux 6.3 */
#endif

static int
new_memfd(const char *name)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd;

	fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
	if (fd == -1 && errno == EINVAL)
		fd = memfd_create(name, flags);
	return fd;
}

static int
write_all(int fd, const void *blob, size_t len)
{
	const char *p = blob;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
sealed_make(const char *name, const void *blob, size_t len)
{
	int fd, saved;

	fd = new_memfd(name);
	if (fd == -1)
		return -1;
	if (write_all(fd, blob, len) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Bytes read up to cap, or -1. */
static ssize_t
read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap) {
		n = pread(fd, buf + len, cap - len, (off_t)len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

const char *
sealed_read(int fd, void *buf, size_t cap, size_t *len)
{
	ssize_t n;
	char more;
	int seals;

	*len = 0;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1)
		return "descriptor is no memfd that can be sealed";
	if ((seals & SEALS) != SEALS)
		return "memfd is not sealed against every change";
	n = read_all(fd, buf, cap);
	if (n == -1)
		return "memfd cannot be read";
	if ((size_t)n == cap && pread(fd, &more, 1, (off_t)cap) != 0)
		return "memfd is larger than the room's buffer";
	*len = (size_t)n;
	return NULL;
}
