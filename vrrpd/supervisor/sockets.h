/* SPDX-License-Identifier: ISC */

/*
 * Advert sockets: opened here, because the elector may not, and passed on.
 */
#ifndef VIPAIR_SOCKETS_H
#define VIPAIR_SOCKETS_H

#include <stdint.h>

struct supervisor;

/*
 * Opens both sockets of the pair's interface and sends them to the elector,
 * keeping none; or tells it why not.
 */
void	sockets_open(struct supervisor *s, uint32_t pair);

#endif
