/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: every default of the configuration,
 * once, written as a user would write it.  check.c reads them like typed
 * words, so the manual (compared by a test), the printer and the blob cannot
 * disagree.
 */
#include <assert.h>
#include <string.h>

#include "ast.h"

static const struct config_default defaults[DEFAULT_COUNT + 1] = {
	[DEFAULT_RUN_DIR] =	{ "run directory", "/run/vipair" },
	[DEFAULT_STATE_DIR] =	{ "state directory", "/var/lib/vipair" },
	[DEFAULT_PROTOCOL] =	{ "protocol", "carp" },
	[DEFAULT_VHID] =	{ "vhid", "94" },
	[DEFAULT_INTERVAL] =	{ "advertise every", "1s" },
	/* The most: a quarter of the interval if that is less. */
	[DEFAULT_SPACING] =	{ "claim spacing", "20ms" },
	[DEFAULT_AUTH] =	{ "authentication", "enforce" },
	[DEFAULT_START_TIMEOUT] = { "start timeout", "90s" },
	[DEFAULT_STOP_TIMEOUT] = { "stop timeout", "30s" },
	[DEFAULT_CHECK_EVERY] =	{ "check every", "5s" },
	[DEFAULT_GIVE_UP] =	{ "give up after", "3" },
	[DEFAULT_HTTP_STATUS] =	{ "status", "200" },
	[DEFAULT_FLAP_LIMIT] =	{ "flap limit", "3" },
	[DEFAULT_FLAP_WINDOW] =	{ "takeovers in", "10m" },
	[DEFAULT_SSH_PORT] =	{ "partner ssh port", "22" },
	[DEFAULT_SYNC_EVERY] =	{ "every", "60s" },
	[DEFAULT_KEEP] =	{ "keep", "24" },
	[DEFAULT_STORE] =	{ "store at most", "10G" },
};

const struct config_default *
config_default(size_t i)
{
	return i < DEFAULT_COUNT ? &defaults[i] : NULL;
}

struct word
default_word(enum default_id id)
{
	assert(id < DEFAULT_COUNT);
	return (struct word){
		.s = defaults[id].text,
		.len = (uint32_t)strlen(defaults[id].text),
	};
}
