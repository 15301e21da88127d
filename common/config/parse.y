/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: the grammar of the configuration.
 * Fills the syntax tree with words as typed; what they mean is check.c's.
 *
 * A statement of a pair ends with its line.  In the blocks inside a pair
 * statements may share a line: each begins with a word of its own.
 *
 * A syntax error costs its line (and the block that begins in it), no more:
 * the rest of the file is read, so that all errors are found in one go.
 */
%define api.pure full
%define api.location.type {struct place}
%define parse.error custom
%define parse.lac full
%locations
%param {struct config_file *f}

%code requires {
#include "ast.h"
}

%code {
#include <assert.h>
#include <string.h>

/* The place of a rule is the place of its first word. */
#define YYLLOC_DEFAULT(cur, rhs, n) \
	((cur) = (n) ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))

static int	yylex(YYSTYPE *, YYLTYPE *, struct config_file *);
static void	yyerror(YYLTYPE *, struct config_file *, const char *);

#define PAIR	(f->open)
#define NODE	(f->open->last_node)
#define SERVICE	(f->open->open_service)
#define SYNC	(f->open->open_sync)
#define NONE	((struct word){ 0 })
#define once(slot, key, what, value) \
	tree_set_once(f, slot, (key).at, what, value)
#define flag(slot, key, what) \
	tree_set_flag(f, slot, (key).at, what)
#define refuse(key, what) \
	tree_not_available(f, key, what)
}

%union {
	struct word	word;
	struct word_list *list;
	bool	given;
}

%token		T_END 0	"the end of the file"
%token		T_NL	"the end of the line"
%token <word>	T_OPEN	"{"
%token		T_CLOSE	"}"
%token		T_COMMA	","
%token <word>	T_WORD	"a word"
%token <word>	T_STRING "a string"
%token <word>	T_ACTIVE	"active"
%token <word>	T_ADDRESS	"address"
%token <word>	T_ADVERTISE	"advertise"
%token <word>	T_AFTER	"after"
%token <word>	T_AND	"and"
%token <word>	T_AT	"at"
%token <word>	T_AUTHENTICATION	"authentication"
%token <word>	T_BANDWIDTH	"bandwidth"
%token <word>	T_BASE	"base"
%token <word>	T_BEFORE	"before"
%token <word>	T_CAPTURE	"capture"
%token <word>	T_CARP	"carp"
%token <word>	T_CHANGE	"change"
%token <word>	T_CHECK	"check"
%token <word>	T_CLAIM	"claim"
%token <word>	T_DIRECTORY	"directory"
%token <word>	T_ENFORCE	"enforce"
%token <word>	T_EVERY	"every"
%token <word>	T_EXEC	"exec"
%token <word>	T_FILE	"file"
%token <word>	T_FLAP	"flap"
%token <word>	T_FOREIGN	"foreign"
%token <word>	T_GENERATIONS	"generations"
%token <word>	T_GIVE	"give"
%token <word>	T_HEALTHY	"healthy"
%token <word>	T_HEARTBEAT	"heartbeat"
%token <word>	T_HTTP	"http"
%token <word>	T_IN	"in"
%token <word>	T_INTERFACE	"interface"
%token <word>	T_KEEP	"keep"
%token <word>	T_LIMIT	"limit"
%token <word>	T_LISTEN	"listen"
%token <word>	T_MAC	"mac"
%token <word>	T_MOST	"most"
%token <word>	T_NEVER	"never"
%token <word>	T_NODE	"node"
%token <word>	T_NOTIFY	"notify"
%token <word>	T_ON	"on"
%token <word>	T_OPTIONAL	"optional"
%token <word>	T_PAGE	"page"
%token <word>	T_PAIR	"pair"
%token <word>	T_PARTNER	"partner"
%token <word>	T_PERMISSIVE	"permissive"
%token <word>	T_PORT	"port"
%token <word>	T_PREEMPT	"preempt"
%token <word>	T_PREFER	"prefer"
%token <word>	T_PRESET	"preset"
%token <word>	T_PRIORITY	"priority"
%token <word>	T_PROTOCOL	"protocol"
%token <word>	T_RECEIVE_ONLY	"receive-only"
%token <word>	T_RUN	"run"
%token <word>	T_SECRET	"secret"
%token <word>	T_SERVICE	"service"
%token <word>	T_SKEW	"skew"
%token <word>	T_SPACING	"spacing"
%token <word>	T_SQLITE	"sqlite"
%token <word>	T_SSH	"ssh"
%token <word>	T_START	"start"
%token <word>	T_STATE	"state"
%token <word>	T_STATUS	"status"
%token <word>	T_STOP	"stop"
%token <word>	T_STORE	"store"
%token <word>	T_SYNC	"sync"
%token <word>	T_TAKEOVERS	"takeovers"
%token <word>	T_TCP	"tcp"
%token <word>	T_TIMEOUT	"timeout"
%token <word>	T_TOGETHER	"together"
%token <word>	T_TRACK	"track"
%token <word>	T_TREE	"tree"
%token <word>	T_UNICAST	"unicast"
%token <word>	T_UNIT	"unit"
%token <word>	T_UP	"up"
%token <word>	T_VHID	"vhid"
%token <word>	T_VIRTUAL	"virtual"
%token <word>	T_VRRP	"vrrp"
%token <word>	T_WEB	"web"
%token <word>	T_WHEN	"when"

