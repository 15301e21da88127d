/* SPDX-License-Identifier: ISC */

/*
 * The mirror: RUN_DIR/sync/PAIR.ssh, where ssh finds its partner.  Only place
 * and identity; what decides about trust is on ssh's command line.
 */

#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <string.h>
#include <unistd.h>

#include "mirror.h"

#define SSH_USER	"_syncr"
#define TEXT_MAX	2048

static int
replace(int dir, const char *pair, const char *text, size_t len)
{
	char name[CONF_NAME_MAX + 8], beside[CONF_NAME_MAX + 16];
	int error, fd;

	(void)fmt_into(name, sizeof(name), "%s.ssh", pair);
	(void)fmt_into(beside, sizeof(beside), "%s.ssh.new", pair);
	fd = openat(dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	errno = ENOSPC;
	if (write(fd, text, len) == (ssize_t)len &&
	    renameat(dir, beside, dir, name) == 0) {
		(void)close(fd);
		return 0;
	}
	error = errno;
	(void)close(fd);
	(void)unlinkat(dir, beside, 0);
	errno = error;
	return -1;
}

int
sshconf_write(const struct pair *p)
{
	const struct conf *c = p->mirror->conf;
	const struct conf_node *node = conf_pair_node(c, p->conf,
	    p->partner);
	const char *state = conf_string(c, c->state_dir);
	char address[INET6_ADDRSTRLEN], text[TEXT_MAX];
	size_t len;

	/* ssh gives a meaning to these. */
	if (strpbrk(state, " \t\n\"\\%$~#") != NULL || inet_ntop(
	    node->address.family == 4 ? AF_INET : AF_INET6,
	    node->address.byte, address, sizeof(address)) == NULL) {
		errno = EINVAL;
		return -1;
	}
	len = fmt_into(text, sizeof(text), "Host " SSH_HOST "\n"
	    "\tHostName %s\n\tHostKeyAlias %s\n\tPort %u\n\tUser "
	    SSH_USER "\n\tIdentityFile %s/ssh/%s/id_ed25519\n"
	    "\tUserKnownHostsFile %s/ssh/%s/known_hosts\n",
	    address, conf_string(c, node->name),
	    (unsigned int)p->conf->partner_ssh_port, state, p->name, state,
	    p->name);
	if (len >= sizeof(text) - 1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return replace(p->mirror->run_dir, p->name, text, len);
}
