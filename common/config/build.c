/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: the checked tree becomes the blob of
 * conf.h, and the secrets theirs.  Only called when there is no error.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ast.h"

/* The blob while it grows; everything was counted before. */
struct builder {
	struct config_file *f;
	struct conf	*c;
	struct conf_pair *pair;
	struct conf_addr *addr;
	struct conf_node *node;
	struct conf_sync_entry *sync;
	char		*strings;
	uint32_t	naddrs, nnodes, nsyncs;
	uint32_t	used, cap;	/* of strings */
};

static conf_str
add_string(struct builder *b, const struct word *w)
{
	conf_str at = b->used;

	if (!is_set(w) || w->len == 0)
		return 0;
	assert(b->cap - b->used > w->len);
	memcpy(b->strings + at, w->s, w->len + 1);
	b->used += w->len + 1;
	return at;
}

static void
build_nodes(struct builder *b, const struct ast_pair *p)
{
	const struct ast_node *n;

	for (n = p->node; n != NULL; n = n->next)
		b->node[b->nnodes++] = (struct conf_node){
			.name = add_string(b, &n->name),
			.interface = add_string(b, &n->interface),
			.address = n->addr,
			.priority = (uint8_t)n->priority_value,
			.skew = (uint8_t)n->skew_value,
			.rank = (uint8_t)n->rank,
			.prefer = place_is_set(n->prefer),
			.foreign = place_is_set(n->foreign),
		};
}

static void
build_service(struct builder *b, const struct ast_service *s,
    struct conf_service *out)
{
	const struct ast_health *h;

	/* Timeouts too stay zero where there is nothing to time. */
	if (s->kind == SERVICE_NONE)
		return;
	*out = (struct conf_service){
		.kind = (uint8_t)s->kind,
		.give_up_after = (uint16_t)s->give_up_value,
		.unit = add_string(b, &s->unit),
		.start = add_string(b, &s->start),
		.stop = add_string(b, &s->stop),
		.check = add_string(b, &s->check),
		.start_timeout_ms = s->start_timeout_ms,
		.stop_timeout_ms = s->stop_timeout_ms,
		.check_every_ms = s->check_every_ms,
	};
	for (h = s->health; h != NULL; h = h->next)
		out->health[out->nhealth++] = (struct conf_health){
			.kind = (uint8_t)h->kind,
			.port = (uint16_t)h->port_value,
			.status = (uint16_t)h->status_value,
			.command = h->kind == HEALTH_TCP ? 0 :
			    add_string(b, &h->arg),
		};
}

static void
build_sync(struct builder *b, const struct ast_sync *s, struct conf_sync *out)
{
	const struct ast_sync_entry *e;

	if (!place_is_set(s->at))
		return;
	*out = (struct conf_sync){
		.base = add_string(b, &s->base),
		.before_capture = add_string(b, &s->before),
		.first_entry = b->nsyncs,
		.nentries = s->nentries,
		.every_ms = s->every_ms,
		.keep_generations = s->keep_value,
		.store_max_bytes = s->store_bytes,
		.bandwidth = s->bandwidth_bytes,
		.on_change = s->on_change,
	};
	for (e = s->entry; e != NULL; e = e->next)
		b->sync[b->nsyncs++] = (struct conf_sync_entry){
			.kind = (uint8_t)e->kind,
			.optional = e->optional,
			.pattern = add_string(b, &e->w),
		};
}

static void
build_pair(struct builder *b, const struct ast_pair *p, struct conf_pair *out)
{
	const struct word_list *t;
	const struct ast_addr *a;

	*out = (struct conf_pair){
		.name = add_string(b, &p->name),
		.interface = add_string(b, &p->interface),
		.secret_file = add_string(b, &p->secret_file),
		.notify = add_string(b, &p->notify),
		.first_addr = b->naddrs,
		.naddrs = p->naddrs,
		.first_node = b->nnodes,
		.nnodes = p->nnodes,
		.interval_ms = p->interval_ms,
		.claim_spacing_ms = p->spacing_ms,
		.flap_window_ms = p->flap_window_ms,
		.flap_limit = (uint16_t)p->flap_limit_value,
		.partner_ssh_port = (uint16_t)p->port_value,
		.protocol = (uint8_t)p->protocol_value,
		.vhid = (uint8_t)p->vhid_value,
		.auth_mode = (uint8_t)p->auth_value,
		.preempt = place_is_set(p->preempt),
		.has_keys = p->secret == NULL ? is_set(&p->secret_file) :
		    p->secret->nkeys > 0,
		.has_sync = place_is_set(p->sync.at),
	};
	for (t = p->track; t != NULL; t = t->next)
		out->track[out->ntracks++] = add_string(b, &t->w);
	for (a = p->addr; a != NULL; a = a->next)
		b->addr[b->naddrs++] = a->value;
	build_nodes(b, p);
	build_service(b, &p->service, &out->service);
	build_sync(b, &p->sync, &out->sync);
}

