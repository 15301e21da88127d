/* SPDX-License-Identifier: ISC */

/*
 * vipctl support-bundle: what somebody who helps needs to see, and nothing
 * that opens a door: every text goes through the redaction on its way into
 * the archive, and files that hold secrets are not opened for it at all.
 */
#ifndef VIPAIR_VIPCTL_BUNDLE_H
#define VIPAIR_VIPCTL_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config.h"

#define REDACT_VALUES_MAX	256
#define REDACT_MARK		"(left out)"

/* Values that must not appear, whatever stands around them. */
struct redact {
	size_t	n;
	char	*value[REDACT_VALUES_MAX];
};

/* redact.c */
void	redact_init(struct redact *r, const struct config *c);
void	redact_free(struct redact *r);
/*
 * A copy of the text without them: the known values, hex keys, private key
 * blocks, words behind "password" and the like, user and password of a URL.
 * To be freed; NULL: no memory.
 */
char	*redact_text(const struct redact *r, const char *text, size_t len,
	    size_t *out_len);

/* tar.c: POSIX ustar; false with errno. */
bool	tar_add(FILE *f, const char *name, const char *text, size_t len);
bool	tar_end(FILE *f);

#endif
