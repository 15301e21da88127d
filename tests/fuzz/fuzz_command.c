/* SPDX-License-Identifier: ISC */

/*
 * The command line of a key holder: two words, and nothing like them.
 *
 * FUZZ: syncd/receiver/word.c -Isyncd/receiver
 */

#include "fuzz.h"
#include "word.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const word[] = { "channel", "rsync" };
	char *line = malloc(len + 1);
	enum receiver_word got, want = WORD_REFUSED;
	size_t i;

	if (line == NULL)
		abort();
	memcpy(line, data, len);
	line[len] = '\0';
	for (i = 0; i < 2; i++)
		if (strlen(line) == strlen(word[i]) &&
		    memcmp(line, word[i], strlen(word[i])) == 0)
			want = i == 0 ? WORD_CHANNEL : WORD_RSYNC;
	got = word_read(line);
	FUZZ_MUST(got == want);
	FUZZ_MUST(word_read(NULL) == WORD_REFUSED);
	FUZZ_MUST(word_read("channel") == WORD_CHANNEL);
	FUZZ_MUST(word_read("rsync") == WORD_RSYNC);
	free(line);
	return 0;
}
