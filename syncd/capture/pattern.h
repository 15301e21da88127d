/* SPDX-License-Identifier: ISC */

/*
 * Capture: which paths below the base belong to the data set.  Pure.
 *
 * A pattern is a path relative to the base; in each of its components *, ?
 * and [] match as in a shell, but never a slash, and a leading dot is no
 * exception.  `never` goes before everything; one without a slash matches
 * the last component at any depth.
 */
#ifndef VIPAIR_PATTERN_H
#define VIPAIR_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYNC_ENTRIES_MAX	256

enum sync_kind {
	SYNC_SQLITE,
	SYNC_TREE,
	SYNC_FILE,
	SYNC_NEVER,
};

struct sync_entry {
	enum sync_kind	kind;
	bool		optional;	/* may be missing or unreadable */
	const char	*glob;		/* a tree "." is the base itself */
};

struct sync_conf {
	const char	*base;
	uint32_t	n;
	const struct sync_entry *entry;
};

enum want {
	WANT_NOTHING,
	WANT_NEVER,		/* left out by name: never, or beside a db */
	WANT_PATH,		/* directory on the way to something */
	WANT_FILE,
	WANT_SQLITE,
	WANT_TREE,		/* it and all below */
};

#define RULE_NONE	UINT32_MAX

/*
 * entry: room for SYNC_ENTRIES_MAX.  What is filled in points into c.  False:
 * more entries than that.
 */
struct conf;
struct conf_pair;
bool		pattern_from_conf(struct sync_conf *sc,
		    struct sync_entry *entry, const struct conf *c,
		    const struct conf_pair *p);

/*
 * dir: path is a directory.  tree: the rule whose tree its parent belongs
 * to, or RULE_NONE.  *rule: the entry that says so (WANT_PATH: RULE_NONE).
 */
enum want	pattern_want(const struct sync_conf *c, const char *path,
		    bool dir, uint32_t tree, uint32_t *rule);

/* The rule that makes the base itself a tree, or RULE_NONE. */
uint32_t	pattern_base_tree(const struct sync_conf *c);

/* Without * ? [ and backslash: exactly one path. */
bool		pattern_literal(const char *glob);

/*
 * A log, journal or shared memory that SQLite keeps beside a database of the
 * data set: the length of the database's path, else 0.
 */
size_t		pattern_beside(const struct sync_conf *c, const char *path);

#endif
