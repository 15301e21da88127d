/* SPDX-License-Identifier: ISC */

/* The store as a source of generations; its head, or a wish, is wanted. */
#ifndef VIPAIR_FROMSTORE_H
#define VIPAIR_FROMSTORE_H

#include "loader.h"
#include "store.h"

void	from_store(struct source *s, struct store *store);
/* What the operator wishes for instead, if anything; -1: store_why(). */
int	from_store_wish(struct source *s);

#endif
