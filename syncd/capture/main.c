/* SPDX-License-Identifier: ISC */

/*
 * The capture: reads the live data of every pair with a sync block and makes
 * generations of them.  User _syncd, one capability (to read what is not
 * its), in force only while it reads.  No network, no program, no file but
 * below the bases (read), the stores and RUN_DIR/sync.
 *
 * This file: start, and one turn after the other.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include "pairs.h"
#include "payload.h"

#define FILES_MAX	1024		/* a walk holds one for each level */
#define PATH_SIZE	(CONF_PATTERN_MAX + 64)

struct capture_room room;

static void
open_sync_dir(struct capture_room *r)
{
	char path[PATH_SIZE];

	(void)fmt_into(path, sizeof(path), "%s/" SYNCSTATE_DIR,
	    conf_string(&r->conf, r->conf.run_dir));
	r->sync_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->sync_dir == -1)
		fatal("capture: %s", path);
}

static void
read_conf(struct capture_room *r)
{
	const char *error;
	uint32_t i;
	size_t len;

	error = room_read_blob(ROOM_FD_CONF, r->byte, sizeof(r->byte), &len);
	if (error != NULL)
		fatalx("capture: configuration: %s", error);
	(void)close(ROOM_FD_CONF);
	for (i = 0; i < r->conf.npairs; i++)
		if (conf_pair(&r->conf, i)->has_sync) {
			if (r->npairs == SYNC_PAIRS_MAX)
				fatalx("capture: more than %d pairs with a "
				    "sync block", SYNC_PAIRS_MAX);
			pair_open(&r->pair[r->npairs++], &r->conf, i);
		}
}

/* Each pair has a step, so that none waits for another's second one. */
static bool
all_step(struct capture_room *r)
{
	bool busy = false;
	uint32_t i;

	for (i = 0; i < r->npairs && !r->leaving; i++) {
		if (pair_step(&r->pair[i], mono_now()))
			busy = true;
		talk_drain(r);
	}
	return busy;
}

/* A job, a question or a copy would be lost. */
static bool
nobody_waits(const struct capture_room *r)
{
	uint32_t i;

	for (i = 0; i < r->npairs; i++)
		if (r->pair[i].job_waits || r->pair[i].nasks > 0 ||
		    r->pair[i].snap.waiting || r->pair[i].stage ==
		    STAGE_BEGUN)
			return false;
	return true;
}

static bool
all_idle(struct capture_room *r)
{
	const mono_t now = mono_now();
	uint32_t i;

	for (i = 0; i < r->npairs; i++)
		if (!pair_is_idle(&r->pair[i], now))
			return false;
	return true;
}

static mono_t
deadline(struct capture_room *r)
{
	mono_t t = MONO_NEVER;
	uint32_t i;

	for (i = 0; i < r->npairs; i++)
		t = mono_first(t, mono_first(pair_deadline(&r->pair[i]),
		    idle_deadline(&r->pair[i])));
	return t;
}

static void
turn(struct capture_room *r)
{
	bool busy;
	uint32_t i;

	r->heard = false;
	busy = all_step(r);
	for (i = 0; i < r->npairs && !busy && all_idle(r); i++) {
		busy = idle_step(&r->pair[i], mono_now());
		talk_drain(r);
	}
	if (!busy && nobody_waits(r) && sandbox_is_old(r, mono_now())) {
		log_info("capture: a base, a store's directory or the list of "
		    "users is another one now: starting anew");
		r->leaving = true;
	}
	/* What was heard between the steps is due at once. */
	if (!r->leaving)
		loop_turn(&r->loop, busy || r->heard ? (mono_t){ 1 } :
		    deadline(r));
}

int
main(int argc, char **argv)
{
	static const struct room_rights rights = {
		.caps = UINT64_C(1) << CAP_DAC_READ_SEARCH,
		.files_max = FILES_MAX,
	};
	struct capture_room *r = &room;

	room_enter(ROOM_CAPTURE, argc, argv);
	room_drop(&rights);
	if (!payload_keep_right())
		fatal("capture: rights");
	(void)umask(0007);
	read_conf(r);
	open_sync_dir(r);
	for (uint32_t i = 0; i < r->npairs; i++)
		anew_recall(&r->pair[i]);
	sandbox_enter(r);
	room_filter(capture_calls, capture_ncalls);
	talk_start(r);
	while (!r->leaving)
		turn(r);
	talk_left(r);
	_exit(0);
}
