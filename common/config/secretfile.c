/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl as root: reads a pair's secret file.
 * It must be root's alone, its text is never shown, and every byte of it is
 * wiped here or by config_free().
 *
 *	carp "passphrase"
 *	key 1 hex:0001...
 *	active 1
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast.h"

#define SECRET_FILE_MAX	8192
#define BLANKS		" \t\r"

/* One line being read. */
struct line {
	struct config_file *f;
	const char	*file;
	struct pair_secret *s;
	const char	*start, *p;	/* where we are */
	const char	*end;		/* behind the last byte */
	uint32_t	number;
};

static struct place
here(const struct line *l)
{
	return (struct place){ l->number,
	    (uint32_t)(l->p - l->start) + 1, 1 };
}

#define secret_error(l, hint, ...) \
	problem_add_in((l)->f, (l)->file, here(l), hint, __VA_ARGS__)

static void
skip(struct line *l)
{
	while (l->p < l->end && strchr(BLANKS, *l->p) != NULL &&
	    *l->p != '\0')
		l->p++;
}

static size_t
word_len(const struct line *l)
{
	const char *p = l->p;

	while (p < l->end && strchr(BLANKS "\"#", *p) == NULL)
		p++;
	return (size_t)(p - l->p);
}

static bool
is_word(const struct line *l, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(l->p, word, len) == 0;
}

static void
expect_end(struct line *l)
{
	skip(l);
	if (l->p < l->end && *l->p != '#')
		secret_error(l, NULL, "expected the end of the line");
}

static bool
read_id(struct line *l, uint8_t *id)
{
	uint32_t n = 0;
	size_t i, len;

	skip(l);
	len = word_len(l);
	for (i = 0; i < len && i < 4 && l->p[i] >= '0' && l->p[i] <= '9'; i++)
		n = n * 10 + (uint32_t)(l->p[i] - '0');
	if (len == 0 || i != len || n < 1 || n > 255) {
		secret_error(l, NULL, "expected a key number from 1 to 255");
		return false;
	}
	l->p += len;
	*id = (uint8_t)n;
	return true;
}

