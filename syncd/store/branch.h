/* SPDX-License-Identifier: ISC */

/* What branch.c and park.c share. */
#ifndef VIPAIR_STORE_BRANCH_H
#define VIPAIR_STORE_BRANCH_H

#include "inside.h"

int	branch_write(int dir, const struct store_branch *b);
enum store_result branch_read(struct store *s, const char *name,
	    struct store_branch *b);

#endif
