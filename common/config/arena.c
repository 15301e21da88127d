/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: memory for the syntax tree, freed all
 * at once.  No secret is ever put here (secretfile.c wipes its own).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast.h"

#define CHUNK_SIZE	(32u << 10)

struct chunk {
	struct chunk	*next;
	size_t		used, size;
	_Alignas(16) char byte[];
};

static struct chunk *
chunk_new(size_t size)
{
	static const char text[] = "vipair: out of memory\n";
	struct chunk *k = calloc(1, sizeof(*k) + size);

	if (k == NULL) {
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		_exit(1);
	}
	k->size = size;
	return k;
}

void *
arena_alloc(struct config_file *f, size_t size)
{
	struct chunk *k = f->arena;
	void *p;

	assert(size <= (size_t)CONFIG_FILE_MAX * 8);
	size = (size + 15) & ~(size_t)15;
	if (k == NULL || k->size - k->used < size) {
		k = chunk_new(size > CHUNK_SIZE ? size : CHUNK_SIZE);
		k->next = f->arena;
		f->arena = k;
	}
	p = k->byte + k->used;
	k->used += size;
	return p;
}

char *
arena_copy(struct config_file *f, const char *s, size_t len)
{
	char *copy = arena_alloc(f, len + 1);

	memcpy(copy, s, len);
	return copy;
}

void
arena_free(struct config_file *f)
{
	struct chunk *k;

	while ((k = f->arena) != NULL) {
		f->arena = k->next;
		free(k);
	}
}
