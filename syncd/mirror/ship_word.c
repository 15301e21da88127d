/* SPDX-License-Identifier: ISC */

/*
 * The mirror's ship: the node's own word to the partner and to our own
 * receiver, and the partner's word as our receiver heard it.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ship_inside.h"

#define SOCKET_MODE	0660	/* the receiver is of our group */

bool
word_believable(struct ship *s, const struct epoch *e)
{
	struct epoch known = { .term = 0 };

	if (store_epoch(s->conf.store, &known) == STORE_OK &&
	    (e->term <= known.term || epoch_believable(e, known.term)))
		return true;
	if (log_allowed(&s->absurd, mono_now().ns, 3))
		log_warnx("%s: the partner speaks of term %u, known is %u: "
		    "not believed", s->conf.pair, e->term, known.term);
	return false;
}

static void
hear_receiver(int fd, short revents, void *arg)
{
	uint8_t buf[WORDFILE_LEN + 1];
	struct ship *s = arg;
	struct frame f;
	ssize_t n;

	(void)revents;
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		if (frame_decode(buf, (size_t)n, &f) != FRAME_OK)
			continue;
		if (f.type == FRAME_ASK)
			s->conf.events.asked(s->conf.events.arg,
			    f.ask.request);
		else if (f.type == FRAME_PONG &&
		    word_believable(s, &f.ping.word.epoch))
			s->conf.events.word(s->conf.events.arg,
			    &f.ping.word);
	}
}

int
word_listen(struct ship *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	s->word_sock = -1;
	if (s->conf.run_dir == -1)
		return 0;
	if (fmt_into(at.sun_path, sizeof(at.sun_path), "%s/%s.sock",
	    s->conf.run_path, s->conf.pair) >= sizeof(at.sun_path) - 1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	s->word_sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (s->word_sock == -1)
		return -1;
	(void)unlink(at.sun_path);
	if (bind(s->word_sock, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    chmod(at.sun_path, SOCKET_MODE) == -1 ||
	    !loop_add(s->conf.loop, s->word_sock, POLLIN, hear_receiver, s)) {
		(void)close(s->word_sock);
		s->word_sock = -1;
		return -1;
	}
	return 0;
}

void
word_close(struct ship *s)
{
	if (s->word_sock == -1)
		return;
	loop_del(s->conf.loop, s->word_sock);
	(void)close(s->word_sock);
	s->word_sock = -1;
}

void
word_send(struct ship *s, enum frame_type type, uint32_t serial)
{
	const mono_t now = mono_now();
	struct frame f = {
		.type = type,
		.ping = {
			.serial = serial,
			.word = wordfile_word(&s->own, now),
		},
	};

	f.ping.word.position = store_head(s->conf.store)->position;
	/* When the pipe is full the partner hears nothing anyway. */
	(void)ship_send(s, &f);
	s->word_due = false;
	s->word_at = mono_after(now, SHIP_WORD_GAP_NS);
}

int
ship_word(struct ship *s, const struct wordfile *w)
{
	const struct frame_word *was = &s->own.word;
	const bool changed = w->word.role != was->role ||
	    w->word.healthy != was->healthy ||
	    w->word.data_ready != was->data_ready ||
	    w->word.present != was->present ||
	    w->word.deaf != was->deaf ||
	    epoch_cmp(&w->word.epoch, &was->epoch) != 0;

	s->own = *w;
	s->word_due = true;
	if (changed)
		s->word_at = MONO_NEVER;
	if (s->conf.run_dir == -1)
		return 0;
	return wordfile_write(s->conf.run_dir, s->conf.pair, w);
}

bool
ship_ask(struct ship *s, enum frame_request request)
{
	const struct frame f = {
		.type = FRAME_ASK, .ask = { .request = request },
	};

	if (s->ssh.pid == 0 || !s->welcome || !ship_room(s))
		return false;
	return ship_send(s, &f);
}
