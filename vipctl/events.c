/* SPDX-License-Identifier: ISC */

/*
 * vipctl: events as sentences and as JSON.
 */
#include <stdarg.h>
#include <string.h>

#include "events.h"
#include "mono.h"
#include "text.h"

int
events_get(struct vipctl *v, uint16_t pair, struct events *ev)
{
	enum client_result res;
	union ctl_any r;
	struct client c;
	int code;

	ev->n = 0;
	code = client_begin(&c, v, CTL_STATUS, CTL_GET_EVENTS, pair);
	if (code != EXIT_DONE)
		return code;
	while ((res = client_next(&c, &r, CLIENT_TIMEOUT_MS)) ==
	    CLIENT_RECORD) {
		if (r.head.type == CTL_RESULT)
			code = client_refused(v, &r.result);
		if (code != EXIT_DONE || ev->n == EVENTS_MAX)
			break;
		if (r.head.type == CTL_EVENT && (r.head.pair == pair ||
		    r.head.pair == CTL_PAIR_ALL))
			ev->e[ev->n++] = r.event;
	}
	if (code == EXIT_DONE && res != CLIENT_END && ev->n < EVENTS_MAX)
		code = client_failed(&c, v, res);
	client_close(&c);
	return code;
}

const char *
event_kind_name(uint32_t kind)
{
	switch ((enum ctl_event_kind)kind) {
	case CTL_EVENT_ROLE:
		return "role";
	case CTL_EVENT_SERVICE:
		return "service";
	case CTL_EVENT_LINK:
		return "link";
	case CTL_EVENT_ALARM_ON:
		return "alarm-on";
	case CTL_EVENT_ALARM_OFF:
		return "alarm-off";
	case CTL_EVENT_ADDR:
		return "address";
	case CTL_EVENT_CLAIM:
		return "claim";
	case CTL_EVENT_OPERATOR:
		return "operator";
	case CTL_EVENT_ROOM:
		return "room";
	case CTL_EVENT_RELOAD:
		return "reload";
	}
	return "unknown";
}

static const char *
alarm_text(uint32_t bits)
{
	static const struct {
		uint32_t	 bit;
		const char	*text;
	} alarms[] = {
		{ ALARM_DUAL_ACTIVE, "another active node is heard" },
		{ ALARM_HEARTBEAT_BLOCKED, "the heartbeat is blocked" },
		{ ALARM_TERM_JUMP, "an impossible term was refused" },
		{ ALARM_CONFLICT, "a stranger answers for the address" },
		{ ALARM_NOT_DURABLE, "the state directory cannot be written" },
		{ ALARM_FLAPPING, "the flap limit is reached" },
		{ ALARM_SEND_FAILS, "adverts cannot be sent" },
	};
	size_t i;

	for (i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++)
		if ((bits & alarms[i].bit) != 0)
			return alarms[i].text;
	return "of a kind this vipctl does not know";
}

static const char *
role_word(unsigned role)
{
	return role < ROLE_COUNT ? role_name((enum role)role) : "unknown";
}

static const char *
reason_sentence(unsigned reason)
{
	return reason > REASON_NONE && reason < REASON_COUNT ?
	    reason_text((enum reason)reason) : "";
}

static const char *
node_word(const struct view_pair *vp, unsigned node)
{
	uint32_t i;

	for (i = 0; vp != NULL && i < vp->npeers; i++)
		if (vp->peer[i].node == node && vp->peer[i].self == 0)
			return vp->peer[i].name;
	return NULL;
}

static void
role_text(const struct view_pair *vp, const struct ctl_event *e, char *buf,
    size_t size)
{
	const char *why = reason_sentence(e->reason);
	const char *node = node_word(vp, e->node);
	char silent[32], tail[96] = "";

	if (e->silent_ns > 0 && e->reason == REASON_SILENCE) {
		age_text(e->silent_ns, silent, sizeof(silent));
		snprintf(tail, sizeof(tail), " (%s of silence)", silent);
	} else if (node != NULL)
		snprintf(tail, sizeof(tail), " (%s)", node);
	if (e->old == e->new_)
		snprintf(buf, size, "stays %s%s%s%s", role_word(e->new_),
		    *why != '\0' ? ": " : "", why, tail);
	else
		snprintf(buf, size, "%s -> %s, term %u%s%s%s",
		    role_word(e->old), role_word(e->new_), e->term,
		    *why != '\0' ? ": " : "", why, tail);
}

static const char *
release_text(unsigned cause)
{
	switch (cause) {
	case RELEASE_ORDERED:
		return "address taken off";
	case RELEASE_LEASE:
		return "address taken off: its lease was not renewed";
	case RELEASE_LINK:
		return "address gone with the interface";
	case RELEASE_START:
		return "leftover address removed at start";
	}
	return "address gone: somebody removed it";
}

