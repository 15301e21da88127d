/* SPDX-License-Identifier: ISC */

/*
 * From the file to sealed memfds.
 */
#ifndef VIPAIR_CONFFILE_H
#define VIPAIR_CONFFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct options;

/* One configuration, ready to be handed out. */
struct conf_handle {
	const struct conf *conf;	/* mapped read-only */
	size_t		len, secrets_len;
	int		fd, secrets_fd;
};

/* vrrpd -n and -nv: the exit status. */
int	conffile_check(const struct options *opt);

/*
 * Reads and checks the file for this host.  Errors are printed (to_stderr)
 * or logged; false when there is any.
 */
bool	conffile_load(const char *path, uint32_t serial, bool to_stderr,
	    struct conf_handle *h);

/* Maps what a memfd holds; NULL when it is no configuration. */
const struct conf *conffile_map(int fd, size_t *len);
void	conffile_drop(struct conf_handle *h);

#endif
