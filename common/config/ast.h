/* SPDX-License-Identifier: ISC */

/*
 * Inside common/config only: the file as text, its words, its syntax tree,
 * and how the steps report problems.  lexer.c and parse.y fill the tree with
 * words as they were typed; check.c gives each word its value; build.c makes
 * the blob.  Everything lives in one arena that config_free() frees at once.
 */
#ifndef VIPAIR_CONFIG_AST_H
#define VIPAIR_CONFIG_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "config.h"

#define WORD_LEN_MAX		1000	/* bytes of one word or string */
#define COMMAND_WORDS_MAX	32
#define RUN_DIR_LEN_MAX		90	/* a socket's path must fit behind */
#define BLOCK_DEPTH_MAX		16

/* Where something begins, and how many bytes of the line it takes. */
struct place {
	uint32_t	line;		/* from 1; 0: the file as a whole */
	uint32_t	column;		/* from 1, in bytes */
	uint32_t	len;
};

/* A word as typed, quotes and escapes taken off; unset while s is NULL. */
struct word {
	const char	*s;
	uint32_t	len;
	bool		bad;		/* already complained about */
	struct place	at;
};

struct word_list {
	struct word	w;
	struct word_list *next;
};

struct ast_addr {
	struct word	w;
	struct conf_addr value;		/* family 0 until checked */
	struct ast_addr	*next;
};

struct ast_node {
	struct word	name, address, priority, skew, interface;
	struct place	at, prefer, foreign;	/* line 0: not given */
	struct conf_addr addr;
	uint32_t	priority_value;		/* always set when checked */
	uint32_t	skew_value;
	uint32_t	rank;
	struct ast_node	*next;
};

struct ast_health {
	enum conf_health_kind kind;
	struct place	at;
	struct word	arg;		/* port, URL or command */
	struct word	status;
	uint32_t	port_value, status_value;
	struct ast_health *next;
};

struct ast_service {
	enum conf_service_kind kind;	/* SERVICE_NONE: no service */
	struct place	at;
	struct word	unit, start, stop, check;
	struct word	start_timeout, stop_timeout, check_every, give_up;
	uint32_t	start_timeout_ms, stop_timeout_ms, check_every_ms;
	uint32_t	give_up_value;
	struct ast_health *health;
	uint32_t	nhealth;
};

struct ast_sync_entry {
	struct word	w;
	enum conf_sync_kind kind;
	bool		optional;
	struct ast_sync_entry *next;
};

struct ast_sync {
	struct place	at;
	bool		on_change;
	struct word	every, base, before, keep, store, bandwidth;
	struct ast_sync_entry *entry, *last_entry;
	uint32_t	nentries;

	uint32_t	every_ms, keep_value;
	uint64_t	store_bytes, bandwidth_bytes;	/* 0: no limit */
};

struct ast_pair {
	struct word	name;
	struct place	at;
	bool		broken;		/* a line of it could not be read */

	struct ast_addr	*addr, *last_addr;
	struct ast_node	*node, *last_node;
	struct word_list *track;
	uint32_t	naddrs, nnodes, ntracks;

	struct word	interface, protocol, version, vhid, interval;
	struct word	secret_file, auth, ssh_port, notify, spacing;
	struct word	flap_limit, flap_window;
	struct place	preempt;
	struct ast_service service, *open_service;
	struct ast_sync	sync, *open_sync;

	enum conf_protocol protocol_value;
	enum conf_auth_mode auth_value;
	uint32_t	vhid_value, interval_ms, spacing_ms, port_value;
	uint32_t	flap_limit_value, flap_window_ms;

	struct pair_secret *secret;	/* NULL unless read */
	struct ast_pair	*next;
};

/* A token as messages need it. */
struct ast_last {
	struct word	word;
	const char	*wants;		/* the value that comes behind it */
};

struct chunk;

struct config_file {
	struct config	*c;
	enum config_mode mode;
	uint32_t	serial;
	char		*path;
	char		*text;		/* NUL behind the last byte */
	size_t		len;
	struct chunk	*arena;

	/* the lexer */
	size_t		pos;
	uint32_t	line, column;
	int		last_token;
	struct ast_last	last, before;	/* the last token, the one before */
	bool		panic;		/* skipping the rest of a bad line */
	uint32_t	panic_depth;
	uint32_t	error_line;	/* where it complained last */
	bool		said_control;	/* one complaint a file */

	/* the tree */
	struct word	run_dir, state_dir;
	struct ast_pair	*pair, **pair_end;
	struct ast_pair	*open;		/* the pair block we are in */
	struct place	open_at[BLOCK_DEPTH_MAX];	/* unclosed braces */
	uint32_t	depth;
	uint32_t	npairs;
	bool		broken;		/* a line at top could not be read */
};

#define PLACE_FILE	((struct place){ 0 })

static inline bool
is_set(const struct word *w)
{
	return w->s != NULL;
}

static inline bool
place_is_set(struct place at)
{
	return at.line != 0;
}

/* arena.c: never NULL, zeroed. */
void	*arena_alloc(struct config_file *, size_t size);
char	*arena_copy(struct config_file *, const char *s, size_t len);
void	arena_free(struct config_file *);

/* problem.c; hint may be NULL. */
void	problem_add(struct config_file *, enum config_severity, struct place,
	    const char *hint, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));
