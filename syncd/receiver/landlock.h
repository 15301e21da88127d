/* SPDX-License-Identifier: ISC */

/*
 * Landlock by system call: the headers of Debian 12 know ABI 2, the kernel
 * may know more.  What the kernel does not know is left out; what it knows
 * is denied unless a rule allows it.
 */
#ifndef VIPAIR_LANDLOCK_H
#define VIPAIR_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum landlock_may {		/* what a rule allows below its place */
	MAY_READ = 1,		/* files and lists of names */
	MAY_STORE = 2,		/* also plain files and directories: all */
	MAY_EXEC = 4,		/* execute and read */
	MAY_SOCKET = 8,		/* make local sockets */
};

/*
 * Returns the ABI the kernel has, 0 for none.  begin, then rules, then end:
 * from there on the process and its children have only what the rules say,
 * and no TCP but to the ports that were allowed.  Each is 0, or -1 with errno;
 * a place that is not there is ENOENT and may be passed over.
 */
int	landlock_abi(void);
int	landlock_begin(void);
int	landlock_allow(int ruleset, const char *path, unsigned int may);
/* TCP to that port, anywhere; nothing where the kernel cannot tell ports. */
int	landlock_allow_connect(int ruleset, uint16_t port);
int	landlock_end(int ruleset);
/*
 * The program that the kernel starts to start one like ours, which a rule for
 * programs must name as well; NULL: none, we are linked statically.
 */
const char	*landlock_interpreter(void);

#endif
