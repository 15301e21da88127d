/* SPDX-License-Identifier: ISC */

/*
 * What the tests of the codecs share: values from text, the golden captures
 * and what their manifest says they hold.
 */
#ifndef VIPAIR_TEST_KIT_H
#define VIPAIR_TEST_KIT_H

#include "advert.h"

#define KIT_VIPS_MAX	4

/* One line of captures/manifest.json. */
struct capture {
	const char	*file;
	uint8_t		protocol;
	uint8_t		family;
	uint8_t		vhid;
	uint32_t	interval_ms;
	const char	*password;
	const char	*vips[KIT_VIPS_MAX];
	size_t		nvips;
	uint8_t		rank[2];	/* priority or skew of host 1, 2 */
	uint8_t		base;
	unsigned	adverts, resignations, announcements;
};

extern const struct capture	captures[];
extern const size_t		ncaptures;

struct conf_addr	kit_addr(const char *text);
/* Bytes from hex; returns how many. */
size_t	kit_hex(const char *hex, uint8_t *buf, size_t cap);
/* Aborts the test unless both are the same bytes. */
void	kit_same(const uint8_t *got, size_t got_len, const uint8_t *want,
	    size_t want_len);

/* Calls fn for each frame of a file below CAPTURES; returns how many. */
typedef void	kit_frame_fn(const uint8_t *frame, size_t len, void *arg);
unsigned	kit_each_frame(const char *file, kit_frame_fn *fn, void *arg);

/* A frame of Ethernet that holds protocol 112; false for all others. */
bool	kit_packet(const uint8_t *frame, size_t len, struct packet *p);

/* A packet around a message, as if it had come from src. */
struct packet	kit_wrap(const uint8_t *payload, size_t len, const char *src,
		    const char *dst);

void	kit_passphrase(struct pair_secret *s, const char *pass);
/* Key id with len bytes first, first + 1, ... */
void	kit_key(struct pair_secret *s, uint8_t id, uint8_t first, uint8_t len);

/*
 * Stores a right checksum after a test has changed the message; 9568 form
 * when asked for.  message_len: without the trailer.
 */
void	kit_fix_checksum(uint8_t *payload, size_t message_len,
	    const struct packet *p, enum checksum_form form);

#endif
