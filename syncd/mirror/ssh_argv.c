/* SPDX-License-Identifier: ISC */

/*
 * mirror and bulkssh: what ssh is told.  All that decides about trust stands
 * here and not in the configuration file, which only names host, port, user,
 * key and the pinned host key; the first word of an option counts in ssh.
 */

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "ssh.h"

static const char *const options[] = {
	"BatchMode=yes",
	"StrictHostKeyChecking=yes",
	"GlobalKnownHostsFile=/dev/null",
	"UpdateHostKeys=no",
	"VerifyHostKeyDNS=no",
	"IdentitiesOnly=yes",
	"IdentityAgent=none",
	"AddKeysToAgent=no",
	"PreferredAuthentications=publickey",
	"NumberOfPasswordPrompts=0",
	"ForwardAgent=no",
	"ForwardX11=no",
	"ClearAllForwardings=yes",
	"PermitLocalCommand=no",
	"Tunnel=no",
	"RequestTTY=no",
	"EscapeChar=none",
	"CanonicalizeHostname=no",
	"ControlPersist=no",
	"ConnectionAttempts=1",
	"ConnectTimeout=10",
	"TCPKeepAlive=yes",
	/* A dead link; the partner's receiver itself may be at its disk. */
	"ServerAliveInterval=5",
	"ServerAliveCountMax=3",
	"Compression=no",
	"LogLevel=ERROR",
};

#define CONTROL_MAX	85	/* ssh adds 17 to make the socket */

const char *
ssh_place_check(const struct ssh_place *p)
{
	static const char meaning[] = " \t\n'\"\\%$~";

	if (strpbrk(p->ssh, meaning) != NULL)
		return "ssh";
	if (strpbrk(p->carrier, meaning) != NULL)
		return "bulkssh";
	if (strpbrk(p->config, meaning) != NULL)
		return "ssh configuration";
	if (strpbrk(p->control, meaning) != NULL ||
	    strlen(p->control) > CONTROL_MAX)
		return "run directory";
	return NULL;
}

void
ssh_argv(const char **argv, const char *ssh, const char *config,
    const char *control, bool master, const char *word)
{
	size_t i, n = 0;

	argv[n++] = ssh;
	argv[n++] = "-F";
	argv[n++] = config;
	argv[n++] = "-S";
	argv[n++] = control;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		argv[n++] = "-o";
		argv[n++] = options[i];
	}
	argv[n++] = "-o";
	argv[n++] = master ? "ControlMaster=yes" : "ControlMaster=no";
	/* Without its master it would connect anew: it must not. */
	argv[n++] = "-o";
	argv[n++] = master ? "ProxyCommand=none" : "ProxyCommand=/bin/false";
	argv[n++] = "-o";
	argv[n++] = "ProxyJump=none";
	argv[n++] = "-T";
	argv[n++] = "--";
	argv[n++] = SSH_HOST;
	argv[n++] = word;
	argv[n] = NULL;
	assert(n < SSH_ARGV_MAX);
}
