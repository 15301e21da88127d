/* SPDX-License-Identifier: ISC */

/*
 * vipctl: reads the state files of the data half and says which problems
 * they tell.  What they do not tell for sure is no problem here: that the
 * data half is silent is for the elector to notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "dataview.h"
#include "mirror/ship.h"
#include "mono.h"
#include "problems.h"
#include "syncview.h"
#include "view.h"

#define SILENT_NS	(5 * NS_PER_S)	/* a channel that is just coming up */
#define REMOVED_NS	(3600 * NS_PER_S)	/* W64 */
#define START_NS	(10 * NS_PER_S)

#define END(array)	((array)[sizeof(array) - 1] = '\0')

void
syncview_tidy(struct sync_view *sv)
{
	uint32_t i;

	END(sv->mirror.partner);
	END(sv->mirror.id);
	END(sv->mirror.text);
	END(sv->capture.ask_text);
	if (sv->capture.nproblems > SYNC_PROBLEMS_MAX)
		sv->capture.nproblems = SYNC_PROBLEMS_MAX;
	for (i = 0; i < SYNC_PROBLEMS_MAX; i++)
		END(sv->capture.problem[i].path);
}

static bool
writer_lives(const struct sync_state_head *h)
{
	return h->pid > 1 && h->pid <= INT32_MAX &&
	    (kill((pid_t)h->pid, 0) == 0 || errno == EPERM);
}

void
syncview_read(struct sync_view *sv, const char *run_dir, const char *pair)
{
	char path[RUN_DIR_MAX + 16];
	int dir;

	*sv = (struct sync_view){ .now_ns = mono_now().ns };
	snprintf(path, sizeof(path), "%s/%s", run_dir, SYNCSTATE_DIR);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return;
	sv->mirror_known = syncstate_read(dir, pair, SYNCSTATE_MIRROR,
	    &sv->mirror, sizeof(sv->mirror)) == 0 &&
	    sv->now_ns - sv->mirror.head.written_ns <= SYNCVIEW_STALE_NS;
	sv->capture_known = syncstate_read(dir, pair, SYNCSTATE_CAPTURE,
	    &sv->capture, sizeof(sv->capture)) == 0 &&
	    writer_lives(&sv->capture.head);
	close(dir);
	syncview_tidy(sv);
}

int64_t
syncview_age(const struct sync_view *sv, int64_t then_ns)
{
	if (then_ns <= 0)
		return CTL_AGE_UNKNOWN;
	return sv->now_ns > then_ns ? sv->now_ns - then_ns : 0;
}

static void
add(struct view_pair *vp, enum problem number, int64_t age_ns,
    uint64_t value)
{
	if (vp->nproblems == VIEW_PROBLEMS_MAX)
		return;
	vp->problem[vp->nproblems++] = (struct ctl_problem){
		.head = { CTL_PROBLEM, sizeof(struct ctl_problem),
		    vp->p.head.pair },
		.number = number,
		.age_ns = age_ns,
		.value = { value },
	};
}

/* What the name of a state of the channel means, while it lasts. */
static const struct {
	const char	*id;
	enum problem	 number;
	int64_t		 after_ns;	/* before that it is nothing */
} ship_problems[] = {
	{ "host-key-changed", PROBLEM_HOST_KEY, 0 },
	{ "partner-setup", PROBLEM_PARTNER_OTHER, 0 },
	{ "partner-protocol", PROBLEM_PARTNER_OTHER, 0 },
	{ "partner-space", PROBLEM_PARTNER_FULL, 0 },
	{ "stale", PROBLEM_SHIP_STALE, 0 },
	{ "dual-active", PROBLEM_PARTNER_REFUSES, 0 },
	{ "absurd-term", PROBLEM_PARTNER_REFUSES, 0 },
	{ "bad-object", PROBLEM_PARTNER_REFUSES, 0 },
	{ "partner-store", PROBLEM_PARTNER_REFUSES, 0 },
	{ "own-store", PROBLEM_PARTNER_REFUSES, 0 },
	{ "bulk-failed", PROBLEM_PARTNER_REFUSES, SILENT_NS },
	{ "partner-busy", PROBLEM_PARTNER_REFUSES, SYNCVIEW_LATE_NS },
	{ "partner-missing", PROBLEM_PARTNER_REFUSES, SYNCVIEW_LATE_NS },
};

