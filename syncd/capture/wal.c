/* SPDX-License-Identifier: ISC */

/*
 * Capture: reads the heads of a log and of its index, as the file format of
 * SQLite describes them (sections 4.1 and 4.2 of fileformat2, "WAL-index
 * header" of walformat).  Never takes a lock, never writes.
 */

#include <sys/stat.h>

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "payload.h"
#include "wal.h"

#define INDEX_VERSION	3007000
#define LOG_HEAD	32	/* bytes before the first frame */
#define FRAME_HEAD	24	/* bytes before the page of a frame */

/* In the order of bytes of the machine, twice in a row. */
struct index_head {
	uint32_t	version;
	uint32_t	unused;
	uint32_t	change;		/* counts transactions */
	uint8_t		is_init;
	uint8_t		big_endian;
	uint16_t	page_size;	/* 1: 65536 */
	uint32_t	frames;		/* visible ones */
	uint32_t	pages;
	uint32_t	frame_sum[2];
	uint8_t		salt[8];
	uint32_t	sum[2];
};
static_assert(sizeof(struct index_head) == 48, "as in the file");

bool
wal_mark_equal(const struct wal_mark *a, const struct wal_mark *b)
{
	return a->change == b->change && a->frames == b->frames &&
	    memcmp(a->salt, b->salt, sizeof(a->salt)) == 0;
}

static int
open_beside(int dir, const char *name, const char *suffix)
{
	char path[MANIFEST_NAME_MAX + 16];

	(void)fmt_into(path, sizeof(path), "%s%s", name, suffix);
	return payload_open(dir, path, 0);
}

/* One that is being written looks like more to come. */
static bool
read_index(int fd, struct index_head *h, bool *torn)
{
	struct index_head both[2];

	*torn = false;
	if (pread(fd, both, sizeof(both), 0) != (ssize_t)sizeof(both) ||
	    both[0].version != INDEX_VERSION || both[0].is_init == 0)
		return false;
	*torn = memcmp(&both[0], &both[1], sizeof(both[0])) != 0;
	*h = both[0];
	return true;
}

/*
 * A frame of the present round behind the last one that is visible.  The
 * index of a new log has no salt before the first transaction is in it.
 */
static bool
has_more(int log, const struct index_head *h)
{
	static const uint8_t none[sizeof(h->salt)];
	const uint64_t page = h->page_size == 1 ? 65536 : h->page_size;
	uint8_t frame[FRAME_HEAD];
	const off_t at = (off_t)(LOG_HEAD + h->frames * (page + FRAME_HEAD));

	return pread(log, frame, sizeof(frame), at) ==
	    (ssize_t)sizeof(frame) &&
	    (memcmp(frame + 8, h->salt, sizeof(h->salt)) == 0 ||
	    memcmp(none, h->salt, sizeof(h->salt)) == 0);
}

void
wal_look(int dir, const char *name, struct wal_view *v)
{
	struct index_head h;
	struct statx st;
	int log, index;
	bool torn;

	*v = (struct wal_view){ .flying = false };
	log = open_beside(dir, name, "-wal");
	if (log == -1)
		return;
	index = open_beside(dir, name, "-shm");
	if (index != -1 && read_index(index, &h, &torn)) {
		v->mark.change = h.change;
		v->mark.frames = h.frames;
		(void)memcpy(v->mark.salt, h.salt, sizeof(h.salt));
		v->flying = torn || has_more(log, &h);
	}
	/* An empty log is as good as none. */
	if (statx(log, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0 &&
	    st.stx_size > 0)
		payload_identity(&st, &v->id);
	else
		*v = (struct wal_view){ .flying = false };
	if (index != -1)
		(void)close(index);
	(void)close(log);
}
