/* SPDX-License-Identifier: ISC */

/*
 * The Internet checksum (RFC 1071).  Pure; every room and tool.
 */
#include <assert.h>

#include "advert.h"

/*
 * Pieces of odd length are summed as if all pieces stood side by side.  The
 * sum has room for 64 KiB of words, far more than a packet.
 */
uint16_t
checksum_of(const struct piece *piece, size_t npieces)
{
	uint32_t sum = 0;
	bool odd = false;

	for (size_t i = 0; i < npieces; i++) {
		const uint8_t *b = piece[i].at;

		assert(piece[i].len <= UINT16_MAX);
		for (size_t k = 0; k < piece[i].len; k++, odd = !odd)
			sum += odd ? b[k] : (uint32_t)b[k] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
