/* SPDX-License-Identifier: ISC */

/*
 * vipctl pair: the card as text.  It comes from another machine or out of
 * somebody's mail: nothing but the letters a field may have is taken, since
 * some of them go into files that sshd reads line by line.
 */
#include <ctype.h>
#include <string.h>

#include "pair.h"

#define CARD_FIRST	"vipair pair card 1"
#define CARD_LAST	"end of card"
#define LINE_SIZE	1024

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/=";

static bool
only(const char *s, const char *letters)
{
	return *s != '\0' && s[strspn(s, letters)] == '\0';
}

/* "ssh-ed25519 AAAA...": two words, the second base64. */
static bool
is_key(const char *s)
{
	static const char kind[] = "ssh-ed25519 ";
	const size_t n = sizeof(kind) - 1;

	return strncmp(s, kind, n) == 0 && only(s + n, base64);
}

static bool
is_name(const char *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	return only(s, letters) && s[0] != '-' && s[0] != '.';
}

static bool
is_address(const char *s)
{
	return only(s, "0123456789abcdef:.");
}

static bool
copy(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		return false;
	memcpy(to, from, strlen(from) + 1);
	return true;
}

static bool
add_secret(struct card *c, const char *line)
{
	size_t have = strlen(c->secret), len = strlen(line);
	const char *s;

	for (s = line; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	if (have + len + 2 > sizeof(c->secret))
		return false;
	memcpy(c->secret + have, line, len);
	memcpy(c->secret + have + len, "\n", 2);
	return true;
}

/* One field; false: not one, or not with that in it. */
static bool
take_line(struct card *c, const char *word, const char *value)
{
	if (strcmp(word, "pair") == 0)
		return is_name(value) &&
		    copy(c->pair, sizeof(c->pair), value);
	if (strcmp(word, "node") == 0)
		return is_name(value) &&
		    copy(c->node, sizeof(c->node), value);
	if (strcmp(word, "address") == 0)
		return is_address(value) &&
		    copy(c->address, sizeof(c->address), value);
	if (strcmp(word, "key") == 0)
		return is_key(value) && copy(c->key, sizeof(c->key), value);
	if (strcmp(word, "host") == 0)
		return is_key(value) && copy(c->host, sizeof(c->host), value);
	if (strcmp(word, "secret") == 0)
		return add_secret(c, value);
	return false;
}

/* Without its end, and without the \r a terminal on the way adds. */
static bool
next_line(FILE *in, char line[LINE_SIZE])
{
	size_t n;

	if (fgets(line, LINE_SIZE, in) == NULL)
		return false;
	n = strcspn(line, "\r\n");
	line[n] = '\0';
	return true;
}

bool
card_read(FILE *in, struct card *c, char *why, size_t size)
{
	char line[LINE_SIZE], *value;
	bool begun = false;

	memset(c, 0, sizeof(*c));
	while (next_line(in, line)) {
		if (!begun) {	/* greetings, mail headers, sudo */
			begun = strcmp(line, CARD_FIRST) == 0;
			continue;
		}
		if (strcmp(line, CARD_LAST) == 0) {
			if (c->pair[0] != '\0' && c->node[0] != '\0' &&
			    c->address[0] != '\0' && c->key[0] != '\0' &&
			    c->host[0] != '\0')
				return true;
			snprintf(why, size, "the card lacks a line");
			return false;
		}
		value = strchr(line, ' ');
		if (value != NULL)
			*value++ = '\0';
		if (value != NULL && take_line(c, line, value))
			continue;
		snprintf(why, size, "the card has a line that is not "
		    "understood: it begins with \"%.12s\"",
		    isalpha((unsigned char)line[0]) ? line : "?");
		return false;
	}
	snprintf(why, size, "%s", begun ? "the card is cut short" :
	    "no card: it begins with \"" CARD_FIRST "\"");
	return false;
}

void
card_write(FILE *out, const struct card *c)
{
	const char *s = c->secret;
	size_t n;

	fprintf(out, CARD_FIRST "\npair %s\nnode %s\naddress %s\nkey %s\n"
	    "host %s\n", c->pair, c->node, c->address, c->key, c->host);
	while (*s != '\0') {
		n = strcspn(s, "\n");
		if (n > 0)
			fprintf(out, "secret %.*s\n", (int)n, s);
		s += n + (s[n] == '\n');
	}
	fputs(CARD_LAST "\n", out);
	fflush(out);
}
