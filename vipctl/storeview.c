/* SPDX-License-Identifier: ISC */

/*
 * vipctl: finds the store of a pair and opens it for reading.  What is in it
 * came from the partner too; whoever only looks does so without root.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storeview.h"

static int
pick(struct vipctl *v, const char *name, struct data_store *d)
{
	const struct conf_pair *p;
	uint32_t i, found = 0;

	for (i = 0; i < d->conf->npairs; i++) {
		p = conf_pair(d->conf, i);
		if (name != NULL ? strcmp(conf_string(d->conf, p->name),
		    name) != 0 : !p->has_sync)
			continue;
		d->pair = p;
		d->index = i;
		found++;
	}
	if (found == 1 && d->pair->has_sync) {
		d->name = conf_string(d->conf, d->pair->name);
		return EXIT_DONE;
	}
	if (name != NULL && found == 0)
		complain(v, "no pair is named '%s'", name);
	else if (name != NULL)
		complain(v, "pair %s has no sync block: there are no "
		    "generations of its data", name);
	else if (found == 0)
		complain(v, "no pair has a sync block: there are no "
		    "generations of data");
	else
		complain(v, "%u pairs have a sync block: say which one",
		    found);
	return EXIT_REFUSED;
}

int
data_conf(struct vipctl *v, const char *name, struct data_store *d)
{
	int code;

	*d = (struct data_store){ .index = 0 };
	d->config = config_load(v->conf_path, CONFIG_NO_SECRETS, 0);
	d->conf = d->config->conf;
	if (d->conf == NULL) {
		complain(v, "%s cannot be used; 'vipctl validate --offline "
		    "%s' tells why", v->conf_path, v->conf_path);
		code = EXIT_REFUSED;
	} else
		code = pick(v, name, d);
	if (code != EXIT_DONE)
		data_close(d);
	return code;
}

/* Root looks as the store's owner; there is no way back. */
static int
give_up_root(struct vipctl *v, int dir)
{
	struct stat st;

	if (geteuid() != 0 || fstat(dir, &st) == -1 || st.st_uid == 0)
		return EXIT_DONE;
	if (setgroups(0, NULL) == 0 &&
	    setresgid(st.st_gid, st.st_gid, st.st_gid) == 0 &&
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == 0)
		return EXIT_DONE;
	complain(v, "rights cannot be given up: %s", strerror(errno));
	return EXIT_REFUSED;
}

static int
no_store(struct vipctl *v, const char *path)
{
	if (errno == EACCES || errno == EPERM) {
		complain(v, "%s: permission denied, needs root or group "
		    "_syncd: try it with sudo", path);
		return EXIT_NOT_PERMITTED;
	}
	if (errno == ENOENT)
		complain(v, "%s is not there: vrrpd makes it when it starts "
		    "with a sync block", path);
	else
		complain(v, "%s: %s", path, strerror(errno));
	return EXIT_REFUSED;
}

int
data_open(struct vipctl *v, const char *name, enum data_rights rights,
    struct data_store *d)
{
	char path[4096];
	enum store_result r;
	int code, dir;

	code = data_conf(v, name, d);
	if (code != EXIT_DONE)
		return code;
	snprintf(path, sizeof(path), "%s/store/%s",
	    conf_string(d->conf, d->conf->state_dir), d->name);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1) {
		code = no_store(v, path);
		data_close(d);
		return code;
	}
	if (rights == DATA_LOOK)
		code = give_up_root(v, dir);
	if (code == EXIT_DONE) {
		r = store_open(&d->store, dir, d->name, false);
		if (d->store == NULL)
			code = no_store(v, path);
		else if (r != STORE_OK)
			complain(v, "warning: the store is %s: %s",
			    store_word(r), store_why(d->store));
	}
	close(dir);
	if (code != EXIT_DONE)
		data_close(d);
	return code;
}

void
data_close(struct data_store *d)
{
	if (d->store != NULL)
		store_close(d->store);
	if (d->config != NULL)
		config_free(d->config);
	*d = (struct data_store){ .index = 0 };
}

const char *
data_node(const struct data_store *d, uint32_t id)
{
	const struct conf_node *n;
	uint32_t i;

	for (i = 0; i < d->pair->nnodes; i++) {
		n = conf_pair_node(d->conf, d->pair, i);
		if (n->rank == id)
			return conf_string(d->conf, n->name);
	}
	return "?";
}

/* Numbers in names of branches are padded with zeros; nobody types those. */
static const char *
without_zeros(const char *s)
{
	while (*s == '0')
		s++;
	return s;
}

int
data_branch(struct vipctl *v, struct data_store *d, const char *word,
    struct store_branch *b)
{
	struct store_branch one;
	const char *begin = without_zeros(word);
	size_t cursor = 0, found = 0;

	while (store_branches(d->store, &cursor, &one))
		if (strncmp(without_zeros(one.name), begin,
		    strlen(begin)) == 0) {
			*b = one;
			found++;
		}
	if (found == 1 && *word != '\0')
		return EXIT_DONE;
	if (found > 1)
		complain(v, "%zu branches begin with '%s': type more of the "
		    "name; 'vipctl diverged' lists them", found, word);
	else
		complain(v, "no branch begins with '%s'; 'vipctl diverged' "
		    "lists them", word);
	return EXIT_REFUSED;
}

uint64_t
data_head_word(const struct hash *h)
{
	uint64_t word = 0;
	int i;

	for (i = 0; i < 8; i++)
		word = word << 8 | h->b[i];
	return word;
}

void
data_short_name(const struct store_branch *b, char *buf, size_t size)
{
	const char *name = without_zeros(b->name), *dot = strchr(name, '.');
	int n = dot != NULL ? (int)(dot - name) + 9 : BRANCH_NAME_MAX;

	snprintf(buf, size, "%.*s", n, name);
}
