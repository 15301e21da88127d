/* SPDX-License-Identifier: ISC */

/*
 * LIVE: the epoch in which the live data of this node were last its own.
 * The capture writes it before a service may start; after a crash it tells
 * whether there may be live data that no generation has.
 */

#include <errno.h>
#include <stdlib.h>

#include "inside.h"

#define LIVE_MAGIC	"vipair live 1"

enum store_result
store_live_get(struct store *s, struct epoch *e)
{
	uint64_t node, term;
	char *body, *text;
	bool good;

	*e = (struct epoch){ .term = 0 };
	text = record_read(s->dir[DIR_ROOT], "LIVE", LIVE_MAGIC, &body);
	if (text == NULL && errno == ENOENT)
		return STORE_OK;
	if (text == NULL && errno != EBADMSG && errno != EFBIG)
		return fail_errno(s, "LIVE");
	good = text != NULL && record_u64(&body, "term", &term) &&
	    record_u64(&body, "node", &node) && *body == '\0' &&
	    term <= INT32_MAX && node <= EPOCH_NODE_MAX;
	free(text);
	if (!good)
		return fail(s, STORE_DAMAGED, "LIVE does not verify");
	*e = (struct epoch){ .term = (uint32_t)term, .node = (uint32_t)node };
	return STORE_OK;
}

enum store_result
store_live_set(struct store *s, const struct epoch *e)
{
	struct epoch is;
	char body[64];

	if (!s->locked)
		return fail(s, STORE_BUSY, "store is not locked");
	if (store_live_get(s, &is) == STORE_OK && epoch_cmp(&is, e) == 0)
		return STORE_OK;
	(void)fmt_into(body, sizeof(body), "term %u\nnode %u\n", e->term,
	    e->node);
	if (record_write(s->dir[DIR_ROOT], "LIVE", LIVE_MAGIC, body,
	    "live") == -1)
		return fail_errno(s, "LIVE");
	return STORE_OK;
}
