/* SPDX-License-Identifier: ISC */

/*
 * What the data half needs on this host: users and directories.
 */
#ifndef VIPAIR_PLACES_H
#define VIPAIR_PLACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"

struct supervisor;

/*
 * Users and directories for the pairs of c that have a sync block, made
 * where they are missing; nothing when there is none.  False: a line that
 * says what to do was logged.
 */
bool	places_make(struct supervisor *s, const struct conf *c);

/* The pair's store, opened below descriptors; -1 with errno. */
int	places_store(const struct supervisor *s, const char *pair);

/*
 * Opens a directory of ours, made when it is missing; -1: a line was logged.
 * Nobody else may be able to write to it, but for those that mode lets.
 */
int	places_own(int at, const char *path, mode_t mode, uid_t uid,
	    gid_t gid);

#endif