%type <word>	value auth_mode http_status
%type <list>	values
%type <given>	optional

%initial-action {
	@$ = (struct place){ 1, 1, 1 };
}

%%

file:	  %empty
	| file T_NL
	| file top T_NL
	| file error T_NL		{ tree_line_lost(f); yyerrok; }
	;

top:	  T_RUN T_DIRECTORY value {
		once(&f->run_dir, $1, "run directory", $3);
	}
	| T_STATE T_DIRECTORY value {
		once(&f->state_dir, $1, "state directory", $3);
	}
	| pair
	| T_TOGETHER values		{ refuse($1, "together"); }
	| T_STATUS T_WEB T_PAGE T_OPEN nls T_LISTEN T_ON value T_PORT value
	  nls T_CLOSE {
		refuse($1, "status web page");
	}
	;

pair:	  pair_head T_OPEN pair_body pair_last T_CLOSE {
		f->open = NULL;
	}
	;

pair_head:
	  T_PAIR value nls		{ tree_pair_open(f, @1, $2); }
	| T_PAIR {
		config_error(f, @1, "write: pair \"name\" {",
		    "\"pair\" wants the name of the pair");
		tree_pair_open(f, @1, (struct word){ .s = "", .bad = true,
		    .at = @1 });
	}
	;

nls:	  %empty
	| nls T_NL
	;

pair_body:
	  %empty
	| pair_body T_NL
	| pair_body pair_line T_NL
	| pair_body error T_NL		{ tree_line_lost(f); yyerrok; }
	;

pair_last:
	  %empty
	| pair_line
	| error				{ tree_line_lost(f); yyerrok; }
	;

