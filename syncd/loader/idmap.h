/* SPDX-License-Identifier: ISC */

/*
 * Owners by name: the same user may have another number on this node.  Reads
 * /etc/passwd and /etc/group only: a name service could hang or need a
 * socket, and who runs services is local.
 */
#ifndef VIPAIR_IDMAP_H
#define VIPAIR_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_name {
	char		*name;
	uint32_t	id;
};

struct idmap {
	struct idmap_name *user, *group;	/* sorted by name */
	size_t		nusers, ngroups;
};

void		idmap_read(struct idmap *m);
void		idmap_free(struct idmap *m);
/* The number here of a name there; without one here, the number there. */
uint32_t	idmap_user(const struct idmap *m, const char *name,
		    uint32_t uid);
uint32_t	idmap_group(const struct idmap *m, const char *name,
		    uint32_t gid);

#endif
