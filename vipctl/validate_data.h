/* SPDX-License-Identifier: ISC */

/* What validate finds out about the data set on this very host. */
#ifndef VIPAIR_VIPCTL_VALIDATE_DATA_H
#define VIPAIR_VIPCTL_VALIDATE_DATA_H

#include <stdint.h>

#include "conf.h"

#define DATA_FINDINGS_MAX	16

struct data_finding {
	char	pair[CONF_NAME_MAX + 1];
	char	text[320];
	char	fix[320];
};

struct data_findings {
	uint32_t	n;
	uint32_t	more;		/* found, but not kept */
	struct data_finding finding[DATA_FINDINGS_MAX];
};

/*
 * Only of pairs that this host is a node of: elsewhere there is nothing to
 * look at.
 */
void	validate_data(const struct conf *c, struct data_findings *f);

#endif
