/* SPDX-License-Identifier: ISC */

/*
 * vipctl: writes JSON.  Never makes a number from a double and never lets a
 * byte through that JSON does not allow.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "mono.h"

void
json_init(struct json *j, FILE *out)
{
	*j = (struct json){ .out = out };
}

/*
 * Length of the UTF-8 sequence at s (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF), or 0 when it is none.
 */
static size_t
utf8_len(const unsigned char *s)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void
quoted(FILE *f, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	fputc('"', f);
	while (*s != '\0') {
		n = utf8_len(s);
		if (n == 0) {
			fputs("\\ufffd", f);
			n = 1;
		} else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '\t')
			fputs("\\t", f);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else
			fwrite(s, 1, n, f);
		s += n;
	}
	fputc('"', f);
}

/* What comes before any value: the comma, and the key inside an object. */
static void
lead(struct json *j, const char *key)
{
	if (j->begun[j->depth])
		fputc(',', j->out);
	j->begun[j->depth] = true;
	if (key != NULL) {
		quoted(j->out, key);
		fputc(':', j->out);
	}
}

static void
nest(struct json *j, const char *key, char c)
{
	lead(j, key);
	fputc(c, j->out);
	j->depth++;
	assert(j->depth < JSON_DEPTH_MAX);
	j->begun[j->depth] = false;
}

static void
unnest(struct json *j, char c)
{
	assert(j->depth > 0);
	j->depth--;
	fputc(c, j->out);
}

void
json_open(struct json *j, const char *key)
{
	nest(j, key, '{');
}

void
json_close(struct json *j)
{
	unnest(j, '}');
}

void
json_open_array(struct json *j, const char *key)
{
	nest(j, key, '[');
}

void
json_close_array(struct json *j)
{
	unnest(j, ']');
}

void
json_end_line(struct json *j)
{
	assert(j->depth == 0);
	fputc('\n', j->out);
	j->begun[0] = false;
}

void
json_string(struct json *j, const char *key, const char *s)
{
	if (s == NULL) {
		json_null(j, key);
		return;
	}
	lead(j, key);
	quoted(j->out, s);
}

void
json_int(struct json *j, const char *key, int64_t n)
{
	lead(j, key);
	fprintf(j->out, "%" PRId64, n);
}

void
json_uint(struct json *j, const char *key, uint64_t n)
{
	lead(j, key);
	fprintf(j->out, "%" PRIu64, n);
}

void
json_bool(struct json *j, const char *key, bool b)
{
	lead(j, key);
	fputs(b ? "true" : "false", j->out);
}

void
json_null(struct json *j, const char *key)
{
	lead(j, key);
	fputs("null", j->out);
}

void
json_seconds(struct json *j, const char *key, int64_t ns)
{
	char frac[4];
	int64_t ms;
	size_t n = 3;

	if (ns < 0) {
		json_null(j, key);
		return;
	}
	ms = ns / NS_PER_MS;
	snprintf(frac, sizeof(frac), "%03d", (int)(ms % 1000));
	while (n > 1 && frac[n - 1] == '0')
		n--;
	lead(j, key);
	fprintf(j->out, "%" PRId64 ".%.*s", ms / 1000, (int)n, frac);
}

void
json_time(struct json *j, const char *key, int64_t wall_ns)
{
	time_t t = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;
	char day[32], text[48];

	if (wall_ns <= 0 || gmtime_r(&t, &tm) == NULL) {
		json_null(j, key);
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", day,
	    (int)(wall_ns % NS_PER_S / NS_PER_MS));
	json_string(j, key, text);
}
