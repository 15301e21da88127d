/* SPDX-License-Identifier: ISC */

/*
 * Simulator: the invariants of design.md section 6, looked at after every
 * step, from outside: what nodes sent, what kernels held, what was heard.
 * The core's own variables are read only to know its state.
 */
#include <stdarg.h>

#include "judge.h"

void
check_wrong(struct world *w, enum violation v, const char *fmt, ...)
{
	va_list ap;

	if (w->wrong != V_NONE)
		return;
	w->wrong = v;
	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	TELL(w, -1, "!!! %s: %s", violation_name(v), w->why);
}

/* ---- Invariant 4: the lease ------------------------------------------- */

void
check_lease(struct world *w, struct node *n)
{
	/* Design 3: order, whole seconds, worst lateness measured. */
	int64_t bound = n->cfg.interval_ns > S / 2 ? 2700 * MS : 1980 * MS;
	const int64_t lives = local_of(n, n->kernel.lapse) -
	    local_of(n, n->kernel.advert);

	/* Long intervals: re-armed in between, up to the standby's time. */
	if (n->cfg.interval_ns >= 2 * S)
		bound = 3 * n->cfg.interval_ns + ELECTION_LATE_ORDER_NS;
	if (lives > bound)
		check_wrong(w, V_LEASE, "%s: %lld ms behind its advert, at "
		    "most %lld", node_name(n->id), (long long)(lives / MS),
		    (long long)(bound / MS));
}

/* ---- Invariant 2: alone, so active ------------------------------------ */

static bool
is_eligible(const struct node *n)
{
	return (n->e.state == STATE_STANDBY || n->e.state == STATE_CLAIM) &&
	    elector_runs(n) && n->started && !n->foreign &&
	    n->e.data_ready && n->send_fails == 0 && n->carrier_down == 0;
}

static int64_t
bound_ns(const struct world *w, const struct node *n)
{
	int64_t ns = down_ns(n);

	if (n->handed_over)
		ns += down_ns(n);	/* design: one more round */
	ns += 3 * w->sc.spacing_ms * MS;
	ns += 8 * w->sc.sched_us * NS_PER_US + 60 * MS;
	return ns + ns / 100;		/* clocks */
}

void
check_again(struct world *w, struct node *n)
{
	n->must_by = FAR;
	if (!is_eligible(n))
		return;
	n->must_by = w->now + bound_ns(w, n);
	if (n->word_until > w->now)
		n->must_by += n->word_until - w->now;
	if (n->must_by < w->must_first)
		w->must_first = n->must_by;
}

void
check_clock(struct world *w)
{
	int64_t first = FAR;

	/* Never later than the first of the nodes'. */
	if (w->now <= w->must_first)
		return;
	for (uint8_t i = 0; i < w->n; i++) {
		if (w->node[i].must_by < first)
			first = w->node[i].must_by;
		if (w->now > w->node[i].must_by && w->sc.foreign == 0)
			check_wrong(w, V_ALONE, "%s, %s", node_name(i),
			    state_name((enum state)w->node[i].e.state));
	}
	w->must_first = first;
}

void
check_trouble(struct world *w, struct node *n)
{
	n->trouble = w->now;
	n->must_by = FAR;
}

/* ---- Invariant 3: needless moves -------------------------------------- */

static bool
lost_lately(const struct world *w, const struct node *n, int64_t since)
{
	for (uint8_t i = 0; i < w->n; i++)
		if (w->link[n->id][i].lost > since ||
		    w->link[i][n->id].lost > since)
			return true;
	return false;
}

/* An active node leaves the role: did anything happen to it or its links? */
static void
check_leaves(struct world *w, const struct node *n)
{
	const int64_t since = w->now - down_ns(n) -
	    2 * n->cfg.interval_ns - 3 * S;

	/* Waits for a partner that is able, however long. */
	if (n->service_failed)
		return;
	if (n->trouble > since || n->stop_actuator > 0 || n->hold_fails > 0 ||
	    n->send_fails > 0 || n->entered > since || w->sc.preempt ||
	    w->sc.foreign != 0)
		return;
	if (w->global_trouble > since || lost_lately(w, n, since)) {
		w->st->moves_lossy++;
		return;
	}
	check_wrong(w, V_NEEDLESS, "%s gave up, %s", node_name(n->id),
	    reason_name((enum reason)n->e.reason));
}

