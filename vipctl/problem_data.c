/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the words of problems of data: what was named by capture, ssh and
 * loader, and what to do about each.
 */
#include <inttypes.h>
#include <string.h>

#include "capture/capture.h"
#include "loader/loader.h"
#include "mono.h"
#include "problems.h"
#include "sqlsnap/sqlsnap.h"
#include "syncview.h"
#include "text.h"
#include "view.h"

#define PATH_SHOWN	120

void
bytes_text(uint64_t bytes, char *buf, size_t size)
{
	static const char *const unit[] = { "kB", "MB", "GB", "TB", "PB" };
	uint64_t whole = bytes, rest = 0;
	size_t i;

	if (bytes < 1000) {
		snprintf(buf, size, "%" PRIu64 " byte%s", bytes,
		    bytes == 1 ? "" : "s");
		return;
	}
	for (i = 0; whole >= 1000 && i < sizeof(unit) / sizeof(unit[0]);
	    i++) {
		rest = whole % 1000 / 100;
		whole /= 1000;
	}
	if (whole < 10)
		snprintf(buf, size, "%" PRIu64 ".%" PRIu64 " %s", whole, rest,
		    unit[i - 1]);
	else
		snprintf(buf, size, "%" PRIu64 " %s", whole, unit[i - 1]);
}

/* Faults as sentences; '%' is the path. */
static const struct {
	const char	*text;
	const char	*fix;
} faults[FAULT_COUNT] = {
	[FAULT_CHANGING] = { "% changes each time it is read",
	    "declare % as 'sqlite' if it is a database, else let 'before "
	    "capture exec' make a quiet copy and exclude it with 'never'" },
	[FAULT_UNREADABLE] = { "% cannot be read",
	    "look at its file system and its rights, or exclude it with "
	    "'never \"%\"'" },
	[FAULT_MISSING] = { "nothing matches \"%\" of the sync block",
	    "create it, mark its line 'optional', or take the line away" },
	[FAULT_SNAPSHOT] = { "the database % was not copied", "" },
	[FAULT_NAME] = { "the path % is too long or too deep",
	    "shorten the path, or exclude it with 'never'" },
	[FAULT_TREE_LINK] = { "% is a symbolic link, not a directory",
	    "declare the directory it leads to, or the link itself as "
	    "'file \"%\"'" },
	[FAULT_STORE] = { "the store did not take %",
	    "look at the file system of the state directory" },
	[FAULT_MEMORY] = { "no memory for %",
	    "give the host more memory, or split the data set" },
	[FAULT_SPECIAL] = { "% is a pipe, a socket or a device: left out",
	    "nothing when the service makes it anew; 'never \"%\"' says "
	    "so" },
	[FAULT_MOUNT] = { "% is another file system: not entered",
	    "give it a pair of its own, or say 'never \"%\"'" },
	[FAULT_UNDECLARED] = { "% is an SQLite database but is copied like "
	    "any file, which may tear it",
	    "declare it: sqlite \"%\"" },
	[FAULT_ATTRIBUTES] = { "some attributes of % are too large and left "
	    "out", "remove attributes that nobody needs (getfattr -d)" },
	[FAULT_WATCH] = { "% is not watched for changes, only compared now "
	    "and then",
	    "raise fs.inotify.max_user_watches (sysctl)" },
	[FAULT_FILL] = { "the program of 'before capture exec' failed",
	    "run it by hand and look at vrrpd's log" },
};

static const struct {
	int		 status;	/* enum sqlsnap */
	const char	*text;
	const char	*fix;
} snapshots[] = {
	{ SQLSNAP_BUSY, "it stays locked",
	    "look for a transaction in the service that never ends" },
	{ SQLSNAP_CORRUPT, "its copy fails the integrity check",
	    "repair %: 'sqlite3 FILE .recover'; the last good generation is "
	    "kept" },
	{ SQLSNAP_NOT_DB, "it is no SQLite database",
	    "declare % as 'file', or correct the name" },
	{ SQLSNAP_ENCRYPTED, "it is encrypted, or no SQLite database",
	    "let 'before capture exec' make a copy with the program that has "
	    "the key, and exclude % with 'never'" },
	{ SQLSNAP_RIGHTS, "its owner may not open it or its log",
	    "let the database, its -wal and its directory belong to the user "
	    "that the service runs as" },
	{ SQLSNAP_GONE, "it is not there",
	    "create it, or mark its line 'optional'" },
	{ SQLSNAP_KIND, "it is a link, a directory or a device",
	    "name the database file itself" },
	{ SQLSNAP_REPLACED, "it was replaced meanwhile", "" },
	{ SQLSNAP_SPACE, "there is no room for the copy",
	    "make room on the file system of the state directory" },
	{ SQLSNAP_IO, "the disk failed, or memory", "look at 'dmesg'" },
	{ SQLSNAP_LOCKED_OUT, "its copier could not give up its rights",
	    "look at vrrpd's log" },
};

