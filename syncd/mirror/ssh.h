/* SPDX-License-Identifier: ISC */

/*
 * The children through which the mirror reaches its partner: one ssh, which
 * is the master connection and the held channel at once, and now and then an
 * rsync over it.  Fixed arguments, no shell, clean environment, no capability,
 * no agent, no known hosts but the pinned one.
 */
#ifndef VIPAIR_SSH_H
#define VIPAIR_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SSH_TEXT_MAX	200
#define SSH_PATH_MAX	512
#define SSH_HOST	"partner"	/* the Host of the configuration file */

/* Strings are the caller's and stay. */
struct ssh_place {
	const char	*ssh, *rsync;	/* programs */
	const char	*carrier;	/* rsync's remote shell: bulkssh */
	const char	*config;	/* ssh -F */
	const char	*control;	/* socket of the master */
	const char	*objects;	/* directory rsync sends from */
	uint64_t	bandwidth;	/* bytes a second for rsync, 0: all */
};

/* Descriptors are non-blocking and ours; -1 when closed or not there. */
struct ssh_child {
	pid_t		pid;		/* 0: none */
	int		pidfd;		/* readable when it has ended */
	int		in, out, err;	/* its stdin, stdout, stderr */
	size_t		text_len;
	char		text[SSH_TEXT_MAX];	/* its last line on stderr */
};

#define SSH_CHILD_NONE	\
	((struct ssh_child){ .pidfd = -1, .in = -1, .out = -1, .err = -1 })

/*
 * NULL, or which of the places cannot be used: ssh and rsync give a meaning to
 * some bytes of their arguments, and a socket's path is short.
 */
const char	*ssh_place_check(const struct ssh_place *p);
/* 0, or -1 with errno. */
int	ssh_start(struct ssh_child *c, const struct ssh_place *p);
/* list: descriptor with names, each ended by NUL; stays the caller's. */
int	ssh_start_rsync(struct ssh_child *c, const struct ssh_place *p,
	    int list);
/* Reads what stderr has; keeps the last line.  False at its end. */
bool	ssh_read_err(struct ssh_child *c);
/* Ends it now if it has not ended, reaps it; wait status. */
int	ssh_end(struct ssh_child *c);
/* A stable word for why ssh failed, from its last line. */
const char	*ssh_reason(const struct ssh_child *c);

/* ssh's fixed arguments; argv has room for SSH_ARGV_MAX. */
#define SSH_ARGV_MAX	96
void	ssh_argv(const char **argv, const char *ssh, const char *config,
	    const char *control, bool master, const char *word);

#endif
