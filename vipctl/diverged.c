/* SPDX-License-Identifier: ISC */

/*
 * vipctl diverged: branches that were written here but are not what the pair
 * went on with: what they are, what is in them, and what becomes of them.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "json.h"
#include "storeview.h"
#include "text.h"

static void
branch_line(struct vipctl *v, const struct data_store *d,
    const struct store_branch *b)
{
	char name[BRANCH_NAME_MAX], when[48], size[24];
	char reason[BRANCH_REASON_MAX];

	data_short_name(b, name, sizeof(name));
	clock_text(b->parked_ns, true, when, sizeof(when));
	when[strcspn(when, ".")] = '\0';
	bytes_text(b->bytes, size, sizeof(size));
	snprintf(reason, sizeof(reason), "%s", b->reason);
	text_clean(reason);
	text_clean(name);
	fprintf(v->out, "%-20s  %-19s  %-10s %6" PRIu64 "  %-9s %s\n", name,
	    when, data_node(d, b->position.epoch.node),
	    b->position.generation - b->fork, size, reason);
}

static void
branch_json(struct json *j, const struct data_store *d,
    const struct store_branch *b)
{
	char name[BRANCH_NAME_MAX], head[HASH_HEX + 1];

	data_short_name(b, name, sizeof(name));
	json_string(j, "name", name);
	json_uint(j, "generation", b->position.generation);
	json_string(j, "head", hash_hex(&b->position.head, head));
	json_string(j, "node", data_node(d, b->position.epoch.node));
	json_uint(j, "term", b->position.epoch.term);
	json_uint(j, "fork", b->fork);
	json_time(j, "parked", b->parked_ns);
	json_uint(j, "entries", b->entries);
	json_uint(j, "bytes", b->bytes);
	json_string(j, "reason", b->reason);
}

static void
list_json(struct vipctl *v, struct data_store *d)
{
	char name[BRANCH_NAME_MAX];
	struct store_branch b;
	size_t cursor = 0;
	struct json j;

	json_init(&j, v->out);
	json_open(&j, NULL);
	json_int(&j, "schema", 1);
	json_string(&j, "pair", d->name);
	json_open_array(&j, "branches");
	while (store_branches(d->store, &cursor, &b)) {
		json_open(&j, NULL);
		branch_json(&j, d, &b);
		json_close(&j);
	}
	json_close_array(&j);
	if (store_adopting(d->store, &b) == STORE_OK) {
		data_short_name(&b, name, sizeof(name));
		json_string(&j, "adopting", name);
	} else
		json_null(&j, "adopting");
	json_close(&j);
	json_end_line(&j);
}

static int
list(struct vipctl *v, const char *pair)
{
	char name[BRANCH_NAME_MAX];
	struct store_branch b;
	struct data_store d;
	size_t cursor = 0, n = 0;
	int code;

	code = data_open(v, pair, DATA_LOOK, &d);
	if (code != EXIT_DONE)
		return code;
	if (v->json)
		list_json(v, &d);
	else {
		while (store_branches(d.store, &cursor, &b)) {
			if (n++ == 0)
				fprintf(v->out, "%-20s  %-19s  %-10s %6s  "
				    "%-9s %s\n", "NAME", "PARKED", "BY",
				    "STEPS", "SIZE", "WHY");
			branch_line(v, &d, &b);
		}
		if (n == 0)
			fputs("no branch is parked on this node\n", v->out);
		else
			fputs("next: 'vipctl diverged show NAME'; the "
			    "beginning of a name is enough\n", v->out);
		if (store_adopting(d.store, &b) == STORE_OK) {
			data_short_name(&b, name, sizeof(name));
			fprintf(v->out, "to be loaded with the next takeover "
			    "of this node: %s\n", name);
		}
	}
	data_close(&d);
	return EXIT_DONE;
}

/* One of the two comparisons; a tree that is gone is said, no more. */
static void
compare(struct vipctl *v, struct data_store *d, uint64_t generation,
    const struct tree *branch, const char *title, struct json *j)
{
	struct data_diff x = { .d = d, .new_ = branch };
	struct tree *t = NULL;
	bool empty = generation == 0;

	if (empty)
		t = tree_new();
	else if (store_load_tree(d->store, generation, &t) != STORE_OK)
		t = NULL;
	x.old = t;
	if (j != NULL) {
		json_open(j, strcmp(title, "fork") == 0 ? "from_fork" :
		    "from_head");
		json_uint(j, "generation", generation);
		if (t == NULL || !diff_json(j, &x))
			json_null(j, "changes");
		json_close(j);
	} else {
		fprintf(v->out, "\nagainst %s, generation %" PRIu64 ":\n",
		    strcmp(title, "fork") == 0 ? "the last common one" :
		    "the present data", generation);
		if (t == NULL)
			fputs("  its list of files was thinned out\n", v->out);
		else if (diff_text(v->out, &x))
			diff_sum(v->out, &x);
	}
	tree_free(t);
}

static int
show(struct vipctl *v, const char *name, const char *pair)
{
	struct tree *t = NULL;
	struct store_branch b;
	struct data_store d;
	uint64_t head;
	struct json j;
	int code;

	code = data_open(v, pair, DATA_LOOK, &d);
	if (code != EXIT_DONE)
		return code;
	code = data_branch(v, &d, name, &b);
	if (code == EXIT_DONE && store_branch_tree(d.store, b.name, &t) !=
	    STORE_OK) {
		complain(v, "%s: %s", b.name, store_why(d.store));
		code = EXIT_REFUSED;
	}
	head = store_head(d.store)->position.generation;
	if (code == EXIT_DONE && v->json) {
		json_init(&j, v->out);
		json_open(&j, NULL);
		json_int(&j, "schema", 1);
		json_string(&j, "pair", d.name);
		branch_json(&j, &d, &b);
		compare(v, &d, b.fork, t, "fork", &j);
		compare(v, &d, head, t, "head", &j);
		json_close(&j);
		json_end_line(&j);
	} else if (code == EXIT_DONE) {
		branch_line(v, &d, &b);
		compare(v, &d, b.fork, t, "fork", NULL);
		compare(v, &d, head, t, "head", NULL);
		fputs("\nnext: 'vipctl diverged adopt NAME' makes it the "
		    "data, 'vipctl diverged dismiss NAME' drops it\n",
		    v->out);
	}
	tree_free(t);
	data_close(&d);
	return code;
}

