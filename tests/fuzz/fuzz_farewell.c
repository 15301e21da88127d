/* SPDX-License-Identifier: ISC */

/*
 * The one thing that is no number: last words on their way to the actuator.
 * What leaves is what the elector could have sent itself, to the group only.
 *
 * FUZZ: common/farewell.c
 */
#include "farewell.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t frame[FAREWELL_FRAME_MAX];
	uint8_t *ip = malloc(len == 0 ? 1 : len);
	size_t n;

	if (ip == NULL)
		abort();
	memcpy(ip, data, len);
	n = farewell_frame(ip, len, mac, frame);
	if (n == 0) {
		/* A plain advert to the group is never refused. */
		FUZZ_MUST(len < 28 || len > FAREWELL_MAX || ip[0] != 0x45 ||
		    (size_t)(ip[2] << 8 | ip[3]) != len || ip[9] != 112 ||
		    memcmp(ip + 16, "\340\0\0\022", 4) != 0);
	} else {
		FUZZ_MUST(n == len + 14);
		FUZZ_MUST(n <= sizeof(frame));
		FUZZ_MUST(memcmp(frame, "\1\0\x5e\0\0\x12", 6) == 0);
		FUZZ_MUST(memcmp(frame + 6, mac, 6) == 0);
		FUZZ_MUST(memcmp(frame + 14, ip, len) == 0);
		FUZZ_MUST(ip[9] == 112);
	}
	free(ip);
	return 0;
}