/* True when the state has a problem of its own. */
static bool
ship_problem(struct view_pair *vp)
{
	const struct sync_mirror_state *m = &vp->sync->mirror;
	const size_t n = sizeof(ship_problems) / sizeof(ship_problems[0]);
	int64_t age = syncview_age(vp->sync, m->state_since_ns);
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(ship_problems[i].id, m->id) != 0)
			continue;
		if (age >= ship_problems[i].after_ns)
			add(vp, ship_problems[i].number, age, 0);
		return true;
	}
	return false;
}

static void
mirror_problems(struct view_pair *vp, int64_t uptime_ns)
{
	const struct sync_mirror_state *m = &vp->sync->mirror;
	int64_t heard = syncview_age(vp->sync, m->heard_ns);
	int64_t behind = syncview_age(vp->sync, m->behind_since_ns);
	bool down = m->ship == SHIP_DOWN || m->ship == SHIP_CONNECTING;
	const struct msg_partner *word = pair_word(vp);

	/* It may be heard by its own channel while ours is down. */
	bool refused = m->ship == SHIP_DOWN && m->id[0] != '\0' &&
	    strcmp(m->id, "lost") != 0;

	if (!ship_problem(vp) && down && (refused || behind > SILENT_NS ||
	    (heard >= 0 ? heard > SILENT_NS : uptime_ns > START_NS)))
		add(vp, PROBLEM_PARTNER_SSH, heard, 0);
	if (m->writes != 0 && behind > SYNCVIEW_LATE_NS)
		add(vp, PROBLEM_DATA_LATE, behind,
		    (uint64_t)(behind / NS_PER_S));
	else if (m->writes != 0 && word != NULL && word->ready == 0)
		add(vp, PROBLEM_DATA_LATE, CTL_AGE_UNKNOWN, 0);
}

static void
capture_problems_of(struct view_pair *vp)
{
	const struct sync_capture_state *c = &vp->sync->capture;
	const int64_t removed = syncview_age(vp->sync, c->removed_ns);
	uint32_t i, told = 0;

	for (i = 0; i < c->nproblems; i++)
		if (c->problem[i].holds == 0)
			told++;
	if (c->damaged != 0)
		add(vp, PROBLEM_STORE_DAMAGED, CTL_AGE_UNKNOWN, 0);
	if (c->held_since_ns != 0 && c->store_full == 0)
		add(vp, PROBLEM_CAPTURE_HELD, syncview_age(vp->sync,
		    c->held_since_ns), c->nproblems - told);
	if (told > 0)
		add(vp, PROBLEM_CAPTURE_LEFT_OUT, CTL_AGE_UNKNOWN, told);
	if (c->store_full != 0)
		add(vp, PROBLEM_STORE_FULL, CTL_AGE_UNKNOWN, 0);
	if (c->branches != 0)
		add(vp, PROBLEM_DIVERGED, CTL_AGE_UNKNOWN, c->branches);
	if (removed >= 0 && removed < REMOVED_NS)
		add(vp, PROBLEM_STORE_REMOVED, removed, 0);
	if (c->bad_objects != 0)
		add(vp, PROBLEM_BIT_ROT, CTL_AGE_UNKNOWN, c->bad_objects);
}

void
syncview_problems(struct view_pair *vp, int64_t uptime_ns)
{
	if (vp->sync == NULL)
		return;
	if (vp->sync->mirror_known)
		mirror_problems(vp, uptime_ns);
	if (vp->sync->capture_known)
		capture_problems_of(vp);
}

void
syncview_load(struct view *w, const char *run_dir)
{
	struct view_pair *vp;
	size_t i;

	for (i = 0; i < w->npairs; i++) {
		vp = &w->pair[i];
		/* Names of files come from the daemon: no way out of there. */
		if (!vp->has_data || strchr(vp->p.name, '/') != NULL)
			continue;
		vp->sync = malloc(sizeof(*vp->sync));
		if (vp->sync == NULL)
			continue;
		syncview_read(vp->sync, run_dir, vp->p.name);
		syncview_problems(vp, w->node.uptime_ns);
	}
}

const char *
ship_state_word(uint32_t state)
{
	static const char *const word[] = {
		[SHIP_DOWN] = "no channel",
		[SHIP_CONNECTING] = "connecting",
		[SHIP_WATCHING] = "watching",
		[SHIP_COPYING] = "copying",
		[SHIP_LEVEL] = "level",
		[SHIP_HELD] = "held",
	};

	return state < sizeof(word) / sizeof(word[0]) ? word[state] : NULL;
}
