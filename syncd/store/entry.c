/* SPDX-License-Identifier: ISC */

/*
 * Paths and entries of a manifest: their order, and what may be in one.
 * Pure.  Every room of syncd checks by these what a partner sent.
 */

#include <stdlib.h>
#include <string.h>

#include "entry.h"

/* '/' sorts before all else, the end of a path before '/'. */
static unsigned int
weight(char c)
{
	if (c == '\0')
		return 0;
	return c == '/' ? 1 : (unsigned char)c + 1u;
}

int
path_cmp(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return (int)weight(*a) - (int)weight(*b);
}

bool
path_below(const char *path, const char *dir, size_t len)
{
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

size_t
path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path);
}

static const char *
component_check(const char *at, size_t len)
{
	if (len == 0)
		return "path has an empty component";
	if (len > MANIFEST_NAME_MAX)
		return "path has a component of more than 255 bytes";
	if (len == 1 && at[0] == '.')
		return "path has a component \".\"";
	if (len == 2 && at[0] == '.' && at[1] == '.')
		return "path has a component \"..\"";
	return NULL;
}

const char *
path_check(const char *path, size_t len)
{
	const char *wrong;
	size_t at, end, depth = 0;

	if (len == 0)
		return "path is empty";
	if (len > MANIFEST_PATH_MAX)
		return "path is longer than 4095 bytes";
	if (path[0] == '/')
		return "path is absolute";
	if (memchr(path, '\0', len) != NULL)
		return "path has a NUL";
	for (at = 0; at <= len; at = end + 1) {
		for (end = at; end < len && path[end] != '/'; end++)
			continue;
		wrong = component_check(path + at, end - at);
		if (wrong != NULL)
			return wrong;
		if (++depth > MANIFEST_DEPTH_MAX)
			return "path has more than 256 components";
	}
	return NULL;
}

bool
entry_has_object(const struct entry *e)
{
	return e->type == ENTRY_FILE || e->type == ENTRY_SQLITE;
}

uint64_t
entry_bytes(const struct entry *e)
{
	return entry_has_object(e) ? e->size : 0;
}

static const char *
xattrs_check(const struct entry *e)
{
	size_t i, len, total = 0;

	if (e->nxattrs > MANIFEST_XATTRS_MAX)
		return "entry has more than 64 extended attributes";
	for (i = 0; i < e->nxattrs; i++) {
		len = strlen(e->xattrs[i].name);
		if (len == 0 || len > MANIFEST_NAME_MAX)
			return "entry has an extended attribute with a bad "
			    "name";
		if (i > 0 && strcmp(e->xattrs[i - 1].name,
		    e->xattrs[i].name) >= 0)
			return "entry has extended attributes out of order";
		if (e->xattrs[i].len > MANIFEST_XATTR_MAX)
			return "entry has a too long extended attribute";
		total += len + e->xattrs[i].len;
	}
	if (total > MANIFEST_XATTR_MAX)
		return "entry has more than 64k of extended attributes";
	return NULL;
}

static const char *
content_check(const struct entry *e)
{
	size_t len = strlen(e->target);

	switch (e->type) {
	case ENTRY_FILE:
	case ENTRY_SQLITE:
		if (hash_is_zero(&e->object))
			return "entry has no object";
		if (len != 0)
			return "entry is no link but has a target";
		if (e->link != 0 && e->type == ENTRY_SQLITE)
			return "entry is a database with hard links";
		return e->size >= ENTRY_BYTES_MAX ?
		    "entry has an impossible size" : NULL;
	case ENTRY_DIR:
	case ENTRY_LINK:
		break;
	default:
		return "entry has an unknown type";
	}
	if (!hash_is_zero(&e->object) || e->link != 0)
		return "entry has content or a link group it cannot have";
	if (e->size != len)
		return "entry has a size that does not fit its type";
	if ((e->type == ENTRY_LINK) != (len > 0))
		return "entry has no target, or one it cannot have";
	return len > MANIFEST_PATH_MAX ?
	    "entry has a target of more than 4095 bytes" : NULL;
}

