/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: one run of it.  demo.c begins and ends it, demo_scenes.c plays
 * the faults.
 */
#ifndef VIPAIR_DEMO_PLAY_H
#define VIPAIR_DEMO_PLAY_H

#include <signal.h>

#include "demo.h"
#include "vipctl.h"

#define PLAY_ROWS_MAX	16

/* What a scene did; a line of the table. */
struct row {
	const char	*name;
	int64_t		outage_ns, both_ns;
	uint64_t	answered;
	int64_t		lost;		/* of them and of earlier ones */
	int64_t		lost_age_ns;	/* oldest of them, before the fault */
	uint32_t	copied;		/* visits in the copy; 0: not asked */
	uint32_t	copied_lost;
	const char	*now_active;
	bool		good;
};

struct play {
	struct vipctl	*v;
	struct demo	d;
	struct row	row[PLAY_ROWS_MAX];
	int		nrows;
	int64_t		lost;		/* so far */
	mono_t		began;		/* of the scene */
	/* The fault of the scene, if it has one: */
	mono_t		fault;
	uint64_t	acked;		/* generation the partner had */
};

struct scene {
	const char	*name, *text;
	bool		(*run)(struct play *);
	const char	*after;		/* is played before, when alone */
	bool		by_default;
};

extern volatile sig_atomic_t demo_interrupted;
extern const struct scene demo_scenes[];	/* ends with name NULL */

/* Both nodes up, one of them active, its data at the other. */
bool	play_start(struct play *p);
const struct scene *scene_find(const char *name);

#endif
