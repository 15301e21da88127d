/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: the text of the file cut into words.
 * A line feed or semicolon ends a statement and is a token; so are braces
 * and the comma.  Any other run of letters is a word of the grammar or a
 * value; "..." is always a value, with \" and \\ inside.  # begins a comment
 * where a word could begin.
 */
#include <assert.h>
#include <string.h>

#include "ast.h"
#include "parse.h"

struct keyword {
	const char	*word;
	int		token;
	const char	*wants;		/* the value behind it, if one comes */
};

/* Sorted by word, for bsearch and for the reader. */
static const struct keyword keywords[] = {
	{ "active",	T_ACTIVE,	NULL },
	{ "address",	T_ADDRESS,	"an IPv4 address" },
	{ "advertise",	T_ADVERTISE,	NULL },
	{ "after",	T_AFTER,	"a number of failed checks" },
	{ "and",	T_AND,		NULL },
	{ "at",		T_AT,		NULL },
	{ "authentication", T_AUTHENTICATION, NULL },
	{ "bandwidth",	T_BANDWIDTH,	"bytes a second such as 50M" },
	{ "base",	T_BASE,		"an absolute path in quotes" },
	{ "before",	T_BEFORE,	NULL },
	{ "capture",	T_CAPTURE,	NULL },
	{ "carp",	T_CARP,		NULL },
	{ "change",	T_CHANGE,	NULL },
	{ "check",	T_CHECK,	"a command in quotes" },
	{ "claim",	T_CLAIM,	NULL },
	{ "directory",	T_DIRECTORY,	"an absolute path in quotes" },
	{ "enforce",	T_ENFORCE,	NULL },
	{ "every",	T_EVERY,	"a time such as 1s or 100ms" },
	{ "exec",	T_EXEC,		"a command in quotes" },
	{ "file",	T_FILE,		"a path in quotes" },
	{ "flap",	T_FLAP,		NULL },
	{ "foreign",	T_FOREIGN,	NULL },
	{ "generations", T_GENERATIONS,	NULL },
	{ "give",	T_GIVE,		NULL },
	{ "healthy",	T_HEALTHY,	NULL },
	{ "heartbeat",	T_HEARTBEAT,	NULL },
	{ "http",	T_HTTP,		"a URL in quotes" },
	{ "in",		T_IN,		"a time such as 10m" },
	{ "interface",	T_INTERFACE,	"the name of a network interface" },
	{ "keep",	T_KEEP,		"a number of generations" },
	{ "limit",	T_LIMIT,	"a number of takeovers" },
	{ "listen",	T_LISTEN,	NULL },
	{ "mac",	T_MAC,		NULL },
	{ "most",	T_MOST,		"a size such as 10G" },
	{ "never",	T_NEVER,	"a pattern in quotes" },
	{ "node",	T_NODE,		"the name of a node" },
	{ "notify",	T_NOTIFY,	NULL },
	{ "on",		T_ON,		NULL },
	{ "optional",	T_OPTIONAL,	NULL },
	{ "page",	T_PAGE,		NULL },
	{ "pair",	T_PAIR,		"the name of the pair" },
	{ "partner",	T_PARTNER,	NULL },
	{ "permissive",	T_PERMISSIVE,	NULL },
	{ "port",	T_PORT,		"a port number" },
	{ "preempt",	T_PREEMPT,	NULL },
	{ "prefer",	T_PREFER,	NULL },
	{ "preset",	T_PRESET,	"the name of a preset" },
	{ "priority",	T_PRIORITY,	"a number from 1 to 254" },
	{ "protocol",	T_PROTOCOL,	NULL },
	{ "receive-only", T_RECEIVE_ONLY, NULL },
	{ "run",	T_RUN,		NULL },
	{ "secret",	T_SECRET,	NULL },
	{ "service",	T_SERVICE,	"the name of a systemd unit" },
	{ "skew",	T_SKEW,		"a number from 0 to 254" },
	{ "spacing",	T_SPACING,	"a time such as 20ms" },
	{ "sqlite",	T_SQLITE,	"a path in quotes" },
	{ "ssh",	T_SSH,		NULL },
	{ "start",	T_START,	"a command in quotes" },
	{ "state",	T_STATE,	NULL },
	{ "status",	T_STATUS,	"an HTTP status such as 200" },
	{ "stop",	T_STOP,		"a command in quotes" },
	{ "store",	T_STORE,	NULL },
	{ "sync",	T_SYNC,		NULL },
	{ "takeovers",	T_TAKEOVERS,	NULL },
	{ "tcp",	T_TCP,		NULL },
	{ "timeout",	T_TIMEOUT,	"a time such as 90s" },
	{ "together",	T_TOGETHER,	"the names of pairs" },
	{ "track",	T_TRACK,	NULL },
	{ "tree",	T_TREE,		"a path in quotes" },
	{ "unicast",	T_UNICAST,	NULL },
	{ "unit",	T_UNIT,		NULL },
	{ "up",		T_UP,		NULL },
	{ "vhid",	T_VHID,		"a number from 1 to 255" },
	{ "virtual",	T_VIRTUAL,	NULL },
	{ "vrrp",	T_VRRP,		"the version, 2 or 3" },
	{ "web",	T_WEB,		NULL },
	{ "when",	T_WHEN,		NULL },
};

