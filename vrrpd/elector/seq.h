/* SPDX-License-Identifier: ISC */

/*
 * Elector: the numbers in signed trailers.  Pure.
 *
 * A number is 32 bits of UTC seconds, 16 bits of their fraction and 16 bits
 * of counter, read as one 64-bit integer that only grows per sender.
 */
#ifndef VIPAIR_ELECTOR_SEQ_H
#define VIPAIR_ELECTOR_SEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "advert.h"

#define SEQ_SECOND	(UINT64_C(1) << 32)
#define SEQ_AHEAD	(3 * SEQ_SECOND)	/* ceiling ahead of use */
#define SEQ_RESERVE	(SEQ_SECOND / 2)	/* kept free below it */

struct seq {
	uint64_t	last;		/* highest one signed, or promised */
	uint64_t	ceiling;	/* durable: nothing above is signed */
	uint64_t	asked;		/* ceiling the keeper is writing now */
	bool		waiting;	/* for its answer */
};

uint64_t	seq_of_clock(int64_t wall_ns);

/* After a restart: everything up to the stored ceiling may have been used. */
void		seq_restore(struct seq *s, uint64_t ceiling);

/*
 * The number of the next advert; the one behind it is set aside for the
 * farewell.  False when it lies above the durable ceiling: the caller sends
 * all the same, and raises the alarm.
 */
bool		seq_next(struct seq *s, int64_t wall_ns, uint64_t *number);

/*
 * True when a new ceiling is to be asked for, so that the advert one
 * interval later still finds room; *ceiling is what to ask.
 */
bool		seq_wants(const struct seq *s, int64_t wall_ns,
		    int64_t interval_ns, uint64_t *ceiling);
void		seq_asked(struct seq *s, uint64_t ceiling);
void		seq_answered(struct seq *s);

/* ADVERT_OK and a raised floor, or ADVERT_REPLAY and nothing. */
enum verdict	seq_judge(uint64_t *floor, uint64_t number);

#endif
