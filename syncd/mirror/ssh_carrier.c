/* SPDX-License-Identifier: ISC */

/*
 * bulkssh: the remote shell of the mirror's rsync.
 *
 *	bulkssh SSH CONFIG CONTROL HOST rsync --server ...
 *
 * rsync appends host and a command line of its own; the partner's receiver
 * accepts one word only, and has its own arguments for rsync, so both are
 * dropped here.  Runs over the master that is there, or not at all.
 */

#include <sys/prctl.h>

#include <signal.h>
#include <unistd.h>

#include "ssh.h"

int
main(int argc, char **argv)
{
	const char *args[SSH_ARGV_MAX];

	if (argc < 5) {
		static const char line[] =
		    "bulkssh: started by rsync only\n";
		(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
		return 64;
	}
	/* rsync ends with the mirror; so do we with rsync. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	ssh_argv(args, argv[1], argv[2], argv[3], false, "rsync");
	(void)execv(argv[1], (char *const *)(uintptr_t)args);
	return 127;
}
