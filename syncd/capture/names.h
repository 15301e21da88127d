/* SPDX-License-Identifier: ISC */

/*
 * Capture: names of users and groups, read from /etc/passwd and /etc/group by
 * ourselves: a name service would load programs and open sockets.  Numbers
 * without a name there have none in the manifest.
 */
#ifndef VIPAIR_NAMES_H
#define VIPAIR_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names;

struct names	*names_open(const char *passwd, const char *group);
void		 names_close(struct names *n);
/* Reads the files again when they have changed; true when they had. */
bool		 names_refresh(struct names *n);
const char	*names_user(const struct names *n, uint32_t uid);
const char	*names_group(const struct names *n, uint32_t gid);

#endif
