/* SPDX-License-Identifier: ISC */

/*
 * vipctl pair: two machines learn to trust each other for one pair.  Each
 * writes a card: its public key, its sshd's host key, and the secret of the
 * adverts.  A card goes over an administrator's login, used once and kept
 * nowhere, or by hand.
 *
 * Public keys of the other side end up in two places and mean one thing
 * each: its host key in STATE_DIR/ssh/PAIR/known_hosts, its key in the
 * authorized_keys of _syncr, behind a forced command.
 */
#ifndef VIPAIR_VIPCTL_PAIR_H
#define VIPAIR_VIPCTL_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "vipctl.h"

#define PAIR_KEY_MAX	512	/* "ssh-ed25519 AAAA..." */
#define PAIR_SECRET_MAX	4096	/* text of a secret file */
#define PAIR_PATH_MAX	256

struct card {
	char		pair[CONF_NAME_MAX + 1];
	char		node[CONF_NAME_MAX + 1];	/* who wrote it */
	char		address[64];
	char		key[PAIR_KEY_MAX];
	char		host[PAIR_KEY_MAX];
	char		secret[PAIR_SECRET_MAX];	/* "": none */
};

/* paircard.c: false when it is no card; why says what is wrong with it. */
bool	card_read(FILE *in, struct card *c, char *why, size_t size);
void	card_write(FILE *out, const struct card *c);

/* What this node is in the pair at hand. */
struct pairing {
	struct vipctl	*v;
	struct config	*config;
	const struct conf *conf;
	const struct conf_pair *pair;
	const struct conf_node *self, *partner;
	const char	*name;			/* of the pair */
	char		address[64], partner_address[64];
	char		dir[PAIR_PATH_MAX];	/* STATE_DIR/ssh/PAIR */
	char		secret_path[PAIR_PATH_MAX];
	bool		secret_named;		/* the configuration says so */
	uid_t		uid;			/* _syncd */
	gid_t		gid;
	char		home[PAIR_PATH_MAX];	/* of _syncr */
};

/*
 * pairfiles.c: what is kept on this node.  Each returns true, or false after
 * complain().
 */
/* Makes what is missing: directory, key, secret.  Never replaces one. */
bool	pair_prepare(const struct pairing *p, bool make_secret);
bool	pair_own_card(const struct pairing *p, struct card *c);
/* The partner's card takes effect; *secret_new: our secret was written. */
bool	pair_install(const struct pairing *p, const struct card *c,
	    bool *secret_new);
bool	pair_remove(const struct pairing *p);
bool	pair_read_file(const char *path, char *buf, size_t size);
/* In one piece, durable, root's unless uid says another. */
bool	pair_write_file(const struct pairing *p, const char *path,
	    const char *text, mode_t mode, uid_t uid, gid_t gid);

/* pairrun.c: programs, without a shell. */
/*
 * Runs argv with in as its standard input (NULL: ours); out gets what it
 * prints (NULL: ours).  as_sync: as _syncd.  Its exit status, or -1.
 */
int	pair_run(const struct pairing *p, const char *const *argv,
	    const char *in, char *out, size_t size, bool as_sync);
/* One login of an administrator at the partner, for a few commands. */
struct login {
	char		dir[64];	/* of the control socket; "": none */
	const char	*target;	/* user@address */
	char		port[8];
	bool		sudo;
	char		password[256];	/* for sudo, or "" */
};
bool	login_open(const struct pairing *p, struct login *l,
	    const char *user, uint64_t port);
/* Runs vipctl there with these words; exit status as pair_run(). */
int	login_vipctl(const struct pairing *p, struct login *l,
	    const char *words, const char *in, char *out, size_t size);
void	login_close(const struct pairing *p, struct login *l);
/* Can we reach the partner's receiver with what is installed?  why: not. */
bool	pair_proves(const struct pairing *p, char *why, size_t size);

#endif
