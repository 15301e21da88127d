/* SPDX-License-Identifier: ISC */

/*
 * Capture: one turn of the capture.  Decides with the policy what is due,
 * takes it, and publishes a generation when nothing holds it back.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "take.h"

#define WAKES_MAX	64	/* more takes than were asked for */

static void
free_all(struct capture *c)
{
	payload_close(&c->payload);
	watch_close(c);
	content_stop(c);
	problem_clear_all(c);
	dirty_free(&c->dirty);
	dirty_free(&c->resting);
	known_free(&c->known);
	names_close(c->names);
	free(c->groups.at);
	free(c);
}

const char *
capture_open(struct capture **cp, const struct sync_conf *conf,
    struct store *store, const struct capture_hooks *hooks, int64_t every_ns,
    mono_t now)
{
	struct capture *c;

	*cp = NULL;
	if (conf->n == 0 || conf->n > SYNC_ENTRIES_MAX)
		return "sync: no entry, or more than 256";
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return "sync: no memory";
	c->conf = *conf;
	c->store = store;
	c->hooks = *hooks;
	c->payload.base = c->content.fd = c->watch.fd = -1;
	c->compare = true;
	dirty_init(&c->dirty);
	dirty_init(&c->resting);
	policy_init(&c->policy, every_ns, now);
	c->names = names_open("/etc/passwd", "/etc/group");
	if (c->names == NULL || !known_init(&c->known)) {
		free_all(c);
		return "sync: no memory";
	}
	if (!payload_open_base(&c->payload, conf->base)) {
		free_all(c);
		return "sync: the base cannot be opened";
	}
	(void)watch_open(c);
	*cp = c;
	return NULL;
}

void
capture_close(struct capture *c)
{
	if (c != NULL)
		free_all(c);
}

mono_t
capture_deadline(const struct capture *c)
{
	return mono_first(policy_deadline(&c->policy), c->rest_over);
}

void
capture_ask(struct capture *c, mono_t now)
{
	c->urgent = true;
	policy_lost(&c->policy, now);
}

void
capture_reset(struct capture *c, mono_t now)
{
	c->compare = c->renew = true;
	policy_lost(&c->policy, now);
}

bool
capture_pass_due(const struct capture *c, mono_t now)
{
	return policy_next(&c->policy, now) == POLICY_PASS;
}

void
capture_trust(struct capture *c)
{
	c->trust = true;
}

static bool
is_lost(const struct hash *object, const struct hash *h, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (hash_equal(object, &h[i]))
			return true;
	return false;
}

uint32_t
capture_lost(struct capture *c, const struct hash *h, uint32_t n, mono_t now)
{
	const struct tree *t = store_tree(c->store);
	const struct entry *e;
	uint32_t found = 0;
	struct node *node;
	size_t i;

	for (i = 0; t != NULL && i < tree_count(t); i++) {
		e = tree_at(t, i);
		if (!entry_has_object(e) || !is_lost(&e->object, h, n))
			continue;
		node = known_find(&c->known, e->path);
		if (node == NULL || node->gone)
			continue;
		node->suspect = true;
		if (!dirty_add(&c->dirty, e->path))
			policy_lost(&c->policy, now);
		found++;
	}
	if (found > 0)
		policy_changed(&c->policy, now);
	return found;
}

void
capture_get_stats(const struct capture *c, struct capture_stats *s)
{
	*s = c->stats;
	s->nodes = c->known.count;
}

/* What held the last generation back is looked at again. */
static void
retry_problems(struct capture *c)
{
	uint32_t i;

	for (i = 0; i < c->nproblems; i++)
		if (c->problem[i].holds &&
		    c->problem[i].fault != FAULT_MISSING &&
		    c->problem[i].path[0] != '\0')
			(void)dirty_add(&c->dirty, c->problem[i].path);
}

static void
take_dirty(struct capture *c)
{
	uint32_t left = c->dirty.n * 2 + WAKES_MAX;
	struct dirty_path *p;

	while (left-- > 0 && (p = dirty_take(&c->dirty)) != NULL) {
		take_path(c, p->path);
		free(p);
	}
}

/* It is there, but could not be taken: that has been said. */
static bool
is_in_trouble(const struct capture *c, uint32_t rule)
{
	uint32_t i, by;

	for (i = 0; i < c->nproblems; i++) {
		(void)pattern_want(&c->conf, c->problem[i].path, false,
		    RULE_NONE, &by);
		if (by == rule && c->problem[i].fault != FAULT_MISSING)
			return true;
	}
	return false;
}

/* What should be there is there. */
static void
look_for_missing(struct capture *c)
{
	uint32_t i;

	problem_clear_fault(c, FAULT_MISSING);
	for (i = 0; i < c->conf.n; i++)
		if (c->conf.entry[i].kind != SYNC_NEVER &&
		    !c->conf.entry[i].optional && c->matched[i] == 0 &&
		    !is_in_trouble(c, i))
			problem_add(c, FAULT_MISSING, 0, true,
			    c->conf.entry[i].glob);
}