/* ---- Invariant 5, epochs, claims -------------------------------------- */

static void
check_claim(struct world *w, const struct node *n, enum reason why)
{
	const uint32_t adverts = n->claim_soft + n->claim_open;
	uint32_t want = 4;

	if (why == REASON_GO_NOW)
		want = 1;
	else if (is_earnest(why))
		want = 2;
	if (adverts < want || n->claim_open < (want > 2 ? 2 : want))
		check_wrong(w, V_NO_CLAIM, "%s: %u soft, %u in earnest, %s",
		    node_name(n->id), n->claim_soft, n->claim_open,
		    reason_name(why));
	if (want < 4)
		return;
	if (n->cfg.signs && w->sc.foreign == 0 && n->claim_soft < 2)
		check_wrong(w, V_NO_CLAIM, "%s: only %u soft adverts",
		    node_name(n->id), n->claim_soft);
	if (w->now - n->claim_first < 3 * w->sc.spacing_ms * MS * 98 / 100)
		check_wrong(w, V_NO_CLAIM, "%s: within %lld us",
		    node_name(n->id),
		    (long long)((w->now - n->claim_first) / NS_PER_US));
}

static enum reason
role_reason(const struct actions *out)
{
	for (uint32_t i = 0; i < out->n; i++)
		if (out->a[i].type == ELECTION_ROLE)
			return out->a[i].role.reason;
	return REASON_NONE;
}

static void
check_enters(struct world *w, struct node *n, const struct actions *out)
{
	w->st->moves++;
	w->moves++;
	w->last_move = w->now;
	n->entered = w->now;
	n->handed_over = false;
	n->why = (uint8_t)role_reason(out);
	check_claim(w, n, (enum reason)n->why);
	if (n->e.own_term <= n->own_before)
		check_wrong(w, V_TERM, "%s: active in %u, was in %u",
		    node_name(n->id), n->e.own_term, n->own_before);
}

/* Two actives that sign: the lower epoch goes, the higher one stays. */
static void
check_rivals(struct world *w, const struct node *n, const struct advert *a,
    const struct before *was)
{
	int order;

	if ((was->state != STATE_ACTIVE && was->state != STATE_LEAVING) ||
	    !n->cfg.signs || a->trailer.type != TRAILER_OWN)
		return;
	if (advert_resigns(a) || (a->trailer.flags & TRAILER_SOFT) != 0)
		return;
	order = epoch_compare(a->trailer.term, a->trailer.node, was->own_term,
	    n->cfg.node[n->id].id);
	if (order > 0 && is_holding(n))
		check_wrong(w, V_OLDER_WON, "%s stays in %u, heard %u",
		    node_name(n->id), was->own_term, a->trailer.term);
	if (order < 0 && !is_holding(n) && n->trouble < w->now - 10 * S)
		check_wrong(w, V_OLDER_WON, "%s yields in %u to %u",
		    node_name(n->id), was->own_term, a->trailer.term);
}

/* Highest term seen + 1, whenever an epoch is opened. */
static void
check_opens(struct world *w, const struct node *n)
{
	for (uint8_t i = 0; i < w->n; i++)
		w->link[i][n->id].came_opened = w->link[i][n->id].came_sent;
	if (n->cfg.signs && n->e.own_term <= n->term_heard)
		check_wrong(w, V_TERM, "%s: opens %u, heard %u",
		    node_name(n->id), n->e.own_term, n->term_heard);
}