#define config_error(f, at, hint, ...) \
	problem_add(f, CONFIG_ERROR, at, hint, __VA_ARGS__)
#define config_warn(f, at, hint, ...) \
	problem_add(f, CONFIG_WARNING, at, hint, __VA_ARGS__)
/* The same about another file (secrets); that file's text is never shown. */
void	problem_add_in(struct config_file *, const char *file, struct place,
	    const char *hint, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));
void	problems_sort(struct config *);
/* A word fit to be shown: short, one line, nothing a terminal obeys. */
#define SHOWN_MAX	48
const char	*shown(const struct word *w, char buf[SHOWN_MAX]);

/* lexer.c */
int	lexer_next(struct config_file *, struct word *, struct place *);
void	lexer_panic(struct config_file *, int token);
void	lexer_start(struct config_file *);

/* parse.y */
void	parse(struct config_file *);

/* tree.c; key is the word of the grammar that a message points at. */
void	tree_line_lost(struct config_file *);
void	tree_not_available(struct config_file *, struct word key,
	    const char *what);
void	tree_set_once(struct config_file *, struct word *slot,
	    struct place, const char *what, struct word value);
void	tree_set_flag(struct config_file *, struct place *slot,
	    struct place, const char *what);
void	tree_pair_open(struct config_file *, struct place, struct word name);
void	tree_add_address(struct config_file *, struct word);
void	tree_add_node(struct config_file *, struct word key,
	    struct word name, struct word address);
void	tree_add_track(struct config_file *, struct word);
void	tree_add_health(struct config_file *, struct word key,
	    enum conf_health_kind, struct word arg, struct word status);
void	tree_service_open(struct config_file *, struct word key,
	    enum conf_service_kind, struct word unit);
void	tree_sync_open(struct config_file *, struct word key,
	    bool on_change, struct word every);
void	tree_sync_names(struct config_file *, enum conf_sync_kind,
	    struct word_list *, bool optional);
struct word_list *tree_cons(struct config_file *, struct word,
	    struct word_list *rest);

/* value.c: false when w is not one; *expected says what it should be. */
bool	value_number(const struct word *w, uint32_t *v);
bool	value_duration_ms(const struct word *w, uint32_t *ms,
	    const char **expected);
bool	value_size(const struct word *w, uint64_t *bytes);
bool	value_addr(const struct word *w, struct conf_addr *a);
bool	value_name_ok(const struct word *w);
/* NULL, or what is wrong with it. */
const char	*value_path_wrong(const struct word *w);
const char	*value_command_wrong(const struct word *w);
/* "192.168.70.222" */
#define ADDR_TEXT_MAX	46
const char	*addr_text(const struct conf_addr *a, char buf[ADDR_TEXT_MAX]);
/* "1s", "100ms", "40.95s", "10m" */
#define DURATION_TEXT_MAX 16
const char	*duration_text(uint32_t ms, char buf[DURATION_TEXT_MAX]);
/* "10G", "50M", "1001" */
#define SIZE_TEXT_MAX	24
const char	*size_text(uint64_t bytes, char buf[SIZE_TEXT_MAX]);
/* True when the path is the directory or below it; both absolute. */
bool	path_within(const char *path, const char *dir);

/* defaults.c */
enum default_id {
	DEFAULT_RUN_DIR = 0, DEFAULT_STATE_DIR, DEFAULT_PROTOCOL,
	DEFAULT_VHID, DEFAULT_INTERVAL, DEFAULT_SPACING, DEFAULT_AUTH,
	DEFAULT_START_TIMEOUT, DEFAULT_STOP_TIMEOUT, DEFAULT_CHECK_EVERY,
	DEFAULT_GIVE_UP, DEFAULT_HTTP_STATUS, DEFAULT_FLAP_LIMIT,
	DEFAULT_FLAP_WINDOW, DEFAULT_SSH_PORT,
	DEFAULT_SYNC_EVERY, DEFAULT_KEEP, DEFAULT_STORE, DEFAULT_COUNT
};
struct word	default_word(enum default_id);

/* check.c, checkpair.c, checkservice.c, checksync.c, secretfile.c */
void	check_file(struct config_file *);
void	check_pair(struct config_file *, struct ast_pair *);
void	check_service(struct config_file *, struct ast_pair *);
void	check_sync(struct config_file *, struct ast_pair *);
void	check_sync_bases(struct config_file *);
void	check_sync_pairs(struct config_file *);
void	check_command(struct config_file *, struct word *, const char *what);
bool	check_number(struct config_file *, struct word *, enum default_id,
	    const char *what, uint32_t least, uint32_t most, uint32_t *v);
bool	check_duration(struct config_file *, struct word *, enum default_id,
	    const char *what, uint32_t least_ms, uint32_t most_ms,
	    uint32_t *ms);
/* Reads the secret file where the mode wants it; warns of weak ones. */
void	check_secret(struct config_file *, struct ast_pair *);

/* build.c */
void	build(struct config_file *);

/* host.c, apart so that tests can bring their own interfaces. */
struct host_iface {
	char		name[16];
	bool		up;
	struct conf_addr addr;		/* family 0: has none */
	uint8_t		prefix;		/* bits */
};
uint32_t	host_check(struct config_file *,
		    const struct host_iface *iface, size_t n);

#endif
