/* SPDX-License-Identifier: ISC */

/*
 * Simulator: what runs around the data of a node.  The elector's policies
 * (policy.h) ask for jobs; the service, its runner and the loader do theirs
 * here, the capture those of the store (capture.c).  A process that dies
 * takes along what it had under way.
 */
#include "sim.h"

static bool
elector_asks(const struct node *n)
{
	return n->elector && n->started;
}

struct half_msg *
half_later(struct world *w, struct node *n, enum half_op op, int64_t after_ns)
{
	struct msg *m = queue_add(w, w->now + after_ns, MSG_HALF, n->id);

	m->life = n->half.life;
	m->half = (struct half_msg){ .op = (uint8_t)op };
	return &m->half;
}

/* ---- The elector's side ------------------------------------------------- */

static bool
is_captures(uint8_t work)
{
	return work == WORK_BEGIN || work == WORK_WRITE || work == WORK_END;
}

static int64_t
takes_ns(struct world *w, uint8_t work)
{
	switch (work) {
	case WORK_QUERY:
	case WORK_CHECK:
		return prng_range(&w->rng, MS, 20 * MS);
	case WORK_STOP:
		/* Some take their time to stop. */
		return prng_percent(&w->rng, 20) ?
		    prng_range(&w->rng, 100 * MS, 6 * S) :
		    prng_range(&w->rng, 5 * MS, 300 * MS);
	default:
		return prng_range(&w->rng, 5 * MS, 400 * MS);
	}
}

/* The supervisor runs one after the other. */
static void
queue_job(struct world *w, struct node *n, struct work_ask ask)
{
	struct half *h = &n->half;
	struct half_msg *m;

	h->lane_began = h->lane_free > w->now ? h->lane_free : w->now;
	h->lane_free = h->lane_began + takes_ns(w, ask.work);
	m = half_later(w, n, OP_RUN, h->lane_free - w->now);
	m->ask = ask;
	m->serial = n->elector_life;
	m->asked = w->now;
	m->began = h->lane_began;
}

static void
hand_on(struct world *w, struct node *n, struct work_ask ask, int64_t now)
{
	if (ask.work == WORK_NONE)
		return;
	if (!is_captures(ask.work))
		queue_job(w, n, ask);
	else if (n->half.up)
		half_later(w, n, OP_JOB, prng_range(&w->rng,
		    200 * NS_PER_US, 2 * MS))->ask = ask;
	else
		policy_unsent(&n->half.policy, ask, (mono_t){ now });
}

/* The mirror hears what the elector is; the receivers from the file. */
void
half_word(struct world *w, struct node *n)
{
	const bool active = election_role(&n->e) == ROLE_ACTIVE;
	struct half *h = &n->half;

	/* Else the capture would settle below a service of an earlier life. */
	if (!h->up || !policy_known(&h->policy) ||
	    (h->word_said && h->word_active == active))
		return;
	h->word_said = true;
	h->word_active = active;
	half_later(w, n, OP_WORD, 100 * NS_PER_US);
}

/* One wake-up at a time; it looks again when it came too early. */
static void
arm(struct world *w, struct node *n)
{
	const mono_t due = policy_due(&n->half.policy);
	struct half *h = &n->half;
	int64_t at;

	if (!mono_is_set(due) || (h->timer_at != 0 && due.ns == h->timer_due))
		return;
	at = true_of(n, due.ns);
	if (at < w->now)
		at = w->now;
	if (at > w->end || (h->timer_at != 0 && h->timer_at <= at))
		return;
	h->timer_at = at;
	h->timer_due = due.ns;
	half_later(w, n, OP_TIMER, at - w->now);
}

/* What the policies made of it: told to the core, and the next time. */
static void
moved(struct world *w, struct node *n, struct work_ask ask)
{
	const int64_t now = local_of(n, w->now);
	struct half *h = &n->half;
	struct event ev = { .type = EVENT_SERVICE };
	struct work_ask more;

	half_word(w, n);
	hand_on(w, n, ask, now);
	more = policy_head(&h->policy, w->generation[h->copy.head].number,
	    n->e.holding || n->e.state == STATE_ACTIVE, (mono_t){ now });
	hand_on(w, n, more, now);
	if (h->told_state != policy_state(&h->policy)) {
		h->told_state = policy_state(&h->policy);
		ev.service.state = (enum service_state)h->told_state;
		if (h->told_state == SERVICE_FAILED)
			n->service_failed = true;
		elector_tell(w, n, &ev, 0);
	}
	arm(w, n);
}

