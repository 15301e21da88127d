/* SPDX-License-Identifier: ISC */

/*
 * vipctl: what a person or a script types.  Runs as whoever calls it, holds
 * no right of its own; asks the daemon over its two sockets (client.h).
 *
 * One table (command.c) names every command; usage, completion and the
 * manual are made from it or checked against it.
 */
#ifndef VIPAIR_VIPCTL_H
#define VIPAIR_VIPCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"		/* PRINTF_LIKE */
#include "version.h"

#define VIPCTL_CONF	VIPAIR_SYSCONF "/vipair.conf"
#define VIPCTL_RUN_DIR	"/run/vipair"
#define RUN_DIR_MAX	92	/* a socket's name fits behind it */

/* Exit codes; the numbers are users' (sysexits where one fits). */
enum exit_code {
	EXIT_DONE = 0,		/* done; status: good */
	EXIT_REFUSED = 1,	/* refused or failed, reason on stderr */
	EXIT_WARNING = 1,	/* status, check, validate, doctor */
	EXIT_CRITICAL = 2,
	EXIT_UNKNOWN = 3,	/* could not tell */
	EXIT_USAGE = 64,
	EXIT_UNREACHABLE = 69,
	EXIT_TRY_AGAIN = 75,
	EXIT_NOT_PERMITTED = 77,
};

/* What every command gets. */
struct vipctl {
	FILE		*out;		/* results; /dev/null with -q */
	FILE		*err;		/* reasons; /dev/null with -q */
	const char	*conf_path;	/* -f, or VIPCTL_CONF */
	bool		 conf_given;	/* -f was there */
	bool		 json;		/* -j */
	bool		 quiet;		/* -q: exit code only */
	bool		 tty;		/* out is a terminal */
	bool		 colour;	/* tty, and no NO_COLOR */
	bool		 utf8;		/* the terminal's character set */
	int		 columns;	/* of the terminal; 0: no limit */
	char		 run_dir[RUN_DIR_MAX];	/* "" until client_run_dir() */
};

struct command {
	const char	*name;
	const char	*args;		/* as usage and vipctl(8) show them */
	const char	*summary;	/* one line, lower case */
	/* argv[0] is the command; returns an enum exit_code. */
	int		(*run)(struct vipctl *, int argc, char **argv);
	unsigned	 needs;		/* NEED_* */
};

#define NEED_STATUS	0x01	/* asks the daemon */
#define NEED_CONTROL	0x02	/* changes something: root or _vrrpd */

/* command.c: the table, ended by a NULL name, in the manual's order. */
extern const struct command	 commands[];
/* Words of commands that this version does not have, ended by NULL. */
extern const char *const	 commands_absent[];

enum lookup {
	LOOKUP_FOUND,
	LOOKUP_ABSENT,		/* known, not available in this version */
	LOOKUP_AMBIGUOUS,
	LOOKUP_UNKNOWN,
};
/* An exact name, else an unambiguous prefix over both tables. */
enum lookup	command_find(const char *word, const struct command **cmd);
/* The nearest word of both tables, or NULL when none is near. */
const char	*command_nearest(const char *word);
/* Says why the word is no command; the exit code of that. */
int		 command_missing(struct vipctl *v, enum lookup l,
		    const char *word);
void		 command_usage(FILE *f, const struct command *cmd);

/*
 * args.c: options of one command, long ("--count 3", "--count=3") or short
 * ("-b").  -j, -q and -h are understood by every command.
 */
enum option_kind {
	OPTION_FLAG,		/* bool * */
	OPTION_STRING,		/* const char ** */
	OPTION_NUMBER,		/* uint64_t * */
	OPTION_DURATION,	/* int64_t *, ns: "90", "90s", "5m", "1d" */
};

struct option_word {
	const char	*word;		/* "--count" or "-b" */
	enum option_kind kind;
	void		*value;
};

/*
 * Puts the operands behind argv[0], in order, and returns how many there are
 * (argv[1] ...).  -1: a message was printed, return *code from the command.
 * words may be NULL; else it ends with a NULL word.
 */
int	args_parse(struct vipctl *v, int argc, char **argv,
	    const struct option_word *words, int *code);
bool	args_duration(const char *s, int64_t *ns);
bool	args_number(const char *s, uint64_t *n);

/* After the options: where output goes, by -q. */
void	vipctl_settle(struct vipctl *v);

/* "vipctl: ..." on v->err. */
void	complain(struct vipctl *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, always on stderr, with the command's usage; EXIT_USAGE. */
int	usage_error(struct vipctl *v, const char *command, const char *fmt,
	    ...) PRINTF_LIKE(3, 4);

/* One file per group of commands. */
int	cmd_status(struct vipctl *, int, char **);	/* status.c */
int	cmd_is_active(struct vipctl *, int, char **);	/* script.c */
int	cmd_role(struct vipctl *, int, char **);
int	cmd_wait(struct vipctl *, int, char **);
int	cmd_check(struct vipctl *, int, char **);
int	cmd_metrics(struct vipctl *, int, char **);	/* metrics.c */
int	cmd_watch(struct vipctl *, int, char **);	/* watch.c */
int	cmd_why(struct vipctl *, int, char **);		/* past.c */
int	cmd_history(struct vipctl *, int, char **);
int	cmd_monitor(struct vipctl *, int, char **);	/* monitor.c */
int	cmd_handover(struct vipctl *, int, char **);	/* change.c */
int	cmd_failback(struct vipctl *, int, char **);
int	cmd_maintenance(struct vipctl *, int, char **);
int	cmd_validate(struct vipctl *, int, char **);	/* validate.c */
int	cmd_pair(struct vipctl *, int, char **);	/* pair.c */
int	cmd_unpair(struct vipctl *, int, char **);
int	cmd_sync(struct vipctl *, int, char **);	/* sync.c */
int	cmd_generations(struct vipctl *, int, char **);	/* generations.c */
int	cmd_diff(struct vipctl *, int, char **);	/* diff.c */
int	cmd_restore(struct vipctl *, int, char **);	/* restore.c */
int	cmd_diverged(struct vipctl *, int, char **);	/* diverged.c */
int	cmd_doctor(struct vipctl *, int, char **);	/* doctor.c */
int	cmd_report(struct vipctl *, int, char **);	/* report.c */
int	cmd_support_bundle(struct vipctl *, int, char **);	/* bundle.c */
int	cmd_explain(struct vipctl *, int, char **);	/* explain.c */
int	cmd_demo(struct vipctl *, int, char **);	/* demo.c */
int	cmd_completion(struct vipctl *, int, char **);	/* completion.c */
int	cmd_version(struct vipctl *, int, char **);	/* help.c */
int	cmd_help(struct vipctl *, int, char **);

#endif