#define NKEYWORDS	(sizeof(keywords) / sizeof(keywords[0]))

const char *
config_keyword(size_t i)
{
	return i < NKEYWORDS ? keywords[i].word : NULL;
}

static const struct keyword *
keyword_find(const char *s)
{
	size_t low = 0, high = NKEYWORDS, mid;
	int order;

	while (low < high) {
		mid = (low + high) / 2;
		order = strcmp(s, keywords[mid].word);
		if (order == 0)
			return &keywords[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

void
lexer_start(struct config_file *f)
{
	f->pos = 0;
	f->line = f->column = 1;
	f->last_token = T_NL;
	/* What some editors write first; no letter of ours. */
	if (f->len >= 3 && memcmp(f->text, "\xef\xbb\xbf", 3) == 0)
		f->pos = 3;
}

static unsigned char
peek(const struct config_file *f)
{
	return (unsigned char)f->text[f->pos];
}

static bool
at_end(const struct config_file *f)
{
	return f->pos == f->len;
}

static void
step(struct config_file *f)
{
	if (peek(f) == '\n') {
		f->line++;
		f->column = 1;
	} else {
		f->column++;
	}
	f->pos++;
}

static bool
is_control(unsigned char ch)
{
	return (ch < 0x20 && ch != '\t' && ch != '\n') || ch == 0x7f;
}

/* Of a word: printable, and not what separates words. */
static bool
is_word(unsigned char ch)
{
	return ch > 0x20 && ch != 0x7f && strchr("{}\",;", ch) == NULL;
}

static void
complain_control(struct config_file *f, struct place at)
{
	f->error_line = at.line;
	if (f->said_control)
		return;
	f->said_control = true;
	config_error(f, at, "is this a text file?",
	    "byte 0x%02x is not text: expected letters, digits and signs",
	    peek(f));
}

/* Blanks, comments, and control bytes, which are complained about. */
static void
skip_blanks(struct config_file *f)
{
	for (; !at_end(f); step(f)) {
		if (peek(f) == '#')
			while (!at_end(f) && peek(f) != '\n')
				step(f);
		if (at_end(f) || peek(f) == '\n')
			return;
		if (peek(f) == '\r' && f->text[f->pos + 1] == '\n')
			continue;
		if (is_control(peek(f)))
			complain_control(f, (struct place){ f->line,
			    f->column, 1 });
		else if (peek(f) != ' ' && peek(f) != '\t')
			return;
	}
}

static void
complain_long(struct config_file *f, struct place at, struct word *w)
{
	config_error(f, at, NULL, "longer than %u bytes: expected a word or "
	    "string of at most that many", WORD_LEN_MAX);
	f->error_line = at.line;
	w->bad = true;
}

/* Behind the opening quote.  Ends at the closing one or with the line. */
static int
read_string(struct config_file *f, struct word *w, struct place *at)
{
	char buf[WORD_LEN_MAX];
	size_t len = 0;
	bool closed = false, fits = true;

	for (step(f); !at_end(f) && peek(f) != '\n' && !closed; step(f)) {
		if (is_control(peek(f)) || peek(f) == '\t') {
			complain_control(f, (struct place){ f->line,
			    f->column, 1 });
			w->bad = true;
			continue;
		}
		if (peek(f) == '"') {
			closed = true;
			continue;
		}
		if (peek(f) == '\\' && (f->text[f->pos + 1] == '"' ||
		    f->text[f->pos + 1] == '\\'))
			step(f);
		if (len < sizeof(buf))
			buf[len++] = (char)peek(f);
		else
			fits = false;
	}
	at->len = f->column > at->column ? f->column - at->column : 1;
	if (!closed) {
		config_error(f, *at, "end the string with a \" on its line",
		    "string without end");
		f->error_line = at->line;
		w->bad = true;
	} else if (!fits) {
		complain_long(f, *at, w);
	}
	w->s = arena_copy(f, buf, len);
	w->len = (uint32_t)len;
	return T_STRING;
}

static int
read_word(struct config_file *f, struct word *w, struct place *at)
{
	const struct keyword *k;
	size_t start = f->pos;

	while (!at_end(f) && is_word(peek(f)))
		step(f);
	w->len = at->len = (uint32_t)(f->pos - start);
	if (w->len > WORD_LEN_MAX) {
		complain_long(f, *at, w);
		w->len = WORD_LEN_MAX;
	}
	w->s = arena_copy(f, f->text + start, w->len);
	k = keyword_find(w->s);
	f->last.wants = k == NULL ? NULL : k->wants;
	return k == NULL ? T_WORD : k->token;
}

static int
read_token(struct config_file *f, struct word *w, struct place *at)
{
	int token;

	skip_blanks(f);
	*at = (struct place){ f->line, f->column, 1 };
	*w = (struct word){ 0 };
	if (at_end(f))
		/* The last line may lack its line feed. */
		return f->last_token == T_NL ? T_END : T_NL;
	switch (peek(f)) {
	case '"':
		token = read_string(f, w, at);
		break;
	case '\n':
	case ';':
		step(f);
		token = T_NL;
		break;
	case '{':
		step(f);
		token = T_OPEN;
		break;
	case '}':
		step(f);
		token = T_CLOSE;
		break;
	case ',':
		step(f);
		token = T_COMMA;
		break;
	default:
		token = read_word(f, w, at);
		break;
	}
	w->at = *at;
	return token;
}

/*
 * After a syntax error: the rest of the line goes, and a block that begins
 * in it goes with it, so that one mistake is one message.
 */
void
lexer_panic(struct config_file *f, int token)
{
	if (token == T_NL || token == T_END || token == T_CLOSE)
		return;
	f->panic = true;
	f->panic_depth = token == T_OPEN;
	if (token == T_OPEN)
		f->depth--;
}

static int
skip_bad(struct config_file *f, int token, struct word *w, struct place *at)
{
	for (;; token = read_token(f, w, at)) {
		f->last_token = token;
		if (token == T_OPEN) {
			f->panic_depth++;
		} else if (token == T_CLOSE && f->panic_depth > 0) {
			f->panic_depth--;
		} else if (token == T_END || (f->panic_depth == 0 &&
		    (token == T_CLOSE || token == T_NL))) {
			f->panic = false;
			return token;
		}
	}
}

int
lexer_next(struct config_file *f, struct word *w, struct place *at)
{
	int token;

	f->before = f->last;
	f->last = (struct ast_last){ 0 };
	token = read_token(f, w, at);
	if (f->panic)
		token = skip_bad(f, token, w, at);
	f->last_token = token;
	f->last.word = *w;
	if (token == T_OPEN) {
		if (f->depth < BLOCK_DEPTH_MAX)
			f->open_at[f->depth] = *at;
		f->depth++;
	} else if (token == T_CLOSE && f->depth > 0) {
		f->depth--;
	}
	assert(f->pos <= f->len);
	return token;
}
