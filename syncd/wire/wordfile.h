/* SPDX-License-Identifier: ISC */

/*
 * What the mirror keeps in its run directory for the receiver of the same
 * node: PAIR.word, the node's own word for the partner, replaced as a whole;
 * and PAIR.sock, a datagram socket on which the receiver hands on what the
 * partner said of itself and what it asked for.  Both only between rooms of
 * one node.
 */
#ifndef VIPAIR_WORDFILE_H
#define VIPAIR_WORDFILE_H

#include "frame.h"
#include "mono.h"

#define WORDFILE_LEN	128

struct wordfile {
	struct frame_word word;		/* its age is of the time of writing */
	mono_t		advert;		/* when my last advert left, or unset */
	uint64_t	store_bytes;	/* quota of the store; 0: none */
	bool		open;		/* a receiver may write: we are not
					   active, and nothing live is
					   uncaptured (F3, F5) */
};

/* 0, or -1 with errno; ENOENT: nobody has written yet. */
int	wordfile_read(int dir, const char *pair, struct wordfile *w);
int	wordfile_write(int dir, const char *pair, const struct wordfile *w);
/* The word with its age as of now. */
struct frame_word wordfile_word(const struct wordfile *w, mono_t now);

#endif
