/* SPDX-License-Identifier: ISC */

/*
 * What the kernel says of links and addresses, and what it is told: messages
 * of any length and content; an address that is put reads back as itself.
 *
 * FUZZ: common/rtnl.c common/log.c -lmnl
 */
#include <linux/rtnetlink.h>

#include "fuzz.h"
#include "netview.h"
#include "rtnl.h"

static void
read_back(const uint8_t *data)
{
	_Alignas(8) uint8_t buf[RTNL_REQUEST_MAX];
	struct conf_addr a = { .family = data[0] & 1 ? 6 : 4 };
	struct rtnl_address got;
	struct nlmsghdr *nh;

	memcpy(a.byte, data + 1, a.family == 4 ? 4 : 16);
	nh = rtnl_put_address(buf, 1, data[17] + 1u, &a, data[18] & 3);
	FUZZ_MUST(nh->nlmsg_len <= sizeof(buf));
	FUZZ_MUST(rtnl_get_address(nh, &got));
	FUZZ_MUST(got.ifindex == data[17] + 1u);
	FUZZ_MUST(got.prefix == (a.family == 4 ? 32 : 128));
	FUZZ_MUST(got.address.family == a.family);
	FUZZ_MUST(memcmp(got.address.byte, a.byte,
	    a.family == 4 ? 4 : 16) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct netview_link link;
	struct rtnl_address address;
	struct nlmsghdr *nh;

	if (len >= 19)
		read_back(data);
	/* What is read is whole words. */
	len &= ~(size_t)3;
	if (len < sizeof(*nh))
		return 0;
	nh = malloc(len);
	if (nh == NULL)
		abort();
	memcpy(nh, data, len);
	/* As libmnl hands them on: never longer than what was read. */
	if (nh->nlmsg_len < sizeof(*nh) || nh->nlmsg_len > len)
		nh->nlmsg_len = (uint32_t)len;
	(void)rtnl_get_link(nh, &link);
	if (rtnl_get_address(nh, &address))
		FUZZ_MUST(address.address.family == 4 ||
		    address.address.family == 6);
	free(nh);
	return 0;
}
