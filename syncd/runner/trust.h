/* SPDX-License-Identifier: ISC */

/*
 * Whether a program may be run: nobody but root could have changed it.
 */
#ifndef VIPAIR_TRUST_H
#define VIPAIR_TRUST_H

#include <limits.h>
#include <sys/types.h>

/*
 * Checks an absolute path, every directory above it and every link on the
 * way.  type: S_IFREG or S_IFDIR.  Returns NULL, or what is wrong; *where
 * is then the part it is wrong with.
 */
const char	*trust_path(const char *path, mode_t type,
		    char where[PATH_MAX]);

#endif
