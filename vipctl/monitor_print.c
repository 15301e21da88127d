/* SPDX-License-Identifier: ISC */

/*
 * vipctl monitor: one advert as a line of text or as one JSON object.  Every
 * word is ours: nothing a sender wrote reaches the terminal but as a number.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "monitor.h"
#include "mono.h"
#include "text.h"

#define TIME_MAX	48
#define WHY_MAX		128

/* RFC 3339, UTC, microseconds. */
static void
time_text(int64_t wall_ns, char buf[TIME_MAX])
{
	int64_t s = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S;
	struct tm tm;
	char text[32];
	time_t t;

	if (ns < 0) {
		ns += NS_PER_S;
		s--;
	}
	t = (time_t)s;
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		strcpy(text, "1970-01-01T00:00:00");
	snprintf(buf, TIME_MAX, "%s.%06dZ", text, (int)(ns / NS_PER_US));
}

/* NULL: it could not be told. */
static const char *
kind_name(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_CARP:
		return "carp";
	case PROTOCOL_VRRP2:
		return "vrrp2";
	case PROTOCOL_VRRP3:
		return "vrrp3";
	default:
		return NULL;
	}
}

/* NULL: it was not looked at, or says less than the length does. */
static const char *
checksum_name(const struct heard *h)
{
	if (h->advert.message_len == 0 || (h->verdict == ADVERT_LENGTH &&
	    h->advert.checksum == CHECKSUM_BAD))
		return NULL;
	switch (h->advert.checksum) {
	case CHECKSUM_GOOD:
		return "good";
	case CHECKSUM_GOOD_9568:
		return "good-9568";
	case CHECKSUM_BAD:
		break;
	}
	return "bad";
}

static const char *
auth_name(enum auth_state auth)
{
	switch (auth) {
	case AUTH_GOOD:
		return "good";
	case AUTH_BAD:
		return "bad";
	case AUTH_UNKNOWN_KEY:
		return "unknown-key";
	case AUTH_NONE:
		break;
	}
	return "none";
}

static const char *
verdict_text(const struct heard *h)
{
	if (h->unknown && h->verdict == ADVERT_OK)
		return "unknown";
	return verdict_name(h->verdict);
}

static const char *
length_why(const struct heard *h)
{
	if (h->missing > 0)
		return "the capture holds only a part of it";
	if (h->packet.payload == NULL)
		return "the IP header says another length, or a fragment";
	return "shorter or longer than it says, or with bytes behind it "
	    "that are no trailer";
}

/* Why it is dropped, or what is to be known of one that is not; NULL. */
static const char *
why_text(const struct heard *h)
{
	static const char *const why[ADVERT_VERDICTS] = {
		[ADVERT_TTL_LOW] = "the TTL is not 255: it came through a "
		    "router, or is forged",
		[ADVERT_VERSION] = "not the version that is configured",
		[ADVERT_TYPE] = "its type is not 1",
		[ADVERT_OTHER_PROTOCOL] = "CARP and VRRPv2 use the same id",
		[ADVERT_CHECKSUM] = "the checksum is wrong",
		[ADVERT_OTHER_VHID] = "no pair of the configuration has "
		    "this id",
		[ADVERT_INTERVAL] = "the interval is not the configured one, "
		    "or zero",
		[ADVERT_AUTH_TYPE] = "it uses a password in the clear, which "
		    "protects nothing",
		[ADVERT_AUTH] = "another passphrase, other addresses or "
		    "another key",
		[ADVERT_KEY_UNKNOWN] = "its key is not in the secret file",
		[ADVERT_UNSIGNED] = "keys are configured and it carries no "
		    "trailer",
		[ADVERT_REPLAY] = "its number was used before: it is a "
		    "replay",
		[ADVERT_COUNT] = "its address list is empty or of another "
		    "family",
		[ADVERT_OWN] = "it carries our own source address",
		[ADVERT_STRANGER] = "its sender is no node of the pair",
		[ADVERT_EPOCH] = "its term is out of reach",
	};

	if (h->verdict == ADVERT_LENGTH)
		return length_why(h);
	if (h->unknown && h->verdict == ADVERT_OK)
		return "there is no configuration to judge it by";
	if (h->unverified && h->verdict == ADVERT_OK)
		return "no secret to verify it with";
	return (unsigned)h->verdict < ADVERT_VERDICTS ? why[h->verdict] : NULL;
}

