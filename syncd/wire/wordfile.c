/* SPDX-License-Identifier: ISC */

/*
 * mirror writes it, receiver reads it: the node's word as a small file.  The
 * boot time of the advert is kept, not its age, so that the word grows old
 * by itself when its writer is gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>		/* renameat */
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "wordfile.h"

#define NAME_MAX_LEN	(MANIFEST_PAIR_MAX + 16)
#define FIXED		24		/* advert, quota, open */

static void
be64_put(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t
be64_get(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

int
wordfile_read(int dir, const char *pair, struct wordfile *w)
{
	uint8_t buf[WORDFILE_LEN + 1];
	char name[NAME_MAX_LEN];
	struct frame f;
	ssize_t n;
	int error, fd;

	(void)fmt_into(name, sizeof(name), "%s.word", pair);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, sizeof(buf));
	error = errno;
	(void)close(fd);
	if (n == -1) {
		errno = error;
		return -1;
	}
	if (n < FIXED || n > WORDFILE_LEN || be64_get(buf + 16) > 1 ||
	    frame_decode(buf + FIXED, (size_t)n - FIXED, &f) != FRAME_OK ||
	    f.type != FRAME_PONG) {
		errno = EBADMSG;
		return -1;
	}
	w->advert = (mono_t){ (int64_t)be64_get(buf) };
	w->store_bytes = be64_get(buf + 8);
	w->open = be64_get(buf + 16) == 1;
	w->word = f.ping.word;
	return 0;
}

int
wordfile_write(int dir, const char *pair, const struct wordfile *w)
{
	const struct frame f = {
		.type = FRAME_PONG,
		.ping = { .word = w->word },
	};
	char name[NAME_MAX_LEN], temp[NAME_MAX_LEN];
	uint8_t buf[WORDFILE_LEN];
	int error, fd;
	size_t len;

	be64_put(buf, (uint64_t)w->advert.ns);
	be64_put(buf + 8, w->store_bytes);
	be64_put(buf + 16, w->open ? 1 : 0);
	len = FIXED + frame_encode(&f, buf + FIXED, sizeof(buf) - FIXED);
	(void)fmt_into(name, sizeof(name), "%s.word", pair);
	(void)fmt_into(temp, sizeof(temp), "%s.word.new", pair);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0640);
	if (fd == -1)
		return -1;
	/* In memory: nothing to make durable, a boot makes it void. */
	if (len == FIXED || write(fd, buf, len) != (ssize_t)len ||
	    renameat(dir, temp, dir, name) == -1) {
		error = errno;
		(void)close(fd);
		(void)unlinkat(dir, temp, 0);
		errno = error;
		return -1;
	}
	(void)close(fd);
	return 0;
}

struct frame_word
wordfile_word(const struct wordfile *w, mono_t now)
{
	struct frame_word word = w->word;
	int64_t ms;

	word.advert_age_ms = FRAME_AGE_UNKNOWN;
	if (!mono_is_set(w->advert))
		return word;
	ms = mono_span_ns(w->advert, now) / NS_PER_MS;
	if (ms >= 0 && ms < FRAME_AGE_UNKNOWN)
		word.advert_age_ms = (uint32_t)ms;
	return word;
}
