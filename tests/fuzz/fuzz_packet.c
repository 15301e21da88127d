/* SPDX-License-Identifier: ISC */

/* IP headers: the payload lies within the packet, and wraps again. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t again[2048];
	struct packet p, q;
	uint8_t *ip = fuzz_packet(data, len, &p);
	volatile uint8_t seen;
	size_t n;

	if (ip == NULL)
		return 0;
	FUZZ_MUST(p.family == 4 || p.family == 6);
	FUZZ_MUST(p.payload >= ip + 20);
	FUZZ_MUST(p.payload + p.len <= ip + len - FUZZ_ETHER);
	for (size_t i = 0; i < p.len; i++)
		seen = p.payload[i];
	(void)seen;
	n = ipv4_wrap(&p.src, &p.dst, 0xc0, p.payload, p.len, again,
	    sizeof(again));
	FUZZ_MUST(n == (p.family == 4 && p.len + 20 <= sizeof(again) ?
	    p.len + 20 : 0));
	if (n != 0) {
		FUZZ_MUST(packet_parse(again, n, &q) == ADVERT_OK);
		FUZZ_MUST(q.len == p.len);
		FUZZ_MUST(conf_addr_equal(&q.src, &p.src));
		FUZZ_MUST(conf_addr_equal(&q.dst, &p.dst));
	}
	free(ip);
	return 0;
}
