/* SPDX-License-Identifier: ISC */

/*
 * Elector: its state handed to a newer self (SIGUSR2).  Written into a
 * descriptor of the supervisor's and read back by the next elector, which
 * takes it only when version, sizes and configuration agree; else it starts
 * as after a crash, into standby.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "elector.h"

#define EXPORT_MAGIC	0x76697078u	/* "vipx" */
#define EXPORT_VERSION	1u

struct export_head {
	uint32_t	magic, version;
	uint32_t	head_size, pair_size, election_size;
	uint32_t	serial, npairs;
	uint32_t	fingerprint;
	uint64_t	nhistory;
	struct msg_keep_history history[HISTORY_MAX];
};

static bool
write_all(int fd, const void *from, size_t len)
{
	const uint8_t *at = from;
	ssize_t n;

	while (len > 0) {
		n = write(fd, at, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
read_all(int fd, void *to, size_t len, off_t offset)
{
	uint8_t *at = to;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, at, len, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		offset += n;
		len -= (size_t)n;
	}
	return true;
}

static void
fill_head(const struct elector *el, struct export_head *h)
{
	memset(h, 0, sizeof(*h));
	h->magic = EXPORT_MAGIC;
	h->version = EXPORT_VERSION;
	h->head_size = sizeof(*h);
	h->pair_size = sizeof(struct pair);
	h->election_size = sizeof(struct election);
	h->serial = el->conf->serial;
	h->npairs = el->conf->npairs;
	h->fingerprint = el->conf->fingerprint;
}

void
state_export(struct elector *el, int fd)
{
	static struct export_head h;
	uint32_t i;
	bool ok;

	fill_head(el, &h);
	h.nhistory = el->nhistory;
	memcpy(h.history, el->history, sizeof(h.history));
	ok = write_all(fd, &h, sizeof(h));
	for (i = 0; ok && i < el->conf->npairs; i++)
		ok = write_all(fd, pair_at(el, i), sizeof(struct pair));
	if (!ok)
		log_warn("state: cannot be handed on");
	/* Half of it has no good end: the next one starts as standby. */
	_exit(ok ? 0 : 1);
}

static bool
fits(const struct export_head *h, const struct export_head *ours)
{
	return h->magic == ours->magic && h->version == ours->version &&
	    h->head_size == ours->head_size &&
	    h->pair_size == ours->pair_size &&
	    h->election_size == ours->election_size &&
	    h->npairs == ours->npairs && h->serial == ours->serial &&
	    h->fingerprint == ours->fingerprint;
}

/* The answer to a job went to the one that asked: it is asked again. */
static void
resume(struct elector *el, struct pair *p)
{
	const struct conf_pair *cp = pair_conf(el, p);

	service_config(&p->service_cfg, &cp->service, cp->has_sync);
	if (p->service.job != 0)
		service_unsent(&p->service, el->now);
	if (p->plan.job != 0)
		data_unsent(&p->plan, el->now);
	p->word.head.type = MSG_NONE;
	if (p->keep_term != 0)
		p->owed |= OWED_TERM;
	p->seq.waiting = false;
	p->owed |= OWED_CEILING;
	p->retry = mono_after(el->now, RETRY_NS);
	if (p->started)
		p->import_wait = mono_after(el->now, IMPORT_WAIT_NS);
	port_want(el, p);
	pair_due(el, p);
}

static bool
is_sound(const struct elector *el, const struct pair *p, uint32_t i)
{
	const struct conf_pair *cp = conf_pair(el->conf, i);

	if (p->index != i || !p->used)
		return false;
	if (p->election.state >= STATE_COUNT ||
	    p->service.state > SERVICE_FAILED)
		return false;
	return !p->configured || p->self < cp->nnodes;
}

void
state_import(struct elector *el, int fd)
{
	static struct export_head h, ours;
	static struct pair p;
	off_t at = sizeof(h);
	uint32_t i;

	fill_head(el, &ours);
	if (!read_all(fd, &h, sizeof(h), 0) || !fits(&h, &ours)) {
		log_warnx("state: of another build, starting as standby");
		return;
	}
	for (i = 0; i < h.npairs; i++, at += sizeof(p)) {
		if (!read_all(fd, &p, sizeof(p), at) || !is_sound(el, &p, i)) {
			log_warnx("state: pair %u is not whole, it starts as "
			    "standby", i);
			continue;
		}
		*pair_at(el, i) = p;
		if (p.configured)
			pair_configure(el, pair_at(el, i));
		resume(el, pair_at(el, i));
	}
	el->nhistory = h.nhistory;
	memcpy(el->history, h.history, sizeof(el->history));
	log_debug("state: taken over for %u pairs", h.npairs);
}
