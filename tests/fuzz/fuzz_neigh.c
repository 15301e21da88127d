/* SPDX-License-Identifier: ISC */

/* ARP and neighbour discovery: what claims, claims again when we say it. */
#include "fuzz.h"
#include "neigh.h"

static const uint8_t nobody[6];

static void
say_again(const struct neigh_claim *c)
{
	uint8_t frame[NA_FRAME_LEN];
	struct neigh_claim d;
	size_t n;

	n = c->addr.family == 4 ? arp_announce(c->mac, &c->addr,
	    c->mac[5] & 1, frame, sizeof(frame)) : na_announce(c->mac,
	    &c->addr, c->mac[5] & 1, frame, sizeof(frame));
	FUZZ_MUST(n > 0);
	/* A group's address as source is read, as target it is not. */
	if (c->addr.family == 6 && c->addr.byte[0] == 0xff)
		return;
	FUZZ_MUST(neigh_parse(frame, n, &d));
	FUZZ_MUST(d.claims && !d.probe);
	FUZZ_MUST(conf_addr_equal(&c->addr, &d.addr));
	FUZZ_MUST(memcmp(c->mac, d.mac, 6) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *frame = malloc(len == 0 ? 1 : len);
	struct neigh_claim c;

	if (frame == NULL)
		abort();
	memcpy(frame, data, len);
	if (neigh_parse(frame, len, &c)) {
		FUZZ_MUST(!(c.claims && c.probe));
		FUZZ_MUST(c.addr.family == 4 || c.addr.family == 6);
		FUZZ_MUST((c.mac[0] & 1) == 0);
		FUZZ_MUST(memcmp(c.mac, nobody, 6) != 0);
		if (c.claims)
			say_again(&c);
	}
	free(frame);
	return 0;
}
