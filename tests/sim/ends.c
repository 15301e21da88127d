/* SPDX-License-Identifier: ISC */

/*
 * Simulator: an assertion that fails, in the core or in here, ends the run
 * and not the program: it is a violation like another, with its seed, its
 * trace and what it shrinks to.  This function stands before libc's.
 */
#include <setjmp.h>
#include <string.h>

#include "sim.h"

static struct world *running;
static sigjmp_buf out;

void	__assert_fail(const char *what, const char *file, unsigned line,
    const char *function) __attribute__((noreturn));

void
__assert_fail(const char *what, const char *file, unsigned line,
    const char *function)
{
	const char *name = strrchr(file, '/');

	check_wrong(running, V_ENDS, "%s:%u: %s: %s",
	    name != NULL ? name + 1 : file, line, function, what);
	siglongjmp(out, 1);
}

bool
world_run(struct world *w, const struct scenario *sc, struct stats *st,
    FILE *trace)
{
	running = w;
	if (sigsetjmp(out, 0) == 0)
		world_play(w, sc, st, trace);
	if (w->wrong != V_NONE)
		st->violation[w->wrong]++;
	return w->wrong == V_NONE;
}
