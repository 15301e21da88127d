/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the status as JSON.  Every observation comes with its age; what
 * is not known is null.
 */
#include <string.h>

#include "dataview.h"
#include "json.h"
#include "mono.h"
#include "problems.h"
#include "status.h"
#include "text.h"

const char *const dropped_names[DROPPED_COUNT] = {
	[DROPPED_TTL] = "ttl",
	[DROPPED_CHECKSUM] = "checksum",
	[DROPPED_AUTH] = "auth",
	[DROPPED_REPLAY] = "replay",
	[DROPPED_LENGTH] = "length",
	[DROPPED_VERSION] = "version",
	[DROPPED_INTERVAL] = "interval",
	[DROPPED_OTHER_VHID] = "other_vhid",
	[DROPPED_OWN] = "own",
};

/* Where each verdict counts. */
static enum dropped
dropped_by(enum verdict verdict)
{
	switch (verdict) {
	case ADVERT_LENGTH:
	case ADVERT_COUNT:
		return DROPPED_LENGTH;
	case ADVERT_TTL_LOW:
		return DROPPED_TTL;
	case ADVERT_VERSION:
	case ADVERT_TYPE:
	case ADVERT_OTHER_PROTOCOL:
		return DROPPED_VERSION;
	case ADVERT_CHECKSUM:
		return DROPPED_CHECKSUM;
	case ADVERT_OTHER_VHID:
		return DROPPED_OTHER_VHID;
	case ADVERT_INTERVAL:
		return DROPPED_INTERVAL;
	case ADVERT_AUTH_TYPE:
	case ADVERT_AUTH:
	case ADVERT_KEY_UNKNOWN:
	case ADVERT_UNSIGNED:
	case ADVERT_STRANGER:
		return DROPPED_AUTH;
	case ADVERT_REPLAY:
	case ADVERT_EPOCH:
		return DROPPED_REPLAY;
	case ADVERT_OWN:
		return DROPPED_OWN;
	case ADVERT_OK:
	case ADVERT_VERDICTS:
		break;
	}
	return DROPPED_COUNT;
}

void
dropped_sum(const struct ctl_pair *p, uint64_t sum[DROPPED_COUNT])
{
	enum dropped d;
	int i;

	memset(sum, 0, DROPPED_COUNT * sizeof(sum[0]));
	for (i = 0; i < ADVERT_VERDICTS; i++) {
		d = dropped_by((enum verdict)i);
		if (d != DROPPED_COUNT)
			sum[d] += p->count_dropped[i];
	}
}

static void
addresses(struct json *j, const struct view_pair *vp)
{
	char text[64];
	size_t i;

	json_open_array(j, "addresses");
	for (i = 0; i < vp->naddrs; i++) {
		address_text(&vp->addr[i].address, text, sizeof(text));
		json_open(j, NULL);
		json_string(j, "address", text);
		if (vp->addr[i].present > 1)
			json_null(j, "present");
		else
			json_bool(j, "present", vp->addr[i].present == 1);
		json_seconds(j, "lease_s", vp->addr[i].lease_left_ns);
		json_close(j);
	}
	json_close_array(j);
}

static const char *
role_word(unsigned role)
{
	return role < ROLE_COUNT ? role_name((enum role)role) : NULL;
}

static void
partner(struct json *j, const struct view_pair *vp)
{
	const struct ctl_peer *peer = pair_partner(vp);
	const struct msg_partner *word = pair_word(vp);

	if (peer == NULL) {
		json_null(j, "partner");
		return;
	}
	json_open(j, "partner");
	json_string(j, "name", peer->name);
	json_string(j, "role", role_word(peer_role(vp, peer)));
	json_seconds(j, "heard_s", peer->heard_ns);
	if (word != NULL && word->node != peer->node)
		word = NULL;
	json_seconds(j, "ssh_s", word != NULL ? vp->data.partner_age_ns :
	    CTL_AGE_UNKNOWN);
	if (word == NULL) {
		json_null(j, "address_present");
		json_null(j, "ready");
	} else {
		json_bool(j, "address_present", word->present != 0);
		json_bool(j, "ready", word->ready != 0);
	}
	json_close(j);
}

