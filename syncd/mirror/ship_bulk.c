/* SPDX-License-Identifier: ISC */

/*
 * The mirror's ship: one rsync over the held connection, for objects that are
 * large or many.  Its exit status and its output are for people; whether it
 * brought anything is what the partner's receiver says afterwards.
 */

#include <sys/mman.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ship_inside.h"

#define NAME_LEN	(2 + 1 + HASH_HEX + 1)	/* ab/<64 hex> NUL */
#define RATE_EVERY_NS	(1 * NS_PER_S)

/* "   1234567  12%  ..." with a carriage return before each. */
static void
see_line(struct ship *s)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < s->bulk_len && s->bulk_line[i] == ' ')
		i++;
	if (i == s->bulk_len || s->bulk_line[i] < '0' ||
	    s->bulk_line[i] > '9')
		return;
	for (; i < s->bulk_len && s->bulk_line[i] >= '0' &&
	    s->bulk_line[i] <= '9' && v < UINT64_MAX / 16; i++)
		v = v * 10 + (uint64_t)(s->bulk_line[i] - '0');
	if (v > s->bulk_done) {
		s->done += v - s->bulk_done;
		s->bulk_done = v;
		s->bulk_at = mono_now();
	}
}

static void
see_rate(struct ship *s)
{
	const mono_t now = mono_now();
	const int64_t ns = mono_span_ns(s->rate_at, now);

	if (ns < RATE_EVERY_NS)
		return;
	s->rate = (uint64_t)((double)(s->done - s->rate_done) *
	    (double)NS_PER_S / (double)ns);
	s->rate_at = now;
	s->rate_done = s->done;
}

static void
read_progress(int fd, short revents, void *arg)
{
	struct ship *s = arg;
	char buf[512];
	ssize_t i, n;

	(void)revents;
	n = read(fd, buf, sizeof(buf));
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			loop_mute(s->conf.loop, fd, true);
		return;
	}
	for (i = 0; i < n; i++) {
		if (buf[i] == '\r' || buf[i] == '\n') {
			see_line(s);
			s->bulk_len = 0;
		} else if (s->bulk_len < sizeof(s->bulk_line)) {
			s->bulk_line[s->bulk_len++] = buf[i];
		}
	}
	see_rate(s);
}

static void
read_errors(int fd, short revents, void *arg)
{
	struct ship *s = arg;

	(void)revents;
	if (!ssh_read_err(&s->rsync))
		loop_mute(s->conf.loop, fd, true);
}

static void
ended(int fd, short revents, void *arg)
{
	struct ship *s = arg;

	(void)fd;
	(void)revents;
	bulk_end(s);
	ship_ran(s);
	ship_pump(s);
}

void
bulk_end(struct ship *s)
{
	struct loop *l = s->conf.loop;
	int status;

	if (s->rsync.pid == 0)
		return;
	loop_del(l, s->rsync.out);
	loop_del(l, s->rsync.err);
	loop_del(l, s->rsync.pidfd);
	status = ssh_end(&s->rsync);
	if (status != 0)
		log_info("%s: rsync ended with status %x: %s", s->conf.pair,
		    (unsigned int)status, s->rsync.text);
}

/* The names, in memory: rsync reads them at its own pace. */
static int
write_list(const struct plan *p)
{
	char hex[HASH_HEX + 1], name[NAME_LEN + 1];
	int error, fd;
	FILE *f;
	size_t i;

	fd = memfd_create("objects", MFD_CLOEXEC);
	f = fd == -1 ? NULL : fdopen(dup(fd), "w");
	if (f == NULL) {
		error = errno;
		if (fd != -1)
			(void)close(fd);
		errno = error;
		return -1;
	}
	for (i = 0; i < p->nwanted; i++) {
		(void)hash_hex(&p->wanted[i].hash, hex);
		(void)fmt_into(name, sizeof(name), "%.*s/%s", 2, hex, hex);
		(void)fwrite(name, 1, strlen(name) + 1, f);
	}
	if (fclose(f) != 0 || lseek(fd, 0, SEEK_SET) == -1) {
		error = errno;
		(void)close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
bulk_start(struct ship *s)
{
	struct loop *l = s->conf.loop;
	int error, list;

	list = write_list(&s->plan);
	if (list == -1)
		return -1;
	error = ssh_start_rsync(&s->rsync, &s->conf.place, list) == -1 ?
	    errno : 0;
	(void)close(list);
	if (error != 0) {
		errno = error;
		return -1;
	}
	s->bulk_at = s->rate_at = mono_now();
	s->rate_done = s->done;
	s->bulk_len = 0;
	s->bulk_done = 0;
	if (loop_add(l, s->rsync.out, POLLIN, read_progress, s) &&
	    loop_add(l, s->rsync.err, POLLIN, read_errors, s) &&
	    loop_add(l, s->rsync.pidfd, POLLIN, ended, s))
		return 0;
	fatalx("%s: the table of descriptors is full", s->conf.pair);
}
