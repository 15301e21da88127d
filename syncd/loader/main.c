/* SPDX-License-Identifier: ISC */

/*
 * The loader, root, one job:
 *
 *	loader prepare PAIR		next becomes the head
 *	loader load PAIR --captured	what is wished for, or the head,
 *					becomes live
 *	loader settle PAIR --captured	the head becomes live, on a standby
 *	loader restore PAIR GENERATION --to DIR
 *
 * PAIR is an index in the configuration, descriptor 8.  Store and base come
 * from there, never from argv.  Log lines go to descriptor 3 when that is
 * the log socket, else to standard error.  The exit status is one of enum
 * loader_exit.  --captured is the caller's word that live data was committed
 * or parked (F5); without it a load is refused.
 */

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fromstore.h"
#include "log.h"
#include "mono.h"
#include "room.h"

struct job {
	const char	*verb;
	const struct conf *conf;
	const struct conf_pair *pair;
	uint64_t	generation;
	const char	*to;
	bool		captured;
	struct loader	l;
	struct source	source;
	struct store	*store;
	int		store_dir;
};

static struct sync_entry entries[SYNC_ENTRIES_MAX];

static void
to_stderr(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)!write(STDERR_FILENO, line, len);
	(void)!write(STDERR_FILENO, "\n", 1);
}

static void
start_log(void)
{
	struct stat st;

	if (fstat(ROOM_FD_LOG, &st) == 0 && S_ISSOCK(st.st_mode))
		log_init(ROOM_FD_LOG, LOG_LEVEL_INFO);
	else
		log_to(to_stderr);
}

static bool
number(const char *text, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool
goes_live(const struct job *j)
{
	return strcmp(j->verb, "load") == 0 || strcmp(j->verb, "settle") == 0;
}

static bool
read_arguments(struct job *j, int argc, char **argv, uint64_t *pair)
{
	if (argc < 3 || !number(argv[2], pair))
		return false;
	j->verb = argv[1];
	if (strcmp(j->verb, "prepare") == 0)
		return argc == 3;
	if (goes_live(j)) {
		j->captured = argc == 4 && strcmp(argv[3], "--captured") == 0;
		return argc == 3 || j->captured;
	}
	if (strcmp(j->verb, "restore") != 0 || argc != 6 ||
	    !number(argv[3], &j->generation) ||
	    strcmp(argv[4], "--to") != 0 || argv[5][0] != '/')
		return false;
	j->to = argv[5];
	return true;
}

static int
read_conf(struct job *j, uint64_t pair)
{
	static union {
		struct conf	conf;
		uint8_t		byte[CONF_BLOB_MAX];
	} blob;
	const char *error;
	size_t len;

	error = room_read_blob(ROOM_FD_CONF, &blob, sizeof(blob), &len);
	if (error != NULL)
		return loader_fail(&j->l, LOADER_CONFIG, "configuration: %s",
		    error);
	(void)close(ROOM_FD_CONF);
	if (pair >= blob.conf.npairs)
		return loader_fail(&j->l, LOADER_CONFIG, "pair %llu of %u",
		    (unsigned long long)pair, blob.conf.npairs);
	j->conf = &blob.conf;
	j->pair = conf_pair(j->conf, (uint32_t)pair);
	if (!j->pair->has_sync)
		return loader_fail(&j->l, LOADER_CONFIG,
		    "pair has no sync block");
	return 0;
}

/* A link on the way could lead elsewhere tomorrow. */
static int
open_plain(struct loader *l, const char *path, const char *what)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how,
	    sizeof(how));

	if (fd != -1)
		return fd;
	return loader_fail(l, LOADER_CONFIG, "%s %s: %s", what, path,
	    errno == ELOOP ? "a part of it is a symbolic link: write where "
	    "it leads" : strerror(errno));
}