void
half_want(struct world *w, struct node *n, bool run, uint32_t term)
{
	TELL(w, n->id, "service is %s", run ? "wanted" : "not wanted");
	moved(w, n, policy_want(&n->half.policy, run, term,
	    (mono_t){ local_of(n, w->now) }));
}

/* What the store holds, for the election (F7). */
static void
tell(struct world *w, struct node *n)
{
	const struct copy *c = &n->half.copy;
	const struct event ev = {
		.type = EVENT_DATA,
		.data = {
			.ready = c->head != 0 || c->known.term == 0 ||
			    c->known.node == n->id,
			.term = c->known.term,
			.term_node = (uint8_t)c->known.node,
		},
	};

	n->half.telling = false;
	if (!elector_asks(n))
		return;
	if (n->half.told_ready != ev.data.ready ||
	    epoch_cmp(&n->half.told, &c->known) != 0)
		elector_tell(w, n, &ev, 0);
	n->half.told_ready = ev.data.ready;
	n->half.told = c->known;
	moved(w, n, (struct work_ask){ .work = WORK_NONE });
}

/* A new elector; the mirror with it, when it had gone as well. */
void
half_boot(struct world *w, struct node *n)
{
	const struct event none = { .type = EVENT_DATA };
	struct half *h = &n->half;

	policy_start(&h->policy);
	h->told_state = SERVICE_UNKNOWN;
	h->told_ready = false;
	h->told = (struct epoch){ .term = 0 };
	elector_tell(w, n, &none, 0);
	if (!h->up) {
		h->up = true;
		h->stage = STAGE_START;
		h->word_said = false;
		h->job.work = WORK_NONE;
		h->step = SHIP_DOWN;
	}
	half_later(w, n, OP_TELL, prng_range(&w->rng, 5 * MS, 400 * MS));
}

/* ---- Deaths ------------------------------------------------------------- */

/* What waits is forgotten, what runs is waited for, and the service stopped. */
void
half_elector_gone(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (!w->sc.data || !h->up)
		return;
	h->forgotten = w->now;
	if (h->lane_began > w->now)
		h->lane_free = h->lane_began;
	queue_job(w, n, (struct work_ask){ .work = WORK_STOP });
	h->timer_at = 0;
}

void
half_down(struct world *w, struct node *n)
{
	if (!w->sc.data || !n->half.up)
		return;
	n->half.up = false;
	n->half.life++;
	n->half.passing = n->half.telling = n->half.waiting = false;
	n->half.timer_at = n->half.lane_free = 0;
	n->half.session = (struct epoch){ .term = 0 };
}

void
half_power_off(struct world *w, struct node *n, bool disk)
{
	struct half *h = &n->half;

	if (!w->sc.data)
		return;
	half_down(w, n);
	h->running = false;
	h->service_life++;
	h->word_there = h->word_open = false;
	h->word_shuts = false;
	if (disk)
		return;
	h->copy = (struct copy){ .head = 0 };
	h->disks++;
}

void
half_sick(struct world *w, struct node *n)
{
	n->half.sick = true;
	(void)w;
}

/* ---- The service -------------------------------------------------------- */

static void
changes_later(struct world *w, struct node *n)
{
	half_later(w, n, OP_CHANGES, prng_range(&w->rng, 100 * MS, 8 * S))->
	    serial = n->half.service_life;
}

static void
changes(struct world *w, struct node *n)
{
	if (!n->half.running || w->ngenerations > GENERATIONS_MAX - 16)
		return;
	n->half.copy.live_write = ++w->writes;
	check_runs(w, n);
	capture_changed(w, n);
	changes_later(w, n);
}

static enum work_result
start(struct world *w, struct node *n)
{
	struct half *h = &n->half;

	if (n->service_breaks > 0) {
		n->service_breaks--;
		return WORK_FAILED;
	}
	TELL(w, n->id, "service runs, on generation %u",
	    w->generation[h->copy.head].number);
	h->sick = false;
	h->running = true;
	h->service_life++;
	check_runs(w, n);
	check_starts(w, n);
	changes_later(w, n);
	return WORK_OK;
}

