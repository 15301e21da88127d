/* SPDX-License-Identifier: ISC */

/*
 * The mirror's ship: bytes of the held channel.  What the partner sends is
 * read only as far as one frame, and what goes out is made only when there is
 * room for it: neither side can make this one's memory grow.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ship_inside.h"

#define TURN_BYTES	(2u << 20)	/* then others of the loop may go */

bool
ship_room(const struct ship *s)
{
	return s->out_len - s->out_at <= FRAME_MAX - FRAME_HEAD_LEN;
}

bool
ship_send(struct ship *s, const struct frame *f)
{
	size_t len;

	if (s->out_at > 0) {
		memmove(s->out, s->out + s->out_at, s->out_len - s->out_at);
		s->out_len -= s->out_at;
		s->out_at = 0;
	}
	len = frame_encode(f, s->out + s->out_len,
	    sizeof(s->out) - s->out_len);
	s->out_len += len;
	return len > 0;
}

/* Writes what there is; false when the pipe is full or gone. */
static bool
drain(struct ship *s, size_t *budget)
{
	ssize_t n;

	while (s->out_at < s->out_len) {
		n = write(s->ssh.in, s->out + s->out_at,
		    s->out_len - s->out_at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;	/* EPIPE: its end is seen elsewhere */
		s->out_at += (size_t)n;
		s->taken = mono_now();
		if (*budget <= (size_t)n)
			return false;
		*budget -= (size_t)n;
	}
	s->out_at = s->out_len = 0;
	return true;
}

void
ship_pump(struct ship *s)
{
	size_t budget = TURN_BYTES;
	bool more = true;

	if (s->ssh.pid == 0)
		return;
	while (more) {
		while (ship_room(s) && talk_next(s))
			continue;
		if (s->ssh.pid == 0)
			return;
		if (s->out_len == 0)
			break;
		more = drain(s, &budget);
	}
	loop_mute(s->conf.loop, s->ssh.in, s->out_len == 0);
}

void
ship_writable(int fd, short revents, void *arg)
{
	struct ship *s = arg;

	(void)fd;
	if ((revents & (POLLERR | POLLHUP)) != 0) {
		/* The reason comes with its last line, by the pidfd. */
		loop_mute(s->conf.loop, s->ssh.in, true);
		return;
	}
	ship_pump(s);
}

/* One frame after the other; the partner may be lost on the way. */
static void
take_frames(struct ship *s)
{
	enum frame_verdict v;
	enum frame_type type;
	size_t at = 0, len = 0;

	while (s->ssh.pid != 0) {
		v = frame_head(s->in + at, s->in_len - at, &type, &len);
		if (v == FRAME_OK && s->in_len - at < len)
			v = FRAME_SHORT;
		if (v == FRAME_OK)
			v = frame_decode(s->in + at, len, &s->frame);
		if (v == FRAME_SHORT)
			break;
		if (v != FRAME_OK) {
			ship_lost(s, "partner-protocol",
			    frame_verdict_word(v));
			return;
		}
		at += len;
		s->heard = mono_now();
		talk_hear(s, &s->frame);
	}
	if (s->ssh.pid == 0)
		return;		/* all was dropped */
	memmove(s->in, s->in + at, s->in_len - at);
	s->in_len -= at;
}

void
ship_readable(int fd, short revents, void *arg)
{
	struct ship *s = arg;
	ssize_t n;

	(void)revents;
	n = read(fd, s->in + s->in_len, sizeof(s->in) - s->in_len);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		(void)ssh_read_err(&s->ssh);
		ship_lost(s, ssh_reason(&s->ssh), s->ssh.text);
		return;
	}
	s->in_len += (size_t)n;
	take_frames(s);
	ship_pump(s);
}
