/* SPDX-License-Identifier: ISC */

/* An elector without neighbours: three pairs, clocks that the test sets. */
#ifndef VIPAIR_TEST_ELECTOR_KIT_H
#define VIPAIR_TEST_ELECTOR_KIT_H

#include <string.h>

#include "confblob.h"
#include "elector.h"

static struct elector el;
static struct blob blob;
static _Alignas(8) unsigned char secret_room[sizeof(struct secrets) +
    BLOB_PAIRS * sizeof(struct pair_secret)];

static inline void
elector_make(void)
{
	static const char *const names[BLOB_PAIRS] = { "vpn", "web", "db" };
	struct secrets *s = (void *)secret_room;
	uint32_t i;

	memset(&el, 0, sizeof(el));
	memset(secret_room, 0, sizeof(secret_room));
	blob_make(&blob, 1, names);
	s->npairs = BLOB_PAIRS;
	el.conf = &blob.c;
	el.secrets = s;
	el.now = (mono_t){ 1000 * NS_PER_S };
	el.wall_ns = INT64_C(1790000000) * NS_PER_S;
	el.began = el.now;
	el.stored = true;
	el.supervisor = (struct channel){ -1, ROOM_ELECTOR, ROOM_SUPERVISOR };
	el.actuator = (struct channel){ -1, ROOM_ELECTOR, ROOM_ACTUATOR };
	el.keeper = (struct channel){ -1, ROOM_ELECTOR, ROOM_KEEPER };
	el.mirror = (struct channel){ -1, ROOM_ELECTOR, ROOM_MIRROR };
	for (i = 0; i < LISTENERS; i++)
		el.listener[i] = -1;
	for (i = 0; i < CLIENTS_MAX; i++)
		el.client[i].fd = -1;
	for (i = 0; i < PORTS_MAX; i++)
		el.port[i].advert = el.port[i].stray = -1;
	for (i = 0; i < BLOB_PAIRS; i++) {
		el.slot[i] = (uint16_t)i;
		pair_new(&el, &el.pair[i], (uint16_t)i);
	}
}

#endif
