/* SPDX-License-Identifier: ISC */

/* A whole manifest in memory into a tree or a delta.  Pure. */

#include <string.h>

#include "log.h"
#include "manifest.h"

struct whole {
	struct manifest_header	*header;
	struct tree		*tree;
	struct delta		*delta;
};

static const char *
on_header(void *arg, const struct manifest_header *h)
{
	struct whole *w = arg;

	*w->header = *h;
	if (h->full)
		w->tree = tree_new();
	else
		w->delta = delta_new();
	return w->tree == NULL && w->delta == NULL ? "no memory" : NULL;
}

static const char *
on_put(void *arg, const struct entry *e)
{
	struct whole *w = arg;

	return w->tree != NULL ? tree_put(w->tree, e) :
	    delta_put(w->delta, e);
}

static const char *
on_drop(void *arg, const char *path)
{
	struct whole *w = arg;

	return delta_drop(w->delta, path);
}

bool
manifest_read(const void *text, size_t len, struct manifest_header *h,
    struct tree **t, struct delta **d, const struct manifest_limits *limits,
    char error[MANIFEST_ERROR_MAX])
{
	struct whole w = { .header = h };
	struct manifest_events ev = { .header = on_header, .put = on_put,
	    .drop = on_drop, .arg = &w };
	struct manifest_reader *r = manifest_reader_new(&ev, limits);
	bool good = false;

	*t = NULL;
	*d = NULL;
	if (r == NULL) {
		(void)fmt_into(error, MANIFEST_ERROR_MAX, "no memory");
		return false;
	}
	good = manifest_feed(r, text, len) && manifest_end(r);
	if (good) {
		*t = w.tree;
		*d = w.delta;
	} else {
		(void)fmt_into(error, MANIFEST_ERROR_MAX, "%s",
		    manifest_reader_error(r));
		tree_free(w.tree);
		delta_free(w.delta);
	}
	manifest_reader_free(r);
	return good;
}
