/* SPDX-License-Identifier: ISC */

/*
 * The mirror: this node's word, on its way from the elector to the partner,
 * to our receivers and to the capture; and whether a receiver may write.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mirror.h"

#define FILE_LINES_PER_MINUTE	3

static_assert(FRAME_ROLES == ROLE_COUNT, "roles on the wire");

static struct wordfile
make(const struct pair *p)
{
	const struct msg_word *w = &p->word;

	return (struct wordfile){
		.word = {
			.role = w->role, .healthy = w->healthy != 0,
			.data_ready = w->ready != 0,
			.present = w->present != 0,
			.deaf = w->deaf != 0,
			.epoch = { .term = w->term, .node = w->term_node },
		},
		.advert = { w->advert_ns },
		.store_bytes = p->conf->sync.store_max_bytes,
		/* F3, F5 */
		.open = p->known && w->role != ROLE_ACTIVE && !p->shut &&
		    p->captured.settled != 0,
	};
}

static bool
differs(const struct wordfile *a, const struct wordfile *b)
{
	return a->word.role != b->word.role || a->open != b->open ||
	    a->word.healthy != b->word.healthy ||
	    a->word.data_ready != b->word.data_ready ||
	    a->word.present != b->word.present ||
	    a->word.deaf != b->word.deaf ||
	    epoch_cmp(&a->word.epoch, &b->word.epoch) != 0;
}

void
ownword_put(struct pair *p)
{
	char name[CONF_NAME_MAX + 8];
	const mono_t now = mono_now();

	p->file = make(p);
	p->file_at = MONO_NEVER;
	p->file_last = now;
	if (ship_word(p->ship, &p->file) == 0)
		return;
	if (log_allowed(&p->file_limit, now.ns, FILE_LINES_PER_MINUTE))
		log_warn("%s: own word in %s", p->name, p->mirror->run_path);
	/* An old one might say that a receiver may write. */
	(void)fmt_into(name, sizeof(name), "%s.word", p->name);
	(void)unlinkat(p->mirror->run_dir, name, 0);
	p->file_at = mono_after(now, MIRROR_TICK_NS);
}

void
ownword_changed(struct pair *p)
{
	const struct wordfile w = make(p);

	if (differs(&w, &p->file))
		ownword_put(p);
	else
		sooner(&p->file_at, not_before(mono_now(), p->file_last,
		    MIRROR_WORD_GAP_NS));
}

void
ownword_turn(struct pair *p, mono_t now)
{
	union msg m = { .word = p->word };

	if (mono_reached(now, p->file_at))
		ownword_put(p);
	if (p->capture_due && capture_send(p->mirror, &m))
		p->capture_due = false;
}

void
ownword_attach(struct pair *p)
{
	p->capture_due = p->known;
	ownword_turn(p, mono_now());
}

/* Who the partner is follows from who we are. */
static void
find_partner(struct pair *p)
{
	uint8_t i, partner = LINK_SELF_NONE;

	for (i = 0; p->word.self != LINK_SELF_NONE && i < p->conf->nnodes; i++)
		if (i != p->word.self && partner == LINK_SELF_NONE)
			partner = i;
	if (partner == p->partner)
		return;
	p->partner = partner;
	if (partner == LINK_SELF_NONE)
		return;		/* for a while: the old one is still there */
	if (sshconf_write(p) == -1) {
		log_warn("%s: ssh configuration %s", p->name, p->config);
		return;
	}
	ship_reconnect(p->ship);
}

static void
check(const struct pair *p, const struct msg_word *w)
{
	if (w->role >= ROLE_COUNT || w->term_node > EPOCH_NODE_MAX ||
	    w->self_id > EPOCH_NODE_MAX || w->term > INT32_MAX ||
	    (w->self != LINK_SELF_NONE && w->self >= p->conf->nnodes))
		fatalx("mirror: the elector's word is out of range");
}

void
ownword_hear(struct pair *p, const struct msg_word *w)
{
	const struct msg_word *was = &p->word;
	const bool moved = w->self != was->self ||
	    w->self_id != was->self_id;

	check(p, w);
	p->capture_due = p->capture_due || !p->known || moved ||
	    w->role != was->role || w->term != was->term ||
	    w->term_node != was->term_node || w->writing != was->writing;
	p->known = true;
	p->word = *w;
	if (moved) {
		find_partner(p);
		jobs_writing(p);	/* the capture may have spoken first */
		p->look_at = mono_now();
	}
	ownword_changed(p);
	ownword_turn(p, mono_now());
}
