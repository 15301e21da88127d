/* SPDX-License-Identifier: ISC */

/*
 * Loader: which renames make the prepared generation live.  Changes nothing
 * but the journal in memory.
 *
 * A directory that is all data goes as one, whatever is in it.  One that
 * holds what is to stay (never, mount points, what is not data at all) stays
 * itself and is looked through.  What is live and data, but not in the
 * generation, goes aside.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader.h"

#define NS_PER_S	INT64_C(1000000000)
#define DEPTH_MAX	MANIFEST_DEPTH_MAX
#define STAMP		"%Y%m%dT%H%M%SZ"

struct plan {
	struct loader	*l;
	struct journal	*j;
	int		next;
};

/* Names in a live and a prepared directory, sorted, each once. */
struct names {
	char		**name;
	size_t		n, room;
};

/* One name, and what is there. */
struct spot {
	char		path[BELOW_PATH_MAX];
	bool		live, next;		/* there is something */
	struct stat	live_st, next_st;
};

static int	plan_dir(struct plan *p, const char *path, uint32_t tree,
		    bool live, bool next, unsigned int depth);

/* ---- names --------------------------------------------------------------- */

static int
names_add(struct names *v, const char *name)
{
	char **more;

	if (v->n == v->room) {
		v->room = v->room == 0 ? 64 : v->room * 2;
		more = reallocarray(v->name, v->room, sizeof(*more));
		if (more == NULL)
			return -1;
		v->name = more;
	}
	v->name[v->n] = strdup(name);
	return v->name[v->n] == NULL ? -1 : (v->n++, 0);
}

static void
names_free(struct names *v)
{
	while (v->n > 0)
		free(v->name[--v->n]);
	free(v->name);
}

