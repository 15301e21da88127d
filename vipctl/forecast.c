/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the sentence that says what happens if the active node dies now.
 * It promises only what this node knows; what it does not know, it names.
 */
#include <string.h>

#include "dataview.h"
#include "problems.h"
#include "text.h"
#include "view.h"

/* " in 3.0-3.6 s" or nothing. */
static void
in_text(const struct view_pair *vp, char *buf, size_t size)
{
	char span[48];

	buf[0] = '\0';
	if (vp->p.takeover_least_ns < 0 || vp->p.takeover_most_ns < 0)
		return;
	span_text(vp->p.takeover_least_ns, vp->p.takeover_most_ns, span,
	    sizeof(span));
	snprintf(buf, size, " in %s s", span);
}

/* ", starts openvpn (last start took 6.1 s)" or nothing. */
static void
start_text(const struct view_pair *vp, char *buf, size_t size)
{
	char label[96], took[24];

	buf[0] = '\0';
	if (vp->p.service_kind == SERVICE_NONE)
		return;
	service_label(vp, label, sizeof(label));
	if (vp->p.service_start_took_ns < 0) {
		snprintf(buf, size, ", starts %s", label);
		return;
	}
	seconds_text(vp->p.service_start_took_ns, took, sizeof(took));
	snprintf(buf, size, ", starts %s (last start%s took %s s)", label,
	    vp->p.role == ROLE_ACTIVE ? " here" : "", took);
}

/* This node is the one that could die. */
static void
self_dies(const struct view_pair *vp, const char *span, const char *start,
    char *buf, size_t size)
{
	const struct ctl_peer *self = pair_self(vp);
	const struct ctl_peer *partner = pair_partner(vp);
	const struct msg_partner *word = pair_word(vp);
	const char *name = self != NULL ? self->name : "this node";
	unsigned role;

	if (partner == NULL) {
		snprintf(buf, size, "If %s dies now: nobody takes over, the "
		    "pair has no other node.", name);
		return;
	}
	role = peer_role(vp, partner);
	if (word != NULL && word->node == partner->node && word->ready == 0 &&
	    role != ROLE_FAULTED && role != ROLE_MAINTENANCE)
		snprintf(buf, size, "If %s dies now: nobody takes over, the "
		    "data of %s are not complete.", name, partner->name);
	else if (role == ROLE_FAULTED || role == ROLE_MAINTENANCE)
		snprintf(buf, size, "If %s dies now: nobody takes over, %s "
		    "is %s.", name, partner->name, role == ROLE_FAULTED ?
		    "faulted" : "in maintenance");
	else if (role == ROLE_UNKNOWN)
		snprintf(buf, size, "If %s dies now: %s takes over%s%s. That "
		    "%s is up is not known here: a standby sends nothing.",
		    name, partner->name, span, start, partner->name);
	else
		snprintf(buf, size, "If %s dies now: %s takes over%s%s.",
		    name, partner->name, span, start);
}

/* Why this node would not take over now, or NULL. */
static const char *
obstacle(const struct view_pair *vp)
{
	if (vp->p.link_up == 0)
		return "has no link";
	if (vp->p.role == ROLE_MAINTENANCE || vp->p.maintenance != 0)
		return "is in maintenance";
	if (vp->p.role == ROLE_FAULTED)
		return "is faulted";
	if (data_known(vp) && vp->data.data.ready == 0)
		return vp->data.data.state == DATA_DAMAGED ?
		    "has data that do not verify" :
		    "has no complete data yet";
	return NULL;
}

static void
other_dies(const struct view_pair *vp, const struct ctl_peer *active,
    const char *span, const char *start, char *buf, size_t size)
{
	const struct ctl_peer *self = pair_self(vp);
	const char *me = self != NULL ? self->name : "this node";
	const char *why = obstacle(vp);

	if (why != NULL)
		snprintf(buf, size, "If %s dies now: %s does not take over, "
		    "it %s.", active->name, me, why);
	else
		snprintf(buf, size, "If %s dies now: %s takes over%s%s.",
		    active->name, me, span, start);
}

/* Nobody is active as far as this node knows. */
static void
nobody_lives(const struct view_pair *vp, char *buf, size_t size)
{
	const struct ctl_peer *self = pair_self(vp);
	const char *me = self != NULL ? self->name : "this node";
	const char *why = obstacle(vp);

	if (vp->p.link_up == 0)
		snprintf(buf, size, "Who is active is not known: %s waits "
		    "for its link or its own address.", me);
	else if (why != NULL)
		snprintf(buf, size, "Nobody is active, and %s does not take "
		    "over: it %s.", me, why);
	else if (vp->p.role == ROLE_STARTING)
		snprintf(buf, size, "Who is active is not known yet: %s "
		    "listens first.", me);
	else
		snprintf(buf, size, "Nobody is active: %s takes over when "
		    "its wait is over.", me);
}

void
text_forecast(const struct view_pair *vp, char *buf, size_t size)
{
	const struct ctl_peer *other = pair_other_active(vp);
	char span[64], start[400], loss[160];

	in_text(vp, span, sizeof(span));
	start_text(vp, start, sizeof(start));
	data_loss_text(vp, loss, sizeof(loss));
	strncat(start, loss, sizeof(start) - strlen(start) - 1);
	if (pair_verdict(vp) == PAIR_DUAL_ACTIVE)
		snprintf(buf, size, "Two nodes are active: what happens if "
		    "one dies cannot be said.");
	else if (vp->p.role == ROLE_ACTIVE)
		self_dies(vp, span, start, buf, size);
	else if (other != NULL)
		other_dies(vp, other, span, start, buf, size);
	else
		nobody_lives(vp, buf, size);
	text_clean(buf);
}