static void
nodes(struct json *j, const struct view_pair *vp)
{
	const struct ctl_peer *peer;
	char text[64];
	uint32_t i;

	json_open_array(j, "nodes");
	for (i = 0; i < vp->npeers; i++) {
		peer = &vp->peer[i];
		address_text(&peer->address, text, sizeof(text));
		json_open(j, NULL);
		json_string(j, "name", peer->name);
		json_string(j, "address", text);
		json_bool(j, "self", peer->self != 0);
		json_bool(j, "foreign", peer->foreign != 0);
		json_bool(j, "prefer", peer->prefer != 0);
		json_string(j, "role", role_word(peer_role(vp, peer)));
		json_seconds(j, "role_s", peer->self != 0 ? vp->p.since_ns :
		    peer_role(vp, peer) == ROLE_UNKNOWN ? CTL_AGE_UNKNOWN :
		    peer->role_since_ns);
		json_seconds(j, "heard_s", peer->heard_ns);
		json_close(j);
	}
	json_close_array(j);
}

static void
service(struct json *j, const struct view_pair *vp)
{
	bool any = vp->p.service_kind != SERVICE_NONE;

	json_open(j, "service");
	json_string(j, "unit", vp->p.service_kind == SERVICE_UNIT ?
	    vp->p.service_unit : NULL);
	json_string(j, "state", any ?
	    service_state_name(vp->p.service_state) : NULL);
	json_seconds(j, "healthy_s", any ? vp->p.service_healthy_ns :
	    CTL_AGE_UNKNOWN);
	json_seconds(j, "start_took_s", any ? vp->p.service_start_took_ns :
	    CTL_AGE_UNKNOWN);
	json_close(j);
}

/* Without a sync block every member is null. */
static void
data(struct json *j, const struct view_pair *vp)
{
	const struct sync_mirror_state *m = pair_mirror(vp);
	const struct msg_data *d = &vp->data.data;
	uint64_t lag;

	json_open(j, "data");
	if (data_known(vp) && d->generation != 0)
		json_uint(j, "generation", d->generation);
	else
		json_null(j, "generation");
	json_seconds(j, "made_s", data_made_ns(vp));
	json_seconds(j, "partner_verified_s", data_verified_ns(vp));
	if (data_lag_bytes(vp, &lag))
		json_uint(j, "lag_bytes", lag);
	else
		json_null(j, "lag_bytes");
	json_seconds(j, "lag_s", data_lag_ns(vp));
	if (m != NULL && m->writes != 0 && m->acked != 0)
		json_uint(j, "partner_generation", m->acked);
	else if (pair_word(vp) != NULL)
		json_uint(j, "partner_generation", pair_word(vp)->generation);
	else
		json_null(j, "partner_generation");
	json_string(j, "state", data_known(vp) ? data_state_name(d->state) :
	    NULL);
	if (data_known(vp))
		json_bool(j, "ready", d->ready != 0);
	else
		json_null(j, "ready");
	json_string(j, "step", data_step_text(vp));
	json_close(j);
}

static void
counters(struct json *j, const struct view_pair *vp)
{
	uint64_t sum[DROPPED_COUNT];
	int i;

	dropped_sum(&vp->p, sum);
	json_open(j, "counters");
	json_uint(j, "sent", vp->p.count_sent);
	json_uint(j, "accepted", vp->p.count_accepted);
	json_open(j, "dropped");
	for (i = 0; i < DROPPED_COUNT; i++)
		json_uint(j, dropped_names[i], sum[i]);
	json_close(j);
	json_uint(j, "arp_conflicts", vp->p.count_arp_conflicts);
	json_close(j);
}

static void
problems(struct json *j, const struct view_pair *vp)
{
	const struct ctl_problem *pr;
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];
	uint32_t i;

	json_open_array(j, "problems");
	for (i = 0; i < vp->nproblems; i++) {
		pr = &vp->problem[i];
		problem_id(pr->number, id);
		json_open(j, NULL);
		json_string(j, "id", id);
		json_string(j, "severity", problem_severity(pr->number));
		problem_write_text(vp, pr, text, sizeof(text));
		json_string(j, "text", text);
		problem_write_fix(vp, pr, text, sizeof(text));
		json_string(j, "fix", text);
		json_seconds(j, "age_s", pr->age_ns);
		json_close(j);
	}
	json_close_array(j);
}

static const char *
auth_word(unsigned auth)
{
	switch (auth) {
	case CTL_AUTH_NONE:
		return "none";
	case CTL_AUTH_CARP:
		return "carp";
	case CTL_AUTH_SIGNED:
		return "signed";
	}
	return NULL;
}

