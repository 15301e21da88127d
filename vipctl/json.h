/* SPDX-License-Identifier: ISC */

/*
 * A small JSON writer: commas, escapes and nesting, no tree.  Whatever bytes
 * a string holds, the output is valid: bytes that are no UTF-8 become
 * U+FFFD.  Numbers are made from integers, never from a double.
 *
 * Inside an object every call takes a key; inside an array, and at the top,
 * the key is NULL.
 */
#ifndef VIPAIR_VIPCTL_JSON_H
#define VIPAIR_VIPCTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX	16

struct json {
	FILE	*out;
	int	 depth;
	bool	 begun[JSON_DEPTH_MAX];	/* something was written at depth */
};

void	json_init(struct json *j, FILE *out);

void	json_open(struct json *j, const char *key);		/* { */
void	json_close(struct json *j);				/* } */
void	json_open_array(struct json *j, const char *key);	/* [ */
void	json_close_array(struct json *j);			/* ] */
/* A newline behind a complete value; ready for the next one. */
void	json_end_line(struct json *j);

/* NULL is written as null. */
void	json_string(struct json *j, const char *key, const char *s);
void	json_int(struct json *j, const char *key, int64_t n);
void	json_uint(struct json *j, const char *key, uint64_t n);
void	json_bool(struct json *j, const char *key, bool b);
void	json_null(struct json *j, const char *key);
/* Seconds with milliseconds, "1.0", "0.023"; a negative one is null. */
void	json_seconds(struct json *j, const char *key, int64_t ns);
/* UTC, RFC 3339 with milliseconds; 0 or less is null. */
void	json_time(struct json *j, const char *key, int64_t wall_ns);

#endif
