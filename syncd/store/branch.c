/* SPDX-License-Identifier: ISC */

/*
 * Branches that were parked: listing, loading, dismissing.  A branch is a
 * directory with all it needs to be loaded and verified.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "branch.h"

#define BRANCH_MAGIC	"vipair branch 1"

/* Names come from vipctl: only what park.c makes. */
static bool
name_good(const char *name)
{
	uint64_t generation;
	struct hash head;

	return manifest_parse_name(name, &generation, &head);
}

int
branch_open(struct store *s, const char *name)
{
	if (!name_good(name)) {
		errno = ENOENT;
		return -1;
	}
	return file_open(s->dir[DIR_DIVERGED], name, O_RDONLY | O_DIRECTORY,
	    0);
}

/* One line of printable bytes, whatever the caller gave. */
static void
clean_reason(const char *reason, char to[BRANCH_REASON_MAX])
{
	size_t i;

	for (i = 0; reason[i] != '\0' && i < BRANCH_REASON_MAX - 1; i++)
		to[i] = (unsigned char)reason[i] < ' ' ||
		    reason[i] == 0x7f ? '?' : reason[i];
	to[i] = '\0';
}

int
branch_write(int dir, const struct store_branch *b)
{
	char body[1024], hex[HASH_HEX + 1], reason[BRANCH_REASON_MAX];

	clean_reason(b->reason, reason);
	(void)fmt_into(body, sizeof(body), "term %u\nnode %u\n"
	    "generation %llu\nhead %s\nfork %llu\nparked %llu\n"
	    "entries %llu\nbytes %llu\nreason %s\nkept %llu\n",
	    b->position.epoch.term, b->position.epoch.node,
	    (unsigned long long)b->position.generation,
	    hash_hex(&b->position.head, hex), (unsigned long long)b->fork,
	    (unsigned long long)(b->parked_ns < 0 ? 0 : b->parked_ns),
	    (unsigned long long)b->entries, (unsigned long long)b->bytes,
	    reason, (unsigned long long)b->kept_ns);
	return record_write(dir, "info", BRANCH_MAGIC, body, "park-info");
}

static bool
parse_branch(char *at, struct store_branch *b)
{
	uint64_t kept = 0, node, parked, term;

	if (!record_u64(&at, "term", &term) ||
	    !record_u64(&at, "node", &node) ||
	    !record_u64(&at, "generation", &b->position.generation) ||
	    !record_hash(&at, "head", &b->position.head) ||
	    !record_u64(&at, "fork", &b->fork) ||
	    !record_u64(&at, "parked", &parked) ||
	    !record_u64(&at, "entries", &b->entries) ||
	    !record_u64(&at, "bytes", &b->bytes) ||
	    !record_text(&at, "reason", b->reason, sizeof(b->reason)) ||
	    (*at != '\0' && !record_u64(&at, "kept", &kept)))
		return false;
	b->position.epoch = (struct epoch){ (uint32_t)term, (uint32_t)node };
	b->parked_ns = (int64_t)parked;
	b->kept_ns = (int64_t)kept;
	return *at == '\0' && term <= INT32_MAX && node <= EPOCH_NODE_MAX;
}

enum store_result
branch_read(struct store *s, const char *name, struct store_branch *b)
{
	char *body, *text = NULL;
	int dir = branch_open(s, name);
	bool good;

	*b = (struct store_branch){ .fork = 0 };
	if (dir == -1)
		return fail(s, STORE_NOTHING, "no such branch");
	text = record_read(dir, "info", BRANCH_MAGIC, &body);
	(void)close(dir);
	good = text != NULL && parse_branch(body, b);
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED, "branch %s does not verify",
		    name);
	memcpy(b->name, name, strlen(name) + 1);
	return STORE_OK;
}

bool
store_branches(struct store *s, size_t *cursor, struct store_branch *b)
{
	bool found = false;
	char **list;
	size_t n;

	list = file_list(s->dir[DIR_DIVERGED], &n);
	while (list != NULL && *cursor < n && !found)
		found = branch_read(s, list[(*cursor)++], b) == STORE_OK;
	free(list);
	return found;
}

enum store_result
store_branch_tree(struct store *s, const char *name, struct tree **t)
{
	enum store_result r;
	struct chain c;
	int dir = branch_open(s, name);

	*t = NULL;
	if (dir == -1)
		return fail(s, STORE_NOTHING, "no such branch");
	if (chain_open(&c, dir, "chain", false) == -1)
		r = fail_errno(s, "chain");
	else if (c.n == 0)
		r = fail(s, STORE_DAMAGED, "branch is empty");
	else
		r = load_chain(s, dir, &c, c.n - 1, t);
	chain_close(&c);
	(void)close(dir);
	return r;
}

enum store_result
store_dismiss(struct store *s, const char *name)
{
	struct store_branch wish;

	if (!s->locked)
		return fail(s, STORE_BUSY, "store is not locked");
	if (!name_good(name))
		return fail(s, STORE_NOTHING, "no such branch");
	if (store_adopting(s, &wish) == STORE_OK &&
	    strcmp(wish.name, name) == 0)
		return fail(s, STORE_REFUSED, "branch is being adopted");
	if (renameat(s->dir[DIR_DIVERGED], name, s->dir[DIR_GONE], name) ==
	    -1)
		return errno == ENOENT ? fail(s, STORE_NOTHING,
		    "no such branch") : fail_errno(s, "branch");
	crash_point("dismiss-renamed");
	if (file_sync_dir(s->dir[DIR_GONE]) == -1 ||
	    file_sync_dir(s->dir[DIR_DIVERGED]) == -1)
		return fail_errno(s, "branch");
	(void)file_empty_dir(s->dir[DIR_GONE]);
	/* What was marked for it need not be kept. */
	upkeep_reset(s);
	return STORE_OK;
}