static void
takeover(struct json *j, const struct view_pair *vp)
{
	if (vp->p.takeover_least_ns < 0 || vp->p.takeover_most_ns < 0) {
		json_null(j, "takeover_s");
		return;
	}
	json_open_array(j, "takeover_s");
	json_seconds(j, NULL, vp->p.takeover_least_ns);
	json_seconds(j, NULL, vp->p.takeover_most_ns);
	json_close_array(j);
}

static void
maintenance(struct json *j, const struct view_pair *vp)
{
	json_open(j, "maintenance");
	json_bool(j, "on", vp->p.maintenance != 0);
	json_string(j, "reason", vp->p.maint_reason[0] != '\0' ?
	    vp->p.maint_reason : NULL);
	json_time(j, "until", vp->p.maint_until_wall_s <= INT64_MAX /
	    NS_PER_S ? vp->p.maint_until_wall_s * NS_PER_S : 0);
	json_close(j);
}

static void
pair(struct json *j, const struct view *w, const struct view_pair *vp)
{
	const struct ctl_peer *self = pair_self(vp);
	char text[PROBLEM_TEXT_MAX];

	json_open(j, NULL);
	json_string(j, "name", vp->p.name);
	json_string(j, "node", self != NULL ? self->name : NULL);
	json_string(j, "verdict", pair_verdict_name(pair_verdict(vp)));
	json_string(j, "role", role_word(vp->p.role));
	json_time(j, "since", vp->p.since_ns < 0 ? 0 :
	    w->wall_ns - vp->p.since_ns);
	json_seconds(j, "role_s", vp->p.since_ns);
	json_uint(j, "term", vp->p.term);
	json_string(j, "reason", vp->p.reason < REASON_COUNT ?
	    reason_name((enum reason)vp->p.reason) : NULL);
	json_string(j, "protocol", protocol_name(vp->p.protocol));
	json_uint(j, "vhid", vp->p.vhid);
	json_string(j, "interface", vp->p.interface[0] != '\0' ?
	    vp->p.interface : NULL);
	json_bool(j, "link", vp->p.link_up != 0);
	json_seconds(j, "interval_s", vp->p.interval_ms * NS_PER_MS);
	takeover(j, vp);
	json_string(j, "authentication", auth_word(vp->p.authenticated));
	json_seconds(j, "sent_s", vp->p.sent_ns);
	json_seconds(j, "heard_s", vp->p.heard_ns);
	addresses(j, vp);
	partner(j, vp);
	nodes(j, vp);
	service(j, vp);
	data(j, vp);
	maintenance(j, vp);
	counters(j, vp);
	text_forecast(vp, text, sizeof(text));
	json_string(j, "forecast", text);
	problems(j, vp);
	json_close(j);
}

/* The name of this node: of the first pair that knows it. */
static const char *
node_name(const struct view *w)
{
	const struct ctl_peer *self = NULL;
	size_t i;

	for (i = 0; self == NULL && i < w->npairs; i++)
		self = pair_self(&w->pair[i]);
	return self != NULL ? self->name : NULL;
}

void
status_json(FILE *f, const struct view *w, const struct view_pair *vp)
{
	struct json j;
	size_t i;

	json_init(&j, f);
	json_open(&j, NULL);
	json_int(&j, "schema", STATUS_SCHEMA);
	json_string(&j, "node", node_name(w));
	json_string(&j, "version", w->node.version);
	json_seconds(&j, "uptime_s", w->node.uptime_ns);
	json_open_array(&j, "pairs");
	for (i = 0; i < w->npairs; i++)
		if (vp == NULL || vp == &w->pair[i])
			pair(&j, w, &w->pair[i]);
	json_close_array(&j);
	json_close(&j);
	json_end_line(&j);
}

void
status_json_unknown(FILE *f, const char *why)
{
	struct json j;

	json_init(&j, f);
	json_open(&j, NULL);
	json_int(&j, "schema", STATUS_SCHEMA);
	json_null(&j, "node");
	json_null(&j, "version");
	json_null(&j, "uptime_s");
	json_open_array(&j, "pairs");
	json_close_array(&j);
	json_string(&j, "error", why);
	json_close(&j);
	json_end_line(&j);
}
