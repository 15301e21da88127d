/* SPDX-License-Identifier: ISC */

/*
 * The receiver: its node's own word, from the mirror's file, and the partner's
 * word handed to the mirror's socket.  Where no mirror has said that a receiver
 * may write none does; a word that cannot be read is taken for active.
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>

#include "log.h"
#include "receiver.h"

#define ROLE_WORD_ACTIVE	2	/* enum role */

static bool
read_own(struct receiver *r, struct wordfile *w)
{
	memset(w, 0, sizeof(*w));
	if (wordfile_read(r->run_dir, r->pair, w) == 0)
		return true;
	if (errno != ENOENT)
		log_warn("%s: the mirror's word", r->pair);
	return false;
}

bool
own_word(struct receiver *r, struct frame_word *word)
{
	struct wordfile w;
	bool known;

	known = read_own(r, &w);
	*word = wordfile_word(&w, mono_now());
	word->position = store_head(r->store)->position;
	return known;
}

enum nak_reason
own_refuses(struct receiver *r)
{
	struct wordfile w;

	memset(&w, 0, sizeof(w));
	if (wordfile_read(r->run_dir, r->pair, &w) == -1)
		return errno == ENOENT ? NAK_BUSY : NAK_DUAL;
	if (w.word.role == ROLE_WORD_ACTIVE)
		return NAK_DUAL;
	return w.open ? 0 : NAK_BUSY;
}

void
own_limits(struct receiver *r, struct store_limits *l)
{
	struct wordfile w;

	(void)read_own(r, &w);
	*l = (struct store_limits){
		.bytes = w.store_bytes,
		.reserve = RECEIVER_RESERVE,
	};
}

bool
own_room(struct receiver *r, uint64_t *left)
{
	struct store_limits limits;
	struct store_usage u;
	uint64_t quota = UINT64_MAX;

	own_limits(r, &limits);
	if (store_usage(r->store, &u) != STORE_OK)
		return false;
	*left = u.free_bytes > limits.reserve ?
	    u.free_bytes - limits.reserve : 0;
	if (limits.bytes != 0)
		quota = limits.bytes > u.bytes ? limits.bytes - u.bytes : 0;
	if (quota < *left)
		*left = quota;
	return true;
}

/* Lost when the mirror does not read: whoever speaks does so again. */
static void
hand_on(struct receiver *r, const struct frame *f)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	uint8_t buf[WORDFILE_LEN];
	size_t len;

	len = fmt_into(to.sun_path, sizeof(to.sun_path), "%s/%s.sock",
	    r->run_path, r->pair);
	if (len >= sizeof(to.sun_path) - 1)
		return;
	len = frame_encode(f, buf, sizeof(buf));
	if (len > 0 && sendto(r->out_sock, buf, len,
	    MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
	    sizeof(to)) == -1)
		log_debug("%s: the mirror does not listen", r->pair);
}

void
own_heard(struct receiver *r, const struct frame_word *w)
{
	const struct frame f = { .type = FRAME_PONG, .ping.word = *w };

	hand_on(r, &f);
}

void
own_asked(struct receiver *r, const struct frame_ask *ask)
{
	const struct frame f = { .type = FRAME_ASK, .ask = *ask };

	hand_on(r, &f);
}
