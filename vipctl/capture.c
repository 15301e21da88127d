/* SPDX-License-Identifier: ISC */

/*
 * vipctl monitor: capture files.  The file may be anybody's: nothing in it
 * is believed, and no byte behind what was captured is read.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "mono.h"
#include "capture.h"
#include "wire.h"

#define TYPE_IPV4	0x0800
#define TYPE_IPV6	0x86dd
#define TYPE_VLAN	0x8100
#define TYPE_QINQ	0x88a8
#define VLANS_MAX	4

/* Where a link type has its protocol and where its payload begins. */
struct link {
	int	type;		/* DLT_* */
	size_t	protocol_at;
	size_t	payload_at;
	bool	bare;		/* no protocol: IP follows, any version */
};

static const struct link links[] = {
	{ .type = DLT_EN10MB, .protocol_at = 12, .payload_at = 14 },
	{ .type = DLT_LINUX_SLL, .protocol_at = 14, .payload_at = 16 },
	{ .type = DLT_LINUX_SLL2, .protocol_at = 0, .payload_at = 20 },
	{ .type = DLT_RAW, .bare = true },
	{ .type = DLT_IPV4, .bare = true },
	{ .type = DLT_IPV6, .bare = true },
	{ .type = DLT_NULL, .payload_at = 4, .bare = true },
	{ .type = DLT_LOOP, .payload_at = 4, .bare = true },
};

static const struct link *
link_find(int type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

/*
 * Moves p from the link header to the IP header.  False when it is something
 * else.  A frame cut within the link header may be anything: it stays, with
 * no byte of IP, for the caller to report.
 */
static bool
unwrap(const struct link *link, struct capture_packet *p)
{
	size_t at = link->payload_at;
	uint16_t type;

	if (p->len < at) {
		p->whole -= p->len;
		p->ip += p->len;
		p->len = 0;
		return p->whole > 0;
	}
	if (!link->bare) {
		type = get16(p->ip + link->protocol_at);
		for (int i = 0; i < VLANS_MAX && (type == TYPE_VLAN ||
		    type == TYPE_QINQ) && p->len - at >= 4; i++) {
			type = get16(p->ip + at + 2);
			at += 4;
		}
		if (type != TYPE_IPV4 && type != TYPE_IPV6)
			return false;
	}
	p->ip += at;
	p->len -= at;
	p->whole -= at;
	return true;
}

static struct capture_packet
packet_of(const struct pcap_pkthdr *head, const u_char *frame)
{
	/* Opened for nanoseconds: tv_usec holds them, whatever the file has. */
	return (struct capture_packet){
		.wall_ns = (int64_t)head->ts.tv_sec * NS_PER_S +
		    (int64_t)head->ts.tv_usec,
		.ip = frame,
		.len = head->caplen,
		.whole = head->len > head->caplen ? head->len : head->caplen,
	};
}

static bool
read_all(pcap_t *pcap, const char *path, capture_fn *fn, void *arg,
    char *why)
{
	const struct link *link = link_find(pcap_datalink(pcap));
	struct pcap_pkthdr *head;
	struct capture_packet p;
	const u_char *frame;
	int got;

	if (link == NULL) {
		const char *name = pcap_datalink_val_to_name(
		    pcap_datalink(pcap));

		snprintf(why, CAPTURE_WHY_MAX, "%s: link type %s (%d) is not "
		    "understood, expected Ethernet, Linux cooked or raw IP",
		    path, name != NULL ? name : "?", pcap_datalink(pcap));
		return false;
	}
	while ((got = pcap_next_ex(pcap, &head, &frame)) == 1) {
		p = packet_of(head, frame);
		if (unwrap(link, &p) && !fn(&p, arg))
			return true;
	}
	if (got != PCAP_ERROR_BREAK) {
		snprintf(why, CAPTURE_WHY_MAX, "%s: %s", path,
		    pcap_geterr(pcap));
		return false;
	}
	return true;
}

bool
capture_read(const char *path, capture_fn *fn, void *arg,
    char why[CAPTURE_WHY_MAX])
{
	char error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap;
	bool good;

	pcap = pcap_open_offline_with_tstamp_precision(path,
	    PCAP_TSTAMP_PRECISION_NANO, error);
	if (pcap == NULL) {
		/* libpcap names the file in some of its texts only. */
		if (strncmp(error, path, strlen(path)) == 0)
			snprintf(why, CAPTURE_WHY_MAX, "%s", error);
		else
			snprintf(why, CAPTURE_WHY_MAX, "%s: %s", path, error);
		return false;
	}
	good = read_all(pcap, path, fn, arg, why);
	pcap_close(pcap);
	return good;
}