/* A parent of what is to be made: root's, and nobody else's to write. */
static int
enter_parent(struct loader *l, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	struct stat st;

	(void)close(dir);
	if (fd == -1 || fstat(fd, &st) == -1)
		return loader_error(l, "base %s: %s", l->want.base, name);
	if (st.st_uid == 0 && ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    (st.st_mode & S_ISVTX) != 0))
		return fd;
	(void)close(fd);
	return loader_fail(l, LOADER_CONFIG, "base %s does not exist and "
	    "is not made in %s, which others than root can write to: make "
	    "it with the right owner", l->want.base, name);
}

/* A new node has the programs of the service, but perhaps no data yet. */
static int
make_base(struct loader *l)
{
	char path[CONF_PATTERN_MAX + 1], *name, *slash;
	struct stat st;
	int dir, rc;

	if (lstat(l->want.base, &st) == 0 || errno != ENOENT)
		return 0;
	(void)snprintf(path, sizeof(path), "%s", l->want.base);
	dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return loader_error(l, "/");
	for (name = path + strspn(path, "/");
	    (slash = strchr(name, '/')) != NULL; name = slash) {
		*slash++ = '\0';
		slash += strspn(slash, "/");
		if (*slash == '\0')
			break;
		dir = enter_parent(l, dir, name);
		if (dir == -1)
			return -1;
	}
	rc = mkdirat(dir, name, 0755) == 0 || errno == EEXIST ? 0 :
	    loader_error(l, "base %s", l->want.base);
	(void)close(dir);
	return rc;
}

/* Before the sandbox, which is made of descriptors. */
static int
open_store_dir(struct job *j)
{
	char path[CONF_PATTERN_MAX * 2 + 16];
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/store",
	    conf_string(j->conf, j->conf->state_dir));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return loader_fail(&j->l, LOADER_NOTHING, "%s: %s", path,
		    strerror(errno));
	/* Its parent is an ordinary user's, who could have put it there. */
	if (st.st_uid != 0)
		return loader_fail(&j->l, LOADER_CONFIG, "%s: belongs to "
		    "uid %u, expected root", path, st.st_uid);
	j->store_dir = openat(fd, conf_string(j->conf, j->pair->name),
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (j->store_dir == -1)
		return loader_fail(&j->l, LOADER_NOTHING, "%s/%s: %s", path,
		    conf_string(j->conf, j->pair->name), strerror(errno));
	(void)close(fd);
	return 0;
}

static int
open_store(struct job *j)
{
	enum store_result r;

	r = store_open(&j->store, j->store_dir,
	    conf_string(j->conf, j->pair->name), false);
	/* Nobody has ever written to it. */
	if (r == STORE_ERROR && j->store != NULL &&
	    store_errno(j->store) == ENOENT)
		return loader_fail(&j->l, LOADER_NOTHING, "store is empty");
	if (r != STORE_OK)
		return loader_fail(&j->l, r == STORE_DAMAGED ?
		    LOADER_DAMAGED : LOADER_FAILED, "store: %s: %s",
		    store_word(r), j->store != NULL ? store_why(j->store) :
		    strerror(errno));
	from_store(&j->source, j->store);
	if (strcmp(j->verb, "load") == 0 &&
	    from_store_wish(&j->source) == -1)
		return loader_fail(&j->l, LOADER_DAMAGED, "store: %s",
		    store_why(j->store));
	j->l.source = &j->source;
	return 0;
}

static int
run_in_base(struct job *j)
{
	struct loader *l = &j->l;

	if (make_base(l) == -1)
		return -1;
	l->base = open_plain(l, l->want.base, "base");
	if (l->base == -1 || mounts_read(l) == -1 ||
	    sandbox_enter(l, l->base, j->store_dir) == -1 ||
	    open_store(j) == -1)
		return -1;
	if (j->source.position.generation == 0)
		return loader_fail(l, LOADER_NOTHING, "store is empty");
	if (loader_open(l) == -1)
		return -1;
	if (goes_live(j))
		return loader_load(l);
	if (loader_prepare(l) == -1)
		return -1;
	return loader_upkeep(l);
}

