/* SPDX-License-Identifier: ISC */

/* What the files of the store share; nobody else includes it. */
#ifndef VIPAIR_STORE_INSIDE_H
#define VIPAIR_STORE_INSIDE_H

#include <sys/types.h>

#include "chain.h"
#include "log.h"
#include "store.h"

#define NAME_SIZE	(20 + 1 + HASH_HEX + 1)	/* generation.head */
#define RECORD_MAX	(64 * 1024)
#define AB_DIRS		256
#define FULL_EVERY	256	/* generations between full manifests */

enum store_dir {
	DIR_ROOT,
	DIR_OBJECTS,
	DIR_IN,
	DIR_STAGED,
	DIR_TMP,
	DIR_BAD,
	DIR_GONE,
	DIR_MANIFESTS,
	DIR_DIVERGED,
	DIR_COUNT,
};

/* A set of hashes by their first eight bytes: may say yes too often. */
struct marks {
	uint64_t	*slot;
	size_t		n, size;
};
bool	marks_add(struct marks *m, const struct hash *h);
bool	marks_have(const struct marks *m, const struct hash *h);
void	marks_free(struct marks *m);

/* HEAD as stored: what users see and what publishing needs. */
struct head_file {
	struct store_head h;
	uint64_t	full_size;	/* text of the last full manifest */
	uint64_t	delta_size;	/* texts since then */
	struct epoch	spent;		/* I3: parked up to here, */
	uint64_t	spent_generation;	/* never to be written again */
};

/* A manifest that was received and waits for its commit. */
struct waiting {
	struct manifest_header header;
	struct hash	head;
	void		*text;
	size_t		len;
	struct delta	*delta;		/* NULL: a full one */
};
#define WAITING_MAX	4096

enum upkeep_phase {
	UPKEEP_THIN,
	UPKEEP_MARK,
	UPKEEP_SWEEP,
};

struct store {
	int		dir[DIR_COUNT];
	int		lock_fd;
	char		pair[MANIFEST_PAIR_MAX + 1];
	struct store_limits limits;
	bool		locked, damaged;
	bool		no_head;	/* no file HEAD */
	bool		lost;		/* with the lock: store_lost() */
	uint64_t	ticket;		/* in the lock file, our last one */

	struct head_file head;
	struct history_list history;
	bool		history_cut;	/* the file has more than HEAD */
	struct tree	*tree;		/* of tree_head */
	struct hash	tree_head;

	struct waiting	*waiting;
	size_t		nwaiting;
	bool		jump;
	struct history_list jump_history;
	struct manifest_text text;	/* of the last publish */

	bool		usage_known;
	uint64_t	used_bytes, used_objects;
	uint32_t	nstaged;
	bool		staged_old;	/* some are a dead writer's */
	struct marks	fresh;		/* put since the last commit */
	uint8_t		dirty[AB_DIRS / 8];	/* names not yet durable */

	enum upkeep_phase phase;
	struct marks	marks;
	uint64_t	mark_at;	/* index in the chain */
	size_t		mark_branch;
	uint32_t	sweep_at;

	uint32_t	scrub_at;
	char		scrub_name[HASH_HEX + 1];

	int		error;
	char		why[320];
};

/* ---- store.c ------------------------------------------------------------- */

/* Notes the text (and errno, for STORE_ERROR and STORE_SPACE). */
enum store_result fail(struct store *s, enum store_result r, const char *fmt,
	    ...) PRINTF_LIKE(3, 4);
/* STORE_SPACE or STORE_ERROR by errno. */
enum store_result fail_errno(struct store *s, const char *what);
void	drop_tree(struct store *s);
/* The wall clock; no age is made of it. */
int64_t	clock_now(void);

/* ---- file.c: every system call on names ---------------------------------- */

void	crash_point(const char *name);
/* Below dir, no link anywhere; O_CLOEXEC is added. */
int	file_open(int dir, const char *name, int flags, mode_t mode);
/* Written in full; 0 or -1. */
int	file_write(int fd, const void *buf, size_t len);
/* Whole file up to max; malloc'd, NUL behind it; NULL with errno. */
char	*file_read(int dir, const char *name, size_t max, size_t *len);
int	file_sync_dir(int dir);
/* name.new, fsync, rename, fsync of the directory; points "what-..." */
int	file_publish(int dir, const char *name, const void *text, size_t len,
	    const char *what);
/*
 * name.spare: a full disk must not keep a node from a role.  What has one is
 * published in it when there is no room for a new file.  As far as possible.
 */
void	file_spare(int dir, const char *name);
/* A file without a name in DIR_TMP; -1 with errno. */
int	file_temp(int tmp, char name[32]);
/* Gives it one: 0, or -1 (EEXIST too). */
int	file_name_it(int tmp, const char *temp, int fd, int dir,
	    const char *name);
void	file_temp_drop(int tmp, const char *temp);
/* Everything in a directory, and with it what is below. */
int	file_empty_dir(int dir);
/* Names in a directory, sorted; strings in one block; free() the array. */
char	**file_list(int dir, size_t *n);

