/* SPDX-License-Identifier: ISC */

/*
 * What numbers.c and history.c share: whole reads and writes at an offset,
 * a checksum, and the replacement of a file that survives a power loss at
 * any moment.  All names are relative to the state directory.
 */
#ifndef VIPAIR_KEEPER_DISK_H
#define VIPAIR_KEEPER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 64 bits of FNV-1a: any change of one byte changes it. */
uint64_t	disk_checksum(const void *buf, size_t len);

/* Opens for reading and writing, never through a symbolic link. */
int	disk_open(int dir, const char *name, bool create);
/* A new empty file in place of one that a crash may have left behind. */
int	disk_open_new(int dir, const char *name);

off_t	disk_size(int fd);
/* What the file does not hold reads as zero.  0, or -1 with errno. */
int	disk_read(int fd, void *buf, size_t len, off_t offset);
/* All of it or -1 with errno. */
int	disk_write(int fd, const void *buf, size_t len, off_t offset);
/* Makes the names in the directory durable. */
int	disk_sync_dir(int dir);

/*
 * Puts the finished file `temp` (descriptor fd) in the place of `name`, which
 * stays reachable as `aside` unless that is NULL.  At every moment `name` is
 * the whole old or the whole new file.  0, or -1 with errno.
 */
int	disk_replace(int dir, int fd, const char *temp, const char *name,
	    const char *aside);

#endif
