/* SPDX-License-Identifier: ISC */

/*
 * Simulator: what goes wrong, begun and ended.  A fault with `mid` set waits
 * for the next step of the elector and strikes between two of its actions.
 */
#include "sim.h"

static void
later(struct world *w, uint32_t i)
{
	int64_t end = w->now + w->sc.fault[i].span;

	/* One that waited for a step began late. */
	if (end > w->quiet)
		end = w->quiet;
	queue_add(w, end, MSG_FAULT_END, w->fault_node[i])->n = i;
}

static void
event_to(struct world *w, struct node *n, struct event ev)
{
	elector_tell(w, n, &ev, 0);
}

static uint8_t
resolve(const struct world *w, const struct fault *f)
{
	uint8_t i;

	if (f->node != SIM_ACTIVE)
		return f->node;
	for (i = 0; i < w->n; i++)
		if (w->node[i].foreign ? w->node[i].f_active :
		    w->node[i].e.state == STATE_ACTIVE)
			return i;
	return 0;
}

/* Faults that are no excuse for a move of the role. */
static bool
is_trouble(enum fault_kind k)
{
	switch (k) {
	case FAULT_KILL_ACTUATOR:
	case FAULT_ADDR_REMOVED:
	case FAULT_CUT_WORD:
	case FAULT_KEEPER_SLOW:
	case FAULT_KEEPER_FAILS:
	case FAULT_CONFLICT:
	case FAULT_CLEAR:
	case FAULT_RELOAD:
	case FAULT_WALL_STEP:
	case FAULT_REPLAY:
	case FAULT_FORGE:
		return false;
	default:
		return true;
	}
}

static void
power_off(struct world *w, struct node *n, bool disk)
{
	actuator_kill(w, n, false);
	elector_kill(w, n, 0);
	half_power_off(w, n, disk);
	n->powered = false;
	n->f_active = false;
	kernel_set(w, n, false);
	if (disk)
		return;
	n->disk = (struct disk){ .there = true };
	n->unreliable = true;
	n->own_before = 0;
}

static void
link_told(struct world *w, struct node *n, bool up)
{
	struct event ev = { .type = EVENT_LINK, .link = { .up = up } };

	elector_tell(w, n, &ev, prng_range(&w->rng, MS, 50 * MS));
}

static void
strip(struct world *w, struct node *n)
{
	if (!n->kernel.present)
		return;
	kernel_set(w, n, false);
	if (actuator_runs(n))
		event_to(w, n, (struct event){ .type = EVENT_ADDR_LOST });
	else
		n->lapse_unseen = n->actuator;
}

static void
service_fails(struct world *w, struct node *n, const struct fault *f)
{
	struct msg *m;

	n->service_breaks = f->arg;
	n->service_failed = true;
	if (w->sc.data) {
		half_sick(w, n);
		return;
	}
	if (!n->service_run || !n->elector)
		return;
	m = queue_add(w, w->now + MS, MSG_EVENT, n->id);
	m->life = n->elector_life;
	m->n = n->service_job;
	m->event = (struct event){ .type = EVENT_SERVICE,
	    .service = { SERVICE_FAILED } };
}

static void
stop_processes(struct world *w, struct node *n, bool elector, bool actuator)
{
	n->stop_elector = (uint8_t)(n->stop_elector + elector);
	n->stop_actuator = (uint8_t)(n->stop_actuator + actuator);
	elector_rearm(w, n);
}

/* Those that begin and are over, or are ended by their own means. */
static void
strike_once(struct world *w, struct node *n, const struct fault *f,
    uint32_t i)
{
	switch ((enum fault_kind)f->kind) {
	case FAULT_KILL_ELECTOR:
		elector_kill(w, n, prng_range(&w->rng, 10 * MS, 300 * MS));
		break;
	case FAULT_KILL_ACTUATOR:
		actuator_kill(w, n, true);
		break;
	case FAULT_KILL_ALL:
		half_down(w, n);
		actuator_kill(w, n, false);
		elector_kill(w, n, f->span);
		break;
	case FAULT_ADDR_REMOVED:
		strip(w, n);
		break;
	case FAULT_HANDOVER:
		event_to(w, n, (struct event){ .type = EVENT_HANDOVER });
		break;
	case FAULT_SERVICE:
		service_fails(w, n, f);
		break;
	case FAULT_CLEAR:
		n->disk.maintenance = false;
		event_to(w, n, (struct event){ .type = EVENT_MAINTENANCE,
		    .maintenance = { false } });
		break;
	case FAULT_CONFLICT:
		event_to(w, n, (struct event){ .type = EVENT_CONFLICT });
		break;
	case FAULT_RELOAD:
		event_to(w, n, (struct event){ .type = EVENT_CONFIG });
		break;
	case FAULT_WALL_STEP:
		n->wall += (f->arg % 2 != 0 ? 1 : -1) * f->arg * 600 * S;
		break;
	case FAULT_REPLAY:
	case FAULT_FORGE:
		queue_add(w, w->now, MSG_HOSTILE, 0)->n = i;
		break;
	default:
		break;
	}
}

