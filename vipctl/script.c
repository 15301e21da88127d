/* SPDX-License-Identifier: ISC */

/*
 * vipctl: answers for scripts and monitoring: is-active, role, wait, check.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "dataview.h"
#include "mono.h"
#include "problems.h"
#include "text.h"
#include "view.h"

#define WAIT_STEP_NS	(100 * NS_PER_MS)

/* At most one operand, the pair: its name or NULL; false: return *code. */
static bool
one_pair(struct vipctl *v, int argc, char **argv,
    const struct option_word *words, const char **name, int *code)
{
	int n;

	n = args_parse(v, argc, argv, words, code);
	if (n < 0)
		return false;
	if (n > 1) {
		*code = usage_error(v, argv[0], "one pair at a time");
		return false;
	}
	*name = n == 1 ? argv[1] : NULL;
	return true;
}

/* Does this node have the role in the pair, or in every pair? */
static bool
has_role(const struct view *w, const struct view_pair *vp, unsigned role)
{
	size_t i;

	if (vp != NULL)
		return vp->p.role == role;
	for (i = 0; i < w->npairs; i++)
		if (w->pair[i].p.role != role)
			return false;
	return w->npairs > 0;
}

int
cmd_is_active(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *vp = NULL;
	const char *name;
	struct view w;
	bool active;
	int code;

	if (!one_pair(v, argc, argv, NULL, &name, &code))
		return code;
	if (view_get(&w, v) != EXIT_DONE)
		return EXIT_UNKNOWN;
	if (name != NULL)
		vp = view_pick(&w, v, name);
	if (w.npairs == 0 || (name != NULL && vp == NULL)) {
		view_free(&w);
		return EXIT_UNKNOWN;
	}
	active = has_role(&w, vp, ROLE_ACTIVE);
	if (v->json)
		fprintf(v->out, "{\"active\":%s}\n", active ? "true" : "false");
	view_free(&w);
	return active ? 0 : 1;
}

int
cmd_role(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *vp;
	const char *name, *role;
	struct view w;
	int code;

	if (!one_pair(v, argc, argv, NULL, &name, &code))
		return code;
	code = view_get(&w, v);
	if (code != EXIT_DONE)
		return code;
	vp = view_pick(&w, v, name);
	if (vp != NULL && vp->p.role < ROLE_COUNT) {
		role = role_name((enum role)vp->p.role);
		fprintf(v->out, v->json ? "{\"role\":\"%s\"}\n" : "%s\n",
		    role);
	} else
		code = EXIT_REFUSED;
	view_free(&w);
	return code;
}

static bool
role_by_name(const char *name, unsigned *role)
{
	for (*role = 0; *role < ROLE_COUNT; (*role)++)
		if (strcmp(role_name((enum role)*role), name) == 0)
			return true;
	return false;
}

static void
nap(int64_t ns)
{
	struct timespec ts = { .tv_nsec = ns };

	nanosleep(&ts, NULL);
}

/*
 * Asks until the role is there.  A daemon that is not there yet is waited
 * for as well: it may be about to start.
 */
static int
wait_role(struct vipctl *v, const char *name, unsigned role, mono_t deadline)
{
	const struct view_pair *vp;
	bool there = false;
	struct view w;
	char why[256];
	int code;

	for (;;) {
		code = view_load(&w, v, why, sizeof(why));
		if (code == EXIT_NOT_PERMITTED) {
			complain(v, "%s", why);
			return code;
		}
		if (code == EXIT_DONE) {
			vp = name == NULL ? NULL : view_pick(&w, v, name);
			if (name != NULL && vp == NULL)
				code = EXIT_REFUSED;
			else
				there = has_role(&w, vp, role);
			view_free(&w);
			if (there || code == EXIT_REFUSED)
				return code;
		}
		if (mono_reached(mono_now(), deadline))
			break;
		nap(WAIT_STEP_NS);
	}
	if (code == EXIT_UNREACHABLE) {
		complain(v, "%s", why);
		return code;
	}
	complain(v, "this node did not become %s in time",
	    role_name((enum role)role));
	return EXIT_REFUSED;
}

int
cmd_wait(struct vipctl *v, int argc, char **argv)
{
	const char *role = NULL, *name;
	int64_t timeout_ns = 0;
	const struct option_word words[] = {
		{ "--for", OPTION_STRING, &role },
		{ "--timeout", OPTION_DURATION, &timeout_ns },
		{ NULL, 0, NULL },
	};
	mono_t deadline = MONO_NEVER;
	unsigned wanted;
	int code;

	if (!one_pair(v, argc, argv, words, &name, &code))
		return code;
	if (role == NULL)
		return usage_error(v, argv[0], "--for which role?");
	if (!role_by_name(role, &wanted))
		return usage_error(v, argv[0], "'%s' is no role: active, "
		    "standby, starting, faulted or maintenance", role);
	if (timeout_ns > 0)
		deadline = mono_after(mono_now(), timeout_ns);
	return wait_role(v, name, wanted, deadline);
}

/* --sync-warn and --sync-crit; -1: not given. */
struct thresholds {
	int64_t	warn_ns, crit_ns;
};