/* t with the path for each '%'. */
static void
with_path(const char *t, const char *path, char *buf, size_t size)
{
	size_t len = 0, n = strlen(path);
	bool cut = n > PATH_SHOWN;

	if (*path == '\0')
		path = "the base directory";
	buf[0] = '\0';
	for (; *t != '\0' && len < size - 1; t++)
		if (*t == '%')
			len += (size_t)snprintf(buf + len, size - len,
			    "%.*s%s", PATH_SHOWN, path, cut ? "..." : "");
		else
			len += (size_t)snprintf(buf + len, size - len, "%c",
			    *t);
}

static void
snapshot_words(int status, const char **text, const char **fix)
{
	const size_t n = sizeof(snapshots) / sizeof(snapshots[0]);
	size_t i;

	*text = "its copier failed";
	*fix = "look at vrrpd's log";
	for (i = 0; i < n; i++)
		if (snapshots[i].status == status) {
			*text = snapshots[i].text;
			*fix = snapshots[i].fix;
		}
}

void
fault_text(const struct sync_problem *p, char *buf, size_t size)
{
	const char *why = NULL, *fix;
	size_t len;

	if (p->fault >= FAULT_COUNT) {
		snprintf(buf, size, "fault %u, which this vipctl does not "
		    "know", p->fault);
		return;
	}
	with_path(faults[p->fault].text, p->path, buf, size);
	if (p->fault == FAULT_SNAPSHOT)
		snapshot_words(p->code, &why, &fix);
	else if (p->fault == FAULT_STORE && p->code > STORE_OK &&
	    p->code <= STORE_DAMAGED)
		why = store_word((enum store_result)p->code);
	else if (p->code > 0)
		why = strerror(p->code);
	len = strlen(buf);
	if (why != NULL)
		snprintf(buf + len, size - len, ": %s", why);
	text_clean(buf);
}

void
fault_fix(const struct sync_problem *p, char *buf, size_t size)
{
	const char *text, *fix = "install the vipctl of the running vrrpd";

	if (p->fault == FAULT_SNAPSHOT)
		snapshot_words(p->code, &text, &fix);
	else if (p->fault < FAULT_COUNT)
		fix = faults[p->fault].fix;
	with_path(fix, p->path, buf, size);
	text_clean(buf);
}

/* The first problem of the capture that holds, or that is only told. */
static const struct sync_problem *
first_problem(const struct view_pair *vp, bool holds)
{
	const struct sync_capture_state *c;
	uint32_t i;

	if (vp->sync == NULL || !vp->sync->capture_known)
		return NULL;
	c = &vp->sync->capture;
	for (i = 0; i < c->nproblems; i++)
		if ((c->problem[i].holds != 0) == holds)
			return &c->problem[i];
	return NULL;
}

static void
capture_word(const struct view_pair *vp, const struct ctl_problem *pr,
    const char *word, char *buf, size_t size)
{
	bool holds = strncmp(word, "held", 4) == 0;
	const struct sync_problem *p = first_problem(vp, holds);
	const char *what = word + 4;	/* "held" and "left" */

	if (p == NULL)
		return;
	if (*what == '\0')
		fault_text(p, buf, size);
	else if (strcmp(what, "fix") == 0)
		fault_fix(p, buf, size);
	else if (strcmp(what, "more") == 0 && pr->value[0] > 1)
		snprintf(buf, size, "%" PRIu64, pr->value[0] - 1);
}

static const char *
unready_text(uint64_t state)
{
	switch (state) {
	case DATA_FILLING:
		return "the first copy of its data is not complete";
	case DATA_DAMAGED:
		return "its data do not verify";
	}
	return "what its data are is not known yet";
}

static const char *
loader_text(uint64_t status)
{
	switch (status) {
	case LOADER_FAILED:
		return "the system refused";
	case LOADER_DAMAGED:
		return "a generation or an object is not what it was";
	case LOADER_NOTHING:
		return "there is no such generation";
	case LOADER_BUSY:
		return "another loader works";
	case LOADER_UNCAPTURED:
		return "live data were not captured before";
	case LOADER_CONFIG:
		return "the base directory cannot be used";
	}
	return "";
}

