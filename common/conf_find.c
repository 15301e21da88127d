/* SPDX-License-Identifier: ISC */

/* Every room: finds a virtual address in the configuration. */

#include "conf.h"

const struct conf_addr *
conf_addrs(const struct conf *c)
{
	/* The layout of conf.h: header, pairs, then the addresses. */
	return (const void *)((const uint8_t *)(c + 1) +
	    c->npairs * sizeof(struct conf_pair));
}

uint32_t
conf_find_addr(const struct conf *c, const struct conf_addr *a,
    uint32_t *hint)
{
	const struct conf_addr *vip = conf_addrs(c);

	for (uint32_t i = 0; i < c->naddrs; i++) {
		uint32_t k = (*hint + i) % c->naddrs;

		if (conf_addr_equal(&vip[k], a)) {
			*hint = k + 1;
			return k;
		}
	}
	return c->naddrs;
}

uint32_t
conf_addr_pair(const struct conf *c, uint32_t addr)
{
	uint32_t i;

	for (i = 0; i < c->npairs; i++) {
		const struct conf_pair *p = conf_pair(c, i);

		if (addr >= p->first_addr && addr - p->first_addr < p->naddrs)
			break;
	}
	return i;
}
