/* SPDX-License-Identifier: ISC */

/* Helpers of the codecs' tests; see kit.h. */
#include <arpa/inet.h>
#include <check.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "kit.h"
#include "wire.h"

const struct capture captures[] = {
#include "manifest.inc"
};
const size_t ncaptures = sizeof(captures) / sizeof(captures[0]);

struct conf_addr
kit_addr(const char *text)
{
	struct conf_addr a = { .family = 4 };

	if (strchr(text, ':') != NULL)
		a.family = 6;
	ck_assert_int_eq(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text,
	    a.byte), 1);
	return a;
}

size_t
kit_hex(const char *hex, uint8_t *buf, size_t cap)
{
	size_t n = 0;
	unsigned byte;

	for (; *hex != '\0'; hex += 2) {
		ck_assert_uint_lt(n, cap);
		ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
		buf[n++] = (uint8_t)byte;
	}
	return n;
}

void
kit_same(const uint8_t *got, size_t got_len, const uint8_t *want,
    size_t want_len)
{
	ck_assert_uint_eq(got_len, want_len);
	for (size_t i = 0; i < want_len; i++)
		ck_assert_msg(got[i] == want[i],
		    "byte %zu is %02x instead of %02x", i, got[i], want[i]);
}

unsigned
kit_each_frame(const char *file, kit_frame_fn *fn, void *arg)
{
	char path[512], err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const u_char *frame;
	unsigned n = 0;
	pcap_t *pcap;
	int got;

	snprintf(path, sizeof(path), "%s/%s", CAPTURES, file);
	pcap = pcap_open_offline(path, err);
	ck_assert_msg(pcap != NULL, "%s", err);
	ck_assert_int_eq(pcap_datalink(pcap), DLT_EN10MB);
	while ((got = pcap_next_ex(pcap, &head, &frame)) == 1) {
		fn(frame, head->caplen, arg);
		n++;
	}
	ck_assert_int_eq(got, PCAP_ERROR_BREAK);
	pcap_close(pcap);
	return n;
}

bool
kit_packet(const uint8_t *frame, size_t len, struct packet *p)
{
	uint16_t type;

	ck_assert_uint_ge(len, 14);
	type = get16(frame + 12);
	if (type != 0x0800 && type != 0x86dd)
		return false;
	return packet_parse(frame + 14, len - 14, p) == ADVERT_OK;
}

struct packet
kit_wrap(const uint8_t *payload, size_t len, const char *src, const char *dst)
{
	struct conf_addr from = kit_addr(src), to = kit_addr(dst);

	return (struct packet){ .family = from.family, .ttl = ADVERT_TTL,
	    .src = from, .dst = to, .payload = payload, .len = len };
}

void
kit_passphrase(struct pair_secret *s, const char *pass)
{
	ck_assert_uint_le(strlen(pass), CONF_CARP_PASS_MAX);
	memset(s->carp_key, 0, sizeof(s->carp_key));
	memcpy(s->carp_key, pass, strlen(pass));
	s->has_carp = true;
}

void
kit_key(struct pair_secret *s, uint8_t id, uint8_t first, uint8_t len)
{
	struct conf_key *k = &s->key[s->nkeys++];

	k->id = id;
	k->len = len;
	for (uint8_t i = 0; i < len; i++)
		k->byte[i] = (uint8_t)(first + i);
	if (s->active == 0)
		s->active = id;
}

void
kit_fix_checksum(uint8_t *payload, size_t message_len, const struct packet *p,
    enum checksum_form form)
{
	uint8_t tail[4] = { 0, ADVERT_IPPROTO };
	size_t addr = p->family == 6 ? 16 : 4;
	size_t covers = p->family == 6 && payload[0] >> 4 == 3 ? p->len :
	    message_len;
	struct piece piece[4] = {
		{ payload, covers }, { p->src.byte, addr },
		{ p->dst.byte, addr }, { tail, sizeof(tail) },
	};

	put16(payload + 6, 0);
	put16(tail + 2, (uint16_t)covers);
	put16(payload + 6, checksum_of(piece,
	    payload[0] >> 4 == 3 && form == CHECKSUM_GOOD ? 4 : 1));
}