static void
strike_network(struct world *w, struct node *n, const struct fault *f)
{
	switch ((enum fault_kind)f->kind) {
	case FAULT_CARRIER:
		if (n->carrier_down++ == 0)
			link_told(w, n, false);
		break;
	case FAULT_CUT_OUT:
		n->cut_out++;
		break;
	case FAULT_CUT_IN:
		n->cut_in++;
		break;
	case FAULT_ISOLATE:
	case FAULT_CUT:
		n->cut_out++;
		n->cut_in++;
		if (f->kind == FAULT_ISOLATE)
			n->cut_word++;
		break;
	case FAULT_CUT_WORD:
		n->cut_word++;
		break;
	case FAULT_LOSS:
		w->loss = f->arg;
		w->global_trouble = w->now;
		break;
	default:
		break;
	}
}

static void
strike_lasting(struct world *w, struct node *n, const struct fault *f)
{
	switch ((enum fault_kind)f->kind) {
	case FAULT_FREEZE:
		stop_processes(w, n, true, true);
		break;
	case FAULT_FREEZE_ELECTOR:
		stop_processes(w, n, true, false);
		break;
	case FAULT_FREEZE_ACTUATOR:
		stop_processes(w, n, false, true);
		break;
	case FAULT_PAUSE:
		n->paused++;
		n->pause_loses = f->arg % 2 != 0;
		kernel_set(w, n, n->kernel.present);
		elector_rearm(w, n);
		break;
	case FAULT_POWER:
	case FAULT_POWER_DISK:
		power_off(w, n, f->kind == FAULT_POWER);
		break;
	case FAULT_SEND_FAILS:
		n->send_fails++;
		break;
	case FAULT_HOLD_FAILS:
		n->hold_fails++;
		break;
	case FAULT_DEMOTE:
		n->f_demote++;
		break;
	case FAULT_KEEPER_SLOW:
		n->keeper_slow++;
		n->keeper_failed = true;
		break;
	case FAULT_KEEPER_FAILS:
		n->keeper_fails++;
		n->keeper_failed = true;
		break;
	case FAULT_MAINTENANCE:
		n->disk.maintenance = true;
		event_to(w, n, (struct event){ .type = EVENT_MAINTENANCE,
		    .maintenance = { true } });
		break;
	case FAULT_LEAVE:
		event_to(w, n, (struct event){ .type = EVENT_LEAVE });
		break;
	case FAULT_DATA:
		event_to(w, n, (struct event){ .type = EVENT_DATA,
		    .data = { .ready = false } });
		break;
	default:
		break;
	}
}

void
fault_strike(struct world *w, struct node *n, uint32_t i)
{
	const struct fault *f = &w->sc.fault[i];

	TELL(w, n->id, "*** %s", fault_name((enum fault_kind)f->kind));
	w->st->fault[f->kind]++;
	w->st->faults++;
	if (f->kind == FAULT_LOSS)
		w->global_trouble = w->now;
	else if (is_trouble((enum fault_kind)f->kind))
		check_trouble(w, n);
	strike_once(w, n, f, i);
	strike_network(w, n, f);
	strike_lasting(w, n, f);
	later(w, i);
}

void
fault_begin(struct world *w, uint32_t i)
{
	const struct fault *f = &w->sc.fault[i];
	struct node *n;

	w->fault_node[i] = resolve(w, f);
	n = &w->node[w->fault_node[i]];
	if (n->foreign && f->kind != FAULT_LOSS && f->kind != FAULT_CUT &&
	    f->kind != FAULT_POWER && f->kind != FAULT_PAUSE &&
	    f->kind != FAULT_DEMOTE)
		return;
	if (f->mid > 0 && elector_runs(n)) {
		n->mid = f->mid;
		n->mid_fault = (uint8_t)i;
		return;
	}
	fault_strike(w, n, i);
}

