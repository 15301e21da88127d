/* SPDX-License-Identifier: ISC */

/*
 * Capture: the set of paths that changed since they were taken, in the order
 * in which they came.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "take.h"

#define SLOTS	(sizeof(((struct dirty *)0)->table) / sizeof(void *))

static struct dirty_path **
slot_of(struct dirty *d, const char *path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *path != '\0'; path++)
		h = (h ^ (uint8_t)*path) * UINT64_C(0x100000001b3);
	return &d->table[(h ^ h >> 32) % SLOTS];
}

void
dirty_init(struct dirty *d)
{
	(void)memset(d, 0, sizeof(*d));
	d->last = &d->first;
}

void
dirty_free(struct dirty *d)
{
	while (d->first != NULL)
		free(dirty_take(d));
}

bool
dirty_add(struct dirty *d, const char *path)
{
	struct dirty_path **slot = slot_of(d, path), *p;
	const size_t size = strlen(path) + 1;

	for (p = *slot; p != NULL; p = p->by_hash)
		if (strcmp(p->path, path) == 0)
			return true;
	if (d->n >= DIRTY_MAX)
		return false;
	p = malloc(sizeof(*p) + size);
	if (p == NULL)
		return false;
	(void)memcpy(p->path, path, size);
	p->next = NULL;
	p->by_hash = *slot;
	*slot = p;
	*d->last = p;
	d->last = &p->next;
	d->n++;
	return true;
}

struct dirty_path *
dirty_take(struct dirty *d)
{
	struct dirty_path *p = d->first, **slot;

	if (p == NULL)
		return NULL;
	d->first = p->next;
	if (d->first == NULL)
		d->last = &d->first;
	slot = slot_of(d, p->path);
	while (*slot != p)
		slot = &(*slot)->by_hash;
	*slot = p->by_hash;
	d->n--;
	return p;
}
