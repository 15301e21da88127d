/* SPDX-License-Identifier: ISC */

/* Loader: names of owners to the numbers of this node. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idmap.h"

#define NAMES_MAX	65536
#define LINE_SIZE	1024

static int
by_name(const void *a, const void *b)
{
	const struct idmap_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* "name:x:number:..." */
static bool
parse_line(char *line, struct idmap_name *n)
{
	char *name = strtok_r(line, ":", &line);
	char *secret = strtok_r(NULL, ":", &line);
	char *number = strtok_r(NULL, ":\n", &line);
	unsigned long id;
	char *end;

	if (name == NULL || secret == NULL || number == NULL)
		return false;
	id = strtoul(number, &end, 10);
	if (*number < '0' || *number > '9' || *end != '\0' ||
	    id >= UINT32_MAX)
		return false;
	n->id = (uint32_t)id;
	n->name = strdup(name);
	return n->name != NULL;
}

static size_t
read_file(const char *path, struct idmap_name **names)
{
	struct idmap_name n, *more;
	char line[LINE_SIZE];
	size_t count = 0;
	FILE *in = fopen(path, "re");

	*names = NULL;
	if (in == NULL)
		return 0;
	while (count < NAMES_MAX && fgets(line, sizeof(line), in) != NULL) {
		if (!parse_line(line, &n))
			continue;
		more = reallocarray(*names, count + 1, sizeof(n));
		if (more == NULL) {
			free(n.name);
			break;
		}
		*names = more;
		more[count++] = n;
	}
	(void)fclose(in);
	if (count > 0)
		qsort(*names, count, sizeof(n), by_name);
	return count;
}

void
idmap_read(struct idmap *m)
{
	m->nusers = read_file("/etc/passwd", &m->user);
	m->ngroups = read_file("/etc/group", &m->group);
}

static void
free_names(struct idmap_name *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(names[i].name);
	free(names);
}

void
idmap_free(struct idmap *m)
{
	free_names(m->user, m->nusers);
	free_names(m->group, m->ngroups);
	*m = (struct idmap){ 0 };
}

static uint32_t
find(const struct idmap_name *names, size_t n, const char *name,
    uint32_t otherwise)
{
	size_t low = 0, high = n, mid;
	int order;

	while (low < high && *name != '\0') {
		mid = (low + high) / 2;
		order = strcmp(name, names[mid].name);
		if (order == 0)
			return names[mid].id;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return otherwise;
}

uint32_t
idmap_user(const struct idmap *m, const char *name, uint32_t uid)
{
	return find(m->user, m->nusers, name, uid);
}

uint32_t
idmap_group(const struct idmap *m, const char *name, uint32_t gid)
{
	return find(m->group, m->ngroups, name, gid);
}
