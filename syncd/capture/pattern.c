/* SPDX-License-Identifier: ISC */

/*
 * Capture: matching of paths with patterns.  Pure; sees names only.
 */

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "manifest.h"
#include "pattern.h"

static const char *const suffixes[] = { "-wal", "-shm", "-journal" };

static bool
match(const char *glob, const char *path)
{
	return fnmatch(glob, path, FNM_PATHNAME) == 0;
}

static bool
match_never(const char *glob, const char *path)
{
	const char *slash;

	if (strchr(glob, '/') == NULL) {
		slash = strrchr(path, '/');
		return match(glob, slash != NULL ? slash + 1 : path);
	}
	return match(glob, path);
}

/* The first n components of a pattern, or false when it has not more. */
static bool
head_of(const char *glob, size_t n, char *buf, size_t size)
{
	const char *p;

	for (p = glob; *p != '\0'; p++)
		if (*p == '/' && --n == 0)
			break;
	if (*p == '\0' || (size_t)(p - glob) >= size)
		return false;
	(void)memcpy(buf, glob, (size_t)(p - glob));
	buf[p - glob] = '\0';
	return true;
}

static bool
leads_to(const struct sync_entry *e, const char *path)
{
	char head[MANIFEST_PATH_MAX + 1];
	size_t depth = 1;
	const char *p;

	if (e->kind == SYNC_NEVER)
		return false;
	for (p = path; *p != '\0'; p++)
		depth += *p == '/';
	return head_of(e->glob, depth, head, sizeof(head)) &&
	    match(head, path);
}

static uint32_t
find_kind(const struct sync_conf *c, enum sync_kind kind, const char *path)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (c->entry[i].kind == kind &&
		    match(c->entry[i].glob, path))
			return i;
	return RULE_NONE;
}

bool
pattern_literal(const char *glob)
{
	return strpbrk(glob, "*?[\\") == NULL;
}

uint32_t
pattern_base_tree(const struct sync_conf *c)
{
	return find_kind(c, SYNC_TREE, ".");
}

size_t
pattern_beside(const struct sync_conf *c, const char *path)
{
	char db[MANIFEST_PATH_MAX + 1];
	size_t i, len = strlen(path), tail;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		tail = strlen(suffixes[i]);
		if (len <= tail || len - tail >= sizeof(db) ||
		    strcmp(path + len - tail, suffixes[i]) != 0)
			continue;
		(void)memcpy(db, path, len - tail);
		db[len - tail] = '\0';
		if (find_kind(c, SYNC_SQLITE, db) != RULE_NONE)
			return len - tail;
	}
	return 0;
}

static bool
is_never(const struct sync_conf *c, const char *path)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (c->entry[i].kind == SYNC_NEVER &&
		    match_never(c->entry[i].glob, path))
			return true;
	return false;
}

static bool
is_on_the_way(const struct sync_conf *c, const char *path)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (leads_to(&c->entry[i], path))
			return true;
	return false;
}

enum want
pattern_want(const struct sync_conf *c, const char *path, bool dir,
    uint32_t tree, uint32_t *rule)
{
	assert(c->n <= SYNC_ENTRIES_MAX);
	*rule = RULE_NONE;
	if (is_never(c, path))
		return WANT_NEVER;
	if (!dir && pattern_beside(c, path) != 0)
		return WANT_NEVER;
	if (!dir && (*rule = find_kind(c, SYNC_SQLITE, path)) != RULE_NONE)
		return WANT_SQLITE;
	if (!dir && (*rule = find_kind(c, SYNC_FILE, path)) != RULE_NONE)
		return WANT_FILE;
	if ((*rule = find_kind(c, SYNC_TREE, path)) != RULE_NONE)
		return WANT_TREE;
	*rule = tree;
	if (tree != RULE_NONE)
		return WANT_TREE;
	return dir && is_on_the_way(c, path) ? WANT_PATH : WANT_NOTHING;
}
