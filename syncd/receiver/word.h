/* SPDX-License-Identifier: ISC */

/* What a key holder may ask of the receiver: one of three words. */
#ifndef VIPAIR_RECEIVER_WORD_H
#define VIPAIR_RECEIVER_WORD_H

enum receiver_word {
	WORD_REFUSED = 0,
	WORD_CHANNEL,
	WORD_RSYNC,
	WORD_FACTS,
};

/* line: SSH_ORIGINAL_COMMAND, or NULL. */
enum receiver_word word_read(const char *line);

#endif
