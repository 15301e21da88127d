/* SPDX-License-Identifier: ISC */

/*
 * What mirror and capture say of themselves in the run directory
 * (common/syncstate.h), and the problems that follow from it.  A file that
 * is too old, or whose writer is gone, says nothing.
 */
#ifndef VIPAIR_VIPCTL_SYNCVIEW_H
#define VIPAIR_VIPCTL_SYNCVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl.h"
#include "syncstate.h"

struct view;
struct view_pair;

#define SYNCVIEW_STALE_NS	(5 * NS_PER_S)	/* of the mirror's file */
#define SYNCVIEW_LATE_NS	(60 * NS_PER_S)	/* W53 */
#define SYNCVIEW_TEXT_MAX	320

struct sync_view {
	bool		mirror_known, capture_known;
	int64_t		now_ns;		/* CLOCK_BOOTTIME of the look */
	struct sync_mirror_state mirror;
	struct sync_capture_state capture;
};

/* Ends the strings of both; for what came from a file or a test. */
void	syncview_tidy(struct sync_view *sv);
void	syncview_read(struct sync_view *sv, const char *run_dir,
	    const char *pair);
/*
 * Reads the files of every pair that has data and adds the problems that
 * follow from them.
 */
void	syncview_load(struct view *w, const char *run_dir);
/* The problems of vp->sync, appended to vp; uptime: of the daemon. */
void	syncview_problems(struct view_pair *vp, int64_t uptime_ns);

/* Age of a moment of the mirror's or capture's; -1 when it never was. */
int64_t	syncview_age(const struct sync_view *sv, int64_t then_ns);
/* "level", "copying", ... of enum ship_state; NULL for none of them. */
const char	*ship_state_word(uint32_t state);

/* One fault of the capture as a sentence, and what to do. */
void	fault_text(const struct sync_problem *p, char *buf, size_t size);
void	fault_fix(const struct sync_problem *p, char *buf, size_t size);
/* Words of the templates of problems of data; "" stands for not known. */
void	data_word(const struct view_pair *vp, const struct ctl_problem *pr,
	    const char *word, char *buf, size_t size);

/* "1.5 GB", "20 MB", "312 bytes". */
void	bytes_text(uint64_t bytes, char *buf, size_t size);

#endif