static enum work_result
load(struct world *w, struct node *n, uint8_t work)
{
	/* The supervisor refuses it where somebody may write. */
	if (work == WORK_SETTLE && (n->half.running || n->half.word_active))
		return WORK_SUPERSEDED;
	return copy_load(w, n) ? WORK_OK : WORK_FAILED;
}

static void
run(struct world *w, struct node *n, const struct half_msg *m)
{
	enum work_result r = WORK_OK;
	struct half_msg *h;
	struct half *half = &n->half;

	/* The supervisor's own stop comes right then. */
	if (m->asked < half->forgotten &&
	    m->began > half->forgotten)
		return;
	switch (m->ask.work) {
	case WORK_QUERY:
		r = half->running ? WORK_OK : WORK_FAILED;
		break;
	case WORK_CHECK:
		r = half->running && !half->sick ? WORK_OK : WORK_FAILED;
		break;
	case WORK_STOP:
		half->running = false;
		half->service_life++;
		TELL(w, n->id, "service is down");
		break;
	case WORK_START:
		r = start(w, n);
		break;
	case WORK_LOAD:
	case WORK_SETTLE:
		r = load(w, n, m->ask.work);
		break;
	default:
		break;
	}
	/* Who asked is gone: nobody waits for it. */
	if (m->serial != n->elector_life)
		return;
	h = half_later(w, n, OP_DONE, 200 * NS_PER_US);
	h->serial = n->elector_life;
	h->ask = m->ask;
	h->result = (uint8_t)r;
}

/* ---- Messages ----------------------------------------------------------- */

/* Looked at again at common times, so that nothing overtakes. */
static void
later_on(struct world *w, struct node *n, const struct msg *m)
{
	const int64_t step = 50 * MS;
	struct msg *again = queue_add(w, (w->now / step + 1) * step, MSG_HALF,
	    n->id);

	again->life = m->life;
	again->half = m->half;
}

/* The policies are the elector's: they wait while it is frozen. */
static bool
waits(struct world *w, struct node *n, const struct msg *m)
{
	if (elector_runs(n))
		return false;
	if (n->elector)
		later_on(w, n, m);
	return true;
}

static void
to_elector(struct world *w, struct node *n, const struct msg *m)
{
	const mono_t now = { local_of(n, w->now) };

	if (waits(w, n, m))
		return;
	/* Told to an elector that is gone since. */
	if (m->half.op == OP_DONE && m->half.serial != n->elector_life)
		return;
	if (m->half.op == OP_TIMER && n->half.timer_at <= w->now)
		n->half.timer_at = 0;
	if (!n->started)
		return;
	if (m->half.op == OP_DONE)
		moved(w, n, policy_done(&n->half.policy, m->half.ask,
		    (enum work_result)m->half.result, m->half.check, now));
	else if (mono_reached(now, policy_due(&n->half.policy)))
		moved(w, n, policy_timer(&n->half.policy, now));
	else
		arm(w, n);
}

static void
take_word(struct world *w, struct node *n, bool active)
{
	struct half *h = &n->half;

	h->word_there = true;
	h->word_shuts = active;
	if (active)
		h->word_open = false;
	else if (h->stage == STAGE_SETTLED)
		h->word_open = true;
	else if (h->stage == STAGE_START)
		half_later(w, n, OP_STEP, 100 * NS_PER_US);
}

void
half_take(struct world *w, struct node *n, const struct msg *m)
{
	if (!n->powered)
		return;
	if (n->paused > 0) {
		later_on(w, n, m);
		return;
	}
	if (m->half.op >= OP_SHIP) {
		channel_take(w, n, m);
		return;
	}
	if (m->half.op == OP_CHANGES) {
		if (m->half.serial == n->half.service_life)
			changes(w, n);
		return;
	}
	if (m->life != n->half.life)
		return;
	switch ((enum half_op)m->half.op) {
	case OP_RUN:
		run(w, n, &m->half);
		break;
	case OP_DONE:
	case OP_TIMER:
		to_elector(w, n, m);
		break;
	case OP_JOB:
		n->half.job = m->half.ask;
		n->half.job_came = w->now;
		capture_job(w, n);
		break;
	case OP_STEP:
		capture_step(w, n);
		break;
	case OP_WORD:
		/* The latest: nothing overtakes on a channel. */
		take_word(w, n, n->half.word_active);
		break;
	case OP_PASS:
		capture_pass(w, n);
		break;
	case OP_TELL:
		tell(w, n);
		break;
	default:
		break;
	}
}
