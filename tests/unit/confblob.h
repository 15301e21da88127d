/* SPDX-License-Identifier: ISC */

/* A small valid configuration blob for tests: three pairs of two nodes. */
#ifndef VIPAIR_TEST_CONFBLOB_H
#define VIPAIR_TEST_CONFBLOB_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"

#define BLOB_PAIRS	3
#define BLOB_NAME(i)	(32 + 32 * (uint32_t)(i))

struct blob {
	struct conf	c;
	struct conf_pair p[BLOB_PAIRS];
	struct conf_addr a[BLOB_PAIRS];
	struct conf_node n[BLOB_PAIRS * 2];
	struct conf_sync_entry s[2];	/* of no pair yet */
	char		strings[256];
};

static inline void
blob_pair(struct blob *b, uint32_t i, const char *name)
{
	uint32_t node;

	(void)snprintf(b->strings + BLOB_NAME(i), 32, "%s", name);
	b->p[i] = (struct conf_pair){
		.name = BLOB_NAME(i),
		.first_addr = i, .naddrs = 1,
		.first_node = 2 * i, .nnodes = 2,
		.interval_ms = 1000, .claim_spacing_ms = 20,
		.flap_window_ms = 600000, .flap_limit = 3,
		.partner_ssh_port = 22,
		.protocol = PROTOCOL_CARP, .vhid = (uint8_t)(94 + i),
	};
	b->a[i] = (struct conf_addr){
		4, { 0 }, { 192, 168, 70, (uint8_t)(222 + i) },
	};
	for (node = 0; node < 2; node++)
		b->n[2 * i + node] = (struct conf_node){
			.name = node == 0 ? 1 : 7,	/* alpha, beta */
			.address = { 4, { 0 },
			    { 192, 168, 70, (uint8_t)(1 + node) } },
			.priority = (uint8_t)(254 - node),
			.skew = (uint8_t)node,
			.rank = (uint8_t)node,
		};
}

static inline void
blob_make(struct blob *b, uint32_t serial, const char *const name[BLOB_PAIRS])
{
	uint32_t i;

	memset(b, 0, sizeof(*b));
	b->c = (struct conf){
		.magic = CONF_MAGIC, .version = CONF_VERSION,
		.size = sizeof(*b), .serial = serial,
		.npairs = BLOB_PAIRS, .naddrs = BLOB_PAIRS,
		.nnodes = 2 * BLOB_PAIRS, .nsyncs = 2, .strings_len = sizeof(b->strings),
	};
	memcpy(b->strings + 1, "alpha\0beta\0eth0\0/bin/true", 26);
	for (i = 0; i < BLOB_PAIRS; i++)
		blob_pair(b, i, name[i]);
}

#endif
