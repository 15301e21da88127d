/* SPDX-License-Identifier: ISC */

/*
 * Elector: one frame from a raw socket, and how long it lay there.
 */
#ifndef VIPAIR_ELECTOR_RECEIVE_H
#define VIPAIR_ELECTOR_RECEIVE_H

#include "elector.h"

#define RECEIVE_MAX	2048

/* False when nothing is left, or nothing can be had. */
bool	receive(struct elector *el, const struct port *port, int fd,
	    uint8_t buf[static RECEIVE_MAX], struct arrival *in);

#endif
