/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the records of one answer, and the verdict on each pair.  The one
 * place that decides what "healthy" is.
 */
#include <assert.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataview.h"
#include "mono.h"
#include "problems.h"
#include "syncview.h"
#include "view.h"

void
view_init(struct view *w, int64_t wall_ns)
{
	*w = (struct view){ .wall_ns = wall_ns };
}

void
view_free(struct view *w)
{
	size_t i;

	for (i = 0; i < w->npairs; i++) {
		free(w->pair[i].addr);
		free(w->pair[i].sync);
	}
	free(w->pair);
	view_init(w, 0);
}

/* Room for one more element; NULL when memory is out. */
static void *
grow(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap == 0 ? 4 : *cap * 2;
	return reallocarray(array, *cap, size);
}

static bool
add_pair(struct view *w, const struct ctl_pair *p)
{
	struct view_pair *bigger;

	if (w->npairs == CONF_PAIRS_MAX)
		return false;
	bigger = grow(w->pair, w->npairs, &w->pairs_cap, sizeof(*bigger));
	if (bigger == NULL)
		return false;
	w->pair = bigger;
	w->pair[w->npairs++] = (struct view_pair){
		.p = *p, .wall_ns = w->wall_ns,
	};
	return true;
}

static bool
add_addr(struct view_pair *vp, const struct ctl_addr *a)
{
	struct ctl_addr *bigger;

	if (vp->naddrs == CONF_ADDRS_PER_PAIR_MAX)
		return false;
	bigger = grow(vp->addr, vp->naddrs, &vp->addrs_cap, sizeof(*bigger));
	if (bigger == NULL)
		return false;
	vp->addr = bigger;
	vp->addr[vp->naddrs++] = *a;
	return true;
}

bool
view_add(struct view *w, const union ctl_any *r)
{
	struct view_pair *vp;

	if (r->head.type == CTL_NODE) {
		w->node = r->node;
		w->has_node = true;
		return true;
	}
	if (r->head.type == CTL_PAIR)
		return add_pair(w, &r->pair);
	if (w->npairs == 0)
		return false;
	vp = &w->pair[w->npairs - 1];
	switch (r->head.type) {
	case CTL_ADDR:
		return add_addr(vp, &r->addr);
	case CTL_PEER:
		if (vp->npeers == CONF_NODES_PER_PAIR_MAX)
			return false;
		vp->peer[vp->npeers++] = r->peer;
		return true;
	case CTL_PROBLEM:
		if (vp->nproblems == VIEW_PROBLEMS_MAX)
			return false;
		vp->problem[vp->nproblems++] = r->problem;
		return true;
	case CTL_DATA:
		vp->data = r->data;
		vp->has_data = true;
		return true;
	}
	return false;
}

/* The daemon knows the interface by its index when no name is configured. */
static void
name_interfaces(struct view *w)
{
	struct ctl_pair *p;
	size_t i;

	for (i = 0; i < w->npairs; i++) {
		p = &w->pair[i].p;
		if (p->interface[0] == '\0' && p->ifindex != 0 &&
		    if_indextoname(p->ifindex, p->interface) == NULL)
			p->interface[0] = '\0';
	}
}

/* Reads one whole answer into w. */
static enum client_result
view_read(struct view *w, struct client *c, struct vipctl *v, int *refused)
{
	mono_t deadline = mono_after(mono_now(),
	    2 * CLIENT_TIMEOUT_MS * NS_PER_MS);
	enum client_result res;
	union ctl_any r;

	*refused = EXIT_DONE;
	for (;;) {
		res = client_next(c, &r, CLIENT_TIMEOUT_MS);
		if (res == CLIENT_END && w->has_node)
			return CLIENT_END;
		if (res == CLIENT_END)
			return CLIENT_NONSENSE;
		if (res != CLIENT_RECORD)
			return res;
		if (r.head.type == CTL_RESULT && r.result.code != CTL_OK) {
			*refused = client_refused(v, &r.result);
			return CLIENT_END;
		}
		if (r.head.type != CTL_RESULT && !view_add(w, &r))
			return CLIENT_NONSENSE;
		if (mono_reached(mono_now(), deadline))
			return CLIENT_AGAIN;
	}
}

int
view_load(struct view *w, struct vipctl *v, char *why, size_t size)
{
	const struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = CTL_GET_STATUS,
		.pair = CTL_PAIR_ALL,
	};
	enum client_result res;
	struct timespec ts;
	struct client c;
	int code;

	clock_gettime(CLOCK_REALTIME, &ts);
	view_init(w, ts.tv_sec * NS_PER_S + ts.tv_nsec);
	why[0] = '\0';
	code = client_ask(&c, v, CTL_STATUS, &rq, why, size);
	if (code != EXIT_DONE)
		return code;
	res = view_read(w, &c, v, &code);
	if (res != CLIENT_END)
		code = client_why(&c, res, why, size);
	client_close(&c);
	if (code != EXIT_DONE)
		view_free(w);
	name_interfaces(w);
	syncview_load(w, v->run_dir);
	return code;
}