static void
count(const struct config_file *f, struct conf *c)
{
	const struct ast_pair *p;

	for (p = f->pair; p != NULL; p = p->next) {
		c->npairs++;
		c->naddrs += p->naddrs;
		c->nnodes += p->nnodes;
		c->nsyncs += p->sync.nentries;
	}
}

/* Room for all parts, each aligned for what it holds. */
static void
lay_out(struct builder *b, const struct conf *counts)
{
	size_t fixed = sizeof(*b->c) +
	    counts->npairs * sizeof(*b->pair) +
	    counts->naddrs * sizeof(*b->addr) +
	    counts->nnodes * sizeof(*b->node) +
	    counts->nsyncs * sizeof(*b->sync);

	static_assert(sizeof(struct conf) % 4 == 0, "alignment of pairs");
	static_assert(sizeof(struct conf_addr) % 4 == 0, "of nodes");
	/* Each string is in the file, with a blank or quote around it. */
	b->cap = (uint32_t)(b->f->len + 2 * (CONFIG_PATH_MAX + 1) +
	    strlen(b->f->path) + 4);
	b->c = calloc(1, fixed + b->cap);
	if (b->c == NULL)
		abort();
	*b->c = *counts;
	b->pair = (struct conf_pair *)(b->c + 1);
	b->addr = (struct conf_addr *)(b->pair + counts->npairs);
	b->node = (struct conf_node *)(b->addr + counts->naddrs);
	b->sync = (struct conf_sync_entry *)(b->node + counts->nnodes);
	b->strings = (char *)(b->sync + counts->nsyncs);
	b->used = 1;			/* offset 0: the empty string */
	b->c->size = (uint32_t)fixed;
}

static void
build_secrets(struct config_file *f, const struct conf *c)
{
	size_t len = sizeof(struct secrets) +
	    c->npairs * sizeof(struct pair_secret);
	struct secrets *s = calloc(1, len);
	const struct ast_pair *p;
	uint32_t i = 0;

	if (s == NULL)
		abort();
	s->magic = CONF_MAGIC;
	s->version = CONF_VERSION;
	s->serial = c->serial;
	s->npairs = c->npairs;
	for (p = f->pair; p != NULL; p = p->next, i++)
		if (p->secret != NULL)
			s->pair[i] = *p->secret;
	f->c->secrets = s;
	f->c->secrets_len = len;
}

void
build(struct config_file *f)
{
	struct conf counts = {
		.magic = CONF_MAGIC,
		.version = CONF_VERSION,
		.serial = f->serial,
	};
	struct word path = { .s = f->path, .len = (uint32_t)strlen(f->path) };
	struct builder b = { .f = f };
	const struct ast_pair *p;
	uint32_t i = 0;

	count(f, &counts);
	lay_out(&b, &counts);
	b.c->run_dir = add_string(&b, &f->run_dir);
	b.c->state_dir = add_string(&b, &f->state_dir);
	for (p = f->pair; p != NULL; p = p->next)
		build_pair(&b, p, &b.pair[i++]);
	b.c->config_path = add_string(&b, &path);
	/* The blob ends on a multiple of 4; the pool with NUL bytes. */
	b.used = (b.used + 3) & ~3u;
	assert(b.used <= b.cap);
	b.c->strings_len = b.used;
	b.c->size += b.used;
	if (b.c->size > CONF_BLOB_MAX) {
		config_error(f, PLACE_FILE, NULL, "the configuration is too "
		    "large: expected fewer pairs or addresses");
		free(b.c);
		return;
	}
	b.c->fingerprint = config_fingerprint(b.c);
	f->c->conf = b.c;
	f->c->conf_len = b.c->size;
	if (f->mode == CONFIG_FULL)
		build_secrets(f, b.c);
}
