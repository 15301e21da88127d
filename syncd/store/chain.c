/* SPDX-License-Identifier: ISC */

/* Mirror, receiver and loader: the file of chain records. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

#define MAGIC	0x76706331u	/* "vpc1" */

/* As on disk; files do not move between machines of different order. */
struct slot {
	uint32_t	magic, flags;
	uint32_t	term, node;
	uint64_t	generation;
	int64_t		time_ns, kept_ns;
	uint64_t	entries, bytes, size;
	uint8_t		head[HASH_LEN], previous[HASH_LEN];
	uint64_t	pad[15];
	uint64_t	check;
};
static_assert(sizeof(struct slot) == 256, "no holes, and never across sectors");

static uint64_t
slot_check(const struct slot *d)
{
	struct hash h;
	uint64_t check;

	hash_of(d, offsetof(struct slot, check), &h);
	memcpy(&check, h.b, sizeof(check));
	return check;
}

int
chain_open(struct chain *c, int dir, const char *name, bool write)
{
	off_t size;

	c->n = 0;
	c->fd = file_open(dir, name, write ? O_RDWR | O_CREAT : O_RDONLY,
	    0660);
	if (c->fd == -1)
		return -1;
	size = lseek(c->fd, 0, SEEK_END);
	if (size == -1)
		return -1;
	c->n = (uint64_t)size / sizeof(struct slot);
	return 0;
}

void
chain_close(struct chain *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

bool
chain_read(const struct chain *c, uint64_t i, struct link *l)
{
	struct slot d;

	if (i >= c->n || pread(c->fd, &d, sizeof(d),
	    (off_t)(i * sizeof(d))) != (ssize_t)sizeof(d))
		return false;
	if (d.magic != MAGIC || d.check != slot_check(&d))
		return false;
	*l = (struct link){ .flags = d.flags, .epoch = { d.term, d.node },
	    .generation = d.generation, .time_ns = d.time_ns,
	    .kept_ns = d.kept_ns, .entries = d.entries, .bytes = d.bytes,
	    .size = d.size };
	memcpy(l->head.b, d.head, HASH_LEN);
	memcpy(l->previous.b, d.previous, HASH_LEN);
	return true;
}

bool
chain_find(const struct chain *c, uint64_t generation, uint64_t *i)
{
	uint64_t low = 0, high = c->n, mid;
	struct link l;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (!chain_read(c, mid, &l)) {
			*i = c->n;
			return false;
		}
		if (l.generation == generation) {
			*i = mid;
			return true;
		}
		if (l.generation < generation)
			low = mid + 1;
		else
			high = mid;
	}
	*i = low;
	return false;
}

int
chain_write(struct chain *c, uint64_t i, const struct link *l)
{
	struct slot d = { .magic = MAGIC, .flags = l->flags,
	    .term = l->epoch.term, .node = l->epoch.node,
	    .generation = l->generation, .time_ns = l->time_ns,
	    .kept_ns = l->kept_ns, .entries = l->entries, .bytes = l->bytes,
	    .size = l->size };

	assert(i <= c->n);
	memcpy(d.head, l->head.b, HASH_LEN);
	memcpy(d.previous, l->previous.b, HASH_LEN);
	d.check = slot_check(&d);
	if (pwrite(c->fd, &d, sizeof(d), (off_t)(i * sizeof(d))) !=
	    (ssize_t)sizeof(d)) {
		if (errno == 0)
			errno = ENOSPC;
		return -1;
	}
	if (i == c->n)
		c->n++;
	return 0;
}

int
chain_cut(struct chain *c, uint64_t n)
{
	if (ftruncate(c->fd, (off_t)(n * sizeof(struct slot))) == -1)
		return -1;
	c->n = n;
	return 0;
}

int
chain_sync(const struct chain *c)
{
	return fdatasync(c->fd);
}
