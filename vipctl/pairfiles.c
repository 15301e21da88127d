/* SPDX-License-Identifier: ISC */

/*
 * vipctl pair: what is kept on this node.  As root, which is why every name
 * comes from the configuration of this node and none from a card.
 */
#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"

#define SSH_KEYGEN	"/usr/bin/ssh-keygen"
#define SSH_KEYSCAN	"/usr/bin/ssh-keyscan"
#define HOST_KEY	"/etc/ssh/ssh_host_ed25519_key.pub"
#define KEYS_MAX	65536

static bool
failed(const struct pairing *p, const char *path)
{
	complain(p->v, "%s: %s", path, strerror(errno));
	return false;
}

bool
pair_read_file(const char *path, char *buf, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	buf[0] = '\0';
	if (fd == -1)
		return false;
	n = read(fd, buf, size);
	(void)close(fd);
	if (n < 0 || (size_t)n >= size) {
		buf[0] = '\0';
		errno = n < 0 ? errno : EFBIG;
		return false;
	}
	buf[n] = '\0';
	return true;
}

bool
pair_write_file(const struct pairing *p, const char *path, const char *text,
    mode_t mode, uid_t uid, gid_t gid)
{
	const size_t len = strlen(text);
	char beside[PAIR_PATH_MAX + 8];
	int fd;

	snprintf(beside, sizeof(beside), "%s.new", path);
	(void)unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return failed(p, beside);
	errno = ENOSPC;
	if (write(fd, text, len) != (ssize_t)len ||
	    fchown(fd, uid, gid) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1 || rename(beside, path) == -1) {
		(void)failed(p, path);
		(void)close(fd);
		(void)unlink(beside);
		return false;
	}
	(void)close(fd);
	return true;
}

/* Makes it when it is missing; what is there stays as it is. */
static bool
make_dir(const struct pairing *p, const char *path, mode_t mode, uid_t uid,
    gid_t gid)
{
	struct stat st;

	if (lstat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return true;
		errno = ENOTDIR;
		return failed(p, path);
	}
	if (mkdir(path, 0700) == -1 || chown(path, uid, gid) == -1 ||
	    chmod(path, mode) == -1)
		return failed(p, path);
	return true;
}

static bool
make_key(const struct pairing *p)
{
	char path[PAIR_PATH_MAX + 16], pub[PAIR_PATH_MAX + 24];
	const char *argv[] = { SSH_KEYGEN, "-q", "-t", "ed25519", "-N", "",
	    "-C", "", "-f", path, NULL };

	snprintf(path, sizeof(path), "%s/id_ed25519", p->dir);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	if (access(path, F_OK) == 0 && access(pub, F_OK) == 0)
		return true;
	if (pair_run(p, argv, "", NULL, 0, false) != 0) {
		complain(p->v, "%s: no key was made", path);
		return false;
	}
	if (chown(path, p->uid, p->gid) == -1 || chmod(path, 0600) == -1)
		return failed(p, path);
	return true;
}

static bool
make_secret_file(const struct pairing *p)
{
	char text[2 * CONF_KEY_LEN_MIN + 40] = "key 1 hex:";
	uint8_t key[CONF_KEY_LEN_MIN];
	size_t n = strlen(text), i;
	bool ok;

	if (access(p->secret_path, F_OK) == 0)
		return true;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return failed(p, "random numbers");
	for (i = 0; i < sizeof(key); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x",
		    key[i]);
	snprintf(text + n, sizeof(text) - n, "\nactive 1\n");
	ok = pair_write_file(p, p->secret_path, text, 0600, 0, 0);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return ok;
}

/* What the receiver wants to find, also before the daemon's first start. */
static bool
make_places(const struct pairing *p, const char *state)
{
	const char *run = conf_string(p->conf, p->conf->run_dir);
	char path[PAIR_PATH_MAX];

	snprintf(path, sizeof(path), "%s/store", state);
	if (!make_dir(p, path, 0755, 0, 0))
		return false;
	snprintf(path, sizeof(path), "%s/store/%s", state, p->name);
	if (!make_dir(p, path, 02770, p->uid, p->gid) ||
	    !make_dir(p, run, 0755, 0, 0))
		return false;
	snprintf(path, sizeof(path), "%s/sync", run);
	return make_dir(p, path, 02771, p->uid, p->gid);
}

bool
pair_prepare(const struct pairing *p, bool make_secret)
{
	const char *state = conf_string(p->conf, p->conf->state_dir);
	char ssh[PAIR_PATH_MAX];

	snprintf(ssh, sizeof(ssh), "%s/ssh", state);
	if (!make_dir(p, state, 0711, 0, 0) ||
	    !make_dir(p, ssh, 0750, 0, p->gid) ||
	    !make_dir(p, p->dir, 0750, 0, p->gid) ||
	    !make_places(p, state) || !make_key(p))
		return false;
	return !make_secret || make_secret_file(p);
}

/* The two words of a public key, wherever on the line they are. */
static bool
find_key(const char *text, char key[PAIR_KEY_MAX])
{
	static const char kind[] = "ssh-ed25519 ";
	const char *s = strstr(text, kind);
	size_t n;

	if (s == NULL)
		return false;
	n = sizeof(kind) - 1;
	n += strcspn(s + n, " \r\n");
	if (n >= PAIR_KEY_MAX)
		return false;
	memcpy(key, s, n);
	key[n] = '\0';
	return true;
}

