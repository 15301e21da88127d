/* SPDX-License-Identifier: ISC */

/*
 * vipctl: asking for changes.  A change that was taken is not yet done: what
 * became of it is read back, never assumed.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ask.h"
#include "dataview.h"
#include "store.h"
#include "text.h"

/* Whose data stand in the way of a handover; NULL: nobody's. */
static const char *
unready(const struct view_pair *vp, const struct ctl_request *rq)
{
	const struct ctl_peer *self = pair_self(vp), *other = pair_partner(vp);
	const struct msg_partner *word = pair_word(vp);

	if (rq->command != CTL_HANDOVER)
		return NULL;
	if (vp->p.role != ROLE_ACTIVE)
		return data_known(vp) && vp->data.data.ready == 0 &&
		    self != NULL ? self->name : NULL;
	return word != NULL && word->ready == 0 && other != NULL ?
	    other->name : NULL;
}

int
ask_change(struct vipctl *v, const struct view_pair *vp,
    const struct ctl_request *rq)
{
	const struct ctl_peer *active;
	enum client_result res;
	union ctl_any r;
	struct client c;
	char why[256];
	int code;

	code = client_ask(&c, v, CTL_SOCKET, rq, why, sizeof(why));
	if (code != EXIT_DONE) {
		complain(v, "%s", why);
		return code;
	}
	res = client_next(&c, &r, CLIENT_TIMEOUT_MS);
	if (res != CLIENT_RECORD || r.head.type != CTL_RESULT)
		code = client_failed(&c, v, res == CLIENT_RECORD ||
		    res == CLIENT_END ? CLIENT_NONSENSE : res);
	else if (r.result.code == CTL_REFUSED_STANDBY && vp != NULL &&
	    (active = pair_other_active(vp)) != NULL) {
		complain(v, "refused: %s is the active node; ask there",
		    active->name);
		code = EXIT_REFUSED;
	} else if (r.result.code != CTL_OK && vp != NULL &&
	    unready(vp, rq) != NULL) {
		complain(v, "refused: the data of %s are not complete; "
		    "'vipctl sync status' there tells more",
		    unready(vp, rq));
		code = EXIT_REFUSED;
	} else
		code = client_refused(v, &r.result);
	client_close(&c);
	return code;
}

int
ask_data(struct vipctl *v, const struct view *w, const struct view_pair *vp,
    enum ask_kind kind, uint64_t value, uint64_t value2, uint64_t token)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = CTL_ASK,
		.pair = view_index(w, vp),
		.arg = { kind, (int64_t)value, (int64_t)value2 },
		.token = token,
	};

	return ask_change(v, vp, &rq);
}

void
ask_nap(void)
{
	const struct timespec step = { .tv_nsec = ASK_STEP_NS };

	nanosleep(&step, NULL);
}

/* What the capture said of our request. */
static int
answer(struct vipctl *v, struct sync_view *sv)
{
	const struct sync_capture_state *c = &sv->capture;
	char text[SYNC_TEXT_MAX];

	if (c->ask_result == STORE_OK)
		return EXIT_DONE;
	snprintf(text, sizeof(text), "%s", c->ask_text);
	text_clean(text);
	if (text[0] == '\0' && c->ask_result > STORE_OK &&
	    c->ask_result <= STORE_DAMAGED)
		snprintf(text, sizeof(text), "the store says: %s",
		    store_word((enum store_result)c->ask_result));
	complain(v, "refused: %s", text[0] != '\0' ? text :
	    "the capture could not do it; 'vipctl status' tells more");
	return c->ask_result == STORE_BUSY ? EXIT_TRY_AGAIN : EXIT_REFUSED;
}

int
ask_capture(struct vipctl *v, const struct view *w,
    const struct view_pair *vp, enum ask_kind kind, uint64_t value,
    uint64_t value2, mono_t deadline, struct sync_view *sv)
{
	uint64_t token = 0;
	int code;

	while (token == 0)
		if (getrandom(&token, sizeof(token), 0) == -1 &&
		    errno != EINTR) {
			complain(v, "no random numbers: %s", strerror(errno));
			return EXIT_REFUSED;
		}
	code = ask_data(v, w, vp, kind, value, value2, token);
	if (code != EXIT_DONE)
		return code;
	for (;;) {
		syncview_read(sv, v->run_dir, vp->p.name);
		if (sv->capture_known && sv->capture.token == token)
			return answer(v, sv);
		if (mono_reached(mono_now(), deadline))
			break;
		ask_nap();
	}
	complain(v, "it was asked for, but the capture did not answer in "
	    "time; 'vipctl sync status' tells what it does");
	return EXIT_TRY_AGAIN;
}

bool
ask_typed(struct vipctl *v, const char *word)
{
	char line[64];

	fflush(v->out);
	fprintf(stderr, "Type %s to go on: ", word);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, word) == 0)
		return true;
	complain(v, "%s was not typed: nothing was changed", word);
	return false;
}
