/* SPDX-License-Identifier: ISC */

/* Actuator: see farewell.h. */

#include <string.h>

#include "farewell.h"

#define IP_LEN_MIN	20
#define ADVERT_LEN_MIN	8

size_t
farewell_frame(const uint8_t *ip, size_t len, const uint8_t mac[6],
    uint8_t frame[static FAREWELL_FRAME_MAX])
{
	static const uint8_t group[4] = { 224, 0, 0, 18 };
	static const uint8_t group_mac[6] = { 1, 0, 0x5e, 0, 0, 0x12 };
	static const uint8_t ethertype[2] = { 8, 0 };

	if (len < IP_LEN_MIN + ADVERT_LEN_MIN || len > FAREWELL_MAX)
		return 0;
	if (ip[0] != 0x45 || (size_t)(ip[2] << 8 | ip[3]) != len ||
	    ip[9] != 112 || memcmp(ip + 16, group, sizeof(group)) != 0)
		return 0;
	memcpy(frame, group_mac, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, ethertype, 2);
	memcpy(frame + 14, ip, len);
	return 14 + len;
}
