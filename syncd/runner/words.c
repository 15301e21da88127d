/* SPDX-License-Identifier: ISC */

/*
 * Runner and checker: takes a command line apart.  Pure.
 */

#include <stdbool.h>

#include "words.h"

struct splitter {
	struct words	*w;
	size_t		used;		/* of w->text */
	const char	*error;
};

static void
put(struct splitter *sp, char c)
{
	if (sp->used < WORDS_TEXT_MAX)
		sp->w->text[sp->used++] = c;
	else
		sp->error = "command is too long, at most 1023 bytes";
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

/* From behind the opening quote; returns where it goes on. */
static const char *
quoted(struct splitter *sp, const char *p, char quote)
{
	for (; *p != '\0' && *p != quote; p++) {
		if (quote == '"' && *p == '\\' &&
		    (p[1] == '"' || p[1] == '\\'))
			p++;
		put(sp, *p);
	}
	if (*p == quote)
		return p + 1;
	sp->error = "a quote is not closed";
	return p;
}

static const char *
word(struct splitter *sp, const char *p)
{
	while (*p != '\0' && !blank(*p) && sp->error == NULL) {
		switch (*p) {
		case '\'':
		case '"':
			p = quoted(sp, p + 1, *p);
			break;
		case '\\':
			if (p[1] == '\0') {
				sp->error = "a backslash ends the command";
				break;
			}
			put(sp, p[1]);
			p += 2;
			break;
		default:
			put(sp, *p++);
		}
	}
	put(sp, '\0');
	return p;
}

const char *
words_split(struct words *w, const char *command)
{
	struct splitter sp = { .w = w };
	const char *p;

	w->n = 0;
	w->argv[0] = NULL;
	for (p = command; sp.error == NULL; ) {
		while (blank(*p))
			p++;
		if (*p == '\0')
			break;
		if (w->n == WORDS_MAX)
			return "command has more than 32 words";
		w->argv[w->n++] = &w->text[sp.used < WORDS_TEXT_MAX ?
		    sp.used : 0];
		p = word(&sp, p);
	}
	w->argv[w->n] = NULL;
	if (sp.error != NULL)
		return sp.error;
	return w->n == 0 ? "command is empty" : NULL;
}
