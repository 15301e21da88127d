/* SPDX-License-Identifier: ISC */

/*
 * The receiver's word `channel`: frames in on descriptor 0, answers out on 1.
 * What does not fit its turn ends the channel; while an answer waits to leave
 * nothing more is read, so that a flood costs the partner, not us.
 */

#include <sys/inotify.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "receiver.h"

static struct line {
	struct session	session;
	uint8_t		in[FRAME_MAX];
	uint8_t		out[2 * FRAME_DATA_MAX];
	size_t		in_len, out_len, out_at;
	mono_t		heard;
	struct frame	frame, answer;
} line;

static_assert(sizeof(line.out) >
    FRAME_HEAD_LEN + 12 + FRAME_WANT_MAX * HASH_LEN +
    sizeof(struct history_list), "the longest answer and a word fit");

static void
send_frame(struct line *c, const struct frame *f)
{
	size_t len;

	if (c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	len = frame_encode(f, c->out + c->out_len,
	    sizeof(c->out) - c->out_len);
	/* Cannot be: nothing is read while an answer waits. */
	if (len == 0)
		c->session.over = true;
	c->out_len += len;
}

/* False when the partner is gone. */
static bool
flush(struct line *c)
{
	ssize_t n;

	while (c->out_at < c->out_len) {
		n = write(STDOUT_FILENO, c->out + c->out_at,
		    c->out_len - c->out_at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_len = 0;
	return true;
}

static void
protocol_error(struct line *c, enum frame_verdict v)
{
	log_warnx("%s: the partner sent what is no frame: %s",
	    c->session.r->pair, frame_verdict_word(v));
	c->answer = (struct frame){
		.type = FRAME_NAK,
		.nak = {
			.reason = NAK_PROTOCOL,
			.position = store_head(c->session.r->store)->position,
		},
	};
	send_frame(c, &c->answer);
	c->session.over = true;
}

/* Serves whole frames as long as no answer is waiting. */
static void
serve(struct line *c)
{
	enum frame_verdict v;
	enum frame_type type;
	size_t at = 0, len = 0;

	while (c->out_len == 0 && !c->session.over) {
		v = frame_head(c->in + at, c->in_len - at, &type, &len);
		if (v == FRAME_OK && c->in_len - at < len)
			v = FRAME_SHORT;
		if (v == FRAME_OK)
			v = frame_decode(c->in + at, len, &c->frame);
		if (v == FRAME_SHORT)
			break;
		if (v != FRAME_OK) {
			protocol_error(c, v);
			break;
		}
		c->heard = mono_now();
		if (verb_do(&c->session, &c->frame, &c->answer))
			send_frame(c, &c->answer);
		at += len;
		(void)flush(c);
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
}

/* False at the end of what the partner has to say. */
static bool
fill(struct line *c)
{
	ssize_t n;

	n = read(STDIN_FILENO, c->in + c->in_len,
	    sizeof(c->in) - c->in_len);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	c->in_len += (size_t)n;
	return n > 0;
}

/* Has the word been written?  Other files of the mirror come and go beside. */
static bool
word_moved(const struct receiver *r)
{
	union {
		struct inotify_event event;
		char	byte[4096];
	} buf;
	const struct inotify_event *e;
	char name[MANIFEST_PAIR_MAX + 8];
	bool moved = false;
	ssize_t at, n;

	(void)fmt_into(name, sizeof(name), "%s.word", r->pair);
	while ((n = read(r->notices, buf.byte, sizeof(buf.byte))) > 0)
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const void *)(buf.byte + at);
			moved = moved || (e->mask & IN_Q_OVERFLOW) != 0 ||
			    (e->len > 0 && strcmp(e->name, name) == 0);
		}
	return moved;
}

/* The partner is to know at once, and so are we. */
static void
look_at_word(struct line *c)
{
	struct session *s = &c->session;
	struct frame *a = &c->answer;

	if (!word_moved(s->r))
		return;
	if (verb_shut(s, a))
		send_frame(c, a);
	if (c->out_len > 0 || !s->greeted)
		return;		/* it asks again each second */
	*a = (struct frame){ .type = FRAME_PONG };
	if (own_word(s->r, &a->ping.word))
		send_frame(c, a);
}

/* One turn; false when the channel is to end. */
static bool
turn(struct line *c)
{
	struct session *s = &c->session;
	struct pollfd p[3] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = POLLOUT },
		{ .fd = s->r->notices, .events = POLLIN },
	};
	const int64_t left = mono_span_ns(mono_now(),
	    mono_after(c->heard, RECEIVER_IDLE_NS));

	if (left <= 0) {
		log_info("%s: nothing heard for %d s", s->r->pair,
		    (int)(RECEIVER_IDLE_NS / NS_PER_S));
		return false;
	}
	if (c->out_len > 0)
		p[0].fd = -1;
	else
		p[1].fd = -1;
	if (poll(p, 3, s->importing ? 0 : (int)(left / NS_PER_MS) + 1) == -1)
		return errno == EINTR;
	if (p[1].revents != 0 && !flush(c))
		return false;
	if (c->out_len == 0 && p[0].revents != 0 && !fill(c))
		return false;
	if (p[2].revents != 0 && !s->over)
		look_at_word(c);
	/* What has been read already is served only with nothing waiting. */
	if (!flush(c))
		return false;
	serve(c);
	if (s->importing && c->out_len == 0 &&
	    verb_import(s, &c->answer))
		send_frame(c, &c->answer);
	if (!flush(c))
		return false;
	return !s->over || c->out_len > 0;
}

static void
watch_word(struct receiver *r)
{
	r->notices = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->notices == -1 || inotify_add_watch(r->notices, r->run_path,
	    IN_MOVED_TO | IN_DELETE) == -1)
		log_warn("%s: the word cannot be watched", r->pair);
}

int
channel_run(struct receiver *r)
{
	struct line *c = &line;

	watch_word(r);
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	(void)fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
	lock_channel(r);
	c->session.r = r;
	c->heard = mono_now();
	while (turn(c))
		continue;
	verb_end(&c->session);
	return 0;
}