static int
names_read(struct names *v, int root, const char *path)
{
	struct dirent *d;
	int fd = below_dir(root, path), rc = 0;
	DIR *list = fd == -1 ? NULL : fdopendir(fd);

	if (list == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, d = readdir(list)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		if (*path == '\0' && strcmp(d->d_name, LOADER_DIR) == 0)
			continue;
		rc = names_add(v, d->d_name);
	}
	if (d == NULL && errno != 0)
		rc = -1;
	(void)closedir(list);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_once(struct names *v)
{
	size_t i, n = 0;

	if (v->n == 0)
		return;
	qsort(v->name, v->n, sizeof(v->name[0]), by_name);
	for (i = 1; i < v->n; i++)
		if (strcmp(v->name[i], v->name[n]) == 0)
			free(v->name[i]);
		else
			v->name[++n] = v->name[i];
	v->n = n + 1;
}

/* False: longer than any path of a manifest. */
static bool
join(char out[BELOW_PATH_MAX], const char *dir, const char *name)
{
	return (size_t)snprintf(out, BELOW_PATH_MAX, "%s%s%s", dir,
	    *dir == '\0' ? "" : "/", name) < BELOW_PATH_MAX;
}

/* ---- what is to stay ----------------------------------------------------- */

/* Could this pattern match something below the directory? */
static bool
never_reaches(const char *glob, const char *dir)
{
	char head[BELOW_PATH_MAX];
	const char *p, *g = glob;
	size_t depth = 1;

	if (strchr(glob, '/') == NULL)
		return true;
	for (p = dir; *p != '\0'; p++)
		depth += *p == '/';
	for (; *g != '\0'; g++)
		if (*g == '/' && --depth == 0)
			break;
	if (*g == '\0' || (size_t)(g - glob) >= sizeof(head))
		return false;
	memcpy(head, glob, (size_t)(g - glob));
	head[g - glob] = '\0';
	return fnmatch(head, dir, FNM_PATHNAME) == 0;
}

static bool
any_never(const struct sync_conf *want, const char *dir)
{
	uint32_t i;

	for (i = 0; i < want->n; i++)
		if (want->entry[i].kind == SYNC_NEVER &&
		    never_reaches(want->entry[i].glob, dir))
			return true;
	return false;
}

/* 1: something in the live directory stays; 0: nothing; -1. */
static int
keeps(struct plan *p, const char *dir, unsigned int depth)
{
	struct names v = { .n = 0 };
	char path[BELOW_PATH_MAX];
	struct stat st;
	uint32_t rule;
	int rc = 0;
	size_t i;

	if (mounts_below(&p->l->mounts, dir))
		return 1;
	/* Deeper than any manifest goes no pattern is meant to reach. */
	if (!any_never(&p->l->want, dir) || depth > DEPTH_MAX)
		return 0;
	if (names_read(&v, p->l->base, dir) == -1)
		rc = loader_error(p->l, "%s", dir);
	for (i = 0; rc == 0 && i < v.n; i++) {
		if (!join(path, dir, v.name[i]) ||
		    below_stat(p->l->base, path, &st) == -1)
			continue;
		if (pattern_want(&p->l->want, path, S_ISDIR(st.st_mode),
		    RULE_NONE, &rule) == WANT_NEVER &&
		    pattern_beside(&p->l->want, path) == 0)
			rc = 1;
		else if (S_ISDIR(st.st_mode))
			rc = keeps(p, path, depth + 1);
	}
	names_free(&v);
	return rc;
}

/* ---- steps --------------------------------------------------------------- */

static int
add(struct plan *p, enum step_kind kind, struct spot *s)
{
	const struct stat *st = &s->next_st;
	struct step step = { .kind = kind, .path = s->path };

	if (kind != STEP_ASIDE) {
		step.ino = st->st_ino;
		step.mode = st->st_mode & 07777;
		step.uid = st->st_uid;
		step.gid = st->st_gid;
		step.mtime_ns = st->st_mtim.tv_sec * NS_PER_S +
		    st->st_mtim.tv_nsec;
	}
	return journal_add(p->l, p->j, &step);
}

static int
refuse(struct plan *p, const struct spot *s, const char *why)
{
	return loader_fail(p->l, LOADER_FAILED, "%s: %s", s->path, why);
}

/* Both or only the live one are directories with something that stays. */
static int
plan_split(struct plan *p, struct spot *s, uint32_t tree, unsigned int depth)
{
	const bool next = s->next && S_ISDIR(s->next_st.st_mode);

	if (s->next && !next)
		return refuse(p, s, "is no directory any more, but holds what "
		    "is never copied or a mount point: move that away");
	if (plan_dir(p, s->path, tree, true, next, depth + 1) == -1)
		return -1;
	return next ? add(p, STEP_MODE, s) : 0;
}

static int
plan_data(struct plan *p, struct spot *s, uint32_t tree, unsigned int depth)
{
	const bool dir = s->live && S_ISDIR(s->live_st.st_mode);
	int kept = dir ? keeps(p, s->path, depth) : 0;

	if (kept == -1)
		return -1;
	if (kept == 1)
		return plan_split(p, s, tree, depth);
	if (s->next)
		return add(p, STEP_SWAP, s);
	return add(p, STEP_ASIDE, s);
}

/* A directory that only leads to data: what else is in it stays. */
static int
plan_path(struct plan *p, struct spot *s, unsigned int depth)
{
	if (s->live && S_ISDIR(s->live_st.st_mode))
		return plan_split(p, s, RULE_NONE, depth);
	return s->next ? add(p, STEP_SWAP, s) : 0;
}

/* A log or journal belongs to the database that is replaced. */
static int
plan_beside(struct plan *p, struct spot *s)
{
	return s->live && !S_ISDIR(s->live_st.st_mode) ?
	    add(p, STEP_ASIDE, s) : 0;
}

static int
plan_spot(struct plan *p, struct spot *s, uint32_t tree, unsigned int depth)
{
	const bool dir = S_ISDIR(s->next ? s->next_st.st_mode :
	    s->live_st.st_mode);
	uint32_t rule;

	if (s->live && mounts_has(&p->l->mounts, s->path))
		return s->next ? refuse(p, s, "is a mount point here, and in "
		    "the generation: give it a base of its own or name it "
		    "under never") : 0;
	switch (pattern_want(&p->l->want, s->path, dir, tree, &rule)) {
	case WANT_NEVER:
		return pattern_beside(&p->l->want, s->path) != 0 ?
		    plan_beside(p, s) : 0;
	case WANT_PATH:
		return plan_path(p, s, depth);
	case WANT_FILE:
	case WANT_SQLITE:
		return plan_data(p, s, RULE_NONE, depth);
	case WANT_TREE:
		return plan_data(p, s, rule, depth);
	case WANT_NOTHING:
		break;
	}
	return 0;
}

static bool
look(int root, const char *path, struct stat *st)
{
	return below_stat(root, path, st) == 0;
}

static int
plan_dir(struct plan *p, const char *path, uint32_t tree, bool live,
    bool next, unsigned int depth)
{
	struct names v = { .n = 0 };
	struct spot *s = malloc(sizeof(*s));
	int rc = s == NULL ? loader_fail(p->l, LOADER_FAILED,
	    "out of memory") : 0;
	size_t i;

	if (depth > DEPTH_MAX)
		rc = loader_fail(p->l, LOADER_FAILED, "%s: too deep", path);
	if (rc == 0 && ((live && names_read(&v, p->l->base, path) == -1) ||
	    (next && names_read(&v, p->next, path) == -1)))
		rc = loader_error(p->l, "%s", *path == '\0' ? "base" : path);
	names_once(&v);
	for (i = 0; rc == 0 && i < v.n; i++) {
		if (!join(s->path, path, v.name[i])) {
			rc = loader_fail(p->l, LOADER_FAILED,
			    "%s: too long a path in it", path);
			break;
		}
		s->live = live && look(p->l->base, s->path, &s->live_st);
		s->next = next && look(p->next, s->path, &s->next_st);
		if (s->live || s->next)
			rc = plan_spot(p, s, tree, depth);
	}
	free(s);
	names_free(&v);
	return rc;
}

/* Behind the newest there is, for the clock may have been set back. */
static time_t
time_to_name(struct loader *l)
{
	struct names v = { .n = 0 };
	struct timespec now;
	time_t last;
	struct tm tm;
	size_t i;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)names_read(&v, l->own, "");
	for (i = 0; i < v.n; i++) {
		tm = (struct tm){ .tm_sec = 0 };
		if (strptime(v.name[i], "previous-" STAMP, &tm) == NULL)
			continue;
		last = timegm(&tm);
		if (last >= now.tv_sec && last < INT32_MAX * INT64_C(16))
			now.tv_sec = last + 1;
	}
	names_free(&v);
	return now.tv_sec;
}

/* Names of what was replaced sort by time; never one that is there. */
static int
choose_name(struct loader *l, struct journal *j)
{
	const time_t now = time_to_name(l);
	struct stat st;
	struct tm tm;
	char stamp[32];
	int i;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), STAMP, &tm) == 0)
		return loader_error(l, "time");
	for (i = 0; i < 1000; i++) {
		(void)snprintf(j->aside, sizeof(j->aside), "previous-%s-%03d",
		    stamp, i);
		if (fstatat(l->own, j->aside, &st, AT_SYMLINK_NOFOLLOW) ==
		    -1 && errno == ENOENT)
			return 0;
	}
	return loader_fail(l, LOADER_FAILED, "%s holds too many previous "
	    "copies", LOADER_DIR);
}

int
plan_make(struct loader *l, struct journal *j)
{
	struct plan p = { .l = l, .j = j, .next = below_dir(l->own, "next") };
	int rc;

	if (p.next == -1)
		return loader_error(l, "%s/next", LOADER_DIR);
	rc = choose_name(l, j);
	if (rc == 0)
		rc = plan_dir(&p, "", pattern_base_tree(&l->want), true, true,
		    0);
	(void)close(p.next);
	return rc;
}