/* The branch's name in numbers, or EXIT code. */
static int
find(struct vipctl *v, const char *name, const char *pair,
    struct store_branch *b)
{
	struct data_store d;
	int code;

	code = data_open(v, pair, DATA_ACT, &d);
	if (code != EXIT_DONE)
		return code;
	code = data_branch(v, &d, name, b);
	data_close(&d);
	return code;
}

static int
dismiss(struct vipctl *v, const struct view *w, const struct view_pair *vp,
    const struct store_branch *b, bool yes)
{
	char name[BRANCH_NAME_MAX];
	struct sync_view sv;
	int code;

	data_short_name(b, name, sizeof(name));
	if (!yes) {
		fprintf(v->out, "Branch %s goes away, and with it what only "
		    "it has ('vipctl diverged show %s').\n", name, name);
		if (!ask_typed(v, "DISMISS"))
			return EXIT_REFUSED;
	}
	code = ask_capture(v, w, vp, ASK_DISMISS, b->position.generation,
	    data_head_word(&b->position.head),
	    mono_after(mono_now(), ASK_TIMEOUT_NS), &sv);
	if (code == EXIT_DONE && !v->json)
		fprintf(v->out, "branch %s is dismissed\nnext: 'vipctl "
		    "status'\n", name);
	return code;
}

static int
adopt_none(struct vipctl *v, const struct view *w,
    const struct view_pair *vp)
{
	struct sync_view sv;
	int code;

	code = ask_capture(v, w, vp, ASK_ADOPT, 0, 0,
	    mono_after(mono_now(), ASK_TIMEOUT_NS), &sv);
	if (code == EXIT_DONE && !v->json)
		fputs("nothing is to be adopted any more\n", v->out);
	return code;
}

static int
adopt(struct vipctl *v, const struct view *w, const struct view_pair *vp,
    const struct store_branch *b, bool yes)
{
	bool active = vp->p.role == ROLE_ACTIVE;
	char name[BRANCH_NAME_MAX];
	struct sync_view sv;
	int code;

	data_short_name(b, name, sizeof(name));
	if (active && !yes) {
		fprintf(v->out, "Branch %s becomes the data of the pair: the "
		    "service is stopped, the data of now are\nkept as a "
		    "generation, the branch is put in their place, the "
		    "service is started.\n", name);
		if (!ask_typed(v, "ADOPT"))
			return EXIT_REFUSED;
	}
	code = ask_capture(v, w, vp, ASK_ADOPT, b->position.generation,
	    data_head_word(&b->position.head),
	    mono_after(mono_now(), ASK_TIMEOUT_NS), &sv);
	if (code != EXIT_DONE)
		return code;
	if (active)
		return reload_data(v, vp->p.name, name);
	if (!v->json)
		fprintf(v->out, "branch %s is loaded when this node takes "
		    "over\nnext: 'vipctl handover', or 'vipctl diverged "
		    "adopt none' to take it back\n", name);
	return EXIT_DONE;
}

/* adopt and dismiss: what is asked for, of the pair that runs. */
static int
change(struct vipctl *v, const char *verb, const char *name,
    const char *pair, bool yes)
{
	bool none = strcmp(verb, "adopt") == 0 && strcmp(name, "none") == 0;
	const struct view_pair *vp;
	struct store_branch b;
	struct view w;
	int code;

	code = none ? EXIT_DONE : find(v, name, pair, &b);
	if (code == EXIT_DONE)
		code = view_get(&w, v);
	if (code != EXIT_DONE)
		return code;
	vp = view_pick_data(&w, v, pair);
	if (vp == NULL)
		code = EXIT_REFUSED;
	else if (none)
		code = adopt_none(v, &w, vp);
	else if (strcmp(verb, "adopt") == 0)
		code = adopt(v, &w, vp, &b, yes);
	else
		code = dismiss(v, &w, vp, &b, yes);
	view_free(&w);
	return code;
}

int
cmd_diverged(struct vipctl *v, int argc, char **argv)
{
	static const char *const verbs[] = { "show", "adopt", "dismiss" };
	const char *verb = NULL, *pair;
	bool yes = false;
	const struct option_word words[] = {
		{ "--yes", OPTION_FLAG, &yes },
		{ NULL, 0, NULL },
	};
	int n, code;
	size_t i;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	for (i = 0; n > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i]) == 0)
			verb = verbs[i];
	if (yes && (verb == NULL || verb == verbs[0]))
		return usage_error(v, argv[0], "--yes goes with adopt and "
		    "dismiss");
	if (verb == NULL && n > 1)
		return usage_error(v, argv[0], "show, adopt or dismiss, not "
		    "'%s'", argv[1]);
	if (verb == NULL)
		return list(v, n == 1 ? argv[1] : NULL);
	if (n < 2 || n > 3)
		return usage_error(v, argv[0], "%s which branch?", verb);
	pair = n == 3 ? argv[3] : NULL;
	return verb == verbs[0] ? show(v, argv[2], pair) :
	    change(v, verb, argv[2], pair, yes);
}