static void
addr_at(const struct advert *a, uint16_t i, char *buf, size_t size)
{
	size_t each = a->family == 6 ? 16 : 4;
	struct conf_addr addr = { .family = a->family };

	assert(i < a->naddrs);
	memcpy(addr.byte, a->addrs + i * each, each);
	address_text(&addr, buf, size);
}

/* CARP's is base + skew/256 seconds to the full; the struct rounds down. */
static int64_t
interval_ns(const struct advert *a)
{
	if (a->protocol == PROTOCOL_CARP)
		return a->carp_base * NS_PER_S + a->carp_skew * NS_PER_S / 256;
	return a->interval_ms * NS_PER_MS;
}

static const struct {
	uint8_t		 flag;
	const char	*name;
} flags[] = {
	{ TRAILER_SOFT, "soft" },
	{ TRAILER_GO_NOW, "go-now" },
	{ TRAILER_HEALTHY, "healthy" },
	{ TRAILER_DATA_READY, "data-ready" },
};
#define NFLAGS	(sizeof(flags) / sizeof(flags[0]))

static void
text_rank(FILE *out, const struct advert *a)
{
	char seconds[32];

	if (a->protocol == PROTOCOL_CARP) {
		fprintf(out, " vhid %u skew %u base %u", a->vhid, a->carp_skew,
		    a->carp_base);
		if (a->carp_demote != 0)
			fprintf(out, " demote %u", a->carp_demote);
	} else
		fprintf(out, " vrid %u priority %u", a->vhid, a->priority);
	if (advert_resigns(a)) {
		fputs(" resigns", out);
		return;
	}
	seconds_text(interval_ns(a), seconds, sizeof(seconds));
	fprintf(out, " every %ss", seconds);
}

static void
text_addrs(FILE *out, const struct advert *a)
{
	char addr[64];

	for (uint16_t i = 0; a->addrs != NULL && i < a->naddrs; i++) {
		addr_at(a, i, addr, sizeof(addr));
		fprintf(out, "%s%s", i == 0 ? " for " : ",", addr);
	}
}

static void
text_trailer(FILE *out, const struct trailer *t)
{
	if (t->type == 0)
		return;
	fprintf(out, " key %u", t->key_id);
	if (t->type != TRAILER_OWN)
		return;
	fprintf(out, " term %" PRIu32 " node %u", t->term, t->node);
	for (size_t i = 0; i < NFLAGS; i++)
		if ((t->flags & flags[i].flag) != 0)
			fprintf(out, " %s", flags[i].name);
}

static void
text_verdict(FILE *out, const struct heard *h)
{
	const char *why = why_text(h), *checksum = checksum_name(h);

	if (checksum != NULL)
		fprintf(out, " checksum %s auth %s", checksum,
		    auth_name(h->advert.auth));
	if (h->verdict != ADVERT_OK)
		fputs(" dropped:", out);
	fprintf(out, " %s", verdict_text(h));
	if (why != NULL)
		fprintf(out, " (%s)", why);
	fputc('\n', out);
}

void
heard_text(FILE *out, const struct heard *h)
{
	const char *kind = kind_name(h->advert.protocol);
	char when[TIME_MAX], src[64] = "?", dst[64] = "?";

	time_text(h->wall_ns, when);
	if (h->packet.family != 0) {
		address_text(&h->packet.src, src, sizeof(src));
		address_text(&h->packet.dst, dst, sizeof(dst));
	}
	fprintf(out, "%s %s > %s %s", when, src, dst,
	    kind != NULL ? kind : "protocol 112");
	/* A message that was not understood to its end has no values. */
	if (kind != NULL && h->advert.message_len != 0) {
		text_rank(out, &h->advert);
		text_addrs(out, &h->advert);
		text_trailer(out, &h->advert.trailer);
	} else if (kind != NULL && h->packet.len >= 2)
		fprintf(out, " id %u", h->packet.payload[1]);
	text_verdict(out, h);
}