static const char *
add_pending(struct capture *c, struct delta *d)
{
	char path[MANIFEST_PATH_MAX + 1];
	const char *wrong = NULL;
	struct node *n;

	for (n = c->known.pending; n != NULL && wrong == NULL;
	    n = n->pend_next) {
		if (n->entry != NULL)
			wrong = delta_put(d, n->entry);
		else if (known_path(n, path) &&
		    tree_find(c->tree, path) != NULL)
			wrong = delta_drop(d, path);
	}
	return wrong;
}

/* What the store's head has and the live data have not. */
static const char *
add_strays(struct capture *c, struct delta *d)
{
	const char *wrong = NULL;
	const struct entry *e;
	const struct node *n;
	size_t i;

	for (i = 0; i < tree_count(c->tree) && wrong == NULL; i++) {
		e = tree_at(c->tree, i);
		n = known_find(&c->known, e->path);
		if (n == NULL || n->gone || !n->shown)
			wrong = delta_drop(d, e->path);
	}
	return wrong;
}

static void
all_published(struct capture *c)
{
	while (c->known.pending != NULL)
		node_published(c, c->known.pending);
	c->compare = c->renew = false;
}

/* The store has lost objects that we thought it had: read them again. */
static void
suspect_missing(struct capture *c)
{
	char path[MANIFEST_PATH_MAX + 1];
	struct node *n;

	for (n = c->known.pending; n != NULL; n = n->pend_next) {
		if (n->entry == NULL || !entry_has_object(n->entry) ||
		    store_has(c->store, &n->entry->object))
			continue;
		n->suspect = true;
		if (known_path(n, path))
			(void)dirty_add(&c->dirty, path);
	}
}

static enum capture_outcome
publish_delta(struct capture *c, const struct epoch *e,
    const struct delta *d, struct store_commit *out)
{
	struct timespec t;
	enum store_result r;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	r = store_publish(c->store, e, t.tv_sec * NS_PER_S + t.tv_nsec, d,
	    NULL, out);
	c->tree = NULL;
	if (r == STORE_MISSING)
		suspect_missing(c);
	if (r != STORE_OK) {
		problem_add(c, FAULT_STORE, (int)r, true, "");
		return CAPTURE_HELD;
	}
	all_published(c);
	return out->len > 0 ? CAPTURE_PUBLISHED : CAPTURE_NOTHING;
}

static enum capture_outcome
publish(struct capture *c, const struct epoch *e, struct store_commit *out)
{
	enum capture_outcome r = CAPTURE_NOTHING;
	const char *wrong = NULL;
	struct delta *d;

	if (c->known.pending == NULL && !c->compare)
		return CAPTURE_NOTHING;
	d = delta_new();
	if (d == NULL)
		wrong = "no memory";
	if (wrong == NULL)
		wrong = add_pending(c, d);
	if (wrong == NULL && c->compare)
		wrong = add_strays(c, d);
	if (wrong != NULL) {
		problem_add(c, FAULT_MEMORY, 0, true, "");
		r = CAPTURE_HELD;
	} else if (delta_count(d) == 0) {
		all_published(c);
	} else {
		r = publish_delta(c, e, d, out);
	}
	delta_free(d);
	return r;
}

static void
pass(struct capture *c)
{
	if (names_refresh(c->names))
		c->renew = true;
	dirty_free(&c->dirty);
	c->bulk = true;
	take_all(c);
	take_dirty(c);
	c->trust = false;
}

static void
changes(struct capture *c)
{
	retry_problems(c);
	c->bulk = c->dirty.n >= BULK_MIN;
	/* What these say about the store and memory is said again. */
	problem_clear(c, "");
	take_dirty(c);
}

static enum capture_outcome
take(struct capture *c, enum policy_act act, const struct epoch *e,
    mono_t now, struct store_commit *out)
{
	enum capture_outcome r = CAPTURE_HELD;

	payload_begin(&c->payload);
	if (act == POLICY_PASS)
		pass(c);
	else
		changes(c);
	payload_end(&c->payload);
	look_for_missing(c);
	if (!problem_holds(c))
		r = publish(c, e, out);
	c->urgent = false;
	if (act == POLICY_PASS)
		policy_passed(&c->policy, r != CAPTURE_HELD, now);
	else
		policy_took(&c->policy, r != CAPTURE_HELD, now);
	if (c->dirty.n > 0)
		policy_changed(&c->policy, now);
	return r;
}

static void
compare_content(struct capture *c, mono_t now)
{
	payload_begin(&c->payload);
	policy_sliced(&c->policy, content_slice(c), now);
	payload_end(&c->payload);
	if (c->dirty.n > 0)
		policy_changed(&c->policy, now);
}

enum capture_outcome
capture_run(struct capture *c, const struct epoch *e, mono_t now,
    struct store_commit *out)
{
	enum policy_act act;

	rest_end(c, now);
	act = policy_next(&c->policy, now);
	if (act == POLICY_WAIT)
		return CAPTURE_NOTHING;
	c->tree = store_tree(c->store);
	if (c->tree == NULL) {
		problem_add(c, FAULT_STORE, STORE_DAMAGED, true, "");
		policy_took(&c->policy, false, now);
		return CAPTURE_HELD;
	}
	if (act != POLICY_SLICE)
		return take(c, act, e, now, out);
	compare_content(c, now);
	return CAPTURE_NOTHING;
}
