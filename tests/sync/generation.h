/* SPDX-License-Identifier: ISC */

/* Makes generations for the tests: what a capture would publish. */
#ifndef VIPAIR_TEST_GENERATION_H
#define VIPAIR_TEST_GENERATION_H

#include "store.h"

struct generation {
	struct store	*store;
	struct delta	*delta;		/* of the next one */
	void		(*fail)(const char *what, enum store_result rc,
			    const char *why);
};

void		generation_file(struct generation *g, const char *path,
		    uint64_t seed, uint32_t size, enum put_how how);
/* N files of that size below many/. */
void		generation_many(struct generation *g, uint32_t n,
		    uint32_t size);
struct position	generation_publish(struct generation *g,
		    const struct epoch *e);

#endif
