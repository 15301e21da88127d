/* SPDX-License-Identifier: ISC */

/* The store as a source of generations; its head is what is wanted. */
#ifndef VIPAIR_FROMSTORE_H
#define VIPAIR_FROMSTORE_H

#include "loader.h"
#include "store.h"

void	from_store(struct source *s, struct store *store);

#endif
