/* SPDX-License-Identifier: ISC */

/*
 * Elector: may this sender speak for this pair, and must it sign?  Pure.
 */
#ifndef VIPAIR_ELECTOR_AUTH_H
#define VIPAIR_ELECTOR_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "advert.h"

struct auth_rule {
	uint8_t		mode;		/* enum conf_auth_mode */
	uint8_t		protocol;	/* enum conf_protocol */
	bool		has_keys;
	bool		unicast;
};

struct auth_sender {
	bool		known;		/* a node of the pair */
	bool		self;
	bool		foreign;
	bool		to_group;	/* sent to the multicast group */
};

/*
 * The part that needs no cryptography, asked before it, so that a flood of
 * unsigned frames costs no HMAC.
 */
enum verdict	auth_judge(const struct auth_rule *rule,
		    const struct auth_sender *from, const struct advert *a);

#endif
