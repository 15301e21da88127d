/* SPDX-License-Identifier: ISC */

/*
 * The keeper: durable numbers.  Must never let a term, ceiling or floor go
 * down, never call a change durable before fdatasync() has returned, and
 * never overwrite the slot that holds the newest good state.
 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "log.h"
#include "numbers.h"

#define MAGIC		0x7669706bu	/* "vipk" */
#define VERSION		1u
#define NO_PLACE	UINT32_MAX

enum slot_verdict {
	SLOT_EMPTY = 0,
	SLOT_GOOD,
	SLOT_BAD,
};

/* What reading the file has shown. */
struct findings {
	uint32_t	damaged;	/* slots */
	uint32_t	lost;		/* places without any good slot */
	bool		misplaced;	/* not where the table has it */
};

void
numbers_init(struct numbers *s, int dir)
{
	s->dir = dir;
	s->fd = -1;
}

static uint32_t
find(const struct numbers *s, const char *name)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->record[i].name, name) == 0)
			return i;
	return NO_PLACE;
}

/* The oldest one nobody names; CONF_PAIRS_MAX makes sure there is one. */
static uint32_t
oldest_unused(const struct numbers *s)
{
	uint32_t i, best = NO_PLACE;

	for (i = 0; i < s->n; i++) {
		if (s->state[i].used != 0)
			continue;
		if (best == NO_PLACE ||
		    s->record[i].stamp < s->record[best].stamp)
			best = i;
	}
	assert(best != NO_PLACE);
	return best;
}

/* A place without a name is free. */
static uint32_t
free_place(struct numbers *s)
{
	uint32_t i;

	i = find(s, "");
	if (i != NO_PLACE)
		return i;
	if (s->n < NUMBERS_MAX)
		return s->n++;
	return oldest_unused(s);
}

uint32_t
numbers_place(struct numbers *s, const char *name)
{
	struct numbers_record *r;
	uint32_t i;

	assert(name[0] != '\0');
	assert(strlen(name) <= CONF_NAME_MAX);
	i = find(s, name);
	if (i != NO_PLACE)
		return i;
	i = free_place(s);
	r = &s->record[i];
	*r = (struct numbers_record){ .magic = MAGIC, .version = VERSION };
	memcpy(r->name, name, strlen(name));
	/* What the slots hold of another pair is older than any new stamp. */
	if (i >= s->places)
		s->state[i].slot = -1;
	s->state[i].dirty = false;
	s->state[i].used = 0;
	return i;
}

void
numbers_use(struct numbers *s, uint32_t place, unsigned int which)
{
	assert(place < s->n);
	assert(which <= 1);
	s->state[place].used |= (uint8_t)(1u << which);
}

void
numbers_use_none(struct numbers *s, unsigned int which)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		s->state[i].used &= (uint8_t)~(1u << which);
}

void
numbers_term(struct numbers *s, uint32_t place, uint32_t term,
    const struct conf_addr *node)
{
	struct numbers_record *r = &s->record[place];

	assert(place < s->n);
	if (term < r->term)
		return;
	if (term == r->term && conf_addr_equal(&r->term_node, node))
		return;
	r->term = term;
	r->term_node = *node;
	s->state[place].dirty = true;
}

void
numbers_ceiling(struct numbers *s, uint32_t place, uint64_t seq)
{
	struct numbers_record *r = &s->record[place];

	assert(place < s->n);
	if (seq <= r->ceiling)
		return;
	r->ceiling = seq;
	s->state[place].dirty = true;
}

static struct numbers_floor *
find_floor(struct numbers_record *r, const struct conf_addr *node)
{
	uint32_t i;

	for (i = 0; i < r->nfloors; i++)
		if (conf_addr_equal(&r->floor[i].address, node))
			return &r->floor[i];
	return NULL;
}

/* For a new sender; the one silent for longest makes room. */
static struct numbers_floor *
new_floor(struct numbers_record *r, const struct conf_addr *node)
{
	struct numbers_floor *f = &r->floor[0];
	uint32_t i;

	if (r->nfloors < NUMBERS_FLOORS_MAX)
		f = &r->floor[r->nfloors++];
	else
		for (i = 1; i < r->nfloors; i++)
			if (r->floor[i].seq < f->seq)
				f = &r->floor[i];
	*f = (struct numbers_floor){ .address = *node };
	return f;
}

void
numbers_floor(struct numbers *s, uint32_t place,
    const struct conf_addr *node, uint64_t seq)
{
	struct numbers_record *r = &s->record[place];
	struct numbers_floor *f;

	assert(place < s->n);
	f = find_floor(r, node);
	if (f == NULL)
		f = new_floor(r, node);
	if (seq <= f->seq)
		return;
	f->seq = seq;
	s->state[place].dirty = true;
}

