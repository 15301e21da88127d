/* SPDX-License-Identifier: ISC */

/*
 * vipctl monitor: what a node with this configuration would say of an advert
 * of a capture.  The same codecs and the same rules as in the elector; only
 * the floors are the capture's own.
 */
#include <string.h>

#include "auth.h"
#include "hmac.h"
#include "monitor.h"

bool
heard_parse(struct heard *h, const uint8_t *ip, size_t len, size_t whole)
{
	enum verdict v = packet_parse(ip, len, &h->packet);

	h->advert = (struct advert){ 0 };
	if (v == ADVERT_TYPE)
		return false;			/* not protocol 112 */
	/* A whole packet of another kind may be short as well. */
	if (v == ADVERT_LENGTH && h->packet.family == 0 && len == whole)
		return false;
	if (v == ADVERT_OK)
		v = advert_decode(&h->packet, &h->advert);
	else
		h->missing = whole - len;
	h->verdict = v;
	return true;
}

/* The node of the pair that has this address, or NULL. */
static const struct conf_node *
node_of(const struct conf *c, const struct conf_pair *p,
    const struct conf_addr *src)
{
	for (uint32_t i = 0; i < p->nnodes; i++) {
		const struct conf_node *n = conf_pair_node(c, p, i);

		if (conf_addr_equal(&n->address, src))
			return n;
	}
	return NULL;
}

/*
 * Who may speak for the pair, as the elector asks it.  A link-local source
 * says nothing of the node: there only the signature does.
 */
static enum verdict
sender_judge(const struct heard *h, const struct conf *c,
    const struct conf_pair *p, const struct pair_secret *secret)
{
	const struct conf_node *node = node_of(c, p, &h->packet.src);
	const struct conf_addr group = advert_group(h->packet.family);
	const struct auth_rule rule = { .mode = p->auth_mode,
	    .protocol = p->protocol, .unicast = p->unicast,
	    .has_keys = secret != NULL && secret->nkeys > 0 };
	const struct auth_sender from = {
	    .known = node != NULL || h->packet.family == 6,
	    .foreign = node != NULL && node->foreign,
	    .to_group = conf_addr_equal(&h->packet.dst, &group) };

	if (h->advert.protocol != p->protocol)
		return ADVERT_OK;		/* named as such further on */
	return auth_judge(&rule, &from, &h->advert);
}

static enum verdict
pair_judge(struct heard *h, const struct conf *c, const struct conf_pair *p,
    const struct pair_secret *secret)
{
	const struct advert_context cx = { .protocol = p->protocol,
	    .vhid = p->vhid, .interval_ms = p->interval_ms,
	    .secret = secret, .vip = conf_pair_addr(c, p, 0),
	    .nvips = p->naddrs, .hmac = hmac_of };
	enum verdict v = advert_judge(&h->packet, &h->advert, &cx), sender;

	h->unverified = secret == NULL &&
	    (v == ADVERT_OK || v == ADVERT_KEY_UNKNOWN);
	if (h->unverified)
		v = ADVERT_OK;
	sender = sender_judge(h, c, p, secret);
	return sender != ADVERT_OK ? sender : v;
}

/*
 * An id may stand for one pair on each interface, and a capture does not say
 * which interface it was: the pair that fits best is taken.
 */
static int
fit(const struct heard *h, const struct conf *c, const struct conf_pair *p)
{
	return (h->verdict == ADVERT_OK) * 2 +
	    (node_of(c, p, &h->packet.src) != NULL);
}

static struct monitor_sender *
sender_find(struct monitor_judge *j, const struct heard *h)
{
	const struct monitor_sender new = { .src = h->packet.src,
	    .protocol = h->advert.protocol, .vhid = h->advert.vhid,
	    .type = h->advert.trailer.type };
	struct monitor_sender *s = j->sender;

	for (uint32_t i = 0; i < j->nsenders; i++, s++)
		if (s->protocol == new.protocol && s->vhid == new.vhid &&
		    s->type == new.type && conf_addr_equal(&s->src, &new.src))
			return s;
	if (j->nsenders == MONITOR_SENDERS_MAX)
		return NULL;
	j->nsenders++;
	*s = new;
	return s;
}

/* Each sender's numbers only grow; a number seen before is a replay. */
static enum verdict
replay_judge(struct monitor_judge *j, const struct heard *h)
{
	struct monitor_sender *s;

	if (h->advert.trailer.type == 0)
		return ADVERT_OK;
	s = sender_find(j, h);
	if (s == NULL)
		return ADVERT_OK;
	if (h->advert.trailer.seq <= s->seq)
		return ADVERT_REPLAY;
	s->seq = h->advert.trailer.seq;
	return ADVERT_OK;
}

void
heard_judge(struct heard *h, struct monitor_judge *j)
{
	const enum verdict shape = h->verdict;
	struct heard best = *h;
	int best_fit = -1;

	h->unknown = j->conf == NULL;
	if (shape != ADVERT_OK || h->unknown)
		return;
	best.verdict = ADVERT_OTHER_VHID;	/* 2.11 */
	for (uint32_t i = 0; i < j->conf->npairs; i++) {
		const struct conf_pair *p = conf_pair(j->conf, i);

		if (p->vhid != h->advert.vhid)
			continue;
		h->pair = conf_string(j->conf, p->name);
		h->verdict = pair_judge(h, j->conf, p,
		    j->secrets != NULL ? &j->secrets->pair[i] : NULL);
		if (fit(h, j->conf, p) > best_fit) {
			best_fit = fit(h, j->conf, p);
			best = *h;
		}
	}
	*h = best;
	if (h->verdict == ADVERT_OK)
		h->verdict = replay_judge(j, h);
}
