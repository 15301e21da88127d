/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: what is wrong with a file, kept with
 * its place and told to a person.  Never shows a line of a secret file, and
 * never sends a byte to a terminal that it might obey.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ast.h"

static void	keep(struct config_file *, const char *, enum config_severity,
		    struct place, const char *, const char *, va_list)
		    __attribute__((format(printf, 6, 0)));

static void
keep(struct config_file *f, const char *file, enum config_severity severity,
    struct place at, const char *hint, const char *fmt, va_list ap)
{
	struct config *c = f->c;
	struct config_problem *p;

	if (severity == CONFIG_ERROR)
		c->nerrors++;
	else
		c->nwarnings++;
	if (c->nproblems == CONFIG_PROBLEMS_MAX)
		return;
	p = &c->problem[c->nproblems++];
	p->severity = severity;
	p->file = file;
	p->line = at.line;
	p->column = at.column;
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	snprintf(p->hint, sizeof(p->hint), "%s", hint == NULL ? "" : hint);
}

void
problem_add(struct config_file *f, enum config_severity severity,
    struct place at, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(f, f->path, severity, at, hint, fmt, ap);
	va_end(ap);
}

void
problem_add_in(struct config_file *f, const char *file, struct place at,
    const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(f, file, CONFIG_ERROR, at, hint, fmt, ap);
	va_end(ap);
}

/* The configuration first, then the other files; in each by place. */
static bool
comes_before(const struct config *c, const struct config_problem *a,
    const struct config_problem *b)
{
	bool a_own = a->file == c->file->path;
	bool b_own = b->file == c->file->path;

	if (a_own != b_own)
		return a_own;
	if (!a_own && strcmp(a->file, b->file) != 0)
		return strcmp(a->file, b->file) < 0;
	if (a->line != b->line)
		return a->line < b->line;
	return a->column < b->column;
}

/* By insertion: at most CONFIG_PROBLEMS_MAX, and equal ones keep order. */
void
problems_sort(struct config *c)
{
	struct config_problem p;
	uint32_t i, j;

	for (i = 1; i < c->nproblems; i++) {
		p = c->problem[i];
		for (j = i; j > 0 && comes_before(c, &p, &c->problem[j - 1]);
		    j--)
			c->problem[j] = c->problem[j - 1];
		c->problem[j] = p;
	}
}

const char *
shown(const struct word *w, char buf[SHOWN_MAX])
{
	size_t i, n = w->len;

	if (n > SHOWN_MAX - 1)
		n = SHOWN_MAX - 1;
	for (i = 0; i < n; i++)
		buf[i] = w->s[i] >= 0x20 && w->s[i] < 0x7f ? w->s[i] : '?';
	buf[n] = '\0';
	if (n < w->len)
		memcpy(buf + n - 3, "...", 3);
	return buf;
}

static const char *
severity_word(const struct config_problem *p)
{
	return p->severity == CONFIG_ERROR ? "error" : "warning";
}

void
config_problem_line(const struct config_problem *p, char *buf, size_t size)
{
	char place[32] = "";

	assert(size > 0);
	if (p->line != 0)
		snprintf(place, sizeof(place), ":%u:%u", p->line, p->column);
	snprintf(buf, size, "%s%s: %s: %s%s%s", p->file, place,
	    severity_word(p), p->text, p->hint[0] == '\0' ? "" : "; ",
	    p->hint);
}

static const char *
line_start(const struct config_file *f, uint32_t line)
{
	const char *s = f->text, *end = f->text + f->len, *nl;

	for (; line > 1; line--) {
		if ((nl = memchr(s, '\n', (size_t)(end - s))) == NULL)
			return end;
		s = nl + 1;
	}
	return s;
}

/* At most this much of a line is shown, around the place. */
#define SHOW_BEFORE	60
#define SHOW_AFTER	40

static void
print_source(const struct config_file *f, const struct config_problem *p,
    FILE *out)
{
	const char *start = line_start(f, p->line), *s, *end, *at;
	const char *eof = f->text + f->len;

	end = memchr(start, '\n', (size_t)(eof - start));
	if (end == NULL)
		end = eof;
	at = (size_t)(end - start) < p->column - 1 ? end :
	    start + (p->column - 1);
	if (at - start > SHOW_BEFORE)
		start = at - SHOW_BEFORE;
	if (end - at > SHOW_AFTER)
		end = at + SHOW_AFTER;
	fputs("    ", out);
	for (s = start; s < end; s++)
		fputc((*s >= 0 && *s < 0x20 && *s != '\t') || *s == 0x7f ?
		    '?' : *s, out);
	fputs("\n    ", out);
	for (s = start; s < at; s++)
		if ((*s & 0xc0) != 0x80)	/* UTF-8: one per letter */
			fputc(*s == '\t' ? '\t' : ' ', out);
	fputs("^\n", out);
}

static void
print_problem(const struct config *c, const struct config_problem *p,
    FILE *out)
{
	fputs(p->file, out);
	if (p->line != 0)
		fprintf(out, ":%u:%u", p->line, p->column);
	fprintf(out, ": %s: %s\n", severity_word(p), p->text);
	if (p->line != 0 && p->file == c->file->path)
		print_source(c->file, p, out);
	if (p->hint[0] != '\0')
		fprintf(out, "    hint: %s\n", p->hint);
}

void
config_print_problems(const struct config *c, FILE *out)
{
	uint32_t i, left = c->nerrors + c->nwarnings - c->nproblems;

	for (i = 0; i < c->nproblems; i++)
		print_problem(c, &c->problem[i], out);
	if (left > 0)
		fprintf(out, "... and %u more\n", left);
	if (c->nproblems > 0)
		fprintf(out, "%s: %u error%s, %u warning%s\n", c->file->path,
		    c->nerrors, c->nerrors == 1 ? "" : "s",
		    c->nwarnings, c->nwarnings == 1 ? "" : "s");
}
