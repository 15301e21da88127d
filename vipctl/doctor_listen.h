/* SPDX-License-Identifier: ISC */

/* Inside doctor_listen.c: one interface being listened on. */
#ifndef VIPAIR_VIPCTL_DOCTOR_LISTEN_H
#define VIPAIR_VIPCTL_DOCTOR_LISTEN_H

#include <pcap/pcap.h>

#include "doctor.h"
#include "monitor.h"

struct ear {
	struct listening *l;
	pcap_t		*tap;
	int		 raw, arp;
	struct conf_addr own, partner;	/* family 0: not known, or no v4 */
	uint32_t	 nasked;
	struct conf_addr asked[DOCTOR_PROBES_MAX];	/* by ARP */
	int		 out_error;	/* of our own probe */
	uint8_t		 came;		/* probes that came in again */
	struct monitor_judge judge;
};

void	ear_ask(struct ear *e, const struct conf_addr *a);

#endif