/* The lag of one pair against them: an exit code of its own. */
static int
check_lag(const struct view_pair *vp, const struct thresholds *t)
{
	int64_t lag = data_lag_ns(vp);

	if (!vp->has_data || vp->p.role != ROLE_ACTIVE ||
	    (t->warn_ns < 0 && t->crit_ns < 0))
		return EXIT_DONE;
	if (lag < 0)
		return EXIT_UNKNOWN;
	if (t->crit_ns >= 0 && lag >= t->crit_ns)
		return EXIT_CRITICAL;
	return t->warn_ns >= 0 && lag >= t->warn_ns ? EXIT_WARNING :
	    EXIT_DONE;
}

/* Critical is worse than not knowing, that is worse than a warning. */
static int
worse(int a, int b)
{
	static const int rank[] = {
		[EXIT_DONE] = 0, [EXIT_WARNING] = 1, [EXIT_UNKNOWN] = 2,
		[EXIT_CRITICAL] = 3,
	};

	return rank[a] >= rank[b] ? a : b;
}

static void
check_data_performance(struct vipctl *v, const struct view_pair *vp,
    const struct thresholds *t)
{
	char lag[24], warn[24] = "", crit[24] = "";
	uint64_t bytes;

	if (!vp->has_data)
		return;
	if (data_known(vp))
		fprintf(v->out, " '%s_generation'=%" PRIu64 "c", vp->p.name,
		    vp->data.data.generation);
	if (t->warn_ns >= 0)
		seconds_text(t->warn_ns, warn, sizeof(warn));
	if (t->crit_ns >= 0)
		seconds_text(t->crit_ns, crit, sizeof(crit));
	if (data_lag_ns(vp) >= 0) {
		seconds_text(data_lag_ns(vp), lag, sizeof(lag));
		fprintf(v->out, " '%s_sync_lag'=%ss;%s;%s;0", vp->p.name, lag,
		    warn, crit);
	}
	if (data_lag_bytes(vp, &bytes))
		fprintf(v->out, " '%s_sync_lag_bytes'=%" PRIu64 "B",
		    vp->p.name, bytes);
}

static void
check_performance(struct vipctl *v, const struct view *w,
    const struct thresholds *t)
{
	const struct view_pair *vp;
	uint64_t dropped;
	size_t i;
	int k;

	fputs(" |", v->out);
	for (i = 0; i < w->npairs; i++) {
		vp = &w->pair[i];
		dropped = 0;
		for (k = 0; k < ADVERT_VERDICTS; k++)
			dropped += vp->p.count_dropped[k];
		fprintf(v->out, " '%s_active'=%d '%s_term'=%u "
		    "'%s_sent'=%" PRIu64 "c '%s_dropped'=%" PRIu64 "c",
		    vp->p.name, vp->p.role == ROLE_ACTIVE, vp->p.name,
		    vp->p.term, vp->p.name, vp->p.count_sent, vp->p.name,
		    dropped);
		check_data_performance(v, vp, t);
	}
	fputc('\n', v->out);
}

/* "vpn degraded, this node standby, W21 a stranger answers ..." */
static void
check_pair(struct vipctl *v, const struct view_pair *vp,
    const struct thresholds *limits)
{
	const struct problem_text *t;
	char id[PROBLEM_ID_SIZE], lag[32];
	uint32_t i;

	fprintf(v->out, "%s %s, this node %s", vp->p.name,
	    pair_verdict_name(pair_verdict(vp)), vp->p.role < ROLE_COUNT ?
	    role_name((enum role)vp->p.role) : "unknown");
	for (i = 0; i < vp->nproblems; i++) {
		t = problem_find(vp->problem[i].number);
		if (t == NULL || t->standing)
			continue;
		problem_id(vp->problem[i].number, id);
		fprintf(v->out, ", %s %s", id, t->title);
	}
	age_text(data_lag_ns(vp), lag, sizeof(lag));
	if (check_lag(vp, limits) == EXIT_UNKNOWN)
		fputs(", how far the data lag is not known", v->out);
	else if (check_lag(vp, limits) != EXIT_DONE)
		fprintf(v->out, ", data lag by %s", lag);
}

int
cmd_check(struct vipctl *v, int argc, char **argv)
{
	static const char *const words[] = {
		"OK", "WARNING", "CRITICAL", "UNKNOWN",
	};
	struct thresholds t = { -1, -1 };
	const struct option_word options[] = {
		{ "--sync-warn", OPTION_DURATION, &t.warn_ns },
		{ "--sync-crit", OPTION_DURATION, &t.crit_ns },
		{ NULL, 0, NULL },
	};
	struct view w;
	char why[256];
	size_t i;
	int n, code;

	n = args_parse(v, argc, argv, options, &code);
	if (n < 0)
		return code;
	if (n > 0)
		return usage_error(v, argv[0], "takes no operand");
	code = view_load(&w, v, why, sizeof(why));
	if (code != EXIT_DONE) {
		fprintf(v->out, "VIPAIR UNKNOWN - %s\n", why);
		return EXIT_UNKNOWN;
	}
	code = view_exit(&w);
	for (i = 0; i < w.npairs; i++)
		code = worse(code, check_lag(&w.pair[i], &t));
	fprintf(v->out, "VIPAIR %s - ", words[code]);
	for (i = 0; i < w.npairs; i++) {
		fputs(i > 0 ? "; " : "", v->out);
		check_pair(v, &w.pair[i], &t);
	}
	if (w.npairs == 0)
		fputs("the daemon has no pair", v->out);
	check_performance(v, &w, &t);
	view_free(&w);
	return code;
}