static void
read_carp(struct line *l)
{
	uint8_t pass[CONF_CARP_PASS_MAX];
	size_t n = 0;

	skip(l);
	if (l->s->has_carp) {
		secret_error(l, NULL, "\"carp\" is given twice");
		return;
	}
	if (l->p == l->end || *l->p != '"') {
		secret_error(l, NULL, "expected the passphrase in quotes");
		return;
	}
	for (l->p++; l->p < l->end && *l->p != '"'; l->p++) {
		if (*l->p == '\\' && l->end - l->p > 1 &&
		    (l->p[1] == '"' || l->p[1] == '\\'))
			l->p++;
		if (n < sizeof(pass))
			pass[n] = (uint8_t)*l->p;
		n++;
	}
	if (l->p == l->end)
		secret_error(l, NULL, "passphrase without closing quote");
	else if (n == 0 || n > sizeof(pass))
		secret_error(l, "ucarp and OpenBSD take no longer one",
		    "expected a passphrase of 1 to %u bytes",
		    CONF_CARP_PASS_MAX);
	else {
		memcpy(l->s->carp_key, pass, n);
		l->s->has_carp = true;
		l->p++;
		expect_end(l);
	}
	explicit_bzero(pass, sizeof(pass));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "hex:" and two digits a byte. */
static bool
read_hex(struct line *l, struct conf_key *k)
{
	size_t len, i;
	int high, low;

	skip(l);
	len = word_len(l);
	if (len < 4 || memcmp(l->p, "hex:", 4) != 0) {
		secret_error(l, NULL, "expected hex: and the key");
		return false;
	}
	l->p += 4;
	len -= 4;
	if (len % 2 != 0 || len / 2 < CONF_KEY_LEN_MIN ||
	    len / 2 > CONF_KEY_LEN_MAX) {
		secret_error(l, "vipair(7) says how to make one", "expected a "
		    "key of "
		    "%u to %u bytes, two hex digits each", CONF_KEY_LEN_MIN,
		    CONF_KEY_LEN_MAX);
		return false;
	}
	for (i = 0; i < len; i += 2, l->p += 2) {
		high = hex_digit(l->p[0]);
		low = hex_digit(l->p[1]);
		if (high < 0 || low < 0) {
			secret_error(l, NULL, "expected hex digits");
			return false;
		}
		k->byte[i / 2] = (uint8_t)(high * 16 + low);
	}
	k->len = (uint8_t)(len / 2);
	return true;
}

static bool
has_key(const struct pair_secret *s, uint8_t id)
{
	uint8_t i;

	for (i = 0; i < s->nkeys; i++)
		if (s->key[i].id == id)
			return true;
	return false;
}

static void
read_key(struct line *l)
{
	static const uint8_t zero[CONF_KEY_LEN_MAX];
	struct conf_key k = { 0 };

	if (!read_id(l, &k.id))
		return;
	if (has_key(l->s, k.id)) {
		secret_error(l, NULL, "key %u is given twice", k.id);
	} else if (l->s->nkeys == CONF_KEYS_MAX) {
		secret_error(l, NULL, "expected at most %u keys",
		    CONF_KEYS_MAX);
	} else if (read_hex(l, &k)) {
		if (memcmp(k.byte, zero, k.len) == 0)
			secret_error(l, "vipair(7) says how to make one",
			    "key %u is all zeros", k.id);
		l->s->key[l->s->nkeys++] = k;
		expect_end(l);
	}
	explicit_bzero(&k, sizeof(k));
}

static void
read_active(struct line *l)
{
	if (l->s->active != 0) {
		secret_error(l, NULL, "\"active\" is given twice");
		return;
	}
	if (read_id(l, &l->s->active))
		expect_end(l);
}

static void
unknown_item(struct line *l, size_t len)
{
	static const char *const word[] = { "carp", "key", "active" };
	char wrong[16] = "", hint[64];
	const char *near;

	/* The word itself may be a secret in the wrong place: not shown. */
	if (len < sizeof(wrong))
		memcpy(wrong, l->p, len);
	near = config_suggest(wrong, word, 3);
	snprintf(hint, sizeof(hint), "did you mean \"%s\"?",
	    near == NULL ? "" : near);
	secret_error(l, near == NULL ? NULL : hint,
	    "unknown word: expected \"carp\", \"key\" or \"active\"");
	explicit_bzero(wrong, sizeof(wrong));
}

static void
read_line(struct line *l)
{
	size_t len;

	skip(l);
	if (l->p == l->end || *l->p == '#')
		return;
	if (memchr(l->p, '\0', (size_t)(l->end - l->p)) != NULL) {
		secret_error(l, NULL, "a NUL byte: expected text");
		return;
	}
	len = word_len(l);
	if (is_word(l, len, "carp")) {
		l->p += len;
		read_carp(l);
	} else if (is_word(l, len, "key")) {
		l->p += len;
		read_key(l);
	} else if (is_word(l, len, "active")) {
		l->p += len;
		read_active(l);
	} else {
		unknown_item(l, len);
	}
}

static void
read_lines(struct config_file *f, const char *file, struct pair_secret *s,
    const char *text, size_t len)
{
	struct line l = { .f = f, .file = file, .s = s, .end = text };
	const char *eof = text + len;
	uint32_t errors = f->c->nerrors;

	while (l.end < eof) {
		l.start = l.p = l.end;
		l.end = memchr(l.p, '\n', (size_t)(eof - l.p));
		if (l.end == NULL)
			l.end = eof;
		l.number++;
		read_line(&l);
		l.end += l.end < eof;
	}
	if (f->c->nerrors != errors)
		return;
	if (s->nkeys == 1 && s->active == 0)
		s->active = s->key[0].id;
	if (s->nkeys == 0 && !s->has_carp)
		problem_add_in(f, file, PLACE_FILE, "vipair(7) says how to make one",
		    "neither a key nor a carp passphrase");
	else if (s->nkeys > 0 && s->active == 0)
		problem_add_in(f, file, PLACE_FILE, "add: active N",
		    "several keys: expected a line that names the active one");
	else if (s->active != 0 && !has_key(s, s->active))
		problem_add_in(f, file, PLACE_FILE, NULL,
		    "active key %u is not in the file", s->active);
}

/* NULL, or why a file of these properties may not hold secrets. */
static const char *
careless(const struct stat *st, const char **hint)
{
	*hint = NULL;
	if (!S_ISREG(st->st_mode))
		return "expected a regular file";
	if (st->st_uid != 0) {
		*hint = "chown root:root it; and if it was another user's, "
		    "make a new secret";
		return "expected root to be its owner";
	}
	if ((st->st_mode & 077) != 0) {
		*hint = "chmod 600 it; and if others could read it, make a "
		    "new secret";
		return "expected no access for group and others";
	}
	if (st->st_size > SECRET_FILE_MAX)
		return "expected at most 8192 bytes";
	return NULL;
}

static int
secret_open(struct config_file *f, const struct word *w)
{
	char path[SHOWN_MAX];
	const char *why, *hint = NULL;
	struct stat st;
	int fd;

	/* O_NONBLOCK: a FIFO must not hold us up. */
	fd = open(w->s, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		why = strerror(errno);
		if (errno == ELOOP)
			why = "expected a regular file, not a symbolic link";
		if (errno == ENOENT)
			hint = "'vipctl pair' makes it, see vipctl(8)";
	} else if (fstat(fd, &st) == -1) {
		why = strerror(errno);
	} else {
		why = careless(&st, &hint);
	}
	if (why == NULL)
		return fd;
	config_error(f, w->at, hint, "secret file \"%s\": %s", shown(w, path),
	    why);
	if (fd != -1)
		close(fd);
	return -1;
}

static void
secret_read(struct config_file *f, struct ast_pair *p)
{
	char text[SECRET_FILE_MAX];
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	if ((fd = secret_open(f, &p->secret_file)) == -1)
		return;
	if ((p->secret = calloc(1, sizeof(*p->secret))) == NULL)
		abort();
	while (len < sizeof(text) &&
	    (n = read(fd, text + len, sizeof(text) - len)) > 0)
		len += (size_t)n;
	if (n == -1)
		config_error(f, p->secret_file.at, NULL, "secret file: %s",
		    strerror(errno));
	else
		read_lines(f, p->secret_file.s, p->secret, text, len);
	close(fd);
	explicit_bzero(text, sizeof(text));
}

/* What is allowed but weak. */
static void
warn_weak(struct config_file *f, const struct ast_pair *p)
{
	const struct ast_node *n;
	char name[SHOWN_MAX];
	bool keys = p->secret == NULL ? is_set(&p->secret_file) :
	    p->secret->nkeys > 0;

	if (!is_set(&p->secret_file)) {
		config_warn(f, p->at, "vipair(7) says how to make one: "
		    "secret file \"/etc/vipair/vpn.secret\"",
		    "no secret file: adverts are not authenticated, anybody "
		    "on the LAN can take the address");
		return;
	}
	if (!keys)
		config_warn(f, p->secret_file.at,
		    "vipair(7) says how to make one",
		    p->protocol_value == PROTOCOL_CARP ?
		    "no key in the secret file: adverts can be replayed" :
		    "no key in the secret file: adverts are not "
		    "authenticated");
	for (n = p->node; n != NULL && keys; n = n->next)
		if (place_is_set(n->foreign))
			config_warn(f, n->foreign, "its place on the LAN has "
			    "to be trusted", "adverts of foreign node \"%s\" "
			    "carry no trailer: the key does not protect "
			    "against forged ones", shown(&n->name, name));
}

void
check_secret(struct config_file *f, struct ast_pair *p)
{
	uint32_t errors = f->c->nerrors;

	if (is_set(&p->secret_file) && p->secret_file.bad)
		return;
	if (f->mode == CONFIG_FULL && is_set(&p->secret_file))
		secret_read(f, p);
	if (f->c->nerrors == errors && !p->broken)
		warn_weak(f, p);
}
