/* SPDX-License-Identifier: ISC */

/*
 * Small text files of the store: a first line that says what it is, lines of
 * a word and a value, and a last line with the hash of all before it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

#define SUM	"sum "

/* Cuts the sum off; false when it is not the text's. */
static bool
check_sum(char *text, size_t len)
{
	size_t tail = sizeof(SUM) - 1 + HASH_HEX + 1;
	struct hash sum, written;

	if (len < tail || strlen(text) != len || text[len - 1] != '\n' ||
	    memcmp(text + len - tail, SUM, sizeof(SUM) - 1) != 0)
		return false;
	if (!hash_parse(text + len - 1 - HASH_HEX, HASH_HEX, &written))
		return false;
	hash_of(text, len - tail, &sum);
	text[len - tail] = '\0';
	return hash_equal(&sum, &written);
}

char *
record_read(int dir, const char *name, const char *magic, char **body)
{
	size_t len, head = strlen(magic);
	char *text = file_read(dir, name, RECORD_MAX, &len);

	if (text == NULL)
		return NULL;
	if (!check_sum(text, len) || strncmp(text, magic, head) != 0 ||
	    text[head] != '\n') {
		free(text);
		errno = EBADMSG;
		return NULL;
	}
	*body = text + head + 1;
	return text;
}

int
record_write(int dir, const char *name, const char *magic, const char *body,
    const char *what)
{
	size_t len, size = strlen(magic) + strlen(body) + 128;
	char hex[HASH_HEX + 1], *text = malloc(size);
	struct hash sum;
	int error, rc;

	if (text == NULL)
		return -1;
	len = strlen(magic);
	memcpy(text, magic, len);
	text[len++] = '\n';
	memcpy(text + len, body, strlen(body));
	len += strlen(body);
	hash_of(text, len, &sum);
	len += fmt_into(text + len, size - len, SUM "%s\n",
	    hash_hex(&sum, hex));
	rc = file_publish(dir, name, text, len, what);
	error = errno;
	free(text);
	errno = error;
	return rc;
}

/* The value of the line at *at if its word is right, cut at its end. */
static char *
take_value(char **at, const char *word)
{
	size_t len = strlen(word);
	char *end, *value = *at + len + 1;

	if (strncmp(*at, word, len) != 0 || (*at)[len] != ' ')
		return NULL;
	end = strchr(value, '\n');
	if (end == NULL)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return value;
}

bool
record_u64(char **at, const char *word, uint64_t *v)
{
	const char *s = take_value(at, word);

	if (s == NULL || *s == '\0' || strlen(s) > 19)
		return false;
	for (*v = 0; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		*v = *v * 10 + (uint64_t)(*s - '0');
	}
	return true;
}

bool
record_hash(char **at, const char *word, struct hash *h)
{
	const char *s = take_value(at, word);

	return s != NULL && hash_parse(s, strlen(s), h);
}

bool
record_text(char **at, const char *word, char *buf, size_t size)
{
	const char *s = take_value(at, word);

	if (s == NULL || strlen(s) >= size)
		return false;
	memcpy(buf, s, strlen(s) + 1);
	return true;
}