/* Empty, so that nothing of anybody is in the way. */
static int
open_empty(struct job *j)
{
	struct loader *l = &j->l;
	int fd;

	if (mkdir(j->to, 0700) == -1 && errno != EEXIST)
		return loader_error(l, "%s", j->to);
	fd = open_plain(l, j->to, "directory");
	if (fd == -1)
		return -1;
	if (mkdirat(fd, LOADER_DIR, 0700) == -1)
		return loader_error(l, "%s/" LOADER_DIR, j->to);
	return fd;
}

static int
restore_into(struct job *j, int dir)
{
	struct store_generation g;
	struct loader *l = &j->l;
	struct tree *t = NULL;
	int rc;

	if (!store_find(j->store, j->generation, &g))
		return loader_fail(l, LOADER_NOTHING, "no generation %llu",
		    (unsigned long long)j->generation);
	if (!g.complete || store_load_tree(j->store, j->generation, &t) !=
	    STORE_OK)
		return loader_fail(l, g.complete ? LOADER_DAMAGED :
		    LOADER_NOTHING, "generation %llu: %s",
		    (unsigned long long)j->generation, g.complete ?
		    store_why(j->store) : "its data was thinned out");
	rc = loader_restore(l, dir, t);
	tree_free(t);
	return rc;
}

static int
restore(struct job *j)
{
	struct loader *l = &j->l;
	int dir = open_empty(j), rc;

	if (dir == -1)
		return -1;
	l->own = below_dir(dir, LOADER_DIR);
	if (l->own == -1)
		return loader_error(l, "%s", j->to);
	if (sandbox_enter(l, dir, j->store_dir) == -1 || open_store(j) == -1)
		return -1;
	rc = restore_into(j, dir);
	if (below_remove(l, l->own, "new") == 0 &&
	    below_empty_trash(l) == 0) {
		(void)unlinkat(l->own, "trash", AT_REMOVEDIR);
		(void)unlinkat(dir, LOADER_DIR, AT_REMOVEDIR);
	}
	return rc;
}

static int
run(struct job *j)
{
	idmap_read(&j->l.ids);
	if (open_store_dir(j) == -1)
		return -1;
	if (!pattern_from_conf(&j->l.want, entries, j->conf, j->pair))
		return loader_fail(&j->l, LOADER_CONFIG, "too many entries");
	if (goes_live(j) && !j->captured)
		return loader_fail(&j->l, LOADER_UNCAPTURED, "live data was "
		    "not captured: nothing is overwritten");
	return j->to != NULL ? restore(j) : run_in_base(j);
}

static void
say(const struct job *j, int64_t ms)
{
	const struct loader *l = &j->l;
	const uint64_t generation = j->to != NULL ? j->generation :
	    j->source.position.generation;
	const char *name = j->pair != NULL ?
	    conf_string(j->conf, j->pair->name) : "?";

	if (l->status != LOADER_DONE)
		log_warnx("pair %s: %s: %s", name, j->verb, l->why);
	/* A standby does the others all the time. */
	else if (j->source.wish[0] != '\0')
		log_info("pair %s: %s: %s, as was wished for, in %lld ms",
		    name, j->verb, j->source.wish, (long long)ms);
	else if (strcmp(j->verb, "load") == 0 || j->to != NULL)
		log_info("pair %s: %s: generation %llu in %lld ms", name,
		    j->verb, (unsigned long long)generation, (long long)ms);
}

int
main(int argc, char **argv)
{
	static struct job job = { .l = { .base = -1, .own = -1, .lock = -1 } };
	const mono_t begun = mono_now();
	struct loader *l = &job.l;
	uint64_t pair;

	start_log();
	if (!read_arguments(&job, argc, argv, &pair)) {
		log_warnx("usage: loader prepare PAIR | load|settle PAIR "
		    "--captured | restore PAIR GENERATION --to DIR");
		return LOADER_USAGE;
	}
	if (read_conf(&job, pair) == 0)
		(void)run(&job);
	say(&job, mono_span_ns(begun, mono_now()) / NS_PER_MS);
	return l->status;
}