static void
heard(struct world *w, struct node *n, const struct event *ev,
    const struct before *was)
{
	const struct advert *a = ev->advert.advert;
	const bool active = !advert_resigns(a) &&
	    (a->trailer.flags & TRAILER_SOFT) == 0;

	check_rivals(w, n, a, was);
	/* A soft one carries the term its sender knows, maybe our own. */
	if (a->trailer.type == TRAILER_OWN && active &&
	    n->e.term >= a->trailer.term &&
	    a->trailer.term > n->term_heard)
		n->term_heard = a->trailer.term;
	if (active)
		n->quiet_until = 0;
	if (active && was->state == STATE_STANDBY)
		n->handed_over = false;
	/* A resignation takes back what the word said. */
	if (!active)
		n->word_until = 0;
	if (n->e.state == STATE_CLAIM && was->state == STATE_STANDBY &&
	    advert_resigns(a) &&
	    ev->advert.age_ns > n->cfg.interval_ns / 4)
		check_wrong(w, V_LATE_GO_NOW, "%s, read %lld ms late",
		    node_name(n->id), (long long)(ev->advert.age_ns / MS));
}

static void
told_word(struct world *w, struct node *n, const struct event *ev,
    const struct before *was)
{
	int64_t fresh = 3 * n->cfg.interval_ns;

	if (fresh > 3 * S)
		fresh = 3 * S;
	fresh -= ev->word.age_ns;
	if (fresh <= 0)
		return;
	n->word_until = ev->word.role == ROLE_ACTIVE ? w->now + fresh : 0;
	n->word_came = w->now;
	if (ev->word.role != ROLE_ACTIVE || was->state != STATE_ACTIVE)
		return;
	if (epoch_compare(ev->word.term, ev->word.term_node, was->own_term,
	    n->cfg.node[n->id].id) > 0 && is_holding(n))
		check_wrong(w, V_OLDER_WON, "%s stays in %u, word says %u",
		    node_name(n->id), was->own_term, ev->word.term);
}

static void
follow(struct world *w, struct node *n, const struct event *ev,
    const struct before *was)
{
	const bool first = n->must_by == FAR;

	if (!is_eligible(n)) {
		n->must_by = FAR;
		return;
	}
	if (first || ev->type == EVENT_ADVERT || ev->type == EVENT_DATA ||
	    ev->type == EVENT_CONFIG ||
	    (ev->type == EVENT_WORD && ev->word.role == ROLE_ACTIVE) ||
	    (was->state != STATE_STANDBY && was->state != STATE_CLAIM))
		check_again(w, n);
}

static void
count(struct world *w, const struct node *n, const struct event *ev,
    const struct before *was)
{
	w->st->event[was->state][ev->type]++;
	w->st->state[n->e.state]++;
	if (n->e.state != was->state)
		w->st->edge[was->state][n->e.state]++;
}

void
check_step(struct world *w, struct node *n, const struct event *ev,
    const struct before *was, const struct actions *out)
{
	count(w, n, ev, was);
	if (ev->type == EVENT_HANDOVER && was->state == STATE_ACTIVE)
		n->handed_over = true;
	if (n->e.term < was->term)
		check_wrong(w, V_TERM, "%s: %u after %u", node_name(n->id),
		    n->e.term, was->term);
	if (n->e.state == STATE_CLAIM && was->state != STATE_CLAIM) {
		n->claim_first = w->now;
		n->claim_soft = n->claim_open = 0;
	}
	if (n->e.own_term != was->own_term)
		check_opens(w, n);
	if (ev->type == EVENT_ADVERT && ev->advert.node != n->id)
		heard(w, n, ev, was);
	else if (ev->type == EVENT_WORD)
		told_word(w, n, ev, was);
	if (n->e.state == STATE_ACTIVE && was->state != STATE_ACTIVE)
		check_enters(w, n, out);
	if (was->state == STATE_ACTIVE && n->e.state != STATE_ACTIVE) {
		check_gone(w, n);
		check_leaves(w, n);
	}
	follow(w, n, ev, was);
}

