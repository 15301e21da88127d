/* SPDX-License-Identifier: ISC */

/*
 * The mirror: PAIR.mirror, what it lets everybody see (syncstate.h).  Nobody
 * decides by it, so it is written late and at a limited rate.
 */

#include <string.h>
#include <time.h>

#include "mirror.h"

void
state_due(struct pair *p)
{
	sooner(&p->state_at, not_before(mono_now(), p->state_last,
	    MIRROR_STATE_GAP_NS));
}

void
state_ship(struct pair *p, enum ship_state st, const char *id,
    const char *text)
{
	struct sync_mirror_state *s = &p->state;

	if (s->ship != st || strcmp(s->id, id) != 0) {
		s->state_since_ns = mono_now().ns;
		if (st == SHIP_DOWN || st == SHIP_HELD)
			log_info("%s: partner: %s: %s", p->name, id, text);
	}
	s->ship = st;
	(void)fmt_into(s->id, sizeof(s->id), "%s", id);
	(void)fmt_into(s->text, sizeof(s->text), "%s", text);
	state_due(p);
}

/* ---- how far the partner is behind -------------------------------------- */

void
state_made(struct pair *p)
{
	const uint64_t g = store_head(p->store)->position.generation;
	mono_t at = mono_now();

	/* What a partner gave us it has. */
	if (p->write_term == 0) {
		p->nmade = 0;
		state_due(p);
		return;
	}
	if (p->nmade > 0 && p->made[p->nmade - 1].generation >= g)
		p->nmade = 0;		/* parked: another branch */
	/* Full: the oldest stands for those that follow it. */
	if (p->nmade == MIRROR_MADE_MAX) {
		memmove(p->made + 1, p->made + 2,
		    (MIRROR_MADE_MAX - 2) * sizeof(p->made[0]));
		p->nmade--;
	}
	/* It lacked the one before as well. */
	if (p->nmade == 0 && p->state.behind_since_ns != 0)
		at.ns = p->state.behind_since_ns;
	p->made[p->nmade++] = (struct made){ g, at };
	state_due(p);
}

void
state_acked(struct pair *p, const struct position *pos)
{
	const mono_t now = mono_now();
	uint32_t n = 0;

	while (n < p->nmade && p->made[n].generation <= pos->generation)
		n++;
	if (n > 0)
		p->state.last_lag_ns = mono_span_ns(p->made[n - 1].at, now);
	memmove(p->made, p->made + n, (p->nmade - n) * sizeof(p->made[0]));
	p->nmade -= n;
	p->state.behind_since_ns = 0;
	p->state.acked_ns = now.ns;
	p->state.changes++;
	state_due(p);
}

/* When a time of the wall clock was, by the clock of the boot. */
static int64_t
boot_ns(int64_t wall_ns)
{
	const int64_t now = mono_now().ns;
	struct timespec ts;
	int64_t ago;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ago = ts.tv_sec * NS_PER_S + ts.tv_nsec - wall_ns;
	if (ago < 0 || ago >= now)
		return ago < 0 ? now : 1;
	return now - ago;
}

static int64_t
behind_since(const struct pair *p, const struct position *acked)
{
	const struct store_head *h = store_head(p->store);

	if (p->write_term == 0 || h->position.generation == 0 ||
	    position_equal(&h->position, acked))
		return 0;
	/* Made before we were here. */
	if (p->nmade == 0)
		return boot_ns(h->time_ns);
	return p->made[0].at.ns;
}

/* ---- the file ----------------------------------------------------------- */

static void
fill(struct pair *p)
{
	const struct store_head *h = store_head(p->store);
	const struct conf *c = p->mirror->conf;
	struct sync_mirror_state *s = &p->state;
	struct ship_progress g;

	ship_progress(p->ship, &g);
	if (p->partner != LINK_SELF_NONE)
		(void)fmt_into(s->partner, sizeof(s->partner), "%s",
		    conf_string(c, conf_pair_node(c, p->conf,
		    p->partner)->name));
	s->writes = p->write_term != 0;
	s->heard_ns = g.heard.ns;
	s->round_trip_ns = g.round_trip_ns;
	s->generation = h->position.generation;
	s->made_wall_ns = h->time_ns;
	s->bytes = h->bytes;
	s->entries = h->entries;
	s->acked = g.acked.generation;
	s->behind_since_ns = behind_since(p, &g.acked);
	s->run_total = g.total;
	s->run_done = g.done;
	s->rate = g.rate;
	s->partner_free = g.partner_free;
	s->partner_generation = p->theirs.generation;
	s->data_state = p->data.state;
}

void
state_turn(struct pair *p, mono_t now)
{
	if (!mono_reached(now, p->state_at))
		return;
	fill(p);
	/* What cannot be written is missed by nobody but its reader. */
	if (syncstate_write(p->mirror->run_dir, p->name, SYNCSTATE_MIRROR,
	    &p->state, sizeof(p->state)) == -1)
		log_debug("%s: state file", p->name);
	p->state_at = MONO_NEVER;
	p->state_last = now;
}
