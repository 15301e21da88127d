/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: what single words mean, and how
 * values are written back.  Pure.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "ast.h"

#define SAFE_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_.-"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
value_number(const struct word *w, uint32_t *v)
{
	uint32_t n = 0, i;

	if (w->len == 0 || w->len > 9)
		return false;
	for (i = 0; i < w->len; i++) {
		if (!is_digit(w->s[i]))
			return false;
		n = n * 10 + (uint32_t)(w->s[i] - '0');
	}
	*v = n;
	return true;
}

static uint32_t
unit_ms(const char *s)
{
	static const struct {
		const char *name;
		uint32_t ms;
	} unit[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 },
	};
	size_t i;

	for (i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (strcmp(s, unit[i].name) == 0)
			return unit[i].ms;
	return 0;
}

/* "1s", "100ms", "1.5s"; exact in milliseconds, or refused. */
bool
value_duration_ms(const struct word *w, uint32_t *ms, const char **expected)
{
	uint64_t n = 0, scale = 1;
	uint32_t unit;
	const char *s = w->s;
	size_t digits = 0;

	*expected = "a time such as 1s, 100ms or 1.5s";
	for (; is_digit(*s) && digits < 9; s++, digits++)
		n = n * 10 + (uint64_t)(*s - '0');
	if (digits == 0)
		return false;
	if (*s == '.') {
		for (s++; is_digit(*s) && scale < 1000000; s++, scale *= 10)
			n = n * 10 + (uint64_t)(*s - '0');
		if (scale == 1)
			return false;
	}
	if (*s == '\0')
		*expected = "a unit behind the number: ms, s, m, h or d";
	if ((unit = unit_ms(s)) == 0)
		return false;
	n *= unit;
	if (n % scale != 0) {
		*expected = "whole milliseconds";
		return false;
	}
	if ((n /= scale) > UINT32_MAX) {
		*expected = "a time below 49 days";
		return false;
	}
	*ms = (uint32_t)n;
	return true;
}

/* "10G", "50M", "4096": binary multiples. */
bool
value_size(const struct word *w, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	struct word number = *w;
	const char *unit = NULL;
	unsigned int shift;
	uint32_t n;

	if (w->len == 0)
		return false;
	if (!is_digit(w->s[w->len - 1])) {
		unit = strchr(units, w->s[w->len - 1]);
		number.len--;
	}
	if (!value_number(&number, &n) ||
	    (unit == NULL && number.len != w->len))
		return false;
	shift = unit == NULL ? 0 : 10 * (unsigned int)(unit - units + 1);
	*bytes = (uint64_t)n << shift;
	return *bytes >> shift == n;
}

bool
value_addr(const struct word *w, struct conf_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, w->s, a->byte) == 1) {
		a->family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, w->s, a->byte) == 1) {
		a->family = 6;
		return true;
	}
	memset(a, 0, sizeof(*a));
	return false;
}

bool
value_name_ok(const struct word *w)
{
	return w->len > 0 && strspn(w->s, SAFE_NAME) == w->len;
}

/* True when a component of the path is "..". */
static bool
climbs(const char *s)
{
	for (; s != NULL; s = strchr(s, '/')) {
		while (*s == '/')
			s++;
		if (strncmp(s, "..", 2) == 0 && (s[2] == '/' || s[2] == '\0'))
			return true;
	}
	return false;
}

const char *
value_path_wrong(const struct word *w)
{
	if (w->len == 0 || w->s[0] != '/')
		return "expected an absolute path";
	if (w->len > CONFIG_PATH_MAX)
		return "expected a path of at most 255 bytes";
	if (climbs(w->s))
		return "expected a path without \"..\"";
	return NULL;
}

/* A word of nothing but these would mean something to a shell only. */
static bool
is_operator(const char *s, size_t len)
{
	return len > 0 && strspn(s, "|&;<>") >= len;
}

/*
 * "/path arg ...": split at blanks by whoever runs it, without a shell, so
 * what only a shell understands is refused instead of passed on as letters.
 */
const char *
value_command_wrong(const struct word *w)
{
	const char *s = w->s;
	size_t len, words = 0;

	if (w->len == 0 || w->s[0] != '/')
		return "expected a program with its absolute path first";
	if (strpbrk(w->s, "\"'`\\") != NULL)
		return "quotes and backslashes mean nothing here, no shell "
		    "runs it: expected \"/path argument ...\"";
	for (; *s != '\0'; s += len) {
		s += strspn(s, " ");
		len = strcspn(s, " ");
		if (is_operator(s, len))
			return "no shell runs it: put pipes and redirections "
			    "into a script";
		if (words == 0 && len > CONFIG_PATH_MAX)
			return "expected a path of at most 255 bytes";
		words += len > 0;
	}
	if (words > COMMAND_WORDS_MAX)
		return "expected at most 32 words";
	return NULL;
}

const char *
addr_text(const struct conf_addr *a, char buf[ADDR_TEXT_MAX])
{
	if (inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->byte, buf,
	    ADDR_TEXT_MAX) == NULL)
		buf[0] = '\0';
	return buf;
}

bool
path_within(const char *path, const char *dir)
{
	size_t n;

	for (;; path += n, dir += n) {
		path += strspn(path, "/");
		dir += strspn(dir, "/");
		n = strcspn(dir, "/");
		if (n == 0)
			return true;
		if (strncmp(path, dir, n) != 0 ||
		    (path[n] != '/' && path[n] != '\0'))
			return false;
	}
}

const char *
size_text(uint64_t bytes, char buf[SIZE_TEXT_MAX])
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(buf, SIZE_TEXT_MAX, "%llu",
		    (unsigned long long)bytes);
	else
		snprintf(buf, SIZE_TEXT_MAX, "%llu%c",
		    (unsigned long long)bytes, units[unit - 1]);
	return buf;
}

/* The largest unit that leaves a number easy to read; 90s stays 90s. */
const char *
duration_text(uint32_t ms, char buf[DURATION_TEXT_MAX])
{
	uint32_t s = ms / 1000, rest = ms % 1000;

	if (s == 0 || rest % 10 != 0)
		snprintf(buf, DURATION_TEXT_MAX, "%ums", ms);
	else if (rest % 100 != 0)
		snprintf(buf, DURATION_TEXT_MAX, "%u.%02us", s, rest / 10);
	else if (rest != 0)
		snprintf(buf, DURATION_TEXT_MAX, "%u.%us", s, rest / 100);
	else if (s >= 2 * 86400 && s % 86400 == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%ud", s / 86400);
	else if (s % 3600 == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%uh", s / 3600);
	else if (s >= 120 && s % 60 == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%um", s / 60);
	else
		snprintf(buf, DURATION_TEXT_MAX, "%us", s);
	return buf;
}
