/* SPDX-License-Identifier: ISC */

/*
 * The configuration file: read, checked, printed back, turned into the blob
 * of conf.h.  Linked by the supervisor (root, before and between its rooms)
 * and by vipctl (whoever calls it); never by a room behind a filter.
 *
 * The file is written by an administrator, read by root: any bytes may be in
 * it, and nothing of it is believed before it was checked.  All problems of
 * a file are found in one go, each with its place.
 */
#ifndef VIPAIR_CONFIG_H
#define VIPAIR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf.h"

#define CONFIG_PATH_DEFAULT	"/etc/vipair/vipair.conf"
#define CONFIG_FILE_MAX		(1u << 20)	/* bytes */
#define CONFIG_PROBLEMS_MAX	100		/* kept; all are counted */
#define CONFIG_TEXT_MAX		256
#define CONFIG_PATH_MAX		255		/* any path in the file */

enum config_mode {
	/*
	 * The supervisor, vipctl as root: secret files are read and checked.
	 */
	CONFIG_FULL,
	/*
	 * Ordinary users and `validate --offline`: secret files are not
	 * opened; has_keys is true when a secret file is named; secrets is
	 * NULL.
	 */
	CONFIG_NO_SECRETS,
	/*
	 * vipctl status and the like: as CONFIG_NO_SECRETS, and run_dir and
	 * pair_name are what could be understood of a broken file.  The
	 * problems are there all the same; the caller need not look.
	 */
	CONFIG_LENIENT,
};

enum config_severity {
	CONFIG_WARNING = 1,
	CONFIG_ERROR,
};

/* What was found, and where.  line and column count from 1; 0: whole file. */
struct config_problem {
	enum config_severity severity;
	const char	*file;			/* lives with the config */
	uint32_t	line;
	uint32_t	column;			/* in bytes; tab is one */
	char		text[CONFIG_TEXT_MAX];	/* what is wrong */
	char		hint[CONFIG_TEXT_MAX];	/* what to do, or "" */
};

struct config_file;		/* the text and its syntax tree; internal */

struct config {
	struct conf	*conf;		/* NULL when there is any error */
	size_t		conf_len;
	struct secrets	*secrets;	/* NULL without conf or by mode */
	size_t		secrets_len;

	struct config_problem *problem;	/* in the order of the file */
	uint32_t	nproblems;	/* kept, CONFIG_PROBLEMS_MAX at most */
	uint32_t	nerrors;	/* counted, all */
	uint32_t	nwarnings;

	/* Always set, from the file or the default; by what could be read. */
	const char	*run_dir;
	const char	**pair_name;
	uint32_t	npair_names;

	struct config_file *file;
};

/*
 * Reads the file at path.  Never NULL: running out of memory ends the
 * process.  A file that cannot be read is a config with one error.  serial
 * goes into the blobs.  Free with config_free(), which wipes the secrets.
 */
struct config	*config_load(const char *path, enum config_mode mode,
		    uint32_t serial);
void		config_free(struct config *c);

/*
 * One problem on one line: "file:line:column: error: text; hint".  For logs.
 */
void	config_problem_line(const struct config_problem *p, char *buf,
	    size_t size);

/*
 * All problems, each with its source line and a caret under the place (never
 * a line of a secret file), then a line that counts them.
 */
void	config_print_problems(const struct config *c, FILE *out);

/*
 * The effective configuration in the grammar of the file, every default
 * spelled out (vrrpd -nv).  Parsed again it gives the same blob.
 */
void	config_print(const struct conf *conf, FILE *out);

/*
 * Compares a loaded configuration with this host: virtual addresses outside
 * the interface's network, interfaces that do not exist, no node that is
 * this host.  Adds to c's problems (outside the network: error; what may
 * come up later: warning) and returns how many errors it added.  c->conf
 * stays as it is; the warnings already there stay too.
 */
uint32_t	config_check_host(struct config *c);

/*
 * The fingerprint of conf->fingerprint: 32-bit FNV-1a of what config_print()
 * prints.  The same for the same effective configuration whatever the path,
 * the layout of the file and the secrets.
 */
uint32_t	config_fingerprint(const struct conf *conf);

/*
 * The words of the grammar, and the defaults as the manual spells them.
 * NULL behind the last.  Tests and completions compare with them.
 */
const char	*config_keyword(size_t i);

struct config_default {
	const char	*word;		/* "advertise every" */
	const char	*text;		/* "1s" */
};
const struct config_default *config_default(size_t i);

/*
 * The nearest of n words to a mistyped one, or NULL when none is near
 * (Damerau-Levenshtein; at most a third of the letters).  Also used for the
 * commands of vipctl.
 */
const char	*config_suggest(const char *wrong, const char *const *word,
		    size_t n);

/*
 * Secrets.  A pair whose secret file has keys but no carp line has has_carp
 * false and an empty carp_key: the CARP codec (vrrpd/core/carp.c) derives a
 * passphrase from the active key, because only who links it has an HMAC.
 */

#endif