pair_line:
	  T_VIRTUAL T_ADDRESS value	{ tree_add_address(f, $3); }
	| T_VIRTUAL T_MAC		{ refuse($1, "virtual mac"); }
	| node
	| T_INTERFACE value {
		once(&PAIR->interface, $1, "interface", $2);
	}
	| T_PROTOCOL T_CARP {
		once(&PAIR->protocol, $1, "protocol", $2);
	}
	| T_PROTOCOL T_VRRP value {
		once(&PAIR->protocol, $1, "protocol", $2);
		PAIR->version = $3;
	}
	| T_VHID value			{ once(&PAIR->vhid, $1, "vhid", $2); }
	| T_ADVERTISE T_EVERY value {
		once(&PAIR->interval, $1, "advertise every", $3);
	}
	| T_CLAIM T_SPACING value {
		once(&PAIR->spacing, $1, "claim spacing", $3);
	}
	| T_SECRET T_FILE value {
		once(&PAIR->secret_file, $1, "secret file", $3);
	}
	| T_AUTHENTICATION auth_mode {
		once(&PAIR->auth, $1, "authentication", $2);
	}
	| T_UNICAST			{ refuse($1, "unicast"); }
	| T_HEARTBEAT heartbeat		{ refuse($1, "heartbeat"); }
	| T_PREEMPT			{ flag(&PAIR->preempt, $1, "preempt"); }
	| T_TRACK T_INTERFACE value	{ tree_add_track(f, $3); }
	| T_TRACK T_EXEC value		{ refuse($1, "track exec"); }
	| T_PRESET value		{ refuse($1, "preset"); }
	| T_PARTNER T_SSH T_PORT value {
		once(&PAIR->ssh_port, $1, "partner ssh port", $4);
	}
	| T_FLAP T_LIMIT value T_TAKEOVERS T_IN value {
		once(&PAIR->flap_limit, $1, "flap limit", $3);
		PAIR->flap_window = $6;
	}
	| T_NOTIFY T_EXEC value {
		once(&PAIR->notify, $1, "notify exec", $3);
	}
	| service
	| sync
	;

auth_mode:
	  T_ENFORCE
	| T_PERMISSIVE
	| T_RECEIVE_ONLY
	;

heartbeat:
	  T_INTERFACE value
	| T_UNICAST
	;

node:	  node_head node_words
	;

node_head:
	  T_NODE value T_ADDRESS value	{ tree_add_node(f, $1, $2, $4); }
	;

node_words:
	  %empty
	| node_words node_word
	;

node_word:
	  T_PREFER			{ flag(&NODE->prefer, $1, "prefer"); }
	| T_FOREIGN			{ flag(&NODE->foreign, $1, "foreign"); }
	| T_PRIORITY value {
		once(&NODE->priority, $1, "priority", $2);
	}
	| T_SKEW value			{ once(&NODE->skew, $1, "skew", $2); }
	| T_INTERFACE value {
		once(&NODE->interface, $1, "interface", $2);
	}
	;

service:  service_head
	| service_head T_OPEN service_body T_CLOSE
	| service_head T_OPEN service_body error T_CLOSE {
		tree_line_lost(f);
		yyerrok;
	}
	;

service_head:
	  T_SERVICE value	{ tree_service_open(f, $1, SERVICE_UNIT, $2); }
	| T_SERVICE T_EXEC {
		tree_service_open(f, $1, SERVICE_EXEC, NONE);
	}
	;

service_body:
	  %empty
	| service_body T_NL
	| service_body service_line
	| service_body error T_NL	{ tree_line_lost(f); yyerrok; }
	;

service_line:
	  T_START T_STRING	{ once(&SERVICE->start, $1, "start", $2); }
	| T_STOP T_STRING	{ once(&SERVICE->stop, $1, "stop", $2); }
	| T_CHECK T_STRING	{ once(&SERVICE->check, $1, "check", $2); }
	| T_START T_TIMEOUT value {
		once(&SERVICE->start_timeout, $1, "start timeout", $3);
	}
	| T_STOP T_TIMEOUT value {
		once(&SERVICE->stop_timeout, $1, "stop timeout", $3);
	}
	| T_CHECK T_EVERY value {
		once(&SERVICE->check_every, $1, "check every", $3);
	}
	| T_CHECK T_EVERY value T_COMMA T_GIVE T_UP T_AFTER value {
		once(&SERVICE->check_every, $1, "check every", $3);
		once(&SERVICE->give_up, $5, "give up after", $8);
	}
	| T_GIVE T_UP T_AFTER value {
		once(&SERVICE->give_up, $1, "give up after", $4);
	}
	| T_HEALTHY T_WHEN T_TCP T_PORT value {
		tree_add_health(f, $1, HEALTH_TCP, $5, NONE);
	}
	| T_HEALTHY T_WHEN T_HTTP value http_status {
		tree_add_health(f, $1, HEALTH_HTTP, $4, $5);
	}
	| T_HEALTHY T_WHEN T_EXEC value {
		tree_add_health(f, $1, HEALTH_EXEC, $4, NONE);
	}
	| T_HEALTHY T_WHEN T_UNIT T_ACTIVE {
		tree_add_health(f, $1, HEALTH_UNIT_ACTIVE, NONE, NONE);
	}
	;

