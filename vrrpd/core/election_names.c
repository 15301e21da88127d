/* SPDX-License-Identifier: ISC */

/*
 * Words for roles, states and reasons: status, JSON, history, log.  Tables
 * only.  The words of roles are the contract of interface.md.
 */
#include <assert.h>

#include "election.h"

static const char *const roles[] = {
	[ROLE_STARTING] = "starting",
	[ROLE_STANDBY] = "standby",
	[ROLE_ACTIVE] = "active",
	[ROLE_FAULTED] = "faulted",
	[ROLE_MAINTENANCE] = "maintenance",
};
static_assert(sizeof(roles) / sizeof(roles[0]) == ROLE_COUNT,
    "a role has no name");

static const char *const states[] = {
	[STATE_INIT] = "init",
	[STATE_STANDBY] = "standby",
	[STATE_CLAIM] = "claim",
	[STATE_ACTIVE] = "active",
	[STATE_LEAVING] = "leaving",
	[STATE_RELEASING] = "releasing",
	[STATE_FAULTED] = "faulted",
	[STATE_MAINTENANCE] = "maintenance",
	[STATE_LEFT] = "left",
};
static_assert(sizeof(states) / sizeof(states[0]) == STATE_COUNT,
    "a state has no name");

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
	[REASON_NONE] = { "none", "nothing has happened yet" },
	[REASON_START] = { "start", "the daemon was started" },
	[REASON_HEARD_ACTIVE] = { "heard-active",
	    "an active node was heard" },
	[REASON_SILENCE] = { "silence",
	    "no active node was heard for the down interval" },
	[REASON_RESIGNED] = { "resigned", "the active node resigned" },
	[REASON_GO_NOW] = { "go-now",
	    "the active node resigned and asked to take over at once" },
	[REASON_GUARANTEED_TIMEOUT] = { "guaranteed-timeout",
	    "the active node advertises too seldom to be waited for" },
	[REASON_PREEMPT] = { "preempt",
	    "preemption is on and this node has the better rank" },
	[REASON_DEMOTED_PEER] = { "demoted-peer",
	    "the active node has demoted itself" },
	[REASON_HIGHER_EPOCH] = { "higher-epoch",
	    "another node took over since: it has the newer term" },
	[REASON_HIGHER_RANK] = { "higher-rank",
	    "another active node has the better rank" },
	[REASON_WORD_HIGHER_EPOCH] = { "word-higher-epoch",
	    "the partner says over ssh that it is active in a newer term" },
	[REASON_HANDOVER] = { "handover", "an operator asked for it" },
	[REASON_MAINTENANCE_ON] = { "maintenance-on",
	    "maintenance was switched on" },
	[REASON_MAINTENANCE_OFF] = { "maintenance-off",
	    "maintenance was switched off" },
	[REASON_LEAVE] = { "leave", "the daemon was told to stop" },
	[REASON_LINK_DOWN] = { "link-down",
	    "the interface or this node's address on it is gone" },
	[REASON_LINK_UP] = { "link-up",
	    "the interface and this node's address are back" },
	[REASON_SLEPT] = { "slept",
	    "this node was frozen or too late, and listens first" },
	[REASON_SERVICE_FAILED] = { "service-failed",
	    "the service failed and its restart did not help" },
	[REASON_FLAP_LIMIT] = { "flap-limit",
	    "too many takeovers within the flap window" },
	[REASON_LEASE_LOST] = { "lease-lost",
	    "the address could not be confirmed for as long as it can live" },
	[REASON_SEND_FAILED] = { "send-failed",
	    "adverts could not leave this node" },
	[REASON_HOLD_FAILED] = { "hold-failed",
	    "the address could not be put on the interface" },
	[REASON_DATA_NOT_READY] = { "data-not-ready",
	    "this node's data set is incomplete" },
	[REASON_ELECTOR_RESTARTED] = { "elector-restarted",
	    "the elector died and was started again" },
	[REASON_RETRY] = { "retry",
	    "this node had failed, and nobody else is active" },
};
static_assert(sizeof(reasons) / sizeof(reasons[0]) == REASON_COUNT,
    "a reason has no name");

const char *
role_name(enum role r)
{
	return (unsigned)r < ROLE_COUNT ? roles[r] : "?";
}

const char *
state_name(enum state s)
{
	return (unsigned)s < STATE_COUNT ? states[s] : "?";
}

const char *
reason_name(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? reasons[r].name : "?";
}

const char *
reason_text(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? reasons[r].text : "?";
}
