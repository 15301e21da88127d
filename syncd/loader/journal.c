/* SPDX-License-Identifier: ISC */

/*
 * Loader: what a swap is to do, durable before its first step.  Names are
 * not enough to know which steps were done, as an exchange undoes itself:
 * each step carries the inode that has to end up in the live tree.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader.h"

#define JOURNAL		"journal"
#define JOURNAL_MAX	((size_t)1 << 30)
#define HEADER		"vipair swap 1\n"

int
journal_add(struct loader *l, struct journal *j, const struct step *s)
{
	struct step *more;
	char *path = strdup(s->path);

	if (j->n == j->room) {
		j->room = j->room == 0 ? 64 : j->room * 2;
		more = j->room > STEPS_MAX ? NULL :
		    reallocarray(j->step, j->room, sizeof(*more));
		if (more != NULL)
			j->step = more;
		else
			j->room = j->n;
	}
	if (path == NULL || j->n == j->room) {
		free(path);
		return loader_fail(l, LOADER_FAILED, "out of memory");
	}
	j->step[j->n] = *s;
	j->step[j->n++].path = path;
	return 0;
}

void
journal_free(struct journal *j)
{
	while (j->n > 0)
		free(j->step[--j->n].path);
	free(j->step);
	*j = (struct journal){ .n = 0 };
}

static void
put_path(FILE *out, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s > ' ' && *s < 0x7f && *s != '%')
			(void)fputc(*s, out);
		else
			(void)fprintf(out, "%%%02x", (unsigned char)*s);
	(void)fputc('\n', out);
}

static void
put_all(FILE *out, const struct journal *j)
{
	char head[HASH_HEX + 1];
	const struct step *s;
	size_t i;

	(void)fprintf(out, HEADER "position %u %u %llu %s\naside %s\n"
	    "steps %zu\n", j->position.epoch.term, j->position.epoch.node,
	    (unsigned long long)j->position.generation,
	    hash_hex(&j->position.head, head), j->aside, j->n);
	for (i = 0; i < j->n; i++) {
		s = &j->step[i];
		(void)fprintf(out, "%c %llu %o %u %u %lld ", s->kind,
		    (unsigned long long)s->ino, s->mode, s->uid, s->gid,
		    (long long)s->mtime_ns);
		put_path(out, s->path);
	}
	(void)fputs("end\n", out);
}

int
journal_write(struct loader *l, const struct journal *j)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (out == NULL)
		return loader_error(l, "journal");
	put_all(out, j);
	if (fclose(out) != 0) {
		free(text);
		return loader_error(l, "journal");
	}
	rc = below_write(l->own, JOURNAL, text, len);
	if (rc == -1)
		(void)loader_error(l, "%s/journal", LOADER_DIR);
	free(text);
	return rc;
}

/* In place; false when it is not what put_path() writes. */
static bool
take_path(char *s)
{
	char *to = s;
	unsigned int byte;

	for (; *s != '\0'; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2]) ||
		    sscanf(s + 1, "%2x", &byte) != 1 || byte == 0)
			return false;
		*to++ = (char)byte;
		s += 2;
	}
	*to = '\0';
	return true;
}

static bool
take_step(struct loader *l, struct journal *j, char *line)
{
	unsigned long long ino;
	long long mtime;
	struct step s;
	char kind;
	int n = 0;

	if (sscanf(line, "%c %llu %o %u %u %lld %n", &kind, &ino, &s.mode,
	    &s.uid, &s.gid, &mtime, &n) != 6 || n == 0 ||
	    (kind != STEP_SWAP && kind != STEP_ASIDE && kind != STEP_MODE))
		return false;
	s.kind = (enum step_kind)kind;
	s.ino = ino;
	s.mtime_ns = mtime;
	s.path = line + n;
	return take_path(s.path) &&
	    path_check(s.path, strlen(s.path)) == NULL &&
	    journal_add(l, j, &s) == 0;
}

static bool
take_head(struct journal *j, char **text, size_t *steps)
{
	char head[HASH_HEX + 1];
	unsigned long long generation;
	int n = 0;

	if (sscanf(*text, HEADER "position %u %u %llu %64[0-9a-f]\n"
	    "aside %63[A-Za-z0-9-]\nsteps %zu\n%n", &j->position.epoch.term,
	    &j->position.epoch.node, &generation, head, j->aside, steps,
	    &n) != 6 || n == 0)
		return false;
	j->position.generation = generation;
	*text += n;
	return hash_parse(head, strlen(head), &j->position.head);
}

static bool
take_all(struct loader *l, struct journal *j, char *text)
{
	size_t steps;
	char *line;

	if (!take_head(j, &text, &steps))
		return false;
	while ((line = strsep(&text, "\n")) != NULL &&
	    strcmp(line, "end") != 0)
		if (!take_step(l, j, line))
			return false;
	return line != NULL && j->n == steps;
}

int
journal_read(struct loader *l, struct journal *j)
{
	size_t len;
	char *text = below_read(l->own, JOURNAL, JOURNAL_MAX, &len);
	bool good;

	if (text == NULL && errno == ENOENT)
		return 0;
	if (text == NULL)
		return loader_error(l, "%s/journal", LOADER_DIR);
	good = strlen(text) == len && take_all(l, j, text);
	free(text);
	if (!good)
		return loader_fail(l, LOADER_DAMAGED, "%s/journal does not "
		    "read as one: live data may be between two generations",
		    LOADER_DIR);
	return 1;
}
