/* SPDX-License-Identifier: ISC */

/*
 * Every room: is this blob a configuration, and access to its parts.  The
 * supervisor's parser made it, yet each room checks it once, because an index
 * that is out of range would be a wild pointer in all of them.
 *
 * conf_verify() must never read beyond len and never follow an index that it
 * has not checked.  The accessors trust a verified blob.
 */

#include <assert.h>
#include <string.h>

#include "conf.h"

#define IFNAME_MAX	15
#define MS_PER_S	1000u
#define MS_PER_DAY	86400000u

static_assert(sizeof(struct conf) % 4 == 0, "pairs follow aligned");
static_assert(sizeof(struct conf_pair) % 4 == 0, "addresses follow aligned");
static_assert(sizeof(struct conf_addr) == 20, "nodes follow aligned");
static_assert(sizeof(struct conf_addr) % 4 == 0, "nodes follow aligned");
static_assert(_Alignof(struct conf_pair) <= 4, "blob needs no more than 4");
static_assert(_Alignof(struct conf_node) <= 4, "blob needs no more than 4");
static_assert(sizeof(struct conf_node) % 4 == 0, "sync entries aligned");
static_assert(sizeof(bool) == 1, "a bool is looked at as one byte");

static const struct conf_pair *
pairs(const struct conf *c)
{
	return (const void *)((const char *)c + sizeof(*c));
}

static const struct conf_addr *
addrs(const struct conf *c)
{
	return (const void *)(pairs(c) + c->npairs);
}

static const struct conf_node *
nodes(const struct conf *c)
{
	return (const void *)(addrs(c) + c->naddrs);
}

static const struct conf_sync_entry *
syncs(const struct conf *c)
{
	return (const void *)(nodes(c) + c->nnodes);
}

static const char *
strings(const struct conf *c)
{
	return (const char *)(syncs(c) + c->nsyncs);
}

/* A byte other than 0 or 1 in a bool is undefined to look at as a bool. */
static bool
good_bool(const bool *b)
{
	unsigned char byte;

	memcpy(&byte, b, 1);
	return byte <= 1;
}

static bool
good_string(const struct conf *c, conf_str s)
{
	return s < c->strings_len;
}

/* At least `least` and at most `most` bytes long. */
static bool
good_length(const struct conf *c, conf_str s, size_t least, size_t most)
{
	size_t n;

	if (!good_string(c, s))
		return false;
	n = strlen(strings(c) + s);
	return n >= least && n <= most;
}

static bool
good_interval(const struct conf_pair *p)
{
	switch (p->protocol) {
	case PROTOCOL_VRRP3:
		return p->interval_ms >= 10 && p->interval_ms <= 40950;
	case PROTOCOL_VRRP2:
		return p->interval_ms % MS_PER_S == 0 &&
		    p->interval_ms >= MS_PER_S &&
		    p->interval_ms <= 255 * MS_PER_S;
	case PROTOCOL_CARP:
		return p->interval_ms % MS_PER_S == 0 &&
		    p->interval_ms >= MS_PER_S &&
		    p->interval_ms <= 254 * MS_PER_S;
	default:
		return false;
	}
}

static const char *
verify_node(const struct conf *c, const struct conf_pair *p,
    const struct conf_node *n)
{
	if (!good_length(c, n->name, 1, CONF_NAME_MAX))
		return "node: bad name";
	if (!good_length(c, n->interface, 0, IFNAME_MAX))
		return "node: bad interface";
	if (n->address.family != 4 && n->address.family != 6)
		return "node: bad address family";
	if (n->priority < 1 || n->priority > 254)
		return "node: bad priority";
	if (n->skew > 254)
		return "node: bad skew";
	if (n->rank >= p->nnodes)
		return "node: bad rank";
	if (!good_bool(&n->prefer) || !good_bool(&n->foreign))
		return "node: bad flag";
	return NULL;
}

