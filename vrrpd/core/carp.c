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
#define CARP_KEY_LEN	20	/* 5.5: the passphrase, zero-padded */

static_assert(sizeof(((struct pair_secret *)0)->carp_key) == CARP_KEY_LEN,
    "CARP's key");

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
 * The passphrase; without one it is derived from a key of the trailers, in a
 * way that is no tag of any advert; without either it is empty.
 */
static void
carp_key(const struct pair_secret *secret, const struct conf_key *from,
    hmac_fn *hmac, uint8_t key[CARP_KEY_LEN])
{
	static const struct piece name = { "vipair carp passphrase", 22 };
	uint8_t derived[HMAC_SHA256];

	memset(key, 0, CARP_KEY_LEN);
	if (secret != NULL && secret->has_carp) {
		memcpy(key, secret->carp_key, CARP_KEY_LEN);
	} else if (from != NULL) {
		hmac(HMAC_SHA256, from->byte, from->len, &name, 1, derived);
		memcpy(key, derived, CARP_KEY_LEN);
	}
}

/*
 * 5.5.  Returns the number of link-local addresses, which OpenBSD leaves out
 * when it sends and may or may not count when it listens.
 */
static size_t
carp_digest(const struct advert *a, const struct advert_context *cx,
    const struct conf_key *from, bool link_local,
    uint8_t out[CARP_DIGEST_LEN])
{
	struct piece piece[2 + CONF_ADDRS_PER_PAIR_MAX];
	uint8_t key[CARP_KEY_LEN];
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
	carp_key(cx->secret, from, cx->hmac, key);
	cx->hmac(HMAC_SHA1, key, sizeof(key), piece, n, out);
	return skipped;
}

static bool
carp_digest_good(const struct advert *a, const struct advert_context *cx,
    const struct conf_key *from)
{
	uint8_t digest[CARP_DIGEST_LEN];
	size_t link_locals = carp_digest(a, cx, from, false, digest);

	if (tag_equal(digest, a->carp_digest, CARP_DIGEST_LEN))
		return true;
	if (link_locals == 0)
		return false;
	carp_digest(a, cx, from, true, digest);
	return tag_equal(digest, a->carp_digest, CARP_DIGEST_LEN);
}

/* While keys are exchanged the sender's active key may not be ours. */
static bool
carp_any_key_good(const struct advert *a, const struct advert_context *cx)
{
	if (a->trailer.type != 0)
		return carp_digest_good(a, cx,
		    key_find(cx->secret, a->trailer.key_id));
	for (size_t i = 0; i < CONF_KEYS_MAX; i++)
		if (cx->secret->key[i].id != 0 &&
		    carp_digest_good(a, cx, &cx->secret->key[i]))
			return true;
	return false;
}

/*
 * Without passphrase and keys the digest's key is empty, and so is the
 * proof: a good one says only that the sender has no passphrase either.
 */
enum verdict
carp_judge(struct advert *a, const struct advert_context *cx)
{
	bool good, proves = true;

	if (cx->secret == NULL)
		return ADVERT_OK;		/* nothing to verify with */
	if (a->trailer.type != 0 &&
	    key_find(cx->secret, a->trailer.key_id) == NULL)
		return ADVERT_OK;		/* trailer_judge() says which */
	if (!cx->secret->has_carp && cx->secret->nkeys > 0) {
		good = carp_any_key_good(a, cx);
	} else {
		good = carp_digest_good(a, cx, NULL);
		proves = cx->secret->has_carp;
	}
	if (!good) {
		a->auth = AUTH_BAD;
		return ADVERT_AUTH;		/* 5.8 */
	}
	a->auth = proves ? AUTH_GOOD : AUTH_NONE;
	return ADVERT_OK;
}

/* The key to derive from: the one that signs, or would. */
static const struct conf_key *
carp_active_key(const struct advert *a, const struct pair_secret *secret)
{
	uint8_t id;

	if (secret == NULL)
		return NULL;
	id = secret->active != 0 ? secret->active : secret->key[0].id;
	if (a->trailer.type != 0 && a->trailer.key_id != 0)
		id = a->trailer.key_id;
	return key_find(secret, id);
}

/* Without a context that can compute it the digest is the advert's own. */
size_t
carp_encode(const struct advert *a, const struct advert_context *cx,
    uint8_t *msg)
{
	uint8_t digest[CARP_DIGEST_LEN];

	if (cx != NULL && cx->hmac != NULL)
		carp_digest(a, cx, carp_active_key(a, cx->secret), false,
		    digest);
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
