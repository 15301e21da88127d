/* SPDX-License-Identifier: ISC */

/* What the tests of the store share: a store in a directory of its own. */
#ifndef VIPAIR_STORE_KIT_H
#define VIPAIR_STORE_KIT_H

/* Before libcheck, which has a fail() of its own. */
#include "inside.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define KIT_FILES	6

#define ok(s, call)	ck_assert_msg((call) == STORE_OK, "%s: %s", #call, \
			    store_why(s))

static char		kit_path[64];
static int		kit_dir = -1;
static int64_t		kit_now = INT64_C(1800000000000000000);
static const struct epoch kit_epoch = { .term = 1, .node = 0 };

static inline int64_t
kit_clock(void)
{
	return kit_now;
}

/* Time passes, and somebody uses the store each day. */
static inline void
kit_pass(struct store *s, int64_t ns)
{
	const int64_t day = INT64_C(86400) * 1000000000;

	for (; ns > 0; ns -= day) {
		kit_now += ns < day ? ns : day;
		(void)age_now(s);
	}
}

static int
kit_remove_one(const char *path, const struct stat *st, int kind,
    struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void
kit_remove(const char *path)
{
	ck_assert_int_eq(nftw(path, kit_remove_one, 16,
	    FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
kit_begin(void)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" :
	    "/tmp";

	snprintf(kit_path, sizeof(kit_path), "%s/vipair-store.XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(kit_path));
	kit_dir = open(kit_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(kit_dir, 0);
}

static inline void
kit_end(void)
{
	(void)close(kit_dir);
	kit_remove(kit_path);
}

static inline struct store *
kit_open(void)
{
	struct store *s;
	enum store_result r = store_open(&s, kit_dir, "vpn", true);

	ck_assert_ptr_nonnull(s);
	ck_assert_msg(r == STORE_OK, "%s", store_why(s));
	ok(s, store_lock(s));
	return s;
}

static inline struct entry
kit_dir_entry(const char *path)
{
	return (struct entry){ .type = ENTRY_DIR, .mode = 0755, .path = path,
	    .user = "root", .group = "root", .target = "",
	    .mtime_ns = 1700000000000000001 };
}

/* A file whose object is put. */
static inline struct entry
kit_file(struct store *s, const char *path, const char *text)
{
	struct entry e = kit_dir_entry(path);

	e.type = ENTRY_FILE;
	e.mode = 0640;
	e.size = strlen(text);
	if (s != NULL)
		ok(s, store_put(s, PUT_DURABLE, text, e.size, &e.object));
	else
		hash_of(text, e.size, &e.object);
	return e;
}

/* The tree says n in every file: torn states show. */
static inline struct delta *
kit_delta(struct store *s, unsigned int n)
{
	struct delta *d = delta_new();
	char path[32], text[64];
	struct entry e;
	unsigned int i;

	e = kit_dir_entry("d");
	ck_assert_ptr_null(delta_put(d, &e));
	for (i = 0; i < KIT_FILES; i++) {
		snprintf(path, sizeof(path), "d/f%u", i);
		snprintf(text, sizeof(text), "state %u of file %u", n, i);
		e = kit_file(s, path, text);
		ck_assert_ptr_null(delta_put(d, &e));
	}
	return d;
}

static inline enum store_result
kit_publish_as(struct store *s, const struct epoch *e, unsigned int n,
    struct store_commit *c)
{
	struct delta *d = kit_delta(s, n);
	enum store_result r = store_publish(s, e, kit_now, d, NULL, c);

	delta_free(d);
	return r;
}

static inline void
kit_publish(struct store *s, unsigned int n)
{
	struct store_commit c;

	ok(s, kit_publish_as(s, &kit_epoch, n, &c));
}

static inline unsigned int
kit_objects(struct store *s)
{
	struct store_usage u;

	ok(s, store_usage(s, &u));
	return (unsigned int)u.objects;
}

/* What the tree says, all files alike; -1: empty; fails when mixed. */
static inline int
kit_state(struct store *s, const struct tree *t)
{
	unsigned int file, n, state = 0;
	size_t i, seen = 0;
	char text[64];
	ssize_t len;
	int fd;

	ck_assert_msg(t != NULL, "%s", store_why(s));
	for (i = 0; i < tree_count(t); i++) {
		if (!entry_has_object(tree_at(t, i)))
			continue;
		ok(s, store_verify(s, &tree_at(t, i)->object));
		fd = store_object(s, &tree_at(t, i)->object, NULL);
		len = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
		ck_assert_int_gt(len, 0);
		text[len] = '\0';
		ck_assert_int_eq(sscanf(text, "state %u of file %u", &n,
		    &file), 2);
		if (seen++ == 0)
			state = n;
		ck_assert_uint_eq(n, state);
	}
	ck_assert(seen == 0 || seen == KIT_FILES);
	return seen == 0 ? -1 : (int)state;
}

#endif