static const char *
operator_text(const struct ctl_event *e)
{
	switch (e->value) {
	case CTL_HANDOVER:
		return "an operator asked for a handover";
	case CTL_MAINTENANCE:
		return e->new_ != 0 ? "an operator put this node into "
		    "maintenance" : "an operator ended the maintenance";
	case CTL_ASK:
		return "an operator asked the data half for something";
	case CTL_RELOAD_DATA:
		return "an operator asked for other data to be loaded";
	case CTL_LOG_LEVEL:
		return "an operator changed the log level";
	}
	return "an operator asked for something";
}

/*
 * Why a claim ended.  The reason is that of the last change of state, so only
 * those that end a claim say something; at its beginning none does.
 */
static const char *
claim_end(const struct ctl_event *e)
{
	if (e->new_ != 0)
		return "";
	switch ((enum reason)e->reason) {
	case REASON_HEARD_ACTIVE:
	case REASON_HIGHER_EPOCH:
	case REASON_HIGHER_RANK:
	case REASON_SLEPT:
	case REASON_LINK_DOWN:
	case REASON_SEND_FAILED:
	case REASON_MAINTENANCE_ON:
	case REASON_LEAVE:
		return reason_sentence(e->reason);
	default:
		return "";
	}
}

static void
service_text(const struct view_pair *vp, const struct ctl_event *e,
    char *buf, size_t size)
{
	const char *old = service_state_name(e->old);
	const char *now = service_state_name(e->new_);
	char label[96] = "service";

	if (vp != NULL)
		service_label(vp, label, sizeof(label));
	if (old == NULL)
		snprintf(buf, size, "%s: %s", label,
		    now != NULL ? now : "unknown");
	else
		snprintf(buf, size, "%s: %s -> %s", label, old,
		    now != NULL ? now : "unknown");
}

void
event_text(const struct view_pair *vp, const struct ctl_event *e, char *buf,
    size_t size)
{
	const char *why;

	switch ((enum ctl_event_kind)e->kind) {
	case CTL_EVENT_ROLE:
		role_text(vp, e, buf, size);
		break;
	case CTL_EVENT_SERVICE:
		service_text(vp, e, buf, size);
		break;
	case CTL_EVENT_LINK:
		snprintf(buf, size, "link %s", e->new_ != 0 ? "up" : "down");
		break;
	case CTL_EVENT_ALARM_ON:
		snprintf(buf, size, "alarm: %s", alarm_text(e->value));
		break;
	case CTL_EVENT_ALARM_OFF:
		snprintf(buf, size, "alarm over: %s", alarm_text(e->value));
		break;
	case CTL_EVENT_ADDR:
		snprintf(buf, size, "%s", e->new_ != 0 ?
		    "address put up and announced" : release_text(e->reason));
		break;
	case CTL_EVENT_CLAIM:
		why = claim_end(e);
		snprintf(buf, size, "claim %s%s%s", e->new_ != 0 ? "begins" :
		    "ends", *why != '\0' ? ": " : "", why);
		break;
	case CTL_EVENT_OPERATOR:
		snprintf(buf, size, "%s", operator_text(e));
		break;
	case CTL_EVENT_ROOM:
		snprintf(buf, size, "room %s was started again", e->value <
		    ROOM_COUNT ? room_name((enum room)e->value) : "?");
		break;
	case CTL_EVENT_RELOAD:
		snprintf(buf, size, "configuration read again");
		break;
	default:
		snprintf(buf, size, "event %u, which this vipctl does not "
		    "know", e->kind);
	}
	text_clean(buf);
}

void
event_json(struct json *j, const struct view_pair *vp,
    const struct ctl_event *e)
{
	bool role = e->kind == CTL_EVENT_ROLE;
	char text[EVENT_TEXT_MAX];

	event_text(vp, e, text, sizeof(text));
	json_open(j, NULL);
	json_time(j, "time", e->wall_ns);
	json_seconds(j, "age_s", e->age_ns);
	json_string(j, "pair", vp != NULL ? vp->p.name : NULL);
	json_string(j, "kind", event_kind_name(e->kind));
	json_string(j, "from", role ? role_word(e->old) : NULL);
	json_string(j, "to", role ? role_word(e->new_) : NULL);
	json_string(j, "reason", role && e->reason < REASON_COUNT ?
	    reason_name((enum reason)e->reason) : NULL);
	json_string(j, "node", node_word(vp, e->node));
	json_uint(j, "term", e->term);
	json_seconds(j, "silent_s", role && e->silent_ns > 0 ?
	    e->silent_ns : CTL_AGE_UNKNOWN);
	json_string(j, "text", text);
	json_close(j);
}

size_t
events_last_change(const struct events *ev)
{
	size_t i;

	for (i = ev->n; i > 0; i--)
		if (ev->e[i - 1].kind == CTL_EVENT_ROLE &&
		    ev->e[i - 1].old != ev->e[i - 1].new_)
			return i - 1;
	return ev->n;
}

size_t
events_chain_start(const struct events *ev)
{
	size_t last = events_last_change(ev), i;

	if (last == ev->n)
		return 0;
	for (i = last; i > 0; i--)
		if (ev->e[i - 1].kind == CTL_EVENT_ROLE &&
		    ev->e[i - 1].old != ev->e[i - 1].new_)
			return i - 1;
	return 0;
}
