/* SPDX-License-Identifier: ISC */

/* mirror-ship and mirror-driver: files of made-up bytes into the store. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generation.h"
#include "mono.h"

#define LINE_LEN	1024

static void
need(struct generation *g, enum store_result rc, const char *what)
{
	if (rc != STORE_OK)
		g->fail(what, rc, store_why(g->store));
}

static void
fill(uint8_t *buf, size_t len, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	size_t i;

	for (i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf[i] = (uint8_t)(x >> 32);
	}
}

static void
put_dirs(struct generation *g, const char *path)
{
	struct entry e = {
		.type = ENTRY_DIR, .mode = 0755, .user = "", .group = "",
		.target = "",
	};
	char dir[LINE_LEN], *p;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	for (p = strchr(dir, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		e.path = dir;
		if (store_tree(g->store) == NULL ||
		    tree_find(store_tree(g->store), dir) == NULL)
			assert(delta_put(g->delta, &e) == NULL);
		*p = '/';
	}
}

void
generation_file(struct generation *g, const char *path, uint64_t seed,
    uint32_t size, enum put_how how)
{
	struct entry e = {
		.type = ENTRY_FILE, .mode = 0644, .size = size,
		.user = "", .group = "", .target = "", .path = path,
		.mtime_ns = (int64_t)seed,
	};
	uint8_t *buf = malloc(size == 0 ? 1 : size);

	assert(buf != NULL);
	fill(buf, size, seed);
	need(g, store_lock(g->store), "lock");
	need(g, store_put(g->store, how, buf, size, &e.object), "put");
	store_unlock(g->store);
	free(buf);
	put_dirs(g, path);
	assert(delta_put(g->delta, &e) == NULL);
}

void
generation_many(struct generation *g, uint32_t n, uint32_t size)
{
	char path[64];
	uint32_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "many/%03u/%u", i / 100,
		    i);
		generation_file(g, path, UINT64_C(1000000) + i, size,
		    PUT_BULK);
	}
}

struct position
generation_publish(struct generation *g, const struct epoch *e)
{
	struct store_commit c;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	need(g, store_lock(g->store), "lock");
	need(g, store_publish(g->store, e,
	    now.tv_sec * NS_PER_S + now.tv_nsec, g->delta, NULL, &c),
	    "publish");
	store_unlock(g->store);
	delta_clear(g->delta);
	return c.position;
}
