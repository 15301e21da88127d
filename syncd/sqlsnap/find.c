/* SPDX-License-Identifier: ISC */

/*
 * sqlsnap: from numbers to a path.  The entry of the configuration says where
 * a database may be; of what is there only names and inodes are looked at,
 * and no file is opened.  Root, so no link is followed either.
 */

#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "room.h"
#include "sqlsnap.h"

#define NAMES_MAX	1000000u	/* looked at, all directories */

struct search {
	uint64_t	dev, ino;
	uint32_t	names;
	char		*path;		/* relative to base */
	size_t		size;
	bool		found;
};

static union {
	struct conf	conf;
	uint8_t		byte[CONF_BLOB_MAX];
} blob;

static int
open_directory(int at, const char *name, uint64_t resolve)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = resolve,
	};

	return (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
}

/* The first component, and where the next one begins, or NULL. */
static const char *
component(const char *glob, char name[CONF_PATTERN_MAX + 1])
{
	const size_t n = strcspn(glob, "/");

	(void)memcpy(name, glob, n);
	name[n] = '\0';
	return glob[n] == '/' ? glob + n + 1 : NULL;
}

static void look_in(struct search *s, int dir, const char *glob, size_t len);

/* One name that matches its component of the pattern. */
static void
look_at(struct search *s, int dir, const char *name, const char *rest,
    size_t len)
{
	const size_t n = strlen(name);
	struct stat st;
	int fd;

	if (len + n + 2 > s->size)
		return;
	(void)memcpy(s->path + len, name, n + 1);
	if (rest == NULL) {
		s->found = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ==
		    0 && S_ISREG(st.st_mode) && st.st_dev == s->dev &&
		    st.st_ino == s->ino;
		return;
	}
	fd = open_directory(dir, name, RESOLVE_BENEATH |
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd == -1)
		return;
	s->path[len + n] = '/';
	look_in(s, fd, rest, len + n + 1);
}

static bool
literal(const char *glob)
{
	return strpbrk(glob, "*?[\\") == NULL;
}

/* As the capture matches: a leading dot is no exception. */
static void
look_through(struct search *s, int dir, const char *glob, const char *rest,
    size_t len)
{
	const struct dirent *e;
	DIR *d;

	d = fdopendir(dir);
	if (d == NULL) {
		(void)close(dir);
		return;
	}
	while (!s->found && (e = readdir(d)) != NULL &&
	    s->names++ < NAMES_MAX)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    fnmatch(glob, e->d_name, 0) == 0)
			look_at(s, dir, e->d_name, rest, len);
	(void)closedir(d);
}

/* dir is closed here.  As deep as the pattern has components. */
static void
look_in(struct search *s, int dir, const char *glob, size_t len)
{
	char name[CONF_PATTERN_MAX + 1];
	const char *rest = component(glob, name);

	if (literal(name)) {
		look_at(s, dir, name, rest, len);
		(void)close(dir);
	} else {
		look_through(s, dir, name, rest, len);
	}
}

static enum sqlsnap
search(const struct conf *c, const struct conf_pair *p, uint32_t entry,
    struct search *s, const char **base)
{
	const struct conf_sync_entry *e = conf_pair_sync(c, p, entry);
	int fd;

	*base = conf_string(c, p->sync.base);
	fd = open_directory(AT_FDCWD, *base, 0);
	if (fd == -1) {
		say("%s: %s", *base, strerror(errno));
		return errno == ENOENT ? SQLSNAP_GONE : SQLSNAP_IO;
	}
	look_in(s, fd, conf_string(c, e->pattern), 0);
	if (s->found)
		return SQLSNAP_OK;
	say("%s: no database of \"%s\" is inode %llu any more", *base,
	    conf_string(c, e->pattern), (unsigned long long)s->ino);
	return SQLSNAP_GONE;
}

enum sqlsnap
find_by_number(const struct snap_numbers *n, const char **base, char *path,
    size_t size)
{
	struct search s = { .dev = n->dev, .ino = n->ino, .path = path,
	    .size = size };
	const struct conf_pair *p;
	const char *error;
	size_t len;

	error = room_read_blob(ROOM_FD_CONF, &blob, sizeof(blob), &len);
	if (error != NULL) {
		say("configuration: %s", error);
		return SQLSNAP_USAGE;
	}
	if (n->pair >= blob.conf.npairs) {
		say("pair %u of %u", n->pair, blob.conf.npairs);
		return SQLSNAP_USAGE;
	}
	p = conf_pair(&blob.conf, n->pair);
	if (!p->has_sync || n->entry >= p->sync.nentries ||
	    conf_pair_sync(&blob.conf, p, n->entry)->kind !=
	    CONF_SYNC_SQLITE) {
		say("pair %u has no database %u", n->pair, n->entry);
		return SQLSNAP_USAGE;
	}
	return search(&blob.conf, p, n->entry, &s, base);
}
