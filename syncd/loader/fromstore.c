/* SPDX-License-Identifier: ISC */

/* Loader: generations from the store of the pair, which is only read. */

#include <fcntl.h>

#include "fromstore.h"

static struct tree *
tree(void *arg, uint64_t generation, const struct hash *head)
{
	struct store_generation g;
	struct tree *t = NULL;

	if (generation == 0 && hash_is_zero(head))
		return tree_new();
	if (!store_find(arg, generation, &g) || !hash_equal(&g.head, head) ||
	    store_load_tree(arg, generation, &t) != STORE_OK)
		return NULL;
	return t;
}

static int
manifest(void *arg, uint64_t generation, uint64_t *size)
{
	return store_manifest(arg, generation, size);
}

static int
object(void *arg, const struct hash *h, uint64_t *size)
{
	return store_object(arg, h, size);
}

void
from_store(struct source *s, struct store *store)
{
	*s = (struct source){
		.position = store_head(store)->position,
		.arg = store,
		.tree = tree,
		.manifest = manifest,
		.object = object,
	};
}