static void
resume(struct world *w, struct node *n)
{
	if (n->paused > 0)
		return;
	/*
	 * A lease that ended meanwhile is overdue work of the kernel's
	 * timers: done within a tick of its resume.
	 */
	if (n->kernel.present && n->kernel.lapse <= w->now) {
		n->kernel.lapse = w->now + prng_range(&w->rng, NS_PER_US,
		    4 * MS);
		n->blip = true;
	}
	n->kernel.resumed = n->kernel.present;
	kernel_set(w, n, n->kernel.present);
	n->blip = false;
}

static void
go_on(struct world *w, struct node *n)
{
	/* Whoever the scheduler picks first. */
	if (prng_percent(&w->rng, 50)) {
		actuator_thaw(w, n);
		elector_thaw(w, n);
	} else {
		elector_thaw(w, n);
		actuator_thaw(w, n);
	}
	check_again(w, n);
}

static void
end_network(struct world *w, struct node *n, const struct fault *f)
{
	switch ((enum fault_kind)f->kind) {
	case FAULT_CARRIER:
		if (--n->carrier_down == 0)
			link_told(w, n, true);
		break;
	case FAULT_CUT_OUT:
		n->cut_out--;
		break;
	case FAULT_CUT_IN:
		n->cut_in--;
		break;
	case FAULT_ISOLATE:
	case FAULT_CUT:
		n->cut_out--;
		n->cut_in--;
		if (f->kind == FAULT_ISOLATE)
			n->cut_word--;
		break;
	case FAULT_CUT_WORD:
		n->cut_word--;
		break;
	case FAULT_LOSS:
		w->loss = w->sc.loss;
		w->global_trouble = w->now;
		break;
	default:
		break;
	}
}

static void
end_stop(struct world *w, struct node *n, const struct fault *f)
{
	switch ((enum fault_kind)f->kind) {
	case FAULT_FREEZE:
		n->stop_elector--;
		n->stop_actuator--;
		go_on(w, n);
		break;
	case FAULT_FREEZE_ELECTOR:
		n->stop_elector--;
		elector_thaw(w, n);
		break;
	case FAULT_FREEZE_ACTUATOR:
		n->stop_actuator--;
		actuator_thaw(w, n);
		break;
	case FAULT_PAUSE:
		n->paused--;
		resume(w, n);
		go_on(w, n);
		break;
	case FAULT_POWER:
	case FAULT_POWER_DISK:
		if (n->powered)
			break;
		n->powered = true;
		if (n->foreign)
			foreign_start(w, n);
		else
			elector_boot(w, n);
		break;
	case FAULT_LEAVE:
		if (n->elector)
			elector_kill(w, n, 20 * MS);
		else
			elector_boot(w, n);
		break;
	default:
		break;
	}
}

void
fault_end(struct world *w, uint32_t i)
{
	const struct fault *f = &w->sc.fault[i];
	struct node *n = &w->node[w->fault_node[i]];

	if (is_trouble((enum fault_kind)f->kind) && f->kind != FAULT_LOSS)
		check_trouble(w, n);
	if (f->span > 0)
		TELL(w, n->id, "*** end of %s",
		    fault_name((enum fault_kind)f->kind));
	end_network(w, n, f);
	end_stop(w, n, f);
	switch ((enum fault_kind)f->kind) {
	case FAULT_SEND_FAILS:
		n->send_fails--;
		break;
	case FAULT_HOLD_FAILS:
		n->hold_fails--;
		break;
	case FAULT_DEMOTE:
		n->f_demote--;
		break;
	case FAULT_KEEPER_SLOW:
		n->keeper_slow--;
		break;
	case FAULT_KEEPER_FAILS:
		n->keeper_fails--;
		break;
	case FAULT_MAINTENANCE:
		n->disk.maintenance = false;
		event_to(w, n, (struct event){ .type = EVENT_MAINTENANCE,
		    .maintenance = { false } });
		break;
	case FAULT_DATA:
		event_to(w, n, (struct event){ .type = EVENT_DATA,
		    .data = { .ready = true } });
		break;
	case FAULT_SERVICE:
		n->service_breaks = 0;
		break;
	default:
		break;
	}
	check_again(w, n);
}