static void
json_addrs(struct json *j, const struct advert *a)
{
	char addr[64];

	json_open_array(j, "addresses");
	for (uint16_t i = 0; a->addrs != NULL && i < a->naddrs; i++) {
		addr_at(a, i, addr, sizeof(addr));
		json_string(j, NULL, addr);
	}
	json_close_array(j);
}

static void
json_message(struct json *j, const struct advert *a)
{
	json_uint(j, "vhid", a->vhid);
	if (a->protocol == PROTOCOL_CARP) {
		json_uint(j, "skew", a->carp_skew);
		json_uint(j, "base", a->carp_base);
		json_uint(j, "demote", a->carp_demote);
	} else
		json_uint(j, "priority", a->priority);
	json_bool(j, "resigns", advert_resigns(a));
	/* Half a millisecond more: the writer cuts the rest off. */
	json_seconds(j, "interval_s", interval_ns(a) + NS_PER_MS / 2);
	json_addrs(j, a);
}

/* The id is known as soon as there are two bytes; the rest is null. */
static void
json_no_message(struct json *j, const struct heard *h)
{
	if (h->packet.payload != NULL && h->packet.len >= 2)
		json_uint(j, "vhid", h->packet.payload[1]);
	else
		json_null(j, "vhid");
	json_null(j, h->advert.protocol == PROTOCOL_CARP ? "skew" :
	    "priority");
	json_null(j, "interval_s");
	json_null(j, "addresses");
}

static void
json_trailer(struct json *j, const struct trailer *t)
{
	char seq[24];

	if (t->type == 0)
		return;
	json_string(j, "trailer", t->type == TRAILER_OWN ? "own" : "draft");
	json_uint(j, "key", t->key_id);
	/* As text: it has more digits than many a reader's numbers. */
	snprintf(seq, sizeof(seq), "%" PRIu64, t->seq);
	json_string(j, "sequence", seq);
	if (t->type != TRAILER_OWN)
		return;
	json_uint(j, "term", t->term);
	json_uint(j, "node", t->node);
	json_open_array(j, "flags");
	for (size_t i = 0; i < NFLAGS; i++)
		if ((t->flags & flags[i].flag) != 0)
			json_string(j, NULL, flags[i].name);
	json_close_array(j);
}

static void
json_packet(struct json *j, const struct packet *p)
{
	char addr[64];

	if (p->family == 0) {
		json_null(j, "source");
		json_null(j, "destination");
		return;
	}
	address_text(&p->src, addr, sizeof(addr));
	json_string(j, "source", addr);
	address_text(&p->dst, addr, sizeof(addr));
	json_string(j, "destination", addr);
	json_uint(j, "ttl", p->ttl);
}

void
heard_json(FILE *out, const struct heard *h)
{
	char when[TIME_MAX];
	struct json j;

	json_init(&j, out);
	time_text(h->wall_ns, when);
	json_open(&j, NULL);
	json_string(&j, "time", when);
	json_packet(&j, &h->packet);
	json_string(&j, "kind", kind_name(h->advert.protocol));
	if (h->advert.message_len != 0)
		json_message(&j, &h->advert);
	else
		json_no_message(&j, h);
	json_string(&j, "checksum", checksum_name(h));
	json_string(&j, "auth", auth_name(h->advert.auth));
	json_trailer(&j, &h->advert.trailer);
	json_string(&j, "pair", h->pair);
	json_string(&j, "verdict", verdict_text(h));
	json_string(&j, "why", why_text(h));
	json_close(&j);
	json_end_line(&j);
}
