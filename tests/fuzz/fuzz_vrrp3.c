/* SPDX-License-Identifier: ISC */

/* Any frame against a pair that speaks vrrp3. */
#include "fuzz_advert.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_advert(data, len, PROTOCOL_VRRP3);
}
