/* SPDX-License-Identifier: ISC */

/*
 * Objects by their hash: writing.  Mirror and receiver, under the lock.  A
 * name appears only over bytes that are whole; with PUT_BULK it appears in
 * staged/ and moves once a syncfs made the bytes durable.
 */

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

#define SPACE_STEP	(UINT64_C(16) << 20)	/* asked about at a time */

struct put {
	struct store	*s;
	enum put_how	how;
	bool		expected, given;
	struct hash	expect;
	uint64_t	expect_size;
	uint64_t	size, room;	/* written; checked for */
	struct hash_sum	sum;
	int		fd;
	char		temp[32];
	enum store_result result;	/* the first failure */
};

enum store_result
put_open(struct put **pp, struct store *s, enum put_how how,
    const struct hash *expect, uint64_t size)
{
	enum store_result r;
	struct put *p;

	assert(s->locked);
	*pp = NULL;
	r = usage_check(s, size, 1);
	if (r != STORE_OK)
		return r;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return fail_errno(s, "object");
	*p = (struct put){ .s = s, .how = how, .expected = expect != NULL,
	    .expect_size = size, .room = size };
	if (expect != NULL)
		p->expect = *expect;
	hash_init(&p->sum);
	p->fd = file_temp(s->dir[DIR_TMP], p->temp);
	if (p->fd == -1) {
		free(p);
		return fail_errno(s, "tmp");
	}
	*pp = p;
	return STORE_OK;
}

/* Asks for more room in steps; the sender's word for the size is a limit. */
static enum store_result
make_room(struct put *p, uint64_t more)
{
	enum store_result r;

	if (p->expected && p->size + more > p->expect_size)
		return fail(p->s, STORE_HASH,
		    "object is longer than announced");
	if (p->size + more <= p->room)
		return STORE_OK;
	r = usage_check(p->s, p->size + more + SPACE_STEP, 1);
	if (r == STORE_OK)
		p->room = p->size + more + SPACE_STEP;
	else
		r = usage_check(p->s, p->size + more, 1);
	return r;
}

enum store_result
put_write(struct put *p, const void *buf, size_t len)
{
	assert(!p->given);
	if (p->result == STORE_OK)
		p->result = make_room(p, len);
	if (p->result != STORE_OK)
		return p->result;
	if (file_write(p->fd, buf, len) == -1) {
		p->result = fail_errno(p->s, "object");
		return p->result;
	}
	hash_add(&p->sum, buf, len);
	p->size += len;
	return STORE_OK;
}

enum store_result
put_from_fd(struct put *p, int fd, uint64_t max, uint64_t *got)
{
	char buf[64 * 1024];
	enum store_result r;
	size_t want;
	ssize_t n;

	*got = 0;
	while (*got < max) {
		want = max - *got < sizeof(buf) ? (size_t)(max - *got) :
		    sizeof(buf);
		n = read(fd, buf, want);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail_errno(p->s, "source of an object");
		if (n == 0)
			break;
		r = put_write(p, buf, (size_t)n);
		if (r != STORE_OK)
			return r;
		*got += (uint64_t)n;
	}
	return STORE_OK;
}

int
put_fd(struct put *p)
{
	p->given = true;
	return p->fd;
}

void
put_abort(struct put *p)
{
	if (p == NULL)
		return;
	file_temp_drop(p->s->dir[DIR_TMP], p->temp);
	(void)close(p->fd);
	free(p);
}

/* What a helper wrote is read here for the first time. */
static enum store_result
read_given(struct put *p, struct hash *h)
{
	if (lseek(p->fd, 0, SEEK_SET) == -1 ||
	    hash_fd(p->fd, h, &p->size) == -1)
		return fail_errno(p->s, "object");
	return usage_check(p->s, p->size, 1);
}

static enum store_result
check_sum(struct put *p, struct hash *h)
{
	enum store_result r = p->result;

	if (r == STORE_OK && p->given)
		r = read_given(p, h);
	else if (r == STORE_OK)
		hash_end(&p->sum, h);
	if (r != STORE_OK || !p->expected)
		return r;
	if (p->size != p->expect_size || !hash_equal(h, &p->expect))
		return fail(p->s, STORE_HASH,
		    "object is not what was announced");
	return STORE_OK;
}

/* Gives it its name; already there under it is as good. */
static enum store_result
name_object(struct put *p, const struct hash *h)
{
	char name[3 + HASH_HEX + 1];
	struct store *s = p->s;
	bool bulk = p->how == PUT_BULK;
	int dir = s->dir[bulk ? DIR_STAGED : DIR_OBJECTS];

	object_name(h, name);
	if (bulk)
		(void)unlinkat(dir, name + 3, 0);
	if (file_name_it(s->dir[DIR_TMP], p->temp, p->fd, dir,
	    bulk ? name + 3 : name) == -1 && errno != EEXIST)
		return fail_errno(s, "object");
	if (!marks_add(&s->fresh, h) ||
	    (s->phase != UPKEEP_THIN && !marks_add(&s->marks, h)))
		return fail_errno(s, "no memory for a mark");
	if (bulk)
		s->nstaged++;
	else
		object_mark_dirty(s, h);
	usage_add(s, p->size);
	return STORE_OK;
}

static enum store_result
finish(struct put *p, struct hash *h)
{
	enum store_result r = check_sum(p, h);
	uint64_t size;

	if (r != STORE_OK)
		return r;
	/* The same bytes again: what is there stays. */
	if (object_stat(p->s, h, &size) == STORE_OK && size == p->size)
		return STORE_OK;
	crash_point("put-written");
	if (p->how == PUT_DURABLE && fsync(p->fd) == -1)
		return fail_errno(p->s, "object");
	crash_point("put-synced");
	r = name_object(p, h);
	crash_point("put-named");
	return r;
}

enum store_result
put_commit(struct put *p, struct hash *h, uint64_t *size)
{
	enum store_result r = finish(p, h);

	if (size != NULL)
		*size = p->size;
	put_abort(p);
	return r;
}

enum store_result
store_put(struct store *s, enum put_how how, const void *buf, size_t len,
    struct hash *h)
{
	enum store_result r;
	struct put *p;

	r = put_open(&p, s, how, NULL, len);
	if (r != STORE_OK)
		return r;
	r = put_write(p, buf, len);
	if (r == STORE_OK)
		return put_commit(p, h, NULL);
	put_abort(p);
	return r;
}