int
view_get(struct view *w, struct vipctl *v)
{
	char why[256];
	int code;

	code = view_load(w, v, why, sizeof(why));
	if (code != EXIT_DONE && why[0] != '\0')
		complain(v, "%s", why);
	return code;
}

const struct view_pair *
view_pick(const struct view *w, struct vipctl *v, const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < w->npairs; i++)
		if (strcmp(w->pair[i].p.name, name) == 0)
			return &w->pair[i];
	if (name != NULL)
		complain(v, "no pair is named '%s'", name);
	else if (w->npairs == 1)
		return &w->pair[0];
	else if (w->npairs == 0)
		complain(v, "the daemon has no pair");
	else
		complain(v, "there are %zu pairs: say which one, as '%s'",
		    w->npairs, w->pair[0].p.name);
	return NULL;
}

const struct view_pair *
view_pick_data(const struct view *w, struct vipctl *v, const char *name)
{
	const struct view_pair *vp = NULL;
	size_t i, found = 0;

	for (i = 0; name == NULL && i < w->npairs; i++)
		if (w->pair[i].has_data) {
			vp = &w->pair[i];
			found++;
		}
	if (found > 1) {
		complain(v, "%zu pairs have a sync block: say which one, as "
		    "'%s'", found, vp->p.name);
		return NULL;
	}
	if (name != NULL && (vp = view_pick(w, v, name)) == NULL)
		return NULL;
	if (vp != NULL && vp->has_data)
		return vp;
	if (name != NULL)
		complain(v, "pair %s has no sync block: no data are copied",
		    name);
	else
		complain(v, "no pair has a sync block: no data are copied");
	return NULL;
}

uint16_t
view_index(const struct view *w, const struct view_pair *vp)
{
	assert(vp >= w->pair && vp < w->pair + w->npairs);
	return (uint16_t)vp->p.head.pair;
}

/* An observation counts for as long as silence would not be noticed. */
static bool
fresh(const struct view_pair *vp, int64_t age_ns)
{
	int64_t limit = vp->p.takeover_most_ns;

	if (limit < 0)
		limit = 4 * vp->p.interval_ms * NS_PER_MS;
	return age_ns >= 0 && age_ns <= limit;
}

const struct ctl_peer *
pair_self(const struct view_pair *vp)
{
	uint32_t i;

	for (i = 0; i < vp->npeers; i++)
		if (vp->peer[i].self != 0)
			return &vp->peer[i];
	return NULL;
}

/* Two active nodes, as the daemon judges. */
static bool
is_dual(const struct view_pair *vp)
{
	uint32_t i;

	for (i = 0; i < vp->nproblems; i++)
		if (vp->problem[i].number == PROBLEM_DUAL_ACTIVE)
			return true;
	return (vp->p.alarms & ALARM_DUAL_ACTIVE) != 0;
}

unsigned
peer_role(const struct view_pair *vp, const struct ctl_peer *peer)
{
	const struct msg_partner *word = pair_word(vp);
	unsigned role = peer->role;

	if (peer->self != 0)
		return vp->p.role;
	/* Not heard: what it says by ssh counts. */
	if (word != NULL && word->node == peer->node && (role >= ROLE_COUNT ||
	    (role == ROLE_ACTIVE && !fresh(vp, peer->heard_ns)))) {
		role = word->role;
		if (role != ROLE_ACTIVE)
			return role;
		return vp->p.role == ROLE_ACTIVE && !is_dual(vp) ?
		    ROLE_UNKNOWN : role;
	}
	if (role >= ROLE_COUNT)
		return ROLE_UNKNOWN;
	/* An active one is heard all the time, or it is not known to be. */
	if (peer->role == ROLE_ACTIVE && !fresh(vp, peer->heard_ns))
		return ROLE_UNKNOWN;
	/* A claim that this active node answered is not a second active. */
	if (peer->role == ROLE_ACTIVE && vp->p.role == ROLE_ACTIVE &&
	    !is_dual(vp))
		return ROLE_UNKNOWN;
	return peer->role;
}

const struct ctl_peer *
pair_other_active(const struct view_pair *vp)
{
	uint32_t i;

	for (i = 0; i < vp->npeers; i++)
		if (vp->peer[i].self == 0 &&
		    peer_role(vp, &vp->peer[i]) == ROLE_ACTIVE)
			return &vp->peer[i];
	return NULL;
}