http_status:
	  %empty		{ $$ = NONE; }
	| T_STATUS value	{ $$ = $2; }
	;

sync:	  sync_head T_OPEN sync_body T_CLOSE
	| sync_head T_OPEN sync_body error T_CLOSE {
		tree_line_lost(f);
		yyerrok;
	}
	;

sync_head:
	  T_SYNC T_ON T_CHANGE	{ tree_sync_open(f, $1, true, NONE); }
	| T_SYNC T_EVERY value	{ tree_sync_open(f, $1, false, $3); }
	| T_SYNC T_ON T_CHANGE T_AND T_EVERY value {
		tree_sync_open(f, $1, true, $6);
	}
	;

sync_body:
	  %empty
	| sync_body T_NL
	| sync_body sync_line
	| sync_body error T_NL		{ tree_line_lost(f); yyerrok; }
	;

sync_line:
	  T_BASE value		{ once(&SYNC->base, $1, "base", $2); }
	| T_SQLITE values optional {
		tree_sync_names(f, CONF_SYNC_SQLITE, $2, $3);
	}
	| T_TREE values optional {
		tree_sync_names(f, CONF_SYNC_TREE, $2, $3);
	}
	| T_FILE values optional {
		tree_sync_names(f, CONF_SYNC_FILE, $2, $3);
	}
	| T_NEVER values {
		tree_sync_names(f, CONF_SYNC_NEVER, $2, false);
	}
	| T_BEFORE T_CAPTURE T_EXEC value {
		once(&SYNC->before, $1, "before capture exec", $4);
	}
	| T_KEEP value T_GENERATIONS	{ once(&SYNC->keep, $1, "keep", $2); }
	| T_STORE T_AT T_MOST value {
		once(&SYNC->store, $1, "store at most", $4);
	}
	| T_BANDWIDTH value	{ once(&SYNC->bandwidth, $1, "bandwidth", $2); }
	;

optional: %empty		{ $$ = false; }
	| T_OPTIONAL		{ $$ = true; }
	;

value:	  T_WORD
	| T_STRING
	;

values:	  value			{ $$ = tree_cons(f, $1, NULL); }
	| values value		{ $$ = tree_cons(f, $2, $1); }
	;

%%

static int
yylex(YYSTYPE *value, YYLTYPE *at, struct config_file *f)
{
	return lexer_next(f, &value->word, at);
}

/* Only for what is no syntax error: bison's own stack is full. */
static void
yyerror(YYLTYPE *at, struct config_file *f, const char *text)
{
	config_error(f, *at, NULL, "%s", text);
}

static bool
is_keyword(yysymbol_kind_t kind)
{
	return kind >= YYSYMBOL_T_ACTIVE && kind <= YYSYMBOL_T_WHEN;
}

/*
 * What goes without saying: that an empty line may stand where a statement
 * begins, and that a } too ends a line.
 */
static int
drop_obvious(const struct config_file *f, yysymbol_kind_t *kind, int n)
{
	bool begins = !is_set(&f->before.word), line_may_end = false;
	int i, kept = 0;

	for (i = 0; i < n; i++)
		line_may_end |= kind[i] == YYSYMBOL_T_NL;
	for (i = 0; i < n && line_may_end; i++) {
		if (kind[i] == YYSYMBOL_T_CLOSE || (begins &&
		    (kind[i] == YYSYMBOL_T_NL || kind[i] == YYSYMBOL_YYEOF)))
			continue;
		kind[kept++] = kind[i];
	}
	return kept > 0 ? kept : n;
}

