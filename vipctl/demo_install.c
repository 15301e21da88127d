/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: what a node has inside.  Process 1 of the node, in its own
 * mounts: /run is new at each boot; /etc and /var/lib are its disk, which
 * outlives its power.  The accounts, keys and files made here are the node's
 * alone; those of the host are below them and stay as they are.
 */

#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define HOST_KEY	"/etc/ssh/ssh_host_ed25519_key"
#define IDS_FROM	700	/* others on each node */
#define IDS_STEP	40

static int
write_file(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		return demo_failed(path);
	return 0;
}

static int
make_dir(const char *path, mode_t mode)
{
	return mkdir(path, mode) == -1 && errno != EEXIST ?
	    demo_failed(path) : 0;
}

int
demo_install_mounts(const struct demo *d, const struct demo_node *n)
{
	static const char *const part[] = { "", "/etc", "/work", "/lib" };
	char path[64], disk[64], overlay[256];

	(void)d;
	(void)snprintf(disk, sizeof(disk), DEMO_DIR "/%s", n->name);
	for (int i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", disk, part[i]);
		if (make_dir(path, 0755) == -1)
			return -1;
	}
	(void)snprintf(overlay, sizeof(overlay), "lowerdir=/etc,upperdir="
	    "%s/etc,workdir=%s/work,index=off", disk, disk);
	if (mount("overlay", "/etc", "overlay", 0, overlay) == -1)
		return demo_failed("overlay on /etc of a node");
	if (mount(path, "/var/lib", NULL, MS_BIND, NULL) == -1 ||
	    mount("proc", "/proc", "proc", 0, NULL) == -1 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == -1)
		return demo_failed("mounts of a node");
	return make_dir("/run/sshd", 0755);
}

/* In a file of /etc, the line of that name, instead of one that is there. */
static int
set_line(const char *path, const char *name, const char *line)
{
	char *old = NULL, *text = NULL;
	size_t size = 0, length, n = strlen(name);
	FILE *in = fopen(path, "re"), *out = open_memstream(&text, &length);
	struct stat st;
	int r = -1;

	if (in == NULL || out == NULL || fstat(fileno(in), &st) == -1)
		return demo_failed(path);
	while (getline(&old, &size, in) > 0)
		if (strncmp(old, name, n) != 0 || old[n] != ':')
			(void)fputs(old, out);
	(void)fprintf(out, "%s:%s\n", name, line);
	(void)fclose(in);
	if (fclose(out) == 0)
		r = write_file(path, st.st_mode & 07777, text);
	free(old);
	free(text);
	return r;
}

static int
add_account(const char *name, unsigned id, unsigned gid, const char *home,
    const char *shell)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "x:%u:", id);
	if (id == gid && set_line("/etc/group", name, line) == -1)
		return -1;
	(void)snprintf(line, sizeof(line), "x:%u:%u::%s:%s", id, gid, home,
	    shell);
	/* '*': no password, and no lock that sshd would respect. */
	return set_line("/etc/passwd", name, line) == -1 ? -1 :
	    set_line("/etc/shadow", name, "*:::::::");
}

/* Numbers differ from node to node, as they do between real ones. */
static int
make_accounts(const struct demo *d, const struct demo_node *n)
{
	static const char nologin[] = "/usr/sbin/nologin";
	unsigned id = IDS_FROM + IDS_STEP * (unsigned)(n - d->node), free[5];

	for (int i = 0; i < 5; i++, id++) {
		while (getpwuid(id) != NULL || getgrgid(id) != NULL)
			id++;
		free[i] = id;
	}
	return add_account("_vrrpd", free[0], free[0], "/", nologin) ||
	    add_account("_vipd", free[1], free[1], "/", nologin) ||
	    add_account("_syncd", free[2], free[2], "/", "/bin/sh") ||
	    add_account("_syncr", free[3], free[2],
	    "/var/lib/vipair/receiver", "/bin/sh") ||
	    add_account("visits", free[4], free[4], "/", nologin) ? -1 : 0;
}

static int
make_sshd(const struct demo_node *n)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "ListenAddress %s\n"
	    "HostKey " HOST_KEY "\n"
	    "AuthorizedKeysFile .ssh/authorized_keys\n"
	    "AllowUsers _syncr\n"
	    "PasswordAuthentication no\n"
	    "KbdInteractiveAuthentication no\n"
	    "UsePAM no\n"
	    "PidFile none\n", n->address);
	if (make_dir("/etc/ssh", 0755) == -1 ||
	    write_file("/etc/ssh/sshd_config", 0644, text) == -1)
		return -1;
	/* Those of the host, seen through the overlay, are not ours. */
	(void)unlink(HOST_KEY);
	(void)unlink(HOST_KEY ".pub");
	return demo_run((const char *const[]){ "ssh-keygen", "-q", "-t",
	    "ed25519", "-N", "", "-C", n->name, "-f", HOST_KEY, NULL });
}

static int
make_configuration(const struct demo *d)
{
	static const char run[] = "/libexec/vipair/demo-visits";
	static const char pidfile[] = "/run/demo-visits.pid";
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "pair \"" DEMO_PAIR "\" {\n"
	    "\tvirtual address " DEMO_VIP "\n"
	    "\tnode \"%s\" address %s prefer\n"
	    "\tnode \"%s\" address %s\n"
	    "\tvhid 94\n"
	    "\tsecret file \"/etc/vipair/" DEMO_PAIR ".secret\"\n"
	    "\tservice exec {\n"
	    "\t\tstart \"%s%s start " DEMO_DATABASE " %s " DEMO_VIP " %d\"\n"
	    "\t\tstop \"%s%s stop %s\"\n"
	    "\t\tcheck \"%s%s check " DEMO_VIP " %d\"\n"
	    "\t}\n"
	    "\tsync on change and every 60s {\n"
	    "\t\tbase \"" DEMO_BASE "\"\n"
	    "\t\tsqlite \"visits.db\"\n"
	    "\t}\n"
	    "}\n", d->node[0].name, d->node[0].address, d->node[1].name,
	    d->node[1].address, d->prefix, run, pidfile, DEMO_PORT,
	    d->prefix, run, pidfile, d->prefix, run, DEMO_PORT);
	return write_file("/etc/vipair/vipair.conf", 0644, text);
}

int
demo_install(const struct demo *d, const struct demo_node *n)
{
	const struct passwd *visits;

	if (make_accounts(d, n) == -1 || make_sshd(n) == -1)
		return -1;
	/* A vipair of the host is not the node's. */
	if (demo_run((const char *const[]){ "rm", "-rf", "/etc/vipair",
	    NULL }) == -1 || make_dir("/etc/vipair", 0755) == -1 ||
	    make_configuration(d) == -1 || make_dir(DEMO_BASE, 0750) == -1)
		return -1;
	visits = getpwnam("visits");
	if (visits == NULL || chown(DEMO_BASE, visits->pw_uid,
	    visits->pw_gid) == -1)
		return demo_failed(DEMO_BASE);
	return 0;
}