static const char *
verify_nodes(const struct conf *c, const struct conf_pair *p)
{
	const struct conf_node *n = nodes(c) + p->first_node;
	unsigned int ranks = 0;
	const char *error;
	uint32_t i;

	for (i = 0; i < p->nnodes; i++) {
		error = verify_node(c, p, &n[i]);
		if (error != NULL)
			return error;
		/* Two nodes of one rank could open the same epoch. */
		if ((ranks & (1u << n[i].rank)) != 0)
			return "node: rank given twice";
		ranks |= 1u << n[i].rank;
	}
	return NULL;
}

static const char *
verify_health(const struct conf *c, const struct conf_health *h)
{
	if (h->kind < HEALTH_TCP || h->kind > HEALTH_UNIT_ACTIVE)
		return "service: bad kind of health check";
	if (!good_string(c, h->command))
		return "service: bad health command";
	if (h->kind == HEALTH_TCP && h->port == 0)
		return "service: bad health port";
	if ((h->kind == HEALTH_HTTP || h->kind == HEALTH_EXEC) &&
	    strings(c)[h->command] == '\0')
		return "service: empty health command";
	return NULL;
}

static const char *
verify_service(const struct conf *c, const struct conf_service *s)
{
	const char *error;
	unsigned int i;

	if (s->kind > SERVICE_EXEC)
		return "service: bad kind";
	if (s->nhealth > CONF_HEALTH_MAX)
		return "service: too many health checks";
	if (!good_string(c, s->unit) || !good_string(c, s->start) ||
	    !good_string(c, s->stop) || !good_string(c, s->check))
		return "service: bad string";
	if (s->kind == SERVICE_UNIT && strings(c)[s->unit] == '\0')
		return "service: empty unit name";
	if (s->kind == SERVICE_EXEC && (strings(c)[s->start] == '\0' ||
	    strings(c)[s->stop] == '\0'))
		return "service: empty command";
	for (i = 0; i < s->nhealth; i++) {
		error = verify_health(c, &s->health[i]);
		if (error != NULL)
			return error;
	}
	return NULL;
}

static const char *
verify_tracks(const struct conf *c, const struct conf_pair *p)
{
	unsigned int i;

	if (p->ntracks > CONF_TRACKS_MAX)
		return "pair: too many tracked interfaces";
	for (i = 0; i < p->ntracks; i++)
		if (!good_length(c, p->track[i], 1, IFNAME_MAX))
			return "pair: bad tracked interface";
	return NULL;
}

/*
 * Root's loader walks by these: nothing that climbs or names the root, even
 * if the parser let it pass.
 */
