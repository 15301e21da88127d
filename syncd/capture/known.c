/* SPDX-License-Identifier: ISC */

/*
 * Capture: the table of what was taken.  Memory only.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "known.h"

#define SIZE_FIRST	1024

static uint32_t
mix(uint64_t v)
{
	v ^= v >> 33;
	v *= UINT64_C(0xff51afd7ed558ccd);
	v ^= v >> 33;
	return (uint32_t)v;
}

static uint32_t
hash_name(const struct node *parent, const char *name, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return mix(h ^ (uint64_t)(uintptr_t)parent);
}

static uint32_t
hash_inode(uint64_t dev, uint64_t ino)
{
	return mix(ino ^ dev * UINT64_C(0x9e3779b97f4a7c15));
}

bool
identity_equal(const struct identity *a, const struct identity *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
	    a->nlink == b->nlink;
}

bool
known_init(struct known *k)
{
	*k = (struct known){ .size = SIZE_FIRST };
	k->names = calloc(k->size, sizeof(struct node *));
	k->inodes = calloc(k->size, sizeof(struct node *));
	k->base = calloc(1, sizeof(*k->base) + 1);
	if (k->names == NULL || k->inodes == NULL || k->base == NULL) {
		known_free(k);
		return false;
	}
	k->base->type = ENTRY_DIR;
	k->base->wd = -1;
	k->base->rule = UINT32_MAX;
	return true;
}

static void
free_below(struct node *n)
{
	struct node *child, *next;

	/* As deep as a path may be: MANIFEST_DEPTH_MAX. */
	for (child = n->child; child != NULL; child = next) {
		next = child->next;
		free_below(child);
	}
	free(n->entry);
	free(n);
}

void
known_free(struct known *k)
{
	if (k->base != NULL)
		free_below(k->base);
	free(k->names);
	free(k->inodes);
	*k = (struct known){ .base = NULL };
}

struct node *
known_child(const struct known *k, const struct node *parent,
    const char *name, size_t len)
{
	struct node *n;

	n = k->names[hash_name(parent, name, len) & (k->size - 1)];
	for (; n != NULL; n = n->by_name)
		if (n->parent == parent && n->name_len == len &&
		    memcmp(n->name, name, len) == 0)
			return n;
	return NULL;
}

struct node *
known_find(const struct known *k, const char *path)
{
	struct node *n = k->base;
	const char *end;

	while (n != NULL && *path != '\0') {
		end = strchrnul(path, '/');
		n = known_child(k, n, path, (size_t)(end - path));
		path = *end == '/' ? end + 1 : end;
	}
	return n;
}

static void
into_tables(struct known *k, struct node *n)
{
	struct node **slot;

	slot = &k->names[hash_name(n->parent, n->name, n->name_len) &
	    (k->size - 1)];
	n->by_name = *slot;
	*slot = n;
	if (!n->inode_listed)
		return;
	slot = &k->inodes[hash_inode(n->id.dev, n->id.ino) & (k->size - 1)];
	n->by_inode = *slot;
	*slot = n;
}

static bool
grow(struct known *k)
{
	const uint32_t old_size = k->size;
	struct node **old = k->names, **names, **inodes, *n, *next;
	uint32_t i;

	names = calloc(old_size * 2, sizeof(struct node *));
	inodes = calloc(old_size * 2, sizeof(struct node *));
	if (names == NULL || inodes == NULL) {
		free(names);
		free(inodes);
		return false;
	}
	free(k->inodes);
	k->names = names;
	k->inodes = inodes;
	k->size = old_size * 2;
	for (i = 0; i < old_size; i++)
		for (n = old[i]; n != NULL; n = next) {
			next = n->by_name;
			into_tables(k, n);
		}
	free(old);
	return true;
}

struct node *
known_add(struct known *k, struct node *parent, const char *name, size_t len)
{
	struct node *n;

	assert(len > 0);
	assert(len <= MANIFEST_NAME_MAX);
	if (k->count >= KNOWN_NODES_MAX || (k->count >= k->size && !grow(k)))
		return NULL;
	n = calloc(1, sizeof(*n) + len + 1);
	if (n == NULL)
		return NULL;
	n->parent = parent;
	n->wd = -1;
	n->rule = UINT32_MAX;
	n->name_len = (uint16_t)len;
	(void)memcpy(n->name, name, len);
	n->next = parent->child;
	n->link = &parent->child;
	if (n->next != NULL)
		n->next->link = &n->next;
	parent->child = n;
	into_tables(k, n);
	k->count++;
	return n;
}

void
known_remove(struct known *k, struct node *n)
{
	struct node **p;

	assert(n->parent != NULL);
	assert(n->child == NULL);
	known_unpend(k, n);
	known_unlist_inode(k, n);
	p = &k->names[hash_name(n->parent, n->name, n->name_len) &
	    (k->size - 1)];
	while (*p != n)
		p = &(*p)->by_name;
	*p = n->by_name;
	*n->link = n->next;
	if (n->next != NULL)
		n->next->link = n->link;
	k->count--;
	free(n);
}

bool
known_path(const struct node *n, char path[MANIFEST_PATH_MAX + 1])
{
	const struct node *p;
	size_t len = 0, at;

	for (p = n; p->parent != NULL; p = p->parent)
		len += p->name_len + (size_t)(p != n);
	if (len > MANIFEST_PATH_MAX)
		return false;
	path[len] = '\0';
	at = len;
	for (p = n; p->parent != NULL; p = p->parent) {
		if (p != n)
			path[--at] = '/';
		at -= p->name_len;
		(void)memcpy(path + at, p->name, p->name_len);
	}
	assert(at == 0);
	return true;
}

void
known_list_inode(struct known *k, struct node *n)
{
	struct node **slot;

	if (n->inode_listed)
		return;
	slot = &k->inodes[hash_inode(n->id.dev, n->id.ino) & (k->size - 1)];
	n->by_inode = *slot;
	*slot = n;
	n->inode_listed = true;
}

void
known_unlist_inode(struct known *k, struct node *n)
{
	struct node **p;

	if (!n->inode_listed)
		return;
	p = &k->inodes[hash_inode(n->id.dev, n->id.ino) & (k->size - 1)];
	while (*p != n)
		p = &(*p)->by_inode;
	*p = n->by_inode;
	n->by_inode = NULL;
	n->inode_listed = false;
}

struct node *
known_inode(const struct known *k, uint64_t dev, uint64_t ino,
    const struct node *n)
{
	struct node *p;

	p = n != NULL ? n->by_inode :
	    k->inodes[hash_inode(dev, ino) & (k->size - 1)];
	for (; p != NULL; p = p->by_inode)
		if (p->id.ino == ino && p->id.dev == dev && !p->gone)
			return p;
	return NULL;
}

void
known_pend(struct known *k, struct node *n, struct entry *e)
{
	free(n->entry);
	n->entry = e;
	if (n->pending)
		return;
	n->pending = true;
	n->pend_next = k->pending;
	n->pend_link = &k->pending;
	if (n->pend_next != NULL)
		n->pend_next->pend_link = &n->pend_next;
	k->pending = n;
	k->npending++;
}

void
known_unpend(struct known *k, struct node *n)
{
	free(n->entry);
	n->entry = NULL;
	if (!n->pending)
		return;
	*n->pend_link = n->pend_next;
	if (n->pend_next != NULL)
		n->pend_next->pend_link = n->pend_link;
	n->pending = false;
	k->npending--;
}