uint64_t
numbers_floor_of(const struct numbers_record *r, const struct conf_addr *node)
{
	uint32_t i;

	for (i = 0; i < r->nfloors; i++)
		if (conf_addr_equal(&r->floor[i].address, node))
			return r->floor[i].seq;
	return 0;
}

void
numbers_maint(struct numbers *s, uint32_t place, bool on,
    int64_t until_wall_s, const char *reason)
{
	struct numbers_record *r = &s->record[place];

	assert(place < s->n);
	r->maint_on = on ? 1 : 0;
	r->maint_until_wall_s = on ? until_wall_s : 0;
	memset(r->maint_reason, 0, sizeof(r->maint_reason));
	if (on)
		memcpy(r->maint_reason, reason,
		    strnlen(reason, sizeof(r->maint_reason) - 1));
	s->state[place].dirty = true;
}

bool
numbers_durable(const struct numbers *s, uint32_t place)
{
	assert(place < s->n);
	return !s->state[place].dirty;
}

bool
numbers_fresh(const struct numbers *s, uint32_t place)
{
	assert(place < s->n);
	return s->record[place].stamp == 0 && !s->state[place].dirty;
}

/* Writing. */

static off_t
slot_offset(uint32_t place, int slot)
{
	return (off_t)place * NUMBERS_PLACE + (off_t)slot * NUMBERS_SLOT;
}

static int
write_record(struct numbers *s, int fd, uint32_t place, int slot)
{
	struct numbers_record *r = &s->record[place];

	r->stamp = ++s->stamp;
	r->checksum = disk_checksum(r, offsetof(struct numbers_record,
	    checksum));
	return disk_write(fd, r, sizeof(*r), slot_offset(place, slot));
}

/*
 * Both slots get their blocks now, so that a disk that fills up later stops
 * no change of a pair that is known.
 */
static int
reserve(struct numbers *s, uint32_t place)
{
	if (place < s->places)
		return 0;
	if (fallocate(s->fd, 0, slot_offset(s->places, 0),
	    slot_offset(place + 1, 0) - slot_offset(s->places, 0)) == -1 &&
	    errno != EOPNOTSUPP)
		return -1;
	s->places = place + 1;
	return 0;
}

static void
write_dirty(struct numbers *s, int *error)
{
	struct numbers_state *st;
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		st = &s->state[i];
		st->written = false;
		if (!st->dirty)
			continue;
		if (reserve(s, i) == -1 ||
		    write_record(s, s->fd, i, st->slot == 0 ? 1 : 0) == -1)
			*error = errno;
		else
			st->written = true;
	}
}

static int
sync_written(struct numbers *s)
{
	uint32_t i;

	if (fdatasync(s->fd) == -1)
		return errno;
	if (s->new_name && disk_sync_dir(s->dir) == -1)
		return errno;
	s->new_name = false;
	for (i = 0; i < s->n; i++) {
		if (!s->state[i].written)
			continue;
		s->state[i].slot = s->state[i].slot == 0 ? 1 : 0;
		s->state[i].dirty = false;
	}
	return 0;
}

static bool
any_dirty(const struct numbers *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (s->state[i].dirty)
			return true;
	return false;
}

int
numbers_flush(struct numbers *s)
{
	int error, sync_error;

	if (!any_dirty(s))
		return 0;
	error = numbers_open(s);
	if (error != 0)
		return error;
	write_dirty(s, &error);
	sync_error = sync_written(s);
	return error != 0 ? error : sync_error;
}

/* Reading. */

static bool
all_zero(const void *buf, size_t len)
{
	const unsigned char *p = buf;

	while (len-- > 0)
		if (*p++ != 0)
			return false;
	return true;
}

static enum slot_verdict
judge(const struct numbers_record *r)
{
	if (all_zero(r, sizeof(*r)))
		return SLOT_EMPTY;
	if (r->magic != MAGIC || r->version != VERSION)
		return SLOT_BAD;
	if (r->checksum != disk_checksum(r,
	    offsetof(struct numbers_record, checksum)))
		return SLOT_BAD;
	/* Checksums are no promise: whoever wrote it may have been wrong. */
	if (r->name[0] == '\0' || r->name[sizeof(r->name) - 1] != '\0' ||
	    r->maint_reason[sizeof(r->maint_reason) - 1] != '\0' ||
	    r->nfloors > NUMBERS_FLOORS_MAX || r->stamp == 0)
		return SLOT_BAD;
	return SLOT_GOOD;
}

/* Takes what is higher; what was learned since is newer than the file. */
static void
merge(struct numbers *s, uint32_t place, const struct numbers_record *old)
{
	struct numbers_record *r = &s->record[place];
	const bool learned = s->state[place].dirty;
	uint32_t i;

	if (old->term > r->term) {
		r->term = old->term;
		r->term_node = old->term_node;
	}
	numbers_ceiling(s, place, old->ceiling);
	for (i = 0; i < old->nfloors; i++)
		numbers_floor(s, place, &old->floor[i].address,
		    old->floor[i].seq);
	if (!learned && old->stamp > r->stamp)
		numbers_maint(s, place, old->maint_on != 0,
		    old->maint_until_wall_s, old->maint_reason);
	if (old->stamp > r->stamp)
		r->stamp = old->stamp;
	s->state[place].dirty = true;
}

