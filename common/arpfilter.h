/* SPDX-License-Identifier: ISC */

/*
 * Actuator: the kernel filter of its ARP socket.  Pure: makes instructions
 * from the configuration, nothing else.
 */
#ifndef VIPAIR_ARPFILTER_H
#define VIPAIR_ARPFILTER_H

#include <linux/filter.h>

#include "conf.h"

/*
 * A classic filter that lets pass the first 42 bytes of ARP frames whose
 * sender address is a virtual one of c, and nothing else.  f has room for
 * BPF_MAXINSNS; returns how many were used.
 */
unsigned	arpfilter_make(const struct conf *c, struct sock_filter *f);

#endif