/* Asked of our own sshd, at the address the partner will use. */
static bool
host_key(const struct pairing *p, char key[PAIR_KEY_MAX])
{
	char out[4096], port[8];
	const char *argv[] = { SSH_KEYSCAN, "-T", "3", "-t", "ed25519", "-p",
	    port, "--", p->address, NULL };

	snprintf(port, sizeof(port), "%u", p->pair->partner_ssh_port);
	if (pair_run(p, argv, "", out, sizeof(out), true) == 0 &&
	    find_key(out, key))
		return true;
	if (pair_read_file(HOST_KEY, out, sizeof(out)) && find_key(out, key))
		return true;
	complain(p->v, "no sshd answers at %s port %s and " HOST_KEY " is not "
	    "there: install openssh-server and start it", p->address, port);
	return false;
}

bool
pair_own_card(const struct pairing *p, struct card *c)
{
	char path[PAIR_PATH_MAX + 20], text[PAIR_KEY_MAX];

	memset(c, 0, sizeof(*c));
	snprintf(c->pair, sizeof(c->pair), "%s", p->name);
	snprintf(c->node, sizeof(c->node), "%s",
	    conf_string(p->conf, p->self->name));
	snprintf(c->address, sizeof(c->address), "%s", p->address);
	snprintf(path, sizeof(path), "%s/id_ed25519.pub", p->dir);
	if (!pair_read_file(path, text, sizeof(text)) ||
	    !find_key(text, c->key)) {
		complain(p->v, "%s: no ed25519 key in it: remove it and what "
		    "stands beside it, and pair again", path);
		return false;
	}
	if (!pair_read_file(p->secret_path, c->secret, sizeof(c->secret)) &&
	    errno != ENOENT)
		return failed(p, p->secret_path);
	return host_key(p, c->host);
}

/* Lines of other pairs stay; ours, if one is there, is replaced. */
static bool
install_authorized(const struct pairing *p, const char *line)
{
	static char old[KEYS_MAX], all[KEYS_MAX + 2048];
	char dir[PAIR_PATH_MAX + 8], path[PAIR_PATH_MAX + 32], ours[400];
	size_t n, have = 0;
	const char *s;

	snprintf(dir, sizeof(dir), "%s/.ssh", p->home);
	snprintf(path, sizeof(path), "%s/authorized_keys", dir);
	snprintf(ours, sizeof(ours), "receiver %s %s/", p->name,
	    conf_string(p->conf, p->conf->state_dir));
	if (!make_dir(p, p->home, 0755, 0, 0) ||
	    !make_dir(p, dir, 0755, 0, 0))
		return false;
	if (!pair_read_file(path, old, sizeof(old)) && errno != ENOENT)
		return failed(p, path);
	for (s = old; *s != '\0'; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		if (n == 0 || memmem(s, n, ours, strlen(ours)) != NULL)
			continue;
		memcpy(all + have, s, n);
		have += n;
		all[have++] = '\n';
	}
	snprintf(all + have, sizeof(all) - have, "%s", line);
	return pair_write_file(p, path, all, 0644, 0, 0);
}

static bool
authorize(const struct pairing *p, const struct card *c)
{
	const char *state = conf_string(p->conf, p->conf->state_dir);
	char line[PAIR_KEY_MAX + 1024];

	snprintf(line, sizeof(line), "restrict,from=\"%s\",command=\""
	    VIPAIR_LIBEXEC "/receiver %s %s/store/%s %s/sync\" %s\n",
	    p->partner_address, p->name, state, p->name,
	    conf_string(p->conf, p->conf->run_dir), c->key);
	return install_authorized(p, line);
}

static bool
pin_host(const struct pairing *p, const struct card *c)
{
	char path[PAIR_PATH_MAX + 16], line[PAIR_KEY_MAX + CONF_NAME_MAX + 4];

	snprintf(path, sizeof(path), "%s/known_hosts", p->dir);
	snprintf(line, sizeof(line), "%s %s\n",
	    conf_string(p->conf, p->partner->name), c->host);
	return pair_write_file(p, path, line, 0644, 0, p->gid);
}

/* Two different secrets are never merged nor overwritten. */
static bool
install_secret(const struct pairing *p, const struct card *c, bool *is_new)
{
	char own[PAIR_SECRET_MAX];
	bool same;

	*is_new = false;
	if (c->secret[0] == '\0')
		return true;
	if (!pair_read_file(p->secret_path, own, sizeof(own))) {
		if (errno != ENOENT)
			return failed(p, p->secret_path);
		*is_new = true;
		return pair_write_file(p, p->secret_path, c->secret, 0600, 0,
		    0);
	}
	same = strcmp(own, c->secret) == 0;
	explicit_bzero(own, sizeof(own));
	if (!same)
		complain(p->v, "%s is another secret than %s has: remove the "
		    "wrong one of the two files and pair again",
		    p->secret_path, c->node);
	return same;
}

bool
pair_install(const struct pairing *p, const struct card *c, bool *secret_new)
{
	const char *partner = conf_string(p->conf, p->partner->name);

	if (strcmp(c->pair, p->name) != 0 || strcmp(c->node, partner) != 0 ||
	    strcmp(c->address, p->partner_address) != 0) {
		complain(p->v, "the card is of node %s (%s) in pair %s; "
		    "expected %s (%s) in pair %s: is the configuration the "
		    "same on both nodes?", c->node, c->address, c->pair,
		    partner, p->partner_address, p->name);
		return false;
	}
	return install_secret(p, c, secret_new) && pin_host(p, c) &&
	    authorize(p, c);
}

bool
pair_remove(const struct pairing *p)
{
	static const char *const name[] = { "id_ed25519", "id_ed25519.pub",
	    "known_hosts" };
	char path[PAIR_PATH_MAX + 24];
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, name[i]);
		if (unlink(path) == -1 && errno != ENOENT)
			return failed(p, path);
	}
	if (rmdir(p->dir) == -1 && errno != ENOENT)
		return failed(p, p->dir);
	return install_authorized(p, "");
}
