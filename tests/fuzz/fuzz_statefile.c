/* SPDX-License-Identifier: ISC */

/*
 * The files in the run directory that another user reads: the node's word and
 * the states of mirror and capture.  What is taken is written again as the
 * same, whatever somebody put there.
 *
 * FUZZ: syncd/wire/wordfile.c syncd/wire/frame.c syncd/wire/encode.c common/syncstate.c common/log.c common/mono.c -Isyncd/wire -Isyncd/store
 */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "syncstate.h"
#include "wordfile.h"

static int dir = -1;

static void
put(const char *name, const uint8_t *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd == -1 || write(fd, data, len) != (ssize_t)len)
		abort();
	(void)close(fd);
}

static void
word(const uint8_t *data, size_t len)
{
	struct wordfile w, again;

	put("p.word", data, len);
	if (wordfile_read(dir, "p", &w) == -1)
		return;
	FUZZ_MUST(wordfile_write(dir, "p", &w) == 0);
	FUZZ_MUST(wordfile_read(dir, "p", &again) == 0);
	FUZZ_MUST(w.open == again.open);
	FUZZ_MUST(w.store_bytes == again.store_bytes);
	FUZZ_MUST(w.word.role == again.word.role);
	(void)wordfile_word(&w, mono_now());
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sync_mirror_state m;
	static struct sync_capture_state c;

	if (dir == -1) {
		const char *name = getenv("FUZZ_STATE");

		dir = open(name != NULL ? name : ".",
		    O_RDONLY | O_DIRECTORY);
		if (dir == -1)
			abort();
	}
	if (len == 0)
		return 0;
	if (data[0] == 0) {
		word(data + 1, len - 1);
		return 0;
	}
	put("p.mirror", data + 1, len - 1);
	put("p.capture", data + 1, len - 1);
	if (syncstate_read(dir, "p", SYNCSTATE_MIRROR, &m, sizeof(m)) == 0)
		FUZZ_MUST(len - 1 == sizeof(m) && memchr(m.text, 0,
		    sizeof(m.text)) != NULL);
	if (syncstate_read(dir, "p", SYNCSTATE_CAPTURE, &c, sizeof(c)) == 0)
		FUZZ_MUST(len - 1 == sizeof(c));
	return 0;
}