/* ---- record.c: small text files with a checksum -------------------------- */

char	*record_read(int dir, const char *name, const char *magic,
	    char **body);
int	record_write(int dir, const char *name, const char *magic,
	    const char *body, const char *what);
/* "word value\n" at *at; moves on. */
bool	record_u64(char **at, const char *word, uint64_t *v);
bool	record_hash(char **at, const char *word, struct hash *h);
bool	record_text(char **at, const char *word, char *buf, size_t size);

/* ---- head.c -------------------------------------------------------------- */

enum store_result head_read(struct store *s);
enum store_result head_publish(struct store *s, const struct head_file *h);
/* Before there is a manifest there is a HEAD; with the lock. */
void	head_first(struct store *s);
/* I3: up to there this epoch has written, in f as well. */
void	head_spend(struct head_file *f, const struct epoch *e,
	    uint64_t generation);
enum store_result history_write(struct store *s,
	    const struct history_list *h);
enum store_result history_read(struct store *s);

/* ---- epoch.c ------------------------------------------------------------- */

/* Holds EPOCH still; returns the lock's descriptor or -1. */
int	epoch_hold(struct store *s, bool change);
void	epoch_let_go(int fd);
enum store_result epoch_read(struct store *s, struct epoch *e);

/* ---- object.c, import.c, usage.c ----------------------------------------- */

void	object_name(const struct hash *h, char name[3 + HASH_HEX + 1]);
/* Its size, or STORE_NOTHING; keeps it from a collection under way. */
enum store_result object_stat(struct store *s, const struct hash *h,
	    uint64_t *size);
void	object_mark_dirty(struct store *s, const struct hash *h);
enum store_result object_sync_dirs(struct store *s);
/* Room for so much more? */
enum store_result usage_check(struct store *s, uint64_t bytes,
	    uint64_t inodes);
void	usage_add(struct store *s, uint64_t bytes);
void	usage_sub(struct store *s, uint64_t bytes);

/* ---- load.c -------------------------------------------------------------- */

void	manifest_name(uint64_t generation, const struct hash *head,
	    char name[NAME_SIZE]);
bool	manifest_parse_name(const char *name, uint64_t *generation,
	    struct hash *head);
/* Text of a record, verified against its head; NULL: s->why. */
char	*manifest_text_of(struct store *s, int dir, const struct link *l,
	    size_t *len);
/* One record onto *t: a full one makes it. *d: the delta, if wanted. */
enum store_result load_step(struct store *s, int dir, const struct link *l,
	    struct tree **t, struct delta **d);
/* The tree at index i of a chain whose texts are in dir. */
enum store_result load_chain(struct store *s, int dir, const struct chain *c,
	    uint64_t i, struct tree **t);
/* Index of the full record at or before i; false: none. */
bool	load_base(const struct chain *c, uint64_t i, uint64_t *base);
/* A record of a manifest as text, if it verifies by itself. */
bool	load_link(const void *text, size_t len, const char *pair,
	    struct link *l);

/* ---- recover.c ----------------------------------------------------------- */

enum store_result recover(struct store *s);
/* Makes the chain anew from the manifests below the head, s->head. */
enum store_result recover_chain(struct store *s);
/* The manifest of that name, if it verifies. */
bool	read_link(struct store *s, const char *name, struct link *l);
/* HEAD's fields from its record. */
struct head_file head_from(const struct store *s, const struct link *l);

/* ---- gone.c -------------------------------------------------------------- */

/*
 * Where the first generation of an emptied store stands: above what this
 * epoch is known to have written, behind a head that nobody ever had.  False:
 * it is generation 1, or the store is not empty.
 */
bool	gone_first(const struct store *s, const struct epoch *e,
	    uint64_t *generation, struct hash *previous);

/* ---- age.c --------------------------------------------------------------- */

struct age {
	int64_t		ns;		/* the store's age, when it was */
	int64_t		mono_ns;	/* so long since boot */
};
/* What it is at that time since boot; pure. */
int64_t	age_after(const struct age *a, int64_t mono_ns);
/* Of the record before one that is kept_ns old; pure. */
int64_t	age_before(int64_t kept_ns, int64_t time_ns, int64_t next_time_ns);
/* Now; with the lock. */
int64_t	age_now(struct store *s);

/* ---- aside.c: what does not verify may be looked at for a month ---------- */

int	aside_put(struct store *s, int dir, const char *name);
void	aside_sweep(struct store *s);
/* store_lost(), durable. */
enum store_result lost_mark(struct store *s);

/* ---- branch.c ------------------------------------------------------------ */

int	branch_open(struct store *s, const char *name);

/* ---- upkeep -------------------------------------------------------------- */

void	upkeep_reset(struct store *s);
/* Marks what the complete generations of a chain name, from index *i on,
 * one segment; false at the end. */
enum store_result mark_segment(struct store *s, int dir,
	    const struct chain *c, uint64_t *i, bool *end);

#endif
