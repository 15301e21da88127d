/* SPDX-License-Identifier: ISC */

/*
 * The wish of an operator that other data than the head's go live: a parked
 * branch or an earlier generation.  The capture notes and ends it, the loader
 * grants it.  What it names is kept as long as it stands.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "branch.h"

#define ADOPT_MAGIC	"vipair adopt 1"
#define GENERATION	"generation "

static bool
parse_generation(const char *name, uint64_t *generation)
{
	const char *p = name + strlen(GENERATION);

	if (strncmp(name, GENERATION, strlen(GENERATION)) != 0 ||
	    *p == '\0' || strlen(p) > 19)
		return false;
	for (*generation = 0; *p >= '0' && *p <= '9'; p++)
		*generation = *generation * 10 + (uint64_t)(*p - '0');
	return *p == '\0' && *generation > 0;
}

static enum store_result
find_generation(struct store *s, uint64_t generation,
    struct store_branch *b)
{
	struct store_generation g;

	if (!store_find(s, generation, &g))
		return fail(s, STORE_NOTHING, "no generation %llu",
		    (unsigned long long)generation);
	if (!g.complete)
		return fail(s, STORE_NOTHING, "the data of generation %llu "
		    "were thinned out", (unsigned long long)generation);
	*b = (struct store_branch){
		.position = { g.epoch, g.generation, g.head },
		.fork = g.generation, .entries = g.entries, .bytes = g.bytes,
	};
	(void)fmt_into(b->name, sizeof(b->name), GENERATION "%llu",
	    (unsigned long long)generation);
	return STORE_OK;
}

static enum store_result
end_wish(struct store *s)
{
	if ((unlinkat(s->dir[DIR_ROOT], "adopt", 0) == -1 &&
	    errno != ENOENT) || file_sync_dir(s->dir[DIR_ROOT]) == -1)
		return fail_errno(s, "adopt");
	return STORE_OK;
}

enum store_result
store_adopt(struct store *s, const char *name)
{
	char body[BRANCH_NAME_MAX + HASH_HEX + 32], hex[HASH_HEX + 1];
	struct store_branch b;
	enum store_result r;
	uint64_t generation;

	if (!s->locked)
		return fail(s, STORE_BUSY, "store is not locked");
	if (name == NULL || name[0] == '\0')
		return end_wish(s);
	if (parse_generation(name, &generation)) {
		r = find_generation(s, generation, &b);
		(void)fmt_into(body, sizeof(body), GENERATION "%llu\n"
		    "head %s\n", (unsigned long long)generation,
		    hash_hex(&b.position.head, hex));
	} else {
		r = branch_read(s, name, &b);
		(void)fmt_into(body, sizeof(body), "branch %s\n", name);
	}
	if (r != STORE_OK)
		return r;
	if (record_write(s->dir[DIR_ROOT], "adopt", ADOPT_MAGIC, body,
	    "adopt") == -1)
		return fail_errno(s, "adopt");
	return STORE_OK;
}

/* Its number may mean another one by now: that was not wished for. */
static enum store_result
same_generation(struct store *s, uint64_t generation,
    const struct hash *head, struct store_branch *b)
{
	enum store_result r = find_generation(s, generation, b);

	if (r == STORE_OK && !hash_equal(&b->position.head, head))
		return fail(s, STORE_NOTHING, "generation %llu is another "
		    "one now", (unsigned long long)generation);
	return r;
}

enum store_result
store_adopting(struct store *s, struct store_branch *b)
{
	char name[BRANCH_NAME_MAX], *at, *body = NULL, *text;
	uint64_t generation = 0;
	struct hash head;
	bool good;

	*b = (struct store_branch){ .fork = 0 };
	text = record_read(s->dir[DIR_ROOT], "adopt", ADOPT_MAGIC, &body);
	if (text == NULL && errno == ENOENT)
		return fail(s, STORE_NOTHING, "no branch is being adopted");
	at = body;
	good = text != NULL && (record_text(&at, "branch", name,
	    sizeof(name)) || (record_u64(&at, "generation", &generation) &&
	    record_hash(&at, "head", &head)));
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED, "adopt does not verify");
	return generation != 0 ? same_generation(s, generation, &head, b) :
	    branch_read(s, name, b);
}

enum store_result
store_adopting_tree(struct store *s, struct tree **t)
{
	struct store_branch b;
	enum store_result r;
	uint64_t generation;

	*t = NULL;
	r = store_adopting(s, &b);
	if (r != STORE_OK)
		return r;
	return parse_generation(b.name, &generation) ?
	    store_load_tree(s, generation, t) :
	    store_branch_tree(s, b.name, t);
}