void
check_sends(struct world *w, struct node *n, const struct action *a,
    bool left)
{
	const bool resigns = w->sc.protocol == PROTOCOL_CARP ?
	    a->send.carp_base == 255 && a->send.carp_skew == 255 :
	    a->send.priority == 0;

	if (resigns) {
		check_farewell(w, n);
		return;
	}
	if (n->e.state != STATE_CLAIM)
		return;
	if (local_of(n, w->now) < n->quiet_until)
		check_wrong(w, V_NOT_SILENT, "%s, %lld us early",
		    node_name(n->id), (long long)(n->quiet_until -
		    local_of(n, w->now)) / NS_PER_US);
	if (!left)
		return;
	if ((a->send.flags & TRAILER_SOFT) != 0)
		n->claim_soft++;
	else if (n->claim_open++ == 0)
		n->claim_opened = w->now;
}

/*
 * Frozen between the decision and the send, which no program can close: an
 * earnest advert may leave long after its time and makes others yield to
 * an epoch nobody holds.  They listen and one of them claims anew.
 */
void
check_stale(struct world *w, const struct node *n, int64_t decided)
{
	if (w->now - decided <= n->cfg.interval_ns / 4)
		return;
	w->st->stale++;
	w->global_trouble = w->now;
}

void
check_farewell(struct world *w, struct node *n)
{
	if (!n->kernel.present)
		return;
	if (n->kernel.resumed && n->kernel.lapse - w->now <= 4 * MS) {
		w->st->blips++;		/* as in check_holds() */
		return;
	}
	check_wrong(w, V_RESIGN_EARLY, "%s", node_name(n->id));
}

void
check_service(struct world *w, struct node *n, const struct action *a)
{
	struct opened *e;

	if (!a->service.run)
		return;
	if (!n->keeper_failed && n->disk.term < a->service.term)
		check_wrong(w, V_SERVICE, "%s: term %u, on disk is %u",
		    node_name(n->id), a->service.term, n->disk.term);
	if (!n->kernel.present && n->trouble < w->now - 5 * S)
		TELL(w, n->id, "service starts without the address");
	for (uint32_t i = 0; i < w->nepochs; i++) {
		e = &w->epoch[i];
		if (e->term == a->service.term && e->node == n->id &&
		    !n->keeper_failed && !n->unreliable)
			check_wrong(w, V_EPOCH_TWICE, "%s, term %u",
			    node_name(n->id), e->term);
	}
	if (w->nepochs < EPOCHS_MAX)
		w->epoch[w->nepochs++] = (struct opened){
		    a->service.term, n->id };
}

/* ---- The end: everything has been quiet for long ---------------------- */

static void
check_settled(struct world *w, uint8_t active, uint8_t able)
{
	const int64_t unit = w->end / 60;

	/* Loss goes on to the end: then one may just be yielding. */
	if (active > 1 && (w->sc.loss == 0 || w->last_move < w->end -
	    5 * unit))
		check_wrong(w, V_SETTLE, "%u nodes", active);
	if (active == 0 && able > 0)
		check_wrong(w, V_NOBODY, "%u could be", able);
	if (w->last_move > w->quiet + 20 * unit && w->sc.loss == 0)
		check_wrong(w, V_PING_PONG, "at %lld ms",
		    (long long)(w->last_move / MS));
}

void
check_end(struct world *w)
{
	uint8_t active = 0, able = 0;

	for (uint8_t i = 0; i < w->n; i++) {
		const struct node *n = &w->node[i];

		if (n->foreign ? n->f_active : is_holding(n))
			active++;
		if (n->foreign ? n->powered : is_eligible(n))
			able++;
		if (!n->foreign && is_holding(n) && !n->kernel.present)
			check_wrong(w, V_NOBODY, "%s is active without the "
			    "address", node_name(i));
		if (!n->foreign && n->started && w->sc.loss == 0 &&
		    (n->e.alarms &
		    (ALARM_DUAL_ACTIVE | ALARM_HEARTBEAT_BLOCKED)) != 0)
			check_wrong(w, V_ALARM, "%s: %#x", node_name(i),
			    n->e.alarms);
	}
	check_settled(w, active, able);
	if (w->sc.data)
		check_data_end(w);
}
