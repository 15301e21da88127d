/* SPDX-License-Identifier: ISC */

/*
 * Elector: the system calls it is left with.  No socket, no open, no exec,
 * no memory, no signal: what comes, comes through descriptors it was given.
 */

#include <sys/syscall.h>

#include "elector.h"
#include "room.h"

#define ANY	.arg = -1

static const struct filter_rule rules[] = {
	{ .nr = __NR_ppoll, ANY },
	{ .nr = __NR_clock_gettime, ANY },	/* where the vDSO cannot */
	{ .nr = __NR_recvmsg, ANY },		/* adverts, channels */
	{ .nr = __NR_sendmsg, ANY },		/* adverts, channels */
	{ .nr = __NR_recvfrom, ANY },		/* clients */
	{ .nr = __NR_sendto, ANY },		/* clients, log lines */
	{ .nr = __NR_accept4, ANY },
	{ .nr = __NR_getsockopt, ANY },		/* who the client is */
	{ .nr = __NR_close, ANY },
	{ .nr = __NR_fcntl, ANY },		/* seals of a configuration */
	{ .nr = __NR_pread64, ANY },		/* its contents */
	{ .nr = __NR_write, ANY },		/* MSG_EXPORT */
	{ .nr = __NR_rt_sigreturn, ANY },
	{ .nr = __NR_exit_group, ANY },
};

static_assert(sizeof(rules) / sizeof(rules[0]) <= 14,
    "the elector makes do with 14 system calls");

void
filter_on(void)
{
	room_filter(rules, sizeof(rules) / sizeof(rules[0]));
}