static void
take(struct numbers *s, uint32_t place, int slot,
    const struct numbers_record *r, struct findings *f)
{
	uint32_t i;

	if (r->stamp > s->stamp)
		s->stamp = r->stamp;
	i = find(s, r->name);
	if (i != NO_PLACE) {
		merge(s, i, r);
		f->misplaced = true;
		return;
	}
	/* The table is in the file's order unless numbers came before it. */
	while (s->n <= place)
		s->state[s->n++].slot = -1;
	i = s->record[place].name[0] == '\0' ? place : free_place(s);
	if (i != place)
		f->misplaced = true;
	s->record[i] = *r;
	s->state[i] = (struct numbers_state){ .slot = (int8_t)slot };
}

static int
read_place(struct numbers *s, uint32_t place, struct findings *f)
{
	struct numbers_record r[2];
	enum slot_verdict v[2];
	int slot;

	for (slot = 0; slot < 2; slot++) {
		if (disk_read(s->fd, &r[slot], sizeof(r[slot]),
		    slot_offset(place, slot)) == -1)
			return -1;
		v[slot] = judge(&r[slot]);
		if (v[slot] == SLOT_BAD)
			f->damaged++;
	}
	if (v[0] != SLOT_GOOD && v[1] != SLOT_GOOD) {
		if (v[0] == SLOT_BAD || v[1] == SLOT_BAD)
			f->lost++;
		return 0;
	}
	slot = v[0] != SLOT_GOOD ||
	    (v[1] == SLOT_GOOD && r[1].stamp > r[0].stamp);
	take(s, place, slot, &r[slot], f);
	return 0;
}

static int
read_all(struct numbers *s, struct findings *f)
{
	off_t size;
	uint32_t i;

	size = disk_size(s->fd);
	if (size == -1)
		return -1;
	if (size > (off_t)NUMBERS_MAX * NUMBERS_PLACE) {
		size = (off_t)NUMBERS_MAX * NUMBERS_PLACE;
		f->damaged++;
	}
	s->places = (uint32_t)((size + NUMBERS_PLACE - 1) / NUMBERS_PLACE);
	for (i = 0; i < s->places; i++)
		if (read_place(s, i, f) == -1)
			return -1;
	return 0;
}

/* Writes every record to a new file, each at its place in the table. */
static int
rewrite(struct numbers *s, bool aside)
{
	int error, fd;
	uint32_t i;

	fd = disk_open_new(s->dir, NUMBERS_TEMP);
	if (fd == -1)
		return errno;
	for (i = 0; i < s->n; i++)
		if ((s->record[i].stamp != 0 || s->state[i].dirty) &&
		    write_record(s, fd, i, 0) == -1)
			goto fail;
	if (disk_replace(s->dir, fd, NUMBERS_TEMP, NUMBERS_FILE,
	    aside ? NUMBERS_ASIDE : NULL) == -1)
		goto fail;
	(void)close(s->fd);
	s->fd = fd;
	s->places = 0;		/* reserve() goes over all of them once more */
	for (i = 0; i < s->n; i++) {
		s->state[i].slot = s->record[i].stamp != 0 ? 0 : -1;
		s->state[i].dirty = false;
	}
	return 0;
fail:
	error = errno;
	(void)close(fd);
	return error;
}

static void
report(const struct findings *f)
{
	if (f->damaged > 0)
		log_warnx("numbers: %u damaged slots, going on from the other "
		    "ones; the file is kept as %s", f->damaged, NUMBERS_ASIDE);
	if (f->lost > 0)
		log_warnx("numbers: %u pairs have no good slot, their terms "
		    "and sequences begin anew", f->lost);
}

static int
give_up(struct numbers *s, int error)
{
	(void)close(s->fd);
	s->fd = -1;
	s->places = 0;
	return error;
}

int
numbers_open(struct numbers *s)
{
	struct findings f = { .damaged = 0 };
	int error;

	if (s->fd != -1)
		return 0;
	s->fd = disk_open(s->dir, NUMBERS_FILE, false);
	if (s->fd == -1 && errno == ENOENT) {
		s->fd = disk_open(s->dir, NUMBERS_FILE, true);
		s->new_name = true;
	}
	if (s->fd == -1)
		return errno;
	if (read_all(s, &f) == -1)
		return give_up(s, errno);
	report(&f);
	if (f.damaged == 0 && !f.misplaced)
		return 0;
	error = rewrite(s, f.damaged > 0);
	/* Damage alone can wait: a bad slot is the next to be overwritten. */
	if (error != 0 && f.misplaced)
		return give_up(s, error);
	return 0;
}
