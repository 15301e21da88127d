/* SPDX-License-Identifier: ISC */

/*
 * vipctl report: asks the daemon for all it knows of its past and writes the
 * page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mono.h"
#include "report.h"

/* The takeovers of one pair, oldest first. */
static int
read_history(struct vipctl *v, struct report *r)
{
	enum client_result res;
	union ctl_any rec;
	struct client c;
	int code;

	code = client_begin(&c, v, CTL_STATUS, CTL_GET_HISTORY,
	    view_index(r->w, r->vp));
	if (code != EXIT_DONE)
		return code;
	while ((res = client_next(&c, &rec, CLIENT_TIMEOUT_MS)) ==
	    CLIENT_RECORD)
		if (rec.head.type == CTL_HISTORY &&
		    rec.head.pair == r->vp->p.head.pair &&
		    r->nhistory < REPORT_HISTORY_MAX)
			r->history[r->nhistory++] = rec.history.entry;
	if (res != CLIENT_END)
		code = client_failed(&c, v, res);
	client_close(&c);
	return code;
}

static int
one_pair(struct vipctl *v, FILE *f, const struct view *w,
    const struct view_pair *vp)
{
	struct report *r = calloc(1, sizeof(*r));
	int code;

	if (r == NULL) {
		complain(v, "out of memory");
		return EXIT_REFUSED;
	}
	r->w = w;
	r->vp = vp;
	r->now_ns = w->wall_ns;
	code = read_history(v, r);
	if (code == EXIT_DONE)
		code = events_get(v, view_index(w, vp), &r->events);
	if (code == EXIT_DONE)
		report_pair(f, r);
	free(r);
	return code;
}

static int
write_page(struct vipctl *v, FILE *f, const struct view *w,
    const struct view_pair *only)
{
	int code = EXIT_DONE;
	size_t i;

	html_begin(f, "vipair report");
	for (i = 0; code == EXIT_DONE && i < w->npairs; i++)
		if (only == NULL || only == &w->pair[i])
			code = one_pair(v, f, w, &w->pair[i]);
	html_end(f);
	return code;
}

/* As a whole or not at all: a report that is cut is worse than none. */
static int
to_file(struct vipctl *v, const char *path, const struct view *w,
    const struct view_pair *only)
{
	char temp[512];
	FILE *f;
	int code;

	if (snprintf(temp, sizeof(temp), "%s.new", path) >=
	    (int)sizeof(temp)) {
		complain(v, "%s: the name is too long", path);
		return EXIT_REFUSED;
	}
	f = fopen(temp, "wxe");
	if (f == NULL) {
		complain(v, "%s: %s", temp, strerror(errno));
		return EXIT_REFUSED;
	}
	code = write_page(v, f, w, only);
	if (fclose(f) != 0 && code == EXIT_DONE) {
		complain(v, "%s: %s", temp, strerror(errno));
		code = EXIT_REFUSED;
	}
	if (code == EXIT_DONE && rename(temp, path) == -1) {
		complain(v, "%s: %s", path, strerror(errno));
		code = EXIT_REFUSED;
	}
	if (code != EXIT_DONE)
		(void)unlink(temp);
	else
		fprintf(v->out, "%s\nnext: open it in a browser; it needs no "
		    "other file\n", path);
	return code;
}

int
cmd_report(struct vipctl *v, int argc, char **argv)
{
	const struct view_pair *only = NULL;
	const char *path = NULL;
	const struct option_word words[] = {
		{ "--output", OPTION_STRING, &path },
		{ NULL, 0, NULL },
	};
	struct view w;
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one pair at a time");
	if (path == NULL && v->tty)
		return usage_error(v, argv[0], "a page is not for a "
		    "terminal: give --output file, or redirect it");
	code = view_get(&w, v);
	if (code != EXIT_DONE)
		return code;
	if (n == 1 && (only = view_pick(&w, v, argv[1])) == NULL)
		code = EXIT_REFUSED;
	else if (path != NULL)
		code = to_file(v, path, &w, only);
	else
		code = write_page(v, v->out, &w, only);
	view_free(&w);
	return code;
}
