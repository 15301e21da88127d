/* SPDX-License-Identifier: ISC */

/*
 * A set of hashes by their first eight bytes.  Two that share them count as
 * one: for garbage collection that keeps one too many, never one too few.
 */

#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* 0 marks a free slot. */
static uint64_t
key_of(const struct hash *h)
{
	uint64_t key;

	memcpy(&key, h->b, sizeof(key));
	return key == 0 ? 1 : key;
}

static size_t
place(const struct marks *m, uint64_t key)
{
	/* Not the bytes a stranger can choose at will in order. */
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) &
	    (m->size - 1);

	while (m->slot[i] != 0 && m->slot[i] != key)
		i = (i + 1) & (m->size - 1);
	return i;
}

static bool
grow(struct marks *m)
{
	struct marks to = { .size = m->size == 0 ? 256 : 2 * m->size };
	size_t i;

	to.slot = calloc(to.size, sizeof(to.slot[0]));
	if (to.slot == NULL)
		return false;
	for (i = 0; i < m->size; i++)
		if (m->slot[i] != 0)
			to.slot[place(&to, m->slot[i])] = m->slot[i];
	to.n = m->n;
	free(m->slot);
	*m = to;
	return true;
}

bool
marks_add(struct marks *m, const struct hash *h)
{
	uint64_t key = key_of(h);
	size_t i;

	if (2 * (m->n + 1) > m->size && !grow(m))
		return false;
	i = place(m, key);
	if (m->slot[i] == 0) {
		m->slot[i] = key;
		m->n++;
	}
	return true;
}

bool
marks_have(const struct marks *m, const struct hash *h)
{
	return m->size > 0 && m->slot[place(m, key_of(h))] != 0;
}

void
marks_free(struct marks *m)
{
	free(m->slot);
	*m = (struct marks){ .slot = NULL };
}
