/* SPDX-License-Identifier: ISC */

/*
 * The receiver: the key holder's command.  The whole of it, not its beginning:
 * a prefix of `rsync --server` as a filter let a key holder read and write
 * where he liked.
 */

#include <stddef.h>
#include <string.h>

#include "word.h"

enum receiver_word
word_read(const char *line)
{
	if (line == NULL)
		return WORD_REFUSED;
	if (strcmp(line, "channel") == 0)
		return WORD_CHANNEL;
	if (strcmp(line, "rsync") == 0)
		return WORD_RSYNC;
	if (strcmp(line, "facts") == 0)
		return WORD_FACTS;
	return WORD_REFUSED;
}
