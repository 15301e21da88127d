/* SPDX-License-Identifier: ISC */

/* Loader: which generation is prepared, which was loaded. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

#define RECORD_MAX	512

bool
mark_read(struct loader *l, const char *name, struct mark *r)
{
	char head[HASH_HEX + 1], *text;
	unsigned long long generation;
	unsigned int term, node, complete;
	size_t len;
	bool good;

	text = below_read(l->own, name, RECORD_MAX, &len);
	if (text == NULL)
		return false;
	good = sscanf(text, "vipair loader 1\nterm %u\nnode %u\n"
	    "generation %llu\nhead %64[0-9a-f]\ncomplete %u\n", &term, &node,
	    &generation, head, &complete) == 5 && complete <= 1;
	free(text);
	*r = (struct mark){
		.position = { { term, node }, generation, hash_zero },
		.complete = good && complete == 1,
	};
	return good && hash_parse(head, strlen(head), &r->position.head);
}

int
mark_write(struct loader *l, const char *name, const struct mark *r)
{
	char text[RECORD_MAX], head[HASH_HEX + 1];
	int n;

	n = snprintf(text, sizeof(text), "vipair loader 1\nterm %u\n"
	    "node %u\ngeneration %llu\nhead %s\ncomplete %u\n",
	    r->position.epoch.term, r->position.epoch.node,
	    (unsigned long long)r->position.generation,
	    hash_hex(&r->position.head, head), r->complete);
	if (below_write(l->own, name, text, (size_t)n) == -1)
		return loader_error(l, "%s/%s", LOADER_DIR, name);
	return 0;
}
