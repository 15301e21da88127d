/* SPDX-License-Identifier: ISC */

/* Loader: generations from the store of the pair, which is only read. */

#include <fcntl.h>

#include "fromstore.h"
#include "log.h"

/* Parked ones: what is wished for, or was loaded by a wish. */
static struct tree *
branch_tree(struct store *s, const struct hash *head)
{
	struct store_branch b;
	struct tree *t = NULL;
	size_t cursor = 0;

	while (store_branches(s, &cursor, &b))
		if (hash_equal(&b.position.head, head))
			return store_branch_tree(s, b.name, &t) ==
			    STORE_OK ? t : NULL;
	return NULL;
}

static struct tree *
tree(void *arg, uint64_t generation, const struct hash *head)
{
	struct store_generation g;
	struct tree *t = NULL;

	if (generation == 0 && hash_is_zero(head))
		return tree_new();
	if (!store_find(arg, generation, &g) || !hash_equal(&g.head, head))
		return branch_tree(arg, head);
	return store_load_tree(arg, generation, &t) == STORE_OK ? t : NULL;
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

int
from_store_wish(struct source *s)
{
	struct store_branch b;

	switch (store_adopting(s->arg, &b)) {
	case STORE_OK:
		s->position = b.position;
		(void)fmt_into(s->wish, sizeof(s->wish), "%s", b.name);
		return 0;
	case STORE_NOTHING:
		return 0;
	default:
		return -1;
	}
}
