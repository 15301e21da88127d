/* SPDX-License-Identifier: ISC */

/*
 * vipctl: fills in the templates of problem_texts.c from the records.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "problems.h"
#include "syncview.h"
#include "text.h"
#include "view.h"

const struct problem_text *
problem_find(uint32_t number)
{
	size_t i;

	for (i = 0; i < problem_texts_count; i++)
		if (problem_texts[i].number == number)
			return &problem_texts[i];
	return NULL;
}

const struct problem_text *
problem_find_id(const char *id)
{
	char own[PROBLEM_ID_SIZE];
	size_t i;

	for (i = 0; i < problem_texts_count; i++) {
		problem_id(problem_texts[i].number, own);
		if (strcasecmp(own, id) == 0)
			return &problem_texts[i];
	}
	return NULL;
}

void
problem_id(uint32_t number, char id[PROBLEM_ID_SIZE])
{
	const struct problem_text *t = problem_find(number);

	snprintf(id, PROBLEM_ID_SIZE, "%c%02u", t != NULL ? t->letter : 'W',
	    (unsigned)(number % 1000));
}

bool
problem_is_data(uint32_t number)
{
	return (number >= PROBLEM_DATA_NOT_READY &&
	    number <= PROBLEM_STORE_DAMAGED) ||
	    (number >= PROBLEM_MIRROR_DOWN && number <= PROBLEM_PARTNER_OTHER);
}

const char *
problem_severity(uint32_t number)
{
	const struct problem_text *t = problem_find(number);

	return t != NULL && t->letter == 'C' ? "critical" : "warning";
}

/* Words whose values mean something of their own in one problem. */
static void
special_value(const struct ctl_problem *pr, const char *word, char *buf,
    size_t size)
{
	if (strcmp(word, "failed") == 0)
		snprintf(buf, size, "%s", pr->value[1] != 0 ?
		    "could not be stopped" : "failed for good");
	else if (strcmp(word, "manager") == 0 && pr->value[1] == 1)
		snprintf(buf, size, "systemd-networkd");
	else if (strcmp(word, "manager") == 0 && pr->value[1] == 2)
		snprintf(buf, size, "NetworkManager");
	else if (strcmp(word, "protocol") == 0 &&
	    pr->value[1] >= PROTOCOL_CARP && pr->value[1] <= PROTOCOL_VRRP3)
		snprintf(buf, size, "%s", pr->value[1] == PROTOCOL_CARP ?
		    "CARP" : pr->value[1] == PROTOCOL_VRRP2 ? "VRRP 2" :
		    "VRRP 3");
	else if (strcmp(word, "times") == 0 && pr->value[0] > 1)
		snprintf(buf, size, "%" PRIu64 " times", pr->value[0]);
	else if (strcmp(word, "second") == 0 && pr->value[1] != 0)
		snprintf(buf, size, "%" PRIu64, pr->value[1]);
}

/* The words a template may use; "" stands for not known. */
static void
word_value(const struct view_pair *vp, const struct ctl_problem *pr,
    const char *word, char *buf, size_t size)
{
	static const uint8_t no_mac[6];
	const struct ctl_peer *self = pair_self(vp);
	const struct ctl_peer *partner = pair_partner(vp);

	buf[0] = '\0';
	if (strcmp(word, "pair") == 0)
		snprintf(buf, size, "%s", vp->p.name);
	else if (strcmp(word, "vhid") == 0)
		snprintf(buf, size, "%u", vp->p.vhid);
	else if (strcmp(word, "interface") == 0)
		snprintf(buf, size, "%s", vp->p.interface);
	else if (strcmp(word, "service") == 0)
		service_label(vp, buf, size);
	else if (strcmp(word, "vip") == 0 && vp->naddrs > 0)
		address_text(&vp->addr[0].address, buf, size);
	else if (strcmp(word, "self") == 0 && self != NULL)
		snprintf(buf, size, "%s", self->name);
	else if (strcmp(word, "own") == 0 && self != NULL)
		address_text(&self->address, buf, size);
	else if (strcmp(word, "partner") == 0 && partner != NULL)
		snprintf(buf, size, "%s", partner->name);
	else if (strcmp(word, "address") == 0 && pr->address.family != 0)
		address_text(&pr->address, buf, size);
	else if (strcmp(word, "mac") == 0 &&
	    memcmp(pr->mac, no_mac, sizeof(no_mac)) != 0)
		snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x",
		    pr->mac[0], pr->mac[1], pr->mac[2], pr->mac[3],
		    pr->mac[4], pr->mac[5]);
	else if (strcmp(word, "error") == 0 && pr->error != 0)
		snprintf(buf, size, "%s", strerror(pr->error));
	else if (strcmp(word, "age") == 0 && pr->age_ns >= 0)
		age_text(pr->age_ns, buf, size);
	else if (strcmp(word, "interval") == 0)
		seconds_text(vp->p.interval_ms * NS_PER_MS, buf, size);
	else if (strcmp(word, "reason") == 0)
		snprintf(buf, size, "%s", vp->p.maint_reason);
	else {
		special_value(pr, word, buf, size);
		if (buf[0] == '\0')
			data_word(vp, pr, word, buf, size);
	}
}

