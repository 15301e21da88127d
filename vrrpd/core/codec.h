/* SPDX-License-Identifier: ISC */

/*
 * What advert.c and the codecs of the three protocols share; nobody else
 * includes this.  A message is what stands before the trailer.
 */
#ifndef VIPAIR_CODEC_H
#define VIPAIR_CODEC_H

#include "advert.h"

#define MESSAGE_HEAD_LEN	8	/* before the addresses, everywhere */
#define CHECKSUM_AT		6	/* the same place in all protocols */
#define ADVERT_TYPE_BYTE	1	/* 2.7: the only type there is */
#define VRRP2_AUTH_LEN		8	/* 7.1: always present */
#define TRAILER_TAG_LEN		16

static inline size_t
addr_len(uint8_t family)
{
	return family == 6 ? 16 : 4;
}

static inline bool
addr6_is_link_local(const uint8_t *b)
{
	return b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

/* The key with this id, or NULL; 0 names none. */
const struct conf_key	*key_find(const struct pair_secret *secret,
			    uint8_t id);

/* Constant time: how far two tags agree is nobody's business. */
bool	tag_equal(const uint8_t *a, const uint8_t *b, size_t len);

/*
 * The checksum of a message (and what is behind it, up to len) in one of its
 * forms; 0 when the field is filled and right, else what is to be stored
 * there while it is zero.
 */
uint16_t	message_checksum(const struct advert *a,
		    enum checksum_form form, const struct conf_addr *src,
		    const struct conf_addr *dst, const uint8_t *msg,
		    size_t len);

/*
 * Decoders fill the fields of their message and message_len; the version
 * and type in byte 0 were looked at before.  Encoders write a message whose
 * checksum is zero into a buffer of at least ADVERT_MAX bytes and return its
 * length or 0.
 */
bool		carp_recognise(uint8_t family, const uint8_t *msg, size_t len);
enum verdict	carp_decode(const uint8_t *msg, size_t len, struct advert *a);
enum verdict	carp_judge(struct advert *a, const struct advert_context *cx);
size_t		carp_encode(const struct advert *a,
		    const struct advert_context *cx, uint8_t *msg);

enum verdict	vrrp2_decode(const uint8_t *msg, size_t len, struct advert *a);
enum verdict	vrrp2_judge(const struct advert *a,
		    const struct advert_context *cx);
size_t		vrrp2_encode(const struct advert *a, uint8_t *msg);

enum verdict	vrrp3_decode(const uint8_t *msg, size_t len, struct advert *a);
enum verdict	vrrp3_judge(const struct advert *a);
size_t		vrrp3_encode(const struct advert *a, uint8_t *msg);

/* len: bytes behind the message, not 0. */
enum verdict	trailer_decode(const uint8_t *at, size_t len,
		    struct advert *a);
bool		trailer_filler_good(const uint8_t *at,
		    const struct advert *a);
enum verdict	trailer_judge(const struct packet *p, struct advert *a,
		    const struct advert_context *cx);
/* Writes it behind the message of len bytes; its length, 0 without key. */
size_t		trailer_encode(const struct advert *a,
		    const struct advert_context *cx,
		    const struct conf_addr *src, uint8_t *msg, size_t len);

#endif
