/* SPDX-License-Identifier: ISC */

/* Loader: mount points below base; they stay where they are. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader.h"

#define LINE_SIZE	16384
#define MOUNTS_MAX	100000

/* \040 and the like, in place. */
static void
unescape(char *s)
{
	char *to = s;
	unsigned int byte;

	for (; *s != '\0'; s++) {
		if (*s == '\\' && sscanf(s + 1, "%3o", &byte) == 1) {
			*to++ = (char)byte;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The part of path below dir, or NULL. */
static const char *
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) != 0)
		return NULL;
	if (n > 0 && dir[n - 1] == '/')
		return path + n;
	return path[n] == '/' ? path + n + 1 : NULL;
}

static int
add(struct mounts *m, const char *path)
{
	char **more = m->n >= MOUNTS_MAX ? NULL :
	    reallocarray(m->path, m->n + 1, sizeof(*more));

	if (more == NULL)
		return -1;
	m->path = more;
	more[m->n] = strdup(path);
	return more[m->n] == NULL ? -1 : (m->n++, 0);
}

/* "36 35 98:0 /root /mount/point options ..." */
static char *
fifth(char *line)
{
	static char none[] = "";
	char *word = NULL;
	int i;

	for (i = 0; i < 5 && line != NULL; i++)
		word = strsep(&line, " ");
	if (i < 5 || word == NULL)
		return none;
	unescape(word);
	return word;
}

int
mounts_read(struct loader *l)
{
	char name[64], base[BELOW_PATH_MAX], line[LINE_SIZE], *point;
	const char *rest;
	FILE *in = fopen("/proc/self/mountinfo", "re");
	ssize_t n;
	int rc = 0;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", l->base);
	n = readlink(name, base, sizeof(base) - 1);
	if (in == NULL || n == -1) {
		if (in != NULL)
			(void)fclose(in);
		return loader_error(l, "mount points");
	}
	base[n] = '\0';
	while (rc == 0 && fgets(line, sizeof(line), in) != NULL) {
		point = fifth(line);
		rest = below(point, base);
		if (rest != NULL && *rest != '\0')
			rc = add(&l->mounts, rest);
	}
	(void)fclose(in);
	return rc == -1 ? loader_error(l, "mount points") : 0;
}

bool
mounts_has(const struct mounts *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->path[i], path) == 0)
			return true;
	return false;
}

bool
mounts_below(const struct mounts *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (below(m->path[i], path) != NULL)
			return true;
	return false;
}