/* A line being written; `all` says that no word was unknown. */
struct line {
	char	*buf;
	size_t	 size, len;
	bool	 all;
	const struct problem_words *more;
};

/* Words of the one who found it; NULL: none of them. */
static const char *
more_value(const struct problem_words *more, const char *word)
{
	static const struct problem_words none = { "", "", "" };

	if (more == NULL)
		more = &none;
	if (strcmp(word, "detail") == 0)
		return more->detail;
	if (strcmp(word, "advice") == 0)
		return more->advice;
	return strcmp(word, "free") == 0 ? more->free : NULL;
}

static void
put(struct line *l, const char *s, size_t n)
{
	if (n > l->size - 1 - l->len)
		n = l->size - 1 - l->len;
	memcpy(l->buf + l->len, s, n);
	l->len += n;
	l->buf[l->len] = '\0';
}

static void
write_template(const struct view_pair *vp, const struct ctl_problem *pr,
    const char *t, struct line *l)
{
	char word[16], value[SYNCVIEW_TEXT_MAX];
	size_t n, optional = 0;
	const char *more;

	for (; *t != '\0'; t += n) {
		n = 1;
		if (*t == '[') {
			optional = l->len;
			l->all = true;
		} else if (*t == ']') {
			if (!l->all)
				l->len = optional;
			l->buf[l->len] = '\0';
		} else if (*t == '{') {
			n = strcspn(t, "}") + 1;
			snprintf(word, sizeof(word), "%.*s", (int)n - 2,
			    t + 1);
			more = more_value(l->more, word);
			if (more != NULL)
				snprintf(value, sizeof(value), "%s", more);
			else
				word_value(vp, pr, word, value,
				    sizeof(value));
			if (value[0] == '\0')
				l->all = false;
			put(l, value, strlen(value));
		} else
			put(l, t, 1);
	}
}

static void
write_to(const struct view_pair *vp, const struct ctl_problem *pr,
    const struct problem_words *more, const char *t, char *buf, size_t size)
{
	struct line l = { .buf = buf, .size = size, .more = more };

	buf[0] = '\0';
	write_template(vp, pr, t, &l);
	text_clean(buf);
}

void
problem_write_text_more(const struct view_pair *vp,
    const struct ctl_problem *pr, const struct problem_words *more,
    char *buf, size_t size)
{
	const struct problem_text *t = problem_find(pr->number);

	if (t == NULL) {
		snprintf(buf, size, "problem %u, which this vipctl does not "
		    "know", pr->number);
		return;
	}
	write_to(vp, pr, more, t->text, buf, size);
}

void
problem_write_fix_more(const struct view_pair *vp,
    const struct ctl_problem *pr, const struct problem_words *more,
    char *buf, size_t size)
{
	const struct problem_text *t = problem_find(pr->number);

	if (t == NULL) {
		snprintf(buf, size, "install the vipctl that belongs to the "
		    "running vrrpd");
		return;
	}
	write_to(vp, pr, more, t->fix, buf, size);
}

void
problem_write_text(const struct view_pair *vp, const struct ctl_problem *pr,
    char *buf, size_t size)
{
	problem_write_text_more(vp, pr, NULL, buf, size);
}

void
problem_write_fix(const struct view_pair *vp, const struct ctl_problem *pr,
    char *buf, size_t size)
{
	problem_write_fix_more(vp, pr, NULL, buf, size);
}