/* The step that failed: only some are the loader's, with its status. */
static const char *
step_text(uint64_t step, uint64_t status)
{
	switch (step) {
	case JOB_BEGIN:
		return "the new term was not opened in the store";
	case JOB_WRITE:
		return "the data were not marked as this node's own";
	}
	return loader_text(status);
}

/* What to do about a channel that does not come up. */
static const char *
ssh_fix(const struct view_pair *vp)
{
	static const struct {
		const char *id, *fix;
	} fixes[] = {
		{ "key-refused", "put this node's key, id_ed25519.pub of the "
		    "pair in the state directory's ssh, into authorized_keys "
		    "of user _syncr there" },
		{ "refused", "start sshd there, or correct 'partner ssh "
		    "port'" },
		{ "unreachable", "see that it runs, and that nothing between "
		    "the nodes blocks its ssh port" },
		{ "key-file", "this node's own key must be in the state "
		    "directory, ssh/PAIR/id_ed25519, of user _syncd, mode "
		    "0600" },
	};
	size_t i;

	for (i = 0; vp->sync != NULL && i < sizeof(fixes) /
	    sizeof(fixes[0]); i++)
		if (strcmp(vp->sync->mirror.id, fixes[i].id) == 0)
			return fixes[i].fix;
	return "see that sshd runs there, that port and addresses are right "
	    "in the configuration, and that this node's key stands in "
	    "authorized_keys of user _syncr there";
}

static void
usage_text(const struct sync_capture_state *c, char *buf, size_t size)
{
	char used[24], limit[24], left[24];

	bytes_text(c->store_bytes, used, sizeof(used));
	bytes_text(c->store_limit, limit, sizeof(limit));
	bytes_text(c->disk_free, left, sizeof(left));
	snprintf(buf, size, "%s of %s used, %s free on the disk", used, limit,
	    left);
}

static void
count_text(uint64_t n, const char *one, const char *many, char *buf,
    size_t size)
{
	if (n == 1)
		snprintf(buf, size, "one %s", one);
	else if (n == 0)
		snprintf(buf, size, "some %s", many);
	else
		snprintf(buf, size, "%" PRIu64 " %s", n, many);
}

/* Words of what the mirror says. */
static void
mirror_word(const struct view_pair *vp, const char *word, char *buf,
    size_t size)
{
	const struct sync_mirror_state *m = &vp->sync->mirror;

	if (strcmp(word, "said") == 0)
		snprintf(buf, size, "%s", m->text);
	else if (strcmp(word, "partnerfree") == 0 && m->partner_free != 0)
		bytes_text(m->partner_free, buf, size);
}

void
data_word(const struct view_pair *vp, const struct ctl_problem *pr,
    const char *word, char *buf, size_t size)
{
	const struct sync_view *sv = vp->sync;

	if (strcmp(word, "unready") == 0)
		snprintf(buf, size, "%s", unready_text(pr->value[0]));
	else if (strcmp(word, "loader") == 0)
		snprintf(buf, size, "%s", step_text(pr->value[1],
		    pr->value[0]));
	else if (strcmp(word, "lag") == 0 && pr->value[0] != 0)
		age_text((int64_t)(pr->value[0] % UINT32_MAX) * NS_PER_S, buf,
		    size);
	else if (strcmp(word, "branches") == 0)
		count_text(pr->value[0], "branch is", "branches are", buf,
		    size);
	else if (strcmp(word, "rotten") == 0)
		count_text(pr->value[0], "object", "objects", buf, size);
	else if (strcmp(word, "sshfix") == 0)
		snprintf(buf, size, "%s", ssh_fix(vp));
	else if ((strcmp(word, "shipage") == 0 ||
	    strcmp(word, "heldage") == 0) && pr->age_ns >= 0)
		age_text(pr->age_ns, buf, size);
	else if (strcmp(word, "usage") == 0 && sv != NULL &&
	    sv->capture_known)
		usage_text(&sv->capture, buf, size);
	else if (strncmp(word, "held", 4) == 0 ||
	    strncmp(word, "left", 4) == 0)
		capture_word(vp, pr, word, buf, size);
	else if (sv != NULL && sv->mirror_known)
		mirror_word(vp, word, buf, size);
}
