/* SPDX-License-Identifier: ISC */

/*
 * Words and lines for people: ages, addresses, the status table.  Nothing
 * that came from elsewhere reaches a terminal with control characters in it.
 */
#ifndef VIPAIR_VIPCTL_TEXT_H
#define VIPAIR_VIPCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf.h"
#include "mono.h"

struct view;
struct view_pair;

/* How the text is to look. */
struct look {
	int	columns;	/* 0: no limit */
	bool	colour;
	bool	utf8;
	bool	brief;		/* one line per pair */
};

/* "0.4s", "21s", "5m 3s", "4h 12m", "12d 4h"; "?" for an unknown age. */
void	age_text(int64_t ns, char *buf, size_t size);
/* A span "3.0-3.6", rounded outwards to tenths, below 1 s to milliseconds. */
void	span_text(int64_t least_ns, int64_t most_ns, char *buf, size_t size);
/* "3.0", "0.12": as short as it is exact to the millisecond. */
void	seconds_text(int64_t ns, char *buf, size_t size);
void	address_text(const struct conf_addr *a, char *buf, size_t size);
/* Local time with milliseconds; `day` adds the date. */
void	clock_text(int64_t wall_ns, bool day, char *buf, size_t size);
/* Replaces what is not printable by '?'. */
void	text_clean(char *s);
/* Columns of a UTF-8 string. */
size_t	text_width(const char *s);
/*
 * Words of s, broken at `columns`; the cursor is in column `at`, which is
 * also where later lines begin.  Ends with a newline.
 */
void	text_wrap(FILE *f, const char *s, int columns, int at);

/* The status of one pair, or of all. */
void	text_pair(FILE *f, const struct view_pair *vp,
	    const struct look *look);
void	text_view(FILE *f, const struct view *w, const struct look *look);
/* "If alpha dies now: ...", one line without newline. */
void	text_forecast(const struct view_pair *vp, char *buf, size_t size);

#endif
