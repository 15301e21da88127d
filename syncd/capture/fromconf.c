/* SPDX-License-Identifier: ISC */

/* The data set as the configuration has it: capture, loader, vipctl. */

#include "conf.h"
#include "pattern.h"

static enum sync_kind
kind_of(uint8_t kind)
{
	switch ((enum conf_sync_kind)kind) {
	case CONF_SYNC_SQLITE:
		return SYNC_SQLITE;
	case CONF_SYNC_TREE:
		return SYNC_TREE;
	case CONF_SYNC_FILE:
		return SYNC_FILE;
	case CONF_SYNC_NEVER:
		break;
	}
	return SYNC_NEVER;
}

bool
pattern_from_conf(struct sync_conf *sc, struct sync_entry *entry,
    const struct conf *c, const struct conf_pair *p)
{
	const struct conf_sync_entry *e;
	uint32_t i;

	if (p->sync.nentries > SYNC_ENTRIES_MAX)
		return false;
	for (i = 0; i < p->sync.nentries; i++) {
		e = conf_pair_sync(c, p, i);
		entry[i] = (struct sync_entry){
			.kind = kind_of(e->kind),
			.optional = e->optional,
			.glob = conf_string(c, e->pattern),
		};
	}
	*sc = (struct sync_conf){
		.base = conf_string(c, p->sync.base),
		.n = p->sync.nentries,
		.entry = entry,
	};
	return true;
}