const struct ctl_peer *
pair_partner(const struct view_pair *vp)
{
	const struct ctl_peer *found = pair_other_active(vp);
	uint32_t i;

	for (i = 0; found == NULL && i < vp->npeers; i++)
		if (vp->peer[i].self == 0 && vp->peer[i].prefer != 0)
			found = &vp->peer[i];
	for (i = 0; found == NULL && i < vp->npeers; i++)
		if (vp->peer[i].self == 0)
			found = &vp->peer[i];
	return found;
}

/* The worst that is reported: EXIT_DONE, EXIT_WARNING or EXIT_CRITICAL. */
static int
worst_problem(const struct view_pair *vp)
{
	const struct problem_text *t;
	int worst = EXIT_DONE;
	uint32_t i;

	for (i = 0; i < vp->nproblems; i++) {
		t = problem_find(vp->problem[i].number);
		if (t != NULL && t->standing)
			continue;
		if (t != NULL && t->letter == 'C')
			return EXIT_CRITICAL;
		worst = EXIT_WARNING;
	}
	return worst;
}

enum pair_verdict
pair_verdict(const struct view_pair *vp)
{
	bool served = vp->p.role == ROLE_ACTIVE ||
	    pair_other_active(vp) != NULL;

	if (is_dual(vp))
		return PAIR_DUAL_ACTIVE;
	if (vp->p.role == ROLE_FAULTED)
		return PAIR_FAULTED;
	/* Not able to hear: whether somebody serves cannot be known here. */
	if (vp->p.role == ROLE_STARTING && !served &&
	    worst_problem(vp) == EXIT_CRITICAL)
		return PAIR_FAULTED;
	if (vp->p.role == ROLE_STARTING && !served)
		return PAIR_DEGRADED;
	if (!served)
		return PAIR_NOBODY;
	if (vp->p.role == ROLE_MAINTENANCE || vp->p.maintenance != 0)
		return PAIR_MAINTENANCE;
	if (vp->p.role == ROLE_STARTING || worst_problem(vp) != EXIT_DONE)
		return PAIR_DEGRADED;
	return PAIR_HEALTHY;
}

const char *
pair_verdict_name(enum pair_verdict pv)
{
	switch (pv) {
	case PAIR_HEALTHY:
		return "healthy";
	case PAIR_DEGRADED:
		return "degraded";
	case PAIR_MAINTENANCE:
		return "maintenance";
	case PAIR_FAULTED:
		return "faulted";
	case PAIR_NOBODY:
		return "nobody";
	case PAIR_DUAL_ACTIVE:
		return "dual-active";
	}
	return "unknown";
}

int
pair_exit(const struct view_pair *vp)
{
	switch (pair_verdict(vp)) {
	case PAIR_HEALTHY:
		return EXIT_DONE;
	case PAIR_DEGRADED:
	case PAIR_MAINTENANCE:
		return worst_problem(vp) == EXIT_CRITICAL ? EXIT_CRITICAL :
		    EXIT_WARNING;
	case PAIR_FAULTED:
	case PAIR_NOBODY:
	case PAIR_DUAL_ACTIVE:
		break;
	}
	return EXIT_CRITICAL;
}

int
view_exit(const struct view *w)
{
	int worst = EXIT_DONE, code;
	size_t i;

	if (w->npairs == 0)
		return EXIT_UNKNOWN;
	for (i = 0; i < w->npairs; i++) {
		code = pair_exit(&w->pair[i]);
		if (code > worst)
			worst = code;
	}
	return worst;
}

const char *
protocol_name(unsigned protocol)
{
	switch (protocol) {
	case PROTOCOL_CARP:
		return "carp";
	case PROTOCOL_VRRP2:
		return "vrrp2";
	case PROTOCOL_VRRP3:
		return "vrrp3";
	}
	return NULL;
}

const char *
service_state_name(unsigned state)
{
	switch (state) {
	case SERVICE_STOPPED:
		return "stopped";
	case SERVICE_STARTING:
		return "starting";
	case SERVICE_RUNNING:
		return "running";
	case SERVICE_UNHEALTHY:
		return "unhealthy";
	case SERVICE_STOPPING:
		return "stopping";
	case SERVICE_FAILED:
		return "failed";
	}
	return NULL;
}

void
service_label(const struct view_pair *vp, char *buf, size_t size)
{
	const char *unit = vp->p.service_unit;
	size_t n = strlen(unit), tail = strlen(".service");

	if (vp->p.service_kind != SERVICE_UNIT || n == 0) {
		snprintf(buf, size, "service");
		return;
	}
	if (n > tail && strcmp(unit + n - tail, ".service") == 0)
		n -= tail;
	snprintf(buf, size, "%.*s", (int)n, unit);
}
