/* SPDX-License-Identifier: ISC */

/*
 * vipctl monitor: capture files, by libpcap, down to the IP packet.
 */
#ifndef VIPAIR_VIPCTL_CAPTURE_H
#define VIPAIR_VIPCTL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_WHY_MAX	512

/* One packet; what the link header says has no IP inside does not come. */
struct capture_packet {
	int64_t		wall_ns;	/* UTC */
	const uint8_t	*ip;		/* from the IP header on */
	size_t		len;		/* bytes there are */
	size_t		whole;		/* bytes there were on the wire */
};

/* False: enough, stop reading. */
typedef bool	capture_fn(const struct capture_packet *p, void *arg);

/*
 * Calls fn for each packet of the file ("-": standard input).  False when
 * the file cannot be read to its end; `why` says what is wrong with it.
 */
bool	capture_read(const char *path, capture_fn *fn, void *arg,
	    char why[CAPTURE_WHY_MAX]);

#endif