static bool
good_relative(const char *s)
{
	size_t n;

	for (;; s += n + 1) {
		n = strcspn(s, "/");
		if (n == 0 || (n == 1 && s[0] == '.') ||
		    (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		if (s[n] == '\0')
			return true;
	}
}

static const char *
verify_sync_entry(const struct conf *c, const struct conf_sync_entry *e)
{
	if (e->kind < CONF_SYNC_SQLITE || e->kind > CONF_SYNC_NEVER)
		return "sync: bad kind of entry";
	if (!good_bool(&e->optional))
		return "sync: bad flag";
	if (!good_length(c, e->pattern, 1, CONF_PATTERN_MAX))
		return "sync: bad pattern";
	if (e->kind == CONF_SYNC_TREE &&
	    strcmp(strings(c) + e->pattern, ".") == 0)
		return NULL;
	return good_relative(strings(c) + e->pattern) ? NULL :
	    "sync: bad pattern";
}

static const char *
verify_sync_values(const struct conf *c, const struct conf_sync *s)
{
	if (!good_length(c, s->base, 2, CONF_PATTERN_MAX) ||
	    strings(c)[s->base] != '/')
		return "sync: bad base";
	if (!good_string(c, s->before_capture))
		return "sync: bad command";
	if (s->every_ms < MS_PER_S || s->every_ms > MS_PER_DAY)
		return "sync: bad interval";
	if (s->keep_generations < 2)
		return "sync: too few generations";
	if (s->store_max_bytes == 0)
		return "sync: bad size of the store";
	return NULL;
}

static const char *
verify_sync(const struct conf *c, const struct conf_pair *p)
{
	static const struct conf_sync none;
	const struct conf_sync *s = &p->sync;
	const char *error;
	uint32_t i;

	if (!good_bool(&s->on_change))
		return "sync: bad flag";
	if (!p->has_sync)
		return memcmp(s, &none, sizeof(none)) == 0 ? NULL :
		    "sync: values without a block";
	if (s->nentries < 1 || s->nentries > CONF_SYNC_ENTRIES_MAX)
		return "sync: bad number of entries";
	if (s->first_entry > c->nsyncs ||
	    s->nentries > c->nsyncs - s->first_entry)
		return "sync: entries out of range";
	error = verify_sync_values(c, s);
	for (i = 0; error == NULL && i < s->nentries; i++)
		error = verify_sync_entry(c, syncs(c) + s->first_entry + i);
	return error;
}

/* Counts and ranges: whatever is an index into another part. */
static const char *
verify_extent(const struct conf *c, const struct conf_pair *p)
{
	const struct conf_addr *a;
	uint32_t i;

	if (p->naddrs < 1 || p->naddrs > CONF_ADDRS_PER_PAIR_MAX)
		return "pair: bad number of addresses";
	if (p->first_addr > c->naddrs ||
	    p->naddrs > c->naddrs - p->first_addr)
		return "pair: addresses out of range";
	if (p->nnodes < 1 || p->nnodes > CONF_NODES_PER_PAIR_MAX)
		return "pair: bad number of nodes";
	if (p->first_node > c->nnodes ||
	    p->nnodes > c->nnodes - p->first_node)
		return "pair: nodes out of range";
	a = addrs(c) + p->first_addr;
	for (i = 0; i < p->naddrs; i++)
		if (a[i].family != 4 && a[i].family != 6)
			return "pair: bad address family";
	return NULL;
}

static const char *
verify_pair_values(const struct conf *c, const struct conf_pair *p)
{
	if (!good_length(c, p->name, 1, CONF_NAME_MAX))
		return "pair: bad name";
	if (!good_length(c, p->interface, 0, IFNAME_MAX))
		return "pair: bad interface";
	if (!good_string(c, p->secret_file) || !good_string(c, p->notify))
		return "pair: bad string";
	if (!good_interval(p))
		return "pair: bad protocol or interval";
	if (p->claim_spacing_ms < 1 || p->claim_spacing_ms > 1000)
		return "pair: bad claim spacing";
	if (p->vhid == 0)
		return "pair: bad vhid";
	if (p->auth_mode > AUTH_RECEIVE_ONLY)
		return "pair: bad authentication mode";
	if (!good_bool(&p->preempt) || !good_bool(&p->unicast) ||
	    !good_bool(&p->has_keys) || !good_bool(&p->has_sync))
		return "pair: bad flag";
	return NULL;
}

static const char *
verify_pair(const struct conf *c, const struct conf_pair *p)
{
	const char *error;

	error = verify_pair_values(c, p);
	if (error == NULL)
		error = verify_extent(c, p);
	if (error == NULL)
		error = verify_tracks(c, p);
	if (error == NULL)
		error = verify_nodes(c, p);
	if (error == NULL)
		error = verify_service(c, &p->service);
	if (error == NULL)
		error = verify_sync(c, p);
	return error;
}

/* The parts must add up to len exactly; 64 bits cannot overflow here. */
static const char *
verify_sizes(const struct conf *c, size_t len)
{
	uint64_t sum;

	if (c->magic != CONF_MAGIC)
		return "blob is no configuration";
	if (c->version != CONF_VERSION)
		return "configuration is of another version of the program";
	if (c->size != len)
		return "configuration has another size than it says";
	if (c->npairs > CONF_PAIRS_MAX)
		return "configuration has too many pairs";
	sum = sizeof(*c) + (uint64_t)c->npairs * sizeof(struct conf_pair) +
	    (uint64_t)c->naddrs * sizeof(struct conf_addr) +
	    (uint64_t)c->nnodes * sizeof(struct conf_node) +
	    (uint64_t)c->nsyncs * sizeof(struct conf_sync_entry) +
	    c->strings_len;
	if (sum != len)
		return "parts of the configuration do not add up to its size";
	if (c->strings_len < 1)
		return "configuration has no strings";
	if (strings(c)[0] != '\0' || strings(c)[c->strings_len - 1] != '\0')
		return "string pool does not begin and end with a NUL";
	if (!good_string(c, c->run_dir) || !good_string(c, c->state_dir) ||
	    !good_string(c, c->config_path))
		return "configuration has a bad path";
	return NULL;
}

const char *
conf_verify(const void *blob, size_t len)
{
	const struct conf *c = blob;
	const char *error;
	uint32_t i;

	assert((uintptr_t)blob % _Alignof(struct conf) == 0);
	if (len < sizeof(*c) || len > CONF_BLOB_MAX)
		return "configuration is too short or too long";
	error = verify_sizes(c, len);
	for (i = 0; error == NULL && i < c->npairs; i++)
		error = verify_pair(c, &pairs(c)[i]);
	return error;
}

static const char *
verify_keys(const struct pair_secret *s)
{
	bool active = s->active == 0;
	unsigned int i, j;

	if (s->nkeys > CONF_KEYS_MAX)
		return "secrets: too many keys";
	for (i = 0; i < s->nkeys; i++) {
		if (s->key[i].id == 0)
			return "secrets: bad key id";
		if (s->key[i].len < CONF_KEY_LEN_MIN ||
		    s->key[i].len > CONF_KEY_LEN_MAX)
			return "secrets: bad key length";
		for (j = 0; j < i; j++)
			if (s->key[j].id == s->key[i].id)
				return "secrets: key id given twice";
		active = active || s->key[i].id == s->active;
	}
	return active ? NULL : "secrets: active key is not among the keys";
}

const char *
secrets_verify(const void *blob, size_t len, const struct conf *c)
{
	const struct secrets *s = blob;
	const char *error;
	uint32_t i;

	assert((uintptr_t)blob % _Alignof(struct secrets) == 0);
	if (len < sizeof(*s))
		return "secrets are too short";
	if (s->magic != CONF_MAGIC || s->version != CONF_VERSION)
		return "blob holds no secrets of this version";
	if (s->serial != c->serial || s->npairs != c->npairs)
		return "secrets belong to another configuration";
	if (len != sizeof(*s) + (size_t)s->npairs * sizeof(s->pair[0]))
		return "secrets have another size than they say";
	for (i = 0; i < s->npairs; i++) {
		if (!good_bool(&s->pair[i].has_carp))
			return "secrets: bad flag";
		error = verify_keys(&s->pair[i]);
		if (error != NULL)
			return error;
		if (conf_pair(c, i)->has_keys != (s->pair[i].nkeys > 0))
			return "secrets: keys and configuration disagree";
	}
	return NULL;
}

const struct conf_pair *
conf_pair(const struct conf *c, uint32_t pair)
{
	assert(pair < c->npairs);
	return pairs(c) + pair;
}

const struct conf_addr *
conf_pair_addr(const struct conf *c, const struct conf_pair *p, uint32_t i)
{
	assert(i < p->naddrs);
	return addrs(c) + p->first_addr + i;
}

const struct conf_node *
conf_pair_node(const struct conf *c, const struct conf_pair *p, uint32_t i)
{
	assert(i < p->nnodes);
	return nodes(c) + p->first_node + i;
}

const struct conf_sync_entry *
conf_pair_sync(const struct conf *c, const struct conf_pair *p, uint32_t i)
{
	assert(i < p->sync.nentries);
	return syncs(c) + p->sync.first_entry + i;
}

const char *
conf_string(const struct conf *c, conf_str s)
{
	assert(s < c->strings_len);
	return strings(c) + s;
}
