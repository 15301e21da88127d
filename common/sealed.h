/* SPDX-License-Identifier: ISC */

/*
 * Sealed memfds: how the configuration and the secrets travel.  What is in
 * one can no longer change, shrink or grow, so it can be verified once.
 */
#ifndef VIPAIR_SEALED_H
#define VIPAIR_SEALED_H

#include <stddef.h>

/*
 * A new sealed, close-on-exec memfd that holds len bytes of blob, or -1 with
 * errno.  Supervisor only.
 */
int	sealed_make(const char *name, const void *blob, size_t len);

/*
 * Copies the contents into buf, at most cap bytes.  Returns NULL or a static
 * text that says what is wrong (not sealed, too large, not readable).  Needs
 * nothing but fcntl(F_GET_SEALS) and pread64, and moves no file offset: all
 * rooms share one.  fd stays the caller's.
 */
const char	*sealed_read(int fd, void *buf, size_t cap, size_t *len);

#endif
