/* SPDX-License-Identifier: ISC */

/*
 * The store of one pair, looked at by vipctl itself: as root or as a member
 * of group _syncd, and only for reading.
 */
#ifndef VIPAIR_VIPCTL_STOREVIEW_H
#define VIPAIR_VIPCTL_STOREVIEW_H

#include "config.h"
#include "store.h"
#include "vipctl.h"

struct data_store {
	struct config	*config;
	const struct conf *conf;
	const struct conf_pair *pair;
	uint32_t	 index;		/* of the pair */
	const char	*name;
	struct store	*store;
};

enum data_rights {
	DATA_LOOK,	/* rights of root are given up for the store's owner's */
	DATA_ACT,	/* something else comes that needs them */
};

/*
 * The pair of that name, or the only one with a sync block, and its store.
 * EXIT_DONE, or a code with the reason said and nothing held.
 */
int	data_open(struct vipctl *v, const char *name, enum data_rights rights,
	    struct data_store *d);
/* The configuration only; store stays NULL. */
int	data_conf(struct vipctl *v, const char *name, struct data_store *d);
void	data_close(struct data_store *d);

/* The node of an epoch by name, "?" when there is none of that rank. */
const char	*data_node(const struct data_store *d, uint32_t id);
/*
 * A branch by an unambiguous beginning of its name; says what is wrong.
 */
int	data_branch(struct vipctl *v, struct data_store *d, const char *word,
	    struct store_branch *b);
/* First eight bytes of a head, big-endian: how MSG_ASK names a branch. */
uint64_t	data_head_word(const struct hash *h);
/* "48220.1a2b3c4d": as much of a branch's name as people need. */
void	data_short_name(const struct store_branch *b, char *buf, size_t size);

/* diff.c: what differs, as text or as members "changes" of an object. */
struct json;
struct data_diff {
	struct data_store *d;
	const struct tree *old, *new_;
	uint64_t	 added, removed, changed;
};
/* False: no memory. */
bool	diff_text(FILE *f, struct data_diff *x);
bool	diff_json(struct json *j, struct data_diff *x);
void	diff_sum(FILE *f, const struct data_diff *x);

/* dbcount.c: tables of a database that nobody vouches for. */
#define DB_TABLES_MAX	64
#define DB_NAME_MAX	64
struct db_tables {
	uint32_t	n;
	uint32_t	more;		/* 1: there are more than n */
	struct db_table {
		char		name[DB_NAME_MAX];
		int64_t		rows;	/* -1: not counted */
	} table[DB_TABLES_MAX];
};
/*
 * Read in a process of its own without any right; false: no database, too
 * large, or it did not end in time.
 */
bool	db_count(int fd, uint64_t size, struct db_tables *t);

#endif