const char *
entry_check(const struct entry *e)
{
	const char *wrong;

	wrong = path_check(e->path, strlen(e->path));
	if (wrong != NULL)
		return wrong;
	if ((e->mode & ~07777) != 0)
		return "entry has a mode above 07777";
	if (e->uid == UINT32_MAX || e->gid == UINT32_MAX)
		return "entry has an impossible owner";
	if (strlen(e->user) > MANIFEST_NAME_MAX ||
	    strlen(e->group) > MANIFEST_NAME_MAX)
		return "entry has an owner's name of more than 255 bytes";
	wrong = content_check(e);
	return wrong != NULL ? wrong : xattrs_check(e);
}

static bool
xattrs_equal(const struct entry *a, const struct entry *b)
{
	size_t i;

	if (a->nxattrs != b->nxattrs)
		return false;
	for (i = 0; i < a->nxattrs; i++)
		if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
		    a->xattrs[i].len != b->xattrs[i].len ||
		    memcmp(a->xattrs[i].value, b->xattrs[i].value,
		    a->xattrs[i].len) != 0)
			return false;
	return true;
}

bool
entry_equal(const struct entry *a, const struct entry *b)
{
	return a->type == b->type && a->mode == b->mode && a->uid == b->uid &&
	    a->gid == b->gid && a->link == b->link && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns && hash_equal(&a->object, &b->object) &&
	    strcmp(a->path, b->path) == 0 && strcmp(a->user, b->user) == 0 &&
	    strcmp(a->group, b->group) == 0 &&
	    strcmp(a->target, b->target) == 0 && xattrs_equal(a, b);
}

static size_t
copy_size(const struct entry *e)
{
	size_t i, size = sizeof(*e) + e->nxattrs * sizeof(e->xattrs[0]);

	size += strlen(e->path) + strlen(e->user) + strlen(e->group) +
	    strlen(e->target) + 4;
	for (i = 0; i < e->nxattrs; i++)
		size += strlen(e->xattrs[i].name) + 1 + e->xattrs[i].len;
	return size;
}

static char *
place(char **at, const void *from, size_t len)
{
	char *to = *at;

	if (len > 0)
		memcpy(to, from, len);
	*at += len;
	return to;
}

struct entry *
entry_copy(const struct entry *e)
{
	struct entry_xattr *x;
	struct entry *to;
	char *at;
	size_t i;

	to = malloc(copy_size(e));
	if (to == NULL)
		return NULL;
	*to = *e;
	x = (struct entry_xattr *)(to + 1);
	at = (char *)(x + e->nxattrs);
	to->xattrs = x;
	to->path = place(&at, e->path, strlen(e->path) + 1);
	to->user = place(&at, e->user, strlen(e->user) + 1);
	to->group = place(&at, e->group, strlen(e->group) + 1);
	to->target = place(&at, e->target, strlen(e->target) + 1);
	for (i = 0; i < e->nxattrs; i++) {
		x[i].name = place(&at, e->xattrs[i].name,
		    strlen(e->xattrs[i].name) + 1);
		x[i].value = place(&at, e->xattrs[i].value, e->xattrs[i].len);
		x[i].len = e->xattrs[i].len;
	}
	return to;
}

struct entry *
entry_path_only(const char *path)
{
	struct entry e = { .type = ENTRY_DIR, .path = path, .user = "",
	    .group = "", .target = "" };

	return entry_copy(&e);
}

const char *
lineage_order(struct lineage *l, const char *path)
{
	int order = l->begun ? path_cmp(l->last, path) : -1;

	if (order == 0)
		return "path is there twice";
	if (order > 0)
		return "path is out of order";
	l->begun = true;
	memcpy(l->last, path, strlen(path) + 1);
	return NULL;
}

const char *
lineage_next(struct lineage *l, const struct entry *e)
{
	const char *wrong = lineage_order(l, e->path);
	size_t len = strlen(e->path);

	if (wrong != NULL)
		return wrong;
	while (l->depth > 0 &&
	    !path_below(e->path, l->dir, l->end[l->depth - 1]))
		l->depth--;
	if (path_parent(e->path) != (l->depth == 0 ? 0 :
	    l->end[l->depth - 1]))
		return "path has a parent that is no directory here";
	if (e->type != ENTRY_DIR)
		return NULL;
	memcpy(l->dir, e->path, len + 1);
	l->end[l->depth++] = (uint16_t)len;
	return NULL;
}
