/* SPDX-License-Identifier: ISC */

/*
 * A configured command as an argument vector, without a shell.  Pure.
 */
#ifndef VIPAIR_WORDS_H
#define VIPAIR_WORDS_H

#include <stddef.h>

#define WORDS_MAX	32
#define WORDS_TEXT_MAX	1024

struct words {
	size_t	n;
	char	*argv[WORDS_MAX + 1];	/* NULL behind the last */
	char	text[WORDS_TEXT_MAX];
};

/*
 * Splits at blanks.  '...' takes everything as it is; "..." all but \" and
 * \\; a backslash outside takes the next character as it is.  No variable,
 * no pattern, no redirection.  Returns NULL, or what is wrong.
 */
const char	*words_split(struct words *w, const char *command);

#endif
