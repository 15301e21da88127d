/* SPDX-License-Identifier: ISC */

/*
 * The command line of a key holder: three words, and nothing like them.
 *
 * FUZZ: syncd/receiver/word.c -Isyncd/receiver
 */

#include "fuzz.h"
#include "word.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const word[] = { "channel", "rsync", "facts" };
	static const enum receiver_word means[] = { WORD_CHANNEL, WORD_RSYNC,
	    WORD_FACTS };
	char *line = malloc(len + 1);
	enum receiver_word got, want = WORD_REFUSED;
	size_t i;

	if (line == NULL)
		abort();
	memcpy(line, data, len);
	line[len] = '\0';
	for (i = 0; i < 3; i++)
		if (strlen(line) == strlen(word[i]) &&
		    memcmp(line, word[i], strlen(word[i])) == 0)
			want = means[i];
	got = word_read(line);
	FUZZ_MUST(got == want);
	FUZZ_MUST(word_read(NULL) == WORD_REFUSED);
	FUZZ_MUST(word_read("channel") == WORD_CHANNEL);
	FUZZ_MUST(word_read("rsync") == WORD_RSYNC);
	FUZZ_MUST(word_read("facts") == WORD_FACTS);
	free(line);
	return 0;
}
