/* SPDX-License-Identifier: ISC */

/* Actuator: see arpfilter.h. */

#include <linux/if_ether.h>

#include "arpfilter.h"

#define TYPE_AT		12	/* in the frame, behind two MACs */
#define SENDER_AT	28	/* ARP sender protocol address, RFC 826 */
#define ARP_LEN		42

unsigned
arpfilter_make(const struct conf *c, struct sock_filter *f)
{
	const struct conf_addr *vip = conf_addrs(c);
	unsigned n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
	    TYPE_AT);
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
	    ETH_P_ARP, 1, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    SENDER_AT);
	for (uint32_t i = 0; i < c->naddrs && n + 3 < BPF_MAXINSNS; i++) {
		uint32_t v4 = ntohl(conf_addr_v4(&vip[i]).s_addr);

		if (vip[i].family != 4)
			continue;
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ |
		    BPF_K, v4, 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		    ARP_LEN);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return n;
}
