/* SPDX-License-Identifier: ISC */

/*
 * The authentication trailers: the one of draft-cassen-vrrp-auth-hmac and
 * our own (advert.h).  Pure; the elector, the simulator and vipctl.  It must
 * never let a byte of message, trailer or source address go unauthenticated
 * except the two checksums, which are compared with what they have to be.
 */
#include <assert.h>
#include <string.h>

#include "codec.h"
#include "wire.h"

#define FILLER_AT	2
#define SEQ_AT		4
#define TERM_AT		12
#define NODE_AT		16
#define FLAGS_AT	17
#define ZERO_AT		18
#define PSEUDO_LEN	20
#define PSEUDO_CARP	0xca	/* so that no tag fits another protocol */
#define HMAC_PIECES	7

static_assert(TRAILER_DRAFT_LEN == TERM_AT + TRAILER_TAG_LEN, "draft");
static_assert(TRAILER_OWN_LEN == ZERO_AT + 2 + TRAILER_TAG_LEN, "ours");
static_assert(TRAILER_OWN_LEN % 2 == 0, "the filler sums 16-bit words");

static size_t
trailer_len(uint8_t type)
{
	switch (type) {
	case TRAILER_DRAFT:
		return TRAILER_DRAFT_LEN;
	case TRAILER_OWN:
		return TRAILER_OWN_LEN;
	default:
		return 0;
	}
}

/* What is behind a message is one whole trailer, or the length is wrong. */
enum verdict
trailer_decode(const uint8_t *at, size_t len, struct advert *a)
{
	struct trailer t;

	assert(len > 0);
	if (len != trailer_len(at[0]))
		return ADVERT_LENGTH;
	t = (struct trailer){ .type = at[0], .key_id = at[1],
	    .seq = get64(at + SEQ_AT) };
	if (t.type == TRAILER_DRAFT) {
		/* The draft is VRRP's; its reserved field must be zero. */
		if (a->protocol == PROTOCOL_CARP || get16(at + FILLER_AT) != 0)
			return ADVERT_LENGTH;
	} else {
		if (get16(at + ZERO_AT) != 0)
			return ADVERT_LENGTH;
		t.term = get32(at + TERM_AT);
		t.node = at[NODE_AT];
		t.flags = at[FLAGS_AT];
	}
	a->trailer = t;
	return ADVERT_OK;
}

/*
 * A reader that knows no trailer sums over all bytes that came.  Its pseudo
 * header then also says a length that is larger by the trailer's.  The
 * filler takes back both.
 */
static uint16_t
trailer_filler(const uint8_t *at, const struct advert *a,
    enum checksum_form form)
{
	uint8_t longer[2] = { 0, 0 };
	struct piece piece[3] = {
		{ at, FILLER_AT },
		{ at + FILLER_AT + 2, TRAILER_OWN_LEN - FILLER_AT - 2 },
		{ longer, sizeof(longer) },
	};

	if (a->protocol == PROTOCOL_VRRP3 && form == CHECKSUM_GOOD)
		longer[1] = TRAILER_OWN_LEN;
	return checksum_of(piece, 3);
}

/* The filler is not under the HMAC: only one value of it is accepted. */
bool
trailer_filler_good(const uint8_t *at, const struct advert *a)
{
	return a->trailer.type != TRAILER_OWN ||
	    get16(at + FILLER_AT) == trailer_filler(at, a, a->checksum);
}

const struct conf_key *
key_find(const struct pair_secret *secret, uint8_t id)
{
	if (secret == NULL || id == 0)
		return NULL;
	for (size_t i = 0; i < CONF_KEYS_MAX; i++)
		if (secret->key[i].id == id)
			return &secret->key[i];
	return NULL;
}

/* The tag over msg (len bytes) and the trailer right behind it. */
static void
trailer_tag(const struct advert *a, const struct conf_key *key, hmac_fn *hmac,
    const struct conf_addr *src, const uint8_t *msg, size_t len,
    uint8_t tag[TRAILER_TAG_LEN])
{
	static const uint8_t zero[TRAILER_TAG_LEN];
	const uint8_t *at = msg + len;
	size_t head = trailer_len(at[0]) - TRAILER_TAG_LEN;
	uint8_t pseudo[PSEUDO_LEN] = { src->family,
	    a->protocol == PROTOCOL_CARP ? PSEUDO_CARP : msg[0] >> 4, a->vhid };
	uint8_t full[HMAC_SHA256];
	const struct piece piece[HMAC_PIECES] = {
		{ pseudo, sizeof(pseudo) },
		{ msg, CHECKSUM_AT },
		{ zero, 2 },
		{ msg + CHECKSUM_AT + 2, len - CHECKSUM_AT - 2 },
		{ at, FILLER_AT },
		{ zero, 2 },
		{ at + FILLER_AT + 2, head - FILLER_AT - 2 },
	};
	struct piece all[HMAC_PIECES + 1];

	memcpy(pseudo + 4, src->byte, addr_len(src->family));
	memcpy(all, piece, sizeof(piece));
	all[HMAC_PIECES] = (struct piece){ zero, TRAILER_TAG_LEN };
	hmac(HMAC_SHA256, key->byte, key->len, all, HMAC_PIECES + 1, full);
	memcpy(tag, full, TRAILER_TAG_LEN);
}

/*
 * Refuses what cannot be verified, also when there is no secret at all: a
 * term or a go-now that nobody checked must not reach the election.
 */
enum verdict
trailer_judge(const struct packet *p, struct advert *a,
    const struct advert_context *cx)
{
	const struct conf_key *key = key_find(cx->secret, a->trailer.key_id);
	const uint8_t *tag_at = p->payload + p->len - TRAILER_TAG_LEN;
	uint8_t tag[TRAILER_TAG_LEN];

	if (key == NULL) {
		a->auth = cx->secret != NULL ? AUTH_UNKNOWN_KEY : AUTH_NONE;
		return ADVERT_KEY_UNKNOWN;
	}
	assert(p->len == a->message_len + trailer_len(a->trailer.type));
	trailer_tag(a, key, cx->hmac, &p->src, p->payload, a->message_len, tag);
	if (!tag_equal(tag, tag_at, TRAILER_TAG_LEN)) {
		a->auth = AUTH_BAD;
		return ADVERT_AUTH;
	}
	a->auth = AUTH_GOOD;
	return ADVERT_OK;
}

size_t
trailer_encode(const struct advert *a, const struct advert_context *cx,
    const struct conf_addr *src, uint8_t *msg, size_t len)
{
	const struct trailer *t = &a->trailer;
	size_t total = trailer_len(t->type);
	const struct conf_key *key;
	uint8_t *at = msg + len;

	if (cx == NULL || cx->hmac == NULL || cx->secret == NULL)
		return 0;
	key = key_find(cx->secret, t->key_id != 0 ? t->key_id :
	    cx->secret->active);
	if (key == NULL)
		return 0;
	memset(at, 0, total);
	at[0] = t->type;
	at[1] = key->id;
	put64(at + SEQ_AT, t->seq);
	if (t->type == TRAILER_OWN) {
		put32(at + TERM_AT, t->term);
		at[NODE_AT] = t->node;
		at[FLAGS_AT] = t->flags;
	}
	trailer_tag(a, key, cx->hmac, src, msg, len,
	    at + total - TRAILER_TAG_LEN);
	if (t->type == TRAILER_OWN)
		put16(at + FILLER_AT, trailer_filler(at, a, a->checksum));
	return total;
}
