/* SPDX-License-Identifier: ISC */

/*
 * vipctl: what is known of the data, in ages and words.  A bound on what
 * would be lost is given only when everything older is surely there.
 */
#include <inttypes.h>
#include <string.h>

#include "dataview.h"
#include "mirror/ship.h"
#include "syncview.h"
#include "text.h"

const struct msg_partner *
pair_word(const struct view_pair *vp)
{
	if (!vp->has_data || vp->data.partner_age_ns < 0 ||
	    vp->data.partner_age_ns > WORD_FRESH_NS ||
	    vp->data.partner.role >= ROLE_COUNT)
		return NULL;
	return &vp->data.partner;
}

const struct sync_mirror_state *
pair_mirror(const struct view_pair *vp)
{
	return vp->sync != NULL && vp->sync->mirror_known ?
	    &vp->sync->mirror : NULL;
}

const struct sync_capture_state *
pair_capture(const struct view_pair *vp)
{
	return vp->sync != NULL && vp->sync->capture_known ?
	    &vp->sync->capture : NULL;
}

bool
data_known(const struct view_pair *vp)
{
	return vp->has_data && vp->data.age_ns >= 0;
}

int64_t
data_made_ns(const struct view_pair *vp)
{
	int64_t made = vp->data.data.made_wall_ns;

	if (!data_known(vp) || vp->data.data.generation == 0 || made <= 0)
		return CTL_AGE_UNKNOWN;
	/* The writer's clock may be ahead of ours. */
	return vp->wall_ns > made ? vp->wall_ns - made : 0;
}

int64_t
data_verified_ns(const struct view_pair *vp)
{
	const struct sync_mirror_state *m = pair_mirror(vp);

	if (m == NULL || m->writes == 0 || m->acked == 0)
		return CTL_AGE_UNKNOWN;
	return syncview_age(vp->sync, m->acked_ns);
}

int64_t
data_lag_ns(const struct view_pair *vp)
{
	const struct sync_mirror_state *m = pair_mirror(vp);

	if (m == NULL || m->writes == 0)
		return CTL_AGE_UNKNOWN;
	if (m->behind_since_ns > 0)
		return syncview_age(vp->sync, m->behind_since_ns);
	return m->acked == m->generation ? 0 : CTL_AGE_UNKNOWN;
}

bool
data_lag_bytes(const struct view_pair *vp, uint64_t *bytes)
{
	const struct sync_mirror_state *m = pair_mirror(vp);

	*bytes = 0;
	if (data_lag_ns(vp) < 0)
		return false;
	if (data_lag_ns(vp) == 0)
		return true;
	*bytes = m->run_total > m->run_done ? m->run_total - m->run_done : 0;
	return m->ship == SHIP_COPYING && m->run_total > 0;
}

int64_t
data_loss_ns(const struct view_pair *vp)
{
	const struct sync_capture_state *c = pair_capture(vp);
	int64_t lag = data_lag_ns(vp), made = data_made_ns(vp), passed;

	if (lag != 0)
		return pair_mirror(vp) != NULL && vp->sync->mirror.acked == 0 ?
		    CTL_AGE_UNKNOWN : lag;
	/* It has our head: that is as old as our last look at live data. */
	if (c == NULL || c->writing == 0 || c->held_since_ns != 0)
		return made;
	passed = syncview_age(vp->sync, c->passed_ns);
	return passed >= 0 && (made < 0 || passed < made) ? passed : made;
}

const char *
data_state_name(unsigned state)
{
	static const char *const name[DATA_STATES] = {
		[DATA_NONE] = "none",
		[DATA_READY] = "ready",
		[DATA_FILLING] = "filling",
		[DATA_DAMAGED] = "damaged",
		[DATA_ALLOWED] = "allowed",
	};

	return state < DATA_STATES ? name[state] : "unknown";
}

void
data_self_text(const struct view_pair *vp, char *buf, size_t size)
{
	const struct msg_data *d = &vp->data.data;
	char age[32];

	if (!vp->has_data)
		snprintf(buf, size, "-");
	else if (!data_known(vp))
		snprintf(buf, size, "?");
	else if (d->state == DATA_DAMAGED)
		snprintf(buf, size, "damaged");
	else if (d->generation == 0)
		snprintf(buf, size, "%s", d->state == DATA_NONE ? "none yet" :
		    data_state_name(d->state));
	else {
		age_text(data_made_ns(vp), age, sizeof(age));
		snprintf(buf, size, "gen %" PRIu64 ", %s old", d->generation,
		    age);
	}
}

void
data_peer_text(const struct view_pair *vp, const struct ctl_peer *peer,
    char *buf, size_t size)
{
	const struct sync_mirror_state *m = pair_mirror(vp);
	const struct msg_partner *w = pair_word(vp);
	char age[32];

	if (!vp->has_data || peer->foreign != 0)
		snprintf(buf, size, "-");
	else if (m != NULL && m->writes != 0 && m->acked != 0) {
		/* Without an age it had it before this node shipped. */
		age_text(data_verified_ns(vp), age, sizeof(age));
		snprintf(buf, size, "gen %" PRIu64 "%s%s%s", m->acked,
		    data_verified_ns(vp) < 0 ? "" : " verified ",
		    data_verified_ns(vp) < 0 ? "" : age,
		    data_verified_ns(vp) < 0 ? "" : " ago");
	} else if (w != NULL && w->node == peer->node && w->generation != 0)
		snprintf(buf, size, "gen %" PRIu64, w->generation);
	else if (w != NULL && w->node == peer->node)
		snprintf(buf, size, "none yet");
	else
		snprintf(buf, size, "?");
}

void
data_loss_text(const struct view_pair *vp, char *buf, size_t size)
{
	const struct sync_mirror_state *m = pair_mirror(vp);
	char age[32];

	buf[0] = '\0';
	if (!vp->has_data)
		return;
	if (vp->p.role != ROLE_ACTIVE) {
		age_text(data_made_ns(vp), age, sizeof(age));
		if (data_made_ns(vp) >= 0)
			snprintf(buf, size, ", with generation %" PRIu64
			    ", made %s ago", vp->data.data.generation, age);
		return;
	}
	age_text(data_loss_ns(vp), age, sizeof(age));
	if (data_loss_ns(vp) >= 0)
		snprintf(buf, size, ", losing nothing older than %s", age);
	else if (m != NULL && m->writes != 0 && m->generation != 0 &&
	    m->acked == 0)
		snprintf(buf, size, ", with the data it has: none of this "
		    "node's since it became active were acknowledged");
	else
		snprintf(buf, size, ", with data of unknown age");
}

const char *
data_step_text(const struct view_pair *vp)
{
	if (!vp->has_data)
		return NULL;
	switch ((enum job_kind)vp->data.step) {
	case JOB_BEGIN:
		return "opens its epoch in the store";
	case JOB_LOAD:
		return "puts the data in place";
	case JOB_WRITE:
		return "marks the live data as its own";
	case JOB_END:
		return "makes and sends the last copy";
	case JOB_PREPARE:
		return "prepares the newest generation beside the live data";
	case JOB_SETTLE:
		return "puts the newest generation in place";
	case JOB_START:
	case JOB_STOP:
	case JOB_CHECK:
	case JOB_NOTIFY:
	case JOB_QUERY:
	case JOB_FILL:
	case JOB_KINDS:
		break;
	}
	return NULL;
}
