/* SPDX-License-Identifier: ISC */

/*
 * What can be wrong, in words: one row for each enum problem of ctl.h, with
 * a stable id ("W21"), a text, what to do about it, and an explanation.
 * vipair-troubleshooting(7) lists the same rows; a test compares them.
 *
 * Texts are templates: {word} is replaced, a part in [brackets] is left out
 * when a word in it is not known.  The words are those of problems.c.
 */
#ifndef VIPAIR_VIPCTL_PROBLEMS_H
#define VIPAIR_VIPCTL_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl.h"

struct view_pair;

#define PROBLEM_ID_SIZE		8
#define PROBLEM_TEXT_MAX	640

struct problem_text {
	uint32_t	number;		/* enum problem */
	char		letter;		/* 'C' critical, 'W' warning */
	/*
	 * A lasting property of the configuration: listed, but neither the
	 * verdict nor the exit code falls because of it.
	 */
	bool		standing;
	const char	*title;		/* what it is, without particulars */
	const char	*text;		/* template */
	const char	*fix;		/* template: what to do */
	const char	*explain;	/* sentences, for `explain` */
};

extern const struct problem_text	problem_texts[];
extern const size_t			problem_texts_count;

const struct problem_text	*problem_find(uint32_t number);
/* By id, in any case of letters: "w21"; NULL when there is none. */
const struct problem_text	*problem_find_id(const char *id);
/* "W21"; a number without a row is "W99"-like by its value. */
void		 problem_id(uint32_t number, char id[PROBLEM_ID_SIZE]);
/* Of the data and of the way they travel. */
bool		 problem_is_data(uint32_t number);
const char	*problem_severity(uint32_t number);	/* "critical", ... */
void		 problem_write_text(const struct view_pair *vp,
		    const struct ctl_problem *pr, char *buf, size_t size);
void		 problem_write_fix(const struct view_pair *vp,
		    const struct ctl_problem *pr, char *buf, size_t size);

/* Words that only who found the problem knows; "" stands for not known. */
struct problem_words {
	const char	*detail, *advice, *free;
};
/* The same as above with those; more may be NULL. */
void		 problem_write_text_more(const struct view_pair *vp,
		    const struct ctl_problem *pr,
		    const struct problem_words *more, char *buf, size_t size);
void		 problem_write_fix_more(const struct view_pair *vp,
		    const struct ctl_problem *pr,
		    const struct problem_words *more, char *buf, size_t size);

#endif
