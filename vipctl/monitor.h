/* SPDX-License-Identifier: ISC */

/*
 * vipctl monitor: one advert heard, judged and shown.  Three parts: where it
 * comes from (monitor.c: daemon or capture file), what a node with this
 * configuration would say of it (monitor_judge.c), and how it is printed
 * (monitor_print.c).
 */
#ifndef VIPAIR_VIPCTL_MONITOR_H
#define VIPAIR_VIPCTL_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "advert.h"
#include "conf.h"

#define MONITOR_SENDERS_MAX	4096	/* whose numbers are remembered */

/* The highest number a sender signed with, in one capture. */
struct monitor_sender {
	struct conf_addr src;
	uint64_t	seq;
	uint8_t		protocol;
	uint8_t		vhid;
	uint8_t		type;		/* of the trailer */
};

struct monitor_judge {
	const struct conf	*conf;	/* NULL: nothing to judge by */
	const struct secrets	*secrets;	/* NULL: not readable */
	uint32_t		nsenders;
	struct monitor_sender	sender[MONITOR_SENDERS_MAX];
};

struct heard {
	int64_t		wall_ns;	/* UTC */
	struct packet	packet;
	struct advert	advert;		/* as far as it could be read */
	enum verdict	verdict;
	bool		unknown;	/* no configuration: no verdict */
	bool		unverified;	/* no secret to verify it with */
	const char	*pair;		/* its name, or NULL */
	size_t		missing;	/* bytes the capture left out */
};

/*
 * Takes the packet apart.  False when it is none of protocol 112; what was
 * cut too short to tell comes back true, with ADVERT_LENGTH.
 */
bool	heard_parse(struct heard *h, const uint8_t *ip, size_t len,
	    size_t whole);

/* Sets verdict, auth and pair. */
void	heard_judge(struct heard *h, struct monitor_judge *j);

void	heard_text(FILE *out, const struct heard *h);
void	heard_json(FILE *out, const struct heard *h);

#endif
