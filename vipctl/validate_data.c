/* SPDX-License-Identifier: ISC */

/*
 * vipctl validate: looks at the data set of a pair on this host: is the base
 * there, and is there a database in it that would be copied like any file?
 * Names and the first bytes of files only, a limited number of them, with
 * whatever rights the caller has.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/pattern.h"
#include "netview.h"
#include "text.h"
#include "validate_data.h"

#define FILES_MAX	20000	/* looked at, of one pair */

static const char magic[16] = "SQLite format 3";

static void
find(struct data_findings *f, const char *pair, const char *text,
    const char *fix)
{
	struct data_finding *one = &f->finding[f->n];

	if (f->n == DATA_FINDINGS_MAX) {
		f->more++;
		return;
	}
	f->n++;
	snprintf(one->pair, sizeof(one->pair), "%s", pair);
	snprintf(one->text, sizeof(one->text), "%s", text);
	snprintf(one->fix, sizeof(one->fix), "%s", fix);
	text_clean(one->text);
	text_clean(one->fix);
}

static bool
is_database(const char *path)
{
	char head[sizeof(magic)];
	bool is;
	int fd;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (fd == -1)
		return false;
	is = read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	    memcmp(head, magic, sizeof(magic)) == 0;
	close(fd);
	return is;
}

/*
 * One name.  fts_number keeps the rule of the tree a directory is in, one
 * higher, so that 0 is none.
 */
static void
look_at(struct data_findings *f, const char *pair,
    const struct sync_conf *sc, FTS *fts, FTSENT *e)
{
	const char *path = e->fts_path + strlen(sc->base);
	uint32_t tree = RULE_NONE, rule = RULE_NONE;
	char text[320], fix[320];
	enum want want;

	while (*path == '/')
		path++;
	if (e->fts_parent->fts_number != 0)
		tree = (uint32_t)(e->fts_parent->fts_number - 1);
	want = pattern_want(sc, path, e->fts_info == FTS_D, tree, &rule);
	if (e->fts_info == FTS_D) {
		if (want != WANT_TREE && want != WANT_PATH)
			(void)fts_set(fts, e, FTS_SKIP);
		else if (want == WANT_TREE && rule != RULE_NONE)
			e->fts_number = (long)rule + 1;
		return;
	}
	if ((want != WANT_FILE && want != WANT_TREE) ||
	    !is_database(e->fts_accpath))
		return;
	snprintf(text, sizeof(text), "%.200s is an SQLite database, but is "
	    "copied like any file: a copy may be torn", path);
	snprintf(fix, sizeof(fix), "declare it: sqlite \"%.200s\"", path);
	find(f, pair, text, fix);
}

static void
walk(struct data_findings *f, const char *pair, const struct sync_conf *sc)
{
	char *base = strdup(sc->base);
	char *const roots[] = { base, NULL };
	uint32_t looked = 0, whole = pattern_base_tree(sc);
	FTSENT *e;
	FTS *fts;

	fts = base == NULL ? NULL : fts_open(roots, FTS_PHYSICAL |
	    FTS_XDEV | FTS_NOCHDIR, NULL);
	while (fts != NULL && (e = fts_read(fts)) != NULL &&
	    looked++ < FILES_MAX) {
		if (e->fts_level == 0)
			e->fts_number = whole == RULE_NONE ? 0 :
			    (long)whole + 1;
		else if (e->fts_info == FTS_D || e->fts_info == FTS_F)
			look_at(f, pair, sc, fts, e);
	}
	if (fts != NULL)
		(void)fts_close(fts);
	free(base);
}

static void
validate_pair(const struct conf *c, const struct conf_pair *p,
    struct data_findings *f)
{
	static struct sync_entry entry[SYNC_ENTRIES_MAX];
	const char *pair = conf_string(c, p->name);
	struct sync_conf sc;
	char text[320];
	struct stat st;

	if (!pattern_from_conf(&sc, entry, c, p))
		return;
	if (lstat(sc.base, &st) == 0 && S_ISDIR(st.st_mode)) {
		walk(f, pair, &sc);
		return;
	}
	snprintf(text, sizeof(text), "base %.200s %s", sc.base,
	    errno == ENOENT ? "is not there" : "is no directory, or cannot "
	    "be looked at");
	find(f, pair, text, "create it, or install the service that uses it; "
	    "until then there is nothing to copy");
}

void
validate_data(const struct conf *c, struct data_findings *f)
{
	struct netview *host = calloc(1, sizeof(*host));
	struct msg_link link;
	uint32_t i;

	*f = (struct data_findings){ .n = 0 };
	for (i = 0; host != NULL && netview_read(host, c) == 0 &&
	    i < c->npairs; i++) {
		link = (struct msg_link){ .self = LINK_SELF_NONE };
		netview_judge(host, c, i, &link);
		if (link.self != LINK_SELF_NONE && conf_pair(c, i)->has_sync)
			validate_pair(c, conf_pair(c, i), f);
	}
	free(host);
}
