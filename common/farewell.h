/* SPDX-License-Identifier: ISC */

/*
 * Actuator: the one thing that travels to it as bytes.  Pure.
 */
#ifndef VIPAIR_FAREWELL_H
#define VIPAIR_FAREWELL_H

#include <stddef.h>
#include <stdint.h>

#include "ipc.h"

#define FAREWELL_FRAME_MAX	(14 + FAREWELL_MAX)

/*
 * Puts an Ethernet header around the farewell that the elector made.  0
 * unless that is an IPv4 packet without options, of protocol 112, of exactly
 * its own length, to 224.0.0.18: the elector could send the same on its own
 * socket, and anything else it shall not send through the actuator either.
 */
size_t	farewell_frame(const uint8_t *ip, size_t len, const uint8_t mac[6],
	    uint8_t frame[static FAREWELL_FRAME_MAX]);

#endif
