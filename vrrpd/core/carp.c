/* SPDX-License-Identifier: ISC */

/*
 * CARP's advert as ucarp and OpenBSD send it (checklist 5.1-5.9).  Pure; the
 * elector, the simulator and vipctl.  Its digest covers neither skew, base,
 * demote count nor source (5.6): whoever wants more asks for the trailer.
 */
#include <assert.h>
#include <string.h>

#include "codec.h"
#include "wire.h"

#define CARP_AUTH_WORDS	7	/* counter and digest, in 32-bit words */
#define CARP_COUNTER_AT	8
#define CARP_DIGEST_AT	16

/*
 * 7.9: CARP and VRRPv2 share byte 0.  Byte 3 says 7 in both, in VRRPv2 for
 * seven addresses, whose message has 44 bytes at least.  At 72 bytes it is
 * CARP with our trailer or VRRPv2 with the draft's: byte 36 is our type, or
 * VRRPv2's authentication data, which is zero.  In IPv6 there is no VRRPv2.
 */
bool
carp_recognise(uint8_t family, const uint8_t *msg, size_t len)
{
	if (len < 4 || msg[3] != CARP_AUTH_WORDS)
		return false;
	if (family == 6)
		return true;
	if (len == CARP_LEN + TRAILER_OWN_LEN)
		return msg[CARP_LEN] == TRAILER_OWN;
	return len < MESSAGE_HEAD_LEN + 4 * CARP_AUTH_WORDS + VRRP2_AUTH_LEN;
}

enum verdict
carp_decode(const uint8_t *msg, size_t len, struct advert *a)
{
	a->protocol = PROTOCOL_CARP;
	if (len < CARP_LEN)			/* 5.8 */
		return ADVERT_LENGTH;
	a->vhid = msg[1];
	a->carp_skew = msg[2];
	a->carp_demote = msg[4];
	a->carp_base = msg[5];
	/* 5.2; the exact value is base and skew, this one is rounded down. */
	a->interval_ms = msg[5] * 1000u + msg[2] * 1000u / 256;
	a->carp_counter = get64(msg + CARP_COUNTER_AT);
	memcpy(a->carp_digest, msg + CARP_DIGEST_AT, CARP_DIGEST_LEN);
	a->message_len = CARP_LEN;
	return ADVERT_OK;
}

/* 5.5: IPv4 before IPv6, each in ascending order. */
static bool
addr_before(const struct piece *a, const struct piece *b)
{
	if (a->len != b->len)
		return a->len < b->len;
	return memcmp(a->at, b->at, a->len) < 0;
}

/* Shell's sort: no memory of its own, and a thousand addresses are quick. */
static void
addrs_sort(struct piece *addr, size_t n)
{
	static const size_t gap[] = { 301, 132, 57, 23, 10, 4, 1 };

	for (size_t g = 0; g < sizeof(gap) / sizeof(gap[0]); g++) {
		for (size_t i = gap[g]; i < n; i++) {
			struct piece moved = addr[i];
			size_t k = i;

			for (; k >= gap[g] &&
			    addr_before(&moved, &addr[k - gap[g]]); k -= gap[g])
				addr[k] = addr[k - gap[g]];
			addr[k] = moved;
		}
	}
}

/*
 * 5.5.  Returns the number of link-local addresses, which OpenBSD leaves out
 * when it sends and may or may not count when it listens.
 */
static size_t
carp_digest(const struct advert *a, const struct advert_context *cx,
    bool link_local, uint8_t out[CARP_DIGEST_LEN])
{
	static const uint8_t no_key[sizeof(cx->secret->carp_key)];
	struct piece piece[2 + CONF_ADDRS_PER_PAIR_MAX];
	uint8_t head[3] = { 0x02, 0x01, a->vhid }, counter[8];
	size_t n = 1, skipped = 0;

	assert(cx->nvips <= CONF_ADDRS_PER_PAIR_MAX);
	piece[0] = (struct piece){ head, sizeof(head) };
	for (uint32_t i = 0; i < cx->nvips; i++) {
		const struct conf_addr *vip = &cx->vip[i];

		if (vip->family == 6 && addr6_is_link_local(vip->byte)) {
			skipped++;
			if (!link_local)
				continue;
		}
		piece[n++] = (struct piece){ vip->byte,
		    addr_len(vip->family) };
	}
	addrs_sort(piece + 1, n - 1);
	put64(counter, a->carp_counter);
	piece[n++] = (struct piece){ counter, sizeof(counter) };
	cx->hmac(HMAC_SHA1, cx->secret != NULL ? cx->secret->carp_key : no_key,
	    sizeof(no_key), piece, n, out);
	return skipped;
}

/*
 * Without a passphrase the key is empty, and so is the proof: a digest made
 * with it says only that the sender has no passphrase either.
 */
enum verdict
carp_judge(struct advert *a, const struct advert_context *cx)
{
	uint8_t digest[CARP_DIGEST_LEN];
	size_t link_locals;
	bool good;

	if (cx->secret == NULL)
		return ADVERT_OK;		/* nothing to verify with */
	link_locals = carp_digest(a, cx, false, digest);
	good = tag_equal(digest, a->carp_digest, CARP_DIGEST_LEN);
	if (!good && link_locals > 0) {
		carp_digest(a, cx, true, digest);
		good = tag_equal(digest, a->carp_digest, CARP_DIGEST_LEN);
	}
	if (!good) {
		a->auth = AUTH_BAD;
		return ADVERT_AUTH;		/* 5.8 */
	}
	a->auth = cx->secret->has_carp ? AUTH_GOOD : AUTH_NONE;
	return ADVERT_OK;
}

/* Without a context that can compute it the digest is the advert's own. */
size_t
carp_encode(const struct advert *a, const struct advert_context *cx,
    uint8_t *msg)
{
	uint8_t digest[CARP_DIGEST_LEN];

	if (cx != NULL && cx->hmac != NULL)
		carp_digest(a, cx, false, digest);
	else
		memcpy(digest, a->carp_digest, sizeof(digest));
	msg[0] = 0x21;
	msg[1] = a->vhid;
	msg[2] = a->carp_skew;
	msg[3] = CARP_AUTH_WORDS;
	msg[4] = a->carp_demote;
	msg[5] = a->carp_base;
	put16(msg + CHECKSUM_AT, 0);
	put64(msg + CARP_COUNTER_AT, a->carp_counter);
	memcpy(msg + CARP_DIGEST_AT, digest, sizeof(digest));
	return CARP_LEN;
}
