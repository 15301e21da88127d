/* SPDX-License-Identifier: ISC */

/*
 * vipctl status: asks, then shows as text or JSON.  A daemon that does not
 * answer is said to be so, with exit code 3: nothing else is known then, and
 * nothing else is shown.
 */
#include <string.h>

#include "status.h"
#include "text.h"
#include "view.h"

static int
not_known(struct vipctl *v, int code, const char *why)
{
	if (v->json)
		status_json_unknown(v->out, why);
	else
		fputs("UNKNOWN: what this node does cannot be told without "
		    "its daemon\n", v->out);
	if (why[0] != '\0')
		complain(v, "%s", why);
	if (code == EXIT_UNREACHABLE && !v->json)
		fputs("to do: look at its log ('systemctl status vipair'), "
		    "check the file with 'vrrpd -n'\n", v->out);
	return EXIT_UNKNOWN;
}

static int
show(struct vipctl *v, struct view *w, const char *name, bool brief)
{
	const struct look look = {
		.columns = v->columns,
		.colour = v->colour,
		.utf8 = v->utf8,
		.brief = brief,
	};
	const struct view_pair *vp = NULL;

	if (name != NULL) {
		vp = view_pick(w, v, name);
		if (vp == NULL)
			return EXIT_UNKNOWN;
	}
	if (v->json)
		status_json(v->out, w, vp);
	else if (vp != NULL)
		text_pair(v->out, vp, &look);
	else
		text_view(v->out, w, &look);
	if (w->npairs == 0)
		complain(v, "the daemon has no pair");
	return vp != NULL ? pair_exit(vp) : view_exit(w);
}

int
cmd_status(struct vipctl *v, int argc, char **argv)
{
	bool brief = false;
	const struct option_word words[] = {
		{ "-b", OPTION_FLAG, &brief },
		{ "--brief", OPTION_FLAG, &brief },
		{ NULL, 0, NULL },
	};
	struct view w;
	char why[256];
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one pair at a time");
	code = view_load(&w, v, why, sizeof(why));
	if (code != EXIT_DONE)
		return not_known(v, code, why);
	code = show(v, &w, n == 1 ? argv[1] : NULL, brief);
	view_free(&w);
	return code;
}