/* "expected a, b or c", as far as it fits. */
static void
expected_text(const yysymbol_kind_t *kind, int n, char *buf, size_t size)
{
	size_t used;
	int i, left = n;

	snprintf(buf, size, "expected ");
	for (i = 0; i < n; i++) {
		used = strlen(buf);
		if (size - used < 40) {
			snprintf(buf + used, size - used, "...");
			return;
		}
		left--;
		snprintf(buf + used, size - used, "%s%s",
		    yysymbol_name(kind[i]),
		    left == 0 ? "" : left == 1 ? " or " : ", ");
	}
}

/* An unknown word: the nearest of those that could stand there. */
static const char *
nearest(const struct config_file *f, const yysymbol_kind_t *kind, int n)
{
	const char *word[128];
	size_t nwords = 0;
	int i;

	for (i = 0; i < n && nwords < 128; i++)
		if (is_keyword(kind[i]))
			word[nwords++] = yysymbol_name(kind[i]);
	return config_suggest(f->last.word.s, word, nwords);
}

static void
report_end(struct config_file *f, struct place at)
{
	uint32_t depth = f->depth;
	char hint[64];

	if (depth == 0 || depth > BLOCK_DEPTH_MAX) {
		config_error(f, at, NULL, "the file ends too early");
		return;
	}
	snprintf(hint, sizeof(hint), "the file ends in line %u", at.line);
	config_error(f, f->open_at[depth - 1], hint,
	    "block without end: expected }");
}

/* A value should stand here: says what the word before it wants. */
static void
report_value(struct config_file *f, struct place at, const char *found)
{
	char word[SHOWN_MAX], hint[CONFIG_TEXT_MAX] = "";

	if (is_keyword(YYTRANSLATE(f->last_token)) &&
	    strstr(f->before.wants, "name") != NULL)
		snprintf(hint, sizeof(hint), "if %s is the value, write it "
		    "in quotes", found);
	config_error(f, at, hint, "\"%s\" wants %s, found %s",
	    shown(&f->before.word, word), f->before.wants, found);
}

static void
report(struct config_file *f, struct place at, yysymbol_kind_t token,
    yysymbol_kind_t *kind, int n)
{
	char word[SHOWN_MAX], found[SHOWN_MAX + 2], hint[CONFIG_TEXT_MAX];
	const char *near;
	bool wants_value = false, wants_keyword = false;
	int i;

	for (i = 0; i < n; i++) {
		wants_value |= kind[i] == YYSYMBOL_T_STRING;
		wants_keyword |= is_keyword(kind[i]);
	}
	if (is_set(&f->last.word))
		snprintf(found, sizeof(found), "\"%s\"",
		    shown(&f->last.word, word));
	else
		snprintf(found, sizeof(found), "%s", yysymbol_name(token));
	if (token == YYSYMBOL_YYEOF) {
		report_end(f, at);
		return;
	}
	n = drop_obvious(f, kind, n);
	near = token == YYSYMBOL_T_WORD ? nearest(f, kind, n) : NULL;
	if (wants_value && f->before.wants != NULL && near == NULL) {
		report_value(f, at, found);
		return;
	}
	if (wants_keyword && token == YYSYMBOL_T_WORD) {
		if (near != NULL)
			snprintf(hint, sizeof(hint), "did you mean \"%s\"?",
			    near);
		else
			expected_text(kind, n, hint, sizeof(hint));
		config_error(f, at, hint, "unknown word %s", found);
		return;
	}
	expected_text(kind, n, hint, sizeof(hint));
	config_error(f, at, hint, "%s is not expected here", found);
}

static int
yyreport_syntax_error(const yypcontext_t *cx, struct config_file *f)
{
	yysymbol_kind_t kind[YYNTOKENS];
	struct place at = *yypcontext_location(cx);
	int n = yypcontext_expected_tokens(cx, kind, YYNTOKENS);

	tree_line_lost(f);
	/* What the lexer said of this line is the cause, or enough. */
	if (f->error_line != at.line && n >= 0)
		report(f, at, yypcontext_token(cx), kind, n);
	lexer_panic(f, f->last_token);
	return 0;
}

void
parse(struct config_file *f)
{
	lexer_start(f);
	if (yyparse(f) != 0)
		f->broken = true;
	f->open = NULL;
}
