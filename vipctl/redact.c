/* SPDX-License-Identifier: ISC */

/*
 * vipctl support-bundle: takes secrets out of a text.  Two ways, because one
 * may fail: the values that this node really has, wherever they stand; and
 * whatever looks like a secret, whoever wrote it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bundle.h"

#define VALUE_MIN	4	/* shorter ones would eat the text */
#define HEX_MIN		40	/* a run of digits that is kept in part */
#define HEX_SHOWN	8

static void
add_value(struct redact *r, const char *s)
{
	if (strlen(s) < VALUE_MIN || r->n == REDACT_VALUES_MAX)
		return;
	r->value[r->n] = strdup(s);
	if (r->value[r->n] != NULL)
		r->n++;
}

static void
add_key(struct redact *r, const struct conf_key *k)
{
	static const char digit[] = "0123456789abcdef";
	char hex[2 * CONF_KEY_LEN_MAX + 1];
	size_t i;

	if (k->id == 0 || k->len > CONF_KEY_LEN_MAX)
		return;
	for (i = 0; i < k->len; i++) {
		hex[2 * i] = digit[k->byte[i] >> 4];
		hex[2 * i + 1] = digit[k->byte[i] & 15];
	}
	hex[2 * i] = '\0';
	add_value(r, hex);
	explicit_bzero(hex, sizeof(hex));
}

void
redact_init(struct redact *r, const struct config *c)
{
	const struct pair_secret *s;
	char pass[sizeof(s->carp_key) + 1];
	uint32_t i, k;

	*r = (struct redact){ .n = 0 };
	for (i = 0; c->secrets != NULL && i < c->secrets->npairs; i++) {
		s = &c->secrets->pair[i];
		memcpy(pass, s->carp_key, sizeof(s->carp_key));
		pass[sizeof(s->carp_key)] = '\0';
		if (s->has_carp)
			add_value(r, pass);
		for (k = 0; k < CONF_KEYS_MAX; k++)
			add_key(r, &s->key[k]);
	}
	explicit_bzero(pass, sizeof(pass));
}

void
redact_free(struct redact *r)
{
	while (r->n > 0) {
		r->n--;
		explicit_bzero(r->value[r->n], strlen(r->value[r->n]));
		free(r->value[r->n]);
	}
}

static bool
begins(const char *at, const char *end, const char *word)
{
	const size_t n = strlen(word);

	return (size_t)(end - at) >= n && strncasecmp(at, word, n) == 0;
}

/* Length of a known value at `at`, or 0. */
static size_t
known_value(const struct redact *r, const char *at, const char *end)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (begins(at, end, r->value[i]))
			return strlen(r->value[i]);
	return 0;
}

/* "-----BEGIN ... PRIVATE KEY-----" to its end, or to the end of all. */
static size_t
key_block(const char *at, const char *end)
{
	static const char last[] = "PRIVATE KEY-----";
	const char *p, *line;

	if (!begins(at, end, "-----BEGIN "))
		return 0;
	line = memchr(at, '\n', (size_t)(end - at));
	if (line == NULL)
		line = end;
	if (memmem(at, (size_t)(line - at), last, strlen(last)) == NULL)
		return 0;
	p = memmem(line, (size_t)(end - line), "-----END ", 9);
	if (p != NULL)
		p = memmem(p, (size_t)(end - p), last, strlen(last));
	return p == NULL ? (size_t)(end - at) :
	    (size_t)(p - at) + strlen(last);
}

/* Behind these a value follows, after blanks, '=', ':' and a quote. */
static const char *const secret_words[] = {
	"password", "passphrase", "passwd", "auth_pass", "secret", "token",
	"apikey", "api_key", "carp \"", "hex:",
};

/* The length of the word and what is between it and its value, or 0. */
static size_t
secret_word(const char *at, const char *end)
{
	const char *p;
	size_t i, n;

	for (i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++) {
		n = strlen(secret_words[i]);
		if (!begins(at, end, secret_words[i]))
			continue;
		p = at + n;
		if (secret_words[i][n - 1] == '"' ||
		    secret_words[i][n - 1] == ':')
			return n;
		while (p < end && (*p == '"' || *p == '\''))
			p++;
		/* "secret file ..." names a file, and "secrets" are many. */
		if (p == end || strchr("=: \t", *p) == NULL ||
		    begins(p, end, " file"))
			return 0;
		while (p < end && strchr("=: \t\"'", *p) != NULL)
			p++;
		return (size_t)(p - at);
	}
	return 0;
}

static size_t
value_len(const char *at, const char *end)
{
	const char *p = at;

	while (p < end && !isspace((unsigned char)*p) && *p != '"' &&
	    *p != '\'' && *p != ',' && *p != ';' && *p != '}')
		p++;
	return (size_t)(p - at);
}

/* "://user:word@": the length of what stands between, or 0. */
static size_t
url_login(const char *at, const char *end)
{
	const char *p = at + 3;

	if (!begins(at, end, "://"))
		return 0;
	while (p < end && !isspace((unsigned char)*p) && *p != '/' &&
	    *p != '"' && *p != '@')
		p++;
	return p < end && *p == '@' ? (size_t)(p - at) - 3 : 0;
}

static size_t
hex_run(const char *at, const char *end)
{
	const char *p = at;

	while (p < end && isxdigit((unsigned char)*p))
		p++;
	return p - at >= HEX_MIN ? (size_t)(p - at) : 0;
}

/* Writes what stands for the text at `at`; how much of it that was. */
static size_t
step(FILE *f, const struct redact *r, const char *at, const char *end)
{
	size_t n, v;

	n = known_value(r, at, end);
	if (n == 0)
		n = key_block(at, end);
	if (n > 0) {
		fputs(REDACT_MARK, f);
		return n;
	}
	n = secret_word(at, end);
	v = n > 0 ? value_len(at + n, end) : 0;
	if (v > 0) {
		fwrite(at, 1, n, f);
		fputs(REDACT_MARK, f);
		return n + v;
	}
	n = url_login(at, end);
	if (n > 0) {
		fputs("://" REDACT_MARK, f);
		return n + 3;
	}
	n = hex_run(at, end);
	if (n > 0) {
		fwrite(at, 1, HEX_SHOWN, f);
		fputs("...", f);
		return n;
	}
	fputc(*at, f);
	return 1;
}

char *
redact_text(const struct redact *r, const char *text, size_t len,
    size_t *out_len)
{
	const char *at = text, *end = text + len;
	char *out = NULL;
	FILE *f = open_memstream(&out, out_len);

	if (f == NULL)
		return NULL;
	while (at < end)
		at += step(f, r, at, end);
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
